/* A federation in one process: real exchanges, sessions, topologies, sealing and signatures over a
 * network, clocks, disks and chance that all come from one seed.
 *
 * A run has two parts.  While there are faults, what must never happen is looked for at every frame
 * and every commit; then the faults heal, and what must come about has so long to do it. */
#ifndef TESTS_SIM_WORLD_H
#define TESTS_SIM_WORLD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What a run can break. */
enum property {
	PROPERTY_NONE,
	PROPERTY_DURABLE,     /* acknowledged, shown or reported before its commit */
	PROPERTY_LEAK,        /* sent to, or kept by, a node that does not carry it */
	PROPERTY_SECRET,      /* plaintext seen, or opened by one who is no reader */
	PROPERTY_FORGERY,     /* kept or passed on, and written by nobody */
	PROPERTY_BLAME,       /* an honest peer blamed, an alarm about nothing */
	PROPERTY_LOST,        /* acknowledged to its author, and gone from its store */
	PROPERTY_RETURNED,    /* taken back, and there or passed on with its body */
	PROPERTY_CONVERGENCE, /* carriers that do not agree in time, in messages or tries */
	PROPERTY_REBUILD,     /* a trie that is not the one made anew */
	PROPERTY_BOUNDED,     /* more memory, frames or turns than there may be */
	PROPERTY_DOWNGRADE,   /* a topology replaced by an older one, or by one not signed */
	PROPERTY_CLOCK,       /* a floor that fell, or that passed the true time */
	PROPERTY_NOTICE,      /* withheld, and not noticed, or not had over another path, in time */
	PROPERTY_COUNT
};

/* "durable", "leak" and so on; static. */
const char *property_str(enum property property);

/* What a lying node does; bits. */
enum deed {
	DEED_TAMPER = 1,  /* alters what its frames say */
	DEED_NOISE = 2,   /* says what nobody asked, again and again */
	DEED_FORGET = 4,  /* acknowledges and drops some, or whole audiences, beacons too or not */
	DEED_ODD = 8,     /* writes what the rules allow and nobody should */
	DEED_FORGE = 16,  /* writes in the name of others, or what does not verify */
	DEED_TWICE = 32,  /* uses a sequence again for something else */
	DEED_FLOOD = 64,  /* writes much, and calls it urgent */
	DEED_CLAIM = 128, /* claims any clock and any floor */
};

struct world_plan {
	uint64_t seed;
	unsigned nodes, roles;
	unsigned messages; /* written while there are faults */
	unsigned bulk;     /* that stand in some stores when it begins */
	unsigned history;  /* versions besides the first before it begins */
	unsigned versions; /* of the topology, besides the first, while there are faults */
	unsigned fault_ms; /* how long, of simulated time */
	unsigned heal_ms;  /* how long until all must agree */
	unsigned hours;    /* that pass, quickly, between faults and healing */
	bool real;         /* signatures and sealing; otherwise a hash stands for them */
	bool reconcile;    /* otherwise cursors alone must do */
	bool watch;        /* authors say beacons, and readers look at them; relays are mended */
	unsigned late;     /* turns that a commit may take, in the background; 0: none */
	bool ground;       /* ids of one prefix */
	uint64_t window_bytes, window_messages;
	unsigned liars, deeds; /* of each liar, as many as it draws from these */
	unsigned clones;       /* of a node, live beside it until the faults heal */
	int wrong_clock_years; /* of one node from the start */
	unsigned flapping;     /* one connection in so many; 0: none */
	/* In 10,000, for each frame: */
	unsigned lose, repeat, garble;
	/* In 10,000, for each step of 10 ms: */
	unsigned cut, mute, crash, restore, commit_error, disk_full, read_error, fold_error;
	unsigned clock_jump;
	/* Chance says this first, two bytes each time; borrowed. */
	const uint8_t *script;
	size_t script_length;
};

struct world_result {
	bool passed;
	enum property property; /* what was broken first, */
	char why[320];          /* how, when, where */
	uint64_t frames, bytes, messages, crashes, cuts;
	uint64_t gaps; /* of which honest nodes knew when relays were mended */
};

struct world_result world_run(const struct world_plan *plan);

/* The plan that a seed stands for. */
struct world_plan world_draw(uint64_t seed);
/* The same where relays drop what is not for them, and readers are to notice: SPEC.md 5.11. */
struct world_plan world_draw_watch(uint64_t seed);

#endif
