/* incident-say: what an incident begins with. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "node/admin/answer_incident_say.h"
#include "protocol/bytes.h"
#include "node/remembered.h"

/* What the node has given last as that party: year 4, number 4. */
enum { GIVEN_BYTES = 8, GIVEN_NAME_BYTES = sizeof "incident-number/" + NAME_MAX_BYTES };

static void given_name(char name[GIVEN_NAME_BYTES], const struct saying *s)
{
	snprintf(name, GIVEN_NAME_BYTES, "incident-number/%s", saying_actor(s));
}

static enum err given_read(const struct saying *s, uint32_t year, uint32_t *last)
{
	char name[GIVEN_NAME_BYTES];
	uint8_t value[GIVEN_BYTES];
	size_t n = 0;
	enum err e;

	*last = 0;
	given_name(name, s);
	e = remembered_get(s->a->log, name, value, sizeof value, &n);
	if (!e && n == sizeof value && get_u32(value) == year)
		*last = get_u32(value + 4);
	return e == ERR_NOT_FOUND ? ERR_OK : e;
}

enum err saying_number_keep(struct saying *s)
{
	char name[GIVEN_NAME_BYTES];
	uint8_t value[GIVEN_BYTES];

	given_name(name, s);
	put_u32(value, s->year);
	put_u32(value + 4, s->number);
	return node_keep(s->a->node, name, value, sizeof value, 0, NULL, 0);
}

/* Whether what began the incident was said by this node, or by one that holds the role. */
static bool is_of_actor(void *arg, const struct message_id *root)
{
	const struct saying *s = arg;
	const struct party *actor = saying_party(s, saying_actor(s));
	struct log_row row;
	struct header h;
	uint64_t lsn;
	bool is;

	if (index_find(s->a->index, root, &lsn) || log_read(s->a->log, lsn, &row) ||
	    row.kind != LOG_MESSAGE || !row_header(&row, &h))
		return false;
	is = party_id_equal(&h.origin, &s->who.self->id);
	for (size_t i = 0; actor && i < actor->holder_count; i++)
		is = is ||
		     party_id_equal(&h.origin, &s->who.topology->parties[actor->holders[i]].id);
	return is;
}

/* SPEC 8.9.2: "one more than the last that it gave in that year (UTC)".  Another holder of a role
 * may have given some, too. */
static enum err number_give(struct saying *s, cJSON *state)
{
	char prefix[NAME_MAX_BYTES + 16], number[INCIDENT_NUMBER_MAX_BYTES + 16];
	time_t seconds = (time_t)(s->now / 1000);
	uint32_t given, last;
	struct tm tm;
	enum err e;

	gmtime_r(&seconds, &tm);
	s->year = (uint32_t)tm.tm_year + 1900;
	if (!node_may_number(s->a->node, &s->a->report))
		return ERR_STATE;
	snprintf(prefix, sizeof prefix, "%s-%04" PRIu32 "-", saying_actor(s), s->year);
	e = given_read(s, s->year, &given);
	if (!e)
		e = index_incident_last(s->a->index, prefix, given, is_of_actor, s, &last);
	if (e)
		return e;
	s->number = last + 1;
	snprintf(number, sizeof number, "%s%" PRIu32, prefix, s->number);
	return cJSON_AddStringToObject(state, "number", number) ? ERR_OK : ERR_MEMORY;
}

static void add_time(cJSON *state, const char *name, uint64_t ms)
{
	char time[TIME_BYTES];

	cJSON_AddStringToObject(state, name, time_format(time, ms));
}

/* SPEC 8.9.2: "the critical-infrastructure flag adds the role `cii`" */
static enum err parties_of_open(struct saying *s, cJSON *state, bool critical)
{
	cJSON *names;
	enum err e = saying_parties(s, &names);

	if (e)
		return e;
	cJSON_AddItemToObject(state, "parties", names);
	if (critical && saying_party(s, "cii") && !saying_names(names, "cii"))
		cJSON_AddItemToArray(names, cJSON_CreateString("cii"));
	if (!saying_names(names, saying_actor(s)))
		cJSON_AddItemToArray(names, cJSON_CreateString(saying_actor(s)));
	return ERR_OK;
}

static void add_absent(cJSON *state, const char *name, cJSON *value)
{
	if (cJSON_HasObjectItem(state, name))
		cJSON_Delete(value);
	else
		cJSON_AddItemToObject(state, name, value);
}

static enum err early_warning(struct saying *s, cJSON *state, cJSON *stages)
{
	cJSON *first = cJSON_CreateObject();

	cJSON_AddItemToArray(stages, first);
	cJSON_AddStringToObject(first, "stage", "early-warning");
	add_time(first, "at", s->now);
	cJSON_AddStringToObject(first, "text", incident_text(state, "description"));
	return ERR_OK;
}

static enum err aware_wanted(struct saying *s, cJSON *state)
{
	const char *aware = admin_string(&s->a->request, "aware");
	uint64_t ms = s->now;

	if (aware && !time_parse(&ms, aware))
		return saying_refuse(s, "aware", "a time like 2026-11-22T08:00:00Z is wanted");
	if (ms > s->now)
		return saying_refuse(s, "aware", "nobody is aware of what is yet to come");
	add_time(state, "aware", ms);
	return ERR_OK;
}

enum err saying_open(struct saying *s)
{
	static const char *const given[] = {
		"title",        "description", "class", "type",     "severity",
		"affected",     "reported_by", "links", "assignee", "critical_infrastructure",
		"determination"};
	struct admin_request *r = &s->a->request;
	cJSON *state = s->after = cJSON_CreateObject(), *stages;
	bool warn = admin_flag(r, "early_warning");
	enum err e = ERR_OK;

	for (size_t i = 0; !e && i < sizeof given / sizeof *given; i++)
		e = saying_take(s, state, given[i]);
	if (!e)
		e = number_give(s, state);
	if (!e)
		e = aware_wanted(s, state);
	if (e)
		return e;
	add_absent(state, "description", cJSON_CreateString(""));
	add_absent(state, "type", cJSON_CreateNull());
	add_absent(state, "critical_infrastructure", cJSON_CreateFalse());
	add_absent(state, "affected", cJSON_CreateArray());
	add_absent(state, "reported_by", cJSON_CreateNull());
	add_absent(state, "determination", cJSON_CreateString("suspected"));
	add_absent(state, "assignee", cJSON_CreateNull());
	add_absent(state, "links", cJSON_CreateArray());
	cJSON_AddStringToObject(state, "status", "open");
	cJSON_AddBoolToObject(state, "exercise", s->event.exercise);
	add_time(state, "opened", s->now);
	cJSON_AddStringToObject(state, "opener", saying_actor(s));
	cJSON_AddStringToObject(state, "owner", saying_actor(s));
	cJSON_AddNullToObject(state, "offered");
	stages = cJSON_AddArrayToObject(state, "stages");
	cJSON_AddArrayToObject(state, "acknowledged");
	cJSON_AddArrayToObject(state, "help");
	if (warn)
		e = early_warning(s, state, stages);
	if (!e)
		e = parties_of_open(s, state,
				    cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(
					    state, "critical_infrastructure")));
	if (!e && !incident_state_valid(state, &s->a->report))
		e = ERR_FORMAT;
	return e;
}
