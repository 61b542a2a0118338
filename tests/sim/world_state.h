/* What the files of the simulator share; nobody else includes it. */
#ifndef TESTS_SIM_WORLD_STATE_H
#define TESTS_SIM_WORLD_STATE_H

#include "protocol/exchange.h"
#include "tests/protocol/federation.h"
#include "tests/sim/memory_store.h"
#include "tests/sim/world.h"

enum { STEP_MS = 10, HOUR_MS = 3600 * 1000, WALL_START = 495000 /* hours since 1970 */ };

#define YEAR_MS (INT64_C(365) * 24 * HOUR_MS)

struct flying {
	uint64_t due;
	uint8_t *bytes;
	size_t length;
	struct flying *next;
};

/* One direction of a connection. */
struct lane_of_frames {
	struct flying *first, *last;
	uint64_t latest; /* frames of one connection stay in order */
	/* What the receiver has been pushed in this conversation, to hold its answers against. */
	struct message_id *ids;
	size_t id_count, id_size;
	uint32_t version; /* of the topology that the sender has opened under */
};

struct wire {
	unsigned a, b; /* a dials */
	bool up;
	uint64_t up_at;
	struct lane_of_frames to[2]; /* to[0]: to a */
	bool cut_wanted;
};

struct node {
	struct world *world;
	unsigned index, parent;
	char name[16];
	struct party_id id;
	uint8_t sign_public[32], sign_secret[64];
	struct chain chain;
	struct memory_store *store;
	struct exchange *exchange;
	uint64_t incarnation, sequence;
	uint64_t down_until;
	int64_t clock_ahead; /* ms */
};

/* A message that somebody has written. */
struct said {
	const struct said *recalls; /* of a recall: what it takes back */
	struct message_id id;
	struct header *header; /* owned */
	bool acknowledged;     /* its author was told that it is durable */
};

struct world {
	struct world_plan plan;
	struct world_result *result;
	uint64_t random, now;
	struct node nodes[WORLD_NODES_MAX];
	struct wire wires[WORLD_NODES_MAX * WORLD_NODES_MAX / 2];
	struct writing signed_files[2 * WORLD_VERSIONS_MAX + 1]; /* by version, from 1 */
	unsigned version; /* the newest that the council has signed */
	unsigned wire_count;
	struct said *said;
	size_t said_count;
	struct chain versions; /* every version, for the questions of this file */
	bool faults;
};

/* world.c: chance, time, and what was broken. */
uint64_t draw(struct world *w);
unsigned draw_below(struct world *w, unsigned n);
bool happens(struct world *w, unsigned in_10000);
void broken(struct world *w, const struct node *n, const char *what);
struct instant instant_of(const struct node *n);

/* world_node.c: a node as the exchange's host. */
void host_random(void *arg, void *out, size_t n);
void node_boot(struct node *n);
enum err version_accept(struct node *n, const char *file, size_t length);

/* world_say.c: what the council and the nodes write. */
void council_sign(struct world *w);
void message_write(struct world *w, struct node *n);
struct said *said_find(struct world *w, const struct message_id *id);

/* world_wire.c: connections, and what must hold of every frame on them. */
struct wire *wire_between(struct world *w, unsigned a, unsigned b);
void lane_clear(struct lane_of_frames *lane);
void wire_cut(struct world *w, struct wire *wire);
void wire_step(struct world *w, struct wire *wire);

#endif
