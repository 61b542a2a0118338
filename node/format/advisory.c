/* What a CERT tells others to know and to do: a STIX report, courses of action, indicators. */
#include <stdio.h>
#include <string.h>
#include <unistr.h>

#include "node/format/import.h"

enum { COURSE_NAME_BYTES = 120 };

/* The refs of the report, as they are gathered. */
struct composing {
	struct import *i;
	struct text refs; /* JSON strings, commas between them */
	struct report *report;
};

static enum err words_check(const char *what, const char *words, struct report *report)
{
	size_t n = strlen(words);

	if (n == 0 || n > NOTE_MAX_BYTES) {
		report_add(report, "%s: a text of 1 to %d bytes is wanted", what, NOTE_MAX_BYTES);
		return ERR_LIMIT;
	}
	if (u8_check((const uint8_t *)words, n)) {
		report_add(report, "%s is not UTF-8", what);
		return ERR_FORMAT;
	}
	return ERR_OK;
}

static void ref_add(struct composing *c, const char *id)
{
	text_str(&c->refs, c->refs.length ? "," : "");
	text_json(&c->refs, id);
}

static void uuid_draw(struct composing *c, char uuid[37])
{
	uint8_t random[16];

	c->i->options.random(random, sizeof random);
	uuid_of_random(uuid, random);
}

/* Adds the object begun in t; id is "<type>--<uuid>". */
static enum err object_finish(struct composing *c, struct text *t, const char *id)
{
	enum err e;

	object_end(t, c->i);
	e = object_add(c->i, id, t);
	c->i->read++;
	c->i->taken += !e;
	return e;
}

/* Its name is its first line, as far as that is short. */
static enum err course_add(struct composing *c, const char *words)
{
	size_t n = strcspn(words, "\n"), whole = strlen(words);
	char uuid[37], id[60], name[COURSE_NAME_BYTES + 1];
	struct text t;
	enum err e = words_check("--course-of-action", words, c->report);

	if (e)
		return e;
	if (n > COURSE_NAME_BYTES)
		n = COURSE_NAME_BYTES;
	while (n > 0 && n < whole && ((unsigned char)words[n] & 0xc0) == 0x80)
		n--; /* not inside a character */
	snprintf(name, sizeof name, "%.*s", (int)n, words);
	uuid_draw(c, uuid);
	snprintf(id, sizeof id, "course-of-action--%s", uuid);
	text_init(&t);
	object_start(&t, c->i, "course-of-action", uuid, c->i->options.now);
	text_str(&t, ",\"name\":");
	text_json(&t, name);
	if (n < whole) {
		text_str(&t, ",\"description\":");
		text_json(&t, words);
	}
	ref_add(c, id);
	e = object_finish(c, &t, id);
	text_clear(&t);
	return e;
}

/* What the bundle says, byte for byte; the marking and the identity are those of the advisory. */
static enum err bundle_add(struct composing *c, struct slice text)
{
	struct bundle *b;
	enum err e = bundle_read(&b, text.at, text.length, BUNDLE_OBJECTS_MAX, c->report);

	if (e)
		return e;
	for (size_t k = 0; !e && k < bundle_count(b); k++) {
		const struct stix_object *o = bundle_object(b, k);
		struct text raw;

		if (strcmp(o->id, tlp_marking_id(c->i->options.tlp)) == 0 ||
		    (o->scaffolding && object_is_there(c->i, o->id)))
			continue;
		text_init(&raw);
		text_add(&raw, o->raw.at, o->raw.length);
		e = object_add(c->i, o->id, &raw);
		text_clear(&raw);
		if (o->scaffolding)
			continue;
		ref_add(c, o->id);
		c->i->read++;
		c->i->taken += !e;
	}
	bundle_free(b);
	return e;
}

static enum err report_object_add(struct composing *c, const struct advisory *a)
{
	struct import *i = c->i;
	char uuid[37], id[60], at[TIME_BYTES];
	struct text t;
	enum err e;

	uuid_draw(c, uuid);
	snprintf(id, sizeof id, "report--%s", uuid);
	text_init(&t);
	object_start(&t, i, "report", uuid, i->options.now);
	text_str(&t, ",\"name\":");
	text_json(&t, a->title);
	if (a->text) {
		text_str(&t, ",\"description\":");
		text_json(&t, a->text);
	}
	text_format(&t, ",\"report_types\":[\"threat-report\"],\"published\":\"%s\"",
		    time_format(at, i->options.now));
	object_labels(&t, i, NULL, 0);
	text_str(&t, ",\"object_refs\":[");
	/* A report is of something: where it names nothing, of who wrote it. */
	if (c->refs.length == 0) {
		text_str(&t, "\"");
		object_author(&t, i);
		text_str(&t, "\"");
	}
	text_add(&t, c->refs.length ? c->refs.at : "", c->refs.length);
	text_str(&t, "]");
	if (c->refs.bad)
		t.bad = true;
	e = object_finish(c, &t, id);
	text_clear(&t);
	return e;
}

enum err import_advisory(struct import *i, const struct advisory *a, struct report *report)
{
	struct composing c = {.i = i, .report = report};
	enum err e = words_check("--title", a->title, report);

	text_init(&c.refs);
	if (!e && a->text)
		e = words_check("--text", a->text, report);
	for (size_t k = 0; !e && k < a->course_count; k++)
		e = course_add(&c, a->courses[k]);
	for (size_t k = 0; !e && k < a->bundle_count; k++)
		e = bundle_add(&c, a->bundles[k]);
	if (!e)
		e = report_object_add(&c, a);
	text_clear(&c.refs);
	/* What is full is closed, and the rest begins another. */
	if (!e && i->part_count > 0) {
		report_add(report, "it is too large for one message: at most %d objects",
			   PART_OBJECTS_MAX);
		e = ERR_LIMIT;
	}
	if (e)
		i->failed = e;
	return e;
}

bool bundle_has(const char *text, size_t n, const char *type)
{
	struct bundle *b;
	bool has = false;

	if (bundle_read(&b, text, n, BUNDLE_OBJECTS_MAX, NULL))
		return false;
	for (size_t k = 0; k < bundle_count(b); k++)
		has = has || strcmp(bundle_object(b, k)->type, type) == 0;
	bundle_free(b);
	return has;
}
