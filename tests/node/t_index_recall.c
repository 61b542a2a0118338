/* Recalls in the index: what is taken back makes nothing, in whatever order things came. */
#include "tests/node/index_fixture.h"

static struct fixture home;

/* Where the row is and what is needed to recall it. */
struct told {
	struct message_id id;
	struct header header;
	uint64_t lsn;
};

static struct sample sample_of(const char *objects, unsigned origin, struct told *told)
{
	struct sample s;
	post_make(&s, fixture_seed++, origin, "{}", objects);
	told->id = s.id;
	need(header_decode(&told->header, s.row, s.length - SIGNATURE_BYTES) == ERR_OK);
	return s;
}

static struct told tell(struct pair *p, const char *objects)
{
	struct told told;
	struct sample s = sample_of(objects, 1, &told);
	told.lsn = commit_sample(p, &s, VERDICT_ACCEPTED);
	sample_clear(&s);
	return told;
}

/* A recall of it; change() may make it one that does not apply. */
static struct sample recall_of(const struct told *told, void (*change)(struct header *h))
{
	struct sample s = {0};
	struct header h = told->header;
	static const char json[] = "{\"because\":\"leaked\"}";
	need(body_pack(&s.body, &s.body_length, json, sizeof json - 1) == ERR_OK);
	h.kind = KIND_RECALL;
	h.ref = told->id;
	h.sequence = fixture_seed++;
	if (change)
		change(&h);
	sample_finish(&s, &h);
	return s;
}

static void take_back(struct pair *p, const struct told *told)
{
	struct sample s = recall_of(told, NULL);
	commit_sample(p, &s, VERDICT_ACCEPTED);
	sample_clear(&s);
}

static void body_goes(struct pair *p, uint64_t lsn)
{
	need(log_begin(p->log) == ERR_OK);
	need(log_remove_body(p->log, lsn) == ERR_OK);
	need(log_commit(p->log) == ERR_OK);
}

static bool count_one(void *arg, const struct object_at *at, enum match_how how)
{
	(void)at, (void)how;
	++*(unsigned *)arg;
	return true;
}

static unsigned known(struct pair *p, enum observable_type type, const char *text)
{
	unsigned n = 0;
	struct observable o;
	const char *why;
	need(observable_set(&o, type, text, &why) == ERR_OK);
	need(index_match(p->reader, &o, count_one, &n) == ERR_OK);
	return n;
}

static struct index_counts counts_of(struct pair *p)
{
	struct index_counts c;
	need(index_count(p->reader, &c) == ERR_OK);
	return c;
}

static size_t erasable(struct pair *p, uint64_t *first)
{
	struct erasable found[16];
	size_t n;
	need(index_erasable(p->reader, 0, found, 16, &n) == ERR_OK);
	*first = n ? found[0].lsn : 0;
	return n;
}

/* Every way to come to this index ends in the same rows. */
static void same_when_built_again(struct pair *p, const char *when)
{
	struct report report;
	report_init(&report);
	is_int(index_check(p->index, &report), ERR_OK, "%s: the check agrees: %s", when,
	       report.count ? report_first(&report) : "");
	report_clear(&report);
	need(index_rebuild(p->index) == ERR_OK && index_reader_renew(p->reader) == ERR_OK);
	is_int(index_check(p->index, NULL), ERR_OK, "%s: rebuilt, too", when);
}

static const char *two_values(void)
{
	static char both[8192];
	snprintf(both, sizeof both, "%s,%s",
		 indicator(1, 1, "[ipv4-addr:value = '198.51.100.0/24']", ""),
		 indicator(2, 1, "[domain-name:value = 'evil.example']", ""));
	return both;
}

static void what_is_recalled_after_it_was_folded_is_known_no_more(void)
{
	struct pair p;
	uint64_t lsn;
	pair_fresh(&p, &home);
	struct told leaked = tell(&p, two_values());
	tell(&p, indicator(3, 1, "[ipv4-addr:value = '198.51.100.9']", ""));
	fold_all(&p);
	is_int(known(&p, OBSERVABLE_IPV4, "198.51.100.9"), 2, "by value and by network");
	take_back(&p, &leaked);
	uint64_t before = index_erasures(p.index);
	fold_all(&p);
	is_int(known(&p, OBSERVABLE_IPV4, "198.51.100.9"), 1, "by value alone");
	is_int(known(&p, OBSERVABLE_DOMAIN, "a.evil.example"), 0, "the domain is unknown");
	is_int(counts_of(&p).objects, 1, "one object is left");
	is_int(counts_of(&p).messages, 3, "and three messages");
	ok(index_erasures(p.index) != before, "that is told");
	ok(erasable(&p, &lsn) == 1 && lsn == leaked.lsn, "one body may go");
	same_when_built_again(&p, "with its body");
	ok(erasable(&p, &lsn) == 1 && lsn == leaked.lsn, "a rebuild knows it too");
	body_goes(&p, leaked.lsn);
	same_when_built_again(&p, "without its body");
	is_int(erasable(&p, &lsn), 0, "then nothing is left to erase");
	is_int(known(&p, OBSERVABLE_IPV4, "198.51.100.9"), 1, "and what stays stays");
	pair_close(&p);
}

static void in_one_batch_nothing_is_added_at_all(void)
{
	struct pair p;
	uint64_t lsn;
	pair_fresh(&p, &home);
	struct told leaked = tell(&p, two_values());
	take_back(&p, &leaked);
	is_int(index_unfolded(p.index), 2, "neither is folded");
	fold_all(&p);
	is_int(known(&p, OBSERVABLE_DOMAIN, "evil.example"), 0, "unknown");
	is_int(counts_of(&p).objects, 0, "no object");
	ok(erasable(&p, &lsn) == 1 && lsn == leaked.lsn, "the body may go");
	same_when_built_again(&p, "one batch");
	pair_close(&p);
}

static void what_comes_after_its_recall_adds_nothing_and_is_not_held(void)
{
	struct pair p;
	uint64_t lsn = 0;
	char why[256];
	struct told late;
	pair_fresh(&p, &home);
	struct sample s = sample_of(two_values(), 1, &late);
	take_back(&p, &late);
	fold_all(&p);
	struct log_row row = {.data = s.row, .length = s.length, .verdict = VERDICT_ACCEPTED};
	need(log_begin(p.log) == ERR_OK);
	need(log_append(p.log, &row, &s.id, NULL, 0, &lsn) == ERR_OK);
	need(log_commit(p.log) == ERR_OK);
	need(index_note(p.index, &s.id, lsn) == ERR_OK);
	fold_all(&p);
	is_int(known(&p, OBSERVABLE_DOMAIN, "evil.example"), 0, "unknown");
	is_int(counts_of(&p).held, 0, "not held");
	ok(index_held(p.reader, lsn, why, sizeof why) == NULL, "and no reason is given");
	is_int(erasable(&p, &lsn), 0, "there is no body to go");
	same_when_built_again(&p, "bodyless");
	sample_clear(&s);
	pair_close(&p);
	/* The same with a body that should not have been stored. */
	pair_fresh(&p, &home);
	s = sample_of(two_values(), 1, &late);
	take_back(&p, &late);
	fold_all(&p);
	late.lsn = commit_sample(&p, &s, VERDICT_ACCEPTED);
	fold_all(&p);
	is_int(known(&p, OBSERVABLE_DOMAIN, "evil.example"), 0, "unknown with a body as well");
	ok(erasable(&p, &lsn) == 1 && lsn == late.lsn, "which may go");
	same_when_built_again(&p, "with a body");
	sample_clear(&s);
	pair_close(&p);
}

static void held_content_is_let_go(void)
{
	struct pair p;
	pair_fresh(&p, &home);
	struct told bad = tell(&p, "{\"type\":\"indicator\"}");
	fold_all(&p);
	is_int(counts_of(&p).held, 1, "held");
	take_back(&p, &bad);
	fold_all(&p);
	is_int(counts_of(&p).held, 0, "not any more");
	same_when_built_again(&p, "held");
	pair_close(&p);
}

static void held_messages_are_let_go(void)
{
	struct pair p;
	struct told told;
	pair_fresh(&p, &home);
	struct sample s = sample_of(two_values(), 1, &told);
	told.lsn = commit_sample(&p, &s, VERDICT_HELD);
	fold_all(&p);
	is_int(counts_of(&p).held, 1, "held");
	take_back(&p, &told);
	fold_all(&p);
	is_int(counts_of(&p).held, 0, "not any more");
	same_when_built_again(&p, "held message");
	sample_clear(&s);
	pair_close(&p);
}

static void an_earlier_version_is_current_again(void)
{
	struct pair p;
	pair_fresh(&p, &home);
	tell(&p, indicator(1, 1, "[ipv4-addr:value = '198.51.100.7']", ""));
	struct told second = tell(&p, indicator(1, 2, "[ipv4-addr:value = '198.51.100.8']", ""));
	fold_all(&p);
	is_int(known(&p, OBSERVABLE_IPV4, "198.51.100.7"), 0, "superseded");
	take_back(&p, &second);
	fold_all(&p);
	is_int(known(&p, OBSERVABLE_IPV4, "198.51.100.7"), 1, "current again");
	is_int(known(&p, OBSERVABLE_IPV4, "198.51.100.8"), 0, "the later one is unknown");
	is_int(counts_of(&p).objects, 1, "one lineage, before and after");
	same_when_built_again(&p, "versions");
	pair_close(&p);
}

static void other_origin(struct header *h)
{
	h->origin.b[0] ^= 1;
}

static void other_audience(struct header *h)
{
	h->audience.b[0] ^= 1;
}

static void sooner(struct header *h)
{
	h->expiry--;
}

static void other_kind(struct header *h)
{
	h->kind = KIND_RECEIPT;
}

static void other_target(struct header *h)
{
	h->ref.b[31] ^= 1;
}

static void only_what_applies_takes_back(void)
{
	void (*const changes[])(struct header *) = {other_origin, other_audience, sooner,
						    other_kind, other_target};
	struct pair p;
	uint64_t lsn;
	pair_fresh(&p, &home);
	struct told told = tell(&p, two_values());
	for (size_t early = 0; early < 2; early++) {
		for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
			struct sample s = recall_of(&told, changes[i]);
			commit_sample(&p, &s, VERDICT_ACCEPTED);
			sample_clear(&s);
		}
		struct sample s = recall_of(&told, NULL);
		commit_sample(&p, &s, VERDICT_HELD);
		sample_clear(&s);
		s = recall_of(&told, NULL);
		commit_sample(&p, &s, VERDICT_HEADER_ONLY);
		sample_clear(&s);
		fold_all(&p);
		is_int(known(&p, OBSERVABLE_DOMAIN, "evil.example"), 1, "still known");
		is_int(erasable(&p, &lsn), 0, "and kept");
	}
	same_when_built_again(&p, "recalls that do not apply");
	pair_close(&p);
}

static void a_recall_takes_back_no_recall(void)
{
	struct pair p;
	struct told recall;
	uint64_t lsn;
	pair_fresh(&p, &home);
	struct told told = tell(&p, two_values());
	struct sample s = recall_of(&told, NULL);
	recall.id = s.id;
	need(header_decode(&recall.header, s.row, s.length - SIGNATURE_BYTES) == ERR_OK);
	recall.lsn = commit_sample(&p, &s, VERDICT_ACCEPTED);
	sample_clear(&s);
	take_back(&p, &recall);
	fold_all(&p);
	is_int(known(&p, OBSERVABLE_DOMAIN, "evil.example"), 0, "it stays recalled");
	ok(erasable(&p, &lsn) == 1 && lsn == told.lsn, "and the recall keeps its body");
	pair_close(&p);
}

static void two_recalls_are_as_good_as_one(void)
{
	struct pair p;
	uint64_t lsn;
	pair_fresh(&p, &home);
	struct told told = tell(&p, two_values());
	tell(&p, indicator(9, 1, "[ipv4-addr:value = '203.0.113.9']", ""));
	fold_all(&p);
	take_back(&p, &told);
	take_back(&p, &told);
	fold_all(&p);
	take_back(&p, &told);
	fold_all(&p);
	is_int(counts_of(&p).objects, 1, "counted once");
	is_int(erasable(&p, &lsn), 1, "erased once");
	body_goes(&p, told.lsn);
	take_back(&p, &told);
	fold_all(&p);
	is_int(erasable(&p, &lsn), 0, "and not again");
	same_when_built_again(&p, "several recalls");
	pair_close(&p);
}

/* A crash between the fold and the erasing, and one behind it, and a lost index at both. */
static void what_a_crash_left_over_is_told_again(void)
{
	struct pair p;
	uint64_t lsn;
	pair_fresh(&p, &home);
	struct told told = tell(&p, two_values());
	fold_all(&p);
	take_back(&p, &told);
	pair_reopen(&p, &home);
	fold_all(&p);
	pair_reopen(&p, &home);
	ok(index_erasures(p.index) != 0, "there is something to look at");
	ok(erasable(&p, &lsn) == 1 && lsn == told.lsn, "the body may still go");
	pair_close(&p);
	remove_tree(path_in(&home, "index"));
	pair_open(&p, &home);
	fold_all(&p);
	ok(erasable(&p, &lsn) == 1 && lsn == told.lsn, "also for a new index");
	body_goes(&p, told.lsn);
	pair_close(&p);
	remove_tree(path_in(&home, "index"));
	pair_open(&p, &home);
	fold_all(&p);
	is_int(erasable(&p, &lsn), 0, "not once it has gone");
	is_int(counts_of(&p).objects, 0, "and nothing is known");
	is_int(index_check(p.index, NULL), ERR_OK, "the check agrees");
	is_int(log_check(p.log, NULL), ERR_OK, "and so does the log's");
	pair_close(&p);
}

static void after_a_restart_a_recall_is_found_before_any_fold(void)
{
	struct pair p;
	struct log_reader *log;
	struct header h;
	uint64_t lsn = 0;
	pair_fresh(&p, &home);
	struct told told = tell(&p, two_values());
	take_back(&p, &told);
	pair_reopen(&p, &home);
	need(log_reader_open(&log, p.log) == ERR_OK);
	is_int(index_recall(p.reader, log, &told.header, &told.id, &h, &lsn), ERR_OK, "recalled");
	ok(lsn == 2 && h.kind == KIND_RECALL, "by the second message");
	told.header.origin.b[0] ^= 1;
	is_int(index_recall(p.reader, log, &told.header, &told.id, &h, &lsn), ERR_NOT_FOUND,
	       "another's is not");
	log_reader_close(log);
	pair_close(&p);
}

struct sayers {
	uint64_t lsns[8];
	size_t count;
};

static bool take_sayer(void *arg, uint64_t lsn)
{
	struct sayers *s = arg;
	need(s->count < 8);
	s->lsns[s->count++] = lsn;
	return true;
}

static struct sayers sayers_of(struct pair *p, const char *domain)
{
	struct sayers s = {0};
	struct observable o;
	const char *why;
	need(observable_set(&o, OBSERVABLE_DOMAIN, domain, &why) == ERR_OK);
	need(index_sayers(p->reader, &o, take_sayer, &s) == ERR_OK);
	return s;
}

/* What leaked is in versions that are past or revoked as well. */
static void every_message_that_says_a_value_is_found(void)
{
	struct pair p;
	char both[8192];
	pair_fresh(&p, &home);
	struct told first = tell(&p, indicator(1, 1, "[domain-name:value = 'a.example']", ""));
	tell(&p, indicator(1, 2, "[domain-name:value = 'a.example']", ",\"revoked\":true"));
	tell(&p, indicator(2, 1, "[domain-name:value = 'b.a.example']", ""));
	snprintf(both, sizeof both, "%s,%s",
		 indicator(3, 1, "[domain-name:value = 'a.example']", ""),
		 indicator(4, 1, "[domain-name:value = 'a.example']", ""));
	tell(&p, both);
	fold_all(&p);
	is_int(known(&p, OBSERVABLE_DOMAIN, "a.example"), 2, "two objects say it now");
	struct sayers s = sayers_of(&p, "a.example");
	ok(s.count == 3 && s.lsns[0] == 1 && s.lsns[1] == 2 && s.lsns[2] == 4,
	   "three messages do, each found once");
	is_int(sayers_of(&p, "c.a.example").count, 0, "what is below it is another value");
	take_back(&p, &first);
	fold_all(&p);
	is_int(sayers_of(&p, "a.example").count, 2, "a recalled one does not");
	pair_close(&p);
}

/* A pseudo-random history: told, recalled, folded, erased, opened again, in any order. */
static void history(uint64_t seed)
{
	enum { STEPS = 60 };
	struct told told[STEPS];
	bool gone[STEPS] = {false};
	size_t count = 0;
	struct pair p;
	char pattern[96];
	pair_fresh(&p, &home);
	for (unsigned i = 0; i < STEPS; i++) {
		seed = seed * 6364136223846793005u + 1442695040888963407u;
		unsigned dice = (unsigned)(seed >> 33) % 10, which = (unsigned)(seed >> 40);
		if (dice < 5 || count == 0) {
			snprintf(pattern, sizeof pattern, "[ipv4-addr:value = '10.0.%u.0/%u']",
				 which % 4, 22 + which % 4);
			told[count++] = tell(&p, indicator(which % 5, 1 + which % 28, pattern, ""));
		} else if (dice < 7) {
			take_back(&p, &told[which % count]);
			gone[which % count] = true;
		} else if (dice < 9) {
			struct erasable found[16];
			size_t n;
			fold_all(&p);
			need(index_erasable(p.reader, 0, found, 16, &n) == ERR_OK);
			need(log_begin(p.log) == ERR_OK);
			for (size_t k = 0; k < n && dice == 8; k++)
				log_remove_body(p.log, found[k].lsn);
			need(log_commit(p.log) == ERR_OK);
		} else {
			pair_reopen(&p, &home);
		}
	}
	fold_all(&p);
	bool good = index_check(p.index, NULL) == ERR_OK;
	struct index_counts before = counts_of(&p), after;
	need(index_rebuild(p.index) == ERR_OK && index_reader_renew(p.reader) == ERR_OK);
	after = counts_of(&p);
	good = good && index_check(p.index, NULL) == ERR_OK && before.objects == after.objects;
	for (size_t i = 0; i < count && good; i++) {
		struct object_at at;
		enum err e = index_object(p.reader, &told[i].header.origin, "x", &at);
		good = e == ERR_NOT_FOUND;
		for (unsigned number = 0; number < 5 && good; number++) {
			e = index_object(p.reader, &told[i].header.origin, indicator_id(number),
					 &at);
			good = e || at.lsn != told[i].lsn || !gone[i];
		}
	}
	pair_close(&p);
	if (!good)
		ok(false, "seed %" PRIu64, seed);
}

static void every_history_ends_in_the_same_index(void)
{
	for (uint64_t seed = 1; seed <= 40; seed++)
		history(seed);
	ok(true, "40 histories");
}

int main(void)
{
	fixture_init(&home);
	RUN(what_is_recalled_after_it_was_folded_is_known_no_more);
	RUN(in_one_batch_nothing_is_added_at_all);
	RUN(what_comes_after_its_recall_adds_nothing_and_is_not_held);
	RUN(held_content_is_let_go);
	RUN(held_messages_are_let_go);
	RUN(an_earlier_version_is_current_again);
	RUN(only_what_applies_takes_back);
	RUN(a_recall_takes_back_no_recall);
	RUN(two_recalls_are_as_good_as_one);
	RUN(what_a_crash_left_over_is_told_again);
	RUN(after_a_restart_a_recall_is_found_before_any_fold);
	RUN(every_message_that_says_a_value_is_found);
	RUN(every_history_ends_in_the_same_index);
	fixture_clear(&home);
	return tap_done();
}
