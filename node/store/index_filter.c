/* Which values the index may hold, in memory: sixteen to thirty-two bits for each of them say at
 * once of nearly all that are not there that they are not.
 *
 * It is made when it is first asked for, in one pass over the table, and follows the folds: what
 * is put into the table is in it before that is committed, what leaves the table stays in it until
 * it has grown so full that it is dropped and, when asked for again, made anew.  So it holds
 * whatever any snapshot holds that was taken before the filter was. */
#include <stdlib.h>
#include <string.h>

#include "node/store/index_parts.h"

enum { WORDS_MIN = 1024, BITS_MADE = 16, BITS_FULL = 8, BITS_SET = 4, READ_AT_ONCE = 500 };

struct filter {
	size_t users, room; /* the first under the index's lock */
	size_t count;       /* under folding */
	uint64_t mask;      /* of the number of a word */
	_Atomic uint64_t words[];
};

/* The hash is keyed and even: parts of it say which word and which bits. */
static uint64_t bits_of(const uint8_t hash[SHORT_HASH_BYTES])
{
	uint64_t rest = get_u32(hash + 8), bits = 0;
	for (unsigned i = 0; i < BITS_SET; i++, rest >>= 6)
		bits |= (uint64_t)1 << (rest & 63);
	return bits;
}

bool filter_may(const struct filter *f, const uint8_t hash[SHORT_HASH_BYTES])
{
	uint64_t bits = bits_of(hash);
	const _Atomic uint64_t *word = &f->words[get_u64(hash) & f->mask];
	return (atomic_load_explicit(word, memory_order_relaxed) & bits) == bits;
}

void filter_expect(const struct filter *f, const uint8_t hash[SHORT_HASH_BYTES])
{
	__builtin_prefetch((const void *)&f->words[get_u64(hash) & f->mask]);
}

void filter_add(struct filter *f, const uint8_t hash[SHORT_HASH_BYTES])
{
	atomic_fetch_or_explicit(&f->words[get_u64(hash) & f->mask], bits_of(hash),
				 memory_order_release);
	f->count++;
}

static struct filter *filter_new(size_t values)
{
	size_t words = WORDS_MIN;
	while (words * 64 < values * BITS_MADE)
		words *= 2;
	struct filter *f = calloc(1, sizeof *f + words * sizeof *f->words);
	if (!f)
		return NULL;
	f->users = 1;
	f->room = words * 64 / BITS_FULL;
	f->mask = words - 1;
	return f;
}

/* The caller has the index's lock, or is alone. */
static void filter_leave(struct filter *f)
{
	if (f && --f->users == 0)
		free(f);
}

void filter_drop(struct index *index)
{
	pthread_mutex_lock(&index->lock);
	filter_leave(index->filter);
	index->filter = NULL;
	pthread_mutex_unlock(&index->lock);
}

void filter_judge(struct index *index)
{
	if (index->filter && index->filter->count > index->filter->room)
		filter_drop(index);
}

void reader_filter_take(struct index_reader *reader)
{
	struct index *index = reader->index;
	pthread_mutex_lock(&index->lock);
	if (reader->filter != index->filter) {
		filter_leave(reader->filter);
		reader->filter = index->filter;
		if (reader->filter)
			reader->filter->users++;
	}
	pthread_mutex_unlock(&index->lock);
}

void reader_filter_leave(struct index_reader *reader)
{
	pthread_mutex_lock(&reader->index->lock);
	filter_leave(reader->filter);
	reader->filter = NULL;
	pthread_mutex_unlock(&reader->index->lock);
}

static int fill(struct filter *f, struct packed *values)
{
	uint8_t from[VALUE_BYTES] = {0}, records[READ_AT_ONCE * VALUE_BYTES];
	size_t n = READ_AT_ONCE;
	int rc = 0;
	while (rc == 0 && n == READ_AT_ONCE) {
		rc = packed_range(values, from, 0, records, READ_AT_ONCE, &n);
		for (size_t i = 0; rc == 0 && i < n; i++)
			filter_add(f, records + i * VALUE_BYTES);
		if (rc == 0 && n)
			memcpy(from, records + (n - 1) * VALUE_BYTES, sizeof from);
		packed_step(values, from);
	}
	return rc;
}

/* Nobody folds meanwhile. */
static enum err filter_make(struct index_reader *reader)
{
	struct index *index = reader->index;
	enum err e = index_reader_renew(reader);
	if (e || reader->filter)
		return e;
	e = reader_ready(reader);
	int rc = e ? 0 : match_ready(reader);
	if (e || rc != 0)
		return e ? e : lmdb_err(rc);
	struct filter *f = filter_new(packed_count(&reader->values));
	if (!f)
		return ERR_MEMORY;
	rc = fill(f, &reader->values);
	if (rc != 0) {
		filter_leave(f);
		return lmdb_err(rc);
	}
	pthread_mutex_lock(&index->lock);
	index->filter = f;
	pthread_mutex_unlock(&index->lock);
	reader_filter_take(reader);
	return ERR_OK;
}

enum err index_filter(struct index_reader *reader)
{
	if (reader->filter)
		return ERR_OK;
	/* A check or a rebuild takes minutes. */
	if (pthread_mutex_trylock(&reader->index->folding) != 0)
		return ERR_BUSY;
	enum err e = filter_make(reader);
	pthread_mutex_unlock(&reader->index->folding);
	return e;
}
