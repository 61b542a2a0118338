/* The command's end of the admin socket: one request, one reply, as often as one likes.  SPEC.md 9.
 *
 * Prints nothing: what is wrong is in a report, what the node says in a reply. */
#ifndef NODE_ASK_H
#define NODE_ASK_H

#include "protocol/json.h"

struct ask;

enum { ADMIN_ENDPOINT_BYTES = 128 };

/* Where HOME's admin socket is, for both ends.  Addresses of Unix sockets are short: a longer path
 * goes through *folder, a descriptor of HOME/run that is kept open as long as the socket.
 * ERR_NOT_FOUND when there is no HOME/run, ERR_IO. */
enum err admin_endpoint(char out[ADMIN_ENDPOINT_BYTES], int *folder, const char *home,
			struct report *report);

/* ERR_NOT_FOUND or ERR_IO, with words, when no node answers there.  tick(arg) is called about five
 * times a second while waiting; NULL: not. */
enum err ask_open(struct ask **ask, const char *home, void (*tick)(void *arg), void *arg,
		  struct report *report);
void ask_close(struct ask *ask);

struct reply {
	char *text; /* owned; one JSON object */
	size_t length;
	cJSON *json; /* owned; the same, read */
	bool ok;
	uint8_t *frame; /* owned; the binary frame behind it, or NULL */
	size_t frame_length;
};

/* Sends the request and its frames and waits for the reply: for ever where the node may take its
 * time.  ERR_OK says that there is one, and the caller calls reply_clear(); ERR_IO, with words,
 * that the node has gone or is silent. */
enum err ask(struct ask *ask, const char *request, const struct slice *frames, size_t frame_count,
	     bool for_ever, struct reply *reply, struct report *report);
void reply_clear(struct reply *reply);

#endif
