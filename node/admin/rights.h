/* Who calls, and what they may do: the kernel's word, Unix groups and khabardar.zpl.  SPEC.md 9.2.
 */
#ifndef NODE_RIGHTS_H
#define NODE_RIGHTS_H

#include <sys/types.h>

#include "node/config.h"

/* The process at the other end of the admin socket when it connected. */
struct caller {
	uid_t uid;
	gid_t gid;
	pid_t pid;
};

/* True when the caller has the right: root, the daemon's own user, or a member of one of the
 * right's groups. */
bool rights_allow(const struct config *config, const struct caller *caller, enum right right);

/* Says in report which right is missing, which groups give it and how to get it. */
void rights_refuse(const struct config *config, const struct caller *caller, enum right right,
		   struct report *report);

#endif
