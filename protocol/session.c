/* The conversation's beginning, its deadlines and its frames; the rest is in session_agree.c,
 * session_push.c, session_take.c, session_reconcile.c and session_notice.c. */
#include "protocol/session_state.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { EVENTS_FIRST = 16 };

struct session *session_new(const struct session_config *config)
{
	struct session *s = calloc(1, sizeof *s);

	if (!s)
		return NULL;
	s->config = *config;
	s->piece_most = PIECE_MAX_BYTES;
	s->taken = calloc(config->window_messages, sizeof *s->taken);
	s->flights = calloc(IN_FLIGHT_MAX, sizeof *s->flights);
	s->events = malloc(EVENTS_FIRST * sizeof *s->events);
	s->event_size = EVENTS_FIRST;
	if (!s->taken || !s->flights || !s->events) {
		session_free(s);
		return NULL;
	}
	return s;
}

/* Forgets everything that belongs to one conversation but the events that its host has yet to take.
 */
static void conversation_clear(struct session *s)
{
	push_clear(s);
	take_clear(s);
	free(s->gift);
	free(s->offer);
	free(s->reconciling);
	notice_clear(s);
	s->gift = s->offer = s->reconciling = NULL;
	s->reconcile_due = false;
	s->hello_due = s->deaf = s->open_sent = s->open_received = s->gift_given = s->error_due =
		false;
	s->frames_in = s->frames_out = 0;
}

/* What was not taken belongs to a conversation that nobody continues. */
static void events_clear(struct session *s)
{
	while (s->event_count) {
		free(s->events[s->event_head].data);
		s->event_head = (s->event_head + 1) % s->event_size;
		s->event_count--;
	}
}

void session_free(struct session *s)
{
	if (!s)
		return;
	if (s->taken && s->flights)
		conversation_clear(s);
	events_clear(s);
	free(s->events);
	free(s->taken);
	free(s->flights);
	free(s);
}

/* The ring grows as needed: what fills it is bounded by the credit windows of both ends.  One place
 * is kept for the end of the conversation, which is told also when memory is short. */
struct session_event *event_add(struct session *s, enum session_event_kind kind)
{
	struct session_event *e;

	if (s->event_count + (kind != SESSION_ENDED) == s->event_size) {
		size_t size = 2 * s->event_size;
		struct session_event *grown = malloc(size * sizeof *grown);
		if (!grown)
			return NULL;
		for (size_t i = 0; i < s->event_count; i++)
			grown[i] = s->events[(s->event_head + i) % s->event_size];
		free(s->events);
		s->events = grown;
		s->event_size = size;
		s->event_head = 0;
	}
	e = &s->events[(s->event_head + s->event_count++) % s->event_size];
	memset(e, 0, offsetof(struct session_event, text) + 1);
	e->kind = kind;
	return e;
}

void event_pass(struct session *s, enum session_event_kind kind, const struct frame *f)
{
	uint8_t *copy = malloc(f->reconcile.length + 1);
	struct session_event *e = copy ? event_add(s, kind) : NULL;

	if (!e) {
		free(copy);
		session_fail(s, false, "out of memory");
		return;
	}
	if (f->reconcile.length)
		memcpy(copy, f->reconcile.payload, f->reconcile.length);
	e->number = f->type;
	e->data = copy;
	e->length = f->reconcile.length;
}

bool session_next(struct session *s, struct session_event *event)
{
	if (s->event_count == 0)
		return false;
	*event = s->events[s->event_head];
	s->event_head = (s->event_head + 1) % s->event_size;
	s->event_count--;
	return true;
}

void session_fail(struct session *s, bool blame, const char *why)
{
	struct session_event *e;
	uint32_t frames_out = s->frames_out;

	if (s->state == STATE_IDLE || s->state == STATE_ENDED)
		return;
	conversation_clear(s);
	s->frames_out = frames_out; /* ERROR is still a frame of this conversation */
	s->state = STATE_ENDED;
	snprintf(s->error, sizeof s->error, "%s", why);
	s->error_due = true;
	e = event_add(s, SESSION_ENDED);
	if (e) {
		e->blame = blame;
		snprintf(e->text, sizeof e->text, "%s", why);
	}
}

void session_end(struct session *s, bool blame, const char *why)
{
	session_fail(s, blame, why);
}

void session_stop(struct session *s)
{
	events_clear(s);
	conversation_clear(s);
	s->state = STATE_IDLE;
	s->peer_known = false;
}

void session_start(struct session *s, const struct session_greeting *g, uint64_t now)
{
	struct frame_hello *h = &s->self;

	session_stop(s);
	memset(h, 0, sizeof *h);
	h->network = s->config.network;
	h->self = s->config.self;
	h->store = s->config.store;
	memcpy(h->nonce, g->nonce, sizeof h->nonce);
	h->clock = g->clock;
	h->floor = g->floor;
	h->credit_bytes = s->config.window_bytes;
	h->credit_messages = s->config.window_messages;
	while (h->version_count < g->version_count && h->version_count < HELLO_VERSIONS_MAX) {
		h->versions[h->version_count] = g->versions[h->version_count];
		h->version_count++;
	}
	snprintf(h->software, sizeof h->software, "%s", s->config.software);
	s->state = STATE_GREETING;
	s->hello_due = true;
	s->started = s->last_in = s->last_out = now;
	s->moved = s->greeted_at = now;
	s->greetings = s->greeted_version = 0;
}

/* Every greeting makes an end drop what is under way and read its log anew.
 *
 * SPEC 7.3: "A greeting is free when its newest version is one that the other end holds and is
 * newer than in every greeting before; of the others an end may send 64 at once, and then one a
 * second." */
static bool greets_too_often(struct session *s, const struct frame_hello *h, uint64_t now)
{
	uint32_t version = h->versions[0].version;
	uint64_t forgiven = (now - s->greeted_at) / GREETING_EVERY_MS;

	if (version > s->greeted_version && version <= s->self.versions[0].version) {
		s->greeted_version = version;
		return false;
	}
	s->greetings -= forgiven < s->greetings ? (unsigned)forgiven : s->greetings;
	s->greeted_at += forgiven * GREETING_EVERY_MS;
	return ++s->greetings > GREETINGS_MAX;
}

/* SPEC 7.3: a HELLO in any state; see there for why two are enough, or three when they cross. */
static void hello_received(struct session *s, const struct frame_hello *h, uint64_t now)
{
	bool known = s->peer_known && memcmp(s->peer.nonce, h->nonce, NONCE_BYTES) == 0;
	bool answered = memcmp(h->echo, s->self.nonce, NONCE_BYTES) == 0;
	bool stale = !answered && !bytes_zero(h->echo, NONCE_BYTES);

	if (memcmp(h->network.b, s->config.network.b, NETWORK_ID_BYTES) != 0) {
		session_fail(s, false, "it belongs to another federation");
		return;
	}
	if (!party_id_equal(&h->self, &s->config.peer)) {
		session_fail(s, true, "it calls itself by a name that is not its key's");
		return;
	}
	if (greets_too_often(s, h, now)) {
		session_fail(s, true, "it greets again and again");
		return;
	}
	/* SPEC 7.3: "A HELLO that echoes neither zeros nor one's own nonce answers an earlier one:
	 * it and what follows it are ignored until a HELLO that echoes one's own." */
	s->deaf = stale;
	if (stale)
		return;
	if (s->state != STATE_GREETING) {
		if (known && s->frames_in == 1)
			return; /* the crossing one: nothing was sent between the two */
		if (known) {
			session_fail(s, false, "frames were lost or repeated");
			return;
		}
		/* It may have heard an answer to an earlier HELLO of its own, and be deaf. */
		conversation_clear(s);
		s->hello_due = true;
	}
	s->peer = *h;
	s->peer_known = true;
	memcpy(s->self.echo, h->nonce, NONCE_BYTES);
	s->self.clock += now - s->started;
	s->started = now;
	if (!answered)
		s->hello_due = true;
	s->frames_in = 1;
	push_begin(s, h->credit_bytes, h->credit_messages);
	take_begin(s);
	agree_begin(s, now);
}

static void error_received(struct session *s, const char *text)
{
	char words[ERROR_TEXT_MAX_BYTES + 1];

	snprintf(words, sizeof words, "it says: %.*s", (int)sizeof words - 12, text);
	session_fail(s, false, words);
	s->error_due = false;
}

void session_receive(struct session *s, const uint8_t *in, size_t n, uint64_t now)
{
	struct frame f;

	if (s->state == STATE_IDLE || s->state == STATE_ENDED)
		return;
	if (frame_decode(&f, in, n) != ERR_OK) {
		session_fail(s, true, "it sent a malformed frame");
		return;
	}
	s->last_in = now;
	if (f.type == FRAME_HELLO) {
		hello_received(s, &f.hello, now);
		return;
	}
	/* SPEC 7.3: "What arrives between one's own HELLO and the peer's answer belongs to an
	 * earlier conversation and is ignored." */
	if (s->state == STATE_GREETING || s->deaf)
		return;
	if (f.number != s->frames_in) {
		session_fail(s, false, "frames were lost or repeated");
		return;
	}
	s->frames_in++;
	switch (f.type) {
	case FRAME_HELLO:
		break;
	case FRAME_TOPOLOGY:
		agree_topology(s, &f.piece, now);
		break;
	case FRAME_OPEN:
		agree_open(s, &f.open);
		break;
	case FRAME_PUSH:
		take_piece(s, &f.piece);
		break;
	case FRAME_HAVE:
	case FRAME_ACK:
	case FRAME_NAK:
		push_answered(s, &f);
		break;
	case FRAME_CREDIT:
		push_credit(s, &f.credit);
		break;
	case FRAME_ERROR:
		error_received(s, f.error);
		break;
	case FRAME_BEGIN:
	case FRAME_PART:
	case FRAME_ASK:
	case FRAME_LAST:
		reconcile_received(s, &f);
		break;
	case FRAME_SUSPENSION:
	case FRAME_COUNT:
	case FRAME_COUNTS:
		notice_received(s, &f);
		break;
	}
}

uint64_t session_deadline(const struct session *s)
{
	uint64_t silent, idle;

	switch (s->state) {
	case STATE_IDLE:
	case STATE_ENDED:
		return UINT64_MAX;
	case STATE_GREETING:
	case STATE_AGREEING:
		return s->moved + GREETING_MS;
	case STATE_OPEN:
		silent = s->last_in + SILENCE_MS;
		idle = s->last_out + KEEPALIVE_MS;
		if (s->credit_due)
			return silent;
		return silent < idle ? silent : idle;
	}
	return UINT64_MAX;
}

void session_tick(struct session *s, uint64_t now)
{
	if (s->state == STATE_IDLE || s->state == STATE_ENDED)
		return;
	/* SPEC 7.3: "So does a greeting that takes 30 seconds, an agreement in which for 30 seconds
	 * no piece of a topology came or went, and an open session in which nothing arrives for
	 * 60." */
	if (s->state != STATE_OPEN) {
		if (now >= s->moved + GREETING_MS)
			session_fail(s, false,
				     s->state == STATE_GREETING ? "it does not answer the greeting"
				     : s->open_sent || s->open_received
					     ? "it did not open the session in half a minute"
					     : "no topology version in common");
		return;
	}
	if (now >= s->last_in + SILENCE_MS)
		session_fail(s, false, "it has been silent for a minute");
	else if (now >= s->last_out + KEEPALIVE_MS)
		s->credit_due = true;
}

/* Control frames in the order in which they must go; false when there is none. */
static bool output_control(struct session *s, struct frame *f)
{
	if (s->error_due) {
		s->error_due = false;
		f->type = FRAME_ERROR;
		memcpy(f->error, s->error, sizeof f->error);
		return s->frames_out > 0; /* without a conversation there is nobody to tell */
	}
	if (s->hello_due) {
		s->hello_due = false;
		f->type = FRAME_HELLO;
		f->hello = s->self;
		s->frames_out = 0;
		return true;
	}
	if (s->state == STATE_GREETING)
		return false;
	if (agree_output(s, f))
		return true;
	return s->state == STATE_OPEN &&
	       (take_output(s, f) || notice_output(s, f) || reconcile_output(s, f));
}

size_t session_output(struct session *s, uint8_t *out, uint64_t now)
{
	struct frame f;
	size_t n;

	if (s->state == STATE_IDLE)
		return 0;
	if (!output_control(s, &f) && (s->state != STATE_OPEN || !push_output(s, &f)))
		return 0;
	f.number = s->frames_out++;
	n = frame_encode(&f, out);
	agree_sent(s, now);
	push_sent(s);
	s->last_out = now;
	return n;
}

bool session_is_open(const struct session *s)
{
	return s->state == STATE_OPEN;
}

struct version_hash session_version(const struct session *s)
{
	return s->open_self;
}

void session_nonces(const struct session *s, uint8_t own[NONCE_BYTES], uint8_t peer[NONCE_BYTES])
{
	memcpy(own, s->self.nonce, NONCE_BYTES);
	memcpy(peer, s->peer.nonce, NONCE_BYTES);
}

const struct frame_hello *session_peer_hello(const struct session *s)
{
	return s->peer_known ? &s->peer : NULL;
}
