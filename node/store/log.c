#include "node/store/log_parts.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

static MDB_val val_of(const void *p, size_t n)
{
	return (MDB_val){n, (void *)(uintptr_t)p};
}

int log_open_tables(MDB_txn *txn, struct log_tables *tables, bool create)
{
	struct {
		const char *name;
		MDB_dbi *dbi;
	} all[] = {
		{"row", &tables->row},           {"body", &tables->body}, {"value", &tables->value},
		{"topology", &tables->topology}, {"meta", &tables->meta},
	};
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < sizeof all / sizeof *all; i++)
		rc = mdb_dbi_open(txn, all[i].name, create ? MDB_CREATE : 0, all[i].dbi);
	return rc;
}

/* SPEC 6.1: "Under `key` stands a mark of the store key, so that a log is never continued under
 * another one." */
static void key_mark(uint8_t out[16], const struct identity *identity)
{
	identity_index_key(identity, KEY_OF_STORE, "store", 5, out);
}

static int write_meta(MDB_txn *txn, MDB_dbi meta, const struct identity *identity,
		      const struct store_id *id)
{
	uint8_t format[4], mark[16];
	put_u32(format, LOG_FORMAT);
	key_mark(mark, identity);
	MDB_val keys[] = {val_of("format", 6), val_of("store", 5), val_of("key", 3)};
	MDB_val values[] = {val_of(format, sizeof format), val_of(id->b, sizeof id->b),
			    val_of(mark, sizeof mark)};
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < 3; i++)
		rc = mdb_put(txn, meta, &keys[i], &values[i], 0);
	return rc;
}

enum err log_read_meta(MDB_txn *txn, MDB_dbi meta, const struct identity *identity,
		       struct store_id *id, const char *dir, struct report *report)
{
	MDB_val key = val_of("format", 6), value;
	int rc = mdb_get(txn, meta, &key, &value);
	if (rc != 0 || value.mv_size != 4) {
		report_add(report, "%s: is no log of khabardar", dir);
		return ERR_DAMAGED;
	}
	uint32_t format = get_u32(value.mv_data);
	if (format > LOG_FORMAT) {
		report_add(report,
			   "%s: written by a later khabardar (format %u, this one knows %u): "
			   "install that version again",
			   dir, format, (unsigned)LOG_FORMAT);
		return ERR_TOO_NEW;
	}
	uint8_t mark[16];
	MDB_val store, stored_mark;
	key = val_of("store", 5);
	rc = mdb_get(txn, meta, &key, &store);
	key = val_of("key", 3);
	if (rc == 0)
		rc = mdb_get(txn, meta, &key, &stored_mark);
	if (rc != 0 || format < 1 || store.mv_size != sizeof id->b ||
	    stored_mark.mv_size != sizeof mark) {
		report_add(report, "%s: its description is damaged", dir);
		return ERR_DAMAGED;
	}
	memcpy(id->b, store.mv_data, sizeof id->b);
	key_mark(mark, identity);
	if (memcmp(mark, stored_mark.mv_data, sizeof mark) != 0) {
		report_add(report, "%s: was written under another key file; put that node.key back",
			   dir);
		return ERR_PERMISSIONS;
	}
	return ERR_OK;
}

uint32_t log_format(MDB_txn *txn, MDB_dbi meta)
{
	MDB_val key = val_of("format", 6), value;
	int rc = mdb_get(txn, meta, &key, &value);
	return rc == 0 && value.mv_size == 4 ? get_u32(value.mv_data) : 0;
}

int log_raise_format(MDB_txn *txn, const struct log_tables *tables)
{
	uint8_t bytes[4];
	uint32_t format = log_format(txn, tables->meta);
	if (format == LOG_FORMAT)
		return 0;
	put_u32(bytes, LOG_FORMAT);
	MDB_val key = val_of("format", 6), value = val_of(bytes, sizeof bytes);
	int rc = mdb_put(txn, tables->meta, &key, &value, 0);
	if (rc == 0 && format < LOG_FORMAT_CHECKS)
		rc = log_values_raise(txn, tables);
	return rc ? rc : log_sum_begin(txn, tables);
}

int log_read_head(MDB_txn *txn, MDB_dbi row, uint64_t *head)
{
	MDB_cursor *cursor;
	MDB_val key, value;
	int rc = mdb_cursor_open(txn, row, &cursor);
	if (rc != 0)
		return rc;
	rc = mdb_cursor_get(cursor, &key, &value, MDB_LAST);
	*head = 0;
	if (rc == 0 && key.mv_size == LSN_BYTES)
		*head = get_u64(key.mv_data);
	else if (rc == 0)
		rc = MDB_CORRUPTED;
	mdb_cursor_close(cursor);
	return rc == MDB_NOTFOUND ? 0 : rc;
}

/* Opens the tables, makes them in an empty environment, and learns where the log ends. */
static enum err load(struct log *log, const char *dir, bool create,
		     const struct store_id *new_store_id, struct report *report)
{
	MDB_txn *txn;
	bool read_only = log->store.read_only;
	int rc = mdb_txn_begin(log->store.env, NULL, read_only ? MDB_RDONLY : 0, &txn);
	if (rc != 0)
		return lmdb_err(rc);
	enum err e;
	uint64_t head = 0;
	rc = log_open_tables(txn, &log->tables, false);
	if (rc == MDB_NOTFOUND && create) {
		rc = log_open_tables(txn, &log->tables, true);
		if (rc == 0)
			rc = write_meta(txn, log->tables.meta, log->identity, new_store_id);
		if (rc == 0)
			rc = log_sum_begin(txn, &log->tables);
	}
	if (rc == MDB_NOTFOUND)
		rc = MDB_INVALID;
	if (rc == 0)
		rc = log_read_head(txn, log->tables.row, &head);
	e = lmdb_err(rc);
	if (e)
		report_add(report, "%s: cannot be read: %s", dir, mdb_strerror(rc));
	else
		e = log_read_meta(txn, log->tables.meta, log->identity, &log->id, dir, report);
	if (!e && !read_only)
		e = lmdb_err(log_raise_format(txn, &log->tables));
	log->plain = !e && log_format(txn, log->tables.meta) < LOG_FORMAT_CHECKS;
	if (e)
		mdb_txn_abort(txn);
	else
		e = lmdb_err(mdb_txn_commit(txn));
	atomic_store(&log->head, head);
	return e;
}

static void writing_init(pthread_mutex_t *writing)
{
	pthread_mutexattr_t recursive;

	pthread_mutexattr_init(&recursive);
	pthread_mutexattr_settype(&recursive, PTHREAD_MUTEX_RECURSIVE);
	pthread_mutex_init(writing, &recursive);
	pthread_mutexattr_destroy(&recursive);
}

enum err log_open(struct log **out, const char *dir, const struct log_options *options,
		  const struct identity *identity, const struct store_id *new_store_id,
		  struct report *report)
{
	struct store_options so = {options->map_bytes, options->create, options->read_only,
				   options->verify};
	*out = NULL;
	struct log *log = calloc(1, sizeof *log);
	if (!log)
		return ERR_MEMORY;
	writing_init(&log->writing);
	log->identity = identity;
	enum err e = store_open(&log->store, dir, &so, report);
	if (!e)
		e = load(log, dir, options->create, new_store_id, report);
	if (e) {
		log_close(log);
		return e;
	}
	*out = log;
	return ERR_OK;
}

void log_close(struct log *log)
{
	if (!log)
		return;
	log_abort(log);
	store_close(&log->store);
	pthread_mutex_destroy(&log->writing);
	free(log);
}

struct store_id log_store_id(const struct log *log)
{
	return log->id;
}

uint64_t log_head(const struct log *log)
{
	return atomic_load(&((struct log *)(uintptr_t)log)->head);
}

unsigned log_fullness(const struct log *log)
{
	return store_fullness(&log->store);
}

void log_forget_pages(const struct log *log)
{
	store_forget_pages(&log->store);
}

bool log_is_broken(const struct log *log)
{
	return store_is_broken(&log->store);
}

enum err log_begin(struct log *log)
{
	if (log->store.read_only)
		return ERR_STATE;
	pthread_mutex_lock(&log->writing);
	if (log->txn) {
		pthread_mutex_unlock(&log->writing);
		return ERR_STATE;
	}
	int rc = mdb_txn_begin(log->store.env, NULL, 0, &log->txn);
	if (rc != 0) {
		log->txn = NULL;
		pthread_mutex_unlock(&log->writing);
		return lmdb_err(rc);
	}
	log->failed = ERR_OK;
	log->full = log_fullness(log) >= LOG_FULL_PERCENT;
	log->next = log_head(log) + 1;
	return ERR_OK;
}

enum err log_fail(struct log *log, int rc)
{
	enum err e = lmdb_err(rc);
	if (e && !log->failed)
		log->failed = e;
	return e;
}

void log_row_check(uint8_t out[CHECK_BYTES], uint64_t lsn, const uint8_t *row, size_t n)
{
	crypto_generichash_state state;
	uint8_t at[LSN_BYTES], sum[16];
	put_u64(at, lsn);
	crypto_generichash_init(&state, NULL, 0, sizeof sum);
	crypto_generichash_update(&state, at, sizeof at);
	crypto_generichash_update(&state, row, n);
	crypto_generichash_final(&state, sum, sizeof sum);
	memcpy(out, sum, CHECK_BYTES);
}

/* Writes a row straight into its page.  id NULL: a fact. */
static enum err put_row(struct log *log, const struct log_row *row, const struct message_id *id)
{
	size_t fixed = id ? ROW_MESSAGE_BYTES : ROW_FIXED_BYTES;
	uint8_t lsn[LSN_BYTES];
	struct writer w;
	put_u64(lsn, log->next);
	MDB_val key = val_of(lsn, sizeof lsn), value = {fixed + row->length + CHECK_BYTES, NULL};
	int rc = mdb_put(log->txn, log->tables.row, &key, &value, MDB_APPEND | MDB_RESERVE);
	if (rc != 0)
		return log_fail(log, rc);
	writer_init(&w, value.mv_data, value.mv_size);
	write_u8(&w, id ? LOG_MESSAGE : LOG_FACT);
	write_u8(&w, id ? (uint8_t)row->verdict : row->fact);
	write_u64(&w, row->arrived);
	write_bytes(&w, row->from.b, sizeof row->from.b);
	if (id)
		write_bytes(&w, id->b, sizeof id->b);
	write_bytes(&w, row->data, row->length);
	log_row_check(w.start + w.used, log->next, w.start, w.used);
	return ERR_OK;
}

static enum err put_body(struct log *log, const struct message_id *id, const uint8_t *body,
			 size_t n)
{
	uint8_t lsn[LSN_BYTES];
	put_u64(lsn, log->next);
	MDB_val key = val_of(lsn, sizeof lsn), value = {n + STORE_BOX_EXTRA, NULL};
	int rc = mdb_put(log->txn, log->tables.body, &key, &value, MDB_APPEND | MDB_RESERVE);
	if (rc == 0)
		identity_store_box(log->identity, id, value.mv_data, body, n);
	return log_fail(log, rc);
}

enum err log_writable(const struct log *log)
{
	return log->txn ? log->failed : ERR_STATE;
}

enum err log_append(struct log *log, const struct log_row *row, const struct message_id *id,
		    const uint8_t *body, size_t body_length, uint64_t *lsn)
{
	enum err e = log_writable(log);
	if (e)
		return e;
	if (row->length < HEADER_FIXED_BYTES + SIGNATURE_BYTES ||
	    row->length > HEADER_MAX_BYTES + SIGNATURE_BYTES ||
	    body_length > FORWARD_BODY_MAX_BYTES)
		return ERR_LIMIT;
	if (log->full)
		return ERR_FULL;
	e = put_row(log, row, id);
	if (!e && body)
		e = put_body(log, id, body, body_length);
	if (!e)
		*lsn = log->next++;
	return e;
}

enum err log_append_fact(struct log *log, enum fact fact, uint64_t now, const void *data, size_t n,
			 uint64_t *lsn)
{
	enum err e = log_writable(log);
	if (e)
		return e;
	if (n > FACT_MAX_BYTES)
		return ERR_LIMIT;
	struct log_row row = {.arrived = now, .fact = (uint8_t)fact, .data = data, .length = n};
	e = put_row(log, &row, NULL);
	if (!e)
		*lsn = log->next++;
	return e;
}

enum err log_remove_body(struct log *log, uint64_t lsn)
{
	enum err e = log_writable(log);
	if (e)
		return e;
	uint8_t at[LSN_BYTES];
	put_u64(at, lsn);
	MDB_val key = val_of(at, sizeof at);
	int rc = mdb_del(log->txn, log->tables.body, &key, NULL);
	return rc == MDB_NOTFOUND ? ERR_NOT_FOUND : log_fail(log, rc);
}

enum err log_put(struct log *log, const char *key, const void *value, size_t n)
{
	enum err e = log_writable(log);
	if (e)
		return e;
	size_t length = strlen(key);
	if (length == 0 || length > VALUE_KEY_MAX_BYTES)
		return ERR_LIMIT;
	MDB_val k = val_of(key, length), v = val_of(value, n);
	return log_fail(log, log_value_put(log->txn, &log->tables, &k, &v));
}

enum err log_drop(struct log *log, const char *prefix)
{
	enum err e = log_writable(log);
	return e ? e : log_fail(log, log_sum_drop(log->txn, &log->tables, prefix));
}

enum err log_put_topology(struct log *log, uint32_t version, const struct hash *hash,
			  const void *file, size_t n)
{
	enum err e = log_writable(log);
	if (e)
		return e;
	if (n > TOPOLOGY_MAX_BYTES)
		return ERR_LIMIT;
	uint8_t at[TOPOLOGY_KEY_BYTES];
	put_u32(at, version);
	memcpy(at + 4, hash->b, sizeof hash->b);
	MDB_val key = val_of(at, sizeof at), value = val_of(file, n);
	return log_fail(log,
			log_sum_put(log->txn, &log->tables, log->tables.topology, &key, &value));
}

enum err log_commit(struct log *log)
{
	enum err e = log_writable(log);
	if (e) {
		log_abort(log);
		return e;
	}
	int rc = mdb_txn_commit(log->txn);
	log->txn = NULL;
	if (rc == 0)
		atomic_store(&log->head, log->next - 1);
	pthread_mutex_unlock(&log->writing);
	return lmdb_err(rc);
}

void log_abort(struct log *log)
{
	/* The mutex is recursive: whoever holds it passes, and another's transaction is not ours to
	 * give up. */
	if (pthread_mutex_trylock(&log->writing) != 0)
		return;
	if (log->txn) {
		mdb_txn_abort(log->txn);
		log->txn = NULL;
		pthread_mutex_unlock(&log->writing);
	}
	pthread_mutex_unlock(&log->writing);
}
