/* Exporters of whole objects: STIX bundles and MISP feeds. */
#include "tests/node/exported.h"

#include <sodium.h>

#include "protocol/stix.h"

#define COUNT(a) (sizeof(a) / sizeof *(a))
#define MESSAGE_1 "1111111111111111111111111111111111111111111111111111111111111111"
#define MESSAGE_2 "2222222222222222222222222222222222222222222222222222222222222222"
#define VALUES(type, value) "\"values\":[{\"type\":\"" type "\",\"value\":\"" value "\"}]"
#define OF_1 ",\"message\":\"" MESSAGE_1 "\",\"raw\":{}"
#define OF_2 ",\"message\":\"" MESSAGE_2 "\",\"raw\":{}"

static void export_lines_of(const char *format, const char *const *lines, size_t n)
{
	struct export *x = open_export(format, 0);

	for (size_t i = 0; i < n; i++)
		need(give(x, lines[i]) == ERR_OK);
	is_int(end_export(x), ERR_OK, "%s: %zu lines", format, n);
}

/* ---- STIX ---- */

#define NOTE \
	"\"object\":\"note--00000000-0000-4000-8000-000000000002\",\"type\":\"note\"," \
	"\"raw\":{\"type\":\"note\"}"
#define IDENTITY(modified, name) \
	"\"object\":\"identity--00000000-0000-4000-8000-000000000009\",\"type\":\"identity\"," \
	"\"scaffolding\":true,\"modified\":\"" modified "\",\"raw\":{\"name\":\"" name "\"}"

static void a_bundle_holds_the_bytes_of_its_objects(void)
{
	static const char *const lines[] = {
		"\"raw\":{ \"b\" : 1.0,\"a\":\"\\u00e9\" }",
		IDENTITY("2026-01-02T00:00:00.000Z", "new"),
		IDENTITY("2026-01-01T00:00:00.000Z", "old"),
		NOTE,
		"\"raw\":{ \"b\" : 1.0,\"a\":\"\\u00e9\" }",
	};
	const char *const backwards[] = {lines[3], lines[2], lines[1], lines[0]};
	const char *first;
	cJSON *json;

	export_lines_of("stix", lines, COUNT(lines));
	first = file_text("khabardar.json");
	is_int(result.written, 3, "what is told twice is there once");
	ok(strstr(first, "\n{\"name\":\"new\"},\n{ \"b\" : 1.0,\"a\":\"\\u00e9\" },\n"
			 "{\"type\":\"note\"}\n]"),
	   "byte for byte, in the order of the ids, the newest identity alone");
	json = cJSON_Parse(first);
	ok(json && cJSON_GetArraySize(cJSON_GetObjectItem(json, "objects")) == 3, "it is JSON");
	ok(uuid_valid(cJSON_GetObjectItem(json, "id")->valuestring + strlen("bundle--")),
	   "with an id");
	cJSON_Delete(json);
	export_lines_of("stix", backwards, COUNT(backwards));
	is_str(file_text("khabardar.json"), first, "the order does not matter");
	export_lines_of("stix", lines + 3, 1);
	ok(strcmp(strstr(file_text("khabardar.json"), "bundle--"), strstr(first, "bundle--")) != 0,
	   "other content, other id");
}

static void an_empty_bundle_has_no_list(void)
{
	static const char *const red[] = {"\"tlp\":\"red\",\"raw\":{\"a\":1}"};

	export_lines_of("stix", red, 1);
	ok(!strstr(file_text("khabardar.json"), "objects"), "as STIX wants it");
	is_int(left_out("TLP:RED"), 1, "RED is in none");
}

/* ---- MISP ---- */

static cJSON *json_file(const char *name)
{
	cJSON *json = cJSON_Parse(file_text(name));

	need(json);
	return json;
}

/* The event of a message; its uuid as file name in name. */
static cJSON *event_of(const char *message, char name[48])
{
	char text[128], uuid[37];
	cJSON *json, *event;

	snprintf(text, sizeof text, "misp-event|%s", message);
	uuid_of_text(uuid, text);
	snprintf(name, 48, "%s.json", uuid);
	json = json_file(name);
	event = cJSON_DetachItemFromObject(json, "Event");
	cJSON_Delete(json);
	need(event);
	return event;
}

static const char *text_in(const cJSON *object, const char *name)
{
	const char *s = cJSON_GetStringValue(cJSON_GetObjectItem(object, name));

	return s ? s : "";
}

static void an_attribute_is(const cJSON *event, int i, const char *type, const char *category,
			    const char *value, bool to_ids)
{
	const cJSON *a = cJSON_GetArrayItem(cJSON_GetObjectItem(event, "Attribute"), i);

	is_str(text_in(a, "type"), type, "%s", value);
	is_str(text_in(a, "category"), category, "    category");
	is_str(text_in(a, "value"), value, "    value");
	ok(cJSON_IsTrue(cJSON_GetObjectItem(a, "to_ids")) == to_ids, "    to_ids");
	ok(uuid_valid(text_in(a, "uuid")), "    uuid");
}

static void an_event_says_what_its_message_said(void)
{
	static const char *const lines[] = {
		IDENTITY("2026-01-02T00:00:00.000Z", "new") ",\"message\":\"" MESSAGE_1 "\"",
		VALUES("domain", "bad.example") ",\"labels\":[\"one\",\"TLP:clear\",\"two\"]" OF_1,
		VALUES("endpoint", "203.0.113.5:80") OF_1,
		VALUES("endpoint", "c2.example:80") OF_1,
		VALUES("file-name", "a.exe") ",\"alone\":false" OF_1,
		VALUES("ipv4", "198.51.100.7") ",\"type\":\"ipv4-addr\",\"modified\":null" OF_1,
		"\"type\":\"report\",\"name\":\"A \\\"report\\\"\"" OF_1,
		"\"message\":\"" MESSAGE_1 "\",\"raw\":{\"pattern_type\":\"yara\","
		"\"pattern\":\"rule x {}\"}",
		"\"message\":\"" MESSAGE_1 "\",\"raw\":{\"pattern_type\":\"cobol\","
		"\"pattern\":\"x\"}",
		"\"type\":\"note\",\"name\":null,\"message\":\"" MESSAGE_1
		"\",\"raw\":{\"content\":\"words\"}",
		"\"type\":\"relationship\",\"name\":null" OF_1,
	};
	char name[48];
	const cJSON *tags;
	cJSON *event;

	export_lines_of("misp-feed", lines, COUNT(lines));
	event = event_of(MESSAGE_1, name);
	is_str(text_in(event, "info"), "A \"report\"", "named after its report");
	is_str(text_in(event, "date"), "2026-11-20", "on the day of the message");
	is_str(text_in(event, "timestamp"), "1795255200", "as old as its newest object");
	is_str(text_in(cJSON_GetObjectItem(event, "Orgc"), "name"), "kp", "by its origin");
	is_str(text_in(event, "attribute_count"), "7", "counted");
	is_str(text_in(cJSON_GetArrayItem(cJSON_GetObjectItem(event, "Tag"), 0), "name"),
	       "tlp:green", "under its TLP");
	an_attribute_is(event, 0, "domain", "Network activity", "bad.example", true);
	an_attribute_is(event, 1, "ip-dst|port", "Network activity", "203.0.113.5|80", true);
	an_attribute_is(event, 2, "hostname|port", "Network activity", "c2.example|80", true);
	an_attribute_is(event, 3, "filename", "Payload delivery", "a.exe", false);
	an_attribute_is(event, 4, "ip-dst", "Network activity", "198.51.100.7", false);
	an_attribute_is(event, 5, "yara", "Payload delivery", "rule x {}", true);
	an_attribute_is(event, 6, "text", "Other", "words", false);
	tags = cJSON_GetObjectItem(cJSON_GetArrayItem(cJSON_GetObjectItem(event, "Attribute"), 0),
				   "Tag");
	is_int(cJSON_GetArraySize(tags), 2, "labels are tags, but a TLP that a stranger made up");
	is_int(left_out("languages"), 1, "a language that MISP does not know");
	is_int(left_out("no place"), 1, "and what has no words");
	cJSON_Delete(event);
}

static void the_index_finds_each_half(void)
{
	static const char *const lines[] = {VALUES("endpoint", "203.0.113.5:80") OF_1};
	const char *hashes;

	export_lines_of("misp-feed", lines, 1);
	hashes = file_text("hashes.csv");
	/* MD5 of "80" and of "203.0.113.5". */
	ok(strstr(hashes, "f033ab37c30201f73f142449d037028d,"), "the port");
	is_int(strlen(hashes), 2 * (32 + 1 + 36 + 1), "two lines of hash and uuid");
}

static void the_manifest_has_the_hash_of_each_event(void)
{
	static const char *const lines[] = {VALUES("domain", "a.example") OF_1,
					    VALUES("domain", "b.example") OF_2};
	uint8_t hash[crypto_hash_sha256_BYTES];
	char hex[2 * sizeof hash + 1];
	cJSON *manifest, *entry;
	int n = 0;

	export_lines_of("misp-feed", lines, 2);
	manifest = json_file("manifest.json");
	cJSON_ArrayForEach(entry, manifest)
	{
		char name[48];
		const char *text;

		snprintf(name, sizeof name, "%s.json", entry->string);
		text = file_text(name);
		crypto_hash_sha256(hash, (const uint8_t *)text, strlen(text));
		is_str(text_in(entry, "integrity:sha256"), hex_encode(hex, hash, sizeof hash),
		       "of %s", name);
		ok(*text_in(entry, "info") && *text_in(entry, "date") &&
			   *text_in(entry, "timestamp") && cJSON_GetObjectItem(entry, "Orgc"),
		   "and what MISP asks for");
		n++;
	}
	is_int(n, 2, "both events");
	cJSON_Delete(manifest);
}

static long long time_of_event(const char *message)
{
	char name[48];
	cJSON *event = event_of(message, name);
	long long time = atoll(text_in(event, "timestamp"));

	cJSON_Delete(event);
	return time;
}

static void the_time_of_an_event_moves_only_when_it_does(void)
{
	static const char *const lines[] = {VALUES("domain", "a.example") OF_1,
					    VALUES("domain", "b.example") OF_1,
					    VALUES("domain", "c.example") OF_2};
	char name[48], path[PATH_MAX];
	struct stat before, after;
	long long time;

	export_lines_of("misp-feed", lines, 3);
	time = time_of_event(MESSAGE_1);
	cJSON_Delete(event_of(MESSAGE_1, name));
	snprintf(path, sizeof path, "%s/%s", folder, name);
	need(stat(path, &before) == 0);
	export_lines_of("misp-feed", lines, 3);
	need(stat(path, &after) == 0);
	ok(time_of_event(MESSAGE_1) == time && before.st_ino == after.st_ino,
	   "the same again: the same file");
	export_lines_of("misp-feed", lines + 1, 2);
	is_int(time_of_event(MESSAGE_1), time + 1, "an attribute less: later");
	export_lines_of("misp-feed", lines + 1, 2);
	is_int(time_of_event(MESSAGE_1), time + 1, "once");
	export_lines_of("misp-feed", lines, 3);
	is_int(time_of_event(MESSAGE_1), time + 2, "there again: later still");
	export_lines_of("misp-feed", lines + 2, 1);
	is_str(file_text(name), "", "an event of which nothing is left is gone");
	name[36] = '\0';
	ok(!strstr(file_text("manifest.json"), name) && *file_text("manifest.json"),
	   "and not in the manifest");
}

#define OURS "11111111-0000-4000-8000-000000000000"

static void files_of_others_stay(void)
{
	static const char *const names[] = {"00000000-0000-4000-8000-000000000000.json",
					    "notes.txt", OURS ".json"};
	static const char *const texts[] = {"{\"Event\":{\"info\":\"of another tool\"}}", "words",
					    "{\"Event\":{\"uuid\":\"" OURS
					    "\",\"timestamp\":\"1\"}}"};
	char path[PATH_MAX];

	for (size_t i = 0; i < 3; i++) {
		FILE *file;
		snprintf(path, sizeof path, "%s/%s", folder, names[i]);
		file = fopen(path, "w");
		need(file && fputs(texts[i], file) > 0 && fclose(file) == 0);
	}
	export_lines_of("misp-feed", texts, 0);
	is_str(file_text(names[0]), texts[0], "an event that was never ours");
	is_str(file_text(names[1]), texts[1], "other files");
	is_str(file_text(names[2]), "", "what begins as ours goes");
	is_str(file_text("manifest.json"), "{}\n", "nothing shared is an empty feed");
}

int main(void)
{
	folder_make();
	RUN(a_bundle_holds_the_bytes_of_its_objects);
	RUN(an_empty_bundle_has_no_list);
	RUN(an_event_says_what_its_message_said);
	RUN(the_index_finds_each_half);
	RUN(the_manifest_has_the_hash_of_each_event);
	RUN(the_time_of_an_event_moves_only_when_it_does);
	RUN(files_of_others_stay);
	report_clear(&said);
	folder_remove();
	return tap_done();
}
