/* A node's listener among hostile callers: this process is the node, its attackers are others. */
#include "node/link/link.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "node/loop.h"
#include "tests/node/links.h"

enum {
	CALLERS = 1000,
	ATTACK_MS = 2000,
	RSS_MAX_KIB = 128 << 10,
	FILES_WANTED = 4 * CALLERS,
	ROUND_MAX_MS = WAIT_MS, /* for a frame there and one back, however loaded the machine is */
	ROUNDS_WANTED = 10,
	ATTACKS_MAX = 20, /* one after the other, until there was time for so many */
};

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
static const bool memory_counts = false;
#else
static const bool memory_counts = true;
#endif

/* -- attackers: another process each, started anew so that it shares nothing with this one ------
 */

struct attack {
	const char *endpoint;
	uint16_t port;
	char server[41], public[41], secret[41]; /* Z85; the key pair is a peer's */
};

static void *dealer_of(void *context, const struct attack *a, bool member)
{
	char public[41], secret[41];
	const int none = 0;
	void *s = zmq_socket(context, ZMQ_DEALER);
	need(s && zmq_curve_keypair(public, secret) == 0);
	zmq_setsockopt(s, ZMQ_CURVE_SERVERKEY, a->server, 41);
	zmq_setsockopt(s, ZMQ_CURVE_PUBLICKEY, member ? a->public : public, 41);
	zmq_setsockopt(s, ZMQ_CURVE_SECRETKEY, member ? a->secret : secret, 41);
	zmq_setsockopt(s, ZMQ_LINGER, &none, sizeof none);
	need(zmq_connect(s, a->endpoint) == 0);
	return s;
}

static void free_nothing(void *data, void *hint)
{
	(void)data;
	(void)hint;
}

/* Sends the same 64 KiB without copying them: thousands of frames cost the attacker nothing. */
static bool send_big(void *socket, int flags)
{
	static uint8_t big[FRAME_MAX_BYTES];
	zmq_msg_t m;
	zmq_msg_init_data(&m, big, sizeof big, free_nothing, NULL);
	bool sent = zmq_msg_send(&m, socket, flags | ZMQ_DONTWAIT) >= 0;
	if (!sent)
		zmq_msg_close(&m);
	return sent;
}

/* A thousand connections that send maximal frames as fast as they are taken. */
static void attack_with_dealers(const struct attack *a, bool member)
{
	static void *dealers[CALLERS];
	void *context = zmq_ctx_new();
	zmq_ctx_set(context, ZMQ_MAX_SOCKETS, 2 * CALLERS);
	uint64_t end = clock_monotonic() + ATTACK_MS;
	for (size_t i = 0; i < CALLERS; i++)
		dealers[i] = dealer_of(context, a, member);
	while (clock_monotonic() < end) {
		for (size_t i = 0; i < CALLERS; i++)
			send_big(dealers[i], 0);
		poll(NULL, 0, 10);
	}
}

/* One connection, one message of ever more parts: libzmq takes them all before it shows any. */
static void attack_with_an_endless_message(const struct attack *a)
{
	void *context = zmq_ctx_new();
	void *dealer = dealer_of(context, a, true);
	for (int i = 0; i < 8000;) /* 500 MiB */
		i += send_big(dealer, i < 7999 ? ZMQ_SNDMORE : 0);
	poll(NULL, 0, ATTACK_MS);
}

static int call_raw(const struct attack *a)
{
	struct sockaddr_in at = {.sin_family = AF_INET,
				 .sin_port = htons(a->port),
				 .sin_addr = {htonl(INADDR_LOOPBACK)}};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	if (fd >= 0)
		connect(fd, (struct sockaddr *)&at, sizeof at);
	return fd;
}

static size_t greet_as(uint8_t out[64], const char *mechanism)
{
	memset(out, 0, 64);
	out[0] = 0xff;
	out[8] = 1;
	out[9] = 0x7f;
	out[10] = 3;
	memcpy(out + 12, mechanism, strlen(mechanism));
	return 64;
}

/* What a raw caller says; `kind` picks the abuse, n grows with the round. */
static size_t abuse(uint8_t *out, size_t size, unsigned kind)
{
	size_t n;
	switch (kind % 8) {
	case 0: /* nothing: half open */
		return 0;
	case 1:
		return greet_as(out, "NULL");
	case 2:
		return greet_as(out, "PLAIN");
	case 3: /* noise */
		n = randombytes_uniform((uint32_t)size);
		randombytes_buf(out, n);
		return n;
	case 4: /* a good greeting, then noise */
		n = greet_as(out, "CURVE");
		randombytes_buf(out + n, size - n);
		return size;
	case 5: /* a command of 64 KiB that never ends */
		n = greet_as(out, "CURVE");
		memcpy(out + n, "\x06\0\0\0\0\0\x01\0\x20\x05HELLO", 15);
		memset(out + n + 15, 0, size - n - 15);
		return size;
	case 6: /* a frame of 2^63 bytes */
		n = greet_as(out, "CURVE");
		memcpy(out + n, "\x06\x7f\xff\xff\xff\xff\xff\xff\xff", 9);
		return n + 9;
	case 7: /* half a greeting, with noise in it */
		n = greet_as(out, "CURVE");
		randombytes_buf(out + 10, 22);
		return 10 + randombytes_uniform(54);
	}
	return 0;
}

/* A thousand sockets without libzmq, each called anew when it was ended. */
static void attack_with_raw_sockets(const struct attack *a)
{
	static int fds[CALLERS];
	static uint8_t said[60000];
	uint64_t end = clock_monotonic() + ATTACK_MS;
	for (unsigned round = 0; clock_monotonic() < end; round++) {
		for (unsigned i = 0; i < CALLERS; i++) {
			struct pollfd p = {.fd = round ? fds[i] : -1, .events = POLLIN};
			char byte;
			if (round && poll(&p, 1, 0) > 0 && recv(fds[i], &byte, 1, 0) <= 0) {
				close(fds[i]);
				fds[i] = -1;
			}
			if (!round || fds[i] < 0) {
				fds[i] = call_raw(a);
				struct pollfd up = {.fd = fds[i], .events = POLLOUT};
				size_t n = abuse(said, sizeof said, i + round);
				if (poll(&up, 1, 100) > 0)
					send(fds[i], said, n, MSG_NOSIGNAL);
			}
		}
	}
}

static int run_attack(char **argv)
{
	struct attack a = {.endpoint = argv[2]};
	const char *kind = argv[1];
	need(sodium_init() >= 0);
	a.port = (uint16_t)atoi(strrchr(a.endpoint, ':') + 1);
	snprintf(a.server, sizeof a.server, "%s", argv[3]);
	snprintf(a.public, sizeof a.public, "%s", argv[4]);
	snprintf(a.secret, sizeof a.secret, "%s", argv[5]);
	if (strcmp(kind, "member") == 0)
		attack_with_dealers(&a, true);
	else if (strcmp(kind, "strangers") == 0)
		attack_with_dealers(&a, false);
	else if (strcmp(kind, "endless") == 0)
		attack_with_an_endless_message(&a);
	else
		attack_with_raw_sockets(&a);
	/* Without the manners of closing: an attacker just goes. */
	_exit(0);
}

/* -- the node ------------------------------------------------------------------------------- */

static struct side national, kp, enemy;
static char enemy_secret[41];

static long rss_kib(void)
{
	char line[256];
	long kib = 0;
	FILE *f = fopen("/proc/self/status", "r");
	need(f);
	while (fgets(line, sizeof line, f))
		if (sscanf(line, "VmRSS: %ld kB", &kib) == 1)
			break;
	fclose(f);
	return kib;
}

static void keep_secret(void *arg, const uint8_t secret[LINK_KEY_BYTES])
{
	zmq_z85_encode(arg, secret, LINK_KEY_BYTES);
}

static pid_t start_attack(const char *kind)
{
	char server[41], public[41];
	zmq_z85_encode(server, identity_public(national.identity)->link, LINK_KEY_BYTES);
	zmq_z85_encode(public, identity_public(enemy.identity)->link, LINK_KEY_BYTES);
	char *argv[] = {"t_hostile", (char *)kind, (char *)link_endpoint(national.link),
			server,      public,       enemy_secret,
			NULL};
	char self[PATH_MAX] = "";
	need(readlink("/proc/self/exe", self, sizeof self - 1) > 0);
	fflush(stdout);
	pid_t pid = fork();
	need(pid >= 0);
	if (pid == 0) {
		execv(self, argv);
		_exit(127);
	}
	return pid;
}

static bool runs(pid_t pid, int *status)
{
	return waitpid(pid, status, WNOHANG) == 0;
}

struct measured {
	uint64_t worst; /* ms, of a frame there and one back */
	unsigned rounds;
	unsigned crowded; /* rounds with more callers than there is room for: until libzmq has let
			     go of those who were ended */
	long rss;         /* KiB, the most */
	uint64_t callers; /* the most */
	bool down;
};

/* One frame from kp to national and one back; also runs the link with the enemy. */
static bool exchange(struct measured *m)
{
	uint64_t start = clock_monotonic();
	bool answered = false;
	need(!link_send(kp.link, &national.id, "ping", 4));
	while (!answered && !m->down && clock_monotonic() - start < ROUND_MAX_MS) {
		wait_for_any();
		run_side(&national);
		run_side(&kp);
		for (size_t i = 0; i < national.kept_count; i++) {
			struct seen *k = &national.kept[i];
			if (k->kind == LINK_FRAME && party_id_equal(&k->peer, &kp.id))
				link_send(national.link, &kp.id, "pong", 4);
			m->down |= k->kind == LINK_DOWN && party_id_equal(&k->peer, &kp.id);
		}
		for (size_t i = 0; i < kp.kept_count; i++) {
			answered |= kp.kept[i].kind == LINK_FRAME;
			m->down |= kp.kept[i].kind == LINK_DOWN;
		}
		national.kept_count = kp.kept_count = 0;
	}
	m->rounds++;
	if (clock_monotonic() - start > m->worst)
		m->worst = clock_monotonic() - start;
	return answered;
}

/* One attack from its beginning to its end, unless the other link suffers from it. */
static bool endures(const char *kind, struct measured *m, int *status)
{
	struct link_counts counts;
	bool all = true;
	pid_t pid = start_attack(kind);
	while (runs(pid, status) && all) {
		all = exchange(m);
		long rss = rss_kib();
		m->rss = rss > m->rss ? rss : m->rss;
		link_count(national.link, &counts);
		m->callers = counts.callers > m->callers ? counts.callers : m->callers;
		m->crowded += counts.callers >= CALLERS / 2;
	}
	if (!all) {
		kill(pid, SIGKILL);
		waitpid(pid, status, 0);
	}
	return all;
}

static void survives(const char *kind)
{
	struct measured m = {0};
	struct link_counts before, after;
	bool all = true;
	int status = -1;
	link_count(national.link, &before);
	for (int i = 0; all && i < ATTACKS_MAX && m.rounds <= ROUNDS_WANTED; i++)
		all = endures(kind, &m, &status);
	link_count(national.link, &after);
	printf("# %s: %u rounds, the worst %" PRIu64 " ms, %ld KiB; %" PRIu64 " admitted, %" PRIu64
	       " strangers, %" PRIu64 " too often, %" PRIu64 " ended\n",
	       kind, m.rounds, m.worst, m.rss, after.admitted - before.admitted,
	       after.strangers - before.strangers, after.too_often - before.too_often,
	       after.ended - before.ended);
	ok(all && !m.down, "the other link kept exchanging frames");
	ok(m.rounds > ROUNDS_WANTED, "many of them");
	ok(!memory_counts || m.rss < RSS_MAX_KIB, "under 128 MiB (%ld KiB)", m.rss);
	ok(2 * m.crowded < m.rounds, "no more connections than there is room for (%" PRIu64 ")",
	   m.callers);
	ok(WIFEXITED(status) && WEXITSTATUS(status) == 0, "the attack went to its end");
}

/* For the attackers. */
static bool may_open_enough(void)
{
	struct rlimit files;
	need(getrlimit(RLIMIT_NOFILE, &files) == 0);
	files.rlim_cur = files.rlim_max;
	return setrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_max >= FILES_WANTED;
}

static void set_up(void)
{
	side_make(&national, "national");
	side_make(&kp, "kp");
	side_make(&enemy, "enemy");
	side_up(&national, "tcp://127.0.0.1:*");
	side_up(&kp, NULL);
	identity_lend_link_secret(enemy.identity, keep_secret, enemy_secret);
	struct link_peer down[] = {as_peer(&kp, NULL), as_peer(&enemy, NULL)};
	struct link_peer up = as_peer(&national, link_endpoint(national.link));
	need(!link_set_peers(national.link, down, 2) && !link_set_peers(kp.link, &up, 1));
	need(sees(&kp, LINK_UP) && !link_send(kp.link, &national.id, "hello", 5) &&
	     sees(&national, LINK_FRAME));
}

static void a_thousand_connections_with_one_good_key_are_borne(void)
{
	survives("member");
}

static void a_thousand_strangers_are_borne(void)
{
	survives("strangers");
}

static void a_thousand_callers_that_are_no_nodes_are_borne(void)
{
	survives("raw");
}

static void a_message_without_end_is_ended(void)
{
	/* The minute of the enemy's key may be used up: to the listener it becomes a new one. */
	struct link_peer only = as_peer(&kp, NULL), both[] = {only, as_peer(&enemy, NULL)};
	need(!link_set_peers(national.link, &only, 1) && !link_set_peers(national.link, both, 2));
	survives("endless");
}

static void everybody_is_gone_afterwards(void)
{
	struct link_counts counts;
	uint64_t start = clock_monotonic();
	do {
		sees_within(&national, LINK_REFUSED, 20);
		link_count(national.link, &counts);
	} while (counts.callers > 1 && clock_monotonic() - start < WAIT_MS);
	is_int(counts.callers, 1, "only kp's connection is left");
	ok(!link_send(kp.link, &national.id, "well", 4) && sees(&national, LINK_FRAME),
	   "and works");
}

int main(int argc, char **argv)
{
	if (argc == 6)
		return run_attack(argv);
	if (!may_open_enough()) {
		printf("1..0 # SKIP no process may open %d files here\n", FILES_WANTED);
		return 0;
	}
	set_up();
	RUN(a_thousand_connections_with_one_good_key_are_borne);
	RUN(a_thousand_strangers_are_borne);
	RUN(a_thousand_callers_that_are_no_nodes_are_borne);
	RUN(a_message_without_end_is_ended);
	RUN(everybody_is_gone_afterwards);
	sides_free();
	return tap_done();
}
