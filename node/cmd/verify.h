/* What khabar verify does for files that need no node. */
#ifndef NODE_CMD_VERIFY_H
#define NODE_CMD_VERIFY_H

#include <stddef.h>

#include "node/cmd/cmd.h"

/* The topology that the reader trusts, by words or hash; both NULL: the words are printed, to be
 * compared. */
struct verify_pin {
	const char *words, *hash;
};

/* The file of an incident. */
int verify_case(const struct cmd_context *c, const char *what, const struct verify_pin *pin,
		const void *bytes, size_t n);

#endif
