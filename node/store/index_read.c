/* Look-ups. */
#include <stdlib.h>
#include <string.h>

#include "node/store/index_parts.h"

static enum err read_lsn(struct index_reader *reader)
{
	struct header_mark mark;
	int rc = mark_read_headers(reader->txn, reader->index->env.tables.meta, &mark);
	reader->lsn = mark.lsn;
	return rc == MDB_NOTFOUND ? ERR_BUSY : lmdb_err(rc);
}

enum err index_reader_open(struct index_reader **out, struct index *index)
{
	*out = NULL;
	struct index_reader *reader = calloc(1, sizeof *reader);
	if (!reader)
		return ERR_MEMORY;
	reader->index = index;
	enum err e = lmdb_err(mdb_txn_begin(index->env.store.env, NULL, MDB_RDONLY, &reader->txn));
	if (!e)
		e = read_lsn(reader);
	if (e) {
		index_reader_close(reader);
		return e;
	}
	*out = reader;
	return ERR_OK;
}

enum err index_reader_renew(struct index_reader *reader)
{
	index_reader_pause(reader);
	int rc = mdb_txn_renew(reader->txn);
	if (rc != 0)
		return lmdb_err(rc);
	reader->paused = false;
	reader->renewals++;
	reader_filter_take(reader);
	return read_lsn(reader);
}

void index_reader_pause(struct index_reader *reader)
{
	if (!reader->paused)
		mdb_txn_reset(reader->txn);
	reader->paused = true;
}

void index_reader_close(struct index_reader *reader)
{
	if (!reader)
		return;
	range_close(&reader->range);
	match_close(reader);
	reader_filter_leave(reader);
	if (reader->txn)
		mdb_txn_abort(reader->txn);
	free(reader);
}

enum err reader_ready(const struct index_reader *reader)
{
	if (reader->paused)
		return ERR_STATE;
	return atomic_load(&reader->index->rebuilds) % 2 ? ERR_BUSY : ERR_OK;
}

/* What left the tail is in every snapshot taken after it left, and not in earlier ones. */
static enum err not_older_than(struct index_reader *reader, uint64_t trimmed)
{
	return reader->lsn < trimmed ? index_reader_renew(reader) : ERR_OK;
}

enum err index_find(struct index_reader *reader, const struct message_id *id, uint64_t *lsn)
{
	struct index *index = reader->index;
	uint64_t rebuilds = atomic_load(&index->rebuilds);
	enum err e = reader_ready(reader);
	if (e)
		return e;
	pthread_mutex_lock(&index->lock);
	bool found = tail_find(&index->tail, id, lsn);
	uint64_t trimmed = index->headers.lsn;
	pthread_mutex_unlock(&index->lock);
	if (found)
		return ERR_OK;
	e = not_older_than(reader, trimmed);
	if (e)
		return e;
	MDB_val key = {MESSAGE_ID_BYTES, (void *)(uintptr_t)id->b}, value;
	int rc = mdb_get(reader->txn, index->env.tables.id, &key, &value);
	if (rc == 0 && value.mv_size != 8)
		rc = MDB_CORRUPTED;
	if (rc == 0)
		*lsn = get_u64(value.mv_data);
	/* A snapshot out of a rebuild has not seen everything. */
	if (rc == MDB_NOTFOUND && rebuilds != atomic_load(&index->rebuilds))
		return ERR_BUSY;
	return lmdb_err(rc);
}

/* The digits as bytes, the last one perhaps half. */
struct digits {
	uint8_t low[MESSAGE_ID_BYTES];
	size_t count;
};

static bool digits_parse(struct digits *d, const char *hex)
{
	char all[2 * MESSAGE_ID_BYTES + 1];
	d->count = strlen(hex);
	if (d->count == 0 || d->count > 2 * MESSAGE_ID_BYTES)
		return false;
	memset(all, '0', sizeof all - 1);
	all[sizeof all - 1] = 0;
	memcpy(all, hex, d->count);
	return hex_decode(d->low, sizeof d->low, all);
}

static bool digits_match(const struct digits *d, const uint8_t *id)
{
	size_t whole = d->count / 2;
	return memcmp(d->low, id, whole) == 0 &&
	       (d->count % 2 == 0 || d->low[whole] >> 4 == id[whole] >> 4);
}

/* Takes one more match; the same message seen twice is one. */
static void match_add(const uint8_t *found, uint64_t at, uint64_t *lsn, struct message_id *id,
		      unsigned *count)
{
	if (*count == 1 && memcmp(id->b, found, sizeof id->b) == 0)
		return;
	if (*count == 0) {
		memcpy(id->b, found, sizeof id->b);
		*lsn = at;
	}
	if (*count < 2)
		++*count;
}

/* Of a table whose keys and values, taken together, are message id 32 | lsn 8. */
static int find_in_table(struct index_reader *reader, MDB_dbi table, const struct digits *d,
			 uint64_t *lsn, struct message_id *id, unsigned *count)
{
	MDB_cursor *cursor;
	MDB_val key = {sizeof d->low, (void *)(uintptr_t)d->low}, value;
	int rc = mdb_cursor_open(reader->txn, table, &cursor);
	if (rc != 0)
		return rc;
	rc = mdb_cursor_get(cursor, &key, &value, MDB_SET_RANGE);
	while (rc == 0 && *count < 2 && key.mv_size + value.mv_size == MESSAGE_ID_BYTES + 8 &&
	       digits_match(d, key.mv_data)) {
		const uint8_t *at =
			value.mv_size ? value.mv_data : (uint8_t *)key.mv_data + MESSAGE_ID_BYTES;
		match_add(key.mv_data, get_u64(at), lsn, id, count);
		rc = mdb_cursor_get(cursor, &key, &value, MDB_NEXT);
	}
	mdb_cursor_close(cursor);
	return rc == MDB_NOTFOUND ? 0 : rc;
}

enum err index_find_prefix(struct index_reader *reader, const char *hex, uint64_t *lsn,
			   struct message_id *id, unsigned *count)
{
	struct index *index = reader->index;
	struct digits d;
	*count = 0;
	if (!digits_parse(&d, hex))
		return ERR_FORMAT;
	enum err e = reader_ready(reader);
	if (e)
		return e;
	pthread_mutex_lock(&index->lock);
	for (size_t i = 0; i < index->tail.count && *count < 2; i++) {
		const struct tail_entry *entry = tail_at(&index->tail, i);
		if (digits_match(&d, entry->id.b))
			match_add(entry->id.b, entry->lsn, lsn, id, count);
	}
	uint64_t trimmed = index->headers.lsn;
	pthread_mutex_unlock(&index->lock);
	e = not_older_than(reader, trimmed);
	return e ? e : lmdb_err(find_in_table(reader, index->env.tables.id, &d, lsn, id, count));
}

enum err index_forward_prefix(struct index_reader *reader, const char *hex, uint64_t *lsn,
			      struct message_id *id, unsigned *count)
{
	struct digits d;
	*count = 0;
	if (!digits_parse(&d, hex))
		return ERR_FORMAT;
	enum err e = reader_ready(reader);
	return e ? e
		 : lmdb_err(find_in_table(reader, reader->index->env.tables.forward, &d, lsn, id,
					  count));
}

enum err reader_next(struct index_reader *reader, MDB_dbi table, const struct message_id *id,
		     uint64_t *at, uint64_t *lsn)
{
	uint8_t from[REF_KEY_BYTES];
	MDB_cursor *cursor;
	MDB_val key = {sizeof from, from}, value;
	int rc;

	if (*at == UINT64_MAX)
		return ERR_NOT_FOUND;
	memcpy(from, id->b, MESSAGE_ID_BYTES);
	put_u64(from + MESSAGE_ID_BYTES, *at + 1);
	rc = mdb_cursor_open(reader->txn, table, &cursor);
	if (rc != 0)
		return lmdb_err(rc);
	rc = mdb_cursor_get(cursor, &key, &value, MDB_SET_RANGE);
	mdb_cursor_close(cursor);
	if (rc == 0 &&
	    (key.mv_size != REF_KEY_BYTES || memcmp(key.mv_data, id->b, sizeof id->b) != 0))
		rc = MDB_NOTFOUND;
	if (rc == 0)
		*at = *lsn = get_u64((uint8_t *)key.mv_data + MESSAGE_ID_BYTES);
	return lmdb_err(rc);
}

enum err index_answers(struct index_reader *reader, const struct message_id *id, uint64_t *at,
		       uint64_t *lsn)
{
	enum err e = reader_ready(reader);

	return e ? e : reader_next(reader, reader->index->env.tables.ref, id, at, lsn);
}

static enum err objects_ready(struct index_reader *reader)
{
	enum err e = reader_ready(reader);
	return e ? e : lmdb_err(match_ready(reader));
}

enum err index_object(struct index_reader *reader, const struct party_id *origin,
		      const char *object_id, struct object_at *out)
{
	uint8_t hash[HASH_KEY_BYTES], record[OBJECT_BYTES];
	enum err e = objects_ready(reader);
	if (e)
		return e;
	key_of_object(hash, reader->index->identity, origin, object_id);
	int rc = lineage_last(&reader->objects, hash, record);
	if (rc == 0)
		*out = object_decode(record);
	return lmdb_err(rc);
}

enum err index_versions(struct index_reader *reader, const struct party_id *origin,
			const char *object_id, bool (*found)(void *arg, const struct object_at *at),
			void *arg)
{
	uint8_t hash[HASH_KEY_BYTES], at[OBJECT_BYTES], record[OBJECT_BYTES];
	enum err e = objects_ready(reader);
	if (e)
		return e;
	key_of_object(hash, reader->index->identity, origin, object_id);
	memcpy(at, hash, SHORT_HASH_BYTES);
	memset(at + SHORT_HASH_BYTES, 0xff, sizeof at - SHORT_HASH_BYTES);
	int rc = 0;
	while (rc == 0) {
		rc = packed_last(&reader->objects, at, record);
		if (rc != 0 || memcmp(record, hash, SHORT_HASH_BYTES) != 0)
			break;
		struct object_at version = object_decode(record);
		if (!found(arg, &version))
			break;
		memcpy(at, record, sizeof at);
		packed_step_back(&reader->objects, at);
		rc = match_ready(reader);
	}
	return rc == MDB_NOTFOUND ? ERR_OK : lmdb_err(rc);
}

bool index_current(struct index_reader *reader, const struct party_id *origin,
		   const char *object_id, uint64_t lsn, uint16_t number)
{
	struct object_at at = {0};
	return index_object(reader, origin, object_id, &at) == ERR_OK && at.lsn == lsn &&
	       at.number == number;
}

bool index_foremost(struct index_reader *reader, const struct party_id *origin,
		    const char *object_id, const struct message_id *id, const struct object_at *at)
{
	uint8_t hash[HASH_KEY_BYTES], end[OBJECT_BYTES], record[OBJECT_BYTES];
	if (objects_ready(reader))
		return false;
	key_of_object(hash, reader->index->identity, origin, object_id);
	object_encode(end, hash, id, false, at);
	memset(end + OBJECT_VERSION_BYTES, 0xff, sizeof end - OBJECT_VERSION_BYTES);
	return packed_last(&reader->objects, end, record) == 0 &&
	       memcmp(record, end, OBJECT_VERSION_BYTES) == 0 &&
	       object_decode(record).lsn == at->lsn;
}

const char *index_held(struct index_reader *reader, uint64_t lsn, char *out, size_t size)
{
	uint8_t at[8];
	put_u64(at, lsn);
	MDB_val key = {sizeof at, at}, value;
	if (reader_ready(reader) || size == 0 ||
	    mdb_get(reader->txn, reader->index->env.tables.held, &key, &value) != 0)
		return NULL;
	size_t n = value.mv_size < size ? value.mv_size : size - 1;
	memcpy(out, value.mv_data, n);
	out[n] = 0;
	return out;
}

enum err index_count(struct index_reader *reader, struct index_counts *out)
{
	struct index *index = reader->index;
	struct header_mark headers;
	struct content_mark content;
	enum err e = reader_ready(reader);
	if (e)
		return e;
	int rc = mark_read_headers(reader->txn, index->env.tables.meta, &headers);
	if (rc == 0)
		rc = mark_read_content(reader->txn, index->env.tables.meta, &content);
	if (rc != 0)
		return lmdb_err(rc);
	pthread_mutex_lock(&index->lock);
	size_t tail = tail_above(&index->tail, headers.lsn);
	pthread_mutex_unlock(&index->lock);
	*out = (struct index_counts){headers.messages + tail, content.objects, content.held};
	return ERR_OK;
}
