#include "protocol/turns.h"

#include <stdlib.h>
#include <string.h>

/* Ring of positions; size is a power of two. */
struct turns_origin {
	struct party_id id;
	uint64_t *ring;
	size_t head, count, size;
};

void turns_init(struct turns *q)
{
	*q = (struct turns){0};
}

void turns_clear(struct turns *q)
{
	for (size_t i = 0; i < q->origin_count; i++)
		free(q->origins[i].ring);
	free(q->origins);
	turns_init(q);
}

static struct turns_origin *origin_find(const struct turns *q, const struct party_id *id)
{
	/* Members of one federation: a few dozen, and the last to be added is often the next. */
	for (size_t i = q->origin_count; i > 0; i--) {
		if (party_id_equal(&q->origins[i - 1].id, id))
			return &q->origins[i - 1];
	}
	return NULL;
}

static struct turns_origin *origin_add(struct turns *q, const struct party_id *id)
{
	if (q->origin_count == q->origin_size) {
		size_t size = q->origin_size ? 2 * q->origin_size : 4;
		struct turns_origin *grown = realloc(q->origins, size * sizeof *grown);
		if (!grown)
			return NULL;
		q->origins = grown;
		q->origin_size = size;
	}
	q->origins[q->origin_count] = (struct turns_origin){.id = *id};
	return &q->origins[q->origin_count++];
}

static enum err ring_grow(struct turns_origin *o)
{
	size_t size = o->size ? 2 * o->size : 8;
	uint64_t *ring = malloc(size * sizeof *ring);

	if (!ring)
		return ERR_MEMORY;
	for (size_t i = 0; i < o->count; i++)
		ring[i] = o->ring[(o->head + i) & (o->size - 1)];
	free(o->ring);
	o->ring = ring;
	o->head = 0;
	o->size = size;
	return ERR_OK;
}

static void origin_drop(struct turns *q, size_t i)
{
	free(q->origins[i].ring);
	memmove(&q->origins[i], &q->origins[i + 1], (q->origin_count - i - 1) * sizeof *q->origins);
	q->origin_count--;
	if (q->next > i)
		q->next--;
}

enum err turns_add(struct turns *q, const struct party_id *origin, uint64_t lsn)
{
	struct turns_origin *o = origin_find(q, origin);

	if (!o)
		o = origin_add(q, origin);
	if (!o)
		return ERR_MEMORY;
	if (o->count == o->size && ring_grow(o)) {
		/* Nobody has a turn without a position. */
		if (o->count == 0)
			origin_drop(q, (size_t)(o - q->origins));
		return ERR_MEMORY;
	}
	o->ring[(o->head + o->count++) & (o->size - 1)] = lsn;
	q->count++;
	return ERR_OK;
}

bool turns_next(struct turns *q, uint64_t *lsn)
{
	struct turns_origin *o;
	size_t i;

	if (q->origin_count == 0)
		return false;
	i = q->next % q->origin_count;
	o = &q->origins[i];
	*lsn = o->ring[o->head];
	o->head = (o->head + 1) & (o->size - 1);
	q->count--;
	q->next = i + 1;
	if (--o->count == 0)
		origin_drop(q, i);
	return true;
}

size_t turns_drop(struct turns *q, const struct party_id *origin, uint64_t *lowest)
{
	struct turns_origin *o = origin_find(q, origin);
	size_t dropped;

	if (!o)
		return 0;
	dropped = o->count;
	*lowest = o->ring[o->head];
	q->count -= dropped;
	origin_drop(q, (size_t)(o - q->origins));
	return dropped;
}

bool turns_holds(const struct turns *q, const struct party_id *origin, uint64_t lsn)
{
	const struct turns_origin *o = origin_find(q, origin);

	for (size_t i = 0; o && i < o->count; i++) {
		if (o->ring[(o->head + i) & (o->size - 1)] == lsn)
			return true;
	}
	return false;
}

uint64_t turns_lowest(const struct turns *q)
{
	uint64_t lowest = UINT64_MAX;

	for (size_t i = 0; i < q->origin_count; i++) {
		const struct turns_origin *o = &q->origins[i];
		if (o->ring[o->head] < lowest)
			lowest = o->ring[o->head];
	}
	return lowest;
}
