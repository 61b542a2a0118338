/* An incident among the parties of a federation: each two bytes of the input are somebody who says
 * something of it, knowing all that was said or only some.  Who keeps to the rules writes what
 * others can read; in whatever order it comes everybody sees the same; and where nobody was behind,
 * all of it counts. */
#include <string.h>

#include "protocol/bytes.h"
#include "protocol/incident.h"
#include "tests/fuzz/fuzz.h"
#include "tests/protocol/federation.h"

enum { EVENTS_MAX = 40 };

static struct chain chain;
static const struct topology *topology;
static struct incident_event events[EVENTS_MAX];
static size_t count;
static bool orderly; /* nobody was behind, and nobody says what the rules forbid */

static const char *const sets[] = {
	"{}",
	"{\"set\":{\"severity\":\"low\",\"title\":\"Another name\"}}",
	"{\"set\":{\"status\":\"in-progress\",\"assignee\":\"the night shift\"}}",
	"{\"set\":{\"status\":\"closed\"}}",
	"{\"set\":{\"status\":\"reopened\"}}",
	"{\"set\":{\"status\":\"resolved\"},\"stage\":\"final\",\"text\":\"all is well\"}",
	"{\"set\":{},\"stage\":\"early-warning\",\"text\":\"look out\"}",
	"{\"set\":{\"assignee\":null},\"stage\":\"progress\"}",
	"{\"set\":{\"class\":\"malicious-code\",\"type\":\"infected-system\"}}",
	"{\"set\":{\"class\":\"fraud\"},\"stage\":\"notification\"}",
	"{\"set\":{\"affected\":[\"a bank\",\"another\"],\"links\":[]}}",
	"{\"set\":{\"links\":[{\"kind\":\"part-of\",\"id\":\"x\"}]}}",
	"{\"set\":{\"affected\":[],\"links\":[],\"description\":\"\"}}",
	"{\"set\":{\"reported_by\":{\"name\":\"a caller\",\"file\":null,\"sha256\":null}}}",
	"{\"set\":{\"reported_by\":null,\"determination\":\"confirmed\"}}",
	"{\"set\":{\"status\":\"open\"}}",
	"{\"set\":{\"owner\":\"kp\"}}",
	"{\"set\":{\"critical_infrastructure\":false,\"aware\":\"2026-11-21T00:00:00.000Z\"}}",
};
static const char *const texts[] = {"{\"text\":\"what I know\"}", "{}", "{\"text\":\"\"}"};
static const char *const lists[] = {
	"{\"parties\":[\"punjab\"]}",
	"{\"parties\":[\"sindh\",\"fbr\",\"government\"],\"text\":\"please\"}",
	"{\"parties\":[\"telecom\",\"national\"],\"text\":\"please help\"}",
	"{\"parties\":[]}",
	"{\"parties\":[\"nobody\"]}",
};
static const char *const heirs[] = {"{\"party\":\"punjab\"}", "{\"party\":\"cii\"}",
				    "{\"party\":\"nobody\"}", "{\"party\":\"telecom\"}"};

static void prepare(void)
{
	size_t n;
	char *text;
	struct topology *t;

	if (topology)
		return;
	text = slurp("tests/protocol/topology/base.zpl", &n);
	must(topology_parse(&t, text, n, NULL) == ERR_OK);
	free(text);
	chain_init(&chain);
	must(chain_add(&chain, t) == ERR_OK);
	topology = t;
}

static cJSON *pick(const char *const *list, size_t n, unsigned which)
{
	return cJSON_Parse(list[which % n]);
}

#define PICK(list, which) pick(list, sizeof(list) / sizeof *(list), which)

static cJSON *opening(const char *owner, unsigned which)
{
	struct text t;
	cJSON *json;

	text_init(&t);
	text_format(
		&t,
		"{\"state\":{\"title\":\"A break-in\",\"description\":\"%s\",\"class\":"
		"\"intrusions\",\"type\":%s,\"severity\":\"high\",\"critical_infrastructure\":"
		"true,\"affected\":[],\"reported_by\":null,\"status\":\"open\",\"determination\":"
		"\"suspected\",\"assignee\":null,\"links\":[],\"aware\":"
		"\"2026-11-18T00:00:00.000Z\",\"number\":\"%s-2026-%u\",\"exercise\":false,"
		"\"opened\":\"2026-11-18T00:00:00.000Z\",\"opener\":\"%s\",\"owner\":\"%s\","
		"\"offered\":null,\"parties\":[\"%s\",\"national\",\"telecom\"],\"stages\":[%s],"
		"\"acknowledged\":[],\"help\":[]}}",
		which & 1 ? "At night." : "", which & 2 ? "\"system-compromise\"" : "null", owner,
		1 + which / 4, owner, owner, which & 8 ? "sindh" : owner,
		which & 16 ? "{\"stage\":\"early-warning\",\"at\":\"2026-11-18T00:00:00.000Z\","
			     "\"text\":\"soon\"}"
			   : "");
	json = cJSON_ParseWithLength(t.at, t.length);
	text_clear(&t);
	return json;
}

static cJSON *words_of(enum incident_action action, const char *actor, unsigned which)
{
	switch (action) {
	case INCIDENT_OPEN:
		return opening(actor, which);
	case INCIDENT_UPDATE:
		return PICK(sets, which);
	case INCIDENT_NOTIFY:
	case INCIDENT_REQUEST_HELP:
		return PICK(lists, which);
	case INCIDENT_TRANSFER:
		return PICK(heirs, which);
	case INCIDENT_NOTE:
	case INCIDENT_ACKNOWLEDGE:
	case INCIDENT_ACCEPT:
	case INCIDENT_TAKE:
	case INCIDENT_RENEW:
	case INCIDENT_ACTION_COUNT:
		break;
	}
	return PICK(texts, which);
}

/* What the author of the next event knows: all but the last few. */
static cJSON *known(struct incident_event *copy, size_t n)
{
	cJSON *state = NULL;

	memcpy(copy, events, n * sizeof *copy);
	must(incident_fold(&state, copy, n, &chain) == ERR_OK);
	return state;
}

/* The event as others have it. */
static bool hear(struct incident_event *e, const struct incident_event *said,
		 const struct incident_saying *s)
{
	struct envelope envelope = {0};
	struct header h = {
		.topology = said->topology, .origin = said->origin, .created = said->created};
	struct text bundle, json;
	struct post post;
	bool heard = false;

	strcpy(envelope.as_role, said->as_role);
	h.ref = said->action == INCIDENT_OPEN ? h.ref : events[0].id;
	text_init(&bundle);
	text_init(&json);
	incident_write(&bundle, s);
	post_write(&json, &envelope, (struct slice){bundle.at, bundle.length});
	if (!bundle.bad && !json.bad && post_read(&post, json.at, json.length, NULL) == ERR_OK) {
		heard = incident_event_read(e, &h, &said->id, &post, NULL) == ERR_OK;
		must(!heard || (e->action == said->action && e->after_count == s->after_count));
		post_clear(&post);
	}
	text_clear(&bundle);
	text_clear(&json);
	return heard;
}

static void draw_actor(struct incident_event *e, uint8_t who)
{
	const struct party *p = &topology->parties[who % topology->party_count];
	static const char *const roles[] = {"government", "cii"};

	e->origin = p->id;
	if (p == topology_party(topology, "national") && who & 0x80)
		strcpy(e->as_role, roles[who >> 6 & 1]);
}

/* Replaces what would be said by anything. */
static cJSON *raw_words(struct reader *r, cJSON *instead)
{
	size_t n = read_u8(r);
	const char *at;
	cJSON *json = NULL;

	n = n < r->left ? n : r->left;
	at = n ? (const char *)read_ref(r, n) : "";
	if (json_parse(&json, at, n, NULL) != ERR_OK || !cJSON_IsObject(json)) {
		cJSON_Delete(json);
		return instead;
	}
	orderly = false;
	cJSON_Delete(instead);
	return json;
}

static void say(uint8_t what, uint8_t who, struct reader *r)
{
	static struct incident_event copy[EVENTS_MAX];
	struct incident_event e = {.topology = topology->version,
				   .created = UINT64_C(1795000000000) + count * 60000};
	struct message_id heads[INCIDENT_AFTER_MAX];
	struct incident_saying s = {.network = &topology->network,
				    .node = "telecom",
				    .title = "Telecom",
				    .tlp = TLP_AMBER,
				    .now = e.created,
				    .uuid = "00000000-0000-4000-8000-000000000000",
				    .after = heads};
	size_t behind = what & 0x40 ? who % 3 : 0, n = count > behind ? count - behind : 0;
	cJSON *before, *state = NULL;
	const char *why = NULL, *actor;
	bool applied;

	e.action =
		count == 0 ? INCIDENT_OPEN : (enum incident_action)(what % INCIDENT_ACTION_COUNT);
	memset(e.id.b, 1 + (int)count, sizeof e.id.b);
	draw_actor(&e, who);
	actor = incident_actor(&e, &chain);
	e.said = words_of(e.action, actor ? actor : "nobody", read_u8(r));
	if (what & 0x80)
		e.said = raw_words(r, e.said);
	must(e.said);
	orderly = orderly && n == count;
	n = n ? n : count;
	before = known(copy, n);
	state = before ? cJSON_Duplicate(before, true) : NULL;
	applied = (e.action != INCIDENT_UPDATE ||
		   incident_set_valid(cJSON_GetObjectItemCaseSensitive(e.said, "set"), NULL)) &&
		  incident_apply(&state, &e, &chain, &why);
	must(applied || !why || *why);
	/* One who does not care says it all the same. */
	s.action = e.action;
	s.words = e.action == INCIDENT_OPEN ? NULL : e.said;
	s.state = state;
	s.after_count = incident_heads(heads, copy, n);
	if (state && (applied || what & 0x20)) {
		orderly = orderly && applied;
		if (hear(&events[count], &e, &s))
			count++;
	}
	cJSON_Delete(e.said);
	cJSON_Delete(before);
	cJSON_Delete(state);
}

/* The state as text, and each event's part in it. */
static void fold(struct text *out, uint64_t order)
{
	static struct incident_event copy[EVENTS_MAX];
	struct incident_clock clocks[INCIDENT_CLOCKS];
	cJSON *state = NULL;
	char *printed;

	memcpy(copy, events, count * sizeof *copy);
	for (size_t i = count; order && i > 1; i--) {
		size_t k = below(&order, i);
		struct incident_event swap = copy[i - 1];
		copy[i - 1] = copy[k];
		copy[k] = swap;
	}
	must(incident_fold(&state, copy, count, &chain) == ERR_OK);
	text_init(out);
	if (state) {
		must(incident_state_valid(state, NULL));
		incident_clocks(clocks, state, &topology->policy);
		printed = cJSON_PrintUnformatted(state);
		must(printed);
		text_str(out, printed);
		free(printed);
	}
	for (size_t i = 0; i < count; i++) {
		must(copy[i].applied || !orderly);
		text_format(out, "\n%d %d %s", copy[i].id.b[0], copy[i].applied,
			    copy[i].why ? copy[i].why : "");
	}
	cJSON_Delete(state);
}

static void all_see_the_same(uint64_t seed)
{
	struct text one, other;

	fold(&one, 0);
	for (uint64_t i = 1; i <= 4; i++) {
		fold(&other, seed + i);
		must(one.length == other.length &&
		     (one.length == 0 || memcmp(one.at, other.at, one.length) == 0));
		text_clear(&other);
	}
	text_clear(&one);
}

unsigned fuzz_cost(void)
{
	return 40;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct reader r;

	prepare();
	count = 0;
	orderly = true;
	reader_init(&r, data, n);
	while (r.left >= 2 && count < EVENTS_MAX) {
		uint8_t what = read_u8(&r);
		say(what, read_u8(&r), &r);
	}
	all_see_the_same(n);
	for (size_t i = 0; i < count; i++)
		incident_event_clear(&events[i]);
	return 0;
}
