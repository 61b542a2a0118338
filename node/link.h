/* A node's sockets to other nodes: the CURVE ROUTER that they dial, the DEALERs with which it
 * dials, ZAP answered from memory, and what the socket monitors say, in words.  SPEC.md 7.1.
 *
 * It moves frames and knows who sent them; it does not know what is in them (protocol/session.h)
 * and keeps no message. Who speaks is the authenticated key of the connection, never a routing id.
 * Only a peer's newest connection is read. Not thread-safe: one thread owns it. */
#ifndef NODE_LINK_H
#define NODE_LINK_H

#include <czmq.h>

#include "keys/identity.h"
#include "protocol/types.h"

struct link;

struct link_peer {
	struct party_id id;
	char name[NAME_MAX_BYTES + 1];
	uint8_t key[LINK_KEY_BYTES];
	const char *endpoint; /* "tcp://host:port"; NULL: it dials us */
	bool dial;            /* we dial it */
};

struct link_options {
	const struct identity *identity; /* borrowed */
	struct party_id self;
	const char *bind;  /* "tcp://host:port", or NULL: dials only */
	const char *proxy; /* SOCKS "host:port" for dialing, or NULL */
};

enum link_event_kind {
	LINK_UP,    /* a connection with the peer stands (dialed: after the handshake; bound: at its
		       first frame) */
	LINK_DOWN,  /* it is gone; text says why */
	LINK_FRAME, /* one frame from the peer */
	LINK_REFUSED, /* the handshake failed; text is a sentence for an operator */
};

struct link_event {
	enum link_event_kind kind;
	struct party_id peer;
	const uint8_t *frame; /* valid until the next call */
	size_t length;
	const char *text; /* valid until the next call */
};

enum err link_open(struct link **link, const struct link_options *options, struct report *report);
void link_close(struct link *link);

/* Replaces the peers.  Connections of those that are gone or whose key changed end at once (the
 * listener is closed and bound again where it must be), those of the others stay. */
enum err link_set_peers(struct link *link, const struct link_peer *peers, size_t n);

/* What to wait for; at most max items are written, returns how many there are. */
size_t link_poll_items(struct link *link, zmq_pollitem_t *items, size_t max);
/* Takes the next event without waiting; false when there is none.  Takes turns among connections.
 */
bool link_next(struct link *link, struct link_event *event);
/* ERR_BUSY: the peer's pipe is full, try after the next poll; ERR_NOT_FOUND: no connection. */
enum err link_send(struct link *link, const struct party_id *peer, const void *frame, size_t n);
/* Ends the connection with the peer; one that we dial is dialed again after a bounded back-off. */
void link_reset(struct link *link, const struct party_id *peer);
/* Runs what is due at now (ms, monotonic) and returns when it wants to run next. */
uint64_t link_tick(struct link *link, uint64_t now);

#endif
