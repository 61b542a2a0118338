/* What stands in an event's extension, and what is made of it: STIX knows neither null nor empty
 * lists, so a member that is empty is not there.  SPEC.md 8.9.1. */
#include <string.h>

#include "protocol/bytes.h"
#include "protocol/incident_parts.h"

static cJSON *member(const cJSON *object, const char *name)
{
	return cJSON_GetObjectItemCaseSensitive(object, name);
}

static bool is_empty(const cJSON *v)
{
	return cJSON_IsNull(v) || ((cJSON_IsArray(v) || cJSON_IsObject(v)) && !v->child);
}

/* Takes the empty members out, here and below.  No deeper than what was read or made, json.h. */
static void take_out(cJSON *v)
{
	cJSON *next;

	for (cJSON *m = v->child; m; m = next) {
		next = m->next;
		take_out(m);
		if (cJSON_IsObject(v) && is_empty(m))
			cJSON_Delete(cJSON_DetachItemViaPointer(v, m));
	}
}

bool incident_terse(cJSON *said)
{
	const cJSON *set = member(said, "set"), *m;
	cJSON *unset = set ? cJSON_AddArrayToObject(said, "unset") : NULL;

	if (set && !unset)
		return false;
	cJSON_ArrayForEach(m, set)
	{
		cJSON *name = is_empty(m) ? cJSON_CreateString(m->string) : NULL;
		if (is_empty(m) && !cJSON_AddItemToArray(unset, name))
			return false;
	}
	take_out(said);
	return true;
}

/* Adds what is missing: null, or an empty array. */
static bool fill(cJSON *object, const char *name, bool list)
{
	cJSON *empty;

	if (!object || member(object, name))
		return true;
	empty = list ? cJSON_CreateArray() : cJSON_CreateNull();
	if (cJSON_AddItemToObject(object, name, empty))
		return true;
	cJSON_Delete(empty);
	return false;
}

static bool fill_reporter(const cJSON *object)
{
	cJSON *reporter = member(object, "reported_by");

	if (!cJSON_IsObject(reporter))
		return true;
	return fill(reporter, "file", false) && fill(reporter, "sha256", false);
}

/* Puts what an update empties beside what it sets. */
static bool fill_set(cJSON *said)
{
	cJSON *unset = cJSON_DetachItemFromObjectCaseSensitive(said, "unset");
	cJSON *set = member(said, "set");
	const cJSON *name;
	bool list, done;

	if (!set)
		set = cJSON_AddObjectToObject(said, "set");
	done = set != NULL && (cJSON_IsArray(unset) || !unset || fill(set, "", false));
	cJSON_ArrayForEach(name, unset)
	{
		const char *s = cJSON_GetStringValue(name);
		/* What cannot be emptied is null now, which its check refuses. */
		done = done && fill(set, s ? s : "", s && incident_may_be_empty(s, &list) && list);
	}
	cJSON_Delete(unset);
	return done && fill_reporter(set);
}

/* Fills the state, and puts its members in order: what is printed of equal states is equal. */
static bool fill_state(cJSON *state)
{
	const char *name;
	bool list;

	for (size_t i = 0; (name = incident_member(i)); i++) {
		cJSON *m;
		if (incident_may_be_empty(name, &list) && !fill(state, name, list))
			return false;
		m = cJSON_DetachItemFromObjectCaseSensitive(state, name);
		if (m && !cJSON_AddItemToObject(state, name, m)) {
			cJSON_Delete(m);
			return false;
		}
	}
	return fill_reporter(state);
}

bool incident_fill(cJSON *said, enum incident_action action)
{
	cJSON *state = member(said, "state");

	if (action == INCIDENT_UPDATE && !fill_set(said))
		return false;
	return !cJSON_IsObject(state) || fill_state(state);
}
