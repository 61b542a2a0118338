/* What nobody has looked at: rows come from messages, go with marks, whichever came first. */
#include "node/store/index.h"

#include "protocol/bytes.h"
#include "tests/node/index_fixture.h"

static struct fixture home;

static uint64_t mark(struct pair *p, enum read_mark how, uint64_t lsn)
{
	uint8_t data[9] = {(uint8_t)how};
	uint64_t at = 0;
	put_u64(data + 1, lsn);
	need(log_begin(p->log) == ERR_OK);
	need(log_append_fact(p->log, FACT_READ, 1, data, sizeof data, &at) == ERR_OK);
	need(log_commit(p->log) == ERR_OK);
	return at;
}

/* All rows as "class:position", in their order; those that were seen with a mark. */
static const char *rows(struct pair *p)
{
	static char text[4096];
	struct unread_at at = {.class = UNREAD_WANTED, .lsn = UINT64_MAX};
	size_t n = 0;
	*text = '\0';
	while (index_unread(p->reader, &at) == ERR_OK)
		n += (size_t)snprintf(text + n, sizeof text - n, "%s%c%u%s", n ? " " : "",
				      "wop"[at.class], (unsigned)at.lsn, at.seen ? "s" : "");
	return text;
}

static void counted(struct pair *p, uint64_t wanted, uint64_t ours, uint64_t public)
{
	uint64_t counts[UNREAD_CLASSES] = {99, 99, 99};
	need(index_unread_count(p->reader, counts) == ERR_OK);
	ok(counts[0] == wanted && counts[1] == ours && counts[2] == public, "counted: %u %u %u",
	   (unsigned)counts[0], (unsigned)counts[1], (unsigned)counts[2]);
}

static const char value[] = "[ipv4-addr:value = '10.0.0.1']";

static uint64_t say(struct pair *p, const char *envelope)
{
	static unsigned number;
	return post(p, 1, envelope, indicator(number++, 1, value, ""));
}

static void rows_go_with_their_marks(void)
{
	struct pair p;
	pair_fresh(&p, &home);
	say(&p, "{}");                 /* 1 */
	say(&p, "{\"receipt\":true}"); /* 2 */
	say(&p, "{}");                 /* 3 */
	fold_all(&p);
	is_str(rows(&p), "w2 p3 p1", "the most urgent first, of these the newest");
	counted(&p, 1, 0, 2);
	ok(index_is_unread(p.reader, 1) && index_is_unread(p.reader, 2), "both are unread");
	ok(!index_is_unread(p.reader, 4), "what is not there is not");
	mark(&p, READ_SEEN, 3); /* 4 */
	mark(&p, READ_SEEN, 2); /* 5 */
	fold_all(&p);
	is_str(rows(&p), "w2s p1", "who has looked at a wish has not met it");
	mark(&p, READ_ACKNOWLEDGED, 2); /* 6 */
	mark(&p, READ_SEEN, 2);         /* 7 */
	fold_all(&p);
	is_str(rows(&p), "p1", "who has acknowledged it has");
	is_int(index_check(p.index, NULL), ERR_OK, "the check agrees");
	need(index_rebuild(p.index) == ERR_OK);
	fold_all(&p);
	is_str(rows(&p), "p1", "an index that is built again is the same");
	pair_close(&p);
}

static void a_mark_up_to_a_position_leaves_wishes(void)
{
	struct pair p;
	pair_fresh(&p, &home);
	say(&p, "{}");                 /* 1 */
	say(&p, "{\"receipt\":true}"); /* 2 */
	say(&p, "{}");                 /* 3 */
	mark(&p, READ_UNTIL, 2);       /* 4 */
	fold_all(&p);
	is_str(rows(&p), "w2s p3", "what stands behind it is unread");
	counted(&p, 1, 0, 1);
	mark(&p, READ_UNTIL, 1); /* 5 */
	fold_all(&p);
	is_str(rows(&p), "w2s p3", "it never falls");
	mark(&p, READ_UNTIL, 99); /* 6 */
	fold_all(&p);
	is_str(rows(&p), "w2s p3", "nobody has looked at what is yet to come");
	is_int(index_check(p.index, NULL), ERR_OK, "the check agrees");
	pair_close(&p);
}

static void batches_do_not_matter(void)
{
	char first[4096];
	struct pair p;
	pair_fresh(&p, &home);
	for (unsigned i = 0; i < 40; i++) {
		uint64_t lsn = say(&p, i % 3 ? "{}" : "{\"receipt\":true}");
		if (i % 4 == 0)
			mark(&p, i % 8 ? READ_SEEN : READ_ACKNOWLEDGED, lsn);
		if (i % 5 == 0)
			fold_all(&p);
		if (i == 20)
			mark(&p, READ_UNTIL, 9);
	}
	fold_all(&p);
	snprintf(first, sizeof first, "%s", rows(&p));
	is_int(index_check(p.index, NULL), ERR_OK, "the check agrees");
	need(index_rebuild(p.index) == ERR_OK);
	fold_all(&p);
	is_str(rows(&p), first, "in one batch as in many");
	pair_close(&p);
}

static void what_expires_takes_its_mark_along(void)
{
	struct pair p;
	bool more = true;
	pair_fresh(&p, &home);
	say(&p, "{}"); /* 1 */
	say(&p, "{}"); /* 2 */
	mark(&p, READ_SEEN, 1);
	fold_all(&p);
	while (more)
		need(index_purge(p.index, UINT32_MAX - 1, &more) == ERR_OK);
	fold_all(&p);
	is_str(rows(&p), "", "nothing is left");
	counted(&p, 0, 0, 0);
	is_int(index_check(p.index, NULL), ERR_OK, "and the check agrees");
	pair_close(&p);
}

static void facts_that_are_none_change_nothing(void)
{
	static const uint8_t bad[][10] = {
		{0}, {9, 0, 0, 0, 0, 0, 0, 0, 1}, {1}, {1, 0, 0, 0, 0, 0, 0, 0, 1, 1}};
	static const size_t lengths[] = {9, 9, 1, 10};
	struct pair p;
	uint64_t at;
	pair_fresh(&p, &home);
	say(&p, "{}");
	for (size_t i = 0; i < 4; i++) {
		need(log_begin(p.log) == ERR_OK);
		need(log_append_fact(p.log, FACT_READ, 1, bad[i], lengths[i], &at) == ERR_OK);
		need(log_commit(p.log) == ERR_OK);
	}
	fold_all(&p);
	is_str(rows(&p), "p1", "it is still unread");
	is_int(index_check(p.index, NULL), ERR_OK, "and the check agrees");
	pair_close(&p);
}

int main(void)
{
	fixture_init(&home);
	RUN(rows_go_with_their_marks);
	RUN(a_mark_up_to_a_position_leaves_wishes);
	RUN(batches_do_not_matter);
	RUN(what_expires_takes_its_mark_along);
	RUN(facts_that_are_none_change_nothing);
	fixture_clear(&home);
	return tap_done();
}
