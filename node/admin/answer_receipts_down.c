/* Who below this node has acknowledged one of its messages by the date that it wants, and who is
 * silent. */
#include <stdlib.h>
#include <string.h>

#include "node/admin/answer_receipts.h"
#include "node/loop.h"

enum { SILENT_NAMED_MAX = 8, SECOND_MS = 1000 };

/* ---- under whom a reader stands ---- */

static bool reports_to(const struct topology *t, const struct party *p, const struct party *self)
{
	for (size_t i = 0; i < p->parent_count; i++) {
		const struct party *parent = &t->parties[p->parents[i]];
		if (parent == self)
			return true;
		for (size_t k = 0; k < parent->holder_count; k++)
			if (&t->parties[parent->holders[k]] == self)
				return true;
	}
	return false;
}

/* SPEC 9.4.1: "A child is a node that reports, itself or as a role that it holds, to this node or
 * to a role that this node holds." */
static bool is_child(const struct following *f, const struct party *p)
{
	const struct topology *t = f->topology;
	bool child = reports_to(t, p, f->self);

	if (p->kind != PARTY_NODE || p->left || p == f->self)
		return false;
	for (size_t i = 0; !child && i < p->role_count; i++)
		child = reports_to(t, &t->parties[p->roles[i]], f->self);
	return child;
}

static const struct party *child_over(const struct following *f, const struct party *reader)
{
	const struct topology *t = f->topology;

	if (is_child(f, reader))
		return reader;
	for (size_t i = 0; i < t->party_count; i++)
		if (is_child(f, &t->parties[i]) && recipients_below(t, &t->parties[i], reader))
			return &t->parties[i];
	return reader;
}

/* ---- what it shows ---- */

static bool has_acknowledged(const struct follower *reader)
{
	return reader->fold.said[RECEIPT_ACKNOWLEDGED] || reader->fold.said[RECEIPT_DEPLOYED];
}

/* Since when nothing more is known of it. */
static uint64_t silent_since(const struct following *f, const struct follower *reader)
{
	enum receipt_state state = receipt_fold_state(&reader->fold);

	return state ? reader->fold.at[state] : f->header.created;
}

static void missing_show(struct following *f, const struct follower *reader)
{
	enum receipt_state state = receipt_fold_state(&reader->fold);
	struct text *t = &f->a->reply;

	admin_put_name(t, NULL);
	text_str(t, "{");
	admin_put_string(t, "node", reader->node->name);
	admin_put_string(t, "state", state ? receipt_state_str(state) : NULL);
	admin_put_time(t, "since", silent_since(f, reader));
	text_str(t, "}");
}

/* One child and who stands under it; over names the child of every reader. */
static void child_show(struct following *f, const struct party *const *over, size_t first)
{
	struct text *t = &f->a->reply;
	size_t readers = 0, acknowledged = 0;

	for (size_t i = first; i < f->current; i++)
		if (over[i] == over[first]) {
			readers++;
			acknowledged += has_acknowledged(&f->readers[i]);
		}
	admin_put_name(t, NULL);
	text_str(t, "{");
	admin_put_string(t, "node", over[first]->name);
	admin_put_string(t, "title", over[first]->title);
	admin_put_number(t, "readers", readers);
	admin_put_number(t, "acknowledged", acknowledged);
	admin_put_name(t, "missing");
	text_str(t, "[");
	for (size_t i = first; i < f->current; i++)
		if (over[i] == over[first] && !has_acknowledged(&f->readers[i]))
			missing_show(f, &f->readers[i]);
	text_str(t, "]}");
}

static bool shown_before(const struct party *const *over, size_t i)
{
	for (size_t k = 0; k < i; k++)
		if (over[k] == over[i])
			return true;
	return false;
}

static enum err children_show(struct following *f)
{
	const struct party **over = calloc(f->reader_count + 1, sizeof *over);

	if (!over)
		return ERR_MEMORY;
	for (size_t i = 0; i < f->current; i++)
		over[i] = child_over(f, f->readers[i].node);
	admin_put_name(&f->a->reply, "children");
	text_str(&f->a->reply, "[");
	for (size_t i = 0; i < f->current; i++)
		if (!shown_before(over, i))
			child_show(f, over, i);
	text_str(&f->a->reply, "]");
	free(over);
	return ERR_OK;
}

/* ---- in words ---- */

/* "3 days": the largest unit of which there are two, or one that is whole enough. */
static void span_words(struct text *t, uint64_t ms)
{
	static const struct {
		uint64_t seconds;
		const char *one, *many;
	} units[] = {{86400, "day", "days"}, {3600, "hour", "hours"}, {60, "minute", "minutes"}};
	uint64_t seconds = ms / SECOND_MS;

	for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
		uint64_t n = seconds / units[i].seconds;
		if (n > 0) {
			text_format(t, "%llu %s", (unsigned long long)n,
				    n == 1 ? units[i].one : units[i].many);
			return;
		}
	}
	text_str(t, "less than a minute");
}

static void silence_words(struct text *t, const struct following *f, const struct follower *reader,
			  uint64_t now)
{
	enum receipt_state state = receipt_fold_state(&reader->fold);
	uint64_t since = silent_since(f, reader);
	uint64_t span = now > since ? now - since : 0;

	text_str(t, reader->node->name);
	if (state == RECEIPT_CANNOT_OPEN) {
		text_str(t, " cannot open it");
		return;
	}
	if (state) {
		text_str(t, state == RECEIPT_STORED ? " stored it " : " opened it ");
		span_words(t, span);
		text_str(t, " ago");
		return;
	}
	text_str(t, " silent for ");
	span_words(t, span);
}

static void words_of(struct text *t, const struct following *f, size_t readers, size_t acknowledged,
		     uint64_t now)
{
	size_t named = 0;

	text_format(t, "%zu of %zu", acknowledged, readers);
	for (size_t i = 0; i < f->current && named < SILENT_NAMED_MAX; i++) {
		if (has_acknowledged(&f->readers[i]))
			continue;
		text_str(t, named++ ? ", " : "; ");
		silence_words(t, f, &f->readers[i], now);
	}
	if (readers - acknowledged > named)
		text_format(t, " and %zu more", readers - acknowledged - named);
}

/* ---- the date ---- */

/* Looks into the message, where it is a post that may be looked into: every showing of what is RED
 * is audited, and this is none. */
enum err following_envelope(struct following *f, struct envelope *out, bool *known)
{
	struct opened *o = NULL;
	struct log_row row;
	enum err e;

	*known = false;
	if (f->header.kind != KIND_POST || f->header.tlp == TLP_RED)
		return ERR_OK;
	o = calloc(1, sizeof *o);
	e = o ? log_read(f->a->log, f->lsn, &row) : ERR_MEMORY;
	if (!e)
		e = opened_read(o, f->a, &row);
	if (!e) {
		*out = o->post.envelope;
		*known = true;
		opened_clear(o);
	}
	free(o);
	return e == ERR_MEMORY ? e : ERR_OK;
}

/* Until when it is wanted; 0 where nobody said. */
static enum err ack_by(struct following *f, uint64_t *by)
{
	struct envelope envelope;
	bool known;
	enum err e = following_envelope(f, &envelope, &known);

	*by = !e && known ? envelope.ack_by : 0;
	return e;
}

/* SPEC 9.4.1: "`compliance` is null but for a post or a forward that this node wrote and of which
 * its readers are asked for receipts" */
enum err following_compliance_show(struct following *f)
{
	struct text *t = &f->a->reply, words;
	uint64_t now = clock_wall(), by;
	size_t acknowledged = 0;
	enum err e;

	if (!f->answered || f->header.kind == KIND_RECALL ||
	    !party_id_equal(&f->header.origin, &f->self->id)) {
		admin_put_string(t, "compliance", NULL);
		return ERR_OK;
	}
	e = ack_by(f, &by);
	if (e)
		return e;
	/* Nobody waits for who reads it no more: they come last. */
	while (f->current < f->reader_count && !f->readers[f->current].former)
		f->current++;
	for (size_t i = 0; i < f->current; i++)
		acknowledged += has_acknowledged(&f->readers[i]);
	text_init(&words);
	words_of(&words, f, f->current, acknowledged, now);
	admin_put_name(t, "compliance");
	text_str(t, "{");
	if (by)
		admin_put_time(t, "ack_by", by);
	else
		admin_put_string(t, "ack_by", NULL);
	admin_put_bool(t, "overdue", by && by < now && acknowledged < f->current);
	admin_put_number(t, "readers", f->current);
	admin_put_number(t, "acknowledged", acknowledged);
	e = words.bad ? ERR_MEMORY : children_show(f);
	if (!e)
		admin_put_string(t, "summary", words.at);
	text_str(t, "}");
	text_clear(&words);
	return e;
}
