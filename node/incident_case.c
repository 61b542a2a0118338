#include "node/incident_case.h"

#include <stdlib.h>
#include <string.h>

#include "node/store/content.h"
#include "node/store/restored.h"

/* Where an event is, and what decides whether it is among those that are folded. */
struct event_place {
	uint64_t lsn;
	struct message_id id;
	struct party_id origin;
	uint32_t topology;
};

struct event_places {
	struct event_place *at; /* owned */
	size_t count, size;
};

struct reading {
	struct incident_case *c;
	struct node *node;
	struct log_reader *log;
	struct header header;
	struct log_row row;
};

static bool header_read(struct reading *r, uint64_t lsn)
{
	size_t n;

	if (log_read(r->log, lsn, &r->row) != ERR_OK || r->row.kind != LOG_MESSAGE)
		return false;
	n = header_peek_length(r->row.data, r->row.length);
	return n <= r->row.length && header_decode(&r->header, r->row.data, n) == ERR_OK &&
	       !restored_hides(r->log, lsn, &r->header);
}

static enum err place_add(struct event_places *p, const struct reading *r, uint64_t lsn)
{
	if (p->count == p->size) {
		size_t size = p->size ? 2 * p->size : 64;
		struct event_place *grown = realloc(p->at, size * sizeof *grown);
		if (!grown)
			return ERR_MEMORY;
		p->at = grown;
		p->size = size;
	}
	p->at[p->count++] =
		(struct event_place){lsn, r->row.id, r->header.origin, r->header.topology};
	return ERR_OK;
}

static int by_origin(const void *a, const void *b)
{
	const struct event_place *x = a, *y = b;
	int c = memcmp(x->origin.b, y->origin.b, PARTY_ID_BYTES);

	if (c)
		return c;
	if (x->topology != y->topology)
		return x->topology < y->topology ? -1 : 1;
	return memcmp(x->id.b, y->id.b, MESSAGE_ID_BYTES);
}

/* SPEC 8.9.4: "Of one origin the first 1,024 in the order of topology version and id are folded,
 * and the one that opens it" */
static void places_cut(struct event_places *p, struct incident_case *c)
{
	size_t kept = 0, of_origin = 0;

	if (p->count)
		qsort(p->at, p->count, sizeof *p->at, by_origin);
	for (size_t i = 0; i < p->count; i++) {
		if (i == 0 || !party_id_equal(&p->at[i].origin, &p->at[i - 1].origin))
			of_origin = 0;
		if (++of_origin <= INCIDENT_EVENTS_MAX || message_id_equal(&p->at[i].id, &c->root))
			p->at[kept++] = p->at[i];
		else
			c->surplus++;
	}
	p->count = kept;
}

static enum err places_read(struct event_places *p, struct reading *r, struct index_reader *index)
{
	uint64_t lsn = 0;
	enum err e;

	while ((e = index_incident_event(index, &r->c->root, &lsn)) == ERR_OK)
		if (header_read(r, lsn)) {
			e = place_add(p, r, lsn);
			if (e)
				return e;
		}
	if (e != ERR_NOT_FOUND)
		return e;
	places_cut(p, r->c);
	return p->count ? ERR_OK : ERR_NOT_FOUND;
}

static void note_header(struct incident_case *c, const struct incident_event *e,
			const struct header *h)
{
	if ((enum tlp)h->tlp > c->tlp)
		c->tlp = (enum tlp)h->tlp;
	if (incident_action_carries(e->action) && h->expiry > c->expiry)
		c->expiry = h->expiry;
	c->red_opened += h->tlp == TLP_RED;
}

static enum err event_read(struct reading *r)
{
	char *json, why[CONTENT_WHY_BYTES];
	size_t n;
	struct post post;
	enum err e =
		content_read(node_identity(r->node), r->log, &r->row, &r->header, &json, &n, why);

	if (e)
		return e;
	e = post_read(&post, json, n, NULL);
	if (!e) {
		struct incident_event *event = &r->c->events[r->c->count];
		e = incident_event_read(event, &r->header, &r->row.id, &post, NULL);
		if (!e) {
			note_header(r->c, event, &r->header);
			r->c->count++;
		}
		post_clear(&post);
	}
	free(json);
	return e;
}

enum err case_read(struct incident_case *c, struct node *node, struct log_reader *log,
		   struct index_reader *index, const struct message_id *root, bool red)
{
	struct reading r = {.c = c, .node = node, .log = log};
	struct event_places places = {0};
	struct chain chain = {0};
	enum err e;

	*c = (struct incident_case){.root = *root};
	e = places_read(&places, &r, index);
	if (!e) {
		c->events = calloc(places.count, sizeof *c->events);
		e = c->events ? ERR_OK : ERR_MEMORY;
	}
	for (size_t i = 0; i < places.count && !e; i++) {
		if (!header_read(&r, places.at[i].lsn))
			continue;
		if (r.header.tlp == TLP_RED && !red) {
			c->hidden++;
			continue;
		}
		e = event_read(&r);
		/* What has gone since, or cannot be read, tells nothing. */
		if (e != ERR_MEMORY)
			e = ERR_OK;
	}
	if (!e)
		e = versions_known(node_versions(node), &chain);
	if (!e)
		e = incident_fold(&c->state, c->events, c->count, &chain);
	free(chain.versions);
	free(places.at);
	if (e)
		case_clear(c);
	return e;
}

void case_clear(struct incident_case *c)
{
	for (size_t i = 0; i < c->count; i++)
		incident_event_clear(&c->events[i]);
	free(c->events);
	cJSON_Delete(c->state);
	*c = (struct incident_case){0};
}
