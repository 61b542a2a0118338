/* inbox and read: what others have said that nobody here has looked at, and saying that somebody
 * has. */
#include "node/admin/answer.h"

#include <stdlib.h>
#include <string.h>

#include "node/duty/receipts.h"
#include "node/loop.h"
#include "protocol/bytes.h"

enum {
	CLASS_SHIFT = 48, /* of the cursor: class | position before which to go on */
	NAMES_SHOWN = 4,
	IDS_MAX = 1000,
};
#define POSITION_MASK ((UINT64_C(1) << CLASS_SHIFT) - 1)

struct inbox {
	struct page page;
	struct unread_at at;
	struct opened post;
};

/* ---- a line ---- */

static void content_show(struct text *t, const struct answer *a, const struct opened *o)
{
	const struct bundle *b = o->post.bundle;
	char name[PARTY_TEXT_BYTES];
	size_t objects = 0, shown = 0;

	for (size_t i = 0; i < bundle_count(b); i++)
		objects += !bundle_object(b, i)->scaffolding;
	admin_put_number(t, "objects", objects);
	words_show(t, "text", bundle_words(b));
	admin_put_name(t, "names");
	text_str(t, "[");
	for (size_t i = 0; i < bundle_count(b) && shown < NAMES_SHOWN; i++) {
		const struct stix_object *object = bundle_object(b, i);
		if (!object->scaffolding && object->name) {
			words_show(t, NULL, object->name);
			shown++;
		}
	}
	text_str(t, "]");
	admin_put_string(t, "use", o->post.envelope.block ? "block" : "detect");
	admin_put_bool(t, "exercise", o->post.envelope.exercise);
	if (o->post.envelope.ack_by)
		admin_put_time(t, "ack_by", o->post.envelope.ack_by);
	else
		admin_put_string(t, "ack_by", NULL);
	admin_put_string(t, "forwarded_by",
			 o->forwarded ? answer_party(a, name, &o->forwarder) : NULL);
}

static void head_show(struct text *t, const struct answer *a, const struct unread_at *at,
		      const struct log_row *row, const struct header *h)
{
	static const char *const wants[UNREAD_CLASSES] = {"acknowledgement"};
	char name[PARTY_TEXT_BYTES];

	admin_put_hex(t, "message", row->id.b, MESSAGE_ID_BYTES);
	admin_put_string(t, "node", answer_party(a, name, &h->origin));
	admin_put_string(t, "tlp", tlp_str((enum tlp)h->tlp));
	admin_put_number(t, "priority", h->priority);
	admin_put_string(t, "to", h->recipient_count ? "us" : "all");
	admin_put_string(t, "wants", wants[at->class]);
	admin_put_bool(t, "read", at->seen);
	admin_put_time(t, "created", h->created);
	admin_put_time(t, "arrived", row->arrived);
	if (bytes_zero(h->ref.b, MESSAGE_ID_BYTES))
		admin_put_string(t, "answers", NULL);
	else
		admin_put_hex(t, "answers", h->ref.b, MESSAGE_ID_BYTES);
}

/* Every showing of what is RED is audited; a list of what there is shows none of it. */
static enum err line_closed(struct inbox *x, struct answer *a, const struct log_row *row,
			    struct header *h)
{
	struct text *t;

	if (answer_hidden(a, row, h))
		return ERR_OK;
	t = page_line(&x->page);
	text_str(t, "{");
	head_show(t, a, &x->at, row, h);
	admin_put_number(t, "objects", 0);
	admin_put_string(t, "text", "TLP:RED: khabar show opens it, where the right red allows");
	admin_put_name(t, "names");
	text_str(t, "[]}");
	return ERR_OK;
}

static enum err line(struct inbox *x, struct answer *a)
{
	struct log_row row;
	struct text *t;
	enum err e = log_read(a->log, x->at.lsn, &row);

	if (e == ERR_NOT_FOUND || e == ERR_DAMAGED)
		return ERR_OK;
	if (!e && row.kind == LOG_MESSAGE && row_header(&row, &x->post.header) &&
	    x->post.header.tlp == TLP_RED)
		return line_closed(x, a, &row, &x->post.header);
	if (!e)
		e = opened_read(&x->post, a, &row);
	if (e)
		return e == ERR_MEMORY ? e : ERR_OK;
	t = page_line(&x->page);
	text_str(t, "{");
	head_show(t, a, &x->at, &row, &x->post.header);
	content_show(t, a, &x->post);
	text_str(t, "}");
	opened_clear(&x->post);
	return ERR_OK;
}

/* ---- the inbox ---- */

static void cursor_set(struct inbox *x)
{
	x->page.at = (uint64_t)x->at.class << CLASS_SHIFT | (x->at.lsn & POSITION_MASK);
}

static enum err lines(struct inbox *x, struct answer *a)
{
	enum err e = ERR_OK;

	x->at.class = (enum unread_class)(x->page.at >> CLASS_SHIFT);
	x->at.lsn = x->page.at ? x->page.at & POSITION_MASK : POSITION_MASK;
	if (x->at.class >= UNREAD_CLASSES)
		x->page.ended = true;
	while (!e && !page_full(&x->page)) {
		e = index_unread(a->index, &x->at);
		if (e == ERR_NOT_FOUND) {
			x->page.ended = true;
			return ERR_OK;
		}
		if (!e)
			e = line(x, a);
		cursor_set(x);
	}
	return e;
}

static enum err counts_show(struct answer *a)
{
	uint64_t counts[UNREAD_CLASSES];
	struct text *t = &a->reply;
	enum err e = index_unread_count(a->index, counts);

	if (e)
		return e;
	admin_put_number(t, "wanted", counts[UNREAD_WANTED]);
	admin_put_number(t, "ours", counts[UNREAD_OURS]);
	admin_put_number(t, "public", counts[UNREAD_PUBLIC]);
	alarms_show(a, "alarms");
	return hunts_show(a);
}

enum err answer_inbox(struct answer *a)
{
	struct inbox *x = calloc(1, sizeof *x);
	bool first = !cJSON_HasObjectItem(a->request.json, "after");
	enum err e = x ? answer_catch_up(a) : ERR_MEMORY;

	if (!e && first)
		e = counts_show(a);
	if (x)
		page_open(&x->page, a);
	if (!e && (!admin_request_done(&a->request) || !answer_no_frames(a)))
		e = ERR_FORMAT;
	if (!e)
		e = lines(x, a);
	if (x)
		page_close(&x->page, false);
	free(x);
	return e;
}

/* ---- saying that it was read ---- */

/* Finds the positions of the ids that are unread. */
static enum err positions_find(struct answer *a, const char *const *ids, size_t n, uint64_t *lsns,
			       size_t *count)
{
	*count = 0;
	for (size_t i = 0; i < n; i++) {
		enum err e;

		a->where = ids[i];
		e = answer_find_id(a, ids[i], &lsns[*count]);
		if (e)
			return e;
		*count += index_is_unread(a->index, lsns[*count]);
	}
	a->where = NULL;
	return ERR_OK;
}

enum err read_mark(struct node *node, enum read_mark mark, const uint64_t *lsns, size_t n)
{
	uint8_t *data = n ? malloc(1 + 8 * n) : NULL;
	enum err e;

	if (n == 0)
		return ERR_OK;
	if (!data)
		return ERR_MEMORY;
	data[0] = (uint8_t)mark;
	for (size_t i = 0; i < n; i++)
		put_u64(data + 1 + 8 * i, lsns[i]);
	e = node_note(node, FACT_READ, data, 1 + 8 * n);
	free(data);
	return e;
}

static enum err read_all(struct answer *a, uint64_t *count)
{
	uint64_t counts[UNREAD_CLASSES], folded;
	enum err e = index_unread_count(a->index, counts);

	if (!e)
		e = index_folded(a->index, &folded);
	if (!e)
		e = folded ? read_mark(a->node, READ_UNTIL, &folded, 1) : ERR_OK;
	*count = e ? 0 : counts[UNREAD_OURS] + counts[UNREAD_PUBLIC];
	return e;
}

enum err answer_read(struct answer *a)
{
	const char **ids = calloc(IDS_MAX, sizeof *ids);
	uint64_t *lsns = calloc(IDS_MAX, sizeof *lsns), marked = 0;
	size_t n = ids ? admin_strings(&a->request, "ids", ids, IDS_MAX) : 0, count = 0;
	bool all = admin_flag(&a->request, "all");
	enum err e = ids && lsns ? ERR_OK : ERR_MEMORY;

	if (!e && (!admin_request_done(&a->request) || !answer_no_frames(a)))
		e = ERR_FORMAT;
	if (!e && all == (n > 0)) {
		a->where = "ids";
		report_add(&a->report, "the ids of messages are wanted, or all");
		e = ERR_FORMAT;
	}
	if (!e)
		e = answer_catch_up(a);
	if (!e && all) {
		e = read_all(a, &marked);
	} else if (!e) {
		e = positions_find(a, ids, n, lsns, &count);
		if (!e)
			e = read_mark(a->node, READ_SEEN, lsns, count);
		marked = count;
	}
	admin_put_number(&a->reply, "read", marked);
	free(lsns);
	free(ids);
	return e;
}
