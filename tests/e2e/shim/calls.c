/* A library to preload that makes one call of sockets or files fail.
 *
 * CALL_FAULT="CALL ERRNO NTH once|on|half": the NTH call of that name (counted from 1) fails with
 * that number, and with "on" all after it too; with "half" it does half of what it was asked to,
 * and says so.  The first time is told on standard error, as "CALL fails".
 *
 * Calls are named as they are, but for some: accept is accept4 too; open, map, lock, mode, read,
 * write, seek, sync, rename, truncate, room (how much the disk has), mkdir and unlink are those of
 * files below the folder CALL_OF, in all their spellings; take and put are read and write of
 * everything else; name is what says who the two ends of a socket are, thread that one begins. */
/* With it the headers have definitions of their own of what is defined here. */
#undef _FORTIFY_SOURCE
#include <dirent.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/uio.h>

#include "tests/e2e/shim/real.h"

static struct {
	char call[16];
	int number;
	unsigned long nth;
	bool on, half;
	atomic_ulong calls;
	char below[PATH_MAX];
} fault;

__attribute__((constructor)) static void fault_read(void)
{
	const char *said = getenv("CALL_FAULT"), *below = getenv("CALL_OF");
	char how[8] = "";

	if (!said ||
	    sscanf(said, "%15s %d %lu %7s", fault.call, &fault.number, &fault.nth, how) != 4)
		fault.call[0] = 0;
	fault.on = strcmp(how, "on") == 0;
	fault.half = strcmp(how, "half") == 0;
	snprintf(fault.below, sizeof fault.below, "%s", below ? below : "");
}

/* Is it this call's turn?  Says so the first time. */
static bool strikes(const char *call)
{
	char line[32];
	unsigned long n;
	int length;

	if (strcmp(call, fault.call) != 0)
		return false;
	n = atomic_fetch_add(&fault.calls, 1) + 1;
	if (n < fault.nth || (n > fault.nth && !fault.on))
		return false;
	length = snprintf(line, sizeof line, "%s fails\n", call);
	if (n == fault.nth && REAL(write)(STDERR_FILENO, line, (size_t)length) != (ssize_t)length)
		abort();
	return true;
}

/* Sets errno when this call is to fail. */
static bool fails(const char *call)
{
	if (!strikes(call))
		return false;
	errno = fault.number;
	return true;
}

/* The same for what may be done by halves: then *n is less. */
static bool fails_or_halves(const char *call, size_t *n)
{
	if (!strikes(call))
		return false;
	if (fault.half && *n > 1) {
		*n /= 2;
		return false;
	}
	errno = fault.number;
	return true;
}

/* ---- sockets ---- */

int socket(int domain, int type, int protocol)
{
	return fails("socket") ? -1 : REAL(socket)(domain, type, protocol);
}

int bind(int fd, __CONST_SOCKADDR_ARG to, socklen_t n)
{
	return fails("bind") ? -1 : REAL(bind)(fd, to, n);
}

int listen(int fd, int backlog)
{
	return fails("listen") ? -1 : REAL(listen)(fd, backlog);
}

int connect(int fd, __CONST_SOCKADDR_ARG to, socklen_t n)
{
	return fails("connect") ? -1 : REAL(connect)(fd, to, n);
}

int accept(int fd, __SOCKADDR_ARG from, socklen_t *n)
{
	return fails("accept") ? -1 : REAL(accept)(fd, from, n);
}

int accept4(int fd, __SOCKADDR_ARG from, socklen_t *n, int flags)
{
	return fails("accept") ? -1 : REAL(accept4)(fd, from, n, flags);
}

ssize_t send(int fd, const void *p, size_t n, int flags)
{
	return fails_or_halves("send", &n) ? -1 : REAL(send)(fd, p, n, flags);
}

ssize_t recv(int fd, void *p, size_t n, int flags)
{
	return fails_or_halves("recv", &n) ? -1 : REAL(recv)(fd, p, n, flags);
}

ssize_t sendto(int fd, const void *p, size_t n, int flags, __CONST_SOCKADDR_ARG to, socklen_t size)
{
	return fails_or_halves("send", &n) ? -1 : REAL(sendto)(fd, p, n, flags, to, size);
}

ssize_t recvfrom(int fd, void *p, size_t n, int flags, __SOCKADDR_ARG from, socklen_t *size)
{
	return fails_or_halves("recv", &n) ? -1 : REAL(recvfrom)(fd, p, n, flags, from, size);
}

int getsockname(int fd, __SOCKADDR_ARG to, socklen_t *n)
{
	return fails("name") ? -1 : REAL(getsockname)(fd, to, n);
}

int getpeername(int fd, __SOCKADDR_ARG to, socklen_t *n)
{
	return fails("name") ? -1 : REAL(getpeername)(fd, to, n);
}

int getsockopt(int fd, int level, int name, void *value, socklen_t *n)
{
	return fails("getsockopt") ? -1 : REAL(getsockopt)(fd, level, name, value, n);
}

int setsockopt(int fd, int level, int name, const void *value, socklen_t n)
{
	return fails("setsockopt") ? -1 : REAL(setsockopt)(fd, level, name, value, n);
}

int epoll_create1(int flags)
{
	return fails("epoll_create") ? -1 : REAL(epoll_create1)(flags);
}

int epoll_wait(int fd, struct epoll_event *events, int most, int ms)
{
	return fails("epoll_wait") ? -1 : REAL(epoll_wait)(fd, events, most, ms);
}

int epoll_ctl(int fd, int what, int of, struct epoll_event *event)
{
	return fails("epoll_ctl") ? -1 : REAL(epoll_ctl)(fd, what, of, event);
}

int poll(struct pollfd *fds, nfds_t n, int ms)
{
	return fails("poll") ? -1 : REAL(poll)(fds, n, ms);
}

int eventfd(unsigned count, int flags)
{
	return fails("eventfd") ? -1 : REAL(eventfd)(count, flags);
}

/* What they have one argument for: all that is asked for here have at most one. */
static void *argument(va_list args)
{
	return va_arg(args, void *);
}

int ioctl(int fd, unsigned long what, ...)
{
	va_list args;
	va_start(args, what);
	void *p = argument(args);
	va_end(args);
	return fails("ioctl") ? -1 : REAL(ioctl)(fd, what, p);
}

int fcntl(int fd, int what, ...)
{
	va_list args;
	va_start(args, what);
	void *p = argument(args);
	va_end(args);
	return fails("fcntl") ? -1 : REAL(fcntl)(fd, what, p);
}

int fcntl64(int fd, int what, ...)
{
	va_list args;
	va_start(args, what);
	void *p = argument(args);
	va_end(args);
	return fails("fcntl") ? -1 : REAL(fcntl64)(fd, what, p);
}

int pthread_create(pthread_t *thread, const pthread_attr_t *with, void *(*run)(void *), void *arg)
{
	return strikes("thread") ? fault.number : REAL(pthread_create)(thread, with, run, arg);
}

/* ---- files ---- */

static bool is_below(const char *path)
{
	return path_is_below(path, fault.below);
}

/* A file that this is about. */
static bool is_file(int fd)
{
	char path[PATH_MAX];
	int before = errno;
	struct stat st;
	bool regular = fault.call[0] && fstat(fd, &st) == 0 && S_ISREG(st.st_mode);

	errno = before;
	if (!regular)
		return false;
	path_of(fd, path);
	return is_below(path);
}

int open(const char *path, int flags, ...)
{
	va_list args;
	va_start(args, flags);
	mode_t mode = mode_of(flags, args);
	va_end(args);
	return is_below(path) && fails("open") ? -1 : REAL(open)(path, flags, mode);
}

int open64(const char *path, int flags, ...)
{
	va_list args;
	va_start(args, flags);
	mode_t mode = mode_of(flags, args);
	va_end(args);
	return is_below(path) && fails("open") ? -1 : REAL(open64)(path, flags, mode);
}

FILE *fopen(const char *path, const char *how)
{
	return is_below(path) && fails("open") ? NULL : REAL(fopen)(path, how);
}

DIR *opendir(const char *path)
{
	return is_below(path) && fails("open") ? NULL : REAL(opendir)(path);
}

void *mmap(void *at, size_t n, int protection, int flags, int fd, off_t offset)
{
	if (fd >= 0 && is_file(fd) && fails("map"))
		return MAP_FAILED;
	return REAL(mmap)(at, n, protection, flags, fd, offset);
}

int flock(int fd, int what)
{
	return is_file(fd) && fails("lock") ? -1 : REAL(flock)(fd, what);
}

int chmod(const char *path, mode_t mode)
{
	return is_below(path) && fails("mode") ? -1 : REAL(chmod)(path, mode);
}

int fchmod(int fd, mode_t mode)
{
	return is_file(fd) && fails("mode") ? -1 : REAL(fchmod)(fd, mode);
}

int fstatvfs(int fd, struct statvfs *disk)
{
	return is_file(fd) && fails("room") ? -1 : REAL(fstatvfs)(fd, disk);
}

off_t lseek(int fd, off_t at, int from)
{
	return is_file(fd) && fails("seek") ? -1 : REAL(lseek)(fd, at, from);
}

ssize_t read(int fd, void *p, size_t n)
{
	return fails_or_halves(is_file(fd) ? "read" : "take", &n) ? -1 : REAL(read)(fd, p, n);
}

ssize_t pread(int fd, void *p, size_t n, off_t at)
{
	return is_file(fd) && fails_or_halves("read", &n) ? -1 : REAL(pread)(fd, p, n, at);
}

ssize_t pread64(int fd, void *p, size_t n, off64_t at)
{
	return pread(fd, p, n, at);
}

/* What a daemon says is no call of its own that could fail. */
ssize_t write(int fd, const void *p, size_t n)
{
	if (fd == STDERR_FILENO || fd == STDOUT_FILENO)
		return REAL(write)(fd, p, n);
	return fails_or_halves(is_file(fd) ? "write" : "put", &n) ? -1 : REAL(write)(fd, p, n);
}

ssize_t pwrite(int fd, const void *p, size_t n, off_t at)
{
	return is_file(fd) && fails_or_halves("write", &n) ? -1 : REAL(pwrite)(fd, p, n, at);
}

ssize_t pwrite64(int fd, const void *p, size_t n, off64_t at)
{
	return pwrite(fd, p, n, at);
}

ssize_t writev(int fd, const struct iovec *pieces, int count)
{
	size_t n = pieces->iov_len;

	if (!is_file(fd))
		return REAL(writev)(fd, pieces, count);
	if (fails_or_halves("write", &n))
		return -1;
	if (n < pieces->iov_len)
		return REAL(write)(fd, pieces->iov_base, n);
	return REAL(writev)(fd, pieces, count);
}

int fsync(int fd)
{
	return fails("sync") ? -1 : REAL(fsync)(fd);
}

int fdatasync(int fd)
{
	return fails("sync") ? -1 : REAL(fdatasync)(fd);
}

int ftruncate(int fd, off_t size)
{
	return is_file(fd) && fails("truncate") ? -1 : REAL(ftruncate)(fd, size);
}

int ftruncate64(int fd, off64_t size)
{
	return ftruncate(fd, size);
}

int msync(void *p, size_t n, int flags)
{
	return fails("sync") ? -1 : REAL(msync)(p, n, flags);
}

int rename(const char *from, const char *to)
{
	return is_below(to) && fails("rename") ? -1 : REAL(rename)(from, to);
}

int mkdir(const char *path, mode_t mode)
{
	return is_below(path) && fails("mkdir") ? -1 : REAL(mkdir)(path, mode);
}

int unlink(const char *path)
{
	return is_below(path) && fails("unlink") ? -1 : REAL(unlink)(path);
}
