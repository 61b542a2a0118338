/* khabar topology tree: who reports to whom, drawn. */
#include <cjson/cJSON.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "node/cmd/print.h"
#include "node/cmd/topology_file.h"

struct drawing {
	const struct topology *t;
	bool *drawn; /* of each party: its own place is above */
	bool *last;  /* of each level: nothing follows at it */
};

static bool child_of(const struct topology *t, size_t p, size_t parent)
{
	for (size_t i = 0; i < t->parties[p].parent_count; i++)
		if (t->parties[p].parents[i] == parent)
			return true;
	return false;
}

/* The next party from `from` on that reports to parent; party_count when there is none. */
static size_t next_child(const struct topology *t, size_t parent, size_t from)
{
	while (from < t->party_count && !child_of(t, from, parent))
		from++;
	return from;
}

static void draw_name(const struct drawing *d, size_t x)
{
	const struct party *p = &d->t->parties[x];

	printf("%s", p->name);
	if (p->kind == PARTY_ROLE)
		printf(" (role)");
	if (strcmp(p->title, p->name) != 0)
		printf("  %s", p->title);
	for (size_t i = 0; i < p->holder_count; i++)
		printf("%s%s", i ? ", " : "  [held by ", d->t->parties[p->holders[i]].name);
	printf("%s", p->holder_count ? "]" : "");
	if (p->left)
		printf("  [left]");
	printf("\n");
}

static void draw(struct drawing *d, size_t x, size_t level)
{
	const struct topology *t = d->t;
	size_t child;

	for (size_t i = 1; i < level; i++)
		printf("%s", d->last[i] ? "   " : "│  ");
	if (level > 0)
		printf("%s", d->last[level] ? "└─ " : "├─ ");
	if (d->drawn[x]) {
		printf("%s  [also above]\n", t->parties[x].name);
		return;
	}
	d->drawn[x] = true;
	draw_name(d, x);
	for (child = next_child(t, x, 0); child < t->party_count;) {
		size_t following = next_child(t, x, child + 1);
		d->last[level + 1] = following == t->party_count;
		draw(d, child, level + 1);
		child = following;
	}
}

static cJSON *tree_json(struct drawing *d, size_t x)
{
	const struct party *p = &d->t->parties[x];
	cJSON *o = cJSON_CreateObject(), *list;

	cJSON_AddStringToObject(o, "name", p->name);
	cJSON_AddStringToObject(o, "kind", p->kind == PARTY_NODE ? "node" : "role");
	cJSON_AddStringToObject(o, "title", p->title);
	if (p->kind == PARTY_ROLE) {
		list = cJSON_AddArrayToObject(o, "holders");
		for (size_t i = 0; i < p->holder_count; i++)
			cJSON_AddItemToArray(list,
					     cJSON_CreateString(d->t->parties[p->holders[i]].name));
	}
	/* Below its first parent only: the tree stays as small as the federation. */
	if (d->drawn[x])
		return o;
	d->drawn[x] = true;
	list = cJSON_AddArrayToObject(o, "children");
	for (size_t i = next_child(d->t, x, 0); i < d->t->party_count;
	     i = next_child(d->t, x, i + 1))
		cJSON_AddItemToArray(list, tree_json(d, i));
	return o;
}

static void draw_topology(const struct cmd_context *c, const struct topology *t)
{
	struct drawing d = {.t = t,
			    .drawn = calloc(t->party_count + 1, sizeof *d.drawn),
			    .last = calloc(t->party_count + 1, sizeof *d.last)};

	if (!d.drawn || !d.last)
		print_no_memory();
	if (c->json)
		json_print(tree_json(&d, t->root));
	else
		draw(&d, t->root, 0);
	for (size_t i = 0; i < t->link_count && !c->json; i++)
		printf("%s%s ── %s\n", i ? "" : "\nbilateral links\n",
		       t->parties[t->links[i].a].name, t->parties[t->links[i].b].name);
	free(d.drawn);
	free(d.last);
}

int topology_tree(const struct cmd_context *c, int argc, char **argv)
{
	const char *path = argc > 1 ? argv[1] : c->home;
	struct loaded l;
	struct report report;
	enum err e;
	int code = EXIT_DONE;

	if (argc > 2)
		return cmd_misused("khabar topology tree", "at most one file is drawn");
	report_init(&report);
	e = argc > 1 ? loaded_read(&l, path, &report) : loaded_in_force(&l, c, &report);
	if (e)
		code = topology_refused(c, path, e, &report);
	else
		draw_topology(c, l.t);
	loaded_clear(&l);
	report_clear(&report);
	return code;
}
