/* Putting the events of an incident into the one order, and folding them. */
#include <stdlib.h>
#include <string.h>

#include "protocol/incident.h"

/* Events by number; edges lead from one to those that say they follow it. */
struct ordering {
	struct incident_event *events; /* ascending by topology version, then id */
	size_t count;
	size_t *by_id; /* numbers, ascending by id */
	size_t *waits; /* for so many that are not placed */
	size_t *first; /* of the followers of number n, in followers, is first[n + 1] */
	size_t *followers;
	size_t *ready; /* a heap of numbers, the smallest first */
	size_t ready_count;
};

static int by_version(const void *a, const void *b)
{
	const struct incident_event *x = a, *y = b;

	if (x->topology != y->topology)
		return x->topology < y->topology ? -1 : 1;
	return memcmp(x->id.b, y->id.b, MESSAGE_ID_BYTES);
}

static int by_id(const void *a, const void *b, void *arg)
{
	const struct incident_event *events = arg;

	return memcmp(events[*(const size_t *)a].id.b, events[*(const size_t *)b].id.b,
		      MESSAGE_ID_BYTES);
}

static bool find(const struct ordering *o, const struct message_id *id, size_t *number)
{
	size_t low = 0, high = o->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int c = memcmp(o->events[o->by_id[middle]].id.b, id->b, MESSAGE_ID_BYTES);
		if (c == 0) {
			*number = o->by_id[middle];
			return true;
		}
		if (c < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return false;
}

/* The i-th event that this one follows, if it is held; the opening one comes before all. */
static bool predecessor(const struct ordering *o, size_t number, size_t i, size_t *before)
{
	const struct incident_event *e = &o->events[number];

	if (!find(o, i < e->after_count ? &e->after[i] : &e->root, before))
		return false;
	return *before != number;
}

static void edges_make(struct ordering *o)
{
	size_t before, total = 0;

	for (size_t n = 0; n < o->count; n++)
		for (size_t i = 0; i <= o->events[n].after_count; i++)
			if (predecessor(o, n, i, &before)) {
				o->waits[n]++;
				o->first[before + 1]++;
			}
	for (size_t n = 0; n < o->count; n++) {
		total += o->first[n + 1];
		o->first[n + 1] = total;
	}
	o->first[o->count + 1] = total;
	/* Each place is filled from its end, which leaves first as it was. */
	for (size_t n = o->count; n-- > 0;)
		for (size_t i = 0; i <= o->events[n].after_count; i++)
			if (predecessor(o, n, i, &before))
				o->followers[--o->first[before + 1]] = n;
}

static void swap(size_t *a, size_t *b)
{
	size_t kept = *a;

	*a = *b;
	*b = kept;
}

static void ready_add(struct ordering *o, size_t number)
{
	size_t at = o->ready_count++;

	o->ready[at] = number;
	for (; at > 0 && o->ready[at] < o->ready[(at - 1) / 2]; at = (at - 1) / 2)
		swap(&o->ready[at], &o->ready[(at - 1) / 2]);
}

static size_t ready_take(struct ordering *o)
{
	size_t taken = o->ready[0], at = 0;

	o->ready[0] = o->ready[--o->ready_count];
	for (;;) {
		size_t least = at;
		for (size_t child = 2 * at + 1; child <= 2 * at + 2; child++)
			if (child < o->ready_count && o->ready[child] < o->ready[least])
				least = child;
		if (least == at)
			return taken;
		swap(&o->ready[at], &o->ready[least]);
		at = least;
	}
}

/* Ids are hashes of what says whom they follow: nothing can follow itself, so all get their
 * place. */
static void place_all(struct ordering *o, struct incident_event *placed)
{
	size_t count = 0;

	for (size_t n = 0; n < o->count; n++)
		if (o->waits[n] == 0)
			ready_add(o, n);
	while (o->ready_count > 0) {
		size_t number = ready_take(o), end = o->first[number + 2];
		placed[count] = o->events[number];
		placed[count++].head = o->first[number + 1] == end;
		for (size_t i = o->first[number + 1]; i < end; i++)
			if (--o->waits[o->followers[i]] == 0)
				ready_add(o, o->followers[i]);
	}
}

/* SPEC 8.9.4: "in the order of what follows what, of those that are free to come next the one
 * with the lower topology version, then the lower id" */
static enum err order(struct incident_event *events, size_t n)
{
	struct ordering o = {.events = events, .count = n};
	struct incident_event *placed = calloc(n, sizeof *placed);
	size_t edges = 0;
	enum err e = ERR_MEMORY;

	qsort(events, n, sizeof *events, by_version);
	for (size_t i = 0; i < n; i++)
		edges += events[i].after_count + 1;
	o.by_id = calloc(n, sizeof *o.by_id);
	o.waits = calloc(n, sizeof *o.waits);
	o.first = calloc(n + 2, sizeof *o.first);
	o.followers = calloc(edges, sizeof *o.followers);
	o.ready = calloc(n, sizeof *o.ready);
	if (!placed || !o.by_id || !o.waits || !o.first || !o.followers || !o.ready)
		goto done;
	for (size_t i = 0; i < n; i++)
		o.by_id[i] = i;
	qsort_r(o.by_id, n, sizeof *o.by_id, by_id, events);
	edges_make(&o);
	place_all(&o, placed);
	memcpy(events, placed, n * sizeof *placed);
	e = ERR_OK;
done:
	free(placed);
	free(o.by_id);
	free(o.waits);
	free(o.first);
	free(o.followers);
	free(o.ready);
	return e;
}

enum err incident_fold(cJSON **state, struct incident_event *events, size_t n,
		       const struct chain *chain)
{
	enum err e = n ? order(events, n) : ERR_OK;

	*state = NULL;
	for (size_t i = 0; !e && i < n; i++) {
		events[i].applied = incident_apply(state, &events[i], chain, &events[i].why);
		if (!events[i].applied && !events[i].why)
			e = ERR_MEMORY;
	}
	if (e) {
		cJSON_Delete(*state);
		*state = NULL;
	}
	return e;
}

size_t incident_heads(struct message_id out[INCIDENT_AFTER_MAX],
		      const struct incident_event *events, size_t n)
{
	size_t count = 0;

	/* The last in order first: should there be too many, those are named. */
	for (size_t i = n; i-- > 0 && count < INCIDENT_AFTER_MAX;)
		if (events[i].head)
			out[count++] = events[i].id;
	return count;
}
