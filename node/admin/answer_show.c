/* show and verify: one message, as its author signed it and as this node took it. */
#include "node/admin/answer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "node/store/forwarded.h"
#include "protocol/audience.h"

enum { CLOSED_BYTES = 160 };

struct showing {
	struct log_row row;
	struct header header;
	size_t header_length;
	const char *object; /* the object that was asked for, or NULL */
	uint8_t *body;      /* as carried; owned, or NULL */
	size_t body_length;
	char *json; /* unpacked; owned, or NULL */
	size_t json_length;
	struct forwarded forwarded;       /* of a forward: what it hands on, */
	bool opened;                      /* where it could be opened */
	bool original_recalled;           /* and its author has taken it back */
	bool waits;                       /* it was restored, and is not to be seen yet */
	char recalled[RECALL_TEXT_BYTES]; /* by whom, when, why; or empty */
};

static const char waits_words[] = "restored, and waits for reconciliation with a neighbour that "
				  "carries it: it may have been taken back since the backup";

/* The lineage of an object is its origin's: whoever wrote one with this id is looked at. */
static enum err find_object(struct answer *a, const char *id, uint64_t *lsn)
{
	const struct topology *t = versions_newest(node_versions(a->node));
	struct object_at best = {0}, at;
	enum err e;

	for (size_t i = 0; t && i < t->party_count; i++) {
		if (t->parties[i].kind != PARTY_NODE)
			continue;
		e = index_object(a->index, &t->parties[i].id, id, &at);
		if (e && e != ERR_NOT_FOUND)
			return e;
		if (!e && (best.lsn == 0 || at.modified > best.modified))
			best = at;
	}
	*lsn = best.lsn;
	if (best.lsn)
		return ERR_OK;
	report_add(&a->report, "no object with the id %s is here", id);
	return ERR_NOT_FOUND;
}

/* SPEC 5.10: "What is recalled (5.8) by its author is shown in no forward of it either" */
static void original_open(struct showing *s, struct answer *a)
{
	char why[CONTENT_WHY_BYTES];

	s->opened = forwarded_open(&s->forwarded, node_identity(a->node), &s->header, s->body,
				   s->body_length, why) == ERR_OK;
	if (!s->opened || !answer_recalled(a, &s->forwarded.id, &s->forwarded.handover.original))
		return;
	s->original_recalled = true;
	free(s->body);
	s->body = NULL;
	s->body_length = 0;
}

/* The body, where it is here and may be seen. */
static enum err body_read(struct showing *s, struct answer *a)
{
	enum err e;

	switch (answer_hidden(a, &s->row, &s->header)) {
	case HIDDEN_EXPIRED:
		report_add(&a->report, "the message has expired");
		return ERR_NOT_FOUND;
	case HIDDEN_RECALLED:
		return ERR_OK;
	case HIDDEN_WAITING:
		s->waits = true;
		return ERR_OK;
	case HIDDEN_NOT:
		break;
	}
	e = log_read_body(a->log, &s->row, &s->body, &s->body_length);
	if (!e && s->header.kind == KIND_FORWARD && answer_may_open(a, &s->header))
		original_open(s, a);
	return e == ERR_NOT_FOUND ? ERR_OK : e;
}

static enum err find(struct showing *s, struct answer *a, const char *id)
{
	uint64_t lsn = 0;
	enum err e;

	a->where = id;
	if (!id || (!answer_is_id(id) && !strstr(id, "--"))) {
		report_add(&a->report, "an id is wanted: 4 to 64 hexadecimal digits of a message, "
				       "or that of an object");
		return ERR_FORMAT;
	}
	e = answer_catch_up(a);
	if (!e && answer_is_id(id)) {
		e = answer_find_id(a, id, &lsn);
	} else if (!e) {
		s->object = id;
		e = find_object(a, id, &lsn);
	}
	/* The index may know what has come since the log's reader looked. */
	if (!e)
		e = log_reader_renew(a->log);
	if (!e)
		e = log_read(a->log, lsn, &s->row);
	if (e)
		return e;
	if (s->row.kind != LOG_MESSAGE || !row_header(&s->row, &s->header))
		return ERR_DAMAGED;
	s->header_length = header_size(&s->header);
	return body_read(s, a);
}

/* Says why what it says is not shown although the body is here. */
static void closed_show(const struct showing *s, struct answer *a, enum err e, const char *why)
{
	const struct topology *t = versions_newest(node_versions(a->node));
	const struct party *self = t ? topology_party(t, node_config(a->node)->node) : NULL;
	char words[CLOSED_BYTES];

	if (e == ERR_FORMAT)
		snprintf(words, sizeof words, "%s", why);
	else if (e == ERR_NOT_ALLOWED)
		snprintf(
			words, sizeof words,
			"TLP:RED is opened only for who has the right red (khabardar.zpl, rights)");
	else if (self && audience_reads(t, self, &s->header))
		snprintf(words, sizeof words,
			 "sealed to a role that this node holds, and the role's key file is not "
			 "in its home");
	else
		snprintf(words, sizeof words,
			 "sealed to %u parties, carried here, cannot be read here",
			 (unsigned)s->header.recipient_count);
	admin_put_string(&a->reply, "closed", words);
}

/* What a forward says, where it is one that may say it. */
static enum err original_wanted(struct showing *s, struct answer *a, char why[CONTENT_WHY_BYTES])
{
	char held[256];

	if (s->row.verdict == VERDICT_ACCEPTED &&
	    index_held(a->index, s->row.lsn, held, sizeof held)) {
		snprintf(why, CONTENT_WHY_BYTES, "%.*s", CONTENT_WHY_BYTES - 1, held);
		return ERR_FORMAT;
	}
	if (!s->opened)
		return ERR_NOT_FOUND;
	s->json = s->forwarded.json;
	s->json_length = s->forwarded.json_length;
	s->forwarded.json = NULL;
	return ERR_OK;
}

/* Opens and unpacks the body where this node and this caller may. */
static enum err content_wanted(struct showing *s, struct answer *a, char why[CONTENT_WHY_BYTES])
{
	cJSON *json = NULL;
	enum err e;

	if (!answer_may_open(a, &s->header))
		return ERR_NOT_ALLOWED;
	if (s->header.kind == KIND_FORWARD)
		e = original_wanted(s, a, why);
	else
		e = content_open(node_identity(a->node), &s->header, s->body, s->body_length,
				 &s->json, &s->json_length, why);
	if (!e && json_parse_bounded(&json, s->json, s->json_length, BODY_VALUES_MAX, NULL)) {
		snprintf(why, CONTENT_WHY_BYTES, "its body is not proper JSON");
		e = ERR_FORMAT;
	}
	cJSON_Delete(json);
	if (!e && s->header.tlp == TLP_RED)
		a->red_opened++;
	return e;
}

/* Appends the body where it is JSON, and the object asked for. */
static enum err body_show(struct showing *s, struct answer *a)
{
	struct text *t = &a->reply;
	char why[CONTENT_WHY_BYTES];
	struct post post;
	enum err e = s->body ? content_wanted(s, a, why) : ERR_NOT_FOUND;

	if (e == ERR_MEMORY)
		return e;
	if (e) {
		if (s->recalled[0])
			admin_put_string(t, "closed", s->recalled);
		else if (s->waits)
			admin_put_string(t, "closed", waits_words);
		else if (s->body)
			closed_show(s, a, e, why);
		admin_put_string(t, s->object ? "object" : "body", NULL);
		return ERR_OK;
	}
	if (!s->object) {
		admin_put_name(t, "body");
		text_add(t, s->json, s->json_length);
		return ERR_OK;
	}
	if (post_read(&post, s->json, s->json_length, NULL))
		return ERR_DAMAGED;
	for (size_t i = 0; i < bundle_count(post.bundle); i++) {
		const struct stix_object *o = bundle_object(post.bundle, i);
		if (strcmp(o->id, s->object) == 0) {
			admin_put_name(t, "object");
			text_add(t, o->raw.at, o->raw.length);
			answer_sightings(t, a,
					 s->opened ? &s->forwarded.handover.original.origin
						   : &s->header.origin,
					 o->id);
			break;
		}
	}
	post_clear(&post);
	return ERR_OK;
}

/* Appends "original" to a forward: what it hands on, whose it is, by whom and why it was. */
static void original_show(struct showing *s, struct answer *a)
{
	const struct header *o = &s->forwarded.handover.original;
	const struct slice reason = s->forwarded.handover.forward.reason;
	struct text *t = &a->reply;
	char name[PARTY_TEXT_BYTES], words[REASON_MAX_BYTES + 1];

	if (!s->opened)
		return;
	snprintf(words, sizeof words, "%.*s", (int)reason.length, reason.at);
	admin_put_name(t, "original");
	text_str(t, "{");
	admin_put_hex(t, "message", s->forwarded.id.b, MESSAGE_ID_BYTES);
	admin_put_string(t, "node", answer_party(a, name, &o->origin));
	admin_put_time(t, "created", o->created);
	admin_put_number(t, "topology", o->topology);
	admin_put_string(t, "forwarded_by", answer_party(a, name, &s->header.origin));
	admin_put_string(t, "reason", words[0] ? words : NULL);
	text_str(t, "}");
}

/* Whether it, or what it hands on, is taken back. */
static enum err taken_back_show(struct showing *s, struct answer *a)
{
	if (s->original_recalled)
		return recall_show(a, &s->forwarded.id, &s->forwarded.handover.original,
				   s->recalled);
	return recall_show(a, &s->row.id, &s->header, s->recalled);
}

static enum err message_show(struct showing *s, struct answer *a)
{
	const uint8_t *signature = s->row.data + s->header_length;
	struct text *t = &a->reply;
	char name[PARTY_TEXT_BYTES], why[256];
	enum err e;

	admin_put_name(t, "message");
	text_str(t, "{");
	admin_put_hex(t, "id", s->row.id.b, MESSAGE_ID_BYTES);
	header_show(t, a, &s->header);
	admin_put_hex(t, "signature", signature, s->row.length - s->header_length);
	admin_put_string(t, "verdict", verdict_str(s->row.verdict));
	admin_put_string(t, "held", message_held_why(a, &s->row, &s->header, why, sizeof why));
	admin_put_string(t, "from", answer_party(a, name, &s->row.from));
	admin_put_time(t, "arrived", s->row.arrived);
	admin_put_number(t, "position", s->row.lsn);
	admin_put_bool(t, "has_body", s->waits ? s->row.has_body : s->body != NULL);
	original_show(s, a);
	e = taken_back_show(s, a);
	if (!e)
		e = answers_show(a, &s->row.id, &s->header);
	if (!e)
		e = body_show(s, a);
	text_str(t, "}");
	return e;
}

/* SPEC 9.4: "With `raw` a binary frame follows the reply: header, signature and body as carried."
 */
static enum err raw_show(struct showing *s, struct answer *a)
{
	enum err e;

	a->frame_length = s->row.length + s->body_length;
	a->frame = malloc(a->frame_length);
	if (!a->frame)
		return ERR_MEMORY;
	memcpy(a->frame, s->row.data, s->row.length);
	if (s->body)
		memcpy(a->frame + s->row.length, s->body, s->body_length);
	admin_put_hex(&a->reply, "id", s->row.id.b, MESSAGE_ID_BYTES);
	admin_put_bool(&a->reply, "has_body", s->body != NULL);
	e = taken_back_show(s, a);
	if (!e && s->recalled[0])
		admin_put_string(&a->reply, "closed", s->recalled);
	else if (!e && s->waits)
		admin_put_string(&a->reply, "closed", waits_words);
	return e;
}

enum err answer_show(struct answer *a)
{
	struct showing *s = calloc(1, sizeof *s);
	const char *id = admin_string(&a->request, "id");
	bool raw = admin_flag(&a->request, "raw");
	enum err e = s ? ERR_OK : ERR_MEMORY;

	if (!e && (!admin_request_done(&a->request) || !answer_no_frames(a)))
		e = ERR_FORMAT;
	if (!e)
		e = find(s, a, id);
	if (!e)
		e = raw ? raw_show(s, a) : message_show(s, a);
	if (!e)
		answer_waiting(a);
	if (s) {
		forwarded_clear(&s->forwarded);
		free(s->body);
		free(s->json);
	}
	free(s);
	return e;
}
