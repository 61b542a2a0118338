/* Receipts in the index: what nodes have stated of messages.
 *
 * Every statement that this node can read has its row, whoever made it and whether the message it
 * speaks of is here: what comes first does not matter, and a recalled receipt leaves no trace. */
#include <string.h>

#include "node/store/index_batch.h"

static enum err add(struct batch *b, const struct log_row *row, const struct statement *s,
		    uint16_t number)
{
	uint8_t *at = sheet_add(&b->to[RECEIPTS]);
	struct writer w;
	if (!at)
		return ERR_MEMORY;
	writer_init(&w, at, RECEIPT_RECORD_BYTES);
	write_bytes(&w, s->message.b, MESSAGE_ID_BYTES);
	write_bytes(&w, b->header.origin.b, PARTY_ID_BYTES);
	write_u8(&w, (uint8_t)s->state);
	write_u64(&w, row->lsn);
	write_u16(&w, number);
	write_u64(&w, s->at);
	write_u8(&w, (uint8_t)s->reason);
	return ERR_OK;
}

enum err batch_asks(struct batch *b, const struct log_row *row)
{
	struct statement asks = {.message = row->id};
	return add(b, row, &asks, 0);
}

enum err batch_receipt(struct batch *b, const struct log_row *row, const char *json, size_t n)
{
	struct report report;
	struct receipt r;
	/* SPEC 5.9: "A receipt that is not sealed is held." */
	if (!(b->header.flags & FLAG_SEALED))
		return batch_hold(b, row->lsn, "a receipt that is not sealed");
	report_init(&report);
	enum err e = receipt_read(&r, json, n, &report);
	if (e && e != ERR_MEMORY) {
		e = batch_hold(b, row->lsn, report.count ? report_first(&report) : err_str(e));
	} else if (!e) {
		for (size_t i = 0; !e && i < r.count; i++)
			e = add(b, row, &r.items[i], (uint16_t)i);
		receipt_clear(&r);
	}
	report_clear(&report);
	return e;
}

int receipts_put(struct batch *b)
{
	return batch_change(b, RECEIPTS, b->f->env->tables.receipt, RECEIPT_KEY_BYTES);
}

/* ---- looking ---- */

static struct stated decode(const uint8_t *key, const uint8_t *value)
{
	struct stated s = {0};
	struct reader r;
	reader_init(&r, key + MESSAGE_ID_BYTES, RECEIPT_KEY_BYTES - MESSAGE_ID_BYTES);
	read_bytes(&r, s.by.b, PARTY_ID_BYTES);
	s.state = (enum receipt_state)read_u8(&r);
	s.lsn = read_u64(&r);
	s.number = read_u16(&r);
	s.at = get_u64(value);
	s.reason = (enum receipt_reason)value[8];
	return s;
}

enum err index_stated(struct index_reader *reader, const struct message_id *id,
		      const struct party_id *by, bool (*found)(void *arg, const struct stated *s),
		      void *arg)
{
	uint8_t from[RECEIPT_KEY_BYTES] = {0};
	size_t same = MESSAGE_ID_BYTES + (by ? PARTY_ID_BYTES : 0);
	MDB_cursor *cursor;
	MDB_val key = {sizeof from, from}, value;
	enum err e = reader_ready(reader);
	if (e)
		return e;
	memcpy(from, id->b, MESSAGE_ID_BYTES);
	if (by)
		memcpy(from + MESSAGE_ID_BYTES, by->b, PARTY_ID_BYTES);
	int rc = mdb_cursor_open(reader->txn, reader->index->env.tables.receipt, &cursor);
	if (rc != 0)
		return lmdb_err(rc);
	rc = mdb_cursor_get(cursor, &key, &value, MDB_SET_RANGE);
	while (rc == 0 && key.mv_size == RECEIPT_KEY_BYTES &&
	       value.mv_size == RECEIPT_VALUE_BYTES && memcmp(key.mv_data, from, same) == 0) {
		struct stated s = decode(key.mv_data, value.mv_data);
		if (s.state && s.state < RECEIPT_STATES && !found(arg, &s))
			break;
		rc = mdb_cursor_get(cursor, &key, &value, MDB_NEXT);
	}
	mdb_cursor_close(cursor);
	return lmdb_err(rc == MDB_NOTFOUND ? 0 : rc);
}

bool index_asks(struct index_reader *reader, const struct message_id *id,
		const struct party_id *origin)
{
	enum { ASKS_KEY_BYTES = MESSAGE_ID_BYTES + PARTY_ID_BYTES + 1 };
	uint8_t from[RECEIPT_KEY_BYTES] = {0};
	MDB_cursor *cursor;
	MDB_val key = {sizeof from, from}, value;
	if (reader_ready(reader))
		return false;
	memcpy(from, id->b, MESSAGE_ID_BYTES);
	memcpy(from + MESSAGE_ID_BYTES, origin->b, PARTY_ID_BYTES);
	if (mdb_cursor_open(reader->txn, reader->index->env.tables.receipt, &cursor) != 0)
		return false;
	int rc = mdb_cursor_get(cursor, &key, &value, MDB_SET_RANGE);
	bool asks = rc == 0 && key.mv_size == RECEIPT_KEY_BYTES &&
		    memcmp(key.mv_data, from, ASKS_KEY_BYTES) == 0;
	mdb_cursor_close(cursor);
	return asks;
}

enum err index_folded(struct index_reader *reader, uint64_t *lsn)
{
	struct content_mark mark = {0};
	enum err e = reader_ready(reader);
	if (!e)
		e = lmdb_err(mark_read_content(reader->txn, reader->index->env.tables.meta, &mark));
	*lsn = mark.lsn;
	return e;
}
