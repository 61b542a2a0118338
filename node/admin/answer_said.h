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

/* One bundle after another, by number: notes what of it may be said already.  text is the bundle as
 * the request has it, without blanks around it, and borrowed until said_close(). */
enum err said_note(struct said *said, size_t number, const struct post *post, struct slice text);
/* Compares all that was noted with what is there, message by message. */
enum err said_compare(struct said *said);
/* How many objects of the bundle are said already. */
size_t said_count(const struct said *said, size_t number);
/* Appends the bundle, text as it was noted, without those. */
enum err said_leave_out(const struct said *said, size_t number, struct slice text,
			struct text *out);

#endif
