/* What is said to be there, and is not here. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "node/store/content.h"
#include "node/node_parts.h"
#include "node/duty/watch.h"

enum {
	NAMES_SHOWN = 4,
	HOUR_MS = 3600 * 1000,
	LOOKED_BACK = 64, /* beacons */
	TELLERS_MAX = 8,
};

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

/* ---- what of a stream is here ---- */

struct meeting {
	bool (*met)(void *to, uint64_t sequence);
	void *to;
};

static bool meet(void *arg, const struct sequence_at *at)
{
	const struct meeting *m = arg;

	return m->met(m->to, at->place.sequence);
}

static enum err here(void *arg, uint64_t incarnation, uint64_t first, uint64_t last,
		     bool (*met)(void *to, uint64_t sequence), void *to)
{
	const struct seen_stream *s = arg;
	struct meeting m = {met, to};
	const struct place from = {incarnation, first}, until = {incarnation, last};

	return index_sequences(s->look->index, s->stream, &from, &until, meet, &m);
}

struct gap_view gap_view_of(struct seen_stream *into, struct look *l, const struct stream *s)
{
	*into = (struct seen_stream){l, s};
	return (struct gap_view){.arg = into, .hour = l->hour, .here = here};
}

/* ---- what was told ---- */

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

/* What is void is not missing. */
static void voids_leave_out(struct look *l)
{
	struct beacon *b = &l->beacon;
	size_t kept = 0;

	for (size_t i = 0; i < b->incarnation_count; i++) {
		if (!topology_voids(l->topology, &l->header.origin, l->header.sign_key,
				    b->incarnations[i].incarnation))
			b->incarnations[kept++] = b->incarnations[i];
	}
	b->incarnation_count = kept;
}

/* Of one incarnation, what it has said last to the audience. */
struct teller {
	uint64_t incarnation, sequence, lsn;
};

static void teller_note(struct teller *all, size_t *count, const struct header *h, uint64_t lsn)
{
	size_t i = 0;

	while (i < *count && all[i].incarnation != h->incarnation)
		i++;
	if (i == TELLERS_MAX)
		return;
	if (i == *count)
		all[(*count)++] = (struct teller){.incarnation = h->incarnation};
	if (all[i].lsn == 0 || h->sequence > all[i].sequence) {
		all[i].sequence = h->sequence;
		all[i].lsn = lsn;
	}
}

/* SPEC 5.11: "A reader looks at the last beacon of each incarnation that has said one, of the
 * newest of them, and takes what they tell together" */
static enum err tellers_find(struct look *l, struct gap *g, struct teller *all, size_t *count)
{
	uint64_t before = UINT64_MAX;
	struct log_row row;
	enum err e = ERR_OK;

	*count = 0;
	for (int i = 0; i < LOOKED_BACK && !e; i++) {
		e = index_beacon(l->index, &g->stream, before, &before);
		if (!e && i == 0)
			g->beacon = before;
		if (!e && look_header(l, before, &row, &l->header))
			teller_note(all, count, &l->header, before);
	}
	return e == ERR_NOT_FOUND && before != UINT64_MAX ? ERR_OK : e;
}

static enum err merge(struct look *l, const struct gap *g, const struct teller *t, bool newest,
		      struct forgotten *forgotten)
{
	struct log_row row;
	enum err e = look_beacon(l, t->lsn, &row);

	if (e)
		return e == ERR_NOT_FOUND ? ERR_OK : e;
	voids_leave_out(l);
	for (size_t i = 0; i < l->beacon.incarnation_count && newest && !e; i++)
		e = last_look(l, &g->stream, row.arrived, &l->beacon.incarnations[i], forgotten);
	beacons_merge(&l->both, &l->merged, &l->beacon);
	l->merged = l->both;
	return e;
}

enum err gap_look(struct look *l, struct gap *g, struct forgotten *forgotten)
{
	struct teller tellers[TELLERS_MAX];
	struct seen_stream seen;
	struct gap_view view = gap_view_of(&seen, l, &g->stream);
	struct log_row row;
	size_t count;
	enum err e = tellers_find(l, g, tellers, &count);

	*forgotten = (struct forgotten){0};
	l->merged.incarnation_count = l->merged.range_count = 0;
	for (size_t i = 0; i < count && !e; i++)
		e = merge(l, g, &tellers[i], i == 0, forgotten);
	if (!e)
		e = gap_compare(g, &l->merged, &view);
	if (!e && !look_header(l, g->beacon, &row, &l->header))
		e = ERR_NOT_FOUND;
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
