/* The admin socket of a node in this process, among honest clients and others. */
#include <errno.h>
#include <ftw.h>
#include <limits.h>
#include <sodium.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include <zmq.h>

#include "keys/identity.h"
#include "node/admin/ask.h"
#include "protocol/admin.h"
#include "tests/node/running_node.h"

enum { CROWD = 100 };

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
static const bool sanitized = true;
#else
static const bool sanitized = false;
#endif

static struct {
	char base[PATH_MAX / 8], home[PATH_MAX / 4], endpoint[PATH_MAX];
	struct running node;
} lone;

static void start_node(const char *name)
{
	char path[PATH_MAX / 2];
	FILE *config;

	snprintf(lone.home, sizeof lone.home, "%s/%s", lone.base, name);
	need(mkdir(lone.home, 0700) == 0);
	snprintf(path, sizeof path, "%s/node.key", lone.home);
	need(identity_create(path, "punjab", NULL, NULL) == ERR_OK);
	snprintf(path, sizeof path, "%s/khabardar.zpl", lone.home);
	config = fopen(path, "w");
	need(config && fputs("node = punjab\nlog = error\n", config) > 0 && fclose(config) == 0);
	snprintf(path, sizeof path, "%s/run", lone.home);
	need(mkdir(path, 0700) == 0);
	snprintf(path, sizeof path, "%s/run/admin.sock", lone.home);
	snprintf(lone.endpoint, sizeof lone.endpoint, "ipc://%s", path);
	/* As a dead daemon would have left it. */
	config = fopen(path, "w");
	need(config && fclose(config) == 0);
	running_start(&lone.node, lone.home, true);
}

static void stop_node(void)
{
	running_stop(&lone.node);
}

/* The reply to one request; the caller clears it. */
static struct reply reply_to(const char *request, const struct slice *frames, size_t n)
{
	struct report report;
	struct reply reply;
	struct ask *a;

	report_init(&report);
	need(ask_open(&a, lone.home, NULL, NULL, &report) == ERR_OK);
	if (ask(a, request, frames, n, false, &reply, &report) != ERR_OK) {
		printf("Bail out! %s\n", report_first(&report));
		exit(1);
	}
	ask_close(a);
	report_clear(&report);
	return reply;
}

static bool alive(void)
{
	struct reply reply = reply_to("{\"do\":\"status\"}", NULL, 0);
	bool good = reply.ok;

	reply_clear(&reply);
	return good;
}

static void is_refused(const char *request, const struct slice *frames, size_t n, const char *why)
{
	struct reply reply = reply_to(request, frames, n);
	const cJSON *error = cJSON_GetObjectItem(reply.json, "error");
	const char *said = cJSON_GetStringValue(cJSON_GetObjectItem(error, "why"));

	ok(!reply.ok && said && strstr(said, why), "%.60s: %s", request, said ? said : "done");
	reply_clear(&reply);
}

static void status_works_before_the_node_has_joined(void)
{
	struct reply reply = reply_to("{\"do\":\"status\"}", NULL, 0);
	const cJSON *warning = cJSON_GetArrayItem(cJSON_GetObjectItem(reply.json, "warnings"), 0);

	ok(reply.ok, "answered");
	is_str(cJSON_GetStringValue(cJSON_GetObjectItem(reply.json, "node")), "punjab", "its name");
	ok(cJSON_IsNull(cJSON_GetObjectItem(reply.json, "topology")), "no topology");
	ok(warning && strstr(warning->valuestring, "khabar join"), "what to do: %s",
	   warning ? warning->valuestring : "nothing");
	reply_clear(&reply);
}

/* Lines of all pages, of which a slow machine makes many; but for alarms, which are in the audit
 * when they are raised. */
static int lines_of(const char *what)
{
	char request[64];
	const cJSON *line, *next;
	double after = 0;
	int n = 0;

	for (bool more = true; more;) {
		struct reply reply;
		snprintf(request, sizeof request, "{\"do\":\"%s\",\"after\":%.0f}", what, after);
		reply = reply_to(request, NULL, 0);
		need(reply.ok);
		cJSON_ArrayForEach(line, cJSON_GetObjectItem(reply.json, "lines"))
		{
			const char *name = cJSON_GetStringValue(cJSON_GetObjectItem(line, "do"));
			n += !name || strcmp(name, "alarm") != 0;
		}
		next = cJSON_GetObjectItem(reply.json, "next");
		more = cJSON_IsNumber(next);
		after = more ? next->valuedouble : 0;
		reply_clear(&reply);
	}
	return n;
}

static void an_empty_node_lists_nothing_and_knows_nothing(void)
{
	struct reply reply;
	const cJSON *next;

	is_int(lines_of("list"), 0, "no line, no next page");
	reply = reply_to("{\"do\":\"check\",\"values\":[\"192.0.2.1\",\"no value\"]}", NULL, 0);
	/* A machine that is slow has time for one of them only. */
	next = cJSON_GetObjectItem(reply.json, "next");
	is_int(cJSON_GetArraySize(cJSON_GetObjectItem(reply.json, "lines")),
	       cJSON_IsNumber(next) ? 1 : 2, "a line for each value that was looked at");
	reply_clear(&reply);
	reply = reply_to("{\"do\":\"list\",\"watch\":true}", NULL, 0);
	ok(cJSON_IsNumber(cJSON_GetObjectItem(reply.json, "next")), "watch says where to go on");
	reply_clear(&reply);
}

static void wrong_requests_are_refused_in_words(void)
{
	static const char byte = 0;
	const struct slice frame = {&byte, 1};

	is_refused("", NULL, 0, "");
	is_refused("{", NULL, 0, "");
	is_refused("[1,2]", NULL, 0, "\"do\"");
	is_refused("{\"do\":\"dance\"}", NULL, 0, "\"dance\"");
	is_refused("{\"do\":\"status\",\"x\":1}", NULL, 0, "\"x\"");
	is_refused("{\"do\":\"status\"}", &frame, 1, "frames");
	is_refused("{\"do\":\"list\",\"after\":-1}", NULL, 0, "\"after\"");
	is_refused("{\"do\":\"list\",\"node\":\"nobody\"}", NULL, 0, "nobody");
	is_refused("{\"do\":\"list\",\"tlp\":\"blue\"}", NULL, 0, "blue");
	is_refused("{\"do\":\"list\",\"text\":\"\"}", NULL, 0, "text");
	is_refused("{\"do\":\"show\",\"id\":\"abc\"}", NULL, 0, "4 to 64");
	is_refused("{\"do\":\"show\",\"id\":\"abcd\"}", NULL, 0, "no message");
	is_refused("{\"do\":\"show\"}", NULL, 0, "id");
	is_refused("{\"do\":\"verify\"}", &frame, 1, "not a message");
	is_refused("{\"do\":\"verify\"}", NULL, 0, "frame");
	is_refused("{\"do\":\"share\",\"tlp\":\"green\",\"to\":[\"all\"]}", &frame, 1, "joined");
	is_refused("{\"do\":\"who\",\"tlp\":\"green\",\"to\":[\"all\"]}", NULL, 0, "joined");
	is_refused("{\"do\":\"topology\"}", NULL, 0, "joined");
	is_refused("{\"do\":\"accept\"}", NULL, 0, "frame");
	is_refused("{\"do\":\"accept\"}", &frame, 1, "");
	is_refused("{\"do\":\"backup\",\"dir\":\"here\"}", NULL, 0, "absolute");
	ok(alive(), "and the node goes on");
}

static void too_much_of_anything_is_refused(void)
{
	size_t n = ADMIN_BUNDLES_MAX + 10;
	struct slice *frames = calloc(n, sizeof *frames);
	char *request = malloc(ADMIN_REQUEST_MAX_BYTES + 2);

	need(frames && request);
	for (size_t i = 0; i < n; i++)
		frames[i] = (struct slice){"x", 1};
	is_refused("{\"do\":\"share\"}", frames, n, "4,096");
	is_refused("{\"do\":\"status\"}", frames, n, "4,096");
	memset(request, ' ', ADMIN_REQUEST_MAX_BYTES + 1);
	request[ADMIN_REQUEST_MAX_BYTES + 1] = '\0';
	is_refused(request, NULL, 0, "1048576");
	memset(request, '[', 1000);
	request[1000] = '\0';
	is_refused(request, NULL, 0, "");
	free(request);
	free(frames);
	ok(alive(), "and the node goes on");
}

static void *dealer(void *context)
{
	void *socket = zmq_socket(context, ZMQ_DEALER);
	int zero = 0;

	need(socket && zmq_setsockopt(socket, ZMQ_LINGER, &zero, sizeof zero) == 0);
	need(zmq_connect(socket, lone.endpoint) == 0);
	return socket;
}

static void clients_that_vanish_or_never_listen_hold_nobody_up(void)
{
	static const char status[] = "{\"do\":\"status\"}";
	void *context = zmq_ctx_new(), *deaf, *crowd[CROWD];

	deaf = dealer(context);
	for (int i = 0; i < 5000; i++)
		zmq_send(deaf, status, sizeof status - 1, ZMQ_DONTWAIT);
	for (int i = 0; i < CROWD; i++) {
		crowd[i] = dealer(context);
		zmq_send(crowd[i], status, sizeof status - 1, 0);
		zmq_send(crowd[i], status, sizeof status - 1, ZMQ_SNDMORE);
	}
	ok(alive(), "answered among them");
	for (int i = 0; i < CROWD; i++)
		zmq_close(crowd[i]);
	ok(alive(), "and after they have gone");
	zmq_close(deaf);
	zmq_ctx_term(context);
	ok(alive(), "and after all of them have");
}

static void a_frame_beyond_the_bound_ends_the_connection(void)
{
	size_t n = ADMIN_FRAME_MAX_BYTES + 1;
	char *frame = calloc(1, n);
	void *context = zmq_ctx_new(), *socket = dealer(context);
	int wait = 300;
	char reply[64];

	need(frame);
	zmq_setsockopt(socket, ZMQ_RCVTIMEO, &wait, sizeof wait);
	zmq_send(socket, "{\"do\":\"verify\"}", 15, ZMQ_SNDMORE);
	zmq_send(socket, frame, n, 0);
	ok(zmq_recv(socket, reply, sizeof reply, 0) < 0, "no answer");
	zmq_close(socket);
	zmq_ctx_term(context);
	free(frame);
	ok(alive(), "and the node goes on");
}

static void who_does_not_speak_zmtp_is_ignored(void)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fds[CROWD];

	snprintf(address.sun_path, sizeof address.sun_path, "%.100s",
		 lone.endpoint + strlen("ipc://"));
	for (int i = 0; i < CROWD; i++) {
		uint8_t noise[256];
		randombytes_buf(noise, sizeof noise);
		fds[i] = socket(AF_UNIX, SOCK_STREAM, 0);
		need(fds[i] >= 0);
		if (connect(fds[i], (const struct sockaddr *)&address, sizeof address) == 0)
			(void)!send(fds[i], noise, (size_t)i, MSG_NOSIGNAL);
	}
	ok(alive(), "answered among noise and silence");
	for (int i = 0; i < CROWD; i++)
		close(fds[i]);
}

/* Speaks as libzmq does, but for its buffers. */
static int raw_dealer(void)
{
	static const uint8_t greeting[64] = {0xff, 0,    0, 0, 0,   0,   0,   0,
					     1,    0x7f, 3, 1, 'N', 'U', 'L', 'L'};
	static const char ready[] = "\4\34\5READY\13Socket-Type\0\0\0\6DEALER";
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	snprintf(address.sun_path, sizeof address.sun_path, "%.100s",
		 lone.endpoint + strlen("ipc://"));
	need(fd >= 0 && connect(fd, (const struct sockaddr *)&address, sizeof address) == 0);
	need(send(fd, greeting, sizeof greeting, MSG_NOSIGNAL) == sizeof greeting);
	need(send(fd, ready, sizeof ready - 1, MSG_NOSIGNAL) == sizeof ready - 1);
	return fd;
}

/* KiB of this process that nobody else has. */
static unsigned long own_memory(void)
{
	FILE *in = fopen("/proc/self/status", "r");
	unsigned long kib = 0;
	char line[256];

	need(in);
	while (fgets(line, sizeof line, in))
		if (sscanf(line, "RssAnon: %lu", &kib) == 1)
			break;
	fclose(in);
	return kib;
}

static bool send_all(int fd, const void *bytes, size_t n)
{
	const char *at = bytes;

	while (n) {
		ssize_t sent = send(fd, at, n, MSG_NOSIGNAL);
		if (sent <= 0)
			return false;
		at += sent;
		n -= (size_t)sent;
	}
	return true;
}

static void a_request_without_end_is_ended(void)
{
	static uint8_t part[9 + (1 << 20)] = {3, 0, 0, 0, 0, 0, 16}; /* more, long */
	unsigned long before = own_memory(), most = 0, parts = 0;
	const unsigned long bound = ADMIN_FRAMES_MAX_BYTES / (1 << 20);
	int fd = raw_dealer();

	memset(part + 9, 'x', sizeof part - 9);
	need(send_all(fd, "\1\17{\"do\":\"verify\"}", 17));
	while (parts < 4 * bound && send_all(fd, part, sizeof part)) {
		parts++;
		unsigned long now = own_memory();
		most = now > most ? now : most;
	}
	ok(parts > bound && parts < 3 * bound, "after %lu MiB", parts);
	if (sanitized)
		printf("# a sanitizer's memory is not ours\n");
	else
		ok(most < before + (bound + 64) * 1024, "%lu KiB were kept at most", most - before);
	close(fd);
	ok(alive(), "and the node goes on");
}

/* One large request after the other, and small ones beside them. */
static void who_stops_half_way_holds_no_small_request_up(void)
{
	static uint8_t part[9 + (1 << 20)] = {3, 0, 0, 0, 0, 0, 16};
	int fds[20];

	for (size_t i = 0; i < sizeof fds / sizeof *fds; i++) {
		fds[i] = raw_dealer();
		need(send_all(fds[i], "\1\17{\"do\":\"verify\"}", 17));
		(void)!send(fds[i], part, sizeof part, MSG_NOSIGNAL | MSG_DONTWAIT);
	}
	ok(alive(), "answered among %zu that stop half way", sizeof fds / sizeof *fds);
	for (size_t i = 0; i < sizeof fds / sizeof *fds; i++)
		close(fds[i]);
	struct slice frames[2] = {{(char *)part, 100000}, {(char *)part, 100000}};
	is_refused("{\"do\":\"status\"}", frames, 2, "");
}

static void more_than_there_is_room_for_take_turns(void)
{
	int fds[300];

	for (size_t i = 0; i < sizeof fds / sizeof *fds; i++)
		fds[i] = raw_dealer();
	ok(alive(), "answered among 300");
	for (size_t i = 0; i < sizeof fds / sizeof *fds; i++)
		close(fds[i]);
	ok(alive(), "and after them");
}

static void slow_work_is_done_beside_the_rest(void)
{
	char request[PATH_MAX];
	struct reply reply;

	reply = reply_to("{\"do\":\"check-store\"}", NULL, 0);
	ok(reply.ok, "checked: %.200s", reply.text);
	reply_clear(&reply);
	reply = reply_to("{\"do\":\"reindex\"}", NULL, 0);
	ok(reply.ok, "indexed again: %.200s", reply.text);
	reply_clear(&reply);
	snprintf(request, sizeof request, "{\"do\":\"backup\",\"dir\":\"%s/copy\"}", lone.base);
	reply = reply_to(request, NULL, 0);
	ok(reply.ok, "backed up: %.200s", reply.text);
	reply_clear(&reply);
	is_refused(request, NULL, 0, "");
	is_int(lines_of("audit"), 2, "what changed something is in the audit");
}

static void nobody_answers_where_no_node_runs(void)
{
	struct report report;
	struct ask *a;

	report_init(&report);
	ok(ask_open(&a, "/nonexistent", NULL, NULL, &report) != ERR_OK, "no home");
	ok(strstr(report_first(&report), "is khabardar running?") != NULL, "%s",
	   report_first(&report));
	report_clear(&report);
	ok(ask_open(&a, lone.home, NULL, NULL, &report) != ERR_OK, "a node that has stopped");
	ok(strstr(report_first(&report), "run/admin.sock") != NULL, "%s", report_first(&report));
	report_clear(&report);
}

static void a_home_with_a_long_name_is_reached_too(void)
{
	char name[181];

	memset(name, 'h', sizeof name - 1);
	name[sizeof name - 1] = '\0';
	start_node(name);
	ok(strlen(lone.endpoint) > 180, "longer than an address of a Unix socket");
	ok(alive(), "answered");
	stop_node();
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st, (void)type, (void)ftw;
	return remove(path);
}

int main(void)
{
	const char *base = getenv("TMPDIR");

	need(sodium_init() >= 0);
	snprintf(lone.base, sizeof lone.base, "%.300s/khabardar-test-XXXXXX", base ? base : "/tmp");
	need(mkdtemp(lone.base));
	start_node("home");
	RUN(status_works_before_the_node_has_joined);
	RUN(an_empty_node_lists_nothing_and_knows_nothing);
	RUN(wrong_requests_are_refused_in_words);
	RUN(too_much_of_anything_is_refused);
	RUN(clients_that_vanish_or_never_listen_hold_nobody_up);
	RUN(a_frame_beyond_the_bound_ends_the_connection);
	RUN(who_does_not_speak_zmtp_is_ignored);
	RUN(a_request_without_end_is_ended);
	RUN(who_stops_half_way_holds_no_small_request_up);
	RUN(more_than_there_is_room_for_take_turns);
	RUN(slow_work_is_done_beside_the_rest);
	stop_node();
	RUN(nobody_answers_where_no_node_runs);
	RUN(a_home_with_a_long_name_is_reached_too);
	nftw(lone.base, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	return tap_done();
}
