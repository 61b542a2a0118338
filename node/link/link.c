#include "node/link/link.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "node/link/line.h"
#include "node/link/link_dial.h"
#include "node/link/link_events.h"
#include "node/link/link_gate.h"
#include "node/link/link_listener.h"
#include "node/link/link_peer.h"
#include "node/loop.h"

enum {
	ROUTE_MAX_BYTES = 255,
	CALLS_PER_ENDINGS = 64,
	BUSY_RETRY_MS = 2, /* a ROUTER does not tell when one peer's pipe has room again */
	SOCKETS_MAX = 4096,
};

/* A peer that dials us has a route while its connection stands, one that we dial has a dial. */
struct peer {
	struct link_peer is;         /* a copy */
	struct dial *dial;           /* owned */
	bool up;                     /* LINK_UP was said, LINK_DOWN was not */
	uint64_t serial;             /* of its connection, at the gate */
	uint8_t key[LINK_KEY_BYTES]; /* under which that stands, when it dialed us */
	uint8_t route[ROUTE_MAX_BYTES];
	size_t route_length;
	struct line line;
};

struct link {
	void *context, *router; /* router: NULL when it only dials */
	struct gate *gate;
	struct dial_common common;
	char *proxy;
	char endpoint[256];
	struct peer **peers;
	size_t count;
	struct link_events events; /* said before any further frame */
	zmq_msg_t frame;           /* lent out, or held until what is pending was said */
	struct peer *frame_from;   /* of a frame held */
	size_t turn;               /* whose turn: 0 the router, then the peers */
	unsigned calls;            /* of link_next() */
	uint64_t retry;            /* ms, monotonic; LOOP_NEVER: nobody waits for room */
};

/* -- events --------------------------------------------------------------------------------- */

__attribute__((format(printf, 5, 6))) static void say(struct link *link, enum link_event_kind kind,
						      const struct peer *peer,
						      enum link_cause cause, const char *format,
						      ...)
{
	va_list args;
	va_start(args, format);
	events_add(&link->events, kind, cause, &peer->is.id, format, args);
	va_end(args);
}

static void say_up(struct link *link, struct peer *peer, int fd)
{
	line_begin(&peer->line, fd, clock_monotonic());
	peer->up = true;
	say(link, LINK_UP, peer, LINK_CAUSE_NONE, "connected with %s", peer->is.name);
}

/* Forgets the connection of a peer and says so. */
__attribute__((format(printf, 4, 5))) static void
say_down(struct link *link, struct peer *peer, enum link_cause cause, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	if (peer->up)
		events_add(&link->events, LINK_DOWN, cause, &peer->is.id, format, args);
	va_end(args);
	peer->up = false;
	peer->serial = 0;
	peer->route_length = 0;
	if (link->frame_from == peer)
		link->frame_from = NULL;
}

static void say_lost(struct link *link, struct peer *peer)
{
	char why[LINK_TEXT_BYTES];
	line_lost(&peer->line, peer->is.name, why, sizeof why);
	say_down(link, peer, LINK_CAUSE_LOST, "%s", why);
}

static struct peer *find_peer(const struct link *link, const struct party_id *id)
{
	for (size_t i = 0; i < link->count; i++)
		if (party_id_equal(&link->peers[i]->is.id, id))
			return link->peers[i];
	return NULL;
}

/* -- opening and closing -------------------------------------------------------------------- */

static enum err open_sockets(struct link *link, const struct link_options *options,
			     struct report *report)
{
	link->context = zmq_ctx_new();
	if (!link->context)
		return ERR_MEMORY;
	zmq_ctx_set(link->context, ZMQ_MAX_SOCKETS, SOCKETS_MAX);
	if (options->bind)
		link->router = listener_make(link->context, options->identity, options->bind);
	if (options->bind && !link->router) {
		report_add(report, "cannot make the listener's socket: %s", zmq_strerror(errno));
		return ERR_IO;
	}
	/* Before anyone can call: libzmq lets every key in as long as nobody answers ZAP. */
	enum err e = gate_open(&link->gate, link->context, link->router);
	if (e) {
		report_add(report, "cannot start the listener's thread");
		return e;
	}
	if (options->bind && zmq_bind(link->router, options->bind) != 0) {
		report_add(report, "cannot listen at %s: %s", options->bind, zmq_strerror(errno));
		return errno == EADDRINUSE ? ERR_BUSY : ERR_IO;
	}
	size_t n = sizeof link->endpoint;
	if (options->bind)
		zmq_getsockopt(link->router, ZMQ_LAST_ENDPOINT, link->endpoint, &n);
	return ERR_OK;
}

enum err link_open(struct link **out, const struct link_options *options, struct report *report)
{
	struct link *link = calloc(1, sizeof *link);
	*out = NULL;
	if (!link)
		return ERR_MEMORY;
	link->retry = LOOP_NEVER;
	zmq_msg_init(&link->frame);
	link->common.identity = options->identity;
	link->proxy = options->proxy ? strdup(options->proxy) : NULL;
	enum err e =
		options->proxy && !link->proxy ? ERR_MEMORY : open_sockets(link, options, report);
	if (e) {
		link_close(link);
		return e;
	}
	link->common.context = link->context;
	link->common.gate = link->gate;
	link->common.proxy = link->proxy;
	*out = link;
	return ERR_OK;
}

static void free_peer(struct peer *peer)
{
	if (!peer)
		return;
	dial_close(peer->dial);
	link_peer_clear(&peer->is);
	free(peer);
}

static void free_peers(struct peer **peers, size_t n)
{
	for (size_t i = 0; peers && i < n; i++)
		free_peer(peers[i]);
	free(peers);
}

void link_close(struct link *link)
{
	if (!link)
		return;
	free_peers(link->peers, link->count);
	if (link->router) {
		zmq_socket_monitor(link->router, NULL, 0);
		zmq_close(link->router);
	}
	gate_close(link->gate);
	zmq_msg_close(&link->frame);
	if (link->context)
		while (zmq_ctx_term(link->context) != 0 && errno == EINTR)
			; /* a signal came meanwhile: it is not over */
	events_clear(&link->events);
	free(link->proxy);
	free(link);
}

const char *link_endpoint(const struct link *link)
{
	return link->router ? link->endpoint : NULL;
}

/* -- peers ---------------------------------------------------------------------------------- */

/* Can what there is with the peer go on under what is said of it now?  SPEC 4.11: "A connection
 * goes on when a card moves an endpoint, and ends when a card takes away the key that it stands
 * under."
 */
static bool peer_goes_on(struct peer *old, const struct link_peer *now)
{
	if (old->is.dial != now->dial)
		return false;
	if (now->dial)
		return dial_goes_on(old->dial, now);
	return !old->up || link_peer_has_key(now, old->key);
}

static enum err make_peer(struct peer **out, const struct link *link, const struct link_peer *from)
{
	struct peer *peer = calloc(1, sizeof *peer);
	*out = peer;
	if (!peer)
		return ERR_MEMORY;
	enum err e = link_peer_copy(&peer->is, from);
	if (!e && from->dial)
		e = dial_open(&peer->dial, &link->common, &peer->is);
	return e;
}

/* Says goodbye to the peers that have no place among the new ones; those that have move over. */
static void move_peers(struct link *link, struct peer **fresh, size_t n)
{
	for (size_t i = 0; i < link->count; i++) {
		struct peer *old = link->peers[i];
		size_t j = 0;
		while (j < n && !party_id_equal(&fresh[j]->is.id, &old->is.id))
			j++;
		if (j < n && peer_goes_on(old, &fresh[j]->is)) {
			/* What is known of the peer is new, what stands is old. */
			struct link_peer is = old->is;
			old->is = fresh[j]->is;
			fresh[j]->is = is;
			if (old->dial)
				(void)dial_change(old->dial, &old->is);
			free_peer(fresh[j]);
			fresh[j] = old;
			continue;
		}
		if (!old->is.dial)
			gate_drop(link->gate, old->serial);
		say_down(link, old, LINK_CAUSE_ENDED,
			 j < n ? "the link key of %s has changed" : "%s is no neighbour any more",
			 old->is.name);
		free_peer(old);
	}
	free(link->peers);
	link->peers = fresh;
	link->count = n;
}

enum err link_set_peers(struct link *link, const struct link_peer *peers, size_t n)
{
	struct peer **fresh = calloc(n ? n : 1, sizeof *fresh);
	uint8_t(*keys)[LINK_KEY_BYTES] = calloc(n ? PEER_KEYS_MAX * n : 1, sizeof *keys);
	size_t key_count = 0;
	enum err e = fresh && keys ? ERR_OK : ERR_MEMORY;
	for (size_t i = 0; i < n && !e; i++) {
		e = make_peer(&fresh[i], link, &peers[i]);
		/* SPEC 7.1: "The listener admits the link keys of the neighbours that dial it, and
		 * no others." */
		for (size_t k = 0; !peers[i].dial && k < peers[i].key_count; k++)
			memcpy(keys[key_count++], peers[i].keys[k], LINK_KEY_BYTES);
	}
	if (!e)
		e = gate_set_keys(link->gate, (const uint8_t(*)[LINK_KEY_BYTES])keys, key_count);
	free(keys);
	if (e) {
		free_peers(fresh, n);
		return e;
	}
	move_peers(link, fresh, n);
	return ERR_OK;
}

/* -- frames that come to the listener ------------------------------------------------------- */

static struct peer *peer_of_frame(const struct link *link, zmq_msg_t *frame,
				  uint8_t key[LINK_KEY_BYTES])
{
	const char *user = zmq_msg_gets(frame, "User-Id");
	if (!user || !hex_decode(key, LINK_KEY_BYTES, user))
		return NULL;
	for (size_t i = 0; i < link->count; i++)
		if (!link->peers[i]->is.dial && link_peer_has_key(&link->peers[i]->is, key))
			return link->peers[i];
	return NULL;
}

static bool is_route(const struct peer *peer, zmq_msg_t *route)
{
	return peer->up && zmq_msg_size(route) == peer->route_length &&
	       memcmp(zmq_msg_data(route), peer->route, peer->route_length) == 0;
}

/* A frame on a connection that is not the peer's own so far: true when it is now. */
static bool adopt(struct link *link, struct peer *peer, zmq_msg_t *route, uint64_t serial,
		  const uint8_t key[LINK_KEY_BYTES])
{
	size_t n = zmq_msg_size(route);
	/* SPEC 7.1: "Only the newest connection of a neighbour is read." */
	if (serial == 0 || serial < peer->serial || n > ROUTE_MAX_BYTES) {
		gate_drop(link->gate, serial);
		return false;
	}
	if (peer->up && peer->serial != serial)
		gate_drop(link->gate, peer->serial);
	say_down(link, peer, LINK_CAUSE_REPLACED, "a newer connection of %s took its place",
		 peer->is.name);
	peer->serial = serial;
	peer->route_length = n;
	memcpy(peer->route, zmq_msg_data(route), n);
	memcpy(peer->key, key, sizeof peer->key);
	say_up(link, peer, zmq_msg_get(&link->frame, ZMQ_SRCFD));
	return true;
}

/* Takes one message of the router; true when there was one.  What is worth hearing becomes the held
 * frame. */
static bool take_routed(struct link *link)
{
	zmq_msg_t route;
	bool whole = false;
	zmq_msg_init(&route);
	bool got = link->router && listener_receive(link->router, &route, &link->frame, &whole);
	if (got) {
		uint64_t serial = gate_heard(link->gate, zmq_msg_get(&link->frame, ZMQ_SRCFD));
		uint8_t key[LINK_KEY_BYTES];
		struct peer *peer = peer_of_frame(link, &link->frame, key);
		if (!peer || !whole) {
			/* SPEC 7.1: "Every frame is judged by the key of its connection" */
			gate_drop(link->gate, serial);
			if (peer && is_route(peer, &route))
				say_down(link, peer, LINK_CAUSE_ALIEN,
					 "%s sent a message of several frames", peer->is.name);
		} else if (is_route(peer, &route) || adopt(link, peer, &route, serial, key)) {
			link->frame_from = peer;
		}
	}
	zmq_msg_close(&route);
	return got;
}

/* The gate says that connections have ended: news for those that were a peer's. */
static void take_endings(struct link *link)
{
	uint64_t serial;
	while (gate_ended(link->gate, &serial))
		for (size_t i = 0; i < link->count; i++)
			if (link->peers[i]->up && link->peers[i]->serial == serial)
				say_lost(link, link->peers[i]);
}

/* -- frames from those that we dial --------------------------------------------------------- */

static bool take_dialed(struct link *link, struct peer *peer)
{
	struct dial *dial = peer->dial;
	switch (dial_next(dial, &link->frame)) {
	case DIAL_NOTHING:
		return false;
	case DIAL_UP:
		say_up(link, peer, dial_descriptor(dial));
		break;
	case DIAL_DOWN:
		if (dial_cause(dial) == LINK_CAUSE_LOST) {
			say_lost(link, peer);
			break;
		}
		say_down(link, peer, dial_cause(dial), "%s", dial_text(dial));
		break;
	case DIAL_REFUSED:
		say(link, LINK_REFUSED, peer, dial_cause(dial), "%s", dial_text(dial));
		break;
	case DIAL_FRAME:
		link->frame_from = peer;
		break;
	}
	return true;
}

/* -- the loop's side ------------------------------------------------------------------------ */

size_t link_poll_items(struct link *link, zmq_pollitem_t *items, size_t max)
{
	size_t n = 0;
	if (n < max)
		items[n++] =
			(zmq_pollitem_t){.socket = gate_socket(link->gate), .events = ZMQ_POLLIN};
	if (link->router && n < max)
		items[n++] = (zmq_pollitem_t){.socket = link->router, .events = ZMQ_POLLIN};
	for (size_t i = 0; i < link->count; i++)
		if (link->peers[i]->dial)
			n += dial_poll_items(link->peers[i]->dial, items + n, max - n);
	return n;
}

/* Lets everyone have a turn until there is something to say; false when nobody has anything. */
static bool take_turns(struct link *link)
{
	for (size_t idle = 0; idle <= link->count;) {
		size_t turn = link->turn++ % (link->count + 1);
		bool got = turn == 0 ? take_routed(link)
				     : link->peers[turn - 1]->dial &&
					       take_dialed(link, link->peers[turn - 1]);
		if (link->frame_from || events_waiting(&link->events))
			return true;
		idle = got ? 0 : idle + 1;
	}
	return false;
}

static bool take_frame(struct link *link, struct link_event *event)
{
	if (!link->frame_from)
		return false;
	*event = (struct link_event){.kind = LINK_FRAME,
				     .peer = link->frame_from->is.id,
				     .frame = zmq_msg_data(&link->frame),
				     .length = zmq_msg_size(&link->frame)};
	link->frame_from = NULL;
	return true;
}

bool link_next(struct link *link, struct link_event *event)
{
	if (events_take(&link->events, event) || take_frame(link, event))
		return true;
	/* Frames before the news that their connection has ended, but not for ever. */
	if (link->calls++ % CALLS_PER_ENDINGS == 0)
		take_endings(link);
	if (!events_waiting(&link->events) && !take_turns(link))
		take_endings(link);
	return events_take(&link->events, event) || take_frame(link, event);
}

/* Whoever sends is to try again then. */
static void retry_in(struct link *link, uint64_t ms)
{
	uint64_t at = clock_monotonic() + ms;
	if (at < link->retry)
		link->retry = at;
}

bool link_has_room(struct link *link, const struct party_id *id)
{
	struct peer *peer = find_peer(link, id);
	uint64_t wait;
	if (!peer || !peer->up || line_has_room(&peer->line, clock_monotonic(), &wait))
		return true;
	retry_in(link, wait);
	return false;
}

bool link_deaf(const struct link *link, const struct party_id *id)
{
	const struct peer *peer = find_peer(link, id);
	return peer && line_deaf(&peer->line);
}

size_t link_piece(const struct link *link, const struct party_id *id)
{
	const struct peer *peer = find_peer(link, id);
	return peer ? backlog_piece(&peer->line.backlog) : FRAME_MAX_BYTES;
}

enum err link_send(struct link *link, const struct party_id *id, const void *frame, size_t n)
{
	struct peer *peer = find_peer(link, id);
	enum err e;
	if (n > FRAME_MAX_BYTES)
		return ERR_LIMIT;
	if (!peer || !peer->up)
		return ERR_NOT_FOUND;
	if (peer->dial)
		e = dial_send(peer->dial, frame, n);
	else
		e = listener_send(link->router, peer->route, peer->route_length, frame, n);
	if (e == ERR_NOT_FOUND && !peer->dial)
		say_lost(link, peer);
	if (e == ERR_BUSY)
		retry_in(link, BUSY_RETRY_MS);
	if (!e)
		line_give(&peer->line, n, clock_monotonic());
	return e;
}

void link_reset(struct link *link, const struct party_id *id)
{
	struct peer *peer = find_peer(link, id);
	if (!peer)
		return;
	if (peer->dial) {
		dial_reset(peer->dial);
	} else {
		gate_drop_soon(link->gate, peer->serial);
		say_down(link, peer, LINK_CAUSE_ENDED, "we ended the connection with %s",
			 peer->is.name);
	}
}

uint64_t link_tick(struct link *link, uint64_t now)
{
	uint64_t next = link->retry;
	if (now >= link->retry)
		link->retry = LOOP_NEVER;
	for (size_t i = 0; i < link->count; i++) {
		struct peer *peer = link->peers[i];
		uint64_t at = peer->dial ? dial_tick(peer->dial, now) : LOOP_NEVER;
		if (at < next)
			next = at;
		at = peer->up ? line_look(&peer->line, now) : LOOP_NEVER;
		if (at < next)
			next = at;
	}
	return events_waiting(&link->events) || link->frame_from ? now : next;
}

void link_count(const struct link *link, struct link_counts *counts)
{
	gate_count(link->gate, counts);
}
