/* receipts: what has become of a message at each of its readers, and which link holds it where
 * nothing is known. */
#include "node/admin/answer_receipts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "node/duty/receipts.h"
#include "node/store/content.h"
#include "protocol/audience.h"

/* ---- who reads it ---- */

/* The version that the message names, when it is held. */
static enum err then_find(struct following *f)
{
	struct chain known;
	enum err e = versions_known(node_versions(f->a->node), &known);

	if (e)
		return e;
	f->then = chain_version(&known, f->header.topology);
	free(known.versions);
	return ERR_OK;
}

static enum err readers_find(struct following *f)
{
	const struct topology *t = f->topology;

	f->readers = calloc(t->party_count, sizeof *f->readers);
	if (!f->readers)
		return ERR_MEMORY;
	for (size_t i = 0; i < t->party_count; i++) {
		const struct party *p = &t->parties[i];
		if (p->kind == PARTY_NODE && !party_id_equal(&p->id, &f->header.origin) &&
		    audience_reads(t, p, &f->header))
			f->readers[f->reader_count++].node = p;
	}
	return ERR_OK;
}

/* SPEC 5.9: "when the receipt's own origin reads the message, under the version that the message
 * names or the one in force" */
static struct follower *reader_of(struct following *f, const struct party_id *by)
{
	const struct party *now = topology_party_by_id(f->topology, by), *then;

	for (size_t i = 0; i < f->reader_count; i++)
		if (party_id_equal(&f->readers[i].node->id, by))
			return &f->readers[i];
	then = f->then ? topology_party_by_id(f->then, by) : NULL;
	if (!now || !then || party_id_equal(by, &f->header.origin) ||
	    !audience_reads(f->then, then, &f->header))
		return NULL;
	f->readers[f->reader_count].node = now;
	f->readers[f->reader_count].former = true;
	return &f->readers[f->reader_count++];
}

/* ---- what they have stated ---- */

/* SPEC 5.9: "only when the origin of the message is a recipient of the receipt" */
static bool told_the_origin(struct following *f, uint64_t lsn)
{
	struct log_row row;

	if (log_read(f->a->log, lsn, &row) != ERR_OK || !row_header(&row, &f->other))
		return false;
	for (size_t i = 0; i < f->other.recipient_count; i++)
		if (party_id_equal(&f->other.recipients[i].party, &f->header.origin))
			return true;
	return false;
}

static bool take(void *arg, const struct stated *s)
{
	struct following *f = arg;
	struct follower *reader = reader_of(f, &s->by);
	struct receipt_fold *fold = reader ? &reader->fold : NULL;

	/* However often somebody says a thing, it is looked at closely once. */
	if (fold && (!fold->said[s->state] || s->at < fold->at[s->state]) &&
	    told_the_origin(f, s->lsn))
		receipt_fold_add(fold, s->state, s->at, s->reason);
	return true;
}

static bool take_erased(void *arg, const struct stated *s)
{
	return s->state != RECEIPT_ERASED || take(arg, s);
}

/* The next message after *at that says the same, sealed again; ERR_NOT_FOUND after the last. */
static enum err reseal_next(struct following *f, uint64_t *at, struct message_id *id)
{
	return receipts_reseal(f->a->index, f->a->log, &f->id, &f->header, at, id);
}

/* SPEC 5.9: "What a node states of a reseal counts for its target." */
static enum err take_reseals(struct following *f)
{
	struct message_id id;
	uint64_t at = 0;
	enum err e;

	while ((e = reseal_next(f, &at, &id)) == ERR_OK) {
		e = index_stated(f->a->index, &id, NULL, take, f);
		if (e)
			return e;
	}
	return e == ERR_NOT_FOUND ? ERR_OK : e;
}

static enum err statements_find(struct following *f)
{
	enum err e = index_stated(f->a->index, &f->id, NULL, take, f);

	/* What has become of a recall is what it has done. */
	if (!e && f->header.kind == KIND_RECALL)
		e = index_stated(f->a->index, &f->header.ref, NULL, take_erased, f);
	return e ? e : take_reseals(f);
}

/* ---- what is shown ---- */

static void as_show(struct text *t, const struct following *f, const struct party *node)
{
	const struct header *h = &f->header;
	const struct topology *then = f->then ? f->then : f->topology;

	admin_put_name(t, "as");
	text_str(t, "[");
	for (size_t i = 0; i < h->recipient_count; i++) {
		const struct party_id *id = &h->recipients[i].party;
		const struct party *p = topology_party_by_id(f->topology, id);
		const struct party *old = topology_party_by_id(then, id);
		bool holds = p == node;

		if (i && party_id_equal(id, &h->recipients[i - 1].party))
			continue;
		for (size_t k = 0; p && k < p->holder_count; k++)
			holds = holds || &f->topology->parties[p->holders[k]] == node;
		for (size_t k = 0; old && k < old->holder_count; k++)
			holds = holds ||
				party_id_equal(&then->parties[old->holders[k]].id, &node->id);
		if (holds && p)
			admin_put_string(t, NULL, p->name);
	}
	text_str(t, "]");
}

static void states_show(struct text *t, const struct receipt_fold *fold)
{
	enum receipt_state state = receipt_fold_state(fold);

	admin_put_string(t, "state", state ? receipt_state_str(state) : NULL);
	if (state)
		admin_put_time(t, "at", fold->at[state]);
	else
		admin_put_string(t, "at", NULL);
	admin_put_string(t, "reason",
			 state == RECEIPT_CANNOT_OPEN ? receipt_reason_str(fold->reason) : NULL);
	admin_put_name(t, "states");
	text_str(t, "[");
	for (enum receipt_state s = RECEIPT_STORED; s < RECEIPT_STATES; s++) {
		if (!fold->said[s])
			continue;
		admin_put_name(t, NULL);
		text_str(t, "{");
		admin_put_string(t, "state", receipt_state_str(s));
		admin_put_time(t, "at", fold->at[s]);
		text_str(t, "}");
	}
	text_str(t, "]");
}

/* One statement of a forward, out of the receipt that made it. */
static void forward_read_show(struct following *f, const struct stated *s)
{
	struct text *t = &f->a->reply;
	char *json, why[CONTENT_WHY_BYTES];
	const struct statement *said;
	struct receipt r;
	struct log_row row;
	size_t n;

	if (log_read(f->a->log, s->lsn, &row) != ERR_OK || !row_header(&row, &f->other) ||
	    content_read(node_identity(f->a->node), f->a->log, &row, &f->other, &json, &n, why))
		return;
	if (receipt_read(&r, json, n, NULL) == ERR_OK) {
		said = s->number < r.count ? &r.items[s->number] : NULL;
		admin_put_name(t, "to");
		text_str(t, "[");
		for (size_t i = 0; said && i < said->to_count; i++)
			admin_put_string(t, NULL, said->to[i]);
		text_str(t, "]");
		admin_put_string(t, "because", said ? said->because : NULL);
		receipt_clear(&r);
	}
	free(json);
}

static bool forward_show(void *arg, const struct stated *s)
{
	struct following *f = arg;
	struct text *t = &f->a->reply;

	if (s->state == RECEIPT_FORWARDED && told_the_origin(f, s->lsn)) {
		f->forwards++;
		admin_put_name(t, NULL);
		text_str(t, "{");
		admin_put_time(t, "at", s->at);
		forward_read_show(f, s);
		text_str(t, "}");
	}
	return !t->bad && f->forwards < FORWARDS_SHOWN_MAX;
}

/* What a reader has forwarded, be it the message or what says the same. */
static enum err forwards_show(struct following *f, const struct follower *reader)
{
	const struct party_id *by = &reader->node->id;
	struct message_id id;
	uint64_t at = 0;
	enum err e;

	f->forwards = 0;
	e = index_stated(f->a->index, &f->id, by, forward_show, f);
	while (!e && f->forwards < FORWARDS_SHOWN_MAX) {
		e = reseal_next(f, &at, &id);
		if (!e)
			e = index_stated(f->a->index, &id, by, forward_show, f);
	}
	return e == ERR_NOT_FOUND ? ERR_OK : e;
}

static enum err reader_show(struct following *f, struct follower *reader)
{
	struct text *t = &f->a->reply;
	enum err e = ERR_OK;

	admin_put_name(t, NULL);
	text_str(t, "{");
	admin_put_string(t, "node", reader->node->name);
	admin_put_string(t, "title", reader->node->title);
	as_show(t, f, reader->node);
	states_show(t, &reader->fold);
	admin_put_name(t, "forwarded");
	text_str(t, "[");
	if (reader->fold.said[RECEIPT_FORWARDED])
		e = forwards_show(f, reader);
	text_str(t, "]");
	following_way_show(f, reader);
	text_str(t, "}");
	return e;
}

static void count(struct following *f, const struct follower *reader)
{
	const struct receipt_fold *fold = &reader->fold;
	enum receipt_state state = receipt_fold_state(fold);
	bool opened = false;

	for (enum receipt_state s = RECEIPT_OPENED; s < RECEIPT_ERASED; s++)
		opened = opened || fold->said[s];
	f->counts[RECEIPT_STORED] += state != 0;
	f->counts[RECEIPT_OPENED] += opened;
	f->counts[RECEIPT_CANNOT_OPEN] += state == RECEIPT_CANNOT_OPEN;
	for (enum receipt_state s = RECEIPT_ACKNOWLEDGED; s < RECEIPT_STATES; s++)
		f->counts[s] += fold->said[s];
	f->waiting += !state;
}

/* What those do who have deployed it. */
static const char *use_words(struct following *f)
{
	struct envelope envelope;
	bool known = false;

	if (f->counts[RECEIPT_DEPLOYED] == 0 ||
	    following_envelope(f, &envelope, &known) != ERR_OK || !known)
		return "deployed";
	return envelope.block ? "blocking" : "detecting";
}

/* "13 stored, 11 opened, 9 blocking, 2 waiting" */
static void summary_show(struct following *f)
{
	const struct {
		enum receipt_state state;
		const char *words;
	} parts[] = {{RECEIPT_STORED, "stored"},
		     {RECEIPT_OPENED, "opened"},
		     {RECEIPT_ACKNOWLEDGED, "acknowledged"},
		     {RECEIPT_DEPLOYED, use_words(f)},
		     {RECEIPT_FORWARDED, "forwarded"},
		     {RECEIPT_ERASED, "erased"},
		     {RECEIPT_CANNOT_OPEN, "cannot open it"}};
	struct text *t = &f->a->reply;
	char words[256];
	int n = 0;

	for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
		size_t count = f->counts[parts[i].state];
		if (count || parts[i].state == RECEIPT_STORED)
			n += snprintf(words + n, sizeof words - (size_t)n, "%s%zu %s",
				      n ? ", " : "", count, parts[i].words);
	}
	if (f->waiting)
		snprintf(words + n, sizeof words - (size_t)n, ", %zu waiting", f->waiting);
	admin_put_name(t, "counts");
	text_str(t, "{");
	admin_put_number(t, "readers", f->reader_count);
	admin_put_number(t, "stored", f->counts[RECEIPT_STORED]);
	admin_put_number(t, "opened", f->counts[RECEIPT_OPENED]);
	admin_put_number(t, "acknowledged", f->counts[RECEIPT_ACKNOWLEDGED]);
	admin_put_number(t, "deployed", f->counts[RECEIPT_DEPLOYED]);
	admin_put_number(t, "forwarded", f->counts[RECEIPT_FORWARDED]);
	admin_put_number(t, "erased", f->counts[RECEIPT_ERASED]);
	admin_put_number(t, "cannot_open", f->counts[RECEIPT_CANNOT_OPEN]);
	admin_put_number(t, "waiting", f->waiting);
	text_str(t, "}");
	admin_put_string(t, "summary", words);
}

/* What is recalled asks no more, and is answered for the last time. */
static bool is_answered(const struct following *f)
{
	const struct header *h = &f->header;

	for (size_t i = 0; i < f->reader_count; i++)
		if (receipt_fold_state(&f->readers[i].fold))
			return true;
	if (h->kind == KIND_RECALL)
		return true;
	return (h->kind == KIND_POST || h->kind == KIND_FORWARD) &&
	       (h->flags & FLAG_SEALED || index_asks(f->a->index, &f->id, &h->origin));
}

static void message_show(struct following *f)
{
	struct answer *a = f->a;
	struct text *t = &a->reply;
	const struct header *h = &f->header;
	bool own = party_id_equal(&h->origin, &f->self->id);
	admin_put_hex(t, "message", f->id.b, MESSAGE_ID_BYTES);
	header_show(t, a, h);
	admin_put_bool(t, "own", own);
	admin_put_bool(t, "answered", f->answered);
	exports_show(a, f->lsn);
}

static enum err follow(struct following *f)
{
	struct text *t = &f->a->reply;
	enum err e = then_find(f);

	if (!e)
		e = readers_find(f);
	if (!e)
		e = statements_find(f);
	if (!e)
		e = following_ways_find(f);
	if (e)
		return e;
	f->answered = is_answered(f);
	message_show(f);
	admin_put_name(t, "readers");
	text_str(t, "[");
	for (size_t i = 0; !e && i < f->reader_count; i++) {
		count(f, &f->readers[i]);
		e = reader_show(f, &f->readers[i]);
	}
	text_str(t, "]");
	summary_show(f);
	if (!e && f->compliance)
		e = following_compliance_show(f);
	return e;
}

/* The message of that id, as far as this node stands in the federation. */
static enum err message_find(struct following *f, const char *id)
{
	struct answer *a = f->a;
	struct log_row row;
	uint64_t lsn;
	enum err e = answer_catch_up(a);

	a->where = id;
	if (!e)
		e = answer_find_id(a, id, &lsn);
	if (!e)
		e = log_reader_renew(a->log);
	if (!e)
		e = log_read(a->log, lsn, &row);
	if (e)
		return e;
	if (row.kind != LOG_MESSAGE || !row_header(&row, &f->header))
		return ERR_DAMAGED;
	f->id = row.id;
	f->lsn = row.lsn;
	f->from = row.from;
	f->topology = versions_newest(node_versions(a->node));
	f->self = f->topology ? topology_party(f->topology, node_config(a->node)->node) : NULL;
	if (f->self)
		return ERR_OK;
	report_add(&a->report, "this node is not in the topology in force");
	return ERR_STATE;
}

enum err answer_receipts(struct answer *a)
{
	struct following *f = calloc(1, sizeof *f);
	const char *id = admin_string(&a->request, "id");
	bool compliance = admin_flag(&a->request, "compliance");
	enum err e = f ? ERR_OK : ERR_MEMORY;

	if (!e && (!admin_request_done(&a->request) || !answer_no_frames(a)))
		e = ERR_FORMAT;
	if (!e) {
		f->a = a;
		f->compliance = compliance;
		e = message_find(f, id);
	}
	if (!e)
		e = follow(f);
	if (f) {
		following_ways_clear(f);
		free(f->readers);
	}
	free(f);
	return e;
}
