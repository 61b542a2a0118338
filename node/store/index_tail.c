#include "node/store/index_parts.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

enum { TAIL_FIRST_SIZE = 1024 };

static size_t slot(const struct tail *t, size_t i)
{
	return (t->first + i) & (t->size - 1);
}

static uint32_t *bucket_of(const struct tail *t, const struct message_id *id)
{
	uint8_t hash[crypto_shorthash_BYTES];
	crypto_shorthash(hash, id->b, sizeof id->b, t->key);
	return &t->buckets[get_u64(hash) & (t->size - 1)];
}

static void chain(struct tail *t, size_t at)
{
	uint32_t *bucket = bucket_of(t, &t->entries[at].id);
	t->entries[at].next = *bucket;
	*bucket = (uint32_t)at;
}

void tail_clear(struct tail *t)
{
	free(t->entries);
	free(t->buckets);
	*t = (struct tail){0};
}

static enum err grow(struct tail *t)
{
	struct tail wider = {.size = t->size ? t->size * 2 : TAIL_FIRST_SIZE, .count = t->count};
	if (wider.size > TAIL_ENTRIES_MAX)
		return ERR_FULL;
	wider.entries = malloc(wider.size * sizeof *wider.entries);
	wider.buckets = malloc(wider.size * sizeof *wider.buckets);
	if (!wider.entries || !wider.buckets) {
		tail_clear(&wider);
		return ERR_MEMORY;
	}
	memset(wider.buckets, 0xff, wider.size * sizeof *wider.buckets);
	randombytes_buf(wider.key, sizeof wider.key);
	for (size_t i = 0; i < t->count; i++) {
		wider.entries[i] = t->entries[slot(t, i)];
		chain(&wider, i);
	}
	struct tail narrower = *t;
	*t = wider;
	tail_clear(&narrower);
	return ERR_OK;
}

enum err tail_add(struct tail *t, const struct message_id *id, uint64_t lsn)
{
	enum err e = t->count == t->size ? grow(t) : ERR_OK;
	if (e)
		return e;
	size_t at = slot(t, t->count++);
	t->entries[at] = (struct tail_entry){.id = *id, .lsn = lsn};
	chain(t, at);
	return ERR_OK;
}

bool tail_find(const struct tail *t, const struct message_id *id, uint64_t *lsn)
{
	bool found = false;
	if (t->count == 0)
		return false;
	/* The newest of a bucket come first; of equal ids the oldest counts. */
	for (uint32_t i = *bucket_of(t, id); i != TAIL_NONE; i = t->entries[i].next)
		if (message_id_equal(&t->entries[i].id, id)) {
			*lsn = t->entries[i].lsn;
			found = true;
		}
	return found;
}

/* The oldest entry of all is the last of its bucket. */
static void drop_first(struct tail *t)
{
	uint32_t *link = bucket_of(t, &t->entries[t->first].id);
	while (*link != t->first)
		link = &t->entries[*link].next;
	*link = TAIL_NONE;
	t->first = slot(t, 1);
	t->count--;
}

bool tail_trim(struct tail *t, uint64_t lsn, size_t max)
{
	while (t->count && t->entries[t->first].lsn <= lsn) {
		if (max-- == 0)
			return true;
		drop_first(t);
	}
	return false;
}

size_t tail_above(const struct tail *t, uint64_t lsn)
{
	size_t low = 0, high = t->count;
	while (low < high) {
		size_t middle = (low + high) / 2;
		if (t->entries[slot(t, middle)].lsn <= lsn)
			low = middle + 1;
		else
			high = middle;
	}
	return t->count - low;
}

const struct tail_entry *tail_at(const struct tail *t, size_t i)
{
	return &t->entries[slot(t, i)];
}
