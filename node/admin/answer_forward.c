/* forward: hands a message of somebody else on, in its author's name. */
#include "node/admin/answer.h"

#include <stdlib.h>
#include <string.h>

#include "node/duty/forwarding.h"

enum { AUDIT_NAMES_MAX = 64 };

struct forward_request {
	struct answer *a;
	const char *message, *reason;
	bool dry_run;
	struct forwarding forwarding;
	struct addressed who;
	const struct party **had; /* owned: who has it already */
	size_t had_count;
	size_t objects;
	struct message_id *ids; /* owned */
	size_t id_count;
};

/* ---- what ---- */

/* What came out of a backup may have been recalled since. */
static enum err waiting_refuse(struct forward_request *x, uint64_t lsn)
{
	struct forwarding *f = &x->forwarding;
	struct answer *a = x->a;
	enum err e = log_read(a->log, lsn, &f->row);

	if (e || !row_header(&f->row, &f->header) ||
	    answer_hidden(a, &f->row, &f->header) != HIDDEN_WAITING)
		return e;
	report_add(&a->report, "it comes from a backup, and waits until neighbours have told what "
			       "has become of it since");
	return ERR_STATE;
}

static enum err original_take(struct forward_request *x)
{
	struct forwarding *f = &x->forwarding;
	struct answer *a = x->a;
	struct post post;
	uint64_t lsn;
	enum err e = answer_catch_up(a);

	a->where = x->message;
	if (!e)
		e = answer_find_id(a, x->message, &lsn);
	if (!e)
		e = log_reader_renew(a->log);
	f->node = a->node;
	f->log = a->log;
	f->index = a->index;
	f->report = &a->report;
	f->topology = x->who.topology;
	f->self = x->who.self;
	if (!e)
		e = waiting_refuse(x, lsn);
	if (!e)
		e = forwarding_take(f, lsn);
	if (!e)
		e = post_read(&post, f->json, f->json_length, &a->report);
	if (e)
		return e;
	for (size_t i = 0; i < bundle_count(post.bundle); i++)
		x->objects += !bundle_object(post.bundle, i)->scaffolding;
	post_clear(&post);
	return ERR_OK;
}

/* ---- to whom, why ---- */

static enum err readers_take(struct forward_request *x)
{
	struct answer *a = x->a;
	enum err e;

	x->who.tlp = (enum tlp)x->forwarding.header.tlp;
	e = addressed_to(&x->who, a, false);
	if (e)
		return e;
	a->where = "to";
	if (x->who.to.all) {
		report_add(&a->report, "--to all: what is passed on stays sealed; name parties or "
				       "groups, or write down");
		return ERR_NOT_ALLOWED;
	}
	x->had = calloc(x->who.to.count, sizeof *x->had);
	if (!x->had)
		return ERR_MEMORY;
	e = forwarding_address(&x->forwarding, &x->who.to, x->had, &x->had_count);
	if (!e)
		a->where = NULL;
	return e;
}

static enum err reason_check(struct forward_request *x)
{
	struct answer *a = x->a;

	if (x->reason && *x->reason && reason_valid(x->reason, strlen(x->reason)))
		return ERR_OK;
	if (!x->reason && x->dry_run)
		return ERR_OK;
	a->where = "reason";
	if (!x->reason || !*x->reason)
		report_add(&a->report, "a reason is wanted: its author and its new readers are "
				       "told why it is passed on");
	else
		report_add(&a->report,
			   "the reason is one line of text of at most %d bytes, without control "
			   "characters",
			   REASON_MAX_BYTES);
	return ERR_FORMAT;
}

static enum err request_read(struct forward_request *x)
{
	struct admin_request *r = &x->a->request;
	enum err e;

	x->message = admin_string(r, "message");
	x->reason = admin_string(r, "reason");
	x->dry_run = admin_flag(r, "dry_run");
	e = addressed_self(&x->who, x->a);
	if (!e && (!x->message || !*x->message)) {
		x->a->where = "message";
		report_add(&x->a->report, "the id of the message is wanted");
		e = ERR_FORMAT;
	}
	return e ? e : reason_check(x);
}

/* ---- what is said of it ---- */

static void names_show(struct text *t, const char *name, const struct party *const *all, size_t n)
{
	admin_put_name(t, name);
	text_str(t, "[");
	for (size_t i = 0; i < n; i++)
		admin_put_string(t, NULL, all[i]->name);
	text_str(t, "]");
}

static void ids_show(struct text *t, const struct forward_request *x)
{
	admin_put_name(t, "messages");
	text_str(t, "[");
	for (size_t i = 0; i < x->id_count; i++)
		admin_put_hex(t, NULL, x->ids[i].b, MESSAGE_ID_BYTES);
	text_str(t, "]");
}

static void summarise(struct forward_request *x)
{
	const struct forwarding *f = &x->forwarding;
	struct text *t = &x->a->summary;
	char name[PARTY_TEXT_BYTES];
	size_t n = x->who.to.count;

	text_str(t, "{");
	admin_put_hex(t, "message", f->row.id.b, MESSAGE_ID_BYTES);
	admin_put_string(t, "node", answer_party(x->a, name, &f->header.origin));
	admin_put_string(t, "tlp", tlp_str((enum tlp)f->header.tlp));
	admin_put_name(t, "to");
	text_str(t, "[");
	for (size_t i = 0; i < n && i < AUDIT_NAMES_MAX; i++)
		admin_put_string(t, NULL, x->who.to.chosen[i].party->name);
	text_str(t, "]");
	if (n > AUDIT_NAMES_MAX)
		admin_put_number(t, "and_more", n - AUDIT_NAMES_MAX);
	admin_put_string(t, "reason", x->reason);
	admin_put_hex(t, "first", x->ids[0].b, MESSAGE_ID_BYTES);
	text_str(t, "}");
}

static enum err forward_show(struct forward_request *x)
{
	const struct forwarding *f = &x->forwarding;
	struct answer *a = x->a;
	struct text *t = &a->reply;
	struct explanation explained = {0};
	char name[PARTY_TEXT_BYTES];
	enum err e = recipients_explain(&explained, f->topology, f->self, &x->who.to);

	if (e)
		return e;
	admin_put_hex(t, "message", f->row.id.b, MESSAGE_ID_BYTES);
	admin_put_string(t, "node", answer_party(a, name, &f->header.origin));
	admin_put_string(t, "tlp", tlp_str((enum tlp)f->header.tlp));
	admin_put_time(t, "expires", (uint64_t)f->header.expiry * 3600000);
	admin_put_number(t, "objects", x->objects);
	admin_put_string(t, "reason", x->reason);
	admin_put_bool(t, "sealed", true);
	ids_show(t, x);
	audience_show(t, &x->who.to);
	names_show(t, "had", x->had, x->had_count);
	explanation_show(t, &explained);
	explanation_clear(&explained);
	return ERR_OK;
}

static enum err forward_send(struct forward_request *x)
{
	size_t letters = recipients_letters(&x->who.to);
	enum err e;

	x->ids = calloc(letters, sizeof *x->ids);
	if (!x->ids)
		return ERR_MEMORY;
	e = forwarding_send(&x->forwarding, &x->who.to,
			    (struct slice){x->reason, strlen(x->reason)}, x->ids);
	if (!e)
		x->id_count = letters;
	return e;
}

enum err answer_forward(struct answer *a)
{
	struct forward_request *x = calloc(1, sizeof *x);
	enum err e = x ? ERR_OK : ERR_MEMORY;

	if (!x)
		return e;
	x->a = a;
	e = request_read(x);
	if (!e)
		e = original_take(x);
	if (!e)
		e = readers_take(x);
	if (!e && (!admin_request_done(&a->request) || !answer_no_frames(a)))
		e = ERR_FORMAT;
	if (!e && !x->dry_run)
		e = forward_send(x);
	if (!e)
		e = forward_show(x);
	if (!e && x->id_count)
		summarise(x);
	forwarding_clear(&x->forwarding);
	addressed_clear(&x->who);
	free(x->had);
	free(x->ids);
	free(x);
	return e;
}
