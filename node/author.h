/* What this node says: headers with their sequence numbers, signed. */
#ifndef NODE_AUTHOR_H
#define NODE_AUTHOR_H

#include "node/node.h"

struct author {
	const struct identity *identity; /* borrowed */
	uint64_t incarnation;            /* random, new at every start */
	uint64_t sequence;               /* of the last message for everyone */
};

void author_init(struct author *a, const struct identity *identity);

/* Writes header | signature | body into *bytes, which the caller frees, for everyone under t,
 * created at now (ms since 1970).  ERR_FORMAT when the draft breaks the rules of a header. */
enum err author_write(struct author *a, const struct topology *t, const struct draft *draft,
		      uint64_t now, uint8_t **bytes, size_t *n, struct message_id *id);

#endif
