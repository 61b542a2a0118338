/* What a node says by itself of what it has said: heartbeats and beacons.  SPEC.md 5.11.
 *
 * node_beacon.c knows when, node_beacon_say.c what and to whom.  The folder's thread only. */
#ifndef NODE_BEACONS_H
#define NODE_BEACONS_H

#include "node/node.h"

enum { BEACON_STAGES = 3, CLOCKS_MAX = 4096 };

/* An audience to which a beacon is to come. */
struct beacon_clock {
	struct audience_id audience;
	uint64_t lsn;   /* of the last that was said to it */
	uint64_t spoke; /* when: wall ms */
	uint8_t stage;  /* beacons that have come since, of BEACON_STAGES */
};

struct beacons {
	bool loaded, said;           /* said: the heartbeat of this incarnation */
	uint64_t done;               /* position up to which the log was looked through */
	uint64_t incarnation;        /* the last that has said a heartbeat here, and */
	struct message_id heartbeat; /* which one; zeros: none */
	struct beacon_clock *clocks; /* owned */
	size_t count;
	uint64_t all_lsn, all_at; /* the last for everyone that was heard in this run: wall ms */
	bool changed;
	uint64_t saved;    /* done, as it is remembered */
	uint64_t saved_at; /* mono ms */
};

/* Sends a beacon to those who got the message at lsn, or, where that is 0, the heartbeat.
 * ERR_NOT_ALLOWED when this node may not speak now, ERR_UNKNOWN_PARTY when the audience cannot be
 * written to any more, ERR_STATE when the node is being closed. */
enum err beacon_say(struct node *n, struct log_reader *log, struct index_reader *index,
		    uint64_t lsn, const struct message_id *ref, struct message_id *id);

#endif
