#include "protocol/admin.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistr.h>

enum { HEX_PIECE_BYTES = 64 };

enum err admin_parse(cJSON **json, const char *text, size_t n, struct report *report)
{
	enum err e;

	*json = NULL;
	/* SPEC 9.1: "A request is at most 1,048,576 bytes." */
	if (n > ADMIN_REQUEST_MAX_BYTES) {
		report_add(report, "the request has %zu bytes; at most %d are read", n,
			   ADMIN_REQUEST_MAX_BYTES);
		return ERR_LIMIT;
	}
	e = json_parse_bounded(json, text, n, ADMIN_REQUEST_VALUES_MAX, report);
	if (e)
		return e;
	if (!admin_do(*json)) {
		report_add(report, "a request is an object with a string \"do\"");
		cJSON_Delete(*json);
		*json = NULL;
		return ERR_FORMAT;
	}
	return ERR_OK;
}

const char *admin_do(const cJSON *json)
{
	return cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(json, "do"));
}

void admin_request_init(struct admin_request *r, const cJSON *json, struct report *report)
{
	*r = (struct admin_request){.json = json, .report = report};
	r->taken[r->taken_count++] = cJSON_GetObjectItemCaseSensitive(json, "do");
}

static const cJSON *take(struct admin_request *r, const char *name)
{
	const cJSON *item = cJSON_GetObjectItemCaseSensitive(r->json, name);

	if (item && r->taken_count < ADMIN_MEMBERS_MAX)
		r->taken[r->taken_count++] = item;
	return item;
}

static void wrong(struct admin_request *r, const char *name, const char *wanted)
{
	report_add(r->report, "\"%s\" is not %s", name, wanted);
	r->bad = true;
}

const cJSON *admin_member(struct admin_request *r, const char *name)
{
	return take(r, name);
}

const char *admin_string(struct admin_request *r, const char *name)
{
	const cJSON *item = take(r, name);

	if (item && !cJSON_IsString(item))
		wrong(r, name, "a string");
	return cJSON_GetStringValue(item);
}

bool admin_flag(struct admin_request *r, const char *name)
{
	const cJSON *item = take(r, name);

	if (item && !cJSON_IsBool(item))
		wrong(r, name, "true or false");
	return cJSON_IsTrue(item);
}

uint64_t admin_number(struct admin_request *r, const char *name, uint64_t min, uint64_t max,
		      uint64_t absent)
{
	const cJSON *item = take(r, name);
	char wanted[96];
	double d;

	if (!item)
		return absent;
	d = cJSON_IsNumber(item) ? item->valuedouble : -1;
	/* Whole numbers are exact up to 2^53; max is never beyond. */
	if (d >= (double)min && d <= (double)max && (double)(uint64_t)d == d)
		return (uint64_t)d;
	snprintf(wanted, sizeof wanted, "a whole number from %" PRIu64 " to %" PRIu64, min, max);
	wrong(r, name, wanted);
	return absent;
}

size_t admin_strings(struct admin_request *r, const char *name, const char **out, size_t max)
{
	const cJSON *array = take(r, name), *item;
	char wanted[64];
	size_t n = 0;

	if (!array)
		return 0;
	snprintf(wanted, sizeof wanted, "a list of at most %zu strings", max);
	if (!cJSON_IsArray(array)) {
		wrong(r, name, wanted);
		return 0;
	}
	cJSON_ArrayForEach(item, array)
	{
		if (!cJSON_IsString(item) || n == max) {
			wrong(r, name, wanted);
			return 0;
		}
		out[n++] = item->valuestring;
	}
	return n;
}

/* SPEC 9.1: "A member that the request does not know is refused." */
bool admin_request_done(struct admin_request *r)
{
	const cJSON *item;

	cJSON_ArrayForEach(item, r->json)
	{
		size_t i = 0;

		while (i < r->taken_count && r->taken[i] != item)
			i++;
		if (i < r->taken_count)
			continue;
		report_add(r->report, "\"%s\" is no member of the request \"%s\"", item->string,
			   admin_do(r->json));
		r->bad = true;
	}
	return !r->bad;
}

void admin_put_name(struct text *t, const char *name)
{
	if (t->length > 0 && !strchr("{[:", t->at[t->length - 1]))
		text_str(t, ",");
	if (name) {
		text_json(t, name);
		text_str(t, ":");
	}
}

void admin_put_string(struct text *t, const char *name, const char *value)
{
	admin_put_name(t, name);
	if (value)
		text_json(t, value);
	else
		text_str(t, "null");
}

void admin_put_number(struct text *t, const char *name, uint64_t value)
{
	admin_put_name(t, name);
	text_format(t, "%" PRIu64, value);
}

void admin_put_signed(struct text *t, const char *name, int64_t value)
{
	admin_put_name(t, name);
	text_format(t, "%" PRId64, value);
}

void admin_put_bool(struct text *t, const char *name, bool value)
{
	admin_put_name(t, name);
	text_str(t, value ? "true" : "false");
}

void admin_put_time(struct text *t, const char *name, uint64_t ms)
{
	char at[TIME_BYTES];

	admin_put_string(t, name, ms ? time_format(at, ms) : NULL);
}

void admin_put_hex(struct text *t, const char *name, const void *bytes, size_t n)
{
	char hex[2 * HEX_PIECE_BYTES + 1];
	const uint8_t *at = bytes;

	admin_put_name(t, name);
	text_str(t, "\"");
	for (size_t i = 0; i < n; i += HEX_PIECE_BYTES) {
		size_t piece = n - i < HEX_PIECE_BYTES ? n - i : HEX_PIECE_BYTES;
		text_add(t, hex_encode(hex, at + i, piece), 2 * piece);
	}
	text_str(t, "\"");
}

/* A sentence may quote what was refused for not being UTF-8. */
static void put_sentence(struct text *t, const char *name, const char *sentence)
{
	size_t n = strlen(sentence);
	const uint8_t *at = (const uint8_t *)sentence, *wrong;
	struct text clean;

	text_init(&clean);
	while ((wrong = u8_check(at, n)) != NULL) {
		text_add(&clean, (const char *)at, (size_t)(wrong - at));
		text_str(&clean, "?");
		n -= (size_t)(wrong - at) + 1;
		at = wrong + 1;
	}
	text_add(&clean, (const char *)at, n);
	t->bad = t->bad || clean.bad;
	admin_put_string(t, name, clean.bad ? "" : clean.at);
	text_clear(&clean);
}

void admin_refuse(struct text *reply, const char *what, const char *where, enum err why,
		  const struct report *report, const char *advice)
{
	text_str(reply, "{\"ok\":false,\"error\":{");
	admin_put_string(reply, "what", what);
	admin_put_string(reply, "where", where);
	put_sentence(reply, "why", report && report->count ? report_first(report) : err_str(why));
	admin_put_string(reply, "do", advice);
	admin_put_name(reply, "lines");
	text_str(reply, "[");
	for (size_t i = 0; report && i < report->count; i++)
		put_sentence(reply, NULL, report->lines[i]);
	text_str(reply, "]}}");
}
