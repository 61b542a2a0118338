/* The rows of a batch go into the packed tables object and value, or out of them; their runs are
 * merged. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "node/store/index_batch.h"

/* ---- objects ---- */

/* Leaves each record once. */
static void sheet_unique(struct sheet *s, size_t width)
{
	size_t kept = 0;
	for (size_t i = 0; i < s->count; i++) {
		uint8_t *to = s->at + kept * s->width;
		if (kept && memcmp(to - s->width, sheet_row(s, i), width) == 0)
			continue;
		memmove(to, sheet_row(s, i), s->width);
		kept++;
	}
	s->count = kept;
}

/* Takes out of the records, ascending, those that the set has. */
static int drop_present(struct packed *set, uint8_t *records, size_t *n)
{
	size_t width = set->width, present = *n, kept = 0, j = 0;
	uint8_t *copy = malloc(*n * width + 1);
	if (!copy)
		return ENOMEM;
	memcpy(copy, records, *n * width);
	int rc = packed_keep(set, copy, &present);
	for (size_t i = 0; rc == 0 && i < *n; i++) {
		uint8_t *at = records + i * width;
		if (j < present && memcmp(copy + j * width, at, width) == 0)
			j++;
		else
			memmove(records + kept++ * width, at, width);
	}
	free(copy);
	*n = kept;
	return rc;
}

static bool same_lineage(const struct sheet *s, size_t i, size_t j)
{
	return memcmp(sheet_row(s, i), sheet_row(s, j), SHORT_HASH_BYTES) == 0;
}

/* One that is counted. */
static bool is_object(const uint8_t record[OBJECT_BYTES])
{
	return !(record[OBJECT_BYTES - 1] & OBJECT_SCAFFOLDING);
}

/* How many lineages of the sheet count, their current versions being in the set; and how many when
 * the sheet has been added to it. */
struct lineages {
	uint64_t now, then;
};

static int lineages_count(struct packed *set, const struct sheet *s, struct lineages *count)
{
	uint8_t last[OBJECT_BYTES];
	int rc = 0;
	*count = (struct lineages){0};
	for (size_t i = 0; rc == 0 && i < s->count; i++) {
		if (i + 1 < s->count && same_lineage(s, i, i + 1))
			continue;
		const uint8_t *at = sheet_row(s, i);
		rc = lineage_last(set, at, last);
		count->now += rc == 0 && is_object(last);
		count->then += is_object(rc == 0 && memcmp(last, at, sizeof last) > 0 ? last : at);
		if (rc == MDB_NOTFOUND)
			rc = 0;
	}
	return rc;
}

static int objects_add(struct batch *b, struct packed *set, struct content_mark *mark)
{
	struct sheet *s = &b->made[OBJECTS];
	struct lineages count = {0};
	int rc = 0;
	sheet_unique(s, s->width);
	if (b->again)
		rc = drop_present(set, s->at, &s->count);
	if (rc == 0)
		rc = lineages_count(set, s, &count);
	mark->objects += count.then - count.now;
	return rc ? rc : packed_add(set, s->at, s->count);
}

static int objects_remove(struct batch *b, struct packed *set, struct content_mark *mark)
{
	struct sheet *s = &b->gone[OBJECTS];
	struct lineages before = {0}, after = {0};
	sheet_unique(s, s->width);
	int rc = packed_keep(set, s->at, &s->count);
	if (rc == 0)
		rc = lineages_count(set, s, &before);
	if (rc == 0)
		rc = packed_remove(set, s->at, s->count);
	if (rc == 0)
		rc = lineages_count(set, s, &after);
	mark->objects += after.now - before.now;
	return rc;
}

int objects_change(struct batch *b, struct content_mark *mark)
{
	struct packed set = objects_of(&b->f->env->tables);
	int rc = packed_open(&set, b->txn);
	if (rc == 0 && b->made[OBJECTS].count)
		rc = objects_add(b, &set, mark);
	if (rc == 0 && b->gone[OBJECTS].count)
		rc = objects_remove(b, &set, mark);
	if (rc == 0 && (b->made[OBJECTS].count || b->gone[OBJECTS].count))
		rc = packed_save(&set);
	b->crowded = b->crowded || packed_crowded(&set);
	packed_close(&set);
	return rc;
}

/* ---- values ---- */

static size_t place_of(const uint8_t *row)
{
	return (size_t)(row[VALUE_BYTES] << 8 | row[VALUE_BYTES + 1]);
}

/* The records of the sheet without what stands behind them. */
static uint8_t *values_copy(const struct sheet *s)
{
	uint8_t *records = malloc(s->count * VALUE_BYTES + 1);
	for (size_t i = 0; records && i < s->count; i++)
		memcpy(records + i * VALUE_BYTES, sheet_row(s, i), VALUE_BYTES);
	return records;
}

/* Counts n records that are among the rows of the sheet, both ascending. */
static void lengths_count(uint64_t lengths[LENGTHS], const struct sheet *s, const uint8_t *records,
			  size_t n, bool added)
{
	for (size_t i = 0, j = 0; i < s->count && j < n; i++) {
		size_t place = place_of(sheet_row(s, i));
		if (memcmp(sheet_row(s, i), records + j * VALUE_BYTES, VALUE_BYTES) != 0)
			continue;
		j++;
		if (place < LENGTHS)
			lengths[place] += added ? 1 : UINT64_MAX;
	}
}

static int values_add(struct batch *b, struct packed *set, uint64_t lengths[LENGTHS])
{
	struct sheet *s = &b->made[VALUES];
	/* One object may say one value twice. */
	sheet_unique(s, VALUE_BYTES);
	uint8_t *records = values_copy(s);
	size_t n = s->count;
	int rc = records ? 0 : ENOMEM;
	if (rc == 0 && b->again)
		rc = drop_present(set, records, &n);
	for (size_t i = 0; rc == 0 && b->f->filter && i < n; i++)
		filter_add(b->f->filter, records + i * VALUE_BYTES);
	if (rc == 0)
		rc = packed_add(set, records, n);
	if (rc == 0)
		lengths_count(lengths, s, records, n, true);
	free(records);
	return rc;
}

static int values_remove(struct batch *b, struct packed *set, uint64_t lengths[LENGTHS])
{
	struct sheet *s = &b->gone[VALUES];
	sheet_unique(s, VALUE_BYTES);
	uint8_t *records = values_copy(s);
	size_t n = s->count;
	int rc = records ? packed_keep(set, records, &n) : ENOMEM;
	if (rc == 0)
		rc = packed_remove(set, records, n);
	if (rc == 0)
		lengths_count(lengths, s, records, n, false);
	free(records);
	return rc;
}

static int lengths_write(MDB_txn *txn, MDB_dbi meta, const uint64_t lengths[LENGTHS])
{
	uint8_t bytes[LENGTHS * 8];
	for (size_t i = 0; i < LENGTHS; i++)
		put_u64(bytes + i * 8, lengths[i]);
	MDB_val key = {7, "lengths"}, value = {sizeof bytes, bytes};
	return mdb_put(txn, meta, &key, &value, 0);
}

int values_change(struct batch *b)
{
	MDB_dbi meta = b->f->env->tables.meta;
	struct packed set = values_of(&b->f->env->tables);
	uint64_t lengths[LENGTHS];
	if (b->made[VALUES].count == 0 && b->gone[VALUES].count == 0)
		return 0;
	int rc = lengths_read(b->txn, meta, lengths);
	if (rc == 0)
		rc = packed_open(&set, b->txn);
	if (rc == 0 && b->made[VALUES].count)
		rc = values_add(b, &set, lengths);
	if (rc == 0 && b->gone[VALUES].count)
		rc = values_remove(b, &set, lengths);
	if (rc == 0)
		rc = packed_save(&set);
	b->crowded = b->crowded || packed_crowded(&set);
	packed_close(&set);
	return rc ? rc : lengths_write(b->txn, meta, lengths);
}

/* ---- merging ---- */

static int merge_one(struct packed set, MDB_txn *txn, bool keen, bool *more)
{
	bool again = false;
	int rc = packed_open(&set, txn);
	if (rc == 0)
		rc = packed_merge(&set, keen, &again);
	if (rc == 0 && again)
		rc = packed_save(&set);
	packed_close(&set);
	*more = *more || again;
	return rc;
}

enum err fold_merge(const struct folding *f, bool keen, bool *more)
{
	MDB_txn *txn;
	*more = false;
	int rc = mdb_txn_begin(f->env->store.env, NULL, 0, &txn);
	if (rc != 0)
		return lmdb_err(rc);
	rc = merge_one(objects_of(&f->env->tables), txn, keen, more);
	if (rc == 0)
		rc = merge_one(values_of(&f->env->tables), txn, keen, more);
	if (rc == 0 && *more)
		return lmdb_err(mdb_txn_commit(txn));
	mdb_txn_abort(txn);
	return lmdb_err(rc);
}
