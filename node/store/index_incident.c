/* Incidents in the index: which messages are events of which. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "node/store/index_batch.h"
#include "protocol/incident.h"

enum err batch_incident(struct batch *b, const struct log_row *row, const struct post *post,
			char why[HELD_TEXT_MAX + 1])
{
	struct incident_event event;
	struct report report;
	report_init(&report);
	enum err e = incident_event_read(&event, &b->header, &row->id, post, &report);
	if (e == ERR_NOT_FOUND) {
		e = ERR_OK;
	} else if (e == ERR_FORMAT) {
		snprintf(why, HELD_TEXT_MAX + 1, "%s", report_first(&report));
	} else if (!e) {
		uint8_t *at = sheet_add(&b->to[INCIDENTS]);
		if (at) {
			memcpy(at, event.root.b, MESSAGE_ID_BYTES);
			put_u64(at + MESSAGE_ID_BYTES, row->lsn);
			key_of_incident(at + INCIDENT_KEY_BYTES, b->f->identity,
					incident_text(event.said, "number"));
		}
		incident_event_clear(&event);
		e = at ? ERR_OK : ERR_MEMORY;
	}
	report_clear(&report);
	return e;
}

/* The first row at or behind the key that from holds. */
static enum err row_from(struct index_reader *reader, const uint8_t from[INCIDENT_KEY_BYTES],
			 MDB_cursor **cursor, MDB_val *key, MDB_val *value)
{
	*key = (MDB_val){INCIDENT_KEY_BYTES, (void *)(uintptr_t)from};
	enum err e = reader_ready(reader);
	if (e)
		return e;
	int rc = mdb_cursor_open(reader->txn, reader->index->env.tables.incident, cursor);
	if (rc != 0)
		return lmdb_err(rc);
	rc = mdb_cursor_get(*cursor, key, value, MDB_SET_RANGE);
	if (rc == 0 && (key->mv_size != INCIDENT_KEY_BYTES || value->mv_size != HASH_KEY_BYTES))
		rc = MDB_CORRUPTED;
	if (rc != 0)
		mdb_cursor_close(*cursor);
	return lmdb_err(rc);
}

enum err index_incident_count(struct index_reader *reader, uint64_t *events)
{
	MDB_stat stat;
	enum err e = reader_ready(reader);
	if (e)
		return e;
	int rc = mdb_stat(reader->txn, reader->index->env.tables.incident, &stat);
	*events = rc == 0 ? stat.ms_entries : 0;
	return lmdb_err(rc);
}

enum err index_incident_next(struct index_reader *reader, struct message_id *root)
{
	uint8_t from[INCIDENT_KEY_BYTES];
	MDB_cursor *cursor = NULL;
	MDB_val key = {0, NULL}, value = {0, NULL};
	memcpy(from, root->b, MESSAGE_ID_BYTES);
	memset(from + MESSAGE_ID_BYTES, 0xff, 8);
	enum err e = row_from(reader, from, &cursor, &key, &value);
	if (e)
		return e;
	memcpy(root->b, key.mv_data, MESSAGE_ID_BYTES);
	mdb_cursor_close(cursor);
	return ERR_OK;
}

static bool is_last(const struct message_id *roots, size_t n, const void *root)
{
	return n > 0 && memcmp(roots[n - 1].b, root, MESSAGE_ID_BYTES) == 0;
}

enum err index_incident_each(struct index_reader *reader,
			     bool (*found)(void *arg, const struct message_id *root, uint64_t mark),
			     void *arg)
{
	uint8_t from[INCIDENT_KEY_BYTES] = {0};
	struct message_id root = {{0}};
	uint64_t mark = 0;
	bool any = false, on = true;
	MDB_cursor *cursor = NULL;
	MDB_val key = {0, NULL}, value = {0, NULL};
	enum err e = row_from(reader, from, &cursor, &key, &value);
	if (e)
		return e == ERR_NOT_FOUND ? ERR_OK : e;
	int rc = 0;
	while (rc == 0 && on) {
		if (key.mv_size == INCIDENT_KEY_BYTES) {
			if (!is_last(&root, any, key.mv_data)) {
				on = !any || found(arg, &root, mark);
				memcpy(root.b, key.mv_data, MESSAGE_ID_BYTES);
				mark = 0;
				any = true;
			}
			/* Positions ascend: each counts by its place. */
			mark = mark * UINT64_C(0x100000001b3) +
			       get_u64((uint8_t *)key.mv_data + MESSAGE_ID_BYTES);
		}
		rc = mdb_cursor_get(cursor, &key, &value, MDB_NEXT);
	}
	mdb_cursor_close(cursor);
	if (rc == MDB_NOTFOUND && on && any)
		(void)found(arg, &root, mark);
	return lmdb_err(rc == MDB_NOTFOUND ? 0 : rc);
}

/* An incident, and a number under which it was spoken of. */
struct numbered {
	struct message_id root;
	uint8_t hash[HASH_KEY_BYTES];
};

static int compare_hashes(const void *a, const void *b)
{
	const struct numbered *x = a, *y = b;
	return memcmp(x->hash, y->hash, HASH_KEY_BYTES);
}

/* All of them; the caller frees it. */
static enum err numbered_read(struct index_reader *reader, struct numbered **all, size_t *n)
{
	uint8_t from[INCIDENT_KEY_BYTES] = {0};
	uint64_t events = 0;
	MDB_cursor *cursor = NULL;
	MDB_val key = {0, NULL}, value = {0, NULL};
	enum err e = index_incident_count(reader, &events);
	*n = 0;
	*all = e ? NULL : calloc((size_t)events + 1, sizeof **all);
	if (e || !*all)
		return e ? e : ERR_MEMORY;
	e = row_from(reader, from, &cursor, &key, &value);
	if (e)
		return e == ERR_NOT_FOUND ? ERR_OK : e;
	int rc = 0;
	while (rc == 0 && *n < events) {
		struct numbered *last = *n ? &(*all)[*n - 1] : NULL;
		if (value.mv_size == HASH_KEY_BYTES &&
		    !(last && memcmp(last->root.b, key.mv_data, MESSAGE_ID_BYTES) == 0 &&
		      memcmp(last->hash, value.mv_data, HASH_KEY_BYTES) == 0)) {
			struct numbered *next = &(*all)[(*n)++];
			memcpy(next->root.b, key.mv_data, MESSAGE_ID_BYTES);
			memcpy(next->hash, value.mv_data, HASH_KEY_BYTES);
		}
		rc = mdb_cursor_get(cursor, &key, &value, MDB_NEXT);
	}
	mdb_cursor_close(cursor);
	return lmdb_err(rc == MDB_NOTFOUND ? 0 : rc);
}

enum err index_incident_last(struct index_reader *reader, const char *prefix, uint32_t after,
			     bool (*counts)(void *arg, const struct message_id *root), void *arg,
			     uint32_t *last)
{
	enum { GAP_MAX = 1024 };
	char number[INCIDENT_NUMBER_MAX_BYTES + 8];
	struct numbered *all = NULL, wanted = {0};
	size_t n = 0, kept = 0;
	enum err e = numbered_read(reader, &all, &n);
	*last = after;
	for (size_t i = 0; !e && i < n; i++)
		if (counts(arg, &all[i].root))
			all[kept++] = all[i];
	if (kept)
		qsort(all, kept, sizeof *all, compare_hashes);
	for (uint32_t i = after + 1; !e && kept && i - *last <= GAP_MAX; i++) {
		snprintf(number, sizeof number, "%s%" PRIu32, prefix, i);
		key_of_incident(wanted.hash, reader->index->identity, number);
		if (bsearch(&wanted, all, kept, sizeof *all, compare_hashes))
			*last = i;
	}
	free(all);
	return e;
}

enum err index_incident_event(struct index_reader *reader, const struct message_id *root,
			      uint64_t *lsn)
{
	uint8_t from[INCIDENT_KEY_BYTES];
	MDB_cursor *cursor = NULL;
	MDB_val key = {0, NULL}, value = {0, NULL};
	memcpy(from, root->b, MESSAGE_ID_BYTES);
	put_u64(from + MESSAGE_ID_BYTES, *lsn + 1);
	enum err e = row_from(reader, from, &cursor, &key, &value);
	if (e)
		return e;
	if (memcmp(key.mv_data, root->b, MESSAGE_ID_BYTES) == 0)
		*lsn = get_u64((uint8_t *)key.mv_data + MESSAGE_ID_BYTES);
	else
		e = ERR_NOT_FOUND;
	mdb_cursor_close(cursor);
	return e;
}

enum err index_incident_numbered(struct index_reader *reader, const char *number,
				 struct message_id *roots, size_t max, size_t *n)
{
	uint8_t from[INCIDENT_KEY_BYTES] = {0}, hash[HASH_KEY_BYTES];
	MDB_cursor *cursor = NULL;
	MDB_val key = {0, NULL}, value = {0, NULL};
	*n = 0;
	key_of_incident(hash, reader->index->identity, number);
	enum err e = row_from(reader, from, &cursor, &key, &value);
	if (e)
		return e == ERR_NOT_FOUND ? ERR_OK : e;
	int rc = 0;
	while (rc == 0 && *n < max) {
		if (key.mv_size == INCIDENT_KEY_BYTES && value.mv_size == HASH_KEY_BYTES &&
		    memcmp(value.mv_data, hash, HASH_KEY_BYTES) == 0 &&
		    !is_last(roots, *n, key.mv_data))
			memcpy(roots[(*n)++].b, key.mv_data, MESSAGE_ID_BYTES);
		rc = mdb_cursor_get(cursor, &key, &value, MDB_NEXT);
	}
	mdb_cursor_close(cursor);
	return lmdb_err(rc == MDB_NOTFOUND ? 0 : rc);
}
