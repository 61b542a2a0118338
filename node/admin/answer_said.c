/* share with `new`: which objects of its bundles this node has said already.
 *
 * A list that comes in another order meets every message with every bundle; so what may be the same
 * is gathered from all bundles first, and each message is read once. */
#include "node/admin/answer_said.h"

#include <stdlib.h>
#include <string.h>

#include "node/loop.h"

enum { HOUR_MS = 3600000 };

/* An object that has the id of one of ours. */
struct twin {
	uint64_t lsn; /* of the message with ours */
	const char *raw;
	uint32_t length;
	uint16_t number;          /* of ours in its bundle */
	uint16_t bundle, element; /* where it stands itself */
	bool said;                /* it says the same */
};

struct said {
	struct answer *a; /* borrowed */
	struct saying saying;
	struct audience_id audience;
	char author[sizeof "identity--" + 36]; /* of what is made here */
	uint64_t now;                          /* ms */
	struct twin *twins; /* owned; as noted, then by lsn, then by bundle and element */
	size_t count, room;
	/* The message of ours that was read last. */
	uint64_t at; /* 0: none was */
	bool fits;   /* it was read, and is to the same readers and for the same use */
	struct opened post;
};

/* What the request says now. */
struct new_object {
	cJSON *json; /* owned */
	struct slice raw;
	uint64_t valid_until; /* ms; 0: none */
};

enum err said_open(struct said **said, struct answer *a, const struct saying *saying,
		   uint64_t position)
{
	const struct addressed *w = saying->who;
	struct letter *letter;
	struct said *s;
	char name[sizeof "identity|" + NAME_MAX_BYTES];
	enum err e = answer_catch_up_to(a, position);

	*said = NULL;
	if (e || recipients_letters(&w->to) != 1)
		return e;
	s = calloc(1, sizeof *s);
	letter = malloc(sizeof *letter);
	if (s && letter && recipients_letter(letter, &w->to, w->self, 0)) {
		s->a = a;
		s->saying = *saying;
		s->audience = letter->audience;
		s->now = clock_wall();
		snprintf(name, sizeof name, "identity|%s", w->self->name);
		strcpy(s->author, "identity--");
		uuid_of_text(s->author + strlen(s->author), name);
		*said = s;
	} else {
		e = s && letter ? ERR_NOT_ALLOWED : ERR_MEMORY;
		free(s);
	}
	free(letter);
	return e;
}

static void post_close(struct said *s)
{
	if (s->fits)
		opened_clear(&s->post);
	s->fits = false;
}

void said_close(struct said *s)
{
	if (!s)
		return;
	post_close(s);
	free(s->twins);
	free(s);
}

/* ---- one message of ours ---- */

/* SPEC 9.5: "in a message to the same readers, with the same TLP, use, `exercise` and `no_forward`
 * and no lower priority" */
static bool post_fits(const struct said *s)
{
	const struct saying *now = &s->saying;
	const struct header *h = &s->post.header;
	const struct envelope *e = &s->post.post.envelope;

	return !s->post.forwarded && party_id_equal(&h->origin, &now->who->self->id) &&
	       memcmp(h->audience.b, s->audience.b, sizeof s->audience.b) == 0 &&
	       h->tlp == (uint8_t)now->who->tlp && h->priority >= now->priority &&
	       !(h->flags & FLAG_NO_FORWARD) == !now->no_forward &&
	       e->block == now->envelope.block && e->exercise == now->envelope.exercise;
}

static enum err post_open(struct said *s, uint64_t lsn)
{
	struct log_row row;
	enum err e;

	post_close(s);
	s->at = lsn;
	e = log_read(s->a->log, lsn, &row);
	if (!e)
		e = opened_read(&s->post, s->a, &row);
	if (e)
		return e == ERR_MEMORY ? e : ERR_OK;
	s->fits = post_fits(s);
	if (!s->fits)
		opened_clear(&s->post);
	return ERR_OK;
}

/* ---- one object ---- */

static bool is_time(const char *member)
{
	return strcmp(member, "created") == 0 || strcmp(member, "modified") == 0 ||
	       strcmp(member, "valid_from") == 0 || strcmp(member, "valid_until") == 0;
}

/* Has b every member of a, but for times, as it is there? */
static bool has_all(const cJSON *b, const cJSON *a)
{
	const cJSON *member;

	cJSON_ArrayForEach(member, a)
	{
		if (!is_time(member->string) &&
		    !cJSON_Compare(member, cJSON_GetObjectItemCaseSensitive(b, member->string),
				   true))
			return false;
	}
	return true;
}

/* SPEC 9.5: "says the same: byte for byte, or, where it is of this node's identity (8.5), but for
 * `created`, `modified`, `valid_from` and `valid_until`" */
static bool same(const struct said *s, const struct stix_object *was, const struct new_object *o)
{
	const char *author =
		cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(o->json, "created_by_ref"));

	if (was->raw.length == o->raw.length && memcmp(was->raw.at, o->raw.at, o->raw.length) == 0)
		return true;
	return author && strcmp(author, s->author) == 0 && has_all(was->json, o->json) &&
	       has_all(o->json, was->json);
}

/* Until when a reader has it: ms. */
static uint64_t until(uint64_t valid_until, uint32_t expiry)
{
	uint64_t kept = (uint64_t)expiry * HOUR_MS;

	return valid_until && valid_until < kept ? valid_until : kept;
}

/* SPEC 9.5: "and of the time for which it would hold now at least half is still ahead of it" */
static bool lasts(const struct said *s, const struct stix_object *was, const struct new_object *o)
{
	uint64_t old = until(was->valid_until, s->post.header.expiry);
	uint64_t next = until(o->valid_until, s->saying.expiry);

	return old > s->now && (next <= s->now || 2 * (old - s->now) >= next - s->now);
}

/* Whether what stands there in the message that is open says the same. */
static enum err twin_compare(const struct said *s, struct twin *t)
{
	struct new_object o = {.raw = {t->raw, t->length}};
	const struct stix_object *was;
	const char *id, *valid_until;

	if (!s->fits || t->number >= bundle_count(s->post.post.bundle))
		return ERR_OK;
	was = bundle_object(s->post.post.bundle, t->number);
	o.json = cJSON_ParseWithLength(t->raw, t->length);
	if (!o.json)
		return ERR_MEMORY;
	id = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(o.json, "id"));
	valid_until = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(o.json, "valid_until"));
	if (valid_until)
		(void)time_parse(&o.valid_until, valid_until);
	t->said = id && strcmp(was->id, id) == 0 && !was->revoked && same(s, was, &o) &&
		  lasts(s, was, &o);
	cJSON_Delete(o.json);
	return ERR_OK;
}

/* ---- all of them ---- */

static enum err twin_add(struct said *s, const struct twin *t)
{
	if (s->count == s->room) {
		size_t room = s->room ? 2 * s->room : 256;
		struct twin *grown = realloc(s->twins, room * sizeof *grown);

		if (!grown)
			return ERR_MEMORY;
		s->twins = grown;
		s->room = room;
	}
	s->twins[s->count++] = *t;
	return ERR_OK;
}

enum err said_note(struct said *s, size_t number, const struct post *post, struct slice text)
{
	const struct party_id *self = &s->saying.who->self->id;
	const struct bundle *b = post->bundle;
	enum err e = ERR_OK;

	for (size_t i = 0; !e && i < bundle_count(b); i++) {
		const struct stix_object *o = bundle_object(b, i);
		struct object_at at;

		if (o->scaffolding)
			continue;
		e = index_object(s->a->index, self, o->id, &at);
		if (e == ERR_NOT_FOUND)
			e = ERR_OK;
		else if (!e && !at.revoked)
			e = twin_add(s, &(struct twin){.lsn = at.lsn,
						       .number = at.number,
						       .raw = text.at + (o->raw.at - post->text.at),
						       .length = (uint32_t)o->raw.length,
						       .bundle = (uint16_t)number,
						       .element = (uint16_t)i});
	}
	return e;
}

static int by_message(const void *a, const void *b)
{
	const struct twin *x = a, *y = b;

	return (x->lsn > y->lsn) - (x->lsn < y->lsn);
}

static int by_place(const void *a, const void *b)
{
	const struct twin *x = a, *y = b;

	if (x->bundle != y->bundle)
		return x->bundle < y->bundle ? -1 : 1;
	return (x->element > y->element) - (x->element < y->element);
}

enum err said_compare(struct said *s)
{
	enum err e = ERR_OK;

	if (s->count)
		qsort(s->twins, s->count, sizeof *s->twins, by_message);
	for (size_t i = 0; !e && i < s->count; i++) {
		if (s->twins[i].lsn != s->at)
			e = post_open(s, s->twins[i].lsn);
		if (!e)
			e = twin_compare(s, &s->twins[i]);
	}
	post_close(s);
	if (s->count)
		qsort(s->twins, s->count, sizeof *s->twins, by_place);
	return e;
}

/* The first of the bundle's, or where it would be. */
static size_t first_of(const struct said *s, size_t number)
{
	size_t low = 0, high = s->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (s->twins[middle].bundle < number)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

size_t said_count(const struct said *s, size_t number)
{
	size_t n = 0;

	for (size_t i = first_of(s, number); i < s->count && s->twins[i].bundle == number; i++)
		n += s->twins[i].said;
	return n;
}

static enum err write_rest(const struct said *s, size_t number, const struct slice *elements,
			   size_t count, struct text *out)
{
	size_t at = first_of(s, number);
	bool first = true;

	for (size_t i = 0; i < count; i++) {
		while (at < s->count && s->twins[at].bundle == number && s->twins[at].element < i)
			at++;
		if (at < s->count && s->twins[at].bundle == number && s->twins[at].element == i &&
		    s->twins[at].said)
			continue;
		text_str(out, first ? "" : ",");
		text_add(out, elements[i].at, elements[i].length);
		first = false;
	}
	text_str(out, "]}");
	return out->bad ? ERR_MEMORY : ERR_OK;
}

enum err said_leave_out(const struct said *s, size_t number, struct slice text, struct text *out)
{
	struct slice *elements = calloc(BUNDLE_OBJECTS_MAX, sizeof *elements), id, objects;
	size_t n;
	enum err e = elements ? ERR_OK : ERR_MEMORY;

	if (!e && (!json_member(&id, text, "id") || !json_member(&objects, text, "objects")))
		e = ERR_FORMAT;
	if (!e)
		e = json_elements(elements, BUNDLE_OBJECTS_MAX, &n, objects);
	if (!e) {
		text_str(out, "{\"type\":\"bundle\",\"id\":");
		text_add(out, id.at, id.length);
		text_str(out, ",\"objects\":[");
		e = write_rest(s, number, elements, n, out);
	}
	free(elements);
	return e;
}
