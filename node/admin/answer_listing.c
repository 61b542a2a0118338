#include "node/admin/answer_listing.h"

#include <stdlib.h>
#include <string.h>

/* SPEC 8.11: "What is on a list is refused, with every value and every list named, unless the
 * request says `force`" */
enum err listing_open(struct listing *l, struct answer *a)
{
	enum err e = warning_guard_lists(node_warning_guard(a->node), &l->lists, &a->report);

	if (!e || e == ERR_MEMORY)
		return e;
	if (l->force) {
		report_clear(&a->report);
		return ERR_OK;
	}
	a->where = "warning-lists";
	a->advice = "mend the lists, or say --force to share without asking them";
	return e;
}

static void list_note(struct listing *l, const char *name)
{
	for (size_t i = 0; i < l->count; i++)
		if (l->names[i] == name)
			return;
	if (l->count < LISTS_NAMED_MAX)
		l->names[l->count++] = name;
}

static void object_look(struct listing *l, struct answer *a, const struct stix_object *o,
			struct observable *found)
{
	const char *names[LISTS_NAMED_MAX];
	size_t n = strcmp(o->type, "indicator") != 0 || o->revoked
			   ? 0
			   : stix_observables(o, found, OBSERVABLES_PER_OBJECT_MAX);

	for (size_t i = 0; i < n && i < OBSERVABLES_PER_OBJECT_MAX; i++) {
		size_t count = warning_lists_find(l->lists, &found[i], names, LISTS_NAMED_MAX);
		l->listed += count > 0;
		for (size_t k = 0; k < count; k++) {
			list_note(l, names[k]);
			if (!l->force)
				report_add(&a->report, "%s is on the warning list \"%s\"",
					   found[i].text, names[k]);
		}
	}
}

enum err listing_look(struct listing *l, struct answer *a, const struct bundle *b)
{
	struct observable *found;

	if (!l->lists)
		return ERR_OK;
	found = calloc(OBSERVABLES_PER_OBJECT_MAX, sizeof *found);
	for (size_t i = 0; found && i < bundle_count(b); i++)
		object_look(l, a, bundle_object(b, i), found);
	free(found);
	return found ? ERR_OK : ERR_MEMORY;
}

enum err listing_close(const struct listing *l, struct answer *a)
{
	if (!l->listed || l->force)
		return ERR_OK;
	a->where = "warning-lists";
	a->advice = "leave it out, or say --force if it must be shared all the same";
	return ERR_NOT_ALLOWED;
}

void listing_summary(const struct listing *l, struct text *summary)
{
	admin_put_number(summary, "forced", l->listed);
	admin_put_name(summary, "lists");
	text_str(summary, "[");
	for (size_t i = 0; i < l->count; i++)
		admin_put_string(summary, NULL, l->names[i]);
	text_str(summary, "]");
}

void listing_clear(struct listing *l)
{
	warning_lists_free(l->lists);
}
