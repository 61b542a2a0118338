/* What is shared by itself: the files of a folder (follow_watch.c) and what a MISP instance
 * publishes (follow_misp.c).  Each of the two is a process of its own, started by khabar follow; a
 * file or an event is read in yet another, since whoever wrote it may wish us ill. */
#ifndef NODE_CMD_FOLLOW_INFLOW_H
#define NODE_CMD_FOLLOW_INFLOW_H

#include <sys/types.h>

#include "node/cmd/client.h"
#include "node/config.h"

/* Start it where the configuration asks for it.  0: it does not; -1: it cannot be. */
pid_t follow_watch_start(const struct cmd_context *c, const struct config *config);
pid_t follow_misp_start(const struct cmd_context *c, const struct config *config);

enum { IMPORT_SAID_BYTES = 64 << 10 };

/* khabar import ./NAME in a folder, which is a descriptor, with the options of f under tlp and
 * these two words more, in a process of its own; what it says is cut where it does not fit. Returns
 * how it ended: EXIT_REFUSED where it did not get that far. */
int inflow_import(const struct cmd_context *c, const struct inflow *f, enum tlp tlp, int folder,
		  const char *name, const char *const *more, char said[IMPORT_SAID_BYTES]);

/* Tells the node that so many were taken, and what is wrong now or "". */
int inflow_tell(struct client *client, const struct inflow *f, size_t taken, const char *failed);

/* For such a process: forks, and calls run(), which does not come back, until the parent has gone.
 */
pid_t inflow_start(const struct cmd_context *c, const struct config *config, enum inflow_kind kind,
		   void (*run)(const struct cmd_context *c, const struct config *config));

#endif
