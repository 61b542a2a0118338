#include "node/store/log_parts.h"

#include <stdlib.h>
#include <string.h>

static enum err run_decode(struct log_row *row, struct reader *r)
{
	row->kind = LOG_EXPIRED;
	row->first = read_u64(r);
	return reader_done(r) && row->fact == 0 && row->first > 0 && row->first <= row->lsn
		       ? ERR_OK
		       : ERR_DAMAGED;
}

enum err log_row_decode(struct log_row *row, uint64_t lsn, const MDB_val *stored)
{
	uint8_t check[CHECK_BYTES];
	struct reader r;
	*row = (struct log_row){.lsn = lsn};
	if (stored->mv_size < ROW_RUN_BYTES + CHECK_BYTES)
		return ERR_DAMAGED;
	size_t n = stored->mv_size - CHECK_BYTES;
	const uint8_t *bytes = stored->mv_data;
	log_row_check(check, lsn, bytes, n);
	if (memcmp(check, bytes + n, CHECK_BYTES) != 0)
		return ERR_DAMAGED;
	reader_init(&r, bytes, n);
	uint8_t kind = read_u8(&r), detail = read_u8(&r);
	if (kind == LOG_EXPIRED) {
		row->fact = detail;
		return run_decode(row, &r);
	}
	row->arrived = read_u64(&r);
	read_bytes(&r, row->from.b, sizeof row->from.b);
	if (kind == LOG_MESSAGE && (detail & ~VERDICT_VOID_BIT) <= VERDICT_SUSPENDED) {
		row->kind = LOG_MESSAGE;
		row->verdict = (enum verdict)(detail & ~VERDICT_VOID_BIT);
		row->is_void = detail & VERDICT_VOID_BIT;
		read_bytes(&r, row->id.b, sizeof row->id.b);
	} else if (kind == LOG_FACT) {
		row->kind = LOG_FACT;
		row->fact = detail;
	} else {
		return ERR_DAMAGED;
	}
	row->length = r.left;
	row->data = read_ref(&r, r.left);
	return r.bad ? ERR_DAMAGED : ERR_OK;
}

enum err log_reader_open(struct log_reader **out, struct log *log)
{
	*out = NULL;
	struct log_reader *reader = calloc(1, sizeof *reader);
	if (!reader)
		return ERR_MEMORY;
	reader->log = log;
	int rc = mdb_txn_begin(log->store.env, NULL, MDB_RDONLY, &reader->txn);
	if (rc == 0)
		rc = mdb_cursor_open(reader->txn, log->tables.row, &reader->row);
	if (rc != 0) {
		log_reader_close(reader);
		return lmdb_err(rc);
	}
	*out = reader;
	return ERR_OK;
}

enum err log_reader_renew(struct log_reader *reader)
{
	log_reader_pause(reader);
	int rc = mdb_txn_renew(reader->txn);
	if (rc != 0)
		return lmdb_err(rc);
	reader->paused = false;
	reader->at = 0;
	return lmdb_err(mdb_cursor_renew(reader->txn, reader->row));
}

void log_reader_pause(struct log_reader *reader)
{
	if (!reader->paused)
		mdb_txn_reset(reader->txn);
	reader->paused = true;
}

void log_reader_close(struct log_reader *reader)
{
	if (!reader)
		return;
	if (reader->row)
		mdb_cursor_close(reader->row);
	if (reader->txn)
		mdb_txn_abort(reader->txn);
	free(reader);
}

static enum err look_for_body(const struct log_reader *reader, uint64_t lsn, bool *found)
{
	uint8_t at[LSN_BYTES];
	put_u64(at, lsn);
	MDB_val key = {sizeof at, at}, value;
	int rc = mdb_get(reader->txn, reader->log->tables.body, &key, &value);
	*found = rc == 0;
	return rc == MDB_NOTFOUND ? ERR_OK : lmdb_err(rc);
}

enum err log_read_from(struct log_reader *reader, uint64_t lsn, struct log_row *row)
{
	if (reader->paused)
		return ERR_STATE;
	uint8_t at[LSN_BYTES];
	put_u64(at, lsn);
	MDB_val key = {sizeof at, at}, value;
	/* Reading on from where the cursor stands spares the way down the tree. */
	MDB_cursor_op op = reader->at && lsn == reader->at + 1 ? MDB_NEXT : MDB_SET_RANGE;
	int rc = mdb_cursor_get(reader->row, &key, &value, op);
	reader->at = 0;
	if (rc != 0)
		return lmdb_err(rc);
	if (key.mv_size != LSN_BYTES)
		return ERR_DAMAGED;
	uint64_t found = get_u64(key.mv_data);
	enum err e = log_row_decode(row, found, &value);
	reader->at = found;
	if (!e && row->kind == LOG_MESSAGE)
		e = look_for_body(reader, found, &row->has_body);
	return e;
}

enum err log_read(struct log_reader *reader, uint64_t lsn, struct log_row *row)
{
	if (lsn == 0)
		return ERR_NOT_FOUND;
	enum err e = log_read_from(reader, lsn, row);
	if ((!e || e == ERR_DAMAGED) && row->lsn != lsn)
		return ERR_NOT_FOUND;
	return e;
}

/* A body in its box. */
static enum err find_box(struct log_reader *reader, uint64_t lsn, MDB_val *box)
{
	uint8_t at[LSN_BYTES];
	if (reader->paused)
		return ERR_STATE;
	put_u64(at, lsn);
	MDB_val key = {sizeof at, at};
	int rc = mdb_get(reader->txn, reader->log->tables.body, &key, box);
	if (rc != 0)
		return lmdb_err(rc);
	return box->mv_size < STORE_BOX_EXTRA ? ERR_DAMAGED : ERR_OK;
}

enum err log_read_body(struct log_reader *reader, const struct log_row *row, uint8_t **body,
		       size_t *n)
{
	MDB_val box;
	*body = NULL;
	enum err e = find_box(reader, row->lsn, &box);
	if (e)
		return e;
	size_t length = box.mv_size - STORE_BOX_EXTRA;
	uint8_t *out = malloc(length + 1);
	if (!out)
		return ERR_MEMORY;
	e = identity_store_unbox(reader->log->identity, &row->id, out, box.mv_data, box.mv_size);
	if (e) {
		free(out);
		return e;
	}
	out[length] = 0;
	*body = out;
	*n = length;
	return ERR_OK;
}

enum err log_read_body_to(struct log_reader *reader, const struct log_row *row, uint8_t *body,
			  size_t n)
{
	MDB_val box;
	enum err e = find_box(reader, row->lsn, &box);
	if (!e && box.mv_size - STORE_BOX_EXTRA != n)
		e = ERR_DAMAGED;
	return e ? e
		 : identity_store_unbox(reader->log->identity, &row->id, body, box.mv_data,
					box.mv_size);
}

enum err log_last(struct log_reader *reader, uint64_t *lsn)
{
	return reader->paused ? ERR_STATE
			      : lmdb_err(log_read_head(reader->txn, reader->log->tables.row, lsn));
}

enum err log_get(struct log_reader *reader, const char *key, void *value, size_t size, size_t *n)
{
	if (reader->paused)
		return ERR_STATE;
	size_t length = strlen(key);
	if (length == 0 || length > VALUE_KEY_MAX_BYTES)
		return ERR_LIMIT;
	MDB_val k = {length, (void *)(uintptr_t)key}, v;
	int rc = mdb_get(reader->txn, reader->log->tables.value, &k, &v);
	if (rc != 0)
		return lmdb_err(rc);
	if (!reader->log->plain && !log_value_open(&k, &v))
		return ERR_DAMAGED;
	if (v.mv_size > size)
		return ERR_LIMIT;
	if (v.mv_size)
		memcpy(value, v.mv_data, v.mv_size);
	*n = v.mv_size;
	return ERR_OK;
}

enum err log_values(struct log_reader *reader, const char *prefix,
		    bool (*found)(void *arg, const char *key, const void *value, size_t n),
		    void *arg)
{
	if (reader->paused)
		return ERR_STATE;
	size_t length = strlen(prefix);
	MDB_val k = {length, (void *)(uintptr_t)prefix}, v;
	MDB_cursor *cursor;
	int rc = mdb_cursor_open(reader->txn, reader->log->tables.value, &cursor);
	if (rc != 0)
		return lmdb_err(rc);
	bool more = true, whole = true;
	rc = mdb_cursor_get(cursor, &k, &v, MDB_SET_RANGE);
	while (rc == 0 && more && k.mv_size >= length && memcmp(k.mv_data, prefix, length) == 0) {
		char key[VALUE_KEY_MAX_BYTES + 1];
		size_t n = k.mv_size < sizeof key ? k.mv_size : sizeof key - 1;
		memcpy(key, k.mv_data, n);
		key[n] = '\0';
		if (reader->log->plain || log_value_open(&k, &v))
			more = found(arg, key, v.mv_data, v.mv_size);
		else
			whole = false;
		if (more)
			rc = mdb_cursor_get(cursor, &k, &v, MDB_NEXT);
	}
	mdb_cursor_close(cursor);
	if (rc != 0 && rc != MDB_NOTFOUND)
		return lmdb_err(rc);
	return whole ? ERR_OK : ERR_DAMAGED;
}

uint32_t log_floor(struct log_reader *reader)
{
	uint8_t hours[4];
	size_t n = 0;
	enum err e = log_get(reader, "floor", hours, sizeof hours, &n);
	return !e && n == sizeof hours ? get_u32(hours) : 0;
}

enum err log_get_topology(struct log_reader *reader, uint32_t version, size_t nth,
			  const uint8_t **file, size_t *n)
{
	if (reader->paused)
		return ERR_STATE;
	uint8_t from[TOPOLOGY_KEY_BYTES] = {0};
	put_u32(from, version);
	MDB_val key = {sizeof from, from}, value;
	MDB_cursor *cursor;
	int rc = mdb_cursor_open(reader->txn, reader->log->tables.topology, &cursor);
	if (rc != 0)
		return lmdb_err(rc);
	rc = mdb_cursor_get(cursor, &key, &value, MDB_SET_RANGE);
	while (rc == 0 && nth-- > 0)
		rc = mdb_cursor_get(cursor, &key, &value, MDB_NEXT);
	mdb_cursor_close(cursor);
	if (rc != 0)
		return lmdb_err(rc);
	if (key.mv_size != TOPOLOGY_KEY_BYTES)
		return ERR_DAMAGED;
	if (get_u32(key.mv_data) != version)
		return ERR_NOT_FOUND;
	*file = value.mv_data;
	*n = value.mv_size;
	return ERR_OK;
}
