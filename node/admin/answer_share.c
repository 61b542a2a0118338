/* share: sending bundles as posts. */
#include "node/admin/answer_listing.h"
#include "node/admin/answer_said.h"

#include <stdlib.h>
#include <string.h>

#include "keys/seal.h"
#include "node/admin/answer_once.h"
#include "node/loop.h"
#include "protocol/body.h"

enum { DAY_HOURS = 24, AUDIT_NAMES_MAX = 64, HOUR_MS = 3600000 };

/* What a call of share decides about all its messages. */
struct sharing {
	struct answer *a;
	struct addressed who;
	struct envelope envelope;
	struct once once;
	uint32_t expiry;
	uint8_t priority;
	bool dry_run, no_forward;
	bool new;            /* what this node has said already is left out: */
	uint64_t position;   /* as far as here in its log */
	const char *part_of; /* the id of the first message of an import of several requests */
	struct said *said;
	size_t unchanged; /* objects left out */
	size_t *left;     /* objects of each bundle that are said */
	struct listing listing;
	size_t count, objects, copies; /* messages of each draft */
	struct draft *drafts;          /* bodies owned */
	struct message_id *ids;        /* of the drafts, copies of each */
};

/* SPEC 9.5: "`keep_days` is at most what the policy of the topology says for the TLP, and that when
 * it is absent." */
static enum err expiry_wanted(struct sharing *s)
{
	struct answer *a = s->a;
	uint32_t most = s->who.topology->policy.expiry_days[s->who.tlp];
	uint64_t days = admin_number(&a->request, "keep_days", 1, UINT32_MAX, most);

	if (days > most) {
		report_add(&a->report,
			   "TLP:%s is kept for at most %lu days by the council's policy, not %lu",
			   tlp_str(s->who.tlp), (unsigned long)most, (unsigned long)days);
		a->where = "keep_days";
		return ERR_NOT_ALLOWED;
	}
	s->expiry = node_expiry(a->node, (uint32_t)days * DAY_HOURS);
	return ERR_OK;
}

/* SPEC 9.5: "a time, to come and before the message expires" */
static enum err ack_by_wanted(struct sharing *s)
{
	struct answer *a = s->a;
	const char *text = admin_string(&a->request, "ack_by");
	uint64_t by;

	if (!text)
		return ERR_OK;
	a->where = "ack_by";
	if (!time_parse(&by, text)) {
		report_add(&a->report, "\"%s\" is no time such as 2026-11-21T22:00:00Z", text);
		return ERR_FORMAT;
	}
	if (by <= clock_wall()) {
		report_add(&a->report, "%s is past: nobody can acknowledge it by then", text);
		return ERR_NOT_ALLOWED;
	}
	if (by > (uint64_t)s->expiry * HOUR_MS) {
		report_add(&a->report, "the message expires before %s", text);
		return ERR_NOT_ALLOWED;
	}
	a->where = NULL;
	s->envelope.ack_by = by;
	s->envelope.receipt = true;
	return ERR_OK;
}

static enum err options_read(struct sharing *s)
{
	struct admin_request *r = &s->a->request;
	const char *use = admin_string(r, "use");
	enum err e = addressed_read(&s->who, s->a);

	s->priority = (uint8_t)admin_number(r, "priority", PRIORITY_ROUTINE, PRIORITY_EMERGENCY,
					    PRIORITY_ROUTINE);
	s->dry_run = admin_flag(r, "dry_run");
	s->no_forward = admin_flag(r, "no_forward");
	s->listing.force = admin_flag(r, "force");
	s->new = cJSON_HasObjectItem(r->json, "new");
	s->position = admin_number(r, "new", 0, UINT64_C(1) << 53, 0);
	s->envelope.exercise = admin_flag(r, "exercise");
	s->envelope.receipt = admin_flag(r, "receipt");
	s->envelope.block = use && strcmp(use, "block") == 0;
	if (!e && use && !s->envelope.block && strcmp(use, "detect") != 0) {
		report_add(&s->a->report, "\"%s\" is neither detect nor block", use);
		s->a->where = "use";
		e = ERR_FORMAT;
	}
	if (!e && s->no_forward && s->who.to.all) {
		report_add(&s->a->report,
			   "what goes to everyone cannot be kept from being passed on");
		s->a->where = "no_forward";
		e = ERR_NOT_ALLOWED;
	}
	if (!e)
		e = expiry_wanted(s);
	if (!e)
		e = ack_by_wanted(s);
	if (!e)
		e = part_read(&s->part_of, s->a);
	if (!e)
		e = once_read(&s->once, s->a);
	if (!e && !admin_request_done(r))
		e = ERR_FORMAT;
	if (!e && (s->a->frame_count == 0 || s->a->frame_count > ADMIN_BUNDLES_MAX)) {
		report_add(&s->a->report, "1 to %d bundles are wanted, not %zu", ADMIN_BUNDLES_MAX,
			   s->a->frame_count);
		e = ERR_LIMIT;
	}
	return e;
}

static size_t objects_of(const struct bundle *b)
{
	size_t n = 0;

	for (size_t i = 0; i < bundle_count(b); i++)
		n += !bundle_object(b, i)->scaffolding;
	return n;
}

static bool blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static struct slice trimmed(struct slice text)
{
	while (text.length > 0 && blank(*text.at)) {
		text.at++;
		text.length--;
	}
	while (text.length > 0 && blank(text.at[text.length - 1]))
		text.length--;
	return text;
}

/* True when what the post takes for its bundle is all of what was given as one. */
static bool is_whole(const struct post *post, struct slice bundle)
{
	bundle = trimmed(bundle);
	return post->text.length == bundle.length &&
	       memcmp(post->text.at, bundle.at, bundle.length) == 0;
}

/* Reads the body by the very function with which others will read it: nothing is signed that would
 * be held elsewhere.  Where that fails, the bundle is read by itself, for words about its own lines
 * and columns. */
static enum err body_read(struct post *post, struct slice bundle, const struct text *body,
			  struct report *report)
{
	struct bundle *b;
	enum err e = post_read(post, body->at, body->length, NULL);

	if (!e && is_whole(post, bundle))
		return ERR_OK;
	if (!e)
		post_clear(post);
	e = bundle_read(&b, bundle.at, bundle.length, BUNDLE_OBJECTS_MAX, report);
	if (e)
		return e;
	bundle_free(b);
	return post_read(post, body->at, body->length, report);
}

/* Whether it may be sent, and what of it may be said already. */
static enum err bundle_check(struct sharing *s, size_t number, const struct text *body)
{
	struct slice bundle = s->a->frames[number];
	struct report *report = &s->a->report;
	struct post post;
	enum tlp marked;
	enum err e = body_read(&post, bundle, body, report);

	if (e)
		return e;
	if (bundle_tlp(post.bundle, &marked) && marked > s->who.tlp) {
		report_add(report, "an object is marked TLP:%s, stricter than the message's TLP:%s",
			   tlp_str(marked), tlp_str(s->who.tlp));
		e = ERR_NOT_ALLOWED;
	}
	if (!e)
		e = listing_look(&s->listing, s->a, post.bundle);
	s->left[number] = objects_of(post.bundle);
	if (!e && s->said)
		e = said_note(s->said, number, &post, trimmed(bundle));
	post_clear(&post);
	return e;
}

/* Packs the body that is to be sent; *packed stays NULL where nothing of it is. */
static enum err body_make(struct sharing *s, size_t number, uint8_t **packed, size_t *n)
{
	struct slice bundle = s->a->frames[number];
	size_t said = s->said ? said_count(s->said, number) : 0;
	struct text body, rest;
	enum err e = ERR_OK;

	*packed = NULL;
	s->left[number] -= said;
	s->unchanged += said;
	s->objects += s->left[number];
	if (s->said && !s->left[number])
		return ERR_OK;
	text_init(&rest);
	text_init(&body);
	if (said) {
		e = said_leave_out(s->said, number, trimmed(bundle), &rest);
		bundle = (struct slice){rest.at, rest.length};
	}
	if (!e) {
		post_write(&body, &s->envelope, bundle);
		e = body.bad ? ERR_MEMORY : body_pack(packed, n, body.at, body.length);
	}
	text_clear(&rest);
	text_clear(&body);
	return e;
}

static enum err draft_make(struct sharing *s, size_t number)
{
	struct draft *d = &s->drafts[s->count];
	uint8_t *packed;
	enum err e = body_make(s, number, &packed, &d->body_length);

	if (!e && !packed)
		return ERR_OK;
	if (!e && !s->who.to.all && seal_size(KIND_POST, d->body_length) == 0) {
		free(packed);
		e = ERR_LIMIT;
	}
	if (e == ERR_LIMIT)
		report_add(&s->a->report, "the bundle is too large for one message");
	if (e)
		return e;
	d->kind = KIND_POST;
	d->tlp = s->who.tlp;
	d->priority = s->priority;
	d->no_forward = s->no_forward;
	d->expiry = s->expiry;
	d->ref = s->who.answers;
	d->before = s->once.wanted ? &s->once.before : s->a->before;
	d->body = packed;
	s->count++;
	return ERR_OK;
}

/* Checks all before any is packed, and asks once what of all is said already. */
static enum err bundles_make(struct sharing *s)
{
	size_t n = s->a->frame_count;
	enum err e = ERR_OK;

	for (size_t i = 0; !e && i < n; i++) {
		struct text body;

		text_init(&body);
		post_write(&body, &s->envelope, s->a->frames[i]);
		e = body.bad ? ERR_MEMORY : bundle_check(s, i, &body);
		text_clear(&body);
	}
	if (!e)
		e = listing_close(&s->listing, s->a);
	if (!e && s->said)
		e = said_compare(s->said);
	for (size_t i = 0; !e && i < n; i++)
		e = draft_make(s, i);
	return e;
}

static void ids_show(struct text *t, const struct sharing *s)
{
	admin_put_name(t, "messages");
	text_str(t, "[");
	for (size_t i = 0; !s->dry_run && i < s->count * s->copies; i++)
		admin_put_hex(t, NULL, s->ids[i].b, MESSAGE_ID_BYTES);
	text_str(t, "]");
}

/* Names as far as they fit: an audit row is small. */
static void audience_summary(struct text *summary, const struct recipients *to)
{
	size_t shown = to->count < AUDIT_NAMES_MAX ? to->count : AUDIT_NAMES_MAX;

	admin_put_name(summary, "to");
	text_str(summary, "[");
	if (to->all)
		admin_put_string(summary, NULL, "all");
	for (size_t i = 0; i < shown; i++)
		admin_put_string(summary, NULL, to->chosen[i].party->name);
	text_str(summary, "]");
	if (shown < to->count)
		admin_put_number(summary, "and_more", to->count - shown);
}

static void shared_show(struct sharing *s)
{
	struct text *t = &s->a->reply, *summary = &s->a->summary;

	ids_show(t, s);
	admin_put_number(t, "objects", s->objects);
	audience_show(t, &s->who.to);
	if (s->unchanged)
		admin_put_number(t, "unchanged", s->unchanged);
	if (s->part_of)
		admin_put_number(t, "position", log_head(node_log(s->a->node)));
	if (s->listing.force)
		admin_put_number(t, "forced", s->listing.listed);
	if (s->dry_run || s->count == 0)
		return;
	text_str(summary, "{");
	admin_put_number(summary, "count", s->count * s->copies);
	admin_put_number(summary, "objects", s->objects);
	admin_put_string(summary, "tlp", tlp_str(s->who.tlp));
	audience_summary(summary, &s->who.to);
	admin_put_hex(summary, "first", s->ids[0].b, MESSAGE_ID_BYTES);
	admin_put_hex(summary, "last", s->ids[s->count * s->copies - 1].b, MESSAGE_ID_BYTES);
	if (s->part_of)
		admin_put_string(summary, "part_of", s->part_of);
	if (s->listing.force)
		listing_summary(&s->listing, summary);
	text_str(summary, "}");
}

/* SPEC 9.15: "beyond its own: to all, or to anybody who is not below this node" */
static bool wants_approval(const struct sharing *s)
{
	const struct recipients *to = &s->who.to;
	bool beyond = to->all;

	if (!node_config(s->a->node)->approve_block || !s->envelope.block || s->a->approved ||
	    s->count == 0)
		return false;
	for (size_t i = 0; !beyond && i < to->count; i++)
		beyond = !recipients_below(s->who.topology, s->who.self, to->chosen[i].party);
	return beyond;
}

/* A dry run says that it has to be approved, and of what; else it is held until it is. */
static enum err await(struct sharing *s)
{
	bool only_asked = s->dry_run;
	enum err e;

	s->dry_run = true;
	s->a->awaits = true;
	shared_show(s);
	e = bundles_show(s->a);
	admin_put_string(&s->a->reply, "tlp", tlp_str(s->who.tlp));
	admin_put_string(&s->a->reply, "approval", "wanted");
	return e || only_asked ? e : answer_await(s->a);
}

/* SPEC 9.5: "What was sent under its key is not sent again" */
static enum err sent_already(struct sharing *s)
{
	s->dry_run = true;
	s->objects = 0;
	shared_show(s);
	admin_put_bool(&s->a->reply, "already", true);
	return ERR_OK;
}

static enum err send_all(struct sharing *s)
{
	enum err e = once_begin(&s->once);

	if (e)
		return e == ERR_EXISTS ? sent_already(s) : e;
	if (wants_approval(s))
		return await(s);
	if (!s->dry_run && s->count)
		e = node_publish(s->a->node, s->who.topology, &s->who.to, s->drafts, s->count,
				 s->ids, &s->a->report);
	if (!e)
		shared_show(s);
	return e;
}

/* SPEC 9.5: "With `new` no bundle has what this node has said already" */
static enum err said_begin(struct sharing *s)
{
	struct saying saying = {.who = &s->who,
				.envelope = s->envelope,
				.expiry = s->expiry,
				.priority = s->priority,
				.no_forward = s->no_forward};

	return s->new ? said_open(&s->said, s->a, &saying, s->position) : ERR_OK;
}

/* SPEC 9.5: "Either every bundle of the request is sent, or none." */
enum err answer_share(struct answer *a)
{
	struct sharing s = {.a = a};
	enum err e = options_read(&s);

	if (!e) {
		s.copies = recipients_letters(&s.who.to);
		s.drafts = calloc(a->frame_count, sizeof *s.drafts);
		s.ids = calloc(a->frame_count * s.copies, sizeof *s.ids);
		s.left = calloc(a->frame_count, sizeof *s.left);
		e = s.drafts && s.ids && s.left ? ERR_OK : ERR_MEMORY;
	}
	if (!e)
		e = said_begin(&s);
	if (!e)
		e = listing_open(&s.listing, a);
	if (!e) {
		e = bundles_make(&s);
		if (e && !a->where)
			a->where = "bundle";
	}
	if (!e)
		e = send_all(&s);
	once_end(&s.once);
	/* Who answers has looked at it.  What was sent was sent, whatever becomes of the mark. */
	if (!e && !s.dry_run && s.who.answers_lsn)
		(void)read_mark(a->node, READ_ACKNOWLEDGED, &s.who.answers_lsn, 1);
	for (size_t i = 0; s.drafts && i < s.count; i++)
		free((void *)s.drafts[i].body);
	free(s.drafts);
	free(s.ids);
	free(s.left);
	listing_clear(&s.listing);
	said_close(s.said);
	addressed_clear(&s.who);
	return e;
}
