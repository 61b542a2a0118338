#include "node/revoke.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Appends the bytes from *at up to the part, then the part anew, and moves *at behind it. */
static void replace(struct text *out, const char **at, struct slice part, const char *with)
{
	text_add(out, *at, (size_t)(part.at - *at));
	text_str(out, with);
	*at = part.at + part.length;
}

static uint64_t time_of(const struct stix_object *o, uint64_t after, uint64_t now)
{
	uint64_t least = after > o->modified ? after + 1 : o->modified + 1;

	if (o->created > least)
		least = o->created;
	return now > least ? now : least;
}

/* SPEC 9.8: "its bytes are those of the version that is taken back but for these two members" */
static void put_revoked(struct text *out, const struct stix_object *o, uint64_t modified)
{
	struct slice m, r = {NULL, 0};
	const char *at = o->raw.at, *end = at + o->raw.length;
	char time[TIME_BYTES], quoted[TIME_BYTES + 2];
	bool has = json_member(&r, o->raw, "revoked");

	snprintf(quoted, sizeof quoted, "\"%s\"", time_format(time, modified));
	if (!json_member(&m, o->raw, "modified"))
		return;
	if (has && r.at < m.at)
		replace(out, &at, r, "true");
	replace(out, &at, m, quoted);
	if (has && r.at > m.at)
		replace(out, &at, r, "true");
	/* Without the closing brace, which is the last byte of an object. */
	text_add(out, at, (size_t)(end - at) - 1);
	text_str(out, has ? "}" : ",\"revoked\":true}");
}

static const char *creator_of(const struct stix_object *o)
{
	return cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(o->json, "created_by_ref"));
}

/* An identity is scaffolding only beside an object that refers to it. */
static void identities_want(bool *wanted, const struct bundle *b, const struct stix_object *o)
{
	const char *creator = creator_of(o);

	for (size_t i = 0; creator && i < bundle_count(b); i++) {
		const struct stix_object *other = bundle_object(b, i);
		if (other != o && other->scaffolding && strcmp(other->id, creator) == 0)
			wanted[i] = true;
	}
}

static void put_object(struct text *out, size_t *count)
{
	if ((*count)++)
		text_str(out, ",");
}

void revoke_write(struct text *out, const struct bundle *b, const struct revoked *which, size_t n,
		  uint64_t now, const char *uuid)
{
	bool *wanted = calloc(bundle_count(b) + 1, sizeof *wanted);
	size_t count = 0;

	if (!wanted) {
		out->bad = true;
		return;
	}
	for (size_t i = 0; i < n; i++)
		identities_want(wanted, b, bundle_object(b, which[i].number));
	for (size_t i = 0; i < bundle_count(b); i++)
		wanted[i] =
			wanted[i] || strcmp(bundle_object(b, i)->type, "marking-definition") == 0;
	text_format(out, "{\"type\":\"bundle\",\"id\":\"bundle--%s\",\"objects\":[", uuid);
	for (size_t i = 0; i < bundle_count(b); i++) {
		const struct stix_object *o = bundle_object(b, i);
		if (!wanted[i])
			continue;
		put_object(out, &count);
		text_add(out, o->raw.at, o->raw.length);
	}
	for (size_t i = 0; i < n; i++) {
		const struct stix_object *o = bundle_object(b, which[i].number);
		put_object(out, &count);
		put_revoked(out, o, time_of(o, which[i].after, now));
	}
	text_str(out, "]}");
	free(wanted);
}
