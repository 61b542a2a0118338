/* What must hold of the nodes, at any time and when the faults have healed. */
#include <stdlib.h>
#include <string.h>

#include "protocol/exchange_state.h"
#include "tests/sim/world_state.h"

/* ---- at any time ---- */

static void floor_check(struct world *w, struct node *n)
{
	uint64_t hour = WALL_START + w->now / HOUR_MS;
	struct store s = memory_store_interface(n->store);
	uint32_t floor;

	if (s.get_floor(s.self, &floor) != ERR_OK)
		return;
	if (floor < n->floor)
		broken(w, PROPERTY_CLOCK, n, "the floor fell from %u to %u", n->floor, floor);
	/* A liar may be the only neighbour of one whose clock is wrong. */
	if (floor + FLOOR_LAG > hour && (w->plan.liars == 0 || n->clock_ahead == 0))
		broken(w, PROPERTY_CLOCK, n, "the floor is at %u, %u hours too far", floor,
		       (unsigned)(floor + FLOOR_LAG - hour));
	n->floor = floor;
}

static void bounds_check(struct world *w, struct node *n)
{
	const struct exchange *x = n->exchange;
	size_t window = x->peer_count * w->plan.window_messages + w->plan.messages;

	if (x->pending_count > window)
		broken(w, PROPERTY_BOUNDED, n, "%zu messages wait to be kept", x->pending_count);
	if (x->allowance_count > w->seat_count)
		broken(w, PROPERTY_BOUNDED, n, "%zu allowances are remembered", x->allowance_count);
	for (size_t i = 0; i < x->peer_count; i++) {
		size_t waiting = session_waiting(x->peers[i]->session);
		if (waiting > IN_FLIGHT_MAX + LANE_COUNT * LANE_LOADED_MAX)
			broken(w, PROPERTY_BOUNDED, n, "%zu messages are under way to a peer",
			       waiting);
		if (x->peers[i]->live > LIVE_QUEUE_MAX)
			broken(w, PROPERTY_BOUNDED, n, "%zu positions wait for a peer",
			       x->peers[i]->live);
	}
}

/* What an author was told is kept stays in its own store; what a node knows to be taken back has
 * no body there once it has been tidied. */
static void said_check(struct world *w, struct said *m)
{
	const struct node *n = &w->nodes[m->author];

	if (m->acknowledged && honest(n) && n->store && !memory_store_durable(n->store, &m->id) &&
	    !memory_store_purged(n->store, &m->id))
		broken(w, PROPERTY_LOST, n, "it has lost what it has said");
	for (unsigned i = 0; i < w->node_count && m->recalls; i++) {
		n = &w->nodes[i];
		if (n->exists && honest(n) && memory_store_accepted(n->store, &m->id) &&
		    memory_store_has_body(n->store, &m->recalls->id))
			broken(w, PROPERTY_RETURNED, n, "it has the body of what was taken back");
	}
}

void nodes_check(struct world *w)
{
	for (unsigned i = 0; i < w->node_count; i++) {
		struct node *n = &w->nodes[i];
		if (!n->exists || !honest(n))
			continue;
		if (chain_newest(&n->chain)->version < n->highest)
			broken(w, PROPERTY_DOWNGRADE, n, "version %u was replaced by an older one",
			       n->highest);
		n->highest = chain_newest(&n->chain)->version;
		floor_check(w, n);
		if (n->exchange)
			bounds_check(w, n);
		node_tidy(n);
	}
	for (size_t k = 0; k < w->said_count; k++)
		said_check(w, w->said[k]);
}

void loss_review(struct world *w, struct node *n)
{
	for (size_t k = 0; k < w->said_count; k++) {
		struct said *m = w->said[k];
		if (m->author == n->index && !memory_store_durable(n->store, &m->id))
			m->acknowledged = false;
	}
}

/* ---- when the faults have healed ---- */

static bool here(const struct world *w, const struct node *n)
{
	const struct seat *s = &w->editions[w->version].seats[n->seat];

	return n->exists && !n->clone && s->present && !s->left;
}

static bool should_agree(const struct world *w, unsigned i, struct said *m)
{
	const struct node *n = &w->nodes[i];

	return here(w, n) && honest(n) && oracle_carries(w, w->version, i, m);
}

/* Marks with the number of its part of the federation every honest carrier: those of one part have
 * links with each other over which they could agree. */
static unsigned parts_mark(struct world *w, struct said *m, unsigned *part)
{
	const struct edition *e = &w->editions[w->version];
	unsigned count = 0, *queue = zeroed(w->plan.nodes, sizeof *queue);

	memset(part, 0, w->plan.nodes * sizeof *part);
	for (unsigned i = 0; i < w->plan.nodes; i++) {
		unsigned end = 0;
		if (part[i] || !should_agree(w, i, m))
			continue;
		part[i] = ++count;
		queue[end++] = i;
		for (unsigned at = 0; at < end; at++)
			for (unsigned k = 0; k < w->plan.nodes; k++)
				if (!part[k] && oracle_linked(w, e, queue[at], k) &&
				    should_agree(w, k, m)) {
					part[k] = count;
					queue[end++] = k;
				}
	}
	free(queue);
	return count;
}

/* The highest floor of all: what expires below it need not be anywhere. */
static uint32_t floor_of_all(const struct world *w)
{
	uint32_t highest = 0;

	for (unsigned i = 0; i < w->plan.nodes; i++)
		if (w->nodes[i].exists && honest(&w->nodes[i]) && w->nodes[i].floor > highest)
			highest = w->nodes[i].floor;
	return highest;
}

/* The first carrier that lacks a message which another of its part has, or NULL; or the first that
 * has the body of what was taken back. */
static const struct node *lacking(struct world *w, struct said *m, unsigned *part)
{
	unsigned parts = parts_mark(w, m, part);

	for (unsigned p = 1; p <= parts; p++) {
		const struct node *without = NULL;
		bool held = false;
		for (unsigned i = 0; i < w->plan.nodes; i++) {
			if (part[i] != p)
				continue;
			if (memory_store_durable(w->nodes[i].store, &m->id))
				held = true;
			else
				without = &w->nodes[i];
		}
		if (held && without)
			return without;
	}
	return NULL;
}

/* Every node has the newest topology, and what one carrier of a message holds all of them hold. */
static const struct node *behind(struct world *w, char *why, size_t size)
{
	uint32_t floor = floor_of_all(w);
	unsigned *part = zeroed(w->plan.nodes, sizeof *part);
	const struct node *found = NULL;

	for (unsigned i = 0; i < w->plan.nodes && !found; i++) {
		struct node *n = &w->nodes[i];
		if (here(w, n) && honest(n) && chain_newest(&n->chain)->version != w->version &&
		    reachable(w, i)) {
			snprintf(why, size, "it has version %u of %u",
				 chain_newest(&n->chain)->version, w->version);
			found = n;
		}
	}
	for (size_t k = 0; k < w->said_count && !found; k++) {
		struct said *m = w->said[k];
		if (m->forged || m->header->expiry < floor || oracle_void(w, w->version, m->header))
			continue;
		found = lacking(w, m, part);
		if (found)
			snprintf(why, size,
				 "it lacks message %zu of %s, kind %u, expiry %+d, flags %u", k,
				 w->nodes[m->author].name, m->header->kind,
				 (int)(m->header->expiry - WALL_START), m->header->flags);
	}
	free(part);
	return found;
}

bool agreed(struct world *w)
{
	char why[160];

	return !behind(w, why, sizeof why);
}

void agreement_explain(struct world *w)
{
	char why[160];
	const struct node *n = behind(w, why, sizeof why);

	if (n)
		broken(w, PROPERTY_CONVERGENCE, n, "%s", why);
}

/* Is there a way from n0, which has every version, over honest nodes? */
bool reachable(struct world *w, unsigned seat)
{
	const struct edition *e = &w->editions[w->version];
	unsigned *queue = zeroed(w->plan.nodes, sizeof *queue), end = 0;
	bool *seen = zeroed(w->plan.nodes, sizeof *seen), found;

	queue[end++] = 0;
	seen[0] = true;
	for (unsigned at = 0; at < end; at++)
		for (unsigned k = 0; k < w->plan.nodes; k++)
			if (!seen[k] && honest(&w->nodes[k]) && here(w, &w->nodes[k]) &&
			    oracle_linked(w, e, queue[at], k)) {
				seen[k] = true;
				queue[end++] = k;
			}
	found = seen[seat];
	free(queue);
	free(seen);
	return found;
}

/* Each trie is the one that would be made anew; carriers of an audience have the same. */
void tries_check(struct world *w)
{
	uint32_t floor = floor_of_all(w);
	unsigned *part = zeroed(w->plan.nodes, sizeof *part);

	for (unsigned i = 0; i < w->plan.nodes; i++) {
		struct node *n = &w->nodes[i];
		if (!n->exists || !honest(n))
			continue;
		memory_store_purge(n->store, floor);
		if (!memory_store_rebuilds(n->store))
			broken(w, PROPERTY_REBUILD, n, "its trie is not the one made anew");
	}
	for (size_t k = 0; k < w->said_count; k++) {
		struct said *m = w->said[k];
		const struct node *first = NULL;
		if (m->forged)
			continue;
		parts_mark(w, m, part);
		for (unsigned i = 0; i < w->plan.nodes; i++) {
			const struct node *n = &w->nodes[i];
			if (part[i] != 1)
				continue;
			if (!first)
				first = n;
			else if (!memory_store_agree(first->store, n->store, &m->header->audience))
				broken(w, PROPERTY_CONVERGENCE, n, "its trie is not that of %s",
				       first->name);
		}
	}
	free(part);
}
