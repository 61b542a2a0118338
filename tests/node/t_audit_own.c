/* What a node has told of its audit, and finds in its log or not. */
#include <stdio.h>
#include <string.h>

#include "node/duty/audit_chain.h"
#include "node/duty/audit_own.h"
#include "tests/node/store_fixture.h"
#include "tests/tap.h"

enum { ROWS = 40 };

static struct fixture home;
static struct log *log_;
static struct beacon_audit heads[ROWS + 1]; /* after so many rows */

static void log_make(void)
{
	static const char row[] = "{\"uid\":1,\"do\":\"share\"}";

	log_ = open_log(&home);
	for (unsigned i = 1; i <= ROWS; i++) {
		uint64_t lsn;
		heads[i] = heads[i - 1];
		need(log_begin(log_) == ERR_OK);
		need(audit_append(log_, &heads[i], 1000 + i, row, sizeof row - 1) == ERR_OK);
		need(log_append_fact(log_, FACT_MUTE, 1000 + i, row, sizeof row - 1, &lsn) ==
		     ERR_OK);
		need(log_commit(log_) == ERR_OK);
	}
}

static enum audit_fault look(struct audit_own *own, unsigned at_once, uint64_t *more)
{
	struct log_reader *reader;
	unsigned turns = 0;
	enum err e = ERR_OK;

	need(log_reader_open(&reader, log_) == ERR_OK);
	while (!e && turns++ < 10 * ROWS)
		e = audit_own_look(own, reader, at_once);
	log_reader_close(reader);
	is_int(e, ERR_NOT_FOUND, "the log comes to its end");
	return audit_own_fault(own, ROWS, more);
}

static void what_is_there_is_found_however_it_is_looked_for(void)
{
	for (unsigned at_once = 1; at_once <= 1000; at_once *= 10) {
		struct audit_own own = {0};
		uint64_t more;
		audit_own_add(&own, &heads[1]);
		audit_own_add(&own, &heads[17]);
		audit_own_add(&own, &heads[ROWS]);
		audit_own_add(&own, &heads[17]);
		is_int((long)own.count, 3, "each is looked for once");
		is_int(look(&own, at_once, &more), AUDIT_GOOD, "nothing is wrong");
	}
}

static void rows_that_are_missing_at_the_end_are_fewer(void)
{
	struct audit_own own = {0};
	struct beacon_audit gone = {.number = ROWS + 3};
	uint64_t more;

	audit_own_add(&own, &heads[5]);
	audit_own_add(&own, &gone);
	is_int(look(&own, 7, &more), AUDIT_FEWER, "there were more");
	is_int((long)more, ROWS + 3, "so many");
}

static void another_row_in_its_place_is_seen(void)
{
	struct audit_own own = {0};
	struct beacon_audit other = heads[9];
	uint64_t more;

	other.hash.b[31] ^= 1;
	audit_own_add(&own, &other);
	is_int(look(&own, 1000, &more), AUDIT_OTHER, "row nine is another");
}

static void what_is_added_meanwhile_is_looked_for_from_the_beginning(void)
{
	struct audit_own own = {0};
	struct log_reader *reader;
	uint64_t more;

	audit_own_add(&own, &heads[30]);
	need(log_reader_open(&reader, log_) == ERR_OK);
	is_int(audit_own_look(&own, reader, ROWS), ERR_OK, "half of it");
	log_reader_close(reader);
	audit_own_add(&own, &heads[2]);
	is_int(look(&own, 1000, &more), AUDIT_GOOD, "both are found");
}

static void of_too_many_those_with_the_most_rows_are_looked_for(void)
{
	struct audit_own own = {0};
	struct beacon_audit gone = {.number = ROWS + 1};
	uint64_t more;

	audit_own_add(&own, &gone);
	for (unsigned i = 1; i <= ROWS; i++)
		audit_own_add(&own, &heads[i]);
	is_int((long)own.count, AUDIT_OWN_MAX, "so many");
	is_int(look(&own, 1000, &more), AUDIT_FEWER, "the one with the most is among them");
}

/* The value that says which row is the last is damaged: the row itself says it. */
static void the_last_row_is_found_without_what_is_remembered_of_it(void)
{
	static const char *const spoilt[] = {"", "short",
					     "much longer than forty bytes, which it has"};
	struct log_reader *reader;
	struct beacon_audit head;

	for (size_t i = 0; i < sizeof spoilt / sizeof *spoilt; i++) {
		need(log_begin(log_) == ERR_OK);
		need(log_put(log_, "audit", spoilt[i], strlen(spoilt[i])) == ERR_OK);
		need(log_commit(log_) == ERR_OK);
		need(log_reader_open(&reader, log_) == ERR_OK);
		is_int(audit_head_read(&head, reader), ERR_OK, "it is read");
		ok(head.number == ROWS && hash_equal(&head.hash, &heads[ROWS].hash),
		   "it is the last");
		log_reader_close(reader);
	}
}

int main(void)
{
	fixture_init(&home);
	log_make();
	RUN(what_is_there_is_found_however_it_is_looked_for);
	RUN(rows_that_are_missing_at_the_end_are_fewer);
	RUN(another_row_in_its_place_is_seen);
	RUN(what_is_added_meanwhile_is_looked_for_from_the_beginning);
	RUN(of_too_many_those_with_the_most_rows_are_looked_for);
	RUN(the_last_row_is_found_without_what_is_remembered_of_it);
	log_close(log_);
	fixture_clear(&home);
	return tap_done();
}
