#include "node/link/link_dial.h"

#include <errno.h>
#include <sodium.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "node/link/link_listener.h"
#include "node/link/link_peer.h"
#include "node/loop.h"
#include "node/link/socks.h"
#include "node/link/tcp.h"

enum dial_state {
	DIAL_WAITING,    /* for `due` */
	DIAL_LOOKING_UP, /* the name */
	DIAL_CONNECTING, /* libzmq connects, or is in the handshake */
	DIAL_PROBING,    /* the attempt failed before TCP stood: learning why */
	DIAL_STANDING,
};

struct dial {
	const struct dial_common *common;
	struct ways ways;
	uint8_t key[LINK_KEY_BYTES]; /* that the peer has to have in this attempt */
	enum dial_state state;
	struct tcp_lookup *lookup; /* owned; of an attempt without a proxy */
	struct socks *socks;       /* owned; of one with a proxy */
	void *dealer, *monitor;    /* owned; NULL outside of an attempt */
	int probe;                 /* owned; -1 */
	int fd;                    /* libzmq's, once connected */
	bool connected;            /* TCP stands: what follows is the handshake's */
	uint64_t watched;          /* serial at the gate; 0 */
	uint64_t due;              /* ms, monotonic: retry, next look, or the end of the attempt */
	uint64_t deadline;         /* of the attempt or of the probe */
	uint64_t began;            /* ms, monotonic: the attempt */
	uint64_t now;              /* of the last tick */
	uint64_t up_since;
	unsigned failures; /* in a row, of attempts and of connections that did not last */
	size_t attempts;
	bool news; /* state fell back: dial_next() has to say `what` */
	enum dial_news what;
	enum link_cause cause;
	char text[LINK_TEXT_BYTES];
};

enum err dial_open(struct dial **dial, const struct dial_common *common,
		   const struct link_peer *peer)
{
	struct dial *d = calloc(1, sizeof *d);
	*dial = NULL;
	if (!d)
		return ERR_MEMORY;
	d->common = common;
	d->probe = -1;
	if (ways_set(&d->ways, peer) != ERR_OK) {
		free(d);
		return ERR_MEMORY;
	}
	*dial = d;
	return ERR_OK;
}

/* Gives back everything an attempt has. */
static void end_attempt(struct dial *d)
{
	gate_unwatch(d->common->gate, d->watched);
	d->watched = 0;
	if (d->dealer) {
		zmq_socket_monitor(d->dealer, NULL, 0);
		zmq_close(d->dealer);
	}
	if (d->monitor)
		zmq_close(d->monitor);
	d->dealer = d->monitor = NULL;
	if (d->probe >= 0)
		close(d->probe);
	d->probe = -1;
	tcp_lookup_free(d->lookup);
	d->lookup = NULL;
	socks_close(d->socks);
	d->socks = NULL;
	d->connected = false;
}

void dial_close(struct dial *d)
{
	if (!d)
		return;
	end_attempt(d);
	ways_clear(&d->ways);
	free(d);
}

bool dial_goes_on(const struct dial *d, const struct link_peer *peer)
{
	return d->state != DIAL_STANDING || link_peer_has_key(peer, d->key);
}

enum err dial_change(struct dial *d, const struct link_peer *peer)
{
	enum err e;
	if (link_peer_same_ways(&d->ways.peer, peer))
		return ERR_OK;
	e = ways_set(&d->ways, peer);
	if (e || d->state == DIAL_STANDING)
		return e;
	end_attempt(d);
	d->state = DIAL_WAITING;
	d->due = d->now;
	d->failures = 0;
	return ERR_OK;
}

bool dial_is_up(const struct dial *d)
{
	return d->state == DIAL_STANDING;
}

enum link_cause dial_cause(const struct dial *d)
{
	return d->cause;
}

const char *dial_text(const struct dial *d)
{
	return d->text;
}

/* Doubles with every failure in a row; half of it is chance, so that neighbours do not come back
 * all at once. */
static uint64_t back_off(const struct dial *d)
{
	uint64_t ms = DIAL_RETRY_MAX_MS;
	size_t rounds = d->failures / ways_count(&d->ways);
	if (rounds < 6)
		ms = (uint64_t)DIAL_RETRY_MIN_MS << rounds;
	if (ms > DIAL_RETRY_MAX_MS)
		ms = DIAL_RETRY_MAX_MS;
	return ms / 2 + randombytes_uniform((uint32_t)(ms / 2) + 1);
}

/* The attempt or the connection is over: waits.  An attempt is told of when all ways have failed.
 * One that nobody answered for ten seconds has waited already: so a line that comes back is met by
 * a SYN within four seconds, which is the longest that TCP waits between two of one attempt. */
static void fall_back(struct dial *d, enum link_cause cause)
{
	bool was_up = d->state == DIAL_STANDING;
	uint64_t soon = d->now + DIAL_RETRY_MIN_MS;
	if (was_up && d->now - d->up_since >= DIAL_STABLE_MS)
		d->failures = 0;
	end_attempt(d);
	d->state = DIAL_WAITING;
	d->due = (was_up ? d->now : d->began) + back_off(d);
	d->due = d->due > soon ? d->due : soon;
	d->failures++;
	if (!was_up && !ways_fail(&d->ways, cause == LINK_CAUSE_UNREACHABLE))
		return;
	d->news = true;
	d->what = was_up ? DIAL_DOWN : DIAL_REFUSED;
}

/* Of several ways that fail the words are those of the one that came furthest. */
__attribute__((format(printf, 3, 4))) static void fail(struct dial *d, enum link_cause cause,
						       const char *format, ...)
{
	bool first = d->ways.failed == 0 || d->state == DIAL_STANDING;
	va_list args;
	if (first || (cause != LINK_CAUSE_UNREACHABLE &&
		      (d->cause == LINK_CAUSE_UNREACHABLE || cause == LINK_CAUSE_KEY_REFUSED))) {
		va_start(args, format);
		vsnprintf(d->text, sizeof d->text, format, args);
		va_end(args);
		d->cause = cause;
	}
	fall_back(d, cause);
}

/* -- an attempt ----------------------------------------------------------------------------- */

static bool tune_dealer(struct dial *d, const char *endpoint)
{
	const struct dial_common *c = d->common;
	const uint8_t *public = identity_public(c->identity)->link;
	const int once = -1, immediate = 1, wait = DIAL_CONNECT_MS;
	/* To libzmq the handshake begins with the tunnel, before the proxy has connected. */
	const int handshake = DIAL_HANDSHAKE_MS + (d->socks ? DIAL_CONNECT_MS : 0);
	const int ipv6 = strchr(endpoint, '[') != NULL;
	return socket_tune(d->dealer, c->identity) &&
	       zmq_setsockopt(d->dealer, ZMQ_CURVE_PUBLICKEY, public, LINK_KEY_BYTES) == 0 &&
	       zmq_setsockopt(d->dealer, ZMQ_CURVE_SERVERKEY, d->key, LINK_KEY_BYTES) == 0 &&
	       zmq_setsockopt(d->dealer, ZMQ_IPV6, &ipv6, sizeof ipv6) == 0 &&
	       zmq_setsockopt(d->dealer, ZMQ_IMMEDIATE, &immediate, sizeof immediate) == 0 &&
	       zmq_setsockopt(d->dealer, ZMQ_RECONNECT_IVL, &once, sizeof once) == 0 &&
	       zmq_setsockopt(d->dealer, ZMQ_HANDSHAKE_IVL, &handshake, sizeof handshake) == 0 &&
	       zmq_setsockopt(d->dealer, ZMQ_CONNECT_TIMEOUT, &wait, sizeof wait) == 0;
}

static bool watch_dealer(struct dial *d)
{
	char endpoint[64];
	const int none = 0;
	snprintf(endpoint, sizeof endpoint, "inproc://khabardar.dial.%p", d->dealer);
	if (zmq_socket_monitor(d->dealer, endpoint, ZMQ_EVENT_ALL) != 0)
		return false;
	d->monitor = zmq_socket(d->common->context, ZMQ_PAIR);
	return d->monitor && zmq_setsockopt(d->monitor, ZMQ_LINGER, &none, sizeof none) == 0 &&
	       zmq_setsockopt(d->monitor, ZMQ_RCVHWM, &none, sizeof none) == 0 &&
	       zmq_connect(d->monitor, endpoint) == 0;
}

static void start_connecting(struct dial *d, const char *endpoint)
{
	d->state = DIAL_CONNECTING;
	d->due = d->deadline;
	d->dealer = zmq_socket(d->common->context, ZMQ_DEALER);
	if (!d->dealer || !tune_dealer(d, endpoint) || !watch_dealer(d) ||
	    zmq_connect(d->dealer, endpoint) != 0)
		fail(d, LINK_CAUSE_UNREACHABLE, "cannot dial %s at %s: %s", d->ways.peer.name,
		     endpoint, zmq_strerror(errno));
}

/* Behind a proxy it is the proxy that knows names. */
static void start_tunnel(struct dial *d)
{
	enum err e = socks_open(&d->socks, d->common->proxy, ways_endpoint(&d->ways));
	if (e == ERR_OK)
		start_connecting(d, socks_endpoint(d->socks));
	else
		fail(d, LINK_CAUSE_UNREACHABLE, "cannot dial %s at %s through %s: %s",
		     d->ways.peer.name, ways_endpoint(&d->ways), d->common->proxy, err_str(e));
}

static void start_attempt(struct dial *d)
{
	char host[TCP_HOST_MAX_BYTES + 1], port[TCP_PORT_MAX_BYTES + 1];
	d->began = d->now;
	d->deadline = d->now + DIAL_ATTEMPT_MS;
	d->attempts++;
	memcpy(d->key, ways_key(&d->ways), sizeof d->key);
	if (!ways_endpoint(&d->ways)) {
		fail(d, LINK_CAUSE_UNREACHABLE, "%s has no endpoint that we could dial",
		     d->ways.peer.name);
	} else if (!tcp_split(ways_endpoint(&d->ways), host, port)) {
		fail(d, LINK_CAUSE_UNREACHABLE,
		     "%s: the endpoint \"%s\" is not of the form tcp://host:port",
		     d->ways.peer.name, ways_endpoint(&d->ways));
	} else if (d->common->proxy) {
		start_tunnel(d);
	} else {
		d->state = DIAL_LOOKING_UP;
		d->due = d->now;
		if (tcp_lookup_start(&d->lookup, ways_endpoint(&d->ways)) != ERR_OK)
			fail(d, LINK_CAUSE_UNREACHABLE, "cannot look up %s: out of memory",
			     ways_endpoint(&d->ways));
	}
}

static void look_up(struct dial *d)
{
	size_t count;
	const char *why;
	char endpoint[128];
	if (!tcp_lookup_done(d->lookup, &count, &why)) {
		d->due = d->now + DIAL_LOOK_MS;
		return;
	}
	if (count == 0) {
		fail(d, LINK_CAUSE_UNREACHABLE, "cannot find the host of %s for %s: %s",
		     ways_endpoint(&d->ways), d->ways.peer.name, why);
		return;
	}
	tcp_lookup_endpoint(d->lookup, d->attempts / ways_count(&d->ways), endpoint,
			    sizeof endpoint);
	start_connecting(d, endpoint);
}

/* -- words ---------------------------------------------------------------------------------- */

static void fail_unreachable(struct dial *d, int error)
{
	const char *why = d->socks ? socks_why(d->socks) : NULL;
	if (d->socks)
		fail(d, LINK_CAUSE_UNREACHABLE, "the proxy %s brings no connection to %s at %s: %s",
		     d->common->proxy, d->ways.peer.name, ways_endpoint(&d->ways),
		     why ? why : "it hung up");
	else if (error == ECONNREFUSED)
		fail(d, LINK_CAUSE_UNREACHABLE, "nobody listens at %s (connection refused)",
		     ways_endpoint(&d->ways));
	else
		fail(d, LINK_CAUSE_UNREACHABLE, "%s does not answer (%s)", ways_endpoint(&d->ways),
		     error ? strerror(error) : "the connection failed");
}

/* libzmq tells that TCP could not connect, not why: one more connection of our own does. */
static void start_probe(struct dial *d)
{
	if (!d->lookup) {
		fail_unreachable(d, 0);
		return;
	}
	struct tcp_lookup *lookup = d->lookup;
	d->lookup = NULL;
	end_attempt(d);
	d->lookup = lookup;
	d->state = DIAL_PROBING;
	d->due = d->now;
	d->deadline = d->now + DIAL_PROBE_MS;
	d->probe = tcp_probe(lookup, d->attempts / ways_count(&d->ways));
	if (d->probe < 0)
		fail_unreachable(d, errno);
}

static void look_at_probe(struct dial *d)
{
	int error = tcp_probe_result(d->probe);
	if (error != EINPROGRESS)
		fail_unreachable(d, error);
	else if (d->now >= d->deadline)
		fail_unreachable(d, ETIMEDOUT);
	else
		d->due = d->now + DIAL_LOOK_MS;
}

static void fail_refused(struct dial *d, int status)
{
	if (status == 400)
		fail(d, LINK_CAUSE_KEY_REFUSED, "%s refuses our link key", d->ways.peer.name);
	else
		fail(d, LINK_CAUSE_TOO_OFTEN,
		     "%s does not let us in for now: we came more often than it allows in a minute",
		     d->ways.peer.name);
}

static void fail_too_slow(struct dial *d)
{
	if (d->connected)
		fail(d, LINK_CAUSE_ALIEN, "%s: who answers there does not finish the handshake",
		     ways_endpoint(&d->ways));
	else
		fail_unreachable(d, ETIMEDOUT);
}

/* A CURVE server hangs up on a client that expects another key of it, and on one for which it has
 * no room: the client cannot tell these apart.  With a proxy it may be the proxy that hung up. */
static void fail_hung_up(struct dial *d, int error)
{
	if (d->socks && socks_why(d->socks))
		fail_unreachable(d, 0);
	else if (error == ETIMEDOUT || error == EAGAIN)
		fail_too_slow(d);
	else
		fail(d, LINK_CAUSE_OTHER_KEY,
		     "%s: the node there is not %s: it has another key (or no room for us)",
		     ways_endpoint(&d->ways), d->ways.peer.name);
}

int dial_descriptor(const struct dial *d)
{
	if (d->state != DIAL_STANDING)
		return -1;
	return d->socks ? socks_descriptor(d->socks) : d->fd;
}

static void stand(struct dial *d)
{
	d->state = DIAL_STANDING;
	int fd = dial_descriptor(d);
	d->watched = fd >= 0 ? gate_watch(d->common->gate, fd) : 0;
	d->up_since = d->now;
	d->ways.failed = 0;
	d->due = LOOP_NEVER;
	d->news = true;
	d->what = DIAL_UP;
}

/* -- what the monitor says ------------------------------------------------------------------ */

static void handle_event(struct dial *d, unsigned event, int value)
{
	switch (event) {
	case ZMQ_EVENT_CONNECTED:
		d->connected = true;
		d->fd = value;
		break;
	case ZMQ_EVENT_HANDSHAKE_SUCCEEDED:
		stand(d);
		break;
	case ZMQ_EVENT_HANDSHAKE_FAILED_AUTH:
		fail_refused(d, value);
		break;
	case ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL:
		fail(d, LINK_CAUSE_ALIEN, "%s: who answers there does not speak as a node does",
		     ways_endpoint(&d->ways));
		break;
	case ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL:
		fail_hung_up(d, value);
		break;
	case ZMQ_EVENT_DISCONNECTED:
		if (d->state == DIAL_STANDING)
			fail(d, LINK_CAUSE_LOST, "the connection to %s broke", d->ways.peer.name);
		else
			fail_too_slow(d);
		break;
	case ZMQ_EVENT_CLOSED:
		if (!d->connected)
			start_probe(d);
		break;
	}
}

/* Reads the monitor until there is something to say, or nothing left. */
static void read_monitor(struct dial *d)
{
	while (d->monitor && !d->news) {
		uint8_t head[6];
		uint16_t event;
		int32_t value;
		if (zmq_recv(d->monitor, head, sizeof head, ZMQ_DONTWAIT) != sizeof head)
			return;
		zmq_recv(d->monitor, NULL, 0, 0); /* the endpoint */
		memcpy(&event, head, sizeof event);
		memcpy(&value, head + sizeof event, sizeof value);
		handle_event(d, event, value);
	}
}

/* -- frames --------------------------------------------------------------------------------- */

size_t dial_poll_items(struct dial *d, zmq_pollitem_t *items, size_t max)
{
	if (!d->dealer || max < 2)
		return 0;
	items[0] = (zmq_pollitem_t){.socket = d->dealer, .events = ZMQ_POLLIN};
	items[1] = (zmq_pollitem_t){.socket = d->monitor, .events = ZMQ_POLLIN};
	return 2;
}

/* Before the handshake the monitor first, after it the frames first: the peer's last words come
 * before the news that it hung up. */
enum dial_news dial_next(struct dial *d, zmq_msg_t *frame)
{
	if (!d->news && d->state == DIAL_STANDING &&
	    zmq_msg_recv(frame, d->dealer, ZMQ_DONTWAIT) >= 0) {
		if (!zmq_msg_more(frame)) {
			gate_heard_dialed(d->common->gate, d->watched);
			return DIAL_FRAME;
		}
		fail(d, LINK_CAUSE_ALIEN, "%s sent a message of several frames", d->ways.peer.name);
	}
	if (!d->news)
		read_monitor(d);
	if (!d->news)
		return DIAL_NOTHING;
	d->news = false;
	return d->what;
}

enum err dial_send(struct dial *d, const void *frame, size_t n)
{
	if (d->state != DIAL_STANDING)
		return ERR_NOT_FOUND;
	if (zmq_send(d->dealer, frame, n, ZMQ_DONTWAIT) >= 0)
		return ERR_OK;
	return errno == EAGAIN || errno == EINTR ? ERR_BUSY : ERR_NOT_FOUND;
}

void dial_reset(struct dial *d)
{
	const int moment = DIAL_LEAVING_MS;
	if (d->state != DIAL_STANDING)
		return;
	zmq_setsockopt(d->dealer, ZMQ_LINGER, &moment, sizeof moment);
	fail(d, LINK_CAUSE_ENDED, "we ended the connection to %s", d->ways.peer.name);
}

uint64_t dial_tick(struct dial *d, uint64_t now)
{
	d->now = now;
	if (now < d->due)
		return d->news ? now : d->due;
	switch (d->state) {
	case DIAL_WAITING:
		start_attempt(d);
		break;
	case DIAL_LOOKING_UP:
		if (now >= d->deadline)
			fail_unreachable(d, ETIMEDOUT);
		else
			look_up(d);
		break;
	case DIAL_CONNECTING:
		fail_too_slow(d);
		break;
	case DIAL_PROBING:
		look_at_probe(d);
		break;
	case DIAL_STANDING:
		d->due = LOOP_NEVER;
		break;
	}
	return d->news ? now : d->due;
}
