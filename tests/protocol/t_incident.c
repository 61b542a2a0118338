/* Incidents: what an event says, who may say it, and one state whatever order it came in. */
#include "protocol/incident.h"
#include "tests/protocol/federation.h"

static struct chain chain;
static const struct topology *topology;

static void topology_load(void)
{
	size_t n;
	char *text = slurp("tests/protocol/topology/base.zpl", &n);
	struct topology *t;
	struct report report;

	report_init(&report);
	need(topology_parse(&t, text, n, &report) == ERR_OK);
	chain_init(&chain);
	need(chain_add(&chain, t) == ERR_OK);
	topology = t;
	report_clear(&report);
	free(text);
}

/* ---- a node that knows some of the events ---- */

enum { EVENTS_MAX = 400 };

struct said_event {
	struct header *header;
	struct message_id id;
	char *json; /* of the post */
	size_t length;
};

struct story {
	struct said_event events[EVENTS_MAX];
	size_t count;
	uint64_t now;
};

static void story_clear(struct story *s)
{
	for (size_t i = 0; i < s->count; i++)
		free(s->events[i].json), free(s->events[i].header);
	s->count = 0;
}

/* Reads those of the events that are known, in the order given. */
static struct incident_event *events_read(const struct story *s, const bool *known,
					  const size_t *order, size_t *n)
{
	struct incident_event *out = calloc(s->count + 1, sizeof *out);

	need(out);
	*n = 0;
	for (size_t k = 0; k < s->count; k++) {
		const struct said_event *e = &s->events[order ? order[k] : k];
		struct post post;
		struct report report;
		if (known && !known[e - s->events])
			continue;
		report_init(&report);
		need(post_read(&post, e->json, e->length, &report) == ERR_OK);
		if (incident_event_read(&out[*n], e->header, &e->id, &post, &report) != ERR_OK) {
			printf("# %s\n", report_first(&report));
			need(false);
		}
		++*n;
		post_clear(&post);
		report_clear(&report);
	}
	return out;
}

static void events_free(struct incident_event *events, size_t n)
{
	for (size_t i = 0; i < n; i++)
		incident_event_clear(&events[i]);
	free(events);
}

static char *fold_text(const struct story *s, const bool *known, const size_t *order)
{
	size_t n;
	struct incident_event *events = events_read(s, known, order, &n);
	cJSON *state;
	struct text out;

	need(incident_fold(&state, events, n, &chain) == ERR_OK);
	text_init(&out);
	if (state) {
		char *printed = cJSON_PrintUnformatted(state);
		struct report report;
		report_init(&report);
		if (!incident_state_valid(state, &report))
			printf("# %s\n", report_first(&report));
		need(report.total == 0);
		report_clear(&report);
		text_str(&out, printed);
		free(printed);
	}
	for (size_t i = 0; i < n; i++)
		text_format(&out, "\n%02x%02x %d %s", events[i].id.b[0], events[i].id.b[1],
			    events[i].applied, events[i].why ? events[i].why : "");
	cJSON_Delete(state);
	events_free(events, n);
	return out.at;
}

static cJSON *state_of(const struct story *s, const bool *known)
{
	size_t n;
	struct incident_event *events = events_read(s, known, NULL, &n);
	cJSON *state;

	need(incident_fold(&state, events, n, &chain) == ERR_OK);
	events_free(events, n);
	return state;
}

static const char fresh[] =
	"{\"number\":\"telecom-2026-1\",\"exercise\":false,\"title\":\"A "
	"break-in\",\"description\":"
	"\"\",\"class\":\"intrusions\",\"type\":\"system-compromise\",\"severity\":\"high\","
	"\"critical_infrastructure\":true,\"affected\":[],\"reported_by\":null,\"aware\":"
	"\"2026-11-22T00:00:00.000Z\",\"opened\":\"2026-11-22T00:00:00.000Z\",\"status\":\"open\","
	"\"determination\":\"suspected\",\"assignee\":null,\"opener\":\"telecom\",\"owner\":"
	"\"telecom\",\"offered\":null,\"parties\":[\"telecom\",\"cii\",\"national\"],\"stages\":[],"
	"\"acknowledged\":[],\"help\":[],\"links\":[]}";

/* Says something as the node, or as the role that it claims, knowing what known says; words is
 * JSON.  What it carries as state is what it saw, whatever comes of it. */
static size_t say(struct story *s, const char *node, const char *as, const bool *known,
		  enum incident_action action, const char *words)
{
	struct said_event *e = &s->events[s->count];
	const struct party *party = topology_party(topology, node);
	size_t n;
	struct incident_event *events = events_read(s, known, NULL, &n);
	struct message_id heads[INCIDENT_AFTER_MAX];
	struct envelope envelope = {0};
	struct text bundle, body;
	cJSON *state, *json = words ? cJSON_Parse(words) : NULL;
	struct incident_saying saying = {.action = action,
					 .network = &topology->network,
					 .node = node,
					 .title = node,
					 .tlp = TLP_AMBER,
					 .now = s->now += 1000,
					 .uuid = "00000000-0000-4000-8000-000000000000",
					 .words = json,
					 .after = heads};

	need(party && s->count < EVENTS_MAX);
	need(incident_fold(&state, events, n, &chain) == ERR_OK);
	saying.after_count = incident_heads(heads, events, n);
	if (!state)
		state = cJSON_Parse(fresh);
	saying.state = state;
	text_init(&bundle);
	text_init(&body);
	incident_write(&bundle, &saying);
	if (as)
		strcpy(envelope.as_role, as);
	post_write(&body, &envelope, (struct slice){bundle.at, bundle.length});
	need(!bundle.bad && !body.bad);
	*e = (struct said_event){.json = body.at, .length = body.length};
	e->header = malloc(sizeof *e->header);
	need(e->header);
	*e->header = (struct header){.kind = KIND_POST,
				     .topology = 2,
				     .origin = party->id,
				     .created = s->now,
				     .sequence = s->count + 1};
	if (action != INCIDENT_OPEN)
		e->header->ref = s->events[0].id;
	crypto_generichash(e->id.b, sizeof e->id.b, (const uint8_t *)body.at, body.length,
			   (const uint8_t *)&s->count, sizeof s->count);
	events_free(events, n);
	text_clear(&bundle);
	cJSON_Delete(state);
	cJSON_Delete(json);
	return s->count++;
}

static void story_begin(struct story *s)
{
	*s = (struct story){.now = UINT64_C(1795000000000)};
	say(s, "telecom", NULL, NULL, INCIDENT_OPEN, NULL);
}

/* The same by who may and by who may not. */
static void expect(struct story *s, const char *member, const char *value, const char *name)
{
	cJSON *state = state_of(s, NULL);

	need(state);
	is_str(incident_text(state, member), value, "%s", name);
	cJSON_Delete(state);
}

static void an_owner_updates_and_nobody_else(void)
{
	struct story s;

	story_begin(&s);
	expect(&s, "owner", "telecom", "who opens it owns it");
	say(&s, "telecom", NULL, NULL, INCIDENT_UPDATE, "{\"set\":{\"severity\":\"critical\"}}");
	expect(&s, "severity", "critical", "an owner's update counts");
	say(&s, "national", NULL, NULL, INCIDENT_UPDATE, "{\"set\":{\"severity\":\"low\"}}");
	expect(&s, "severity", "critical", "a parent's does not");
	say(&s, "sindh", NULL, NULL, INCIDENT_NOTE, "{\"text\":\"we are not asked\"}");
	expect(&s, "severity", "critical", "an outsider's note changes nothing");
	say(&s, "telecom", NULL, NULL, INCIDENT_UPDATE,
	    "{\"set\":{\"class\":\"fraud\",\"description\":\"not what it seemed\"}}");
	expect(&s, "type", "", "a type goes with its class");
	story_clear(&s);
}

static void a_parent_acknowledges(void)
{
	struct story s;

	story_begin(&s);
	say(&s, "telecom", NULL, NULL, INCIDENT_ACKNOWLEDGE, "{}");
	expect(&s, "status", "open", "an owner does not acknowledge its own");
	say(&s, "national", "cii", NULL, INCIDENT_ACKNOWLEDGE, "{\"text\":\"seen\"}");
	expect(&s, "status", "acknowledged", "who is above does");
	story_clear(&s);
}

static void a_role_is_spoken_for_by_its_holders(void)
{
	struct story s;

	story_begin(&s);
	say(&s, "punjab", "cii", NULL, INCIDENT_ACKNOWLEDGE, "{}");
	expect(&s, "status", "open", "punjab does not hold cii");
	say(&s, "national", "cii", NULL, INCIDENT_TAKE, "{\"text\":\"nobody answers\"}");
	expect(&s, "owner", "cii", "a role above takes over");
	say(&s, "telecom", NULL, NULL, INCIDENT_UPDATE, "{\"set\":{\"severity\":\"low\"}}");
	expect(&s, "severity", "high", "who owned it before does no longer");
	say(&s, "national", "cii", NULL, INCIDENT_UPDATE, "{\"set\":{\"severity\":\"low\"}}");
	expect(&s, "severity", "low", "its new owner does");
	story_clear(&s);
}

static void ownership_is_offered_and_accepted(void)
{
	struct story s;

	story_begin(&s);
	say(&s, "punjab", NULL, NULL, INCIDENT_ACCEPT, "{}");
	expect(&s, "owner", "telecom", "what was not offered is not accepted");
	say(&s, "telecom", NULL, NULL, INCIDENT_TRANSFER, "{\"party\":\"punjab\"}");
	expect(&s, "owner", "telecom", "an offer changes nothing yet");
	say(&s, "fbr", NULL, NULL, INCIDENT_ACCEPT, "{}");
	expect(&s, "owner", "telecom", "another cannot accept it");
	say(&s, "punjab", NULL, NULL, INCIDENT_ACCEPT, "{}");
	expect(&s, "owner", "punjab", "it is accepted");
	say(&s, "fbr", NULL, NULL, INCIDENT_TAKE, "{\"text\":\"mine\"}");
	expect(&s, "owner", "punjab", "who is not above its owner cannot take it");
	story_clear(&s);
}

static void stages_come_once_and_set_the_clocks(void)
{
	struct story s;
	struct incident_clock clocks[INCIDENT_CLOCKS];
	cJSON *state;

	story_begin(&s);
	state = state_of(&s, NULL);
	is_int(incident_clocks(clocks, state, &topology->policy), 3, "no final before");
	ok(clocks[0].done == 0 && clocks[0].due == UINT64_C(1795305600000) + 12 * 3600000,
	   "an early warning is due twelve hours after awareness");
	cJSON_Delete(state);
	say(&s, "telecom", NULL, NULL, INCIDENT_UPDATE,
	    "{\"set\":{},\"stage\":\"notification\",\"text\":\"what we know\"}");
	say(&s, "telecom", NULL, NULL, INCIDENT_UPDATE,
	    "{\"set\":{\"severity\":\"low\"},\"stage\":\"notification\",\"text\":\"again\"}");
	expect(&s, "severity", "high", "a stage is reported once, or the update does not count");
	state = state_of(&s, NULL);
	is_int(incident_clocks(clocks, state, &topology->policy), 4, "then a final report is due");
	ok(clocks[0].done && clocks[1].done == s.now - 1000, "a notification stands for both");
	is_str(clocks[2].what, "final", "it is the final report");
	ok(clocks[2].due == s.now - 1000 + UINT64_C(30) * 86400000, "a month after it");
	cJSON_Delete(state);
	say(&s, "telecom", NULL, NULL, INCIDENT_UPDATE, "{\"set\":{\"status\":\"closed\"}}");
	state = state_of(&s, NULL);
	is_int(incident_clocks(clocks, state, &topology->policy), 2, "closed, nothing is due");
	ok(clocks[0].done && clocks[1].done, "and what was done stays known");
	cJSON_Delete(state);
	say(&s, "telecom", NULL, NULL, INCIDENT_UPDATE, "{\"set\":{\"status\":\"reopened\"}}");
	state = state_of(&s, NULL);
	is_int(incident_clocks(clocks, state, &topology->policy), 4, "reopened, it is due again");
	cJSON_Delete(state);
	say(&s, "telecom", NULL, NULL, INCIDENT_UPDATE,
	    "{\"set\":{\"status\":\"closed\",\"determination\":\"false-positive\"}}");
	state = state_of(&s, NULL);
	is_int(incident_clocks(clocks, state, &topology->policy), 0, "what was none has no clocks");
	cJSON_Delete(state);
	story_clear(&s);
}

static void what_is_closed_wants_to_be_reopened(void)
{
	struct story s;

	story_begin(&s);
	say(&s, "telecom", NULL, NULL, INCIDENT_UPDATE, "{\"set\":{\"status\":\"reopened\"}}");
	expect(&s, "status", "open", "what is open is not reopened");
	say(&s, "telecom", NULL, NULL, INCIDENT_UPDATE, "{\"set\":{\"status\":\"closed\"}}");
	say(&s, "telecom", NULL, NULL, INCIDENT_UPDATE, "{\"set\":{\"status\":\"contained\"}}");
	expect(&s, "status", "closed", "closed stays closed");
	say(&s, "telecom", NULL, NULL, INCIDENT_UPDATE, "{\"set\":{\"status\":\"reopened\"}}");
	expect(&s, "status", "reopened", "until it is reopened");
	story_clear(&s);
}

static void who_comes_later_begins_with_the_state(void)
{
	struct story s;
	bool known[EVENTS_MAX] = {false};
	cJSON *state;
	size_t at;

	story_begin(&s);
	say(&s, "telecom", NULL, NULL, INCIDENT_UPDATE, "{\"set\":{\"severity\":\"critical\"}}");
	at = say(&s, "telecom", NULL, NULL, INCIDENT_NOTIFY, "{\"parties\":[\"punjab\"]}");
	known[at] = true;
	state = state_of(&s, known);
	ok(state != NULL, "the state comes with the event that names the newcomer");
	is_str(incident_text(state, "severity"), "critical", "as it was by then");
	cJSON_Delete(state);
	known[at] = false;
	known[say(&s, "punjab", NULL, NULL, INCIDENT_NOTE, "{\"text\":\"thanks\"}")] = true;
	state = state_of(&s, known);
	ok(!state, "a note alone tells nothing");
	cJSON_Delete(state);
	story_clear(&s);
}

/* Everybody knows some of the events and says something now and then. */
static void one_state_whatever_the_order(void)
{
	static const char *const nodes[] = {"telecom", "national", "punjab", "sindh", "fbr"};
	static const struct {
		enum incident_action action;
		const char *words;
	} things[] = {
		{INCIDENT_UPDATE, "{\"set\":{\"severity\":\"low\"}}"},
		{INCIDENT_UPDATE, "{\"set\":{\"severity\":\"critical\",\"title\":\"Worse\"}}"},
		{INCIDENT_UPDATE, "{\"set\":{\"status\":\"closed\"}}"},
		{INCIDENT_UPDATE, "{\"set\":{\"status\":\"reopened\"}}"},
		{INCIDENT_UPDATE, "{\"set\":{},\"stage\":\"early-warning\",\"text\":\"x\"}"},
		{INCIDENT_NOTE, "{\"text\":\"hm\"}"},
		{INCIDENT_ACKNOWLEDGE, "{}"},
		{INCIDENT_NOTIFY, "{\"parties\":[\"sindh\",\"punjab\"]}"},
		{INCIDENT_REQUEST_HELP, "{\"parties\":[\"national\"],\"text\":\"help\"}"},
		{INCIDENT_TRANSFER, "{\"party\":\"punjab\"}"},
		{INCIDENT_TRANSFER, "{\"party\":\"national\"}"},
		{INCIDENT_ACCEPT, "{}"},
		{INCIDENT_TAKE, "{\"text\":\"late\"}"},
		{INCIDENT_RENEW, "{}"},
	};
	enum { NODES = sizeof nodes / sizeof *nodes, THINGS = sizeof things / sizeof *things };
	unsigned differ = 0, changed = 0;

	for (uint64_t seed = 1; seed <= 30; seed++) {
		struct story s;
		bool known[NODES][EVENTS_MAX] = {{false}};
		size_t order[EVENTS_MAX];
		uint64_t state = seed;
		char *first;

		story_begin(&s);
		for (size_t i = 0; i < 40; i++) {
			size_t who = below(&state, NODES), what = below(&state, THINGS);
			bool role = who == 1 && below(&state, 2);
			for (size_t k = 0; k < s.count; k++)
				known[who][k] = known[who][k] || k == 0 || below(&state, 3) == 0;
			known[who][say(&s, nodes[who], role ? "cii" : NULL, known[who],
				       things[what].action, things[what].words)] = true;
		}
		first = fold_text(&s, NULL, NULL);
		changed += strstr(first, "\"severity\":\"high\"") == NULL;
		for (size_t i = 0; i < s.count; i++)
			order[i] = i;
		for (unsigned turn = 0; turn < 5; turn++) {
			char *again;
			for (size_t i = s.count - 1; i > 0; i--) {
				size_t j = below(&state, i + 1), keep = order[i];
				order[i] = order[j];
				order[j] = keep;
			}
			again = fold_text(&s, NULL, order);
			differ += strcmp(first, again) != 0;
			free(again);
		}
		free(first);
		story_clear(&s);
	}
	is_int(differ, 0, "150 shuffled folds tell what the first told");
	ok(changed > 5, "and the stories were not empty: %u", changed);
}

static void nothing_but_events_is_read(void)
{
	struct story s;
	struct post post;
	struct report report;
	struct incident_event event;
	char *at;

	story_begin(&s);
	report_init(&report);
	at = strstr(s.events[0].json, "\"action\":\"open\"");
	need(at);
	memcpy(at, "\"action\":\"ope?\"", 15);
	need(post_read(&post, s.events[0].json, s.events[0].length, &report) == ERR_OK);
	is_int(incident_event_read(&event, s.events[0].header, &s.events[0].id, &post, &report),
	       ERR_FORMAT, "an unknown action is refused");
	post_clear(&post);
	memcpy(at, "\"action\":\"open\"", 15);
	s.events[0].header->ref.b[0] = 1;
	need(post_read(&post, s.events[0].json, s.events[0].length, &report) == ERR_OK);
	is_int(incident_event_read(&event, s.events[0].header, &s.events[0].id, &post, &report),
	       ERR_FORMAT, "what opens refers to nothing");
	post_clear(&post);
	memcpy(strstr(s.events[0].json, "3b0a2f4e"), "3b0a2f4f", 8);
	need(post_read(&post, s.events[0].json, s.events[0].length, &report) == ERR_OK);
	is_int(incident_event_read(&event, s.events[0].header, &s.events[0].id, &post, &report),
	       ERR_NOT_FOUND, "another extension is no event");
	post_clear(&post);
	report_clear(&report);
	story_clear(&s);
}

static void what_is_empty_is_not_said(void)
{
	static const char *const bad[] = {"{\"unset\":[\"title\"]}",   "{\"unset\":[\"owner\"]}",
					  "{\"unset\":[\"offered\"]}", "{\"unset\":[1]}",
					  "{\"unset\":\"type\"}",      "{\"unset\":[\"\"]}"};
	struct story s;
	struct post post;
	struct incident_event event;
	struct report report;
	bool empty = false;
	cJSON *state;

	story_begin(&s);
	say(&s, "telecom", NULL, NULL, INCIDENT_UPDATE,
	    "{\"set\":{\"affected\":[\"a bank\"],\"assignee\":\"Ayesha\"}}");
	say(&s, "telecom", NULL, NULL, INCIDENT_UPDATE,
	    "{\"set\":{\"affected\":[],\"assignee\":null,\"type\":null,\"severity\":\"low\","
	    "\"reported_by\":{\"name\":\"a bank\",\"file\":null,\"sha256\":null}}}");
	for (size_t i = 0; i < s.count; i++)
		empty = empty || strstr(s.events[i].json, "null") ||
			strstr(s.events[i].json, "[]") || strstr(s.events[i].json, "{}");
	ok(!empty, "STIX knows neither null nor empty lists");
	ok(strstr(s.events[2].json, "\"unset\":[\"affected\",\"assignee\",\"type\"]") != NULL,
	   "what an update empties is named");
	state = state_of(&s, NULL);
	ok(cJSON_GetArraySize(cJSON_GetObjectItem(state, "affected")) == 0 &&
		   cJSON_IsNull(cJSON_GetObjectItem(state, "assignee")) &&
		   cJSON_IsNull(cJSON_GetObjectItem(state, "type")),
	   "and empty afterwards");
	is_str(incident_text(state, "severity"), "low", "beside what it sets");
	cJSON_Delete(state);
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		size_t k = say(&s, "telecom", NULL, NULL, INCIDENT_UPDATE, bad[i]);
		report_init(&report);
		need(post_read(&post, s.events[k].json, s.events[k].length, &report) == ERR_OK);
		is_int(incident_event_read(&event, s.events[k].header, &s.events[k].id, &post,
					   &report),
		       ERR_FORMAT, "refused: %s", bad[i]);
		post_clear(&post);
		report_clear(&report);
		s.count--;
		free(s.events[k].json), free(s.events[k].header);
	}
	story_clear(&s);
}

static void states_are_checked(void)
{
	static const char *const bad[][2] = {
		{"\"number\":\"telecom-2026-1\"", "\"number\":\"telecom-2026-01\""},
		{"\"number\":\"telecom-2026-1\"", "\"number\":\"2026-1\""},
		{"\"severity\":\"high\"", "\"severity\":\"huge\""},
		{"\"class\":\"intrusions\"", "\"class\":\"intrusion\""},
		{"\"type\":\"system-compromise\"", "\"type\":\"phishing\""},
		{"\"aware\":\"2026-11-22T", "\"aware\":\"2026-13-22T"},
		{"\"affected\":[]", "\"affected\":[1]"},
		{"\"parties\":[\"telecom\"", "\"parties\":[\"TELECOM\""},
		{"\"links\":[]", "\"links\":[{\"kind\":\"incident\"}]"},
		{",\"help\":[]", ""},
		{"\"help\":[]", "\"help\":[],\"more\":1"},
	};
	cJSON *state = cJSON_Parse(fresh);

	ok(incident_state_valid(state, NULL), "a fresh state is valid");
	cJSON_Delete(state);
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		const char *at = strstr(fresh, bad[i][0]);
		struct text t;
		need(at);
		text_init(&t);
		text_add(&t, fresh, (size_t)(at - fresh));
		text_str(&t, bad[i][1]);
		text_str(&t, at + strlen(bad[i][0]));
		state = cJSON_Parse(t.at);
		ok(state && !incident_state_valid(state, NULL), "refused: %s", bad[i][1]);
		cJSON_Delete(state);
		text_clear(&t);
	}
	ok(incident_type_valid("fraud", "phishing") && !incident_type_valid("fraud", "phish") &&
		   !incident_type_valid("fraud", "") && !incident_class_valid("frau") &&
		   !incident_class_valid(""),
	   "classes and types are whole words");
}

int main(void)
{
	need(sodium_init() >= 0);
	topology_load();
	RUN(an_owner_updates_and_nobody_else);
	RUN(a_parent_acknowledges);
	RUN(a_role_is_spoken_for_by_its_holders);
	RUN(ownership_is_offered_and_accepted);
	RUN(stages_come_once_and_set_the_clocks);
	RUN(what_is_closed_wants_to_be_reopened);
	RUN(who_comes_later_begins_with_the_state);
	RUN(one_state_whatever_the_order);
	RUN(nothing_but_events_is_read);
	RUN(what_is_empty_is_not_said);
	RUN(states_are_checked);
	chain_clear(&chain);
	return tap_done();
}
