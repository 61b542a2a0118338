/* What no single line of a topology shows, and what follows from all of them together. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "protocol/topology_read.h"

static void check_federation(struct reading *r)
{
	const struct zpl_item *section = zpl_find(r->z, "federation"), *item;
	const struct topology *t = r->t;

	if (!section || section->value || t->version == 0)
		return;
	item = zpl_child(section, "network");
	/* SPEC 4.2: "network is required from version 2 on and forbidden in version 1, whose text
	 * it is the hash of." */
	if (t->version == 1 && item)
		reading_wrong(r, item,
			      "version 1 has none: it is the hash of version 1's own text");
	if (t->version > 1 && !item)
		reading_missing(r, section, "network", "the same as in every version before");
	item = zpl_child(section, "previous");
	if (t->version == 1 && item)
		reading_wrong(r, item, "there is no version before 1");
	if (t->version > 1 && !item)
		reading_missing(r, section, "previous", "the hash of the version before");
}

/* SPEC 4.2: "Nodes, roles and groups share one name space, and all, up and down are in nobody's."
 */
static void check_names(struct reading *r)
{
	static const char *const reserved[] = {"all", "up", "down"};
	const struct topology *t = r->t;
	const struct zpl_item *groups = zpl_find(r->z, "group");

	for (size_t i = 1; i < t->party_count; i++) {
		const struct party *p = &t->parties[t->by_name[i - 1]];
		size_t again = t->by_name[i];
		if (strcmp(p->name, t->parties[again].name) == 0)
			reading_wrong(r, r->items[again], "%s of this name exists already",
				      p->kind == PARTY_NODE ? "a node" : "a role");
	}
	for (const struct zpl_item *g = groups ? groups->child : NULL; g; g = g->next)
		if (topology_party(t, g->name))
			reading_wrong(r, g, "a party of this name exists already");
	for (size_t k = 0; k < COUNT(reserved); k++) {
		const struct party *p = topology_party(t, reserved[k]);
		const struct zpl_item *g = groups ? zpl_child(groups, reserved[k]) : NULL;
		if (p)
			reading_wrong(r, r->items[topology_index(t, p)], "the name is reserved");
		if (g)
			reading_wrong(r, g, "the name is reserved");
	}
}

static void check_root(struct reading *r)
{
	struct topology *t = r->t;
	const struct party *root = NULL;

	for (size_t i = 0; i < t->party_count; i++) {
		struct party *p = &t->parties[i];
		if (zpl_child(r->items[i], "reports-to"))
			continue;
		if (p->left) {
			reading_missing(r, r->items[i], "reports-to",
					"a party that left keeps the line it had");
		} else if (root) {
			/* SPEC 4.5: "Exactly one party, the root, reports to nobody." */
			char hint[NAME_MAX_BYTES + 40];
			snprintf(hint, sizeof hint, "%s is the root already", root->name);
			reading_missing(r, r->items[i], "reports-to", hint);
		} else {
			root = p;
			t->root = i;
		}
	}
	/* Where everybody reports to somebody there is a circle, which was named already. */
	if (t->party_count == 0 && zpl_find(r->z, "node")) {
		report_add(r->report, "node: nobody is in it");
		r->problems++;
	}
}

struct visit {
	size_t party, next; /* the parent to look at next */
};

static void report_circle(struct reading *r, const struct visit *stack, size_t from, size_t depth)
{
	char circle[ZPL_LINE_MAX_BYTES] = "";
	size_t used = 0;

	for (size_t i = from; i <= depth && used < sizeof circle; i++) {
		const char *name = r->t->parties[stack[i == depth ? from : i].party].name;
		int n = snprintf(circle + used, sizeof circle - used, "%s%s", i > from ? " > " : "",
				 name);
		used += n > 0 ? (size_t)n : 0;
	}
	/* SPEC 4.5: "Reporting lines form no circle." */
	reading_wrong(r, zpl_child(r->items[stack[from].party], "reports-to"), "a circle: %s",
		      circle);
}

/* Visits everybody above start, parents before children, into order; reports every circle met. */
static void visit_above(struct reading *r, size_t start, uint8_t *state, struct visit *stack,
			size_t *order, size_t *ordered)
{
	enum { NEW, OPEN, DONE };
	size_t depth = 0;

	if (state[start] != NEW)
		return;
	state[start] = OPEN;
	stack[depth++] = (struct visit){.party = start};
	while (depth > 0) {
		struct visit *v = &stack[depth - 1];
		const struct party *p = &r->t->parties[v->party];
		size_t parent;
		if (v->next == p->parent_count) {
			state[v->party] = DONE;
			order[(*ordered)++] = v->party;
			depth--;
			continue;
		}
		parent = p->parents[v->next++];
		if (state[parent] == OPEN && parent != v->party) {
			size_t from = depth - 1;
			while (stack[from].party != parent)
				from--;
			report_circle(r, stack, from, depth);
		} else if (state[parent] == NEW) {
			state[parent] = OPEN;
			stack[depth++] = (struct visit){.party = parent};
		}
	}
}

/* Orders the parties, parents before children, into order[party_count]. */
static void order_parties(struct reading *r, size_t *order)
{
	size_t n = r->t->party_count, ordered = 0;
	uint8_t *state = reading_alloc(r, n, sizeof *state);
	struct visit *stack = reading_alloc(r, n, sizeof *stack);

	for (size_t i = 0; i < n && state && stack; i++)
		visit_above(r, i, state, stack, order, &ordered);
	free(state);
	free(stack);
}

/* A key, and where it stands. */
struct place {
	uint8_t key[32];
	size_t party;
	uint16_t number; /* 0: a link key */
};

static int compare_places(const void *a, const void *b)
{
	const struct place *x = a, *y = b;
	int order = memcmp(x->key, y->key, sizeof x->key);

	if (order)
		return order;
	if (x->party != y->party)
		return x->party < y->party ? -1 : 1;
	return (x->number > y->number) - (x->number < y->number);
}

static void report_same_key(struct reading *r, const char *what, const struct place *first,
			    const struct place *again)
{
	const struct zpl_item *item = zpl_child(r->items[again->party], what);
	const char *name = r->t->parties[first->party].name;

	/* SPEC 4.4: "No key stands at two places." */
	if (again->number == 0)
		reading_wrong(r, item, "the same key as that of %s", name);
	else
		reading_wrong(r, item, "number %u is the same key as number %u of %s",
			      again->number, first->number, name);
}

static void check_places(struct reading *r, const char *what, struct place *places, size_t n)
{
	qsort(places, n, sizeof *places, compare_places);
	for (size_t i = 1; i < n; i++)
		if (memcmp(places[i - 1].key, places[i].key, sizeof places[i].key) == 0)
			report_same_key(r, what, &places[i - 1], &places[i]);
}

static void add_place(struct place *places, size_t *n, size_t party, unsigned number,
		      const uint8_t key[32])
{
	places[*n].party = party;
	places[*n].number = (uint16_t)number;
	memcpy(places[*n].key, key, sizeof places[*n].key);
	++*n;
}

static void check_keys(struct reading *r)
{
	const struct topology *t = r->t;
	size_t links = 0, signs = 0, seals = 0, room = 0;
	struct place *places;

	for (size_t i = 0; i < t->party_count; i++)
		room += 1 + t->parties[i].sign_key_count + t->parties[i].seal_key_count;
	places = reading_alloc(r, room, sizeof *places);
	if (!places)
		return;
	for (size_t i = 0; i < t->party_count; i++)
		for (size_t k = 0; k < t->parties[i].sign_key_count; k++)
			add_place(places, &signs, i, t->parties[i].sign_keys[k].number,
				  t->parties[i].sign_keys[k].key);
	check_places(r, "sign", places, signs);
	for (size_t i = 0; i < t->party_count; i++)
		if (!bytes_zero(t->parties[i].link_key, LINK_KEY_BYTES))
			add_place(places, &links, i, 0, t->parties[i].link_key);
	check_places(r, "link", places, links);
	for (size_t i = 0; i < t->party_count; i++)
		for (size_t k = 0; k < t->parties[i].seal_key_count; k++)
			add_place(places, &seals, i, t->parties[i].seal_keys[k].number,
				  t->parties[i].seal_keys[k].key);
	check_places(r, "seal", places, seals);
	free(places);
}

static int compare_endpoints(const void *a, const void *b)
{
	const struct party *x = *(const struct party *const *)a,
			   *y = *(const struct party *const *)b;
	int order = strcmp(x->endpoint, y->endpoint);

	return order ? order : (x > y) - (x < y);
}

static void check_endpoints(struct reading *r)
{
	const struct topology *t = r->t;
	const struct party **with = reading_alloc(r, t->party_count, sizeof *with);
	size_t n = 0;

	for (size_t i = 0; with && i < t->party_count; i++)
		if (t->parties[i].endpoint && !t->parties[i].left)
			with[n++] = &t->parties[i];
	if (with && n > 1)
		qsort(with, n, sizeof *with, compare_endpoints);
	for (size_t i = 1; i < n; i++)
		if (strcmp(with[i - 1]->endpoint, with[i]->endpoint) == 0)
			reading_wrong(r,
				      zpl_child(r->items[topology_index(t, with[i])], "endpoint"),
				      "the same as that of %s", with[i - 1]->name);
	free(with);
}

void topology_check(struct reading *r)
{
	size_t *order = reading_alloc(r, r->t->party_count, sizeof *order);

	check_federation(r);
	if (r->memory) {
		free(order);
		return;
	}
	check_names(r);
	order_parties(r, order);
	check_root(r);
	check_keys(r);
	check_endpoints(r);
	free(order);
}

static void derive_roles(struct reading *r)
{
	struct topology *t = r->t;

	for (size_t i = 0; i < t->party_count; i++) {
		const struct party *role = &t->parties[i];
		for (size_t h = 0; h < role->holder_count; h++) {
			struct party *holder = &t->parties[role->holders[h]];
			size_t *roles =
				realloc(holder->roles, (holder->role_count + 1) * sizeof *roles);
			if (!roles) {
				r->memory = true;
				return;
			}
			holder->roles = roles;
			holder->roles[holder->role_count++] = i;
		}
	}
}

static void derive_above(struct reading *r)
{
	struct topology *t = r->t;
	size_t n = t->party_count, *order = reading_alloc(r, n, sizeof *order);

	t->above_words = (n + 63) / 64;
	t->above = reading_alloc(r, n * t->above_words, sizeof *t->above);
	if (!order || !t->above) {
		free(order);
		return;
	}
	order_parties(r, order);
	for (size_t i = 0; i < n && !r->memory; i++) {
		size_t x = order[i];
		uint64_t *row = t->above + x * t->above_words;
		row[x / 64] |= UINT64_C(1) << x % 64;
		for (size_t k = 0; k < t->parties[x].parent_count; k++) {
			const uint64_t *parent =
				t->above + t->parties[x].parents[k] * t->above_words;
			for (size_t w = 0; w < t->above_words; w++)
				row[w] |= parent[w];
		}
	}
	free(order);
}

static int compare_ids(const void *a, const void *b, void *arg)
{
	const struct party *parties = arg;

	return memcmp(parties[*(const size_t *)a].id.b, parties[*(const size_t *)b].id.b,
		      PARTY_ID_BYTES);
}

void topology_derive(struct reading *r)
{
	struct topology *t = r->t;

	/* SPEC 4.2: "The network id is the first 8 bytes of the hash of version 1's text." */
	if (t->version == 1)
		memcpy(t->network.b, t->hash.b, NETWORK_ID_BYTES);
	t->by_id = reading_alloc(r, t->party_count, sizeof *t->by_id);
	for (size_t i = 0; i < t->party_count && t->by_id; i++) {
		t->parties[i].id = party_id_of(&t->network, t->parties[i].name);
		t->by_id[i] = i;
	}
	if (t->by_id)
		qsort_r(t->by_id, t->party_count, sizeof *t->by_id, compare_ids, t->parties);
	derive_roles(r);
	derive_above(r);
}
