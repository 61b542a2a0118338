#include "node/sandbox_parts.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || \
	__has_feature(memory_sanitizer)
#define SANITIZED 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || defined(SANITIZED)
enum { WATCHED = true };
#else
enum { WATCHED = false };
#endif

void sandbox_no_dumps(void)
{
	struct rlimit no_core = {0, 0};

	/* A core dump would hold every secret.  The limit is not asked where dumps are piped to a
	 * program, and what is not dumpable cannot be traced either; the leak sanitizer traces. */
	setrlimit(RLIMIT_CORE, &no_core);
	if (!WATCHED)
		prctl(PR_SET_DUMPABLE, 0);
}

enum err sandbox_user(const char *user, struct report *report)
{
	const struct passwd *p;

	errno = 0;
	p = getpwnam(user);
	if (!p) {
		report_add(report, "--user: there is no user \"%s\" on this machine", user);
		return ERR_NOT_FOUND;
	}
	if (p->pw_uid == getuid() && p->pw_uid == geteuid())
		return ERR_OK;
	if (geteuid() != 0) {
		report_add(report, "--user: only root can become %s", user);
		return ERR_NOT_ALLOWED;
	}
	if (initgroups(user, p->pw_gid) != 0 || setresgid(p->pw_gid, p->pw_gid, p->pw_gid) != 0 ||
	    setresuid(p->pw_uid, p->pw_uid, p->pw_uid) != 0) {
		report_add(report, "--user: cannot become %s: %s", user, strerror(errno));
		return ERR_NOT_ALLOWED;
	}
	/* Who could come back has not left. */
	if (p->pw_uid != 0 && setuid(0) == 0) {
		report_add(report, "--user: the privileges of root could not be given up");
		return ERR_NOT_ALLOWED;
	}
	return ERR_OK;
}

enum err sandbox_owner(const char *home, struct report *report)
{
	const struct passwd *owner;
	struct stat st;

	if (geteuid() != 0 || stat(home, &st) != 0 || st.st_uid == 0)
		return ERR_OK;
	owner = getpwuid(st.st_uid);
	if (owner)
		return sandbox_user(owner->pw_name, report);
	report_add(report, "%s belongs to user %lu, who does not exist", home,
		   (unsigned long)st.st_uid);
	return ERR_NOT_FOUND;
}

const char *sandbox_unfit(void)
{
	const char *preloaded = getenv("LD_PRELOAD");

	if (WATCHED)
		return "built with a sanitizer, which needs to look around";
	return preloaded && strstr(preloaded, "/vgpreload_") ? "run by valgrind" : NULL;
}

enum err sandbox_enter(struct sandbox_made *made, const char *home, const struct config *config,
		       const pid_t *helpers, size_t n, struct report *report)
{
	enum err e;

	*made = (struct sandbox_made){0};
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) {
		report_add(report, "the sandbox: no_new_privs: %s", strerror(errno));
		return ERR_IO;
	}
	/* A preloaded library has files of its own. */
	e = getenv("LD_PRELOAD") ? ERR_OK : sandbox_places(&made->files, home, config, report);
	if (!e)
		e = sandbox_calls(&made->calls, helpers, n, report);
	return e;
}
