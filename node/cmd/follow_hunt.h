/* Hunting: what becomes known is looked for in the logs of the last 30 days.  SPEC.md 9.16.
 *
 * A process of its own, started by khabar follow, so that a long log keeps no export waiting.  It
 * tells the node what it found and how far it has come; nothing else is kept but the filters of the
 * logs, in the folder hunt of the home. */
#ifndef NODE_CMD_FOLLOW_HUNT_H
#define NODE_CMD_FOLLOW_HUNT_H

#include <sys/types.h>

#include "node/cmd/cmd.h"
#include "node/config.h"

/* Starts it where the configuration names logs.  0: there is nothing to do; -1: it cannot be. */
pid_t follow_hunt_start(const struct cmd_context *c, const struct config *config);

#endif
