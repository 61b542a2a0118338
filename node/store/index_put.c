/* The rows of a batch, sorted, go into the tables, or out of them. */
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
	int rc = objects_change(b, mark);
	if (rc == 0)
		rc = values_change(b);
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
