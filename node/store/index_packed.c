#include "node/store/index_packed.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "node/store/index_packed_parts.h"
#include "protocol/bytes.h"

enum {
	LIST_BYTES = 4 + 4 + 4,
	LIST_RUN_BYTES = 4 + 8,
	/* Above it a batch is a run of its own, whatever its size. */
	SMALL_RUN = 32768,
	RUNS_MANY = 10,
	STEP_LEAST = 4096, /* records moved and rewritten in a step, at least and */
	STEP_MOST = 65536,
	STEP_PARTS = 32,
	/* A run is merged with those behind it that have together this part of its records. */
	KEEN_PART = 4,
};

/* More than any disk holds; what is reckoned with the counts of all runs stays within 64 bits. */
static const uint64_t run_records_max = UINT64_C(1) << 40;

/* ---- the list of runs ---- */

static MDB_val name_of(const struct packed *p)
{
	return (MDB_val){strlen(p->name), (void *)(uintptr_t)p->name};
}

/* A disk may have made anything of it. */
static bool list_sound(const struct packed *p)
{
	for (size_t i = 0; i < p->run_count; i++) {
		const struct packed_run *run = &p->runs[i];
		if (run->count == 0 || run->count > run_records_max)
			return false;
		if (i && run->number <= p->runs[i - 1].number)
			return false;
	}
	return p->step <= STEP_MOST && (p->step == 0) == (p->into == 0);
}

static int list_read(struct packed *p, MDB_txn *txn)
{
	MDB_val key = name_of(p), value;
	struct reader r;
	p->run_count = 0;
	p->into = p->upto = p->step = 0;
	int rc = mdb_get(txn, p->meta, &key, &value);
	if (rc != 0)
		return rc == MDB_NOTFOUND ? 0 : rc;
	reader_init(&r, value.mv_data, value.mv_size);
	p->into = read_u32(&r);
	p->upto = read_u32(&r);
	p->step = read_u32(&r);
	while (!r.bad && r.left && p->run_count < PACKED_RUNS_MAX) {
		struct packed_run *run = &p->runs[p->run_count++];
		run->number = read_u32(&r);
		run->count = read_u64(&r);
	}
	return reader_done(&r) && list_sound(p) ? 0 : MDB_CORRUPTED;
}

int packed_open(struct packed *p, MDB_txn *txn)
{
	memset(p->fingers, 0, sizeof p->fingers);
	int rc = p->cursor ? mdb_cursor_renew(txn, p->cursor)
			   : mdb_cursor_open(txn, p->table, &p->cursor);
	return rc ? rc : list_read(p, txn);
}

void packed_close(struct packed *p)
{
	if (p->cursor)
		mdb_cursor_close(p->cursor);
	p->cursor = NULL;
}

int packed_save(const struct packed *p)
{
	uint8_t bytes[LIST_BYTES + PACKED_RUNS_MAX * LIST_RUN_BYTES];
	struct writer w;
	writer_init(&w, bytes, sizeof bytes);
	write_u32(&w, p->into);
	write_u32(&w, p->upto);
	write_u32(&w, p->step);
	for (size_t i = 0; i < p->run_count; i++) {
		write_u32(&w, p->runs[i].number);
		write_u64(&w, p->runs[i].count);
	}
	MDB_val key = name_of(p), value = {w.used, bytes};
	return mdb_put(mdb_cursor_txn(p->cursor), p->meta, &key, &value, 0);
}

uint64_t packed_count(const struct packed *p)
{
	uint64_t count = 0;
	for (size_t i = 0; i < p->run_count; i++)
		count += p->runs[i].count;
	return count;
}

/* Runs without records are no more. */
static void list_tidy(struct packed *p)
{
	size_t kept = 0;
	bool into = false;
	for (size_t i = 0; i < p->run_count; i++) {
		into = into || (p->runs[i].number == p->into && p->runs[i].count);
		if (p->runs[i].count)
			p->runs[kept++] = p->runs[i];
	}
	p->run_count = kept;
	if (!into)
		p->into = p->upto = p->step = 0;
	memset(p->fingers, 0, sizeof p->fingers);
}

/* ---- looking ---- */

void packed_step(const struct packed *p, uint8_t *record)
{
	for (size_t i = p->width; i-- > 0 && ++record[i] == 0;)
		;
}

void packed_step_back(const struct packed *p, uint8_t *record)
{
	for (size_t i = p->width; i-- > 0 && record[i]-- == 0;)
		;
}

/* Where a look-up stands in one run. */
struct place {
	struct block b;
	size_t i; /* of the record; b.count: the run is at its end */
};

static int place_first(struct packed *p, uint32_t run, const uint8_t *from, struct place *at)
{
	int rc = block_seek(p, run, from, &at->b);
	at->i = rc == 0 ? block_find(p, &at->b, from) : 0;
	if (rc == 0 && at->i == at->b.count) {
		rc = block_next(p, &at->b);
		at->i = 0;
	}
	if (rc == MDB_NOTFOUND)
		at->i = at->b.count = 0;
	return rc == MDB_NOTFOUND ? 0 : rc;
}

static int place_next(struct packed *p, struct place *at)
{
	if (++at->i < at->b.count)
		return 0;
	int rc = block_next(p, &at->b);
	at->i = 0;
	if (rc == MDB_NOTFOUND)
		at->b.count = 0;
	return rc == MDB_NOTFOUND ? 0 : rc;
}

static const uint8_t *place_at(const struct packed *p, const struct place *at)
{
	return at->i < at->b.count ? at->b.first + at->i * p->width : NULL;
}

/* The same as packed_range(), in n runs that stand together in the list. */
static int range_of(struct packed *p, const struct packed_run *runs, size_t run_count,
		    const uint8_t *from, size_t prefix, uint8_t *out, size_t max, size_t *n)
{
	struct place places[PACKED_RUNS_MAX];
	int rc = 0;
	*n = 0;
	for (size_t r = 0; rc == 0 && r < run_count; r++)
		rc = place_first(p, runs[r].number, from, &places[r]);
	while (rc == 0 && *n < max) {
		const uint8_t *least = NULL;
		size_t best = 0;
		for (size_t r = 0; r < run_count; r++) {
			const uint8_t *at = place_at(p, &places[r]);
			if (at && (!least || memcmp(at, least, p->width) < 0)) {
				least = at;
				best = r;
			}
		}
		if (!least || memcmp(least, from, prefix) != 0)
			break;
		if (*n == 0 || memcmp(out + (*n - 1) * p->width, least, p->width) != 0)
			memcpy(out + (*n)++ * p->width, least, p->width);
		rc = place_next(p, &places[best]);
	}
	return rc;
}

int packed_range(struct packed *p, const uint8_t *from, size_t prefix, uint8_t *out, size_t max,
		 size_t *n)
{
	return range_of(p, p->runs, p->run_count, from, prefix, out, max, n);
}

/* The block in which the greatest record not beyond `until` is, if any. */
static int finger_move(struct packed *p, size_t r, const uint8_t *until)
{
	struct packed_finger *f = &p->fingers[r];
	if (f->first && memcmp(f->first, until, p->width) <= 0 &&
	    memcmp(until, f->first + (f->count - 1) * p->width, p->width) <= 0)
		return 0;
	struct block b;
	int rc = block_seek(p, p->runs[r].number, until, &b);
	*f = rc == 0 ? (struct packed_finger){b.first, b.count} : (struct packed_finger){0};
	return rc == MDB_NOTFOUND ? 0 : rc;
}

int packed_last(struct packed *p, const uint8_t *until, uint8_t *out)
{
	const uint8_t *last = NULL;
	int rc = 0;
	for (size_t r = 0; rc == 0 && r < p->run_count; r++) {
		rc = finger_move(p, r, until);
		if (rc != 0 || !p->fingers[r].first)
			continue;
		const struct block b = {.first = p->fingers[r].first, .count = p->fingers[r].count};
		size_t i = block_find(p, &b, until);
		bool is = i < b.count && memcmp(b.first + i * p->width, until, p->width) == 0;
		if (!is && i == 0)
			continue;
		const uint8_t *at = b.first + (is ? i : i - 1) * p->width;
		if (!last || memcmp(at, last, p->width) > 0)
			last = at;
	}
	if (rc == 0 && last)
		memcpy(out, last, p->width);
	return rc ? rc : last ? 0 : MDB_NOTFOUND;
}

int packed_keep(struct packed *p, uint8_t *records, size_t *n)
{
	uint8_t last[PACKED_WIDTH_MAX];
	size_t kept = 0;
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < *n; i++) {
		uint8_t *at = records + i * p->width;
		rc = packed_last(p, at, last);
		if (rc == 0 && memcmp(at, last, p->width) == 0)
			memmove(records + kept++ * p->width, at, p->width);
		if (rc == MDB_NOTFOUND)
			rc = 0;
	}
	*n = kept;
	return rc;
}

/* ---- changing ---- */

int packed_add(struct packed *p, const uint8_t *records, size_t n)
{
	struct packed_run *run = p->run_count ? &p->runs[p->run_count - 1] : NULL;
	if (n == 0)
		return 0;
	bool fits = run && run->number > p->upto && run->count + n <= SMALL_RUN;
	if (!fits && p->run_count < PACKED_RUNS_MAX) {
		uint32_t number = run ? run->number + 1 : 1;
		run = &p->runs[p->run_count++];
		*run = (struct packed_run){.number = number};
	}
	int rc = run_put(p, run, records, n);
	list_tidy(p);
	return rc;
}

int packed_remove(struct packed *p, const uint8_t *records, size_t n)
{
	int rc = 0;
	for (size_t r = 0; rc == 0 && r < p->run_count; r++)
		rc = run_remove(p, &p->runs[r], records, n);
	list_tidy(p);
	return rc;
}

/* ---- merging ---- */

bool packed_crowded(const struct packed *p)
{
	return p->run_count >= RUNS_MANY;
}

/* How many to move, so that with what is rewritten between them a step is of bounded size. */
static uint32_t step_size(uint64_t to, uint64_t from)
{
	uint64_t step = (to + from) / STEP_PARTS;
	step = step < STEP_LEAST ? STEP_LEAST : step > STEP_MOST ? STEP_MOST : step;
	return (uint32_t)(step * from / (to + from)) + 1;
}

/* Begins at the oldest run that is not much larger than all behind it. */
static void merge_begin(struct packed *p, uint64_t part)
{
	uint64_t behind = 0;
	for (size_t r = p->run_count; r-- > 0;) {
		if (behind && p->runs[r].count <= part * behind) {
			p->into = p->runs[r].number;
			p->upto = p->runs[p->run_count - 1].number;
			p->step = step_size(p->runs[r].count, behind);
		}
		behind += p->runs[r].count;
	}
}

static size_t run_find(const struct packed *p, uint32_t number)
{
	size_t r = 0;
	while (r < p->run_count && p->runs[r].number < number)
		r++;
	return r;
}

static int merge_some(struct packed *p, size_t to, size_t count)
{
	static const uint8_t zeros[PACKED_WIDTH_MAX];
	struct packed_run *runs = &p->runs[to + 1];
	uint8_t *taken = malloc(p->step * p->width);
	size_t n;
	if (!taken)
		return ENOMEM;
	int rc = range_of(p, runs, count, zeros, 0, taken, p->step, &n);
	if (rc == 0 && n == 0)
		rc = MDB_CORRUPTED;
	for (size_t r = 0; rc == 0 && r < count; r++)
		rc = run_cut(p, &runs[r], taken + (n - 1) * p->width);
	if (rc == 0)
		rc = run_put(p, &p->runs[to], taken, n);
	free(taken);
	return rc;
}

int packed_merge(struct packed *p, bool keen, bool *more)
{
	*more = false;
	if (!p->into)
		merge_begin(p, keen ? KEEN_PART : 1);
	if (!p->into)
		return 0;
	size_t to = run_find(p, p->into), end = to + 1;
	while (end < p->run_count && p->runs[end].number <= p->upto)
		end++;
	if (to == p->run_count || p->runs[to].number != p->into)
		return MDB_CORRUPTED;
	int rc = end > to + 1 ? merge_some(p, to, end - to - 1) : 0;
	list_tidy(p);
	/* Nothing is left behind it: done, and there may be another. */
	to = run_find(p, p->into);
	if (to + 1 >= p->run_count || p->runs[to + 1].number > p->upto)
		p->into = p->upto = p->step = 0;
	*more = true;
	return rc;
}
