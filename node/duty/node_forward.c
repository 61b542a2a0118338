/* Looking after what this node has forwarded: who got it from this node loses it, and hears of what
 * becomes of it, through this node alone.
 *
 * How far the log has been looked through is remembered, and is only an optimisation: what was done
 * is in the index, and is not done again. */
#include "node/duty/node_forward.h"
#include "node/remembered.h"

#include <stdlib.h>
#include <string.h>

#include "node/say.h"
#include "protocol/body.h"
#include "protocol/bytes.h"
#include "protocol/recall.h"

enum {
	AT_ONCE_MS = 50,
	WAIT_MS = 5000,
	SAVED_EVERY = 5000,
	VALUE_MAX_BYTES = 8 + PARTIES_MAX * PARTY_ID_BYTES
};

static const char value_name[] = "forwards";

/* ---- of whom something was forwarded ---- */

static size_t place_of(const struct forwards *f, const struct party_id *id)
{
	size_t low = 0, high = f->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (memcmp(f->origins[middle].b, id->b, sizeof id->b) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static bool is_known(const struct forwards *f, const struct party_id *id)
{
	size_t at = place_of(f, id);

	return at < f->count && party_id_equal(&f->origins[at], id);
}

static enum err origin_add(struct forwards *f, const struct party_id *id)
{
	size_t at = place_of(f, id);
	struct party_id *more;

	if (is_known(f, id) || f->count == PARTIES_MAX)
		return ERR_OK;
	more = realloc(f->origins, (f->count + 1) * sizeof *more);
	if (!more)
		return ERR_MEMORY;
	f->origins = more;
	memmove(more + at + 1, more + at, (f->count - at) * sizeof *more);
	more[at] = *id;
	f->count++;
	f->changed = true;
	return ERR_OK;
}

/* ---- what is remembered ---- */

struct mark_call {
	struct desk_call call;
	struct node *node;
	const uint8_t *value;
	size_t length;
	enum err e;
};

static void mark_write(struct desk_call *call)
{
	struct mark_call *m = call->arg;
	struct log *log = m->node->log;

	m->e = log_begin(log);
	if (!m->e) {
		m->e = log_put(log, value_name, m->value, m->length);
		if (m->e)
			log_abort(log);
		else
			m->e = log_commit(log);
	}
	keep_rest(m->node->keep);
	desk_done(m->node->desk, call);
}

static enum err mark_save(struct node *n, struct forwards *f)
{
	struct mark_call m = {.call = {.run = mark_write}, .node = n};
	uint8_t *value;

	if (!f->changed && f->done < f->saved + SAVED_EVERY)
		return ERR_OK;
	m.length = 8 + f->count * sizeof *f->origins;
	value = malloc(m.length);
	if (!value)
		return ERR_MEMORY;
	put_u64(value, f->done);
	if (f->count)
		memcpy(value + 8, f->origins, f->count * sizeof *f->origins);
	m.value = value;
	m.call.arg = &m;
	/* A node that is being closed looks again when it is started. */
	if (desk_call(n->desk, &m.call) && !m.e) {
		f->saved = f->done;
		f->changed = false;
	}
	free(value);
	return m.e;
}

static enum err mark_read(struct forwards *f, struct log_reader *log)
{
	uint8_t *value = malloc(VALUE_MAX_BYTES);
	size_t n = 0;
	enum err e =
		value ? remembered_get(log, value_name, value, VALUE_MAX_BYTES, &n) : ERR_MEMORY;

	if (!e && n >= 8) {
		f->done = f->saved = get_u64(value);
		for (size_t at = 8; !e && at + PARTY_ID_BYTES <= n; at += PARTY_ID_BYTES)
			e = origin_add(f, (const struct party_id *)(value + at));
		f->changed = false;
	}
	free(value);
	return e == ERR_NOT_FOUND ? ERR_OK : e;
}

static enum err forwards_open(struct node *n)
{
	struct log_reader *log;
	enum err e;

	if (n->forwards)
		return ERR_OK;
	n->forwards = calloc(1, sizeof *n->forwards);
	if (!n->forwards)
		return ERR_MEMORY;
	e = log_reader_open(&log, n->log);
	if (!e) {
		e = mark_read(n->forwards, log);
		log_reader_close(log);
	}
	if (e) {
		forwards_free(n->forwards);
		n->forwards = NULL;
	}
	return e;
}

void forwards_free(struct forwards *f)
{
	if (f)
		free(f->origins);
	free(f);
}

/* ---- recalls ---- */

enum err own_forward_read(struct looking_after *x, uint64_t lsn, struct log_row *row)
{
	uint64_t recalled;
	enum err e = log_read(x->log, lsn, row);

	if (e)
		return e == ERR_DAMAGED ? ERR_NOT_FOUND : e;
	if (row->kind != LOG_MESSAGE || row->verdict != VERDICT_ACCEPTED ||
	    row->length < SIGNATURE_BYTES ||
	    header_decode(&x->other, row->data, row->length - SIGNATURE_BYTES) != ERR_OK ||
	    x->other.kind != KIND_FORWARD || !party_id_equal(&x->other.origin, &x->self->id) ||
	    x->other.expiry < x->floor)
		return ERR_NOT_FOUND;
	e = index_recall(x->index, x->log, &x->other, &row->id, &x->recall, &recalled);
	if (e == ERR_OK)
		return ERR_NOT_FOUND;
	/* That has moved the log's reader. */
	return e == ERR_NOT_FOUND ? log_read(x->log, lsn, row) : e;
}

static enum err letter_make(struct looking_after *x)
{
	const struct seal_book book = directory_book(x->node->directory);
	struct party_id missing;
	struct chain known;
	enum err e = versions_known(x->node->versions, &known);

	if (e)
		return e;
	if (!recipients_letter_again(&x->letter, x->topology, &book,
				     chain_version(&known, x->other.topology), &x->other, &missing))
		e = ERR_UNKNOWN_PARTY;
	free(known.versions);
	return e;
}

/* Recalls the forward whose header is in x->other. */
static enum err recall_forward(struct looking_after *x, const struct log_row *row)
{
	static const char json[] =
		"{\"because\":\"leaked\",\"words\":\"its author has recalled what it hands on\"}";
	struct draft draft = {.kind = KIND_RECALL,
			      .tlp = (enum tlp)x->other.tlp,
			      .priority = PRIORITY_HIGH,
			      .expiry = x->other.expiry,
			      .ref = row->id};
	struct message_id id;
	uint8_t *body = NULL;
	enum err e = letter_make(x);

	/* Who has no key any more cannot be told. */
	if (e == ERR_UNKNOWN_PARTY)
		return ERR_OK;
	if (!e)
		e = body_pack(&body, &draft.body_length, json, sizeof json - 1);
	draft.body = body;
	if (!e)
		e = node_publish_letter(x->node, x->topology, &x->letter, &draft, 1, &id, NULL);
	if (!e)
		say(LEVEL_INFO, "recalled a forward, since its author has recalled the message");
	free(body);
	return e;
}

/* SPEC 5.10: "When the original is recalled, it recalls its forwards, whichever came first." */
static enum err recall_all(struct looking_after *x)
{
	struct header *recall = malloc(sizeof *recall);
	struct message_id id = x->header.ref;
	char why[CONTENT_WHY_BYTES];
	uint64_t at = 0, lsn;
	struct log_row row;
	enum err e = recall ? ERR_OK : ERR_MEMORY;

	if (!e)
		*recall = x->header;
	while (!e && (e = index_forwards(x->index, &id, &at, &lsn)) == ERR_OK) {
		e = own_forward_read(x, lsn, &row);
		if (!e)
			e = forwarded_read(&x->forwarded, x->node->identity, x->log, &row,
					   &x->other, why);
		if (!e) {
			if (recall_applies(recall, &x->forwarded.handover.original, &id))
				e = recall_forward(x, &row);
			forwarded_clear(&x->forwarded);
		}
		if (e == ERR_NOT_FOUND || e == ERR_FORMAT)
			e = ERR_OK;
	}
	free(recall);
	return e == ERR_NOT_FOUND ? ERR_OK : e;
}

/* ---- row by row ---- */

/* A forward of ours, in x->other: its author may have taken the message back, or said more, before.
 */
static enum err look_at_own(struct looking_after *x, const struct log_row *row)
{
	const struct header *original = &x->forwarded.handover.original;
	char why[CONTENT_WHY_BYTES];
	uint64_t lsn;
	enum err e = forwarded_read(&x->forwarded, x->node->identity, x->log, row, &x->other, why);

	if (e)
		return e == ERR_NOT_FOUND || e == ERR_FORMAT ? ERR_OK : e;
	e = origin_add(x->forwards, &original->origin);
	if (!e)
		e = index_recall(x->index, x->log, original, &x->forwarded.id, &x->recall, &lsn);
	if (!e)
		e = recall_forward(x, row);
	else if (e == ERR_NOT_FOUND)
		e = follow_forward(x);
	forwarded_clear(&x->forwarded);
	return e;
}

static enum err look_at(struct looking_after *x, struct log_row *row)
{
	const struct header *h = &x->header;
	bool own;
	enum err e;

	if (row->kind != LOG_MESSAGE || row->verdict != VERDICT_ACCEPTED ||
	    row->length < SIGNATURE_BYTES ||
	    header_decode(&x->header, row->data, row->length - SIGNATURE_BYTES) != ERR_OK)
		return ERR_OK;
	own = party_id_equal(&h->origin, &x->self->id);
	switch ((enum message_kind)h->kind) {
	case KIND_POST:
		if (own || !(h->flags & FLAG_SEALED) || !is_known(x->forwards, &h->origin))
			return ERR_OK;
		return follow_message(x, row->lsn);
	case KIND_RECALL:
		return own ? ERR_OK : recall_all(x);
	case KIND_FORWARD:
		e = own ? own_forward_read(x, row->lsn, row) : ERR_NOT_FOUND;
		if (!e)
			e = look_at_own(x, row);
		return e == ERR_NOT_FOUND ? ERR_OK : e;
	case KIND_RECEIPT:
	case KIND_BEACON:
	case KIND_CARD:
	case KIND_ROLE_KEY:
		break;
	}
	return ERR_OK;
}

static enum err look_through(struct looking_after *x, uint64_t until)
{
	uint64_t started = clock_monotonic(), lsn;
	struct log_row row;
	enum err e = ERR_OK;

	while (!e && x->forwards->done < until && clock_monotonic() - started < AT_ONCE_MS) {
		e = log_read_from(x->log, x->forwards->done + 1, &row);
		lsn = row.lsn;
		if (!e)
			e = look_at(x, &row);
		else if (e == ERR_DAMAGED && lsn > x->forwards->done)
			e = ERR_OK;
		if (!e)
			x->forwards->done = lsn;
	}
	/* Who may not speak, or is being closed, does it another time. */
	return e == ERR_STATE || e == ERR_NOT_ALLOWED ? ERR_OK : e;
}

static enum err look_after(struct looking_after *x, uint64_t now, uint64_t *next)
{
	struct forwards *f = x->forwards;
	uint64_t until = 0, before = f->done;
	enum err e = views_open(x->node, &x->index, &x->log);

	if (!e)
		e = index_folded(x->index, &until);
	if (!e)
		e = look_through(x, until);
	if (!e)
		e = mark_save(x->node, f);
	if (!e && f->done < until && f->done > before)
		*next = now;
	return e;
}

enum err duty_forwards(struct node *n, uint64_t now, uint64_t *next)
{
	const struct topology *t = versions_newest(n->versions);
	const struct party *self = t ? topology_party(t, n->config->node) : NULL;
	struct looking_after *x;
	uint64_t waiting;
	enum err e;

	if (!self || self->left)
		return ERR_OK;
	e = forwards_open(n);
	if (e || n->forwards->done >= log_head(n->log))
		return e;
	/* What came out of a backup may have been recalled since. */
	if (node_waits(n, &waiting) && waiting) {
		*next = *next < now + WAIT_MS ? *next : now + WAIT_MS;
		return ERR_OK;
	}
	x = calloc(1, sizeof *x);
	if (!x)
		return ERR_MEMORY;
	x->node = n;
	x->forwards = n->forwards;
	x->topology = t;
	x->self = self;
	x->floor = status_floor(n);
	e = look_after(x, now, next);
	free(x->given);
	index_reader_close(x->index);
	if (x->log)
		log_reader_close(x->log);
	free(x);
	return e;
}
