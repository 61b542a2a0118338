/* The recalls that the index may not know yet, under what they take back.
 *
 * Memory only, and no more of it than the tail of the index: what the index has folded is forgotten
 * here.  A look-up costs the same however many there are.  One thread. */
#ifndef NODE_RECALLS_H
#define NODE_RECALLS_H

#include "protocol/error.h"
#include "protocol/types.h"

struct recall_at {
	struct message_id ref;
	uint64_t lsn;
	uint32_t next; /* in its bucket, the place behind it; 0: none */
};

struct recalls {
	struct recall_at *items; /* owned; ascending by lsn */
	uint32_t *buckets;       /* owned; places, the newest first */
	size_t first, count, size;
	uint8_t key[16]; /* of the hash: whoever writes recalls must not choose their bucket */
};

void recalls_init(struct recalls *r);
void recalls_clear(struct recalls *r);
/* Makes room for n more. */
enum err recalls_reserve(struct recalls *r, size_t n);
/* In ascending order of lsn; there must be room. */
void recalls_add(struct recalls *r, const struct message_id *ref, uint64_t lsn);
/* Those up to that position. */
void recalls_forget(struct recalls *r, uint64_t lsn);
/* Those of the message, one by one: *at starts at 0 and is moved on.  False at the end; valid until
 * something is added or forgotten. */
bool recalls_next(const struct recalls *r, const struct message_id *ref, uint32_t *at,
		  uint64_t *lsn);

#endif
