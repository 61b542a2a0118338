/* A library to preload that makes one call of sockets fail.
 *
 * SOCKET_FAULT="CALL ERRNO NTH once|on": the NTH call of that name (counted from 1) fails with that
 * number, and with "on" all after it too.  The first time is told on standard error, as "CALL
 * fails". */
/* With it the headers have definitions of their own of what is defined here. */
#undef _FORTIFY_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#define REAL(name) (__extension__(__typeof__(&name)) real(#name))

static void *real(const char *name)
{
	void *f = dlsym(RTLD_NEXT, name);
	if (!f)
		abort();
	return f;
}

static struct {
	char call[16];
	int number;
	unsigned long nth;
	bool on;
	atomic_ulong calls;
} fault;

__attribute__((constructor)) static void fault_read(void)
{
	const char *said = getenv("SOCKET_FAULT");
	char how[8] = "";
	if (!said ||
	    sscanf(said, "%15s %d %lu %7s", fault.call, &fault.number, &fault.nth, how) != 4)
		fault.call[0] = 0;
	fault.on = strcmp(how, "on") == 0;
}

/* Sets errno when this call is to fail. */
static bool fails(const char *call)
{
	char line[32];
	if (strcmp(call, fault.call) != 0)
		return false;
	unsigned long n = atomic_fetch_add(&fault.calls, 1) + 1;
	if (n < fault.nth || (n > fault.nth && !fault.on))
		return false;
	int length = snprintf(line, sizeof line, "%s fails\n", call);
	if (n == fault.nth && write(STDERR_FILENO, line, (size_t)length) != length)
		abort();
	errno = fault.number;
	return true;
}

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
	return fails("send") ? -1 : REAL(send)(fd, p, n, flags);
}

ssize_t recv(int fd, void *p, size_t n, int flags)
{
	return fails("recv") ? -1 : REAL(recv)(fd, p, n, flags);
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
