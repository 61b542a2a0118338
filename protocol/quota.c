#include "protocol/quota.h"

#include <stdlib.h>
#include <string.h>

void quota_init(struct quota *q)
{
	*q = (struct quota){0};
}

void quota_clear(struct quota *q)
{
	free(q->uses);
	quota_init(q);
}

/* Where the origin is, or would be. */
static size_t place_of(const struct quota *q, const struct party_id *origin)
{
	size_t low = 0, high = q->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (memcmp(q->uses[middle].origin.b, origin->b, PARTY_ID_BYTES) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static bool is_at(const struct quota *q, size_t at, const struct party_id *origin)
{
	return at < q->count && party_id_equal(&q->uses[at].origin, origin);
}

enum err quota_add(struct quota *q, const struct party_id *origin, uint64_t bytes)
{
	size_t at = place_of(q, origin);

	if (!is_at(q, at, origin)) {
		if (q->count == q->size) {
			size_t size = q->size ? 2 * q->size : 16;
			struct quota_use *grown = realloc(q->uses, size * sizeof *grown);
			if (!grown)
				return ERR_MEMORY;
			q->uses = grown;
			q->size = size;
		}
		memmove(&q->uses[at + 1], &q->uses[at], (q->count++ - at) * sizeof *q->uses);
		q->uses[at] = (struct quota_use){.origin = *origin};
	}
	q->uses[at].bytes += bytes;
	return ERR_OK;
}

void quota_take(struct quota *q, const struct party_id *origin, uint64_t bytes)
{
	size_t at = place_of(q, origin);

	if (is_at(q, at, origin))
		q->uses[at].bytes -= bytes < q->uses[at].bytes ? bytes : q->uses[at].bytes;
}

/* Keeps the PAUSED_MAX largest, the largest first; among equals the first to come. */
static void rank(struct quota_paused *list, size_t *count, size_t max, struct quota_paused one)
{
	size_t at = *count;

	while (at > 0 && list[at - 1].bytes < one.bytes)
		at--;
	if (at >= max)
		return;
	if (*count < max)
		++*count;
	memmove(&list[at + 1], &list[at], (*count - at - 1) * sizeof *list);
	list[at] = one;
}

static struct quota_paused look(const struct quota_use *use, const struct topology *t)
{
	const struct party *p = topology_party_by_id(t, &use->origin);

	return (struct quota_paused){
		.origin = use->origin, .bytes = use->bytes, .quota = p ? p->quota_bytes : 0};
}

size_t quota_judge(const struct quota *q, const struct topology *t, const struct party_id *self,
		   unsigned fullness, bool waits, struct quota_paused out[PAUSED_MAX])
{
	struct quota_paused largest[PAUSED_MAX];
	size_t over = 0, count = 0, most = 0;

	/* SPEC 7.5: "when the disk or the store is 85 percent full, the one of which it holds most,
	 * and at each further percent two more" */
	if (fullness >= QUOTA_FULL_PERCENT)
		most = 1 + 2 * (size_t)(fullness - QUOTA_FULL_PERCENT);
	most = most < PAUSED_MAX ? most : PAUSED_MAX;
	for (size_t i = 0; i < q->count; i++) {
		struct quota_paused one = look(&q->uses[i], t);
		if (party_id_equal(&one.origin, self) || one.bytes == 0)
			continue;
		one.why = QUOTA_DISK;
		rank(largest, &count, most, one);
		one.why = QUOTA_USED;
		if (one.quota && one.bytes > one.quota && !waits)
			rank(out, &over, PAUSED_MAX, one);
	}
	for (size_t i = 0; i < count; i++) {
		bool known = false;
		for (size_t k = 0; k < over; k++)
			known |= party_id_equal(&out[k].origin, &largest[i].origin);
		if (!known)
			rank(out, &over, PAUSED_MAX, largest[i]);
	}
	return over;
}
