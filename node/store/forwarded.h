/* What a forward says, for a node that may read it: the message that it hands on, opened.
 *
 * Whether the forwarder was allowed to is not asked here: the index asks, and holds what was not
 * (index_forward.c). */
#ifndef NODE_FORWARDED_H
#define NODE_FORWARDED_H

#include "keys/handover.h"
#include "node/store/content.h"

struct forwarded {
	struct handover handover; /* the original's header, its bytes, the reason */
	struct message_id id;     /* of the original */
	char *json;               /* what it says, with a NUL behind it; owned */
	size_t json_length;
};

/* Opens and unpacks n bytes of a forward's body as carried.  ERR_NOT_FOUND: sealed to others.
 * ERR_FORMAT: why says what is wrong with it.  On ERR_OK the caller calls forwarded_clear(). */
enum err forwarded_open(struct forwarded *f, const struct identity *id, const struct header *h,
			const uint8_t *body, size_t n, char why[CONTENT_WHY_BYTES]);

/* The same of a row of the log; ERR_NOT_FOUND also when its body is gone. */
enum err forwarded_read(struct forwarded *f, const struct identity *id, struct log_reader *log,
			const struct log_row *row, const struct header *h,
			char why[CONTENT_WHY_BYTES]);

/* Wipes and frees; all zeros are accepted. */
void forwarded_clear(struct forwarded *f);

#endif
