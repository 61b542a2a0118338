/* A library to preload that holds a program for random times at random calls, as a machine that is
 * busy with something else does.
 *
 * JITTER="SEED NTH MOST" holds a thread at about one call in NTH of those below for up to MOST
 * milliseconds, mostly much less; one hold in sixteen takes up to five times that.  After a hold
 * the thread runs for as long as it was held, so that all becomes about half as fast and no slower.
 * JITTER_OF="NAME NAME" names the programs (khabardar); any other that this is preloaded to runs as
 * ever.  What a program computes stays the same: only when it does changes. */
/* With it the headers have definitions of their own of what is defined here. */
#undef _FORTIFY_SOURCE
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <time.h>

#include "tests/e2e/shim/real.h"

static struct {
	bool on;
	unsigned long long seed;
	unsigned nth, most;
	atomic_uint threads;
} jitter;

static _Thread_local struct {
	uint64_t chance;
	int64_t rests_until;
} mine;

__attribute__((constructor)) static void jitter_read(void)
{
	const char *said = getenv("JITTER"), *of = getenv("JITTER_OF");
	const char *name = program_invocation_short_name;
	size_t n = strlen(name);

	if (!said || sscanf(said, "%llu %u %u", &jitter.seed, &jitter.nth, &jitter.most) != 3)
		return;
	for (const char *at = of ? of : "khabardar"; *at; at += strspn(at, " ")) {
		size_t length = strcspn(at, " ");
		if (length == n && strncmp(at, name, n) == 0)
			jitter.on = jitter.nth > 0 && jitter.most > 0;
		at += length;
	}
}

/* splitmix64 */
static uint64_t draw(void)
{
	uint64_t x;
	if (mine.chance == 0)
		mine.chance = jitter.seed << 32 ^ (uint64_t)getpid() << 8 ^
			      (atomic_fetch_add(&jitter.threads, 1) + 1);
	x = mine.chance += 0x9e3779b97f4a7c15u;
	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
	x = (x ^ x >> 27) * 0x94d049bb133111ebu;
	return x ^ x >> 31;
}

static int64_t now_ns(void)
{
	struct timespec t;
	REAL(clock_gettime)(CLOCK_MONOTONIC_RAW, &t);
	return t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}

static int64_t hold_ns(void)
{
	int64_t most = jitter.most * INT64_C(1000000);
	if (draw() % 16 == 0)
		return (int64_t)(draw() % (uint64_t)(5 * most));
	int64_t a = (int64_t)(draw() % (uint64_t)most), b = (int64_t)(draw() % (uint64_t)most);
	return a < b ? a : b;
}

/* One call in times * NTH is held here. */
static void hold(unsigned times)
{
	int before = errno;
	if (jitter.on && draw() % ((uint64_t)jitter.nth * times) == 0) {
		int64_t now = now_ns(), length = hold_ns();
		struct timespec t = {.tv_sec = length / 1000000000, .tv_nsec = length % 1000000000};
		if (now >= mine.rests_until) {
			REAL(nanosleep)(&t, NULL);
			mine.rests_until = now + 2 * length;
		}
	}
	errno = before;
}

/* ---- held before ---- */

int fsync(int fd)
{
	hold(1);
	return REAL(fsync)(fd);
}

int fdatasync(int fd)
{
	hold(1);
	return REAL(fdatasync)(fd);
}

int msync(void *p, size_t n, int flags)
{
	hold(1);
	return REAL(msync)(p, n, flags);
}

ssize_t send(int fd, const void *p, size_t n, int flags)
{
	hold(1);
	return REAL(send)(fd, p, n, flags);
}

ssize_t sendto(int fd, const void *p, size_t n, int flags, __CONST_SOCKADDR_ARG to, socklen_t size)
{
	hold(1);
	return REAL(sendto)(fd, p, n, flags, to, size);
}

ssize_t sendmsg(int fd, const struct msghdr *message, int flags)
{
	hold(1);
	return REAL(sendmsg)(fd, message, flags);
}

ssize_t write(int fd, const void *p, size_t n)
{
	hold(1);
	return REAL(write)(fd, p, n);
}

ssize_t writev(int fd, const struct iovec *pieces, int count)
{
	hold(1);
	return REAL(writev)(fd, pieces, count);
}

int connect(int fd, __CONST_SOCKADDR_ARG to, socklen_t n)
{
	hold(1);
	return REAL(connect)(fd, to, n);
}

int rename(const char *from, const char *to)
{
	hold(1);
	return REAL(rename)(from, to);
}

int open(const char *path, int flags, ...)
{
	va_list args;
	va_start(args, flags);
	mode_t mode = mode_of(flags, args);
	va_end(args);
	hold(1);
	return REAL(open)(path, flags, mode);
}

int open64(const char *path, int flags, ...)
{
	va_list args;
	va_start(args, flags);
	mode_t mode = mode_of(flags, args);
	va_end(args);
	hold(1);
	return REAL(open64)(path, flags, mode);
}

int openat(int at, const char *path, int flags, ...)
{
	va_list args;
	va_start(args, flags);
	mode_t mode = mode_of(flags, args);
	va_end(args);
	hold(1);
	return REAL(openat)(at, path, flags, mode);
}

/* ---- held afterwards: what was learned is no longer new ---- */

ssize_t recv(int fd, void *p, size_t n, int flags)
{
	ssize_t got = REAL(recv)(fd, p, n, flags);
	hold(1);
	return got;
}

ssize_t recvfrom(int fd, void *p, size_t n, int flags, __SOCKADDR_ARG from, socklen_t *size)
{
	ssize_t got = REAL(recvfrom)(fd, p, n, flags, from, size);
	hold(1);
	return got;
}

ssize_t read(int fd, void *p, size_t n)
{
	ssize_t got = REAL(read)(fd, p, n);
	hold(1);
	return got;
}

int epoll_wait(int fd, struct epoll_event *events, int most, int ms)
{
	int count = REAL(epoll_wait)(fd, events, most, ms);
	hold(1);
	return count;
}

int poll(struct pollfd *fds, nfds_t n, int ms)
{
	int count = REAL(poll)(fds, n, ms);
	hold(1);
	return count;
}

int accept4(int fd, __SOCKADDR_ARG from, socklen_t *n, int flags)
{
	int got = REAL(accept4)(fd, from, n, flags);
	hold(1);
	return got;
}

int pthread_cond_wait(pthread_cond_t *restrict cond, pthread_mutex_t *restrict mutex)
{
	int rc = REAL(pthread_cond_wait)(cond, mutex);
	hold(1);
	return rc;
}

int pthread_cond_timedwait(pthread_cond_t *restrict cond, pthread_mutex_t *restrict mutex,
			   const struct timespec *restrict until)
{
	int rc = REAL(pthread_cond_timedwait)(cond, mutex, until);
	hold(1);
	return rc;
}

int clock_gettime(clockid_t id, struct timespec *t)
{
	int rc = REAL(clock_gettime)(id, t);
	hold(4);
	return rc;
}
