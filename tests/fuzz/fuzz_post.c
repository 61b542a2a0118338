/* Bodies: as carried, as the JSON of a post, as a STIX bundle. */
#include <string.h>

#include "protocol/body.h"
#include "protocol/stix.h"
#include "tests/fuzz/fuzz.h"

static void look_at(const struct bundle *b)
{
	struct observable found[4];

	for (size_t i = 0; i < bundle_count(b); i++) {
		const struct stix_object *o = bundle_object(b, i);
		must(o->id && o->type && o->raw.length >= 2);
		must(o->raw.at[0] == '{' && o->raw.at[o->raw.length - 1] == '}');
		stix_observables(o, found, 4);
		stix_scaffolding(o);
	}
}

static void read_text(const char *text, size_t n)
{
	struct bundle *b;
	struct post post;

	if (bundle_read(&b, text, n, BUNDLE_OBJECTS_MAX, NULL) == ERR_OK) {
		look_at(b);
		bundle_free(b);
	}
	if (post_read(&post, text, n, NULL) == ERR_OK) {
		look_at(post.bundle);
		post_clear(&post);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	char *text;
	size_t length;

	read_text((const char *)data, n);
	if (body_unpack(&text, &length, data, n) == ERR_OK) {
		read_text(text, length);
		free(text);
	}
	return 0;
}
