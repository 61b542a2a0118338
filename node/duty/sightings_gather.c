/* Summing up the reports of one object. */
#include <stdlib.h>
#include <string.h>

#include "node/duty/sightings_parts.h"

enum {
	ANSWERS_MAX = 4096, /* that are looked at for one version */
	VERSIONS_MAX = 16,  /* of one object, the newest */
};

/* Who has reported what of one object. */
struct reporter {
	const struct party *party;
	struct sighted said;
};

struct gathering {
	const struct sighting_look *l;
	const char *object;
	struct reporter *reporters; /* one for each party of the topology at most; owned */
	size_t count;
	uint64_t lsns[VERSIONS_MAX];
	size_t versions;
};

static struct reporter *reporter_of(struct gathering *g, const struct party *party)
{
	for (size_t i = 0; i < g->count; i++)
		if (g->reporters[i].party == party)
			return &g->reporters[i];
	g->reporters[g->count] = (struct reporter){.party = party};
	return &g->reporters[g->count++];
}

/* SPEC 8.12: "Of each CERT the current versions of its two objects count, and of nobody else's". */
static void report_take(struct gathering *g, const struct post_at *p)
{
	const struct topology *t = g->l->topology;
	const struct party *from = topology_party_by_id(t, &p->header.origin);

	if (!from || from == g->l->self)
		return;
	for (size_t i = 0; i < bundle_count(p->post.bundle); i++) {
		const struct stix_object *o = bundle_object(p->post.bundle, i);
		const char *of = sighting_object(o);
		char seen[SIGHTING_ID_BYTES], not [SIGHTING_ID_BYTES];

		if (!of || strcmp(of, g->object) != 0 || o->revoked)
			continue;
		sighting_id(seen, SIGHTING_SEEN, from->name, of);
		sighting_id(not, SIGHTING_FALSE, from->name, of);
		if ((strcmp(o->id, seen) == 0 || strcmp(o->id, not ) == 0) &&
		    index_current(g->l->index, &from->id, o->id, p->row.lsn, (uint16_t)i))
			sighting_read(o, &reporter_of(g, from)->said);
	}
}

static bool note_version(void *arg, const struct object_at *at)
{
	struct gathering *g = arg;

	g->lsns[g->versions++] = at->lsn;
	return g->versions < VERSIONS_MAX;
}

/* The reports that answer one of the messages in which the object stands. */
static enum err version_gather(struct gathering *g, uint64_t lsn)
{
	struct message_id id;
	struct log_row row;
	uint64_t at = 0, answer;
	enum err e = log_read(g->l->log, lsn, &row);

	if (!e)
		id = row.id;
	for (size_t n = 0; !e && n < ANSWERS_MAX; n++) {
		struct post_at p;
		e = index_answers(g->l->index, &id, &at, &answer);
		if (e)
			break;
		e = sighting_post_open(g->l, &p, answer);
		if (!e) {
			report_take(g, &p);
			sighting_post_close(&p);
		} else if (e == ERR_NOT_FOUND || e == ERR_DAMAGED) {
			e = ERR_OK;
		}
	}
	return e == ERR_NOT_FOUND ? ERR_OK : e;
}

/* SPEC 8.12: "The sector of a CERT is the party on its first reporting line that reports to the
 * root." */
static size_t sector_of(const struct topology *t, const struct party *p)
{
	size_t i = topology_index(t, p);

	for (size_t steps = 0; steps < t->party_count; steps++) {
		const struct party *at = &t->parties[i];
		if (at->parent_count == 0 || at->parents[0] == t->root)
			break;
		i = at->parents[0];
	}
	return i;
}

static void sum_up(const struct gathering *g, struct sightings *sum)
{
	const struct topology *t = g->l->topology;

	*sum = (struct sightings){0};
	for (size_t i = 0; i < g->count; i++) {
		const struct reporter *r = &g->reporters[i];
		const struct sighted *s = &r->said;
		bool other = true;

		sum->false_positives += s->false_positive;
		if (s->count == 0)
			continue;
		sum->certs++;
		for (size_t k = 0; other && k < i; k++)
			other = g->reporters[k].said.count == 0 ||
				sector_of(t, g->reporters[k].party) != sector_of(t, r->party);
		sum->sectors += other;
		sum->count += s->count;
		if (!sum->first || s->first < sum->first)
			sum->first = s->first;
		if (s->last > sum->last)
			sum->last = s->last;
		if (s->named && sum->name_count < SIGHTERS_NAMED_MAX)
			strcpy(sum->names[sum->name_count++], r->party->name);
	}
	if (sum->count > SIGHTINGS_COUNT_MAX)
		sum->count = SIGHTINGS_COUNT_MAX;
}

enum err sightings_gather(const struct sighting_look *l, const char *object, struct sightings *sum)
{
	struct gathering g = {.l = l, .object = object};
	struct sighted own;
	enum err e;

	g.reporters = calloc(l->topology->party_count + 1, sizeof *g.reporters);
	if (!g.reporters)
		return ERR_MEMORY;
	e = index_versions(l->index, &l->self->id, object, note_version, &g);
	for (size_t i = 0; !e && i < g.versions; i++)
		e = version_gather(&g, g.lsns[i]);
	if (!e && sighted_read(l, object, &own) == ERR_OK)
		reporter_of(&g, l->self)->said = own;
	if (!e)
		sum_up(&g, sum);
	free(g.reporters);
	return e;
}
