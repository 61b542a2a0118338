/* The process beside a daemon that is shut in: it writes backups to wherever an operator wants
 * them, outside the home, where the daemon itself may not write (sandbox.h).
 *
 * It is started before the daemon has read any secret, and holds none.  For each backup it starts a
 * child, which opens the home for itself, copies, and ends.  It hears nobody but the daemon, and
 * goes when that goes. */
#ifndef NODE_STORE_PORTER_H
#define NODE_STORE_PORTER_H

#include <sys/types.h>

#include "node/store/backup.h"

struct porter;

/* Starts it for the node of home, before there is any thread.  Its arguments are not the daemon's:
 * whoever looks for that by argv, those of main(), finds one process.  ERR_IO, ERR_MEMORY. */
enum err porter_start(struct porter **porter, const char *home, char **argv);
pid_t porter_pid(const struct porter *porter);
/* Has it ended, though nobody stopped it?  NULL, which there is not, has not. */
bool porter_gone(const struct porter *porter);
/* Ends it and waits; NULL is accepted. */
void porter_stop(struct porter *porter);

/* backup_make() of the home's log, by the porter; waits for it.  One thread at a time. */
enum err porter_backup(struct porter *porter, const char *dir, uint64_t now, struct backup *out,
		       struct report *report);

#endif
