#include "node/limits.h"

#include <sys/resource.h>

enum err limits_files(struct report *report)
{
	struct rlimit files, more;

	if (getrlimit(RLIMIT_NOFILE, &files) != 0)
		return ERR_OK;
	more = files;
	if (more.rlim_cur < FILES_WANTED)
		more.rlim_cur = more.rlim_max < FILES_WANTED ? more.rlim_max : FILES_WANTED;
	/* A limit that cannot be raised is the one that there is. */
	if (setrlimit(RLIMIT_NOFILE, &more) == 0)
		files = more;
	if (files.rlim_cur >= FILES_MIN)
		return ERR_OK;
	report_add(report,
		   "only %llu files may be open at a time, and a node needs %d: raise the limit "
		   "(ulimit -n, LimitNOFILE= of systemd)",
		   (unsigned long long)files.rlim_cur, FILES_MIN);
	return ERR_LIMIT;
}

size_t limits_share(size_t most)
{
	struct rlimit files;

	if (getrlimit(RLIMIT_NOFILE, &files) != 0 || files.rlim_cur / 4 > most)
		return most;
	return (size_t)(files.rlim_cur / 4);
}
