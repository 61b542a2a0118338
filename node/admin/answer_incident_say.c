/* incident-say: everything that is said of an incident. */
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "keys/seal.h"
#include "node/admin/answer_incident_say.h"
#include "node/loop.h"
#include "protocol/body.h"

enum { HOUR_MS = 3600000, DAY_HOURS = 24 };

enum err saying_refuse(const struct saying *s, const char *where, const char *why)
{
	report_add(&s->a->report, "%s", why);
	s->a->where = where;
	return ERR_NOT_ALLOWED;
}

static enum err action_wanted(struct saying *s)
{
	const char *word = admin_string(&s->a->request, "action");

	for (int i = 0; word && i < INCIDENT_ACTION_COUNT; i++)
		if (strcmp(incident_action_str((enum incident_action)i), word) == 0) {
			s->event.action = (enum incident_action)i;
			return ERR_OK;
		}
	s->a->where = "action";
	report_add(&s->a->report, "\"%s\" is nothing that is said of an incident",
		   word ? word : "");
	return ERR_FORMAT;
}

static bool holds(const struct saying *s, const char *role)
{
	const struct party *self = s->who.self;

	for (size_t i = 0; i < self->role_count; i++)
		if (strcmp(s->who.topology->parties[self->roles[i]].name, role) == 0)
			return true;
	return false;
}

const struct party *saying_party(const struct saying *s, const char *name)
{
	return topology_party(s->who.topology, name);
}

static bool above(const struct saying *s, const char *lower, const char *upper)
{
	const struct topology *t = s->who.topology;
	const struct party *l = saying_party(s, lower), *u = saying_party(s, upper);

	return l && u && l != u && topology_above(t, topology_index(t, l), topology_index(t, u));
}

/* Whether speaking as that party is what the action is about. */
static bool suits(const struct saying *s, const char *party)
{
	const char *owner = incident_text(s->c.state, "owner");

	switch (s->event.action) {
	case INCIDENT_ACCEPT:
		return strcmp(incident_text(s->c.state, "offered"), party) == 0;
	case INCIDENT_TAKE:
	case INCIDENT_ACKNOWLEDGE:
		return above(s, owner, party);
	case INCIDENT_OPEN:
	case INCIDENT_UPDATE:
	case INCIDENT_NOTE:
	case INCIDENT_NOTIFY:
	case INCIDENT_REQUEST_HELP:
	case INCIDENT_TRANSFER:
	case INCIDENT_RENEW:
	case INCIDENT_ACTION_COUNT:
		break;
	}
	return strcmp(owner, party) == 0;
}

/* Who speaks: as is said, else the node where that suits, else a role of its that does. */
static enum err actor_wanted(struct saying *s)
{
	const char *as = admin_string(&s->a->request, "as");
	const struct party *self = s->who.self;

	if (as && !holds(s, as)) {
		report_add(&s->a->report, "%s does not hold the role \"%s\"", self->name, as);
		s->a->where = "as";
		return ERR_NOT_ALLOWED;
	}
	if (as) {
		strcpy(s->event.as_role, as);
		return ERR_OK;
	}
	if (!s->c.state || suits(s, self->name))
		return ERR_OK;
	for (size_t i = 0; i < self->role_count; i++) {
		const char *role = s->who.topology->parties[self->roles[i]].name;
		if (suits(s, role)) {
			strcpy(s->event.as_role, role);
			return ERR_OK;
		}
	}
	return ERR_OK;
}

const char *saying_actor(const struct saying *s)
{
	return *s->event.as_role ? s->event.as_role : s->who.self->name;
}

bool saying_names(const cJSON *names, const char *name)
{
	const cJSON *n;

	cJSON_ArrayForEach(n, names)
	{
		if (strcmp(n->valuestring, name) == 0)
			return true;
	}
	return false;
}

/* ---- what is said ---- */

static enum err copy(struct saying *s, cJSON *to, const char *name)
{
	const cJSON *value = cJSON_GetObjectItemCaseSensitive(s->a->request.json, name);
	cJSON *made = value ? cJSON_Duplicate(value, true) : NULL;

	if (value && (!made || !cJSON_AddItemToObject(to, name, made))) {
		cJSON_Delete(made);
		return ERR_MEMORY;
	}
	return ERR_OK;
}

enum err saying_take(struct saying *s, cJSON *to, const char *name)
{
	struct admin_request *r = &s->a->request;
	const cJSON *value = cJSON_GetObjectItemCaseSensitive(r->json, name);

	if (value && r->taken_count < ADMIN_MEMBERS_MAX)
		r->taken[r->taken_count++] = value;
	return copy(s, to, name);
}

static cJSON *names_of(const struct recipients *to)
{
	cJSON *names = cJSON_CreateArray();

	for (size_t i = 0; i < to->count; i++)
		cJSON_AddItemToArray(names, cJSON_CreateString(to->chosen[i].party->name));
	return names;
}

enum err saying_parties(struct saying *s, cJSON **names)
{
	enum err e = addressed_to(&s->who, s->a, false);

	if (!e && s->who.to.all)
		e = saying_refuse(s, "to", "an incident is told to parties, not to all");
	if (e)
		return e;
	*names = names_of(&s->who.to);
	return *names ? ERR_OK : ERR_MEMORY;
}

static enum err party_wanted(struct saying *s)
{
	const char *party = admin_string(&s->a->request, "party");

	if (!party || !saying_party(s, party)) {
		report_add(&s->a->report, "no party named \"%s\"", party ? party : "");
		s->a->where = "party";
		return ERR_UNKNOWN_PARTY;
	}
	return cJSON_AddStringToObject(s->words, "party", party) ? ERR_OK : ERR_MEMORY;
}

static enum err words_wanted(struct saying *s)
{
	cJSON *names;
	enum err e = saying_take(s, s->words, "text");

	if (e)
		return e;
	switch (s->event.action) {
	case INCIDENT_UPDATE:
		e = saying_take(s, s->words, "set");
		return e ? e : saying_take(s, s->words, "stage");
	case INCIDENT_NOTIFY:
	case INCIDENT_REQUEST_HELP:
		e = saying_parties(s, &names);
		if (!e)
			cJSON_AddItemToObject(s->words, "parties", names);
		return e;
	case INCIDENT_TRANSFER:
		return party_wanted(s);
	case INCIDENT_OPEN:
	case INCIDENT_NOTE:
	case INCIDENT_ACKNOWLEDGE:
	case INCIDENT_ACCEPT:
	case INCIDENT_TAKE:
	case INCIDENT_RENEW:
	case INCIDENT_ACTION_COUNT:
		break;
	}
	return ERR_OK;
}

/* ---- what becomes of it ---- */

/* When the event was said: as its author says, but not after it came here. */
static enum err said_at(const struct saying *s, const struct incident_event *e, uint64_t *at)
{
	struct log_row row = {0};
	uint64_t lsn;
	enum err x = index_find(s->a->index, &e->id, &lsn);

	if (!x)
		x = log_read(s->a->log, lsn, &row);
	if (!x)
		*at = e->created < row.arrived ? e->created : row.arrived;
	return x;
}

/* SPEC 8.9.3: "The owner has spoken where one of its events counts, whichever holder of a role
 * sent it" */
static enum err last_word(const struct saying *s, const struct party *owner, uint64_t *last)
{
	*last = 0;
	for (size_t i = 0; i < s->c.count; i++) {
		const struct incident_event *e = &s->c.events[i];
		const char *actor = incident_actor(e, &s->chain);
		uint64_t at;
		enum err x;

		if (!e->applied || !(party_id_equal(&e->origin, &owner->id) ||
				     (actor && strcmp(actor, owner->name) == 0)))
			continue;
		x = said_at(s, e, &at);
		if (x)
			return x;
		if (at > *last)
			*last = at;
	}
	return ERR_OK;
}

/* SPEC 8.9.3: "An author takes over only what has been silent for the hours of an early
 * warning" */
static enum err take_delay(struct saying *s)
{
	uint64_t wait = (uint64_t)s->who.topology->policy.early_warning_hours * HOUR_MS;
	const struct suspension *suspended = versions_suspension(node_versions(s->a->node));
	const struct party *owner = saying_party(s, incident_text(s->c.state, "owner"));
	uint64_t last;
	enum err e;

	if (!owner || owner->left || suspension_of_node(suspended, &owner->id, s->now))
		return ERR_OK;
	e = last_word(s, owner, &last);
	if (e)
		return e;
	if (s->now < last + wait) {
		report_add(&s->a->report,
			   "%s has spoken in the last %u hours; what its owner attends to is not "
			   "taken over",
			   owner->name, s->who.topology->policy.early_warning_hours);
		s->a->advice = "ask for a transfer: khabar incident note";
		return ERR_NOT_ALLOWED;
	}
	return ERR_OK;
}

static enum err apply(struct saying *s)
{
	const char *why = NULL;
	cJSON *state;

	if (!s->c.state)
		return saying_refuse(s, "id",
				     "its beginning is not held here: nothing can be added yet");
	s->after = cJSON_Duplicate(s->c.state, true);
	state = s->after;
	s->event.said = s->words;
	if (!s->after)
		return ERR_MEMORY;
	if (s->event.action == INCIDENT_UPDATE) {
		const cJSON *set = cJSON_GetObjectItemCaseSensitive(s->words, "set");
		if (!set && !cJSON_AddObjectToObject(s->words, "set"))
			return ERR_MEMORY;
		if (set && !incident_set_valid(set, &s->a->report))
			return ERR_FORMAT;
	}
	if (!incident_apply(&state, &s->event, &s->chain, &why))
		return why ? saying_refuse(s, NULL, why) : ERR_MEMORY;
	return ERR_OK;
}

/* Everybody among the parties who can be told; who left is not. */
static enum err readers(struct saying *s)
{
	const cJSON *names = cJSON_GetObjectItemCaseSensitive(s->after, "parties");
	const struct topology *t = s->who.topology;

	s->to.chosen = calloc(t->party_count + 1, sizeof *s->to.chosen);
	if (!s->to.chosen)
		return ERR_MEMORY;
	for (size_t i = 0; i < t->party_count; i++) {
		const struct party *p = &t->parties[i];
		if (p == s->who.self || p->left ||
		    !directory_seal_key(node_directory(s->a->node), p) ||
		    !saying_names(names, p->name))
			continue;
		s->to.chosen[s->to.count] = (struct chosen){.party = p};
		strcpy(s->to.chosen[s->to.count++].how, "party to the incident");
	}
	if (s->to.count == 0)
		return saying_refuse(s, "to", "nobody else would read it: name somebody with --to");
	return ERR_OK;
}

static enum err body_make(struct saying *s, uint8_t **body, size_t *n)
{
	struct message_id heads[INCIDENT_AFTER_MAX];
	struct incident_saying words = {.action = s->event.action,
					.network = &s->who.topology->network,
					.node = s->who.self->name,
					.title = s->who.self->title,
					.tlp = s->who.tlp,
					.now = s->now,
					.uuid = s->uuid,
					.words = s->words,
					.state = s->after,
					.after = heads};
	struct envelope envelope = {.exercise = s->event.exercise};
	struct text bundle, json;
	struct post post;
	enum err e = ERR_MEMORY;

	words.after_count = incident_heads(heads, s->c.events, s->c.count);
	strcpy(envelope.as_role, s->event.as_role);
	text_init(&bundle);
	text_init(&json);
	incident_write(&bundle, &words);
	post_write(&json, &envelope, (struct slice){bundle.at, bundle.length});
	if (!bundle.bad && !json.bad)
		e = post_read(&post, json.at, json.length, &s->a->report);
	if (!e) {
		/* What others would hold is not said. */
		struct incident_event event;
		struct header h = {.ref = s->c.root};
		e = incident_event_read(&event, &h, &s->c.root, &post, &s->a->report);
		if (!e)
			incident_event_clear(&event);
		post_clear(&post);
	}
	if (!e)
		e = body_pack(body, n, json.at, json.length);
	text_clear(&bundle);
	text_clear(&json);
	return e;
}

static enum err publish(struct saying *s, struct message_id *id)
{
	/* The incident begins when the message that opens it says, which is what its object has for
	 * ever as `created`. */
	struct draft draft = {
		.kind = KIND_POST, .tlp = s->who.tlp, .ref = s->c.root, .created = s->now};
	uint32_t days = s->who.topology->policy.expiry_days[s->who.tlp];
	const char *severity = incident_text(s->after, "severity");
	size_t letters = recipients_letters(&s->to);
	struct message_id *ids = calloc(letters, sizeof *ids);
	uint8_t *body = NULL;
	enum err e = ids ? body_make(s, &body, &draft.body_length) : ERR_MEMORY;

	/* One message is what events refer to. */
	if (!e && letters != 1)
		e = saying_refuse(s, "to", "an incident has at most 255 parties");
	draft.body = body;
	draft.before = s->a->before;
	draft.expiry = node_expiry(s->a->node, days * DAY_HOURS);
	draft.priority = strcmp(severity, "critical") == 0 ? PRIORITY_HIGH : PRIORITY_RAISED;
	if (!e && s->event.action == INCIDENT_OPEN)
		e = saying_number_keep(s);
	if (!e)
		e = node_publish(s->a->node, s->who.topology, &s->to, &draft, 1, ids,
				 &s->a->report);
	if (!e)
		*id = ids[0];
	free(body);
	free(ids);
	return e;
}

static void said_show(struct saying *s, const struct message_id *id)
{
	struct answer *a = s->a;
	const struct message_id *root = s->event.action == INCIDENT_OPEN ? id : &s->c.root;
	const char *number = incident_text(s->after, "number");

	admin_put_hex(&a->reply, "id", root->b, MESSAGE_ID_BYTES);
	admin_put_string(&a->reply, "number", number);
	admin_put_hex(&a->reply, "message", id->b, MESSAGE_ID_BYTES);
	admin_put_string(&a->reply, "status", incident_text(s->after, "status"));
	admin_put_string(&a->reply, "owner", incident_text(s->after, "owner"));
	audience_show(&a->reply, &s->to);
	text_str(&a->summary, "{");
	admin_put_string(&a->summary, "incident", number);
	admin_put_string(&a->summary, "action", incident_action_str(s->event.action));
	admin_put_hex(&a->summary, "message", id->b, MESSAGE_ID_BYTES);
	text_str(&a->summary, "}");
}

/* What is asked for, and what would come of it. */
static enum err prepare(struct saying *s)
{
	struct answer *a = s->a;
	const char *tlp = admin_string(&a->request, "tlp");
	bool opens;
	enum err e = action_wanted(s);

	opens = s->event.action == INCIDENT_OPEN;
	if (!e)
		e = addressed_self(&s->who, a);
	if (!e && opens && (!tlp || !tlp_parse(tlp, &s->who.tlp)))
		e = saying_refuse(s, "tlp",
				  "a TLP is wanted: clear, green, amber, amber+strict or red");
	if (!e && !opens)
		e = answer_case(&s->c, a);
	if (!e)
		e = versions_known(node_versions(a->node), &s->chain);
	if (e)
		return e;
	if (!opens)
		s->who.tlp = s->c.tlp;
	s->event.topology = s->who.topology->version;
	s->event.origin = s->who.self->id;
	s->event.created = s->now;
	s->event.exercise =
		opens ? admin_flag(&a->request, "exercise")
		      : cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(s->c.state, "exercise"));
	s->words = cJSON_CreateObject();
	e = s->words ? actor_wanted(s) : ERR_MEMORY;
	if (!e)
		e = words_wanted(s);
	if (!e)
		e = opens ? saying_open(s) : apply(s);
	if (!e && s->event.action == INCIDENT_TAKE)
		e = take_delay(s);
	return e;
}

enum err answer_incident_say(struct answer *a)
{
	struct saying s = {.a = a, .now = clock_wall()};
	struct message_id id;
	uint8_t random[16];
	bool dry_run = admin_flag(&a->request, "dry_run");
	enum err e = answer_catch_up(a);

	randombytes_buf(random, sizeof random);
	uuid_of_random(s.uuid, random);
	if (!e)
		e = prepare(&s);
	if (!e && (!admin_request_done(&a->request) || !answer_no_frames(a)))
		e = ERR_FORMAT;
	if (!e)
		e = readers(&s);
	if (!e && dry_run)
		audience_show(&a->reply, &s.to);
	else if (!e)
		e = publish(&s, &id);
	if (!e && !dry_run)
		said_show(&s, &id);
	cJSON_Delete(s.words);
	cJSON_Delete(s.after);
	case_clear(&s.c);
	free(s.chain.versions);
	recipients_clear(&s.to);
	addressed_clear(&s.who);
	return e;
}
