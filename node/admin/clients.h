/* Who is connected to the admin socket: takes whole requests from them and hands replies to them.
 * SPEC.md 9.1.
 *
 * One request of a client is here at a time: the next is not read before the reply has gone, and
 * large requests are read one after the other.  So memory is bounded whatever clients do, and one
 * that does not listen only holds itself up. */
#ifndef NODE_CLIENTS_H
#define NODE_CLIENTS_H

#include "node/admin/rights.h"
#include "node/admin/zmtp.h"

struct clients;

/* A request that waits for its reply; borrowed until clients_reply(). */
struct client_request {
	uint64_t client;
	struct caller caller;
	const char *text; /* NULL: refused says why */
	size_t text_length;
	const struct slice *frames;
	size_t frame_count;
	const char *refused; /* why frames are not there, or NULL */
	bool large;          /* more than is kept of everybody: one at a time */
};

/* Listens at path, where a file may be that nobody listens at any more.  may_be_large: are large
 * requests of that caller worth keeping? */
enum err clients_open(struct clients **clients, const char *path,
		      bool (*may_be_large)(void *arg, const struct caller *caller), void *arg,
		      struct report *report);
/* NULL is accepted. */
void clients_close(struct clients *c);

/* Waits until there is something to do, or the descriptor wake is readable. */
void clients_wait(struct clients *c, int wake);
/* The next request that is complete; false when there is none. */
bool clients_next(struct clients *c, struct client_request *out);
/* Sends a reply, and with it a frame unless that is NULL; then the client may ask again.  One that
 * has gone is passed over. */
void clients_reply(struct clients *c, uint64_t client, const struct slice *text,
		   const struct slice *frame);

#endif
