/* Folding of content: tables object, value and held. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "node/content.h"
#include "node/index_parts.h"
#include "protocol/stix.h"

enum {
	OBJECT_RECORD_BYTES = OBJECT_KEY_BYTES + OBJECT_VALUE_BYTES,
	VALUE_RECORD_BYTES = VALUE_KEY_BYTES + OBJECT_REF_BYTES + 2, /* and its length's place */
	HELD_RECORD_BYTES = 8 + 1 + HELD_TEXT_MAX,
	ROWS_SCANNED_MAX = 10 * FOLD_MESSAGES_MAX,
	BODY_BYTES_MAX = 32 << 20, /* as carried, in one batch */
};

struct batch {
	const struct folding *f;
	MDB_txn *txn;
	struct sheet objects, values, held;
	size_t messages, bytes;
	struct header header;
	struct observable found[OBSERVABLES_PER_OBJECT_MAX];
};

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

/* Sets a message aside, with the reason; nothing ever stops the fold. */
static enum err hold(struct batch *b, uint64_t lsn, const char *why)
{
	uint8_t *at = sheet_add(&b->held);
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
			   uint16_t number, const uint8_t *object_key)
{
	size_t n = stix_observables(object, b->found, OBSERVABLES_PER_OBJECT_MAX);
	for (size_t i = 0; i < n; i++) {
		uint8_t *at = sheet_add(&b->values);
		if (!at)
			return ERR_MEMORY;
		struct writer w;
		writer_init(&w, at, VALUE_RECORD_BYTES);
		key_of_value(at, b->f->identity, &b->found[i]);
		w.used = HASH_KEY_BYTES;
		write_u64(&w, lsn);
		write_u16(&w, number);
		write_bytes(&w, object_key, OBJECT_REF_BYTES);
		write_u16(&w, (uint16_t)length_of_value(&b->found[i]));
	}
	return ERR_OK;
}

static enum err add_object(struct batch *b, const struct log_row *row,
			   const struct stix_object *object, uint16_t number, bool block)
{
	uint8_t *at = sheet_add(&b->objects);
	if (!at)
		return ERR_MEMORY;
	bool scaffolding = stix_scaffolding(object);
	struct writer w;
	writer_init(&w, at, OBJECT_RECORD_BYTES);
	key_of_object(at, b->f->identity, &b->header.origin, object->id);
	w.used = HASH_KEY_BYTES;
	write_u64(&w, object->modified);
	write_bytes(&w, row->id.b, 8);
	write_u16(&w, number);
	write_u64(&w, row->lsn);
	write_u64(&w, object->valid_until);
	write_u8(&w, (uint8_t)((object->revoked ? OBJECT_REVOKED : 0) | (block ? OBJECT_BLOCK : 0) |
			       (scaffolding ? OBJECT_SCAFFOLDING : 0)));
	return add_values(b, object, row->lsn, number, at);
}

static enum err add_post(struct batch *b, const struct log_row *row, const struct post *post)
{
	enum tlp marked;
	char why[HELD_TEXT_MAX + 1];
	if (bundle_tlp(post->bundle, &marked) && marked > (enum tlp)b->header.tlp) {
		snprintf(why, sizeof why, "an object is marked TLP:%s and the message is TLP:%s",
			 tlp_str(marked), tlp_str((enum tlp)b->header.tlp));
		return hold(b, row->lsn, why);
	}
	enum err e = ERR_OK;
	for (size_t i = 0; !e && i < bundle_count(post->bundle); i++)
		e = add_object(b, row, bundle_object(post->bundle, i), (uint16_t)i,
			       post->envelope.block);
	return e;
}

static enum err take_json(struct batch *b, const struct log_row *row, const char *json, size_t n)
{
	struct report report;
	struct post post;
	report_init(&report);
	enum err e = post_read(&post, json, n, &report);
	if (e == ERR_MEMORY) {
		/* Not the message's fault: try again later. */
	} else if (e) {
		e = hold(b, row->lsn, report.count ? report_first(&report) : err_str(e));
	} else {
		e = add_post(b, row, &post);
		post_clear(&post);
	}
	report_clear(&report);
	return e;
}

static enum err take_body(struct batch *b, const struct log_row *row)
{
	char *json, why[CONTENT_WHY_BYTES];
	size_t length;
	enum err e =
		content_read(b->f->identity, b->f->reader, row, &b->header, &json, &length, why);
	b->bytes += b->header.body_length;
	if (e == ERR_NOT_FOUND) /* gone, or sealed to others */
		return ERR_OK;
	if (e == ERR_FORMAT)
		return hold(b, row->lsn, why);
	if (e)
		return e;
	e = take_json(b, row, json, length);
	free(json);
	return e;
}

/* A row whose id stands elsewhere repeats an earlier one. */
static bool is_repeated(const struct batch *b, const struct log_row *row)
{
	MDB_val key = {MESSAGE_ID_BYTES, (void *)(uintptr_t)row->id.b}, value;
	return mdb_get(b->txn, b->f->env->tables.id, &key, &value) == 0 && value.mv_size == 8 &&
	       get_u64(value.mv_data) != row->lsn;
}

static enum err take_message(struct batch *b, const struct log_row *row)
{
	char why[HELD_TEXT_MAX + 1];
	struct header *h = &b->header;
	if (row->length < SIGNATURE_BYTES ||
	    header_decode(h, row->data, row->length - SIGNATURE_BYTES) != ERR_OK ||
	    is_repeated(b, row))
		return ERR_OK;
	switch (row->verdict) {
	case VERDICT_HEADER_ONLY:
		return ERR_OK;
	case VERDICT_HELD:
		if (h->kind <= KIND_ROLE_KEY)
			return hold(b, row->lsn,
				    "its author had left or its sign key was not in force");
		snprintf(why, sizeof why, "this version does not know messages of kind %u",
			 h->kind);
		return hold(b, row->lsn, why);
	case VERDICT_ACCEPTED:
		break;
	}
	if (h->kind != KIND_POST || !row->has_body)
		return ERR_OK;
	return take_body(b, row);
}

/* True when the message did not fit and was taken back: the next batch begins with it. */
static bool overflows(struct batch *b, const size_t before[3])
{
	if (b->objects.count + b->values.count + b->held.count <= FOLD_ENTRIES_MAX ||
	    b->messages == 0)
		return false;
	b->objects.count = before[0];
	b->values.count = before[1];
	b->held.count = before[2];
	return true;
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
		if (!e && row.kind == LOG_MESSAGE) {
			size_t before[3] = {b->objects.count, b->values.count, b->held.count};
			e = take_message(b, &row);
			if (e)
				return e;
			if (overflows(b, before))
				return ERR_OK;
			b->messages++;
			mark->rows++;
		}
		mark->lsn = row.lsn;
	}
	return ERR_OK;
}

static int counted(MDB_cursor *cursor, const uint8_t *hash, bool *is)
{
	MDB_val key, value;
	int rc = lineage_last(cursor, hash, &key, &value);
	*is = rc == 0 && !object_decode(key.mv_data, value.mv_data).scaffolding;
	return rc == MDB_NOTFOUND ? 0 : rc;
}

/* Puts the versions of each lineage together and counts what became of it. */
static int put_objects(struct batch *b, struct content_mark *mark)
{
	struct sheet *s = &b->objects;
	MDB_cursor *cursor;
	int rc = mdb_cursor_open(b->txn, b->f->env->tables.object, &cursor);
	if (rc != 0)
		return rc;
	for (size_t i = 0; rc == 0 && i < s->count;) {
		const uint8_t *hash = sheet_row(s, i);
		bool before = false, after = false;
		rc = counted(cursor, hash, &before);
		for (;
		     rc == 0 && i < s->count && memcmp(sheet_row(s, i), hash, HASH_KEY_BYTES) == 0;
		     i++) {
			uint8_t *at = s->at + i * s->width;
			MDB_val key = {OBJECT_KEY_BYTES, at};
			MDB_val value = {OBJECT_VALUE_BYTES, at + OBJECT_KEY_BYTES};
			rc = mdb_cursor_put(cursor, &key, &value, 0);
		}
		if (rc == 0)
			rc = counted(cursor, hash, &after);
		mark->objects += (uint64_t)after - (uint64_t)before;
	}
	mdb_cursor_close(cursor);
	return rc;
}

static int put_values(struct batch *b)
{
	const struct index_tables *t = &b->f->env->tables;
	uint64_t lengths[LENGTHS];
	uint8_t bytes[LENGTHS * 8];
	int rc = lengths_read(b->txn, t->meta, lengths);
	for (size_t i = 0; rc == 0 && i < b->values.count; i++) {
		uint8_t *at = b->values.at + i * b->values.width;
		const uint8_t *place = at + VALUE_KEY_BYTES + OBJECT_REF_BYTES;
		MDB_val key = {VALUE_KEY_BYTES, at};
		MDB_val value = {OBJECT_REF_BYTES, at + VALUE_KEY_BYTES};
		rc = mdb_put(b->txn, t->value, &key, &value, MDB_NOOVERWRITE);
		size_t length = (size_t)(place[0] << 8 | place[1]);
		if (rc == 0 && length < LENGTHS)
			lengths[length]++;
		if (rc == MDB_KEYEXIST) /* one object says one value twice */
			rc = 0;
	}
	if (rc != 0)
		return rc;
	for (size_t i = 0; i < LENGTHS; i++)
		put_u64(bytes + i * 8, lengths[i]);
	MDB_val key = {7, "lengths"}, value = {sizeof bytes, bytes};
	return mdb_put(b->txn, t->meta, &key, &value, 0);
}

static int put_held(struct batch *b, struct content_mark *mark)
{
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < b->held.count; i++) {
		uint8_t *at = b->held.at + i * b->held.width;
		MDB_val key = {8, at}, value = {strlen((char *)at + 8), at + 8};
		rc = mdb_put(b->txn, b->f->env->tables.held, &key, &value, 0);
		mark->held++;
	}
	return rc;
}

static enum err put_batch(struct batch *b, struct content_mark *mark)
{
	sheet_sort(&b->objects);
	sheet_sort(&b->values);
	int rc = put_objects(b, mark);
	if (rc == 0 && b->values.count)
		rc = put_values(b);
	if (rc == 0)
		rc = put_held(b, mark);
	if (rc == 0)
		rc = mark_write(b->txn, b->f->env->tables.meta, mark);
	return lmdb_err(rc);
}

enum err fold_content(const struct folding *f, uint64_t until, struct content_mark *mark,
		      bool *more)
{
	struct batch *b = calloc(1, sizeof *b);
	if (!b)
		return ERR_MEMORY;
	b->f = f;
	b->objects.width = OBJECT_RECORD_BYTES;
	b->values.width = VALUE_RECORD_BYTES;
	b->held.width = HELD_RECORD_BYTES;
	enum err e;
	int rc = mdb_txn_begin(f->env->store.env, NULL, 0, &b->txn);
	if (rc != 0) {
		free(b);
		return lmdb_err(rc);
	}
	rc = mark_read_content(b->txn, f->env->tables.meta, mark);
	e = rc != 0 ? lmdb_err(rc) : collect(b, until, mark);
	if (!e)
		e = put_batch(b, mark);
	if (e)
		mdb_txn_abort(b->txn);
	else
		e = lmdb_err(mdb_txn_commit(b->txn));
	*more = mark->lsn < until;
	free(b->objects.at);
	free(b->values.at);
	free(b->held.at);
	free(b);
	return e;
}
