#include "node/format/misp_publish.h"

#include <stdlib.h>

#include "tests/tap.h"

#define ORG "5f6d0b64-5f4c-4f39-8d5a-4a1d0a0b0c0d"
#define UUID "aaaaaaaa-0000-4000-8000-000000000001"
#define HEAD "misp_json {\"Event\":{\"uuid\":\"" UUID "\",\"Orgc\":{\"uuid\":\"" ORG "\"}"

static struct misp_event e;

static enum misp_published reads(const char *message)
{
	misp_event_clear(&e);
	return misp_publish_read(&e, message, strlen(message), ORG);
}

static void an_event_of_ours_is_taken(void)
{
	is_int(reads(HEAD ",\"published\":true,\"distribution\":\"1\"}}"), MISP_EVENT_CHANGED,
	       "an event");
	is_str(e.uuid, UUID, "its uuid");
	ok(!e.has_tlp && !e.why, "without a TLP");
	is_int(reads(HEAD ",\"distribution\":3,\"Tag\":[{\"name\":\"tlp:green\"}],\"Object\":["
			  "{\"Attribute\":[{\"Tag\":[{\"name\":\"TLP:AMBER+STRICT\"}]}]}]}}"),
	       MISP_EVENT_CHANGED, "one with tags");
	ok(e.has_tlp && e.tlp == TLP_AMBER_STRICT && !e.why, "has the strictest, wherever it is");
	is_int(reads("misp_json_self {\"status\":\"alive\"}"), MISP_ALIVE, "a sign of life");
}

static void what_is_not_ours_is_nothing(void)
{
	static const char *const messages[] = {
		"",
		"misp_json",
		"misp_json ",
		"misp_json {}",
		"misp_json []",
		"misp_json {\"Event\":[]}",
		"misp_json {\"Event\":{\"uuid\":\"" UUID "\"}}",
		"misp_json {\"Event\":{\"uuid\":\"../x\",\"Orgc\":{\"uuid\":\"" ORG "\"}}}",
		"misp_json {\"Event\":{\"uuid\":\"" UUID "\",\"Org\":{\"uuid\":\"" ORG "\"}}}",
		"misp_json_attribute {\"Event\":{\"uuid\":\"" UUID "\"}}",
		"misp_json_event {\"Event\":{\"uuid\":\"" UUID "\"},\"action\":\"edit\"}",
		"misp_json_event {\"Event\":{\"uuid\":\"" UUID "\",\"Orgc\":{\"uuid\":\"" UUID
		"\"}},\"action\":\"delete\"}",
		HEAD ",\"published\":false}}",
		HEAD ",\"published\":\"0\"}}",
		HEAD ",\"Tag\":[{\"name\":\"khabardar:node=\\\"a\\\"\"}]}}",
		HEAD ",\"Attribute\":[{\"Tag\":[{\"name\":\"misp-event:" UUID "\"}]}]}}",
		HEAD,
	};

	for (size_t i = 0; i < sizeof messages / sizeof *messages; i++)
		is_int(reads(messages[i]), MISP_NOTHING, "%.90s", messages[i]);
}

static void what_is_closed_stays_closed(void)
{
	is_int(reads(HEAD ",\"distribution\":\"0\"}}"), MISP_EVENT_CHANGED, "an event");
	ok(e.why, "for the organisation only is left alone");
	reads(HEAD ",\"distribution\":4}}");
	ok(e.why, "so is one for a sharing group");
	reads(HEAD ",\"Tag\":[{\"name\":\"tlp:red\"}]}}");
	ok(e.why, "and TLP:RED");
	reads(HEAD ",\"Tag\":[{\"name\":\"tlp:ex:chr\"}]}}");
	ok(e.why, "and a TLP that is not known");
	reads(HEAD ",\"Attribute\":[{\"value\":\"in\",\"distribution\":\"0\"},{\"value\":\"out\","
		   "\"distribution\":\"5\"},{\"value\":\"group\",\"distribution\":4}],\"Object\":["
		   "{\"distribution\":\"0\",\"Attribute\":[{\"value\":\"inner\"}]},"
		   "{\"Attribute\":[{\"value\":\"outer\"},{\"value\":\"in\",\"distribution\":0}]}]"
		   "}}");
	ok(e.json && !e.why && !strstr(e.json, "\"in\"") && !strstr(e.json, "group") &&
		   !strstr(e.json, "inner") && strstr(e.json, "\"out\"") && strstr(e.json, "outer"),
	   "what is closed of an open event is taken out");
}

static void a_deleted_event_is_told(void)
{
	is_int(reads("misp_json_event {\"Event\":{\"uuid\":\"" UUID "\"},\"action\":\"delete\"}"),
	       MISP_EVENT_DELETED, "without its organisation");
	is_str(e.uuid, UUID, "by its uuid");
}

static void a_kept_event_says_its_tlp(void)
{
	static const char empty[] = "{\"Event\":{}}";
	static const char tagged[] = "{\"Event\":{\"Attribute\":[{\"Tag\":[{\"name\":\"tlp:amber\"}"
				     "]}],\"Tag\":[{\"name\":\"tlp:clear\"}]}}";
	struct misp_tlp t = misp_event_tlp(empty, sizeof empty - 1);

	ok(t.empty && !t.has, "nothing is in it");
	t = misp_event_tlp(tagged, sizeof tagged - 1);
	ok(!t.empty && t.has && t.tlp == TLP_AMBER, "the strictest");
	t = misp_event_tlp("{", 1);
	ok(!t.empty && !t.has, "what is no JSON says nothing");
}

static void a_message_may_end_anywhere(void)
{
	static const char whole[] = HEAD ",\"Attribute\":[{\"Tag\":[{\"name\":\"tlp:green\"}]}]}}";

	for (size_t n = 0; n < sizeof whole - 1; n++) {
		/* Where it ends, memory does. */
		char *exact = malloc(n ? n : 1);
		need(exact);
		memcpy(exact, whole, n);
		misp_event_clear(&e);
		if (misp_publish_read(&e, exact, n, ORG) != MISP_NOTHING)
			ok(false, "%zu bytes are no event", n);
		free(exact);
	}
	is_int(reads(whole), MISP_EVENT_CHANGED, "all of it is one");
}

int main(void)
{
	RUN(an_event_of_ours_is_taken);
	RUN(what_is_not_ours_is_nothing);
	RUN(what_is_closed_stays_closed);
	RUN(a_deleted_event_is_told);
	RUN(a_kept_event_says_its_tlp);
	RUN(a_message_may_end_anywhere);
	misp_event_clear(&e);
	return tap_done();
}
