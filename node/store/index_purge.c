/* Expiry: what expires before the floor leaves every table of the index, in batches, and its rows
 * of the log may go then.
 *
 * The tables are a function of the log and of that floor.  It is written down with the first batch,
 * so that a fold takes nothing any more that a later batch would have to take out; what a message
 * has made is found by making it again. */
#include <stdlib.h>
#include <string.h>

#include "node/store/index_batch.h"

enum {
	PURGED_MESSAGES_MAX = 1000, /* in one transaction, and */
	PURGED_ENTRIES_MAX = 10000,
	PURGED_BYTES_MAX = 8 << 20, /* of bodies read for it */
};

int purged_read(MDB_txn *txn, MDB_dbi meta, uint32_t *floor)
{
	MDB_val key = {6, "purged"}, value;
	int rc = mdb_get(txn, meta, &key, &value);
	if (rc == 0 && value.mv_size != 4)
		rc = MDB_CORRUPTED;
	if (rc == 0)
		*floor = get_u32(value.mv_data);
	return rc;
}

int purged_write(MDB_txn *txn, MDB_dbi meta, uint32_t floor)
{
	uint8_t bytes[4];
	put_u32(bytes, floor);
	MDB_val key = {6, "purged"}, value = {sizeof bytes, bytes};
	return mdb_put(txn, meta, &key, &value, 0);
}

enum err purged_floor(struct index_env *env, uint32_t *floor)
{
	MDB_txn *txn;
	int rc = mdb_txn_begin(env->store.env, NULL, MDB_RDONLY, &txn);
	if (rc == 0) {
		rc = purged_read(txn, env->tables.meta, floor);
		mdb_txn_abort(txn);
	}
	return lmdb_err(rc);
}

enum err purged_start(struct index_env *env, uint32_t floor)
{
	MDB_txn *txn;
	int rc = mdb_txn_begin(env->store.env, NULL, 0, &txn);
	if (rc != 0)
		return lmdb_err(rc);
	rc = purged_write(txn, env->tables.meta, floor);
	if (rc == 0)
		return lmdb_err(mdb_txn_commit(txn));
	mdb_txn_abort(txn);
	return lmdb_err(rc);
}

/* What is taken out in one transaction. */
struct purging {
	struct batch *b;
	struct header_mark headers;
	struct content_mark content;
	struct trie_change changes[PURGED_MESSAGES_MAX];
	size_t count;
};

/* No longer found by its id, if it was found at this position. */
static int remove_id(MDB_txn *txn, const struct index_tables *t, const struct message_id *id,
		     uint64_t lsn, bool counted, struct header_mark *mark)
{
	MDB_val key = {sizeof id->b, (void *)(uintptr_t)id->b}, value;
	int rc = mdb_get(txn, t->id, &key, &value);
	if (rc == 0 && value.mv_size == 8 && get_u64(value.mv_data) == lsn) {
		mark->messages -= counted;
		rc = mdb_del(txn, t->id, &key, NULL);
	}
	return rc == MDB_NOTFOUND ? 0 : rc;
}

static int remove_ref(MDB_txn *txn, MDB_dbi ref, const struct header *h, uint64_t lsn)
{
	uint8_t at[REF_KEY_BYTES];
	if (bytes_zero(h->ref.b, MESSAGE_ID_BYTES))
		return 0;
	memcpy(at, h->ref.b, MESSAGE_ID_BYTES);
	put_u64(at + MESSAGE_ID_BYTES, lsn);
	MDB_val key = {sizeof at, at};
	int rc = mdb_del(txn, ref, &key, NULL);
	return rc == MDB_NOTFOUND ? 0 : rc;
}

int header_remove(MDB_txn *txn, const struct index_tables *t, const struct header *h,
		  const struct log_row *row, struct header_mark *mark)
{
	int rc = remove_id(txn, t, &row->id, row->lsn,
			   is_counted(row->verdict, (enum message_kind)h->kind), mark);
	if (rc == 0)
		rc = remove_ref(txn, t->ref, h, row->lsn);
	return rc ? rc : sequence_remove(txn, t, h, row->lsn);
}

static enum err take_out(struct purging *x, const struct trie_change *c)
{
	struct batch *b = x->b;
	const struct index_tables *t = &b->f->env->tables;
	struct message_id id = trie_key_id(&c->key);
	struct log_row row;
	enum err e = log_read(b->f->reader, c->lsn, &row);
	if (!e && (row.kind != LOG_MESSAGE || row.length < SIGNATURE_BYTES ||
		   header_decode(&b->header, row.data, row.length - SIGNATURE_BYTES) != ERR_OK))
		e = ERR_DAMAGED;
	/* What the disk has lost is check-store's to name, and has no reason to stay. */
	if (e == ERR_DAMAGED || e == ERR_NOT_FOUND)
		return lmdb_err(remove_id(b->txn, t, &id, c->lsn, true, &x->headers));
	if (!e)
		e = lmdb_err(header_remove(b->txn, t, &b->header, &row, &x->headers));
	/* What is not there yet will not be made. */
	if (!e && c->lsn <= x->content.lsn)
		e = batch_make(b, &row);
	if (!e)
		e = batch_unmark(b, &row);
	return e ? e : batch_expire(b, &row);
}

static size_t entries(const struct batch *b)
{
	size_t n = b->erase.count;
	for (size_t i = 0; i < SHEETS; i++)
		n += b->gone[i].count;
	return n;
}

/* SPEC 6.5: "A purge takes out a batch in one transaction, the marks with it." */
static enum err purge_some(struct purging *x, struct purge *p)
{
	struct batch *b = x->b;
	const struct index_tables *t = &b->f->env->tables;
	struct audience_id from = p->at;
	size_t taken = 0;
	struct range_store r;
	int rc = range_open(&r, b->txn, t);
	if (rc != 0)
		return lmdb_err(rc);
	struct trie_store s = range_interface(&r);
	enum err e = trie_expired(&s, p->floor, &p->at, x->changes, PURGED_MESSAGES_MAX, &x->count);
	b->to = b->gone;
	while (!e && taken < x->count && entries(b) < PURGED_ENTRIES_MAX &&
	       b->bytes < PURGED_BYTES_MAX)
		e = take_out(x, &x->changes[taken++]);
	/* What did not fit is found again from where this began. */
	if (taken < x->count)
		p->at = from;
	b->messages = taken;
	if (!e)
		e = trie_fold(&s, x->changes, taken);
	range_close(&r);
	if (e)
		return e;
	rc = purged_write(b->txn, t->meta, p->floor);
	if (rc == 0)
		rc = headers_write(b->txn, t->meta, &x->headers);
	return rc ? lmdb_err(rc) : batch_put(b, &x->content);
}

static enum err purge_in(struct purging *x, struct purge *p, uint32_t floor)
{
	struct batch *b = x->b;
	MDB_dbi meta = b->f->env->tables.meta;
	uint32_t stored = 0;
	int rc = mdb_txn_begin(b->f->env->store.env, NULL, 0, &b->txn);
	if (rc != 0)
		return lmdb_err(rc);
	rc = purged_read(b->txn, meta, &stored);
	if (rc == 0)
		rc = mark_read_headers(b->txn, meta, &x->headers);
	if (rc == 0)
		rc = mark_read_content(b->txn, meta, &x->content);
	/* It never falls. */
	if (floor < stored)
		floor = stored;
	if (floor != p->floor)
		*p = (struct purge){.floor = floor};
	enum err e = rc ? lmdb_err(rc) : purge_some(x, p);
	if (!e)
		return lmdb_err(mdb_txn_commit(b->txn));
	mdb_txn_abort(b->txn);
	return e;
}

enum err purge_batch(const struct folding *f, struct purge *p, uint32_t floor,
		     struct folded *folded, bool *more)
{
	struct purging *x = calloc(1, sizeof *x);
	enum err e = ERR_MEMORY;
	*more = false;
	*folded = (struct folded){0};
	if (x)
		x->b = batch_new(f);
	if (x && x->b) {
		e = purge_in(x, p, floor);
		*more = !e && (x->count == PURGED_MESSAGES_MAX || x->b->messages < x->count);
		if (!e)
			*folded = batch_folded(x->b);
		batch_free(x->b);
	}
	/* What was not committed is looked for from the start. */
	if (!*more)
		*p = (struct purge){0};
	free(x);
	return e;
}

enum err index_purge(struct index *index, uint32_t floor, bool *more)
{
	struct folding f = folding_of(index);
	struct folded folded = {0};
	*more = false;
	pthread_mutex_lock(&index->folding);
	enum err e = log_reader_renew(index->reader);
	if (!e)
		e = purge_batch(&f, &index->purge, floor, &folded, more);
	log_reader_pause(index->reader);
	pthread_mutex_unlock(&index->folding);
	folded_tell(index, &folded);
	return e;
}
