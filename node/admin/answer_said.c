/* share with `new`: which objects of a bundle this node has said already. */
#include "node/admin/answer_said.h"

#include <stdlib.h>
#include <string.h>

#include "node/loop.h"

enum { HOUR_MS = 3600000 };

struct said {
	struct answer *a; /* borrowed */
	struct saying saying;
	struct audience_id audience;
	char author[sizeof "identity--" + 36]; /* of what is made here */
	uint64_t now;                          /* ms */
	/* The message of ours that was read last: what stands together was mostly said together. */
	uint64_t at; /* 0: none was */
	bool fits;   /* it was read, and is to the same readers and for the same use */
	struct opened post;
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
	free(s);
}

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

/* Reads the message, unless it is the one that was read last. */
static enum err post_open(struct said *s, uint64_t lsn)
{
	struct log_row row;
	enum err e;

	if (s->at == lsn)
		return ERR_OK;
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
static bool same(const struct said *s, const struct stix_object *was, const struct stix_object *o)
{
	const char *author =
		cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(o->json, "created_by_ref"));

	if (was->raw.length == o->raw.length && memcmp(was->raw.at, o->raw.at, o->raw.length) == 0)
		return true;
	return author && strcmp(author, s->author) == 0 && has_all(was->json, o->json) &&
	       has_all(o->json, was->json);
}

/* Until when a reader has it: ms. */
static uint64_t until(const struct stix_object *o, uint32_t expiry)
{
	uint64_t kept = (uint64_t)expiry * HOUR_MS;

	return o->valid_until && o->valid_until < kept ? o->valid_until : kept;
}

/* SPEC 9.5: "and of the time for which it would hold now at least half is still ahead of it" */
static bool lasts(const struct said *s, const struct stix_object *was, const struct stix_object *o)
{
	uint64_t old = until(was, s->post.header.expiry), next = until(o, s->saying.expiry);

	return old > s->now && (next <= s->now || 2 * (old - s->now) >= next - s->now);
}

static enum err is_said(struct said *s, const struct stix_object *o, bool *yes)
{
	const struct party_id *self = &s->saying.who->self->id;
	const struct stix_object *was;
	struct object_at at;
	enum err e = index_object(s->a->index, self, o->id, &at);

	*yes = false;
	if (e || at.revoked)
		return e == ERR_NOT_FOUND ? ERR_OK : e;
	e = post_open(s, at.lsn);
	if (e || !s->fits || at.number >= bundle_count(s->post.post.bundle))
		return e;
	was = bundle_object(s->post.post.bundle, at.number);
	*yes = strcmp(was->id, o->id) == 0 && !was->revoked && same(s, was, o) && lasts(s, was, o);
	return ERR_OK;
}

static void write_bundle(struct text *out, const struct bundle *b, const char *id,
			 const bool *leave)
{
	bool first = true;

	text_str(out, "{\"type\":\"bundle\",\"id\":");
	text_json(out, id);
	text_str(out, ",\"objects\":[");
	for (size_t i = 0; i < bundle_count(b); i++) {
		const struct stix_object *o = bundle_object(b, i);
		if (leave[i])
			continue;
		text_str(out, first ? "" : ",");
		text_add(out, o->raw.at, o->raw.length);
		first = false;
	}
	text_str(out, "]}");
}

enum err said_leave_out(struct said *s, const struct bundle *b, struct text *out, size_t *unchanged,
			size_t *left)
{
	bool *leave = calloc(bundle_count(b) + 1, sizeof *leave);
	size_t count = 0;
	enum err e = leave ? ERR_OK : ERR_MEMORY;

	*left = 0;
	for (size_t i = 0; !e && i < bundle_count(b); i++) {
		const struct stix_object *o = bundle_object(b, i);
		if (o->scaffolding)
			continue;
		e = is_said(s, o, &leave[i]);
		count += leave[i];
		*left += !leave[i];
	}
	*unchanged += count;
	if (!e && count && *left)
		write_bundle(out, b, bundle_id(b), leave);
	free(leave);
	return out->bad ? ERR_MEMORY : e;
}
