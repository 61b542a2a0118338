#include "protocol/stix.h"

#include "tests/tap.h"

#define UUID(n) "00000000-0000-4000-8000-00000000000" #n
#define TIMES "\"created\":\"2024-01-01T00:00:00.000Z\",\"modified\":\"2024-01-02T00:00:00.5Z\""
#define BUNDLE(objects) \
	"{\"type\":\"bundle\",\"id\":\"bundle--" UUID(0) "\",\"objects\":[" objects "]}"
#define MALWARE(n, more) \
	"{\"type\":\"malware\",\"spec_version\":\"2.1\",\"id\":\"malware--" UUID( \
		n) "\"," TIMES more "}"
#define INDICATOR(n, more) \
	"{\"type\":\"indicator\",\"spec_version\":\"2.1\",\"id\":\"indicator--" UUID( \
		n) "\"," TIMES \
		   ",\"pattern_type\":\"stix\",\"valid_from\":\"2024-01-01T00:00:00Z\"" more "}"
#define PATTERN ",\"pattern\":\"[domain-name:value = 'evil.com']\""

static struct bundle *read_bundle(const char *text)
{
	struct report report;
	struct bundle *b;

	report_init(&report);
	if (bundle_read(&b, text, strlen(text), 100, &report) != ERR_OK) {
		printf("# %s\n", report_first(&report));
		b = NULL;
	}
	report_clear(&report);
	return b;
}

static void refused(const char *text, const char *words)
{
	struct report report;
	struct bundle *b;
	enum err err;
	bool said = false;

	report_init(&report);
	err = bundle_read(&b, text, strlen(text), 3, &report);
	for (size_t i = 0; i < report.count; i++)
		said = said || strstr(report.lines[i], words);
	if (!ok(err != ERR_OK && !b && said, "refused: %s", words))
		printf("# said: %s\n", report_first(&report));
	report_clear(&report);
}

static void a_bundle_is_read_and_its_bytes_are_kept(void)
{
	static const char object[] = INDICATOR(1, PATTERN ",\"x_own\" : [ 1.50 ]");
	struct bundle *b = read_bundle(" {\"id\":\"bundle--" UUID(
		0) "\", \"type\":\"bundle\",\n"
		   "\"obj\\u0065cts\" : [ " INDICATOR(
			   1, PATTERN
			   ",\"x_own\" : [ 1.50 ]") " ,\n" MALWARE(2, ",\"name\":\"M\",\"revoked\":"
								      "true") "]} ");
	const struct stix_object *o;

	need(b);
	is_int(bundle_count(b), 2, "objects");
	o = bundle_object(b, 0);
	is_str(o->id, "indicator--" UUID(1), "id");
	is_str(o->type, "indicator", "type");
	is_str(o->pattern, "[domain-name:value = 'evil.com']", "pattern");
	ok(o->raw.length == sizeof object - 1 && !memcmp(o->raw.at, object, sizeof object - 1),
	   "bytes as written");
	is_int(o->created, 1704067200000, "created");
	is_int(o->modified, 1704153600500, "modified");
	is_int(o->valid_from, 1704067200000, "valid_from");
	ok(o->valid_until == 0 && !o->revoked && !o->marked && !o->name, "and nothing else");
	o = bundle_object(b, 1);
	ok(o->revoked && strcmp(o->name, "M") == 0 && !o->pattern, "the second");
	bundle_free(b);
}

static void what_is_no_bundle_is_refused_in_words(void)
{
	refused("[]", "not a STIX bundle");
	refused("{\"type\":\"report\"}", "not a STIX bundle");
	refused("{\"type\":\"bundle\",\"objects\":[" MALWARE(1, "") "]}",
		"no id of the form bundle--");
	refused(BUNDLE(""), "no objects");
	refused("{\"type\":\"bundle\",\"id\":\"bundle--" UUID(0) "\",\"objects\":{}}",
		"no objects");
	refused(BUNDLE(MALWARE(1, "") "," MALWARE(2, "") "," MALWARE(3, "") "," MALWARE(4, "")),
		"has 4 objects; at most 3");
	refused(BUNDLE("17"), "object 1 (without id): has no valid type");
	refused(BUNDLE("[[1],{\"type\":\"malware\"}]"), "no valid type");
	refused(BUNDLE("{\"type\":\"Malware\"}"), "no valid type");
	refused(BUNDLE("{\"type\":\"malware\",\"id\":\"tool--" UUID(1) "\"}"), "no id of the form");
	refused(BUNDLE("{\"type\":\"malware\",\"id\":\"malware--123\"}"), "no id of the form");
	refused(BUNDLE(MALWARE(1, "") ",{\"type\":\"tool\",\"id\":\"tool--" UUID(2) "\"," TIMES
										    "}"),
		"object 2 (tool--" UUID(2) "): has no spec_version");
	refused(BUNDLE("{\"type\":\"tool\",\"spec_version\":\"2.0\",\"id\":\"tool--" UUID(
			2) "\"," TIMES "}"),
		"but of version 2.0");
	refused(BUNDLE("{\"type\":\"tool\",\"spec_version\":\"2.1\",\"id\":\"tool--" UUID(
			2) "\",\"created\":\"yesterday\"}"),
		"is not a time such as");
	refused(BUNDLE("{\"type\":\"tool\",\"spec_version\":\"2.1\",\"id\":\"tool--" UUID(
			2) "\",\"created\":\"yesterday\"}"),
		"has no modified");
	refused(BUNDLE("{\"type\":\"x-thing\",\"id\":\"x-thing--" UUID(2) "\"," TIMES "}"),
		"has no spec_version");
	refused(BUNDLE(INDICATOR(1, "")), "has no pattern");
	refused(BUNDLE(INDICATOR(1, ",\"pattern\":7")), "is not a string: pattern");
	refused(BUNDLE(INDICATOR(1, ",\"pattern\":\"\"")), "empty pattern");
	refused(BUNDLE(INDICATOR(1, PATTERN ",\"valid_until\":\"2024-01-01T00:00:00Z\"")),
		"valid_until is not after valid_from");
	refused(BUNDLE(INDICATOR(1, PATTERN ",\"revoked\":\"yes\"")), "neither true nor false");
	refused(BUNDLE(MALWARE(1, ",\"object_marking_refs\":\"x\"")), "not a list");
	refused(BUNDLE(MALWARE(1, ",\"object_marking_refs\":[7]")), "not a string");
	refused(BUNDLE(MALWARE(1, ",\"id\":\"twice\"")), "the same key twice");
}

static void all_problems_are_named_at_once(void)
{
	struct report report;
	struct bundle *b;
	static const char text[] = BUNDLE("{\"type\":\"a\"},{\"type\":\"tool\"}," INDICATOR(1, ""));

	report_init(&report);
	is_int(bundle_read(&b, text, strlen(text), 9, &report), ERR_FORMAT, "refused");
	is_int(report.count, 3, "three problems");
	report_clear(&report);
}

static void cyber_observables_and_unknown_types_need_no_versions(void)
{
	struct bundle *b = read_bundle(BUNDLE("{\"type\":\"ipv4-addr\",\"id\":\"ipv4-addr--" UUID(
		1) "\",\"value\":\"1.2.3.4\"},"
		   "{\"type\":\"x-thing\",\"id\":\"x-thing--" UUID(
			   2) "\"},"
			      "{\"type\":\"file\",\"id\":\"file--" UUID(
				      3) "\",\"name\":\"a.exe\",\"hashes\":{\"MD5\":"
					 "\"D41D8CD98F00B204E9800998ECF8427E\","
					 "\"SHA-256\":\"short\",\"SHA-1\":"
					 "\"da39a3ee5e6b4b0d3255bfef95601890afd80709\"}}"));
	struct observable o[8];

	need(b);
	is_int(stix_observables(bundle_object(b, 0), o, 8), 1, "one address");
	is_str(o[0].text, "1.2.3.4", "its value");
	is_int(stix_observables(bundle_object(b, 1), o, 8), 0, "nothing of the unknown");
	is_int(stix_observables(bundle_object(b, 2), o, 8), 3, "a name and two hashes");
	is_str(o[1].text, "d41d8cd98f00b204e9800998ecf8427e", "MD5");
	is_int(stix_observables(bundle_object(b, 2), o, 2), 2, "no more than there is room for");
	bundle_free(b);
}

static void patterns_of_other_languages_are_carried_unread(void)
{
	struct bundle *b = read_bundle(
		BUNDLE("{\"type\":\"indicator\",\"spec_version\":\"2.1\",\"id\":\"indicator--" UUID(
			1) "\"," TIMES
			   ",\"pattern_type\":\"yara\",\"pattern\":\"rule x {}\",\"valid_from\":"
			   "\"2024-01-01T00:00:00Z\"}"));
	struct observable o[1];

	need(b);
	ok(bundle_object(b, 0)->pattern == NULL, "no pattern of ours");
	is_int(stix_observables(bundle_object(b, 0), o, 1), 0, "no values");
	bundle_free(b);
}

static void the_strictest_marking_counts(void)
{
	enum tlp tlp;
	struct bundle *b = read_bundle(BUNDLE(MALWARE(
		1,
		",\"object_marking_refs\":[\"marking-definition--94868c89-83c2-464b-929b-"
		"a1a8aa3c8487\",\"marking-definition--f88d31f6-486f-44da-b317-"
		"01333bde0b82\"]") "," MALWARE(2,
					       "") "," MALWARE(3,
							       ",\"granular_markings\":["
							       "{\"lang\":\"ur\","
							       "\"selectors\":[\"name\"]"
							       "},"
							       "{\"marking_ref\":"
							       "\"marking-definition--"
							       "939a9414-2ddd-4d32-a0cd-"
							       "375ea402b003\","
							       "\"selectors\":[\"name\"]"
							       "}]") "," MALWARE(4,
										 ",\"obj"
										 "ect_"
										 "markin"
										 "g_"
										 "refs\""
										 ":["
										 "\"mark"
										 "ing-"
										 "defini"
										 "tion-"
										 "-" UUID(
											 5) "\"]") ","
												   "{\"type\":\"marking-definition\",\"spec_version\":\"2.1\",\"id\":\"marking-definition--" UUID(5) "\",\"created\":\"2024-01-01T00:00:00Z\",\"definition_type\":\"TLP:RED\"}," MALWARE(
													   6,
													   ",\"object_marking_refs\":[\"marking-definition--" UUID(
														   7) "\"]")));

	need(b);
	ok(bundle_object(b, 0)->marked && bundle_object(b, 0)->tlp == TLP_AMBER, "TLP 1 and 2");
	ok(!bundle_object(b, 1)->marked && bundle_object(b, 1)->tlp == TLP_CLEAR, "none");
	ok(bundle_object(b, 2)->tlp == TLP_AMBER_STRICT, "granular");
	ok(bundle_object(b, 3)->tlp == TLP_RED, "defined in the bundle under an id of its own");
	ok(!bundle_object(b, 5)->marked, "a marking that is no TLP");
	ok(bundle_tlp(b, &tlp) && tlp == TLP_RED, "of the bundle");
	ok(stix_scaffolding(bundle_object(b, 4)) && !stix_scaffolding(bundle_object(b, 0)),
	   "the definition is scaffolding");
	bundle_free(b);
	b = read_bundle(BUNDLE(MALWARE(1, "")));
	need(b);
	ok(!bundle_tlp(b, &tlp), "unmarked");
	bundle_free(b);
}

static void an_identity_is_scaffolding_when_it_created_others(void)
{
#define IDENTITY(n, more) \
	"{\"type\":\"identity\",\"spec_version\":\"2.1\",\"id\":\"identity--" UUID( \
		n) "\"," TIMES ",\"name\":\"CERT\"" more "}"
	struct bundle *b = read_bundle(BUNDLE(IDENTITY(1, "") "," IDENTITY(
		2, ",\"created_by_ref\":\"identity--" UUID(
			   2) "\"") "," MALWARE(3,
						",\"created_by_ref\":\"identity--" UUID(1) "\"")));

	need(b);
	ok(stix_scaffolding(bundle_object(b, 0)), "the creator");
	ok(!stix_scaffolding(bundle_object(b, 1)), "one that created only itself");
	ok(!stix_scaffolding(bundle_object(b, 2)), "what was created");
	bundle_free(b);
}

static void tlp_markings_are_those_of_oasis(void)
{
	for (int t = 0; t < TLP_COUNT; t++) {
		const char *object = tlp_marking_object((enum tlp)t);
		struct text text;
		struct bundle *b;
		enum tlp tlp;

		text_init(&text);
		text_format(&text, BUNDLE("%s"), object);
		b = read_bundle(text.at);
		need(b);
		is_str(bundle_object(b, 0)->id, tlp_marking_id((enum tlp)t), "id");
		ok(tlp_of_marking(tlp_marking_id((enum tlp)t), &tlp) && tlp == (enum tlp)t,
		   "by id");
		ok(tlp_of_definition(bundle_object(b, 0)->json, &tlp) && tlp == (enum tlp)t,
		   "by definition");
		bundle_free(b);
		text_clear(&text);
	}
}

static void a_post_is_an_envelope_and_a_bundle(void)
{
	static const char bundle[] = " " BUNDLE(MALWARE(1, ""));
	struct envelope e = {
		.block = true, .exercise = true, .receipt = true, .as_role = "government"};
	struct text t;
	struct post p;

	text_init(&t);
	post_write(&t, &e, (struct slice){bundle, sizeof bundle - 1});
	is_int(post_read(&p, t.at, t.length, NULL), ERR_OK, "is read back");
	ok(p.envelope.block && p.envelope.exercise && p.envelope.receipt,
	   "use, exercise and receipt");
	is_str(p.envelope.as_role, "government", "as-role");
	is_int(bundle_count(p.bundle), 1, "objects");
	ok(p.text.length == sizeof bundle - 2 && !memcmp(p.text.at, bundle + 1, p.text.length),
	   "the bundle's bytes");
	post_clear(&p);
	t.length = 0;
	e.ack_by = UINT64_C(1764547200000);
	post_write(&t, &e, (struct slice){bundle, sizeof bundle - 1});
	need(post_read(&p, t.at, t.length, NULL) == ERR_OK);
	ok(p.envelope.ack_by == e.ack_by, "until when");
	post_clear(&p);
	t.length = 0;
	post_write(&t, &(struct envelope){0}, (struct slice){bundle, sizeof bundle - 1});
	need(post_read(&p, t.at, t.length, NULL) == ERR_OK);
	ok(!p.envelope.block && !p.envelope.exercise && !p.envelope.receipt && !p.envelope.ack_by &&
		   !*p.envelope.as_role,
	   "the defaults");
	post_clear(&p);
	text_clear(&t);
}

static void a_bad_post_is_refused(void)
{
	static const struct {
		const char *json, *words;
	} bad[] = {
		{"[]", "\"envelope\" is not an object"},
		{"{\"bundle\":" BUNDLE(MALWARE(1, "")) "}", "\"envelope\" is not an object"},
		{"{\"envelope\":{}}", "without a bundle"},
		{"{\"envelope\":{},\"bundle\":3}", "not a STIX bundle"},
		{"{\"envelope\":{\"use\":\"shoot\"},\"bundle\":{}}", "\"use\" is neither"},
		{"{\"envelope\":{\"use\":true},\"bundle\":{}}", "\"use\" is neither"},
		{"{\"envelope\":{\"exercise\":1},\"bundle\":{}}", "\"exercise\" is neither"},
		{"{\"envelope\":{\"receipt\":\"yes\"},\"bundle\":{}}", "\"receipt\" is neither"},
		{"{\"envelope\":{\"ack-by\":\"2026-12-01T00:00:00Z\"},\"bundle\":{}}",
		 "\"ack-by\""},
		{"{\"envelope\":{\"receipt\":true,\"ack-by\":\"soon\"},\"bundle\":{}}",
		 "\"ack-by\""},
		{"{\"envelope\":{\"receipt\":true,\"ack-by\":7},\"bundle\":{}}", "\"ack-by\""},
		{"{\"envelope\":{\"as-role\":\"Kp!\"},\"bundle\":{}}", "\"as-role\""},
		{"{\"envelope\":{\"as-role\":\"0123456789012345678901234567890123\"},\"bundle\":{}"
		 "}",
		 "\"as-role\""},
		{"{\"envelope\":{},\"envelope\":{},\"bundle\":{}}", "the same key twice"},
	};

	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		struct report report;
		struct post p;

		report_init(&report);
		ok(post_read(&p, bad[i].json, strlen(bad[i].json), &report) != ERR_OK &&
			   strstr(report_first(&report), bad[i].words),
		   "%s", bad[i].words);
		post_clear(&p);
		report_clear(&report);
	}
}

static void a_post_holds_1024_objects_and_no_more(void)
{
	for (int n = BUNDLE_OBJECTS_MAX; n <= BUNDLE_OBJECTS_MAX + 1; n++) {
		struct text t;
		struct post p;

		text_init(&t);
		text_str(&t,
			 "{\"envelope\":{},\"bundle\":{\"type\":\"bundle\",\"id\":\"bundle--" UUID(
				 0) "\",\"objects\":[");
		for (int i = 0; i < n; i++)
			text_format(&t, "%s" MALWARE(1, ""), i ? "," : "");
		text_str(&t, "]}}");
		is_int(post_read(&p, t.at, t.length, NULL),
		       n == BUNDLE_OBJECTS_MAX ? ERR_OK : ERR_LIMIT, "%d objects", n);
		post_clear(&p);
		text_clear(&t);
	}
}

static void a_post_cut_or_flipped_anywhere_does_no_harm(void)
{
	static const char text[] = "{\"envelope\":{\"use\":\"block\"},\"bundle\":" BUNDLE(INDICATOR(
		1, PATTERN ",\"object_marking_refs\":[\"marking-definition--94868c89-83c2-"
			   "464b-929b-a1a8aa3c8487\"]") "," MALWARE(2, "")) "}";
	size_t n = sizeof text - 1, cut = 0;
	char *copy = malloc(n);
	struct observable o[2];
	struct post p;

	need(copy);
	for (size_t i = 0; i < n; i++) {
		memcpy(copy, text, i);
		cut += post_read(&p, copy, i, NULL) == ERR_OK;
		post_clear(&p);
	}
	is_int(cut, 0, "prefixes that are posts");
	for (size_t bit = 0; bit < 8 * n; bit++) {
		memcpy(copy, text, n);
		copy[bit / 8] = (char)(copy[bit / 8] ^ 1 << bit % 8);
		if (post_read(&p, copy, n, NULL) == ERR_OK) {
			for (size_t i = 0; i < bundle_count(p.bundle); i++)
				(void)stix_observables(bundle_object(p.bundle, i), o, 2);
		}
		post_clear(&p);
	}
	ok(true, "flips");
	free(copy);
}

static void uuids_say_their_version(void)
{
	static const uint8_t random[16] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
					   0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
	char a[37], b[37];

	uuid_of_random(a, random);
	is_str(a, "ffffffff-ffff-4fff-bfff-ffffffffffff", "version 4");
	uuid_of_text(a, "kp|ipv4|1.2.3.4");
	is_str(a, "3d9d210e-1598-5de1-af6d-b35bfc3c32ec", "version 5, the value of SPEC 8.5");
	uuid_of_text(b, "kp|ipv4|1.2.3.5");
	ok(strcmp(a, b) != 0, "other text, other id");
}

int main(void)
{
	RUN(a_bundle_is_read_and_its_bytes_are_kept);
	RUN(what_is_no_bundle_is_refused_in_words);
	RUN(all_problems_are_named_at_once);
	RUN(cyber_observables_and_unknown_types_need_no_versions);
	RUN(patterns_of_other_languages_are_carried_unread);
	RUN(the_strictest_marking_counts);
	RUN(an_identity_is_scaffolding_when_it_created_others);
	RUN(tlp_markings_are_those_of_oasis);
	RUN(a_post_is_an_envelope_and_a_bundle);
	RUN(a_bad_post_is_refused);
	RUN(a_post_holds_1024_objects_and_no_more);
	RUN(a_post_cut_or_flipped_anywhere_does_no_harm);
	RUN(uuids_say_their_version);
	return tap_done();
}
