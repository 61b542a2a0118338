/* withdraw --because leaked: whole messages are recalled, for all who carry them. */
#include <stdlib.h>
#include <string.h>

#include "keys/seal.h"
#include "node/admin/answer_withdraw.h"
#include "protocol/body.h"
#include "protocol/council.h"

enum { TARGETS_MAX = 4096, TARGETS_AT_ONCE = 64, VALUES_SHOWN = 8 };

struct target {
	uint64_t lsn;
	struct message_id id;
};

struct recalling {
	struct withdrawal *w;
	size_t count;
	struct target targets[TARGETS_MAX];
	bool more;
	size_t recalled; /* of what was asked for, before */
	enum err e;
	/* Of the messages that are being recalled: one audience. */
	struct header header;
	struct letter letter;
	struct topology *then; /* the version under which they were written; owned, or NULL */
};

/* ---- which messages ---- */

/* Adds the message, when it is ours and can be recalled. */
static enum err target_add(struct recalling *r, uint64_t lsn)
{
	struct withdrawal *w = r->w;
	struct log_row row;

	if (r->count == TARGETS_MAX) {
		r->more = true;
		return ERR_OK;
	}
	if (log_read(w->a->log, lsn, &row) || !row_header(&row, &w->header))
		return ERR_OK;
	if (!party_id_equal(&w->header.origin, &w->self->id)) {
		w->of_others = true;
		return ERR_OK;
	}
	if (answer_recalled(w->a, &row.id, &w->header)) {
		r->recalled++;
		return ERR_OK;
	}
	r->targets[r->count++] = (struct target){lsn, row.id};
	return ERR_OK;
}

static bool take_sayer(void *arg, uint64_t lsn)
{
	struct recalling *r = arg;

	r->e = target_add(r, lsn);
	return !r->e && !r->more;
}

static bool take_version(void *arg, const struct object_at *at)
{
	return take_sayer(arg, at->lsn);
}

/* One request of share, as the audit tells of it. */
struct call {
	uint64_t first, last;    /* positions of what it sent; 0: nothing that is here */
	struct message_id began; /* the first message of the import that it is part of */
};

static bool id_read(struct message_id *id, const cJSON *summary, const char *name)
{
	const cJSON *item = cJSON_GetObjectItemCaseSensitive(summary, name);

	return cJSON_IsString(item) && hex_decode(id->b, sizeof id->b, item->valuestring);
}

/* True when the row tells of one. */
static bool call_read(struct recalling *r, const struct log_row *row, struct call *c)
{
	struct index_reader *index = r->w->a->index;
	struct message_id last;
	cJSON *json = NULL;
	const cJSON *summary;
	const char *name;
	bool share;

	*c = (struct call){0};
	if (row->kind != LOG_FACT || row->fact != FACT_AUDIT ||
	    json_parse(&json, (const char *)row->data, row->length, NULL) != ERR_OK)
		return false;
	name = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(json, "do"));
	summary = cJSON_GetObjectItemCaseSensitive(json, "summary");
	share = name && strcmp(name, "share") == 0;
	if (share && id_read(&c->began, summary, "first") && id_read(&last, summary, "last") &&
	    (index_find(index, &c->began, &c->first) != ERR_OK ||
	     index_find(index, &last, &c->last) != ERR_OK))
		c->first = c->last = 0;
	if (share)
		(void)id_read(&c->began, summary, "part_of");
	cJSON_Delete(json);
	return share;
}

/* The next row from *at on that tells of a call; *at is then behind it. */
static enum err call_next(struct recalling *r, uint64_t *at, struct call *c)
{
	struct log_row row;

	for (;;) {
		enum err e = log_read_from(r->w->a->log, *at, &row);
		if (e && (e != ERR_DAMAGED || row.lsn < *at))
			return e;
		*at = row.lsn + 1;
		if (!e && call_read(r, &row, c))
			return ERR_OK;
	}
}

/* The audit row of a call stands behind what it sent and before what the next one sent. */
static enum err call_find(struct recalling *r, uint64_t lsn, struct call *c)
{
	struct answer *a = r->w->a;
	uint64_t at = lsn + 1;
	enum err e = call_next(r, &at, c);

	if (!e && c->first && c->first <= lsn && lsn <= c->last)
		return ERR_OK;
	report_add(&a->report, "the audit does not tell with what the message was sent");
	a->advice = "leave out --import, and name each message";
	return ERR_NOT_ALLOWED;
}

static enum err call_take(struct recalling *r, const struct call *c)
{
	struct answer *a = r->w->a;
	struct log_row row;
	enum err e = ERR_OK;

	for (uint64_t lsn = c->first; !e && !r->more && lsn && lsn <= c->last; lsn++) {
		e = log_read(a->log, lsn, &row);
		if (!e && row.kind == LOG_MESSAGE && row_header(&row, &r->w->header) &&
		    r->w->header.kind == KIND_POST)
			e = target_add(r, lsn);
		else if (e == ERR_DAMAGED)
			e = ERR_OK;
	}
	return e;
}

/* SPEC 9.8: "With `import` everything goes that the same request of `share` sent, and every other
 * of the same import" */
static enum err find_import(struct recalling *r, uint64_t lsn)
{
	struct call call, other;
	uint64_t at;
	enum err e = call_find(r, lsn, &call);

	/* All others stand behind the first message of the first. */
	if (!e && index_find(r->w->a->index, &call.began, &at) != ERR_OK)
		at = call.first;
	while (!e && !r->more) {
		e = call_next(r, &at, &other);
		if (!e && message_id_equal(&other.began, &call.began))
			e = call_take(r, &other);
	}
	return e == ERR_NOT_FOUND ? ERR_OK : e;
}

static enum err find_message(struct recalling *r, const char *id)
{
	struct withdrawal *w = r->w;
	uint64_t lsn;
	enum err e = withdrawal_message(w, id, &lsn);

	if (e)
		return e == ERR_NOT_FOUND ? ERR_OK : e;
	if (w->header.kind == KIND_RECALL) {
		report_add(&w->a->report, "the message is a recall, and a recall stands");
		w->a->advice = "what was recalled can be shared again";
		return ERR_NOT_ALLOWED;
	}
	return w->import ? find_import(r, lsn) : target_add(r, lsn);
}

static int compare(const void *a, const void *b)
{
	const struct target *x = a, *y = b;

	return (x->lsn > y->lsn) - (x->lsn < y->lsn);
}

static void targets_sort(struct recalling *r)
{
	size_t kept = 0;

	qsort(r->targets, r->count, sizeof *r->targets, compare);
	for (size_t i = 0; i < r->count; i++)
		if (i == 0 || r->targets[i].lsn != r->targets[kept - 1].lsn)
			r->targets[kept++] = r->targets[i];
	r->count = kept;
}

/* SPEC 9.8: "those that hold a version of the object with that id, those that say exactly that
 * value, or the one with that id; versions that are revoked or not current count too" */
static enum err find(struct recalling *r, const char *what)
{
	struct withdrawal *w = r->w;
	struct answer *a = w->a;
	const char *why;
	enum err e = ERR_OK;

	a->where = what;
	if (w->import)
		e = find_message(r, what);
	else if (strstr(what, "--") && !strchr(what, '.'))
		e = index_versions(a->index, &w->self->id, what, take_version, r);
	else if (observable_detect(&w->value, what, &why) == ERR_OK)
		e = index_sayers(a->index, &w->value, take_sayer, r);
	if (!e)
		e = r->e;
	if (!e && !w->import && r->count == 0)
		e = find_message(r, what);
	targets_sort(r);
	if (e || r->count)
		return e;
	if (r->recalled)
		report_add(&a->report, "%s is recalled already", what);
	else
		report_add(&a->report, "no message of this node has or is %s", what);
	if (w->of_others)
		a->advice = "what others have said only they can withdraw: khabar check shows who";
	return ERR_NOT_FOUND;
}

/* ---- to whom ---- */

static const struct topology *topology_then(struct recalling *r)
{
	struct answer *a = r->w->a;
	const uint8_t *file;
	size_t n;

	if (!r->then && log_get_topology(a->log, r->header.topology, 0, &file, &n) == ERR_OK &&
	    topology_parse(&r->then, (const char *)file, council_text_length((const char *)file, n),
			   NULL) != ERR_OK)
		r->then = NULL;
	return r->then;
}

/* SPEC 9.8: "A recall is sealed to the very parties to which its target is, since both have one
 * audience: each under its key in use, or under the key of the target where it has none now" */
static enum err letter_make(struct recalling *r)
{
	const struct topology *t = r->w->topology;
	struct answer *a = r->w->a;
	const struct seal_book book = directory_book(node_directory(a->node));
	struct party_id missing;
	char name[PARTY_TEXT_BYTES];

	if (recipients_letter_again(&r->letter, t, &book, NULL, &r->header, &missing) ||
	    recipients_letter_again(&r->letter, t, &book, topology_then(r), &r->header, &missing))
		return ERR_OK;
	report_add(&a->report, "no seal key of %s is known any more",
		   answer_party(a, name, &missing));
	return ERR_UNKNOWN_PARTY;
}

/* ---- what is shown of it ---- */

static void values_show(struct recalling *r, struct opened *post)
{
	struct withdrawal *w = r->w;
	struct text *t = &w->a->reply;
	const struct bundle *b = post->post.bundle;
	size_t objects = 0, shown = 0;

	admin_put_name(t, "values");
	text_str(t, "[");
	for (size_t i = 0; i < bundle_count(b); i++) {
		const struct stix_object *o = bundle_object(b, i);
		size_t n = stix_observables(o, w->found, OBSERVABLES_PER_OBJECT_MAX);

		objects += !o->scaffolding;
		for (size_t k = 0; k < n && k < OBSERVABLES_PER_OBJECT_MAX && shown < VALUES_SHOWN;
		     k++, shown++)
			admin_put_string(t, NULL, w->found[k].text);
	}
	text_str(t, "]");
	admin_put_number(t, "objects", objects);
	w->objects += objects;
}

static enum err nodes_show(struct recalling *r, const struct recipients *to)
{
	struct withdrawal *w = r->w;
	struct text *t = &w->a->reply;
	struct explanation explained = {0};
	enum err e = recipients_explain(&explained, w->topology, w->self, to);

	if (!e) {
		audience_show(t, to);
		admin_put_name(t, "nodes");
		text_str(t, "[");
		for (size_t i = 0; i < explained.node_count; i++)
			admin_put_string(t, NULL, explained.nodes[i].node->name);
		text_str(t, "]");
	}
	explanation_clear(&explained);
	return e;
}

static enum err target_show(struct recalling *r, const struct target *target)
{
	struct withdrawal *w = r->w;
	struct text *t = &w->a->reply;
	struct recipients to = {0};
	struct log_row row;
	enum err e = log_read(w->a->log, target->lsn, &row);

	if (!e)
		e = row_header(&row, &w->header) ? ERR_OK : ERR_DAMAGED;
	if (!e)
		e = recipients_of(&to, w->topology, &w->header);
	if (e)
		return e;
	admin_put_name(t, NULL);
	text_str(t, "{");
	admin_put_hex(t, "message", target->id.b, MESSAGE_ID_BYTES);
	admin_put_string(t, "tlp", tlp_str((enum tlp)w->header.tlp));
	admin_put_time(t, "created", w->header.created);
	if (opened_read(&w->post, w->a, &row) == ERR_OK) {
		values_show(r, &w->post);
		opened_clear(&w->post);
	}
	exports_show(w->a, target->lsn);
	e = nodes_show(r, &to);
	text_str(t, "}");
	recipients_clear(&to);
	return e;
}

/* ---- the recalls ---- */

static enum err drafts_make(struct recalling *r, const struct target *targets, size_t n,
			    struct draft *drafts, const uint8_t *body, size_t length)
{
	struct withdrawal *w = r->w;

	for (size_t i = 0; i < n; i++) {
		struct log_row row;
		enum err e = log_read(w->a->log, targets[i].lsn, &row);

		if (!e && !row_header(&row, &w->header))
			e = ERR_DAMAGED;
		if (e)
			return e;
		drafts[i] = (struct draft){.kind = KIND_RECALL,
					   .tlp = (enum tlp)w->header.tlp,
					   .priority = PRIORITY_HIGH,
					   .no_forward = w->header.flags & FLAG_NO_FORWARD,
					   .expiry = w->header.expiry,
					   .body = body,
					   .body_length = length,
					   .ref = targets[i].id};
	}
	return ERR_OK;
}

/* How many of the targets from the first on have its audience and its version; r->header becomes
 * the first one's header. */
static enum err group_of(struct recalling *r, const struct target *targets, size_t n, size_t *count)
{
	struct withdrawal *w = r->w;
	struct log_row row;

	*count = 0;
	for (; *count < n && *count < TARGETS_AT_ONCE; ++*count) {
		enum err e = log_read(w->a->log, targets[*count].lsn, &row);

		if (!e && !row_header(&row, &w->header))
			e = ERR_DAMAGED;
		if (e)
			return e;
		if (*count == 0)
			r->header = w->header;
		if (w->header.topology != r->header.topology ||
		    memcmp(&w->header.audience, &r->header.audience, AUDIENCE_ID_BYTES) != 0)
			break;
	}
	topology_free(r->then);
	r->then = NULL;
	return letter_make(r);
}

static enum err recalls_publish(struct recalling *r, const uint8_t *body, size_t length)
{
	struct withdrawal *w = r->w;
	struct draft drafts[TARGETS_AT_ONCE];
	size_t n;
	enum err e = ERR_OK;

	for (size_t i = 0; !e && i < r->count; i += n) {
		e = group_of(r, r->targets + i, r->count - i, &n);
		if (!e)
			e = drafts_make(r, r->targets + i, n, drafts, body, length);
		if (!e)
			e = node_publish_letter(w->a->node, w->topology, &r->letter, drafts, n,
						w->ids + i, &w->a->report);
		if (!e)
			w->id_count += n;
	}
	topology_free(r->then);
	return e;
}

static enum err recall_all(struct recalling *r)
{
	static const char json[] = "{\"because\":\"leaked\"}";
	struct withdrawal *w = r->w;
	uint8_t *body = NULL;
	size_t n;
	enum err e;

	for (size_t i = 0; i < r->count; i++) {
		e = target_show(r, &r->targets[i]);
		if (e)
			return e;
	}
	if (w->dry_run)
		return ERR_OK;
	w->ids = calloc(r->count, sizeof *w->ids);
	e = w->ids ? body_pack(&body, &n, json, sizeof json - 1) : ERR_MEMORY;
	if (!e)
		e = recalls_publish(r, body, n);
	free(body);
	if (e && w->id_count)
		report_add(&w->a->report, "%zu messages had been recalled before; say it again",
			   w->id_count);
	return e;
}

enum err withdrawal_recall(struct withdrawal *w, const char *what)
{
	struct recalling *r = calloc(1, sizeof *r);
	enum err e = r ? ERR_OK : ERR_MEMORY;

	if (!e) {
		r->w = w;
		e = find(r, what);
	}
	if (!e)
		e = recall_all(r);
	w->more = r && r->more;
	free(r);
	return e;
}
