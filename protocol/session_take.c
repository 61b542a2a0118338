/* The peer's messages on their way to us: pieces, credit granted, answers owed.  SPEC.md 7.5, 7.6.
 */
#include <stdlib.h>
#include <string.h>

#include "protocol/message.h"
#include "protocol/session_state.h"

void take_begin(struct session *s)
{
	s->in_next = s->in_settled = 1;
	s->in_bytes = s->in_bytes_settled = 0;
	s->in_bytes_granted = s->config.window_bytes;
	s->in_messages_granted = s->config.window_messages;
	s->acked = 0;
	s->answer_head = s->answer_count = 0;
	s->credit_due = s->pausing_count > 0;
}

void take_clear(struct session *s)
{
	for (size_t i = 0; i < LANE_COUNT; i++)
		free(s->incoming[i].message);
	memset(s->incoming, 0, sizeof s->incoming);
	free(s->answers);
	s->answers = NULL;
	s->answer_size = 0;
	take_begin(s);
}

static struct taken *taken_of(const struct session *s, uint64_t number)
{
	return &s->taken[number % s->config.window_messages];
}

/* At most one answer a push, and pushes are bounded by the window: so is this ring. */
static enum err answer_add(struct session *s, uint64_t number, uint8_t reason)
{
	if (s->answer_count == s->answer_size) {
		size_t size = s->answer_size ? 2 * s->answer_size : 32;
		struct answer *grown = malloc(size * sizeof *grown);
		if (!grown)
			return ERR_MEMORY;
		for (size_t i = 0; i < s->answer_count; i++)
			grown[i] = s->answers[(s->answer_head + i) % s->answer_size];
		free(s->answers);
		s->answers = grown;
		s->answer_size = size;
		s->answer_head = 0;
	}
	s->answers[(s->answer_head + s->answer_count++) % s->answer_size] =
		(struct answer){.number = number, .reason = reason};
	return ERR_OK;
}

void session_settle(struct session *s, uint64_t number, enum settled how, enum nak_reason reason)
{
	struct taken *t;

	if (s->state != STATE_OPEN || number < s->in_settled || number >= s->in_next)
		return;
	t = taken_of(s, number);
	if (t->settled)
		return;
	if (how != SETTLED_STORED &&
	    answer_add(s, number, how == SETTLED_HAD ? 0 : (uint8_t)reason) != ERR_OK) {
		session_fail(s, false, "out of memory");
		return;
	}
	t->settled = true;
	s->in_bytes_settled += t->total;
	while (s->in_settled < s->in_next && taken_of(s, s->in_settled)->settled)
		s->in_settled++;
}

static bool push_number_settled(const struct session *s, uint64_t number)
{
	return number < s->in_settled || taken_of(s, number)->settled;
}

static struct incoming *incoming_find(struct session *s, uint64_t number)
{
	for (size_t i = 0; i < LANE_COUNT; i++) {
		if (s->incoming[i].number == number && s->incoming[i].message)
			return &s->incoming[i];
	}
	return NULL;
}

static struct incoming *incoming_free(struct session *s)
{
	for (size_t i = 0; i < LANE_COUNT; i++) {
		if (!s->incoming[i].message)
			return &s->incoming[i];
	}
	return NULL;
}

/* The first piece shows the whole header: is the message here already? */
static bool held_already(struct session *s, const struct frame_piece *p)
{
	size_t length = header_peek_length(p->data, p->length);
	struct message_id id;

	if (length < HEADER_FIXED_BYTES || length > p->length)
		return false;
	id = message_id_of(p->data, length);
	return s->config.holds && s->config.holds(s->config.arg, &id);
}

/* SPEC 7.5: "A push over the limits, more than five incomplete pushes, pieces out of order and push
 * numbers that are not consecutive end the session" */
static bool push_starts(struct session *s, const struct frame_piece *p)
{
	if (p->number != s->in_next) {
		session_fail(s, true, "it skipped or repeated the number of a push");
		return false;
	}
	if (p->number > s->in_messages_granted || p->total > s->in_bytes_granted - s->in_bytes) {
		session_fail(s, true, "it pushed beyond its credit");
		return false;
	}
	*taken_of(s, p->number) = (struct taken){.total = p->total};
	s->in_next++;
	s->in_bytes += p->total;
	return true;
}

static void message_complete(struct session *s, struct incoming *in)
{
	struct session_event *e = event_add(s, SESSION_MESSAGE);

	if (!e) {
		free(in->message);
	} else {
		e->number = in->number;
		e->data = in->message;
		e->length = in->total;
	}
	*in = (struct incoming){0};
}

void take_piece(struct session *s, const struct frame_piece *p)
{
	struct incoming *in;

	if (s->state != STATE_OPEN) {
		session_fail(s, true, "it pushed before the session was open");
		return;
	}
	if (p->offset == 0) {
		if (!push_starts(s, p))
			return;
		if (held_already(s, p)) {
			session_settle(s, p->number, SETTLED_HAD, 0);
			return;
		}
		in = incoming_free(s);
		if (!in) {
			session_fail(s, true, "it left too many pushes incomplete");
			return;
		}
		*in = (struct incoming){
			.number = p->number, .total = p->total, .message = malloc(p->total)};
		if (!in->message) {
			session_fail(s, false, "out of memory");
			return;
		}
	} else {
		if (p->number < s->in_next && push_number_settled(s, p->number))
			return; /* on its way before our HAVE or NAK arrived */
		in = incoming_find(s, p->number);
		if (!in || in->filled != p->offset || in->total != p->total) {
			session_fail(s, true, "it sent the pieces of a push out of order");
			return;
		}
	}
	memcpy(in->message + p->offset, p->data, p->length);
	in->filled += (uint32_t)p->length;
	if (in->filled == in->total)
		message_complete(s, in);
}

/* The limit in messages follows the lowest push that is not settled, not their number: so `taken`
 * never wraps. */
static uint64_t messages_limit(const struct session *s)
{
	return s->in_settled - 1 + s->config.window_messages;
}

static uint64_t bytes_limit(const struct session *s)
{
	return s->in_bytes_settled + s->config.window_bytes;
}

static bool credit_wanted(const struct session *s)
{
	return s->credit_due ||
	       4 * (bytes_limit(s) - s->in_bytes_granted) >= s->config.window_bytes ||
	       4 * (messages_limit(s) - s->in_messages_granted) >= s->config.window_messages;
}

static void credit_output(struct session *s, struct frame *f)
{
	s->credit_due = false;
	s->in_bytes_granted = bytes_limit(s);
	s->in_messages_granted = messages_limit(s);
	f->type = FRAME_CREDIT;
	f->credit.bytes = s->in_bytes_granted;
	f->credit.messages = s->in_messages_granted;
	f->credit.paused_count = (uint8_t)s->pausing_count;
	memcpy(f->credit.paused, s->pausing, sizeof f->credit.paused);
}

bool take_output(struct session *s, struct frame *f)
{
	if (s->answer_count) {
		f->answer.number = s->answers[s->answer_head].number;
		f->answer.reason = s->answers[s->answer_head].reason;
		f->type = f->answer.reason ? FRAME_NAK : FRAME_HAVE;
		s->answer_head = (s->answer_head + 1) % s->answer_size;
		s->answer_count--;
		return true;
	}
	/* After the answers, so that the cumulative number never speaks for one of them. */
	if (s->acked + 1 < s->in_settled) {
		s->acked = s->in_settled - 1;
		f->type = FRAME_ACK;
		f->answer.number = s->acked;
		return true;
	}
	if (credit_wanted(s)) {
		credit_output(s, f);
		return true;
	}
	return false;
}

static int party_order(const void *a, const void *b)
{
	return memcmp(a, b, PARTY_ID_BYTES);
}

void session_pause(struct session *s, const struct party_id *origins, size_t n)
{
	s->pausing_count = n < PAUSED_MAX ? n : PAUSED_MAX;
	if (s->pausing_count) {
		memcpy(s->pausing, origins, s->pausing_count * sizeof *origins);
		qsort(s->pausing, s->pausing_count, sizeof *s->pausing, party_order);
	}
	s->credit_due = true;
}
