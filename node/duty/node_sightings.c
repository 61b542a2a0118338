/* Sightings: who has seen what this node has said, summed up for all who read it. */
#include <stdlib.h>
#include <string.h>

#include "node/duty/sightings_parts.h"
#include "node/node_parts.h"
#include "node/remembered.h"
#include "protocol/bytes.h"

enum {
	REPORT_BYTES = 64 << 10, /* of a body as carried: a report is short */
	ROWS_AT_ONCE = 20000,
	SAVED_EVERY = 10000,
	/* Between two sums; and what may be told in a row, and how soon more of it: nobody makes a
	 * node speak to all its readers more often. */
	REST_MS = 2 * 1000,
	CREDIT_MAX = 10,
	CREDIT_MS = 60 * 1000,
};

static const char value_name[] = "sightings";

struct looking {
	struct sighting_look l;
	char (*objects)[OBJECT_ID_BYTES]; /* owned; of which something was reported */
	size_t count;
};

static void object_note(struct looking *x, const char *id)
{
	struct object_at at;

	if (strlen(id) >= OBJECT_ID_BYTES ||
	    index_object(x->l.index, &x->l.self->id, id, &at) != ERR_OK)
		return;
	for (size_t i = 0; i < x->count; i++)
		if (strcmp(x->objects[i], id) == 0)
			return;
	strcpy(x->objects[x->count++], id);
}

/* A short post that somebody else has sealed: a report, or one that is taken back. */
static bool is_report(const struct looking *x, const struct log_row *row)
{
	struct header h;
	size_t n;

	if (row->kind != LOG_MESSAGE)
		return false;
	n = header_peek_length(row->data, row->length);
	return n <= row->length && header_decode(&h, row->data, n) == ERR_OK &&
	       h.kind == KIND_POST && h.recipient_count > 0 && h.body_length <= REPORT_BYTES &&
	       !party_id_equal(&h.origin, &x->l.self->id);
}

static enum err row_look(struct looking *x, uint64_t lsn)
{
	struct post_at p;
	enum err e = sighting_post_open(&x->l, &p, lsn);

	if (e)
		return e == ERR_MEMORY ? e : ERR_OK;
	for (size_t i = 0; i < bundle_count(p.post.bundle) && x->count < SIGHTING_OBJECTS_MAX;
	     i++) {
		const char *of = sighting_object(bundle_object(p.post.bundle, i));
		if (of)
			object_note(x, of);
	}
	sighting_post_close(&p);
	return ERR_OK;
}

/* From where it was left to what is folded; *at is where it ended. */
static enum err rows_look(struct looking *x, uint64_t *at, uint64_t until)
{
	struct log_row row;
	enum err e = ERR_OK;

	for (size_t n = 0; !e && *at < until && n < ROWS_AT_ONCE; n++) {
		/* The objects of a report are noted whole. */
		if (x->count > SIGHTING_OBJECTS_MAX / 2)
			break;
		e = log_read_from(x->l.log, *at + 1, &row);
		if (e == ERR_DAMAGED && row.lsn > *at)
			e = ERR_OK;
		else if (!e && is_report(x, &row))
			e = row_look(x, row.lsn);
		if (!e)
			*at = row.lsn;
	}
	return e == ERR_NOT_FOUND ? ERR_OK : e;
}

static enum err mark_load(struct node *n, struct log_reader *log)
{
	uint8_t bytes[8];
	size_t length;
	enum err e = remembered_get(log, value_name, bytes, sizeof bytes, &length);

	if (!e && length == sizeof bytes)
		n->sightings.done = n->sightings.saved = get_u64(bytes);
	n->sightings.loaded = !e || e == ERR_NOT_FOUND;
	return n->sightings.loaded ? ERR_OK : e;
}

static enum err mark_save(struct node *n)
{
	uint8_t bytes[8];
	enum err e;

	put_u64(bytes, n->sightings.done);
	e = node_keep(n, value_name, bytes, sizeof bytes, 0, NULL, 0);
	if (!e)
		n->sightings.saved = n->sightings.done;
	return e == ERR_STATE ? ERR_OK : e;
}

static void rest(struct node *n, uint64_t now, size_t sent)
{
	/* Mono ms: all credit is there again. */
	uint64_t full = n->sightings.full > now ? n->sightings.full : now;
	uint64_t most = now + (uint64_t)CREDIT_MAX * CREDIT_MS;

	full += sent * CREDIT_MS;
	n->sightings.full = full;
	n->sightings.rest = full > most ? full - (most - now) : now + REST_MS;
}

static enum err look(struct looking *x, uint64_t now)
{
	struct node *n = x->l.node;
	uint64_t until = 0, at;
	size_t sent = 0;
	enum err e = n->sightings.loaded ? ERR_OK : mark_load(n, x->l.log);

	if (!e)
		e = index_folded(x->l.index, &until);
	at = n->sightings.done;
	if (!e)
		e = rows_look(x, &at, until);
	if (!e && x->count)
		e = sightings_tell(&x->l, x->objects, x->count, &sent);
	/* Who may not speak tells nothing. */
	if (e == ERR_STATE || e == ERR_NOT_ALLOWED)
		e = ERR_OK;
	if (e)
		return e;
	n->sightings.done = at;
	n->sightings.more = at < until;
	if (x->count)
		rest(n, now, sent);
	return x->count || at >= n->sightings.saved + SAVED_EVERY ? mark_save(n) : ERR_OK;
}

enum err duty_sightings(struct node *n, uint64_t now, uint64_t *next)
{
	struct looking x = {.l = {.node = n, .topology = versions_newest(n->versions)}};
	enum err e = ERR_OK;

	x.l.self = x.l.topology ? topology_party(x.l.topology, n->config->node) : NULL;
	if (!x.l.self)
		return ERR_OK;
	if (now >= n->sightings.rest) {
		x.objects = calloc(SIGHTING_OBJECTS_MAX, sizeof *x.objects);
		e = x.objects ? log_reader_open(&x.l.log, n->log) : ERR_MEMORY;
		if (!e)
			e = index_reader_open(&x.l.index, n->index);
		if (!e)
			e = look(&x, now);
		if (x.l.index)
			index_reader_close(x.l.index);
		if (x.l.log)
			log_reader_close(x.l.log);
		free(x.objects);
	}
	if (n->sightings.rest > now && n->sightings.rest < *next)
		*next = n->sightings.rest;
	else if (!e && n->sightings.more && now < *next)
		*next = now;
	return e;
}
