/* When what is due about an incident. */
#include <string.h>

#include "protocol/incident.h"

enum { HOUR_MS = 3600 * 1000 };

static uint64_t time_of(const cJSON *object, const char *name)
{
	uint64_t ms = 0;

	return time_parse(&ms, incident_text(object, name)) ? ms : 0;
}

/* When the stage was reported the last time; 0: never. */
static uint64_t reported(const cJSON *state, const char *stage)
{
	const cJSON *s;
	uint64_t at = 0;

	cJSON_ArrayForEach(s, cJSON_GetObjectItemCaseSensitive(state, "stages"))
	{
		if (strcmp(incident_text(s, "stage"), stage) == 0)
			at = time_of(s, "at");
	}
	return at;
}

static uint64_t answered(const cJSON *state)
{
	const cJSON *a;

	cJSON_ArrayForEach(a, cJSON_GetObjectItemCaseSensitive(state, "acknowledged"))
	{
		if (cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(a, "answers")))
			return time_of(a, "at");
	}
	return 0;
}

static uint64_t first_of(uint64_t a, uint64_t b)
{
	return a && (!b || a < b) ? a : b;
}

/* SPEC 8.9.5: "What is closed has only those clocks that were done" */
static size_t stop(struct incident_clock clocks[INCIDENT_CLOCKS], size_t n)
{
	size_t kept = 0;

	for (size_t i = 0; i < n; i++)
		if (clocks[i].done)
			clocks[kept++] = clocks[i];
	return kept;
}

size_t incident_clocks(struct incident_clock out[INCIDENT_CLOCKS], const cJSON *state,
		       const struct policy *policy)
{
	uint64_t aware = time_of(state, "aware"), opened = time_of(state, "opened");
	uint64_t warned = reported(state, "early-warning");
	uint64_t notified = reported(state, "notification"), final = reported(state, "final");
	uint64_t progress = reported(state, "progress");
	uint64_t warning_ms = (uint64_t)policy->early_warning_hours * HOUR_MS;
	size_t n = 0;

	/* SPEC 8.9.5: "What turned out to be a false positive has none once it is closed." */
	if (incident_closed(state) &&
	    strcmp(incident_text(state, "determination"), "false-positive") == 0)
		return 0;
	notified = first_of(notified, final);
	out[n++] = (struct incident_clock){.what = "early-warning",
					   .due = aware + warning_ms,
					   .done = first_of(warned, notified)};
	out[n++] = (struct incident_clock){.what = "notification",
					   .due = aware +
						  (uint64_t)policy->notification_hours * HOUR_MS,
					   .done = notified};
	if (notified)
		out[n++] =
			(struct incident_clock){.what = "final",
						.due = (progress > notified ? progress : notified) +
						       (uint64_t)policy->final_days * 24 * HOUR_MS,
						.done = final};
	out[n++] = (struct incident_clock){.what = "answer",
					   .parents = true,
					   .due = (warned ? warned : opened) + warning_ms,
					   .done = answered(state)};
	return incident_closed(state) ? stop(out, n) : n;
}
