/* Hosts in network namespaces of their own, and bad lines between them, for end-to-end tests; works
 * where the kernel has no netem.
 *
 *     wire SEED HOSTS
 *
 * Host N has a tun device with the address 10.7.0.N; what it sends to another is carried by this
 * process.  It prints "host N PATH" for each, nsenter --net=PATH runs a program there, then
 * "ready". Commands come over standard input, each is answered with one line; it ends when that
 * does:
 *
 *     line FROM TO [NAME=NUMBER]...   how packets of FROM to TO fare from now on; 0 is every host
 *         delay, jitter, hold      ms; what is reordered comes up to hold later, the rest in order
 *         loss, reorder, twice     percent; burst: so many in a row are lost on average
 *         rate, queue              kbit/s; bytes that wait for the line, the rest is dropped
 *         longest                  bytes: longer packets are dropped, and nobody is told
 *         cut                      1: nothing passes
 *     count FROM TO                arrived, bytes, lost, full, calls (TCP connections begun)
 *     move HOST N                     its address is 10.7.0.N from now on */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/if_tun.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "protocol/bytes.h"

enum {
	HOSTS_MAX = 8,
	MTU = 1500,
	ON_WAY_MAX = 16384, /* packets */
	TURN_MAX = 64,      /* packets taken of a host before the others have theirs */
	LINE_MAX_BYTES = 512,
	NETWORK = 0x0a070000,
	DEVICE_QUEUE = 10000, /* packets: what is lost is lost by a line */
};

/* One direction between two hosts. */
struct line {
	double delay, jitter, hold, loss, burst, reorder, twice, rate, queue, cut, longest;
	uint64_t free_at, last; /* us: the line is idle again; the latest arrival in order */
	bool losing;            /* in a burst of losses */
	uint64_t arrived, bytes, lost, full, calls;
	uint64_t call; /* the last one's port and sequence number */
};

struct packet {
	uint64_t due, number; /* us; in the order in which they came */
	struct line *line;
	size_t to, length;
	uint8_t *bytes; /* owned */
};

struct wire {
	size_t hosts;
	int tun[HOSTS_MAX], control[HOSTS_MAX];
	uint32_t address[HOSTS_MAX];
	struct line lines[HOSTS_MAX][HOSTS_MAX];
	struct packet on_way[ON_WAY_MAX]; /* a heap, the first due on top */
	size_t count;
	uint64_t number, seed;
};

__attribute__((format(printf, 1, 2), noreturn)) static void die(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	fprintf(stderr, "wire: ");
	vfprintf(stderr, format, args);
	fprintf(stderr, ": %s\n", strerror(errno));
	va_end(args);
	exit(1);
}

static uint64_t now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

/* From 0 to below 1 (splitmix64). */
static double chance(struct wire *w)
{
	uint64_t z = w->seed += 0x9e3779b97f4a7c15;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return (double)((z ^ z >> 31) >> 11) / 9007199254740992.0;
}

/* ---- hosts ---- */

static void set_address(struct wire *w, size_t host, uint32_t address, const char *device,
			uint32_t mask)
{
	struct ifreq r = {0};
	struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(address)};

	snprintf(r.ifr_name, sizeof r.ifr_name, "%s", device);
	memcpy(&r.ifr_addr, &in, sizeof in);
	if (ioctl(w->control[host], SIOCSIFADDR, &r) != 0)
		die("%s: its address", device);
	in.sin_addr.s_addr = htonl(mask);
	memcpy(&r.ifr_netmask, &in, sizeof in);
	if (ioctl(w->control[host], SIOCSIFNETMASK, &r) != 0)
		die("%s: its network", device);
	memset(&r.ifr_ifru, 0, sizeof r.ifr_ifru);
	r.ifr_flags = IFF_UP | IFF_RUNNING;
	if (ioctl(w->control[host], SIOCSIFFLAGS, &r) != 0)
		die("%s: it stays down", device);
}

/* What is lost is lost by a line, and not before it; the namespace is the current one. */
static void make_room(size_t packets)
{
	struct {
		struct nlmsghdr head;
		struct ifinfomsg link;
		struct rtattr attribute;
		uint32_t length;
	} m = {
		.head = {.nlmsg_len = sizeof m,
			 .nlmsg_type = RTM_NEWLINK,
			 .nlmsg_flags = NLM_F_REQUEST},
		.link.ifi_index = (int)if_nametoindex("wire"),
		.attribute = {.rta_len = RTA_LENGTH(sizeof m.length), .rta_type = IFLA_TXQLEN},
		.length = (uint32_t)packets,
	};
	int fd = socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE);

	if (fd < 0 || send(fd, &m, sizeof m, 0) < 0)
		die("the queue of a device");
	close(fd);
}

/* What is opened in a namespace stays in it. */
static void make_host(struct wire *w, size_t host)
{
	struct ifreq r = {.ifr_name = "wire", .ifr_flags = IFF_TUN | IFF_NO_PI};

	if (unshare(CLONE_NEWNET) != 0)
		die("a network namespace");
	w->control[host] = socket(AF_INET, SOCK_DGRAM, 0);
	w->tun[host] = open("/dev/net/tun", O_RDWR | O_NONBLOCK);
	if (w->control[host] < 0 || w->tun[host] < 0 || ioctl(w->tun[host], TUNSETIFF, &r) != 0)
		die("/dev/net/tun");
	w->address[host] = NETWORK + (uint32_t)host + 1;
	set_address(w, host, 0x7f000001, "lo", 0xff000000);
	set_address(w, host, w->address[host], "wire", 0xffffff00);
	make_room(DEVICE_QUEUE);
	printf("host %zu /proc/%d/fd/%d\n", host + 1, (int)getpid(),
	       open("/proc/self/ns/net", O_RDONLY));
}

/* ---- packets ---- */

static bool before(const struct packet *a, const struct packet *b)
{
	return a->due != b->due ? a->due < b->due : a->number < b->number;
}

static void push(struct wire *w, struct packet packet)
{
	size_t i = w->count++;

	for (; i > 0 && before(&packet, &w->on_way[(i - 1) / 2]); i = (i - 1) / 2)
		w->on_way[i] = w->on_way[(i - 1) / 2];
	w->on_way[i] = packet;
}

static struct packet pop(struct wire *w)
{
	struct packet first = w->on_way[0], last = w->on_way[--w->count];
	size_t i = 0;

	for (size_t child; (child = 2 * i + 1) < w->count; i = child) {
		if (child + 1 < w->count && before(&w->on_way[child + 1], &w->on_way[child]))
			child++;
		if (!before(&w->on_way[child], &last))
			break;
		w->on_way[i] = w->on_way[child];
	}
	w->on_way[i] = last;
	return first;
}

/* A connection is begun by a SYN that acknowledges nothing; the same one repeated counts once. */
static void count_call(struct line *line, const uint8_t *ip, size_t n)
{
	size_t head = 4 * (size_t)(ip[0] & 15);

	if (ip[9] != IPPROTO_TCP || n < head + 20 || (ip[head + 13] & 0x12) != 2)
		return;
	uint64_t call =
		(uint64_t)ip[head] << 40 | (uint64_t)ip[head + 1] << 32 | get_u32(ip + head + 4);
	line->calls += call != line->call;
	line->call = call;
}

static bool is_lost(struct wire *w, struct line *line)
{
	double share = line->loss / 100, length = line->burst > 1 ? line->burst : 1;

	if (length <= 1 || share >= 1)
		return chance(w) < share;
	line->losing =
		line->losing ? chance(w) >= 1 / length : chance(w) < share / (length * (1 - share));
	return line->losing;
}

static void send_off(struct wire *w, struct line *line, size_t to, const uint8_t *ip, size_t n,
		     uint64_t leaves)
{
	double late = line->delay + line->jitter * chance(w);
	struct packet p = {.due = leaves + (uint64_t)(1000 * late),
			   .number = w->number++,
			   .line = line,
			   .to = to,
			   .length = n};

	if (100 * chance(w) < line->reorder)
		p.due += (uint64_t)(1000 * line->hold * chance(w));
	else
		p.due = line->last = p.due > line->last ? p.due : line->last;
	p.bytes = w->count < ON_WAY_MAX ? malloc(n) : NULL;
	if (!p.bytes) {
		line->full++;
		return;
	}
	memcpy(p.bytes, ip, n);
	push(w, p);
}

static void carry(struct wire *w, size_t from, const uint8_t *ip, size_t n, uint64_t now)
{
	size_t to = 0;

	if (n < 20 || ip[0] >> 4 != 4)
		return; /* what the kernel says in IPv6 by itself */
	while (to < w->hosts && w->address[to] != get_u32(ip + 16))
		to++;
	if (to == w->hosts)
		return;
	struct line *line = &w->lines[from][to];
	double us_a_byte = line->rate > 0 ? 8000 / line->rate : 0;
	uint64_t begins = line->free_at > now ? line->free_at : now;
	count_call(line, ip, n);
	if (line->cut != 0 || (line->longest > 0 && (double)n > line->longest)) {
		line->lost++;
		return;
	}
	if (line->queue > 0 &&
	    (double)(begins - now) + (double)n * us_a_byte > line->queue * us_a_byte) {
		line->full++;
		return;
	}
	line->free_at = begins + (uint64_t)((double)n * us_a_byte);
	if (is_lost(w, line)) {
		line->lost++;
		return;
	}
	send_off(w, line, to, ip, n, line->free_at);
	if (100 * chance(w) < line->twice)
		send_off(w, line, to, ip, n, line->free_at);
}

static void deliver(struct wire *w, uint64_t now)
{
	while (w->count && w->on_way[0].due <= now) {
		struct packet p = pop(w);
		if (p.line->cut == 0 && write(w->tun[p.to], p.bytes, p.length) > 0) {
			p.line->arrived++;
			p.line->bytes += p.length;
		} else {
			p.line->lost++;
		}
		free(p.bytes);
	}
}

/* ---- commands ---- */

static double *setting(struct line *line, const char *name)
{
	const struct {
		const char *name;
		double *value;
	} settings[] = {
		{"delay", &line->delay},     {"jitter", &line->jitter},   {"hold", &line->hold},
		{"loss", &line->loss},       {"burst", &line->burst},     {"twice", &line->twice},
		{"reorder", &line->reorder}, {"rate", &line->rate},       {"queue", &line->queue},
		{"cut", &line->cut},         {"longest", &line->longest},
	};

	for (size_t i = 0; i < sizeof settings / sizeof *settings; i++)
		if (strcmp(settings[i].name, name) == 0)
			return settings[i].value;
	return NULL;
}

/* All that is not said is as on a good line; what was counted stays. */
static bool set_line(struct line *line, const char *words)
{
	struct line fresh = {.last = line->last,
			     .arrived = line->arrived,
			     .bytes = line->bytes,
			     .lost = line->lost,
			     .full = line->full,
			     .calls = line->calls,
			     .call = line->call};
	char name[16];
	double number;
	int taken = 0;

	for (; sscanf(words, " %15[a-z]=%lf%n", name, &number, &taken) == 2; words += taken) {
		double *value = setting(&fresh, name);
		if (!value || !(number >= 0 && number < 1e9))
			return false;
		*value = number;
	}
	*line = fresh;
	return words[strspn(words, " \n")] == '\0';
}

static bool is_host(const struct wire *w, unsigned n)
{
	return n >= 1 && n <= w->hosts;
}

static void obey(struct wire *w, const char *command)
{
	unsigned from, to;
	int taken = 0;
	bool done = true;

	if (sscanf(command, "line %u %u%n", &from, &to, &taken) == 2 && from <= w->hosts &&
	    to <= w->hosts) {
		for (unsigned a = 0; a < w->hosts; a++)
			for (unsigned b = 0; b < w->hosts; b++)
				if ((from == 0 || from == a + 1) && (to == 0 || to == b + 1))
					done = set_line(&w->lines[a][b], command + taken) && done;
	} else if (sscanf(command, "count %u %u", &from, &to) == 2 && is_host(w, from) &&
		   is_host(w, to)) {
		const struct line *l = &w->lines[from - 1][to - 1];
		printf("arrived %" PRIu64 " bytes %" PRIu64 " lost %" PRIu64 " full %" PRIu64
		       " calls %" PRIu64 "\n",
		       l->arrived, l->bytes, l->lost, l->full, l->calls);
		return;
	} else if (sscanf(command, "move %u %u", &from, &to) == 2 && is_host(w, from) && to > 0 &&
		   to < 255) {
		w->address[from - 1] = NETWORK + to;
		set_address(w, from - 1, w->address[from - 1], "wire", 0xffffff00);
	} else {
		done = false;
	}
	puts(done ? "done" : "what?");
}

/* False when nobody is there any more. */
static bool read_commands(struct wire *w)
{
	static char text[LINE_MAX_BYTES + 1];
	static size_t length;
	char *end;
	ssize_t n = read(STDIN_FILENO, text + length, LINE_MAX_BYTES - length);

	if (n <= 0 && errno != EINTR)
		return false;
	length += n > 0 ? (size_t)n : 0;
	text[length] = '\0';
	while ((end = strchr(text, '\n'))) {
		*end = '\0';
		obey(w, text);
		length -= (size_t)(end + 1 - text);
		memmove(text, end + 1, length + 1);
	}
	fflush(stdout);
	return length < LINE_MAX_BYTES;
}

static void run(struct wire *w)
{
	struct pollfd fds[HOSTS_MAX + 1] = {{.fd = STDIN_FILENO, .events = POLLIN}};
	uint8_t packet[MTU + 64];

	for (size_t i = 0; i < w->hosts; i++)
		fds[i + 1] = (struct pollfd){.fd = w->tun[i], .events = POLLIN};
	do {
		uint64_t now = now_us(), due = w->count ? w->on_way[0].due : now + 60000000;
		uint64_t wait = due > now ? due - now : 0;
		struct timespec t = {.tv_sec = (time_t)(wait / 1000000),
				     .tv_nsec = (long)(wait % 1000000) * 1000};
		if (ppoll(fds, w->hosts + 1, &t, NULL) < 0 && errno != EINTR)
			die("waiting");
		now = now_us();
		for (size_t i = 0; i < w->hosts; i++) {
			ssize_t n = 0;
			for (int k = 0;
			     k < TURN_MAX && (n = read(w->tun[i], packet, sizeof packet)) > 0; k++)
				carry(w, i, packet, (size_t)n, now);
		}
		deliver(w, now);
	} while (!fds[0].revents || read_commands(w));
}

int main(int argc, char **argv)
{
	static struct wire wire;

	wire.seed = argc == 3 ? strtoull(argv[1], NULL, 10) : 0;
	wire.hosts = argc == 3 ? strtoul(argv[2], NULL, 10) : 0;
	if (wire.hosts < 1 || wire.hosts > HOSTS_MAX) {
		fprintf(stderr, "wire SEED HOSTS: 1 to %d hosts\n", HOSTS_MAX);
		return 3;
	}
	for (size_t i = 0; i < wire.hosts; i++)
		make_host(&wire, i);
	puts("ready");
	fflush(stdout);
	run(&wire);
	return 0;
}
