/* What was seen of an object: by this CERT, and by all of them as its author tells it. */
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "node/duty/sightings_parts.h"
#include "node/store/content.h"
#include "protocol/bytes.h"
#include "node/remembered.h"

enum { DOMAIN_SIGHTED = 's', SIGHTED_BYTES = 26 };

/* ---- reading posts ---- */

enum err sighting_post_open(const struct sighting_look *l, struct post_at *p, uint64_t lsn)
{
	char why[CONTENT_WHY_BYTES];
	size_t n;
	enum err e = log_read(l->log, lsn, &p->row);

	p->json = NULL;
	if (e)
		return e;
	n = header_peek_length(p->row.data, p->row.length);
	if (p->row.kind != LOG_MESSAGE || p->row.verdict != VERDICT_ACCEPTED || p->row.is_void ||
	    !p->row.has_body || n > p->row.length ||
	    header_decode(&p->header, p->row.data, n) != ERR_OK || p->header.kind != KIND_POST)
		return ERR_NOT_FOUND;
	e = content_read(node_identity(l->node), l->log, &p->row, &p->header, &p->json, &n, why);
	if (!e)
		e = post_read(&p->post, p->json, n, NULL);
	if (e) {
		free(p->json);
		return e == ERR_MEMORY ? e : ERR_NOT_FOUND;
	}
	return ERR_OK;
}

void sighting_post_close(struct post_at *p)
{
	post_clear(&p->post);
	free(p->json);
}

/* The current version of an object, opened; *o lives as long as p is open. */
static enum err object_open(const struct sighting_look *l, struct post_at *p,
			    const struct party_id *origin, const char *id,
			    const struct stix_object **o)
{
	struct object_at at;
	enum err e = index_object(l->index, origin, id, &at);

	if (!e && at.revoked)
		e = ERR_NOT_FOUND;
	if (!e)
		e = sighting_post_open(l, p, at.lsn);
	if (e)
		return e;
	if (at.number < bundle_count(p->post.bundle)) {
		*o = bundle_object(p->post.bundle, at.number);
		return ERR_OK;
	}
	sighting_post_close(p);
	return ERR_NOT_FOUND;
}

/* ---- what this CERT has seen ---- */

static void sighted_name(const struct sighting_look *l, const char *object, char out[64])
{
	uint8_t key[16];

	identity_index_key(node_identity(l->node), DOMAIN_SIGHTED, object, strlen(object), key);
	memcpy(out, "sighted/", 8);
	sodium_bin2hex(out + 8, 33, key, sizeof key);
}

enum err sighted_read(const struct sighting_look *l, const char *object, struct sighted *s)
{
	uint8_t bytes[SIGHTED_BYTES];
	struct reader r;
	char name[64];
	size_t n;
	enum err e;

	sighted_name(l, object, name);
	e = remembered_get(l->log, name, bytes, sizeof bytes, &n);
	if (e)
		return e;
	reader_init(&r, bytes, n);
	*s = (struct sighted){0};
	s->count = read_u64(&r);
	s->first = read_u64(&r);
	s->last = read_u64(&r);
	s->false_positive = read_u8(&r);
	s->named = read_u8(&r);
	return reader_done(&r) ? ERR_OK : ERR_DAMAGED;
}

enum err sighted_keep(const struct sighting_look *l, const char *object, const struct sighted *s)
{
	uint8_t bytes[SIGHTED_BYTES];
	struct writer w;
	char name[64];

	sighted_name(l, object, name);
	writer_init(&w, bytes, sizeof bytes);
	write_u64(&w, s->count);
	write_u64(&w, s->first);
	write_u64(&w, s->last);
	write_u8(&w, s->false_positive);
	write_u8(&w, s->named);
	return node_keep(l->node, name, bytes, sizeof bytes, 0, NULL, 0);
}

/* One of the two objects in which it is reported. */
static enum err report_read(const struct sighting_look *l, enum sighting_kind kind,
			    const char *object, struct sighted *s, uint64_t *created)
{
	char id[SIGHTING_ID_BYTES];
	const struct stix_object *o;
	struct post_at p;
	enum err e;

	*created = 0;
	sighting_id(id, kind, l->self->name, object);
	e = object_open(l, &p, &l->self->id, id, &o);
	if (e)
		return e;
	sighting_read(o, s);
	*created = o->created;
	sighting_post_close(&p);
	return ERR_OK;
}

enum err sighted_reported(const struct sighting_look *l, const char *object, struct sighted *s,
			  uint64_t *created_seen, uint64_t *created_false)
{
	enum err e, f;

	*s = (struct sighted){0};
	e = report_read(l, SIGHTING_SEEN, object, s, created_seen);
	f = report_read(l, SIGHTING_FALSE, object, s, created_false);
	return e == ERR_NOT_FOUND ? f : e;
}

/* ---- what its author has told ---- */

enum err sightings_told_read(const struct sighting_look *l, const struct party *origin,
			     const char *object, struct sightings *s, uint64_t *created)
{
	char id[SIGHTING_ID_BYTES];
	const struct stix_object *o;
	const char *of;
	struct post_at p;
	enum err e;

	sighting_id(id, SIGHTING_SUM, origin->name, object);
	e = object_open(l, &p, &origin->id, id, &o);
	if (e)
		return e;
	of = sighting_object(o);
	*created = o->created;
	if (!of || strcmp(of, object) != 0 || !sightings_read(o, s))
		e = ERR_NOT_FOUND;
	sighting_post_close(&p);
	return e;
}

enum err sightings_told(const struct sighting_look *l, const struct party *origin,
			const char *object, struct sightings *s)
{
	uint64_t created;

	return sightings_told_read(l, origin, object, s, &created);
}
