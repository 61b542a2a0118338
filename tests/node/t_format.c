#include "node/format/format.h"

#include <dirent.h>
#include <sodium.h>
#include <time.h>

#include "protocol/body.h"
#include "tests/tap.h"

#define NOW 1795298400000ULL /* 2026-11-21T22:00:00Z */
#define CONTENT "tests/data/content/"
#define REAL "../shared/data/"
#define EVENT_UUID "5bad262f-c810-4775-9e84-4a7d0a016219"

static const struct import_options plain = {
	.node = "kp",
	.title = "CERT \"KP\"",
	.tlp = TLP_GREEN,
	.confidence = -1,
	.now = NOW,
	.random = randombytes_buf,
};

static struct import imported;
static struct report said;

static void forget(void)
{
	import_clear(&imported);
	report_clear(&said);
}

/* Reads and finishes one input; forget() the last one first. */
static enum err import_bytes(const struct import_options *o, const char *format, const char *bytes,
			     size_t n)
{
	char *copy = malloc(n ? n : 1);
	enum err err;

	need(copy);
	memcpy(copy, bytes, n);
	forget();
	report_init(&said);
	need(import_init(&imported, o, &said) == ERR_OK);
	err = import_read(&imported, format, copy, n, "input", &said);
	free(copy);
	if (err) {
		is_int(import_finish(&imported, NULL), err, "what failed stays failed");
		return err;
	}
	return import_finish(&imported, &said);
}

static enum err import_text(const char *format, const char *text)
{
	return import_bytes(&plain, format, text, strlen(text));
}

static char *file_read(const char *path, size_t *n)
{
	FILE *f = fopen(path, "rb");
	char *bytes = malloc(8 << 20);

	need(f && bytes);
	*n = fread(bytes, 1, 8 << 20, f);
	fclose(f);
	return bytes;
}

static enum err import_file(const struct import_options *o, const char *path)
{
	size_t n;
	char *bytes = file_read(path, &n);
	enum err err = import_bytes(o, NULL, bytes, n);

	free(bytes);
	return err;
}

static bool said_anywhere(const char *words)
{
	for (size_t l = 0; l < said.count; l++) {
		if (strstr(said.lines[l], words))
			return true;
	}
	return false;
}

/* Every part is a bundle that a node would accept as a post; returns its objects. */
static size_t parts_valid(void)
{
	size_t objects = 0, wrong = 0;

	for (size_t p = 0; p < imported.part_count; p++) {
		struct text json;
		struct post post;
		uint8_t *body;
		size_t n, counted = 0;

		text_init(&json);
		post_write(&json, &(struct envelope){0},
			   (struct slice){imported.parts[p].text, imported.parts[p].length});
		need(post_read(&post, json.at, json.length, NULL) == ERR_OK);
		for (size_t o = 0; o < bundle_count(post.bundle); o++)
			counted += !stix_scaffolding(bundle_object(post.bundle, o));
		wrong += counted != imported.parts[p].objects;
		objects += counted;
		wrong += body_pack(&body, &n, json.at, json.length) != ERR_OK;
		free(body);
		post_clear(&post);
		text_clear(&json);
	}
	is_int(wrong, 0, "%zu bundles are valid posts", imported.part_count);
	return objects;
}

/* The first object of a type in the first part, for is_str on its properties. */
static struct bundle *first_bundle(void)
{
	struct bundle *b = NULL;

	need(imported.part_count > 0);
	need(bundle_read(&b, imported.parts[0].text, imported.parts[0].length, BUNDLE_OBJECTS_MAX,
			 NULL) == ERR_OK);
	return b;
}

static const struct stix_object *object_of(const struct bundle *b, const char *type, size_t number)
{
	for (size_t o = 0; o < bundle_count(b); o++) {
		if (strcmp(bundle_object(b, o)->type, type) == 0 && number-- == 0)
			return bundle_object(b, o);
	}
	return NULL;
}

static const char *property(const struct stix_object *o, const char *key)
{
	const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(o->json, key));

	return text ? text : "(none)";
}

static void a_value_becomes_an_indicator(void)
{
	static const char *const labels[] = {"botnet", "a \"label\""};
	struct import_options o = plain;
	const struct stix_object *i;
	struct bundle *b;

	o.labels = labels;
	o.label_count = 2;
	o.confidence = 80;
	need(import_bytes(&o, NULL, "hxxp://Evil[.]com/it's\n", 23) == ERR_OK);
	b = first_bundle();
	is_int(bundle_count(b), 3, "marking, identity, indicator");
	i = object_of(b, "identity", 0);
	is_str(i->name, "CERT \"KP\"", "the CERT");
	ok(stix_scaffolding(i), "is its creator");
	i = object_of(b, "indicator", 0);
	is_str(i->name, "http://evil.com/it's", "name");
	is_str(i->pattern, "[url:value = 'http://evil.com/it\\'s']", "pattern");
	is_str(property(i, "pattern_version"), "2.1", "pattern_version");
	is_str(property(i, "created_by_ref"), object_of(b, "identity", 0)->id, "created_by_ref");
	is_int(i->valid_from, NOW, "valid from now");
	is_int(i->valid_until, NOW + 90ULL * 86400000, "for 90 days");
	ok(i->marked && i->tlp == TLP_GREEN, "marked");
	is_int(cJSON_GetArraySize(cJSON_GetObjectItem(i->json, "labels")), 2, "labels");
	is_int(cJSON_GetObjectItem(i->json, "confidence")->valueint, 80, "confidence");
	bundle_free(b);
	forget();
}

static void the_same_value_is_the_same_object_and_is_merged(void)
{
	struct bundle *a, *b;
	struct import_options other = plain;

	need(import_text(NULL, "evil.com\nEVIL.com.\nevil[.]com\n") == ERR_OK);
	is_int(imported.taken, 1, "taken");
	is_int(imported.duplicates, 2, "merged");
	a = first_bundle();
	is_str(object_of(a, "indicator", 0)->id, "indicator--35eb7f65-909d-5b5a-bd9d-11a198ec6f87",
	       "the id of SPEC 8.5");
	/* The bundle borrows its text. */
	char id[80];
	snprintf(id, sizeof id, "%s", object_of(a, "indicator", 0)->id);
	bundle_free(a);
	other.node = "punjab";
	need(import_bytes(&other, NULL, "evil.com", 8) == ERR_OK);
	b = first_bundle();
	ok(strcmp(object_of(b, "indicator", 0)->id, id) != 0, "another node, another object");
	bundle_free(b);
	forget();
}

static void comments_and_decoration_are_understood(void)
{
	is_int(import_text("list", "\xef\xbb\xbf# comment\r\n\r\n; comment\n// comment\n"
				   "1.2.3.4\t# seen today\r\n  \"evil.com\"  \n'a.evil.com'\n"
				   "10.0.0.0/8 ; SBL1\n*.b.evil.com\nhttp://e.com/#fragment\n"
				   "http://e.com/a;b,c\n2001:db8::/32\nlast.evil.com"),
	       ERR_OK, "read");
	is_int(imported.taken, 9, "values");
	is_int(imported.read, 9, "lines that are not comments");
	is_int(parts_valid(), 9, "objects");
	forget();
}

static void csv_columns_are_found(void)
{
	static const struct {
		const char *text, *column;
		size_t taken;
		const char *first;
	} csv[] = {
		{"1.2.3.4\t9\n5.6.7.8\t8\n", NULL, 2, "1.2.3.4"},
		{"\"first_seen\",\"dst_ip\",\"port\"\n\"2021-01-01 "
		 "10:00:00\",\"1.2.3.4\",\"443\"\n",
		 NULL, 1, "1.2.3.4"},
		{"id,dateadded,url,status\n1,2020-01-01,http://a.com/x,online\n"
		 "2,2020-01-01,\"http://a.com/y,z\",offline\n",
		 NULL, 2, "http://a.com/x"},
		{"evil.com;malware;2020\nevil.net;malware;2021\n", NULL, 2, "evil.com"},
		{"domain\nevil.com\nevil.net\n", NULL, 2, "evil.com"},
		{"a.com,x,b.com\nc.com,y,d.com\n", "3", 2, "b.com"},
		{"one,two\na.com,b.com\n", "TWO", 1, "b.com"},
		{"evil.com,\nevil.net,\n", NULL, 2, "evil.com"},
		{"\"a \"\"b\"\"\",\"evil.com\"\n", NULL, 1, "evil.com"},
	};

	for (size_t c = 0; c < sizeof csv / sizeof *csv; c++) {
		struct import_options o = plain;
		struct bundle *b;

		o.column = csv[c].column;
		if (!ok(import_bytes(&o, NULL, csv[c].text, strlen(csv[c].text)) == ERR_OK,
			"CSV %zu", c)) {
			printf("# %s\n", report_first(&said));
			continue;
		}
		is_int(imported.taken, csv[c].taken, "values");
		b = first_bundle();
		is_str(object_of(b, "indicator", 0)->name, csv[c].first, "the first");
		bundle_free(b);
	}
	is_int(import_bytes(&(struct import_options){.node = "kp",
						     .confidence = -1,
						     .now = NOW,
						     .random = randombytes_buf,
						     .column = "three"},
			    NULL, "one,two\na.com,b.com\n", 20),
	       ERR_NOT_FOUND, "no such column");
	ok(said_anywhere("no column named \"three\""), "says so");
	forget();
}

static void a_rejected_line_stops_everything_and_is_named(void)
{
	static const char text[] = "evil.com\nnot a value\n1.2.3.999\n0.0.0.0 hosts.com\nok.com\n"
				   "bad\xff.com\nnul\0.com\n";
	struct import_options o = plain;

	is_int(import_bytes(&o, NULL, text, sizeof text - 1), ERR_NOT_ALLOWED, "all or nothing");
	is_int(imported.part_count, 0, "nothing to share");
	is_int(imported.rejected_count, 5, "rejected");
	ok(said_anywhere("input: line 2: not an address, domain, URL"), "the second line");
	ok(said_anywhere("input: line 3: not an IPv4 address"), "the third");
	ok(said_anywhere("input: line 4: an address and more; of a hosts file"), "the fourth");
	ok(said_anywhere("input: line 6: not UTF-8: \"bad?.com\""), "the sixth");
	ok(said_anywhere("input: line 7: a NUL byte: \"nul?.com\""), "the seventh");
	o.skip_rejected = true;
	is_int(import_bytes(&o, NULL, text, sizeof text - 1), ERR_OK, "unless they are skipped");
	is_int(imported.taken, 2, "the others are taken");
	is_int(imported.read, imported.taken + imported.rejected_count, "counts add up");
	forget();
}

static void what_is_not_text_is_refused_in_words(void)
{
	static const struct {
		const char *bytes;
		size_t n;
		const char *words;
	} bad[] = {
		{"", 0, "input: empty"},
		{"\n\n# only\r\n", 10, "no values in it"},
		{"\x1f\x8b\x08\x00zzz", 7, "compressed by gzip"},
		{"PK\x03\x04zzzz", 8, "a zip archive"},
		{"\x28\xb5\x2f\xfdzzzz", 8, "compressed by zstd"},
		{"\xff\xfe"
		 "a\0",
		 4, "UTF-16"},
		{"{\"a\":", 5, "line 1, column 6: the text ends"},
		{"{\"a\":1,\n \"a\":2}", 15, "line 2, column 2: the same key twice"},
		{"{\"duvelDetails\":{}}", 19, "its first key is \"duvelDetails\""},
		{"[{\"Event\":[}]", 13, "line 1, column 12"},
		{"{\"Event\":{}}", 12, "no Event with a uuid"},
		{"[{}]", 4, "no Event with a uuid"},
		{"{\"type\":\"bundle\"}", 17, "no id of the form"},
		{"{\"Event\":{\"\xff\"}}", 15, "not UTF-8"},
	};

	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		ok(import_bytes(&plain, NULL, bad[i].bytes, bad[i].n) != ERR_OK, "refused");
		if (!ok(said_anywhere(bad[i].words), "%s", bad[i].words))
			printf("# said: %s\n", report_first(&said));
		is_int(imported.part_count, 0, "nothing to share");
	}
	forget();
}

static void options_are_checked(void)
{
	static const char *const labels[] = {"", "\xff"};
	struct import_options o = plain;
	struct import i;

	report_init(&said);
	o.node = "KP!";
	o.labels = labels;
	o.label_count = 2;
	o.confidence = 101;
	o.valid_days = 100000;
	is_int(import_init(&i, &o, &said), ERR_FORMAT, "refused");
	is_int(said.count, 5, "every mistake");
	import_clear(&i);
	o = plain;
	o.confidence = 101;
	is_int(import_init(&i, &o, NULL), ERR_FORMAT, "without words too");
	import_clear(&i);
	report_clear(&said);
}

static void values_of_an_operator_are_taken(void)
{
	struct import i;

	report_init(&said);
	need(import_init(&i, &plain, &said) == ERR_OK);
	is_int(import_value(&i, "evil[.]com", 1), ERR_OK, "a domain");
	is_int(import_value(&i, "nonsense", 2), ERR_OK, "nonsense is rejected later");
	is_int(import_finish(&i, &said), ERR_NOT_ALLOWED, "as a whole");
	ok(said_anywhere("line 2"), "by its place");
	import_clear(&i);
	report_clear(&said);
}

static void thousands_of_values_are_split_into_bundles(void)
{
	struct text t;
	struct timespec from, to;

	text_init(&t);
	for (int i = 0; i < 100000; i++)
		text_format(&t, "host%d.evil.com\n", i);
	clock_gettime(CLOCK_MONOTONIC, &from);
	is_int(import_bytes(&plain, NULL, t.at, t.length), ERR_OK, "100,000 lines");
	clock_gettime(CLOCK_MONOTONIC, &to);
	printf("# %.3f s\n",
	       (double)(to.tv_sec - from.tv_sec) + (double)(to.tv_nsec - from.tv_nsec) / 1e9);
	is_int(imported.part_count, 100, "bundles");
	is_int(parts_valid(), 100000, "objects");
	text_clear(&t);
	text_init(&t);
	for (int i = 0; i < 1500; i++)
		text_format(&t, "/%d%01990d\n", i, 7);
	is_int(import_bytes(&plain, NULL, t.at, t.length), ERR_OK, "1,500 very long values");
	ok(imported.part_count > 2, "are split by size");
	is_int(parts_valid(), 1500, "objects");
	text_clear(&t);
	forget();
}

#define OBJECT(n, more) \
	"{\"type\":\"malware\",\"spec_version\":\"2.1\",\"id\":\"malware--00000000-0000-4000-" \
	"8000-%012d\"," \
	"\"created\":\"2024-01-01T00:00:00Z\" , \"modified\":\"2024-01-01T00:00:00Z\"" more "}"
#define BUNDLE_START \
	"{\"type\":\"bundle\",\"id\":\"bundle--00000000-0000-4000-8000-000000000000\"," \
	"\"objects\":["

static void a_small_stix_bundle_is_kept_byte_for_byte(void)
{
	char text[1000];
	int n = snprintf(text, sizeof text, "  " BUNDLE_START OBJECT(1, "") "]}\n", 1);

	is_int(import_bytes(&plain, NULL, text, (size_t)n), ERR_OK, "read");
	is_int(imported.part_count, 1, "one bundle");
	ok(imported.parts[0].length == (size_t)n &&
		   !memcmp(imported.parts[0].text, text, (size_t)n),
	   "the same bytes");
	is_int(parts_valid(), 1, "objects");
	forget();
}

static void a_large_stix_bundle_is_split_and_its_objects_are_kept(void)
{
	struct text t;
	size_t found = 0;
	char object[400];

	text_init(&t);
	text_format(&t, BUNDLE_START "%s", tlp_marking_object(TLP_GREEN));
	for (int i = 1; i <= 2500; i++)
		text_format(&t, "," OBJECT(i, ",\"object_marking_refs\":[\"%s\"]"), i,
			    tlp_marking_id(TLP_GREEN));
	text_str(&t, "]}");
	is_int(import_bytes(&plain, NULL, t.at, t.length), ERR_OK, "2,500 objects");
	is_int(imported.part_count, 3, "bundles");
	is_int(parts_valid(), 2500, "objects");
	for (int i = 1; i <= 2500; i++) {
		snprintf(object, sizeof object, OBJECT(i, ",\"object_marking_refs\":[\"%s\"]"), i,
			 tlp_marking_id(TLP_GREEN));
		found += strstr(imported.parts[(i - 1) / 1000].text, object) != NULL;
	}
	is_int(found, 2500, "byte for byte");
	for (size_t p = 0; p < 3; p++)
		ok(strstr(imported.parts[p].text, tlp_marking_object(TLP_GREEN)) != NULL,
		   "every part has the marking");
	text_clear(&t);
	forget();
}

static void a_stricter_marking_is_refused_by_name(void)
{
	char text[2000];
	int n = snprintf(
		text, sizeof text,
		BUNDLE_START OBJECT(1, ",\"object_marking_refs\":[\"%s\"]") "," OBJECT(2, "") "]}",
		1, tlp_marking_id(TLP_AMBER), 2);
	struct import_options o = plain;

	is_int(import_bytes(&o, NULL, text, (size_t)n), ERR_NOT_ALLOWED, "refused");
	ok(said_anywhere("object 1 (malware--00000000-0000-4000-8000-000000000001) is marked "
			 "TLP:amber"),
	   "names it");
	o.tlp = TLP_AMBER;
	is_int(import_bytes(&o, NULL, text, (size_t)n), ERR_OK, "an AMBER message may carry it");
	forget();
}

#define ATTRIBUTE(n, type, ids, value, more) \
	"{\"type\":\"" type "\",\"to_ids\":" ids ",\"value\":\"" value \
	"\",\"timestamp\":\"1600000000\",\"uuid\":\"00000000-0000-4000-8000-00000000000" n \
	"\"" more "}"
#define EVENT(more) \
	"{\"uuid\":\"" EVENT_UUID "\",\"info\":\"A \\\"case\\\"\",\"date\":\"2020-09-13\"" more "}"

static const char event_text[] =
	"{\"Event\":" EVENT(
		",\"Tag\":[{\"name\":\"tlp:green\"},{\"name\":\"ESET\"}],\"Orgc\":{\"name\":"
		"\"ESET\"},"
		"\"Attribute\":[" ATTRIBUTE("1", "domain|ip", "true", "evil.com|1.2.3.4", ",\"comment\":\"C&C\"") "," ATTRIBUTE(
			"2", "filename|md5", "true", "a|b.exe|d41d8cd98f00b204e9800998ecf8427e",
			"") "," ATTRIBUTE("3", "ip-dst|port", "1",
					  "2001:db8::1|443", "") "," ATTRIBUTE("4", "sha1", "false",
									       "da39a3ee5e6b4b0d325"
									       "5bfef956"
									       "01890afd80709",
									       "") "," ATTRIBUTE("5",
												 "y"
												 "a"
												 "r"
												 "a",
												 "t"
												 "r"
												 "u"
												 "e",
												 "r"
												 "u"
												 "l"
												 "e"
												 " "
												 "x"
												 " "
												 "{"
												 " "
												 "c"
												 "o"
												 "n"
												 "d"
												 "i"
												 "t"
												 "i"
												 "o"
												 "n"
												 ":"
												 " "
												 "t"
												 "r"
												 "u"
												 "e"
												 " "
												 "}",
												 "") "," ATTRIBUTE("6",
														   "domain",
														   "true", "gone.com", ",\"deleted\":true") "," ATTRIBUTE("7", "whatever", "true", "x", "") "],\"Object\":[{\"name\":\"url\",\"Attribute\":[" ATTRIBUTE("8",
																																	"url", "true", "hxxp://evil[.]com/x", ",\"first_seen\":\"2020-09-12T00:00:00.000000Z\",\"Tag\":[{\"name\":\"c2\"}]") "," ATTRIBUTE("9",
																																																	   "mutex",
																																																	   "\"1\"", "it's", "") "]},"
																																																				"{\"name\":\"old\",\"deleted\":true,\"Attribute\":[" ATTRIBUTE("0",
																																																											       "domain",
																																																											       "true", "old.com", "") "]}]") "}";

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

	if (!ok(import_text(NULL, event_text) == ERR_OK, "read"))
		printf("# %s\n", report_first(&said));
	is_int(imported.read, 10, "attributes");
	is_int(imported.taken, 6, "indicators");
	is_int(imported.context, 4, "context");
	is_int(parts_valid(), 8, "indicators, note, report");
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
	o = object_of(b, "report", 0);
	is_str(o->id, "report--" EVENT_UUID, "the event");
	is_str(o->name, "A \"case\"", "info");
	is_int(cJSON_GetArraySize(cJSON_GetObjectItem(o->json, "object_refs")), 7, "refers to all");
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
		is_int(import_text(NULL, t.at), ERR_OK, "%s", wrapped[w]);
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
		is_int(import_text("misp", bad[i].event), ERR_NOT_ALLOWED, "refused");
		if (!ok(said_anywhere(bad[i].words), "%s", bad[i].words))
			printf("# said: %s\n", report_first(&said));
	}
	forget();
}

static void bad_attributes_stop_everything(void)
{
	is_int(import_text("misp",
			   "{\"Event\":" EVENT(",\"Attribute\":[{\"type\":\"domain\"}]") "}"),
	       ERR_FORMAT, "no value");
	is_int(import_text("misp", "{\"Event\":" EVENT(",\"Attribute\":[7]") "}"), ERR_FORMAT,
	       "no object");
	is_int(import_text("misp", "{\"Event\":" EVENT(",\"Attribute\":[" ATTRIBUTE(
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

	for (size_t n = 0; n < sizeof event_text - 1; n++) {
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

static void shipped_excerpts_are_read(void)
{
	static const struct {
		const char *file;
		size_t read, taken, context;
	} files[] = {
		{CONTENT "sshdoor-akiva.json", 5, 0, 5},
		{CONTENT "turla-crutch.json", 20, 0, 20},
		{CONTENT "novispy.stix2", 37, 37, 0},
		{CONTENT "ipsum.txt", 120, 120, 0},
	};

	for (size_t f = 0; f < sizeof files / sizeof *files; f++) {
		if (!ok(import_file(&plain, files[f].file) == ERR_OK, "%s", files[f].file))
			printf("# %s\n", report_first(&said));
		is_int(imported.read, files[f].read, "read");
		is_int(imported.taken, files[f].taken, "taken");
		is_int(imported.context, files[f].context, "context");
		parts_valid();
	}
	ok(import_file(&plain, CONTENT "maltrail.txt") == ERR_OK, "maltrail.txt");
	is_int(imported.rejected_count, 0, "rejected");
	parts_valid();
	forget();
}

static void real_folder(const char *folder)
{
	struct import_options o = plain;
	DIR *dir = opendir(folder);
	struct dirent *entry;

	o.skip_rejected = true;
	while (dir && (entry = readdir(dir)) != NULL) {
		char path[600];
		enum err err;

		if (entry->d_name[0] == '.' || strstr(entry->d_name, "LICENSE"))
			continue;
		snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
		err = import_file(&o, path);
		if (strstr(path, "dnsbirthday")) {
			is_int(err, ERR_FORMAT, "%s is no MISP event", path);
			continue;
		}
		if (!ok(err == ERR_OK, "%s", path))
			printf("# %s\n", report_first(&said));
		printf("# read %zu taken %zu merged %zu context %zu rejected %zu\n", imported.read,
		       imported.taken, imported.duplicates, imported.context,
		       imported.rejected_count);
		/* One address of the cobaltstrike list has the port 65626. */
		ok(imported.rejected_count <= 1, "all but one line at most");
		parts_valid();
	}
	if (dir)
		closedir(dir);
	else
		ok(true, "# SKIP no %s here", folder);
}

static void real_data_is_read_where_it_is(void)
{
	real_folder(REAL "misp");
	real_folder(REAL "stix");
	real_folder(REAL "lists");
	forget();
}

int main(void)
{
	need(sodium_init() >= 0);
	RUN(a_value_becomes_an_indicator);
	RUN(the_same_value_is_the_same_object_and_is_merged);
	RUN(comments_and_decoration_are_understood);
	RUN(csv_columns_are_found);
	RUN(a_rejected_line_stops_everything_and_is_named);
	RUN(what_is_not_text_is_refused_in_words);
	RUN(options_are_checked);
	RUN(values_of_an_operator_are_taken);
	RUN(thousands_of_values_are_split_into_bundles);
	RUN(a_small_stix_bundle_is_kept_byte_for_byte);
	RUN(a_large_stix_bundle_is_split_and_its_objects_are_kept);
	RUN(a_stricter_marking_is_refused_by_name);
	RUN(a_misp_event_becomes_indicators_a_note_and_a_report);
	RUN(all_wrappers_of_misp_are_met);
	RUN(tlp_tags_of_misp_are_respected);
	RUN(bad_attributes_stop_everything);
	RUN(a_large_misp_event_is_split);
	RUN(any_input_cut_anywhere_does_no_harm);
	RUN(shipped_excerpts_are_read);
	RUN(real_data_is_read_where_it_is);
	return tap_done();
}
