/* Time, links, and a node as the host of its exchange. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "protocol/chain.h"
#include "tests/sim/scale_state.h"

enum {
	START_MS = 1000, /* of the monotonic clock */
	WALL_HOURS = 495000,
	AHEAD = 20 * 1000, /* us of frames that a line is given at once */
	FRAMES_AT_ONCE = 8,
	TURNS_MAX = 100,
};

/* ---- the order of events ---- */

static bool earlier(const struct event *a, const struct event *b)
{
	return a->due != b->due ? a->due < b->due : a->order < b->order;
}

void event_schedule(struct scale_world *w, const struct event *e)
{
	size_t at = w->event_count++;

	if (at == w->event_size) {
		w->event_size = w->event_size ? 2 * w->event_size : 1024;
		w->events = realloc(w->events, w->event_size * sizeof *w->events);
		if (!w->events)
			abort();
	}
	w->events[at] = *e;
	w->events[at].order = w->orders++;
	while (at > 0 && earlier(&w->events[at], &w->events[(at - 1) / 2])) {
		struct event swap = w->events[at];
		w->events[at] = w->events[(at - 1) / 2];
		w->events[(at - 1) / 2] = swap;
		at = (at - 1) / 2;
	}
}

static struct event event_take(struct scale_world *w)
{
	struct event first = w->events[0], last = w->events[--w->event_count];
	size_t at = 0;

	for (;;) {
		size_t child = 2 * at + 1;
		if (child >= w->event_count)
			break;
		if (child + 1 < w->event_count && earlier(&w->events[child + 1], &w->events[child]))
			child++;
		if (!earlier(&w->events[child], &last))
			break;
		w->events[at] = w->events[child];
		at = child;
	}
	w->events[at] = last;
	return first;
}

void events_clear(struct scale_world *w)
{
	for (size_t i = 0; i < w->event_count; i++)
		free(w->events[i].frame);
	free(w->events);
	w->events = NULL;
	w->event_count = w->event_size = 0;
}

static struct instant instant_of(const struct scale_world *w)
{
	return (struct instant){.mono = START_MS + w->now / 1000,
				.wall = (uint64_t)WALL_HOURS * 3600 * 1000 + w->now / 1000};
}

void turn_ask(struct member *m, uint64_t at)
{
	if (at < m->world->now)
		at = m->world->now;
	if (at >= m->turn_at)
		return;
	m->turn_at = at;
	event_schedule(m->world,
		       &(struct event){.due = at, .kind = EVENT_TURN, .member = m->index});
}

/* ---- what the exchange asks of its host ---- */

static void host_random(void *arg, void *out, size_t n)
{
	struct member *m = arg;
	uint8_t *b = out;

	for (size_t i = 0; i < n; i++)
		b[i] = (uint8_t)scale_draw(m->world);
}

static enum err host_topology_offered(void *arg, const uint8_t *file, size_t n, struct report *r)
{
	(void)file, (void)n, (void)r;
	scale_broken(((struct member *)arg)->world, arg, "was offered a topology");
	return ERR_FORMAT;
}

static enum err host_topology_file(void *arg, uint32_t version, const uint8_t **file, size_t *n)
{
	(void)arg, (void)version, (void)file, (void)n;
	return ERR_NOT_FOUND;
}

static void host_stored(void *arg, uint64_t lsn, const struct arrival *a)
{
	struct member *m = arg;
	struct scale_world *w = m->world;
	const struct party *from = topology_party_by_id(w->topology, &a->from);
	struct saying *s = &w->sayings[scale_pool_find(w->pool, &a->id)];
	uint8_t *hops = &s->hops[m->index];

	(void)lsn;
	m->stored++;
	if (party_id_equal(&a->from, &m->id)) {
		*hops = 1;
		return;
	}
	if (*hops != 0)
		scale_broken(w, m,
			     *hops == HOPS_NONE ? "stores what it does not carry"
						: "stores a message twice");
	*hops = (uint8_t)(s->hops[w->member_of[topology_index(w->topology, from)]] + 1);
	if (m->lacking && --m->lacking == 0)
		m->level_at = w->now;
	if (w->day)
		s->last = w->now;
	if (w->day && s->of_the_day) {
		unsigned n = *hops - 1u;
		w->result->hops[n < SCALE_HOPS_MAX ? n : SCALE_HOPS_MAX]++;
		w->result->deliveries++;
		w->result->delivered_bytes += s->bytes;
	}
}

static void host_submitted(void *arg, uint64_t ticket, const struct message_id *id, enum err e)
{
	(void)ticket, (void)id;
	if (e)
		scale_broken(((struct member *)arg)->world, arg, "cannot say what it wants to");
}

static void host_ended(void *arg, const struct party_id *peer, bool blame, const char *why)
{
	(void)peer, (void)blame;
	scale_broken(((struct member *)arg)->world, arg, why);
}

static void host_alarm(void *arg, const struct party_id *peer, const char *text)
{
	(void)peer;
	scale_broken(((struct member *)arg)->world, arg, text);
}

void member_boot(struct member *m)
{
	struct scale_world *w = m->world;
	struct exchange_options options = {.self = m->id, .software = "scale"};
	struct exchange_host host = {.store = scale_store_interface(m->store),
				     .chain = &w->chain,
				     .arg = m,
				     .random = host_random,
				     .topology_offered = host_topology_offered,
				     .topology_file = host_topology_file,
				     .stored = host_stored,
				     .submitted = host_submitted,
				     .ended = host_ended,
				     .alarm = host_alarm};

	m->exchange = exchange_new(&options, &host);
	if (!m->exchange || exchange_topology_changed(m->exchange, instant_of(w)) != ERR_OK)
		abort();
	m->incarnation = scale_draw(w);
	m->sequence = 0;
	m->turn_at = UINT64_MAX;
	/* Neighbours do not all come up in the same moment. */
	for (size_t i = 0; i < m->link_count; i++) {
		struct connection *c = m->links[i];
		if (w->members[c->a].exchange && w->members[c->b].exchange)
			event_schedule(w, &(struct event){.due = w->now + scale_below(w, SECOND),
							  .kind = EVENT_CONNECT,
							  .link = c});
	}
}

void member_stop(struct member *m)
{
	struct scale_world *w = m->world;

	exchange_free(m->exchange);
	m->exchange = NULL;
	for (size_t i = 0; i < m->link_count; i++) {
		struct connection *c = m->links[i];
		struct member *other = &w->members[c->a == m->index ? c->b : c->a];
		if (c->up && other->exchange)
			exchange_down(other->exchange, &m->id, "it has stopped", instant_of(w));
		c->up = false;
		c->epoch++;
	}
}

static void link_up(struct scale_world *w, struct connection *c)
{
	struct member *a = &w->members[c->a], *b = &w->members[c->b];

	if (c->up || !a->exchange || !b->exchange)
		return;
	c->up = true;
	c->latest[0] = c->latest[1] = 0;
	exchange_up(a->exchange, &b->id, instant_of(w));
	exchange_up(b->exchange, &a->id, instant_of(w));
	turn_ask(a, w->now);
	turn_ask(b, w->now);
}

/* ---- frames ---- */

static void account(struct scale_account *a, const uint8_t *frame, size_t n)
{
	a->frames++;
	a->bytes += n;
	switch ((enum frame_type)frame[0]) {
	case FRAME_PUSH:
		a->push_bytes += n;
		/* The first piece: offset 0. */
		a->pushes += memcmp(frame + FRAME_HEAD_BYTES + 8, "\0\0\0", 4) == 0;
		break;
	case FRAME_HAVE:
	case FRAME_ACK:
	case FRAME_NAK:
	case FRAME_CREDIT:
		a->answer_bytes += n;
		break;
	case FRAME_BEGIN:
	case FRAME_PART:
	case FRAME_ASK:
	case FRAME_LAST:
		a->reconcile_bytes += n;
		break;
	case FRAME_HELLO:
	case FRAME_TOPOLOGY:
	case FRAME_OPEN:
	case FRAME_ERROR:
	case FRAME_SUSPENSION:
	case FRAME_COUNT:
	case FRAME_COUNTS:
		break;
	}
}

static void launch(struct member *from, struct connection *c, const uint8_t *bytes, size_t n)
{
	struct scale_world *w = from->world;
	size_t to = c->a == from->index ? c->b : c->a;
	struct event e = {
		.kind = EVENT_FRAME, .link = c, .epoch = c->epoch, .member = to, .length = n};
	uint64_t *latest = &c->latest[to == c->b];

	account(&c->account, bytes, n);
	account(&from->out, bytes, n);
	account(&w->members[to].in, bytes, n);
	if (w->day)
		account(&w->result->day, bytes, n);
	if (from->free_at < w->now)
		from->free_at = w->now;
	from->free_at += (uint64_t)n * SECOND / from->bytes_a_second;
	e.due = from->free_at + c->delay;
	if (e.due < *latest)
		e.due = *latest;
	*latest = e.due;
	e.frame = malloc(n);
	if (!e.frame)
		abort();
	memcpy(e.frame, bytes, n);
	event_schedule(w, &e);
}

/* Sends what the exchange has, link after link, as much as the line takes; false when there may be
 * more. */
static bool pump(struct member *m)
{
	static uint8_t frame[FRAME_MAX_BYTES];
	struct scale_world *w = m->world;

	for (size_t idle = 0; idle < m->link_count; idle++) {
		struct connection *c = m->links[m->next_link++ % m->link_count];
		struct member *peer = &w->members[c->a == m->index ? c->b : c->a];
		for (int sent = 0; c->up && sent < FRAMES_AT_ONCE; sent++) {
			size_t n;
			if (m->free_at > w->now + AHEAD)
				return false;
			n = exchange_output(m->exchange, &peer->id, frame, instant_of(w));
			if (n == 0)
				break;
			launch(m, c, frame, n);
			idle = 0;
		}
	}
	return true;
}

static void turn(struct member *m)
{
	struct scale_world *w = m->world;
	uint64_t deadline;

	if (!m->exchange || m->turn_at > w->now)
		return;
	m->turn_at = UINT64_MAX;
	for (int i = 0; i < TURNS_MAX && exchange_turn(m->exchange, instant_of(w)); i++)
		;
	if (!pump(m))
		turn_ask(m, m->free_at - AHEAD / 2);
	deadline = exchange_deadline(m->exchange);
	if (deadline != UINT64_MAX)
		turn_ask(m, (deadline > START_MS ? deadline - START_MS : 0) * 1000);
}

static void arrive(struct scale_world *w, const struct event *e)
{
	struct member *to = &w->members[e->member];
	const struct member *from = &w->members[e->link->a == e->member ? e->link->b : e->link->a];

	if (to->exchange && e->link->up && e->epoch == e->link->epoch) {
		exchange_receive(to->exchange, &from->id, e->frame, e->length, instant_of(w));
		turn_ask(to, w->now + TURN);
	}
	free(e->frame);
}

void events_run(struct scale_world *w, uint64_t until)
{
	while (w->event_count && w->events[0].due <= until && w->result->passed) {
		struct event e = event_take(w);
		w->now = e.due;
		switch (e.kind) {
		case EVENT_FRAME:
			arrive(w, &e);
			break;
		case EVENT_TURN:
			turn(&w->members[e.member]);
			break;
		case EVENT_CONNECT:
			link_up(w, e.link);
			break;
		case EVENT_SAY:
			federation_say(w);
			break;
		}
	}
	w->now = until;
}
