/* A federation in one process: real exchanges, sessions, topology and signatures over a network, a
 * clock, disks and chance that all come from one seed.  Safety is checked at every frame, liveness
 * after the faults have healed. */
#ifndef TESTS_SIM_WORLD_H
#define TESTS_SIM_WORLD_H

#include <stdbool.h>
#include <stdint.h>

enum { WORLD_NODES_MAX = 40, WORLD_VERSIONS_MAX = 6 };

struct world_plan {
	uint64_t seed;
	unsigned nodes;        /* 2 to WORLD_NODES_MAX */
	unsigned roles;        /* held by the first two nodes */
	unsigned messages;     /* written while there are faults */
	unsigned history;      /* versions besides the first before it begins */
	unsigned versions;     /* of the topology, besides the first, while there are faults */
	unsigned fault_ms;     /* how long, of simulated time */
	unsigned heal_ms;      /* how long until all must agree */
	int wrong_clock_years; /* of one node, until the faults heal */
	uint64_t window_bytes, window_messages;
	/* In 10,000, for each frame: */
	unsigned lose, repeat;
	/* In 10,000, for each step of 10 ms: */
	unsigned cut, crash, commit_error, restore;
};

struct world_result {
	bool passed;
	char why[256]; /* what was broken, when, where */
	uint64_t frames, bytes, messages, crashes, cuts;
};

struct world_result world_run(const struct world_plan *plan);

/* A plan drawn from a seed, for so many nodes. */
struct world_plan world_draw(uint64_t seed, unsigned nodes);

#endif
