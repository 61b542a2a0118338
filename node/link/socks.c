#include "node/link/socks.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <pthread.h>
#include <sodium.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "node/loop.h"
#include "node/link/tcp.h"
#include "protocol/bytes.h"

enum { VERSION = 5, NO_AUTHENTICATION = 0, CONNECT = 1, TO_IPV4 = 1, TO_NAME = 3, TO_IPV6 = 4 };
enum { REQUEST_MAX_BYTES = 4 + 1 + TCP_HOST_MAX_BYTES + 2, RELAY_BYTES = 16 << 10 };

/* Shared with the thread until both have let go. */
struct socks {
	char proxy_host[TCP_HOST_MAX_BYTES + 1], proxy_port[TCP_PORT_MAX_BYTES + 1];
	char host[TCP_HOST_MAX_BYTES + 1], port[TCP_PORT_MAX_BYTES + 1];
	char endpoint[64];
	int door; /* the Unix socket that listens; the thread's */
	pthread_mutex_t mutex;
	/* under the mutex */
	const char *why;
	int outer; /* TCP with the proxy, or -1 */
	unsigned holders;
};

static void let_go(struct socks *s)
{
	pthread_mutex_lock(&s->mutex);
	bool last = --s->holders == 0;
	pthread_mutex_unlock(&s->mutex);
	if (!last)
		return;
	pthread_mutex_destroy(&s->mutex);
	free(s);
}

static void set_why(struct socks *s, const char *why)
{
	pthread_mutex_lock(&s->mutex);
	s->why = why;
	pthread_mutex_unlock(&s->mutex);
}

static void set_outer(struct socks *s, int fd)
{
	pthread_mutex_lock(&s->mutex);
	s->outer = fd;
	pthread_mutex_unlock(&s->mutex);
}

/* -- the thread ----------------------------------------------------------------------------- */

/* The connection of this process and of no other on the machine; -1 when none comes. */
static int take_inner(struct socks *s)
{
	struct pollfd p = {.fd = s->door, .events = POLLIN};
	struct ucred who = {0};
	socklen_t n = sizeof who;
	while (poll(&p, 1, SOCKS_WAIT_MS) > 0) {
		int fd = accept4(s->door, NULL, NULL, SOCK_CLOEXEC);
		if (fd >= 0 && getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &n) == 0 &&
		    who.pid == getpid())
			return fd;
		if (fd < 0)
			return -1;
		close(fd);
	}
	return -1;
}

static int connect_one(const struct addrinfo *a)
{
	/* Bounds connect(), too. */
	const struct timeval wait = {.tv_sec = SOCKS_WAIT_MS / 1000};
	int fd = socket(a->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof wait) == 0 &&
	    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait) == 0 &&
	    connect(fd, a->ai_addr, a->ai_addrlen) == 0)
		return fd;
	int error = errno;
	if (fd >= 0)
		close(fd);
	errno = error;
	return -1;
}

static int connect_proxy(struct socks *s)
{
	const struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV};
	struct addrinfo *found = NULL;
	int fd = -1;
	if (getaddrinfo(s->proxy_host, s->proxy_port, &hints, &found) != 0) {
		set_why(s, "there is no such host");
		return -1;
	}
	for (const struct addrinfo *a = found; a && fd < 0; a = a->ai_next)
		fd = connect_one(a);
	if (fd < 0)
		set_why(s, errno == ECONNREFUSED ? "nobody listens there" : "it cannot be reached");
	freeaddrinfo(found);
	return fd;
}

static bool send_all(int fd, const uint8_t *data, size_t n)
{
	return send(fd, data, n, MSG_NOSIGNAL) == (ssize_t)n;
}

static bool receive_all(int fd, uint8_t *data, size_t n)
{
	return n == 0 || recv(fd, data, n, MSG_WAITALL) == (ssize_t)n;
}

static size_t write_request(const struct socks *s, uint8_t out[REQUEST_MAX_BYTES])
{
	struct writer w;
	uint8_t address[16];
	writer_init(&w, out, REQUEST_MAX_BYTES);
	write_u8(&w, VERSION);
	write_u8(&w, CONNECT);
	write_u8(&w, 0);
	if (inet_pton(AF_INET, s->host, address) == 1) {
		write_u8(&w, TO_IPV4);
		write_bytes(&w, address, 4);
	} else if (inet_pton(AF_INET6, s->host, address) == 1) {
		write_u8(&w, TO_IPV6);
		write_bytes(&w, address, 16);
	} else {
		write_u8(&w, TO_NAME);
		write_u8(&w, (uint8_t)strlen(s->host));
		write_bytes(&w, s->host, strlen(s->host));
	}
	write_u16(&w, (uint16_t)strtoul(s->port, NULL, 10));
	return w.used;
}

/* Reads the reply to the request: NULL when the tunnel stands, else why it does not. */
static const char *read_reply(int fd)
{
	static const char *const codes[] = {NULL,
					    "it failed",
					    "it is not allowed to",
					    "it reaches no such network",
					    "it reaches no such host",
					    "nobody listens at the other end",
					    "it took too long",
					    "it cannot connect to anyone",
					    "it does not know this kind of address"};
	const char *no_proxy = "it does not speak SOCKS 5";
	uint8_t head[5], rest[TCP_HOST_MAX_BYTES + 2];
	if (!receive_all(fd, head, sizeof head) || head[0] != VERSION)
		return no_proxy;
	if (head[1] != 0)
		return head[1] < sizeof codes / sizeof *codes ? codes[head[1]] : codes[1];
	/* The address it uses, of which one byte has been read already, and a port. */
	size_t n = head[3] == TO_IPV4 ? 3 : head[3] == TO_IPV6 ? 15 : head[4];
	if (head[3] != TO_IPV4 && head[3] != TO_IPV6 && head[3] != TO_NAME)
		return no_proxy;
	return receive_all(fd, rest, n + 2) ? NULL : no_proxy;
}

static const char *ask_proxy(const struct socks *s, int fd)
{
	const uint8_t hello[] = {VERSION, 1, NO_AUTHENTICATION};
	uint8_t choice[2], request[REQUEST_MAX_BYTES];
	if (!send_all(fd, hello, sizeof hello) || !receive_all(fd, choice, sizeof choice) ||
	    choice[0] != VERSION)
		return "it does not speak SOCKS 5";
	if (choice[1] != NO_AUTHENTICATION)
		return "it wants a password, which is not supported";
	if (!send_all(fd, request, write_request(s, request)))
		return "it hung up";
	return read_reply(fd);
}

/* What goes one way. */
struct way {
	int from, to;
	size_t start, end;
	uint8_t data[RELAY_BYTES];
};

/* Moves what can be moved without waiting; false when an end is closed. */
static bool move_bytes(struct way *w)
{
	ssize_t n = 1;
	if (w->start == w->end) {
		n = recv(w->from, w->data, sizeof w->data, MSG_DONTWAIT);
		w->start = 0;
		w->end = n > 0 ? (size_t)n : 0;
	}
	if (n > 0 && w->start < w->end) {
		n = send(w->to, w->data + w->start, w->end - w->start, MSG_DONTWAIT | MSG_NOSIGNAL);
		w->start += n > 0 ? (size_t)n : 0;
	}
	return n > 0 || (n < 0 && (errno == EAGAIN || errno == EINTR));
}

static void relay(int inner, int outer)
{
	struct way *out = calloc(1, sizeof *out), *in = calloc(1, sizeof *in);
	if (out && in) {
		*out = (struct way){.from = inner, .to = outer};
		*in = (struct way){.from = outer, .to = inner};
		while (move_bytes(out) && move_bytes(in)) {
			bool sends = out->start < out->end, gets = in->start < in->end;
			struct pollfd p[] = {
				{inner, (short)((sends ? 0 : POLLIN) | (gets ? POLLOUT : 0)), 0},
				{outer, (short)((gets ? 0 : POLLIN) | (sends ? POLLOUT : 0)), 0}};
			/* An end that is gone is noticed at once, also when its bytes cannot be
			 * moved on. */
			if (poll(p, 2, -1) < 0 || ((p[0].revents | p[1].revents) & POLLERR) ||
			    (p[0].revents & POLLHUP))
				break;
		}
	}
	free(out);
	free(in);
}

static void *run_socks(void *arg)
{
	struct socks *s = arg;
	int inner = take_inner(s), outer = inner < 0 ? -1 : connect_proxy(s);
	close(s->door);
	if (outer >= 0) {
		const char *why = ask_proxy(s, outer);
		set_why(s, why);
		if (!why) {
			set_outer(s, outer);
			relay(inner, outer);
			set_outer(s, -1);
		}
		close(outer);
	}
	/* After why is set: the closing is how the link comes to ask. */
	if (inner >= 0)
		close(inner);
	let_go(s);
	return NULL;
}

/* -- the link's side ------------------------------------------------------------------------ */

/* An abstract Unix socket under a name that nobody guesses. */
static bool open_door(struct socks *s)
{
	struct sockaddr_un at = {.sun_family = AF_UNIX};
	uint8_t random[16];
	char hex[2 * sizeof random + 1], name[48];
	randombytes_buf(random, sizeof random);
	snprintf(name, sizeof name, "khabardar-%s", hex_encode(hex, random, sizeof random));
	snprintf(s->endpoint, sizeof s->endpoint, "ipc://@%s", name);
	memcpy(at.sun_path + 1, name, strlen(name));
	socklen_t length = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + strlen(name));
	s->door = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (s->door >= 0 && bind(s->door, (struct sockaddr *)&at, length) == 0 &&
	    listen(s->door, 1) == 0)
		return true;
	if (s->door >= 0)
		close(s->door);
	return false;
}

enum err socks_open(struct socks **socks, const char *proxy, const char *endpoint)
{
	char full[TCP_HOST_MAX_BYTES + 32];
	struct socks *s = calloc(1, sizeof *s);
	pthread_t thread;
	*socks = NULL;
	if (!s)
		return ERR_MEMORY;
	snprintf(full, sizeof full, "tcp://%s", proxy);
	if (!tcp_split(full, s->proxy_host, s->proxy_port) ||
	    !tcp_split(endpoint, s->host, s->port)) {
		free(s);
		return ERR_FORMAT;
	}
	s->outer = -1;
	s->why = "it does not answer";
	s->holders = 2;
	if (!open_door(s)) {
		free(s);
		return ERR_IO;
	}
	pthread_mutex_init(&s->mutex, NULL);
	if (thread_start(&thread, run_socks, s) != ERR_OK) {
		close(s->door);
		free(s);
		return ERR_IO;
	}
	pthread_detach(thread);
	*socks = s;
	return ERR_OK;
}

void socks_close(struct socks *s)
{
	if (s)
		let_go(s);
}

const char *socks_endpoint(const struct socks *s)
{
	return s->endpoint;
}

const char *socks_why(struct socks *s)
{
	pthread_mutex_lock(&s->mutex);
	const char *why = s->why;
	pthread_mutex_unlock(&s->mutex);
	return why;
}

int socks_descriptor(struct socks *s)
{
	pthread_mutex_lock(&s->mutex);
	int fd = s->outer;
	pthread_mutex_unlock(&s->mutex);
	return fd;
}
