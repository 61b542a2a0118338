#include "node/detect/sighting.h"

#include <stdio.h>
#include <string.h>

#include "protocol/admin.h"

static const char sum_member[] = "x_khabardar_sightings";

/* SPEC 8.12: "The ids are those (8.5) of the texts `sighting|<node>|<object id>`,
 * `false-positive|<node>|<object id>` and `sightings|<node>|<object id>`" */
void sighting_id(char out[SIGHTING_ID_BYTES], enum sighting_kind kind, const char *node,
		 const char *object)
{
	static const char *const texts[] = {"sighting", "false-positive", "sightings"};
	static const char *const types[] = {"sighting", "opinion", "sighting"};
	struct text t;
	char uuid[37] = "";

	text_init(&t);
	text_format(&t, "%s|%s|%s", texts[kind], node, object);
	if (!t.bad)
		uuid_of_text(uuid, t.at);
	text_clear(&t);
	snprintf(out, SIGHTING_ID_BYTES, "%s--%s", types[kind], uuid);
}

/* ---- writing ---- */

static void put_time(struct text *t, const char *name, uint64_t ms)
{
	char at[TIME_BYTES];

	text_format(t, ",\"%s\":\"%s\"", name, time_format(at, ms));
}

static void object_begin(struct sighting_bundle *b, const char *type, const char *id,
			 uint64_t created)
{
	struct text *t = &b->text;

	text_format(t, ",{\"type\":\"%s\",\"spec_version\":\"2.1\",\"id\":\"%s\"", type, id);
	text_format(t, ",\"created_by_ref\":\"%s\"", b->identity);
	put_time(t, "created", created && created < b->now ? created : b->now);
	put_time(t, "modified", b->now);
}

static void object_end(struct sighting_bundle *b)
{
	text_format(&b->text, ",\"object_marking_refs\":[\"%s\"]}", tlp_marking_id(b->tlp));
}

void sighting_bundle_begin(struct sighting_bundle *b, const char *node, const char *title,
			   enum tlp tlp, uint64_t now, const char *uuid)
{
	char id[37] = "";
	struct text *t = &b->text, name;

	*b = (struct sighting_bundle){.node = node, .tlp = tlp, .now = now};
	text_init(t);
	text_init(&name);
	text_format(&name, "identity|%s", node);
	if (!name.bad)
		uuid_of_text(id, name.at);
	text_clear(&name);
	snprintf(b->identity, sizeof b->identity, "identity--%s", id);
	text_format(t, "{\"type\":\"bundle\",\"id\":\"bundle--%s\",\"objects\":[", uuid);
	text_format(t, "{\"type\":\"identity\",\"spec_version\":\"2.1\",\"id\":\"%s\"",
		    b->identity);
	text_str(t, ",\"created\":\"" IDENTITY_CREATED "\"");
	put_time(t, "modified", now);
	text_str(t, ",\"identity_class\":\"organization\",\"name\":");
	text_json(t, *title ? title : node);
	text_str(t, "},");
	text_str(t, tlp_marking_object(tlp));
}

static void sighting_put(struct sighting_bundle *b, const char *id, const char *object,
			 uint64_t count, uint64_t first, uint64_t last, uint64_t created)
{
	struct text *t = &b->text;

	object_begin(b, "sighting", id, created);
	text_str(t, ",\"sighting_of_ref\":");
	text_json(t, object);
	text_format(t, ",\"count\":%llu", (unsigned long long)count);
	if (first && last) {
		put_time(t, "first_seen", first);
		put_time(t, "last_seen", last);
	}
}

void sighting_add_seen(struct sighting_bundle *b, const char *object, const struct sighted *s,
		       uint64_t created)
{
	char id[SIGHTING_ID_BYTES];

	sighting_id(id, SIGHTING_SEEN, b->node, object);
	sighting_put(b, id, object, s->count, s->first, s->last, created);
	if (s->named)
		text_format(&b->text, ",\"where_sighted_refs\":[\"%s\"]", b->identity);
	object_end(b);
}

void sighting_add_false(struct sighting_bundle *b, const char *object, uint64_t created)
{
	char id[SIGHTING_ID_BYTES];

	sighting_id(id, SIGHTING_FALSE, b->node, object);
	object_begin(b, "opinion", id, created);
	text_str(&b->text, ",\"opinion\":\"strongly-disagree\",\"explanation\":\"false positive\","
			   "\"object_refs\":[");
	text_json(&b->text, object);
	text_str(&b->text, "]");
	object_end(b);
}

void sighting_add_sum(struct sighting_bundle *b, const char *object, const struct sightings *s,
		      uint64_t created)
{
	char id[SIGHTING_ID_BYTES];
	struct text *t = &b->text;

	sighting_id(id, SIGHTING_SUM, b->node, object);
	sighting_put(b, id, object, s->count, s->first, s->last, created);
	text_format(t, ",\"%s\":{\"certs\":%u,\"sectors\":%u,\"false_positives\":%u", sum_member,
		    s->certs, s->sectors, s->false_positives);
	/* STIX knows no empty lists. */
	for (size_t i = 0; i < s->name_count; i++)
		text_format(t, "%s\"%s\"", i ? "," : ",\"named\":[", s->names[i]);
	text_str(t, s->name_count ? "]}" : "}");
	object_end(b);
}

void sighting_bundle_end(struct sighting_bundle *b)
{
	text_str(&b->text, "]}");
}

/* ---- reading ---- */

static const char *string_of(const cJSON *json, const char *name)
{
	return cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(json, name));
}

/* A number from 0 to most; 0 where there is none. */
static uint64_t number_of(const cJSON *json, const char *name, uint64_t most)
{
	const cJSON *n = cJSON_GetObjectItemCaseSensitive(json, name);

	if (!cJSON_IsNumber(n) || !(n->valuedouble > 0))
		return 0;
	return n->valuedouble < (double)most ? (uint64_t)n->valuedouble : most;
}

static uint64_t time_of(const cJSON *json, const char *name)
{
	const char *text = string_of(json, name);
	uint64_t ms;

	return text && time_parse(&ms, text) ? ms : 0;
}

static bool is_opinion(const struct stix_object *o)
{
	const char *opinion = string_of(o->json, "opinion");

	return strcmp(o->type, "opinion") == 0 && opinion &&
	       strcmp(opinion, "strongly-disagree") == 0;
}

const char *sighting_object(const struct stix_object *o)
{
	const cJSON *refs;

	if (strcmp(o->type, "sighting") == 0)
		return string_of(o->json, "sighting_of_ref");
	if (!is_opinion(o))
		return NULL;
	refs = cJSON_GetObjectItemCaseSensitive(o->json, "object_refs");
	return refs && cJSON_IsArray(refs) ? cJSON_GetStringValue(refs->child) : NULL;
}

static void seen_read(const cJSON *json, uint64_t *count, uint64_t *first, uint64_t *last)
{
	bool counted = cJSON_IsNumber(cJSON_GetObjectItemCaseSensitive(json, "count"));

	/* A sighting without a count is one. */
	*count = counted ? number_of(json, "count", SIGHTINGS_COUNT_MAX) : 1;
	*first = time_of(json, "first_seen");
	*last = time_of(json, "last_seen");
}

bool sighting_read(const struct stix_object *o, struct sighted *s)
{
	const cJSON *where = cJSON_GetObjectItemCaseSensitive(o->json, "where_sighted_refs");

	if (is_opinion(o)) {
		s->false_positive = true;
		return true;
	}
	if (strcmp(o->type, "sighting") != 0)
		return false;
	seen_read(o->json, &s->count, &s->first, &s->last);
	if (!s->first)
		s->first = s->last = o->created;
	if (s->last < s->first)
		s->last = s->first;
	s->named = cJSON_IsArray(where) && where->child;
	return true;
}

bool sightings_read(const struct stix_object *o, struct sightings *s)
{
	const cJSON *sum = cJSON_GetObjectItemCaseSensitive(o->json, sum_member), *name;

	*s = (struct sightings){0};
	if (strcmp(o->type, "sighting") != 0 || !cJSON_IsObject(sum))
		return false;
	seen_read(o->json, &s->count, &s->first, &s->last);
	s->certs = (unsigned)number_of(sum, "certs", UINT16_MAX);
	s->sectors = (unsigned)number_of(sum, "sectors", UINT16_MAX);
	s->false_positives = (unsigned)number_of(sum, "false_positives", UINT16_MAX);
	cJSON_ArrayForEach(name, cJSON_GetObjectItemCaseSensitive(sum, "named"))
	{
		const char *text = cJSON_GetStringValue(name);
		if (text && name_valid(text) && s->name_count < SIGHTERS_NAMED_MAX)
			strcpy(s->names[s->name_count++], text);
	}
	return true;
}

bool sightings_equal(const struct sightings *a, const struct sightings *b)
{
	bool same = a->count == b->count && a->first == b->first && a->last == b->last &&
		    a->certs == b->certs && a->sectors == b->sectors &&
		    a->false_positives == b->false_positives && a->name_count == b->name_count;

	for (size_t i = 0; same && i < a->name_count; i++)
		same = strcmp(a->names[i], b->names[i]) == 0;
	return same;
}

void sightings_show(struct text *t, const struct sightings *s)
{
	admin_put_number(t, "count", s->count);
	admin_put_number(t, "certs", s->certs);
	admin_put_number(t, "sectors", s->sectors);
	admin_put_number(t, "false_positives", s->false_positives);
	admin_put_time(t, "first", s->first);
	admin_put_time(t, "last", s->last);
	admin_put_name(t, "named");
	text_str(t, "[");
	for (size_t i = 0; i < s->name_count; i++)
		admin_put_string(t, NULL, s->names[i]);
	text_str(t, "]");
}
