#include "protocol/gaps.h"

#include <stdlib.h>
#include <string.h>

#include "protocol/message.h"

enum { FIRST_AGAIN_MS = 2 * 60 * 1000 };

bool stream_equal(const struct stream *a, const struct stream *b)
{
	return party_id_equal(&a->origin, &b->origin) &&
	       memcmp(a->audience.b, b->audience.b, AUDIENCE_ID_BYTES) == 0;
}

/* ---- what is missing ---- */

/* What a beacon still has to add, for which there must be room. */
struct rest {
	size_t incarnations, ranges;
};

/* Appends what from tells of an incarnation; false when there is no room for all of it. */
static bool incarnation_add(struct beacon *to, const struct beacon *from,
			    const struct beacon_incarnation *i, struct rest rest)
{
	struct beacon_incarnation *added = &to->incarnations[to->incarnation_count];

	if (to->incarnation_count + rest.incarnations >= BEACON_INCARNATIONS_MAX ||
	    to->range_count + rest.ranges + i->count > BEACON_RANGES_MAX)
		return false;
	*added = *i;
	added->at = to->range_count;
	memcpy(to->ranges + to->range_count, from->ranges + i->at, i->count * sizeof *to->ranges);
	to->range_count += i->count;
	to->incarnation_count++;
	return true;
}

void beacons_merge(struct beacon *out, const struct beacon *a, const struct beacon *b)
{
	struct rest rest = {.incarnations = a->incarnation_count};
	size_t x = 0, y = 0;

	for (size_t i = 0; i < a->incarnation_count; i++)
		rest.ranges += a->incarnations[i].count;
	out->audit = a->audit;
	out->incarnation_count = out->range_count = 0;
	while (x < a->incarnation_count || y < b->incarnation_count) {
		const struct beacon_incarnation *p = &a->incarnations[x], *q = &b->incarnations[y];
		bool in_a = x < a->incarnation_count, in_b = y < b->incarnation_count;
		if (in_a && in_b && p->incarnation != q->incarnation) {
			in_a = p->incarnation < q->incarnation;
			in_b = !in_a;
		}
		if (in_a) {
			rest.incarnations--;
			rest.ranges -= p->count;
		}
		/* What a tells has room whatever b does. */
		if (!(in_b && (!in_a || q->last > p->last) && incarnation_add(out, b, q, rest)) &&
		    in_a)
			incarnation_add(out, a, p, rest);
		x += in_a;
		y += in_b;
	}
}

static void miss(struct gap *g, uint64_t incarnation, uint64_t first, uint64_t last)
{
	g->total += last - first + 1;
	if (g->count < MISSING_MAX)
		g->ranges[g->count++] = (struct missing){incarnation, first, last};
	else
		g->more = true;
}

/* What of a range is here, met in ascending order. */
struct meeting {
	struct gap *g;
	uint64_t incarnation, expected; /* the next that should be met */
};

static bool meet(void *to, uint64_t sequence)
{
	struct meeting *m = to;

	if (sequence > m->expected)
		miss(m->g, m->incarnation, m->expected, sequence - 1);
	m->expected = sequence + 1;
	return true;
}

/* SPEC 5.11: "A sequence in a live range, of which it holds no message of that author, incarnation
 * and audience, is missing until the hour `until`." */
static enum err range_compare(struct gap *g, uint64_t incarnation, const struct beacon_range *r,
			      const struct gap_view *view)
{
	struct meeting m = {g, incarnation, r->first};
	enum err e;

	/* What would be refused as expiring too late is no lack. */
	if (r->until <= view->hour || r->until > view->hour + EXPIRY_SPAN_HOURS)
		return ERR_OK;
	e = view->here(view->arg, incarnation, r->first, r->last, meet, &m);
	if (!e && m.expected <= r->last)
		miss(g, incarnation, m.expected, r->last);
	return e;
}

enum err gap_compare(struct gap *g, const struct beacon *b, const struct gap_view *view)
{
	enum err e = ERR_OK;

	g->total = 0;
	g->count = 0;
	g->more = false;
	for (size_t i = 0; i < b->incarnation_count && !e; i++) {
		const struct beacon_incarnation *of = &b->incarnations[i];
		for (size_t r = of->at; r < of->at + of->count && !e; r++)
			e = range_compare(g, of->incarnation, &b->ranges[r], view);
	}
	return e;
}

static bool met_one(void *to, uint64_t sequence)
{
	(void)sequence;
	*(bool *)to = true;
	return false;
}

enum err gap_changed(const struct gap *g, const struct gap_view *view, bool *changed)
{
	enum err e = ERR_OK;

	*changed = false;
	for (size_t i = 0; i < g->count && !e && !*changed; i++) {
		const struct missing *m = &g->ranges[i];
		e = view->here(view->arg, m->incarnation, m->first, m->last, met_one, changed);
	}
	return e;
}

/* ---- all of a node ---- */

enum err gaps_init(struct gaps *all)
{
	*all = (struct gaps){.gaps = calloc(GAPS_MAX, sizeof *all->gaps)};
	return all->gaps ? ERR_OK : ERR_MEMORY;
}

void gaps_clear(struct gaps *all)
{
	free(all->gaps);
	*all = (struct gaps){0};
}

struct gap *gaps_find(struct gaps *all, const struct stream *s)
{
	for (size_t i = 0; i < all->count; i++) {
		if (stream_equal(&all->gaps[i].stream, s))
			return &all->gaps[i];
	}
	return NULL;
}

void gaps_close(struct gaps *all, struct gap *g)
{
	*g = all->gaps[--all->count];
}

static struct gap *gap_new(struct gaps *all, const struct stream *s)
{
	size_t of_origin = 0;

	for (size_t i = 0; i < all->count; i++)
		of_origin += party_id_equal(&all->gaps[i].stream.origin, &s->origin);
	if (all->count == GAPS_MAX || of_origin == GAPS_OF_ORIGIN_MAX)
		return NULL;
	return &all->gaps[all->count++];
}

struct gap *gaps_take(struct gaps *all, const struct gap *found, uint64_t now)
{
	struct gap *g = gaps_find(all, &found->stream);
	uint64_t since = g ? g->since : now;
	bool reported = g && g->reported;

	if (found->total == 0) {
		if (g)
			gaps_close(all, g);
		return NULL;
	}
	if (!g)
		g = gap_new(all, &found->stream);
	if (!g)
		return NULL;
	*g = *found;
	g->since = since;
	g->reported = reported;
	g->next = now + (now - since < FIRST_AGAIN_MS ? FIRST_AGAIN_MS : GAP_AGAIN_MS);
	return g;
}

void gap_look_begins(struct gap *g, uint64_t now)
{
	g->next = now + GAP_AGAIN_MS;
}

/* SPEC 5.11: "What is missing for ten minutes is reported to the operator" */
bool gap_is_news(struct gap *g, uint64_t now, uint64_t patience)
{
	if (g->reported || now - g->since < patience)
		return false;
	g->reported = true;
	return true;
}

uint64_t gap_deadline(const struct gap *g, uint64_t patience)
{
	return g->reported || g->next < g->since + patience ? g->next : g->since + patience;
}
