#include "tests/sim/world.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "protocol/council.h"
#include "tests/sim/world_state.h"

enum {
	LEAP_STEP_MS = 14 * 1000,
	LOOK_EVERY = 20 /* steps */,
	QUIET_MS = 60 * 1000,
	QUIET_STEP_MS = 1000,
	SETTLE_STEP_MS = 100,
	QUIET_FRAMES = 12, /* keepalives of one connection */
	WATCH_STEP_MS = 250,
	WATCH_FAULTS_MS = 4 * 60 * 1000,
	WATCH_QUIET_MS = 12 * 60 * 1000,
	WATCH_MENDED_MS = 60 * 60 * 1000,
	WATCH_CLOSE_MS = 60 * 1000,
};

const char *property_str(enum property property)
{
	static const char *const names[PROPERTY_COUNT] = {
		"nothing",  "durable",     "leak",    "secret",  "forgery",   "blame", "lost",
		"returned", "convergence", "rebuild", "bounded", "downgrade", "clock", "notice"};

	return names[property];
}

void *zeroed(size_t count, size_t size)
{
	void *p = calloc(count ? count : 1, size);

	if (!p)
		abort();
	return p;
}

uint64_t draw(struct world *w)
{
	struct world_plan *p = &w->plan;

	if (p->script_length >= 2) {
		p->script += 2;
		p->script_length -= 2;
		return (uint64_t)p->script[-2] << 8 | p->script[-1];
	}
	return chance(&w->random);
}

unsigned draw_below(struct world *w, unsigned n)
{
	return (unsigned)(draw(w) % n);
}

bool happens(struct world *w, unsigned in_10000)
{
	return w->faults && draw_below(w, 10000) < in_10000;
}

void broken(struct world *w, enum property property, const struct node *n, const char *format, ...)
{
	struct world_result *r = w->result;
	int length;
	va_list args;

	if (!r->passed)
		return;
	r->passed = false;
	r->property = property;
	length = snprintf(r->why, sizeof r->why, "%s, at %llu ms: ", n->name,
			  (unsigned long long)w->now);
	va_start(args, format);
	vsnprintf(r->why + length, sizeof r->why - (size_t)length, format, args);
	va_end(args);
}

struct instant instant_of(const struct node *n)
{
	return (struct instant){.mono = 1000 + n->world->now,
				.wall = (uint64_t)WALL_START * HOUR_MS + n->world->now +
					(uint64_t)n->clock_ahead};
}

/* Some relays drop whole audiences, some of them all but the beacons. */
static void forget_draw(struct world *w, struct node *n)
{
	struct losing losing = {.one_in = 1 + draw_below(w, 3),
				.salt = (uint8_t)draw_below(w, 3),
				.audiences = draw_below(w, 4),
				.but_beacons = draw_below(w, 2)};

	if (gaps_init(&n->watch.gaps) != ERR_OK)
		abort();
	if (n->deeds & DEED_FORGET)
		memory_store_lose(n->store, &losing);
}

/* A node begins with the version that its operator was given. */
static void node_join(struct world *w, struct node *n, uint32_t version)
{
	const struct edition *e = &w->editions[version];
	struct topology *t;
	struct store_id id;

	if (council_open(&t, e->file.at, e->file.length, &e->hash, NULL) != ERR_OK ||
	    chain_add(&n->chain, t) != ERR_OK)
		abort();
	n->id = topology_party(t, n->name)->id;
	host_random(n, &id, sizeof id);
	n->store = memory_store_new(&id);
	n->exists = true;
	n->highest = version;
	if (n->deeds & DEED_FORGET)
		memory_store_lose(n->store, &(struct losing){3, 0, n->index % 2, false});
	if (w->plan.watch)
		forget_draw(w, n);
}

static void node_init(struct world *w, unsigned i)
{
	struct node *n = &w->nodes[i];

	*n = (struct node){.world = w, .index = i, .seat = i};
	snprintf(n->name, sizeof n->name, "n%u", i);
	chain_init(&n->chain);
}

/* Liars draw what they do; n0 is honest, so that somebody always has the newest version. */
static void liars_draw(struct world *w)
{
	for (unsigned i = 0; i < w->plan.liars; i++) {
		struct node *n = &w->nodes[1 + draw_below(w, w->plan.nodes - 1)];
		n->deeds = w->plan.deeds & draw_below(w, 256);
		if (!n->deeds)
			n->deeds = w->plan.deeds;
	}
}

static void world_build(struct world *w)
{
	for (unsigned i = 0; i < w->plan.nodes + w->plan.clones; i++)
		node_init(w, i);
	w->node_count = w->plan.nodes;
	if (w->plan.liars)
		liars_draw(w);
	for (unsigned i = 0; i <= w->plan.history; i++)
		council_sign(w);
	for (unsigned i = 0; i < w->plan.nodes; i++) {
		/* Every other neighbour of n0 joins at the newest version, the others at the first
		 * in which they are: so everybody has somebody who has what they lack. */
		bool late = i % 2 && oracle_linked(w, &w->editions[w->version], i, 0);
		uint32_t version = w->version;
		for (uint32_t v = w->version; v > 0 && !late; v--)
			if (w->editions[v].seats[i].present)
				version = v;
		if (w->editions[version].seats[i].present)
			node_join(w, &w->nodes[i], version);
	}
	bulk_write(w);
	for (unsigned i = 0; i < w->plan.nodes; i++) {
		struct node *n = &w->nodes[i];
		/* One clock in the federation may be wrong by years from the start. */
		if (i == w->plan.nodes - 1)
			n->clock_ahead = w->plan.wrong_clock_years * YEAR_MS;
		if (n->exists)
			node_boot(n);
	}
}

/* One member of the council tries alone, and signs twice. */
static void coup(struct world *w, struct node *n)
{
	const struct edition *e = &w->editions[w->version];
	size_t length = council_text_length(e->file.at, e->file.length);
	struct writing file = {0};

	put(&file, "%.*s", (int)length, e->file.at);
	put_signature(&file, "member0", length, "ED");
	put_signature(&file, "member0", length, "ED");
	if (version_accept(n, file.at, file.length) == ERR_OK && n->highest < w->version &&
	    chain_newest(&n->chain)->version == w->version)
		broken(w, PROPERTY_DOWNGRADE, n, "one member alone has changed the topology");
	free(file.at);
}

/* Somebody at the council hands the next version to one node, whichever. */
static void council_step(struct world *w)
{
	struct node *n = &w->nodes[draw_below(w, w->plan.nodes)];
	const struct edition *newest;

	if (w->version < 1 + w->plan.history + w->plan.versions && happens(w, 30)) {
		council_sign(w);
		for (unsigned i = 0; i < w->plan.nodes; i++) {
			struct node *late = &w->nodes[i];
			if (late->exists || !w->editions[w->version].seats[i].present)
				continue;
			node_join(w, late, w->version);
			node_boot(late);
		}
	}
	if (n->exchange && happens(w, 30))
		coup(w, n);
	newest = &w->editions[w->version];
	if (n->exchange && w->faults && draw_below(w, 20) == 0)
		version_accept(n, newest->file.at, newest->file.length);
}

/* A machine is copied, its store's id too, and both go on. */
static void clone_start(struct world *w)
{
	struct node *n = &w->nodes[w->plan.nodes], *of = &w->nodes[draw_below(w, w->plan.nodes)];
	unsigned wires = w->wire_count;

	if (!of->exchange || !honest(of))
		return;
	n->seat = of->seat;
	n->id = of->id;
	n->highest = of->highest;
	snprintf(n->name, sizeof n->name, "n%u's clone", of->index);
	for (size_t i = 0; i < of->chain.count; i++) {
		const struct edition *e = &w->editions[of->chain.versions[i]->version];
		struct topology *t;
		if (topology_parse(&t, e->file.at, council_text_length(e->file.at, e->file.length),
				   NULL) != ERR_OK ||
		    chain_add(&n->chain, t) != ERR_OK)
			abort();
	}
	n->store = memory_store_copy(of->store);
	n->exists = n->clone = true;
	w->node_count++;
	for (unsigned i = 0; i < wires; i++)
		wire_twin(w, w->wires[i], of->index, n->index);
	node_boot(n);
}

/* The clone is found and switched off: what only it had is lost. */
static void clone_end(struct world *w)
{
	struct node *n = &w->nodes[w->plan.nodes];

	if (w->node_count == w->plan.nodes)
		return;
	if (n->exchange)
		node_crash(w, n);
	n->exists = false;
	for (size_t i = 0; i < w->said_count; i++)
		if (w->said[i]->author == n->index)
			w->said[i]->acknowledged = false;
}

static void step(struct world *w, unsigned ms)
{
	council_step(w);
	if (w->plan.clones && w->node_count == w->plan.nodes && happens(w, 50))
		clone_start(w);
	for (unsigned i = 0; i < w->node_count; i++)
		node_step(w, &w->nodes[i]);
	for (unsigned i = 0; i < w->wire_count; i++)
		wire_step(w, w->wires[i]);
	for (unsigned i = 0; i < w->node_count && w->plan.watch; i++)
		watch_step(w, &w->nodes[i]);
	w->now += ms;
}

static void versions_give(struct world *w, struct node *n)
{
	for (unsigned v = 2; v <= w->version; v++)
		version_accept(n, w->editions[v].file.at, w->editions[v].file.length);
}

/* Does it have a neighbour that it knows of, and that is told? */
static bool hears(const struct world *w, const struct node *n, const bool *told)
{
	for (unsigned k = 0; k < w->plan.nodes; k++)
		if (told[k] && honest(&w->nodes[k]) && !w->editions[w->version].seats[k].left &&
		    oracle_linked(w, edition_of(w, n), n->index, k))
			return true;
	return false;
}

/* n0 is handed every version when the faults end.  Whoever has nobody to hear from, since all its
 * neighbours of then have left, is handed them by its operator. */
static void versions_hand_over(struct world *w)
{
	bool *told = zeroed(w->plan.nodes, sizeof *told);
	unsigned deaf = 0;

	do {
		versions_give(w, &w->nodes[deaf]);
		told[deaf] = true;
		deaf = 0;
		for (unsigned i = 1; i < w->plan.nodes; i++) {
			if (!w->nodes[i].exists || told[i])
				continue;
			told[i] = hears(w, &w->nodes[i], told);
			/* From the first again: it may have been waited for. */
			deaf = told[i] ? 0 : i;
			i = told[i] ? 0 : i;
		}
	} while (deaf);
	free(told);
}

/* Whoever's clock was wrong is restarted with the right one; disks have room, connections are made
 * anew where something on them was damaged. */
static void heal(struct world *w)
{
	w->faults = false;
	w->healing = true;
	clone_end(w);
	for (unsigned i = 0; i < w->node_count; i++) {
		struct node *n = &w->nodes[i];
		if (!n->exists)
			continue;
		if (n->clock_ahead && n->exchange)
			node_crash(w, n);
		n->clock_ahead = 0;
		n->full_until = 0;
		memory_store_fail(n->store, 0);
		memory_store_fail_reads(n->store, 0);
		memory_store_fail_folds(n->store, 0);
		memory_store_full(n->store, false);
		if (!n->exchange)
			node_boot(n);
	}
	for (unsigned i = 0; i < w->wire_count; i++) {
		w->wires[i]->flapping = false;
		w->wires[i]->cut_wanted |= w->wires[i]->garbled;
	}
	versions_hand_over(w);
}

static void run(struct world *w, uint64_t until, unsigned ms)
{
	for (unsigned steps = 0; w->now < until && w->result->passed; steps++) {
		step(w, ms);
		if (steps % LOOK_EVERY == 0)
			nodes_check(w);
		if (steps % LOOK_EVERY == 0 && w->plan.watch)
			watch_check(w);
		if (w->healing && steps % LOOK_EVERY == 0 && agreed(w))
			return;
	}
}

/* A federation that agrees costs next to nothing. */
static void quiet_check(struct world *w)
{
	uint64_t frames;

	w->healing = false;                        /* or agreement would end it */
	run(w, w->now + QUIET_MS, SETTLE_STEP_MS); /* what was pushed in vain is answered */
	frames = w->result->frames;
	run(w, w->now + QUIET_MS, QUIET_STEP_MS);
	frames = w->result->frames - frames;
	if (frames > (uint64_t)QUIET_FRAMES * w->wire_count)
		broken(w, PROPERTY_BOUNDED, &w->nodes[0],
		       "%llu frames on %u connections in a minute in which nothing happened",
		       (unsigned long long)frames, w->wire_count);
}

static void world_clear(struct world *w)
{
	for (unsigned i = 1; i <= w->version; i++)
		edition_clear(&w->editions[i]);
	free(w->editions);
	for (unsigned i = 0; i < w->wire_count; i++)
		wire_free(w->wires[i]);
	free(w->wires);
	for (unsigned i = 0; i < w->node_count; i++) {
		exchange_free(w->nodes[i].exchange);
		memory_store_free(w->nodes[i].store);
		gaps_clear(&w->nodes[i].watch.gaps);
		chain_clear(&w->nodes[i].chain);
	}
	free(w->nodes);
	said_clear(w);
	chain_clear(&w->versions);
	free(w);
}

static struct world *world_new(const struct world_plan *plan, struct world_result *result)
{
	struct world *w = zeroed(1, sizeof *w);

	w->plan = *plan;
	w->result = result;
	w->random = plan->seed;
	w->seat_count = plan->nodes + plan->roles;
	w->nodes = zeroed(plan->nodes + plan->clones, sizeof *w->nodes);
	w->editions = zeroed(2 + plan->history + plan->versions, sizeof *w->editions);
	chain_init(&w->versions);
	keys_use(w);
	return w;
}

/* How many turns a commit may take. */
static void stores_late(struct world *w, unsigned turns)
{
	for (unsigned i = 0; i < w->node_count; i++) {
		if (w->nodes[i].exists)
			memory_store_late(w->nodes[i].store, turns);
	}
}

/* Fewer of the faults that come and go, as steps are longer; none of a disk. */
static void milder(struct world_plan *p)
{
	unsigned *rates[] = {&p->lose, &p->repeat, &p->cut, &p->mute, &p->crash};

	for (size_t i = 0; i < sizeof rates / sizeof *rates; i++)
		*rates[i] = (*rates[i] + 9) / 10;
	p->commit_error = p->disk_full = p->read_error = p->fold_error = p->garble = 0;
	p->flapping = 0;
}

/* Other machines take the place of those that drop and lie, with what these had. */
static void mend(struct world *w)
{
	for (unsigned i = 0; i < w->plan.nodes; i++) {
		struct node *n = &w->nodes[i];
		/* What else they have said is not theirs to go on from. */
		if (n->exchange && n->deeds != DEED_FORGET && !honest(n))
			node_crash(w, n);
		if (!honest(n))
			n->mended_at = w->now;
		n->deeds = 0;
		if (n->exists)
			memory_store_lose(n->store, &(struct losing){0});
	}
	/* What is still under way, and what was acknowledged, is of those before. */
	for (unsigned i = 0; i < w->wire_count; i++) {
		struct wire *wire = w->wires[i];
		wire->damaged = true;
		for (int end = 0; end < 2; end++)
			for (size_t k = 0; k < wire->to[end].id_count; k++)
				wire->to[end].ids[k] = (struct message_id){0};
	}
}

/* Relays drop, with other faults beside, until what is missing must have been reported; then they
 * are mended, and it must come. */
static void watch_run(struct world *w)
{
	w->healing = false; /* or agreement would end it */
	beacons_say_all(w);
	milder(&w->plan);
	w->plan.messages = (unsigned)w->said_count; /* no more of them */
	w->faults = true;
	run(w, w->now + WATCH_FAULTS_MS, WATCH_STEP_MS);
	w->faults = false;
	run(w, w->now + WATCH_QUIET_MS, WATCH_STEP_MS);
	if (w->result->passed)
		watch_end_check(w, false);
	mend(w);
	w->healing = true;
	run(w, w->now + WATCH_MENDED_MS, WATCH_STEP_MS);
	w->healing = false;
	run(w, w->now + WATCH_CLOSE_MS, WATCH_STEP_MS);
	if (w->result->passed)
		watch_end_check(w, true);
}

struct world_result world_run(const struct world_plan *plan)
{
	struct world_result result = {.passed = true};
	struct world *w = world_new(plan, &result);
	uint64_t leap = plan->fault_ms + (uint64_t)plan->hours * HOUR_MS;

	world_build(w);
	w->faults = true;
	stores_late(w, plan->late);
	run(w, plan->fault_ms, STEP_MS);
	w->faults = false;
	stores_late(w, 0); /* turns are now minutes apart */
	run(w, leap, LEAP_STEP_MS);
	heal(w);
	run(w, leap + plan->heal_ms, STEP_MS);
	if (result.passed && plan->watch)
		watch_run(w);
	if (result.passed && !agreed(w))
		agreement_explain(w);
	if (result.passed)
		tries_check(w);
	if (result.passed)
		keys_open_check(w);
	if (result.passed && plan->liars == 0)
		quiet_check(w);
	world_clear(w);
	return result;
}
