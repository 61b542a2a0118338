/* When a node says what it has said: at its start, and after it has spoken to an audience.
 *
 * The log is looked through for what this store has written itself.  How far, which heartbeat was
 * the last and which clocks run is remembered now and then; what came after that is found again in
 * the log, so that nothing depends on when it was remembered. */
#include "node/duty/audit_chain.h"
#include "node/duty/audit_heads.h"
#include "node/duty/beacons.h"

#include <stdlib.h>
#include <string.h>

#include "node/node_parts.h"
#include "node/remembered.h"
#include "protocol/bytes.h"

enum {
	HOUR_MS = 3600 * 1000,
	SAVE_MS = 10 * 1000,
	LATER_MS = 5 * 1000, /* for a node that is not in the topology */
	ROWS_AT_ONCE = 20000,
	SAVED_EVERY = 20000, /* rows that are not looked through again after a start */
	VALUE_HEAD_BYTES = 8 + 8 + MESSAGE_ID_BYTES,
	CLOCK_BYTES = AUDIENCE_ID_BYTES + 8 + 8 + 1,
	VALUE_MAX_BYTES = VALUE_HEAD_BYTES + CLOCKS_MAX * CLOCK_BYTES,
};

static const char value_name[] = "beacons";

/* SPEC 5.11: "A node sends a beacon to an audience 1, 6 and 24 hours after its last post, recall or
 * forward there." */
static const uint64_t stages_ms[BEACON_STAGES] = {1 * HOUR_MS, 6 * HOUR_MS, 24 * HOUR_MS};

/* ---- what is remembered ---- */

struct save_call {
	struct desk_call call;
	struct node *node;
	uint8_t *value;
	size_t length;
	enum err e;
};

static void save_run(struct desk_call *call)
{
	struct save_call *s = call->arg;
	struct log *log = s->node->log;

	s->e = log_begin(log);
	if (!s->e) {
		s->e = log_put(log, value_name, s->value, s->length);
		if (s->e)
			log_abort(log);
		else
			s->e = log_commit(log);
	}
	keep_rest(s->node->keep);
	desk_done(s->node->desk, call);
}

static enum err save(struct node *n, uint64_t now)
{
	struct beacons *b = n->beacons;
	struct save_call s = {.call = {.run = save_run}, .node = n};
	struct writer w;

	s.call.arg = &s;
	s.length = VALUE_HEAD_BYTES + b->count * CLOCK_BYTES;
	s.value = malloc(s.length);
	if (!s.value)
		return ERR_MEMORY;
	writer_init(&w, s.value, s.length);
	write_u64(&w, b->done);
	write_u64(&w, b->incarnation);
	write_bytes(&w, b->heartbeat.b, MESSAGE_ID_BYTES);
	for (size_t i = 0; i < b->count; i++) {
		const struct beacon_clock *c = &b->clocks[i];
		write_bytes(&w, c->audience.b, AUDIENCE_ID_BYTES);
		write_u64(&w, c->lsn);
		write_u64(&w, c->spoke);
		write_u8(&w, c->stage);
	}
	/* A node that is being closed finds it again. */
	if (!desk_call(n->desk, &s.call))
		s.e = ERR_OK;
	free(s.value);
	if (!s.e) {
		b->changed = false;
		b->saved = b->done;
		b->saved_at = now;
	}
	return s.e;
}

static void load_value(struct beacons *b, const uint8_t *value, size_t n)
{
	struct reader r;

	if (n < VALUE_HEAD_BYTES || (n - VALUE_HEAD_BYTES) % CLOCK_BYTES != 0)
		return;
	reader_init(&r, value, n);
	b->done = b->saved = read_u64(&r);
	b->incarnation = read_u64(&r);
	read_bytes(&r, b->heartbeat.b, MESSAGE_ID_BYTES);
	b->count = (n - VALUE_HEAD_BYTES) / CLOCK_BYTES;
	for (size_t i = 0; i < b->count; i++) {
		struct beacon_clock *c = &b->clocks[i];
		read_bytes(&r, c->audience.b, AUDIENCE_ID_BYTES);
		c->lsn = read_u64(&r);
		c->spoke = read_u64(&r);
		c->stage = read_u8(&r);
	}
}

static enum err load(struct beacons *b, struct log_reader *log)
{
	uint8_t *value = malloc(VALUE_MAX_BYTES);
	size_t n = 0;
	enum err e = ERR_MEMORY;

	if (!b->clocks)
		b->clocks = calloc(CLOCKS_MAX, sizeof *b->clocks);
	if (value && b->clocks)
		e = remembered_get(log, value_name, value, VALUE_MAX_BYTES, &n);
	if (!e)
		load_value(b, value, n);
	free(value);
	b->loaded = !e || e == ERR_NOT_FOUND;
	return b->loaded ? ERR_OK : e;
}

struct beacons *beacons_new(void)
{
	return calloc(1, sizeof(struct beacons));
}

void beacons_free(struct beacons *b)
{
	if (b)
		free(b->clocks);
	free(b);
}

/* ---- what this store has said ---- */

static struct beacon_clock *clock_of(struct beacons *b, const struct audience_id *audience)
{
	for (size_t i = 0; i < b->count; i++) {
		if (memcmp(b->clocks[i].audience.b, audience->b, AUDIENCE_ID_BYTES) == 0)
			return &b->clocks[i];
	}
	return NULL;
}

/* Where there are too many, the one that has waited longest gives way. */
static struct beacon_clock *clock_new(struct beacons *b)
{
	struct beacon_clock *oldest = &b->clocks[0];

	if (b->count < CLOCKS_MAX)
		return &b->clocks[b->count++];
	for (size_t i = 1; i < b->count; i++) {
		if (b->clocks[i].lsn < oldest->lsn)
			oldest = &b->clocks[i];
	}
	return oldest;
}

static void clock_start(struct beacons *b, const struct audience_id *audience, uint64_t lsn,
			uint64_t spoke)
{
	struct beacon_clock *c = clock_of(b, audience);

	if (!c)
		c = clock_new(b);
	*c = (struct beacon_clock){*audience, lsn, spoke, 0};
	b->changed = true;
}

/* A beacon at that time: whatever was due by then has come. */
static void clock_advance(struct beacons *b, struct beacon_clock *c, uint64_t at)
{
	while (c->stage < BEACON_STAGES && at >= c->spoke && at - c->spoke >= stages_ms[c->stage])
		c->stage++;
	if (c->stage >= BEACON_STAGES)
		*c = b->clocks[--b->count];
	b->changed = true;
}

static void heard_beacon(struct beacons *b, const struct log_row *row, const struct header *h)
{
	struct audience_id all = audience_all();
	struct beacon_clock *c = clock_of(b, &h->audience);

	if (c)
		clock_advance(b, c, row->arrived);
	if (memcmp(h->audience.b, all.b, AUDIENCE_ID_BYTES) == 0) {
		b->all_lsn = row->lsn;
		b->all_at = row->arrived;
	}
	/* SPEC 5.11: "The first beacon that an incarnation says for everyone is its heartbeat." */
	if (h->incarnation != b->incarnation &&
	    memcmp(h->audience.b, all.b, AUDIENCE_ID_BYTES) == 0) {
		b->incarnation = h->incarnation;
		b->heartbeat = row->id;
		b->changed = true;
	}
}

static void follow_row(struct beacons *b, const struct log_row *row, struct header *h)
{
	if (header_decode(h, row->data, row->length - SIGNATURE_BYTES) != ERR_OK)
		return;
	switch ((enum message_kind)h->kind) {
	case KIND_POST:
	case KIND_RECALL:
	case KIND_FORWARD:
		clock_start(b, &h->audience, row->lsn, row->arrived);
		break;
	case KIND_BEACON:
		heard_beacon(b, row, h);
		break;
	/* SPEC 5.11: "Nothing else starts this clock: not beacons, receipts, cards or role keys."
	 */
	case KIND_RECEIPT:
	case KIND_CARD:
	case KIND_ROLE_KEY:
		break;
	}
}

/* What came back from others, after a restore or from a clone, is not this store's. */
static bool is_own(const struct log_row *row, const struct party_id *self)
{
	return row->kind == LOG_MESSAGE && row->length >= SIGNATURE_BYTES + HEADER_FIXED_BYTES &&
	       party_id_equal(&row->from, self) &&
	       memcmp(row->data + ORIGIN_OFFSET, self->b, PARTY_ID_BYTES) == 0;
}

static enum err follow(struct beacons *b, struct log_reader *log, const struct party_id *self,
		       uint64_t until)
{
	struct header *h = malloc(sizeof *h);
	enum err e = h ? ERR_OK : ERR_MEMORY;

	for (int i = 0; i < ROWS_AT_ONCE && !e && b->done < until; i++) {
		struct log_row row;
		e = log_read_from(log, b->done + 1, &row);
		if (e == ERR_DAMAGED && row.lsn > b->done)
			e = ERR_OK;
		else if (!e && is_own(&row, self))
			follow_row(b, &row, h);
		if (!e)
			b->done = row.lsn;
	}
	free(h);
	return e;
}

/* ---- the duty ---- */

/* When the next beacon of the clock is due: wall ms.  A clock that was wrong when it was started is
 * taken to have been started now. */
static uint64_t due_at(const struct beacon_clock *c, uint64_t wall)
{
	uint64_t wait = c->stage < BEACON_STAGES ? stages_ms[c->stage] : 0;

	return (c->spoke < wall ? c->spoke : wall) + wait;
}

static enum err say_due(struct node *n, struct log_reader *log, struct index_reader *index,
			uint64_t now, uint64_t *next)
{
	static const struct message_id none;
	struct beacons *b = n->beacons;
	uint64_t wall = clock_wall();

	for (size_t i = 0; i < b->count;) {
		struct beacon_clock *c = &b->clocks[i];
		struct message_id id;
		enum err e;
		if (c->spoke > wall)
			c->spoke = wall;
		if (due_at(c, wall) > wall) {
			uint64_t mono = now + (due_at(c, wall) - wall);
			*next = mono < *next ? mono : *next;
			i++;
			continue;
		}
		e = beacon_say(n, log, index, c->lsn, &none, &id);
		/* Nobody is left to whom it could be said. */
		if (e == ERR_UNKNOWN_PARTY)
			c->stage = BEACON_STAGES;
		else if (e)
			return e;
		/* The last of the list may take its place. */
		clock_advance(b, c, wall);
	}
	return ERR_OK;
}

/* What the last one for everyone has told of the audit is not so any more. */
static enum err audit_has_grown(struct node *n, struct log_reader *log, bool *grown)
{
	struct beacon_audit now, told = {0};
	struct log_row row;
	struct header h;
	enum err e = audit_head_read(&now, log);

	if (!e)
		e = log_read(log, n->beacons->all_lsn, &row);
	*grown = !e;
	if (!e && row.kind == LOG_MESSAGE && row.length >= SIGNATURE_BYTES &&
	    header_decode(&h, row.data, row.length - SIGNATURE_BYTES) == ERR_OK &&
	    audit_told(&told, n->identity, log, &row, &h))
		*grown = told.number != now.number;
	*grown = *grown && now.number;
	return e == ERR_NOT_FOUND ? ERR_OK : e;
}

/* SPEC 5.11: "When the audit has grown, and the last that was said for everyone is 24 hours old,
 * one is sent to tell of that alone." */
static enum err say_audit(struct node *n, struct log_reader *log, struct index_reader *index,
			  uint64_t now, uint64_t *next)
{
	static const struct message_id none;
	struct beacons *b = n->beacons;
	uint64_t wall = clock_wall(), due;
	struct message_id id;
	bool grown = false;
	enum err e = ERR_OK;

	if (!b->all_lsn)
		return ERR_OK;
	if (b->all_at > wall)
		b->all_at = wall;
	due = b->all_at + UINT64_C(24) * HOUR_MS;
	if (due <= wall) {
		due = wall + HOUR_MS;
		e = audit_has_grown(n, log, &grown);
	}
	if (!e && grown)
		e = beacon_say(n, log, index, b->all_lsn, &none, &id);
	/* It is heard when it was folded: until then nothing is said again. */
	if (!e && grown)
		b->all_at = wall;
	if (!e && now + (due - wall) < *next)
		*next = now + (due - wall);
	return e;
}

static enum err say_heartbeat(struct node *n, struct log_reader *log, struct index_reader *index)
{
	struct beacons *b = n->beacons;
	struct message_id id;
	enum err e = beacon_say(n, log, index, 0, &b->heartbeat, &id);

	if (e)
		return e;
	b->said = true;
	b->heartbeat = id;
	b->incarnation = n->author.incarnation;
	b->changed = true;
	return ERR_OK;
}

static enum err run(struct node *n, const struct party_id *self, struct log_reader *log,
		    struct index_reader *index, uint64_t now, uint64_t *next)
{
	struct beacons *b = n->beacons;
	uint64_t until = 0;
	bool urgent = false;
	enum err e = index_folded(index, &until);

	if (!e && !b->loaded)
		e = load(b, log);
	if (!e)
		e = follow(b, log, self, until);
	if (e)
		return e;
	b->changed = b->changed || b->done - b->saved >= SAVED_EVERY;
	if (b->done < until) {
		*next = now;
		return ERR_OK;
	}
	if (!b->said) {
		e = say_heartbeat(n, log, index);
		urgent = !e;
	}
	if (!e)
		e = say_due(n, log, index, now, next);
	if (!e)
		e = say_audit(n, log, index, now, next);
	/* One that is being closed says it when it is started again; one that may not speak waits
	 * for another topology. */
	if (e == ERR_STATE)
		return ERR_OK;
	if (e == ERR_NOT_ALLOWED) {
		*next = now + LATER_MS < *next ? now + LATER_MS : *next;
		e = ERR_OK;
	}
	if (!e && b->changed && (urgent || now - b->saved_at >= SAVE_MS))
		return save(n, now);
	if (b->changed && b->saved_at + SAVE_MS < *next)
		*next = b->saved_at + SAVE_MS;
	return e;
}

enum err duty_beacon(struct node *n, uint64_t now, uint64_t *next)
{
	const struct topology *t = versions_newest(n->versions);
	struct index_reader *index = NULL;
	struct log_reader *log = NULL;
	struct party_id self;
	enum err e;

	if (!t) {
		*next = now + LATER_MS < *next ? now + LATER_MS : *next;
		return ERR_OK;
	}
	self = party_id_of(&t->network, n->config->node);
	e = views_open(n, &index, &log);
	if (!e)
		e = run(n, &self, log, index, now, next);
	views_close(index, log);
	return e;
}
