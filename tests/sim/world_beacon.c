/* What authors tell of: beacons, as SPEC.md 5.11 has them, whenever chance wants one. */
#include <stdlib.h>
#include <string.h>

#include "tests/sim/world_state.h"

static bool same_stream(const struct said *a, const struct said *b)
{
	return party_id_equal(&a->header->origin, &b->header->origin) &&
	       memcmp(&a->header->audience, &b->header->audience, AUDIENCE_ID_BYTES) == 0;
}

static int compare_places(const void *a, const void *b)
{
	const struct header *x = (*(struct said *const *)a)->header;
	const struct header *y = (*(struct said *const *)b)->header;

	if (x->incarnation != y->incarnation)
		return x->incarnation < y->incarnation ? -1 : 1;
	return x->sequence < y->sequence ? -1 : x->sequence > y->sequence;
}

/* What the author's own store has of the stream; returns how many. */
static size_t told_gather(const struct world *w, const struct node *n, const struct said *like,
			  struct said **out)
{
	size_t count = 0;

	for (size_t i = 0; i < w->said_count; i++)
		if (same_stream(w->said[i], like) &&
		    memory_store_durable(n->store, &w->said[i]->id))
			out[count++] = w->said[i];
	qsort(out, count, sizeof(*out), compare_places);
	return count;
}

static struct beacon *beacon_of(struct said **told, size_t count)
{
	struct beacon_sum *sum = beacon_sum_new(WALL_START);
	struct beacon *b = zeroed(1, sizeof *b);

	if (!sum)
		abort();
	for (size_t i = 0; i < count; i++) {
		const struct header *h = told[i]->header;
		const struct beacon_said said = {h->incarnation, h->sequence, i, h->expiry};
		if (beacon_sum_add(sum, &said) != ERR_OK)
			abort();
	}
	beacon_sum_up(sum, b);
	beacon_sum_free(sum);
	return b;
}

/* Tells those who got the message m of all that was said to them. */
static void beacon_say(struct world *w, struct node *n, const struct said *like)
{
	struct said **told = zeroed(w->said_count, sizeof(*told)), *m;
	size_t count = told_gather(w, n, like, told);
	struct letter *l = zeroed(1, sizeof *l);
	struct header *h = header_new(w, n);

	h->kind = KIND_BEACON;
	letter_again(w, l, h, like);
	m = said_submit(w, n, h, keys_seal(w, h, l, 10));
	m->beacon = beacon_of(told, count);
	for (size_t i = 0; i < count; i++)
		if (!told[i]->told_by)
			told[i]->told_by = w->said_count;
	free(told);
	free(l);
}

/* Has nobody before it in the list said anything to that audience? */
static bool is_first(const struct world *w, size_t i)
{
	for (size_t k = 0; k < i; k++)
		if (same_stream(w->said[k], w->said[i]))
			return false;
	return true;
}

void beacon_say_some(struct world *w, struct node *n)
{
	const struct said *like = NULL;

	for (size_t i = 0; i < w->said_count; i++)
		if (w->said[i]->author == n->index && honest(n) && draw_below(w, 2))
			like = w->said[i];
	if (like)
		beacon_say(w, n, like);
}

void beacons_say_all(struct world *w)
{
	size_t count = w->said_count;

	for (size_t i = 0; i < count; i++) {
		struct node *n = &w->nodes[w->said[i]->author];
		if (honest(n) && n->exchange && is_first(w, i))
			beacon_say(w, n, w->said[i]);
	}
}
