/* What in a line of a log may be a value to look up. */
#ifndef NODE_CMD_TOKENS_H
#define NODE_CMD_TOKENS_H

#include "protocol/observable.h"

enum { TOKENS_MAX = 256 };

struct tokens {
	size_t count;
	char *items[TOKENS_MAX]; /* owned; each once, as it stands in the line */
};

/* Finds every part of the line that reads as an address, a domain, a URL, a hash, ...; of a URL
 * its host too. */
void tokens_find(struct tokens *t, const char *line);
void tokens_clear(struct tokens *t);

#endif
