/* Reconciliation over one link: what one end has and the other lacks.  SPEC.md 7.7.
 *
 * A state machine over the trie: frames go in, frames and positions of messages to push come out.
 * One end begins and asks, the other answers; both find what the other lacks.  Either end may be
 * both at once, with one struct reconcile for each part.  It does not push, does not know which
 * messages are held or paused, and has no clock, I/O or randomness.
 *
 * How an exchange uses it.
 *
 * - For each peer, made when first needed and freed when the conversation ends: one for the asking
 *   part, one for the answering part.  Frames of types 16 and 18 go to the answering one, 17 and 19
 *   to the asking one: reconcile_receive() with the bytes behind the head.  An error is the peer's
 *   doing and ends the session with blame.
 * - reconcile_begin() on the asking part starts: at every open, every 15 minutes, after a repair;
 *   ERR_STATE while one is under way.  By convention the end that dials begins.
 * - Before the first reconcile_step() after reconcile_begin(), and after each frame received, the
 *   unfolded tail is folded (index_fold() until there is no more): the trie must show what has been
 *   acknowledged.
 * - reconcile_step() is called while it returns RECONCILE_MORE or RECONCILE_FRAME, each call in one
 *   read transaction of link->store, as often as the loop has time: a call does at most
 *   RECONCILE_READS_MAX reads and RECONCILE_PUSHES_MAX pushes, and some hundred more of each.  With
 *   RECONCILE_FRAME there is one frame to send, in the control lane.  Do not call while what was
 *   found earlier fills the backfill queue: that is what bounds a peer who claims to have nothing.
 * - link->push() is called for each message that the peer lacks, in the order of keys; turns.h
 * wants ascending positions of an origin, so sort those of a call.  What is not the link's by the
 * rest of 5.4, paused or damaged is left out when it is read for pushing.
 * - link->carries() answers from the header of any message of the audience: audience_link_carries()
 *   under the session's topology, kept by audience until the topology changes.
 * - The set may change between any two calls.  What is missed waits for the next time, what is
 * pushed twice is answered with HAVE. */
#ifndef PROTOCOL_RECONCILE_H
#define PROTOCOL_RECONCILE_H

#include "protocol/claim.h"

enum reconcile_part { RECONCILE_ASKING, RECONCILE_ANSWERING };

/* Types of frames (SPEC 7.2). */
enum reconcile_type {
	RECONCILE_BEGIN = 16, /* asks */
	RECONCILE_PART,       /* answers, and more follows */
	RECONCILE_ASK,        /* asks */
	RECONCILE_LAST,       /* answers, and is the last of the answer */
};

enum {
	/* Of a frame, besides its head. */
	RECONCILE_PAYLOAD_MAX = FRAME_MAX_BYTES - 64,
	RECONCILE_READS_MAX = 8192,
	RECONCILE_PUSHES_MAX = 1024,
	/* Answers kept by the asking end, and a little more for each step down the trie. */
	RECONCILE_PENDING_MAX = 4 << 20,
	LISTED_AUDIENCES_MAX = 64, /* above it, buckets first */
	WANT_READS_MAX = 1024,     /* keys looked at for one WANT or ONE */
	SUM_LEAST = 3,             /* fewer are listed at once */
};

struct reconcile;

struct reconcile_link {
	const struct trie_store *store;
	uint8_t own_nonce[NONCE_BYTES], peer_nonce[NONCE_BYTES]; /* of the conversation */
	uint32_t floor;                                          /* this end's, now: hours */
	bool (*carries)(void *arg, const struct audience_id *audience, uint64_t lsn);
	void (*push)(void *arg, uint64_t lsn);
	void *arg;
};

enum reconcile_turn {
	RECONCILE_WAIT,  /* for a frame of the peer, or for reconcile_begin() */
	RECONCILE_MORE,  /* call again */
	RECONCILE_FRAME, /* send this; then call again */
	RECONCILE_DONE,  /* of the asking end: once, at the end of a run */
};

struct reconcile_frame {
	enum reconcile_type type;
	const uint8_t *payload; /* valid until the next call */
	size_t length;
};

struct reconcile_result {
	bool equal;      /* the views were the same at once */
	uint32_t floor;  /* hours: the run's */
	uint64_t rounds; /* frames of this end */
	uint64_t pushed; /* messages handed to push() */
	uint64_t wanted; /* messages that the peer was asked for one by one */
};

/* NULL when memory is short. */
struct reconcile *reconcile_new(enum reconcile_part part);
void reconcile_free(struct reconcile *r);

/* How long a frame may be from now on, but for one claim that is longer: at least 4 KiB.  As long
 * as RECONCILE_PAYLOAD_MAX when this was never said. */
void reconcile_limit(struct reconcile *r, size_t most);
enum err reconcile_begin(struct reconcile *r, const struct reconcile_link *link);
/* Takes a frame of the peer.  ERR_STATE, ERR_FORMAT, ERR_LIMIT: no honest peer sends it; r must
 * then be freed.  ERR_MEMORY. */
enum err reconcile_receive(struct reconcile *r, enum reconcile_type type, const uint8_t *payload,
			   size_t n);
/* Does some of what is to do.  An error is the store's or ERR_MEMORY: the run is given up. */
enum err reconcile_step(struct reconcile *r, const struct reconcile_link *link,
			enum reconcile_turn *turn, struct reconcile_frame *frame);
/* Of the run under way, or the last one. */
struct reconcile_result reconcile_result(const struct reconcile *r);

#endif
