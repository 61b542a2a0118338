/* Writing the bundle that carries an event. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "protocol/bytes.h"
#include "protocol/incident_parts.h"

void incident_id(char out[INCIDENT_ID_BYTES], const struct network_id *network, const char *number)
{
	char hex[2 * NETWORK_ID_BYTES + 1], uuid[37];
	char text[sizeof hex + INCIDENT_NUMBER_MAX_BYTES + 16];

	snprintf(text, sizeof text, "incident|%s|%s", hex_encode(hex, network->b, NETWORK_ID_BYTES),
		 number);
	uuid_of_text(uuid, text);
	snprintf(out, INCIDENT_ID_BYTES, "incident--%s", uuid);
}

static void put_json(struct text *out, const cJSON *value)
{
	char *printed = cJSON_PrintUnformatted(value);

	if (printed)
		text_str(out, printed);
	else
		out->bad = true;
	cJSON_free(printed);
}

static void put_member(struct text *out, const char *name, const char *value)
{
	text_format(out, ",\"%s\":", name);
	text_json(out, value);
}

static void put_time(struct text *out, const char *name, uint64_t ms)
{
	char time[TIME_BYTES];

	put_member(out, name, time_format(time, ms));
}

static void put_identity_ref(struct text *out, const char *node)
{
	char text[NAME_MAX_BYTES + 16], uuid[37];

	snprintf(text, sizeof text, "identity|%s", node);
	uuid_of_text(uuid, text);
	text_format(out, "identity--%s", uuid);
}

static void put_common(struct text *out, const struct incident_saying *s, const char *type,
		       const char *id, uint64_t created)
{
	text_format(out, "{\"type\":\"%s\",\"spec_version\":\"2.1\"", type);
	put_member(out, "id", id);
	text_str(out, ",\"created_by_ref\":\"");
	put_identity_ref(out, s->node);
	text_str(out, "\"");
	put_time(out, "created", created < s->now ? created : s->now);
	put_time(out, "modified", s->now);
}

/* SPEC 8.9.6: "An investigation is new while the status is open" */
static const char *investigation(const cJSON *state)
{
	const char *status = incident_text(state, "status");

	if (strcmp(status, "open") == 0)
		return "new";
	return strcmp(status, "closed") == 0 ? "closed" : "open";
}

static unsigned criticality(const cJSON *state)
{
	const char *severity = incident_text(state, "severity");

	if (strcmp(severity, "low") == 0)
		return 25;
	if (strcmp(severity, "medium") == 0)
		return 50;
	return strcmp(severity, "high") == 0 ? 75 : 100;
}

static void put_core(struct text *out, const cJSON *state)
{
	text_format(out, "\"%s\":{\"extension_type\":\"property-extension\"",
		    incident_core_extension);
	put_member(out, "determination", incident_text(state, "determination"));
	put_member(out, "investigation_status", investigation(state));
	text_format(out, ",\"criticality\":%u},", criticality(state));
}

/* The members of the extension that the action brings: words, and the state after it. */
static cJSON *extension_make(const struct incident_saying *s)
{
	cJSON *said = s->words ? cJSON_Duplicate(s->words, true) : cJSON_CreateObject();
	cJSON *state;

	if (said && incident_action_carries(s->action)) {
		state = cJSON_Duplicate(s->state, true);
		if (!cJSON_AddItemToObject(said, "state", state)) {
			cJSON_Delete(state);
			cJSON_Delete(said);
			return NULL;
		}
	}
	if (said && incident_terse(said))
		return said;
	cJSON_Delete(said);
	return NULL;
}

static void put_extension(struct text *out, const struct incident_saying *s)
{
	char hex[2 * MESSAGE_ID_BYTES + 1];
	cJSON *said = extension_make(s);
	const cJSON *m;

	out->bad = out->bad || !said;
	text_format(out, "\"%s\":{\"extension_type\":\"property-extension\"", incident_extension);
	put_member(out, "action", incident_action_str(s->action));
	put_member(out, "number", incident_text(s->state, "number"));
	for (size_t i = 0; i < s->after_count; i++)
		text_format(out, "%s\"%s\"", i ? "," : ",\"after\":[",
			    hex_encode(hex, s->after[i].b, MESSAGE_ID_BYTES));
	if (s->after_count)
		text_str(out, "]");
	cJSON_ArrayForEach(m, said)
	{
		text_str(out, ",");
		text_json(out, m->string);
		text_str(out, ":");
		put_json(out, m);
	}
	text_str(out, "}");
	cJSON_Delete(said);
}

static void put_incident(struct text *out, const struct incident_saying *s, const char *id)
{
	const char *description = incident_text(s->state, "description");
	uint64_t opened;

	if (!time_parse(&opened, incident_text(s->state, "opened")))
		opened = s->now;
	put_common(out, s, "incident", id, opened);
	put_member(out, "name", incident_text(s->state, "title"));
	if (*description)
		put_member(out, "description", description);
	text_str(out, ",\"extensions\":{");
	put_core(out, s->state);
}

static void put_note(struct text *out, const struct incident_saying *s, const char *id)
{
	const char *text = incident_text(s->words, "text");
	char note[64];

	snprintf(note, sizeof note, "note--%s", s->uuid);
	put_common(out, s, "note", note, s->now);
	put_member(out, "content", *text ? text : incident_action_str(s->action));
	text_str(out, ",\"object_refs\":");
	text_format(out, "[\"%s\"]", id);
	text_str(out, ",\"extensions\":{");
}

void incident_write(struct text *out, const struct incident_saying *s)
{
	char id[INCIDENT_ID_BYTES];

	incident_id(id, s->network, incident_text(s->state, "number"));
	text_format(out, "{\"type\":\"bundle\",\"id\":\"bundle--%s\",\"objects\":[", s->uuid);
	text_str(out, tlp_marking_object(s->tlp));
	text_str(out, ",{\"type\":\"identity\",\"spec_version\":\"2.1\",\"id\":\"");
	put_identity_ref(out, s->node);
	text_str(out, "\",\"created\":\"" IDENTITY_CREATED "\"");
	put_time(out, "modified", s->now);
	put_member(out, "name", s->title);
	put_member(out, "identity_class", "organization");
	text_str(out, "},");
	if (incident_action_carries(s->action))
		put_incident(out, s, id);
	else
		put_note(out, s, id);
	put_extension(out, s);
	text_format(out, "},\"object_marking_refs\":[\"%s\"]}]}", tlp_marking_id(s->tlp));
}
