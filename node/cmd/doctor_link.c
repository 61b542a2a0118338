/* khabar doctor: each link, from the name to the greeting.
 *
 * What the daemon has is asked of it.  A link that is not up, and that this node dials, is walked
 * here step by step, with the same code and keys: the name, TCP, CURVE and the judgement of the
 * peer's ZAP handler.  No frame is sent, so a connection of the daemon's stays. */
#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "node/cmd/doctor.h"
#include "node/link/link.h"
#include "node/link/tcp.h"
#include "node/loop.h"
#include "protocol/admin.h"
#include "protocol/bytes.h"

enum { CONNECT_MS = 5000, HANDSHAKE_MS = 30000, WALKED_MAX = 16, ITEMS_MAX = 16, STEP_BYTES = 64 };

/* One neighbour, and where it is dialed. */
struct walk {
	struct doctor *d;
	const struct party *peer;
	struct link_peer way;
	char endpoints[PEER_ENDPOINTS_MAX][ENDPOINT_MAX_BYTES + 1];
};

static void say_step(const struct walk *w, enum finding finding, const char *step, const char *mend,
		     const char *sentence)
{
	char name[STEP_BYTES];

	snprintf(name, sizeof name, "link %s: %s", w->peer->name, step);
	doctor_say(w->d, finding, name, mend, "%s", sentence);
}

/* ---- where it is ---- */

static void add_endpoint(struct walk *w, const char *endpoint)
{
	char *to;

	for (size_t i = 0; i < w->way.endpoint_count; i++)
		if (strcmp(w->way.endpoints[i], endpoint) == 0)
			return;
	if (w->way.endpoint_count == PEER_ENDPOINTS_MAX || strlen(endpoint) > ENDPOINT_MAX_BYTES)
		return;
	to = w->endpoints[w->way.endpoint_count];
	strcpy(to, endpoint);
	w->way.endpoints[w->way.endpoint_count++] = to;
}

static void add_key(struct walk *w, const char *hex)
{
	if (w->way.key_count < PEER_KEYS_MAX &&
	    hex_decode(w->way.keys[w->way.key_count], LINK_KEY_BYTES, hex))
		w->way.key_count++;
}

/* As the node knows it by its card, or by the topology where nobody can be asked. */
static void way_find(struct walk *w)
{
	struct client *client = &w->d->client;
	const cJSON *endpoint;
	struct text request;
	struct reply reply;
	int code = EXIT_UNREACHABLE;

	w->way = (struct link_peer){.id = w->peer->id, .dial = true};
	strcpy(w->way.name, w->peer->name);
	request_init(&request, "card");
	admin_put_string(&request, "node", w->peer->name);
	if (w->d->running)
		code = client_ask(client, &request, NULL, 0, false, &reply);
	text_clear(&request);
	if (!code) {
		cJSON_ArrayForEach(endpoint,
				   cJSON_GetObjectItemCaseSensitive(reply.json, "endpoints"))
		{
			add_endpoint(w, cJSON_IsString(endpoint) ? endpoint->valuestring : "");
		}
		add_key(w, member_text(reply.json, "link"));
		add_key(w, member_text(reply.json, "link_next"));
		reply_clear(&reply);
	}
	/* The links try it, too, when none of the card's answers. */
	if (w->peer->endpoint)
		add_endpoint(w, w->peer->endpoint);
	if (w->way.key_count == 0)
		memcpy(w->way.keys[w->way.key_count++], w->peer->link_key, LINK_KEY_BYTES);
}

/* ---- name and TCP ---- */

/* 0, or why no connection to that address can be had. */
static int try_address(const struct addrinfo *at)
{
	int fd = socket(at->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	struct pollfd item = {.fd = fd, .events = POLLOUT};
	int error = 0;
	socklen_t n = sizeof error;
	bool begun;

	if (fd < 0)
		return errno;
	begun = connect(fd, at->ai_addr, at->ai_addrlen) == 0 || errno == EINPROGRESS;
	if (begun && poll(&item, 1, CONNECT_MS) <= 0)
		error = ETIMEDOUT;
	else if (!begun || getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &n) != 0)
		error = errno;
	close(fd);
	return error;
}

/* True when one of the addresses of the endpoint takes a connection. */
static bool reach(struct walk *w, const char *endpoint)
{
	const struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
	char host[TCP_HOST_MAX_BYTES + 1], port[TCP_PORT_MAX_BYTES + 1], sentence[512];
	struct addrinfo *found = NULL;
	int error;

	if (!tcp_split(endpoint, host, port))
		return false;
	error = getaddrinfo(host, port, &hints, &found);
	if (error) {
		snprintf(sentence, sizeof sentence, "%s: %s", host, gai_strerror(error));
		say_step(w, FINDING_FAILED, "name",
			 "look at /etc/resolv.conf, or ask them for another endpoint", sentence);
		return false;
	}
	snprintf(sentence, sizeof sentence, "%s is known", host);
	say_step(w, FINDING_OK, "name", NULL, sentence);
	error = ENOENT;
	for (const struct addrinfo *at = found; at && error; at = at->ai_next)
		error = try_address(at);
	freeaddrinfo(found);
	snprintf(sentence, sizeof sentence, "%s: %s", endpoint,
		 error ? strerror(error) : "takes connections");
	say_step(w, error ? FINDING_FAILED : FINDING_OK, "TCP",
		 error == ECONNREFUSED ? "there nothing listens: ask them whether khabardar runs"
		 : error               ? "look at routes and firewalls, here and there"
				       : NULL,
		 sentence);
	return !error;
}

/* ---- CURVE and ZAP ---- */

static void judge(struct walk *w, const struct link_event *event)
{
	switch (event->cause) {
	case LINK_CAUSE_NONE:
		say_step(w, FINDING_OK, "CURVE", NULL, "it has the key that it should have");
		say_step(w, FINDING_OK, "ZAP", NULL, "it lets this node in");
		return;
	case LINK_CAUSE_KEY_REFUSED:
		say_step(w, FINDING_OK, "CURVE", NULL, "it has the key that it should have");
		say_step(w, FINDING_FAILED, "ZAP",
			 "khabar card show --export FILE here, khabar card accept FILE there; else "
			 "ask them whether khabar links has this node in quarantine, or a newer "
			 "topology has left it out",
			 event->text);
		return;
	case LINK_CAUSE_TOO_OFTEN:
		say_step(w, FINDING_FAILED, "ZAP", "wait a minute", event->text);
		return;
	case LINK_CAUSE_OTHER_KEY:
		say_step(w, FINDING_FAILED, "CURVE",
			 "khabar card show --export FILE there, khabar card accept FILE here",
			 event->text);
		return;
	case LINK_CAUSE_ALIEN:
		say_step(w, FINDING_FAILED, "CURVE", "ask them what listens at that port",
			 event->text);
		return;
	case LINK_CAUSE_UNREACHABLE:
	case LINK_CAUSE_LOST:
	case LINK_CAUSE_REPLACED:
	case LINK_CAUSE_ENDED:
		break;
	}
	say_step(w, FINDING_FAILED, "CURVE", "look at khabardar's log there", event->text);
}

/* The next thing that happens to the link; false when nothing does in time. */
static bool wait_event(struct link *link, struct link_event *event)
{
	uint64_t until = clock_monotonic() + HANDSHAKE_MS;

	for (;;) {
		zmq_pollitem_t items[ITEMS_MAX];
		uint64_t now = clock_monotonic(), next = link_tick(link, now);
		size_t n;

		if (link_next(link, event))
			return true;
		if (now >= until)
			return false;
		n = link_poll_items(link, items, ITEMS_MAX);
		next = next > now ? next - now : 0;
		zmq_poll(items, (int)(n < ITEMS_MAX ? n : ITEMS_MAX),
			 (long)(next < 200 ? next : 200));
	}
}

static bool shake_hands(struct walk *w)
{
	const struct party *self = topology_party(w->d->topology, w->d->config->node);
	struct link_options options = {.identity = w->d->identity, .proxy = w->d->config->proxy};
	struct link_event event = {.kind = LINK_REFUSED};
	struct link *link = NULL;
	bool up = false;

	if (!w->d->identity || !self)
		return false;
	options.self = self->id;
	if (link_open(&link, &options, NULL) || link_set_peers(link, &w->way, 1)) {
		say_step(w, FINDING_FAILED, "CURVE", NULL, "no socket can be made");
	} else if (!wait_event(link, &event)) {
		say_step(w, FINDING_FAILED, "CURVE", "look at khabardar's log there",
			 "nothing answers in 30 seconds");
	} else {
		up = event.kind == LINK_UP;
		if (up)
			event.cause = LINK_CAUSE_NONE;
		judge(w, &event);
	}
	if (link)
		link_close(link);
	return up;
}

/* ---- one link ---- */

static const cJSON *link_of(const struct doctor *d, const char *peer)
{
	const cJSON *link;

	cJSON_ArrayForEach(link, cJSON_GetObjectItemCaseSensitive(d->links.json, "lines"))
	{
		if (strcmp(member_text(link, "peer"), peer) == 0)
			return link;
	}
	return NULL;
}

/* The last step is the daemon's: whether the two have greeted each other. */
static void look_at_greeting(const struct walk *w, const cJSON *link)
{
	const char *reason = member_text(link, "reason");
	char sentence[512];

	if (!link) {
		say_step(w, FINDING_WARNING, "HELLO", "start khabardar",
			 "no node runs here that could say it");
	} else if (strcmp(member_text(link, "state"), "up") == 0) {
		snprintf(sentence, sizeof sentence, "up since %.19sZ", member_text(link, "since"));
		say_step(w, FINDING_OK, "HELLO", NULL, sentence);
	} else {
		snprintf(sentence, sizeof sentence, "%s since %.19sZ%s%s",
			 member_text(link, "state"), member_text(link, "since"),
			 *reason ? ": " : "", reason);
		say_step(w, FINDING_FAILED, "HELLO",
			 strcmp(member_text(link, "state"), "quarantined") == 0
				 ? "khabar links release PEER"
				 : "khabar links, in a minute; then look at khabardar's log",
			 sentence);
	}
}

static void walk_dialed(struct walk *w, const cJSON *link)
{
	bool reached = w->d->config->proxy != NULL;

	way_find(w);
	if (w->way.endpoint_count == 0) {
		say_step(w, FINDING_FAILED, "endpoint", "ask them for their card",
			 "it has none, and neither has this node: one of the two must listen");
		return;
	}
	for (size_t i = 0; i < w->way.endpoint_count && !reached; i++)
		reached = reach(w, w->way.endpoints[i]);
	if (reached && shake_hands(w))
		look_at_greeting(w, link);
}

/* It dials this node: here nothing can be tried but one's own port. */
static void walk_dialing(const struct walk *w, const cJSON *link)
{
	char mend[128];

	if (link && strcmp(member_text(link, "state"), "up") == 0) {
		look_at_greeting(w, link);
		return;
	}
	snprintf(mend, sizeof mend, "ask them for: khabar doctor --to %s", w->d->config->node);
	say_step(w, FINDING_FAILED, "waits", mend, "it dials this node, and has not come");
}

/* 0, or why the daemon could not listen there.  What listens at one address of the machine is in
 * the way of who wants all of them. */
static int try_bind(const char *host, const char *port)
{
	const struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE};
	struct addrinfo *at = NULL;
	int one = 1, fd, error = 0;

	if (getaddrinfo(strcmp(host, "*") == 0 ? "0.0.0.0" : host, port, &hints, &at))
		return EADDRNOTAVAIL;
	fd = socket(at->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one) != 0 ||
	    bind(fd, at->ai_addr, at->ai_addrlen) != 0 || listen(fd, 1) != 0)
		error = errno;
	if (fd >= 0)
		close(fd);
	freeaddrinfo(at);
	return error;
}

/* 0, or why nobody could connect to there from this machine. */
static int try_port(const char *host, const char *port)
{
	const struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
	bool any =
		strcmp(host, "*") == 0 || strcmp(host, "0.0.0.0") == 0 || strcmp(host, "::") == 0;
	struct addrinfo *found = NULL;
	int error = getaddrinfo(any ? "localhost" : host, port, &hints, &found) ? EADDRNOTAVAIL
										: ENOENT;

	for (const struct addrinfo *at = found; at && error; at = at->ai_next)
		error = try_address(at);
	if (found)
		freeaddrinfo(found);
	return error;
}

/* One's own port: reached where the node runs, free where it does not. */
static void look_at_port(struct doctor *d)
{
	char host[TCP_HOST_MAX_BYTES + 1], port[TCP_PORT_MAX_BYTES + 1];
	int error;

	if (!d->config->bind) {
		doctor_say(d, FINDING_OK, "port", NULL, "this node only dials, and needs none");
		return;
	}
	if (!tcp_split(d->config->bind, host, port)) {
		snprintf(port, sizeof port, "%.5s", strrchr(d->config->bind, ':') + 1);
		strcpy(host, "*");
	}
	error = d->running ? try_port(host, port) : try_bind(host, port);
	if (!error && d->running)
		doctor_say(d, FINDING_OK, "port", NULL, "%s takes connections", d->config->bind);
	else if (!error)
		doctor_say(d, FINDING_OK, "port", NULL, "%s is free", d->config->bind);
	else if (d->running)
		doctor_say(d, FINDING_FAILED, "port", "look at the firewall of this machine",
			   "%s: %s", d->config->bind, strerror(error));
	else if (error == EADDRINUSE)
		doctor_say(d, FINDING_FAILED, "port", "ss -ltnp says which; stop it",
			   "%s: another program listens there", d->config->bind);
	else
		doctor_say(d, FINDING_FAILED, "port",
			   "khabardar.zpl: bind: an address of this machine", "%s: %s",
			   d->config->bind, strerror(error));
	if (d->running)
		doctor_calls(d, (unsigned)strtoul(port, NULL, 10));
}

void doctor_links(struct doctor *d)
{
	const struct topology *t = d->topology;
	const struct party *self = topology_party(t, d->config->node);
	struct walk *w = calloc(1, sizeof *w);
	size_t walked = 0;
	bool met = false;

	look_at_port(d);
	for (size_t i = 0; w && self && i < t->party_count; i++) {
		const struct party *p = &t->parties[i];
		const cJSON *link = link_of(d, p->name);
		bool up = link && strcmp(member_text(link, "state"), "up") == 0;

		if (p->kind != PARTY_NODE || p->left || topology_link(t, self, p) == LINK_NONE ||
		    (d->to && strcmp(d->to, p->name) != 0))
			continue;
		met = true;
		*w = (struct walk){.d = d, .peer = p};
		if (!topology_dials(t, self, p))
			walk_dialing(w, link);
		else if ((up && !d->to) || walked++ >= WALKED_MAX)
			look_at_greeting(w, link);
		else
			walk_dialed(w, link);
	}
	free(w);
	if (d->to && !met)
		doctor_say(d, FINDING_FAILED, "link", "khabar links names those that there are",
			   "%s is no neighbour of this node", d->to);
}
