#include "node/store/recalls.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "protocol/bytes.h"

enum { FIRST_SIZE = 256 };

void recalls_init(struct recalls *r)
{
	*r = (struct recalls){0};
	randombytes_buf(r->key, sizeof r->key);
}

void recalls_clear(struct recalls *r)
{
	free(r->items);
	free(r->buckets);
	*r = (struct recalls){0};
}

static uint32_t *bucket_of(const struct recalls *r, const struct message_id *ref)
{
	uint8_t hash[crypto_shorthash_BYTES];

	crypto_shorthash(hash, ref->b, sizeof ref->b, r->key);
	return &r->buckets[get_u64(hash) & (r->size - 1)];
}

static void chain(struct recalls *r, size_t i)
{
	uint32_t *bucket = bucket_of(r, &r->items[i].ref);

	r->items[i].next = *bucket;
	*bucket = (uint32_t)i + 1;
}

static void chain_all(struct recalls *r)
{
	memset(r->buckets, 0, r->size * sizeof *r->buckets);
	for (size_t i = 0; i < r->count; i++)
		chain(r, i);
}

/* What is still known, in arrays of that size. */
static enum err resize(struct recalls *r, size_t size)
{
	struct recalls other = {.count = r->count, .size = size};

	other.items = malloc(size * sizeof *other.items);
	other.buckets = malloc(size * sizeof *other.buckets);
	if (!other.items || !other.buckets) {
		recalls_clear(&other);
		return ERR_MEMORY;
	}
	memcpy(other.key, r->key, sizeof other.key);
	if (r->count)
		memcpy(other.items, r->items + r->first, r->count * sizeof *other.items);
	chain_all(&other);
	free(r->items);
	free(r->buckets);
	*r = other;
	return ERR_OK;
}

/* A flood that is over leaves no memory behind. */
enum err recalls_reserve(struct recalls *r, size_t n)
{
	size_t size = FIRST_SIZE;
	enum err e = ERR_OK;

	while (size < r->count + n)
		size *= 2;
	if (size > UINT32_MAX)
		return ERR_LIMIT;
	if (r->size < r->first + r->count + n || r->size / 8 >= size)
		e = resize(r, size < r->size && r->size / 8 < size ? r->size : size);
	return e && r->size >= r->first + r->count + n ? ERR_OK : e;
}

void recalls_add(struct recalls *r, const struct message_id *ref, uint64_t lsn)
{
	size_t i = r->first + r->count++;

	r->items[i] = (struct recall_at){.ref = *ref, .lsn = lsn};
	chain(r, i);
}

/* In a bucket the newest come first, so what was forgotten ends it.  The others are moved once they
 * are fewer: so that costs no more than adding did. */
void recalls_forget(struct recalls *r, uint64_t lsn)
{
	while (r->count && r->items[r->first].lsn <= lsn) {
		r->first++;
		r->count--;
	}
	if (r->first <= r->count)
		return;
	if (r->count)
		memmove(r->items, r->items + r->first, r->count * sizeof *r->items);
	r->first = 0;
	chain_all(r);
}

bool recalls_next(const struct recalls *r, const struct message_id *ref, uint32_t *at,
		  uint64_t *lsn)
{
	uint32_t place = 0;

	if (r->count)
		place = *at ? r->items[*at - 1].next : *bucket_of(r, ref);
	for (; place > r->first; place = r->items[place - 1].next) {
		if (!message_id_equal(&r->items[place - 1].ref, ref))
			continue;
		*lsn = r->items[place - 1].lsn;
		*at = place;
		return true;
	}
	return false;
}
