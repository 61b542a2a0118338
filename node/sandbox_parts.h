/* The two halves of the sandbox; nobody but sandbox.c includes it. */
#ifndef NODE_SANDBOX_PARTS_H
#define NODE_SANDBOX_PARTS_H

#include "node/sandbox.h"

/* Where the process may read and write from now on.  *made: the kernel knows how. */
enum err sandbox_places(bool *made, const char *home, const struct config *config,
			struct report *report);
/* What it may ask the kernel for. */
enum err sandbox_calls(bool *made, const pid_t *helpers, size_t n, struct report *report);

#endif
