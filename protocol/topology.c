#include "protocol/topology.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "protocol/topology_read.h"

static enum err read_into(struct reading *r)
{
	topology_read(r);
	if (r->memory)
		return ERR_MEMORY;
	topology_sort_names(r);
	if (r->memory)
		return ERR_MEMORY;
	topology_refer(r);
	topology_check(r);
	if (!r->memory && r->problems == 0)
		topology_derive(r);
	if (r->memory)
		return ERR_MEMORY;
	return r->problems ? ERR_FORMAT : ERR_OK;
}

enum err topology_parse(struct topology **out, const char *text, size_t n, struct report *report)
{
	struct zpl *z;
	struct reading r = {.report = report};
	enum err e = zpl_parse(&z, text, n, report);

	*out = NULL;
	if (!z)
		return e;
	r.z = z;
	r.problems = e ? 1 : 0;
	r.t = calloc(1, sizeof *r.t);
	e = ERR_MEMORY;
	if (!r.t)
		goto done;
	r.t->text = malloc(n + 1);
	if (!r.t->text)
		goto done;
	memcpy(r.t->text, text, n);
	r.t->text[n] = '\0';
	r.t->text_length = n;
	/* SPEC 4.7: "The hash of a version is the BLAKE2b-256 of its text, signatures not
	 * included."
	 */
	r.t->hash = hash_of(text, n);
	e = read_into(&r);
	if (e == ERR_OK) {
		*out = r.t;
		r.t = NULL;
	}
done:
	free(r.items);
	topology_free(r.t);
	zpl_free(z);
	return e;
}

static void party_clear(struct party *p)
{
	free(p->title);
	free(p->roles);
	free(p->endpoint);
	free(p->sign_keys);
	free(p->seal_keys);
	free(p->voids);
	for (size_t i = 0; i < p->network_count; i++)
		free(p->networks[i]);
	for (size_t i = 0; i < p->domain_count; i++)
		free(p->domains[i]);
	free(p->networks);
	free(p->domains);
	free(p->as_numbers);
}

void topology_free(struct topology *t)
{
	if (!t)
		return;
	for (size_t i = 0; i < t->party_count; i++)
		party_clear(&t->parties[i]);
	for (size_t i = 0; i < t->group_count; i++)
		free(t->groups[i].members);
	free(t->text);
	free(t->name);
	free(t->parties);
	free(t->links);
	free(t->groups);
	free(t->by_name);
	free(t->by_id);
	free(t->above);
	free(t);
}

static int compare_names(const void *a, const void *b, void *arg)
{
	const struct party *parties = arg;
	size_t x = *(const size_t *)a, y = *(const size_t *)b;
	int order = strcmp(parties[x].name, parties[y].name);

	return order ? order : (x > y) - (x < y);
}

void topology_sort_names(struct reading *r)
{
	struct topology *t = r->t;

	t->by_name = reading_alloc(r, t->party_count, sizeof *t->by_name);
	if (!t->by_name)
		return;
	for (size_t i = 0; i < t->party_count; i++)
		t->by_name[i] = i;
	qsort_r(t->by_name, t->party_count, sizeof *t->by_name, compare_names, t->parties);
}

const struct party *topology_party(const struct topology *t, const char *name)
{
	size_t low = 0, high = t->party_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		const struct party *p = &t->parties[t->by_name[middle]];
		int order = strcmp(name, p->name);
		if (order == 0)
			return p;
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return NULL;
}

const struct party *topology_party_by_id(const struct topology *t, const struct party_id *id)
{
	size_t low = 0, high = t->party_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		const struct party *p = &t->parties[t->by_id[middle]];
		int order = memcmp(id->b, p->id.b, sizeof id->b);
		if (order == 0)
			return p;
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return NULL;
}

size_t topology_index(const struct topology *t, const struct party *p)
{
	return (size_t)(p - t->parties);
}

const struct party_group *topology_group(const struct topology *t, const char *name)
{
	for (size_t i = 0; i < t->group_count; i++)
		if (strcmp(t->groups[i].name, name) == 0)
			return &t->groups[i];
	return NULL;
}

const struct sign_key *party_sign_key(const struct party *p, uint16_t number)
{
	for (size_t i = 0; i < p->sign_key_count; i++)
		if (p->sign_keys[i].number == number)
			return &p->sign_keys[i];
	return NULL;
}

const struct seal_key *party_seal_key(const struct party *p)
{
	/* SPEC 4.4: "The seal key in use is the one with the greatest number that is not revoked."
	 */
	for (size_t i = p->seal_key_count; i-- > 0;)
		if (!p->seal_keys[i].retired)
			return &p->seal_keys[i];
	return NULL;
}

bool party_can_sign(const struct party *p)
{
	for (size_t i = 0; i < p->sign_key_count; i++)
		if (!p->sign_keys[i].revoked)
			return true;
	return false;
}

static bool incarnation_void(const struct party *p, uint64_t incarnation)
{
	for (size_t i = 0; i < p->void_count; i++)
		if (p->voids[i] == incarnation)
			return true;
	return false;
}

/* SPEC 4.12: "A message is void under a version in which its origin is listed with the message's
 * sign key as void, or with its incarnation in `void`." */
bool topology_voids(const struct topology *t, const struct party_id *origin, uint16_t sign_key,
		    uint64_t incarnation)
{
	const struct party *p = topology_party_by_id(t, origin);
	const struct sign_key *key = p ? party_sign_key(p, sign_key) : NULL;

	return p && ((key && key->is_void) || incarnation_void(p, incarnation));
}

bool topology_has_voids(const struct topology *t)
{
	for (size_t i = 0; i < t->party_count; i++) {
		const struct party *p = &t->parties[i];
		for (size_t k = 0; k < p->sign_key_count; k++)
			if (p->sign_keys[k].is_void)
				return true;
		if (p->void_count)
			return true;
	}
	return false;
}

bool topology_above(const struct topology *t, size_t x, size_t y)
{
	return t->above[x * t->above_words + y / 64] >> y % 64 & 1;
}

/* True when node b is, or holds, a party that v reports to. */
static bool reports_to(const struct topology *t, const struct party *v, size_t b)
{
	for (size_t i = 0; i < v->parent_count; i++) {
		const struct party *parent = &t->parties[v->parents[i]];
		if (v->parents[i] == b)
			return true;
		for (size_t h = 0; h < parent->holder_count; h++)
			if (parent->holders[h] == b)
				return true;
	}
	return false;
}

/* SPEC 4.6: "Node B is above node A when A, or a role that A holds, reports to B or to a role that
 * B holds." */
static bool node_above(const struct topology *t, const struct party *a, const struct party *b)
{
	size_t index = topology_index(t, b);

	if (reports_to(t, a, index))
		return true;
	for (size_t i = 0; i < a->role_count; i++)
		if (reports_to(t, &t->parties[a->roles[i]], index))
			return true;
	return false;
}

static bool bilateral(const struct topology *t, const struct party *a, const struct party *b)
{
	size_t x = topology_index(t, a < b ? a : b), y = topology_index(t, a < b ? b : a);
	size_t low = 0, high = t->link_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		const struct bilateral *line = &t->links[middle];
		if (line->a == x && line->b == y)
			return true;
		if (x < line->a || (x == line->a && y < line->b))
			high = middle;
		else
			low = middle + 1;
	}
	return false;
}

enum link_kind topology_link(const struct topology *t, const struct party *a, const struct party *b)
{
	if (a == b || a->kind != PARTY_NODE || b->kind != PARTY_NODE)
		return LINK_NONE;
	/* SPEC 4.6: "A node that left, or whose sign keys are all revoked, has no link." */
	if (a->left || b->left || !party_can_sign(a) || !party_can_sign(b))
		return LINK_NONE;
	if (node_above(t, a, b) || node_above(t, b, a))
		return LINK_REPORTING;
	return bilateral(t, a, b) ? LINK_BILATERAL : LINK_NONE;
}

/* Who of two linked nodes dials when both can be dialed. */
static bool dials_by_rank(const struct topology *t, const struct party *a, const struct party *b)
{
	bool b_above = node_above(t, a, b), a_above = node_above(t, b, a);

	/* SPEC 4.6: "Of two nodes that are above each other, or neither above the other, the one
	 * whose name sorts first (as bytes) dials." */
	if (a_above == b_above)
		return strcmp(a->name, b->name) < 0;
	return b_above;
}

bool topology_dials(const struct topology *t, const struct party *a, const struct party *b)
{
	if (topology_link(t, a, b) == LINK_NONE || !b->endpoint)
		return false;
	return !a->endpoint || dials_by_rank(t, a, b);
}
