/* Statements about messages, gathered and sent to the origins of those messages: many in one
 * receipt.  SPEC.md 5.9.
 *
 * What this node states by itself is found in the log by duty_receipts() (node_receipts.c):
 * `stored`, `opened`, `cannot-open` of what it was sent, `erased` of what was recalled, and
 * `forwarded` of every forward of its own (kind 4) whose ref is the message that was forwarded.
 * Nobody who writes a forward has to do anything for its receipt, and a crash loses none.  What a
 * person states (acknowledged) is sent when it is said. */
#ifndef NODE_RECEIPTS_H
#define NODE_RECEIPTS_H

#include "node/node.h"
#include "protocol/receipt.h"

struct gathered {
	struct party_id origin; /* of the message, and so the reader of the receipt */
	bool direct;
	uint32_t expiry; /* hours; of the message */
	struct statement statement;
};

/* All zeros is empty. */
struct receipts {
	struct gathered *items; /* owned, and the lists of names in them */
	size_t count, room;
	struct message_id last; /* the receipt that was sent last */
	size_t sent;            /* receipts */
};

/* Takes the statement about the message with that header; s->to and s->because, from the heap, are
 * freed in any case, and the names live as long as a topology.  ERR_MEMORY. */
enum err receipts_add(struct receipts *r, const struct header *h, const struct statement *s);
/* Sends what was gathered, each statement once, and empties r.  What cannot be told to anybody (the
 * origin has left, or has no seal key) is dropped.  What node_publish() returns; not on the loop's
 * thread. */
enum err receipts_publish(struct receipts *r, struct node *node, struct report *report);
void receipts_clear(struct receipts *r);

/* What this node has stated of the message so far, as the index knows. */
enum err receipts_own(struct index_reader *index, const struct party_id *self,
		      const struct message_id *id, struct receipt_fold *out);

/* The next message after *at (0 to begin with) that says again, sealed to a newer key, what the
 * target says: SPEC.md 5.9.  ERR_NOT_FOUND after the last.  Moves log. */
enum err receipts_reseal(struct index_reader *index, struct log_reader *log,
			 const struct message_id *target, const struct header *header, uint64_t *at,
			 struct message_id *id);

#endif
