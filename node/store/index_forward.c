/* Forwards in the index: they make the rows of what they hand on, under its author's name.
 *
 * Which of them may, the topology versions that the log holds decide.  A forward of a message that
 * names a version that is not held waits: the table `wait` says which, and the fold after the
 * version has come takes it again.  When the message that it hands on is recalled, a forward makes
 * no rows any more; its body goes only when the forward itself is recalled, by its forwarder. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "node/store/forwarded.h"
#include "node/store/index_batch.h"
#include "node/store/versions.h"
#include "protocol/council.h"
#include "protocol/recall.h"

enum { RETRIED_AT_ONCE = 1000 };

/* ---- topology versions ---- */

void versions_read_clear(struct versions_read *v)
{
	for (size_t i = 0; i < v->count; i++)
		topology_free(v->at[i]);
	free(v->at);
	*v = (struct versions_read){0};
}

static enum err version_add(struct versions_read *v, const uint8_t *file, size_t n,
			    const struct topology **out)
{
	const char *text = (const char *)file;
	struct topology **at = realloc(v->at, (v->count + 1) * sizeof *at);
	if (!at)
		return ERR_MEMORY;
	v->at = at;
	enum err e = topology_parse(&at[v->count], text, council_text_length(text, n), NULL);
	if (!e)
		*out = at[v->count++];
	return e == ERR_FORMAT ? ERR_DAMAGED : e;
}

/* NULL where the log does not hold it. */
static enum err version_wanted(const struct folding *f, uint32_t version,
			       const struct topology **out)
{
	struct versions_read *v = f->versions;
	const uint8_t *file;
	size_t n;
	*out = NULL;
	for (size_t i = 0; i < v->count; i++) {
		if (v->at[i]->version == version) {
			*out = v->at[i];
			return ERR_OK;
		}
	}
	enum err e = versions_stored(f->reader, version, &file, &n);
	if (e)
		return e == ERR_NOT_FOUND ? ERR_OK : e;
	return version_add(v, file, n, out);
}

/* ---- what a forward makes ---- */

/* Holds it until that version is held. */
static enum err wait_for(struct batch *b, const struct log_row *row, uint32_t version)
{
	char why[HELD_TEXT_MAX + 1];
	uint8_t *at = sheet_add(&b->to[WAITS]);
	if (!at)
		return ERR_MEMORY;
	put_u32(at, version);
	put_u64(at + 4, row->lsn);
	snprintf(why, sizeof why, "what it hands on is of topology version %u, which is not here",
		 version);
	return batch_hold(b, row->lsn, why);
}

/* When all that it made goes, so does what it made while it waited: the version that it waited for
 * may have come since. */
static enum err unwait(struct batch *b, const struct log_row *row, const struct forwarded *f)
{
	const uint32_t versions[] = {b->header.topology, f->handover.original.topology};
	for (size_t i = 0; i < 2; i++) {
		uint8_t *at = sheet_add(&b->gone[WAITS]);
		if (!at)
			return ERR_MEMORY;
		put_u32(at, versions[i]);
		put_u64(at + 4, row->lsn);
	}
	return batch_hold(b, row->lsn, "");
}

/* *held when a row says why. */
static enum err judge_forward(struct batch *b, const struct log_row *row, const struct forwarded *f,
			      bool *held)
{
	const struct header *o = &f->handover.original;
	struct forward_case c = {
		.header = &b->header, .original = o, .forward = &f->handover.forward};
	char why[FORWARD_WHY_BYTES];
	*held = true;
	enum err e = version_wanted(b->f, b->header.topology, &c.now);
	if (!e && !c.now)
		return wait_for(b, row, b->header.topology);
	if (!e)
		e = version_wanted(b->f, o->topology, &c.then);
	if (!e && !c.then)
		return wait_for(b, row, o->topology);
	if (e)
		return e;
	*held = !forward_allowed(&c, why);
	return *held ? batch_hold(b, row->lsn, why) : ERR_OK;
}

/* The rows of what is handed on; its header is in b->original. */
static enum err make_original(struct batch *b, const struct log_row *row, const struct forwarded *f)
{
	struct log_row original = *row;
	original.id = f->id;
	b->header = b->original;
	return batch_post(b, &original, f->json, f->json_length);
}

static enum err make_forward(struct batch *b, const struct log_row *row, const struct forwarded *f)
{
	bool held, recalled = false;
	if (b->original_gone)
		return recall_applies(&b->recall, &b->original, &f->id) ? make_original(b, row, f)
									: ERR_OK;
	enum err e = b->to == b->gone ? unwait(b, row, f) : ERR_OK;
	if (!e)
		e = judge_forward(b, row, f, &held);
	if (e || held)
		return e;
	uint8_t *at = sheet_add(&b->to[FORWARDS]);
	if (!at)
		return ERR_MEMORY;
	memcpy(at, f->id.b, MESSAGE_ID_BYTES);
	put_u64(at + MESSAGE_ID_BYTES, row->lsn);
	if (b->to == b->made)
		e = batch_recalled(b, &b->original, &f->id, &recalled);
	return e || recalled ? e : make_original(b, row, f);
}

enum err batch_forward(struct batch *b, const struct log_row *row)
{
	char why[CONTENT_WHY_BYTES];
	struct forwarded *f = malloc(sizeof *f);
	if (!f)
		return ERR_MEMORY;
	enum err e = forwarded_read(f, b->f->identity, b->f->reader, row, &b->header, why);
	b->bytes += b->header.body_length;
	if (!e) {
		b->original = f->handover.original;
		e = make_forward(b, row, f);
		forwarded_clear(f);
	} else if (e == ERR_NOT_FOUND) { /* gone, or sealed to others */
		e = ERR_OK;
	} else if (e == ERR_FORMAT) {
		e = b->original_gone ? ERR_OK : batch_hold(b, row->lsn, why);
	}
	free(f);
	return e;
}

/* ---- recalls ---- */

/* What the forward there has made, for a recall of what it hands on. */
static enum err forward_undo(struct batch *b, uint64_t lsn)
{
	struct log_row row;
	enum err e = log_read(b->f->reader, lsn, &row);
	if (e)
		return e == ERR_DAMAGED ? ERR_OK : e;
	if (row.length < SIGNATURE_BYTES ||
	    header_decode(&b->header, row.data, row.length - SIGNATURE_BYTES) != ERR_OK)
		return ERR_OK;
	b->to = b->gone;
	b->original_gone = true;
	e = batch_make(b, &row);
	b->original_gone = false;
	b->to = b->made;
	return e;
}

enum err batch_recall_forwards(struct batch *b)
{
	uint8_t from[FORWARD_KEY_BYTES] = {0};
	struct message_id id = b->recall.ref;
	MDB_cursor *cursor;
	MDB_val key = {sizeof from, from}, value;
	enum err e = ERR_OK;
	memcpy(from, id.b, MESSAGE_ID_BYTES);
	int rc = mdb_cursor_open(b->txn, b->f->env->tables.forward, &cursor);
	if (rc != 0)
		return lmdb_err(rc);
	rc = mdb_cursor_get(cursor, &key, &value, MDB_SET_RANGE);
	while (rc == 0 && !e && key.mv_size == FORWARD_KEY_BYTES &&
	       memcmp(key.mv_data, id.b, MESSAGE_ID_BYTES) == 0) {
		uint64_t lsn = get_u64((uint8_t *)key.mv_data + MESSAGE_ID_BYTES);
		if (batch_was_folded(b, lsn))
			e = forward_undo(b, lsn);
		rc = mdb_cursor_get(cursor, &key, &value, MDB_NEXT);
	}
	mdb_cursor_close(cursor);
	return e ? e : lmdb_err(rc == MDB_NOTFOUND ? 0 : rc);
}

/* ---- those that wait ---- */

/* Calls over with each that waits for a version that is held by now, at most max times. */
static enum err waits_walk(const struct folding *f, MDB_txn *txn, size_t max,
			   enum err (*over)(void *arg, const uint8_t key[WAIT_KEY_BYTES]),
			   void *arg)
{
	uint8_t from[WAIT_KEY_BYTES] = {0};
	MDB_cursor *cursor;
	MDB_val key = {sizeof from, from}, value;
	enum err e = ERR_OK;
	int rc = mdb_cursor_open(txn, f->env->tables.wait, &cursor);
	if (rc != 0)
		return lmdb_err(rc);
	rc = mdb_cursor_get(cursor, &key, &value, MDB_SET_RANGE);
	while (rc == 0 && !e && max > 0 && key.mv_size == WAIT_KEY_BYTES) {
		const struct topology *t;
		memcpy(from, key.mv_data, sizeof from);
		e = version_wanted(f, get_u32(from), &t);
		if (!e && t) {
			e = over(arg, from);
			max--;
			rc = mdb_cursor_get(cursor, &key, &value, MDB_NEXT);
		} else if (!e) {
			/* None of this version: to the next. */
			memset(from + 4, 0xff, 8);
			key = (MDB_val){sizeof from, from};
			rc = mdb_cursor_get(cursor, &key, &value, MDB_SET_RANGE);
		}
	}
	mdb_cursor_close(cursor);
	return e ? e : lmdb_err(rc == MDB_NOTFOUND ? 0 : rc);
}

static enum err see(void *arg, const uint8_t key[WAIT_KEY_BYTES])
{
	(void)key;
	*(bool *)arg = true;
	return ERR_OK;
}

bool waits_over(const struct folding *f)
{
	MDB_txn *txn;
	bool any = false;
	if (mdb_txn_begin(f->env->store.env, NULL, MDB_RDONLY, &txn) != 0)
		return false;
	if (waits_walk(f, txn, 1, see, &any) != ERR_OK)
		any = false;
	mdb_txn_abort(txn);
	return any;
}

/* Out with the rows that said that it waits, in with what it makes now. */
static enum err retry_one(void *arg, const uint8_t key[WAIT_KEY_BYTES])
{
	struct batch *b = arg;
	struct log_row row;
	b->retried++;
	b->again = true;
	/* The rest is for the next batch. */
	if (b->made[VALUES].count + b->made[OBJECTS].count > FOLD_ENTRIES_MAX)
		return ERR_OK;
	uint8_t *wait = sheet_add(&b->gone[WAITS]);
	enum err e = wait ? ERR_OK : ERR_MEMORY;
	if (!e) {
		memcpy(wait, key, WAIT_KEY_BYTES);
		b->to = b->gone;
		e = batch_hold(b, get_u64(key + 4), "");
		b->to = b->made;
	}
	if (!e)
		e = log_read(b->f->reader, get_u64(key + 4), &row);
	if (e)
		return e == ERR_DAMAGED ? ERR_OK : e;
	return batch_take(b, &row);
}

enum err batch_retry(struct batch *b)
{
	return waits_walk(b->f, b->txn, RETRIED_AT_ONCE, retry_one, b);
}

/* ---- looking ---- */

enum err index_forwards(struct index_reader *reader, const struct message_id *id, uint64_t *at,
			uint64_t *lsn)
{
	enum err e = reader_ready(reader);

	return e ? e : reader_next(reader, reader->index->env.tables.forward, id, at, lsn);
}
