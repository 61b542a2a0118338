/* What a seed stands for. */
#include "tests/protocol/federation.h"
#include "tests/sim/world.h"

#include "protocol/message.h"

static unsigned below_or_none(uint64_t *s, unsigned n)
{
	/* Each kind of fault is absent from half of the runs, so that no two hide each other. */
	return below(s, 2) ? (unsigned)below(s, n) : 0;
}

static unsigned one_in(uint64_t *s, unsigned n)
{
	return below(s, n) == 0;
}

/* Most federations are small, where faults meet each other soonest. */
static unsigned nodes_draw(uint64_t *s)
{
	unsigned kind = (unsigned)below(s, 100);

	if (kind < 45)
		return 2 + (unsigned)below(s, 2);
	if (kind < 85)
		return 4 + (unsigned)below(s, 5);
	if (kind < 97)
		return 9 + (unsigned)below(s, 8);
	return 17 + (unsigned)below(s, 24);
}

static void network_draw(struct world_plan *p, uint64_t *s)
{
	p->lose = below_or_none(s, 100);
	p->repeat = below_or_none(s, 50);
	p->cut = below_or_none(s, 200);
	p->mute = below_or_none(s, 30);
	p->flapping = one_in(s, 4) ? 1 + (unsigned)below(s, 4) : 0;
	/* A damaged answer is believed; only reconciliation finds what it hides. */
	p->garble = p->reconcile && one_in(s, 4) ? (unsigned)below(s, 100) : 0;
}

static void machines_draw(struct world_plan *p, uint64_t *s)
{
	p->crash = below_or_none(s, 100);
	p->commit_error = below_or_none(s, 300);
	p->disk_full = one_in(s, 4) ? (unsigned)below(s, 30) : 0;
	p->read_error = one_in(s, 6) ? (unsigned)below(s, 50) : 0;
	p->fold_error = below_or_none(s, 500);
	if (one_in(s, p->reconcile ? 3 : 2)) {
		p->restore = 5000;
		p->crash = 20 + (unsigned)below(s, 60);
	}
	/* A clone answers in the name of a store that is not its own; see garble. */
	p->clones = p->reconcile && one_in(s, 8);
	p->wrong_clock_years = one_in(s, 4) ? (int)below(s, 21) - 10 : 0;
	p->clock_jump = !p->wrong_clock_years && one_in(s, p->hours ? 2 : 8)
				? 5 + (unsigned)below(s, 20)
				: 0;
}

struct world_plan world_draw(uint64_t seed)
{
	uint64_t chance_of_plan = seed ^ 0x5eed, *s = &chance_of_plan;
	struct world_plan p = {.seed = seed, .nodes = nodes_draw(s), .heal_ms = 120 * 1000};

	p.roles = p.nodes > 2 ? (unsigned)below(s, 4) : 0;
	p.real = seed % 20 == 0;
	p.reconcile = !one_in(s, 4);
	p.fault_ms = 1000 + (unsigned)below(s, 5000);
	p.messages = 20 + (unsigned)below(s, 60);
	p.bulk = one_in(s, 4) ? (unsigned)below(s, 400) : 0;
	p.ground = one_in(s, 8);
	p.window_bytes = MESSAGE_MAX_BYTES + below(s, 1 << 20);
	p.window_messages = 1 + below(s, 40);
	p.history = one_in(s, 4) ? (unsigned)below(s, 3) : 0;
	p.versions = below_or_none(s, 6);
	p.hours = one_in(s, 6) ? 1 + (unsigned)below(s, 6) : 0;
	network_draw(&p, s);
	machines_draw(&p, s);
	if (p.nodes > 2 && one_in(s, 5)) {
		p.liars = 1 + (unsigned)below(s, 1 + p.nodes / 4);
		p.deeds = (unsigned)below(s, 256);
		if (!p.deeds)
			p.deeds = 255;
		/* Two that are wrong by the same years would be believed. */
		if (p.clock_jump || p.wrong_clock_years)
			p.deeds &= ~(unsigned)DEED_CLAIM;
		p.liars = p.deeds ? p.liars : 0;
	}
	p.late = below_or_none(s, 40);
	return p;
}

struct world_plan world_draw_watch(uint64_t seed)
{
	uint64_t chance_of_plan = seed ^ 0x3a7c4, *s = &chance_of_plan;
	struct world_plan p = world_draw(seed);

	p.watch = p.reconcile = true;
	p.nodes = 3 + (unsigned)below(s, 8);
	p.roles = (unsigned)below(s, 4);
	p.messages = 40 + (unsigned)below(s, 40);
	p.bulk = 0;
	p.liars = 1 + (unsigned)below(s, p.nodes / 2);
	p.deeds = DEED_FORGET | (one_in(s, 4) ? DEED_TAMPER | DEED_NOISE | DEED_TWICE : 0);
	/* What is told of is neither gone from its author nor void or expired. */
	p.hours = p.clones = p.restore = p.history = p.versions = 0;
	p.wrong_clock_years = 0;
	p.clock_jump = 0;
	return p;
}
