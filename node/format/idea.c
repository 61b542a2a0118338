/* Events of IDEA, as Warden passes them on: whom they name as the source. */
#include <string.h>
#include <strings.h>

#include "node/format/records.h"

enum { IDEA_LABELS = 8 };

/* IDEA compares names without case. */
static const cJSON *member(const cJSON *json, const char *key)
{
	return cJSON_GetObjectItem(json, key);
}

static const char *words(const cJSON *json, const char *key)
{
	return cJSON_GetStringValue(member(json, key));
}

bool looks_idea(const cJSON *json)
{
	const char *format = words(json, "Format");

	return format && strcasecmp(format, "IDEA0") == 0;
}

/* Of an event that tells nothing of anybody bad: why. */
static const char *left_out(const cJSON *categories)
{
	const cJSON *c;

	cJSON_ArrayForEach(c, categories)
	{
		const char *text = cJSON_GetStringValue(c);
		if (text && strcasecmp(text, "Test") == 0)
			return "tests";
		if (text && strncasecmp(text, "Vulnerable", 10) == 0)
			return "vulnerable systems";
	}
	return NULL;
}

static const char *broken(const cJSON *json)
{
	const cJSON *categories = member(json, "Category");

	if (!looks_idea(json))
		return "not of the format IDEA0";
	if (!words(json, "ID") || !words(json, "DetectTime"))
		return "no ID or no DetectTime";
	if (!cJSON_IsArray(categories) || !categories->child)
		return "no Category";
	if (!cJSON_IsArray(member(json, "Source")))
		return "no Source";
	return NULL;
}

static enum err source_read(struct import *i, const struct record *r, const cJSON *source,
			    const struct indicator *like, bool *found)
{
	const struct kind kinds[] = {
		{member(source, "URL"), OBSERVABLE_URL},
		{member(source, "Hostname"), OBSERVABLE_DOMAIN},
		{member(source, "IP4"), OBSERVABLE_NONE},
		{member(source, "IP6"), OBSERVABLE_NONE},
	};
	const struct kind email = {member(source, "Email"), OBSERVABLE_EMAIL};
	enum err err;

	if (cJSON_IsTrue(member(source, "Spoofed")) || cJSON_IsTrue(member(source, "Anonymised"))) {
		*found = true;
		return import_leave(i, "sources that are forged or made unrecognisable");
	}
	err = kinds_add(i, r, kinds, sizeof kinds / sizeof *kinds, like, found);
	return err ? err : kinds_add(i, r, &email, 1, like, found);
}

static enum err event_read(struct import *i, const struct record *r)
{
	const char *labels[IDEA_LABELS], *why = broken(r->json), *left;
	struct indicator like = {.labels = labels, .description = words(r->json, "Description")};
	const cJSON *item;
	bool found = false;
	enum err err = record_tlp(i, r, words(r->json, "TLP"));

	if (err)
		return err;
	if (why)
		return record_reject(i, r, words(r->json, "ID") ? words(r->json, "ID") : "", why);
	left = left_out(member(r->json, "Category"));
	if (left)
		return import_leave(i, left);
	like.created = like.valid_from = time_read(words(r->json, "DetectTime"), i->options.now);
	cJSON_ArrayForEach(item, member(r->json, "Category"))
	{
		const char *text = cJSON_GetStringValue(item);
		if (text && *text && strlen(text) <= LABEL_MAX_BYTES &&
		    like.label_count < IDEA_LABELS)
			labels[like.label_count++] = text;
	}
	cJSON_ArrayForEach(item, member(r->json, "Source"))
	{
		err = source_read(i, r, item, &like, &found);
		if (err)
			break;
	}
	if (!err && !found)
		err = record_reject(i, r, words(r->json, "ID"), "no source that can be looked up");
	return err;
}

enum err import_idea(struct import *i, const char *bytes, size_t n, const char *name,
		     struct report *report)
{
	return records_read(i, bytes, n, name, report, event_read);
}
