/* What the tests of the importers share: one import at a time, its bundles judged as a node would.
 */
#ifndef TESTS_NODE_IMPORTED_H
#define TESTS_NODE_IMPORTED_H

#include <sodium.h>

#include "node/format/format.h"
#include "protocol/body.h"
#include "tests/tap.h"

#define NOW 1795298400000ULL /* 2026-11-21T22:00:00Z */

static const struct import_options plain = {
	.node = "kp",
	.title = "CERT \"KP\"",
	.tlp = TLP_GREEN,
	.confidence = -1,
	.now = NOW,
	.random = randombytes_buf,
};

static struct import imported;
static struct report said;

__attribute__((unused)) static void forget(void)
{
	import_clear(&imported);
	report_clear(&said);
}

/* Reads and finishes one input; forget() the last one first. */
__attribute__((unused)) static enum err
import_bytes(const struct import_options *o, const char *format, const char *bytes, size_t n)
{
	char *copy = malloc(n ? n : 1);
	enum err err;

	need(copy);
	memcpy(copy, bytes, n);
	forget();
	report_init(&said);
	need(import_init(&imported, o, &said) == ERR_OK);
	err = import_read(&imported, format, copy, n, "input", &said);
	free(copy);
	if (err) {
		is_int(import_finish(&imported, NULL), err, "what failed stays failed");
		return err;
	}
	return import_finish(&imported, &said);
}

__attribute__((unused)) static enum err import_words(const char *format, const char *text)
{
	return import_bytes(&plain, format, text, strlen(text));
}

__attribute__((unused)) static char *file_read(const char *path, size_t *n)
{
	FILE *f = fopen(path, "rb");
	char *bytes = malloc(8 << 20);

	need(f && bytes);
	*n = fread(bytes, 1, 8 << 20, f);
	fclose(f);
	return bytes;
}

__attribute__((unused)) static enum err import_file(const struct import_options *o,
						    const char *path)
{
	size_t n;
	char *bytes = file_read(path, &n);
	enum err err = import_bytes(o, NULL, bytes, n);

	free(bytes);
	return err;
}

__attribute__((unused)) static bool said_anywhere(const char *words)
{
	for (size_t l = 0; l < said.count; l++) {
		if (strstr(said.lines[l], words))
			return true;
	}
	return false;
}

/* Every part is a bundle that a node would accept as a post; returns its objects. */
__attribute__((unused)) static size_t parts_valid(void)
{
	size_t objects = 0, wrong = 0;

	for (size_t p = 0; p < imported.part_count; p++) {
		struct text json;
		struct post post;
		uint8_t *body;
		size_t n, counted = 0;

		text_init(&json);
		post_write(&json, &(struct envelope){0},
			   (struct slice){imported.parts[p].text, imported.parts[p].length});
		need(post_read(&post, json.at, json.length, NULL) == ERR_OK);
		for (size_t o = 0; o < bundle_count(post.bundle); o++)
			counted += !stix_scaffolding(bundle_object(post.bundle, o));
		wrong += counted != imported.parts[p].objects;
		objects += counted;
		wrong += body_pack(&body, &n, json.at, json.length) != ERR_OK;
		free(body);
		post_clear(&post);
		text_clear(&json);
	}
	is_int(wrong, 0, "%zu bundles are valid posts", imported.part_count);
	return objects;
}

/* The first object of a type in the first part, for is_str on its properties. */
__attribute__((unused)) static struct bundle *first_bundle(void)
{
	struct bundle *b = NULL;

	need(imported.part_count > 0);
	need(bundle_read(&b, imported.parts[0].text, imported.parts[0].length, BUNDLE_OBJECTS_MAX,
			 NULL) == ERR_OK);
	return b;
}

__attribute__((unused)) static const struct stix_object *object_of(const struct bundle *b,
								   const char *type, size_t number)
{
	for (size_t o = 0; o < bundle_count(b); o++) {
		if (strcmp(bundle_object(b, o)->type, type) == 0 && number-- == 0)
			return bundle_object(b, o);
	}
	return NULL;
}

__attribute__((unused)) static const char *property(const struct stix_object *o, const char *key)
{
	const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(o->json, key));

	return text ? text : "(none)";
}

#endif
