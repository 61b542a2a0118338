/* Our messages on their way to the peer: lanes, pieces, credit, answers.  SPEC.md 7.5. */
#include <stdlib.h>
#include <string.h>

#include "protocol/message.h"
#include "protocol/session_state.h"

enum {
	PIECE_LEAST_BYTES = 1024,
	PIECES_A_FRAME = 4, /* what goes one way and back is worth waiting for */
};

void push_begin(struct session *s, uint64_t credit_bytes, uint64_t credit_messages)
{
	s->out_next = s->out_settled = 1;
	s->out_acked = 0;
	s->out_bytes = 0;
	s->out_bytes_limit = credit_bytes;
	s->out_messages_limit = credit_messages;
	s->backfill_bytes = 0;
	s->backfill_messages = 0;
	s->finished_lane = -1;
	s->pauses += s->paused_count > 0;
	s->paused_count = 0;
}

void push_clear(struct session *s)
{
	for (size_t i = 0; i < LANE_COUNT; i++) {
		struct out_lane *lane = &s->lanes[i];
		for (size_t k = 0; k < lane->count; k++)
			free(lane->loaded[(lane->head + k) % LANE_LOADED_MAX].message);
		free(lane->current.message);
		memset(lane, 0, sizeof *lane);
	}
	push_begin(s, 0, 0);
}

static struct flight *flight_of(const struct session *s, uint64_t number)
{
	return &s->flights[number % IN_FLIGHT_MAX];
}

bool session_wants(const struct session *s, enum lane lane)
{
	const struct out_lane *l = &s->lanes[lane];

	/* Room is always left for two: what was recalled goes behind its recall. */
	if (s->state != STATE_OPEN || l->count >= LANE_LOADED_MAX - 1)
		return false;
	return l->count == 0 || l->bytes < LANE_LOADED_BYTES;
}

enum err session_push(struct session *s, enum lane lane, uint64_t lsn, uint8_t *message, size_t n)
{
	struct out_lane *l = &s->lanes[lane];

	if (s->state != STATE_OPEN || l->count == LANE_LOADED_MAX) {
		free(message);
		return s->state == STATE_OPEN ? ERR_LIMIT : ERR_STATE;
	}
	l->loaded[(l->head + l->count++) % LANE_LOADED_MAX] =
		(struct outgoing){.lsn = lsn, .message = message, .length = n};
	l->bytes += n;
	return ERR_OK;
}

static void lane_remove(struct out_lane *l, size_t k)
{
	free(l->loaded[(l->head + k) % LANE_LOADED_MAX].message);
	l->bytes -= l->loaded[(l->head + k) % LANE_LOADED_MAX].length;
	for (; k + 1 < l->count; k++)
		l->loaded[(l->head + k) % LANE_LOADED_MAX] =
			l->loaded[(l->head + k + 1) % LANE_LOADED_MAX];
	l->count--;
}

bool session_unqueue(struct session *s, enum lane first,
		     bool (*wanted)(void *arg, uint64_t lsn, const uint8_t *header, size_t n),
		     void *arg, enum lane *lane, uint64_t *lsn)
{
	for (int i = (int)first; i < LANE_COUNT; i++) {
		struct out_lane *l = &s->lanes[i];
		for (size_t k = 0; k < l->count; k++) {
			const struct outgoing *o = &l->loaded[(l->head + k) % LANE_LOADED_MAX];
			if (!wanted(arg, o->lsn, o->message,
				    header_peek_length(o->message, o->length)))
				continue;
			*lane = (enum lane)i;
			*lsn = o->lsn;
			lane_remove(l, k);
			return true;
		}
	}
	return false;
}

/* SPEC 7.5: "A push is begun only when its whole length fits in the credit that is left." */
static bool credit_allows(const struct session *s, enum lane lane, size_t length)
{
	uint64_t in_flight = s->out_next - s->out_settled;

	if (in_flight >= IN_FLIGHT_MAX || s->out_next > s->out_messages_limit)
		return false;
	if (s->out_bytes_limit < s->out_bytes || s->out_bytes_limit - s->out_bytes < length)
		return false;
	/* SPEC 7.5: "Backfill has at most half of the first credit under way, or one message." */
	if (lane != LANE_BACKFILL || s->backfill_messages == 0)
		return true;
	return s->backfill_bytes + length <= s->peer.credit_bytes / 2 &&
	       2 * (s->backfill_messages + 1) <= s->peer.credit_messages;
}

static void lane_start(struct session *s, enum lane lane)
{
	struct out_lane *l = &s->lanes[lane];
	struct flight *flight = flight_of(s, s->out_next);

	l->current = l->loaded[l->head];
	l->head = (l->head + 1) % LANE_LOADED_MAX;
	l->count--;
	l->bytes -= l->current.length;
	l->current_number = s->out_next++;
	l->current_sent = 0;
	*flight = (struct flight){
		.lsn = l->current.lsn, .total = (uint32_t)l->current.length, .lane = lane};
	s->out_bytes += l->current.length;
	if (lane == LANE_BACKFILL) {
		s->backfill_bytes += l->current.length;
		s->backfill_messages++;
	}
}

void session_pieces(struct session *s, size_t most)
{
	s->piece_most = most < PIECE_LEAST_BYTES ? PIECE_LEAST_BYTES : most;
	if (s->piece_most > PIECE_MAX_BYTES)
		s->piece_most = PIECE_MAX_BYTES;
}

size_t session_frame_most(const struct session *s)
{
	size_t most = PIECES_A_FRAME * s->piece_most;

	return most < RECONCILE_BYTES_MAX ? most : RECONCILE_BYTES_MAX;
}

/* SPEC 7.5: "The first piece holds the whole header." */
static size_t piece_length(const struct session *s, const struct out_lane *l)
{
	size_t left = l->current.length - l->current_sent, most = s->piece_most, header;

	if (l->current_sent == 0) {
		header = header_peek_length(l->current.message, l->current.length);
		most = header > most && header <= PIECE_MAX_BYTES ? header : most;
	}
	return left < most ? left : most;
}

static void lane_piece(struct session *s, enum lane lane, struct frame *f)
{
	struct out_lane *l = &s->lanes[lane];

	f->type = FRAME_PUSH;
	f->piece.number = l->current_number;
	f->piece.offset = (uint32_t)l->current_sent;
	f->piece.total = (uint32_t)l->current.length;
	f->piece.data = l->current.message + l->current_sent;
	f->piece.length = piece_length(s, l);
	l->current_sent += f->piece.length;
	if (l->current_sent == l->current.length) {
		flight_of(s, l->current_number)->complete = true;
		s->finished_lane = (int)lane;
	}
}

bool push_output(struct session *s, struct frame *f)
{
	bool blocked = false;

	for (int i = 0; i < LANE_COUNT; i++) {
		struct out_lane *l = &s->lanes[i];
		if (!l->current.message && l->count && !blocked) {
			/* What a lane above waits for in vain, a lane below must not use up. */
			if (credit_allows(s, (enum lane)i, l->loaded[l->head].length))
				lane_start(s, (enum lane)i);
			else
				blocked = true;
		}
		if (l->current.message) {
			lane_piece(s, (enum lane)i, f);
			return true;
		}
	}
	return false;
}

void push_sent(struct session *s)
{
	if (s->finished_lane >= 0) {
		struct out_lane *l = &s->lanes[s->finished_lane];
		free(l->current.message);
		l->current.message = NULL;
		s->finished_lane = -1;
	}
}

/* The peer holds it or refuses it: what has not gone out will not. */
static void pieces_stop(struct session *s, uint64_t number)
{
	for (size_t i = 0; i < LANE_COUNT; i++) {
		struct out_lane *l = &s->lanes[i];
		if (l->current.message && l->current_number == number) {
			free(l->current.message);
			l->current.message = NULL;
		}
	}
	flight_of(s, number)->complete = true;
}

static void flight_settle(struct session *s, uint64_t number, enum settled how, uint8_t reason)
{
	struct flight *flight = flight_of(s, number);
	struct session_event *e;

	if (flight->settled)
		return;
	flight->settled = true;
	if (flight->lane == LANE_BACKFILL) {
		s->backfill_bytes -= flight->total;
		s->backfill_messages--;
	}
	e = event_add(s, SESSION_SETTLED);
	if (e) {
		e->lsn = flight->lsn;
		e->settled = how;
		e->reason = (enum nak_reason)reason;
	}
	while (s->out_settled < s->out_next && flight_of(s, s->out_settled)->settled)
		s->out_settled++;
}

void push_answered(struct session *s, const struct frame *f)
{
	uint64_t number = f->answer.number;

	if (s->state != STATE_OPEN || number >= s->out_next) {
		session_fail(s, true, "it answered a push that was never made");
		return;
	}
	/* SPEC 7.5: "A receiver answers every push exactly once" */
	if (f->type == FRAME_ACK ? number <= s->out_acked
				 : number < s->out_settled || flight_of(s, number)->settled) {
		session_fail(s, true, "it answered a push twice");
		return;
	}
	if (f->type == FRAME_ACK) {
		s->out_acked = number;
		for (uint64_t n = s->out_settled; n <= number; n++) {
			if (!flight_of(s, n)->complete) {
				session_fail(s, true, "it acknowledged what it had not been sent");
				return;
			}
			flight_settle(s, n, SETTLED_STORED, 0);
		}
		return;
	}
	pieces_stop(s, number);
	flight_settle(s, number, f->type == FRAME_HAVE ? SETTLED_HAD : SETTLED_REFUSED,
		      f->answer.reason);
}

void push_credit(struct session *s, const struct frame_credit *c)
{
	if (c->bytes < s->out_bytes_limit || c->messages < s->out_messages_limit) {
		session_fail(s, true, "it took credit back");
		return;
	}
	s->out_bytes_limit = c->bytes;
	s->out_messages_limit = c->messages;
	if (c->paused_count == s->paused_count &&
	    memcmp(s->paused, c->paused, c->paused_count * sizeof *c->paused) == 0)
		return;
	memcpy(s->paused, c->paused, sizeof s->paused);
	s->paused_count = c->paused_count;
	s->pauses++;
}

bool session_paused(const struct session *s, const struct party_id *origin)
{
	for (size_t i = 0; i < s->paused_count; i++) {
		if (party_id_equal(&s->paused[i], origin))
			return true;
	}
	return false;
}

size_t session_paused_list(const struct session *s, struct party_id out[])
{
	memcpy(out, s->paused, s->paused_count * sizeof *out);
	return s->paused_count;
}

uint64_t session_pauses(const struct session *s)
{
	return s->pauses;
}

uint64_t session_lowest(const struct session *s)
{
	uint64_t lowest = UINT64_MAX;

	for (uint64_t n = s->out_settled; n < s->out_next; n++) {
		if (!flight_of(s, n)->settled && flight_of(s, n)->lsn < lowest)
			lowest = flight_of(s, n)->lsn;
	}
	for (size_t i = 0; i < LANE_COUNT; i++) {
		const struct out_lane *l = &s->lanes[i];
		for (size_t k = 0; k < l->count; k++) {
			uint64_t lsn = l->loaded[(l->head + k) % LANE_LOADED_MAX].lsn;
			if (lsn < lowest)
				lowest = lsn;
		}
	}
	return lowest;
}

size_t session_waiting(const struct session *s)
{
	size_t n = (size_t)(s->out_next - s->out_settled);

	for (size_t i = 0; i < LANE_COUNT; i++)
		n += s->lanes[i].count;
	return n;
}

bool session_pushing(const struct session *s, uint64_t lsn)
{
	for (uint64_t n = s->out_settled; n < s->out_next; n++) {
		if (flight_of(s, n)->lsn == lsn && !flight_of(s, n)->settled)
			return true;
	}
	for (size_t i = 0; i < LANE_COUNT; i++) {
		const struct out_lane *l = &s->lanes[i];
		for (size_t k = 0; k < l->count; k++) {
			if (l->loaded[(l->head + k) % LANE_LOADED_MAX].lsn == lsn)
				return true;
		}
	}
	return false;
}
