/* The state of an incident as JSON: which members it has, and what may stand in them. */
#include <string.h>

#include "protocol/bytes.h"
#include "protocol/incident_parts.h"

/* What a member may hold. */
typedef bool value_check(const cJSON *value);

static bool is_words(const cJSON *v, size_t min, size_t max)
{
	const char *s = cJSON_GetStringValue(v);
	size_t n = s ? strlen(s) : 0;

	return s && n >= min && n <= max;
}

static bool is_title(const cJSON *v)
{
	return is_words(v, 1, INCIDENT_TITLE_MAX_BYTES);
}

static bool is_description(const cJSON *v)
{
	return is_words(v, 0, INCIDENT_TEXT_MAX_BYTES);
}

static bool is_title_or_null(const cJSON *v)
{
	return cJSON_IsNull(v) || is_title(v);
}

static bool is_bool(const cJSON *v)
{
	return cJSON_IsBool(v);
}

static bool is_time(const cJSON *v)
{
	const char *s = cJSON_GetStringValue(v);
	uint64_t ms;

	return s && time_parse(&ms, s);
}

static bool is_party(const cJSON *v)
{
	const char *s = cJSON_GetStringValue(v);

	return s && name_valid(s);
}

static bool is_party_or_null(const cJSON *v)
{
	return cJSON_IsNull(v) || is_party(v);
}

static bool is_one_of(const cJSON *v, const char *const *words, size_t n)
{
	const char *s = cJSON_GetStringValue(v);

	for (size_t i = 0; s && i < n; i++)
		if (strcmp(s, words[i]) == 0)
			return true;
	return false;
}

#define ONE_OF(v, words) is_one_of(v, words, sizeof(words) / sizeof *(words))

static bool is_severity(const cJSON *v)
{
	static const char *const words[] = {"low", "medium", "high", "critical"};

	return ONE_OF(v, words);
}

static bool is_status(const cJSON *v)
{
	static const char *const words[] = {"open",     "acknowledged", "in-progress", "contained",
					    "resolved", "closed",       "reopened"};

	return ONE_OF(v, words);
}

static bool is_determination(const cJSON *v)
{
	static const char *const words[] = {"suspected", "confirmed", "blocked", "failed-attempt",
					    "false-positive"};

	return ONE_OF(v, words);
}

static bool is_stage(const cJSON *v)
{
	static const char *const words[] = {"early-warning", "notification", "progress", "final"};

	return ONE_OF(v, words);
}

static bool is_class(const cJSON *v)
{
	const char *s = cJSON_GetStringValue(v);

	return s && incident_class_valid(s);
}

/* "punjab-2026-42": a party, a year, a number without leading zeros. */
static bool is_number(const cJSON *v)
{
	const char *s = cJSON_GetStringValue(v), *last, *year;
	char name[NAME_MAX_BYTES + 1];
	size_t n = s ? strlen(s) : 0;

	if (!s || n > INCIDENT_NUMBER_MAX_BYTES)
		return false;
	last = strrchr(s, '-');
	if (!last || last - s < 6 || last[-5] != '-')
		return false;
	year = last - 4;
	if (strspn(year, "0123456789") != 4 || last[1] < '1' || last[1] > '9' ||
	    strspn(last + 1, "0123456789") != strlen(last + 1) || strlen(last + 1) > 9)
		return false;
	n = (size_t)(year - 1 - s);
	if (n > NAME_MAX_BYTES)
		return false;
	memcpy(name, s, n);
	name[n] = '\0';
	return name_valid(name);
}

/* An array of at most INCIDENT_LIST_MAX elements, each of which passes. */
static bool is_list(const cJSON *v, value_check *check)
{
	const cJSON *element;
	size_t n = 0;

	if (!cJSON_IsArray(v))
		return false;
	cJSON_ArrayForEach(element, v)
	{
		if (++n > INCIDENT_LIST_MAX || !check(element))
			return false;
	}
	return true;
}

static bool is_titles(const cJSON *v)
{
	return is_list(v, is_title);
}

static bool is_parties(const cJSON *v)
{
	return is_list(v, is_party);
}

struct member {
	const char *name;
	value_check *check;
	const char *wanted;
};

/* True when the object has exactly these members. */
static bool is_made_of(const cJSON *v, const struct member *members, size_t n)
{
	if (!cJSON_IsObject(v) || cJSON_GetArraySize(v) != (int)n)
		return false;
	for (size_t i = 0; i < n; i++) {
		const cJSON *m = cJSON_GetObjectItemCaseSensitive(v, members[i].name);
		if (!m || !members[i].check(m))
			return false;
	}
	return true;
}

#define MADE_OF(v, members) is_made_of(v, members, sizeof(members) / sizeof *(members))

static bool is_hash_or_null(const cJSON *v)
{
	const char *s = cJSON_GetStringValue(v);
	uint8_t hash[32];

	return cJSON_IsNull(v) || (s && hex_decode(hash, sizeof hash, s));
}

static bool is_reporter(const cJSON *v)
{
	static const struct member members[] = {
		{"name", is_title, NULL},
		{"file", is_title_or_null, NULL},
		{"sha256", is_hash_or_null, NULL},
	};

	return cJSON_IsNull(v) || MADE_OF(v, members);
}

static bool is_link_kind(const cJSON *v)
{
	static const char *const words[] = {"indicator", "sighting", "incident", "duplicate-of",
					    "part-of"};

	return ONE_OF(v, words);
}

static bool is_link(const cJSON *v)
{
	static const struct member members[] = {{"kind", is_link_kind, NULL},
						{"id", is_title, NULL}};

	return MADE_OF(v, members);
}

static bool is_links(const cJSON *v)
{
	return is_list(v, is_link);
}

static bool is_staged(const cJSON *v)
{
	static const struct member members[] = {
		{"stage", is_stage, NULL}, {"at", is_time, NULL}, {"text", is_description, NULL}};

	return MADE_OF(v, members);
}

static bool is_stages(const cJSON *v)
{
	return is_list(v, is_staged);
}

static bool is_acknowledgement(const cJSON *v)
{
	static const struct member members[] = {
		{"party", is_party, NULL}, {"at", is_time, NULL}, {"answers", is_bool, NULL}};

	return MADE_OF(v, members);
}

static bool is_acknowledgements(const cJSON *v)
{
	return is_list(v, is_acknowledgement);
}

static bool is_request(const cJSON *v)
{
	static const struct member members[] = {{"party", is_party, NULL},
						{"of", is_parties, NULL},
						{"at", is_time, NULL},
						{"text", is_description, NULL}};

	return MADE_OF(v, members);
}

static bool is_requests(const cJSON *v)
{
	return is_list(v, is_request);
}

/* SPEC 8.9.2: "An update sets the first twelve of them, and only those" */
enum { SETTABLE = 12 };
static const struct member members[] = {
	{"title", is_title, "1 to 200 bytes"},
	{"description", is_description, "at most 32 KiB of text"},
	{"class", is_class, "a class of the RSIT"},
	{"type", is_title_or_null, "a type of its class, or null"},
	{"severity", is_severity, "low, medium, high or critical"},
	{"critical_infrastructure", is_bool, "true or false"},
	{"affected", is_titles, "at most 256 names"},
	{"reported_by", is_reporter, "null, or name, file and sha256"},
	{"status", is_status,
	 "open, acknowledged, in-progress, contained, resolved, closed or reopened"},
	{"determination", is_determination,
	 "suspected, confirmed, blocked, failed-attempt or false-positive"},
	{"assignee", is_title_or_null, "1 to 200 bytes, or null"},
	{"links", is_links, "at most 256 objects of kind and id"},
	{"aware", is_time, "a time"},
	{"number", is_number, "a party's name, a year and a number"},
	{"exercise", is_bool, "true or false"},
	{"opened", is_time, "a time"},
	{"opener", is_party, "a party's name"},
	{"owner", is_party, "a party's name"},
	{"offered", is_party_or_null, "a party's name, or null"},
	{"parties", is_parties, "at most 256 names of parties"},
	{"stages", is_stages, "at most 256 objects of stage, at and text"},
	{"acknowledged", is_acknowledgements, "at most 256 objects of party, at and answers"},
	{"help", is_requests, "at most 256 objects of party, of, at and text"},
};
enum { MEMBERS = sizeof members / sizeof *members };

static const struct member *member_named(const char *name, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(members[i].name, name) == 0)
			return &members[i];
	return NULL;
}

/* Each of the object's members is one of the first n and has a value for it. */
static bool members_valid(const cJSON *object, size_t n, struct report *report)
{
	const cJSON *value;
	bool valid = true;

	cJSON_ArrayForEach(value, object)
	{
		const struct member *m = member_named(value->string, n);
		if (!m)
			report_add(report, "\"%.64s\" is no member to be set", value->string);
		else if (!m->check(value))
			report_add(report, "\"%s\" wants %s", m->name, m->wanted);
		valid = valid && m && m->check(value);
	}
	return valid;
}

static bool type_fits(const cJSON *state)
{
	const char *type = incident_text(state, "type");

	return !*type || incident_type_valid(incident_text(state, "class"), type);
}

const char *incident_member(size_t i)
{
	return i < MEMBERS ? members[i].name : NULL;
}

bool incident_may_be_empty(const char *name, bool *list)
{
	const struct member *m = member_named(name, MEMBERS);

	*list = m && (m->check == is_titles || m->check == is_links || m->check == is_stages ||
		      m->check == is_acknowledgements || m->check == is_requests);
	return *list || (m && (m->check == is_title_or_null || m->check == is_reporter ||
			       m->check == is_party_or_null));
}

bool incident_state_valid(const cJSON *state, struct report *report)
{
	bool valid;

	if (!cJSON_IsObject(state)) {
		report_add(report, "the state of an incident is no object");
		return false;
	}
	valid = members_valid(state, MEMBERS, report);
	for (size_t i = 0; i < MEMBERS; i++)
		if (!cJSON_HasObjectItem(state, members[i].name)) {
			report_add(report, "\"%s\" is missing: %s", members[i].name,
				   members[i].wanted);
			valid = false;
		}
	if (valid && !type_fits(state)) {
		report_add(report, "\"%s\" is no type of class %s", incident_text(state, "type"),
			   incident_text(state, "class"));
		valid = false;
	}
	return valid;
}

bool incident_set_valid(const cJSON *set, struct report *report)
{
	const char *class = incident_text(set, "class"), *type = incident_text(set, "type");

	if (!cJSON_IsObject(set)) {
		report_add(report, "what an update sets is no object");
		return false;
	}
	if (!members_valid(set, SETTABLE, report))
		return false;
	if (*class && *type && !incident_type_valid(class, type)) {
		report_add(report, "\"%s\" is no type of class %s", type, class);
		return false;
	}
	return true;
}

const char *incident_text(const cJSON *state, const char *name)
{
	const char *s = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(state, name));

	return s ? s : "";
}

bool incident_party_of(const cJSON *state, const char *party)
{
	const cJSON *p;

	cJSON_ArrayForEach(p, cJSON_GetObjectItemCaseSensitive(state, "parties"))
	{
		if (strcmp(cJSON_GetStringValue(p), party) == 0)
			return true;
	}
	return false;
}

bool incident_closed(const cJSON *state)
{
	return strcmp(incident_text(state, "status"), "closed") == 0;
}
