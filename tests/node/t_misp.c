#include "tests/node/imported.h"
#include "tests/protocol/federation.h"

#define EVENT_UUID "5bad262f-c810-4775-9e84-4a7d0a016219"

#define ATTRIBUTE(n, type, ids, value, more) \
	"{\"type\":\"" type "\",\"to_ids\":" ids ",\"value\":\"" value \
	"\",\"timestamp\":\"1600000000\",\"uuid\":\"00000000-0000-4000-8000-00000000000" n \
	"\"" more "}"
#define EVENT(more) \
	"{\"uuid\":\"" EVENT_UUID "\",\"info\":\"A \\\"case\\\"\",\"date\":\"2020-09-13\"" more "}"

/* An event with one of everything; read once, freed at the end. */
static char *event_text;
static size_t event_length;

static void a_misp_event_becomes_indicators_a_note_and_a_report(void)
{
	static const char *const patterns[] = {
		"[domain-name:value = 'evil.com' AND domain-name:resolves_to_refs[*].value = "
		"'1.2.3.4']",
		"[file:name = 'a|b.exe' AND file:hashes.MD5 = 'd41d8cd98f00b204e9800998ecf8427e']",
		"[network-traffic:dst_ref.value = '2001:db8::1' AND network-traffic:dst_port = "
		"443]",
		"rule x { condition: true }",
		"[url:value = 'http://evil.com/x']",
		"[mutex:name = 'it\\'s']",
	};
	const struct stix_object *o;
	struct bundle *b;

	if (!ok(import_words(NULL, event_text) == ERR_OK, "read"))
		printf("# %s\n", report_first(&said));
	is_int(imported.read, 10, "attributes");
	is_int(imported.taken, 6, "indicators");
	is_int(imported.context, 4, "context");
	is_int(parts_valid(), 9, "indicators, what was observed, note, report");
	b = first_bundle();
	for (size_t i = 0; i < 6; i++) {
		need((o = object_of(b, "indicator", i)) != NULL);
		is_str(property(o, "pattern"), patterns[i], "pattern");
		is_int(o->created, 1600000000000, "created when MISP says");
		is_int(o->modified, NOW, "a version of now");
		ok(o->valid_until > NOW, "holds from now on");
	}
	o = object_of(b, "indicator", 0);
	is_str(o->id, "indicator--00000000-0000-4000-8000-000000000001", "id of the attribute");
	is_str(property(o, "description"), "C&C", "comment");
	is_str(property(object_of(b, "indicator", 3), "pattern_type"), "yara", "pattern_type");
	is_int(object_of(b, "indicator", 4)->valid_from, 1599868800000, "first_seen");
	o = object_of(b, "note", 0);
	is_str(property(o, "content"),
	       "sha1: da39a3ee5e6b4b0d3255bfef95601890afd80709\nwhatever: x\n", "the context");
	o = object_of(b, "file", 0);
	is_str(cJSON_GetStringValue(
		       cJSON_GetObjectItem(cJSON_GetObjectItem(o->json, "hashes"), "SHA-1")),
	       "da39a3ee5e6b4b0d3255bfef95601890afd80709", "what is not to_ids can be looked up");
	o = object_of(b, "report", 0);
	is_str(o->id, "report--" EVENT_UUID, "the event");
	is_str(o->name, "A \"case\"", "info");
	is_int(cJSON_GetArraySize(cJSON_GetObjectItem(o->json, "object_refs")), 8, "refers to all");
	is_str(property(o, "published"), "2020-09-13T00:00:00.000Z", "date");
	bundle_free(b);
	forget();
}

static void all_wrappers_of_misp_are_met(void)
{
	static const char *const wrapped[] = {
		"{\"response\":[{\"Event\":%s}]}",
		"{\"response\":{\"Event\":%s}}",
		"[ {\"Event\":%s}]",
		"{\"Event\":%s}",
	};

	for (size_t w = 0; w < sizeof wrapped / sizeof *wrapped; w++) {
		struct text t;
		const char *event = strchr(event_text, ':') + 1;
		const char *at = strstr(wrapped[w], "%s");

		text_init(&t);
		text_add(&t, wrapped[w], (size_t)(at - wrapped[w]));
		text_add(&t, event, strlen(event) - 1);
		text_str(&t, at + 2);
		is_int(import_words(NULL, t.at), ERR_OK, "%s", wrapped[w]);
		is_int(imported.taken, 6, "indicators");
		text_clear(&t);
	}
	forget();
}

static void tlp_tags_of_misp_are_respected(void)
{
	static const struct {
		const char *event, *words;
	} bad[] = {
		{"{\"Event\":" EVENT(",\"Tag\":[{\"name\":\"TLP:RED\"}]") "}",
		 "event A \"case\" is marked TLP:red"},
		{"{\"Event\":" EVENT(",\"Attribute\":[" ATTRIBUTE(
			 "1", "domain", "true", "a.com",
			 ",\"Tag\":[{\"name\":\"tlp:amber+strict\"}]") "]") "}",
		 "attribute 00000000-0000-4000-8000-000000000001 is marked TLP:amber+strict"},
		{"{\"Event\":" EVENT(",\"Tag\":[{\"name\":\"tlp:purple\"}]") "}",
		 "no TLP that is known"},
	};

	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		is_int(import_words("misp", bad[i].event), ERR_NOT_ALLOWED, "refused");
		if (!ok(said_anywhere(bad[i].words), "%s", bad[i].words))
			printf("# said: %s\n", report_first(&said));
	}
	forget();
}

static void bad_attributes_stop_everything(void)
{
	is_int(import_words("misp",
			    "{\"Event\":" EVENT(",\"Attribute\":[{\"type\":\"domain\"}]") "}"),
	       ERR_FORMAT, "no value");
	is_int(import_words("misp", "{\"Event\":" EVENT(",\"Attribute\":[7]") "}"), ERR_FORMAT,
	       "no object");
	is_int(import_words("misp", "{\"Event\":" EVENT(",\"Attribute\":[" ATTRIBUTE(
					    "1", "domain", "true", "no domain", "") "]") "}"),
	       ERR_OK, "a value that is not of its type is context");
	is_int(imported.context, 1, "and counted");
	forget();
}

static void a_large_misp_event_is_split(void)
{
	struct text t;

	text_init(&t);
	text_str(&t, "{\"Event\":{\"uuid\":\"" EVENT_UUID "\",\"Attribute\":[");
	for (int i = 0; i < 30000; i++)
		text_format(&t,
			    "%s{\"type\":\"domain\",\"to_ids\":%s,\"value\":\"h%d.com\",\"uuid\":"
			    "\"00000000-0000-4000-8000-%012d\"}",
			    i ? "," : "", i % 3 ? "true" : "false", i, i);
	text_str(&t, "]}}");
	is_int(import_bytes(&plain, NULL, t.at, t.length), ERR_OK, "30,000 attributes");
	is_int(imported.taken, 20000, "indicators");
	is_int(imported.context, 10000, "context");
	ok(parts_valid() >= 20000 + imported.part_count, "a report in every part");
	text_clear(&t);
	forget();
}

static void any_input_cut_anywhere_does_no_harm(void)
{
	size_t good = 0;

	for (size_t n = 0; n < event_length; n++) {
		struct import i;
		char *copy = malloc(n ? n : 1);

		need(copy && import_init(&i, &plain, NULL) == ERR_OK);
		memcpy(copy, event_text, n);
		good += import_read(&i, NULL, copy, n, "cut", NULL) == ERR_OK;
		import_clear(&i);
		free(copy);
	}
	is_int(good, 0, "no prefix is read");
}

int main(void)
{
	event_text = slurp("tests/data/content/event.json", &event_length);
	event_text[--event_length] = '\0'; /* the newline */
	need(sodium_init() >= 0);
	RUN(a_misp_event_becomes_indicators_a_note_and_a_report);
	RUN(all_wrappers_of_misp_are_met);
	RUN(tlp_tags_of_misp_are_respected);
	RUN(bad_attributes_stop_everything);
	RUN(a_large_misp_event_is_split);
	RUN(any_input_cut_anywhere_does_no_harm);
	free(event_text);
	return tap_done();
}
