/* list, search and watch: the objects of the messages in the order of the log. */
#include "node/admin/answer.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unicase.h>
#include <uninorm.h>

#include "node/loop.h"

enum { SEARCH_MIN_BYTES = 1, SEARCH_MAX_BYTES = 1024 };

/* What is wanted of the objects; NULL, or zeros: whatever. */
struct filter {
	const char *type, *id;
	bool by_tlp;
	enum tlp tlp;
	const struct party *node;
	bool all;            /* revoked, expired and superseded objects too */
	const char *text;    /* to be found in them */
	uint8_t *folded;     /* the same without case, when it is not ASCII; owned */
	size_t folded_bytes; /* of it */
	bool beyond;         /* ... and has what no ASCII has */
	uint64_t now;        /* ms */
};

struct listing {
	struct page page;
	struct filter filter;
	struct opened post;
	struct observable found[OBSERVABLES_PER_OBJECT_MAX];
};

void object_show(struct text *t, const struct answer *a, const struct opened *o,
		 const struct stix_object *object, struct observable *scratch)
{
	const char *pattern =
		cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object->json, "pattern"));
	size_t n = stix_observables(object, scratch, OBSERVABLES_PER_OBJECT_MAX);
	char name[PARTY_TEXT_BYTES];

	text_str(t, "{");
	admin_put_string(t, "object", object->id);
	admin_put_string(t, "type", object->type);
	admin_put_string(t, "name", object->name);
	admin_put_string(t, "pattern", pattern);
	admin_put_name(t, "values");
	text_str(t, "[");
	for (size_t i = 0; i < n && i < OBSERVABLES_PER_OBJECT_MAX; i++)
		admin_put_string(t, NULL, scratch[i].text);
	text_str(t, "]");
	admin_put_string(t, "tlp", tlp_str((enum tlp)o->header.tlp));
	admin_put_string(t, "node", answer_party(a, name, &o->header.origin));
	admin_put_hex(t, "message", o->row.id.b, MESSAGE_ID_BYTES);
	admin_put_time(t, "modified", object->modified);
	admin_put_time(t, "valid_until", object->valid_until);
	admin_put_bool(t, "revoked", object->revoked);
	if (o->post.envelope.exercise)
		admin_put_bool(t, "exercise", true);
	if (o->forwarded)
		admin_put_string(t, "forwarded_by", answer_party(a, name, &o->forwarder));
	text_str(t, "}");
}

static bool all_ascii(const uint8_t *s, size_t n)
{
	while (n > 0 && s[n - 1] < 0x80)
		n--;
	return n == 0;
}

static bool ascii(const char *s)
{
	return all_ascii((const uint8_t *)s, strlen(s));
}

static uint8_t *fold_case(const char *s, size_t *n)
{
	return u8_casefold((const uint8_t *)s, strlen(s), NULL, UNINORM_NFC, NULL, n);
}

static bool string_has(const struct filter *f, const char *s)
{
	uint8_t *folded;
	size_t n;
	bool found;

	if (!s)
		return false;
	if (!f->folded)
		return strcasestr(s, f->text) != NULL;
	if (f->beyond && ascii(s))
		return false;
	folded = fold_case(s, &n);
	found = folded && memmem(folded, n, f->folded, f->folded_bytes) != NULL;
	free(folded);
	return found;
}

/* As deep as a body may be, so as deep as JSON_DEPTH_MAX. */
static bool json_has(const struct filter *f, const cJSON *json)
{
	const cJSON *item;

	if (string_has(f, cJSON_GetStringValue(json)))
		return true;
	cJSON_ArrayForEach(item, json)
	{
		if (json_has(f, item))
			return true;
	}
	return false;
}

static bool wanted(const struct listing *l, const struct answer *a, const struct stix_object *o,
		   uint16_t number)
{
	const struct filter *f = &l->filter;
	const struct object_at at = {
		.lsn = l->post.row.lsn, .number = number, .modified = o->modified};

	if (o->scaffolding || (f->type && strcmp(f->type, o->type) != 0))
		return false;
	if (f->id && strncasecmp(o->id, f->id, strlen(f->id)) != 0)
		return false;
	if (!f->all && (o->revoked || (o->valid_until && o->valid_until <= f->now)))
		return false;
	if (f->text && !json_has(f, o->json))
		return false;
	if (!f->all)
		return index_current(a->index, &l->post.header.origin, o->id, at.lsn, number);
	/* SPEC 5.10: "nothing is shown twice" */
	return !l->post.forwarded ||
	       index_foremost(a->index, &l->post.header.origin, o->id, &l->post.id, &at);
}

static bool header_wanted(const struct filter *f, const struct log_row *row)
{
	struct header h;

	if (row->kind != LOG_MESSAGE)
		return false;
	if (!f->node && !f->by_tlp)
		return true;
	/* Whose a forward is, only its content tells. */
	return row_header(row, &h) && (!f->by_tlp || h.tlp == f->tlp) &&
	       (!f->node || h.kind == KIND_FORWARD || party_id_equal(&h.origin, &f->node->id));
}

static bool node_wanted(const struct listing *l)
{
	const struct filter *f = &l->filter;

	return !f->node || party_id_equal(&l->post.header.origin, &f->node->id);
}

/* One message.  What is not to be shown is no error: there are others. */
static enum err list_message(struct listing *l, struct answer *a, const struct log_row *row)
{
	enum err e = header_wanted(&l->filter, row) ? opened_read(&l->post, a, row) : ERR_NOT_FOUND;
	size_t n;

	if (e)
		return e == ERR_MEMORY ? e : ERR_OK;
	n = node_wanted(l) ? bundle_count(l->post.post.bundle) : 0;
	for (size_t i = 0; i < n && l->page.lines < l->page.limit; i++) {
		const struct stix_object *o = bundle_object(l->post.post.bundle, i);

		if (wanted(l, a, o, (uint16_t)i))
			object_show(page_line(&l->page), a, &l->post, o, l->found);
	}
	opened_clear(&l->post);
	return ERR_OK;
}

static enum err filter_read(struct filter *f, struct answer *a)
{
	struct admin_request *r = &a->request;
	const char *tlp = admin_string(r, "tlp"), *node = admin_string(r, "node");

	f->now = clock_wall();
	f->type = admin_string(r, "type");
	f->id = admin_string(r, "object");
	f->all = admin_flag(r, "all");
	f->text = admin_string(r, "text");
	if (tlp) {
		f->by_tlp = tlp_parse(tlp, &f->tlp);
		if (!f->by_tlp) {
			a->where = "tlp";
			report_add(&a->report,
				   "\"%s\" is none of clear, green, amber, "
				   "amber+strict, red",
				   tlp);
			return ERR_FORMAT;
		}
	}
	if (f->text && (!*f->text || strlen(f->text) > SEARCH_MAX_BYTES)) {
		a->where = "text";
		report_add(&a->report, "the text to search for has 1 to %d bytes",
			   SEARCH_MAX_BYTES);
		return ERR_FORMAT;
	}
	if (f->text && !ascii(f->text)) {
		f->folded = fold_case(f->text, &f->folded_bytes);
		if (!f->folded)
			return ERR_MEMORY;
		f->beyond = !all_ascii(f->folded, f->folded_bytes);
	}
	if (node && !(f->node = answer_node_named(a, node)))
		return ERR_UNKNOWN_PARTY;
	return ERR_OK;
}

static enum err list_page(struct listing *l, struct answer *a)
{
	struct log_row row;
	enum err e = ERR_OK;

	while (!e && !page_full(&l->page)) {
		e = log_read_from(a->log, l->page.at, &row);
		if (e == ERR_NOT_FOUND) {
			l->page.ended = true;
			return ERR_OK;
		}
		if (!e) {
			l->page.at = row.lsn + 1;
			e = list_message(l, a, &row);
		}
	}
	return e;
}

enum err answer_list(struct answer *a)
{
	struct listing *l = calloc(1, sizeof *l);
	bool watch = admin_flag(&a->request, "watch"), from_now;
	enum err e;

	if (!l)
		return ERR_MEMORY;
	from_now = watch && !cJSON_HasObjectItem(a->request.json, "after");
	e = filter_read(&l->filter, a);
	page_open(&l->page, a);
	if (!e && (!admin_request_done(&a->request) || !answer_no_frames(a)))
		e = ERR_FORMAT;
	if (!e)
		e = answer_catch_up(a);
	if (!e && from_now) {
		/* What comes from now on: the first page only tells where that is. */
		l->page.at = log_head(node_log(a->node)) + 1;
		l->page.ended = true;
	} else if (!e) {
		e = list_page(l, a);
	}
	page_close(&l->page, watch);
	free(l->filter.folded);
	free(l);
	return e;
}
