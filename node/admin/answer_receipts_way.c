/* Where a message stands on its way to who has not answered: the link of ours that leads there. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "node/admin/answer_receipts.h"

enum { SENTENCE_BYTES = 512 };

static size_t place_of(const struct following *f, const struct party *node)
{
	for (size_t i = 0; i < f->explained.node_count; i++)
		if (f->explained.nodes[i].node == node)
			return i;
	return SIZE_MAX;
}

/* Hops from the neighbour to every node, over the links that carry the message and not through this
 * node. */
static bool hops_count(struct following *f, struct way *w)
{
	const struct explanation *e = &f->explained;
	size_t self = place_of(f, f->self), start = place_of(f, w->neighbour);
	bool changed = start != SIZE_MAX;

	w->hops = malloc((e->node_count + 1) * sizeof *w->hops);
	if (!w->hops)
		return false;
	for (size_t i = 0; i < e->node_count; i++)
		w->hops[i] = i == start ? 0 : SIZE_MAX;
	while (changed) {
		changed = false;
		for (size_t i = 0; i < e->link_count; i++) {
			size_t a = place_of(f, e->links[i].a), b = place_of(f, e->links[i].b);
			if (a == self || b == self || w->hops[a] == w->hops[b])
				continue;
			if (w->hops[a] != SIZE_MAX && w->hops[a] + 1 < w->hops[b]) {
				w->hops[b] = w->hops[a] + 1;
				changed = true;
			} else if (w->hops[b] != SIZE_MAX && w->hops[b] + 1 < w->hops[a]) {
				w->hops[a] = w->hops[b] + 1;
				changed = true;
			}
		}
	}
	return true;
}

static enum err way_add(struct following *f, const struct node_status *status,
			const struct link_passing *passing, size_t n, const struct party *neighbour)
{
	struct way *w = &f->ways[f->way_count];

	*w = (struct way){.neighbour = neighbour};
	for (size_t i = 0; i < status->link_count; i++)
		if (strcmp(status->links[i].peer, neighbour->name) == 0)
			w->status = status->links[i];
	for (size_t i = 0; i < n; i++)
		if (party_id_equal(&passing[i].peer, &neighbour->id))
			w->passing = passing[i];
	/* Who brought it has it. */
	if (party_id_equal(&f->from, &neighbour->id))
		w->passing.passing = PASSING_DONE;
	f->way_count++;
	return hops_count(f, w) ? ERR_OK : ERR_MEMORY;
}

static enum err ways_add(struct following *f, const struct node_status *status,
			 struct link_passing *passing)
{
	const struct explanation *x = &f->explained;
	size_t n = 0;
	enum err e =
		node_passing(f->a->node, &f->header.origin, f->lsn, passing, NEIGHBOURS_MAX, &n);

	for (size_t i = 0; !e && i < x->link_count && f->way_count < NEIGHBOURS_MAX; i++) {
		if (x->links[i].a == f->self)
			e = way_add(f, status, passing, n, x->links[i].b);
		else if (x->links[i].b == f->self)
			e = way_add(f, status, passing, n, x->links[i].a);
	}
	return e;
}

enum err following_ways_find(struct following *f)
{
	const struct party *origin = topology_party_by_id(f->topology, &f->header.origin);
	struct node_status *status = malloc(sizeof *status);
	struct link_passing *passing = calloc(NEIGHBOURS_MAX, sizeof *passing);
	enum err e = status && passing ? ERR_OK : ERR_MEMORY;

	f->ways = calloc(NEIGHBOURS_MAX, sizeof *f->ways);
	if (!f->ways)
		e = ERR_MEMORY;
	if (!e && origin)
		e = recipients_of(&f->to, f->topology, &f->header);
	if (!e && origin)
		e = recipients_explain(&f->explained, f->topology, origin, &f->to);
	if (!e) {
		node_status(f->a->node, status);
		e = ways_add(f, status, passing);
	}
	free(status);
	free(passing);
	return e;
}

void following_ways_clear(struct following *f)
{
	for (size_t i = 0; i < f->way_count; i++)
		free(f->ways[i].hops);
	free(f->ways);
	explanation_clear(&f->explained);
	recipients_clear(&f->to);
}

/* The way that has gone furthest: taken before waiting, then the shortest. */
static const struct way *way_to(const struct following *f, const struct party *node)
{
	size_t place = place_of(f, node);
	const struct way *best = NULL;

	if (place == SIZE_MAX)
		return NULL;
	for (size_t i = 0; i < f->way_count; i++) {
		const struct way *w = &f->ways[i];
		bool done = w->passing.passing == PASSING_DONE;
		bool best_done = best && best->passing.passing == PASSING_DONE;

		if (w->hops[place] == SIZE_MAX)
			continue;
		if (!best || done > best_done ||
		    (done == best_done && w->hops[place] < best->hops[place]))
			best = w;
	}
	return best;
}

/* SPEC 9.4.1: "`why` says the same in words." */
static void sentence(char out[SENTENCE_BYTES], const struct following *f, const struct way *w,
		     const struct party *node)
{
	bool own = party_id_equal(&f->header.origin, &f->self->id);
	const struct link_status *s = &w->status;
	const char *name = w->neighbour->name;
	char time[TIME_BYTES], at[TIME_BYTES + 4] = "";

	if (w->passing.at)
		snprintf(at, sizeof at, " at %s", time_format(time, w->passing.at));
	if (w->passing.passing == PASSING_DONE && w->neighbour == node)
		snprintf(out, SENTENCE_BYTES, "%s took it%s%s", name, at,
			 own && f->answered ? " and has not answered yet" : "");
	else if (w->passing.passing == PASSING_DONE)
		snprintf(out, SENTENCE_BYTES, "passed to %s%s", name, at);
	else if (s->state && strcmp(s->state, "up") == 0)
		snprintf(out, SENTENCE_BYTES, "%llu messages wait for %s, which is up",
			 (unsigned long long)s->waiting, name);
	else
		snprintf(out, SENTENCE_BYTES, "waits for %s, %s since %s%s%s", name,
			 s->state ? s->state : "unknown", time_format(time, s->since),
			 s->reason[0] ? ": " : "", s->reason);
}

static void link_show(struct text *t, const struct way *w)
{
	const struct link_status *s = &w->status;

	admin_put_name(t, "link");
	text_str(t, "{");
	admin_put_string(t, "peer", w->neighbour->name);
	admin_put_string(t, "state", s->state);
	admin_put_time(t, "since", s->since);
	admin_put_string(t, "reason", s->reason[0] ? s->reason : NULL);
	admin_put_number(t, "waiting", s->waiting);
	admin_put_bool(t, "passed", w->passing.passing == PASSING_DONE);
	admin_put_time(t, "passed_at", w->passing.at);
	text_str(t, "}");
}

void following_way_show(struct following *f, const struct follower *reader)
{
	struct text *t = &f->a->reply;
	char words[SENTENCE_BYTES];
	const struct way *w;

	if (receipt_fold_state(&reader->fold) || reader->node == f->self) {
		admin_put_string(t, "link", NULL);
		admin_put_string(t, "why", NULL);
		return;
	}
	w = way_to(f, reader->node);
	if (!w) {
		admin_put_string(t, "link", NULL);
		admin_put_string(t, "why", "no link of this node leads there");
		return;
	}
	link_show(t, w);
	sentence(words, f, w, reader->node);
	admin_put_string(t, "why", words);
}
