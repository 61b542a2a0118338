/* What people here have not looked at yet: tables unread and read.
 *
 * A row of unread follows from the message alone, and whether it stands from the facts about its
 * position, whichever came first: so tables are the same however the log was cut into batches. */
#include <string.h>

#include "node/store/index_batch.h"

/* ---- folding ---- */

static enum unread_class class_of(const struct header *h, const struct post *post)
{
	if (post->envelope.receipt || h->priority == PRIORITY_EMERGENCY)
		return UNREAD_WANTED;
	if (h->recipient_count || !bytes_zero(h->ref.b, sizeof h->ref.b))
		return UNREAD_OURS;
	return UNREAD_PUBLIC;
}

/* What this node says itself, people here know. */
static bool is_own(const struct batch *b)
{
	struct party_id self =
		party_id_of(&b->header.network, identity_public(b->f->identity)->name);
	return party_id_equal(&b->header.origin, &self);
}

enum err batch_unread(struct batch *b, const struct log_row *row, const struct post *post)
{
	if (is_own(b))
		return ERR_OK;
	uint8_t *at = sheet_add(&b->to[UNREADS]);
	if (!at)
		return ERR_MEMORY;
	at[0] = (uint8_t)class_of(&b->header, post);
	put_u64(at + 1, row->lsn);
	return ERR_OK;
}

enum err batch_unmark(struct batch *b, const struct log_row *row)
{
	uint8_t *at = sheet_add(&b->gone[READS]);
	if (!at)
		return ERR_MEMORY;
	put_u64(at, row->lsn);
	at[8] = 0;
	return ERR_OK;
}

/* What has gone needs no mark, and has none in an index that is built again. */
static enum err stands(struct batch *b, uint64_t lsn, bool *yes)
{
	struct log_row row;
	bool recalled;
	*yes = log_read(b->f->reader, lsn, &row) == ERR_OK && row.kind == LOG_MESSAGE &&
	       !row.is_void && row.length >= SIGNATURE_BYTES &&
	       header_decode(&b->header, row.data, row.length - SIGNATURE_BYTES) == ERR_OK &&
	       b->header.expiry >= b->floor && !is_own(b);
	if (!*yes)
		return ERR_OK;
	enum err e = batch_recalled(b, &b->header, &row.id, &recalled);
	*yes = !e && !recalled;
	return e;
}

enum err batch_read(struct batch *b, const struct log_row *fact)
{
	if (fact->length < 1 + 8 || fact->length % 8 != 1 || fact->data[0] < READ_SEEN ||
	    fact->data[0] > READ_UNTIL)
		return ERR_OK;
	for (size_t i = 1; i < fact->length; i += 8) {
		uint64_t lsn = get_u64(fact->data + i);
		bool yes = false;
		/* Nobody can have looked at what came later. */
		if (lsn >= fact->lsn)
			continue;
		if (fact->data[0] == READ_UNTIL) {
			b->read_until = lsn > b->read_until ? lsn : b->read_until;
			continue;
		}
		enum err e = stands(b, lsn, &yes);
		uint8_t *at = yes ? sheet_add(&b->made[READS]) : NULL;
		if (e || (yes && !at))
			return e ? e : ERR_MEMORY;
		if (!yes)
			continue;
		put_u64(at, lsn);
		at[8] = fact->data[0];
	}
	return ERR_OK;
}

/* How far the message at that position was looked at; 0: not one by one. */
static int mark_of(MDB_txn *txn, MDB_dbi read, const uint8_t lsn[8], unsigned *mark)
{
	MDB_val key = {8, (void *)(uintptr_t)lsn}, value;
	int rc = mdb_get(txn, read, &key, &value);
	*mark = rc == 0 && value.mv_size == 1 ? *(uint8_t *)value.mv_data : 0;
	return rc == MDB_NOTFOUND ? 0 : rc;
}

/* The greater mark counts. */
static int marks_put(struct batch *b)
{
	const struct index_tables *t = &b->f->env->tables;
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < b->gone[READS].count; i++) {
		MDB_val key = {8, b->gone[READS].at + i * READ_RECORD_BYTES};
		rc = mdb_del(b->txn, t->read, &key, NULL);
		if (rc == MDB_NOTFOUND)
			rc = 0;
	}
	for (size_t i = 0; rc == 0 && i < b->made[READS].count; i++) {
		uint8_t *at = b->made[READS].at + i * READ_RECORD_BYTES;
		MDB_val key = {8, at}, value = {1, at + 8};
		unsigned before;
		rc = mark_of(b->txn, t->read, at, &before);
		if (rc == 0 && before < at[8])
			rc = mdb_put(b->txn, t->read, &key, &value, 0);
		for (uint8_t class = 0; rc == 0 && class < UNREAD_CLASSES; class ++) {
			uint8_t unread[UNREAD_KEY_BYTES] = {class};
			memcpy(unread + 1, at, 8);
			MDB_val gone = {sizeof unread, unread};
			if (class != UNREAD_WANTED || at[8] >= READ_ACKNOWLEDGED)
				rc = mdb_del(b->txn, t->unread, &gone, NULL);
			if (rc == MDB_NOTFOUND)
				rc = 0;
		}
	}
	return rc;
}

static bool still_unread(unsigned class, unsigned mark)
{
	return mark < (class == UNREAD_WANTED ? READ_ACKNOWLEDGED : READ_SEEN);
}

/* What is folded again, or in one batch with its mark, may have been looked at. */
static int rows_put(struct batch *b)
{
	const struct index_tables *t = &b->f->env->tables;
	MDB_stat stat;
	int rc = mdb_stat(b->txn, t->read, &stat);
	for (size_t i = 0; rc == 0 && i < b->gone[UNREADS].count; i++) {
		MDB_val key = {UNREAD_KEY_BYTES, b->gone[UNREADS].at + i * UNREAD_KEY_BYTES};
		rc = mdb_del(b->txn, t->unread, &key, NULL);
		if (rc == MDB_NOTFOUND)
			rc = 0;
	}
	for (size_t i = 0; rc == 0 && i < b->made[UNREADS].count; i++) {
		uint8_t *at = b->made[UNREADS].at + i * UNREAD_KEY_BYTES;
		MDB_val key = {UNREAD_KEY_BYTES, at}, value = {0, at};
		unsigned mark = 0;
		if (stat.ms_entries)
			rc = mark_of(b->txn, t->read, at + 1, &mark);
		if (rc == 0 && still_unread(at[0], mark))
			rc = mdb_put(b->txn, t->unread, &key, &value, 0);
	}
	return rc;
}

static int until_read(MDB_txn *txn, MDB_dbi meta, uint64_t *until)
{
	MDB_val key = {4, "read"}, value;
	int rc = mdb_get(txn, meta, &key, &value);
	if (rc == 0 && value.mv_size != 8)
		rc = MDB_CORRUPTED;
	*until = rc == 0 ? get_u64(value.mv_data) : 0;
	return rc;
}

static int until_put(struct batch *b)
{
	MDB_dbi meta = b->f->env->tables.meta;
	uint8_t bytes[8];
	uint64_t before;
	int rc = b->read_until ? until_read(b->txn, meta, &before) : 0;
	if (rc != 0 || !b->read_until || before >= b->read_until)
		return rc;
	put_u64(bytes, b->read_until);
	MDB_val key = {4, "read"}, value = {sizeof bytes, bytes};
	return mdb_put(b->txn, meta, &key, &value, 0);
}

int unread_put(struct batch *b)
{
	int rc = marks_put(b);
	if (rc == 0)
		rc = rows_put(b);
	return rc ? rc : until_put(b);
}

/* ---- looking ---- */

/* The last row of the class before the position, which is moved there; MDB_NOTFOUND. */
static int row_before(MDB_cursor *cursor, unsigned class, uint64_t *lsn)
{
	uint8_t from[UNREAD_KEY_BYTES] = {(uint8_t) class};
	MDB_val key = {sizeof from, from}, value;
	put_u64(from + 1, *lsn);
	int rc = mdb_cursor_get(cursor, &key, &value, MDB_SET_RANGE);
	rc = mdb_cursor_get(cursor, &key, &value, rc == 0 ? MDB_PREV : MDB_LAST);
	if (rc == 0 && key.mv_size != UNREAD_KEY_BYTES)
		rc = MDB_CORRUPTED;
	if (rc == 0 && *(uint8_t *)key.mv_data != class)
		rc = MDB_NOTFOUND;
	if (rc == 0)
		*lsn = get_u64((uint8_t *)key.mv_data + 1);
	return rc;
}

static int find_next(struct index_reader *reader, MDB_cursor *cursor, uint64_t until,
		     struct unread_at *at)
{
	const struct index_tables *t = &reader->index->env.tables;
	uint8_t lsn[8];
	unsigned mark;
	for (; at->class < UNREAD_CLASSES; at->class ++, at->lsn = UINT64_MAX) {
		int rc = row_before(cursor, at->class, &at->lsn);
		if (rc == MDB_NOTFOUND ||
		    (rc == 0 && at->class != UNREAD_WANTED && at->lsn <= until))
			continue;
		put_u64(lsn, at->lsn);
		if (rc == 0)
			rc = mark_of(reader->txn, t->read, lsn, &mark);
		at->seen = rc == 0 && (mark >= READ_SEEN || at->lsn <= until);
		return rc;
	}
	return MDB_NOTFOUND;
}

enum err index_unread(struct index_reader *reader, struct unread_at *at)
{
	const struct index_tables *t = &reader->index->env.tables;
	MDB_cursor *cursor;
	uint64_t until;
	enum err e = reader_ready(reader);
	if (e)
		return e;
	int rc = until_read(reader->txn, t->meta, &until);
	if (rc == 0)
		rc = mdb_cursor_open(reader->txn, t->unread, &cursor);
	if (rc != 0)
		return lmdb_err(rc);
	rc = find_next(reader, cursor, until, at);
	mdb_cursor_close(cursor);
	return lmdb_err(rc);
}

/* Rows of the class behind a position. */
static int count_from(MDB_cursor *cursor, unsigned class, uint64_t after, uint64_t *count)
{
	uint8_t from[UNREAD_KEY_BYTES] = {(uint8_t) class};
	MDB_val key = {sizeof from, from}, value;
	put_u64(from + 1, after + 1);
	int rc = mdb_cursor_get(cursor, &key, &value, MDB_SET_RANGE);
	for (*count = 0; rc == 0 && *(uint8_t *)key.mv_data == class; ++*count)
		rc = mdb_cursor_get(cursor, &key, &value, MDB_NEXT);
	return rc == MDB_NOTFOUND ? 0 : rc;
}

enum err index_unread_count(struct index_reader *reader, uint64_t counts[UNREAD_CLASSES])
{
	const struct index_tables *t = &reader->index->env.tables;
	MDB_cursor *cursor;
	MDB_stat stat;
	uint64_t until;
	enum err e = reader_ready(reader);
	if (e)
		return e;
	int rc = until_read(reader->txn, t->meta, &until);
	if (rc == 0)
		rc = mdb_stat(reader->txn, t->unread, &stat);
	if (rc == 0)
		rc = mdb_cursor_open(reader->txn, t->unread, &cursor);
	if (rc != 0)
		return lmdb_err(rc);
	rc = count_from(cursor, UNREAD_WANTED, 0, &counts[UNREAD_WANTED]);
	if (rc == 0)
		rc = count_from(cursor, UNREAD_OURS, until, &counts[UNREAD_OURS]);
	/* Those to everyone are many: the rest of the table, where none of it is passed over. */
	counts[UNREAD_PUBLIC] = stat.ms_entries - counts[UNREAD_WANTED] - counts[UNREAD_OURS];
	if (rc == 0 && until)
		rc = count_from(cursor, UNREAD_PUBLIC, until, &counts[UNREAD_PUBLIC]);
	mdb_cursor_close(cursor);
	return lmdb_err(rc);
}

bool index_is_unread(struct index_reader *reader, uint64_t lsn)
{
	uint8_t at[UNREAD_KEY_BYTES];
	put_u64(at + 1, lsn);
	for (at[0] = 0; at[0] < UNREAD_CLASSES; at[0]++) {
		MDB_val key = {sizeof at, at}, value;
		if (!reader_ready(reader) &&
		    mdb_get(reader->txn, reader->index->env.tables.unread, &key, &value) == 0)
			return true;
	}
	return false;
}
