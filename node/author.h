/* What this node says: headers with their sequence numbers, sealed where they are not for everyone,
 * signed.
 *
 * Threads: any.  A sequence number is taken under a lock, since receipts and beacons are written
 * by the loop while an operator's messages are sealed beside it. */
#ifndef NODE_AUTHOR_H
#define NODE_AUTHOR_H

#include <pthread.h>

#include "node/node.h"

/* The last sequence number that was given to an audience. */
struct spoken {
	struct audience_id audience;
	uint64_t sequence;
};

struct author {
	const struct identity *identity; /* borrowed */
	uint64_t incarnation;            /* random, new at every start */
	pthread_mutex_t lock;            /* of what follows */
	struct spoken *spoken;           /* owned; ascending by audience */
	size_t spoken_count;
};

void author_init(struct author *a, const struct identity *identity);
/* One that was never initialised, all zeros, is accepted. */
void author_clear(struct author *a);

/* A message that is ready to be kept: header | signature | body. */
struct written {
	uint8_t *bytes; /* the caller frees it; NULL once it was handed over */
	size_t length;
	struct message_id id;
	struct spoken spoken; /* its place among its audience's */
};

/* Writes what the draft says to whom the letter is for, under t, created at now (ms since 1970).
 * ERR_FORMAT when the draft breaks the rules of a header, ERR_LIMIT when it is too long. */
enum err author_write(struct author *a, const struct topology *t, const struct letter *letter,
		      const struct draft *draft, uint64_t now, struct written *out);
/* Frees what was not handed over, and gives its sequence number back where none came after it:
 * call it for the newest first. */
void author_unwrite(struct author *a, struct written *w);

#endif
