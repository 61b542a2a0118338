#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "protocol/council.h"
#include "tests/sim/world_state.h"

uint64_t draw(struct world *w)
{
	uint64_t z = w->random += 0x9e3779b97f4a7c15;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return z ^ z >> 31;
}

unsigned draw_below(struct world *w, unsigned n)
{
	return (unsigned)(draw(w) % n);
}

bool happens(struct world *w, unsigned in_10000)
{
	return w->faults && draw_below(w, 10000) < in_10000;
}

void broken(struct world *w, const struct node *n, const char *what)
{
	if (!w->result->passed)
		return;
	w->result->passed = false;
	snprintf(w->result->why, sizeof w->result->why, "%s at %s, %llu ms", what, n->name,
		 (unsigned long long)w->now);
}

struct instant instant_of(const struct node *n)
{
	return (struct instant){.mono = 1000 + n->world->now,
				.wall = (uint64_t)WALL_START * HOUR_MS + n->world->now +
					(uint64_t)n->clock_ahead};
}

static void world_build(struct world *w)
{
	struct report report;

	for (unsigned i = 0; i < w->plan.nodes; i++) {
		struct node *n = &w->nodes[i];
		uint8_t seed[32];
		n->world = w;
		n->index = i;
		snprintf(n->name, sizeof n->name, "n%u", i);
		char salted[64];
		snprintf(salted, sizeof salted, "sign %s", n->name);
		seed_of(seed, salted);
		crypto_sign_seed_keypair(n->sign_public, n->sign_secret, seed);
	}
	for (unsigned i = 0; i <= w->plan.history; i++)
		council_sign(w);
	report_init(&report);
	for (unsigned i = 0; i < w->plan.nodes; i++) {
		struct node *n = &w->nodes[i];
		/* Every other node joins at the newest version, the others are still at the first.
		 */
		const struct writing *first = &w->signed_files[i % 2 ? w->version : 1];
		struct hash pinned =
			hash_of(first->at, council_text_length(first->at, first->length));
		struct topology *t;
		struct store_id id;
		if (council_open(&t, first->at, first->length, &pinned, &report) != ERR_OK) {
			fprintf(stderr, "%s\n%s\n", report_first(&report), first->at);
			abort();
		}
		n->id = topology_party(t, n->name)->id;
		chain_init(&n->chain);
		chain_add(&n->chain, t);
		host_random(n, &id, sizeof id);
		n->store = memory_store_new(&id);
		/* One clock in the federation may be wrong by years from the start. */
		if (i == w->plan.nodes - 1)
			n->clock_ahead = w->plan.wrong_clock_years * YEAR_MS;
	}
	report_clear(&report);
	for (unsigned i = 0; i < w->plan.nodes; i++) {
		for (unsigned k = 0; k < i; k++)
			w->wires[w->wire_count++] = (struct wire){.a = i, .b = k};
		node_boot(&w->nodes[i]);
	}
}

static void node_crash(struct world *w, struct node *n)
{
	w->result->crashes++;
	exchange_free(n->exchange);
	n->exchange = NULL;
	memory_store_crash(n->store);
	n->down_until = w->now + draw_below(w, 1500);
	for (unsigned i = 0; i < w->wire_count; i++) {
		if (w->wires[i].a == n->index || w->wires[i].b == n->index)
			wire_cut(w, &w->wires[i]);
	}
	if (happens(w, w->plan.restore)) {
		struct store_id id;
		host_random(n, &id, sizeof id);
		memory_store_restore(
			n->store, draw_below(w, (unsigned)memory_store_count(n->store) + 1), &id);
	}
}

static void node_step(struct world *w, struct node *n)
{
	if (!n->exchange) {
		if (w->now >= n->down_until)
			node_boot(n);
		return;
	}
	if (happens(w, w->plan.commit_error))
		memory_store_fail(n->store, 1 + draw_below(w, 3));
	if (w->faults && w->result->messages < w->plan.messages && draw_below(w, 8) == 0)
		message_write(w, n);
	/* A crash before the turn loses what has arrived; after it, what has been committed but not
	 * answered for. */
	if (happens(w, w->plan.crash)) {
		node_crash(w, n);
		return;
	}
	for (int turns = 0; turns < 100 && exchange_turn(n->exchange, instant_of(n)); turns++)
		;
	if (happens(w, w->plan.crash))
		node_crash(w, n);
}

/* Somebody at the council hands the next version to one node, whichever. */
static void council_step(struct world *w)
{
	struct node *n = &w->nodes[draw_below(w, w->plan.nodes)];
	const struct writing *newest;

	if (w->version < 1 + w->plan.history + w->plan.versions && happens(w, 20))
		council_sign(w);
	newest = &w->signed_files[w->version];
	if (n->exchange && w->faults && draw_below(w, 20) == 0)
		version_accept(n, newest->at, newest->length);
}

static void step(struct world *w)
{
	council_step(w);
	for (unsigned i = 0; i < w->plan.nodes; i++)
		node_step(w, &w->nodes[i]);
	for (unsigned i = 0; i < w->wire_count; i++)
		wire_step(w, &w->wires[i]);
	w->now += STEP_MS;
}

static bool carries(const struct world *w, const struct node *n, const struct said *m)
{
	const struct topology *t = chain_newest(&w->versions);

	return audience_carries(t, topology_party_by_id(t, &n->id), m->header);
}

/* Is the message at one of its carriers? */
static bool alive(const struct world *w, const struct said *m)
{
	for (unsigned i = 0; i < w->plan.nodes; i++) {
		if (carries(w, &w->nodes[i], m) && memory_store_durable(w->nodes[i].store, &m->id))
			return true;
	}
	return false;
}

/* Every carrier that should hold the message does, and nobody has the body of what was taken back.
 */
static bool agreed_on(const struct world *w, const struct said *m)
{
	if (!m->acknowledged && !alive(w, m))
		return true;
	for (unsigned i = 0; i < w->plan.nodes; i++) {
		const struct node *n = &w->nodes[i];
		if (!carries(w, n, m))
			continue;
		if (!memory_store_durable(n->store, &m->id))
			return false;
		if (m->recalls && memory_store_has_body(n->store, &m->recalls->id))
			return false;
	}
	return true;
}

/* Every node has the newest topology, and what one carrier of a message holds all of them hold;
 * nothing that an author was told of is lost, nothing taken back is left. */
static bool agreed(const struct world *w)
{
	for (unsigned i = 0; i < w->plan.nodes; i++) {
		if (chain_newest(&w->nodes[i].chain)->version != w->version)
			return false;
	}
	for (size_t k = 0; k < w->said_count; k++) {
		if (!agreed_on(w, &w->said[k]))
			return false;
	}
	return true;
}

/* What a restored node has lost for good: its own words that no other carrier had taken. */
static void restored_review(struct world *w)
{
	for (size_t k = 0; w->plan.restore && k < w->said_count; k++) {
		if (!alive(w, &w->said[k]))
			w->said[k].acknowledged = false;
	}
}

/* The newest version is in at least one hand when the faults end. */
static void version_hand_over(struct world *w)
{
	for (unsigned i = 0; i < w->plan.nodes; i++) {
		struct node *n = &w->nodes[i];
		if (!n->exchange)
			node_boot(n);
	}
	for (unsigned v = 2; v <= w->version; v++)
		version_accept(&w->nodes[0], w->signed_files[v].at, w->signed_files[v].length);
}

static void world_clear(struct world *w)
{
	for (unsigned i = 1; i <= w->version; i++)
		free(w->signed_files[i].at);
	for (unsigned i = 0; i < w->wire_count; i++) {
		for (int k = 0; k < 2; k++) {
			lane_clear(&w->wires[i].to[k]);
			free(w->wires[i].to[k].ids);
		}
	}
	for (unsigned i = 0; i < w->plan.nodes; i++) {
		exchange_free(w->nodes[i].exchange);
		memory_store_free(w->nodes[i].store);
		chain_clear(&w->nodes[i].chain);
	}
	for (size_t k = 0; k < w->said_count; k++)
		free(w->said[k].header);
	free(w->said);
	chain_clear(&w->versions);
	free(w);
}

/* Whoever's clock was wrong is restarted with the right one. */
static void clocks_mend(struct world *w)
{
	for (unsigned i = 0; i < w->plan.nodes; i++) {
		struct node *n = &w->nodes[i];
		if (n->clock_ahead == 0)
			continue;
		if (n->exchange)
			node_crash(w, n);
		n->clock_ahead = 0;
	}
}

struct world_result world_run(const struct world_plan *plan)
{
	struct world_result result = {.passed = true};
	struct world *w = calloc(1, sizeof *w);

	if (!w)
		abort();
	w->plan = *plan;
	w->result = &result;
	w->random = plan->seed;
	w->said = calloc(plan->messages + 1, sizeof *w->said);
	if (!w->said)
		abort();
	chain_init(&w->versions);
	world_build(w);
	w->faults = true;
	while (w->now < plan->fault_ms && result.passed)
		step(w);
	w->faults = false;
	clocks_mend(w);
	version_hand_over(w);
	for (unsigned i = 0; i < plan->nodes; i++)
		memory_store_fail(w->nodes[i].store, 0);
	restored_review(w);
	while (w->now < plan->fault_ms + plan->heal_ms && result.passed && !agreed(w))
		step(w);
	if (result.passed && !agreed(w))
		broken(w, &w->nodes[0], "the nodes do not agree after the faults have healed");
	world_clear(w);
	return result;
}

struct world_plan world_draw(uint64_t seed, unsigned nodes)
{
	struct world w = {.random = seed ^ 0x5eed};
	struct world_plan p = {.seed = seed, .nodes = nodes, .heal_ms = 120 * 1000};

	p.roles = nodes > 2 ? draw_below(&w, 3) : 0;
	p.fault_ms = 2000 + draw_below(&w, 8000);
	p.messages = 20 + draw_below(&w, 60);
	p.window_bytes = MESSAGE_MAX_BYTES + draw_below(&w, 1 << 20);
	p.window_messages = 1 + draw_below(&w, 40);
	p.history = draw_below(&w, 4) ? 0 : draw_below(&w, 3);
	p.versions = draw_below(&w, 2) * draw_below(&w, WORLD_VERSIONS_MAX);
	p.wrong_clock_years = draw_below(&w, 4) ? 0 : (int)draw_below(&w, 21) - 10;
	/* Each kind of fault is absent from half of the runs, so that no two hide each other. */
	p.lose = draw_below(&w, 2) * draw_below(&w, 100);
	p.repeat = draw_below(&w, 2) * draw_below(&w, 50);
	p.cut = draw_below(&w, 2) * draw_below(&w, 200);
	p.crash = draw_below(&w, 2) * draw_below(&w, 100);
	p.commit_error = draw_below(&w, 2) * draw_below(&w, 300);
	if (draw_below(&w, 3) == 0) {
		p.restore = 5000;
		p.crash = 20 + draw_below(&w, 60);
	}
	return p;
}
