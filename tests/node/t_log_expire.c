/* What the log keeps of messages that have expired: positions, in runs. */
#include "node/store/log.h"
#include "tests/node/store_fixture.h"

#include <lmdb.h>
#include <sys/stat.h>

static struct fixture home;

/* A fresh log of n messages; every tenth position is a fact when facts. */
static struct log *log_of(unsigned n, bool facts)
{
	remove_tree(path_in(&home, "log"));
	struct log *log = open_log(&home);
	need(log_begin(log) == ERR_OK);
	for (unsigned i = 1; i <= n; i++) {
		struct sample s;
		uint64_t lsn;
		if (facts && i % 10 == 0) {
			need(log_append_fact(log, FACT_MUTE, i, "x", 1, &lsn) == ERR_OK);
			continue;
		}
		sample_make(&s, i, 40);
		need(sample_append(log, &s) == i);
		sample_clear(&s);
	}
	need(log_commit(log) == ERR_OK);
	return log;
}

static void expire(struct log *log, const uint64_t *lsns, size_t n)
{
	need(log_begin(log) == ERR_OK);
	need(log_expire(log, lsns, n) == ERR_OK);
	need(log_commit(log) == ERR_OK);
}

/* The rows of the log in words: "m" a message with its body, "b" one without, "f" a fact, "(a-b)" a
 * run. */
static const char *rows(struct log *log)
{
	static char out[4096];
	struct log_reader *reader;
	struct log_row row;
	size_t used = 0;
	out[0] = 0;
	need(log_reader_open(&reader, log) == ERR_OK);
	for (uint64_t at = 1; log_read_from(reader, at, &row) == ERR_OK; at = row.lsn + 1) {
		if (row.kind == LOG_EXPIRED)
			used += (size_t)snprintf(out + used, sizeof out - used, "(%d-%d)",
						 (int)row.first, (int)row.lsn);
		else
			out[used++] = row.kind == LOG_FACT ? 'f' : row.has_body ? 'm' : 'b';
		need(used < sizeof out - 64);
		out[used] = 0;
	}
	log_reader_close(reader);
	return out;
}

static void is_text(const char *got, const char *want, const char *sentence)
{
	ok(strcmp(got, want) == 0, "%s: %s", sentence, got);
}

static void neighbouring_runs_grow_together(void)
{
	struct log *log = log_of(9, false);
	expire(log, (uint64_t[]){4}, 1);
	is_text(rows(log), "mmm(4-4)mmmmm", "one alone");
	expire(log, (uint64_t[]){6}, 1);
	is_text(rows(log), "mmm(4-4)m(6-6)mmm", "two apart");
	expire(log, (uint64_t[]){5}, 1);
	is_text(rows(log), "mmm(4-6)mmm", "what is between joins both");
	expire(log, (uint64_t[]){2, 3, 7, 9}, 4);
	is_text(rows(log), "m(2-7)m(9-9)", "to the left, to the right, apart");
	expire(log, (uint64_t[]){8}, 1);
	is_text(rows(log), "m(2-9)", "to the end");
	is_int(log_head(log), 9, "which stays the end");
	expire(log, (uint64_t[]){1, 2, 5, 9, 10, 99}, 6);
	is_text(rows(log), "(1-9)", "what has gone before is passed over");
	is_int(log_check(log, NULL), ERR_OK, "and nothing is missing");
	struct sample s;
	sample_make(&s, 10, 10);
	need(log_begin(log) == ERR_OK);
	is_int(sample_append(log, &s), 10, "the next position is the next");
	need(log_commit(log) == ERR_OK);
	sample_clear(&s);
	log_close(log);
	log = open_log(&home);
	is_text(rows(log), "(1-9)m", "opened again");
	is_int(log_head(log), 10, "it ends where it ended");
	log_close(log);
}

static bool has_exported(struct log *log, uint64_t lsn)
{
	char key[LOG_EXPORTED_KEY_BYTES], value[4];
	struct log_reader *reader;
	size_t n;
	enum err e;

	need(log_reader_open(&reader, log) == ERR_OK);
	e = log_get(reader, log_exported_key(key, lsn), value, sizeof value, &n);
	log_reader_close(reader);
	need(!e || e == ERR_NOT_FOUND);
	return !e;
}

static void what_is_noted_of_a_message_goes_with_it(void)
{
	char key[LOG_EXPORTED_KEY_BYTES];
	struct log *log = log_of(3, true);

	need(log_begin(log) == ERR_OK);
	for (uint64_t lsn = 1; lsn <= 3; lsn++)
		need(log_put(log, log_exported_key(key, lsn), "note", 4) == ERR_OK);
	need(log_commit(log) == ERR_OK);
	expire(log, (uint64_t[]){2}, 1);
	ok(!has_exported(log, 2), "what says by which export it left");
	ok(has_exported(log, 1) && has_exported(log, 3), "that of others stays");
	log_close(log);
}

static void every_order_ends_in_the_same_rows(void)
{
	uint64_t seed = 7;
	unsigned good = 0;
	for (unsigned round = 0; round < 30; round++) {
		uint64_t order[40], sorted[8];
		size_t n = 0;
		struct log *log = log_of(40, true);
		for (uint64_t i = 1; i <= 40; i++)
			order[n++] = i;
		for (size_t i = n - 1; i > 0; i--) {
			seed = seed * 6364136223846793005u + 1442695040888963407u;
			size_t k = (size_t)(seed >> 33) % (i + 1);
			uint64_t swap = order[i];
			order[i] = order[k];
			order[k] = swap;
		}
		for (size_t at = 0; at < n; at += 8) {
			size_t count = 0;
			for (uint64_t lsn = 1; lsn <= 40; lsn++)
				for (size_t i = at; i < at + 8; i++)
					if (order[i] == lsn)
						sorted[count++] = lsn;
			expire(log, sorted, count);
			need(log_check(log, NULL) == ERR_OK);
		}
		good += strcmp(rows(log), "(1-9)f(11-19)f(21-29)f(31-39)f") == 0;
		log_close(log);
	}
	is_int(good, 30, "facts stay, and nothing else");
}

static void a_run_is_read_from_any_of_its_positions(void)
{
	struct log *log = log_of(9, false);
	struct log_reader *reader;
	struct log_row row;
	uint8_t *body;
	size_t n;
	expire(log, (uint64_t[]){3, 4, 5}, 3);
	need(log_reader_open(&reader, log) == ERR_OK);
	for (uint64_t at = 3; at <= 5; at++) {
		is_int(log_read_from(reader, at, &row), ERR_OK, "from %d", (int)at);
		ok(row.kind == LOG_EXPIRED && row.first == 3 && row.lsn == 5 && !row.has_body,
		   "it is the run");
	}
	is_int(log_read(reader, 4, &row), ERR_NOT_FOUND, "inside there is no row");
	is_int(log_read(reader, 5, &row), ERR_OK, "at its end there is");
	is_int(log_read_body(reader, &row, &body, &n), ERR_NOT_FOUND, "and no body");
	is_int(log_read_from(reader, 6, &row), ERR_OK, "reading goes on");
	ok(row.kind == LOG_MESSAGE && row.lsn == 6, "behind it");
	log_reader_close(reader);
	log_close(log);
}

static void what_was_not_committed_is_still_there(void)
{
	struct log *log = log_of(5, false);
	need(log_begin(log) == ERR_OK && log_expire(log, (uint64_t[]){1, 2}, 2) == ERR_OK);
	log_abort(log);
	is_text(rows(log), "mmmmm", "given up");
	is_int(log_expire(log, (uint64_t[]){1}, 1), ERR_STATE, "only in a transaction");
	log_close(log);
}

/* Changes one byte of the row at lsn. */
static void damage(uint64_t lsn, size_t byte)
{
	uint8_t at[8], copy[512];
	MDB_env *env;
	MDB_txn *txn;
	MDB_dbi dbi;
	MDB_val key = {sizeof at, at}, value;
	put_u64(at, lsn);
	need(mdb_env_create(&env) == 0 && mdb_env_set_maxdbs(env, 8) == 0);
	need(mdb_env_set_mapsize(env, (size_t)64 << 20) == 0);
	need(mdb_env_open(env, path_in(&home, "log"), 0, 0600) == 0);
	need(mdb_txn_begin(env, NULL, 0, &txn) == 0 && mdb_dbi_open(txn, "row", 0, &dbi) == 0);
	need(mdb_get(txn, dbi, &key, &value) == 0 && value.mv_size <= sizeof copy);
	memcpy(copy, value.mv_data, value.mv_size);
	copy[byte] ^= 1;
	value.mv_data = copy;
	need(mdb_put(txn, dbi, &key, &value, 0) == 0 && mdb_txn_commit(txn) == 0);
	mdb_env_close(env);
}

static void a_damaged_run_is_named(void)
{
	for (size_t byte = 0; byte < 18; byte++) {
		struct report report;
		struct log *log = log_of(5, false);
		expire(log, (uint64_t[]){2, 3}, 2);
		log_close(log);
		damage(3, byte);
		log = open_log(&home);
		report_init(&report);
		is_int(log_check(log, &report), ERR_DAMAGED, "byte %d: %s", (int)byte,
		       report.count ? report_first(&report) : "");
		report_clear(&report);
		log_close(log);
	}
}

static size_t pages_used(struct log *log)
{
	struct report report;
	char copy[PATH_MAX];
	struct stat st;
	report_init(&report);
	snprintf(copy, sizeof copy, "%s", path_in(&home, "copy"));
	remove_tree(copy);
	need(log_copy(log, copy, &report) == ERR_OK);
	report_clear(&report);
	snprintf(copy, sizeof copy, "%s/data.mdb", path_in(&home, "copy"));
	need(stat(copy, &st) == 0);
	return (size_t)st.st_size;
}

static void what_stays_of_many_takes_no_room(void)
{
	enum { MANY = 20000, AT_ONCE = 500 };
	uint64_t lsns[AT_ONCE];
	struct log *log = log_of(MANY, false);
	size_t before = pages_used(log), after;
	for (uint64_t i = 0; i < MANY; i += AT_ONCE) {
		for (uint64_t k = 0; k < AT_ONCE; k++)
			lsns[k] = i + k + 1;
		expire(log, lsns, AT_ONCE);
	}
	after = pages_used(log);
	ok(before > 6000000 && after < 100000, "%zu bytes of %d messages become %zu", before, MANY,
	   after);
	log_close(log);

	/* One in twenty stays.  (LMDB joins pages that are less than a quarter full.) */
	log = log_of(MANY, false);
	for (uint64_t i = 0; i < MANY; i += AT_ONCE) {
		size_t n = 0;
		for (uint64_t k = 0; k < AT_ONCE; k++)
			if (k % 20)
				lsns[n++] = i + k + 1;
		expire(log, lsns, n);
	}
	after = pages_used(log);
	ok(after < before / 2, "%zu when one in twenty stays", after);
	is_int(log_check(log, NULL), ERR_OK, "all is in order");
	log_close(log);
}

int main(void)
{
	fixture_init(&home);
	RUN(neighbouring_runs_grow_together);
	RUN(what_is_noted_of_a_message_goes_with_it);
	RUN(every_order_ends_in_the_same_rows);
	RUN(a_run_is_read_from_any_of_its_positions);
	RUN(what_was_not_committed_is_still_there);
	RUN(a_damaged_run_is_named);
	RUN(what_stays_of_many_takes_no_room);
	fixture_clear(&home);
	return tap_done();
}
