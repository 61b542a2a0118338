/* What is to be sent once, however often it is asked for: whoever asks gives it a key.  SPEC.md
 * 9.5. */
#ifndef NODE_ANSWER_ONCE_H
#define NODE_ANSWER_ONCE_H

#include "node/admin/answer.h"

enum { ONCE_KEY_BYTES = 16 };

struct once {
	struct answer *a;
	bool wanted, begun;
	uint8_t key[ONCE_KEY_BYTES];
	struct before_sending before;      /* for the drafts, where it is wanted */
	const struct before_sending *next; /* that is told after it; or NULL */
};

/* Reads "once" of the request.  ERR_FORMAT, with words. */
enum err once_read(struct once *o, struct answer *a);
/* Reads "part_of", the id of the first message of what the request goes on with; NULL where there
 * is none.  ERR_FORMAT, with words. */
enum err part_read(const char **part_of, struct answer *a);
/* ERR_EXISTS when what has this key was sent before, ERR_OK when not, or where no key was given.
 * Nobody else sends anything that has a key until once_end(). */
enum err once_begin(struct once *o);
void once_end(struct once *o);

#endif
