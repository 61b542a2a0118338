#include <time.h>

#include "tests/node/imported.h"

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

	need(import_words(NULL, "evil.com\nEVIL.com.\nevil[.]com\n") == ERR_OK);
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
	is_int(import_words("list", "\xef\xbb\xbf# comment\r\n\r\n; comment\n// comment\n"
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

int main(void)
{
	need(sodium_init() >= 0);
	RUN(a_value_becomes_an_indicator);
	RUN(the_same_value_is_the_same_object_and_is_merged);
	RUN(comments_and_decoration_are_understood);
	RUN(csv_columns_are_found);
	RUN(a_rejected_line_stops_everything_and_is_named);
	RUN(thousands_of_values_are_split_into_bundles);
	return tap_done();
}
