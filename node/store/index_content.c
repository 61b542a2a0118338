/* Folding of content: tables object, value and held. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "node/store/content.h"
#include "node/store/index_batch.h"

enum {
	ROWS_SCANNED_MAX = 10 * FOLD_MESSAGES_MAX,
	BODY_BYTES_MAX = 32 << 20, /* as carried, in one batch */
};

enum err batch_hold(struct batch *b, uint64_t lsn, const char *why)
{
	uint8_t *at = sheet_add(&b->to[HELD]);
	if (!at)
		return ERR_MEMORY;
	memset(at, 0, HELD_RECORD_BYTES);
	put_u64(at, lsn);
	size_t n = strlen(why);
	if (n > HELD_TEXT_MAX) {
		n = HELD_TEXT_MAX;
		while (n > 0 && ((uint8_t)why[n] & 0xc0) == 0x80) /* not inside a character */
			n--;
	}
	memcpy(at + 8, why, n);
	return ERR_OK;
}

static enum err add_values(struct batch *b, const struct stix_object *object, uint64_t lsn,
			   uint16_t number, const uint8_t *record)
{
	size_t n = stix_observables(object, b->found, OBSERVABLES_PER_OBJECT_MAX);
	for (size_t i = 0; i < n; i++) {
		uint8_t *at = sheet_add(&b->to[VALUES]);
		if (!at)
			return ERR_MEMORY;
		uint8_t hash[HASH_KEY_BYTES];
		size_t length = length_of_value(&b->found[i]);
		key_of_value(hash, b->f->identity, &b->found[i]);
		value_encode(at, hash, lsn, number, record);
		at[VALUE_BYTES] = (uint8_t)(length >> 8);
		at[VALUE_BYTES + 1] = (uint8_t)length;
	}
	return ERR_OK;
}

static enum err add_object(struct batch *b, const struct log_row *row,
			   const struct stix_object *object, uint16_t number, bool block)
{
	uint8_t *at = sheet_add(&b->to[OBJECTS]);
	if (!at)
		return ERR_MEMORY;
	uint8_t hash[HASH_KEY_BYTES];
	key_of_object(hash, b->f->identity, &b->header.origin, object->id);
	object_encode(at, hash, &row->id, b->forwarded,
		      &(struct object_at){.lsn = row->lsn,
					  .number = number,
					  .modified = object->modified,
					  .valid_until = object->valid_until,
					  .revoked = object->revoked,
					  .block = block,
					  .scaffolding = stix_scaffolding(object)});
	return add_values(b, object, row->lsn, number, at);
}

static enum err add_post(struct batch *b, const struct log_row *row, const struct post *post)
{
	enum tlp marked;
	char why[HELD_TEXT_MAX + 1];
	if (bundle_tlp(post->bundle, &marked) && marked > (enum tlp)b->header.tlp) {
		snprintf(why, sizeof why, "an object is marked TLP:%s and the message is TLP:%s",
			 tlp_str(marked), tlp_str((enum tlp)b->header.tlp));
		return batch_hold(b, row->lsn, why);
	}
	/* SPEC 5.10: "Of an incident only those keep account to whom its messages were sent" */
	enum err e = b->forwarded ? ERR_OK : batch_incident(b, row, post, why);
	if (e == ERR_FORMAT)
		return batch_hold(b, row->lsn, why);
	if (!e && post->envelope.receipt)
		e = batch_asks(b, row);
	if (!e)
		e = batch_unread(b, row, post);
	for (size_t i = 0; !e && i < bundle_count(post->bundle); i++)
		e = add_object(b, row, bundle_object(post->bundle, i), (uint16_t)i,
			       post->envelope.block);
	return e;
}

enum err batch_post(struct batch *b, const struct log_row *row, const char *json, size_t n)
{
	struct report report;
	struct post post;
	report_init(&report);
	enum err e = post_read(&post, json, n, &report);
	if (e == ERR_MEMORY) {
		/* Not the message's fault: try again later. */
	} else if (e) {
		e = batch_hold(b, row->lsn, report.count ? report_first(&report) : err_str(e));
	} else {
		e = add_post(b, row, &post);
		post_clear(&post);
	}
	report_clear(&report);
	return e;
}

/* What the rows of a body are made from, by kind; NULL: none are. */
typedef enum err make_rows(struct batch *b, const struct log_row *row, const char *json, size_t n);

static make_rows *rows_of(enum message_kind kind)
{
	switch (kind) {
	case KIND_POST:
		return batch_post;
	case KIND_RECEIPT:
		return batch_receipt;
	case KIND_BEACON:
		return batch_beacon;
	case KIND_CARD:
		return batch_card;
	case KIND_RECALL:  /* folded from its header */
	case KIND_FORWARD: /* whose body is no JSON: batch_forward() */
	case KIND_ROLE_KEY:
		break;
	}
	return NULL;
}

static enum err take_body(struct batch *b, const struct log_row *row)
{
	make_rows *make = rows_of((enum message_kind)b->header.kind);
	char *json, why[CONTENT_WHY_BYTES];
	size_t length;
	if (!make)
		return ERR_OK;
	enum err e = content_read_with(b->unpacker, b->f->identity, b->f->reader, row, &b->header,
				       &json, &length, why);
	b->bytes += b->header.body_length;
	if (e == ERR_NOT_FOUND) /* gone, or sealed to others */
		return ERR_OK;
	if (e == ERR_FORMAT)
		return batch_hold(b, row->lsn, why);
	if (e)
		return e;
	e = make(b, row, json, length);
	free(json);
	return e;
}

enum err batch_repeats(const struct batch *b, const struct log_row *row, bool *repeats)
{
	MDB_val key = {MESSAGE_ID_BYTES, (void *)(uintptr_t)row->id.b}, value;
	int rc = mdb_get(b->txn, b->f->env->tables.id, &key, &value);
	*repeats = rc == 0 && value.mv_size == 8 && get_u64(value.mv_data) != row->lsn;
	return rc == MDB_NOTFOUND ? ERR_OK : lmdb_err(rc);
}

enum err batch_make(struct batch *b, const struct log_row *row)
{
	char why[HELD_TEXT_MAX + 1];
	const struct header *h = &b->header;
	switch (row->verdict) {
	case VERDICT_HEADER_ONLY:
		return ERR_OK;
	case VERDICT_SUSPENDED:
		return batch_hold(b, row->lsn, "its author is suspended");
	case VERDICT_HELD:
		if (h->kind <= KIND_ROLE_KEY)
			return batch_hold(b, row->lsn,
					  "its author had left or its sign key was not in force");
		snprintf(why, sizeof why, "this version does not know messages of kind %u",
			 h->kind);
		return batch_hold(b, row->lsn, why);
	case VERDICT_ACCEPTED:
		break;
	}
	if (!row->has_body)
		return ERR_OK;
	b->forwarded = h->kind == KIND_FORWARD;
	return b->forwarded ? batch_forward(b, row) : take_body(b, row);
}

enum err batch_take(struct batch *b, const struct log_row *row)
{
	bool repeats, recalled;
	if (row->length < SIGNATURE_BYTES ||
	    header_decode(&b->header, row->data, row->length - SIGNATURE_BYTES) != ERR_OK)
		return ERR_OK;
	if (b->header.expiry < b->floor)
		return batch_expire(b, row);
	if (row->is_void)
		return ERR_OK;
	enum err e = batch_repeats(b, row, &repeats);
	if (e || repeats)
		return e;
	if (b->header.kind == KIND_RECALL && row->verdict == VERDICT_ACCEPTED)
		return batch_recall(b);
	e = batch_recalled(b, &b->header, &row->id, &recalled);
	if (e)
		return e;
	return recalled ? batch_erase(b, row) : batch_make(b, row);
}

/* How full the sheets are. */
struct fill {
	size_t made[SHEETS], gone[SHEETS], erase;
};

static struct fill fill_of(const struct batch *b)
{
	struct fill fill = {.erase = b->erase.count};
	for (size_t i = 0; i < SHEETS; i++) {
		fill.made[i] = b->made[i].count;
		fill.gone[i] = b->gone[i].count;
	}
	return fill;
}

/* True when the message did not fit and was taken back: the next batch begins with it. */
static bool overflows(struct batch *b, const struct fill *before)
{
	size_t entries = b->erase.count;
	for (size_t i = 0; i < SHEETS; i++)
		entries += b->made[i].count + b->gone[i].count;
	if (entries <= FOLD_ENTRIES_MAX || b->messages == 0)
		return false;
	b->erase.count = before->erase;
	for (size_t i = 0; i < SHEETS; i++) {
		b->made[i].count = before->made[i];
		b->gone[i].count = before->gone[i];
	}
	return true;
}

/* What people or the council have said of messages before it. */
static enum err take_fact(struct batch *b, const struct log_row *fact)
{
	return fact->fact == FACT_READ ? batch_read(b, fact) : batch_verdict(b, fact);
}

static enum err collect(struct batch *b, uint64_t until, struct content_mark *mark)
{
	for (unsigned scanned = 0; scanned < ROWS_SCANNED_MAX; scanned++) {
		struct log_row row;
		if (mark->lsn >= until || b->messages >= FOLD_MESSAGES_MAX ||
		    b->bytes >= BODY_BYTES_MAX)
			return ERR_OK;
		enum err e = log_read_from(b->f->reader, mark->lsn + 1, &row);
		if (e && e != ERR_DAMAGED)
			return e;
		if (row.lsn <= mark->lsn)
			return ERR_DAMAGED;
		if (!e && (row.kind == LOG_MESSAGE || row.fact == FACT_VERDICT ||
			   row.fact == FACT_READ)) {
			struct fill before = fill_of(b);
			e = row.kind == LOG_MESSAGE ? batch_take(b, &row) : take_fact(b, &row);
			if (e)
				return e;
			if (overflows(b, &before))
				return ERR_OK;
			b->messages++;
			mark->rows += row.kind == LOG_MESSAGE;
		} else if (!e && row.kind == LOG_EXPIRED) {
			mark->rows += run_rows(&row, mark->lsn);
		}
		mark->lsn = row.lsn;
	}
	return ERR_OK;
}

void batch_free(struct batch *b)
{
	for (size_t i = 0; i < SHEETS; i++) {
		free(b->made[i].at);
		free(b->gone[i].at);
	}
	free(b->erase.at);
	unpacker_free(b->unpacker);
	free(b);
}

struct batch *batch_new(const struct folding *f)
{
	static const size_t widths[SHEETS] = {
		OBJECT_BYTES,          VALUE_RECORD_BYTES, RECEIPT_RECORD_BYTES, CARD_RECORD_BYTES,
		INCIDENT_RECORD_BYTES, FORWARD_KEY_BYTES,  WAIT_KEY_BYTES,       UNREAD_KEY_BYTES,
		READ_RECORD_BYTES,     HELD_RECORD_BYTES};
	struct batch *b = calloc(1, sizeof *b);
	if (!b)
		return NULL;
	b->f = f;
	b->unpacker = unpacker_new();
	b->to = b->made;
	for (size_t i = 0; i < SHEETS; i++)
		b->made[i].width = b->gone[i].width = widths[i];
	b->erase.width = ERASE_RECORD_BYTES;
	return b;
}

struct folded batch_folded(const struct batch *b)
{
	return (struct folded){.erasable = b->erase.count,
			       .cards = b->made[CARDS].count + b->gone[CARDS].count,
			       .rows = b->made[OBJECTS].count + b->made[VALUES].count,
			       .crowded = b->crowded};
}

enum err fold_content(const struct folding *f, uint64_t until, struct content_mark *mark,
		      struct folded *folded, bool *more)
{
	struct batch *b = batch_new(f);
	*folded = (struct folded){0};
	if (!b)
		return ERR_MEMORY;
	enum err e;
	int rc = mdb_txn_begin(f->env->store.env, NULL, 0, &b->txn);
	if (rc != 0) {
		batch_free(b);
		return lmdb_err(rc);
	}
	rc = mark_read_content(b->txn, f->env->tables.meta, mark);
	if (rc == 0)
		rc = purged_read(b->txn, f->env->tables.meta, &b->floor);
	b->from = mark->lsn;
	e = rc != 0 ? lmdb_err(rc) : batch_retry(b);
	if (!e && !b->retried)
		e = collect(b, until, mark);
	if (!e)
		e = batch_put(b, mark);
	if (e)
		mdb_txn_abort(b->txn);
	else
		e = lmdb_err(mdb_txn_commit(b->txn));
	if (!e)
		*folded = batch_folded(b);
	*more = mark->lsn < until || b->retried;
	batch_free(b);
	return e;
}
