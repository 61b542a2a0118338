/* What the files of the thousand nodes share; nobody else includes it. */
#ifndef TESTS_SIM_SCALE_STATE_H
#define TESTS_SIM_SCALE_STATE_H

#include "protocol/exchange.h"
#include "tests/sim/scale.h"
#include "tests/sim/scale_store.h"

enum {
	SECOND = 1000 * 1000, /* us, as all times here */
	MINUTE = 60 * SECOND,
	TURN = 5000, /* from the first frame that arrives to the commit */
	HOPS_NONE = 0xff,
};

#define HOUR (UINT64_C(60) * MINUTE)

enum member_kind {
	MEMBER_NATIONAL,
	MEMBER_SECTOR,
	MEMBER_PROVINCE,
	MEMBER_DISTRICT,
	MEMBER_OPERATOR
};

struct member {
	struct scale_world *world;
	size_t index;
	enum member_kind kind;
	char name[16];
	size_t above; /* index of the member that it reports to */
	struct party_id id;
	const struct party *party;
	uint8_t sign_secret[64];
	struct scale_store *store;
	struct exchange *exchange; /* NULL while it is away */
	uint64_t incarnation, sequence;
	uint64_t turn_at;          /* of its next turn; UINT64_MAX: none */
	uint64_t free_at;          /* when its line has sent what it was given */
	uint64_t bytes_a_second;   /* of its line */
	struct connection **links; /* owned */
	size_t link_count, next_link;
	struct scale_account in, out;
	uint64_t stored;
	enum scale_kind away; /* RETURN_KINDS: it is there all day */
	size_t lacking;       /* messages, after it came back */
	uint64_t level_at;    /* when it lacked none of them any more */
};

struct connection {
	size_t a, b;
	bool up;
	unsigned epoch; /* frames of an earlier one are lost */
	uint64_t delay;
	uint64_t latest[2]; /* to a, to b: frames stay in order */
	struct scale_account account;
};

/* A message, once written. */
struct saying {
	struct header *header; /* owned */
	size_t bytes;
	uint64_t at, last; /* written; come to the last of those who were there */
	bool of_the_day;
	uint8_t *hops; /* for each member: HOPS_NONE: does not carry it; 0: has it not; hops + 1 */
};

enum event_kind { EVENT_FRAME, EVENT_TURN, EVENT_CONNECT, EVENT_SAY };

struct event {
	uint64_t due, order;
	enum event_kind kind;
	unsigned epoch;
	struct connection *link; /* of a frame, or to come up */
	size_t member;           /* it comes to, or whose turn it is */
	uint8_t *frame;
	size_t length;
};

struct scale_world {
	struct scale_plan plan;
	struct scale_result *result;
	uint64_t random, now;
	struct topology *topology; /* the chain's */
	struct chain chain;
	struct member *members;
	size_t member_count;
	size_t *member_of; /* by index of the party */
	struct connection *links;
	size_t link_count;
	struct scale_pool *pool;
	struct saying *sayings; /* by number in the pool */
	size_t saying_count;
	struct event *events; /* heap */
	size_t event_count, event_size;
	uint64_t orders;
	bool day; /* it is the day that is measured */
};

/* scale.c: chance, and what went wrong. */
uint64_t scale_draw(struct scale_world *w);
size_t scale_below(struct scale_world *w, size_t n);
void scale_broken(struct scale_world *w, const struct member *m, const char *what);

/* scale_federation.c: who there is. */
void federation_make(struct scale_world *w);
void federation_clear(struct scale_world *w);
/* A message of whoever has something to say. */
void federation_say(struct scale_world *w);

/* scale_links.c: time, links, and a node as the host of its exchange. */
void member_boot(struct member *m);
void member_stop(struct member *m);
void event_schedule(struct scale_world *w, const struct event *e);
/* Runs what happens until then. */
void events_run(struct scale_world *w, uint64_t until);
void events_clear(struct scale_world *w);
void turn_ask(struct member *m, uint64_t at);

#endif
