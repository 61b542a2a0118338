/* The process beside the daemon that writes exports and runs commands: khabar follow, started again
 * when it ends.  The daemon itself starts nothing once it runs. */
#ifndef NODE_FOLLOWER_H
#define NODE_FOLLOWER_H

#include <stdbool.h>
#include <sys/types.h>

/* Starts it for the node of home, before there is any thread; 0 when that cannot be. */
pid_t follower_start(const char *home);
/* Has it ended, though nobody stopped it?  Where memory is short any process may be ended. */
bool follower_gone(pid_t pid);
/* Ends it and waits; 0 is accepted. */
void follower_stop(pid_t pid);

#endif
