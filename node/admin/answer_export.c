/* export: the objects that may leave this node for a consumer, with what the formats need. */
#include "node/admin/answer_export.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "node/loop.h"

enum { LABELS_TOLD_BYTES = 2048 };

struct exporting {
	struct page page;
	struct export_filter filter;
	struct warning_lists *lists; /* or NULL */
	struct opened post;
	struct observable found[OBSERVABLES_PER_OBJECT_MAX];
	size_t found_count;
};

/* ---- what a value means without the others of its pattern ---- */

static bool joins(const char *word, size_t n)
{
	static const char *const words[] = {"FOLLOWEDBY", "NOT",   "REPEATS",
					    "WITHIN",     "START", "STOP"};

	for (size_t i = 0; i < sizeof words / sizeof *words; i++)
		if (strlen(words[i]) == n && strncasecmp(word, words[i], n) == 0)
			return true;
	return false;
}

static const char *string_end(const char *at)
{
	for (at++; *at && *at != '\''; at++)
		if (*at == '\\' && at[1])
			at++;
	return *at ? at + 1 : at;
}

/* SPEC 9.7: "A value stands alone when its pattern holds whenever it is seen" */
static bool stands_alone(const char *pattern, const struct observable *found, size_t n)
{
	size_t ands = 0;

	for (const char *at = pattern; *at;) {
		size_t word = strspn(at, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
					 "0123456789_-.:");

		if (*at == '\'') {
			at = string_end(at);
			continue;
		}
		if (word == 3 && strncasecmp(at, "AND", 3) == 0)
			ands++;
		else if (joins(at, word))
			return false;
		at += word ? word : 1;
	}
	/* The one AND of an endpoint is part of the value. */
	return ands == 0 || (ands == 1 && n == 1 && found[0].type == OBSERVABLE_ENDPOINT);
}

/* ---- what is wanted ---- */

/* A role of the group stands for those who hold it. */
static bool is_member(const struct export_filter *f, size_t member, const struct party_id *origin)
{
	const struct party *p = &f->topology->parties[member];

	if (p->kind == PARTY_NODE)
		return party_id_equal(&p->id, origin);
	for (size_t i = 0; i < p->holder_count; i++)
		if (party_id_equal(&f->topology->parties[p->holders[i]].id, origin))
			return true;
	return false;
}

static bool origin_wanted(const struct export_filter *f, const struct party_id *origin)
{
	if (f->node && !party_id_equal(origin, &f->node->id))
		return false;
	for (size_t i = 0; f->group && i < f->group->member_count; i++)
		if (is_member(f, f->group->members[i], origin))
			return true;
	return !f->group;
}

static bool header_wanted(const struct export_filter *f, const struct log_row *row)
{
	struct header h;
	size_t n;

	if (row->kind != LOG_MESSAGE || row->arrived < f->since)
		return false;
	n = header_peek_length(row->data, row->length);
	/* Whose a forward is, only its content tells. */
	return n <= row->length && header_decode(&h, row->data, n) == ERR_OK &&
	       h.tlp <= f->tlp_max &&
	       (h.kind == KIND_FORWARD || (h.kind == KIND_POST && origin_wanted(f, &h.origin)));
}

static bool message_wanted(const struct export_filter *f, const struct opened *o)
{
	const struct envelope *envelope = &o->post.envelope;

	/* SPEC 9.7: "Nothing of an exercise is given." */
	return !envelope->exercise && (!f->by_use || envelope->block == f->block) &&
	       origin_wanted(f, &o->header.origin);
}

static bool label_wanted(const struct export_filter *f, const cJSON *labels)
{
	const cJSON *label;

	if (f->label_count == 0)
		return true;
	if (!cJSON_IsArray(labels))
		return false;
	cJSON_ArrayForEach(label, labels)
	{
		const char *text = cJSON_GetStringValue(label);

		for (size_t i = 0; text && i < f->label_count; i++)
			if (strcmp(text, f->labels[i]) == 0)
				return true;
	}
	return false;
}

static const cJSON *confidence_of(const struct stix_object *o)
{
	const cJSON *c = cJSON_GetObjectItemCaseSensitive(o->json, "confidence");

	return cJSON_IsNumber(c) && c->valuedouble >= 0 && c->valuedouble <= 100 ? c : NULL;
}

static bool confidence_wanted(const struct export_filter *f, const struct stix_object *o)
{
	const cJSON *c = confidence_of(o);

	return f->min_confidence < 0 || (c && c->valuedouble >= f->min_confidence);
}

/* v is the host of the endpoint. */
static bool host_of(const struct observable *endpoint, const struct observable *v)
{
	const char *host = endpoint->text, *colon = strrchr(host, ':');
	size_t n = colon ? (size_t)(colon - host) : 0;

	if (*host == '[' && n >= 2) {
		host++;
		n -= 2;
	}
	return endpoint->type == OBSERVABLE_ENDPOINT && v->type != OBSERVABLE_ENDPOINT &&
	       n == v->length && memcmp(host, v->text, n) == 0;
}

/* SPEC 9.7: "the host of an endpoint that is a value too is not" */
static void hosts_drop(struct exporting *x)
{
	size_t kept = 0;

	for (size_t i = 0; i < x->found_count; i++) {
		bool host = false;

		for (size_t j = 0; j < x->found_count && !host; j++)
			host = host_of(&x->found[j], &x->found[i]);
		if (host)
			continue;
		if (kept < i)
			x->found[kept] = x->found[i];
		kept++;
	}
	x->found_count = kept;
}

/* SPEC 9.11: "What is muted is in no page of `export`: neither the value nor, with `whole`, an
 * object that has it." */
static bool muted_drop(struct exporting *x, const struct answer *a)
{
	size_t kept = 0;

	for (size_t i = 0; i < x->found_count; i++) {
		if (mutes_hide(node_mutes(a->node), &x->found[i], NULL))
			continue;
		if (kept < i)
			x->found[kept] = x->found[i];
		kept++;
	}
	if (kept == x->found_count)
		return true;
	x->found_count = kept;
	return kept && !x->filter.whole;
}

/* Reads the object's values; where the type wanted is one of values, the others are dropped. */
static bool values_wanted(struct exporting *x, const struct answer *a, const struct stix_object *o)
{
	const struct export_filter *f = &x->filter;
	bool of_type = f->type && strcmp(f->type, o->type) == 0;
	size_t n;

	if (f->brief)
		return !f->type || of_type;
	n = stix_observables(o, x->found, OBSERVABLES_PER_OBJECT_MAX);
	x->found_count = n < OBSERVABLES_PER_OBJECT_MAX ? n : OBSERVABLES_PER_OBJECT_MAX;
	hosts_drop(x);
	if (!muted_drop(x, a))
		return false;
	if (!f->type || of_type)
		return true;
	if (f->value_type == OBSERVABLE_NONE)
		return false;
	for (size_t i = 0; i < x->found_count; i++)
		if (x->found[i].type == f->value_type)
			return true;
	return false;
}

/* SPEC 9.7: "Only the current version of an object is given, and not when it is revoked or its
 * `valid_until` is past." */
static bool wanted(struct exporting *x, const struct answer *a, const struct stix_object *o,
		   uint16_t number)
{
	const struct export_filter *f = &x->filter;

	if (o->scaffolding || o->revoked || (o->valid_until && o->valid_until <= f->now))
		return false;
	if (!f->whole && !f->brief && strcmp(o->type, "indicator") != 0)
		return false;
	return confidence_wanted(f, o) &&
	       label_wanted(f, cJSON_GetObjectItemCaseSensitive(o->json, "labels")) &&
	       values_wanted(x, a, o) &&
	       index_current(a->index, &x->post.header.origin, o->id, x->post.row.lsn, number);
}

/* ---- a line ---- */

static void put_values(struct text *t, const struct exporting *x)
{
	enum observable_type only = x->filter.value_type;

	admin_put_name(t, "values");
	text_str(t, "[");
	for (size_t i = 0; i < x->found_count; i++) {
		if (only != OBSERVABLE_NONE && x->found[i].type != only)
			continue;
		admin_put_name(t, NULL);
		text_str(t, "{");
		admin_put_string(t, "type", observable_type_str(x->found[i].type));
		admin_put_string(t, "value", x->found[i].text);
		if (x->lists)
			answer_listed(t, x->lists, &x->found[i]);
		text_str(t, "}");
	}
	text_str(t, "]");
}

/* Some, so that a stranger's object with many of both does not become many times as large. */
static void put_labels(struct text *t, const struct stix_object *o)
{
	const cJSON *labels = cJSON_GetObjectItemCaseSensitive(o->json, "labels"), *label;
	size_t room = LABELS_TOLD_BYTES;

	admin_put_name(t, "labels");
	text_str(t, "[");
	for (label = cJSON_IsArray(labels) ? labels->child : NULL; label; label = label->next) {
		const char *s = cJSON_GetStringValue(label);

		if (!s || strlen(s) > room)
			continue;
		room -= strlen(s);
		admin_put_string(t, NULL, s);
	}
	text_str(t, "]");
}

/* SPEC 9.7: "With `brief` a line is
 * `{"object","type","tlp","message","use","modified","valid_until"}`"
 */
static void object_name(struct exporting *x, const struct stix_object *o)
{
	struct text *t = page_line(&x->page);

	text_str(t, "{");
	admin_put_string(t, "object", o->id);
	admin_put_string(t, "type", o->type);
	admin_put_string(t, "tlp", tlp_str((enum tlp)x->post.header.tlp));
	admin_put_hex(t, "message", x->post.id.b, MESSAGE_ID_BYTES);
	admin_put_string(t, "use", x->post.post.envelope.block ? "block" : "detect");
	admin_put_time(t, "modified", o->modified);
	admin_put_time(t, "valid_until", o->valid_until);
	text_str(t, "}");
}

static void object_export(struct exporting *x, const struct answer *a, const struct stix_object *o)
{
	struct text *t = page_line(&x->page);
	const struct header *h = &x->post.header;
	const cJSON *confidence = confidence_of(o);
	char name[PARTY_TEXT_BYTES];

	text_str(t, "{");
	admin_put_string(t, "object", o->id);
	admin_put_string(t, "type", o->type);
	admin_put_string(t, "name", o->name);
	put_values(t, x);
	admin_put_bool(t, "alone",
		       o->pattern && stands_alone(o->pattern, x->found, x->found_count));
	admin_put_string(t, "tlp", tlp_str((enum tlp)h->tlp));
	admin_put_string(t, "node", answer_party(a, name, &h->origin));
	admin_put_hex(t, "message", x->post.id.b, MESSAGE_ID_BYTES);
	admin_put_time(t, "created", h->created);
	admin_put_string(t, "use", x->post.post.envelope.block ? "block" : "detect");
	if (confidence)
		admin_put_number(t, "confidence", (uint64_t)confidence->valuedouble);
	put_labels(t, o);
	admin_put_time(t, "modified", o->modified);
	admin_put_time(t, "valid_until", o->valid_until);
	admin_put_bool(t, "scaffolding", o->scaffolding);
	if (x->filter.whole) {
		admin_put_name(t, "raw");
		text_add(t, o->raw.at, o->raw.length);
	}
	text_str(t, "}");
}

/* ---- pages ---- */

/* What whole objects need to be read with: told once for those of a message, before them. */
static void scaffolding_export(struct exporting *x, const struct answer *a)
{
	const struct bundle *b = x->post.post.bundle;
	size_t found = x->found_count;

	x->found_count = 0;
	for (size_t i = 0; i < bundle_count(b); i++)
		if (bundle_object(b, i)->scaffolding)
			object_export(x, a, bundle_object(b, i));
	x->found_count = found;
}

/* One message.  What is not to be shown is no error: there are others. */
static enum err message_export(struct exporting *x, struct answer *a, const struct log_row *row)
{
	const struct export_filter *f = &x->filter;
	enum err e = header_wanted(f, row) ? opened_read(&x->post, a, row) : ERR_NOT_FOUND;
	bool any = false;

	if (e)
		return e == ERR_MEMORY ? e : ERR_OK;
	if (message_wanted(f, &x->post)) {
		for (size_t i = 0; i < bundle_count(x->post.post.bundle); i++) {
			const struct stix_object *o = bundle_object(x->post.post.bundle, i);

			if (!wanted(x, a, o, (uint16_t)i))
				continue;
			if (!any && f->whole)
				scaffolding_export(x, a);
			any = true;
			if (f->brief)
				object_name(x, o);
			else
				object_export(x, a, o);
		}
	}
	opened_clear(&x->post);
	return ERR_OK;
}

static enum err export_page(struct exporting *x, struct answer *a)
{
	struct log_row row;
	enum err e = ERR_OK;

	while (!e && !page_full(&x->page)) {
		e = log_read_from(a->log, x->page.at, &row);
		if (e == ERR_NOT_FOUND) {
			x->page.ended = true;
			return ERR_OK;
		}
		if (!e) {
			x->page.at = row.lsn + 1;
			e = message_export(x, a, &row);
		}
	}
	return e;
}

/* ---- the request ---- */

/* SPEC 8.11: "While the lists cannot be read, nothing is shared without `force`, and nothing is
 * given to a format that is made of values." */
static enum err guard_open(struct exporting *x, struct answer *a)
{
	enum err e = warning_guard_lists(node_warning_guard(a->node), &x->lists, &a->report);

	if (e)
		a->where = "warning-lists";
	return e;
}

enum err answer_export(struct answer *a)
{
	struct exporting *x = calloc(1, sizeof *x);
	enum err e;

	if (!x)
		return ERR_MEMORY;
	e = export_filter_read(&x->filter, a);
	page_open(&x->page, a);
	if (!e && (!admin_request_done(&a->request) || !answer_no_frames(a)))
		e = ERR_FORMAT;
	if (!e && !x->filter.whole && !x->filter.brief)
		e = guard_open(x, a);
	if (!e)
		e = answer_catch_up(a);
	if (!e)
		e = export_page(x, a);
	page_close(&x->page, false);
	warning_lists_free(x->lists);
	free(x);
	return e;
}
