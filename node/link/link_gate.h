/* The door of a node: a thread that answers handshakes and bounds what connections cost, whatever
 * the thread that reads them is doing.  SPEC.md 7.1.
 *
 * It sees every connection of the listener come and go (socket monitor), answers ZAP, and ends
 * connections by shutting down their descriptor, which is the one way to be rid of a single peer of
 * a ROUTER.  Four things end one: no room among those that have not spoken, no first frame in time,
 * a message that grows without an end, and gate_drop().
 *
 * All functions may be called from the thread that owns the link; a mutex is within. */
#ifndef NODE_LINK_GATE_H
#define NODE_LINK_GATE_H

#include "node/link/link.h"

struct gate;

enum {
	/* Bounds of what strangers can hold.  A connection before its handshake costs up to about
	 * 10 KiB, or 64 KiB with a command begun and not ended: 16 MiB for 256 of them. */
	GATE_WAITING_MAX = 256,
	GATE_WAITING_MS = 15 * 1000,
	/* Bounds what one address can make us spend on handshakes, about 0.3 ms of CPU each at this
	 * end.  Each address, or network of 64 bits in IPv6, has its share, so that a flood from
	 * one does not keep a neighbour at another out. */
	GATE_SOURCES = 1024,
	GATE_ACCEPTS_BURST = 256,
	GATE_ACCEPTS_PER_SECOND = 64,
	/* Read from a connection and not made into a frame that we got: the receive pipe and what
	 * is being decoded fit twice.  libzmq bounds the size of a part and the number of messages,
	 * but not the number of parts of one message: only this does. */
	GATE_ENDLESS_BYTES = 8 << 20,
	GATE_LOOK_MS = 50,
	GATE_LEAVING_MS = 100,
};

/* Starts the thread.  context is a zmq context of the link's own, since ZAP's endpoint is one per
 * context.  router is the listener before it is bound, or NULL. */
enum err gate_open(struct gate **gate, void *context, void *router);
/* Stops the thread.  The listener must be closed already. */
void gate_close(struct gate *gate);

/* The keys whose handshakes are welcome. */
enum err gate_set_keys(struct gate *gate, const uint8_t (*keys)[LINK_KEY_BYTES], size_t n);

/* A frame came from the accepted connection with this descriptor: its serial, greater for newer
 * connections, or 0 when it has ended or is being ended. */
uint64_t gate_heard(struct gate *gate, int fd);
/* Watches a connection that we dialed for messages without end. */
uint64_t gate_watch(struct gate *gate, int fd);
void gate_heard_dialed(struct gate *gate, uint64_t serial);
void gate_unwatch(struct gate *gate, uint64_t serial);
/* Ends the connection; soon: when what was sent last has had a moment to leave. */
void gate_drop(struct gate *gate, uint64_t serial);
void gate_drop_soon(struct gate *gate, uint64_t serial);

/* The socket that is readable when gate_ended() has something. */
void *gate_socket(struct gate *gate);
/* The serial of a connection that spoke and has ended; false when there is none. */
bool gate_ended(struct gate *gate, uint64_t *serial);

void gate_count(struct gate *gate, struct link_counts *counts);

#endif
