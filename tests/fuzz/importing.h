/* What targets of importers share: the options of an import, and what must hold of any, whatever
 * it read. */
#ifndef TESTS_FUZZ_IMPORTING_H
#define TESTS_FUZZ_IMPORTING_H

#include <string.h>

#include "node/format/format.h"
#include "protocol/body.h"
#include "tests/fuzz/fuzz.h"

struct importing {
	struct import import;
	struct report report;
};

static void no_chance(void *out, size_t n)
{
	memset(out, 7, n);
}

static void importing_begin(struct importing *g, enum tlp tlp)
{
	const struct import_options options = {.node = "punjab",
					       .tlp = tlp,
					       .confidence = -1,
					       .now = UINT64_C(1795298400000),
					       .random = no_chance,
					       .skip_rejected = true};

	report_init(&g->report);
	must(import_init(&g->import, &options, &g->report) == ERR_OK);
}

/* It is a post that every node takes: objects that can be read, no more than were counted, none
 * marked more strictly than the message, in a body of a size that is carried.  Our identity is one
 * of them where it made none of the others: cyber-observables have no author. */
static void importing_check_part(const struct import *i, const struct part *part)
{
	const struct envelope envelope = {.block = true};
	size_t counted = 0, n;
	enum tlp strictest;
	struct post post;
	struct text json;
	uint8_t *body;
	bool made = false;

	text_init(&json);
	post_write(&json, &envelope, (struct slice){part->text, part->length});
	must(!json.bad && post_read(&post, json.at, json.length, NULL) == ERR_OK);
	for (size_t o = 0; o < bundle_count(post.bundle); o++) {
		const struct stix_object *object = bundle_object(post.bundle, o);
		counted += !stix_scaffolding(object);
		made = made || cJSON_HasObjectItem(object->json, "created_by_ref");
	}
	must(counted <= part->objects + !made && part->objects <= bundle_count(post.bundle));
	must(!bundle_tlp(post.bundle, &strictest) || strictest <= i->options.tlp);
	must(body_pack(&body, &n, json.at, json.length) == ERR_OK);
	free(body);
	post_clear(&post);
	text_clear(&json);
}

/* After everything was read, with that outcome: what is refused is refused in words, what is taken
 * adds up and can be shared, and of an import that fails nothing is left to share.  Returns whether
 * there is anything. */
static bool importing_check(struct importing *g, enum err e)
{
	struct import *i = &g->import;

	must(!e || g->report.total > 0);
	must(e || i->read == i->taken + i->duplicates + i->context + i->rejected_count);
	if (import_finish(i, &g->report) != ERR_OK) {
		must(g->report.total > 0 && i->part_count == 0);
		return false;
	}
	must(!e && i->part_count > 0);
	for (size_t part = 0; part < i->part_count; part++)
		importing_check_part(i, &i->parts[part]);
	return true;
}

static void importing_end(struct importing *g)
{
	import_clear(&g->import);
	report_clear(&g->report);
}

#endif
