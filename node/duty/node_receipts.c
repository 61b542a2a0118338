/* What this node states of the messages that it was sent: found in the log, compared with what its
 * own receipts, which are in the log too, have stated, and told to the origins.
 *
 * How far the log has been looked through is remembered, and is only an optimisation: what is
 * looked at twice has been stated, and is not stated again. */
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "node/store/forwarded.h"
#include "node/node_parts.h"
#include "node/remembered.h"
#include "node/duty/receipts.h"
#include "protocol/bytes.h"
#include "protocol/recall.h"

enum {
	QUIET_MS = 1000,
	PATIENCE_MS = 10 * 1000,
	LATER_MS = 2000,
	AT_ONCE_MS = 50,
	STATEMENTS_AT_ONCE = 2 * STATEMENTS_MAX,
	SAVED_EVERY = 5000, /* rows that said nothing */
	VALUE_BYTES = 8 + 4 + 16,
};

static const char value_name[] = "receipts";

struct answering {
	struct node *node;
	const struct topology *topology;
	const struct party *self;
	uint32_t floor;
	struct log_reader *log;
	struct index_reader *index;
	struct header header, other;
	bool later; /* a body is about to be removed */
};

/* ---- what there is to state ---- */

/* SPEC 5.9: "It states nothing that it has stated, and no state that a greater one implies, as far
 * as the receipts tell that it has kept itself" */
static enum err state(struct answering *x, const struct header *h, const struct statement *s)
{
	struct receipt_fold own;
	enum err e = receipts_own(x->index, &x->self->id, &s->message, &own);

	if (e || receipt_fold_state(&own) >= s->state)
		return e;
	return receipts_add(&x->node->receipting.out, h, s);
}

static enum err state_erased(struct answering *x, const struct log_row *row, const struct header *h)
{
	const struct statement s = {
		.message = row->id, .state = RECEIPT_ERASED, .at = clock_wall()};

	/* Bodies are removed before this duty runs. */
	x->later = x->later || row->has_body;
	return row->has_body ? ERR_OK : state(x, h, &s);
}

/* The body, not only the key to it, is looked at: seldom. */
static enum err body_opens(struct answering *x, const struct log_row *row, bool *opens)
{
	size_t n, used;
	uint8_t *body, *data;
	enum err e = log_read_body(x->log, row, &body, &n);

	*opens = false;
	if (e)
		return e == ERR_DAMAGED || e == ERR_NOT_FOUND ? ERR_OK : e;
	data = malloc(n + 1);
	if (data)
		*opens = seal_open(node_identity(x->node), &x->header, body, n, data, &used) ==
			 OPENING_DONE;
	else
		e = ERR_MEMORY;
	if (data)
		sodium_memzero(data, n);
	free(data);
	free(body);
	return e;
}

/* What became of a message whose content the index holds. */
static enum err state_of_held(struct answering *x, const struct log_row *row, struct statement *s)
{
	bool opens = true;
	enum err e = ERR_OK;

	s->state = RECEIPT_CANNOT_OPEN;
	switch (seal_probe(node_identity(x->node), &x->header)) {
	case OPENING_DONE:
		e = body_opens(x, row, &opens);
		if (opens)
			s->state = RECEIPT_STORED;
		else
			s->reason = REASON_BODY;
		break;
	case OPENING_NOT_OURS:
	case OPENING_KEY_GONE:
		s->reason = REASON_GONE;
		break;
	case OPENING_WRAP_BAD:
		s->reason = REASON_WRAP;
		break;
	case OPENING_BODY_BAD:
	case OPENING_COUNT:
		s->reason = REASON_BODY;
		break;
	}
	return e;
}

static enum err answer_message(struct answering *x, const struct log_row *row)
{
	const struct header *h = &x->header;
	bool sealed = h->flags & FLAG_SEALED;
	struct statement s = {.message = row->id, .state = RECEIPT_OPENED, .at = row->arrived};
	char why[256];
	uint64_t lsn;
	enum err e = index_recall(x->index, x->log, h, &row->id, &x->other, &lsn);

	if (!e)
		return state_erased(x, row, h);
	if (e != ERR_NOT_FOUND)
		return e;
	/* SPEC 5.9: "It does so when the message is sealed, or when the envelope of the post says
	 * `"receipt":true` (8.1)." */
	if (!row->has_body || (!sealed && !index_asks(x->index, &row->id, &h->origin)))
		return ERR_OK;
	e = ERR_OK;
	if (sealed && !seal_is_ours(node_identity(x->node), h)) {
		s.state = RECEIPT_CANNOT_OPEN;
		s.reason = REASON_GONE;
	} else if (index_held(x->index, row->lsn, why, sizeof why)) {
		s.state = RECEIPT_STORED;
		if (sealed)
			e = state_of_held(x, row, &s);
	}
	return e ? e : state(x, h, &s);
}

/* Reads the message of that id, if it is here, and its header into x->other. */
static enum err target_read(struct answering *x, const struct message_id *id, struct log_row *row)
{
	uint64_t lsn;
	enum err e = index_find(x->index, id, &lsn);

	if (!e)
		e = log_read(x->log, lsn, row);
	if (!e && (row->kind != LOG_MESSAGE || row->length < SIGNATURE_BYTES ||
		   header_decode(&x->other, row->data, row->length - SIGNATURE_BYTES)))
		e = ERR_NOT_FOUND;
	return e == ERR_DAMAGED ? ERR_NOT_FOUND : e;
}

/* SPEC 5.9: "It answers for the erasing of every message that it reads, sealed or not" */
static enum err answer_recall(struct answering *x)
{
	struct log_row target = {0};
	enum err e = target_read(x, &x->header.ref, &target);

	if (e)
		return e == ERR_NOT_FOUND ? ERR_OK : e;
	if (target.verdict != VERDICT_ACCEPTED || x->other.expiry < x->floor ||
	    (x->other.kind != KIND_POST && x->other.kind != KIND_FORWARD) ||
	    !recall_applies(&x->header, &x->other, &target.id) ||
	    !audience_reads(x->topology, x->self, &x->other))
		return ERR_OK;
	return state_erased(x, &target, &x->other);
}

/* The names of who reads the forward now. */
static enum err new_readers(struct answering *x, struct statement *s)
{
	const char **to = calloc(x->header.recipient_count, sizeof *to);

	if (!to)
		return ERR_MEMORY;
	for (size_t i = 0; i < x->header.recipient_count; i++) {
		const struct party_id *id = &x->header.recipients[i].party;
		const struct party *p = topology_party_by_id(x->topology, id);
		if (p && !party_id_equal(id, &x->self->id) && s->to_count < STATEMENT_NAMES_MAX)
			to[s->to_count++] = p->name;
	}
	s->to = to;
	return ERR_OK;
}

/* Why it was forwarded, from the forward itself. */
static enum err reason_of(struct answering *x, const struct log_row *row, struct statement *s)
{
	struct forwarded f = {0};
	char why[CONTENT_WHY_BYTES];
	enum err e = forwarded_read(&f, node_identity(x->node), x->log, row, &x->header, why);
	const struct slice reason = f.handover.forward.reason;

	if (!e && reason.length) {
		s->because = strndup(reason.at, reason.length);
		e = s->because ? ERR_OK : ERR_MEMORY;
	}
	forwarded_clear(&f);
	return e == ERR_MEMORY ? e : ERR_OK;
}

struct forwarded_before {
	uint64_t at;
	bool yes;
};

static bool is_that_forward(void *arg, const struct stated *s)
{
	struct forwarded_before *f = arg;

	f->yes = s->state == RECEIPT_FORWARDED && s->at == f->at;
	return !f->yes;
}

/* SPEC 5.10: "The forwarder tells the origin of the original to whom it was handed and why" */
static enum err answer_own_forward(struct answering *x, const struct log_row *row)
{
	struct statement s = {
		.message = x->header.ref, .state = RECEIPT_FORWARDED, .at = x->header.created};
	struct forwarded_before before = {s.at, false};
	struct log_row target;
	enum err e = target_read(x, &s.message, &target);

	if (e)
		return e == ERR_NOT_FOUND ? ERR_OK : e;
	if (party_id_equal(&x->other.origin, &x->self->id) || x->other.expiry < x->floor)
		return ERR_OK;
	e = index_stated(x->index, &s.message, &x->self->id, is_that_forward, &before);
	if (e || before.yes)
		return e;
	e = new_readers(x, &s);
	if (!e && s.to_count)
		e = reason_of(x, row, &s);
	if (!e && s.to_count)
		return receipts_add(&x->node->receipting.out, &x->other, &s);
	free((void *)(uintptr_t)s.to);
	return e;
}

static enum err answer_row(struct answering *x, const struct log_row *row);

/* What was held and is released is answered now. */
static enum err answer_released(struct answering *x, const struct log_row *fact)
{
	enum verdict_change change;
	struct log_row row;
	uint64_t lsn;

	if (!log_verdict_changed(fact, &change, &lsn) || change != VERDICT_RELEASED ||
	    log_read(x->log, lsn, &row) != ERR_OK || row.kind != LOG_MESSAGE)
		return ERR_OK;
	return answer_row(x, &row);
}

static enum err answer_row(struct answering *x, const struct log_row *row)
{
	const struct header *h = &x->header;
	bool own;

	if (row->kind == LOG_FACT)
		return answer_released(x, row);
	if (!row_accepted(row, &x->header))
		return ERR_OK;
	own = party_id_equal(&h->origin, &x->self->id);
	switch ((enum message_kind)h->kind) {
	case KIND_POST:
	case KIND_FORWARD:
		if (own)
			return h->kind == KIND_FORWARD ? answer_own_forward(x, row) : ERR_OK;
		if (h->expiry < x->floor || !audience_reads(x->topology, x->self, h))
			return ERR_OK;
		return answer_message(x, row);
	case KIND_RECALL:
		return own ? ERR_OK : answer_recall(x);
	/* SPEC 5.9: "Posts and forwards are answered, and nothing else: a receipt, a beacon or a
	 * card never is." */
	case KIND_RECEIPT:
	case KIND_BEACON:
	case KIND_CARD:
	case KIND_ROLE_KEY:
		break;
	}
	return ERR_OK;
}

/* ---- how far ---- */

struct mark_call {
	struct desk_call call;
	struct node *node;
	uint8_t value[VALUE_BYTES];
	enum err e;
};

static void mark_write(struct desk_call *call)
{
	struct mark_call *m = call->arg;
	struct log *log = m->node->log;

	m->e = log_begin(log);
	if (!m->e) {
		m->e = log_put(log, value_name, m->value, sizeof m->value);
		if (m->e)
			log_abort(log);
		else
			m->e = log_commit(log);
	}
	keep_rest(m->node->keep);
	desk_done(m->node->desk, call);
}

static enum err mark_save(struct node *n)
{
	struct mark_call m = {.call = {.run = mark_write}, .node = n};
	struct writer w;

	m.call.arg = &m;
	writer_init(&w, m.value, sizeof m.value);
	write_u64(&w, n->receipting.done);
	write_u32(&w, n->receipting.version);
	write_bytes(&w, n->receipting.seals, sizeof n->receipting.seals);
	if (!desk_call(n->desk, &m.call))
		return ERR_OK; /* the node is being closed */
	if (!m.e)
		n->receipting.saved = n->receipting.done;
	return m.e;
}

static enum err mark_load(struct node *n)
{
	struct receipting *r = &n->receipting;
	struct log_reader *log;
	uint8_t value[VALUE_BYTES];
	struct reader in;
	size_t length;
	enum err e = log_reader_open(&log, n->log);

	if (e)
		return e;
	e = remembered_get(log, value_name, value, sizeof value, &length);
	log_reader_close(log);
	if (!e && length == sizeof value) {
		reader_init(&in, value, length);
		r->done = r->saved = r->at = read_u64(&in);
		r->version = read_u32(&in);
		read_bytes(&in, r->seals, sizeof r->seals);
	}
	r->loaded = !e || e == ERR_NOT_FOUND;
	return r->loaded ? ERR_OK : e;
}

/* Who reads what, and what can be opened, may be otherwise now than when the log was looked
 * through.
 */
static void mark_check(struct node *n, const struct topology *t)
{
	struct receipting *r = &n->receipting;
	uint8_t seals[sizeof r->seals];

	seal_mark(n->identity, seals);
	if (r->version == t->version && memcmp(r->seals, seals, sizeof seals) == 0)
		return;
	r->version = t->version;
	memcpy(r->seals, seals, sizeof seals);
	r->done = r->saved = r->at = 0;
}

/* ---- the duty ---- */

static enum err look_through(struct answering *x, uint64_t until)
{
	struct receipting *r = &x->node->receipting;
	uint64_t started = clock_monotonic();
	struct log_row row;
	enum err e = ERR_OK;

	while (!e && r->at < until && r->out.count < STATEMENTS_AT_ONCE &&
	       clock_monotonic() - started < AT_ONCE_MS) {
		e = log_read_from(x->log, r->at + 1, &row);
		if (!e)
			e = answer_row(x, &row);
		else if (e == ERR_DAMAGED && row.lsn > r->at)
			e = ERR_OK;
		if (x->later)
			break;
		if (!e)
			r->at = row.lsn;
	}
	return e;
}

/* Everything up to where it was looked through. */
static enum err tell(struct node *n)
{
	struct receipting *r = &n->receipting;
	bool any = r->out.count > 0;
	enum err e = receipts_publish(&r->out, n, NULL);

	/* Who may not speak states nothing; the next version of the topology begins anew.  A node
	 * that is being closed states it when it is started again. */
	if (e && e != ERR_STATE && e != ERR_NOT_ALLOWED) {
		r->at = r->done;
		return e;
	}
	r->done = r->at;
	return any || r->done >= r->saved + SAVED_EVERY ? mark_save(n) : ERR_OK;
}

static enum err answer_some(struct answering *x, uint64_t now, uint64_t *next)
{
	struct receipting *r = &x->node->receipting;
	uint64_t until = 0;
	enum err e = index_folded(x->index, &until);

	if (!e)
		e = look_through(x, until);
	if (e) {
		receipts_clear(&r->out);
		r->at = r->done;
		return e;
	}
	/* What is left of the log may have more for the same receipts. */
	if (r->at < until && r->out.count < STATEMENTS_AT_ONCE && !x->later) {
		*next = now;
		return ERR_OK;
	}
	e = tell(x->node);
	if (e)
		return e;
	r->since = 0;
	if (x->later)
		*next = *next < now + LATER_MS ? *next : now + LATER_MS;
	else if (r->at < until)
		*next = now;
	return ERR_OK;
}

static enum err answer_now(struct node *n, const struct topology *t, const struct party *self,
			   uint64_t now, uint64_t *next)
{
	struct answering *x = calloc(1, sizeof *x);
	enum err e;

	if (!x)
		return ERR_MEMORY;
	x->node = n;
	x->topology = t;
	x->self = self;
	x->floor = status_floor(n);
	e = views_open(n, &x->index, &x->log);
	if (!e)
		e = answer_some(x, now, next);
	views_close(x->index, x->log);
	free(x);
	return e;
}

/* SPEC 5.9: "Statements for one origin are gathered for some seconds (this implementation: until
 * nothing has come for one second, ten at most)." */
enum err duty_receipts(struct node *n, uint64_t now, uint64_t *next)
{
	const struct topology *t = versions_newest(n->versions);
	const struct party *self = t ? topology_party(t, n->config->node) : NULL;
	struct receipting *r = &n->receipting;
	uint64_t head = log_head(n->log), due, waiting;
	enum err e = r->loaded ? ERR_OK : mark_load(n);

	/* SPEC 5.9: "Where the policy says `sealed` no, nobody writes receipts." */
	if (e || !self || self->left || !t->policy.author_sealed)
		return e;
	mark_check(n, t);
	if (r->done >= head)
		return ERR_OK;
	/* What this node has stated since its backup was made comes back to it first. */
	if (node_waits(n, &waiting)) {
		*next = *next < now + PATIENCE_MS ? *next : now + PATIENCE_MS;
		return ERR_OK;
	}
	if (r->seen != head) {
		r->seen = head;
		r->seen_at = now;
	}
	if (!r->since)
		r->since = now;
	due = r->seen_at + QUIET_MS;
	if (r->since + PATIENCE_MS < due)
		due = r->since + PATIENCE_MS;
	if (now >= due)
		return answer_now(n, t, self, now, next);
	if (due < *next)
		*next = due;
	return ERR_OK;
}
