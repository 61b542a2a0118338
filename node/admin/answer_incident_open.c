/* incident-say: what an incident begins with. */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "node/admin/answer_incident_say.h"

static enum err number_give(struct saying *s, cJSON *state)
{
	char number[INCIDENT_NUMBER_MAX_BYTES + 8];
	time_t seconds = (time_t)(s->now / 1000);
	unsigned last, year;
	struct tm tm;
	enum err e;

	gmtime_r(&seconds, &tm);
	year = (unsigned)tm.tm_year + 1900;
	if (!node_may_number(s->a->node, &s->a->report))
		return ERR_STATE;
	e = case_last_number(s->a->node, s->a->log, s->a->index, saying_actor(s), year, &last);
	snprintf(number, sizeof number, "%s-%04u-%u", saying_actor(s), year, last + 1);
	if (!e && !cJSON_AddStringToObject(state, "number", number))
		e = ERR_MEMORY;
	return e;
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
