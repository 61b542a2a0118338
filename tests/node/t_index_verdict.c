/* A verdict that changes after a message was folded: the index is what it would have been. */
#include <inttypes.h>

#include "tests/node/index_fixture.h"

static struct fixture home;

static const char pattern[] = "[ipv4-addr:value = '198.51.100.7']";

static bool found_any(void *arg, const struct object_at *at, enum match_how how)
{
	(void)at, (void)how;
	*(bool *)arg = true;
	return false;
}

static bool known(struct pair *p)
{
	struct observable o;
	const char *why;
	bool any = false;
	need(observable_set(&o, OBSERVABLE_IPV4, "198.51.100.7", &why) == ERR_OK);
	need(index_match(p->reader, &o, found_any, &any) == ERR_OK);
	return any;
}

static struct index_counts counts_of(struct pair *p)
{
	struct index_counts c;
	need(index_count(p->reader, &c) == ERR_OK);
	return c;
}

static void same_when_built_again(struct pair *p, const char *what)
{
	struct report report;
	report_init(&report);
	is_int(index_check(p->index, &report), ERR_OK, "%s: as it would be built again", what);
	for (size_t i = 0; i < report.count; i++)
		printf("# %s\n", report.lines[i]);
	report_clear(&report);
}

static enum err change(struct pair *p, uint64_t lsn, enum verdict_change what)
{
	need(log_begin(p->log) == ERR_OK);
	enum err e = log_change_verdict(p->log, lsn, what, 1);
	if (e)
		log_abort(p->log);
	else
		need(log_commit(p->log) == ERR_OK);
	return e;
}

static uint64_t tell(struct pair *p, uint64_t seed, const char *more, enum verdict verdict)
{
	struct sample s;
	post_make(&s, seed, 1, "{}", indicator(1, 1, pattern, more));
	uint64_t lsn = commit_sample(p, &s, verdict);
	sample_clear(&s);
	return lsn;
}

static struct sample recall_of(const struct sample *target, uint64_t sequence)
{
	static const char json[] = "{\"because\":\"leaked\"}";
	static struct header h;
	struct sample s = {0};
	need(header_decode(&h, target->row, target->length - SIGNATURE_BYTES) == ERR_OK);
	need(body_pack(&s.body, &s.body_length, json, sizeof json - 1) == ERR_OK);
	h.kind = KIND_RECALL;
	h.ref = target->id;
	h.sequence = sequence;
	sample_finish(&s, &h);
	return s;
}

static size_t in_range(struct pair *p)
{
	struct trie_store s;
	struct trie_entry entry;
	size_t n = 0;
	need(index_trie(p->reader, &s) == ERR_OK);
	for (enum err e = s.seek(s.self, TRIE_RANGE, "", 1, &entry); e == ERR_OK;
	     e = s.next(s.self, TRIE_RANGE, &entry))
		n++;
	return n;
}

static void what_was_suspended_is_released(void)
{
	struct pair p;
	pair_fresh(&p, &home);
	uint64_t lsn = tell(&p, 1, "", VERDICT_SUSPENDED);
	fold_all(&p);
	ok(!known(&p) && counts_of(&p).held == 1, "held");
	is_int(in_range(&p), 1, "and in its set");
	is_int(change(&p, lsn, VERDICT_RELEASED), ERR_OK, "released");
	is_int(change(&p, lsn, VERDICT_RELEASED), ERR_STATE, "once");
	fold_all(&p);
	ok(known(&p) && counts_of(&p).held == 0, "is known, and held no more");
	is_int(in_range(&p), 1, "in its set as before");
	same_when_built_again(&p, "released");
	pair_reopen(&p, &home);
	fold_all(&p);
	ok(known(&p), "after a start, too");
	pair_close(&p);
}

static void what_is_released_may_be_held_for_what_it_says(void)
{
	struct pair p;
	char why[256];
	pair_fresh(&p, &home);
	uint64_t lsn = tell(&p, 1, ",\"revoked\":7", VERDICT_SUSPENDED);
	fold_all(&p);
	is_int(change(&p, lsn, VERDICT_RELEASED), ERR_OK, "released");
	fold_all(&p);
	ok(!known(&p) && counts_of(&p).held == 1, "held still");
	ok(index_held(p.reader, lsn, why, sizeof why) && !strstr(why, "suspended"), "for: %s", why);
	same_when_built_again(&p, "held for another reason");
	pair_close(&p);
}

static void what_is_void_is_in_nothing(void)
{
	static const enum verdict verdicts[] = {VERDICT_ACCEPTED, VERDICT_HELD, VERDICT_SUSPENDED,
						VERDICT_HEADER_ONLY};
	for (size_t i = 0; i < sizeof verdicts / sizeof *verdicts; i++) {
		struct pair p;
		struct log_reader *reader;
		struct log_row row;
		size_t n;
		struct erasable what[4];
		pair_fresh(&p, &home);
		tell(&p, 7, "", VERDICT_HELD);
		uint64_t lsn = tell(&p, 1, "", verdicts[i]);
		fold_all(&p);
		is_int(known(&p), verdicts[i] == VERDICT_ACCEPTED, "case %zu", i);
		is_int(change(&p, lsn, VERDICT_VOIDED), ERR_OK, "is void");
		is_int(change(&p, lsn, VERDICT_VOIDED), ERR_STATE, "once");
		fold_all(&p);
		ok(!known(&p) && counts_of(&p).held == 1 && counts_of(&p).objects == 0, "gone");
		is_int(in_range(&p), 1, "from its set as well");
		same_when_built_again(&p, "void");
		need(log_reader_open(&reader, p.log) == ERR_OK &&
		     log_read(reader, lsn, &row) == ERR_OK);
		ok(row.is_void && row.verdict == verdicts[i], "the row says so");
		log_reader_close(reader);
		need(index_erasable(p.reader, 0, what, 4, &n) == ERR_OK);
		ok(n == 1 && what[0].lsn == lsn && what[0].expired, "and may go");
		need(log_begin(p.log) == ERR_OK && log_expire(p.log, &lsn, 1) == ERR_OK &&
		     log_commit(p.log) == ERR_OK);
		same_when_built_again(&p, "gone");
		is_int(log_check(p.log, NULL), ERR_OK, "and the log is whole");
		pair_close(&p);
	}
}

static void what_is_void_before_it_is_folded_never_was(void)
{
	struct pair p;
	pair_fresh(&p, &home);
	uint64_t lsn = tell(&p, 1, "", VERDICT_ACCEPTED);
	change(&p, lsn, VERDICT_VOIDED);
	fold_all(&p);
	ok(!known(&p) && in_range(&p) == 0, "nothing of it");
	same_when_built_again(&p, "void from the start");
	pair_close(&p);
}

static void another_that_says_the_same_stays(void)
{
	struct pair p;
	pair_fresh(&p, &home);
	tell(&p, 1, "", VERDICT_ACCEPTED);
	uint64_t second = tell(&p, 2, "", VERDICT_ACCEPTED);
	fold_all(&p);
	change(&p, second, VERDICT_VOIDED);
	fold_all(&p);
	ok(known(&p), "the other's");
	same_when_built_again(&p, "one of two");
	pair_close(&p);
}

static void a_released_recall_takes_back(void)
{
	struct pair p;
	struct sample s, recall;
	pair_fresh(&p, &home);
	post_make(&s, 5, 1, "{}", indicator(1, 1, pattern, ""));
	commit_sample(&p, &s, VERDICT_ACCEPTED);
	recall = recall_of(&s, 6);
	uint64_t lsn = commit_sample(&p, &recall, VERDICT_SUSPENDED);
	fold_all(&p);
	ok(known(&p), "a suspended recall takes nothing back");
	change(&p, lsn, VERDICT_RELEASED);
	fold_all(&p);
	ok(!known(&p), "a released one does");
	same_when_built_again(&p, "recalled late");
	sample_clear(&s);
	sample_clear(&recall);
	pair_close(&p);
}

static void facts_that_make_no_sense_are_passed_over(void)
{
	static const uint8_t texts[][9] = {
		{1}, {1, 0, 0, 0, 0, 0, 0, 0, 9}, {3, 0, 0, 0, 0, 0, 0, 0, 1}};
	struct pair p;
	uint64_t lsn;
	pair_fresh(&p, &home);
	tell(&p, 1, "", VERDICT_ACCEPTED);
	for (size_t i = 0; i < 3; i++) {
		need(log_begin(p.log) == ERR_OK);
		need(log_append_fact(p.log, FACT_VERDICT, 1, texts[i], i ? 9 : 8, &lsn) == ERR_OK);
		need(log_commit(p.log) == ERR_OK);
	}
	fold_all(&p);
	ok(known(&p), "nothing has changed");
	same_when_built_again(&p, "nonsense");
	pair_close(&p);
}

/* What any order of messages, recalls, changes, folds, erasures and starts ends in. */
static void history(uint64_t seed)
{
	enum { STEPS = 60 };
	static const enum verdict verdicts[] = {VERDICT_ACCEPTED, VERDICT_ACCEPTED,
						VERDICT_SUSPENDED, VERDICT_HELD};
	struct sample told[STEPS];
	size_t count = 0;
	struct erasable what[16];
	uint64_t positions = 0, posts[STEPS];
	struct pair p;
	pair_fresh(&p, &home);
	for (unsigned i = 0; i < STEPS; i++) {
		seed = seed * 6364136223846793005u + 1442695040888963407u;
		unsigned dice = (unsigned)(seed >> 33) % 12, which = (unsigned)(seed >> 40);
		size_t n;
		if (dice < 4 || count == 0) {
			post_make(&told[count], fixture_seed++, 1, "{}",
				  indicator(which % 5, 1 + which % 28, pattern, ""));
			positions = commit_sample(&p, &told[count], verdicts[which % 4]);
			posts[count++] = positions;
		} else if (dice < 6) {
			struct sample s = recall_of(&told[which % count], fixture_seed++);
			positions = commit_sample(&p, &s, verdicts[which % 3]);
			sample_clear(&s);
		} else if (dice < 9) {
			/* A recall is never void. */
			if (dice == 8)
				change(&p, posts[which % count], VERDICT_VOIDED);
			else
				change(&p, 1 + which % positions, VERDICT_RELEASED);
		} else if (dice < 11) {
			fold_all(&p);
			need(index_erasable(p.reader, 0, what, 16, &n) == ERR_OK);
			need(log_begin(p.log) == ERR_OK);
			for (size_t k = 0; k < n && dice == 9; k++) {
				if (what[k].expired)
					need(log_expire(p.log, &what[k].lsn, 1) == ERR_OK);
				else
					log_remove_body(p.log, what[k].lsn);
			}
			need(log_commit(p.log) == ERR_OK);
		} else {
			pair_reopen(&p, &home);
		}
	}
	fold_all(&p);
	struct index_counts before = counts_of(&p), after;
	bool good = index_check(p.index, NULL) == ERR_OK;
	need(index_rebuild(p.index) == ERR_OK && index_reader_renew(p.reader) == ERR_OK);
	after = counts_of(&p);
	good = good && index_check(p.index, NULL) == ERR_OK && before.objects == after.objects &&
	       before.held == after.held && log_check(p.log, NULL) == ERR_OK;
	for (size_t i = 0; i < count; i++)
		sample_clear(&told[i]);
	pair_close(&p);
	if (!good)
		ok(false, "seed %" PRIu64, seed);
}

static void every_history_ends_in_the_same_index(void)
{
	for (uint64_t seed = 1; seed <= 60; seed++)
		history(seed);
	ok(true, "60 histories");
}

int main(void)
{
	fixture_init(&home);
	RUN(what_was_suspended_is_released);
	RUN(what_is_released_may_be_held_for_what_it_says);
	RUN(what_is_void_is_in_nothing);
	RUN(what_is_void_before_it_is_folded_never_was);
	RUN(another_that_says_the_same_stays);
	RUN(a_released_recall_takes_back);
	RUN(facts_that_make_no_sense_are_passed_over);
	RUN(every_history_ends_in_the_same_index);
	fixture_clear(&home);
	return tap_done();
}
