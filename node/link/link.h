/* A node's sockets to other nodes: the CURVE ROUTER that they dial, the DEALERs with which it
 * dials, ZAP answered from memory, and what the socket monitors say, in words.  SPEC.md 7.1.
 *
 * It moves frames and knows who sent them; it does not know what is in them (protocol/session.h)
 * and keeps no message. Who speaks is the authenticated key of the connection, never a routing id.
 * Only a peer's newest connection is read. Not thread-safe: one thread owns it; a thread of its own
 * (link_gate.h) answers handshakes and bounds connections even while that one is busy. */
#ifndef NODE_LINK_H
#define NODE_LINK_H

#include <zmq.h>

#include "keys/identity.h"
#include "protocol/types.h"

struct link;

enum { LINK_TEXT_BYTES = 320, PEER_KEYS_MAX = 2, PEER_ENDPOINTS_MAX = 9 };

struct link_peer {
	struct party_id id;
	char name[NAME_MAX_BYTES + 1];
	/* While it changes its key it has two; who dials expects the first one first. */
	uint8_t keys[PEER_KEYS_MAX][LINK_KEY_BYTES];
	size_t key_count;
	/* "tcp://host:port", in the order in which they are tried; copied by link_set_peers() */
	const char *endpoints[PEER_ENDPOINTS_MAX];
	size_t endpoint_count;
	bool dial; /* we dial it; its keys are then refused at our own door */
};

struct link_options {
	const struct identity *identity; /* borrowed */
	struct party_id self;
	const char *bind;  /* "tcp://host:port", port * for any, or NULL: dials only */
	const char *proxy; /* SOCKS "host:port" for dialing, or NULL */
};

enum link_event_kind {
	LINK_UP,    /* a connection with the peer stands (dialed: after the handshake; bound: at its
		       first frame): every LINK_UP is a new conversation, and the dialer speaks first
		     */
	LINK_DOWN,  /* it is gone; cause and text say why */
	LINK_FRAME, /* one frame from the peer */
	LINK_REFUSED, /* an attempt to dial failed; cause and text say why.  It is tried again */
};

/* Why a link went down or could not be had. */
enum link_cause {
	LINK_CAUSE_NONE,
	LINK_CAUSE_KEY_REFUSED, /* it does not know our key (yet): the caller may ask for a version
				 */
	LINK_CAUSE_TOO_OFTEN,   /* more handshakes in a minute than it allows */
	LINK_CAUSE_OTHER_KEY,   /* who answers there does not have the peer's key */
	LINK_CAUSE_ALIEN,       /* who answers there does not speak ZMTP with CURVE */
	LINK_CAUSE_UNREACHABLE, /* no endpoint, no such name, nobody listens, no route, no answer */
	LINK_CAUSE_LOST,        /* the connection broke */
	LINK_CAUSE_REPLACED,    /* a newer connection of the same peer took its place */
	LINK_CAUSE_ENDED,       /* we ended it: link_reset or link_set_peers */
};

struct link_event {
	enum link_event_kind kind;
	enum link_cause cause; /* of LINK_DOWN and LINK_REFUSED */
	struct party_id peer;
	const uint8_t *frame; /* valid until the next call; at most FRAME_MAX_BYTES */
	size_t length;
	const char *text; /* a sentence for operators without a final stop; valid until the next
			     call */
};

/* The report says what could not be bound and why. */
enum err link_open(struct link **link, const struct link_options *options, struct report *report);
void link_close(struct link *link);

/* Where the listener is: "tcp://127.0.0.1:5601", or NULL for one that only dials. */
const char *link_endpoint(const struct link *link);

/* Replaces the peers.  Connections of those that are gone, whose direction changed, or that stand
 * under a key that is no longer the peer's end at once (LINK_DOWN), those of the others stay. */
enum err link_set_peers(struct link *link, const struct link_peer *peers, size_t n);

/* What to wait for; at most max items are written, returns how many there are. */
size_t link_poll_items(struct link *link, zmq_pollitem_t *items, size_t max);
/* Takes the next event without waiting; false when there is none.  Takes turns among connections.
 * Readiness stays until everything is taken, so a caller may stop after any number. */
bool link_next(struct link *link, struct link_event *event);
/* May more than what is urgent be sent, without much standing before what is urgent then?  When
 * not, link_tick() asks for a poll within milliseconds. */
bool link_has_room(struct link *link, const struct party_id *peer);
/* Of the connection that stands, or stood last: was the peer heard, and did not hear us? */
bool link_deaf(const struct link *link, const struct party_id *peer);
/* How long a piece of a message may be, for others to go between. */
size_t link_piece(const struct link *link, const struct party_id *peer);
/* ERR_BUSY: the peer's pipe is full, try after the next poll (link_tick then asks for one within
 * milliseconds); ERR_NOT_FOUND: no connection; ERR_LIMIT: over FRAME_MAX_BYTES. */
enum err link_send(struct link *link, const struct party_id *peer, const void *frame, size_t n);
/* Ends the connection with the peer (LINK_DOWN follows); what was sent just before still leaves.
 * One that we dial is dialed again after a bounded back-off; one that dialed us may come again. */
void link_reset(struct link *link, const struct party_id *peer);
/* Runs what is due at now (ms, monotonic) and returns when it wants to run next; now, when
 * link_next has something already. */
uint64_t link_tick(struct link *link, uint64_t now);

/* What happened at the door since link_open. */
struct link_counts {
	uint64_t admitted;  /* handshakes of peers */
	uint64_t strangers; /* handshakes with a key of no peer */
	uint64_t too_often; /* handshakes beyond a key's share of a minute */
	uint64_t ended;   /* connections ended by us: no room, silent, endless, replaced, revoked */
	uint64_t callers; /* connections now, before and after the handshake */
};
void link_count(const struct link *link, struct link_counts *counts);

#endif
