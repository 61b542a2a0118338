/* The daemon shuts itself in before it reads a secret or opens a socket: whoever takes it over by
 * what a neighbour sent can then do little more than the daemon itself does.
 *
 * It writes in its home and nowhere else, reads what name resolution needs, starts no program,
 * gains no privilege and leaves no core dump.  What must happen outside is done by processes that
 * were started before: follower.h runs what the configuration says, porter.h writes backups. */
#ifndef NODE_SANDBOX_H
#define NODE_SANDBOX_H

#include <sys/types.h>

#include "node/config.h"
#include "protocol/report.h"

/* No core dump, and no other process of the same user may look into this one or change it.  Before
 * anything else; never fails. */
void sandbox_no_dumps(void);

/* Becomes that user, with its groups, for good.  ERR_NOT_FOUND, ERR_NOT_ALLOWED with words. */
enum err sandbox_user(const char *user, struct report *report);

/* Root becomes who owns the folder: it need not know whose the home is that a package has made, and
 * what it puts there is the owner's.  Who is not root stays who he is, and so does root where there
 * is no folder. */
enum err sandbox_owner(const char *home, struct report *report);

/* Why this program, as it was built and started, cannot be shut in at all; static, or NULL. */
const char *sandbox_unfit(void);

/* What this kernel was able to hold to. */
struct sandbox_made {
	bool files; /* landlock(7) */
	bool calls; /* seccomp(2) */
};

/* Shuts the process in, for good, before there is any thread.  It may still end the process
 * helpers[i] of its own, unless that is 0.  A kernel that cannot do one of both leaves that out;
 * ERR_IO, with words, when it could and did not. */
enum err sandbox_enter(struct sandbox_made *made, const char *home, const struct config *config,
		       const pid_t *helpers, size_t n, struct report *report);

#endif
