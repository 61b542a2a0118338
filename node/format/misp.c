/* MISP events.  Attributes for detection (to_ids) become indicators under their own uuid, so that
 * importing an event again makes new versions of the same objects.  The others, and those that a
 * pattern cannot express, are carried in words by notes; where equality can express them they are
 * cyber-observable objects too, so that they can be looked up and yet detect and block nothing.
 * A report for each bundle says which event it all belongs to. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "node/format/import.h"
#include "node/format/misp_type.h"
#include "protocol/observable.h"

enum { TAGS_MAX = 64, NOTE_BYTES = 64 << 10, KINDS_MAX = 200, OBSERVED_MAX = 4 };

struct event {
	const cJSON *json;
	const char *input; /* the file's name */
	const char *uuid, *info;
	uint64_t created;  /* ms */
	size_t first_part; /* number of the first bundle that is this event's */
	struct text note;  /* the context not yet written */
	size_t notes;
	struct report *report;
};

static const cJSON *member(const cJSON *object, const char *key)
{
	return cJSON_GetObjectItemCaseSensitive(object, key);
}

static const char *string(const cJSON *object, const char *key)
{
	return cJSON_GetStringValue(member(object, key));
}

/* MISP's versions and its friends write booleans as true, 1 and "1". */
static bool truth(const cJSON *object, const char *key)
{
	const cJSON *value = member(object, key);
	const char *text = cJSON_GetStringValue(value);

	if (text)
		return strcmp(text, "1") == 0 || strcasecmp(text, "true") == 0;
	return cJSON_IsTrue(value) || (cJSON_IsNumber(value) && value->valuedouble != 0);
}

/* Seconds since 1970, as a string or a number, in ms; otherwise what is known instead. */
static uint64_t timestamp(const cJSON *object, const char *key, uint64_t otherwise)
{
	const cJSON *value = member(object, key);
	const char *text = cJSON_GetStringValue(value);
	double seconds = text ? strtod(text, NULL) : cJSON_IsNumber(value) ? value->valuedouble : 0;

	if (!(seconds >= 1 && seconds < 1e11))
		return otherwise;
	return (uint64_t)seconds * 1000;
}

/* SPEC 8.7: "A tag that starts with tlp: and is none of TLP 1 or 2 is refused." */
static enum err tags_check(const struct event *e, const struct import *i, const cJSON *owner,
			   const char *what, const char *uuid)
{
	const cJSON *tag;
	enum tlp tlp;

	cJSON_ArrayForEach(tag, member(owner, "Tag"))
	{
		const char *name = string(tag, "name");

		if (!name || strncasecmp(name, "tlp:", 4) != 0)
			continue;
		if (!tlp_parse(name, &tlp)) {
			report_add(
				e->report,
				"%s: event %s: %s %s has the tag \"%s\", which is no TLP that is "
				"known here",
				e->input, e->uuid, what, uuid, name);
			return ERR_NOT_ALLOWED;
		}
		if (tlp > i->options.tlp) {
			report_add(
				e->report,
				"%s: event %s: %s %s is marked TLP:%s, stricter than the TLP:%s of "
				"the message",
				e->input, e->uuid, what, uuid, tlp_str(tlp),
				tlp_str(i->options.tlp));
			return ERR_NOT_ALLOWED;
		}
	}
	return ERR_OK;
}

/* The names of the tags that are not about TLP. */
static size_t tags_read(const char *labels[TAGS_MAX], const cJSON *owner)
{
	const cJSON *tag;
	size_t n = 0;

	cJSON_ArrayForEach(tag, member(owner, "Tag"))
	{
		const char *name = string(tag, "name");

		if (name && *name && strncasecmp(name, "tlp:", 4) != 0 && n < TAGS_MAX)
			labels[n++] = name;
	}
	return n;
}

/* Ends the note that gathers the context. */
static enum err note_close(struct event *e, struct import *i)
{
	char id[60], uuid[37], key[80];
	struct text t;
	enum err err;

	if (e->note.length == 0)
		return e->note.bad ? ERR_MEMORY : ERR_OK;
	snprintf(key, sizeof key, "%s|note|%zu", e->uuid, e->notes++);
	uuid_of_text(uuid, key);
	snprintf(id, sizeof id, "note--%s", uuid);
	text_init(&t);
	object_start(&t, i, "note", uuid, e->created);
	object_labels(&t, i, NULL, 0);
	text_str(&t, ",\"abstract\":\"Context, not for detection\",\"content\":");
	text_json(&t, e->note.at);
	text_format(&t, ",\"object_refs\":[\"report--%s\"]", e->uuid);
	object_end(&t, i);
	err = object_add(i, id, &t);
	text_clear(&t);
	text_clear(&e->note);
	return err;
}

static enum err context_add(struct event *e, struct import *i, const cJSON *attribute,
			    const char *type, const char *why, bool carry)
{
	const char *value = string(attribute, "value"), *comment = string(attribute, "comment");
	char what[128];

	i->context++;
	/* A file of many invented types must not make counting slow. */
	snprintf(what, sizeof what, "%.60s: %s", i->count_count < KINDS_MAX ? type : "other types",
		 why);
	if (carry) {
		text_format(&e->note, "%s: %s", type, value);
		if (comment && *comment)
			text_format(&e->note, " (%s)", comment);
		text_str(&e->note, "\n");
	}
	return import_count(i, what);
}

static const char *attribute_uuid(char out[37], const struct event *e, const cJSON *attribute,
				  const char *type, const char *value)
{
	const char *uuid = string(attribute, "uuid");
	struct text key;

	if (uuid && uuid_valid(uuid))
		return uuid;
	text_init(&key);
	text_format(&key, "%s|%s|%s", e->uuid, type, value);
	uuid_of_text(out, key.bad ? "" : key.at);
	text_clear(&key);
	return out;
}

/* SPEC 8.7: "What equality expresses can be looked up all the same" */
static enum err equality_observed(struct import *i, const char *uuid, const char *type,
				  const char *value)
{
	struct observable found[OBSERVED_MAX];
	struct text pattern;
	const char *language, *why;
	unsigned days;
	size_t n = 0;
	enum err err = ERR_OK;

	text_init(&pattern);
	if (misp_pattern(&pattern, &language, &days, type, value, &why) && !pattern.bad &&
	    strcmp(language, "stix") == 0 &&
	    pattern_observables(found, OBSERVED_MAX, &n, pattern.at) == ERR_OK) {
		for (size_t k = 0; k < n && k < OBSERVED_MAX && !err; k++)
			err = observed_add(i, uuid, &found[k]);
	}
	text_clear(&pattern);
	return err;
}

static enum err indicator_make(struct event *e, struct import *i, const cJSON *attribute,
			       struct indicator *n)
{
	const char *labels[TAGS_MAX], *first = string(attribute, "first_seen");
	enum err err;

	n->created = timestamp(attribute, "timestamp", e->created);
	n->valid_from = n->created;
	if (first)
		(void)time_parse(&n->valid_from, first);
	n->labels = labels;
	n->label_count = tags_read(labels, attribute);
	n->description = string(attribute, "comment");
	err = indicator_add(i, n);
	i->taken += err == ERR_OK;
	i->duplicates += err == ERR_EXISTS;
	return err == ERR_EXISTS ? ERR_OK : err;
}

static enum err attribute_read(struct event *e, struct import *i, const cJSON *attribute)
{
	const char *type = string(attribute, "type"), *value = string(attribute, "value"), *why;
	char spare[37];
	struct indicator n = {.name = value};
	struct text pattern;
	enum err err;

	if (!type || !value) {
		report_add(e->report, "%s: event %s: attribute %s has no type or no value",
			   e->input, e->uuid,
			   string(attribute, "uuid") ? string(attribute, "uuid") : "");
		return ERR_FORMAT;
	}
	i->read++;
	n.uuid = attribute_uuid(spare, e, attribute, type, value);
	err = tags_check(e, i, attribute, "attribute", n.uuid);
	if (err)
		return err;
	if (truth(attribute, "deleted"))
		return context_add(e, i, attribute, type, "deleted, left out", false);
	if (!truth(attribute, "to_ids")) {
		err = context_add(e, i, attribute, type, "not for detection (to_ids)", true);
		if (!err)
			err = equality_observed(i, n.uuid, type, value);
		if (!err && e->note.length > NOTE_BYTES)
			err = note_close(e, i);
		return err;
	}
	text_init(&pattern);
	if (!misp_pattern(&pattern, &n.pattern_type, &n.valid_days, type, value, &why)) {
		err = context_add(e, i, attribute, type, why, true);
	} else {
		n.pattern = pattern.at;
		err = pattern.bad ? ERR_MEMORY : indicator_make(e, i, attribute, &n);
	}
	text_clear(&pattern);
	if (!err && e->note.length > NOTE_BYTES)
		err = note_close(e, i);
	return err;
}

static enum err attributes_read(struct event *e, struct import *i, const cJSON *owner)
{
	const cJSON *attribute;
	enum err err = ERR_OK;

	cJSON_ArrayForEach(attribute, member(owner, "Attribute"))
	{
		err = attribute_read(e, i, attribute);
		if (err)
			break;
	}
	return err;
}

/* A deleted object takes its attributes along. */
static enum err object_read(struct event *e, struct import *i, const cJSON *object)
{
	const cJSON *attribute;
	enum err err = ERR_OK;

	if (!truth(object, "deleted"))
		return attributes_read(e, i, object);
	cJSON_ArrayForEach(attribute, member(object, "Attribute"))
	{
		i->read++;
		err = context_add(e, i, attribute, "object", "deleted, left out", false);
		if (err)
			break;
	}
	return err;
}

static void description_add(struct text *t, const struct event *e, size_t part)
{
	const char *org = string(member(e->json, "Orgc"), "name");
	struct text words;

	text_init(&words);
	text_format(&words, "MISP event %s%s%s", e->uuid, org ? " of " : "", org ? org : "");
	if (part)
		text_format(&words, ", part %zu", part + 1);
	text_str(t, ",\"description\":");
	text_json(t, words.bad ? "" : words.at);
	text_clear(&words);
}

/* The report of one bundle; the first has the event's own uuid. */
static void report_write(struct import *i, void *arg, struct text *t, const char (*ids)[60],
			 size_t n)
{
	const struct event *e = arg;
	const char *labels[TAGS_MAX];
	size_t part = i->part_count - e->first_part;
	char uuid[37], key[80], at[TIME_BYTES];

	snprintf(uuid, sizeof uuid, "%s", e->uuid);
	if (part) {
		snprintf(key, sizeof key, "%s|part|%zu", e->uuid, part + 1);
		uuid_of_text(uuid, key);
	}
	object_start(t, i, "report", uuid, e->created);
	text_str(t, ",\"name\":");
	text_json(t, *e->info ? e->info : "MISP event");
	description_add(t, e, part);
	object_labels(t, i, labels, tags_read(labels, e->json));
	text_format(t, ",\"published\":\"%s\",\"object_refs\":[", time_format(at, e->created));
	for (size_t o = 0; o < n; o++)
		text_format(t, "%s\"%s\"", o ? "," : "", ids[o]);
	text_str(t, "]");
	object_end(t, i);
}

static uint64_t event_created(const cJSON *json, uint64_t now)
{
	const char *date = string(json, "date");
	char text[32];
	uint64_t ms;

	if (date && strlen(date) == 10) {
		snprintf(text, sizeof text, "%sT00:00:00Z", date);
		if (time_parse(&ms, text) && ms < now)
			return ms;
	}
	ms = timestamp(json, "timestamp", now);
	return ms < now ? ms : now;
}

static enum err event_read(struct import *i, const cJSON *json, size_t number, const char *input,
			   struct report *report)
{
	struct event e = {.json = json, .input = input, .report = report};
	const cJSON *object;
	enum err err;

	e.uuid = string(json, "uuid");
	e.info = string(json, "info") ? string(json, "info") : "";
	if (!cJSON_IsObject(json) || !e.uuid || !uuid_valid(e.uuid)) {
		report_add(report, "%s: event %zu: no Event with a uuid", input, number);
		return ERR_FORMAT;
	}
	e.created = event_created(json, i->options.now);
	err = tags_check(&e, i, json, "event", e.info);
	/* An event has bundles of its own. */
	if (!err)
		err = bundle_close(i);
	if (err)
		return err;
	e.first_part = i->part_count;
	bundle_closing(i, report_write, &e);
	err = attributes_read(&e, i, json);
	cJSON_ArrayForEach(object, member(json, "Object"))
	{
		if (err)
			break;
		err = object_read(&e, i, object);
	}
	if (!err)
		err = note_close(&e, i);
	if (!err)
		err = bundle_close(i);
	if (err == ERR_LIMIT)
		report_add(report, "%s: event %s: an attribute is too large for a message", input,
			   e.uuid);
	bundle_closing(i, NULL, NULL);
	text_clear(&e.note);
	return err;
}

/* {"Event":...} in a list or alone. */
static enum err events_read(struct import *i, const cJSON *json, const char *input,
			    struct report *report)
{
	const cJSON *item;
	size_t number = 0;
	enum err err = ERR_OK;

	if (!cJSON_IsArray(json))
		return event_read(i, member(json, "Event"), 1, input, report);
	cJSON_ArrayForEach(item, json)
	{
		err = event_read(i, member(item, "Event"), ++number, input, report);
		if (err)
			break;
	}
	return err;
}

enum err import_misp(struct import *i, const char *bytes, size_t n, const char *name,
		     struct report *report)
{
	struct report inner;
	const cJSON *response;
	cJSON *json;
	enum err err;

	report_init(&inner);
	err = json_parse(&json, bytes, n, &inner);
	if (err)
		report_add(report, "%s: %s", name, report_first(&inner));
	report_clear(&inner);
	if (err)
		return err;
	response = member(json, "response");
	err = events_read(i, response ? response : json, name, report);
	cJSON_Delete(json);
	return err;
}
