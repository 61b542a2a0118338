/* Completion for bash, made from the usage of the commands: what is typed at a prompt cannot differ
 * from what the command takes. */
#ifndef NODE_CMD_COMPLETION_H
#define NODE_CMD_COMPLETION_H

#include <stddef.h>

struct completed {
	const char *name, *usage;
};

/* Prints the script that bash sources. */
void completion_print(const struct completed *commands, size_t n);

#endif
