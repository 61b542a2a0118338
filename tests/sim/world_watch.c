/* Who notices that something is missing, and when.  Each node looks at beacons as node/duty/ does;
 * what it must see, and by when, is worked out from what was said and from nothing of
 * protocol/gaps.h. */
#include <stdlib.h>
#include <string.h>

#include "tests/sim/world_state.h"

enum {
	PATIENCE_MS = 10 * 60 * 1000,
	GAPS_EVERY_MS = 1000,
	SLACK_MS = 30 * 1000, /* of steps, and of a reconciliation */
	/* SPEC 5.11: what a neighbour has had when it was told of, and what one has got since. */
	AT_ONCE_MS = 2 * 60 * 1000,
	LATER_MS = 10 * 60 * 1000,
};

/* ---- a node that looks ---- */

struct seen {
	const struct world *world;
	const struct node *node;
	const struct stream *stream;
};

static bool is_of(const struct stream *s, const struct header *h)
{
	return party_id_equal(&h->origin, &s->origin) &&
	       memcmp(h->audience.b, s->audience.b, AUDIENCE_ID_BYTES) == 0;
}

static int compare_sequences(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static enum err here(void *arg, uint64_t incarnation, uint64_t first, uint64_t last,
		     bool (*met)(void *to, uint64_t sequence), void *to)
{
	const struct seen *s = arg;
	const struct world *w = s->world;
	uint64_t *found = zeroed(w->said_count, sizeof *found);
	size_t count = 0;

	for (size_t i = 0; i < w->said_count; i++) {
		const struct header *h = w->said[i]->header;
		if (is_of(s->stream, h) && h->incarnation == incarnation && h->sequence >= first &&
		    h->sequence <= last && memory_store_durable(s->node->store, &w->said[i]->id))
			found[count++] = h->sequence;
	}
	qsort(found, count, sizeof *found, compare_sequences);
	for (size_t i = 0; i < count && met(to, found[i]); i++)
		;
	free(found);
	return ERR_OK;
}

static struct gap_view view_of(struct seen *into, const struct node *n, const struct stream *s)
{
	*into = (struct seen){n->world, n, s};
	return (struct gap_view){.arg = into, .hour = WALL_START, .here = here};
}

static uint32_t version_of(const struct node *n)
{
	return chain_newest(&n->chain)->version;
}

static bool can_read(const struct node *n, const struct said *m)
{
	return memory_store_accepted(n->store, &m->id) &&
	       oracle_names(n->world, version_of(n), n->seat, m);
}

/* What all beacons that are here tell of the stream; the newest of them, or NULL. */
static const struct said *told_of(const struct node *n, const struct stream *s, struct beacon *out)
{
	const struct world *w = n->world;
	struct store store = memory_store_interface(n->store);
	struct beacon *both = zeroed(1, sizeof *both);
	const struct said *newest = NULL;
	uint64_t lsn, highest = 0;

	memset(out, 0, sizeof *out);
	for (size_t i = 0; i < w->said_count; i++) {
		const struct said *m = w->said[i];
		if (!m->beacon || !is_of(s, m->header) || !can_read(n, m) ||
		    store.find(store.self, &m->id, &lsn) != ERR_OK)
			continue;
		beacons_merge(both, out, m->beacon);
		*out = *both;
		newest = lsn > highest ? m : newest;
		highest = lsn > highest ? lsn : highest;
	}
	free(both);
	return newest;
}

static void look(struct node *n, const struct stream *s)
{
	struct beacon *told = zeroed(1, sizeof *told);
	struct gap found = {.stream = *s};
	struct seen seen;
	const struct gap_view view = view_of(&seen, n, s);
	const struct said *newest = told_of(n, s, told);

	if (newest && !party_id_equal(&s->origin, &n->id)) {
		gap_compare(&found, told, &view);
		if (gaps_take(&n->watch.gaps, &found, n->world->now))
			exchange_reconcile(n->exchange, newest->header, instant_of(n));
	}
	free(told);
}

void watch_boot(struct node *n)
{
	n->watch.gaps.count = 0;
	n->watch.lsn = 0;
	n->watch.next = 0;
	n->watch.booted = n->world->now;
}

static void follow(struct node *n)
{
	struct store store = memory_store_interface(n->store);
	struct stored row;

	while (store.next(store.self, n->watch.lsn + 1, &row) == ERR_OK &&
	       row.lsn <= store.head(store.self)) {
		struct header h;
		n->watch.lsn = row.lsn;
		if (row.verdict == VERDICT_ACCEPTED &&
		    header_decode(&h, row.header, row.header_length) == ERR_OK &&
		    h.kind == KIND_BEACON)
			look(n, &(struct stream){h.origin, h.audience});
	}
}

/* SPEC 5.11: it is said with the links over which it should have come. */
static void path_check(struct world *w, const struct node *n, const struct gap *g)
{
	struct beacon *told = zeroed(1, sizeof *told);
	const struct topology *t = chain_newest(&n->chain);
	const struct said *m = told_of(n, &g->stream, told);

	for (unsigned k = 0; m && k < w->plan.nodes; k++) {
		const struct node *other = &w->nodes[k];
		bool should = oracle_linked(w, edition_of(w, n), n->seat, k) &&
			      oracle_carries(w, t->version, n->seat, (struct said *)m) &&
			      oracle_carries(w, t->version, k, (struct said *)m);
		const struct party *self = topology_party_by_id(t, &n->id);
		const struct party *peer = topology_party_by_id(t, &other->id);
		bool does = other != n && self && peer &&
			    audience_link_carries(t, self, peer, m->header);
		if (other != n && should != does)
			broken(w, PROPERTY_NOTICE, n, "%s %s suspected", other->name,
			       does ? "is" : "is not");
	}
	free(told);
}

void watch_step(struct world *w, struct node *n)
{
	if (!n->exists || !n->exchange)
		return;
	follow(n);
	if (w->now < n->watch.next)
		return;
	n->watch.next = w->now + GAPS_EVERY_MS;
	for (size_t i = 0; i < n->watch.gaps.count; i++) {
		struct gap *g = &n->watch.gaps.gaps[i];
		const struct stream s = g->stream;
		struct seen seen;
		const struct gap_view view = view_of(&seen, n, &s);
		bool changed = false;
		if (gap_is_news(g, w->now, PATIENCE_MS))
			path_check(w, n, g);
		if (w->now < g->next)
			gap_changed(g, &view, &changed);
		if (changed || w->now >= g->next) {
			gap_look_begins(g, w->now);
			look(n, &s);
		}
	}
}

/* ---- what must be noticed ---- */

/* Can the node know that m exists: has it a beacon that it can read and that tells of m? */
static bool is_told(const struct node *n, const struct said *m)
{
	const struct world *w = n->world;
	const struct stream s = {m->header->origin, m->header->audience};

	for (size_t i = m->told_by - 1; i < w->said_count; i++)
		if (w->said[i]->beacon && is_of(&s, w->said[i]->header) && can_read(n, w->said[i]))
			return true;
	return false;
}

/* Has it a neighbour that is honest, connected, a carrier and has the message? */
static bool is_near(struct world *w, const struct node *n, struct said *m)
{
	for (unsigned k = 0; k < w->plan.nodes; k++) {
		const struct node *other = &w->nodes[k];
		const struct wire *wire = wire_between(w, n->index, k);
		if (other != n && wire && wire->up && honest(other) && other->exchange &&
		    oracle_linked(w, edition_of(w, n), n->seat, k) &&
		    oracle_carries(w, version_of(n), k, m) &&
		    oracle_carries(w, version_of(n), n->seat, m) &&
		    memory_store_durable(other->store, &m->id))
			return true;
	}
	return false;
}

static bool is_reported(const struct node *n, const struct header *h)
{
	for (size_t i = 0; i < n->watch.gaps.count; i++) {
		const struct gap *g = &n->watch.gaps.gaps[i];
		bool in = g->more;
		for (size_t r = 0; r < g->count; r++)
			in = in || (g->ranges[r].incarnation == h->incarnation &&
				    g->ranges[r].first <= h->sequence &&
				    h->sequence <= g->ranges[r].last);
		if (g->reported && is_of(&g->stream, h) && in)
			return true;
	}
	return false;
}

static void lack_check(struct world *w, const struct node *n, struct said *m, struct lack *l)
{
	uint64_t told, both;

	if (memory_store_durable(n->store, &m->id) || !is_told(n, m)) {
		*l = (struct lack){0};
		return;
	}
	l->told = l->told ? l->told : w->now;
	l->near = !honest(n) || !is_near(w, n, m) ? 0 : l->near ? l->near : w->now;
	if (!honest(n))
		return;
	told = l->told > n->watch.booted ? l->told : n->watch.booted;
	both = l->near > told ? l->near : told;
	if (w->now > told + PATIENCE_MS + SLACK_MS && !is_reported(n, m->header))
		broken(w, PROPERTY_NOTICE, n,
		       "it has not noticed that %s's message %llu is missing",
		       w->nodes[m->author].name, (unsigned long long)m->header->sequence);
	if (l->near && w->now > both + (l->near > told ? LATER_MS : AT_ONCE_MS) + SLACK_MS)
		broken(w, PROPERTY_NOTICE, n, "a neighbour has %s's message %llu, and it has not",
		       w->nodes[m->author].name, (unsigned long long)m->header->sequence);
}

void watch_check(struct world *w)
{
	for (size_t k = 0; k < w->said_count; k++) {
		struct said *m = w->said[k];
		if (!m->told_by)
			continue;
		if (!m->lacks)
			m->lacks = zeroed(w->plan.nodes, sizeof *m->lacks);
		for (unsigned i = 0; i < w->plan.nodes; i++) {
			const struct node *n = &w->nodes[i];
			if (n->exists && n->exchange)
				lack_check(w, n, m, &m->lacks[i]);
			else
				m->lacks[i] = (struct lack){0};
		}
	}
}

/* What is reported is not here, and was said. */
static void report_check(struct world *w, const struct node *n, const struct gap *g)
{
	for (size_t r = 0; r < g->count; r++) {
		const struct missing *range = &g->ranges[r];
		for (uint64_t s = range->first; s <= range->last; s++) {
			const struct said *m = NULL;
			for (size_t k = 0; k < w->said_count && !m; k++) {
				const struct header *h = w->said[k]->header;
				if (is_of(&g->stream, h) && h->incarnation == range->incarnation &&
				    h->sequence == s)
					m = w->said[k];
			}
			if (!m || memory_store_durable(n->store, &m->id))
				broken(w, PROPERTY_BLAME, n, "it misses number %llu, which is %s",
				       (unsigned long long)s, m ? "there" : "nothing");
		}
	}
}

void watch_end_check(struct world *w, bool mended)
{
	for (unsigned i = 0; i < w->plan.nodes; i++) {
		const struct node *n = &w->nodes[i];
		if (!n->exists || !honest(n))
			continue;
		for (size_t g = 0; g < n->watch.gaps.count; g++) {
			report_check(w, n, &n->watch.gaps.gaps[g]);
			if (mended)
				broken(w, PROPERTY_NOTICE, n, "something is missing for ever");
			w->result->gaps++;
		}
	}
}
