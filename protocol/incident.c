/* Reading the event that a post carries. */
#include "protocol/incident_parts.h"

#include <string.h>

#include "protocol/bytes.h"

const char incident_extension[] = "extension-definition--3b0a2f4e-6c1d-4f86-9b58-d1c47e6a90f3";
const char incident_core_extension[] = "extension-definition--ef765651-680c-498d-9894-99799f2fa126";

static const struct {
	const char *word;
	bool carries;
} actions[INCIDENT_ACTION_COUNT] = {
	[INCIDENT_OPEN] = {"open", true},         [INCIDENT_UPDATE] = {"update", true},
	[INCIDENT_NOTE] = {"note", false},        [INCIDENT_ACKNOWLEDGE] = {"acknowledge", false},
	[INCIDENT_NOTIFY] = {"notify", true},     [INCIDENT_REQUEST_HELP] = {"request-help", false},
	[INCIDENT_TRANSFER] = {"transfer", true}, [INCIDENT_ACCEPT] = {"accept", true},
	[INCIDENT_TAKE] = {"take", true},         [INCIDENT_RENEW] = {"renew", true},
};

const char *incident_action_str(enum incident_action action)
{
	return actions[action].word;
}

bool incident_action_carries(enum incident_action action)
{
	return actions[action].carries;
}

static const cJSON *member(const cJSON *object, const char *name)
{
	return cJSON_GetObjectItemCaseSensitive(object, name);
}

static const cJSON *extension_of(const struct stix_object *o)
{
	if (strcmp(o->type, "incident") != 0 && strcmp(o->type, "note") != 0)
		return NULL;
	return member(member(o->json, "extensions"), incident_extension);
}

/* The one object that carries the extension; NULL when none, or more than one, does. */
static const struct stix_object *carrier_of(const struct bundle *b, size_t *count)
{
	const struct stix_object *found = NULL;

	*count = 0;
	for (size_t i = 0; i < bundle_count(b); i++)
		if (extension_of(bundle_object(b, i))) {
			found = bundle_object(b, i);
			++*count;
		}
	return found;
}

static bool action_read(enum incident_action *action, const cJSON *said)
{
	const char *word = incident_text(said, "action");

	for (size_t i = 0; i < INCIDENT_ACTION_COUNT; i++)
		if (strcmp(actions[i].word, word) == 0) {
			*action = (enum incident_action)i;
			return true;
		}
	return false;
}

static bool after_read(struct incident_event *e, const cJSON *after)
{
	const cJSON *id;

	if (after && !cJSON_IsArray(after))
		return false;
	cJSON_ArrayForEach(id, after)
	{
		const char *hex = cJSON_GetStringValue(id);
		if (!hex || e->after_count == INCIDENT_AFTER_MAX ||
		    !hex_decode(e->after[e->after_count].b, MESSAGE_ID_BYTES, hex))
			return false;
		e->after_count++;
	}
	return true;
}

static bool text_valid(const cJSON *said, size_t min)
{
	const cJSON *text = member(said, "text");
	const char *s = cJSON_GetStringValue(text);

	if (!text)
		return min == 0;
	return s && strlen(s) >= min && strlen(s) <= INCIDENT_TEXT_MAX_BYTES;
}

static bool parties_valid(const cJSON *parties)
{
	const cJSON *p;
	size_t n = 0;

	cJSON_ArrayForEach(p, parties)
	{
		const char *name = cJSON_GetStringValue(p);
		if (!name || !name_valid(name) || ++n > INCIDENT_LIST_MAX)
			return false;
	}
	return cJSON_IsArray(parties) && n > 0;
}

static bool stage_valid(const cJSON *said)
{
	static const char *const stages[] = {"early-warning", "notification", "progress", "final"};
	const cJSON *stage = member(said, "stage");

	for (size_t i = 0; i < sizeof stages / sizeof *stages; i++)
		if (cJSON_IsString(stage) && strcmp(stage->valuestring, stages[i]) == 0)
			return true;
	return stage == NULL;
}

static bool problem(struct report *report, const char *what)
{
	report_add(report, "incident: %s", what);
	return false;
}

static bool says_update(const cJSON *said, struct report *report)
{
	const cJSON *set = member(said, "set");

	if (!set || !incident_set_valid(set, report))
		return problem(report, "an update without what it sets");
	return stage_valid(said) || problem(report, "a stage that is none");
}

/* What belongs to the action is there, and is what it should be. */
static bool says_valid(enum incident_action action, const cJSON *said, struct report *report)
{
	const char *party = incident_text(said, "party");

	if (!text_valid(said, action == INCIDENT_NOTE || action == INCIDENT_TAKE))
		return problem(report, "its text is missing or too long");
	switch (action) {
	case INCIDENT_UPDATE:
		return says_update(said, report);
	case INCIDENT_NOTIFY:
	case INCIDENT_REQUEST_HELP:
		return parties_valid(member(said, "parties")) ||
		       problem(report, "\"parties\" is no list of names");
	case INCIDENT_TRANSFER:
		return name_valid(party) || problem(report, "\"party\" is no name");
	case INCIDENT_OPEN:
	case INCIDENT_NOTE:
	case INCIDENT_ACKNOWLEDGE:
	case INCIDENT_ACCEPT:
	case INCIDENT_TAKE:
	case INCIDENT_RENEW:
	case INCIDENT_ACTION_COUNT:
		break;
	}
	return true;
}

/* SPEC 8.9.1: "The object is an incident where the action carries the state, else a note." */
static bool object_valid(const struct incident_event *e, const struct stix_object *o,
			 const cJSON *said, struct report *report)
{
	bool carries = incident_action_carries(e->action);

	if (strcmp(o->type, carries ? "incident" : "note") != 0)
		return problem(report, "its object is not of the type that its action wants");
	if (carries && !incident_state_valid(member(said, "state"), report))
		return false;
	return says_valid(e->action, said, report);
}

static bool root_read(struct incident_event *e, const struct header *h)
{
	bool refers = !bytes_zero(h->ref.b, MESSAGE_ID_BYTES);

	e->root = refers ? h->ref : e->id;
	return refers == (e->action != INCIDENT_OPEN);
}

enum err incident_event_read(struct incident_event *e, const struct header *h,
			     const struct message_id *id, const struct post *post,
			     struct report *report)
{
	size_t count;
	const struct stix_object *o = carrier_of(post->bundle, &count);
	cJSON *said;
	bool good = false, memory = true;

	*e = (struct incident_event){.id = *id,
				     .topology = h->topology,
				     .origin = h->origin,
				     .created = h->created,
				     .exercise = post->envelope.exercise};
	if (!o)
		return ERR_NOT_FOUND;
	strcpy(e->as_role, post->envelope.as_role);
	said = cJSON_Duplicate(extension_of(o), true);
	if (!said)
		return ERR_MEMORY;
	if (count > 1)
		good = problem(report, "more than one object of the bundle is an event");
	else if (!action_read(&e->action, said))
		good = problem(report, "\"action\" is none that is known");
	else if (!incident_fill(said, e->action))
		memory = false;
	else if (!after_read(e, member(said, "after")))
		good = problem(report, "\"after\" is no list of at most 32 message ids");
	else if (!root_read(e, h))
		good = problem(report, "it does not refer to the message that opened it");
	else
		good = object_valid(e, o, said, report);
	if (good && memory) {
		e->said = said;
		return ERR_OK;
	}
	cJSON_Delete(said);
	return memory ? ERR_FORMAT : ERR_MEMORY;
}

void incident_event_clear(struct incident_event *e)
{
	cJSON_Delete(e->said);
	e->said = NULL;
}
