#include "protocol/stix.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum { TYPE_MIN_BYTES = 3, TYPE_MAX_BYTES = 250 };

struct bundle {
	cJSON *owned;   /* the parsed text */
	const char *id; /* in it */
	struct stix_object *objects;
	size_t count;
};

/* The properties of one object that rules depend on; NULL where absent. */
struct properties {
	const cJSON *type, *id, *spec_version, *created, *modified, *name, *pattern, *pattern_type,
		*valid_from, *valid_until, *revoked, *markings, *granular, *creator;
};

/* A marking-definition of the bundle that spells out a TLP. */
struct definition {
	const char *id;
	enum tlp tlp;
};

struct reading {
	struct bundle *bundle;
	struct properties *properties; /* one for each object */
	struct definition definitions[TLP_DEFINITIONS_MAX];
	size_t definition_count;
	struct report *report;
	size_t number; /* of the object being read, from 1 */
	const char *id;
	size_t problems;
};

static void problem(struct reading *r, const char *what, const char *detail)
{
	r->problems++;
	report_add(r->report, "object %zu (%s): %s%s%s", r->number, r->id ? r->id : "without id",
		   what, detail ? " " : "", detail ? detail : "");
}

/* One walk over the members: cJSON's own look-up starts at the first for every name. */
static void properties_read(struct properties *p, const cJSON *object)
{
	const struct {
		const char *key;
		const cJSON **to;
	} wanted[] = {
		{"type", &p->type},
		{"id", &p->id},
		{"spec_version", &p->spec_version},
		{"created", &p->created},
		{"modified", &p->modified},
		{"name", &p->name},
		{"pattern", &p->pattern},
		{"pattern_type", &p->pattern_type},
		{"valid_from", &p->valid_from},
		{"valid_until", &p->valid_until},
		{"revoked", &p->revoked},
		{"object_marking_refs", &p->markings},
		{"granular_markings", &p->granular},
		{"created_by_ref", &p->creator},
	};
	const cJSON *member;

	*p = (struct properties){0};
	/* The elements of an array have no names. */
	if (!cJSON_IsObject(object))
		return;
	cJSON_ArrayForEach(member, object)
	{
		for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++) {
			if (member->string[0] == wanted[i].key[0] &&
			    strcmp(member->string, wanted[i].key) == 0) {
				*wanted[i].to = member;
				break;
			}
		}
	}
}

static bool id_valid(const char *id, const char *type)
{
	size_t n = strlen(type);

	return strncmp(id, type, n) == 0 && strncmp(id + n, "--", 2) == 0 && uuid_valid(id + n + 2);
}

static bool type_valid(const char *type)
{
	size_t n = strspn(type, "abcdefghijklmnopqrstuvwxyz0123456789-");

	return !type[n] && n >= TYPE_MIN_BYTES && n <= TYPE_MAX_BYTES;
}

/* The types of STIX 2.1 whose objects have versions; cyber-observable objects are facts without. */
static bool type_versioned(const char *type)
{
	static const char *const types[] = {
		"indicator",      "relationship",     "attack-pattern",
		"campaign",       "course-of-action", "extension-definition",
		"grouping",       "identity",         "incident",
		"infrastructure", "intrusion-set",    "language-content",
		"location",       "malware",          "malware-analysis",
		"note",           "observed-data",    "opinion",
		"report",         "sighting",         "threat-actor",
		"tool",           "vulnerability",    "marking-definition",
	};

	for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
		if (strcmp(type, types[i]) == 0)
			return true;
	}
	return false;
}

/* A property that must be a string when present; NULL when absent or not. */
static const char *string_of(struct reading *r, const cJSON *property, bool required,
			     const char *name)
{
	const char *text = cJSON_GetStringValue(property);

	if (!text && (property || required))
		problem(r, property ? "is not a string:" : "has no", name);
	return text;
}

static void time_of(struct reading *r, uint64_t *ms, const cJSON *property, bool required,
		    const char *name)
{
	const char *text = string_of(r, property, required, name);

	*ms = 0;
	if (text && !time_parse(ms, text))
		problem(r, "is not a time such as 2026-11-21T22:00:00.000Z:", name);
}

static void versions_read(struct reading *r, struct stix_object *o, const struct properties *p)
{
	bool marking = strcmp(o->type, "marking-definition") == 0;
	/* SPEC 8.1: "An object of a type that STIX 2.1 does not define is read as a
	 * cyber-observable unless it has created or modified." */
	bool versioned = type_versioned(o->type) || p->created || p->modified;
	const char *version = string_of(r, p->spec_version, versioned, "spec_version");

	if (version && strcmp(version, "2.1") != 0)
		problem(r, "is not of STIX 2.1 but of version", version);
	time_of(r, &o->created, p->created, versioned, "created");
	time_of(r, &o->modified, p->modified, versioned && !marking, "modified");
	if (marking && !p->modified)
		o->modified = o->created;
}

static void indicator_read(struct reading *r, struct stix_object *o, const struct properties *p)
{
	const char *pattern = string_of(r, p->pattern, true, "pattern");
	const char *type = string_of(r, p->pattern_type, true, "pattern_type");

	time_of(r, &o->valid_from, p->valid_from, true, "valid_from");
	time_of(r, &o->valid_until, p->valid_until, false, "valid_until");
	if (p->valid_until && o->valid_until <= o->valid_from)
		problem(r, "valid_until is not after valid_from", NULL);
	if (pattern && !*pattern)
		problem(r, "has an empty pattern", NULL);
	if (pattern && type && strcmp(type, "stix") == 0)
		o->pattern = pattern;
}

static void object_read(struct reading *r, struct stix_object *o, const struct properties *p)
{
	const char *type = cJSON_GetStringValue(p->type), *id = cJSON_GetStringValue(p->id);

	r->id = id;
	o->type = type ? type : "";
	o->id = id ? id : "";
	if (!type || !type_valid(type)) {
		problem(r, "has no valid type", NULL);
		return;
	}
	if (!id || !id_valid(id, type)) {
		problem(r, "has no id of the form", "<type>--<uuid>");
		return;
	}
	o->name = cJSON_GetStringValue(p->name);
	versions_read(r, o, p);
	if (strcmp(type, "indicator") == 0)
		indicator_read(r, o, p);
	if (p->revoked && !cJSON_IsBool(p->revoked))
		problem(r, "revoked is neither true nor false", NULL);
	o->revoked = cJSON_IsTrue(p->revoked);
}

static void definition_read(struct reading *r, const struct stix_object *o)
{
	enum tlp tlp;

	if (strcmp(o->type, "marking-definition") != 0 || tlp_of_marking(o->id, &tlp) ||
	    !tlp_of_definition(o->json, &tlp))
		return;
	if (r->definition_count == TLP_DEFINITIONS_MAX) {
		problem(r, "is one TLP definition too many", NULL);
		return;
	}
	r->definitions[r->definition_count++] = (struct definition){o->id, tlp};
}

static void marking_apply(struct reading *r, struct stix_object *o, const cJSON *ref)
{
	const char *id = cJSON_GetStringValue(ref);
	enum tlp tlp = TLP_CLEAR;
	bool known;

	if (!id) {
		problem(r, "has a marking that is not a string", NULL);
		return;
	}
	known = tlp_of_marking(id, &tlp);
	for (size_t i = 0; i < r->definition_count && !known; i++) {
		known = strcmp(id, r->definitions[i].id) == 0;
		tlp = known ? r->definitions[i].tlp : tlp;
	}
	if (!known)
		return;
	o->marked = true;
	if (tlp > o->tlp)
		o->tlp = tlp;
}

/* SPEC 8.1: "The marking of a part of an object (granular_markings) counts as a marking of the
 * object." */
static void markings_read(struct reading *r, struct stix_object *o, const struct properties *p)
{
	const cJSON *item;

	if ((p->markings && !cJSON_IsArray(p->markings)) ||
	    (p->granular && !cJSON_IsArray(p->granular))) {
		problem(r, "has markings that are not a list", NULL);
		return;
	}
	cJSON_ArrayForEach(item, p->markings) marking_apply(r, o, item);
	cJSON_ArrayForEach(item, p->granular)
	{
		const cJSON *ref = cJSON_GetObjectItemCaseSensitive(item, "marking_ref");

		/* The other kind of granular marking names a language. */
		if (ref)
			marking_apply(r, o, ref);
	}
}

static bool identity(const struct stix_object *o)
{
	return strcmp(o->type, "identity") == 0;
}

static void scaffolding_find(struct reading *r)
{
	struct bundle *b = r->bundle;
	const char *last = "";

	for (size_t i = 0; i < b->count; i++) {
		const char *creator = cJSON_GetStringValue(r->properties[i].creator);

		if (strcmp(b->objects[i].type, "marking-definition") == 0)
			b->objects[i].scaffolding = true;
		/* Most bundles have one creator; look for it once. */
		if (!creator || strcmp(creator, last) == 0)
			continue;
		last = creator;
		for (size_t j = 0; j < b->count; j++) {
			if (identity(&b->objects[j]) && j != i &&
			    strcmp(b->objects[j].id, creator) == 0)
				b->objects[j].scaffolding = true;
		}
	}
}

static enum err raw_find(struct bundle *b, struct slice text, size_t count)
{
	struct slice array, *slices = calloc(count, sizeof *slices);
	enum err err = ERR_FORMAT;
	size_t found = 0;

	if (!slices)
		return ERR_MEMORY;
	if (json_member(&array, text, "objects"))
		err = json_elements(slices, count, &found, array);
	for (size_t i = 0; i < found; i++)
		b->objects[i].raw = slices[i];
	free(slices);
	return err ? err : found == count ? ERR_OK : ERR_FORMAT;
}

static void objects_read(struct reading *r, const cJSON *array)
{
	struct bundle *b = r->bundle;
	const cJSON *item;
	size_t i = 0;

	cJSON_ArrayForEach(item, array)
	{
		r->number = i + 1;
		b->objects[i].json = item;
		properties_read(&r->properties[i], item);
		object_read(r, &b->objects[i], &r->properties[i]);
		definition_read(r, &b->objects[i]);
		i++;
	}
	assert(i == b->count);
	for (i = 0; i < b->count; i++) {
		r->number = i + 1;
		r->id = b->objects[i].id;
		markings_read(r, &b->objects[i], &r->properties[i]);
	}
	scaffolding_find(r);
}

/* The list of objects, or NULL with what is wrong said. */
static const cJSON *envelope_check(const cJSON *json, size_t max, enum err *err,
				   struct report *report)
{
	const char *type = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(json, "type"));
	const char *id = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(json, "id"));
	const cJSON *array = cJSON_GetObjectItemCaseSensitive(json, "objects");
	size_t count = cJSON_IsArray(array) ? (size_t)cJSON_GetArraySize(array) : 0;

	*err = ERR_FORMAT;
	if (!cJSON_IsObject(json) || !type || strcmp(type, "bundle") != 0) {
		report_add(report, "not a STIX bundle: \"type\" is not \"bundle\"");
		return NULL;
	}
	if (!id || !id_valid(id, type)) {
		report_add(report, "the bundle has no id of the form bundle--<uuid>");
		return NULL;
	}
	if (count == 0) {
		report_add(report, "the bundle has no objects");
		return NULL;
	}
	if (count > max) {
		report_add(report, "the bundle has %zu objects; at most %zu are allowed", count,
			   max);
		*err = ERR_LIMIT;
		return NULL;
	}
	*err = ERR_OK;
	return array;
}

enum err bundle_read_parsed(struct bundle **out, cJSON *root, const cJSON *json, struct slice text,
			    size_t max_objects, struct report *report)
{
	struct reading r = {.report = report};
	enum err err;
	const cJSON *array = envelope_check(json, max_objects, &err, report);
	struct properties *properties;
	struct bundle *b;

	*out = NULL;
	if (!array)
		return err;
	b = calloc(1, sizeof *b);
	if (!b)
		return ERR_MEMORY;
	r.bundle = b;
	b->count = (size_t)cJSON_GetArraySize(array);
	b->objects = calloc(b->count, sizeof *b->objects);
	properties = calloc(b->count, sizeof *properties);
	r.properties = properties;
	err = b->objects && properties ? raw_find(b, text, b->count) : ERR_MEMORY;
	if (!err)
		objects_read(&r, array);
	free(properties);
	if (!err && r.problems)
		err = ERR_FORMAT;
	if (err) {
		bundle_free(b);
		return err;
	}
	b->owned = root;
	b->id = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(json, "id"));
	*out = b;
	return ERR_OK;
}

enum err bundle_read(struct bundle **b, const char *text, size_t n, size_t max_objects,
		     struct report *report)
{
	cJSON *json;
	enum err err = json_parse(&json, text, n, report);

	*b = NULL;
	if (err)
		return err;
	err = bundle_read_parsed(b, json, json, (struct slice){text, n}, max_objects, report);
	if (err)
		cJSON_Delete(json);
	return err;
}

void bundle_free(struct bundle *b)
{
	if (!b)
		return;
	cJSON_Delete(b->owned);
	free(b->objects);
	free(b);
}

const char *bundle_id(const struct bundle *b)
{
	return b->id;
}

size_t bundle_count(const struct bundle *b)
{
	return b->count;
}

const struct stix_object *bundle_object(const struct bundle *b, size_t i)
{
	return &b->objects[i];
}

bool bundle_tlp(const struct bundle *b, enum tlp *tlp)
{
	bool marked = false;

	*tlp = TLP_CLEAR;
	for (size_t i = 0; i < b->count; i++) {
		marked = marked || b->objects[i].marked;
		if (b->objects[i].tlp > *tlp)
			*tlp = b->objects[i].tlp;
	}
	return marked;
}

bool stix_scaffolding(const struct stix_object *o)
{
	return o->scaffolding;
}
