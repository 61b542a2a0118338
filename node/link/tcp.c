#include "node/link/tcp.h"

#include <errno.h>
#include <linux/tcp.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "node/loop.h"

/* Shared with a thread that waits for the resolver, as long as it is not finished. */
struct tcp_lookup {
	char host[TCP_HOST_MAX_BYTES + 1], port[TCP_PORT_MAX_BYTES + 1];
	pthread_mutex_t mutex;
	/* under the mutex; constant once finished */
	struct addrinfo *found; /* owned */
	int result;             /* of getaddrinfo */
	bool finished;
	bool forgotten; /* nobody waits any more: the thread frees it */
};

bool tcp_name_of(struct tcp_name *name, int fd)
{
	memset(name, 0, sizeof *name);
	name->here_length = name->there_length = sizeof name->here;
	return getsockname(fd, (struct sockaddr *)&name->here, &name->here_length) == 0 &&
	       getpeername(fd, (struct sockaddr *)&name->there, &name->there_length) == 0;
}

void tcp_end(int fd, const struct tcp_name *name)
{
	struct tcp_name now;
	if (tcp_name_of(&now, fd) && now.there_length == name->there_length &&
	    memcmp(&now.there, &name->there, now.there_length) == 0 &&
	    now.here_length == name->here_length &&
	    memcmp(&now.here, &name->here, now.here_length) == 0)
		shutdown(fd, SHUT_RDWR);
}

uint64_t tcp_taken(int fd)
{
	struct tcp_info info = {0};
	socklen_t n = sizeof info;
	int unread = 0;
	/* First what came, then what waits: what comes in between makes the result smaller, which
	 * the next look corrects. */
	if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &n) != 0 ||
	    ioctl(fd, FIONREAD, &unread) != 0)
		return 0;
	uint64_t came = info.tcpi_bytes_received, waits = unread > 0 ? (uint64_t)unread : 0;
	return came > waits ? came - waits : 0;
}

bool tcp_progress(int fd, struct tcp_progress *progress)
{
	struct tcp_info info = {0};
	socklen_t n = sizeof info;
	if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &n) != 0 ||
	    n < offsetof(struct tcp_info, tcpi_min_rtt) + sizeof info.tcpi_min_rtt)
		return false;
	*progress = (struct tcp_progress){
		.acked = info.tcpi_bytes_acked,
		.rtt = info.tcpi_min_rtt != UINT32_MAX ? info.tcpi_min_rtt / 1000 : 0,
		.now = info.tcpi_rtt / 1000,
		.unsent = info.tcpi_notsent_bytes > 0,
		.packets = info.tcpi_segs_in,
		.drained = info.tcpi_unacked == 0 && info.tcpi_notsent_bytes == 0,
	};
	return true;
}

bool tcp_split(const char *endpoint, char host[TCP_HOST_MAX_BYTES + 1],
	       char port[TCP_PORT_MAX_BYTES + 1])
{
	if (strncmp(endpoint, "tcp://", 6) != 0)
		return false;
	const char *start = endpoint + 6, *colon = strrchr(start, ':');
	if (!colon || colon == start)
		return false;
	size_t host_length = (size_t)(colon - start), port_length = strlen(colon + 1);
	if (start[0] == '[' && colon[-1] == ']' && host_length > 2) {
		start++;
		host_length -= 2;
	}
	if (host_length > TCP_HOST_MAX_BYTES || port_length == 0 ||
	    port_length > TCP_PORT_MAX_BYTES || strspn(colon + 1, "0123456789") != port_length)
		return false;
	memcpy(host, start, host_length);
	host[host_length] = 0;
	memcpy(port, colon + 1, port_length + 1);
	unsigned long number = strtoul(port, NULL, 10);
	return number > 0 && number <= UINT16_MAX;
}

static void free_lookup(struct tcp_lookup *l)
{
	if (l->found)
		freeaddrinfo(l->found);
	pthread_mutex_destroy(&l->mutex);
	free(l);
}

/* There is no way to give up on a name server that does not answer, so whoever loses interest just
 * says so. */
static void *run_lookup(void *arg)
{
	struct tcp_lookup *l = arg;
	const struct addrinfo hints = {.ai_socktype = SOCK_STREAM,
				       .ai_flags = AI_NUMERICSERV | AI_ADDRCONFIG};
	struct addrinfo *found = NULL;
	int result = getaddrinfo(l->host, l->port, &hints, &found);
	pthread_mutex_lock(&l->mutex);
	l->found = found;
	l->result = result;
	l->finished = true;
	bool forgotten = l->forgotten;
	pthread_mutex_unlock(&l->mutex);
	if (forgotten)
		free_lookup(l);
	return NULL;
}

enum err tcp_lookup_start(struct tcp_lookup **lookup, const char *endpoint)
{
	const struct addrinfo hints = {.ai_socktype = SOCK_STREAM,
				       .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV};
	struct tcp_lookup *l = calloc(1, sizeof *l);
	pthread_t thread;
	*lookup = NULL;
	if (!l)
		return ERR_MEMORY;
	if (!tcp_split(endpoint, l->host, l->port)) {
		free(l);
		return ERR_FORMAT;
	}
	pthread_mutex_init(&l->mutex, NULL);
	*lookup = l;
	/* An address needs no name server. */
	l->finished = getaddrinfo(l->host, l->port, &hints, &l->found) == 0;
	if (l->finished)
		return ERR_OK;
	if (thread_start(&thread, run_lookup, l) == ERR_OK) {
		pthread_detach(thread);
	} else {
		l->result = EAI_AGAIN;
		l->finished = true;
	}
	return ERR_OK;
}

bool tcp_lookup_done(struct tcp_lookup *l, size_t *count, const char **why)
{
	pthread_mutex_lock(&l->mutex);
	bool finished = l->finished;
	pthread_mutex_unlock(&l->mutex);
	*count = 0;
	*why = "";
	if (!finished)
		return false;
	for (const struct addrinfo *a = l->found; a; a = a->ai_next)
		(*count)++;
	*why = l->result ? gai_strerror(l->result) : "no address";
	return true;
}

void tcp_lookup_free(struct tcp_lookup *l)
{
	if (!l)
		return;
	pthread_mutex_lock(&l->mutex);
	bool finished = l->finished;
	l->forgotten = true;
	pthread_mutex_unlock(&l->mutex);
	if (finished)
		free_lookup(l);
}

static const struct addrinfo *nth_address(const struct tcp_lookup *l, size_t nth)
{
	size_t count = 0;
	for (const struct addrinfo *a = l->found; a; a = a->ai_next)
		count++;
	const struct addrinfo *a = l->found;
	for (size_t i = 0; count && i < nth % count; i++)
		a = a->ai_next;
	return a;
}

void tcp_lookup_endpoint(const struct tcp_lookup *l, size_t nth, char *out, size_t size)
{
	const struct addrinfo *a = nth_address(l, nth);
	char host[NI_MAXHOST] = "";
	if (a)
		getnameinfo(a->ai_addr, a->ai_addrlen, host, sizeof host, NULL, 0, NI_NUMERICHOST);
	snprintf(out, size, strchr(host, ':') ? "tcp://[%s]:%s" : "tcp://%s:%s", host, l->port);
}

int tcp_probe(const struct tcp_lookup *l, size_t nth)
{
	const struct addrinfo *a = nth_address(l, nth);
	if (!a) {
		errno = EADDRNOTAVAIL;
		return -1;
	}
	int fd = socket(a->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -1;
	if (connect(fd, a->ai_addr, a->ai_addrlen) != 0 && errno != EINPROGRESS) {
		int saved = errno;
		close(fd);
		errno = saved;
		return -1;
	}
	return fd;
}

int tcp_probe_result(int fd)
{
	struct pollfd p = {.fd = fd, .events = POLLOUT};
	int error = 0;
	socklen_t n = sizeof error;
	if (poll(&p, 1, 0) == 0)
		return EINPROGRESS;
	return getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &n) == 0 ? error : errno;
}
