/* Telling readers how often something was seen. */
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "node/duty/sightings_parts.h"
#include "node/loop.h"
#include "protocol/body.h"

enum { DAY_HOURS = 24 };

/* An object of ours of which there is something new to be told. */
struct told {
	uint64_t lsn; /* of the message in which it stands */
	const char *object;
	struct sightings sum;
	uint64_t created; /* of what was told before; 0: nothing */
};

static int compare_told(const void *a, const void *b)
{
	const struct told *x = a, *y = b;

	if (x->lsn != y->lsn)
		return x->lsn < y->lsn ? -1 : 1;
	return strcmp(x->object, y->object);
}

static enum err told_prepare(const struct sighting_look *l, const char *object, struct told *out,
			     bool *any)
{
	struct sightings before;
	struct object_at at;
	enum err e = index_object(l->index, &l->self->id, object, &at);

	*any = false;
	if (e || at.revoked)
		return e == ERR_NOT_FOUND ? ERR_OK : e;
	*out = (struct told){.lsn = at.lsn, .object = object};
	e = sightings_gather(l, object, &out->sum);
	if (e)
		return e;
	e = sightings_told_read(l, l->self, object, &before, &out->created);
	*any = e ? out->sum.count || out->sum.false_positives
		 : !sightings_equal(&before, &out->sum);
	return e == ERR_NOT_FOUND ? ERR_OK : e;
}

/* Those who were told of the object, and can be told more. */
static enum err readers_of(const struct sighting_look *l, const struct header *h,
			   struct recipients *to)
{
	struct directory *d = node_directory(l->node);
	size_t kept = 0;
	enum err e = recipients_of(to, l->topology, h);

	if (e)
		return e;
	to->book = directory_book(d);
	for (size_t i = 0; i < to->count; i++)
		if (!to->chosen[i].party->left && directory_seal_key(d, to->chosen[i].party))
			to->chosen[kept++] = to->chosen[i];
	to->count = kept;
	return ERR_OK;
}

static enum err body_make(const struct sighting_look *l, const struct post_at *p,
			  const struct told *told, size_t n, uint8_t **body, size_t *length)
{
	const struct envelope envelope = {.exercise = p->post.envelope.exercise};
	struct sighting_bundle b;
	struct text json;
	uint8_t random[16];
	char uuid[37];
	enum err e = ERR_MEMORY;

	randombytes_buf(random, sizeof random);
	uuid_of_random(uuid, random);
	sighting_bundle_begin(&b, l->self->name, l->self->title, (enum tlp)p->header.tlp,
			      clock_wall(), uuid);
	for (size_t i = 0; i < n; i++)
		sighting_add_sum(&b, told[i].object, &told[i].sum, told[i].created);
	sighting_bundle_end(&b);
	text_init(&json);
	if (!b.text.bad)
		post_write(&json, &envelope, (struct slice){b.text.at, b.text.length});
	if (!b.text.bad && !json.bad)
		e = body_pack(body, length, json.at, json.length);
	text_clear(&json);
	text_clear(&b.text);
	return e;
}

/* SPEC 8.12: "goes to the readers of the message in which the object stands, under its TLP". */
static enum err message_tell(const struct sighting_look *l, const struct told *told, size_t n)
{
	struct message_id ids[PARTIES_MAX / RECIPIENTS_MAX + 2];
	struct recipients to = {0};
	struct draft draft = {.kind = KIND_POST};
	struct post_at p;
	uint8_t *body = NULL;
	uint32_t days;
	enum err e = sighting_post_open(l, &p, told->lsn);

	if (e)
		return e == ERR_NOT_FOUND ? ERR_OK : e;
	e = readers_of(l, &p.header, &to);
	if (!e && (to.all || to.count))
		e = body_make(l, &p, told, n, &body, &draft.body_length);
	if (!e && body) {
		days = l->topology->policy.expiry_days[p.header.tlp];
		draft.tlp = (enum tlp)p.header.tlp;
		draft.no_forward = p.header.flags & FLAG_NO_FORWARD;
		draft.expiry = node_expiry(l->node, days * DAY_HOURS);
		draft.body = body;
		draft.ref = p.row.id;
		e = node_publish(l->node, l->topology, &to, &draft, 1, ids, NULL);
	}
	free(body);
	recipients_clear(&to);
	sighting_post_close(&p);
	return e;
}

enum err sightings_tell(const struct sighting_look *l, char (*objects)[OBJECT_ID_BYTES], size_t n,
			size_t *sent)
{
	struct told *told = calloc(n + 1, sizeof *told);
	size_t count = 0, same;
	enum err e = told ? ERR_OK : ERR_MEMORY;

	*sent = 0;
	for (size_t i = 0; !e && i < n; i++) {
		bool any;
		e = told_prepare(l, objects[i], &told[count], &any);
		count += !e && any;
	}
	if (!e && count)
		qsort(told, count, sizeof *told, compare_told);
	for (size_t i = 0; !e && i < count; i += same) {
		for (same = 1; i + same < count && told[i + same].lsn == told[i].lsn;)
			same++;
		e = message_tell(l, &told[i], same);
		*sent += !e;
	}
	free(told);
	return e;
}
