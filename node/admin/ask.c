#include "node/admin/ask.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include <zmq.h>

#include "node/home.h"
#include "node/loop.h"

enum { RECONNECT_MS = 50, TICK_MS = 200, PATIENCE_MS = 300 * 1000 };

#define MONITOR_ENDPOINT "inproc://ask"

struct ask {
	char path[PATH_MAX]; /* for people */
	char endpoint[ADMIN_ENDPOINT_BYTES];
	int folder;
	void *context, *socket, *monitor;
	void (*tick)(void *arg);
	void *arg;
};

enum err admin_endpoint(char out[ADMIN_ENDPOINT_BYTES], int *folder, const char *home,
			struct report *report)
{
	char run[PATH_MAX];
	struct sockaddr_un address;

	*folder = -1;
	if (!home_path(run, home, "run")) {
		report_add(report, "%s: the path is too long", home);
		return ERR_IO;
	}
	*folder = open(run, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (*folder < 0) {
		report_add(report, "%s: %s", run, strerror(errno));
		return errno == ENOENT ? ERR_NOT_FOUND : ERR_IO;
	}
	/* A leading @ would mean an abstract address. */
	if (home[0] != '@' && strlen(run) + sizeof "/admin.sock" <= sizeof address.sun_path)
		snprintf(out, ADMIN_ENDPOINT_BYTES, "ipc://%s/admin.sock", run);
	else
		snprintf(out, ADMIN_ENDPOINT_BYTES, "ipc:///proc/self/fd/%d/admin.sock", *folder);
	return ERR_OK;
}

/* 0 when somebody listens there, EAGAIN when too many wait to be let in, or why not. */
static int knock(const char *endpoint, int flags)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | flags, 0);
	int failure = 0;

	snprintf(address.sun_path, sizeof address.sun_path, "%.*s",
		 (int)sizeof address.sun_path - 1, endpoint + strlen("ipc://"));
	if (fd < 0 || connect(fd, (const struct sockaddr *)&address, sizeof address) != 0)
		failure = errno;
	if (fd >= 0)
		close(fd);
	return failure;
}

/* libzmq would go on trying without a word, so the first call is made by hand. */
static enum err probe(const char *path, const char *endpoint, struct report *report)
{
	int failure = knock(endpoint, 0);

	if (!failure)
		return ERR_OK;
	if (failure == ENOENT || failure == ECONNREFUSED)
		report_add(report, "nobody answers at %s: is khabardar running?", path);
	else
		report_add(report, "%s: %s", path, strerror(failure));
	return ERR_IO;
}

static bool set_int(void *socket, int option, int value)
{
	return zmq_setsockopt(socket, option, &value, sizeof value) == 0;
}

static bool connect_socket(struct ask *a)
{
	a->context = zmq_ctx_new();
	a->socket = a->context ? zmq_socket(a->context, ZMQ_DEALER) : NULL;
	a->monitor = a->socket ? zmq_socket(a->context, ZMQ_PAIR) : NULL;
	return a->monitor && set_int(a->socket, ZMQ_LINGER, 0) &&
	       set_int(a->monitor, ZMQ_LINGER, 0) &&
	       set_int(a->socket, ZMQ_RECONNECT_IVL, RECONNECT_MS) &&
	       zmq_socket_monitor(a->socket, MONITOR_ENDPOINT,
				  ZMQ_EVENT_DISCONNECTED | ZMQ_EVENT_CLOSED) == 0 &&
	       zmq_connect(a->monitor, MONITOR_ENDPOINT) == 0 &&
	       zmq_connect(a->socket, a->endpoint) == 0;
}

enum err ask_open(struct ask **ask, const char *home, void (*tick)(void *arg), void *arg,
		  struct report *report)
{
	struct ask *a = calloc(1, sizeof *a);
	struct report why;
	enum err e;

	*ask = NULL;
	if (!a)
		return ERR_MEMORY;
	a->folder = -1;
	a->tick = tick;
	a->arg = arg;
	report_init(&why);
	if (!home_path(a->path, home, "run/admin.sock"))
		snprintf(a->path, sizeof a->path, "%.4000s", home);
	e = admin_endpoint(a->endpoint, &a->folder, home, &why);
	if (e == ERR_NOT_FOUND)
		report_add(report, "nobody answers at %s: is khabardar running?", a->path);
	else if (e)
		report_add(report, "%s", report_first(&why));
	else
		e = probe(a->path, a->endpoint, report);
	if (!e && !connect_socket(a)) {
		report_add(report, "%s: %s", a->path, zmq_strerror(zmq_errno()));
		e = ERR_IO;
	}
	report_clear(&why);
	if (e)
		ask_close(a);
	else
		*ask = a;
	return e;
}

void ask_close(struct ask *a)
{
	if (!a)
		return;
	if (a->monitor)
		zmq_close(a->monitor);
	if (a->socket)
		zmq_close(a->socket);
	if (a->context)
		while (zmq_ctx_term(a->context) != 0 && errno == EINTR)
			; /* a signal came meanwhile: it is not over */
	if (a->folder >= 0)
		close(a->folder);
	free(a);
}

/* A connection that was lost while nothing was asked is made again by libzmq, without a word. */
static void forget_losses(struct ask *a)
{
	uint8_t part[64];

	while (zmq_recv(a->monitor, part, sizeof part, ZMQ_DONTWAIT) >= 0)
		;
}

static bool send_all(struct ask *a, const char *request, const struct slice *frames, size_t n)
{
	if (zmq_send(a->socket, request, strlen(request), n ? ZMQ_SNDMORE : 0) < 0)
		return false;
	for (size_t i = 0; i < n; i++)
		if (zmq_send(a->socket, frames[i].at, frames[i].length,
			     i + 1 < n ? ZMQ_SNDMORE : 0) < 0)
			return false;
	return true;
}

/* An attempt that found the queue full is repeated by libzmq; a connection that stood and is gone
 * took the request along. True for the latter, and when nobody listens any more. */
static bool gone(struct ask *a)
{
	uint8_t event[6];
	char where[8];
	uint16_t kind = 0;
	int failure;

	if (zmq_recv(a->monitor, event, sizeof event, ZMQ_DONTWAIT) >= (int)sizeof kind)
		memcpy(&kind, event, sizeof kind);
	zmq_recv(a->monitor, where, sizeof where, ZMQ_DONTWAIT);
	if (kind == ZMQ_EVENT_DISCONNECTED)
		return true;
	failure = knock(a->endpoint, SOCK_NONBLOCK);
	return failure && failure != EAGAIN;
}

/* True when a reply is there to be received. */
static bool wait_reply(struct ask *a, bool for_ever, struct report *report)
{
	uint64_t end = clock_monotonic() + PATIENCE_MS;
	zmq_pollitem_t items[] = {{a->socket, 0, ZMQ_POLLIN, 0}, {a->monitor, 0, ZMQ_POLLIN, 0}};

	for (;;) {
		int n = zmq_poll(items, 2, TICK_MS);
		if (n < 0 && zmq_errno() != EINTR)
			break;
		if (n > 0 && items[0].revents)
			return true;
		if (n > 0 && items[1].revents && gone(a)) {
			report_add(report,
				   "%s: the node went away before it answered; what was asked may "
				   "or may not have been done",
				   a->path);
			return false;
		}
		if (a->tick)
			a->tick(a->arg);
		if (!for_ever && clock_monotonic() >= end)
			break;
	}
	report_add(report, "%s: the node does not answer", a->path);
	return false;
}

/* The next frame with a NUL behind it; NULL when memory is short. */
static char *take_frame(struct ask *a, size_t *n, bool *more)
{
	zmq_msg_t msg;
	char *out = NULL;

	zmq_msg_init(&msg);
	if (zmq_msg_recv(&msg, a->socket, 0) >= 0) {
		*n = zmq_msg_size(&msg);
		*more = zmq_msg_more(&msg);
		out = malloc(*n + 1);
	}
	if (out) {
		memcpy(out, zmq_msg_data(&msg), *n);
		out[*n] = '\0';
	}
	zmq_msg_close(&msg);
	return out;
}

static enum err take_reply(struct ask *a, struct reply *reply, struct report *report)
{
	bool more = false, framed;

	reply->text = take_frame(a, &reply->length, &more);
	framed = reply->text && more;
	if (framed)
		reply->frame = (uint8_t *)take_frame(a, &reply->frame_length, &more);
	if (!reply->text || more || (framed && !reply->frame))
		return ERR_MEMORY;
	if (json_parse(&reply->json, reply->text, reply->length, report) ||
	    !cJSON_IsObject(reply->json))
		return ERR_FORMAT;
	reply->ok = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(reply->json, "ok"));
	return ERR_OK;
}

enum err ask(struct ask *a, const char *request, const struct slice *frames, size_t frame_count,
	     bool for_ever, struct reply *reply, struct report *report)
{
	enum err e;

	*reply = (struct reply){0};
	forget_losses(a);
	if (!send_all(a, request, frames, frame_count)) {
		report_add(report, "%s: %s", a->path, zmq_strerror(zmq_errno()));
		return ERR_IO;
	}
	if (!wait_reply(a, for_ever, report))
		return ERR_IO;
	e = take_reply(a, reply, report);
	if (!e)
		return ERR_OK;
	report_add(report, "%s: the reply cannot be read: %s", a->path, err_str(e));
	reply_clear(reply);
	return ERR_IO;
}

void reply_clear(struct reply *reply)
{
	cJSON_Delete(reply->json);
	free(reply->text);
	free(reply->frame);
	*reply = (struct reply){0};
}
