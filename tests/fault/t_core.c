/* What makes, reads and folds what nodes say, while memory is short: it says so, leaves nothing
 * behind, and does its work once there is memory again. */
#include "keys/handover.h"
#include "protocol/incident_parts.h"
#include "tests/fault/starve.h"
#include "tests/node/exported.h"
#include "tests/node/store_fixture.h"
#include "tests/protocol/federation.h"

enum { EVENTS = 3 };

static struct fixture home;
static struct identity *other;
static struct chain chain;
static const struct topology *topology;

/* ---- a card ---- */

static enum err write_and_read_card(void)
{
	struct party_id self = party_id_of(&topology->network, "punjab");
	struct card made = {.number = 7}, *back = NULL;
	struct text written;
	enum err e;

	made.endpoints[made.endpoint_count++] = (char[]){"tcp://cert.punjab.example:5670"};
	made.contacts[made.contact_count++] =
		(struct card_contact){.name = (char[]){"Duty"}, .phone = (char[]){"+92 1"}};
	made.constituency.domains = (char *[]){(char[]){"punjab.example"}};
	made.constituency.domain_count = 1;
	identity_card(home.identity, &self, &made);
	text_init(&written);
	card_write(&written, &made);
	e = written.bad ? ERR_MEMORY : card_read(&back, &self, written.at, written.length, NULL);
	need(e || back->number == made.number);
	card_free(back);
	text_clear(&written);
	return e;
}

/* ---- a message that is handed on ---- */

/* To both of them, by the one that wrote it. */
static struct letter letter_of(const struct party_id *self)
{
	const struct identity *both[] = {home.identity, other};
	struct party_id ids[2];
	struct letter l = {.count = 2};

	for (size_t i = 0; i < 2; i++) {
		const struct identity_public *public = identity_public(both[i]);
		ids[i] = party_id_of(&topology->network, public->name);
		l.to[i] = (struct addressee){
			.party = ids[i], .number = public->seal_number, .key = public->seal};
	}
	if (memcmp(ids[0].b, ids[1].b, PARTY_ID_BYTES) > 0) {
		struct addressee first = l.to[0];
		l.to[0] = l.to[1];
		l.to[1] = first;
	}
	l.audience = audience_of(self, ids, 2, false);
	return l;
}

static struct header header_of(uint8_t kind, const struct party_id *self, const struct letter *l)
{
	return (struct header){.kind = kind,
			       .tlp = TLP_AMBER,
			       .topology = 2,
			       .network = topology->network,
			       .origin = *self,
			       .audience = l->audience,
			       .incarnation = 9,
			       .sequence = 1,
			       .expiry = 482136,
			       .sign_key = 1};
}

static const char secret[] = "who broke in, and how";

/* The body of a forward, sealed; the caller frees it. */
static enum err hand_on(struct header *h, const struct letter *l, const struct party_id *self,
			uint8_t **out)
{
	uint8_t encoded[HEADER_MAX_BYTES], signature[SIGNATURE_BYTES] = {1}, body[512];
	struct forward f = {.message = {.header = encoded, .signature = signature, .body = body}};
	struct header inner = header_of(KIND_POST, self, l);
	struct text bytes;
	enum err e;

	need(seal_size(KIND_POST, sizeof secret) <= sizeof body);
	need(seal_body(&inner, l, (const uint8_t *)secret, sizeof secret, body) == ERR_OK);
	need(header_encode(&inner, encoded, sizeof encoded, &f.message.header_length) == ERR_OK);
	f.message.body_length = inner.body_length;
	text_init(&bytes);
	forward_write(&bytes, &f);
	e = bytes.bad ? ERR_MEMORY : ERR_OK;
	*out = malloc(handover_size(bytes.length));
	need(*out);
	if (!e)
		e = handover_seal(home.identity, h, l, (uint8_t *)bytes.at, bytes.length, *out);
	text_clear(&bytes);
	return e;
}

static enum err hand_on_and_open(void)
{
	static struct handover x;
	struct party_id self = party_id_of(&topology->network, "punjab");
	struct letter l = letter_of(&self);
	struct header h = header_of(KIND_FORWARD, &self, &l);
	const char *why = NULL;
	uint8_t *body;
	enum opening opening = OPENING_COUNT;
	enum err e = hand_on(&h, &l, &self, &body);

	if (!e)
		opening = handover_open(&x, home.identity, &h, body, h.body_length, &why);
	need(opening == OPENING_DONE || opening == OPENING_COUNT);
	if (opening == OPENING_DONE) {
		need(x.data_length == sizeof secret && memcmp(x.data, secret, sizeof secret) == 0);
		handover_clear(&x);
	}
	free(body);
	return e ? e : opening == OPENING_DONE ? ERR_OK : ERR_MEMORY;
}

/* ---- an incident ---- */

static const char opened[] =
	"{\"number\":\"telecom-2026-1\",\"exercise\":false,\"title\":\"A break-in\","
	"\"description\":\"\",\"class\":\"intrusions\",\"type\":\"system-compromise\","
	"\"severity\":\"high\",\"critical_infrastructure\":true,\"affected\":[],"
	"\"reported_by\":null,\"aware\":\"2026-11-22T00:00:00.000Z\","
	"\"opened\":\"2026-11-22T00:00:00.000Z\",\"status\":\"open\","
	"\"determination\":\"suspected\",\"assignee\":null,\"opener\":\"telecom\","
	"\"owner\":\"telecom\",\"offered\":null,\"parties\":[\"telecom\",\"cii\",\"national\"],"
	"\"stages\":[],\"acknowledged\":[],\"help\":[],\"links\":[]}";

static const struct event {
	enum incident_action action;
	const char *node, *words;
} story[EVENTS] = {
	{INCIDENT_OPEN, "telecom", NULL},
	{INCIDENT_UPDATE, "telecom", "{\"set\":{\"severity\":\"critical\",\"assignee\":null}}"},
	{INCIDENT_NOTE, "national", "{\"text\":\"we have seen the same\"}"},
};

static enum err write_event(struct text *post, const struct event *event, size_t i,
			    const struct message_id *before)
{
	cJSON *words = event->words ? cJSON_Parse(event->words) : NULL,
	      *state = cJSON_Parse(opened);
	struct incident_saying saying = {.action = event->action,
					 .network = &topology->network,
					 .node = event->node,
					 .title = event->node,
					 .tlp = TLP_AMBER,
					 .now = UINT64_C(1795000000000) + i,
					 .uuid = "00000000-0000-4000-8000-000000000000",
					 .words = words,
					 .state = state,
					 .after = before,
					 .after_count = i > 0};
	struct envelope envelope = {0};
	struct text bundle;
	enum err e = state && (words || !event->words) ? ERR_OK : ERR_MEMORY;

	text_init(&bundle);
	if (!e) {
		incident_write(&bundle, &saying);
		e = bundle.bad ? ERR_MEMORY : ERR_OK;
	}
	if (!e) {
		post_write(post, &envelope, (struct slice){bundle.at, bundle.length});
		e = post->bad ? ERR_MEMORY : ERR_OK;
	}
	text_clear(&bundle);
	cJSON_Delete(words);
	cJSON_Delete(state);
	return e;
}

static enum err read_event(struct incident_event *event, const struct text *text, size_t i)
{
	struct message_id id = {{(uint8_t)(i + 1)}}, root = {{1}};
	struct header h = {.kind = KIND_POST,
			   .topology = 2,
			   .origin = topology_party(topology, story[i].node)->id,
			   .created = UINT64_C(1795000000000) + i,
			   .sequence = i + 1};
	struct report report;
	struct post post;
	enum err e;

	if (i)
		h.ref = root;
	report_init(&report);
	e = post_read(&post, text->at, text->length, &report);
	if (!e) {
		e = incident_event_read(event, &h, &id, &post, &report);
		post_clear(&post);
	}
	report_clear(&report);
	return e;
}

static enum err write_read_and_fold(void)
{
	struct incident_event events[EVENTS];
	struct text text;
	cJSON *state = NULL;
	size_t n = 0;
	enum err e = ERR_OK;

	for (; n < EVENTS; n++) {
		struct message_id before = {{(uint8_t)n}};
		text_init(&text);
		e = write_event(&text, &story[n], n, &before);
		if (!e)
			e = read_event(&events[n], &text, n);
		text_clear(&text);
		if (e)
			break;
	}
	if (!e)
		e = incident_fold(&state, events, n, &chain);
	need(e || (events[1].applied && incident_state_valid(state, NULL) &&
		   strcmp(incident_text(state, "severity"), "critical") == 0));
	cJSON_Delete(state);
	for (size_t i = 0; i < n; i++)
		incident_event_clear(&events[i]);
	return e;
}

static enum err make_terse_and_fill(void)
{
	cJSON *event = cJSON_Parse("{\"action\":\"update\",\"set\":{\"severity\":\"low\","
				   "\"assignee\":null,\"affected\":[]}}");
	bool good = event && incident_terse(event) && incident_fill(event, INCIDENT_UPDATE);

	cJSON_Delete(event);
	return good ? ERR_OK : ERR_MEMORY;
}

/* ---- exports ---- */

static const char *format;
static char *spoken; /* what the node says of one object */

static enum err export_one(void)
{
	static const char raw[] = "{\"type\":\"indicator\"}";
	const struct export_options options = {.format = format, .dir = folder, .now = NOW};
	cJSON *line = cJSON_Parse(spoken);
	struct report report;
	struct export *x = NULL;
	enum err e = line ? ERR_OK : ERR_MEMORY;

	report_init(&report);
	if (!e)
		e = export_open(&x, &options, &report);
	if (!e)
		e = export_line(x, line, (struct slice){raw, sizeof raw - 1});
	if (!e)
		e = export_finish(x, &result, &report);
	need(e || result.written > 0);
	export_close(x);
	report_clear(&report);
	cJSON_Delete(line);
	return e;
}

static void whoever_says_something_says_that_memory_is_short(void)
{
	starve("a card", write_and_read_card, STARVED_ENDS);
	starve("what is handed on", hand_on_and_open, STARVED_ENDS);
	starve("an incident", write_read_and_fold, STARVED_ENDS);
	starve("what an event leaves out", make_terse_and_fill, STARVED_ENDS);
}

static void so_do_the_exporters(void)
{
	spoken = line_text("\"values\":[{\"type\":\"domain\",\"value\":\"evil.example\"},"
			   "{\"type\":\"ipv4\",\"value\":\"198.51.101.7\"}],"
			   "\"raw\":{\"type\":\"indicator\"}");
	for (size_t i = 0; export_format(i); i++) {
		format = export_format(i)->name;
		starve(format, export_one, STARVED_ENDS);
	}
	free(spoken);
}

int main(int argc, char **argv)
{
	(void)argc;
	starve_init(argv);
	fixture_init(&home);
	folder_make();
	need(identity_create(path_in(&home, "other"), "kp", NULL, NULL) == ERR_OK);
	need(identity_open(&other, path_in(&home, "other"), NULL, NULL) == ERR_OK);
	size_t n;
	char *text = slurp("tests/protocol/topology/base.zpl", &n);
	chain_init(&chain);
	need(chain_add(&chain, parse_or_bail(text)) == ERR_OK);
	topology = chain_newest(&chain);
	free(text);
	RUN(whoever_says_something_says_that_memory_is_short);
	RUN(so_do_the_exporters);
	chain_clear(&chain);
	folder_remove();
	identity_free(other);
	fixture_clear(&home);
	return tap_done();
}
