#include "protocol/exchange_state.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct exchange *exchange_new(const struct exchange_options *options,
			      const struct exchange_host *host)
{
	struct exchange *x = calloc(1, sizeof *x);

	if (!x)
		return NULL;
	x->host = *host;
	x->options = *options;
	x->next_save = UINT64_MAX;
	if (!x->options.window_bytes)
		x->options.window_bytes = WINDOW_BYTES;
	if (!x->options.window_messages)
		x->options.window_messages = WINDOW_MESSAGES;
	return x;
}

void exchange_free(struct exchange *x)
{
	if (!x)
		return;
	admit_end(x);
	for (size_t i = 0; i < x->pending_count; i++)
		pending_free(x->pending[i]);
	for (size_t i = 0; i < x->peer_count; i++)
		peer_free(x->peers[i]);
	free(x->pending);
	free(x->arrivals);
	free(x->lsns);
	free(x->peers);
	free(x->allowances);
	free(x);
}

struct peer *peer_find(const struct exchange *x, const struct party_id *id)
{
	for (size_t i = 0; i < x->peer_count; i++) {
		if (party_id_equal(&x->peers[i]->status.id, id))
			return x->peers[i];
	}
	return NULL;
}

void exchange_up(struct exchange *x, const struct party_id *id, struct instant now)
{
	struct peer *p = peer_find(x, id);

	x->now = now;
	if (p)
		peer_greet(p);
}

void exchange_down(struct exchange *x, const struct party_id *id, const char *why,
		   struct instant now)
{
	struct peer *p = peer_find(x, id);

	x->now = now;
	if (!p)
		return;
	session_stop(p->session);
	peer_closed(p);
	if (p->status.state != PEER_DOWN) {
		p->status.state = PEER_DOWN;
		p->status.since = now.wall;
	}
	/* The end of the conversation says more than that of its connection. */
	if (why && !p->status.reason[0])
		snprintf(p->status.reason, sizeof p->status.reason, "%s", why);
}

/* The connection stands, and what the session says of versions and answers holds no more. */
static void not_open(struct peer *p)
{
	if (p->status.state == PEER_OPEN) {
		p->status.state = PEER_CONNECTED;
		p->status.since = p->x->now.wall;
	}
}

static void conversation_ended(struct peer *p, const struct session_event *e)
{
	const struct exchange_host *host = &p->x->host;

	peer_closed(p);
	not_open(p);
	snprintf(p->status.reason, sizeof p->status.reason, "%s", e->text);
	host->ended(host->arg, &p->status.id, e->blame, e->text);
}

static enum err message_arrived(struct peer *p, struct session_event *e)
{
	struct pending *pending = calloc(1, sizeof *pending);

	if (!pending)
		return ERR_MEMORY;
	pending->peer = p;
	pending->from = p->status.id;
	pending->number = e->number;
	pending->conversation = p->conversation;
	pending->bytes = e->data;
	pending->length = e->length;
	e->data = NULL;
	return pause_admit(p, pending);
}

/* SPEC 4.10: "When both ends hold the newest version, the link has done what it was kept for." */
static void former_done(struct peer *p)
{
	const struct exchange_host *host = &p->x->host;

	if (host->former_done)
		host->former_done(host->arg, &p->status.id);
}

static void event_handle(struct peer *p, struct session_event *e)
{
	switch (e->kind) {
	case SESSION_GREETED:
		peer_closed(p);
		not_open(p);
		p->greeted = true;
		p->clock = session_peer_hello(p->session)->clock;
		p->clock_at = p->x->now.mono;
		p->status.clock_ahead = (int64_t)(p->clock - p->x->now.wall);
		floor_begin(p->x);
		peer_store_seen(p);
		break;
	case SESSION_HISTORY_ASKED:
		peer_history_asked(p, &e->version);
		break;
	case SESSION_TOPOLOGY_ASKED:
		peer_topology_asked(p, &e->version);
		break;
	case SESSION_TOPOLOGY:
		peer_topology_offered(p, e);
		break;
	case SESSION_OPENED:
		peer_opened(p);
		suspension_tell(p);
		if (p->status.kind == LINK_FORMER)
			former_done(p);
		break;
	case SESSION_MESSAGE:
		/* Out of memory: not settled, so it comes again in the next conversation. */
		if (message_arrived(p, e) != ERR_OK)
			session_end(p->session, false, "out of memory");
		break;
	case SESSION_RECONCILE:
		reconciler_receive(p->reconciler, (enum frame_type)e->number, e->data, e->length);
		break;
	case SESSION_NOTICE:
		notice_handle(p, (enum frame_type)e->number, e->data, e->length);
		break;
	case SESSION_SETTLED:
		p->settled_rows++;
		p->answered = p->x->now.mono;
		p->status.sent += e->settled == SETTLED_STORED;
		if (e->settled == SETTLED_REFUSED)
			peer_denied(p, e->lsn);
		else if (p->x->host.settled)
			p->x->host.settled(p->x->host.arg, &p->status.id, e->lsn);
		break;
	case SESSION_ENDED:
		conversation_ended(p, e);
		break;
	}
	free(e->data);
}

static void events_take(struct exchange *x, struct peer *p)
{
	struct session_event e;

	/* A new topology may part this very peer: look it up again for each event. */
	struct party_id id = p->status.id;

	while (p && session_next(p->session, &e)) {
		bool topology = e.kind == SESSION_TOPOLOGY;
		event_handle(p, &e);
		if (topology)
			p = peer_find(x, &id);
	}
}

void exchange_receive(struct exchange *x, const struct party_id *id, const uint8_t *frame, size_t n,
		      struct instant now)
{
	struct peer *p = peer_find(x, id);

	x->now = now;
	if (!p)
		return;
	session_receive(p->session, frame, n, now.mono);
	events_take(x, p);
}

void exchange_pieces(struct exchange *x, const struct party_id *id, size_t most)
{
	struct peer *p = peer_find(x, id);

	if (p)
		session_pieces(p->session, most);
}

size_t exchange_output(struct exchange *x, const struct party_id *id, uint8_t *out,
		       struct instant now)
{
	struct peer *p = peer_find(x, id);
	size_t n;

	x->now = now;
	if (!p)
		return 0;
	n = session_output(p->session, out, now.mono);
	if (n == 0) {
		peer_fill(p);
		n = session_output(p->session, out, now.mono);
	}
	events_take(x, p);
	return n;
}

enum err exchange_submit(struct exchange *x, uint8_t *bytes, size_t n, uint64_t ticket)
{
	struct pending *p = calloc(1, sizeof *p);

	if (!p) {
		free(bytes);
		return ERR_MEMORY;
	}
	p->own = true;
	p->from = x->options.self;
	p->ticket = ticket;
	p->bytes = bytes;
	p->length = n;
	return pending_add(x, p);
}

/* Cursors are an optimisation: they are written seldom, in a commit of their own, and never waited
 * for. */
static void cursors_save(struct exchange *x)
{
	const struct store *s = &x->host.store;
	struct cursor c;
	bool any = false;

	x->next_save = UINT64_MAX;
	for (size_t i = 0; i < x->peer_count; i++)
		any |= x->peers[i]->settled_rows > 0;
	if (!any || s->begin(s->self) != ERR_OK)
		return;
	for (size_t i = 0; i < x->peer_count; i++) {
		struct peer *p = x->peers[i];
		/* One that has just ended has forgotten what was not answered for. */
		if (p->settled_rows == 0 || p->status.state != PEER_OPEN ||
		    !session_is_open(p->session))
			continue;
		peer_cursor(p, &c);
		/* So that its author is not told that it has arrived. */
		if (p->passed_own && p->passed_own < c.lsn)
			c.lsn = p->passed_own;
		if (s->put_cursor(s->self, &p->status.id, &c) != ERR_OK) {
			s->abort(s->self);
			return;
		}
		p->settled_rows = 0;
	}
	s->commit(s->self);
}

/* A peer that keeps the connection up and answers for nothing costs us little, but what waits for
 * it does not arrive: somebody must hear of that. */
static void stall_watch(struct peer *p, uint64_t now)
{
	const struct exchange_host *host = &p->x->host;

	if (p->status.state != PEER_OPEN || session_waiting(p->session) == 0) {
		p->answered = now;
	} else if (now - p->answered >= STALL_MS) {
		p->answered = now;
		host->alarm(host->arg, &p->status.id,
			    "has answered for no message in five minutes, though some wait for it");
	}
}

bool exchange_turn(struct exchange *x, struct instant now)
{
	bool more = false;

	x->now = now;
	turns_begin(x);
	for (size_t i = 0; i < x->peer_count; i++) {
		session_tick(x->peers[i]->session, now.mono);
		events_take(x, x->peers[i]);
	}
	floor_raise(x);
	admit(x);
	for (size_t i = 0; i < x->peer_count; i++) {
		events_take(x, x->peers[i]);
		more |= peer_fill(x->peers[i]);
		more |= counter_run(x->peers[i]->counter);
		stall_watch(x->peers[i], now.mono);
		if (x->peers[i]->settled_rows && x->next_save == UINT64_MAX)
			x->next_save = now.mono + CURSOR_SAVE_MS;
	}
	if (now.mono >= x->next_save)
		cursors_save(x);
	return more;
}

uint64_t exchange_deadline(const struct exchange *x)
{
	uint64_t next = x->next_save, rest = turns_deadline(x);

	/* Of what is done in the background the end is waited for. */
	if (rest != UINT64_MAX)
		next = rest < next ? rest : next;
	else if (x->pending_count && !x->keeping && !x->working && x->retry_at < next)
		next = x->retry_at;
	for (size_t i = 0; i < x->peer_count; i++) {
		uint64_t d = session_deadline(x->peers[i]->session);
		uint64_t r = reconciler_deadline(x->peers[i]->reconciler);
		uint64_t c = counter_deadline(x->peers[i]->counter);
		if (d < next)
			next = d;
		if (r < next)
			next = r;
		if (c < next)
			next = c;
	}
	return next;
}

size_t exchange_peer_count(const struct exchange *x)
{
	return x->peer_count;
}

void exchange_peer(const struct exchange *x, size_t i, struct peer_status *out)
{
	const struct peer *p = x->peers[i];

	*out = p->status;
	out->waiting = session_waiting(p->session) + p->live + p->lanes[LANE_BACKFILL].count;
	if (p->status.state == PEER_OPEN && p->scan_next <= p->scan_end)
		out->waiting += p->scan_end - p->scan_next + 1;
	out->paused_count =
		p->status.state == PEER_OPEN ? session_paused_list(p->session, out->paused) : 0;
	out->held = p->held_count;
}

bool exchange_is_storing(const struct exchange *x)
{
	return x->pending_count > 0 && !x->busy_since && x->store_state == ERR_OK;
}

enum err exchange_store_state(const struct exchange *x)
{
	return x->store_state;
}
