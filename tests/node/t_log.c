#include "node/store/log.h"

#include <lmdb.h>
#include <sys/wait.h>
#include <time.h>

#include "tests/node/store_fixture.h"

static struct fixture home;

static struct log *fresh_log(void)
{
	remove_tree(path_in(&home, "log"));
	return open_log(&home);
}

static void append_some(struct log *log, uint64_t from, uint64_t to)
{
	need(log_begin(log) == ERR_OK);
	for (uint64_t i = from; i <= to; i++) {
		struct sample s;
		sample_make(&s, i, 100 + i % 300);
		need(sample_append(log, &s) == i);
		sample_clear(&s);
	}
	need(log_commit(log) == ERR_OK);
}

static bool row_is_sample(struct log_reader *reader, uint64_t lsn)
{
	struct sample s;
	struct log_row row;
	uint8_t *body = NULL;
	size_t n = 0;
	sample_make(&s, lsn, 100 + lsn % 300);
	bool same = log_read(reader, lsn, &row) == ERR_OK && row.kind == LOG_MESSAGE &&
		    row.lsn == lsn && row.has_body && message_id_equal(&row.id, &s.id) &&
		    row.length == s.length && memcmp(row.data, s.row, s.length) == 0 &&
		    row.arrived == 1700000000123 && row.from.b[0] == 9 &&
		    row.verdict == VERDICT_ACCEPTED &&
		    log_read_body(reader, &row, &body, &n) == ERR_OK && n == s.body_length &&
		    memcmp(body, s.body, n) == 0;
	free(body);
	sample_clear(&s);
	return same;
}

static bool all_there(struct log *log, uint64_t last)
{
	struct log_reader *reader;
	need(log_reader_open(&reader, log) == ERR_OK);
	bool good = true;
	for (uint64_t i = 1; i <= last; i++)
		good = good && row_is_sample(reader, i);
	log_reader_close(reader);
	return good;
}

static void what_is_committed_reads_back_in_order_and_after_reopening(void)
{
	struct log *log = fresh_log();
	is_int(log_head(log), 0, "an empty log ends at 0");
	append_some(log, 1, 50);
	append_some(log, 51, 120);
	is_int(log_head(log), 120, "positions start at 1 and have no gaps");
	ok(all_there(log, 120), "every row and body reads back");
	log_close(log);
	log = open_log(&home);
	is_int(log_head(log), 120, "the log goes on where it ended");
	ok(memcmp(log_store_id(log).b, home.store.b, STORE_ID_BYTES) == 0, "same store id");
	append_some(log, 121, 130);
	ok(all_there(log, 130), "every row and body reads back after reopening");
	log_close(log);
}

static void nothing_is_seen_before_its_commit_nor_after_an_abort(void)
{
	struct log *log = fresh_log();
	struct log_reader *reader;
	struct log_row row;
	struct sample s;
	append_some(log, 1, 1);
	need(log_reader_open(&reader, log) == ERR_OK);
	need(log_begin(log) == ERR_OK);
	sample_make(&s, 2, 10);
	is_int(sample_append(log, &s), 2, "appended at 2");
	is_int(log_head(log), 1, "the head waits for the commit");
	need(log_reader_renew(reader) == ERR_OK);
	is_int(log_read(reader, 2, &row), ERR_NOT_FOUND, "a reader does not see it");
	log_abort(log);
	need(log_begin(log) == ERR_OK);
	is_int(sample_append(log, &s), 2, "the position was not used");
	need(log_commit(log) == ERR_OK);
	is_int(log_read(reader, 2, &row), ERR_NOT_FOUND, "an old reader still does not see it");
	need(log_reader_renew(reader) == ERR_OK);
	is_int(log_read(reader, 2, &row), ERR_OK, "a renewed one does");
	log_reader_pause(reader);
	is_int(log_read(reader, 2, &row), ERR_STATE, "a paused reader reads nothing");
	log_reader_pause(reader);
	need(log_reader_renew(reader) == ERR_OK);
	is_int(log_read(reader, 2, &row), ERR_OK, "and renews");
	log_reader_close(reader);
	sample_clear(&s);
	log_close(log);
}

static void reading_from_a_position_walks_to_the_end(void)
{
	struct log *log = fresh_log();
	struct log_reader *reader;
	struct log_row row;
	append_some(log, 1, 30);
	need(log_reader_open(&reader, log) == ERR_OK);
	uint64_t at = 0, count = 0;
	while (log_read_from(reader, at, &row) == ERR_OK) {
		need(row.lsn == count + 1);
		at = row.lsn + 1;
		count++;
	}
	is_int(count, 30, "30 rows, from position 0 on");
	is_int(log_read_from(reader, 31, &row), ERR_NOT_FOUND, "nothing beyond the end");
	is_int(log_read_from(reader, 7, &row), ERR_OK, "and back");
	is_int(row.lsn, 7, "at 7");
	is_int(log_read(reader, 0, &row), ERR_NOT_FOUND, "there is no position 0");
	is_int(log_read(reader, UINT64_MAX, &row), ERR_NOT_FOUND, "nor one at the end of numbers");
	log_reader_close(reader);
	log_close(log);
}

static void facts_share_the_order_of_messages(void)
{
	struct log *log = fresh_log();
	struct log_reader *reader;
	struct log_row row;
	uint64_t lsn;
	append_some(log, 1, 1);
	need(log_begin(log) == ERR_OK);
	is_int(log_append_fact(log, FACT_MUTE, 42, "8.8.8.8", 7, &lsn), ERR_OK, "a fact");
	is_int(lsn, 2, "at 2");
	is_int(log_append_fact(log, FACT_AUDIT, 43, NULL, 0, &lsn), ERR_OK, "an empty fact");
	need(log_commit(log) == ERR_OK);
	append_some(log, 4, 4);
	need(log_reader_open(&reader, log) == ERR_OK);
	need(log_read(reader, 2, &row) == ERR_OK);
	ok(row.kind == LOG_FACT && row.fact == FACT_MUTE && row.arrived == 42 && row.length == 7 &&
		   memcmp(row.data, "8.8.8.8", 7) == 0 && !row.has_body,
	   "the fact as written");
	need(log_read(reader, 3, &row) == ERR_OK);
	ok(row.fact == FACT_AUDIT && row.length == 0, "the empty fact");
	ok(row_is_sample(reader, 4), "a message after facts");
	log_reader_close(reader);
	log_close(log);
}

static void a_removed_body_is_gone_and_its_position_stays(void)
{
	struct log *log = fresh_log();
	struct log_reader *reader;
	struct log_row row;
	uint8_t *body;
	size_t n;
	append_some(log, 1, 3);
	need(log_begin(log) == ERR_OK);
	is_int(log_remove_body(log, 2), ERR_OK, "removed");
	is_int(log_remove_body(log, 2), ERR_NOT_FOUND, "only once");
	is_int(log_commit(log), ERR_OK, "which spoils nothing");
	is_int(log_remove_body(log, 1), ERR_STATE, "not outside a transaction");
	need(log_reader_open(&reader, log) == ERR_OK);
	need(log_read(reader, 2, &row) == ERR_OK);
	ok(!row.has_body && row.length > 0, "the header stays");
	is_int(log_read_body(reader, &row, &body, &n), ERR_NOT_FOUND, "the body does not");
	ok(row_is_sample(reader, 1) && row_is_sample(reader, 3), "its neighbours stay");
	log_reader_close(reader);
	log_close(log);
}

static void values_and_topologies_travel_with_the_transaction(void)
{
	struct log *log = fresh_log();
	struct log_reader *reader;
	struct hash a = {{1}}, b = {{2}};
	const uint8_t *file;
	char out[8];
	char key[70];
	size_t n;
	need(log_begin(log) == ERR_OK);
	need(log_put(log, "floor", "12345678", 8) == ERR_OK);
	need(log_put_topology(log, 7, &b, "text b", 6) == ERR_OK);
	need(log_put_topology(log, 7, &a, "text a", 6) == ERR_OK);
	need(log_put_topology(log, 8, &a, "text 8", 6) == ERR_OK);
	memset(key, 'k', sizeof key);
	key[65] = 0;
	is_int(log_put(log, key, "x", 1), ERR_LIMIT, "a key of 65 bytes is refused");
	key[64] = 0;
	is_int(log_put(log, key, "x", 1), ERR_OK, "one of 64 is not");
	is_int(log_put(log, "", "x", 1), ERR_LIMIT, "an empty one is");
	need(log_commit(log) == ERR_OK);
	need(log_reader_open(&reader, log) == ERR_OK);
	is_int(log_get(reader, "floor", out, sizeof out, &n), ERR_OK, "a value");
	ok(n == 8 && memcmp(out, "12345678", 8) == 0, "as written");
	is_int(log_get(reader, "floor", out, 7, &n), ERR_LIMIT, "which needs its room");
	is_int(log_get(reader, "roof", out, 8, &n), ERR_NOT_FOUND, "an unknown one");
	need(log_get_topology(reader, 7, 0, &file, &n) == ERR_OK);
	ok(n == 6 && memcmp(file, "text a", 6) == 0, "first topology of version 7");
	need(log_get_topology(reader, 7, 1, &file, &n) == ERR_OK);
	ok(n == 6 && memcmp(file, "text b", 6) == 0, "second of version 7");
	is_int(log_get_topology(reader, 7, 2, &file, &n), ERR_NOT_FOUND, "no third");
	is_int(log_get_topology(reader, 8, 1, &file, &n), ERR_NOT_FOUND, "no second of 8");
	is_int(log_get_topology(reader, 6, 0, &file, &n), ERR_NOT_FOUND, "no version 6");
	log_reader_close(reader);
	log_close(log);
}

static void a_second_writer_is_refused_in_words(void)
{
	/* Static, so that the child, which has it too, has not lost it. */
	static struct log *log;
	struct log *other = NULL;
	struct log_options options = {.create = true};
	struct report report;
	log = fresh_log();
	append_some(log, 1, 5);
	report_init(&report);
	is_int(log_open(&other, path_in(&home, "log"), &options, home.identity, &home.store,
			&report),
	       ERR_BUSY, "busy");
	ok(strstr(report_first(&report), "in use"), "with a sentence: %s", report_first(&report));
	report_clear(&report);
	pid_t child = fork();
	need(child >= 0);
	if (child == 0) {
		options = (struct log_options){.read_only = true};
		bool good = log_open(&other, path_in(&home, "log"), &options, home.identity, NULL,
				     NULL) == ERR_OK &&
			    log_head(other) == 5 && log_begin(other) == ERR_STATE &&
			    all_there(other, 5);
		log_close(other);
		_exit(good ? 0 : 1);
	}
	int status;
	need(waitpid(child, &status, 0) == child);
	ok(WIFEXITED(status) && WEXITSTATUS(status) == 0, "a reader in another process is not");
	log_close(log);
}

static void an_absent_log_is_not_found_unless_created(void)
{
	struct log *log;
	struct log_options options = {0};
	remove_tree(path_in(&home, "log"));
	is_int(log_open(&log, path_in(&home, "log"), &options, home.identity, NULL, NULL),
	       ERR_NOT_FOUND, "no directory");
	need(mkdir(path_in(&home, "log"), 0700) == 0);
	is_int(log_open(&log, path_in(&home, "log"), &options, home.identity, NULL, NULL),
	       ERR_NOT_FOUND, "an empty directory");
	options.read_only = true;
	is_int(log_open(&log, path_in(&home, "log"), &options, home.identity, NULL, NULL),
	       ERR_NOT_FOUND, "nor to look at");
}

static void a_full_map_is_an_error_and_the_log_goes_on(void)
{
	struct log *log;
	struct log_options options = {.create = true, .map_bytes = 4 << 20};
	struct sample s;
	uint64_t lsn, committed = 0, i = 0;
	enum err e = ERR_OK;
	remove_tree(path_in(&home, "log"));
	need(log_open(&log, path_in(&home, "log"), &options, home.identity, &home.store, NULL) ==
	     ERR_OK);
	struct log_row row = {.data = s.row, .arrived = 1700000000123, .from = {{9}}};
	while (!e && i < 100000) {
		need(log_begin(log) == ERR_OK);
		for (unsigned n = 0; n < 20 && !e; n++) {
			i++;
			sample_make(&s, i, 100 + i % 300);
			row.length = s.length;
			e = log_append(log, &row, &s.id, s.body, s.body_length, &lsn);
			sample_clear(&s);
		}
		if (e) {
			log_abort(log);
		} else {
			e = log_commit(log);
			committed = e ? committed : lsn;
		}
	}
	is_int(e, ERR_FULL, "full after %" PRIu64 " messages", committed);
	ok(log_fullness(log) >= 95, "and says so: %u percent", log_fullness(log));
	is_int(log_head(log), committed, "the head is the last commit");
	ok(committed > 100 && all_there(log, committed), "all that was committed is there");
	need(log_begin(log) == ERR_OK);
	is_int(log_append_fact(log, FACT_AUDIT, 1, "full", 4, &lsn), ERR_OK, "facts still fit");
	is_int(log_remove_body(log, 1), ERR_OK, "and bodies can go");
	is_int(log_commit(log), ERR_OK, "durably");
	sample_make(&s, 1, BODY_MAX_BYTES);
	need(log_begin(log) == ERR_OK);
	is_int(log_append(log, &row, &s.id, s.body, s.body_length, &lsn), ERR_FULL, "still full");
	log_abort(log);
	sample_clear(&s);
	log_close(log);
}

static void a_transaction_that_failed_is_given_up_whole(void)
{
	struct log *log;
	struct log_options options = {.create = true, .map_bytes = 512 << 10};
	struct sample s;
	uint64_t lsn;
	remove_tree(path_in(&home, "log"));
	need(log_open(&log, path_in(&home, "log"), &options, home.identity, &home.store, NULL) ==
	     ERR_OK);
	append_some(log, 1, 3);
	need(log_begin(log) == ERR_OK);
	sample_make(&s, 4, BODY_MAX_BYTES);
	struct log_row row = {.data = s.row, .length = s.length};
	is_int(log_append(log, &row, &s.id, s.body, s.body_length, &lsn), ERR_FULL, "no room");
	is_int(log_append_fact(log, FACT_AUDIT, 1, "x", 1, &lsn), ERR_FULL, "the error sticks");
	is_int(log_commit(log), ERR_FULL, "commit repeats it");
	is_int(log_head(log), 3, "nothing was added");
	sample_clear(&s);
	append_some(log, 4, 4);
	ok(all_there(log, 4), "the next transaction works");
	log_close(log);
}

static void calls_out_of_order_and_over_the_limits_are_refused(void)
{
	struct log *log = fresh_log();
	struct sample s;
	uint64_t lsn;
	sample_make(&s, 1, 1);
	struct log_row row = {.data = s.row, .length = s.length};
	is_int(log_append(log, &row, &s.id, NULL, 0, &lsn), ERR_STATE, "append before begin");
	is_int(log_commit(log), ERR_STATE, "commit before begin");
	need(log_begin(log) == ERR_OK);
	is_int(log_begin(log), ERR_STATE, "begin twice");
	row.length = HEADER_FIXED_BYTES + SIGNATURE_BYTES - 1;
	is_int(log_append(log, &row, &s.id, NULL, 0, &lsn), ERR_LIMIT, "a short header");
	row.length = s.length;
	is_int(log_append(log, &row, &s.id, s.body, FORWARD_BODY_MAX_BYTES + 1, &lsn), ERR_LIMIT,
	       "a body over the limit");
	is_int(log_append(log, &row, &s.id, NULL, 0, &lsn), ERR_OK, "no body at all is fine");
	is_int(log_commit(log), ERR_OK, "and committed");
	sample_clear(&s);
	log_close(log);
}

/* Writes into the log's description what a later version would have. */
static void set_format(uint8_t format)
{
	uint8_t be[4] = {0, 0, 0, format};
	MDB_env *env;
	MDB_txn *txn;
	MDB_dbi meta;
	MDB_val key = {6, "format"}, value = {4, be};
	need(mdb_env_create(&env) == 0 && mdb_env_set_maxdbs(env, 8) == 0);
	need(mdb_env_set_mapsize(env, (size_t)64 << 20) == 0);
	need(mdb_env_open(env, path_in(&home, "log"), 0, 0600) == 0);
	need(mdb_txn_begin(env, NULL, 0, &txn) == 0 && mdb_dbi_open(txn, "meta", 0, &meta) == 0);
	need(mdb_put(txn, meta, &key, &value, 0) == 0 && mdb_txn_commit(txn) == 0);
	mdb_env_close(env);
}

static void a_later_format_and_a_foreign_key_are_refused(void)
{
	struct fixture other;
	struct log *log = fresh_log();
	struct log_options options = {0};
	struct report report;
	append_some(log, 1, 1);
	log_close(log);
	fixture_init(&other);
	report_init(&report);
	is_int(log_open(&log, path_in(&home, "log"), &options, other.identity, NULL, &report),
	       ERR_PERMISSIONS, "another key file");
	ok(strstr(report_first(&report), "another key file"), "%s", report_first(&report));
	report_clear(&report);
	report_init(&report);
	set_format(5);
	is_int(log_open(&log, path_in(&home, "log"), &options, home.identity, NULL, &report),
	       ERR_TOO_NEW, "a later format");
	ok(strstr(report_first(&report), "later khabardar"), "%s", report_first(&report));
	report_clear(&report);
	set_format(0);
	is_int(log_open(&log, path_in(&home, "log"), &options, home.identity, NULL, NULL),
	       ERR_DAMAGED, "a format that never was");
	fixture_clear(&other);
}

static double seconds(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* For the reader's eye: what this machine appends in a second. */
static void speed_of_appending(void)
{
	static const struct {
		unsigned batch, commits;
	} runs[] = {{1, 300}, {100, 50}, {1000, 20}};
	struct sample s;
	sample_make(&s, 1, 500);
	for (size_t i = 0; i < sizeof runs / sizeof *runs; i++) {
		struct log *log = fresh_log();
		double start = seconds();
		for (unsigned c = 0; c < runs[i].commits; c++) {
			need(log_begin(log) == ERR_OK);
			for (unsigned m = 0; m < runs[i].batch; m++)
				sample_append(log, &s);
			need(log_commit(log) == ERR_OK);
		}
		printf("# %u a commit: %.0f messages/s\n", runs[i].batch,
		       runs[i].batch * runs[i].commits / (seconds() - start));
		log_close(log);
	}
	sample_clear(&s);
}

int main(void)
{
	fixture_init(&home);
	RUN(what_is_committed_reads_back_in_order_and_after_reopening);
	RUN(nothing_is_seen_before_its_commit_nor_after_an_abort);
	RUN(reading_from_a_position_walks_to_the_end);
	RUN(facts_share_the_order_of_messages);
	RUN(a_removed_body_is_gone_and_its_position_stays);
	RUN(values_and_topologies_travel_with_the_transaction);
	RUN(a_second_writer_is_refused_in_words);
	RUN(an_absent_log_is_not_found_unless_created);
	RUN(a_full_map_is_an_error_and_the_log_goes_on);
	RUN(a_transaction_that_failed_is_given_up_whole);
	RUN(calls_out_of_order_and_over_the_limits_are_refused);
	RUN(a_later_format_and_a_foreign_key_are_refused);
	RUN(speed_of_appending);
	fixture_clear(&home);
	return tap_done();
}
