/* The two parts of a run: who says what when.  Answers to claims are reconcile_answer.c's. */
#include "protocol/reconcile.h"

#include <stdlib.h>
#include <string.h>

#include "protocol/reconcile_state.h"

enum { BEGIN_BYTES = 4 + TOTAL_FINGERPRINT_BYTES };

struct reconcile *reconcile_new(enum reconcile_part part)
{
	struct reconcile *r = calloc(1, sizeof *r);

	if (!r)
		return NULL;
	r->part = part;
	r->works_end = &r->works;
	r->most = sizeof r->out;
	return r;
}

void reconcile_limit(struct reconcile *r, size_t most)
{
	r->most = most < sizeof r->out ? most : sizeof r->out;
}

static void work_pop(struct reconcile *r)
{
	struct work *w = r->works;

	r->works = w->next;
	if (r->works_end == &w->next)
		r->works_end = &r->works;
	r->pending -= w->length;
	free(w->payload);
	free(w);
}

static void works_clear(struct reconcile *r)
{
	while (r->works)
		work_pop(r);
}

void reconcile_free(struct reconcile *r)
{
	if (!r)
		return;
	works_clear(r);
	free(r);
}

static enum err work_add(struct reconcile *r, const uint8_t *payload, size_t n)
{
	struct work *w = calloc(1, sizeof *w);

	if (w)
		w->payload = malloc(n);
	if (!w || !w->payload) {
		free(w);
		return ERR_MEMORY;
	}
	memcpy(w->payload, payload, n);
	w->length = n;
	claims_init(&w->claims, w->payload, n);
	w->next = *r->works_end;
	*r->works_end = w;
	r->works_end = &w->next;
	r->pending += n;
	return ERR_OK;
}

static void out_clear(struct reconcile *r)
{
	claim_writer_init(&r->writer, r->out, sizeof r->out);
	r->cost = 0;
	r->sent = false;
}

static void run_start(struct reconcile *r, uint32_t floor)
{
	works_clear(r);
	out_clear(r);
	r->tally = (struct tally){0};
	r->result.floor = floor;
	r->state = STATE_TALLYING;
}

enum err reconcile_begin(struct reconcile *r, const struct reconcile_link *link)
{
	if (r->part != RECONCILE_ASKING || r->state != STATE_IDLE)
		return ERR_STATE;
	r->result = (struct reconcile_result){0};
	r->again = false;
	run_start(r, link->floor);
	return ERR_OK;
}

struct reconcile_result reconcile_result(const struct reconcile *r)
{
	return r->result;
}

/* SPEC 7.7.5: "The answer to BEGIN is one LAST: empty when the views are the same; F when the own
 * floor is higher; else A of all audiences in view, when there are at most 64, or B." */
static enum err receive_first(struct reconcile *r, const uint8_t *payload, size_t n)
{
	struct claims claims;
	struct claim c, more;
	struct trie_key first, last, zeros, ones;

	memset(zeros.b, 0, sizeof zeros.b);
	memset(ones.b, 0xff, sizeof ones.b);
	claims_init(&claims, payload, n);
	out_clear(r);
	r->state = STATE_WORKING;
	if (!claims_next(&claims, &c)) {
		r->result.equal = !claims.bad;
		return claims.bad ? ERR_FORMAT : ERR_OK;
	}
	claim_interval(&c, &first, &last);
	if (claims_next(&claims, &more) || claims.bad || trie_key_compare(&first, &zeros) != 0 ||
	    trie_key_compare(&last, &ones) != 0 || c.kind < CLAIM_AUDIENCES)
		return ERR_FORMAT;
	if (c.kind == CLAIM_AUDIENCES && c.count > LISTED_AUDIENCES_MAX)
		return ERR_LIMIT;
	if (c.kind == CLAIM_FLOOR) {
		if (c.floor <= r->result.floor || r->again)
			return ERR_FORMAT;
		r->again = true;
		run_start(r, c.floor);
		return ERR_OK;
	}
	return work_add(r, payload, n);
}

static enum err receive_answer(struct reconcile *r, bool more, const uint8_t *payload, size_t n)
{
	struct claims claims;
	struct claim c;

	if (r->state == STATE_BEGUN && !more)
		return receive_first(r, payload, n);
	if (r->state != STATE_WAITING)
		return ERR_STATE;
	/* SPEC 7.7.3: "A PART is never empty." */
	if (more && n == 0)
		return ERR_FORMAT;
	claims_init(&claims, payload, n);
	/* The frames of an answer ascend as one. */
	claims.has_last = r->answered;
	claims.last = r->last_answer;
	while (claims_next(&claims, &c)) {
		if (!reconcile_fits(r, &c))
			return ERR_FORMAT;
	}
	if (claims.bad)
		return ERR_FORMAT;
	r->answered = claims.has_last;
	r->last_answer = claims.last;
	if (!more) {
		out_clear(r);
		r->state = STATE_WORKING;
	}
	return n ? work_add(r, payload, n) : ERR_OK;
}

static enum err receive_begin(struct reconcile *r, const uint8_t *payload, size_t n)
{
	struct reader in;
	uint32_t floor;

	reader_init(&in, payload, n);
	floor = read_u32(&in);
	read_bytes(&in, r->total, sizeof r->total);
	if (!reader_done(&in) || floor == 0)
		return ERR_FORMAT;
	r->result = (struct reconcile_result){0};
	run_start(r, floor);
	return ERR_OK;
}

/* SPEC 7.7.5: "An ASK holds at least one claim, and neither B nor F." */
static enum err receive_ask(struct reconcile *r, const uint8_t *payload, size_t n)
{
	struct claims claims;
	struct claim c;

	claims_init(&claims, payload, n);
	while (claims_next(&claims, &c)) {
		if (c.kind == CLAIM_BUCKETS || c.kind == CLAIM_FLOOR)
			return ERR_FORMAT;
	}
	/* Without a BEGIN there is no floor. */
	if (claims.bad || n == 0)
		return ERR_FORMAT;
	if (r->result.floor == 0)
		return ERR_STATE;
	out_clear(r);
	r->state = STATE_WORKING;
	return work_add(r, payload, n);
}

enum err reconcile_receive(struct reconcile *r, enum reconcile_type type, const uint8_t *payload,
			   size_t n)
{
	bool asks = type == RECONCILE_BEGIN || type == RECONCILE_ASK;

	if (n > RECONCILE_PAYLOAD_MAX)
		return ERR_LIMIT;
	if (asks != (r->part == RECONCILE_ANSWERING))
		return ERR_STATE;
	/* SPEC 7.7.3: "The asking end sends nothing more until the LAST has come." */
	if (asks && r->state != STATE_IDLE)
		return ERR_STATE;
	switch (type) {
	case RECONCILE_BEGIN:
		return receive_begin(r, payload, n);
	case RECONCILE_ASK:
		return receive_ask(r, payload, n);
	case RECONCILE_PART:
		return receive_answer(r, true, payload, n);
	case RECONCILE_LAST:
		return receive_answer(r, false, payload, n);
	}
	return ERR_FORMAT;
}

static void frame_ready(struct reconcile *r, enum reconcile_type type, enum reconcile_turn *turn,
			struct reconcile_frame *frame)
{
	*turn = RECONCILE_FRAME;
	*frame = (struct reconcile_frame){type, r->out, r->writer.w.used};
	/* What was asked is read again beside its answers. */
	r->sent = r->part == RECONCILE_ANSWERING;
	r->result.rounds++;
}

/* Adds up the view, audience by audience; *through when all are. */
static enum err tally_step(struct reconcile *r, bool *through)
{
	struct tally *t = &r->tally;
	struct view_audience a;

	*through = false;
	while (reconcile_has_budget(r)) {
		enum err e = view_audience(&r->view, &t->at, &a);
		*through = e == ERR_NOT_FOUND;
		if (e)
			return *through ? ERR_OK : e;
		if (a.carried && a.sum.count) {
			if (t->audiences < LISTED_AUDIENCES_MAX) {
				t->listed[t->audiences].id = a.id;
				t->listed[t->audiences].sum = a.sum;
			}
			t->audiences++;
			aggregate_add(&t->total, &a.sum);
			aggregate_add(&t->buckets[a.id.b[0]], &a.sum);
		}
		t->at = a.id;
		*through = !trie_audience_next(&t->at);
		if (*through)
			return ERR_OK;
	}
	return ERR_OK;
}

static void say_begin(struct reconcile *r)
{
	uint8_t total[TOTAL_FINGERPRINT_BYTES];

	out_clear(r);
	view_total_fingerprint(&r->view, &r->tally.total, total);
	write_u32(&r->writer.w, r->result.floor);
	write_bytes(&r->writer.w, total, sizeof total);
}

/* The answer to BEGIN. */
static void say_first(struct reconcile *r)
{
	const struct tally *t = &r->tally;
	uint64_t fingerprints[BUCKETS];
	uint8_t total[TOTAL_FINGERPRINT_BYTES];
	struct audience_id from, to;

	out_clear(r);
	view_total_fingerprint(&r->view, &t->total, total);
	r->result.equal = memcmp(total, r->total, sizeof total) == 0;
	if (r->result.equal)
		return;
	if (t->audiences > LISTED_AUDIENCES_MAX) {
		for (size_t i = 0; i < BUCKETS; i++)
			fingerprints[i] = view_fingerprint(&r->view, &t->buckets[i]);
		claim_write_buckets(&r->writer, fingerprints);
		return;
	}
	memset(from.b, 0, sizeof from.b);
	memset(to.b, 0xff, sizeof to.b);
	claim_open_audiences(&r->writer, &from);
	for (size_t i = 0; i < t->audiences; i++)
		claim_add_audience(&r->writer, &t->listed[i].id,
				   view_fingerprint(&r->view, &t->listed[i].sum));
	claim_close_audiences(&r->writer, &to);
}

static enum err step_tally(struct reconcile *r, enum reconcile_turn *turn,
			   struct reconcile_frame *frame)
{
	bool through;
	enum err e;

	*turn = RECONCILE_MORE;
	/* SPEC 7.7.3: "The floor of a run is that of its BEGIN, and the answering end's is not
	 * higher." */
	if (r->part == RECONCILE_ANSWERING && r->link->floor > r->result.floor) {
		claim_write_floor(&r->writer, r->link->floor);
		r->state = STATE_IDLE;
		frame_ready(r, RECONCILE_LAST, turn, frame);
		return ERR_OK;
	}
	e = tally_step(r, &through);
	if (e || !through)
		return e;
	if (r->part == RECONCILE_ASKING) {
		say_begin(r);
		r->state = STATE_BEGUN;
		frame_ready(r, RECONCILE_BEGIN, turn, frame);
	} else {
		say_first(r);
		r->state = STATE_IDLE;
		frame_ready(r, RECONCILE_LAST, turn, frame);
	}
	return ERR_OK;
}

/* Answers the claims that are pending, in order. */
static enum err answer_works(struct reconcile *r)
{
	while (r->works && reconcile_has_room(r) && reconcile_has_budget(r)) {
		bool through;
		enum err e = work_answer(r, r->works, &through);
		if (e)
			return e;
		if (through)
			work_pop(r);
	}
	return ERR_OK;
}

static enum err step_work(struct reconcile *r, enum reconcile_turn *turn,
			  struct reconcile_frame *frame)
{
	enum err e = answer_works(r);

	*turn = RECONCILE_MORE;
	/* Out of budget, and room left: go on filling the frame. */
	if (e || (r->works && reconcile_has_room(r)))
		return e;
	if (r->part == RECONCILE_ANSWERING) {
		if (!r->works)
			r->state = STATE_IDLE;
		frame_ready(r, r->works ? RECONCILE_PART : RECONCILE_LAST, turn, frame);
		return ERR_OK;
	}
	if (r->writer.w.used == 0) {
		r->state = STATE_IDLE;
		*turn = RECONCILE_DONE;
		return ERR_OK;
	}
	r->state = STATE_WAITING;
	claims_init(&r->asked, r->out, r->writer.w.used);
	r->asked_open = false;
	r->answered = false;
	/* What answers this comes before what was left. */
	r->works_end = &r->works;
	frame_ready(r, RECONCILE_ASK, turn, frame);
	return ERR_OK;
}

static void view_open(struct reconcile *r, const struct reconcile_link *link)
{
	bool asks = r->part == RECONCILE_ASKING;

	r->link = link;
	r->pushes = 0;
	r->judged_any = false;
	r->view = (struct view){.store = link->store, .carries = link->carries, .arg = link->arg};
	view_keys(&r->view, asks ? link->own_nonce : link->peer_nonce,
		  asks ? link->peer_nonce : link->own_nonce);
	view_span(&r->view, r->result.floor);
}

enum err reconcile_step(struct reconcile *r, const struct reconcile_link *link,
			enum reconcile_turn *turn, struct reconcile_frame *frame)
{
	enum err e = ERR_OK;

	*turn = RECONCILE_WAIT;
	view_open(r, link);
	if (r->sent)
		out_clear(r);
	switch (r->state) {
	case STATE_IDLE:
	case STATE_BEGUN:
	case STATE_WAITING:
		break;
	case STATE_TALLYING:
		e = step_tally(r, turn, frame);
		break;
	case STATE_WORKING:
		e = step_work(r, turn, frame);
		break;
	}
	r->link = NULL;
	return e;
}
