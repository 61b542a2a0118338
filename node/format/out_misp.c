/* misp-feed: what MISP makes of a message.  One event for each, with an attribute for each value;
 * out_misp_feed.c makes files of the events.
 *
 * The objects of a message come one after the other.  What is known of it when the next begins is
 * one record: the event is written when everything has been read. */
#include "node/format/misp_publish.h"
#include "node/format/out_misp.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "node/format/md5.h"
#include "protocol/bytes.h"
#include "protocol/stix.h"

enum {
	EVENT_MAX_BYTES = 32 << 20,
	MESSAGE_TEXT_BYTES = 2 * MESSAGE_ID_BYTES + 1,
	DATE_BYTES = 10,
	ENDPOINT_BYTES = 300
};

struct misp {
	char message[MESSAGE_TEXT_BYTES]; /* "" before the first */
	char uuid[37];
	char node[2 * PARTY_ID_BYTES + 1];
	enum tlp tlp;
	uint64_t created, modified; /* ms */
	struct text info;           /* the name of a report, if there is one */
	struct text attributes;
	size_t count;
};

static const char *const network = "Network activity", *const delivery = "Payload delivery";

/* Type and category of a value in MISP's terms; false when it has none. */
static bool type_of(const struct observable *v, const char **type, const char **category)
{
	*category = network;
	switch (v->type) {
	case OBSERVABLE_IPV4:
	case OBSERVABLE_IPV6:
		*type = "ip-dst";
		return true;
	case OBSERVABLE_ENDPOINT:
		/* Without an address it is a name. */
		*type = v->text[0] == '[' || strspn(v->text, "0123456789.:") == v->length
				? "ip-dst|port"
				: "hostname|port";
		return true;
	case OBSERVABLE_DOMAIN:
		*type = "domain";
		return true;
	case OBSERVABLE_URL:
		*type = "url";
		return true;
	case OBSERVABLE_PATH:
		*type = "uri";
		return true;
	case OBSERVABLE_EMAIL:
		*type = "email";
		return true;
	case OBSERVABLE_MD5:
	case OBSERVABLE_SHA1:
	case OBSERVABLE_SHA256:
	case OBSERVABLE_SHA512:
		*type = observable_type_str(v->type);
		break;
	case OBSERVABLE_FILE_NAME:
		*type = "filename";
		break;
	case OBSERVABLE_NONE:
	case OBSERVABLE_TYPES:
		return false;
	}
	*category = delivery;
	return true;
}

/* ---- attributes ---- */

struct attribute {
	const char *type, *category, *value, *comment;
	bool to_ids;
};

static enum err hash_add(struct export *x, const char *value, size_t n)
{
	const struct misp *m = x->own;
	struct text record;
	char hex[MD5_HEX_BYTES];
	enum err e;

	text_init(&record);
	md5_hex(hex, value, n);
	text_format(&record, "%c%s,%s", MISP_HASH, hex, m->uuid);
	e = export_text(x, &record);
	text_clear(&record);
	return e;
}

/* Each half of a value that is made of two is found by itself. */
static enum err hashes_add(struct export *x, const struct attribute *a)
{
	const char *bar = strchr(a->type, '|') ? strrchr(a->value, '|') : NULL;
	enum err e;

	if (!bar)
		return hash_add(x, a->value, strlen(a->value));
	e = hash_add(x, a->value, (size_t)(bar - a->value));
	return e ? e : hash_add(x, bar + 1, strlen(bar + 1));
}

/* A stranger's label that looks like a TLP is none. */
static void put_tags(struct text *t, const cJSON *labels)
{
	const cJSON *label;
	bool any = false;

	cJSON_ArrayForEach(label, labels)
	{
		const char *s = cJSON_GetStringValue(label);

		if (!s || !*s || strncasecmp(s, "tlp:", 4) == 0)
			continue;
		text_str(t, any ? ",{\"name\":" : ",\"Tag\":[{\"name\":");
		text_json(t, s);
		text_str(t, "}");
		any = true;
	}
	if (any)
		text_str(t, "]");
}

static enum err attribute_add(struct export *x, const struct export_object *o,
			      const struct attribute *a)
{
	struct misp *m = x->own;
	struct text *t = &m->attributes, name;
	char uuid[37];

	if (t->length > EVENT_MAX_BYTES)
		return export_leave(x, "values of a message that makes too large an event");
	/* MISP knows an attribute by its uuid, in one event only. */
	text_init(&name);
	text_format(&name, "misp-attribute|%s|%s|%s|%s", m->message, o->id, a->type, a->value);
	if (!name.bad)
		uuid_of_text(uuid, name.at);
	t->bad = t->bad || name.bad;
	text_clear(&name);
	if (t->bad)
		return ERR_MEMORY;
	text_format(t, "%s{\"uuid\":\"%s\",\"type\":\"%s\",\"category\":\"%s\",\"to_ids\":%s,",
		    m->count ? ",\n" : "", uuid, a->type, a->category,
		    a->to_ids ? "true" : "false");
	text_format(t, "\"timestamp\":\"%llu\",\"distribution\":\"5\",\"deleted\":false,",
		    (unsigned long long)((o->modified ? o->modified : m->created) / 1000));
	text_str(t, "\"comment\":");
	text_json(t, a->comment);
	text_str(t, ",\"value\":");
	text_json(t, a->value);
	put_tags(t, o->labels);
	text_str(t, "}");
	m->count++;
	x->result.written++;
	return t->bad ? ERR_MEMORY : hashes_add(x, a);
}

static enum err value_add(struct export *x, const struct export_object *o, struct observable *v)
{
	bool indicator = strcmp(o->type, "indicator") == 0;
	struct attribute a = {
		.value = v->text,
		.comment = strcmp(o->name, v->text) == 0 ? "" : o->name,
		.to_ids = indicator && (v->type != OBSERVABLE_FILE_NAME || o->alone),
	};
	struct observable host;
	char both[ENDPOINT_BYTES];
	unsigned port;

	if (!type_of(v, &a.type, &a.category))
		return ERR_OK;
	if (!export_host(v, &host, &port))
		return attribute_add(x, o, &a);
	/* Shorter than a value may be: the host of an endpoint is an address or a domain. */
	snprintf(both, sizeof both, "%.255s|%u", host.text, port);
	a.value = both;
	return attribute_add(x, o, &a);
}

static enum err values_add(struct export *x, const struct export_object *o)
{
	const cJSON *value;
	enum err e = ERR_OK;

	cJSON_ArrayForEach(value, o->values)
	{
		const char *type =
			cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(value, "type"));
		const char *text =
			cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(value, "value"));
		enum observable_type t;
		const char *why;

		if (!e && type && text && observable_type_parse(type, &t) &&
		    observable_set(&x->value, t, text, &why) == ERR_OK)
			e = value_add(x, o, &x->value);
	}
	return e;
}

/* A pattern of a language that MISP has a type for, or that equality does not express. */
static enum err pattern_add(struct export *x, const struct export_object *o)
{
	static const struct {
		const char *language, *type;
		const char *const *category;
	} types[] = {{"stix", "stix2-pattern", &delivery},
		     {"yara", "yara", &delivery},
		     {"sigma", "sigma", &delivery},
		     {"snort", "snort", &network},
		     {"suricata", "snort", &network}};
	const char *language =
		cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(o->json, "pattern_type"));
	const char *pattern =
		cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(o->json, "pattern"));

	for (size_t i = 0; language && pattern && i < sizeof types / sizeof *types; i++) {
		const struct attribute a = {types[i].type, *types[i].category, pattern, o->name,
					    true};
		if (strcmp(language, types[i].language) == 0)
			return attribute_add(x, o, &a);
	}
	return export_leave(x, "patterns of languages that MISP does not know");
}

/* What is neither a value nor a pattern: words. */
static enum err words_add(struct export *x, const struct export_object *o)
{
	const char *content =
		cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(o->json, "content"));
	const struct attribute a = {"text", "Other", content && *content ? content : o->name,
				    o->type, false};

	if (!*a.value)
		return export_leave(x, "objects that MISP has no place for");
	return attribute_add(x, o, &a);
}

/* ---- events ---- */

static void put_org(struct text *t, const char *member, const char *node)
{
	char uuid[37];
	struct text name;

	text_init(&name);
	text_format(&name, "identity|%s", node);
	if (!name.bad)
		uuid_of_text(uuid, name.at);
	t->bad = t->bad || name.bad;
	text_clear(&name);
	if (!t->bad)
		text_format(t, "\"%s\":{\"name\":\"%s\",\"uuid\":\"%s\"},", member, node, uuid);
}

/* What manifest and event have in common. */
static void put_summary(struct text *t, const struct misp *m)
{
	char at[TIME_BYTES];

	text_str(t, "\"info\":");
	if (m->info.length)
		text_json(t, m->info.at);
	else
		text_format(t, "\"Khabardar: shared by %s\"", m->node);
	text_format(t, ",\"date\":\"%.*s\",\"analysis\":\"2\",\"threat_level_id\":\"4\",",
		    DATE_BYTES, time_format(at, m->created));
	put_org(t, "Orgc", m->node);
	/* SPEC 9.17: "what our feed has delivered is never shared back" */
	text_format(t, "\"Tag\":[{\"name\":\"tlp:%s\"},{\"name\":\"" MISP_FEED_TAG "\\\"%s\\\"\"}]",
		    tlp_str(m->tlp), m->node);
}

/* A record: MISP_EVENT, uuid and NUL, the time of the newest object in seconds, the length of the
 * summary, the summary, the rest of the event. */
static enum err event_end(struct export *x)
{
	struct misp *m = x->own;
	struct text record, summary;
	uint8_t numbers[8 + 4];
	enum err e = ERR_OK;

	if (m->count) {
		text_init(&record);
		text_init(&summary);
		put_summary(&summary, m);
		put_u64(numbers, (m->modified ? m->modified : m->created) / 1000);
		put_u32(numbers + 8, (uint32_t)summary.length);
		text_format(&record, "%c%s", MISP_EVENT, m->uuid);
		text_add(&record, "", 1);
		text_add(&record, (char *)numbers, sizeof numbers);
		text_add(&record, summary.at, summary.length);
		text_str(&record, ",");
		put_org(&record, "Org", m->node);
		text_format(&record,
			    "\"published\":true,\"distribution\":\"0\",\"locked\":false,"
			    "\"attribute_count\":\"%zu\",\"Attribute\":[\n",
			    m->count);
		text_add(&record, m->attributes.at, m->attributes.length);
		text_str(&record, "\n]");
		record.bad = record.bad || summary.bad;
		e = export_text(x, &record);
		text_clear(&summary);
		text_clear(&record);
	}
	m->message[0] = '\0';
	m->attributes.length = m->info.length = m->count = 0;
	m->modified = 0;
	return e;
}

static enum err event_start(struct export *x, const struct export_object *o)
{
	struct misp *m = x->own;
	struct text name;
	enum err e;

	snprintf(m->message, sizeof m->message, "%s", o->message);
	snprintf(m->node, sizeof m->node, "%s", o->node);
	m->tlp = o->tlp;
	m->created = o->created;
	text_init(&name);
	text_format(&name, "misp-event|%s", m->message);
	e = name.bad ? ERR_MEMORY : ERR_OK;
	if (!e)
		uuid_of_text(m->uuid, name.at);
	text_clear(&name);
	return e;
}

static enum err misp_object(struct export *x, const struct export_object *o)
{
	struct misp *m = x->own ? x->own : (x->own = calloc(1, sizeof *m));
	enum err e = m ? ERR_OK : ERR_MEMORY;

	if (!e && strcmp(m->message, o->message) != 0) {
		e = event_end(x);
		if (!e)
			e = event_start(x, o);
	}
	if (e || o->scaffolding)
		return e;
	if (o->modified > m->modified)
		m->modified = o->modified;
	if (strcmp(o->type, "report") == 0 && m->info.length == 0 && *o->name) {
		text_str(&m->info, o->name);
		return m->info.bad ? ERR_MEMORY : ERR_OK;
	}
	if (cJSON_GetArraySize(o->values))
		return values_add(x, o);
	return strcmp(o->type, "indicator") == 0 ? pattern_add(x, o) : words_add(x, o);
}

static enum err misp_finish(struct export *x)
{
	enum err e = x->own ? event_end(x) : ERR_OK;

	return e ? e : misp_feed_write(x);
}

static void misp_close(struct export *x)
{
	struct misp *m = x->own;

	if (!m)
		return;
	text_clear(&m->info);
	text_clear(&m->attributes);
	free(m);
}

const struct exporter exporter_misp = {
	.format = {.name = "misp-feed", .whole = true},
	.object = misp_object,
	.finish = misp_finish,
	.close = misp_close,
};
