/* Two nodes, and small federations, through loss, repetition, delay, cuts, crashes, failing commits
 * and old backups.
 *
 * SEEDS and FROM in the environment say how many and which; a failure prints the line that repeats
 * it. */
#include <sodium.h>

#include "tests/sim/world.h"
#include "tests/tap.h"

static bool run(uint64_t seed, unsigned nodes)
{
	struct world_plan plan = world_draw(seed, nodes);
	struct world_result r = world_run(&plan);

	if (!r.passed)
		ok(false, "seed %llu with %u nodes: %s; again: make sim SEEDS=1 FROM=%llu",
		   (unsigned long long)seed, nodes, r.why, (unsigned long long)seed);
	return r.passed;
}

int main(void)
{
	const char *count = getenv("SEEDS"), *first = getenv("FROM");
	unsigned seeds = count ? (unsigned)atoi(count) : 1000, passed = 0, failed = 0;
	uint64_t from = first ? strtoull(first, NULL, 10) : 1;

	need(sodium_init() >= 0);
	for (uint64_t seed = from; seed < from + seeds && failed < 5; seed++) {
		/* Most seeds are for two nodes, one in ten for a federation of up to twelve, one in
		 * 250 for one of forty. */
		unsigned nodes = seed % 250 == 0  ? WORLD_NODES_MAX
				 : seed % 10 == 0 ? 3 + (unsigned)(seed / 10 % 10)
						  : 2;
		bool good = run(seed, nodes);
		passed += good;
		failed += !good;
	}
	is_int(passed, seeds, "%u seeds from %llu", seeds, (unsigned long long)from);
	return tap_done();
}
