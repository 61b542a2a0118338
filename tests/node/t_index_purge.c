/* Expiry in the index: what expires below the floor makes nothing and leaves nothing, in whatever
 * order it came, was recalled, folded and removed from the log. */
#include "tests/node/index_fixture.h"

static struct fixture home;

enum { HOUR = 500000 };

static uint64_t places; /* in which what is told stands; 0: each in its own */

struct told {
	struct message_id id;
	struct header header;
	uint64_t lsn;
};

static struct told say(struct pair *p, struct sample *s, struct header *h, enum verdict verdict)
{
	struct told told = {.header = *h};
	sample_finish(s, &told.header);
	told.id = s->id;
	told.lsn = commit_sample(p, s, verdict);
	sample_clear(s);
	return told;
}

/* A post with one object that expires then. */
static struct told tell(struct pair *p, uint32_t expiry, unsigned object, unsigned day,
			const char *pattern)
{
	struct sample s;
	struct header h;
	post_make(&s, fixture_seed++, 1, "{}", indicator(object, day, pattern, ""));
	need(header_decode(&h, s.row, s.length - SIGNATURE_BYTES) == ERR_OK);
	h.expiry = expiry;
	if (places)
		h.sequence = 1 + fixture_seed * 7 % places;
	return say(p, &s, &h, VERDICT_ACCEPTED);
}

static struct told take_back(struct pair *p, const struct told *told, uint32_t expiry)
{
	struct sample s = {0};
	struct header h = told->header;
	static const char json[] = "{\"because\":\"leaked\"}";
	need(body_pack(&s.body, &s.body_length, json, sizeof json - 1) == ERR_OK);
	h.kind = KIND_RECALL;
	h.ref = told->id;
	h.expiry = expiry;
	h.sequence = fixture_seed++;
	return say(p, &s, &h, VERDICT_ACCEPTED);
}

static void purge(struct pair *p, uint32_t floor)
{
	bool more = true;
	while (more)
		need(index_purge(p->index, floor, &more) == ERR_OK);
	need(index_reader_renew(p->reader) == ERR_OK);
}

/* What node_erase.c does; at most max of it. */
static size_t erase(struct pair *p, size_t max)
{
	struct erasable found[64];
	uint64_t gone[64];
	size_t n, count = 0;
	need(max <= 64 && index_reader_renew(p->reader) == ERR_OK);
	need(index_erasable(p->reader, 0, found, max, &n) == ERR_OK);
	need(log_begin(p->log) == ERR_OK);
	for (size_t i = 0; i < n; i++) {
		if (found[i].expired)
			gone[count++] = found[i].lsn;
		else
			log_remove_body(p->log, found[i].lsn);
	}
	need(log_expire(p->log, gone, count) == ERR_OK && log_commit(p->log) == ERR_OK);
	return n;
}

static bool count_one(void *arg, const struct object_at *at, enum match_how how)
{
	(void)at, (void)how;
	++*(unsigned *)arg;
	return true;
}

static unsigned known(struct pair *p, const char *address)
{
	unsigned n = 0;
	struct observable o;
	const char *why;
	need(observable_set(&o, OBSERVABLE_IPV4, address, &why) == ERR_OK);
	need(index_match(p->reader, &o, count_one, &n) == ERR_OK);
	return n;
}

static struct index_counts counts(struct pair *p)
{
	struct index_counts c;
	need(index_count(p->reader, &c) == ERR_OK);
	return c;
}

static bool is_here(struct pair *p, const struct told *told)
{
	uint64_t lsn;
	return index_find(p->reader, &told->id, &lsn) == ERR_OK;
}

static void same_when_built_again(struct pair *p, const char *when)
{
	struct report report;
	report_init(&report);
	is_int(index_check(p->index, &report), ERR_OK, "%s: the check agrees: %s", when,
	       report.count ? report_first(&report) : "");
	report_clear(&report);
	need(index_rebuild(p->index) == ERR_OK);
	is_int(index_check(p->index, NULL), ERR_OK, "%s: rebuilt, too", when);
	need(index_reader_renew(p->reader) == ERR_OK);
}

static void what_expires_below_the_floor_is_gone_from_every_table(void)
{
	struct pair p;
	struct erasable found[8];
	size_t n;
	uint64_t at = 0, lsn;
	pair_fresh(&p, &home);
	struct told early = tell(&p, HOUR - 1, 1, 1, "[ipv4-addr:value = '198.51.100.0/24']");
	struct told late = tell(&p, HOUR, 2, 1, "[ipv4-addr:value = '198.51.100.7']");
	struct sample s;
	post_make(&s, fixture_seed++, 1, "{}", "{\"type\":\"indicator\"}"); /* held */
	struct header h;
	need(header_decode(&h, s.row, s.length - SIGNATURE_BYTES) == ERR_OK);
	h.expiry = HOUR - 2;
	h.ref = late.id;
	struct told held = say(&p, &s, &h, VERDICT_ACCEPTED);
	fold_all(&p);
	is_int(known(&p, "198.51.100.7"), 2, "both are known");
	is_int(counts(&p).messages, 3, "three messages");
	is_int(counts(&p).held, 1, "one is held");
	purge(&p, HOUR - 2);
	ok(is_here(&p, &held), "what expires at the floor stays");
	purge(&p, HOUR);
	is_int(known(&p, "198.51.100.7"), 1, "one is left");
	ok(!is_here(&p, &early) && !is_here(&p, &held) && is_here(&p, &late), "by its id too");
	is_int(index_answers(p.reader, &late.id, &at, &lsn), ERR_NOT_FOUND, "nothing refers to it");
	is_int(counts(&p).messages, 1, "it alone is counted");
	is_int(counts(&p).objects, 1, "with its object");
	is_int(counts(&p).held, 0, "and nothing is held");
	need(index_erasable(p.reader, 0, found, 8, &n) == ERR_OK);
	ok(n == 2 && found[0].expired && found[0].lsn == early.lsn && found[1].expired &&
		   found[1].lsn == held.lsn,
	   "their rows may go");
	need(index_erasable(p.reader, early.lsn, found, 8, &n) == ERR_OK);
	ok(n == 1 && found[0].lsn == held.lsn, "behind the first there is the other");
	same_when_built_again(&p, "before they go");
	need(index_erasable(p.reader, 0, found, 8, &n) == ERR_OK);
	is_int(n, 2, "a rebuild knows it too");
	is_int(erase(&p, 1), 1, "one goes");
	same_when_built_again(&p, "one gone");
	is_int(erase(&p, 8), 1, "the other goes");
	same_when_built_again(&p, "both gone");
	is_int(erase(&p, 8), 0, "that is all");
	is_int(index_unfolded(p.index), 0, "nothing is left to fold");
	pair_reopen(&p, &home);
	is_int(index_unfolded(p.index), 0, "nor when it is opened again");
	is_int(known(&p, "198.51.100.7"), 1, "what stays stays");
	pair_close(&p);
}

static void what_is_not_folded_yet_is_never_made(void)
{
	struct pair p;
	pair_fresh(&p, &home);
	tell(&p, HOUR - 1, 1, 1, "[ipv4-addr:value = '198.51.100.1']");
	need(index_follow(p.index, log_head(p.log)) == ERR_OK);
	tell(&p, HOUR - 1, 2, 1, "[ipv4-addr:value = '198.51.100.2']");
	purge(&p, HOUR);
	tell(&p, HOUR - 1, 3, 1, "[ipv4-addr:value = '198.51.100.3']");
	tell(&p, HOUR, 4, 1, "[ipv4-addr:value = '198.51.100.4']");
	fold_all(&p);
	is_int(known(&p, "198.51.100.1") + known(&p, "198.51.100.2") + known(&p, "198.51.100.3"), 0,
	       "neither what was in the headers nor what came later");
	is_int(known(&p, "198.51.100.4"), 1, "but what is live");
	is_int(erase(&p, 8), 3, "all three may go");
	is_int(counts(&p).messages, 1, "one message counts");
	same_when_built_again(&p, "unfolded");
	pair_close(&p);
}

static void an_older_version_that_lives_longer_is_current_again(void)
{
	struct pair p;
	pair_fresh(&p, &home);
	tell(&p, HOUR + 9, 1, 1, "[ipv4-addr:value = '198.51.100.1']");
	tell(&p, HOUR - 1, 1, 2, "[ipv4-addr:value = '198.51.100.2']");
	fold_all(&p);
	is_int(known(&p, "198.51.100.1"), 0, "superseded");
	purge(&p, HOUR);
	is_int(known(&p, "198.51.100.1"), 1, "as for who never had the newer one");
	is_int(known(&p, "198.51.100.2"), 0, "which is gone");
	is_int(counts(&p).objects, 1, "the lineage is counted once");
	same_when_built_again(&p, "versions");
	pair_close(&p);
}

/* Recalls expire with, or after, what they take back. */
static void what_was_recalled_goes_with_its_recall(void)
{
	for (unsigned folded = 0; folded < 8; folded++) {
		struct pair p;
		pair_fresh(&p, &home);
		struct told leaked = tell(&p, HOUR - 1, 1, 1, "[ipv4-addr:value = '198.51.100.1']");
		if (folded & 1)
			fold_all(&p);
		take_back(&p, &leaked, folded & 2 ? HOUR - 1 : HOUR + 5);
		if (folded & 4)
			fold_all(&p);
		else
			need(index_follow(p.index, log_head(p.log)) == ERR_OK);
		purge(&p, HOUR);
		fold_all(&p);
		is_int(known(&p, "198.51.100.1"), 0, "%u: not known", folded);
		is_int(counts(&p).objects, 0, "nothing is left of it");
		erase(&p, 8);
		same_when_built_again(&p, "recalled");
		pair_close(&p);
	}
}

static void an_index_that_is_built_anew_begins_at_the_floor(void)
{
	struct pair p;
	uint8_t hours[4];
	pair_fresh(&p, &home);
	tell(&p, HOUR - 1, 1, 1, "[ipv4-addr:value = '198.51.100.1']");
	tell(&p, HOUR + 1, 2, 1, "[ipv4-addr:value = '198.51.100.2']");
	put_u32(hours, HOUR);
	need(log_begin(p.log) == ERR_OK && log_put(p.log, "floor", hours, 4) == ERR_OK &&
	     log_commit(p.log) == ERR_OK);
	pair_close(&p);
	remove_tree(path_in(&home, "index"));
	pair_open(&p, &home);
	fold_all(&p);
	is_int(known(&p, "198.51.100.1"), 0, "what has expired is not folded");
	is_int(known(&p, "198.51.100.2"), 1, "what has not is");
	is_int(erase(&p, 8), 1, "and the first may go");
	same_when_built_again(&p, "anew");
	pair_close(&p);
}

static void a_purge_of_many_comes_in_bounded_batches(void)
{
	enum { MANY = 5000 };
	struct pair p;
	unsigned batches = 0;
	bool more = true, bounded = true;
	pair_fresh(&p, &home);
	for (unsigned i = 0; i < MANY; i++)
		tell(&p, HOUR - 1 - i % 50, i, 1, "[ipv4-addr:value = '198.51.100.1']");
	fold_all(&p);
	uint64_t before = MANY;
	while (more) {
		need(index_purge(p.index, HOUR, &more) == ERR_OK);
		need(index_reader_renew(p.reader) == ERR_OK);
		bounded = bounded && before - counts(&p).messages <= 1000;
		before = counts(&p).messages;
		batches++;
	}
	ok(bounded && batches >= 5, "%u batches", batches);
	is_int(counts(&p).messages + counts(&p).objects, 0, "nothing is left");
	same_when_built_again(&p, "many");
	pair_close(&p);
}

/* A post of so many objects that a few hundred fill a batch with what they have made. */
static void tell_much(struct pair *p, unsigned number)
{
	enum { OBJECTS = 60, OBJECT_BYTES = 512 };
	static char objects[OBJECTS * OBJECT_BYTES];
	struct sample s;
	struct header h;
	size_t n = 0;
	for (unsigned i = 0; i < OBJECTS; i++)
		n += (size_t)snprintf(objects + n, sizeof objects - n, "%s%s", i ? "," : "",
				      indicator(number * OBJECTS + i, 1,
						"[ipv4-addr:value = '198.51.100.1']", ""));
	need(n < sizeof objects);
	post_make(&s, fixture_seed++, 1, "{}", objects);
	need(header_decode(&h, s.row, s.length - SIGNATURE_BYTES) == ERR_OK);
	h.expiry = HOUR - 1;
	say(p, &s, &h, VERDICT_ACCEPTED);
}

static void what_does_not_fit_a_batch_goes_with_the_next(void)
{
	enum { MANY = 300 };
	struct pair p;
	unsigned batches = 0;
	bool more = true;
	pair_fresh(&p, &home);
	for (unsigned i = 0; i < MANY; i++)
		tell_much(&p, i);
	fold_all(&p);
	for (; more && batches < 100; batches++)
		need(index_purge(p.index, HOUR, &more) == ERR_OK);
	need(index_reader_renew(p.reader) == ERR_OK);
	ok(batches > 1, "%u batches", batches);
	is_int(counts(&p).messages + counts(&p).objects, 0, "nothing is left");
	same_when_built_again(&p, "much");
	pair_close(&p);
}

static unsigned reuses(struct pair *p)
{
	struct reuse_at at = {0};
	unsigned n = 0;
	for (; index_reuse(p->reader, &at) == ERR_OK; at.lsn++)
		n++;
	return n;
}

static void of_what_was_used_twice_the_others_stay(void)
{
	struct pair p;
	struct reuse_at at = {0};
	pair_fresh(&p, &home);
	places = 1;
	tell(&p, HOUR - 1, 1, 1, "[ipv4-addr:value = '198.51.100.1']");
	struct told one = tell(&p, HOUR + 9, 2, 1, "[ipv4-addr:value = '198.51.100.2']");
	tell(&p, HOUR - 1, 3, 1, "[ipv4-addr:value = '198.51.100.3']");
	struct told two = tell(&p, HOUR + 9, 4, 1, "[ipv4-addr:value = '198.51.100.4']");
	tell(&p, HOUR - 1, 5, 1, "[ipv4-addr:value = '198.51.100.5']");
	fold_all(&p);
	is_int(reuses(&p), 4, "five in one place");
	purge(&p, HOUR);
	is_int(reuses(&p), 1, "two are left");
	is_int(index_reuse(p.reader, &at), ERR_OK, "which are told together");
	ok(at.lsn == two.lsn && at.before == one.lsn, "each where it is");
	same_when_built_again(&p, "used twice");
	purge(&p, HOUR + 10);
	is_int(reuses(&p), 0, "in the end there are none");
	same_when_built_again(&p, "all gone");
	places = 0;
	pair_close(&p);
}

/* Everything at random: what comes out is what one who began late would have. */
static void any_history_ends_in_the_same_index(void)
{
	enum { ROUNDS = 25, STEPS = 60 };
	uint64_t seed = 11;
	unsigned good = 0;
	for (unsigned round = 0; round < ROUNDS; round++) {
		struct told told[STEPS];
		unsigned n = 0;
		uint32_t floor = HOUR - 20;
		struct pair p;
		bool sound = true;
		pair_fresh(&p, &home);
		places = round % 2 ? 5 : 0;
		for (unsigned step = 0; step < STEPS; step++) {
			seed = seed * 6364136223846793005u + 1442695040888963407u;
			unsigned dice = (unsigned)(seed >> 33) % 12;
			unsigned which = (unsigned)(seed >> 40);
			if (dice < 5 || n == 0) {
				told[n++] = tell(&p, HOUR - 20 + which % 40, which % 6,
						 1 + which % 28, "[ipv4-addr:value = '10.0.0.1']");
			} else if (dice < 7) {
				const struct told *t = &told[which % n];
				take_back(&p, t, t->header.expiry + which % 3);
			} else if (dice == 7) {
				fold_all(&p);
			} else if (dice == 8) {
				bool more;
				floor += which % 8;
				need(index_purge(p.index, floor, &more) == ERR_OK && !more);
			} else if (dice == 9) {
				erase(&p, 1 + which % 60);
			} else if (dice == 10) {
				pair_reopen(&p, &home);
			} else {
				need(index_follow(p.index, log_head(p.log)) == ERR_OK);
			}
		}
		fold_all(&p);
		struct index_counts before = counts(&p), after;
		sound = index_check(p.index, NULL) == ERR_OK;
		for (unsigned i = 0; i < n; i++) {
			bool live = told[i].header.expiry >= floor;
			sound = sound && is_here(&p, &told[i]) == live;
		}
		while (erase(&p, 64))
			purge(&p, floor);
		sound = sound && index_check(p.index, NULL) == ERR_OK;
		need(index_rebuild(p.index) == ERR_OK && index_reader_renew(p.reader) == ERR_OK);
		after = counts(&p);
		good += sound && index_check(p.index, NULL) == ERR_OK &&
			before.objects == after.objects && before.messages == after.messages &&
			before.held == after.held && log_check(p.log, NULL) == ERR_OK;
		pair_close(&p);
	}
	is_int(good, ROUNDS, "%d histories", ROUNDS);
}

int main(void)
{
	fixture_init(&home);
	RUN(what_expires_below_the_floor_is_gone_from_every_table);
	RUN(what_is_not_folded_yet_is_never_made);
	RUN(an_older_version_that_lives_longer_is_current_again);
	RUN(what_was_recalled_goes_with_its_recall);
	RUN(an_index_that_is_built_anew_begins_at_the_floor);
	RUN(a_purge_of_many_comes_in_bounded_batches);
	RUN(what_does_not_fit_a_batch_goes_with_the_next);
	RUN(of_what_was_used_twice_the_others_stay);
	RUN(any_history_ends_in_the_same_index);
	fixture_clear(&home);
	return tap_done();
}
