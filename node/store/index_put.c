/* The rows of a batch, sorted, go into the tables object, value and held, or out of them. */
#include <string.h>

#include "node/store/index_batch.h"

int mark_read_content(MDB_txn *txn, MDB_dbi meta, struct content_mark *mark)
{
	MDB_val key = {7, "content"}, value;
	int rc = mdb_get(txn, meta, &key, &value);
	if (rc != 0)
		return rc;
	struct reader r;
	reader_init(&r, value.mv_data, value.mv_size);
	mark->lsn = read_u64(&r);
	mark->rows = read_u64(&r);
	mark->objects = read_u64(&r);
	mark->held = read_u64(&r);
	return reader_done(&r) ? 0 : MDB_CORRUPTED;
}

static int mark_write(MDB_txn *txn, MDB_dbi meta, const struct content_mark *mark)
{
	uint8_t bytes[4 * 8];
	put_u64(bytes, mark->lsn);
	put_u64(bytes + 8, mark->rows);
	put_u64(bytes + 16, mark->objects);
	put_u64(bytes + 24, mark->held);
	MDB_val key = {7, "content"}, value = {sizeof bytes, bytes};
	return mdb_put(txn, meta, &key, &value, 0);
}

static int counted(MDB_cursor *cursor, const uint8_t *hash, bool *is)
{
	MDB_val key, value;
	int rc = lineage_last(cursor, hash, &key, &value);
	*is = rc == 0 && !object_decode(key.mv_data, value.mv_data).scaffolding;
	return rc == MDB_NOTFOUND ? 0 : rc;
}

static int put_object(MDB_cursor *cursor, uint8_t *at)
{
	MDB_val key = {OBJECT_KEY_BYTES, at};
	MDB_val value = {OBJECT_VALUE_BYTES, at + OBJECT_KEY_BYTES};
	return mdb_cursor_put(cursor, &key, &value, 0);
}

static int remove_object(MDB_cursor *cursor, uint8_t *at)
{
	MDB_val key = {OBJECT_KEY_BYTES, at}, value;
	int rc = mdb_cursor_get(cursor, &key, &value, MDB_SET);
	if (rc == 0)
		rc = mdb_cursor_del(cursor, 0);
	return rc == MDB_NOTFOUND ? 0 : rc;
}

/* Takes the versions of each lineage together and counts what becomes of it. */
static int change_objects(struct batch *b, struct sheet *s,
			  int (*change)(MDB_cursor *cursor, uint8_t *at), struct content_mark *mark)
{
	MDB_cursor *cursor;
	int rc = mdb_cursor_open(b->txn, b->f->env->tables.object, &cursor);
	if (rc != 0)
		return rc;
	for (size_t i = 0; rc == 0 && i < s->count;) {
		const uint8_t *hash = sheet_row(s, i);
		bool before = false, after = false;
		rc = counted(cursor, hash, &before);
		for (;
		     rc == 0 && i < s->count && memcmp(sheet_row(s, i), hash, HASH_KEY_BYTES) == 0;
		     i++)
			rc = change(cursor, s->at + i * s->width);
		if (rc == 0)
			rc = counted(cursor, hash, &after);
		mark->objects += (uint64_t)after - (uint64_t)before;
	}
	mdb_cursor_close(cursor);
	return rc;
}

static size_t place_of(const uint8_t *at)
{
	const uint8_t *place = at + VALUE_KEY_BYTES + OBJECT_REF_BYTES;
	return (size_t)(place[0] << 8 | place[1]);
}

static int put_values(struct batch *b, uint64_t lengths[LENGTHS])
{
	const struct sheet *s = &b->made[VALUES];
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < s->count; i++) {
		uint8_t *at = s->at + i * s->width;
		size_t length = place_of(at);
		MDB_val key = {VALUE_KEY_BYTES, at};
		MDB_val value = {OBJECT_REF_BYTES, at + VALUE_KEY_BYTES};
		if (b->f->filter)
			filter_add(b->f->filter, at);
		rc = mdb_put(b->txn, b->f->env->tables.value, &key, &value, MDB_NOOVERWRITE);
		if (rc == 0 && length < LENGTHS)
			lengths[length]++;
		if (rc == MDB_KEYEXIST) /* one object says one value twice */
			rc = 0;
	}
	return rc;
}

static int remove_values(struct batch *b, uint64_t lengths[LENGTHS])
{
	const struct sheet *s = &b->gone[VALUES];
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < s->count; i++) {
		uint8_t *at = s->at + i * s->width;
		size_t length = place_of(at);
		MDB_val key = {VALUE_KEY_BYTES, at};
		rc = mdb_del(b->txn, b->f->env->tables.value, &key, NULL);
		if (rc == 0 && length < LENGTHS)
			lengths[length]--;
		if (rc == MDB_NOTFOUND)
			rc = 0;
	}
	return rc;
}

static int change_values(struct batch *b)
{
	MDB_dbi meta = b->f->env->tables.meta;
	uint64_t lengths[LENGTHS];
	uint8_t bytes[LENGTHS * 8];
	int rc = lengths_read(b->txn, meta, lengths);
	if (rc == 0)
		rc = put_values(b, lengths);
	if (rc == 0)
		rc = remove_values(b, lengths);
	if (rc != 0)
		return rc;
	for (size_t i = 0; i < LENGTHS; i++)
		put_u64(bytes + i * 8, lengths[i]);
	MDB_val key = {7, "lengths"}, value = {sizeof bytes, bytes};
	return mdb_put(b->txn, meta, &key, &value, 0);
}

int batch_change(struct batch *b, int sheet, MDB_dbi table, size_t key_bytes)
{
	struct sheet *made = &b->made[sheet], *gone = &b->gone[sheet];
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < gone->count; i++) {
		MDB_val key = {key_bytes, gone->at + i * gone->width};
		rc = mdb_del(b->txn, table, &key, NULL);
		if (rc == MDB_NOTFOUND)
			rc = 0;
	}
	for (size_t i = 0; rc == 0 && i < made->count; i++) {
		uint8_t *at = made->at + i * made->width;
		MDB_val key = {key_bytes, at}, value = {made->width - key_bytes, at + key_bytes};
		rc = mdb_put(b->txn, table, &key, &value, 0);
	}
	return rc;
}

static int change_held(struct batch *b, struct content_mark *mark)
{
	MDB_dbi held = b->f->env->tables.held;
	int rc = 0;
	/* What was held may be held again, for another reason. */
	for (size_t i = 0; rc == 0 && i < b->gone[HELD].count; i++) {
		MDB_val key = {8, b->gone[HELD].at + i * HELD_RECORD_BYTES};
		rc = mdb_del(b->txn, held, &key, NULL);
		mark->held -= rc == 0;
		if (rc == MDB_NOTFOUND)
			rc = 0;
	}
	for (size_t i = 0; rc == 0 && i < b->made[HELD].count; i++) {
		uint8_t *at = b->made[HELD].at + i * HELD_RECORD_BYTES;
		MDB_val key = {8, at}, value = {strlen((char *)at + 8), at + 8};
		rc = mdb_put(b->txn, held, &key, &value, MDB_NOOVERWRITE);
		mark->held += rc == 0;
		if (rc == MDB_KEYEXIST)
			rc = 0;
	}
	return rc;
}

enum err batch_put(struct batch *b, struct content_mark *mark)
{
	for (size_t i = 0; i < HELD; i++) {
		sheet_sort(&b->made[i]);
		sheet_sort(&b->gone[i]);
	}
	int rc = change_objects(b, &b->made[OBJECTS], put_object, mark);
	if (rc == 0)
		rc = change_objects(b, &b->gone[OBJECTS], remove_object, mark);
	if (rc == 0 && (b->made[VALUES].count || b->gone[VALUES].count))
		rc = change_values(b);
	if (rc == 0)
		rc = receipts_put(b);
	if (rc == 0)
		rc = cards_put(b);
	if (rc == 0)
		rc = batch_change(b, INCIDENTS, b->f->env->tables.incident, INCIDENT_KEY_BYTES);
	if (rc == 0)
		rc = batch_change(b, FORWARDS, b->f->env->tables.forward, FORWARD_KEY_BYTES);
	if (rc == 0)
		rc = batch_change(b, WAITS, b->f->env->tables.wait, WAIT_KEY_BYTES);
	if (rc == 0)
		rc = unread_put(b);
	if (rc == 0)
		rc = change_held(b, mark);
	if (rc == 0)
		rc = erase_put(b);
	if (rc == 0)
		rc = mark_write(b->txn, b->f->env->tables.meta, mark);
	return lmdb_err(rc);
}
