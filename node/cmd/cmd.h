/* One subcommand of khabar: one function in the table of khabar.c, one file per family.
 *
 * Exit codes: 0 done, 1 the node (or the rules) refused, 2 the node cannot be reached, 3 usage. */
#ifndef NODE_CMD_CMD_H
#define NODE_CMD_CMD_H

#include <stdbool.h>

enum exit_code { EXIT_DONE = 0, EXIT_REFUSED = 1, EXIT_UNREACHABLE = 2, EXIT_USAGE = 3 };

struct cmd_context {
	const char *home; /* the node's home folder */
	bool json;        /* --json: one object, or one a line */
	bool yes;         /* --yes: never ask */
};

/* argv[0] is the subcommand's own name; the options above have been taken out wherever they stood.
 */
int cmd_topology(const struct cmd_context *c, int argc, char **argv);
int cmd_init(const struct cmd_context *c, int argc, char **argv);
int cmd_keys(const struct cmd_context *c, int argc, char **argv);

#endif
