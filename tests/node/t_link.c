#include "node/link/link.h"
#include "node/link/zap.h"

#include <arpa/inet.h>
#include <poll.h>
#include <pthread.h>
#include <sys/socket.h>

#include "tests/node/links.h"

/* Brings two sides to where both know that the link is up. */
static bool greet(struct side *dialer, struct side *listener)
{
	return sees(dialer, LINK_UP) && from(listener) &&
	       !link_send(dialer->link, &listener->id, "hello", 5) && sees(listener, LINK_UP) &&
	       from(dialer) && sees(listener, LINK_FRAME) && strcmp(seen.frame, "hello") == 0;
}

static void make_pair(struct side *dialer, struct side *listener)
{
	side_make(dialer, "kp");
	side_make(listener, "national");
	side_up(dialer, NULL);
	side_up(listener, "tcp://127.0.0.1:*");
	join(dialer, listener);
}

static void frames_pass_both_ways_once_the_link_is_up(void)
{
	struct side a, b;
	static char big[FRAME_MAX_BYTES + 1];
	make_pair(&a, &b);
	ok(greet(&a, &b), "up at both ends, then the first frame");
	ok(!link_send(b.link, &a.id, "welcome", 7) && sees(&a, LINK_FRAME) && from(&b),
	   "an answer goes back");
	is_str(seen.frame, "welcome", "as it was sent");
	memset(big, 'x', sizeof big);
	ok(!link_send(a.link, &b.id, big, FRAME_MAX_BYTES) && sees(&b, LINK_FRAME), "64 KiB pass");
	is_int(seen.length, FRAME_MAX_BYTES, "whole");
	is_int(link_send(a.link, &b.id, big, sizeof big), ERR_LIMIT, "a byte more is not sent");
	ok(!link_send(a.link, &b.id, "", 0) && sees(&b, LINK_FRAME), "an empty frame passes");
	is_int(seen.length, 0, "empty");
	is_int(link_send(a.link, &a.id, "x", 1), ERR_NOT_FOUND, "nobody is their own peer");
	sides_free();
}

static void a_listener_that_starts_again_is_dialed_again(void)
{
	struct side a, b;
	char endpoint[64];
	make_pair(&a, &b);
	ok(greet(&a, &b), "up");
	snprintf(endpoint, sizeof endpoint, "%s", link_endpoint(b.link));
	side_down(&b);
	ok(sees(&a, LINK_DOWN) && from(&b), "the dialer sees it go: %s", seen.text);
	is_int(seen.cause, LINK_CAUSE_LOST, "as lost");
	is_int(link_send(a.link, &b.id, "x", 1), ERR_NOT_FOUND, "nothing can be sent");
	ok(sees(&a, LINK_REFUSED), "dialing fails meanwhile");
	is_int(seen.cause, LINK_CAUSE_UNREACHABLE, "as unreachable");
	char words[128];
	snprintf(words, sizeof words, "nobody listens at %s (connection refused)", endpoint);
	is_str(seen.text, words, "in words");
	side_up(&b, endpoint);
	struct link_peer down = as_peer(&a, NULL);
	need(!link_set_peers(b.link, &down, 1));
	ok(greet(&a, &b), "up again");
	sides_free();
}

static void a_dialer_that_goes_is_missed(void)
{
	struct side a, b;
	make_pair(&a, &b);
	ok(greet(&a, &b), "up");
	need(!link_send(a.link, &b.id, "last words", 10));
	/* libzmq has them on the wire before it is closed once they were taken from the pipe. */
	ok(sees(&b, LINK_FRAME), "last words arrive");
	side_down(&a);
	ok(sees(&b, LINK_DOWN) && from(&a), "the listener sees it go: %s", seen.text);
	is_int(link_send(b.link, &a.id, "x", 1), ERR_NOT_FOUND, "nothing can be sent");
	sides_free();
}

static void a_key_that_is_not_known_is_refused_in_words_until_it_is(void)
{
	struct side a, b;
	make_pair(&a, &b);
	need(!link_set_peers(b.link, NULL, 0));
	ok(sees(&a, LINK_REFUSED) && from(&b), "refused");
	is_int(seen.cause, LINK_CAUSE_KEY_REFUSED, "for its key");
	is_str(seen.text, "national refuses our link key", "in words");
	struct link_counts counts;
	link_count(b.link, &counts);
	ok(counts.strangers >= 1 && counts.admitted == 0, "counted as a stranger");
	struct link_peer down = as_peer(&a, NULL);
	need(!link_set_peers(b.link, &down, 1));
	ok(greet(&a, &b), "let in once the key is known");
	sides_free();
}

static void a_server_with_another_key_is_named(void)
{
	struct side a, b, c;
	make_pair(&a, &b);
	side_make(&c, "punjab");
	struct link_peer up = as_peer(&c, link_endpoint(b.link));
	need(!link_set_peers(a.link, &up, 1));
	ok(sees(&a, LINK_REFUSED) && from(&c), "refused");
	is_int(seen.cause, LINK_CAUSE_OTHER_KEY, "for its key");
	ok(strstr(seen.text, "the node there is not punjab: it has another key"), "%s", seen.text);
	sides_free();
}

static void names_that_do_not_exist_are_told(void)
{
	struct side a, b;
	side_make(&a, "kp");
	side_make(&b, "national");
	side_up(&a, NULL);
	struct link_peer up = as_peer(&b, "tcp://no-such-host.invalid:5601");
	need(!link_set_peers(a.link, &up, 1));
	ok(sees(&a, LINK_REFUSED), "refused");
	is_int(seen.cause, LINK_CAUSE_UNREACHABLE, "as unreachable");
	ok(strncmp(seen.text,
		   "cannot find the host of tcp://no-such-host.invalid:5601 for national: ", 70) ==
		   0,
	   "%s", seen.text);
	static const char *const wrong[] = {
		"ipc:///tmp/x",      "tcp://127.0.0.1",       "tcp://:5",
		"tcp://127.0.0.1:0", "tcp://127.0.0.1:65536", ""};
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
		up = as_peer(&b, wrong[i]);
		need(!link_set_peers(a.link, &up, 1));
		ok(sees(&a, LINK_REFUSED) && strstr(seen.text, "is not of the form"), "%s",
		   seen.text);
	}
	up = as_peer(&b, NULL);
	up.dial = true;
	need(!link_set_peers(a.link, &up, 1));
	ok(sees(&a, LINK_REFUSED), "%s", seen.text);
	sides_free();
}

/* A TCP server with a thread of its own. */
struct server {
	int fd;
	const char *says;
	pthread_t thread;
	char endpoint[64];
};

/* Says one thing to everyone and reads nothing. */
static void *run_parrot(void *arg)
{
	struct server *p = arg;
	int last = -1;
	for (;;) {
		int fd = accept(p->fd, NULL, NULL);
		if (last >= 0)
			close(last);
		last = fd;
		if (fd < 0)
			return NULL;
		if (send(fd, p->says, strlen(p->says), MSG_NOSIGNAL) < 0)
			printf("# the parrot was not heard\n");
	}
}

/* Moves bytes both ways until one end closes. */
static void relay(int a, int b)
{
	char buffer[4096];
	struct pollfd p[2] = {{.fd = a, .events = POLLIN}, {.fd = b, .events = POLLIN}};
	while (poll(p, 2, -1) > 0)
		for (int i = 0; i < 2; i++) {
			ssize_t n = p[i].revents ? recv(p[i].fd, buffer, sizeof buffer, 0) : 1;
			if (n <= 0)
				return;
			if (p[i].revents)
				send(p[1 - i].fd, buffer, (size_t)n, MSG_NOSIGNAL);
		}
}

/* A SOCKS 5 proxy for one connection at a time, which it makes to the endpoint in `says`. */
static void *run_proxy(void *arg)
{
	struct server *p = arg;
	const char *colon = strrchr(p->says, ':');
	struct sockaddr_in to = {.sin_family = AF_INET,
				 .sin_port = htons((uint16_t)atoi(colon + 1)),
				 .sin_addr = {htonl(INADDR_LOOPBACK)}};
	for (int fd; (fd = accept(p->fd, NULL, NULL)) >= 0; close(fd)) {
		uint8_t in[300];
		int out = socket(AF_INET, SOCK_STREAM, 0);
		if (recv(fd, in, sizeof in, 0) >= 3 && in[0] == 5 && send(fd, "\5\0", 2, 0) == 2 &&
		    recv(fd, in, sizeof in, 0) >= 7 && in[1] == 1 &&
		    connect(out, (struct sockaddr *)&to, sizeof to) == 0 &&
		    send(fd, "\5\0\0\1\0\0\0\0\0\0", 10, 0) == 10)
			relay(fd, out);
		close(out);
	}
	return NULL;
}

static void server_start(struct server *p, const char *says, void *(*run)(void *))
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
	socklen_t n = sizeof at;
	p->says = says;
	p->fd = socket(AF_INET, SOCK_STREAM, 0);
	need(p->fd >= 0 && bind(p->fd, (struct sockaddr *)&at, sizeof at) == 0 &&
	     listen(p->fd, 10) == 0 && getsockname(p->fd, (struct sockaddr *)&at, &n) == 0);
	snprintf(p->endpoint, sizeof p->endpoint, "tcp://127.0.0.1:%u", ntohs(at.sin_port));
	need(pthread_create(&p->thread, NULL, run, p) == 0);
}

static void server_stop(struct server *p)
{
	shutdown(p->fd, SHUT_RDWR);
	pthread_join(p->thread, NULL);
	close(p->fd);
}

static void what_is_no_node_is_told(void)
{
	static const char *const says[] = {"HTTP/1.1 400 Bad Request\r\nServer: x\r\n\r\n",
					   "SSH-2.0-OpenSSH_9.2p1 Debian-2+deb12u3\r\n"};
	struct server p[2];
	struct side a, b[2];
	struct link_peer up[2];
	side_make(&a, "kp");
	side_up(&a, NULL);
	for (size_t i = 0; i < 2; i++) {
		server_start(&p[i], says[i], run_parrot);
		side_make(&b[i], i ? "national" : "punjab");
		up[i] = as_peer(&b[i], p[i].endpoint);
	}
	need(!link_set_peers(a.link, up, 2));
	for (size_t i = 0; i < 2; i++) {
		ok(sees(&a, LINK_REFUSED), "%s", seen.text);
		is_int(seen.cause, LINK_CAUSE_ALIEN, "not a node");
	}
	sides_free();
	for (size_t i = 0; i < 2; i++)
		server_stop(&p[i]);
}

static void a_key_that_changes_ends_the_connection_of_the_old_one(void)
{
	struct side a, b, c, d;
	make_pair(&a, &b);
	side_make(&c, "punjab");
	side_up(&c, NULL);
	side_make(&d, "kp"); /* the same party with a new key */
	struct link_peer both[] = {as_peer(&a, NULL), as_peer(&c, NULL)};
	struct link_peer up = as_peer(&b, link_endpoint(b.link));
	need(!link_set_peers(b.link, both, 2) && !link_set_peers(c.link, &up, 1));
	ok(greet(&a, &b), "kp is up");
	ok(greet(&c, &b), "punjab is up");
	both[0] = as_peer(&d, NULL);
	need(!link_set_peers(b.link, both, 2));
	ok(sees(&b, LINK_DOWN) && from(&a), "down at the listener at once: %s", seen.text);
	is_int(seen.cause, LINK_CAUSE_ENDED, "ended by us");
	ok(sees(&a, LINK_DOWN), "down at the old key's end");
	ok(sees(&a, LINK_REFUSED), "and refused from then on: %s", seen.text);
	is_int(seen.cause, LINK_CAUSE_KEY_REFUSED, "for its key");
	ok(!link_send(c.link, &b.id, "still here", 10) && sees(&b, LINK_FRAME) && from(&c),
	   "the other peer's connection stayed");
	side_up(&d, NULL);
	need(!link_set_peers(d.link, &up, 1));
	ok(greet(&d, &b), "the new key is let in");
	sides_free();
}

static void a_newer_connection_takes_the_place_of_the_older(void)
{
	struct side a, b, again;
	make_pair(&a, &b);
	ok(greet(&a, &b), "up");
	/* The same identity dials a second time, as after a crash that nobody noticed. */
	again = a;
	need(!link_set_peers(b.link, (struct link_peer[]){as_peer(&a, NULL)}, 1));
	side_up(&again, NULL);
	sides[side_count++] = &again;
	struct link_peer up = as_peer(&b, link_endpoint(b.link));
	need(!link_set_peers(again.link, &up, 1) && sees(&again, LINK_UP));
	need(!link_send(again.link, &b.id, "newer", 5));
	ok(sees(&b, LINK_DOWN), "the older goes down");
	is_int(seen.cause, LINK_CAUSE_REPLACED, "replaced");
	ok(sees(&b, LINK_UP) && sees(&b, LINK_FRAME), "the newer comes up");
	is_str(seen.frame, "newer", "with its frame");
	ok(sees(&a, LINK_DOWN), "the older connection is ended");
	side_down(&a);
	ok(!link_send(b.link, &a.id, "you", 3) && sees(&again, LINK_FRAME),
	   "frames go to the newer");
	side_down(&again);
	side_count--; /* its identity is a's */
	sides_free();
}

static void a_key_that_comes_too_often_is_refused(void)
{
	struct side a, b;
	make_pair(&a, &b);
	need(sees(&a, LINK_UP));
	/* Each as a process that has just been started, without the back-off of the one before. */
	for (int i = 1; i <= ZAP_HANDSHAKES_MAX; i++) {
		struct side again = a;
		struct link_peer up = as_peer(&b, link_endpoint(b.link));
		side_up(&again, NULL);
		need(!link_set_peers(again.link, &up, 1));
		sides[side_count++] = &again;
		if (i < ZAP_HANDSHAKES_MAX) {
			need(sees(&again, LINK_UP));
		} else {
			ok(sees(&again, LINK_REFUSED), "one too many is refused: %s", seen.text);
			is_int(seen.cause, LINK_CAUSE_TOO_OFTEN, "for coming too often");
		}
		side_count--;
		side_down(&again);
	}
	struct link_counts counts;
	link_count(b.link, &counts);
	is_int(counts.admitted, ZAP_HANDSHAKES_MAX, "as many as may were admitted");
	ok(counts.too_often >= 1, "the others counted");
	sides_free();
}

static void a_reset_ends_the_connection_at_either_end(void)
{
	struct side a, b;
	make_pair(&a, &b);
	ok(greet(&a, &b), "up");
	need(!link_send(b.link, &a.id, "why", 3));
	link_reset(b.link, &a.id);
	ok(sees(&b, LINK_DOWN), "down where it was reset: %s", seen.text);
	is_int(seen.cause, LINK_CAUSE_ENDED, "ended by us");
	ok(sees(&a, LINK_FRAME) && strcmp(seen.frame, "why") == 0, "what was said last is heard");
	ok(sees(&a, LINK_DOWN), "down at the other end");
	ok(greet(&a, &b), "up again");
	need(!link_send(a.link, &b.id, "why", 3));
	link_reset(a.link, &b.id);
	ok(sees(&a, LINK_DOWN), "down where it was reset");
	ok(sees(&b, LINK_FRAME) && strcmp(seen.frame, "why") == 0, "what was said last is heard");
	ok(sees(&b, LINK_DOWN), "down at the other end");
	ok(greet(&a, &b), "up again");
	sides_free();
}

static void a_peer_that_does_not_read_is_busy_and_bounded(void)
{
	struct side a, b;
	static char frame[FRAME_MAX_BYTES];
	make_pair(&a, &b);
	ok(greet(&a, &b), "up");
	enum err e = ERR_OK;
	size_t sent = 0;
	/* The kernel's buffers take some megabytes before the pipes fill, and the I/O thread a
	 * moment. */
	uint64_t start = clock_monotonic(), progress = start, asked = 0;
	while (sent < 4000 && clock_monotonic() - progress < 200) {
		e = link_send(b.link, &a.id, frame, sizeof frame);
		sent += e == ERR_OK;
		if (e == ERR_OK)
			progress = clock_monotonic();
		else
			asked = link_tick(b.link, progress) - progress;
	}
	is_int(e, ERR_BUSY, "busy in the end, after %zu frames", sent);
	ok(asked <= 10, "and the loop is told to come back within milliseconds");
	size_t got = 0;
	while (got < sent && sees(&a, LINK_FRAME))
		got++;
	is_int(got, sent, "whatever was sent arrives");
	ok(!link_send(b.link, &a.id, "after", 5) && sees(&a, LINK_FRAME), "and then more");
	sides_free();
}

static void a_proxy_is_dialed_through(void)
{
	struct side a, b;
	struct server p;
	side_make(&a, "kp");
	side_make(&b, "national");
	side_up(&b, "tcp://127.0.0.1:*");
	server_start(&p, link_endpoint(b.link), run_proxy);
	side_up_through(&a, NULL, strchr(p.endpoint, '/') + 2);
	struct link_peer up = as_peer(&b, "tcp://national.example.invalid:5601"),
			 down = as_peer(&a, NULL);
	need(!link_set_peers(a.link, &up, 1) && !link_set_peers(b.link, &down, 1));
	ok(greet(&a, &b), "up, to a name that only the proxy knows");
	side_down(&a);
	server_stop(&p);
	side_up_through(&a, NULL, strchr(p.endpoint, '/') + 2);
	need(!link_set_peers(a.link, &up, 1));
	ok(sees(&a, LINK_REFUSED) && strncmp(seen.text, "the proxy 127.0.0.1:", 20) == 0, "%s",
	   seen.text);
	sides_free();
}

static void a_proxy_that_is_none_or_wants_a_password_is_told(void)
{
	static const char *const says[] = {"HTTP/1.1 400 Bad Request\r\n\r\n", "\5\377"};
	static const char *const words[] = {"it does not speak SOCKS 5", "it wants a password"};
	for (size_t i = 0; i < 2; i++) {
		struct side a, b;
		struct server p;
		server_start(&p, says[i], run_parrot);
		side_make(&a, "kp");
		side_make(&b, "national");
		side_up_through(&a, NULL, strchr(p.endpoint, '/') + 2);
		struct link_peer up = as_peer(&b, "tcp://10.1.2.3:5601");
		need(!link_set_peers(a.link, &up, 1));
		ok(sees(&a, LINK_REFUSED) && strstr(seen.text, words[i]), "%s", seen.text);
		is_int(seen.cause, LINK_CAUSE_UNREACHABLE, "unreachable");
		sides_free();
		server_stop(&p);
	}
}

static void a_busy_main_thread_delays_no_handshake(void)
{
	struct side a, b;
	make_pair(&a, &b);
	/* Nobody runs the listener's side. */
	sides[0] = &a;
	side_count = 1;
	ok(sees(&a, LINK_UP), "up all the same");
	sides[side_count++] = &b;
	sides_free();
}

static void a_port_in_use_is_told(void)
{
	struct side a, b;
	struct report report;
	side_make(&a, "kp");
	side_make(&b, "national");
	side_up(&a, "tcp://127.0.0.1:*");
	report_init(&report);
	struct link_options options = {.identity = b.identity, .bind = link_endpoint(a.link)};
	is_int(link_open(&b.link, &options, &report), ERR_BUSY, "%s", report_first(&report));
	ok(b.link == NULL && strstr(report_first(&report), link_endpoint(a.link)), "named");
	report_clear(&report);
	sides_free();
}

int main(void)
{
	RUN(frames_pass_both_ways_once_the_link_is_up);
	RUN(a_listener_that_starts_again_is_dialed_again);
	RUN(a_dialer_that_goes_is_missed);
	RUN(a_key_that_is_not_known_is_refused_in_words_until_it_is);
	RUN(a_server_with_another_key_is_named);
	RUN(names_that_do_not_exist_are_told);
	RUN(what_is_no_node_is_told);
	RUN(a_key_that_changes_ends_the_connection_of_the_old_one);
	RUN(a_newer_connection_takes_the_place_of_the_older);
	RUN(a_key_that_comes_too_often_is_refused);
	RUN(a_reset_ends_the_connection_at_either_end);
	RUN(a_peer_that_does_not_read_is_busy_and_bounded);
	RUN(a_proxy_is_dialed_through);
	RUN(a_proxy_that_is_none_or_wants_a_password_is_told);
	RUN(a_busy_main_thread_delays_no_handshake);
	RUN(a_port_in_use_is_told);
	return tap_done();
}
