/* One peer that we dial: a DEALER for each attempt, its socket monitor, a back-off, and words for
 * every way in which it fails.  SPEC.md 7.1.
 *
 * A peer may have several endpoints, and two keys while it changes its key: they are tried in turn,
 * and a failure is told once all of them have failed.
 *
 * Each attempt has a socket of its own and libzmq's own reconnecting is off: nothing queued for one
 * conversation can then arrive in the next, and a refusal, after which libzmq would never try
 * again, is one more failure among others. */
#ifndef NODE_LINK_DIAL_H
#define NODE_LINK_DIAL_H

#include "node/link/link_gate.h"

struct dial;

enum {
	DIAL_RETRY_MIN_MS = 250,
	DIAL_RETRY_MAX_MS = 10 * 1000,
	DIAL_STABLE_MS =
		10 * 1000, /* up for so long: the next back-off starts from the beginning */
	DIAL_CONNECT_MS = 10 * 1000,
	DIAL_HANDSHAKE_MS = 10 * 1000,
	DIAL_ATTEMPT_MS = 25 * 1000, /* from looking the name up to the end of the handshake */
	DIAL_LEAVING_MS = 100,       /* for what was sent last before dial_reset() */
	DIAL_PROBE_MS = 2 * 1000,
	DIAL_LOOK_MS = 20, /* how often a lookup or a probe is asked whether it is done */
};

/* What every dial of a link shares; borrowed. */
struct dial_common {
	void *context; /* zmq */
	struct gate *gate;
	const struct identity *identity;
	const char *proxy; /* or NULL */
};

enum dial_news { DIAL_NOTHING, DIAL_UP, DIAL_DOWN, DIAL_FRAME, DIAL_REFUSED };

/* Copies the peer.  Starts at the first dial_tick(). */
enum err dial_open(struct dial **dial, const struct dial_common *common,
		   const struct link_peer *peer);
/* Nothing stands, or what stands does so under a key that is still the peer's. */
bool dial_goes_on(const struct dial *dial, const struct link_peer *peer);
/* Other endpoints or keys of the same peer: what stands goes on, an attempt begins anew, at once.
 * ERR_MEMORY: they stay what they were. */
enum err dial_change(struct dial *dial, const struct link_peer *peer);
void dial_close(struct dial *dial);

bool dial_is_up(const struct dial *dial);
size_t dial_poll_items(struct dial *dial, zmq_pollitem_t *items, size_t max);
/* Takes the next thing that happened.  DIAL_FRAME: *frame, initialised by the caller, is it.
 * DIAL_DOWN, DIAL_REFUSED: dial_cause() and dial_text() say why. */
enum dial_news dial_next(struct dial *dial, zmq_msg_t *frame);
enum link_cause dial_cause(const struct dial *dial);
const char *dial_text(const struct dial *dial);
/* The TCP connection that stands, borrowed; -1: there is none. */
int dial_descriptor(const struct dial *dial);
/* As link_send(). */
enum err dial_send(struct dial *dial, const void *frame, size_t n);
/* Ends the connection, if there is one; the next comes after the back-off. */
void dial_reset(struct dial *dial);
/* Runs what is due at now (ms, monotonic), returns when it wants to run next. */
uint64_t dial_tick(struct dial *dial, uint64_t now);

#endif
