/* What parties say of each other: reporting lines, holders, groups, bilateral links. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "protocol/topology_read.h"
#include "protocol/topology_value.h"

/* Longer than any name, so that a name that is too long cannot become a valid one. */
enum { WORD_BYTES = 2 * NAME_MAX_BYTES };

static void no_such_party(struct reading *r, const struct zpl_item *item, const char *word)
{
	const struct topology *t = r->t;
	const char **names = reading_alloc(r, t->party_count, sizeof *names), *nearest = NULL;

	for (size_t i = 0; names && i < t->party_count; i++)
		names[i] = t->parties[i].name;
	if (names)
		nearest = report_nearest(word, names, t->party_count);
	if (nearest)
		reading_wrong(r, item, "no party named \"%s\"; did you mean \"%s\"?", word,
			      nearest);
	else
		reading_wrong(r, item, "no party named \"%s\"", word);
	free(names);
}

static bool contains(const size_t *list, size_t n, size_t index)
{
	for (size_t i = 0; i < n; i++)
		if (list[i] == index)
			return true;
	return false;
}

/* Reads the parties that a value names into list[max], each once.  With present, none that left. */
static size_t read_parties(struct reading *r, const struct zpl_item *item, size_t *list, size_t max,
			   bool present)
{
	const char *at = item->value;
	char word[WORD_BYTES];
	size_t n = 0;

	if (at[strspn(at, " ")] == '\0')
		reading_wrong(r, item, "names nobody");
	while (value_word(word, sizeof word, &at)) {
		const struct party *p = topology_party(r->t, word);
		size_t index;
		if (!p) {
			no_such_party(r, item, word);
			continue;
		}
		index = topology_index(r->t, p);
		/* SPEC 4.5: "A party that has not left reports to none that left." */
		if (present && p->left)
			reading_wrong(r, item, "%s has left", word);
		if (contains(list, n, index)) {
			reading_wrong(r, item, "%s is there twice", word);
		} else if (n == max) {
			reading_wrong(r, item, "more than %zu parties", max);
			return n;
		} else {
			list[n++] = index;
		}
	}
	return n;
}

static const struct zpl_item *value_item(const struct zpl_item *section, const char *key)
{
	const struct zpl_item *item = zpl_child(section, key);

	return item && item->value && !item->broken ? item : NULL;
}

static void refer_parents(struct reading *r, const struct zpl_item *entry, struct party *p)
{
	const struct zpl_item *item = value_item(entry, "reports-to");
	size_t self = topology_index(r->t, p);

	if (!item)
		return;
	p->parent_count = read_parties(r, item, p->parents, PARENTS_MAX, !p->left);
	if (contains(p->parents, p->parent_count, self))
		reading_wrong(r, item, "%s cannot report to itself", p->name);
}

static void refer_holders(struct reading *r, const struct zpl_item *entry, struct party *p)
{
	const struct zpl_item *item = value_item(entry, "holders");

	if (!zpl_child(entry, "holders"))
		reading_missing(r, entry, "holders",
				"the nodes that act for the role, the first one now");
	if (!item)
		return;
	p->holder_count = read_parties(r, item, p->holders, HOLDERS_MAX, true);
	for (size_t i = 0; i < p->holder_count; i++) {
		const struct party *holder = &r->t->parties[p->holders[i]];
		if (holder->kind != PARTY_NODE)
			reading_wrong(r, item, "%s is a role; only a node can hold one",
				      holder->name);
	}
}

static int compare_indexes(const void *a, const void *b)
{
	size_t x = *(const size_t *)a, y = *(const size_t *)b;
	return (x > y) - (x < y);
}

/* Checks an entry of the section group or link: its name, and that it has a value to read. */
static bool named_list(struct reading *r, const struct zpl_item *item)
{
	if (!name_valid(item->name))
		reading_wrong(r, item, "a name is 1 to %d of a-z, 0-9 and -", NAME_MAX_BYTES);
	if (!item->value)
		reading_wrong(r, item, "has no value: write %s = \"a b\"", item->name);
	return item->value && !item->broken;
}

static void refer_groups(struct reading *r, const struct zpl_item *section)
{
	struct topology *t = r->t;
	size_t *members = reading_alloc(r, PARTIES_MAX, sizeof *members);

	t->groups = reading_alloc(r, GROUPS_MAX, sizeof *t->groups);
	for (const struct zpl_item *item = section->child; item && !r->memory; item = item->next) {
		struct party_group *g = &t->groups[t->group_count];
		if (t->group_count == GROUPS_MAX) {
			reading_wrong(r, section, "more than %d groups", GROUPS_MAX);
			break;
		}
		if (!named_list(r, item))
			continue;
		snprintf(g->name, sizeof g->name, "%s", item->name);
		g->member_count = read_parties(r, item, members, PARTIES_MAX, true);
		g->members = reading_alloc(r, g->member_count, sizeof *members);
		t->group_count++;
		if (!g->members)
			break;
		memcpy(g->members, members, g->member_count * sizeof *members);
		qsort(g->members, g->member_count, sizeof *members, compare_indexes);
	}
	free(members);
}

static int compare_links(const void *a, const void *b)
{
	const struct bilateral *x = a, *y = b;
	int order = (x->a > y->a) - (x->a < y->a);

	return order ? order : (x->b > y->b) - (x->b < y->b);
}

static bool read_bilateral(struct reading *r, const struct zpl_item *item, struct bilateral *line)
{
	size_t ends[2], problems = r->problems, n;
	char first[WORD_BYTES], second[WORD_BYTES];
	const char *at = item->value;

	if (value_word(first, sizeof first, &at) && value_word(second, sizeof second, &at) &&
	    strcmp(first, second) == 0) {
		reading_wrong(r, item, "%s cannot have a link with itself", first);
		return false;
	}
	n = read_parties(r, item, ends, 2, true);
	if (r->problems > problems)
		return false;
	/* SPEC 4.2: "A link names exactly two nodes, neither of which has left." */
	if (n != 2) {
		reading_wrong(r, item, "a link joins two nodes: write %s = \"a b\"", item->name);
		return false;
	}
	for (size_t i = 0; i < 2; i++)
		if (r->t->parties[ends[i]].kind != PARTY_NODE)
			reading_wrong(r, item, "%s is a role; a link joins two nodes",
				      r->t->parties[ends[i]].name);
	line->a = ends[0] < ends[1] ? ends[0] : ends[1];
	line->b = ends[0] < ends[1] ? ends[1] : ends[0];
	return r->problems == problems;
}

static void refer_links(struct reading *r, const struct zpl_item *section)
{
	struct topology *t = r->t;

	t->links = reading_alloc(r, LINKS_MAX, sizeof *t->links);
	for (const struct zpl_item *item = section->child; item && t->links; item = item->next) {
		struct bilateral line;
		if (t->link_count == LINKS_MAX) {
			reading_wrong(r, section, "more than %d links", LINKS_MAX);
			break;
		}
		if (named_list(r, item) && read_bilateral(r, item, &line))
			t->links[t->link_count++] = line;
	}
	if (!t->links)
		return;
	qsort(t->links, t->link_count, sizeof *t->links, compare_links);
	for (size_t i = 1; i < t->link_count; i++)
		if (compare_links(&t->links[i - 1], &t->links[i]) == 0)
			reading_wrong(r, section, "%s and %s are joined twice",
				      t->parties[t->links[i].a].name,
				      t->parties[t->links[i].b].name);
}

void topology_refer(struct reading *r)
{
	const struct zpl_item *groups = zpl_find(r->z, "group"), *links = zpl_find(r->z, "link");

	for (size_t i = 0; i < r->t->party_count; i++) {
		struct party *p = &r->t->parties[i];
		refer_parents(r, r->items[i], p);
		if (p->kind == PARTY_ROLE)
			refer_holders(r, r->items[i], p);
	}
	if (groups && !groups->value)
		refer_groups(r, groups);
	if (links && !links->value)
		refer_links(r, links);
}
