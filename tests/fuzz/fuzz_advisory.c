/* An advisory out of what an operator and colleagues give for it: after a first byte, behind zero
 * bytes: its title, its text, a course of action, and bundles.  What is made of it is one message
 * with one report, which refers to each object in it and to no other. */
#include "tests/fuzz/importing.h"

enum { PIECES_MAX = 6, COURSE = 2, BUNDLES = 3 };

static size_t reports_in(const struct bundle *b, const cJSON **refs)
{
	size_t count = 0;

	for (size_t i = 0; i < bundle_count(b); i++) {
		const struct stix_object *o = bundle_object(b, i);
		const cJSON *own = cJSON_GetObjectItemCaseSensitive(o->json, "object_refs");
		if (strcmp(o->type, "report") != 0)
			continue;
		*refs = own;
		count++;
	}
	return count;
}

static bool refers_to(const cJSON *refs, const char *id)
{
	const cJSON *ref;

	cJSON_ArrayForEach(ref, refs)
	{
		if (strcmp(cJSON_GetStringValue(ref), id) == 0)
			return true;
	}
	return false;
}

static bool holds(const struct bundle *b, const char *id)
{
	for (size_t i = 0; i < bundle_count(b); i++)
		if (strcmp(bundle_object(b, i)->id, id) == 0)
			return true;
	return false;
}

/* The last report is the advisory's; a bundle may have brought others. */
static void check_advisory(const struct part *part)
{
	const cJSON *refs = NULL, *ref;
	const struct stix_object *last;
	struct bundle *b;

	must(bundle_read(&b, part->text, part->length, BUNDLE_OBJECTS_MAX, NULL) == ERR_OK);
	must(reports_in(b, &refs) >= 1 && cJSON_GetArraySize(refs) > 0);
	last = bundle_object(b, bundle_count(b) - 1);
	must(strcmp(last->type, "report") == 0);
	cJSON_ArrayForEach(ref, refs) must(holds(b, cJSON_GetStringValue(ref)));
	for (size_t i = 0; i + 1 < bundle_count(b); i++)
		must(stix_scaffolding(bundle_object(b, i)) ||
		     refers_to(refs, bundle_object(b, i)->id));
	bundle_free(b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	char *copy = malloc(n + 1);
	const char *pieces[PIECES_MAX] = {"", "", "", "", "", ""};
	struct slice bundles[PIECES_MAX];
	struct advisory a = {.courses = &pieces[COURSE], .bundles = bundles};
	struct importing g;
	size_t count = 0;

	must(copy);
	if (n)
		memcpy(copy, data, n);
	copy[n] = '\0';
	for (size_t at = 1; at < n && count < PIECES_MAX; at += strlen(copy + at) + 1)
		pieces[count++] = copy + at;
	a.title = pieces[0];
	a.text = count > 1 && pieces[1][0] ? pieces[1] : NULL;
	a.course_count = count > COURSE && pieces[COURSE][0];
	for (size_t i = BUNDLES; i < count; i++)
		bundles[a.bundle_count++] = (struct slice){pieces[i], strlen(pieces[i])};
	importing_begin(&g, n && data[0] & 1 ? TLP_AMBER : TLP_GREEN);
	if (importing_check(&g, import_advisory(&g.import, &a, &g.report))) {
		must(g.import.part_count == 1);
		check_advisory(&g.import.parts[0]);
	}
	importing_end(&g);
	free(copy);
	return 0;
}
