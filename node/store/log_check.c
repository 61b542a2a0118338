/* Everything in the log that can be recomputed is, and what differs is named by its position. */
#include "node/store/log_parts.h"

#include <stdlib.h>
#include <string.h>

#include "protocol/council.h"

struct check {
	struct log_reader *reader;
	struct report *report;
	size_t wrong;
};

static void name(struct check *c, uint64_t lsn, const char *what)
{
	report_add(c->report, "log: position %llu: %s", (unsigned long long)lsn, what);
	c->wrong++;
}

static void check_body(struct check *c, const struct log_row *row, const struct header *h)
{
	uint8_t *body;
	size_t n;
	enum err e = log_read_body(c->reader, row, &body, &n);
	if (e)
		name(c, row->lsn,
		     e == ERR_DAMAGED ? "the body is damaged" : "the body cannot be read");
	else if (!message_body_matches(h, body, n))
		name(c, row->lsn, "the body is not the one that the header promises");
	free(body);
}

static void check_message(struct check *c, const struct log_row *row, struct header *scratch)
{
	if (row->length < SIGNATURE_BYTES) {
		name(c, row->lsn, "the header is damaged");
		return;
	}
	size_t n = row->length - SIGNATURE_BYTES;
	struct message_id id = message_id_of(row->data, n);
	if (header_decode(scratch, row->data, n) != ERR_OK)
		name(c, row->lsn, "the header is damaged");
	else if (!message_id_equal(&id, &row->id))
		name(c, row->lsn, "the header does not have the id under which it is stored");
	else if (row->has_body)
		check_body(c, row, scratch);
}

static enum err check_rows(struct check *c)
{
	struct header *scratch = malloc(sizeof *scratch);
	if (!scratch)
		return ERR_MEMORY;
	struct log_row row = {0};
	uint64_t next = 1;
	enum err e;
	while ((e = log_read_from(c->reader, next, &row)) == ERR_OK || e == ERR_DAMAGED) {
		if (row.lsn < next)
			break; /* the key itself is damaged: there is no way on */
		uint64_t first = !e && row.kind == LOG_EXPIRED ? row.first : row.lsn;
		if (first > next)
			name(c, next, "is missing");
		if (first < next)
			name(c, row.lsn,
			     "says of positions that they have expired, and they are here");
		if (e == ERR_DAMAGED)
			name(c, row.lsn, "the row is damaged");
		else if (row.kind == LOG_MESSAGE)
			check_message(c, &row, scratch);
		next = row.lsn + 1;
	}
	free(scratch);
	if (e == ERR_DAMAGED)
		name(c, next, "the table of rows is damaged");
	return e == ERR_NOT_FOUND || e == ERR_DAMAGED ? ERR_OK : e;
}

/* A body without its message would never be found again, and never go. */
static enum err check_bodies(struct check *c)
{
	MDB_cursor *cursor;
	MDB_val key, value;
	int rc = mdb_cursor_open(c->reader->txn, c->reader->log->tables.body, &cursor);
	if (rc != 0)
		return lmdb_err(rc);
	while ((rc = mdb_cursor_get(cursor, &key, &value, MDB_NEXT)) == 0) {
		struct log_row row;
		uint64_t lsn = key.mv_size == LSN_BYTES ? get_u64(key.mv_data) : 0;
		enum err e = log_read(c->reader, lsn, &row);
		if (e == ERR_NOT_FOUND || (!e && row.kind != LOG_MESSAGE))
			name(c, lsn, "a body stands here without its message");
	}
	mdb_cursor_close(cursor);
	return rc == MDB_NOTFOUND ? ERR_OK : lmdb_err(rc);
}

static enum err check_topologies(struct check *c)
{
	MDB_cursor *cursor;
	MDB_val key, value;
	int rc = mdb_cursor_open(c->reader->txn, c->reader->log->tables.topology, &cursor);
	if (rc != 0)
		return lmdb_err(rc);
	while ((rc = mdb_cursor_get(cursor, &key, &value, MDB_NEXT)) == 0) {
		bool good = key.mv_size == TOPOLOGY_KEY_BYTES;
		if (good) {
			size_t n = council_text_length(value.mv_data, value.mv_size);
			struct hash h = hash_of(value.mv_data, n);
			good = memcmp(h.b, (uint8_t *)key.mv_data + 4, sizeof h.b) == 0;
		}
		if (!good) {
			report_add(c->report, "log: topology version %u: is damaged",
				   key.mv_size >= 4 ? get_u32(key.mv_data) : 0);
			c->wrong++;
		}
	}
	mdb_cursor_close(cursor);
	return rc == MDB_NOTFOUND ? ERR_OK : lmdb_err(rc);
}

static void name_value(struct check *c, const MDB_val *key)
{
	char shown[VALUE_KEY_MAX_BYTES + 1];
	size_t n = key->mv_size < sizeof shown ? key->mv_size : sizeof shown - 1;
	for (size_t i = 0; i < n; i++) {
		char ch = ((const char *)key->mv_data)[i];
		shown[i] = ch > ' ' && ch <= '~' ? ch : '?';
	}
	shown[n] = '\0';
	report_add(c->report, "log: value %s: is damaged", shown);
	c->wrong++;
}

static enum err check_each_value(struct check *c)
{
	MDB_cursor *cursor;
	MDB_val key, value;
	if (c->reader->log->plain)
		return ERR_OK;
	int rc = mdb_cursor_open(c->reader->txn, c->reader->log->tables.value, &cursor);
	if (rc != 0)
		return lmdb_err(rc);
	while ((rc = mdb_cursor_get(cursor, &key, &value, MDB_NEXT)) == 0) {
		if (!log_value_open(&key, &value))
			name_value(c, &key);
	}
	mdb_cursor_close(cursor);
	return rc == MDB_NOTFOUND ? ERR_OK : lmdb_err(rc);
}

/* Of what is named already the sum says nothing new. */
static enum err check_values(struct check *c)
{
	size_t before = c->wrong;
	enum err e = check_topologies(c);
	if (!e)
		e = check_each_value(c);
	if (e || c->wrong > before)
		return e;
	bool holds;
	int rc = log_sum_holds(c->reader->txn, &c->reader->log->tables, &holds);
	if (rc == MDB_NOTFOUND &&
	    log_format(c->reader->txn, c->reader->log->tables.meta) < LOG_FORMAT_SUM)
		return ERR_OK;
	if (rc != 0 && rc != MDB_NOTFOUND)
		return lmdb_err(rc);
	if (rc == MDB_NOTFOUND || !holds) {
		report_add(c->report,
			   "log: a value or a topology is damaged or gone: they have another sum");
		c->wrong++;
	}
	return ERR_OK;
}

enum err log_verify_pages(struct log *log, struct report *report)
{
	const char *dir;
	MDB_txn *txn;
	int rc = mdb_env_get_path(log->store.env, &dir);
	/* As long as it lasts, no page of what is verified is written over. */
	if (rc == 0)
		rc = mdb_txn_begin(log->store.env, NULL, MDB_RDONLY, &txn);
	if (rc != 0)
		return lmdb_err(rc);
	enum err e = store_verify(dir, report);
	mdb_txn_abort(txn);
	return e;
}

enum err log_check(struct log *log, struct report *report)
{
	struct check c = {.report = report};
	enum err e = log_verify_pages(log, report);
	if (!e)
		e = log_reader_open(&c.reader, log);
	if (!e)
		e = check_rows(&c);
	if (!e)
		e = check_bodies(&c);
	if (!e)
		e = check_values(&c);
	log_reader_close(c.reader);
	if (e)
		report_add(report, "log: cannot be read to its end: %s", err_str(e));
	return e ? e : c.wrong ? ERR_DAMAGED : ERR_OK;
}
