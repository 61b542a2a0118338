/* What is left of messages that have expired: runs of positions.
 *
 * A run is one row under its last position, so that the log ends where it ended, and whoever reads
 * on from any position of a run finds the run and goes on behind it.  Neighbouring runs grow
 * together: what stays of a million messages that expire one after the other is one row. */
#include <inttypes.h>
#include <stdio.h>

#include "node/store/log_parts.h"

struct run {
	uint64_t first, last; /* 0: none */
};

static MDB_val key_of(uint8_t at[LSN_BYTES], uint64_t lsn)
{
	put_u64(at, lsn);
	return (MDB_val){LSN_BYTES, at};
}

/* The row that the cursor stands on, when it is a run. */
static bool is_run(const MDB_val *key, const MDB_val *value, struct log_row *row)
{
	return key->mv_size == LSN_BYTES &&
	       log_row_decode(row, get_u64(key->mv_data), value) == ERR_OK &&
	       row->kind == LOG_EXPIRED;
}

/* Takes in the run that begins right behind. */
static int join_right(MDB_cursor *cursor, struct run *run)
{
	uint8_t at[LSN_BYTES];
	struct log_row row;
	MDB_val key = key_of(at, run->last + 1), value;
	int rc = mdb_cursor_get(cursor, &key, &value, MDB_SET_RANGE);
	if (rc != 0 || !is_run(&key, &value, &row) || row.first != run->last + 1)
		return rc == MDB_NOTFOUND ? 0 : rc;
	run->last = row.lsn;
	return mdb_cursor_del(cursor, 0);
}

/* Takes in the run that ends right before. */
static int join_left(MDB_cursor *cursor, struct run *run)
{
	uint8_t at[LSN_BYTES];
	struct log_row row;
	MDB_val key = key_of(at, run->first - 1), value;
	int rc = mdb_cursor_get(cursor, &key, &value, MDB_SET_KEY);
	if (rc != 0 || !is_run(&key, &value, &row))
		return rc == MDB_NOTFOUND ? 0 : rc;
	run->first = row.first;
	return mdb_cursor_del(cursor, 0);
}

static int put_run(MDB_cursor *cursor, struct run *run)
{
	uint8_t at[LSN_BYTES], bytes[ROW_RUN_BYTES + CHECK_BYTES];
	struct writer w;
	int rc = join_right(cursor, run);
	if (rc == 0)
		rc = join_left(cursor, run);
	if (rc != 0)
		return rc;
	writer_init(&w, bytes, sizeof bytes);
	write_u8(&w, LOG_EXPIRED);
	write_u8(&w, 0);
	write_u64(&w, run->first);
	log_row_check(bytes + w.used, run->last, bytes, w.used);
	MDB_val key = key_of(at, run->last), value = {sizeof bytes, bytes};
	return mdb_cursor_put(cursor, &key, &value, 0);
}

const char *log_exported_key(char out[LOG_EXPORTED_KEY_BYTES], uint64_t lsn)
{
	snprintf(out, LOG_EXPORTED_KEY_BYTES, "exported/%016" PRIx64, lsn);
	return out;
}

static int remove_exported(struct log *log, uint64_t lsn)
{
	char name[LOG_EXPORTED_KEY_BYTES];
	return log_sum_drop(log->txn, &log->tables, log_exported_key(name, lsn));
}

/* Removes row and body of a message; *gone false: there is none. */
static int remove_message(struct log *log, MDB_cursor *cursor, uint64_t lsn, bool *gone)
{
	uint8_t at[LSN_BYTES];
	struct log_row row;
	MDB_val key = key_of(at, lsn), value;
	int rc = mdb_cursor_get(cursor, &key, &value, MDB_SET_KEY);
	*gone = false;
	if (rc != 0)
		return rc == MDB_NOTFOUND ? 0 : rc;
	if (log_row_decode(&row, lsn, &value) != ERR_OK || row.kind != LOG_MESSAGE)
		return 0;
	*gone = true;
	rc = mdb_cursor_del(cursor, 0);
	if (rc != 0)
		return rc;
	key = key_of(at, lsn);
	rc = mdb_del(log->txn, log->tables.body, &key, NULL);
	return rc == 0 || rc == MDB_NOTFOUND ? remove_exported(log, lsn) : rc;
}

enum err log_expire(struct log *log, const uint64_t *lsns, size_t n)
{
	struct run run = {0};
	MDB_cursor *cursor;
	enum err e = log_writable(log);
	if (e)
		return e;
	int rc = mdb_cursor_open(log->txn, log->tables.row, &cursor);
	if (rc != 0)
		return log_fail(log, rc);
	for (size_t i = 0; rc == 0 && i < n; i++) {
		bool gone;
		rc = remove_message(log, cursor, lsns[i], &gone);
		if (rc != 0 || !gone)
			continue;
		if (run.last && run.last + 1 != lsns[i]) {
			rc = put_run(cursor, &run);
			run.last = 0;
		}
		if (!run.last)
			run.first = lsns[i];
		run.last = lsns[i];
	}
	if (rc == 0 && run.last)
		rc = put_run(cursor, &run);
	mdb_cursor_close(cursor);
	return log_fail(log, rc);
}
