/* The blocks of one run: found, filled, split. */
#include <endian.h>
#include <string.h>

#include "node/store/index_packed_parts.h"
#include "protocol/bytes.h"

enum { KEY_MAX = PACKED_RUN_BYTES + PACKED_WIDTH_MAX, GUESSES = 3 };

/* ---- blocks ---- */

static MDB_val block_key(const struct packed *p, uint8_t at[KEY_MAX], uint32_t run,
			 const uint8_t *record)
{
	put_u32(at, run);
	memcpy(at + PACKED_RUN_BYTES, record, p->width);
	return (MDB_val){PACKED_RUN_BYTES + p->width, at};
}

static bool is_of(const MDB_val *key, uint32_t run)
{
	return key->mv_size > PACKED_RUN_BYTES && get_u32(key->mv_data) == run;
}

static int block_read(const struct packed *p, const MDB_val *key, const MDB_val *value,
		      struct block *b)
{
	if (key->mv_size != PACKED_RUN_BYTES + p->width || value->mv_size == 0 ||
	    value->mv_size % p->width != 0 || value->mv_size > PACKED_BLOCK_BYTES ||
	    memcmp((uint8_t *)key->mv_data + PACKED_RUN_BYTES, value->mv_data, p->width) != 0)
		return MDB_CORRUPTED;
	*b = (struct block){get_u32(key->mv_data), value->mv_data, value->mv_size / p->width};
	return 0;
}

int block_seek(const struct packed *p, uint32_t run, const uint8_t *record, struct block *b)
{
	uint8_t at[KEY_MAX];
	MDB_val wanted = block_key(p, at, run, record), key = wanted, value;
	/* Mostly it is the block before: this one's page is left alone. */
	int rc = mdb_cursor_get(p->cursor, &key, NULL, MDB_SET_RANGE);
	bool exact = rc == 0 && key.mv_size == wanted.mv_size &&
		     memcmp(key.mv_data, at, key.mv_size) == 0;
	bool behind = rc == 0 && !exact && is_of(&key, run);
	if (rc != 0 && rc != MDB_NOTFOUND)
		return rc;
	if (!exact) {
		int back = mdb_cursor_get(p->cursor, &key, &value, rc == 0 ? MDB_PREV : MDB_LAST);
		if (back == 0 && is_of(&key, run))
			return block_read(p, &key, &value, b);
		if (back != 0 && back != MDB_NOTFOUND)
			return back;
		if (!behind)
			return MDB_NOTFOUND;
		key = wanted;
		rc = mdb_cursor_get(p->cursor, &key, &value, MDB_SET_RANGE);
	} else {
		rc = mdb_cursor_get(p->cursor, &key, &value, MDB_GET_CURRENT);
	}
	return rc == 0 ? block_read(p, &key, &value, b) : rc;
}

int block_next(const struct packed *p, struct block *b)
{
	uint8_t at[KEY_MAX];
	MDB_val key = block_key(p, at, b->run, b->first), value;
	int rc = mdb_cursor_get(p->cursor, &key, &value, MDB_SET);
	if (rc == 0)
		rc = mdb_cursor_get(p->cursor, &key, &value, MDB_NEXT);
	else if (rc == MDB_NOTFOUND)
		rc = MDB_CORRUPTED;
	if (rc != 0)
		return rc;
	return is_of(&key, b->run) ? block_read(p, &key, &value, b) : MDB_NOTFOUND;
}

/* The first bytes of a record as a number, which nearly always tells two of them apart. */
static uint64_t head_of(const uint8_t *record)
{
	uint64_t head;
	memcpy(&head, record, sizeof head);
	return be64toh(head);
}

/* Keys are hashes, so where one is can be guessed from how far it is between the ends: few lines of
 * the block are touched.  What they are not, costs as many steps as halving does. */
size_t block_find(const struct packed *p, const struct block *b, const uint8_t *record)
{
	uint64_t wanted = head_of(record);
	size_t low = 0, high = b->count;
	for (unsigned step = 0; low < high; step++) {
		size_t middle = (low + high) / 2;
		if (step < GUESSES && high - low > 2) {
			uint64_t first = head_of(b->first + low * p->width);
			uint64_t last = head_of(b->first + (high - 1) * p->width);
			if (first < wanted && wanted < last)
				middle = low + (size_t)((double)(wanted - first) /
							(double)(last - first) *
							(double)(high - 1 - low));
		}
		const uint8_t *at = b->first + middle * p->width;
		uint64_t head = head_of(at);
		if (head < wanted || (head == wanted && memcmp(at, record, p->width) < 0))
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* ---- packing ---- */

/* Records on their way into new blocks: at most two blocks full, so that the last two can share
 * what is left. */
struct packer {
	struct packed *p;
	struct packed_run *run;
	size_t room, count;             /* records of a block; those that are pending */
	unsigned flags;                 /* of putting */
	bool has_next;                  /* a block follows those that were taken, and */
	uint8_t next[PACKED_WIDTH_MAX]; /* its first record */
	uint8_t old[PACKED_BLOCK_BYTES], pending[2 * PACKED_BLOCK_BYTES];
	size_t old_count;
};

static void packer_init(struct packer *k, struct packed *p, struct packed_run *run)
{
	k->p = p;
	k->run = run;
	k->room = PACKED_BLOCK_BYTES / p->width;
	k->count = 0;
	k->has_next = false;
	/* Behind all that there is, pages are filled whole. */
	k->flags =
		run->count == 0 && run == &p->runs[p->run_count - 1] ? MDB_APPEND : MDB_NOOVERWRITE;
}

static int emit(struct packer *k, size_t n)
{
	uint8_t at[KEY_MAX];
	MDB_val key = block_key(k->p, at, k->run->number, k->pending);
	MDB_val value = {n * k->p->width, k->pending};
	int rc = mdb_cursor_put(k->p->cursor, &key, &value, k->flags);
	k->count -= n;
	memmove(k->pending, k->pending + n * k->p->width, k->count * k->p->width);
	return rc == MDB_KEYEXIST ? MDB_CORRUPTED : rc;
}

static int add(struct packer *k, const uint8_t *record)
{
	memcpy(k->pending + k->count++ * k->p->width, record, k->p->width);
	return k->count == 2 * k->room ? emit(k, k->room) : 0;
}

/* What is left goes into one block, or into two that are equally full. */
static int flush(struct packer *k)
{
	int rc = k->count > k->room ? emit(k, (k->count + 1) / 2) : 0;
	return rc == 0 && k->count ? emit(k, k->count) : rc;
}

/* Takes the block out, remembers what was in it and which is the next. */
static int take(struct packer *k, struct block b)
{
	uint8_t at[KEY_MAX];
	MDB_val key, value;
	k->old_count = b.count;
	memcpy(k->old, b.first, b.count * k->p->width);
	int rc = block_next(k->p, &b);
	k->has_next = rc == 0;
	if (rc == 0)
		memcpy(k->next, b.first, k->p->width);
	if (rc != 0 && rc != MDB_NOTFOUND)
		return rc;
	key = block_key(k->p, at, k->run->number, k->old);
	rc = mdb_cursor_get(k->p->cursor, &key, &value, MDB_SET);
	return rc ? rc : mdb_cursor_del(k->p->cursor, 0);
}

/* How many of the records belong into the block that was taken. */
static size_t share(const struct packer *k, const uint8_t *records, size_t n)
{
	size_t width = k->p->width, low = 0, high = n;
	while (k->has_next && low < high) {
		size_t middle = (low + high) / 2;
		if (memcmp(records + middle * width, k->next, width) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return k->has_next ? low : n;
}

/* Goes to the block of the record.  What is pending is put before, unless it goes on there. */
static int go_to(struct packer *k, const uint8_t *record, struct block *b)
{
	int rc = block_seek(k->p, k->run->number, record, b);
	if (rc != 0 || k->count == 0 ||
	    (k->has_next && memcmp(b->first, k->next, k->p->width) == 0))
		return rc;
	rc = flush(k);
	return rc ? rc : block_seek(k->p, k->run->number, record, b);
}

/* ---- changing a run ---- */

static int merge_in(struct packer *k, const uint8_t *records, size_t n)
{
	size_t width = k->p->width, i = 0, j = 0;
	int rc = 0;
	while (rc == 0 && (i < k->old_count || j < n)) {
		const uint8_t *old = k->old + i * width, *new = records + j *width;
		int way = i == k->old_count ? 1 : j == n ? -1 : memcmp(old, new, width);
		rc = add(k, way <= 0 ? old : new);
		i += way <= 0;
		j += way >= 0;
		k->run->count += way > 0;
	}
	return rc;
}

int run_put(struct packed *p, struct packed_run *run, const uint8_t *records, size_t n)
{
	struct packer k;
	struct block b;
	int rc = 0;
	packer_init(&k, p, run);
	for (size_t i = 0; rc == 0 && i < n;) {
		rc = run->count ? go_to(&k, records + i * p->width, &b) : MDB_NOTFOUND;
		if (rc == MDB_NOTFOUND && run->count == 0) {
			k.old_count = 0;
			rc = 0;
		} else if (rc == 0) {
			rc = take(&k, b);
		}
		if (rc != 0)
			break;
		size_t m = share(&k, records + i * p->width, n - i);
		rc = merge_in(&k, records + i * p->width, m);
		i += m;
	}
	return rc ? rc : flush(&k);
}

/* A block that is less than half full takes in the next, if both fit into one. */
static int absorb(struct packer *k)
{
	struct block b;
	if (k->count == 0 || k->count > k->room / 2 || !k->has_next)
		return 0;
	int rc = block_seek(k->p, k->run->number, k->next, &b);
	if (rc != 0 || k->count + b.count > k->room)
		return rc;
	rc = take(k, b);
	for (size_t i = 0; rc == 0 && i < k->old_count; i++)
		rc = add(k, k->old + i * k->p->width);
	return rc;
}

/* Of the block that was taken, what is not among the records stays. */
static int leave(struct packer *k, const uint8_t *records, size_t n)
{
	size_t width = k->p->width, j = 0;
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < k->old_count; i++) {
		const uint8_t *old = k->old + i * width;
		while (j < n && memcmp(records + j * width, old, width) < 0)
			j++;
		if (j < n && memcmp(records + j * width, old, width) == 0)
			k->run->count--;
		else
			rc = add(k, old);
	}
	if (rc == 0)
		rc = absorb(k);
	return rc ? rc : flush(k);
}

static bool has_any(const struct packed *p, const struct block *b, const uint8_t *record)
{
	size_t i = block_find(p, b, record);
	return i < b->count && memcmp(b->first + i * p->width, record, p->width) == 0;
}

int run_remove(struct packed *p, struct packed_run *run, const uint8_t *records, size_t n)
{
	struct packer k;
	struct block b;
	int rc = 0;
	packer_init(&k, p, run);
	for (size_t i = 0; rc == 0 && i < n && run->count;) {
		const uint8_t *at = records + i * p->width;
		rc = block_seek(p, run->number, at, &b);
		if (rc == 0 && !has_any(p, &b, at)) {
			i++;
			continue;
		}
		if (rc == 0)
			rc = take(&k, b);
		if (rc != 0)
			break;
		size_t m = share(&k, at, n - i);
		rc = leave(&k, at, m);
		i += m;
	}
	return rc;
}

int run_cut(struct packed *p, struct packed_run *run, const uint8_t *last)
{
	static const uint8_t zeros[PACKED_WIDTH_MAX];
	struct packer k;
	struct block b;
	int rc = 0;
	packer_init(&k, p, run);
	while (run->count) {
		rc = block_seek(p, run->number, zeros, &b);
		if (rc != 0 || memcmp(b.first, last, p->width) > 0)
			break;
		size_t gone = block_find(p, &b, last);
		gone += gone < b.count && memcmp(b.first + gone * p->width, last, p->width) == 0;
		rc = take(&k, b);
		for (size_t i = gone; rc == 0 && i < k.old_count; i++)
			rc = add(&k, k.old + i * p->width);
		if (rc == 0)
			rc = flush(&k);
		run->count -= gone;
		if (rc != 0 || gone < k.old_count)
			break;
	}
	return rc;
}
