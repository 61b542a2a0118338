/* What is to be sent once, however often it is asked for: whoever asks gives it a key.  SPEC.md
 * 9.5. */
#ifndef NODE_ANSWER_ONCE_H
#define NODE_ANSWER_ONCE_H

#include "node/admin/answer.h"

enum { ONCE_KEY_BYTES = 16 };

struct once {
	struct answer *a;
	bool wanted;
	uint8_t key[ONCE_KEY_BYTES];
	struct before_sending before;      /* for the drafts, where it is wanted */
	const struct before_sending *next; /* that is told after it; or NULL */
};

/* Reads "once" of the request.  ERR_FORMAT, with words. */
enum err once_read(struct once *o, struct answer *a);
/* ERR_EXISTS when what has this key was sent before, ERR_OK when not, or where no key was given. */
enum err once_check(struct once *o);

#endif
