/* A small federation of the simulator (tests/sim/world.h): the first bytes say who is in it and
 * what goes wrong, the others what chance says, before it goes on by itself.  So a fuzzer moves a
 * single fault, where a seed would make another run of everything. */
#include <sodium.h>
#include <string.h>

#include "protocol/bytes.h"
#include "protocol/message.h"
#include "tests/fuzz/fuzz.h"
#include "tests/sim/world.h"

enum { NODES_MAX = 4, SCRIPT_MAX = 2000 };

/* In 10,000; nothing for each other byte, so that no two faults hide each other. */
static unsigned often(struct reader *r, unsigned most)
{
	uint8_t b = read_u8(r);

	return b & 1 ? most * (b >> 1) / 127 : 0;
}

static void network_draw(struct world_plan *p, struct reader *r)
{
	p->lose = often(r, 300);
	p->repeat = often(r, 200);
	p->cut = often(r, 300);
	p->mute = often(r, 100);
	p->flapping = often(r, 4);
	/* A damaged answer is believed; only reconciliation finds what it hides. */
	p->garble = p->reconcile ? often(r, 200) : 0;
}

static void machines_draw(struct world_plan *p, struct reader *r)
{
	p->crash = often(r, 200);
	p->restore = p->crash && read_u8(r) & 1 ? 5000 : 0;
	p->commit_error = often(r, 500);
	p->disk_full = often(r, 100);
	p->read_error = often(r, 100);
	p->fold_error = often(r, 500);
	/* A clone answers in the name of a store that is not its own; see garble. */
	p->clones = p->reconcile && read_u8(r) & 1;
	p->wrong_clock_years = (int)often(r, 20) - 10;
	p->wrong_clock_years = p->wrong_clock_years == -10 ? 0 : p->wrong_clock_years;
	p->clock_jump = p->wrong_clock_years ? 0 : often(r, 30);
}

static void liars_draw(struct world_plan *p, struct reader *r)
{
	p->deeds = read_u8(r);
	/* Two that are wrong by the same years would be believed. */
	if (p->clock_jump || p->wrong_clock_years)
		p->deeds &= ~(unsigned)DEED_CLAIM;
	p->liars = p->nodes > 2 && p->deeds && read_u8(r) & 1;
}

static struct world_plan plan_draw(struct reader *r)
{
	struct world_plan p = {.seed = read_u16(r), .heal_ms = 120 * 1000};
	uint8_t what = read_u8(r);

	p.nodes = 2 + what % (NODES_MAX - 1);
	p.roles = p.nodes > 2 ? what >> 2 & 1 : 0;
	p.real = (what & 0xf8) == 0xf8;
	p.reconcile = what & 8;
	p.ground = what & 16;
	p.late = what & 32 ? read_u8(r) % 40 : 0;
	p.fault_ms = 200 + 4 * (unsigned)read_u8(r);
	p.messages = 1 + read_u8(r) % 30;
	p.bulk = read_u8(r) & 1 ? read_u8(r) : 0;
	p.window_bytes = MESSAGE_MAX_BYTES + ((uint64_t)read_u8(r) << 12);
	p.window_messages = 1 + read_u8(r) % 40;
	p.history = read_u8(r) % 3;
	p.versions = read_u8(r) % 4;
	p.hours = often(r, 6);
	network_draw(&p, r);
	machines_draw(&p, r);
	liars_draw(&p, r);
	return p;
}

unsigned fuzz_cost(void)
{
	return 400;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct world_plan plan;
	struct world_result result;
	struct reader r;

	must(sodium_init() >= 0);
	reader_init(&r, data, n);
	plan = plan_draw(&r);
	if (!r.bad && r.left) {
		plan.script_length = r.left < SCRIPT_MAX ? r.left : SCRIPT_MAX;
		plan.script = read_ref(&r, plan.script_length);
	}
	result = world_run(&plan);
	if (!result.passed)
		fprintf(stderr, "%s: %s\n", property_str(result.property), result.why);
	must(result.passed);
	return 0;
}
