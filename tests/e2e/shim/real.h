/* What libraries to preload have in common: the call behind the one that they take the place of,
 * and which file it is about. */
#ifndef KHABARDAR_SHIM_REAL_H
#define KHABARDAR_SHIM_REAL_H

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define REAL(name) (__extension__(__typeof__(&name)) real(#name))

static void *real(const char *name)
{
	void *f = dlsym(RTLD_NEXT, name);
	if (!f)
		abort();
	return f;
}

/* The third argument of open, where it has one. */
static inline mode_t mode_of(int flags, va_list args)
{
	return flags & (O_CREAT | O_TMPFILE) ? (mode_t)va_arg(args, int) : 0;
}

/* Is it that folder, or in it?  In one without a name is nothing. */
static inline bool path_is_below(const char *path, const char *folder)
{
	size_t n = strlen(folder);

	return n > 0 && strncmp(path, folder, n) == 0 && (path[n] == '/' || path[n] == 0);
}

/* Under what name it was opened; errno stays what it is. */
static inline void path_of(int fd, char path[PATH_MAX])
{
	char link[64];
	int before = errno;
	ssize_t n;

	snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
	n = readlink(link, path, PATH_MAX - 1);
	path[n > 0 ? n : 0] = 0;
	errno = before;
}

#endif
