/* The listening side of one ZeroMQ connection (ZMTP 3, RFC 23 and 37, mechanism NULL, as a ROUTER
 * speaks it), without the connection: says where the next bytes go, and what they were.  SPEC.md
 * 9.1.
 *
 * libzmq holds a message of many parts until its last has come, however many there are, and offers
 * no bound for that; here every part is counted as it begins.  Keeps one request at a time. */
#ifndef NODE_ZMTP_H
#define NODE_ZMTP_H

#include "protocol/admin.h"

enum {
	ZMTP_GREETING_BYTES = 64,
	ZMTP_COMMAND_MAX_BYTES = 1024,
	ZMTP_SMALL_BYTES = 64 << 10, /* of a request, before anybody is asked */
	ZMTP_PART_BYTES = 64,        /* that a part counts beside its own */
	ZMTP_HEAD_BYTES = 9,         /* of a frame, at most */
};

enum zmtp_turn {
	ZMTP_GO_ON,
	ZMTP_GREETED, /* answer with zmtp_ready() */
	ZMTP_PING,    /* answer with zmtp_pong() */
	ZMTP_LARGE,   /* more than a small request begins: zmtp_admit() before anything else */
	ZMTP_REQUEST, /* a whole request is here: zmtp_next() when it is answered */
	ZMTP_BROKEN,  /* ends the connection */
};

enum zmtp_at { ZMTP_AT_GREETING, ZMTP_AT_FLAGS, ZMTP_AT_LENGTH, ZMTP_AT_COMMAND, ZMTP_AT_PART };

struct zmtp {
	enum zmtp_at at;
	bool ready, more, command;
	bool admitted;                        /* may be large, or is dropped */
	bool drop;                            /* parts are counted, and not kept */
	uint8_t head[ZMTP_COMMAND_MAX_BYTES]; /* greeting, head of a frame, command */
	size_t used, wanted;                  /* of head */
	size_t command_length;                /* of the last, in head */
	uint8_t *part;                        /* owned; NULL when it is dropped */
	size_t length, filled;

	/* the request */
	uint8_t *text; /* owned; NULL when it was dropped */
	size_t text_length;
	struct slice *frames; /* owned, and what they point to */
	size_t frame_count, frame_size;
	size_t parts, bytes; /* so far, kept or dropped */
	const char *refused; /* why its frames are not there; or NULL */
};

void zmtp_init(struct zmtp *z);
void zmtp_clear(struct zmtp *z);

/* How many bytes may come next, and where they go: *at is NULL when nobody wants them. */
size_t zmtp_space(struct zmtp *z, uint8_t **at);
/* So many have come. */
enum zmtp_turn zmtp_filled(struct zmtp *z, size_t n);
/* The request that is beginning to be large is kept, or only counted.  What comes of it is as of
 * zmtp_filled(): an empty part is over at once, and may be the last. */
enum zmtp_turn zmtp_admit(struct zmtp *z, bool keep);
/* Forgets the request; the next may come. */
void zmtp_next(struct zmtp *z);

/* What the listener sends: its greeting, READY, PONG to the PING that has just come, the head of a
 * frame of n bytes.  Each returns the length of what it has written. */
size_t zmtp_greeting(uint8_t out[ZMTP_GREETING_BYTES]);
size_t zmtp_ready(uint8_t out[ZMTP_COMMAND_MAX_BYTES]);
size_t zmtp_pong(const struct zmtp *z, uint8_t out[ZMTP_COMMAND_MAX_BYTES]);
size_t zmtp_head(uint8_t out[ZMTP_HEAD_BYTES], size_t n, bool more);

#endif
