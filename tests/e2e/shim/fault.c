/* A library to preload that makes a disk fail, as long as a file says so.
 *
 * What the program does to files below the directory FAULT_OF fails while the file FAULT_FILE says
 * "WHAT ERRNO" in one line: WHAT is write (what a transaction writes), sync, make (new files), all
 * (these three), or meta: the last word of a transaction, which LMDB writes through a descriptor
 * opened with O_DSYNC, over what is there already. */
#include <sys/uio.h>

#include "tests/e2e/shim/real.h"

/* The errno with which that fails now; 0: it does not. */
static int failing(const char *what)
{
	const char *path = getenv("FAULT_FILE");
	char said[32] = "", name[16] = "";
	int number = 0;
	int fd = path ? REAL(open)(path, O_RDONLY | O_CLOEXEC) : -1;
	if (fd < 0)
		return 0;
	if (read(fd, said, sizeof said - 1) <= 0 || sscanf(said, "%15s %d", name, &number) != 2)
		number = 0;
	REAL(close)(fd);
	if (strcmp(name, "all") == 0 && strcmp(what, "meta") != 0)
		return number;
	return strcmp(name, what) == 0 ? number : 0;
}

static bool is_below(const char *path)
{
	const char *of = getenv("FAULT_OF");

	return of && path_is_below(path, of);
}

/* Sets errno when what the program does to that file is to fail. */
static bool fails(int fd, const char *what)
{
	char path[PATH_MAX];
	int number;

	path_of(fd, path);
	number = is_below(path) ? failing(what) : 0;
	if (number)
		errno = number;
	return number != 0;
}

static const char *sort_of(int fd)
{
	return fcntl(fd, F_GETFL) & O_DSYNC ? "meta" : "write";
}

static bool open_fails(const char *path, int flags)
{
	int number =
		flags & O_CREAT && is_below(path) && access(path, F_OK) != 0 ? failing("make") : 0;
	if (number)
		errno = number;
	return number != 0;
}

int open(const char *path, int flags, ...)
{
	va_list args;
	va_start(args, flags);
	mode_t mode = mode_of(flags, args);
	va_end(args);
	return open_fails(path, flags) ? -1 : REAL(open)(path, flags, mode);
}

int open64(const char *path, int flags, ...)
{
	va_list args;
	va_start(args, flags);
	mode_t mode = mode_of(flags, args);
	va_end(args);
	return open_fails(path, flags) ? -1 : REAL(open64)(path, flags, mode);
}

ssize_t write(int fd, const void *p, size_t n)
{
	return fails(fd, sort_of(fd)) ? -1 : REAL(write)(fd, p, n);
}

ssize_t writev(int fd, const struct iovec *pieces, int count)
{
	return fails(fd, sort_of(fd)) ? -1 : REAL(writev)(fd, pieces, count);
}

ssize_t pwrite(int fd, const void *p, size_t n, off_t at)
{
	return fails(fd, sort_of(fd)) ? -1 : REAL(pwrite)(fd, p, n, at);
}

ssize_t pwrite64(int fd, const void *p, size_t n, off64_t at)
{
	return pwrite(fd, p, n, at);
}

int ftruncate(int fd, off_t size)
{
	return fails(fd, "write") ? -1 : REAL(ftruncate)(fd, size);
}

int fsync(int fd)
{
	return fails(fd, "sync") ? -1 : REAL(fsync)(fd);
}

int fdatasync(int fd)
{
	return fails(fd, "sync") ? -1 : REAL(fdatasync)(fd);
}
