/* Warning lists: what is on them, in both directions, and what is no list. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "node/detect/value_set.h"
#include "node/detect/warning_list.h"
#include "node/detect/warning_regex.h"
#include "tests/tap.h"

static char dir[] = "/tmp/khabardar-lists.XXXXXX";

static void put(const char *name, const char *text)
{
	char path[128];
	FILE *f;

	snprintf(path, sizeof path, "%s/%s", dir, name);
	f = fopen(path, "w");
	if (!f || fputs(text, f) < 0)
		exit(1);
	fclose(f);
}

static void gone(const char *name)
{
	char path[128];

	snprintf(path, sizeof path, "%s/%s", dir, name);
	unlink(path);
	rmdir(path);
}

/* The names of the lists that text is on, joined by a comma. */
static const char *on(const struct warning_lists *w, const char *text)
{
	static char out[512];
	const char *names[8], *why;
	struct observable v;
	size_t n;

	if (observable_detect(&v, text, &why) != ERR_OK)
		return "no value";
	n = warning_lists_find(w, &v, names, 8);
	*out = '\0';
	for (size_t i = 0; i < n; i++)
		snprintf(out + strlen(out), sizeof out - strlen(out), "%s%s", i ? "," : "",
			 names[i]);
	return out;
}

static void networks_count_in_both_directions(void)
{
	struct warning_lists *w;
	struct report report;

	report_init(&report);
	put("a.json", "{\"name\":\"nets\",\"type\":\"cidr\",\"list\":[\"192.0.2.0/24\",\"8.8.8.8\","
		      "\"2001:DB8::/32\",\"nonsense\",\"0.0.0.0/0\"]}");
	ok(warning_lists_read(&w, dir, &report) == ERR_OK, "a list of networks is read");
	ok(warning_lists_entries(w) == 5 && warning_lists_unread(w) == 2,
	   "what is no network is counted");
	is_str(on(w, "192.0.2.0/24"), "nets", "the network itself");
	is_str(on(w, "192.0.2.77"), "nets", "an address in it");
	is_str(on(w, "192.0.2.128/25"), "nets", "a network in it");
	is_str(on(w, "192.0.0.0/16"), "nets", "a network around it");
	is_str(on(w, "192.0.3.0/24"), "", "its neighbour is not");
	is_str(on(w, "192.0.1.255"), "", "nor the last address before it");
	is_str(on(w, "192.0.3.0"), "", "nor the first behind it");
	is_str(on(w, "8.8.8.0/24"), "nets", "a network around an address");
	is_str(on(w, "8.8.8.9"), "", "the next address is not");
	is_str(on(w, "8.0.0.0/5"), "nets", "a large network around it");
	is_str(on(w, "2001:db8:1::5"), "nets", "IPv6");
	is_str(on(w, "2001:db9::"), "", "IPv6 beside it");
	is_str(on(w, "192.0.2.77:443"), "nets", "the host of an endpoint");
	is_str(on(w, "http://192.0.2.77/x"), "nets", "the host of a URL");
	is_str(on(w, "nets.example"), "", "a name is not");
	warning_lists_free(w);
	report_clear(&report);
	gone("a.json");
}

static void names_count_upwards_and_hosts_downwards(void)
{
	struct warning_lists *w;
	struct report report;

	report_init(&report);
	put("a.json", "{\"name\":\"hosts\",\"type\":\"hostname\",\"list\":[\"Example.COM\",\".bank."
		      "example\"]}");
	put("b.json", "{\"name\":\"strings\",\"type\":\"string\",\"list\":[\"one.two.three."
		      "example\",\".dotted.example\","
		      "\"44d88612fea8a8f36de82e1278abb02f\"]}");
	ok(warning_lists_read(&w, dir, &report) == ERR_OK, "hosts and strings are read");
	is_str(on(w, "example.com"), "hosts", "a host");
	is_str(on(w, "a.b.example.com"), "hosts", "what is below it");
	is_str(on(w, "notexample.com"), "", "not what only ends so");
	is_str(on(w, "https://u@www.example.com:8443/x?y"), "hosts", "a URL on it");
	is_str(on(w, "www.example.com:80"), "hosts", "an endpoint on it");
	is_str(on(w, "bank.example"), "hosts", "a dot in front");
	is_str(on(w, "one.two.three.example"), "strings", "a string itself");
	is_str(on(w, "zero.one.two.three.example"), "", "not what is below it");
	is_str(on(w, "three.example"), "strings", "what is above it would block it");
	is_str(on(w, "http://one.two.three.example/"), "", "a URL is another string");
	is_str(on(w, "x.dotted.example"), "strings",
	       "a dot in front of a string means what is below");
	is_str(on(w, "44D88612FEA8A8F36DE82E1278ABB02F"), "strings", "a hash, whatever its case");
	warning_lists_free(w);
	report_clear(&report);
	gone("a.json");
	gone("b.json");
}

static void a_list_is_for_its_attributes_alone(void)
{
	struct warning_lists *w;
	struct report report;

	report_init(&report);
	put("a.json", "{\"name\":\"urls\",\"type\":\"hostname\",\"matching_attributes\":[\"url\"],"
		      "\"list\":[\"example.com\"]}");
	put("b.json", "{\"name\":\"all\",\"type\":\"hostname\",\"matching_attributes\":[],"
		      "\"list\":[\"example.com\"]}");
	put("c.json", "{\"name\":\"none\",\"matching_attributes\":[\"phone-number\"],"
		      "\"list\":[\"example.com\"]}");
	ok(warning_lists_read(&w, dir, &report) == ERR_OK, "lists with attributes are read");
	is_str(on(w, "example.com"), "all", "a name is no URL");
	is_str(on(w, "http://example.com/"), "urls,all", "a URL is on both");
	warning_lists_free(w);
	report_clear(&report);
	gone("a.json");
	gone("b.json");
	gone("c.json");
}

static void parts_and_expressions_are_found_inside(void)
{
	struct warning_lists *w;
	struct report report;

	report_init(&report);
	put("a.json",
	    "{\"name\":\"parts\",\"type\":\"substring\",\"list\":[\"Sandbox\",\"z\",\"\"]}");
	put("b.json", "{\"name\":\"regex\",\"type\":\"regex\",\"list\":[\"/"
		      "^mx\\\\d+\\\\.(?:mail|post)\\\\.example$/i\","
		      "\"(?<=x)y\"]}");
	ok(warning_lists_read(&w, dir, &report) == ERR_OK, "parts and expressions are read");
	ok(warning_lists_unread(w) == 1, "an expression that POSIX does not know is counted");
	is_str(on(w, "my-sandbox.example"), "parts", "a part in the middle");
	is_str(on(w, "a.example.z"), "no value", "no value at all");
	is_str(on(w, "example.zz"), "parts", "a part at the end");
	is_str(on(w, "MX12.mail.example"), "regex", "an expression");
	is_str(on(w, "mx.mail.example"), "", "that wants a digit");
	is_str(on(w, "amx1.mail.example"), "", "from the beginning");
	warning_lists_free(w);
	report_clear(&report);
	gone("a.json");
	gone("b.json");
}

static void what_is_no_list_is_named_and_nothing_is_read(void)
{
	static const char *const wrong[] = {
		"",
		"[]",
		"{\"list\":[\"a.example\"]}",
		"{\"name\":\"x\"}",
		"{\"name\":\"x\",\"list\":{}}",
		"{\"name\":\"x\",\"list\":[1]}",
		"{\"name\":\"x\",\"type\":\"fuzzy\",\"list\":[]}",
		"{\"name\":\"x\",\"list\":[\"a\"]",
	};
	struct warning_lists *w;
	struct report report;

	report_init(&report);
	ok(warning_lists_read(&w, dir, &report) == ERR_NOT_FOUND && !w, "no list at all");
	report_clear(&report);
	put("a.json", "{\"name\":\"good\",\"list\":[\"a.example\"]}");
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
		report_init(&report);
		put("b.json", wrong[i]);
		ok(warning_lists_read(&w, dir, &report) != ERR_OK && !w &&
			   strstr(report_first(&report), "b.json"),
		   "%s: %s", wrong[i], report_first(&report));
		report_clear(&report);
	}
	gone("a.json");
	gone("b.json");
}

static void the_guard_follows_the_folder(void)
{
	struct warning_guard *g = warning_guard_new(dir), *none = warning_guard_new(NULL);
	struct warning_lists *w, *again;
	struct report report;

	report_init(&report);
	ok(warning_guard_lists(none, &w, &report) == ERR_OK && !w,
	   "without a folder nothing is on a list");
	ok(warning_guard_lists(g, &w, &report) == ERR_NOT_FOUND && !w,
	   "an empty folder is no guard");
	put("a.json", "{\"name\":\"one\",\"list\":[\"a.example\"]}");
	ok(warning_guard_lists(g, &w, &report) == ERR_OK && w, "a list comes");
	is_str(on(w, "a.example"), "one", "and counts");
	ok(warning_guard_lists(g, &again, &report) == ERR_OK && again == w, "it is read once");
	warning_lists_free(w);
	warning_lists_free(again);
	put("b.json", "{\"name\":\"two\",\"list\":[\"b.example\"");
	ok(warning_guard_lists(g, &w, &report) != ERR_OK && !w, "a broken one comes: no guard");
	ok(warning_guard_lists(g, &w, &report) != ERR_OK && !w, "and none it stays");
	put("b.json", "{\"name\":\"two\",\"list\":[\"b.example\"]}");
	ok(warning_guard_lists(g, &w, &report) == ERR_OK && w, "it is mended");
	is_str(on(w, "b.example"), "two", "and counts");
	warning_lists_free(w);
	gone("a.json");
	ok(warning_guard_lists(g, &w, &report) == ERR_OK && w, "the first goes");
	is_str(on(w, "a.example"), "", "and counts no more");
	warning_lists_free(w);
	warning_guard_free(g);
	warning_guard_free(none);
	report_clear(&report);
	gone("b.json");
}

static void folders_of_misp_are_found(void)
{
	struct warning_lists *w;
	struct report report;
	char path[128];

	report_init(&report);
	snprintf(path, sizeof path, "%s/lists", dir);
	mkdir(path, 0700);
	snprintf(path, sizeof path, "%s/lists/one", dir);
	mkdir(path, 0700);
	put("lists/one/list.json", "{\"name\":\"one\",\"list\":[\"a.example\"]}");
	put("schema.json", "{\"not\":\"a list\"}");
	ok(warning_lists_read(&w, dir, &report) == ERR_OK && warning_lists_count(w) == 1,
	   "the folder of the repository, with its other files");
	warning_lists_free(w);
	report_clear(&report);
	gone("schema.json");
	gone("lists/one/list.json");
	gone("lists/one");
	gone("lists");
}

static void expressions_are_translated(void)
{
	static const char *const wrong[] = {"",       "/",    "//",   "/a(/", "/(?=a)/",
					    "/a\\1/", "/[a/", "/a/x", "a\\"};
	regex_t x;

	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
		bool compiled = warning_regex_compile(&x, wrong[i]);
		/* A single slash is an expression like another. */
		ok(compiled == (strcmp(wrong[i], "/") == 0), "\"%s\"", wrong[i]);
		if (compiled)
			regfree(&x);
	}
	ok(warning_regex_compile(&x, "[^]\\d/]+?$"), "brackets, classes, lazy repetition");
	ok(regexec(&x, "12]/", 0, NULL, 0) != 0, "what the brackets exclude");
	ok(regexec(&x, "12a", 0, NULL, 0) == 0, "what they do not");
	regfree(&x);
}

int main(void)
{
	if (!mkdtemp(dir))
		return 1;
	RUN(networks_count_in_both_directions);
	RUN(names_count_upwards_and_hosts_downwards);
	RUN(a_list_is_for_its_attributes_alone);
	RUN(parts_and_expressions_are_found_inside);
	RUN(what_is_no_list_is_named_and_nothing_is_read);
	RUN(the_guard_follows_the_folder);
	RUN(folders_of_misp_are_found);
	RUN(expressions_are_translated);
	rmdir(dir);
	return tap_done();
}
