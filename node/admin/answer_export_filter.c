#include "node/admin/answer_export.h"

#include <stdlib.h>
#include <string.h>

#include "node/loop.h"

enum { DAY_MS = 86400000, MAX_AGE_DAYS = 36500 };

/* SPEC 9.7: "TLP:RED is never given, TLP:AMBER and TLP:AMBER+STRICT only when `tlp_max` allows
 * it." */
static enum err tlp_read(struct export_filter *f, struct answer *a)
{
	const char *tlp = admin_string(&a->request, "tlp_max");

	f->tlp_max = TLP_GREEN;
	if (tlp && !tlp_parse(tlp, &f->tlp_max)) {
		a->where = "tlp_max";
		report_add(&a->report, "\"%s\" is none of clear, green, amber, amber+strict", tlp);
		return ERR_FORMAT;
	}
	if (f->tlp_max == TLP_RED) {
		a->where = "tlp_max";
		report_add(&a->report, "TLP:RED is for the persons named, and never exported");
		return ERR_NOT_ALLOWED;
	}
	return ERR_OK;
}

/* SPEC 9.7: "a `type` that nothing could be of is refused": it would empty a zone. */
static enum err type_read(struct export_filter *f, struct answer *a)
{
	const char *names[OBSERVABLE_TYPES] = {"indicator"}, *nearest;

	f->type = admin_string(&a->request, "type");
	f->value_type = OBSERVABLE_NONE;
	if (!f->type || f->brief || observable_type_parse(f->type, &f->value_type) || f->whole ||
	    strcmp(f->type, "indicator") == 0)
		return ERR_OK;
	for (int i = OBSERVABLE_NONE + 1; i < OBSERVABLE_TYPES; i++)
		names[i] = observable_type_str((enum observable_type)i);
	nearest = report_nearest(f->type, names, OBSERVABLE_TYPES);
	a->where = "type";
	report_add(&a->report, "there are no values of the type \"%s\"%s%s%s", f->type,
		   nearest ? "; did you mean \"" : "", nearest ? nearest : "",
		   nearest ? "\"?" : "");
	return ERR_FORMAT;
}

static enum err group_read(struct export_filter *f, struct answer *a)
{
	const struct topology *t = versions_newest(node_versions(a->node));
	const char *name = admin_string(&a->request, "group"), *nearest = NULL;
	const char **names = name && t ? calloc(t->group_count + 1, sizeof *names) : NULL;

	f->topology = t;
	f->group = name && t ? topology_group(t, name) : NULL;
	if (name && !f->group) {
		for (size_t i = 0; names && i < t->group_count; i++)
			names[i] = t->groups[i].name;
		nearest = names ? report_nearest(name, names, t->group_count) : NULL;
		a->where = "group";
		report_add(&a->report, "no group named \"%s\"%s%s%s", name,
			   nearest ? "; did you mean \"" : "", nearest ? nearest : "",
			   nearest ? "\"?" : "");
	}
	free(names);
	return name && !f->group ? ERR_UNKNOWN_PARTY : ERR_OK;
}

enum err export_filter_read(struct export_filter *f, struct answer *a)
{
	struct admin_request *r = &a->request;
	const char *node = admin_string(r, "node"), *use = admin_string(r, "use");
	uint64_t days = admin_number(r, "max_age_days", 1, MAX_AGE_DAYS, 0);
	uint64_t confidence = admin_number(r, "min_confidence", 0, 100, UINT64_MAX);

	f->now = clock_wall();
	f->since = days && days * DAY_MS < f->now ? f->now - days * DAY_MS : 0;
	f->min_confidence = confidence == UINT64_MAX ? -1 : (int)confidence;
	f->label_count = admin_strings(r, "labels", f->labels, LABELS_WANTED_MAX);
	f->whole = admin_flag(r, "whole");
	f->brief = admin_flag(r, "brief");
	f->by_use = use != NULL;
	f->block = use && strcmp(use, "block") == 0;
	if (use && !f->block && strcmp(use, "detect") != 0) {
		a->where = "use";
		report_add(&a->report, "\"%s\" is neither detect nor block", use);
		return ERR_FORMAT;
	}
	if (node && !(f->node = answer_node_named(a, node)))
		return ERR_UNKNOWN_PARTY;
	if (group_read(f, a))
		return ERR_UNKNOWN_PARTY;
	if (type_read(f, a))
		return ERR_FORMAT;
	if (f->whole && f->brief) {
		a->where = "brief";
		report_add(&a->report, "an object is told whole or in brief, not both");
		return ERR_FORMAT;
	}
	return tlp_read(f, a);
}
