/* What a person writes to others: a STIX note. */
#include <stdio.h>
#include <string.h>
#include <unistr.h>

#include "node/format/import.h"

static enum err text_check(const char *words, struct report *report)
{
	size_t n = strlen(words);

	if (n == 0 || n > NOTE_MAX_BYTES) {
		report_add(report, "a text of 1 to %d bytes is wanted", NOTE_MAX_BYTES);
		return ERR_LIMIT;
	}
	if (u8_check((const uint8_t *)words, n)) {
		report_add(report, "the text is not UTF-8");
		return ERR_FORMAT;
	}
	return ERR_OK;
}

enum err import_note(struct import *i, const char *words, const char *const *about, size_t n,
		     struct report *report)
{
	enum err e = text_check(words, report);
	uint8_t random[16];
	char uuid[37], id[60];
	struct text t;

	if (e)
		return e;
	i->options.random(random, sizeof random);
	uuid_of_random(uuid, random);
	snprintf(id, sizeof id, "note--%s", uuid);
	text_init(&t);
	object_start(&t, i, "note", uuid, i->options.now);
	text_str(&t, ",\"content\":");
	text_json(&t, words);
	object_labels(&t, i, NULL, 0);
	text_str(&t, ",\"object_refs\":[");
	for (size_t k = 0; k < n; k++) {
		text_str(&t, k ? "," : "");
		text_json(&t, about[k]);
	}
	/* A note is about something: where it is about nothing that is known, its author's word. */
	if (n == 0) {
		text_str(&t, "\"");
		object_author(&t, i);
		text_str(&t, "\"");
	}
	text_str(&t, "]");
	object_end(&t, i);
	e = object_add(i, id, &t);
	text_clear(&t);
	i->read++;
	i->taken += !e;
	return e;
}
