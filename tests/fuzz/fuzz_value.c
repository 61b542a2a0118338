/* Values as people write them, and STIX patterns: a canonical value is its own canonical form, and
 * the pattern made of it finds it again. */
#include <string.h>

#include "protocol/observable.h"
#include "tests/fuzz/fuzz.h"

static void same_again(const struct observable *o)
{
	char pattern[2 * OBSERVABLE_MAX_BYTES + 256];
	struct observable again, found[4];
	const char *why;
	size_t count;

	must(observable_set(&again, o->type, o->text, &why) == ERR_OK);
	must(strcmp(again.text, o->text) == 0);
	must(observable_pattern(o, pattern, sizeof pattern) < sizeof pattern);
	must(pattern_observables(found, 4, &count, pattern) == ERR_OK && count >= 1);
	for (size_t i = 0; i < count && i < 4; i++)
		if (found[i].type == o->type && strcmp(found[i].text, o->text) == 0)
			return;
	fprintf(stderr, "%s: %s: not in %s\n", observable_type_str(o->type), o->text, pattern);
	abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	char *text = malloc(n + 1);
	struct observable o, found[8];
	const char *why;
	size_t count;

	must(text);
	if (n)
		memcpy(text, data, n);
	text[n] = '\0';
	if (observable_detect(&o, text, &why) == ERR_OK)
		same_again(&o);
	if (pattern_observables(found, 8, &count, text) == ERR_OK)
		for (size_t i = 0; i < count && i < 8; i++)
			must(observable_set(&o, found[i].type, found[i].text, &why) == ERR_OK);
	free(text);
	return 0;
}
