/* What libzmq does not tell about TCP, asked of the kernel and of the resolver.
 *
 * A descriptor here is borrowed from libzmq, whose thread may close it and get the same number for
 * another connection at any time: tcp_end() therefore takes the name that the connection had. */
#ifndef NODE_TCP_H
#define NODE_TCP_H

#include <sys/socket.h>

#include "node/link/backlog.h"
#include "protocol/error.h"
#include "protocol/types.h"

/* Both ends of a connection. */
struct tcp_name {
	struct sockaddr_storage here, there;
	socklen_t here_length, there_length;
};

/* False when fd is no connected socket. */
bool tcp_name_of(struct tcp_name *name, int fd);
/* Ends the connection, if fd still is the one of that name; libzmq notices and closes it. */
void tcp_end(int fd, const struct tcp_name *name);
/* Bytes that the program has read from the connection so far; 0 when the kernel does not say. */
uint64_t tcp_taken(int fd);
/* How far what was sent has come; false when the kernel does not say. */
bool tcp_progress(int fd, struct tcp_progress *progress);

enum { TCP_HOST_MAX_BYTES = 255, TCP_PORT_MAX_BYTES = 5 };

/* Splits "tcp://host:port"; an IPv6 address stands in brackets, which are taken off. */
bool tcp_split(const char *endpoint, char host[TCP_HOST_MAX_BYTES + 1],
	       char port[TCP_PORT_MAX_BYTES + 1]);

/* Looking up where an endpoint "tcp://host:port" is, without waiting: libzmq would do it in its I/O
 * thread, and a name server that does not answer would silence every link. */
struct tcp_lookup;

/* ERR_FORMAT: not an endpoint. */
enum err tcp_lookup_start(struct tcp_lookup **lookup, const char *endpoint);
/* True once it is finished.  Then *count addresses were found; when none, *why is a static phrase.
 */
bool tcp_lookup_done(struct tcp_lookup *lookup, size_t *count, const char **why);
/* The nth address (modulo the count) as an endpoint with a number for a host. */
void tcp_lookup_endpoint(const struct tcp_lookup *lookup, size_t nth, char *out, size_t size);
/* Forgets it, finished or not; NULL is accepted. */
void tcp_lookup_free(struct tcp_lookup *lookup);

/* Starts a connection to the nth address only to learn why one cannot be had: libzmq says that an
 * attempt failed, never why.  Returns the descriptor, which the caller closes, or -1 with errno. */
int tcp_probe(const struct tcp_lookup *lookup, size_t nth);
/* EINPROGRESS while it is under way, then 0 or the errno of the failure. */
int tcp_probe_result(int fd);

#endif
