/* What is said to be there, and is not here. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "node/store/content.h"
#include "node/node_parts.h"
#include "node/duty/watch.h"

enum { NAMES_SHOWN = 4, HOUR_MS = 3600 * 1000 };

bool look_header(struct look *l, uint64_t lsn, struct log_row *row, struct header *h)
{
	return log_read(l->log, lsn, row) == ERR_OK && row->kind == LOG_MESSAGE &&
	       row->length >= SIGNATURE_BYTES &&
	       header_decode(h, row->data, row->length - SIGNATURE_BYTES) == ERR_OK;
}

enum err look_beacon(struct look *l, uint64_t lsn, struct log_row *row)
{
	char why[CONTENT_WHY_BYTES], *json;
	size_t n;
	enum err e;

	if (!look_header(l, lsn, row, &l->header) || l->header.kind != KIND_BEACON ||
	    row->verdict != VERDICT_ACCEPTED)
		return ERR_NOT_FOUND;
	e = content_read(node_identity(l->node), l->log, row, &l->header, &json, &n, why);
	if (!e) {
		e = beacon_read(&l->beacon, json, n, NULL);
		free(json);
	}
	return e == ERR_OK || e == ERR_MEMORY ? e : ERR_NOT_FOUND;
}

const char *look_name(const struct look *l, const struct party_id *id,
		      char out[2 * PARTY_ID_BYTES + 1])
{
	const struct party *p = topology_party_by_id(l->topology, id);

	return p ? p->name : hex_encode(out, id->b, PARTY_ID_BYTES);
}

/* What of a range is here, met in ascending order. */
struct meeting {
	struct gap *g;
	uint64_t incarnation, expected; /* the next that should be met */
};

static void miss(struct gap *g, uint64_t incarnation, uint64_t first, uint64_t last)
{
	g->total += last - first + 1;
	if (g->count < MISSING_MAX)
		g->ranges[g->count++] = (struct missing){incarnation, first, last};
	else
		g->more = true;
}

static bool meet(void *arg, const struct sequence_at *at)
{
	struct meeting *m = arg;

	if (at->place.sequence > m->expected)
		miss(m->g, m->incarnation, m->expected, at->place.sequence - 1);
	m->expected = at->place.sequence + 1;
	return true;
}

/* SPEC 5.11: "A sequence in a live range, of which it holds no message of that author, incarnation
 * and audience, is missing until the hour `until`." */
static enum err range_look(struct look *l, struct gap *g, uint64_t incarnation,
			   const struct beacon_range *r)
{
	struct meeting m = {g, incarnation, r->first};
	const struct place from = {incarnation, r->first}, to = {incarnation, r->last};
	enum err e;

	/* What would be refused as expiring too late is no lack. */
	if (r->until <= l->hour || r->until > l->hour + EXPIRY_SPAN_HOURS)
		return ERR_OK;
	e = index_sequences(l->index, &g->stream, &from, &to, meet, &m);
	if (!e && m.expected <= r->last)
		miss(g, incarnation, m.expected, r->last);
	return e;
}

/* SPEC 5.11: "a message of that incarnation, author and audience is held that has a greater
 * sequence and expires after the beacon was written" */
static enum err last_look(struct look *l, const struct stream *s, uint64_t beacon_arrived,
			  const struct beacon_incarnation *i, struct forgotten *out)
{
	struct sequence_at at;
	struct log_row row;
	enum err e;

	if (i->incarnation == l->header.incarnation)
		return ERR_OK;
	e = index_sequence_last(l->index, s, i->incarnation, &at);
	if (e || at.place.sequence <= i->last || at.expiry <= l->header.created / HOUR_MS ||
	    log_read(l->log, at.lsn, &row))
		return e == ERR_NOT_FOUND ? ERR_OK : e;
	out->incarnation = i->incarnation;
	out->at = row.arrived > beacon_arrived ? row.arrived : beacon_arrived;
	return ERR_OK;
}

enum err gap_look(struct look *l, struct gap *g, struct forgotten *forgotten)
{
	struct log_row row;
	enum err e = look_beacon(l, g->beacon, &row);

	g->total = 0;
	g->count = 0;
	g->more = false;
	*forgotten = (struct forgotten){0};
	if (e)
		return e == ERR_NOT_FOUND ? ERR_OK : e;
	for (size_t i = 0; i < l->beacon.incarnation_count && !e; i++) {
		const struct beacon_incarnation *of = &l->beacon.incarnations[i];
		if (topology_voids(l->topology, &l->header.origin, l->header.sign_key,
				   of->incarnation))
			continue;
		e = last_look(l, &g->stream, row.arrived, of, forgotten);
		for (size_t r = of->at; r < of->at + of->count && !e; r++)
			e = range_look(l, g, of->incarnation, &l->beacon.ranges[r]);
	}
	return e;
}

static bool met_one(void *arg, const struct sequence_at *at)
{
	(void)at;
	*(bool *)arg = true;
	return false;
}

enum err gap_changed(struct look *l, const struct gap *g, bool *changed)
{
	enum err e = ERR_OK;

	*changed = false;
	for (size_t i = 0; i < g->count && !e && !*changed; i++) {
		const struct missing *m = &g->ranges[i];
		const struct place from = {m->incarnation, m->first},
				   to = {m->incarnation, m->last};
		e = index_sequences(l->index, &g->stream, &from, &to, met_one, changed);
	}
	return e;
}

/* ---- in words ---- */

/* Names, a few of them, as they stand in a sentence. */
struct names {
	char *at;
	size_t size, used, count;
};

static void name_add(struct names *n, const char *name)
{
	int length = 0;

	if (n->count < NAMES_SHOWN)
		length = snprintf(n->at + n->used, n->size - n->used, "%s%s", n->count ? ", " : "",
				  name);
	else if (n->count == NAMES_SHOWN)
		length = snprintf(n->at + n->used, n->size - n->used, " and others");
	n->count++;
	if (length > 0)
		n->used += (size_t)length;
	if (n->used >= n->size)
		n->used = n->size - 1;
}

static void name_audience(const struct look *l, struct names *n)
{
	const struct header *h = &l->header;
	char out[2 * PARTY_ID_BYTES + 1];

	if (h->recipient_count == 0)
		name_add(n, "everyone");
	for (size_t i = 0; i < h->recipient_count; i++) {
		const struct party_id *id = &h->recipients[i].party;
		if (party_id_equal(id, &h->origin) ||
		    (i && party_id_equal(id, &h->recipients[i - 1].party)))
			continue;
		name_add(n, look_name(l, id, out));
	}
}

/* The neighbours from whom it should have come. */
static void name_links(const struct look *l, struct names *n)
{
	const struct topology *t = l->topology;
	const struct party *self = topology_party_by_id(t, &l->self);

	for (size_t i = 0; self && i < t->party_count; i++) {
		const struct party *p = &t->parties[i];
		if (p != self && p->kind == PARTY_NODE &&
		    audience_link_carries(t, self, p, &l->header))
			name_add(n, p->name);
	}
	if (n->count == 0)
		name_add(n, "nobody: no link carries it any more");
}

void gap_describe(struct look *l, struct gap *g)
{
	char origin[2 * PARTY_ID_BYTES + 1], audience[4 * NAME_MAX_BYTES],
		links[4 * NAME_MAX_BYTES];
	struct names to = {audience, sizeof audience, 0, 0}, over = {links, sizeof links, 0, 0};
	const struct missing *m = &g->ranges[0];
	struct log_row row;

	if (g->count == 0 || !look_header(l, g->beacon, &row, &l->header))
		return;
	name_audience(l, &to);
	name_links(l, &over);
	snprintf(g->text, sizeof g->text,
		 "%s told %s of %" PRIu64 " message%s that %s not come (%" PRIu64 " to %" PRIu64
		 " of start %016" PRIx64 "%s): expected from %s",
		 look_name(l, &g->stream.origin, origin), audience, g->total,
		 g->total == 1 ? "" : "s", g->total == 1 ? "has" : "have", m->first, m->last,
		 m->incarnation, g->count > 1 ? ", and more" : "", links);
}
