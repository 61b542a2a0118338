#include "node/admin/clients.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "node/limits.h"
#include "node/loop.h"

enum {
	SOCKET_MODE = 0666, /* who may do what is asked of every request, not of the file */
	BACKLOG = 100,
	CLIENTS_MAX = 256,
	READS_A_TURN = 64,
	DROPPED_AT_ONCE = 64 << 10,
	HANDSHAKE_MS = 10 * 1000,
	STALL_MS = 30 * 1000,      /* of a large request, or of a reply that is not taken */
	LARGE_MS = 10 * 60 * 1000, /* that one may take, so that others get their turn */
	LOOK_MS = 1000,            /* at deadlines, while there are any */
};

struct client {
	int fd;
	uint64_t id;
	struct caller caller;
	struct zmtp in;
	bool gone;
	bool asks;            /* a request is complete and not answered */
	bool taken;           /* clients_next() has given it out */
	bool waits;           /* a large request is to begin, when there is room for it */
	uint64_t late;        /* mono ms of its last step, */
	uint64_t since;       /* of its coming, and */
	uint64_t large_since; /* of the beginning of its large request */
	uint8_t *out;         /* owned; what of a reply is not sent yet; NULL: none */
	size_t out_length, out_sent;
};

struct clients {
	int listener;
	struct sockaddr_un address;
	bool (*may_be_large)(void *arg, const struct caller *caller);
	void *arg;
	struct client *list[CLIENTS_MAX]; /* owned */
	size_t count, next, most;
	struct client *large; /* whose large request is being read or answered */
	uint64_t ids;
	bool full; /* no descriptors are left */
	struct pollfd polled[CLIENTS_MAX + 2];
	uint8_t dropped[DROPPED_AT_ONCE];
};

/* ---- sending ---- */

static void flush(struct client *cl)
{
	while (cl->out) {
		ssize_t n = send(cl->fd, cl->out + cl->out_sent, cl->out_length - cl->out_sent,
				 MSG_DONTWAIT | MSG_NOSIGNAL);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			cl->gone |= errno != EAGAIN && errno != EWOULDBLOCK;
			return;
		}
		cl->late = clock_monotonic();
		cl->out_sent += (size_t)n;
		if (cl->out_sent < cl->out_length)
			continue;
		free(cl->out);
		cl->out = NULL;
	}
}

/* Words of the protocol: there is always room for them, unless somebody asks and does not listen.
 */
static void say_short(struct client *cl, const uint8_t *bytes, size_t n)
{
	ssize_t sent = send(cl->fd, bytes, n, MSG_DONTWAIT | MSG_NOSIGNAL);

	cl->gone |= sent != (ssize_t)n;
}

/* ---- coming and going ---- */

static void client_free(struct clients *c, size_t i)
{
	struct client *cl = c->list[i];

	close(cl->fd);
	if (c->large == cl)
		c->large = NULL;
	zmtp_clear(&cl->in);
	free(cl->out);
	free(cl);
	c->list[i] = c->list[--c->count];
	c->full = false;
}

/* Makes room: of the user who has most connections, the one that has said nothing for longest. */
static bool evict_one(struct clients *c)
{
	size_t worst = c->count, most = 0;

	for (size_t i = 0; i < c->count; i++) {
		size_t same = 0;
		if (c->list[i]->taken)
			continue;
		for (size_t k = 0; k < c->count; k++)
			same += c->list[k]->caller.uid == c->list[i]->caller.uid;
		if (same < most ||
		    (same == most && worst < c->count && c->list[i]->late >= c->list[worst]->late))
			continue;
		most = same;
		worst = i;
	}
	if (worst == c->count)
		return false;
	client_free(c, worst);
	return true;
}

static void client_add(struct clients *c, int fd)
{
	struct ucred who;
	socklen_t n = sizeof who;
	struct client *cl = calloc(1, sizeof *cl);
	uint8_t greeting[ZMTP_GREETING_BYTES];

	if (!cl || getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &n) != 0 ||
	    (c->count == c->most && !evict_one(c))) {
		free(cl);
		close(fd);
		return;
	}
	cl->fd = fd;
	cl->id = ++c->ids;
	cl->caller = (struct caller){.uid = who.uid, .gid = who.gid, .pid = who.pid};
	cl->late = cl->since = clock_monotonic();
	zmtp_init(&cl->in);
	c->list[c->count++] = cl;
	say_short(cl, greeting, zmtp_greeting(greeting));
}

static void accept_all(struct clients *c)
{
	for (int i = 0; i < BACKLOG; i++) {
		int fd = accept4(c->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
		if (fd >= 0) {
			client_add(c, fd);
			continue;
		}
		if (errno == EINTR || errno == ECONNABORTED)
			continue;
		/* Until somebody leaves, they wait in the queue. */
		c->full = errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS;
		return;
	}
}

/* ---- receiving ---- */

static void turn_taken(struct clients *c, struct client *cl, enum zmtp_turn turn);

/* A large request begins: one at a time is kept, and none of whom nothing is taken anyway. */
static void admit_large(struct clients *c, struct client *cl)
{
	bool keep = c->may_be_large(c->arg, &cl->caller);

	cl->waits = keep && c->large && c->large != cl;
	if (cl->waits)
		return;
	if (keep)
		c->large = cl;
	cl->late = cl->large_since = clock_monotonic();
	turn_taken(c, cl, zmtp_admit(&cl->in, keep));
}

static void turn_taken(struct clients *c, struct client *cl, enum zmtp_turn turn)
{
	uint8_t words[ZMTP_COMMAND_MAX_BYTES];

	switch (turn) {
	case ZMTP_GO_ON:
		break;
	case ZMTP_GREETED:
		say_short(cl, words, zmtp_ready(words));
		break;
	case ZMTP_PING:
		say_short(cl, words, zmtp_pong(&cl->in, words));
		break;
	case ZMTP_LARGE:
		admit_large(c, cl);
		break;
	case ZMTP_REQUEST:
		cl->asks = true;
		break;
	case ZMTP_BROKEN:
		cl->gone = true;
		break;
	}
}

static bool reads(const struct client *cl)
{
	return !cl->gone && !cl->asks && !cl->waits && !cl->out;
}

static void read_client(struct clients *c, struct client *cl)
{
	for (int i = 0; i < READS_A_TURN && reads(cl); i++) {
		uint8_t *at;
		size_t n = zmtp_space(&cl->in, &at);
		ssize_t got;
		if (!at) {
			at = c->dropped;
			n = n < sizeof c->dropped ? n : sizeof c->dropped;
		}
		got = recv(cl->fd, at, n, MSG_DONTWAIT);
		if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR))
			return;
		if (got <= 0) {
			cl->gone = true;
			return;
		}
		cl->late = clock_monotonic();
		turn_taken(c, cl, zmtp_filled(&cl->in, (size_t)got));
	}
}

/* ---- turns ---- */

/* Has it let a deadline pass?  Whoever is connected and silent may be. */
static bool overdue(const struct clients *c, const struct client *cl, uint64_t now)
{
	/* SPEC 9.1: "A client has 10 seconds for its handshake." */
	if (!cl->in.ready)
		return now - cl->since > HANDSHAKE_MS;
	if (c->large == cl && !cl->asks && now - cl->large_since > LARGE_MS)
		return true;
	return (cl->out || (c->large == cl && !cl->asks)) && now - cl->late > STALL_MS;
}

static bool has_deadline(const struct clients *c, const struct client *cl)
{
	return !cl->in.ready || cl->out || c->large == cl;
}

static void sweep(struct clients *c)
{
	uint64_t now = clock_monotonic();

	for (size_t i = c->count; i > 0; i--) {
		struct client *cl = c->list[i - 1];
		/* What is being answered is borrowed until it is. */
		if (!cl->taken && (cl->gone || overdue(c, cl, now)))
			client_free(c, i - 1);
	}
	for (size_t i = 0; i < c->count && !c->large; i++)
		if (c->list[i]->waits)
			admit_large(c, c->list[i]);
}

void clients_wait(struct clients *c, int wake)
{
	size_t n;
	bool deadline = c->full;

	sweep(c);
	n = c->count;
	for (size_t i = 0; i < n; i++) {
		const struct client *cl = c->list[i];
		short events = (short)((reads(cl) ? POLLIN : 0) | (cl->out ? POLLOUT : 0));
		/* One that has gone while it is answered says so until the answer is there. */
		c->polled[i] = (struct pollfd){.fd = cl->gone ? -1 : cl->fd, .events = events};
		deadline |= has_deadline(c, cl);
	}
	c->polled[n] = (struct pollfd){.fd = wake, .events = POLLIN};
	c->polled[n + 1] = (struct pollfd){.fd = c->full ? -1 : c->listener, .events = POLLIN};
	if (poll(c->polled, n + 2, deadline ? LOOK_MS : -1) <= 0) {
		c->full = false;
		return;
	}
	for (size_t i = 0; i < n; i++) {
		struct client *cl = c->list[i];
		short events = c->polled[i].revents;
		if (events & POLLOUT)
			flush(cl);
		if (events & POLLIN)
			read_client(c, cl);
		else if (events & (POLLHUP | POLLERR | POLLNVAL))
			cl->gone = true;
	}
	if (c->polled[n + 1].revents)
		accept_all(c);
}

bool clients_next(struct clients *c, struct client_request *out)
{
	for (size_t i = 0; i < c->count; i++) {
		struct client *cl = c->list[(c->next + i) % c->count];
		if (!cl->asks || cl->taken || cl->gone)
			continue;
		c->next = (c->next + i + 1) % c->count;
		cl->taken = true;
		*out = (struct client_request){.client = cl->id,
					       .caller = cl->caller,
					       .text = (const char *)cl->in.text,
					       .text_length = cl->in.text_length,
					       .frames = cl->in.frames,
					       .frame_count = cl->in.frame_count,
					       .refused = cl->in.refused,
					       .large = c->large == cl};
		return true;
	}
	return false;
}

static uint8_t *put(uint8_t *at, const struct slice *s, bool more)
{
	at += zmtp_head(at, s->length, more);
	if (s->length)
		memcpy(at, s->at, s->length);
	return at + s->length;
}

void clients_reply(struct clients *c, uint64_t client, const struct slice *text,
		   const struct slice *frame)
{
	size_t room = text->length + (frame ? frame->length : 0) + 2 * ZMTP_HEAD_BYTES;
	struct client *cl = NULL;
	uint8_t *end;

	for (size_t i = 0; i < c->count && !cl; i++)
		if (c->list[i]->id == client)
			cl = c->list[i];
	if (!cl)
		return;
	cl->asks = cl->taken = false;
	zmtp_next(&cl->in);
	if (c->large == cl)
		c->large = NULL;
	cl->out = malloc(room);
	cl->gone |= !cl->out;
	if (cl->gone)
		return;
	end = put(cl->out, text, frame != NULL);
	if (frame)
		end = put(end, frame, false);
	cl->out_length = (size_t)(end - cl->out);
	cl->out_sent = 0;
	cl->late = clock_monotonic();
	flush(cl);
}

/* ---- opening and closing ---- */

enum err clients_open(struct clients **clients, const char *path,
		      bool (*may_be_large)(void *arg, const struct caller *caller), void *arg,
		      struct report *report)
{
	struct clients *c = calloc(1, sizeof *c);
	const struct sockaddr *address;

	*clients = NULL;
	if (!c)
		return ERR_MEMORY;
	c->may_be_large = may_be_large;
	c->arg = arg;
	c->most = limits_share(CLIENTS_MAX);
	c->address.sun_family = AF_UNIX;
	snprintf(c->address.sun_path, sizeof c->address.sun_path, "%s", path);
	address = (const struct sockaddr *)&c->address;
	c->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	/* The log's lock says that there is no other daemon: whatever lies there is dead. */
	if (c->listener < 0 || (unlink(path) != 0 && errno != ENOENT) ||
	    bind(c->listener, address, sizeof c->address) != 0 || chmod(path, SOCKET_MODE) != 0 ||
	    listen(c->listener, BACKLOG) != 0) {
		report_add(report, "%s", strerror(errno));
		clients_close(c);
		return ERR_IO;
	}
	*clients = c;
	return ERR_OK;
}

void clients_close(struct clients *c)
{
	if (!c)
		return;
	while (c->count)
		client_free(c, c->count - 1);
	if (c->listener >= 0) {
		close(c->listener);
		unlink(c->address.sun_path);
	}
	free(c);
}
