/* What one event makes of the state. */
#include <string.h>

#include "protocol/incident.h"

/* An event on its way into the state. */
struct applying {
	cJSON *state;
	const struct incident_event *event;
	const struct topology *topology; /* that its header names */
	const char *actor;
	char at[TIME_BYTES];
	const char *why;
};

static bool refuse(struct applying *a, const char *why)
{
	a->why = why;
	return false;
}

static cJSON *member(const cJSON *object, const char *name)
{
	return cJSON_GetObjectItemCaseSensitive(object, name);
}

static bool is(const cJSON *state, const char *name, const char *value)
{
	return strcmp(incident_text(state, name), value) == 0;
}

static bool replace(cJSON *object, const char *name, cJSON *value)
{
	/* cJSON does not say so when it has no memory for the member's name. */
	if (value && cJSON_ReplaceItemInObjectCaseSensitive(object, name, value))
		return value->string;
	cJSON_Delete(value);
	return false;
}

static bool put_text(cJSON *state, const char *name, const char *value)
{
	return replace(state, name, value ? cJSON_CreateString(value) : cJSON_CreateNull());
}

static bool has_room(const cJSON *state, const char *list)
{
	return cJSON_GetArraySize(member(state, list)) < INCIDENT_LIST_MAX;
}

static bool append(cJSON *state, const char *list, cJSON *element)
{
	if (element && cJSON_AddItemToArray(member(state, list), element))
		return true;
	cJSON_Delete(element);
	return false;
}

/* A new entry of a list, which must have come to so many members. */
static bool enter(cJSON *state, const char *list, cJSON *entry, int made)
{
	if (cJSON_GetArraySize(entry) == made)
		return append(state, list, entry);
	cJSON_Delete(entry);
	return false;
}

static bool add_party(cJSON *state, const char *party)
{
	if (incident_party_of(state, party))
		return true;
	return append(state, "parties", cJSON_CreateString(party));
}

static bool above(const struct applying *a, const char *lower, const char *upper)
{
	const struct party *l = topology_party(a->topology, lower);
	const struct party *u = topology_party(a->topology, upper);

	return l && u && l != u &&
	       topology_above(a->topology, topology_index(a->topology, l),
			      topology_index(a->topology, u));
}

const char *incident_actor(const struct incident_event *e, const struct chain *chain)
{
	const struct topology *t = chain_version(chain, e->topology);
	const struct party *node = t ? topology_party_by_id(t, &e->origin) : NULL;

	if (!node || node->kind != PARTY_NODE)
		return NULL;
	if (!*e->as_role)
		return node->name;
	for (size_t i = 0; i < node->role_count; i++)
		if (strcmp(t->parties[node->roles[i]].name, e->as_role) == 0)
			return t->parties[node->roles[i]].name;
	return NULL;
}

/* SPEC 8.9.3: "Nodes that hold a role among the parties speak in it too." */
static bool takes_part(const struct applying *a)
{
	const struct party *node = topology_party_by_id(a->topology, &a->event->origin);

	if (incident_party_of(a->state, a->actor) || incident_party_of(a->state, node->name))
		return true;
	for (size_t i = 0; i < node->role_count; i++)
		if (incident_party_of(a->state, a->topology->parties[node->roles[i]].name))
			return true;
	return false;
}

static bool owns(struct applying *a)
{
	return is(a->state, "owner", a->actor) || refuse(a, "only its owner may do that");
}

/* ---- the first event ---- */

static bool number_is_of(const cJSON *state, const char *opener)
{
	const char *number = incident_text(state, "number");
	size_t n = strlen(opener);

	/* "-2026-42" follows the name. */
	return strncmp(number, opener, n) == 0 && number[n] == '-' &&
	       strcspn(number + n + 1, "-") == 4 && strrchr(number, '-') == number + n + 5;
}

static bool starts_afresh(const cJSON *state)
{
	return is(state, "status", "open") && cJSON_IsNull(member(state, "offered")) &&
	       cJSON_GetArraySize(member(state, "acknowledged")) == 0 &&
	       cJSON_GetArraySize(member(state, "help")) == 0 &&
	       cJSON_GetArraySize(member(state, "stages")) <= 1;
}

static bool opens(struct applying *a, const cJSON *first)
{
	cJSON *stage = cJSON_GetArrayItem(member(a->state, "stages"), 0);

	if (!is(first, "owner", a->actor) || !is(first, "opener", a->actor) ||
	    !number_is_of(first, a->actor))
		return refuse(a, "it is opened in the name of another");
	if (!incident_party_of(first, a->actor))
		return refuse(a, "who opens it is none of its parties");
	if (!starts_afresh(first))
		return refuse(a, "it is opened with a past");
	/* The times of a state are those of headers. */
	if (stage && !put_text(stage, "at", a->at))
		return false;
	return put_text(a->state, "opened", a->at);
}

/* SPEC 8.9.4: "the state that it carries is where the fold begins" */
static bool begin(struct applying *a, cJSON **state)
{
	const cJSON *first = member(a->event->said, "state");
	bool begun;

	if (!first)
		return refuse(a, "what it is about is not held here");
	a->state = cJSON_Duplicate(first, true);
	if (!a->state)
		return false;
	if (a->event->action == INCIDENT_OPEN)
		begun = opens(a, first);
	else
		begun = is(first, "owner", a->actor) ||
			refuse(a, "what it is about is not held here");
	if (begun)
		*state = a->state;
	else
		cJSON_Delete(a->state);
	return begun;
}

/* ---- those that follow ---- */

static bool status_follows(struct applying *a, const cJSON *set)
{
	const char *wanted = incident_text(set, "status");
	const char *now = incident_text(a->state, "status");
	bool over = strcmp(now, "closed") == 0 || strcmp(now, "resolved") == 0;

	if (!*wanted || strcmp(wanted, now) == 0)
		return true;
	if (strcmp(wanted, "open") == 0)
		return refuse(a, "what has begun is not merely open again");
	if (strcmp(wanted, "reopened") == 0)
		return over || refuse(a, "it is not closed");
	if (strcmp(now, "closed") == 0)
		return refuse(a, "it is closed: it wants to be reopened first");
	return true;
}

static bool stage_follows(struct applying *a, const char *stage)
{
	const cJSON *s;

	if (!*stage)
		return true;
	if (!has_room(a->state, "stages"))
		return refuse(a, "it has been reported on too often");
	if (strcmp(stage, "progress") == 0)
		return true;
	cJSON_ArrayForEach(s, member(a->state, "stages"))
	{
		if (is(s, "stage", stage))
			return refuse(a, "this stage has been reported");
	}
	return true;
}

static bool set_all(cJSON *state, const cJSON *set)
{
	const cJSON *m;
	const char *type;

	cJSON_ArrayForEach(m, set)
	{
		if (!replace(state, m->string, cJSON_Duplicate(m, true)))
			return false;
	}
	/* A type belongs to its class: a new class leaves it behind. */
	type = incident_text(state, "type");
	if (*type && !incident_type_valid(incident_text(state, "class"), type))
		return put_text(state, "type", NULL);
	return true;
}

static bool update(struct applying *a)
{
	const cJSON *said = a->event->said, *set = member(said, "set");
	const char *stage = incident_text(said, "stage");
	cJSON *entry;

	if (!owns(a) || !status_follows(a, set) || !stage_follows(a, stage))
		return false;
	if (!set_all(a->state, set))
		return false;
	if (!*stage)
		return true;
	entry = cJSON_CreateObject();
	cJSON_AddStringToObject(entry, "stage", stage);
	cJSON_AddStringToObject(entry, "at", a->at);
	cJSON_AddStringToObject(entry, "text", incident_text(said, "text"));
	return enter(a->state, "stages", entry, 3);
}

static bool acknowledge(struct applying *a)
{
	const char *status = incident_text(a->state, "status");
	bool answers = above(a, incident_text(a->state, "owner"), a->actor);
	cJSON *entry;
	const cJSON *before;

	if (is(a->state, "owner", a->actor))
		return refuse(a, "its owner has nothing to acknowledge");
	cJSON_ArrayForEach(before, member(a->state, "acknowledged"))
	{
		if (is(before, "party", a->actor))
			return refuse(a, "it has acknowledged before");
	}
	if (!has_room(a->state, "acknowledged"))
		return refuse(a, "too many have acknowledged");
	entry = cJSON_CreateObject();
	cJSON_AddStringToObject(entry, "party", a->actor);
	cJSON_AddStringToObject(entry, "at", a->at);
	cJSON_AddBoolToObject(entry, "answers", answers);
	if (!enter(a->state, "acknowledged", entry, 3))
		return false;
	if (answers && (strcmp(status, "open") == 0 || strcmp(status, "reopened") == 0))
		return put_text(a->state, "status", "acknowledged");
	return true;
}

/* How many of the names would be new among the parties. */
static int new_parties(const struct applying *a, const cJSON *names)
{
	const cJSON *p;
	int n = 0;

	cJSON_ArrayForEach(p, names)
	{
		n += !incident_party_of(a->state, cJSON_GetStringValue(p));
	}
	return n;
}

static bool parties_fit(struct applying *a, int more)
{
	return cJSON_GetArraySize(member(a->state, "parties")) + more < INCIDENT_LIST_MAX ||
	       refuse(a, "too many would read it");
}

static bool widen(struct applying *a, const cJSON *names)
{
	const cJSON *p;

	cJSON_ArrayForEach(p, names)
	{
		if (!add_party(a->state, cJSON_GetStringValue(p)))
			return false;
	}
	return true;
}

static bool notify(struct applying *a)
{
	const cJSON *names = member(a->event->said, "parties");

	return owns(a) && parties_fit(a, new_parties(a, names)) && widen(a, names);
}

static bool request_help(struct applying *a)
{
	const cJSON *names = member(a->event->said, "parties");
	cJSON *entry;

	if (new_parties(a, names) > 0)
		return refuse(a,
			      "only its parties can be asked for help; notify makes them parties");
	if (!has_room(a->state, "help"))
		return refuse(a, "help has been asked for too often");
	entry = cJSON_CreateObject();
	cJSON_AddStringToObject(entry, "party", a->actor);
	cJSON_AddItemToObject(entry, "of", cJSON_Duplicate(names, true));
	cJSON_AddStringToObject(entry, "at", a->at);
	cJSON_AddStringToObject(entry, "text", incident_text(a->event->said, "text"));
	return enter(a->state, "help", entry, 4);
}

static bool transfer(struct applying *a)
{
	const char *party = incident_text(a->event->said, "party");

	if (!owns(a) || !parties_fit(a, 1))
		return false;
	if (!topology_party(a->topology, party))
		return refuse(a, "it is offered to nobody");
	if (is(a->state, "owner", party))
		return refuse(a, "it is offered to its owner");
	return put_text(a->state, "offered", party) && add_party(a->state, party);
}

static bool own(struct applying *a, const char *party)
{
	char before[NAME_MAX_BYTES + 1];

	strcpy(before, incident_text(a->state, "owner"));
	return put_text(a->state, "owner", party) && put_text(a->state, "offered", NULL) &&
	       add_party(a->state, before) && add_party(a->state, party);
}

static bool accept(struct applying *a)
{
	if (!is(a->state, "offered", a->actor))
		return refuse(a, "it was not offered to who accepts it");
	return parties_fit(a, 2) && own(a, a->actor);
}

static bool take(struct applying *a)
{
	if (!above(a, incident_text(a->state, "owner"), a->actor))
		return refuse(a, "who takes it over is not above its owner");
	return parties_fit(a, 2) && own(a, a->actor);
}

static bool follow(struct applying *a)
{
	if (!takes_part(a) && a->event->action != INCIDENT_TAKE)
		return refuse(a, "its author is none of the incident's parties");
	switch (a->event->action) {
	case INCIDENT_UPDATE:
		return update(a);
	case INCIDENT_ACKNOWLEDGE:
		return acknowledge(a);
	case INCIDENT_NOTIFY:
		return notify(a);
	case INCIDENT_REQUEST_HELP:
		return request_help(a);
	case INCIDENT_TRANSFER:
		return transfer(a);
	case INCIDENT_ACCEPT:
		return accept(a);
	case INCIDENT_TAKE:
		return take(a);
	case INCIDENT_RENEW:
		return owns(a);
	case INCIDENT_OPEN:
		return refuse(a, "it is opened a second time");
	case INCIDENT_NOTE:
	case INCIDENT_ACTION_COUNT:
		break;
	}
	return true;
}

bool incident_apply(cJSON **state, const struct incident_event *e, const struct chain *chain,
		    const char **why)
{
	struct applying a = {.state = *state,
			     .event = e,
			     .topology = chain_version(chain, e->topology),
			     .actor = incident_actor(e, chain)};
	bool applied;

	time_format(a.at, e->created);
	if (!a.actor)
		applied = refuse(&a, "its author does not hold the role that it speaks for");
	else
		applied = *state ? follow(&a) : begin(&a, state);
	*why = applied ? NULL : a.why;
	return applied;
}
