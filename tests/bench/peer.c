#include "tests/bench/peer.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/bench/limit_parts.h"

enum { WINDOW = 1024, AT_ONCE = 128, START_SECONDS = 20, LINE_BYTES = 4096 };

struct peer {
	char dir[32];
	pid_t pid;
	uint16_t port;
	int fd;
	char in[1 << 16];
	size_t from, to; /* of what was read and not taken */
};

static bool installed(const char *program)
{
	char command[64];

	snprintf(command, sizeof command, "command -v %s >/dev/null", program);
	return system(command) == 0;
}

static uint16_t free_port(void)
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
	socklen_t n = sizeof at;
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	must(fd >= 0 && bind(fd, (struct sockaddr *)&at, sizeof at) == 0 &&
	     getsockname(fd, (struct sockaddr *)&at, &n) == 0);
	close(fd);
	return ntohs(at.sin_port);
}

static bool connected(struct peer *p)
{
	struct sockaddr_in at = {.sin_family = AF_INET,
				 .sin_port = htons(p->port),
				 .sin_addr = {htonl(INADDR_LOOPBACK)}};
	const int on = 1;

	p->fd = socket(AF_INET, SOCK_STREAM, 0);
	must(p->fd >= 0);
	setsockopt(p->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
	if (connect(p->fd, (struct sockaddr *)&at, sizeof at) == 0)
		return true;
	close(p->fd);
	return false;
}

/* Runs the words with the port behind the first so many of them. */
static void peer_start(struct peer *p, const char *const *words, size_t before_port)
{
	const char *args[16] = {0};
	char port[8];
	double begun = limit_now();
	size_t n = 0;

	snprintf(p->dir, sizeof p->dir, "/tmp/bench-peer-XXXXXX");
	must(mkdtemp(p->dir));
	p->port = free_port();
	snprintf(port, sizeof port, "%u", (unsigned)p->port);
	for (size_t i = 0; words[i]; i++) {
		args[n++] = words[i];
		if (i + 1 == before_port)
			args[n++] = port;
	}
	p->pid = fork();
	must(p->pid >= 0);
	if (p->pid == 0) {
		/* It ends with this process, even where that is interrupted. */
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		int log = chdir(p->dir) == 0 ? open("log.txt", O_WRONLY | O_CREAT, 0600) : -1;
		if (log >= 0 && dup2(log, 1) == 1 && dup2(log, 2) == 2)
			execvp(args[0], (char *const *)(uintptr_t)args);
		_exit(127);
	}
	while (!connected(p)) {
		must(limit_now() - begun < START_SECONDS && waitpid(p->pid, NULL, WNOHANG) == 0);
		usleep(10000);
	}
}

static void peer_end(struct peer *p)
{
	char command[64];

	close(p->fd);
	must(kill(p->pid, SIGKILL) == 0 && waitpid(p->pid, NULL, 0) == p->pid);
	snprintf(command, sizeof command, "rm -rf %s", p->dir);
	must(system(command) == 0);
}

static void send_bytes(struct peer *p, const void *bytes, size_t n)
{
	const char *at = bytes;

	while (n) {
		ssize_t sent = write(p->fd, at, n);
		must(sent > 0);
		at += sent;
		n -= (size_t)sent;
	}
}

/* The next line without its end. */
static void line_read(struct peer *p, char line[LINE_BYTES])
{
	size_t n = 0;

	for (;;) {
		if (p->from == p->to) {
			ssize_t got = read(p->fd, p->in, sizeof p->in);
			must(got > 0);
			p->from = 0;
			p->to = (size_t)got;
		}
		if (p->in[p->from] == '\n')
			break;
		must(n < LINE_BYTES - 1);
		line[n++] = p->in[p->from++];
	}
	p->from++;
	line[n && line[n - 1] == '\r' ? n - 1 : n] = '\0';
}

/* Sends the request so often, with at most WINDOW of them unanswered; requests a second. */
static double requests_timed(struct peer *p, const char *request, size_t n, size_t count,
			     void (*answer)(struct peer *p))
{
	char *many = malloc(n * AT_ONCE);
	double begun = limit_now();
	size_t sent = 0, answered = 0;

	must(many);
	for (size_t i = 0; i < AT_ONCE; i++)
		memcpy(many + i * n, request, n);
	while (answered < count) {
		size_t some = count - sent < AT_ONCE ? count - sent : AT_ONCE;
		if (some && sent - answered + some <= WINDOW) {
			send_bytes(p, many, some * n);
			sent += some;
		} else {
			answer(p);
			answered++;
		}
	}
	free(many);
	return (double)count / (limit_now() - begun);
}

/* head | length | line end | so many bytes | line end */
static char *request_make(const char *head, size_t bytes, size_t *n)
{
	size_t room = strlen(head) + 32 + bytes;
	char *request = malloc(room);

	must(request);
	*n = (size_t)snprintf(request, room, "%s%zu\r\n", head, bytes);
	/* Nothing that compresses, as the messages do not. */
	for (uint32_t i = 0, x = 1; i < bytes; i++) {
		x = x * 1664525 + 1013904223;
		request[(*n)++] = (char)('!' + (x >> 24) % 90);
	}
	memcpy(request + *n, "\r\n", 2);
	*n += 2;
	return request;
}

static void redis_answer(struct peer *p)
{
	char line[LINE_BYTES];

	line_read(p, line);
	must(line[0] == '$');
	line_read(p, line);
}

double peer_redis(size_t bytes, size_t count)
{
	static const char *const words[] = {
		"redis-server", "--port",    "--appendonly",  "yes",    "--save", "",
		"--bind",       "127.0.0.1", "--appendfsync", "always", NULL};
	static struct peer p;
	char *request;
	double rate;
	size_t n;

	if (!installed("redis-server"))
		return 0;
	p = (struct peer){0};
	peer_start(&p, words, 2);
	request = request_make("*5\r\n$4\r\nXADD\r\n$1\r\ns\r\n$1\r\n*\r\n$1\r\nm\r\n$", bytes, &n);
	rate = requests_timed(&p, request, n, count, redis_answer);
	free(request);
	peer_end(&p);
	return rate;
}

/* The answer to a request, past what else the server says. */
static void nats_answer(struct peer *p)
{
	char line[LINE_BYTES];

	for (;;) {
		line_read(p, line);
		must(line[0] != '-');
		if (strcmp(line, "PING") == 0)
			send_bytes(p, "PONG\r\n", 6);
		if (strncmp(line, "MSG ", 4) == 0)
			break;
	}
	line_read(p, line);
	must(!strstr(line, "\"error\""));
}

double peer_nats(size_t bytes, size_t count)
{
	static const char *const words[] = {"nats-server", "--port",      "--addr", "127.0.0.1",
					    "--jetstream", "--store_dir", ".",      NULL};
	static const char stream[] = "{\"name\":\"s\",\"subjects\":[\"s\"],\"storage\":\"file\","
				     "\"retention\":\"limits\",\"discard\":\"old\","
				     "\"num_replicas\":1,\"max_consumers\":-1,\"max_msgs\":-1,"
				     "\"max_bytes\":-1,\"max_age\":0}";
	static struct peer p;
	char *request, hello[1024];
	double rate;
	size_t n;

	if (!installed("nats-server"))
		return 0;
	p = (struct peer){0};
	peer_start(&p, words, 2);
	n = (size_t)snprintf(hello, sizeof hello,
			     "CONNECT {\"verbose\":false,\"pedantic\":false}\r\nSUB a 1\r\n"
			     "PUB $JS.API.STREAM.CREATE.s a %zu\r\n%s\r\n",
			     strlen(stream), stream);
	send_bytes(&p, hello, n);
	nats_answer(&p);
	request = request_make("PUB s a ", bytes, &n);
	rate = requests_timed(&p, request, n, count, nats_answer);
	free(request);
	peer_end(&p);
	return rate;
}
