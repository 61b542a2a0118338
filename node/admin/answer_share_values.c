/* The values in the bundles of a request, for whoever has to approve it. */
#include <stdlib.h>
#include <string.h>

#include "node/admin/answer.h"

enum { VALUES_SHOWN_MAX = 50 };

static void bundle_values(struct text *t, const struct bundle *b, struct observable *found,
			  size_t *count)
{
	for (size_t i = 0; i < bundle_count(b); i++) {
		const struct stix_object *o = bundle_object(b, i);
		size_t n = strcmp(o->type, "indicator") == 0
				   ? stix_observables(o, found, OBSERVABLES_PER_OBJECT_MAX)
				   : 0;
		for (size_t k = 0; k < n && k < OBSERVABLES_PER_OBJECT_MAX; k++)
			if ((*count)++ < VALUES_SHOWN_MAX)
				admin_put_string(t, NULL, found[k].text);
	}
}

enum err bundles_show(struct answer *a)
{
	struct text *t = &a->reply;
	struct observable *found = calloc(OBSERVABLES_PER_OBJECT_MAX, sizeof *found);
	size_t count = 0;

	admin_put_name(t, "values");
	text_str(t, "[");
	for (size_t i = 0; found && i < a->frame_count; i++) {
		struct bundle *b;
		if (bundle_read(&b, a->frames[i].at, a->frames[i].length, BUNDLE_OBJECTS_MAX,
				NULL) != ERR_OK)
			continue;
		bundle_values(t, b, found, &count);
		bundle_free(b);
	}
	text_str(t, "]");
	admin_put_number(t, "value_count", count);
	free(found);
	return found ? ERR_OK : ERR_MEMORY;
}
