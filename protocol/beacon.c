#include "protocol/beacon.h"

#include <math.h>
#include <string.h>

#include "protocol/bytes.h"

enum { INCARNATION_DIGITS = 16 };

/* A whole number from 1 to max; false when it is anything else. */
static bool read_number(uint64_t *out, const cJSON *json, uint64_t max)
{
	double d = cJSON_IsNumber(json) ? json->valuedouble : 0;

	if (!(d >= 1) || d > (double)max || d != floor(d))
		return false;
	*out = (uint64_t)d;
	return true;
}

static bool read_incarnation_id(uint64_t *out, const cJSON *json)
{
	const char *text = cJSON_GetStringValue(json);
	uint8_t bytes[INCARNATION_DIGITS / 2];
	char again[INCARNATION_DIGITS + 1];

	/* Lower case only: one incarnation is written in one way. */
	if (!text || !hex_decode(bytes, sizeof bytes, text) ||
	    strcmp(hex_encode(again, bytes, sizeof bytes), text) != 0)
		return false;
	*out = get_u64(bytes);
	return true;
}

static enum err read_range(struct beacon *b, struct beacon_incarnation *i, const cJSON *json,
			   struct report *report)
{
	struct beacon_range *r = &b->ranges[b->range_count];
	uint64_t after = i->count ? r[-1].last : 0, until;

	if (b->range_count == BEACON_RANGES_MAX) {
		report_add(report, "a beacon with more than %d ranges", BEACON_RANGES_MAX);
		return ERR_LIMIT;
	}
	if (!cJSON_IsArray(json) || cJSON_GetArraySize(json) != 3 ||
	    !read_number(&r->first, json->child, i->last) ||
	    !read_number(&r->last, json->child->next, i->last) ||
	    !read_number(&until, json->child->next->next, UINT32_MAX)) {
		report_add(report, "a beacon whose \"live\" is not made of ranges [first, last, "
				   "until] up to \"last\"");
		return ERR_FORMAT;
	}
	r->until = (uint32_t)until;
	if (r->first > r->last || r->first <= after) {
		report_add(report, "a beacon whose ranges do not ascend");
		return ERR_FORMAT;
	}
	b->range_count++;
	i->count++;
	return ERR_OK;
}

static enum err read_incarnation(struct beacon *b, const cJSON *json, struct report *report)
{
	struct beacon_incarnation *i = &b->incarnations[b->incarnation_count];
	const cJSON *live = cJSON_GetObjectItemCaseSensitive(json, "live");
	enum err e = ERR_OK;

	if (b->incarnation_count == BEACON_INCARNATIONS_MAX) {
		report_add(report, "a beacon with more than %d incarnations",
			   BEACON_INCARNATIONS_MAX);
		return ERR_LIMIT;
	}
	*i = (struct beacon_incarnation){.at = b->range_count};
	if (!read_incarnation_id(&i->incarnation,
				 cJSON_GetObjectItemCaseSensitive(json, "incarnation")) ||
	    !read_number(&i->last, cJSON_GetObjectItemCaseSensitive(json, "last"),
			 BEACON_SEQUENCE_MAX) ||
	    !cJSON_IsArray(live)) {
		report_add(report, "a beacon with an incarnation that is not told by "
				   "\"incarnation\", \"last\" and \"live\"");
		return ERR_FORMAT;
	}
	if (b->incarnation_count && i->incarnation <= i[-1].incarnation) {
		report_add(report, "a beacon whose incarnations do not ascend");
		return ERR_FORMAT;
	}
	for (const cJSON *range = live->child; range && !e; range = range->next)
		e = read_range(b, i, range, report);
	b->incarnation_count++;
	return e;
}

/* SPEC 5.11: "It is held where the member `audit` is not so." */
static enum err read_audit(struct beacon_audit *audit, const cJSON *json, struct report *report)
{
	const char *hash = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(json, "hash"));
	char again[2 * HASH_BYTES + 1];

	if (read_number(&audit->number, cJSON_GetObjectItemCaseSensitive(json, "number"),
			BEACON_SEQUENCE_MAX) &&
	    hash && hex_decode(audit->hash.b, HASH_BYTES, hash) &&
	    strcmp(hex_encode(again, audit->hash.b, HASH_BYTES), hash) == 0)
		return ERR_OK;
	report_add(report, "a beacon whose \"audit\" is not told by \"number\" and \"hash\"");
	return ERR_FORMAT;
}

enum err beacon_read(struct beacon *b, const char *json, size_t n, struct report *report)
{
	enum { VALUES_MAX = 4 * (BEACON_RANGES_MAX + BEACON_INCARNATIONS_MAX) + 1024 };
	const cJSON *list, *audit;
	cJSON *root;
	enum err e = json_parse_bounded(&root, json, n, VALUES_MAX, report);

	b->incarnation_count = b->range_count = 0;
	b->audit = (struct beacon_audit){0};
	if (e)
		return e;
	list = cJSON_GetObjectItemCaseSensitive(root, "incarnations");
	if (!cJSON_IsObject(root) || !cJSON_IsArray(list)) {
		report_add(report, "a beacon without \"incarnations\"");
		e = ERR_FORMAT;
	}
	for (const cJSON *i = e ? NULL : list->child; i && !e; i = i->next)
		e = read_incarnation(b, i, report);
	audit = cJSON_GetObjectItemCaseSensitive(root, "audit");
	if (!e && audit)
		e = read_audit(&b->audit, audit, report);
	cJSON_Delete(root);
	return e;
}

void beacon_write(struct text *out, const struct beacon *b)
{
	text_str(out, "{\"incarnations\":[");
	for (size_t k = 0; k < b->incarnation_count; k++) {
		const struct beacon_incarnation *i = &b->incarnations[k];
		text_format(out, "%s{\"incarnation\":\"%016llx\",\"last\":%llu,\"live\":[",
			    k ? "," : "", (unsigned long long)i->incarnation,
			    (unsigned long long)i->last);
		for (size_t r = i->at; r < i->at + i->count; r++)
			text_format(out, "%s[%llu,%llu,%lu]", r > i->at ? "," : "",
				    (unsigned long long)b->ranges[r].first,
				    (unsigned long long)b->ranges[r].last,
				    (unsigned long)b->ranges[r].until);
		text_str(out, "]}");
	}
	text_str(out, "]");
	if (b->audit.number) {
		char hex[2 * HASH_BYTES + 1];
		text_format(out, ",\"audit\":{\"number\":%llu,\"hash\":\"%s\"}",
			    (unsigned long long)b->audit.number,
			    hex_encode(hex, b->audit.hash.b, HASH_BYTES));
	}
	text_str(out, "}");
}

const struct beacon_incarnation *beacon_incarnation(const struct beacon *b, uint64_t incarnation)
{
	for (size_t k = 0; k < b->incarnation_count; k++) {
		if (b->incarnations[k].incarnation == incarnation)
			return &b->incarnations[k];
	}
	return NULL;
}
