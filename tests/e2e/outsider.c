/* Somebody without a key of the federation, at the port of a node: does one thing that no node does
 * and prints what came of it.  When it has begun, there is the file $BEGINS.
 *
 *     outsider PORT WHAT [COUNT [SECONDS]]
 *
 * null, plain: greets with that mechanism of ZeroMQ and begins to speak.  stranger: the same with
 * CURVE and a key of its own making, which is not even the node's.  scan: calls COUNT times, says a
 * word of another protocol or nothing, and hangs up.  half-open: holds COUNT calls for SECONDS, one
 * silent, one that has greeted, one in the middle of a command. */
#include <arpa/inet.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

enum { GREETING_BYTES = 64, WAIT_MS = 60 * 1000, CALLS_MAX = 2000 };

static struct sockaddr_in node = {.sin_family = AF_INET};
static unsigned calls; /* that were taken */

static void die(const char *what)
{
	fprintf(stderr, "outsider: %s\n", what);
	exit(1);
}

static void tell_begun(void)
{
	const char *path = getenv("BEGINS");
	FILE *file = path ? fopen(path, "w") : NULL;

	if (file)
		fclose(file);
}

/* -1 when the node does not take the call. */
static int call(void)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	if (fd >= 0 && connect(fd, (const struct sockaddr *)&node, sizeof node) == 0) {
		if (calls++ == 0)
			tell_begun();
		return fd;
	}
	if (fd >= 0)
		close(fd);
	return -1;
}

/* Whoever has hung up is told nothing more. */
static void say(int fd, const void *bytes, size_t n)
{
	(void)!send(fd, bytes, n, MSG_NOSIGNAL);
}

static void greet(int fd, const char *mechanism)
{
	uint8_t greeting[GREETING_BYTES] = {0xff, [9] = 0x7f, 3, 1};

	memcpy(greeting + 12, mechanism, strlen(mechanism));
	say(fd, greeting, sizeof greeting);
}

/* Hears until the node hangs up; returns how many bytes came before that, -1 when it does not. */
static long hear_out(int fd)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};
	char bytes[1024];
	long heard = 0;

	while (poll(&p, 1, WAIT_MS) > 0) {
		ssize_t n = recv(fd, bytes, sizeof bytes, 0);
		if (n <= 0)
			return heard;
		heard += n;
	}
	return -1;
}

static void speak(const char *mechanism, const void *first, size_t n)
{
	static const uint8_t frame[] = {0, 5, 'h', 'e', 'l', 'l', 'o'};
	int fd = call();
	long heard;

	if (fd < 0)
		die("nobody answers");
	greet(fd, mechanism);
	say(fd, first, n);
	say(fd, frame, sizeof frame);
	heard = hear_out(fd);
	/* Its greeting and, at most, a command that says why. */
	printf("%s\n", heard < 0                      ? "still connected"
		       : heard <= GREETING_BYTES + 64 ? "hung up"
						      : "it said more than a greeting");
	close(fd);
}

static void speak_null(unsigned count, unsigned seconds)
{
	static const char ready[] = "\4\34\5READY\13Socket-Type\0\0\0\6DEALER";

	(void)count, (void)seconds;
	speak("NULL", ready, sizeof ready - 1);
}

static void speak_plain(unsigned count, unsigned seconds)
{
	static const char hello[] = "\4\20\5HELLO\4root\4root";

	(void)count, (void)seconds;
	speak("PLAIN", hello, sizeof hello - 1);
}

/* A HELLO of 200 bytes whose box opens with no key. */
static void speak_curve(unsigned count, unsigned seconds)
{
	uint8_t hello[202] = "\4\310\5HELLO\1";

	(void)count, (void)seconds;
	memset(hello + 80, 0x55, sizeof hello - 80);
	speak("CURVE", hello, sizeof hello);
}

static void scan(unsigned count, unsigned seconds)
{
	static const char *const words[] = {"", "GET / HTTP/1.1\r\nHost: node\r\n\r\n",
					    "\x16\x03\x01", "SSH-2.0-scan\r\n", "\xff"};
	unsigned taken = 0;

	(void)seconds;
	for (unsigned i = 0; i < count; i++) {
		const char *word = words[i % (sizeof words / sizeof *words)];
		int fd = call();
		if (fd < 0)
			continue;
		taken++;
		say(fd, word, strlen(word));
		close(fd);
	}
	printf("%u calls\n", taken);
}

static void half_open(unsigned count, unsigned seconds)
{
	static int fds[CALLS_MAX];

	for (unsigned i = 0; i < count; i++) {
		fds[i] = call();
		if (fds[i] >= 0 && i % 3)
			greet(fds[i], "CURVE");
		if (fds[i] >= 0 && i % 3 == 2)
			say(fds[i], "\4\310\5HELLO\1", 9);
	}
	printf("holding\n");
	fflush(stdout);
	poll(NULL, 0, (int)seconds * 1000);
}

static const struct {
	const char *name;
	void (*run)(unsigned count, unsigned seconds);
} ways[] = {{"null", speak_null},
	    {"plain", speak_plain},
	    {"stranger", speak_curve},
	    {"scan", scan},
	    {"half-open", half_open}};

int main(int argc, char **argv)
{
	struct rlimit files;
	unsigned count = argc > 3 ? (unsigned)atoi(argv[3]) : 0;

	if (argc < 3 || count > CALLS_MAX)
		die("outsider PORT WHAT [COUNT [SECONDS]]");
	if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
		files.rlim_cur = files.rlim_max;
		setrlimit(RLIMIT_NOFILE, &files);
	}
	node.sin_port = htons((uint16_t)atoi(argv[1]));
	node.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
		if (strcmp(ways[i].name, argv[2]) != 0)
			continue;
		ways[i].run(count, argc > 4 ? (unsigned)atoi(argv[4]) : 0);
		return 0;
	}
	die("no such way");
}
