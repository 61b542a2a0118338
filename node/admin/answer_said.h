/* What this node has said already, so that a list that is imported again is not shared again. */
#ifndef NODE_ANSWER_SAID_H
#define NODE_ANSWER_SAID_H

#include "node/admin/answer.h"

/* What a call of share is about to say of every object in its bundles; all borrowed. */
struct saying {
	const struct addressed *who;
	struct envelope envelope;
	uint32_t expiry; /* hours since 1970 */
	uint8_t priority;
	bool no_forward;
};

struct said;

/* Looks at what this node has said up to that position of its log: folds it first where it is not.
 * NULL with ERR_OK where one message does not reach all who shall read it. */
enum err said_open(struct said **said, struct answer *a, const struct saying *saying,
		   uint64_t position);
void said_close(struct said *said);

/* Writes the bundle without the objects that are said already, and counts those: nothing where none
 * is, and *left is 0 where no other is in it.  *left: objects in what is written, without
 * scaffolding. */
enum err said_leave_out(struct said *said, const struct bundle *b, struct text *out,
			size_t *unchanged, size_t *left);

#endif
