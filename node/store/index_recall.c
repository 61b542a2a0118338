/* What is recalled: found, taken out of the index, its body named for erasing.
 *
 * A message makes rows of content only as long as no recall of it is among the headers folded, so
 * the tables do not depend on which of the two came first, nor on whether its body has gone since.
 * That rests on one order: a body goes only after the recall has been folded (erase_put), and an
 * index that is built again folds every header before any content (index_rebuild, catch_up). */
#include <string.h>

#include "node/store/index_batch.h"
#include "protocol/recall.h"

enum { FORGOTTEN_MAX = 4000 };

/* The row is an accepted recall of the target; h is room for its header. */
static enum err takes_back(struct log_reader *log, uint64_t lsn, const struct header *target,
			   const struct message_id *id, struct header *h, bool *yes)
{
	struct log_row row;
	enum err e = log_read(log, lsn, &row);
	*yes = false;
	/* A damaged row takes nothing back; one that has come since the log was looked at will. */
	if (e == ERR_DAMAGED || e == ERR_NOT_FOUND)
		return ERR_OK;
	if (e)
		return e;
	/* SPEC 5.8: "Only an accepted recall applies." */
	*yes = row.kind == LOG_MESSAGE && row.verdict == VERDICT_ACCEPTED &&
	       row.length >= SIGNATURE_BYTES &&
	       header_decode(h, row.data, row.length - SIGNATURE_BYTES) == ERR_OK &&
	       recall_applies(h, target, id);
	return ERR_OK;
}

enum err index_recall(struct index_reader *reader, struct log_reader *log,
		      const struct header *target, const struct message_id *id,
		      struct header *recall, uint64_t *lsn)
{
	uint64_t at = 0;
	bool yes = false;
	enum err e;
	while ((e = index_answers(reader, id, &at, lsn)) == ERR_OK) {
		e = takes_back(log, *lsn, target, id, recall, &yes);
		if (e || yes)
			return e;
	}
	return e;
}

enum err batch_recalled(struct batch *b, const struct header *h, const struct message_id *id,
			bool *yes)
{
	uint8_t from[REF_KEY_BYTES] = {0};
	MDB_cursor *cursor;
	MDB_val key = {sizeof from, from}, value;
	enum err e = ERR_OK;
	*yes = false;
	memcpy(from, id->b, MESSAGE_ID_BYTES);
	int rc = mdb_cursor_open(b->txn, b->f->env->tables.ref, &cursor);
	if (rc != 0)
		return lmdb_err(rc);
	rc = mdb_cursor_get(cursor, &key, &value, MDB_SET_RANGE);
	while (rc == 0 && !e && !*yes && key.mv_size == REF_KEY_BYTES &&
	       memcmp(key.mv_data, id->b, MESSAGE_ID_BYTES) == 0) {
		uint64_t lsn = get_u64((uint8_t *)key.mv_data + MESSAGE_ID_BYTES);
		e = takes_back(b->f->reader, lsn, h, id, &b->recall, yes);
		rc = mdb_cursor_get(cursor, &key, &value, MDB_NEXT);
	}
	mdb_cursor_close(cursor);
	return e ? e : lmdb_err(rc == MDB_NOTFOUND ? 0 : rc);
}

static enum err note_erasable(struct batch *b, uint64_t lsn, bool expired)
{
	uint8_t *at = sheet_add(&b->erase);
	if (!at)
		return ERR_MEMORY;
	put_u64(at, lsn);
	at[8] = expired;
	return ERR_OK;
}

enum err batch_erase(struct batch *b, const struct log_row *row)
{
	return row->has_body ? note_erasable(b, row->lsn, false) : ERR_OK;
}

enum err batch_expire(struct batch *b, const struct log_row *row)
{
	return note_erasable(b, row->lsn, true);
}

/* It was taken out when an earlier recall of it was folded. */
static bool is_erasable(const struct batch *b, uint64_t lsn)
{
	uint8_t at[8];
	put_u64(at, lsn);
	for (size_t i = 0; i < b->erase.count; i++) {
		if (memcmp(sheet_row(&b->erase, i), at, sizeof at) == 0)
			return true;
	}
	MDB_val key = {sizeof at, at}, value;
	return mdb_get(b->txn, b->f->env->tables.erase, &key, &value) == 0;
}

bool batch_was_folded(const struct batch *b, uint64_t lsn)
{
	/* What comes in this batch or later has made nothing, and will not. */
	return lsn <= b->from && !is_erasable(b, lsn);
}

static enum err recall_target(struct batch *b)
{
	struct log_row target;
	MDB_val key = {MESSAGE_ID_BYTES, b->recall.ref.b}, value;
	int rc = mdb_get(b->txn, b->f->env->tables.id, &key, &value);
	if (rc == MDB_NOTFOUND)
		return ERR_OK;
	if (rc != 0 || value.mv_size != 8)
		return lmdb_err(rc ? rc : MDB_CORRUPTED);
	uint64_t lsn = get_u64(value.mv_data);
	if (!batch_was_folded(b, lsn))
		return ERR_OK;
	enum err e = log_read(b->f->reader, lsn, &target);
	if (e)
		return e == ERR_DAMAGED ? ERR_OK : e;
	if (target.kind != LOG_MESSAGE || target.length < SIGNATURE_BYTES ||
	    header_decode(&b->header, target.data, target.length - SIGNATURE_BYTES) != ERR_OK ||
	    !recall_applies(&b->recall, &b->header, &target.id))
		return ERR_OK;
	b->to = b->gone;
	e = batch_make(b, &target);
	if (!e)
		e = batch_unmark(b, &target);
	b->to = b->made;
	return e ? e : batch_erase(b, &target);
}

enum err batch_recall(struct batch *b)
{
	b->recall = b->header;
	enum err e = recall_target(b);
	return e ? e : batch_recall_forwards(b);
}

static bool is_there(struct log_reader *log, uint64_t lsn, bool whole)
{
	struct log_row row;
	return log_read(log, lsn, &row) == ERR_OK && row.kind == LOG_MESSAGE &&
	       (whole || row.has_body);
}

/* Positions whose rows or bodies have gone are of no more use. */
static int forget_erased(struct batch *b)
{
	MDB_cursor *cursor;
	MDB_val key, value;
	int rc = mdb_cursor_open(b->txn, b->f->env->tables.erase, &cursor);
	if (rc != 0)
		return rc;
	rc = mdb_cursor_get(cursor, &key, &value, MDB_FIRST);
	for (unsigned i = 0; rc == 0 && i < FORGOTTEN_MAX; i++) {
		bool expired = value.mv_size == 1 && *(uint8_t *)value.mv_data;
		if (key.mv_size != 8 || !is_there(b->f->reader, get_u64(key.mv_data), expired))
			rc = mdb_cursor_del(cursor, 0);
		if (rc == 0)
			rc = mdb_cursor_get(cursor, &key, &value, MDB_NEXT);
	}
	mdb_cursor_close(cursor);
	return rc == MDB_NOTFOUND ? 0 : rc;
}

int erase_put(struct batch *b)
{
	int rc = forget_erased(b);
	for (size_t i = 0; rc == 0 && i < b->erase.count; i++) {
		uint8_t *at = b->erase.at + i * b->erase.width;
		MDB_val key = {8, at}, value = {1, at + 8};
		rc = mdb_put(b->txn, b->f->env->tables.erase, &key, &value, 0);
	}
	return rc;
}

enum err index_erasable(struct index_reader *reader, uint64_t after, struct erasable *out,
			size_t max, size_t *n)
{
	uint8_t from[8];
	MDB_cursor *cursor;
	MDB_val key = {sizeof from, from}, value;
	enum err e = reader_ready(reader);
	*n = 0;
	if (e)
		return e;
	put_u64(from, after + 1);
	int rc = mdb_cursor_open(reader->txn, reader->index->env.tables.erase, &cursor);
	if (rc != 0)
		return lmdb_err(rc);
	rc = mdb_cursor_get(cursor, &key, &value, MDB_SET_RANGE);
	while (rc == 0 && *n < max && key.mv_size == 8 && value.mv_size == 1) {
		out[(*n)++] = (struct erasable){get_u64(key.mv_data), *(uint8_t *)value.mv_data};
		rc = mdb_cursor_get(cursor, &key, &value, MDB_NEXT);
	}
	mdb_cursor_close(cursor);
	return lmdb_err(rc == MDB_NOTFOUND ? 0 : rc);
}
