/* Folding of headers (tables id, ref, range, trie and those of index_sequence.c), and the sheets in
 * which every fold sorts. */
#include "node/store/index_parts.h"

#include <stdlib.h>
#include <string.h>

/* A row of a batch: id | lsn | verdict | kind, or 0 when its header cannot be read | key of the
 * range | row of the table sequence. */
enum {
	HEADER_ENTRY_BYTES = MESSAGE_ID_BYTES + 8,
	KEYED_AT = HEADER_ENTRY_BYTES + 1,
	SEQUENCE_AT = KEYED_AT + 1 + TRIE_KEY_BYTES,
	ID_ROW_BYTES = SEQUENCE_AT + SEQUENCE_RECORD_BYTES,
	ROWS_SCANNED_MAX = 10 * FOLD_MESSAGES_MAX,
};

uint8_t *sheet_add(struct sheet *s)
{
	if (s->count == s->room) {
		size_t room = s->room ? s->room * 2 : 256;
		uint8_t *at = realloc(s->at, room * s->width);
		if (!at)
			return NULL;
		s->at = at;
		s->room = room;
	}
	return s->at + s->width * s->count++;
}

static int compare_rows(const void *a, const void *b, void *width)
{
	return memcmp(a, b, *(const size_t *)width);
}

void sheet_sort(struct sheet *s)
{
	if (s->count)
		qsort_r(s->at, s->count, s->width, compare_rows, &s->width);
}

int mark_read_headers(MDB_txn *txn, MDB_dbi meta, struct header_mark *mark)
{
	MDB_val key = {7, "headers"}, value;
	int rc = mdb_get(txn, meta, &key, &value);
	if (rc != 0)
		return rc;
	struct reader r;
	reader_init(&r, value.mv_data, value.mv_size);
	mark->lsn = read_u64(&r);
	mark->rows = read_u64(&r);
	mark->messages = read_u64(&r);
	return reader_done(&r) ? 0 : MDB_CORRUPTED;
}

int headers_write(MDB_txn *txn, MDB_dbi meta, const struct header_mark *mark)
{
	uint8_t bytes[3 * 8];
	put_u64(bytes, mark->lsn);
	put_u64(bytes + 8, mark->rows);
	put_u64(bytes + 16, mark->messages);
	MDB_val key = {7, "headers"}, value = {sizeof bytes, bytes};
	return mdb_put(txn, meta, &key, &value, 0);
}

struct batch {
	struct sheet ids;  /* of ID_ROW_BYTES */
	struct sheet refs; /* ref | lsn */
	struct sheet sequences, beacons;
	struct trie_change *changes; /* owned */
	size_t change_count;
	uint32_t floor;       /* hours: what expires before was purged */
	struct sheet changed; /* positions of messages whose verdict has changed */
	struct header scratch;
};

static enum err add_row(struct batch *b, const struct log_row *row)
{
	uint8_t *at = sheet_add(&b->ids);
	if (!at)
		return ERR_MEMORY;
	memcpy(at, row->id.b, MESSAGE_ID_BYTES);
	put_u64(at + MESSAGE_ID_BYTES, row->lsn);
	at[HEADER_ENTRY_BYTES] = (uint8_t)row->verdict;
	memset(at + KEYED_AT, 0, ID_ROW_BYTES - KEYED_AT);
	if (row->length < SIGNATURE_BYTES ||
	    header_decode(&b->scratch, row->data, row->length - SIGNATURE_BYTES) != ERR_OK)
		return ERR_OK;
	/* SPEC 6.2: "What expires before the floor below which was purged is in no table, nor is
	 * what is void (4.12)." */
	if (b->scratch.expiry < b->floor || row->is_void) {
		b->ids.count--;
		return ERR_OK;
	}
	at[KEYED_AT] = b->scratch.kind;
	sequence_record(at + SEQUENCE_AT, &b->scratch, row->lsn);
	struct trie_key key = trie_key_of(&b->scratch, &row->id);
	memcpy(at + KEYED_AT + 1, key.b, sizeof key.b);
	if (bytes_zero(b->scratch.ref.b, MESSAGE_ID_BYTES))
		return ERR_OK;
	at = sheet_add(&b->refs);
	if (!at)
		return ERR_MEMORY;
	memcpy(at, b->scratch.ref.b, MESSAGE_ID_BYTES);
	put_u64(at + MESSAGE_ID_BYTES, row->lsn);
	return ERR_OK;
}

/* A message before it has another verdict now, and the tables that depend on it follow. */
static enum err add_changed(struct batch *b, const struct log_row *fact)
{
	enum verdict_change change;
	uint64_t lsn;
	if (!log_verdict_changed(fact, &change, &lsn))
		return ERR_OK;
	uint8_t *at = sheet_add(&b->changed);
	if (!at)
		return ERR_MEMORY;
	put_u64(at, lsn);
	return ERR_OK;
}

/* Reads rows until the batch is full; mark moves along. */
static enum err collect(struct batch *b, struct log_reader *reader, uint64_t until,
			struct header_mark *mark)
{
	for (unsigned scanned = 0; scanned < ROWS_SCANNED_MAX; scanned++) {
		struct log_row row;
		if (mark->lsn >= until || b->ids.count >= FOLD_MESSAGES_MAX)
			return ERR_OK;
		enum err e = log_read_from(reader, mark->lsn + 1, &row);
		/* A damaged row is check-store's to name; what follows it must be found. */
		if (e && e != ERR_DAMAGED)
			return e;
		if (row.lsn <= mark->lsn)
			return ERR_DAMAGED;
		if (!e && row.kind == LOG_EXPIRED)
			mark->rows += run_rows(&row, mark->lsn);
		mark->lsn = row.lsn;
		if (e)
			continue;
		mark->rows += row.kind == LOG_MESSAGE;
		if (row.kind == LOG_MESSAGE)
			e = add_row(b, &row);
		else
			e = add_changed(b, &row);
		if (e)
			return e;
	}
	return ERR_OK;
}

/* Receipts, beacons, cards and role keys are said by nodes without being asked: they are not
 * counted among what people have said. */
bool is_counted(enum verdict verdict, enum message_kind kind)
{
	if (verdict == VERDICT_HEADER_ONLY)
		return false;
	switch (kind) {
	case KIND_RECEIPT:
	case KIND_BEACON:
	case KIND_CARD:
	case KIND_ROLE_KEY:
		return false;
	case KIND_POST:
	case KIND_RECALL:
	case KIND_FORWARD:
		break;
	}
	return true;
}

/* What else is made of a message that is here for the first time. */
static enum err add_made(struct batch *b, const uint8_t *at)
{
	struct trie_change *c = &b->changes[b->change_count++];
	*c = (struct trie_change){.lsn = get_u64(at + MESSAGE_ID_BYTES)};
	memcpy(c->key.b, at + KEYED_AT + 1, sizeof c->key.b);
	uint8_t *made = sheet_add(&b->sequences);
	if (!made)
		return ERR_MEMORY;
	memcpy(made, at + SEQUENCE_AT, SEQUENCE_RECORD_BYTES);
	if (at[KEYED_AT] != KIND_BEACON || at[HEADER_ENTRY_BYTES] != VERDICT_ACCEPTED)
		return ERR_OK;
	made = sheet_add(&b->beacons);
	if (!made)
		return ERR_MEMORY;
	memcpy(made, at + SEQUENCE_AT, STREAM_BYTES);
	memcpy(made + STREAM_BYTES, at + MESSAGE_ID_BYTES, 8);
	return ERR_OK;
}

static enum err put_ids(MDB_txn *txn, MDB_dbi dbi, struct batch *b, struct header_mark *mark)
{
	const struct sheet *ids = &b->ids;
	for (size_t i = 0; i < ids->count; i++) {
		uint8_t *at = ids->at + i * ids->width;
		MDB_val key = {MESSAGE_ID_BYTES, at}, value = {8, at + MESSAGE_ID_BYTES};
		/* Of two rows with one id the first counts, however the batches were cut. */
		int rc = mdb_put(txn, dbi, &key, &value, MDB_NOOVERWRITE);
		if (rc == MDB_KEYEXIST)
			continue;
		if (rc != 0)
			return lmdb_err(rc);
		mark->messages += is_counted((enum verdict)at[HEADER_ENTRY_BYTES],
					     (enum message_kind)at[KEYED_AT]);
		enum err e = at[KEYED_AT] ? add_made(b, at) : ERR_OK;
		if (e)
			return e;
	}
	return ERR_OK;
}

static int put_refs(MDB_txn *txn, MDB_dbi dbi, const struct sheet *refs)
{
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < refs->count; i++) {
		MDB_val key = {REF_KEY_BYTES, refs->at + i * refs->width}, value = {0, ""};
		rc = mdb_put(txn, dbi, &key, &value, 0);
	}
	return rc;
}

/* A beacon that is released is believed; what is void leaves every table. */
static int change_put(MDB_txn *txn, const struct index_tables *t, struct batch *b,
		      const struct log_row *row, struct header_mark *mark)
{
	uint8_t sequence[SEQUENCE_RECORD_BYTES], beacon[BEACON_KEY_BYTES];
	if (row->is_void) {
		struct trie_change *c = &b->changes[b->change_count++];
		*c = (struct trie_change){.remove = true,
					  .key = trie_key_of(&b->scratch, &row->id)};
		return header_remove(txn, t, &b->scratch, row, mark);
	}
	if (b->scratch.kind != KIND_BEACON || row->verdict != VERDICT_ACCEPTED)
		return 0;
	sequence_record(sequence, &b->scratch, row->lsn);
	memcpy(beacon, sequence, STREAM_BYTES);
	put_u64(beacon + STREAM_BYTES, row->lsn);
	MDB_val key = {sizeof beacon, beacon}, value = {0, ""};
	return mdb_put(txn, t->beacon, &key, &value, 0);
}

static int changes_put(MDB_txn *txn, const struct index_tables *t, struct batch *b,
		       struct log_reader *reader, struct header_mark *mark)
{
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < b->changed.count; i++) {
		struct log_row row;
		MDB_val key = {MESSAGE_ID_BYTES, row.id.b}, value;
		if (log_read(reader, get_u64(sheet_row(&b->changed, i)), &row) != ERR_OK ||
		    row.kind != LOG_MESSAGE || row.length < SIGNATURE_BYTES ||
		    header_decode(&b->scratch, row.data, row.length - SIGNATURE_BYTES) != ERR_OK)
			continue;
		/* It may have been purged, or repeat another. */
		rc = mdb_get(txn, t->id, &key, &value);
		if (rc == 0 && value.mv_size == 8 && get_u64(value.mv_data) == row.lsn)
			rc = change_put(txn, t, b, &row, mark);
		if (rc == MDB_NOTFOUND)
			rc = 0;
	}
	return rc;
}

static enum err put_batch(MDB_txn *txn, const struct index_tables *t, struct batch *b,
			  struct log_reader *reader, struct header_mark *mark)
{
	sheet_sort(&b->ids);
	sheet_sort(&b->refs);
	b->changes = malloc((b->ids.count + b->changed.count + 1) * sizeof *b->changes);
	if (!b->changes)
		return ERR_MEMORY;
	enum err e = put_ids(txn, t->id, b, mark);
	if (e)
		return e;
	int rc = put_refs(txn, t->ref, &b->refs);
	if (rc == 0)
		rc = sequences_put(txn, t, &b->sequences);
	if (rc == 0)
		rc = beacons_put(txn, t->beacon, &b->beacons);
	if (rc == 0)
		rc = changes_put(txn, t, b, reader, mark);
	e = rc ? lmdb_err(rc) : range_fold(txn, t, b->changes, b->change_count);
	return e ? e : lmdb_err(headers_write(txn, t->meta, mark));
}

enum err fold_headers(const struct folding *f, uint64_t until, struct header_mark *mark, bool *more)
{
	const struct index_tables *t = &f->env->tables;
	MDB_txn *txn;
	struct batch *b = calloc(1, sizeof *b);
	if (!b)
		return ERR_MEMORY;
	b->ids.width = ID_ROW_BYTES;
	b->refs.width = REF_KEY_BYTES;
	b->sequences.width = SEQUENCE_RECORD_BYTES;
	b->beacons.width = BEACON_KEY_BYTES;
	b->changed.width = 8;
	int rc = mdb_txn_begin(f->env->store.env, NULL, 0, &txn);
	if (rc != 0) {
		free(b);
		return lmdb_err(rc);
	}
	rc = mark_read_headers(txn, t->meta, mark);
	if (rc == 0)
		rc = purged_read(txn, t->meta, &b->floor);
	enum err e = rc != 0 ? lmdb_err(rc) : collect(b, f->reader, until, mark);
	if (!e)
		e = put_batch(txn, t, b, f->reader, mark);
	if (e)
		mdb_txn_abort(txn);
	else
		e = lmdb_err(mdb_txn_commit(txn));
	*more = mark->lsn < until;
	free(b->ids.at);
	free(b->refs.at);
	free(b->sequences.at);
	free(b->beacons.at);
	free(b->changed.at);
	free(b->changes);
	free(b);
	return e;
}
