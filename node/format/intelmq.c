/* Events of IntelMQ, flat ("source.ip") or nested: whom they name as the source. */
#include <string.h>
#include <strings.h>

#include "node/format/records.h"

enum { KEY_BYTES = 64, MQ_LABELS = 2 };

/* A value by its dotted name, however many of the dots are levels. */
static const cJSON *field(const cJSON *json, const char *key)
{
	const cJSON *value = cJSON_GetObjectItemCaseSensitive(json, key);

	for (const char *dot = strchr(key, '.'); dot && !value; dot = strchr(dot + 1, '.')) {
		char head[KEY_BYTES] = "";
		const cJSON *inner;
		memcpy(head, key, (size_t)(dot - key));
		inner = cJSON_GetObjectItemCaseSensitive(json, head);
		if (cJSON_IsObject(inner))
			value = field(inner, dot + 1);
	}
	/* Some outputs write what is not there. */
	return cJSON_IsNull(value) ? NULL : value;
}

static const char *words(const cJSON *json, const char *key)
{
	return cJSON_GetStringValue(field(json, key));
}

bool looks_intelmq(const cJSON *json)
{
	const char *type = words(json, "__type");

	return (type && strcmp(type, "Event") == 0) || words(json, "classification.type") ||
	       words(json, "classification.taxonomy");
}

/* Events about those who should be helped, not kept off. */
static const char *left_out(const cJSON *json)
{
	static const char *const types[] = {
		"vulnerable-system",      "weak-crypto",
		"ddos-amplifier",         "potentially-unwanted-accessible",
		"information-disclosure",
	};
	const char *taxonomy = words(json, "classification.taxonomy");
	const char *type = words(json, "classification.type");

	if ((type && strcasecmp(type, "test") == 0) ||
	    (taxonomy && strcasecmp(taxonomy, "test") == 0))
		return "tests";
	if (taxonomy && strcasecmp(taxonomy, "vulnerable") == 0)
		return "vulnerable systems";
	for (size_t t = 0; type && t < sizeof types / sizeof *types; t++) {
		if (strcasecmp(type, types[t]) == 0)
			return "vulnerable systems";
	}
	return NULL;
}

static enum err event_read(struct import *i, const struct record *r)
{
	const cJSON *e = r->json;
	const struct kind source[] = {
		{field(e, "source.url"), OBSERVABLE_URL},
		{field(e, "source.fqdn"), OBSERVABLE_DOMAIN},
		{field(e, "source.ip"), OBSERVABLE_NONE},
		{field(e, "source.network"), OBSERVABLE_NONE},
	};
	const struct kind others[] = {
		{field(e, "malware.hash.sha256"), OBSERVABLE_SHA256},
		{field(e, "malware.hash.sha1"), OBSERVABLE_SHA1},
		{field(e, "malware.hash.md5"), OBSERVABLE_MD5},
	};
	const char *said[] = {words(e, "classification.type"), words(e, "malware.name")};
	const char *labels[MQ_LABELS], *first = words(e, "time.source"), *left = left_out(e);
	struct indicator like = {.labels = labels,
				 .description = words(e, "event_description.text")};
	bool found = false;
	enum err err = record_tlp(i, r, words(e, "tlp"));

	if (err || left)
		return err ? err : import_leave(i, left);
	like.created = like.valid_from = time_read(first, i->options.now);
	for (size_t s = 0; s < MQ_LABELS; s++) {
		if (said[s] && *said[s] && strlen(said[s]) <= LABEL_MAX_BYTES)
			labels[like.label_count++] = said[s];
	}
	err = kinds_add(i, r, source, sizeof source / sizeof *source, &like, &found);
	for (size_t k = 0; k < sizeof others / sizeof *others && !err; k++)
		err = kinds_add(i, r, &others[k], 1, &like, &found);
	if (!err && !found)
		err = record_reject(i, r, "", "no source and no hash of malware in it");
	return err;
}

enum err import_intelmq(struct import *i, const char *bytes, size_t n, const char *name,
			struct report *report)
{
	return records_read(i, bytes, n, name, report, event_read);
}
