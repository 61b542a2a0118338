/* The listener: a CURVE ROUTER that never waits and never has to decide what to drop.  SPEC.md 7.1.
 */
#ifndef NODE_LINK_LISTENER_H
#define NODE_LINK_LISTENER_H

#include <zmq.h>

#include "keys/identity.h"

/* A ROUTER that is ready to be bound to the endpoint, NULL with errno when there is none to be had.
 * The caller closes it. */
void *listener_make(void *context, const struct identity *identity, const char *endpoint);

/* Takes one message without waiting; false when there is none.  route and frame are initialised by
 * the caller.  *whole: the message was of one frame, as all of ours are; the others are read and
 * thrown away. */
bool listener_receive(void *router, zmq_msg_t *route, zmq_msg_t *frame, bool *whole);

/* ERR_BUSY: the peer's pipe is full.  ERR_NOT_FOUND: no such route any more. */
enum err listener_send(void *router, const uint8_t *route, size_t route_length, const void *frame,
		       size_t n);

/* What the sockets of both directions share: our secret key, limits, heartbeats, no lingering. */
bool socket_tune(void *socket, const struct identity *identity);

#endif
