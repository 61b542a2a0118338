/* Cards in the index: whose, in their order, and which seal keys they name.
 *
 * Which of them is in force depends on the topology as well: node/directory.c decides that.  What
 * is here follows from the log alone, whatever came first. */
#include <string.h>

#include "node/store/index_batch.h"
#include "protocol/card.h"

static uint8_t *add(struct batch *b, const struct log_row *row, uint16_t seal, uint64_t number)
{
	uint8_t *at = sheet_add(&b->to[CARDS]);
	struct writer w;
	if (!at)
		return NULL;
	writer_init(&w, at, CARD_RECORD_BYTES);
	write_bytes(&w, b->header.origin.b, PARTY_ID_BYTES);
	write_u16(&w, seal);
	write_u16(&w, b->header.sign_key);
	write_u64(&w, number);
	write_bytes(&w, row->id.b, MESSAGE_ID_BYTES);
	return at + CARD_KEY_BYTES;
}

static enum err add_card(struct batch *b, const struct log_row *row, const struct card *c)
{
	uint8_t *value = add(b, row, 0, c->number);
	if (!value)
		return ERR_MEMORY;
	put_u64(value, row->lsn);
	memcpy(value + 8, b->header.body_hash.b, CARD_VALUE_BYTES - 8);
	for (size_t i = 0; i < c->seal_count; i++) {
		value = add(b, row, c->seals[i].number, c->number);
		if (!value)
			return ERR_MEMORY;
		memcpy(value, c->seals[i].key, SEAL_KEY_BYTES);
	}
	return ERR_OK;
}

enum err batch_card(struct batch *b, const struct log_row *row, const char *json, size_t n)
{
	struct report report;
	struct card *c = NULL;
	/* SPEC 4.11: "A card that is sealed, or whose body breaks one of these rules, is held." */
	if (b->header.flags & FLAG_SEALED)
		return batch_hold(b, row->lsn, "a card that is sealed");
	report_init(&report);
	enum err e = card_read(&c, &b->header.origin, json, n, &report);
	if (e && e != ERR_MEMORY)
		e = batch_hold(b, row->lsn, report.count ? report_first(&report) : err_str(e));
	else if (!e)
		e = add_card(b, row, c);
	card_free(c);
	report_clear(&report);
	return e;
}

int cards_put(struct batch *b)
{
	return batch_change(b, CARDS, b->f->env->tables.card, CARD_KEY_BYTES);
}

/* ---- looking ---- */

uint64_t index_cards_changed(const struct index *index)
{
	return atomic_load(&((struct index *)(uintptr_t)index)->cards);
}

uint64_t index_rebuilds(const struct index *index)
{
	return atomic_load(&((struct index *)(uintptr_t)index)->rebuilds);
}

/* A key of the table, read. */
static struct card_at decode(const MDB_val *key, uint16_t *seal)
{
	struct card_at c = {0};
	struct reader r;
	reader_init(&r, key->mv_data, key->mv_size);
	read_bytes(&r, c.origin.b, PARTY_ID_BYTES);
	*seal = read_u16(&r);
	c.sign_key = read_u16(&r);
	c.number = read_u64(&r);
	read_bytes(&r, c.id.b, MESSAGE_ID_BYTES);
	return c;
}

static bool whole(const MDB_val *key, const MDB_val *value)
{
	return key->mv_size == CARD_KEY_BYTES && value->mv_size == CARD_VALUE_BYTES;
}

static int open_cursor(struct index_reader *reader, MDB_cursor **cursor)
{
	return mdb_cursor_open(reader->txn, reader->index->env.tables.card, cursor);
}

/* Where the rows of (origin, seal key number, sign key number) begin. */
static void start_key(uint8_t out[CARD_KEY_BYTES], const struct party_id *origin, uint16_t seal,
		      uint32_t sign_key)
{
	memset(out, 0, CARD_KEY_BYTES);
	memcpy(out, origin->b, PARTY_ID_BYTES);
	out[PARTY_ID_BYTES] = (uint8_t)(seal >> 8);
	out[PARTY_ID_BYTES + 1] = (uint8_t)seal;
	out[PARTY_ID_BYTES + 2] = (uint8_t)(sign_key >> 8);
	out[PARTY_ID_BYTES + 3] = (uint8_t)sign_key;
}

enum err index_card_origin(struct index_reader *reader, const struct party_id *after,
			   struct party_id *origin)
{
	uint8_t from[CARD_KEY_BYTES] = {0};
	MDB_cursor *cursor;
	MDB_val key = {sizeof from, from}, value;
	enum err e = reader_ready(reader);
	if (e)
		return e;
	if (after) {
		memset(from, 0xff, sizeof from);
		memcpy(from, after->b, PARTY_ID_BYTES);
	}
	int rc = open_cursor(reader, &cursor);
	if (rc != 0)
		return lmdb_err(rc);
	rc = mdb_cursor_get(cursor, &key, &value, MDB_SET_RANGE);
	if (rc == 0 && !whole(&key, &value))
		rc = MDB_CORRUPTED;
	if (rc == 0)
		memcpy(origin->b, key.mv_data, PARTY_ID_BYTES);
	mdb_cursor_close(cursor);
	return lmdb_err(rc);
}

enum err index_cards(struct index_reader *reader, const struct party_id *origin,
		     struct card_at *cards, size_t max, size_t *n)
{
	uint8_t from[CARD_KEY_BYTES];
	MDB_cursor *cursor;
	MDB_val key = {sizeof from, from}, value;
	enum err e = reader_ready(reader);
	uint16_t seal;
	*n = 0;
	if (e)
		return e;
	start_key(from, origin, 1, 0); /* just behind the cards themselves */
	int rc = open_cursor(reader, &cursor);
	if (rc != 0)
		return lmdb_err(rc);
	rc = mdb_cursor_get(cursor, &key, &value, MDB_SET_RANGE);
	rc = mdb_cursor_get(cursor, &key, &value, rc == 0 ? MDB_PREV : MDB_LAST);
	while (rc == 0 && *n < max && whole(&key, &value)) {
		struct card_at *c = &cards[*n];
		*c = decode(&key, &seal);
		if (seal != 0 || !party_id_equal(&c->origin, origin))
			break;
		c->lsn = get_u64(value.mv_data);
		memcpy(c->body, (const uint8_t *)value.mv_data + 8, sizeof c->body);
		++*n;
		rc = mdb_cursor_get(cursor, &key, &value, MDB_PREV);
	}
	mdb_cursor_close(cursor);
	return lmdb_err(rc == MDB_NOTFOUND ? 0 : rc);
}

enum err index_card_greatest_seal(struct index_reader *reader, const struct party_id *origin,
				  uint16_t *number)
{
	uint8_t from[CARD_KEY_BYTES];
	MDB_cursor *cursor;
	MDB_val key = {sizeof from, from}, value;
	enum err e = reader_ready(reader);
	if (e)
		return e;
	memset(from, 0xff, sizeof from);
	memcpy(from, origin->b, PARTY_ID_BYTES);
	int rc = open_cursor(reader, &cursor);
	if (rc != 0)
		return lmdb_err(rc);
	rc = mdb_cursor_get(cursor, &key, &value, MDB_SET_RANGE);
	rc = mdb_cursor_get(cursor, &key, &value, rc == 0 ? MDB_PREV : MDB_LAST);
	if (rc == 0 && !whole(&key, &value))
		rc = MDB_CORRUPTED;
	if (rc == 0) {
		struct card_at c = decode(&key, number);
		if (!party_id_equal(&c.origin, origin))
			rc = MDB_NOTFOUND;
	}
	mdb_cursor_close(cursor);
	return lmdb_err(rc);
}

enum err index_card_seal(struct index_reader *reader, const struct party_id *origin,
			 uint16_t number, bool (*counts)(void *arg, uint16_t sign_key), void *arg,
			 uint8_t seal_key[SEAL_KEY_BYTES])
{
	uint8_t from[CARD_KEY_BYTES];
	MDB_cursor *cursor;
	MDB_val key = {sizeof from, from}, value;
	enum err e = reader_ready(reader);
	uint16_t seal;
	if (e)
		return e;
	start_key(from, origin, number, 0);
	int rc = open_cursor(reader, &cursor);
	if (rc != 0)
		return lmdb_err(rc);
	for (;;) {
		rc = mdb_cursor_get(cursor, &key, &value, MDB_SET_RANGE);
		if (rc != 0 || !whole(&key, &value))
			break;
		struct card_at c = decode(&key, &seal);
		if (seal != number || !party_id_equal(&c.origin, origin)) {
			rc = MDB_NOTFOUND;
			break;
		}
		if (counts(arg, c.sign_key)) {
			memcpy(seal_key, value.mv_data, SEAL_KEY_BYTES);
			break;
		}
		/* All that this sign key has signed is passed over at once. */
		if (c.sign_key == UINT16_MAX) {
			rc = MDB_NOTFOUND;
			break;
		}
		start_key(from, origin, number, c.sign_key + 1U);
		key = (MDB_val){sizeof from, from};
	}
	mdb_cursor_close(cursor);
	return lmdb_err(rc);
}
