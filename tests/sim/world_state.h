/* What the files of the simulator share; nobody else includes it. */
#ifndef TESTS_SIM_WORLD_STATE_H
#define TESTS_SIM_WORLD_STATE_H

#include "keys/seal.h"
#include "protocol/exchange.h"
#include "protocol/gaps.h"
#include "tests/protocol/federation.h"
#include "tests/sim/memory_store.h"
#include "tests/sim/world.h"

enum {
	STEP_MS = 10,
	HOUR_MS = 3600 * 1000,
	WALL_START = 495000, /* hours since 1970 */
	FLOOR_LAG = 48,      /* hours, SPEC 5.5 */
	PARENTS = 2,
	GROUP_SIZE = 3,
};

#define YEAR_MS (INT64_C(365) * 24 * HOUR_MS)

/* A party in one version of the topology: nodes first, then roles. */
struct seat {
	bool present, left;
	unsigned parents[PARENTS], parent_count;
	unsigned holders[PARENTS], holder_count; /* of a role */
	unsigned key;                            /* sign key in use; those before it are revoked, */
	unsigned voided;                         /* and up to this one void */
};

struct pair {
	unsigned a, b;
};

/* One version of the topology, as its council thought of it. */
struct edition {
	struct writing file;
	struct hash hash;
	struct seat *seats;
	struct pair *links; /* bilateral */
	unsigned link_count;
	unsigned group[GROUP_SIZE], group_count;
	uint8_t *above;  /* seats by seats: [x][y] is y x itself or above it */
	uint8_t *linked; /* nodes by nodes */
};

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
	uint64_t muted;  /* until then nothing arrives */
	/* What the receiver has been pushed in this conversation, to hold its answers against. */
	struct message_id *ids;
	size_t id_count, id_size;
	uint32_t version; /* of the topology that the sender has opened under */
};

struct wire {
	unsigned a, b; /* a dials */
	bool up, flapping;
	bool garbled; /* something on it is not what was sent: who is blamed may be honest */
	bool damaged; /* the same of it or of one before it */
	bool cut_wanted;
	uint64_t up_at;
	struct wire *twin;           /* of a clone, or of whom it is a clone: one of them is up */
	struct lane_of_frames to[2]; /* to[0]: to a */
};

struct node {
	struct world *world;
	unsigned index, seat; /* a clone sits where its original does */
	char name[24];
	struct party_id id;
	struct chain chain;
	struct memory_store *store;
	struct exchange *exchange;
	uint64_t incarnation, sequence;
	uint64_t down_until, full_until;
	int64_t clock_ahead; /* ms */
	unsigned deeds;      /* of a liar; 0: honest */
	bool exists, clone;
	uint64_t accepted_at; /* when it got its newest version */
	uint64_t mended_at;   /* ms: it is another machine since, with what a liar kept; 0: no */
	uint32_t highest;     /* version that it has had */
	uint32_t floor;       /* the highest that it has had */
	struct {
		void (*work)(void *ctx, size_t i); /* NULL: none */
		void *ctx;
		size_t n;
		unsigned left, begun; /* turns; pieces of work so far */
	} judging;                    /* in the background */
	struct {
		struct gaps gaps;
		uint64_t lsn;    /* up to which its log was looked through */
		uint64_t next;   /* ms: its gaps are not looked at before */
		uint64_t booted; /* ms */
	} watch;
};

/* How a reader stands to a message that it lacks: ms, 0: it is not so. */
struct lack {
	uint64_t told; /* since when it could know, */
	uint64_t near; /* and since when a neighbour could give it the message */
};

/* A message that somebody has written. */
struct said {
	struct message_id id;
	struct header *header;      /* owned */
	unsigned author;            /* index of the node */
	const struct said *recalls; /* of a recall that applies: what it takes back */
	bool acknowledged;          /* its author was told that it is durable */
	bool forged;                /* no honest node may keep it */
	bool taken_back;            /* a recall that applies has been written */
	uint8_t **carriers;         /* by version, then by seat; made when needed */
	struct beacon *beacon;      /* owned; what a beacon tells; or NULL */
	size_t told_by;             /* index of the first beacon that tells of it, plus one */
	struct lack *lacks;         /* owned; by node; once it is told of */
};

struct world {
	struct world_plan plan;
	struct world_result *result;
	uint64_t random, now;
	struct node *nodes; /* clones last */
	unsigned node_count, seat_count;
	struct wire **wires;
	unsigned wire_count;
	struct edition *editions; /* by version, from 1 */
	unsigned version;         /* the newest that the council has signed */
	struct said **said;
	size_t said_count, said_size;
	size_t *said_places;   /* hash table of 2 said_size; index plus one */
	struct chain versions; /* every version */
	bool faults, healing;
};

/* world.c: chance, time, and what was broken. */
uint64_t draw(struct world *w);
unsigned draw_below(struct world *w, unsigned n);
bool happens(struct world *w, unsigned in_10000);
__attribute__((format(printf, 4, 5))) void broken(struct world *w, enum property property,
						  const struct node *n, const char *format, ...);
struct instant instant_of(const struct node *n);
void *zeroed(size_t count, size_t size);
static inline bool honest(const struct node *n)
{
	return n->deeds == 0;
}

/* world_council.c: what the council signs. */
void council_sign(struct world *w);
void edition_clear(struct edition *e);
const char *sign_name(char out[24], unsigned seat, unsigned key);
const struct edition *edition_of(const struct world *w, const struct node *n);

/* world_oracle.c: who is linked and who carries, by SPEC 4.6 and 5.3 and by nothing of protocol/.
 */
void oracle_above(const struct world *w, struct edition *e);
void oracle_links(const struct world *w, struct edition *e);
bool oracle_linked(const struct world *w, const struct edition *e, unsigned a, unsigned b);
bool oracle_carries(const struct world *w, uint32_t version, unsigned seat, struct said *m);
/* SPEC 4.12. */
bool oracle_void(const struct world *w, uint32_t version, const struct header *h);
/* Is the node, or a role that it holds, among the recipients, or is the message for everyone? */
bool oracle_names(const struct world *w, uint32_t version, unsigned seat, const struct said *m);

/* world_node.c: a node as the exchange's host. */
void node_boot(struct node *n);
void node_crash(struct world *w, struct node *n);
void node_step(struct world *w, struct node *n);
void node_tidy(struct node *n);
enum err version_accept(struct node *n, const char *file, size_t length);
void host_random(void *arg, void *out, size_t n);

/* world_keys.c: signatures and sealing, real or not. */
void keys_use(const struct world *w);
void keys_sign(const struct node *n, unsigned key, const struct message_id *id, uint8_t *signature);
uint8_t *keys_seal(struct world *w, struct header *h, const struct letter *letter, size_t n);
void keys_secret_check(struct world *w, const struct node *n, const uint8_t *bytes, size_t length);
void keys_open_check(struct world *w);

/* world_say.c: what the nodes write. */
void message_write(struct world *w, struct node *n);
void bulk_write(struct world *w);
struct header *header_new(struct world *w, struct node *n);
uint8_t *message_encode(struct world *w, const struct node *n, struct header *h, uint8_t *body,
			struct message_id *id, size_t *length);
struct said *said_add(struct world *w, const struct node *n, struct header *h,
		      const struct message_id *id);
void said_clear(struct world *w);
struct said *said_find(const struct world *w, const struct message_id *id);
/* A letter to those who got the message m, for a header that is like its. */
void letter_again(const struct world *w, struct letter *l, struct header *h, const struct said *m);
/* Hands it to the node's exchange; h is taken over. */
struct said *said_submit(struct world *w, struct node *n, struct header *h, uint8_t *body);

/* world_beacon.c, world_watch.c: what authors tell of, and who notices that it is not there. */
void beacon_say_some(struct world *w, struct node *n);
void beacons_say_all(struct world *w);
void watch_boot(struct node *n);
void watch_step(struct world *w, struct node *n);
void watch_check(struct world *w);
void watch_end_check(struct world *w, bool mended);

/* world_liar.c: what no honest node does. */
void liar_write(struct world *w, struct node *n);
size_t liar_tamper(struct world *w, struct node *n, uint8_t *frame, size_t length);

/* world_wire.c: connections, and what must hold of every frame on them. */
void wires_join(struct world *w, const struct edition *e);
struct wire *wire_between(struct world *w, unsigned a, unsigned b);
void lane_clear(struct lane_of_frames *lane);
void frame_launch(struct world *w, struct wire *wire, int to, const uint8_t *bytes, size_t n);
void wire_cut(struct world *w, struct wire *wire);
void wire_step(struct world *w, struct wire *wire);
void wire_twin(struct world *w, struct wire *of, unsigned original, unsigned clone);
void wire_free(struct wire *wire);

/* world_check.c: what must hold of the nodes. */
void nodes_check(struct world *w);
bool agreed(struct world *w);
void agreement_explain(struct world *w);
void tries_check(struct world *w);
bool reachable(struct world *w, unsigned seat);
void loss_review(struct world *w, struct node *n);

#endif
