/* withdraw: takes back what this node has said and what is no longer true, by revoking the objects
 * for everybody who was told. */
#include "node/admin/answer_withdraw.h"

#include <stdlib.h>
#include <string.h>

#include "node/loop.h"

enum { PREFIX_MIN = 4, OBJECTS_MAX = 1000 };

/* ---- what is to be revoked ---- */

static enum err entry_add(struct withdrawal *w, const struct withdrawn *entry)
{
	struct withdrawn *entries;
	size_t room = w->room ? 2 * w->room : 64;

	for (size_t i = 0; i < w->count; i++)
		if (w->entries[i].lsn == entry->lsn &&
		    w->entries[i].object.number == entry->object.number)
			return ERR_OK;
	if (w->count == w->room) {
		entries = realloc(w->entries, room * sizeof *entries);
		if (!entries)
			return ERR_MEMORY;
		w->entries = entries;
		w->room = room;
	}
	w->entries[w->count++] = *entry;
	return ERR_OK;
}

/* The versions of one object: the newest for each audience that was told of it. */
struct lineage {
	struct withdrawal *w;
	uint64_t latest; /* modified */
	size_t told;
	struct audience_id audiences[AUDIENCES_MAX];
	enum err e;
};

static bool told_before(struct lineage *l, const struct audience_id *audience)
{
	for (size_t i = 0; i < l->told; i++)
		if (memcmp(&l->audiences[i], audience, sizeof *audience) == 0)
			return true;
	l->audiences[l->told++] = *audience;
	return false;
}

static bool take_version(void *arg, const struct object_at *at)
{
	struct lineage *l = arg;
	struct withdrawn entry = {.lsn = at->lsn, .object = {at->number, l->latest}};
	struct log_row row;

	if (!l->latest)
		entry.object.after = l->latest = at->modified;
	if (log_read(l->w->a->log, at->lsn, &row) != ERR_OK || !row_header(&row, &l->w->header))
		return true;
	/* What others forwarded of ours is not ours to take back. */
	if (!party_id_equal(&l->w->header.origin, &l->w->self->id))
		return true;
	/* SPEC 9.8: "What an audience was told last is what is taken back from it." */
	if (told_before(l, &l->w->header.audience) || at->revoked || !row.has_body)
		return l->told < AUDIENCES_MAX;
	l->e = entry_add(l->w, &entry);
	return !l->e && l->told < AUDIENCES_MAX;
}

/* Adds what there is to revoke of an object of ours. */
static enum err object_withdraw(struct withdrawal *w, const char *id)
{
	struct lineage l = {.w = w};
	size_t before = w->count;
	enum err e = index_versions(w->a->index, &w->self->id, id, take_version, &l);

	if (!e && w->count > before)
		w->objects++;
	return e ? e : l.e;
}

/* Every object of ours in the opened message that is wanted; those without versions, which cannot
 * be revoked, are counted. */
static enum err post_withdraw(struct withdrawal *w, const struct observable *value)
{
	const struct bundle *b = w->post.post.bundle;
	enum err e = ERR_OK;

	for (size_t i = 0; !e && i < bundle_count(b); i++) {
		const struct stix_object *o = bundle_object(b, i);
		bool has = !value;

		if (o->scaffolding ||
		    !index_current(w->a->index, &w->self->id, o->id, w->post.row.lsn, (uint16_t)i))
			continue;
		if (value) {
			size_t n = stix_observables(o, w->found, OBSERVABLES_PER_OBJECT_MAX);
			for (size_t k = 0; k < n && k < OBSERVABLES_PER_OBJECT_MAX; k++)
				has = has || (w->found[k].type == value->type &&
					      strcmp(w->found[k].text, value->text) == 0);
		}
		if (!has)
			continue;
		if (o->modified == 0)
			w->unversioned++;
		else
			e = object_withdraw(w, o->id);
		if (w->count >= WITHDRAWN_MAX) {
			w->more = true;
			break;
		}
	}
	return e;
}

/* ---- finding it: by value, object, message ---- */

struct candidates {
	struct withdrawal *w;
	size_t count;
	uint64_t lsns[CANDIDATES_MAX];
};

/* Messages of ours that have the value; what others say of it is theirs. */
static bool note_candidate(void *arg, const struct object_at *at, enum match_how how)
{
	struct candidates *c = arg;
	struct log_row row;

	if (how != MATCH_EXACT || at->scaffolding)
		return how == MATCH_EXACT;
	for (size_t i = 0; i < c->count; i++)
		if (c->lsns[i] == at->lsn)
			return true;
	if (log_read(c->w->a->log, at->lsn, &row) != ERR_OK || !row_header(&row, &c->w->header))
		return true;
	if (!party_id_equal(&c->w->header.origin, &c->w->self->id)) {
		c->w->of_others = true;
		return true;
	}
	c->lsns[c->count++] = at->lsn;
	return c->count < CANDIDATES_MAX;
}

static enum err message_withdraw(struct withdrawal *w, uint64_t lsn, const struct observable *value)
{
	struct log_row row;
	enum err e = log_read(w->a->log, lsn, &row);

	if (!e)
		e = opened_read(&w->post, w->a, &row);
	if (e)
		return e;
	e = post_withdraw(w, value);
	opened_clear(&w->post);
	return e;
}

static enum err find_value(struct withdrawal *w, const struct observable *value)
{
	struct candidates *c = calloc(1, sizeof *c);
	enum err e = c ? ERR_OK : ERR_MEMORY;

	if (!e) {
		c->w = w;
		e = index_match(w->a->index, value, note_candidate, c);
	}
	if (e == ERR_NOT_FOUND)
		e = ERR_OK;
	for (size_t i = 0; !e && i < c->count && !w->more; i++) {
		e = message_withdraw(w, c->lsns[i], value);
		/* One that cannot be opened does not keep the others. */
		if (e && e != ERR_MEMORY)
			e = ERR_OK;
	}
	w->more = w->more || (!e && c->count == CANDIDATES_MAX);
	free(c);
	return e;
}

static bool hexadecimal(const char *s)
{
	size_t n = strspn(s, "0123456789abcdefABCDEF");

	return n >= PREFIX_MIN && n <= 2 * MESSAGE_ID_BYTES && !s[n];
}

enum err withdrawal_message(struct withdrawal *w, const char *id, uint64_t *lsn)
{
	struct answer *a = w->a;
	struct message_id found;
	struct log_row row;
	unsigned count = 0;
	char name[PARTY_TEXT_BYTES];
	enum err e = ERR_NOT_FOUND;

	if (hexadecimal(id))
		e = index_find_prefix(a->index, id, lsn, &found, &count);
	if (!e && count == 0)
		e = ERR_NOT_FOUND;
	if (!e && count > 1) {
		report_add(&a->report, "several messages have an id that starts with %s", id);
		a->advice = "give more digits";
		return ERR_LIMIT;
	}
	if (!e)
		e = log_reader_renew(a->log);
	if (!e)
		e = log_read(a->log, *lsn, &row);
	if (!e && !row_header(&row, &w->header))
		e = ERR_DAMAGED;
	if (e)
		return e;
	if (!party_id_equal(&w->header.origin, &w->self->id)) {
		report_add(&a->report, "the message is of %s: only its author can withdraw it",
			   answer_party(a, name, &w->header.origin));
		return ERR_NOT_ALLOWED;
	}
	return ERR_OK;
}

static enum err find_message(struct withdrawal *w, const char *id)
{
	uint64_t lsn;
	enum err e = withdrawal_message(w, id, &lsn);

	if (!e)
		e = message_withdraw(w, lsn, NULL);
	return e == ERR_NOT_FOUND || e == ERR_FORMAT ? ERR_OK : e;
}

/* SPEC 9.8: "`what` is the id of an object, or a value, or, when no object of this node has such a
 * value, at least 4 digits of a message's id." */
static enum err find(struct withdrawal *w, const char *what)
{
	struct answer *a = w->a;
	const char *why;
	enum err e = ERR_OK;

	a->where = what;
	if (strstr(what, "--") && !strchr(what, '.'))
		e = object_withdraw(w, what);
	else if (observable_detect(&w->value, what, &why) == ERR_OK)
		e = find_value(w, &w->value);
	if (!e && w->count == 0)
		e = find_message(w, what);
	if (e || w->count)
		return e;
	report_add(&a->report, "nothing that this node has said and that still holds is %s%s", what,
		   w->unversioned ? " but facts, which have no versions and cannot be revoked"
				  : "");
	if (w->of_others)
		a->advice = "what others have said only they can withdraw: khabar check shows who";
	return ERR_NOT_FOUND;
}

/* Several objects by id.  What holds no more is passed over: who asks may be late. */
static enum err find_objects(struct withdrawal *w, const char *const *ids, size_t n)
{
	enum err e = ERR_OK;

	for (size_t i = 0; !e && i < n; i++) {
		e = object_withdraw(w, ids[i]);
		if (e == ERR_NOT_FOUND)
			e = ERR_OK;
	}
	if (e || w->count)
		return e;
	report_add(&w->a->report, "none of these objects is this node's and still holds");
	return ERR_NOT_FOUND;
}

/* ---- the request ---- */

static enum err because_read(struct withdrawal *w)
{
	struct answer *a = w->a;
	const char *because = admin_string(&a->request, "because");

	w->leaked = because && strcmp(because, "leaked") == 0;
	w->import = admin_flag(&a->request, "import");
	if (!w->leaked && (!because || strcmp(because, "wrong") != 0)) {
		a->where = "because";
		report_add(&a->report, "a reason is wanted: wrong or leaked");
		return ERR_FORMAT;
	}
	if (w->leaked || !w->import)
		return ERR_OK;
	a->where = "import";
	report_add(&a->report, "a whole import is only recalled, because it leaked");
	return ERR_FORMAT;
}

struct asked {
	const char *what;
	const char *objects[OBJECTS_MAX]; /* instead of it */
	size_t count;
};

static enum err request_read(struct withdrawal *w, struct asked *q)
{
	struct answer *a = w->a;
	enum err e = because_read(w);

	q->what = admin_string(&a->request, "what");
	q->count = admin_strings(&a->request, "objects", q->objects, OBJECTS_MAX);
	w->dry_run = admin_flag(&a->request, "dry_run");
	if (!e && q->count && (q->what || w->leaked)) {
		a->where = "objects";
		report_add(&a->report, "objects go neither with what nor with leaked");
		e = ERR_FORMAT;
	}
	if (!e && !q->count && (!q->what || !*q->what)) {
		a->where = "what";
		report_add(&a->report, "a value, or the id of an object or a message, is wanted");
		e = ERR_FORMAT;
	}
	if (!e && (!admin_request_done(&a->request) || !answer_no_frames(a)))
		e = ERR_FORMAT;
	if (e)
		return e;
	w->topology = versions_newest(node_versions(a->node));
	w->self = w->topology ? topology_party(w->topology, node_config(a->node)->node) : NULL;
	if (w->self)
		return ERR_OK;
	report_add(&a->report, "this node is not in the topology in force");
	return ERR_STATE;
}

static void withdrawn_show(struct withdrawal *w)
{
	struct answer *a = w->a;
	struct text *t = &a->reply;

	text_str(t, "]");
	admin_put_name(t, "messages");
	text_str(t, "[");
	for (size_t i = 0; i < w->id_count; i++)
		admin_put_hex(t, NULL, w->ids[i].b, MESSAGE_ID_BYTES);
	text_str(t, "]");
	admin_put_number(t, "objects", w->objects);
	admin_put_number(t, "without_versions", w->unversioned);
	admin_put_bool(t, "more", w->more);
	if (w->dry_run || w->id_count == 0)
		return;
	text_str(&a->summary, "{");
	admin_put_string(&a->summary, "because", w->leaked ? "leaked" : "wrong");
	admin_put_number(&a->summary, "objects", w->objects);
	admin_put_number(&a->summary, "count", w->id_count);
	admin_put_hex(&a->summary, "first", w->ids[0].b, MESSAGE_ID_BYTES);
	text_str(&a->summary, "}");
}

enum err answer_withdraw(struct answer *a)
{
	struct withdrawal *w = calloc(1, sizeof *w);
	struct asked asked = {0};
	enum err e = w ? ERR_OK : ERR_MEMORY;

	if (!w)
		return e;
	w->a = a;
	w->now = clock_wall();
	e = request_read(w, &asked);
	if (!e)
		e = answer_catch_up(a);
	if (!e && !w->leaked)
		e = asked.count ? find_objects(w, asked.objects, asked.count) : find(w, asked.what);
	admin_put_name(&a->reply, "withdrawn");
	text_str(&a->reply, "[");
	if (!e)
		e = w->leaked ? withdrawal_recall(w, asked.what) : withdrawal_publish(w);
	withdrawn_show(w);
	free(w->entries);
	free(w->ids);
	free(w);
	return e;
}
