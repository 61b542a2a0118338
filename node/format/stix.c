/* STIX 2.1 bundles: carried as their authors wrote them, split where they are too large. */
#include <stdlib.h>
#include <string.h>

#include "node/format/import.h"

enum { OBJECTS_MAX = 4 << 20 };

/* SPEC 8.6: "A bundle of which any object is marked more strictly than the message is refused." */
static enum err markings_check(const struct import *i, const struct bundle *b, const char *name,
			       struct report *report)
{
	enum err err = ERR_OK;

	for (size_t n = 0; n < bundle_count(b); n++) {
		const struct stix_object *o = bundle_object(b, n);

		if (o->tlp <= i->options.tlp)
			continue;
		report_add(report,
			   "%s: object %zu (%s) is marked TLP:%s, stricter than the TLP:%s of the "
			   "message",
			   name, n + 1, o->id, tlp_str(o->tlp), tlp_str(i->options.tlp));
		err = ERR_NOT_ALLOWED;
	}
	return err;
}

static bool whole_fits(const struct bundle *b, size_t n)
{
	return n <= PART_PLAIN_BYTES && bundle_count(b) <= BUNDLE_OBJECTS_MAX;
}

static void split_open(struct import *i, const struct bundle *b, struct text *t, size_t *count)
{
	uint8_t random[16];
	char uuid[37];

	i->options.random(random, sizeof random);
	uuid_of_random(uuid, random);
	text_format(t, "{\"type\":\"bundle\",\"id\":\"bundle--%s\",\"objects\":[", uuid);
	*count = 0;
	/* Every part is read alone, so every part brings the markings and creators along. */
	for (size_t n = 0; b && n < bundle_count(b); n++) {
		const struct stix_object *o = bundle_object(b, n);

		if (!stix_scaffolding(o))
			continue;
		text_str(t, (*count)++ ? "," : "");
		text_add(t, o->raw.at, o->raw.length);
	}
}

static enum err split_close(struct import *i, struct text *t, size_t objects, const char *name,
			    struct report *report)
{
	enum err err;

	text_str(t, "]}");
	err = part_add(i, t, objects);
	if (err == ERR_LIMIT)
		report_add(report, "%s: an object is too large for a message", name);
	return err;
}

/* Scaffolding is repeated in every part unless there is very much of it. */
static bool scaffolding_small(const struct bundle *b)
{
	size_t count = 0, bytes = 0;

	for (size_t n = 0; n < bundle_count(b); n++) {
		const struct stix_object *o = bundle_object(b, n);

		if (stix_scaffolding(o)) {
			count++;
			bytes += o->raw.length;
		}
	}
	return count <= BUNDLE_OBJECTS_MAX - PART_OBJECTS_MAX && bytes <= PART_PLAIN_BYTES / 4;
}

static enum err split(struct import *i, const struct bundle *b, const char *name,
		      struct report *report)
{
	bool repeat = scaffolding_small(b);
	const struct bundle *common = repeat ? b : NULL;
	size_t objects = 0, in_text = 0;
	struct text t;
	enum err err = ERR_OK;

	text_init(&t);
	for (size_t n = 0; n < bundle_count(b) && !err; n++) {
		const struct stix_object *o = bundle_object(b, n);

		if (repeat && stix_scaffolding(o))
			continue;
		if (objects == PART_OBJECTS_MAX ||
		    (objects && t.length + o->raw.length > PART_PLAIN_BYTES - 16)) {
			err = split_close(i, &t, objects, name, report);
			objects = 0;
		}
		if (objects == 0)
			split_open(i, common, &t, &in_text);
		text_str(&t, in_text++ ? "," : "");
		text_add(&t, o->raw.at, o->raw.length);
		objects++;
	}
	if (!err && objects)
		err = split_close(i, &t, objects, name, report);
	text_clear(&t);
	return err;
}

static enum err whole(struct import *i, const struct bundle *b, const char *bytes, size_t n)
{
	size_t objects = 0;
	struct text t;

	for (size_t o = 0; o < bundle_count(b); o++)
		objects += !stix_scaffolding(bundle_object(b, o));
	text_init(&t);
	text_add(&t, bytes, n);
	return part_add(i, &t, objects);
}

enum err import_stix(struct import *i, const char *bytes, size_t n, const char *name,
		     struct report *report)
{
	struct report inner;
	struct bundle *b;
	enum err err;

	report_init(&inner);
	err = bundle_read(&b, bytes, n, OBJECTS_MAX, &inner);
	for (size_t l = 0; l < inner.count; l++)
		report_add(report, "%s: %s", name, inner.lines[l]);
	report_clear(&inner);
	if (err)
		return err;
	/* What was made from other inputs stays in bundles of its own. */
	err = markings_check(i, b, name, report);
	if (!err)
		err = whole_fits(b, n) ? whole(i, b, bytes, n) : split(i, b, name, report);
	if (!err) {
		i->read += bundle_count(b);
		i->taken += bundle_count(b);
	}
	bundle_free(b);
	return err;
}
