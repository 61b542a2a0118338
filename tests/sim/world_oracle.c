/* Who is linked and who carries, worked out from what the council meant, by SPEC 4.6 and 5.3 and in
 * the simplest way.  Shares no code with protocol/, which is held against it. */
#include <stdlib.h>
#include <string.h>

#include "tests/sim/world_state.h"

static uint8_t *above_row(const struct world *w, const struct edition *e, unsigned x)
{
	return e->above + (size_t)x * w->seat_count;
}

static void climb(const struct world *w, const struct edition *e, unsigned x, uint8_t *row)
{
	if (row[x])
		return;
	row[x] = 1;
	for (unsigned i = 0; i < e->seats[x].parent_count; i++)
		climb(w, e, e->seats[x].parents[i], row);
}

void oracle_above(const struct world *w, struct edition *e)
{
	e->above = zeroed(w->seat_count, w->seat_count);
	for (unsigned x = 0; x < w->seat_count; x++)
		if (e->seats[x].present)
			climb(w, e, x, above_row(w, e, x));
}

static bool holds(const struct edition *e, unsigned node, unsigned party)
{
	const struct seat *s = &e->seats[party];

	for (unsigned i = 0; i < s->holder_count; i++)
		if (s->holders[i] == node)
			return true;
	return node == party;
}

static bool here(const struct edition *e, unsigned node)
{
	return e->seats[node].present && !e->seats[node].left;
}

/* The nodes that are the party, or hold it. */
static unsigned holders_of(const struct world *w, const struct edition *e, unsigned party,
			   unsigned out[PARENTS])
{
	const struct seat *s = &e->seats[party];

	if (party < w->plan.nodes) {
		out[0] = party;
		return 1;
	}
	memcpy(out, s->holders, sizeof s->holders);
	return s->holder_count;
}

static void link(const struct world *w, struct edition *e, unsigned a, unsigned b)
{
	if (a == b || !here(e, a) || !here(e, b))
		return;
	e->linked[(size_t)a * w->plan.nodes + b] = 1;
	e->linked[(size_t)b * w->plan.nodes + a] = 1;
}

/* SPEC 4.6, for every line of reporting: whoever is or holds its lower end is linked with whoever
 * is or holds its upper one. */
void oracle_links(const struct world *w, struct edition *e)
{
	unsigned low[PARENTS], high[PARENTS];

	e->linked = zeroed(w->plan.nodes, w->plan.nodes);
	for (unsigned i = 0; i < e->link_count; i++)
		link(w, e, e->links[i].a, e->links[i].b);
	for (unsigned x = 0; x < w->seat_count; x++) {
		const struct seat *s = &e->seats[x];
		unsigned lows = s->present ? holders_of(w, e, x, low) : 0;
		for (unsigned p = 0; p < s->parent_count; p++) {
			unsigned highs = holders_of(w, e, s->parents[p], high);
			for (unsigned i = 0; i < lows * highs; i++)
				link(w, e, low[i / highs], high[i % highs]);
		}
	}
}

bool oracle_linked(const struct world *w, const struct edition *e, unsigned a, unsigned b)
{
	return e->linked[(size_t)a * w->plan.nodes + b];
}

/* The index of a party, which its name says; seat_count: of nobody. */
static unsigned seat_of(const struct world *w, const struct party_id *id)
{
	const struct topology *t = chain_newest(&w->versions);
	const struct party *p = topology_party_by_id(t, id);

	if (!p)
		return w->seat_count;
	return (unsigned)atoi(p->name + 1) + (p->name[0] == 'r' ? w->plan.nodes : 0);
}

bool oracle_void(const struct world *w, uint32_t version, const struct header *h)
{
	unsigned o = seat_of(w, &h->origin);

	/* SPEC 4.12: "A recall is never void." */
	return h->kind != KIND_RECALL && o < w->seat_count &&
	       h->sign_key <= w->editions[version].seats[o].voided;
}

/* Marks the parties on the way from o to r. */
static void way_mark(const struct world *w, const struct edition *e, unsigned o, unsigned r,
		     uint8_t *way)
{
	const uint8_t *of_o = above_row(w, e, o), *of_r = above_row(w, e, r);

	for (unsigned l = 0; l < w->seat_count; l++) {
		bool lowest = of_o[l] && of_r[l];
		for (unsigned y = 0; y < w->seat_count && lowest; y++)
			if (y != l && of_o[y] && of_r[y] && above_row(w, e, y)[l])
				lowest = false;
		for (unsigned x = 0; x < w->seat_count && lowest; x++)
			if ((of_o[x] || of_r[x]) && above_row(w, e, x)[l])
				way[x] = 1;
	}
}

bool oracle_names(const struct world *w, uint32_t version, unsigned seat, const struct said *m)
{
	const struct edition *e = &w->editions[version];

	for (unsigned i = 0; i < m->header->recipient_count; i++) {
		unsigned r = seat_of(w, &m->header->recipients[i].party);
		if (r < w->seat_count && e->seats[r].present && holds(e, seat, r))
			return true;
	}
	return m->header->recipient_count == 0;
}

static uint8_t *carriers_find(const struct world *w, uint32_t version, const struct said *m)
{
	const struct edition *e = &w->editions[version];
	unsigned o = seat_of(w, &m->header->origin);
	uint8_t *way = zeroed(w->seat_count, 1), *out = zeroed(w->plan.nodes, 1);

	if (o < w->seat_count && e->seats[o].present) {
		for (unsigned i = 0; i < m->header->recipient_count; i++) {
			unsigned r = seat_of(w, &m->header->recipients[i].party);
			if (r < w->seat_count && e->seats[r].present &&
			    !(m->header->flags & FLAG_DIRECT))
				way_mark(w, e, o, r, way);
		}
	}
	for (unsigned n = 0; n < w->plan.nodes; n++) {
		out[n] = here(e, n) && oracle_names(w, version, n, m);
		if (!here(e, n))
			continue;
		out[n] |= n == o;
		for (unsigned x = 0; x < w->seat_count; x++)
			out[n] |= way[x] && e->seats[x].present && holds(e, n, x);
	}
	free(way);
	return out;
}

bool oracle_carries(const struct world *w, uint32_t version, unsigned seat, struct said *m)
{
	if (!m->carriers)
		m->carriers = zeroed(2 + w->plan.history + w->plan.versions, sizeof *m->carriers);
	if (!m->carriers[version])
		m->carriers[version] = carriers_find(w, version, m);
	return m->carriers[version][seat];
}
