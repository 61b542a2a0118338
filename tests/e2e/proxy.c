/* A SOCKS 5 proxy on 127.0.0.1 for end-to-end tests, without authentication.
 *
 *     proxy PORT
 *
 * Prints "listens at PORT", then a line for each connection that it is asked for.
 * Each is served by a process of its own, which ends with this one. */
#include <arpa/inet.h>
#include <netdb.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

enum { TO_IPV4 = 1, TO_NAME = 3, HOST_MAX_BYTES = 255, WAIT_S = 60 };

static void die(const char *what)
{
	fprintf(stderr, "proxy: %s\n", what);
	exit(1);
}

static int listen_at(const char *port)
{
	struct sockaddr_in here = {.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(port))};
	socklen_t n = sizeof here;
	const int yes = 1;
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	here.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes) != 0 ||
	    bind(fd, (const struct sockaddr *)&here, sizeof here) != 0 || listen(fd, 16) != 0 ||
	    getsockname(fd, (struct sockaddr *)&here, &n) != 0)
		die("cannot listen");
	printf("listens at %u\n", ntohs(here.sin_port));
	fflush(stdout);
	return fd;
}

static bool hear(int fd, void *out, size_t n)
{
	return n == 0 || recv(fd, out, n, MSG_WAITALL) == (ssize_t)n;
}

/* Where to, from the request of RFC 1928. */
static bool hear_request(int fd, char host[HOST_MAX_BYTES + 1], char port[8])
{
	uint8_t head[4], length, address[4], number[2];

	if (!hear(fd, head, 2) || head[0] != 5 || !hear(fd, address, head[1] < 4 ? head[1] : 4))
		return false;
	if (send(fd, "\5\0", 2, MSG_NOSIGNAL) != 2 || !hear(fd, head, sizeof head) ||
	    head[0] != 5 || head[1] != 1)
		return false;
	if (head[3] == TO_IPV4) {
		if (!hear(fd, address, sizeof address))
			return false;
		inet_ntop(AF_INET, address, host, HOST_MAX_BYTES);
	} else {
		if (head[3] != TO_NAME || !hear(fd, &length, 1) || !hear(fd, host, length))
			return false;
		host[length] = '\0';
	}
	if (!hear(fd, number, sizeof number))
		return false;
	snprintf(port, 8, "%u", (unsigned)number[0] << 8 | number[1]);
	return true;
}

static int call(const char *host, const char *port)
{
	const struct addrinfo hints = {.ai_family = AF_INET, .ai_socktype = SOCK_STREAM};
	struct addrinfo *found;
	int fd;

	if (getaddrinfo(host, port, &hints, &found) != 0)
		return -1;
	fd = socket(AF_INET, SOCK_STREAM, 0);
	if (fd >= 0 && connect(fd, found->ai_addr, found->ai_addrlen) != 0) {
		close(fd);
		fd = -1;
	}
	freeaddrinfo(found);
	return fd;
}

/* What one says goes to the other; false when it has hung up. */
static bool pass(int from, int to)
{
	static uint8_t bytes[64 * 1024];
	ssize_t n = recv(from, bytes, sizeof bytes, 0);

	for (ssize_t at = 0, sent; at < n; at += sent) {
		sent = send(to, bytes + at, (size_t)(n - at), MSG_NOSIGNAL);
		if (sent <= 0)
			return false;
	}
	return n > 0;
}

static void serve(int inner)
{
	static const uint8_t yes[10] = {5, 0, 0, TO_IPV4}, no[10] = {5, 5, 0, TO_IPV4};
	const struct timeval wait = {.tv_sec = WAIT_S};
	char host[HOST_MAX_BYTES + 1], port[8];
	int outer;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	setsockopt(inner, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait);
	if (!hear_request(inner, host, port))
		return;
	printf("asked for %s:%s\n", host, port);
	fflush(stdout);
	outer = call(host, port);
	if (send(inner, outer < 0 ? no : yes, sizeof yes, MSG_NOSIGNAL) != sizeof yes || outer < 0)
		return;
	for (;;) {
		struct pollfd ends[] = {{.fd = inner, .events = POLLIN},
					{.fd = outer, .events = POLLIN}};
		if (poll(ends, 2, -1) < 0 || (ends[0].revents && !pass(inner, outer)) ||
		    (ends[1].revents && !pass(outer, inner)))
			return;
	}
}

int main(int argc, char **argv)
{
	int door;

	if (argc != 2)
		die("proxy PORT");
	signal(SIGCHLD, SIG_IGN);
	door = listen_at(argv[1]);
	for (;;) {
		int inner = accept(door, NULL, NULL);
		if (inner < 0)
			die("cannot accept");
		if (fork() == 0) {
			close(door);
			serve(inner);
			_exit(0);
		}
		close(inner);
	}
}
