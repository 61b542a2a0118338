/* What an author has given which number: the tables sequence, reuse and beacon.
 *
 * All three follow from headers alone, whatever the verdict but for beacons, which must be accepted
 * to be believed.  A number that was used twice is found when the second message is folded: its key
 * stands behind that of the one before, since the position in the log is the end of both.  Each
 * knows only its neighbour, so that a number that was used a million times costs no more to forget
 * than a million numbers. */
#include <string.h>

#include "node/store/index_parts.h"

static void stream_key(uint8_t out[STREAM_BYTES], const struct party_id *origin,
		       const struct audience_id *audience)
{
	memcpy(out, origin->b, PARTY_ID_BYTES);
	memcpy(out + PARTY_ID_BYTES, audience->b, AUDIENCE_ID_BYTES);
}

void sequence_record(uint8_t out[SEQUENCE_RECORD_BYTES], const struct header *h, uint64_t lsn)
{
	struct writer w;
	writer_init(&w, out, SEQUENCE_RECORD_BYTES);
	write_bytes(&w, h->origin.b, PARTY_ID_BYTES);
	write_bytes(&w, h->audience.b, AUDIENCE_ID_BYTES);
	write_u64(&w, h->incarnation);
	write_u64(&w, h->sequence);
	write_u64(&w, lsn);
	write_u32(&w, h->expiry);
}

static bool is_at(const MDB_val *key, const uint8_t *place)
{
	return key->mv_size == SEQUENCE_KEY_BYTES &&
	       memcmp(key->mv_data, place, SEQUENCE_PLACE_BYTES) == 0;
}

/* The position of the neighbour at the same place, in that direction from where the cursor is; 0:
 * there is none. */
static int neighbour(MDB_cursor *cursor, MDB_cursor_op step, const uint8_t *place, uint64_t *lsn)
{
	MDB_val key, value;
	*lsn = 0;
	int rc = mdb_cursor_get(cursor, &key, &value, step);
	if (rc == 0 && is_at(&key, place))
		*lsn = get_u64((uint8_t *)key.mv_data + SEQUENCE_PLACE_BYTES);
	return rc == MDB_NOTFOUND ? 0 : rc;
}

static int put_reuse(MDB_txn *txn, MDB_dbi reuse, uint64_t at, uint64_t before)
{
	uint8_t bytes[8], lsn[8];
	MDB_val key = {sizeof bytes, bytes}, value = {sizeof lsn, lsn};
	put_u64(bytes, at);
	put_u64(lsn, before);
	return mdb_put(txn, reuse, &key, &value, 0);
}

static int remove_reuse(MDB_txn *txn, MDB_dbi reuse, uint64_t at)
{
	uint8_t bytes[8];
	MDB_val key = {sizeof bytes, bytes};
	put_u64(bytes, at);
	int rc = mdb_del(txn, reuse, &key, NULL);
	return rc == MDB_NOTFOUND ? 0 : rc;
}

int sequences_put(MDB_txn *txn, const struct index_tables *t, struct sheet *records)
{
	MDB_cursor *cursor;
	sheet_sort(records);
	int rc = mdb_cursor_open(txn, t->sequence, &cursor);
	if (rc != 0)
		return rc;
	for (size_t i = 0; rc == 0 && i < records->count; i++) {
		uint8_t *at = records->at + i * records->width;
		MDB_val key = {SEQUENCE_KEY_BYTES, at}, value = {4, at + SEQUENCE_KEY_BYTES};
		uint64_t before = 0;
		rc = mdb_cursor_put(cursor, &key, &value, 0);
		if (rc == 0)
			rc = neighbour(cursor, MDB_PREV, at, &before);
		if (rc == 0 && before)
			rc = put_reuse(txn, t->reuse, get_u64(at + SEQUENCE_PLACE_BYTES), before);
	}
	mdb_cursor_close(cursor);
	return rc;
}

/* Takes the key out of its place; the one behind it now follows the one before it. */
static int unlink_place(MDB_txn *txn, const struct index_tables *t, uint8_t *record, uint64_t lsn)
{
	MDB_cursor *cursor;
	MDB_val key = {SEQUENCE_KEY_BYTES, record}, value;
	uint64_t before = 0, behind = 0;
	int rc = mdb_cursor_open(txn, t->sequence, &cursor);
	if (rc != 0)
		return rc;
	rc = mdb_cursor_get(cursor, &key, &value, MDB_SET);
	if (rc == 0)
		rc = neighbour(cursor, MDB_NEXT, record, &behind);
	if (rc == 0)
		rc = mdb_cursor_get(cursor, &key, &value, MDB_SET);
	if (rc == 0)
		rc = neighbour(cursor, MDB_PREV, record, &before);
	if (rc == 0)
		rc = mdb_cursor_get(cursor, &key, &value, MDB_SET);
	if (rc == 0)
		rc = mdb_cursor_del(cursor, 0);
	mdb_cursor_close(cursor);
	if (rc == 0)
		rc = remove_reuse(txn, t->reuse, lsn);
	if (rc == 0 && behind)
		rc = before ? put_reuse(txn, t->reuse, behind, before)
			    : remove_reuse(txn, t->reuse, behind);
	return rc == MDB_NOTFOUND ? 0 : rc;
}

int sequence_remove(MDB_txn *txn, const struct index_tables *t, const struct header *h,
		    uint64_t lsn)
{
	uint8_t record[SEQUENCE_RECORD_BYTES], at[BEACON_KEY_BYTES];
	sequence_record(record, h, lsn);
	int rc = unlink_place(txn, t, record, lsn);
	memcpy(at, record, STREAM_BYTES);
	put_u64(at + STREAM_BYTES, lsn);
	MDB_val key = {sizeof at, at};
	if (rc == 0)
		rc = mdb_del(txn, t->beacon, &key, NULL);
	return rc == MDB_NOTFOUND ? 0 : rc;
}

int beacons_put(MDB_txn *txn, MDB_dbi beacon, struct sheet *records)
{
	int rc = 0;
	sheet_sort(records);
	for (size_t i = 0; rc == 0 && i < records->count; i++) {
		MDB_val key = {BEACON_KEY_BYTES, records->at + i * records->width}, value = {0, ""};
		rc = mdb_put(txn, beacon, &key, &value, 0);
	}
	return rc;
}

enum err index_sequences(struct index_reader *reader, const struct stream *s,
			 const struct place *from, const struct place *to,
			 bool (*found)(void *arg, const struct sequence_at *at), void *arg)
{
	uint8_t bytes[SEQUENCE_KEY_BYTES] = {0}, end[SEQUENCE_PLACE_BYTES];
	MDB_val key = {sizeof bytes, bytes}, value;
	MDB_cursor *cursor;
	enum err e = reader_ready(reader);
	if (e)
		return e;
	stream_key(bytes, &s->origin, &s->audience);
	memcpy(end, bytes, STREAM_BYTES);
	put_u64(bytes + STREAM_BYTES, from->incarnation);
	put_u64(bytes + STREAM_BYTES + 8, from->sequence);
	put_u64(end + STREAM_BYTES, to->incarnation);
	put_u64(end + STREAM_BYTES + 8, to->sequence);
	int rc = mdb_cursor_open(reader->txn, reader->index->env.tables.sequence, &cursor);
	if (rc != 0)
		return lmdb_err(rc);
	rc = mdb_cursor_get(cursor, &key, &value, MDB_SET_RANGE);
	while (rc == 0) {
		const uint8_t *k = key.mv_data;
		if (key.mv_size != SEQUENCE_KEY_BYTES || value.mv_size != 4)
			rc = MDB_CORRUPTED;
		if (rc != 0 || memcmp(k, end, sizeof end) > 0)
			break;
		struct sequence_at at = {
			.place = {get_u64(k + STREAM_BYTES), get_u64(k + STREAM_BYTES + 8)},
			.lsn = get_u64(k + SEQUENCE_PLACE_BYTES),
			.expiry = get_u32(value.mv_data)};
		if (!found(arg, &at))
			break;
		rc = mdb_cursor_get(cursor, &key, &value, MDB_NEXT);
	}
	mdb_cursor_close(cursor);
	return rc == MDB_NOTFOUND ? ERR_OK : lmdb_err(rc);
}

/* The greatest key that is less than bytes. */
static int before(struct index_reader *reader, MDB_dbi dbi, const uint8_t *bytes, size_t n,
		  MDB_val *key, MDB_val *value)
{
	MDB_cursor *cursor;
	int rc = mdb_cursor_open(reader->txn, dbi, &cursor);
	if (rc != 0)
		return rc;
	*key = (MDB_val){n, (void *)(uintptr_t)bytes};
	rc = mdb_cursor_get(cursor, key, value, MDB_SET_RANGE);
	if (rc == 0 || rc == MDB_NOTFOUND)
		rc = mdb_cursor_get(cursor, key, value, rc == 0 ? MDB_PREV : MDB_LAST);
	mdb_cursor_close(cursor);
	return rc;
}

enum err index_sequence_last(struct index_reader *reader, const struct stream *s,
			     uint64_t incarnation, struct sequence_at *out)
{
	uint8_t end[SEQUENCE_KEY_BYTES];
	MDB_val key, value;
	enum err e = reader_ready(reader);
	if (e)
		return e;
	memset(end, 0xff, sizeof end);
	stream_key(end, &s->origin, &s->audience);
	put_u64(end + STREAM_BYTES, incarnation);
	int rc = before(reader, reader->index->env.tables.sequence, end, sizeof end, &key, &value);
	if (rc == 0 && (key.mv_size != SEQUENCE_KEY_BYTES || value.mv_size != 4))
		rc = MDB_CORRUPTED;
	if (rc == 0 && memcmp(key.mv_data, end, STREAM_BYTES + 8) != 0)
		rc = MDB_NOTFOUND;
	if (rc == 0) {
		const uint8_t *k = key.mv_data;
		*out = (struct sequence_at){.place = {incarnation, get_u64(k + STREAM_BYTES + 8)},
					    .lsn = get_u64(k + SEQUENCE_PLACE_BYTES),
					    .expiry = get_u32(value.mv_data)};
	}
	return lmdb_err(rc);
}

enum err index_beacon(struct index_reader *reader, const struct stream *s, uint64_t lsn_before,
		      uint64_t *lsn)
{
	uint8_t end[BEACON_KEY_BYTES];
	MDB_val key, value;
	enum err e = reader_ready(reader);
	if (e)
		return e;
	stream_key(end, &s->origin, &s->audience);
	put_u64(end + STREAM_BYTES, lsn_before);
	int rc = before(reader, reader->index->env.tables.beacon, end, sizeof end, &key, &value);
	if (rc == 0 &&
	    (key.mv_size != BEACON_KEY_BYTES || memcmp(key.mv_data, end, STREAM_BYTES) != 0))
		rc = MDB_NOTFOUND;
	if (rc == 0)
		*lsn = get_u64((uint8_t *)key.mv_data + STREAM_BYTES);
	return lmdb_err(rc);
}

enum err index_beacon_stream(struct index_reader *reader, struct stream *s)
{
	uint8_t from[BEACON_KEY_BYTES];
	MDB_cursor *cursor;
	MDB_val key = {sizeof from, from}, value;
	enum err e = reader_ready(reader);
	if (e)
		return e;
	stream_key(from, &s->origin, &s->audience);
	memset(from + STREAM_BYTES, 0xff, 8);
	int rc = mdb_cursor_open(reader->txn, reader->index->env.tables.beacon, &cursor);
	if (rc != 0)
		return lmdb_err(rc);
	rc = mdb_cursor_get(cursor, &key, &value, MDB_SET_RANGE);
	if (rc == 0 && key.mv_size != BEACON_KEY_BYTES)
		rc = MDB_CORRUPTED;
	if (rc == 0) {
		memcpy(s->origin.b, key.mv_data, PARTY_ID_BYTES);
		memcpy(s->audience.b, (uint8_t *)key.mv_data + PARTY_ID_BYTES, AUDIENCE_ID_BYTES);
	}
	mdb_cursor_close(cursor);
	return lmdb_err(rc);
}

enum err index_reuse(struct index_reader *reader, struct reuse_at *at)
{
	uint8_t from[8];
	MDB_cursor *cursor;
	MDB_val key = {sizeof from, from}, value;
	enum err e = reader_ready(reader);
	if (e)
		return e;
	put_u64(from, at->lsn);
	int rc = mdb_cursor_open(reader->txn, reader->index->env.tables.reuse, &cursor);
	if (rc != 0)
		return lmdb_err(rc);
	rc = mdb_cursor_get(cursor, &key, &value, MDB_SET_RANGE);
	if (rc == 0 && (key.mv_size != 8 || value.mv_size != 8))
		rc = MDB_CORRUPTED;
	if (rc == 0)
		*at = (struct reuse_at){get_u64(key.mv_data), get_u64(value.mv_data)};
	mdb_cursor_close(cursor);
	return lmdb_err(rc);
}
