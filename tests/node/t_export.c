/* Exporters that write values: what each file says, and what never gets into one. */
#include "tests/node/exported.h"

#include <sodium.h>

#include "node/format/md5.h"

#define COUNT(a) (sizeof(a) / sizeof *(a))

static const char *const mixed[][2] = {
	{"domain", "bad.example"},
	{"domain", "a.bad.example"},
	{"ipv4", "198.51.100.7"},
	{"ipv4", "198.51.100.0/24"},
	{"ipv4", "198.51.101.0/24"},
	{"ipv4", "203.0.113.9"},
	{"ipv6", "2001:db8::1"},
	{"ipv6", "2001:db8:0:0:1::/80"},
	{"endpoint", "203.0.113.5:8080"},
	{"endpoint", "[2001:db8::2]:53"},
	{"endpoint", "c2.example:443"},
	{"url", "http://user@evil.example:8080/x?y#z"},
	{"url", "https://[2001:db8::3]"},
	{"path", "/izuku.sh"},
	{"email", "a@b.example"},
	{"md5", "d41d8cd98f00b204e9800998ecf8427e"},
	{"sha1", "da39a3ee5e6b4b0d3255bfef95601890afd80709"},
	{"sha512", "cf83e1357eefb8bdf1542850d66d8007d620e4050b5715dc83f4a921d36ce9ce"
		   "47d0d13c5d85f2b0ff8318d2877eec2f63b931bd47417a81a538327af927da3e"},
	{"file-name", "evil name.exe"},
	{"domain", "bad.example"},
};

static bool begins(const char *text, const char *with)
{
	return strncmp(text, with, strlen(with)) == 0;
}

static void export_mixed(const char *format)
{
	export_values(format, mixed, COUNT(mixed), false);
}

/* ---- formats ---- */

static void a_list_has_each_value_once_in_order(void)
{
	export_mixed("list");
	is_int(result.written, COUNT(mixed) - 1, "the value that came twice is there once");
	ok(begins(file_text("khabardar.txt"), "/izuku.sh\n198.51.100.0/24\n198.51.100.7\n"),
	   "sorted by bytes");
	ok(strstr(file_text("khabardar.txt"), "\nevil name.exe\n"), "as it is spelled");
}

static void the_order_of_lines_does_not_matter(void)
{
	static const char *const formats[][2] = {
		{"list", "khabardar.txt"},
		{"csv", "khabardar.csv"},
		{"zeek", "khabardar.intel"},
		{"nftables", "khabardar.nft"},
		{"hosts", "khabardar.hosts"},
		{"suricata", "khabardar.rules"},
		{"suricata", "khabardar-domain.lst"},
	};

	for (size_t i = 0; i < COUNT(formats); i++) {
		const char *first;

		export_mixed(formats[i][0]);
		first = file_text(formats[i][1]);
		export_values(formats[i][0], mixed, COUNT(mixed), true);
		is_str(file_text(formats[i][1]), first, "%s: the same backwards", formats[i][0]);
		ok(*first, "and not nothing");
	}
}

static void hosts_are_names_alone(void)
{
	export_mixed("hosts");
	is_str(file_text("khabardar.hosts"),
	       "# Names that Khabardar blocks.\n0.0.0.0 a.bad.example\n0.0.0.0 bad.example\n",
	       "two names");
	is_int(left_out("no names"), COUNT(mixed) - 3, "the rest is counted");
}

static void csv_quotes_what_needs_it(void)
{
	struct export *x = open_export("csv", 0);

	need(give(x, "\"values\":[{\"type\":\"file-name\",\"value\":\"a,\\\"b\\\".exe\"}],"
		     "\"labels\":[\"one\",\"two, three\"],\"confidence\":70") == ERR_OK);
	need(end_export(x) == ERR_OK);
	is_str(file_text("khabardar.csv"),
	       "value,type,tlp,node,use,confidence,labels,modified,valid_until,object,message\r\n"
	       "\"a,\"\"b\"\".exe\",file-name,green,kp,block,70,\"one;two, three\","
	       "2026-11-21T10:00:00.000Z,,indicator--00000000-0000-4000-8000-000000000001,"
	       "0000000000000000000000000000000000000000000000000000000000000001\r\n",
	       "as RFC 4180 has it");
}

static void a_zone_has_names_and_addresses(void)
{
	const char *zone;

	export_mixed("rpz");
	zone = file_text("khabardar.rpz");
	ok(strstr(zone, "\nbad.example CNAME .\n*.bad.example CNAME .\n"), "a name, and below it");
	ok(strstr(zone, "\n32.7.100.51.198.rpz-ip CNAME .\n"), "an address");
	ok(strstr(zone, "\n24.0.100.51.198.rpz-ip CNAME .\n"), "a network");
	ok(strstr(zone, "\n128.1.zz.db8.2001.rpz-ip CNAME .\n"), "an IPv6 address");
	ok(strstr(zone, "\n80.zz.1.0.0.db8.2001.rpz-ip CNAME .\n"), "the longest run of zeros");
	ok(!strstr(zone, "*.32"), "nothing below an address");
	ok(!strstr(zone, "203.0.113.5") && !strstr(zone, "5.113.0.203"),
	   "an address with a port is no address");
	ok(strstr(zone, "root.localhost. 1795298400 "), "the serial is the time");
}

static void the_serial_of_a_zone_rises(void)
{
	char path[PATH_MAX];
	FILE *file;

	snprintf(path, sizeof path, "%s/khabardar.rpz", folder);
	unlink(path);
	export_mixed("rpz");
	export_mixed("rpz");
	ok(strstr(file_text("khabardar.rpz"), "root.localhost. 1795298401 "), "in the same second");
	file = fopen(path, "w");
	need(file && fputs("@ IN SOA localhost. root.localhost. 4000000000 1 2 3 4\n", file) > 0 &&
	     fclose(file) == 0);
	export_mixed("rpz");
	ok(strstr(file_text("khabardar.rpz"), "root.localhost. 4000000001 "),
	   "when the clock has gone back");
}

static void a_zone_may_have_a_name(void)
{
	struct export_options options = {
		.format = "rpz", .dir = folder, .now = NOW, .zone = "rpz.example.org"};
	static const char *const wrong[] = {"a b", "one", "x.example\n@ IN NS evil", "X.example",
					    ""};
	struct export *x;

	need(export_open(&x, &options, &said) == ERR_OK);
	need(end_export(x) == ERR_OK);
	ok(strstr(file_text("khabardar.rpz"), "\n$ORIGIN rpz.example.org.\n"), "in the file");
	for (size_t i = 0; i < COUNT(wrong); i++) {
		options.zone = wrong[i];
		is_int(export_open(&x, &options, &said), ERR_FORMAT, "not the wrong one %zu", i);
	}
	options.zone = "rpz.example.org";
	options.format = "hosts";
	is_int(export_open(&x, &options, &said), ERR_FORMAT, "hosts have no zone");
}

static void names_too_long_for_a_zone_are_left_out(void)
{
	char name[254] = "";
	struct export *x = open_export("rpz", 0);

	for (int i = 0; i < 21; i++)
		strcat(name, "aaaaaaaaa.");
	strcpy(name + 182, ".example"); /* 190 bytes: with *. and 64 for the zone, one too many */
	need(give_value(x, "domain", name) == ERR_OK);
	need(give_value(x, "domain", name + 1) == ERR_OK);
	need(end_export(x) == ERR_OK);
	is_int(left_out("too long"), 1, "one");
	is_int(result.written, 1, "its shorter neighbour is there");
}

static void nftables_has_sets_that_do_not_overlap(void)
{
	static const char *const values[][2] = {
		{"ipv4", "198.51.100.128/25"}, {"ipv4", "198.51.100.0/24"},
		{"ipv4", "198.51.101.0"},      {"ipv4", "198.51.101.2"},
		{"ipv4", "198.51.101.1"},      {"ipv4", "203.0.113.255"},
		{"ipv6", "2001:db8::ffff"},    {"ipv6", "2001:db8::1:0/112"},
		{"endpoint", "203.0.113.5:1"},
	};

	export_values("nftables", values, COUNT(values), false);
	is_str(strstr(file_text("khabardar.nft"), "add element"),
	       "add element inet khabardar block4 {\n"
	       "\t198.51.100.0-198.51.101.2,\n\t203.0.113.255\n}\n"
	       "add element inet khabardar block6 {\n"
	       "\t2001:db8::ffff-2001:db8::1:ffff\n}\n"
	       "add element inet khabardar block4_port {\n\t203.0.113.5 . 1\n}\n",
	       "joined");
	export_values("nftables", values, 0, false);
	ok(!strstr(file_text("khabardar.nft"), "add element") &&
		   strstr(file_text("khabardar.nft"), "flush set inet khabardar block4\n"),
	   "nothing to block empties the sets");
}

static bool list_holds(const char *file, const char *text)
{
	char line[128], encoded[100];

	sodium_bin2base64(encoded, sizeof encoded, (const unsigned char *)text, strlen(text),
			  sodium_base64_VARIANT_ORIGINAL);
	snprintf(line, sizeof line, "%s\n", encoded);
	return strstr(file_text(file), line) != NULL;
}

static void suricata_has_lists_and_the_rules_that_load_them(void)
{
	const char *rules;

	export_mixed("suricata");
	ok(list_holds("khabardar-domain.lst", "bad.example"), "names in base64");
	ok(list_holds("khabardar-domain.lst", "c2.example"), "the host of an endpoint");
	ok(list_holds("khabardar-url-host.lst", "evil.example"), "the host of a URL alone");
	ok(list_holds("khabardar-url-rest.lst", "/x?y"), "its rest without the fragment");
	ok(list_holds("khabardar-url-host.lst", "2001:db8::3") &&
		   list_holds("khabardar-url-rest.lst", "/"),
	   "a URL without a path asks for /");
	is_str(file_text("khabardar-md5.lst"), "d41d8cd98f00b204e9800998ecf8427e\n", "hashes");
	is_str(file_text("khabardar-sha256.lst"), "", "an empty list is there");
	is_str(file_text("khabardar-ip.lst"),
	       "198.51.100.7\n2001:db8::1\n2001:db8::2\n203.0.113.5\n203.0.113.9\n", "addresses");
	rules = file_text("khabardar.rules");
	ok(strstr(rules, "<> [198.51.100.0/24,198.51.101.0/24,2001:db8:0:0:1::/80] any"),
	   "networks in a rule");
	ok(strstr(rules, "filemd5:khabardar-md5.lst;") && !strstr(rules, "filesha256:"),
	   "a rule for a list that is not empty, and none for one that is");
	ok(!strstr(rules, "khabardar-ip") &&
		   strstr(file_text("khabardar-ip.rules"),
			  "type ip,load khabardar-ip.lst,hashsize 2048; threshold:type limit,"),
	   "what needs Suricata 7 stands apart");
}

/* Its own is for some thousand: it loads a million names for minutes then. */
static void suricata_is_told_how_many_a_list_has(void)
{
	struct export *x = open_export("suricata", 0);

	for (int i = 0; i < 2049; i++) {
		char text[32];
		snprintf(text, sizeof text, "h%d.example", i);
		need(give_value(x, "domain", text) == ERR_OK);
	}
	need(end_export(x) == ERR_OK);
	ok(strstr(file_text("khabardar.rules"), "load khabardar-domain.lst,hashsize 4096;"),
	   "the next power of two");
}

static void many_networks_take_several_rules(void)
{
	struct export *x = open_export("suricata", 0);
	size_t rules = 0;

	for (int i = 0; i < 129; i++) {
		char text[32];
		snprintf(text, sizeof text, "198.51.%d.0/24", i);
		need(give_value(x, "ipv4", text) == ERR_OK);
	}
	need(end_export(x) == ERR_OK);
	for (const char *at = file_text("khabardar.rules"); (at = strstr(at, "] any (")); at++)
		rules++;
	is_int(rules, 3, "64, 64 and 1");
	ok(strstr(file_text("khabardar.rules"), "sid:1411002;"), "each with its own number");
}

static void zeek_has_its_types(void)
{
	const char *intel;

	export_mixed("zeek");
	intel = file_text("khabardar.intel");
	ok(begins(intel, "#fields\tindicator\tindicator_type\tmeta.source\tmeta.desc\n"), "a head");
	ok(strstr(intel, "\nbad.example\tIntel::DOMAIN\tkhabardar-kp\tTLP:green indicator--"),
	   "name");
	ok(strstr(intel, "\n198.51.100.0/24\tIntel::SUBNET\t"), "network");
	ok(strstr(intel, "\nuser@evil.example:8080/x?y#z\tIntel::URL\t"), "URL without a scheme");
	ok(strstr(intel, "\n2001:db8::2\tIntel::ADDR\t"), "the host of an endpoint");
	is_int(left_out("Zeek"), 2, "a path and a SHA-512 are nothing to Zeek");
}

/* ---- what never gets in ---- */

static void what_must_never_be_blocked_is_guarded(void)
{
	static const char *const never[][2] = {
		{"ipv4", "0.0.0.0"},
		{"ipv4", "10.0.0.0/8"},
		{"ipv4", "10.255.255.255"},
		{"ipv4", "127.0.0.1"},
		{"ipv4", "169.254.1.1"},
		{"ipv4", "172.16.0.0"},
		{"ipv4", "172.31.255.0/24"},
		{"ipv4", "192.168.0.0/16"},
		{"ipv4", "192.0.0.0/9"},
		{"ipv4", "224.0.0.251"},
		{"ipv4", "255.255.255.255"},
		{"ipv4", "100.64.0.0/10"},
		{"ipv4", "8.0.0.0/7"},
		{"ipv4", "0.0.0.0/1"},
		{"ipv4", "172.0.0.0/8"},
		{"ipv6", "::1"},
		{"ipv6", "::ffff:8.8.8.8"},
		{"ipv6", "64:ff9b::808:808"},
		{"ipv6", "fc00::/7"},
		{"ipv6", "fe80::1"},
		{"ipv6", "ff02::fb"},
		{"ipv6", "2000::/3"},
		{"ipv6", "2a00::/16"},
		{"ipv6", "2002:a00::1"},
		{"domain", "a.localhost"},
		{"domain", "printer.local"},
		{"domain", "1.0.0.127.in-addr.arpa"},
		{"domain", "32.8.8.8.8.rpz-ip"},
		{"domain", "ns.example.rpz-nsdname"},
		{"endpoint", "10.0.0.1:80"},
		{"endpoint", "0.0.0.0:80"},
		{"endpoint", "[fe80::1]:80"},
	};
	static const char *const fine[][2] = {
		{"ipv4", "172.32.0.0/16"},       {"ipv4", "198.51.100.7"},
		{"ipv4", "9.0.0.0/8"},           {"ipv4", "11.0.0.1"},
		{"ipv6", "2001:db8::/32"},       {"ipv6", "2a00:1::/24"},
		{"domain", "localhost.example"}, {"domain", "rpz-ip.example"},
		{"endpoint", "203.0.113.1:80"},
	};
	struct observable o;
	const char *why;

	for (size_t i = 0; i < COUNT(never); i++) {
		enum observable_type type;
		need(observable_type_parse(never[i][0], &type));
		need(observable_set(&o, type, never[i][1], &why) == ERR_OK);
		ok(export_protected(&o, &why), "never %s", never[i][1]);
	}
	for (size_t i = 0; i < COUNT(fine); i++) {
		enum observable_type type;
		need(observable_type_parse(fine[i][0], &type));
		need(observable_set(&o, type, fine[i][1], &why) == ERR_OK);
		ok(!export_protected(&o, &why), "%s may be", fine[i][1]);
	}
	export_values("rpz", never, COUNT(never), false);
	is_int(result.written, 0, "nothing of it in a zone");
	export_values("nftables", never, COUNT(never), false);
	is_int(result.written, 0, "nor in a set");
	export_values("list", never, COUNT(never), false);
	is_int(result.written, COUNT(never), "a list is not for blocking");
}

/* What a line must say to be in a format, with that changed. */
static size_t written_with(const char *format, const char *type, const char *value,
			   const char *members)
{
	struct export *x = open_export(format, 0);
	char text[512];

	snprintf(text, sizeof text, "\"values\":[{\"type\":\"%s\",\"value\":\"%s\"}]%s%s", type,
		 value, *members ? "," : "", members);
	need(give(x, text) == ERR_OK);
	need(end_export(x) == ERR_OK);
	return result.written;
}

static void only_what_is_for_blocking_is_blocked(void)
{
	static const char *const blocking[] = {"rpz", "hosts"}, *const others[] = {"list", "zeek"};

	for (size_t i = 0; i < 2; i++) {
		const char *b = blocking[i], *o = others[i];

		is_int(written_with(b, "domain", "x.example", ""), 1, "%s takes block", b);
		is_int(written_with(b, "domain", "x.example", "\"use\":\"detect\""), 0,
		       "%s does not take detect", b);
		is_int(written_with(b, "domain", "x.example", "\"use\":null"), 0, "nor nothing");
		is_int(written_with(b, "domain", "x.example", "\"alone\":false"), 0,
		       "nor half of a pattern");
		is_int(written_with(b, "domain", "x.example", "\"tlp\":\"red\""), 0, "nor RED");
		is_int(written_with(b, "domain", "x.example", "\"type\":\"domain-name\""), 0,
		       "nor context");
		is_int(written_with(o, "domain", "x.example", "\"use\":\"detect\""), 1,
		       "%s takes detect", o);
		is_int(written_with(o, "domain", "x.example", "\"alone\":false"), 1,
		       "and half of a pattern");
		is_int(written_with(o, "domain", "x.example", "\"tlp\":\"red\""), 0, "but no RED");
		is_int(written_with(o, "domain", "x.example", "\"type\":\"domain-name\""), 0,
		       "nor context");
		is_int(written_with(o, "file-name", "x.exe", "\"alone\":false"), 0,
		       "nor a file name beside a hash");
	}
}

static void lines_that_cannot_be_read_are_counted(void)
{
	static const char *const lines[] = {
		"\"tlp\":\"purple\"",
		"\"tlp\":7",
		"\"object\":null",
		"\"node\":[]",
		"\"message\":\"\"",
		"\"modified\":\"yesterday\"",
		"\"values\":[{\"type\":\"ipv9\",\"value\":\"1\"}]",
		"\"values\":[{\"type\":\"domain\",\"value\":\"a b\\n\"}]",
		"\"values\":[{\"type\":\"domain\"}]",
		"\"values\":[7]",
	};
	struct export *x = open_export("list", 0);
	size_t n = 0;

	for (size_t i = 0; i < COUNT(lines); i++)
		is_int(give(x, lines[i]), ERR_OK, "%s", lines[i]);
	need(end_export(x) == ERR_OK);
	is_int(result.written, 0, "nothing is written");
	for (size_t i = 0; i < result.reason_count; i++)
		n += result.reasons[i].count;
	is_int(n, COUNT(lines), "everything is counted");
}

static void zeek_takes_no_value_for_syntax(void)
{
	const char *intel;
	struct export *x = open_export("zeek", 0);

	need(give_value(x, "file-name", "-") == ERR_OK);
	need(give_value(x, "file-name", "#fields") == ERR_OK);
	need(give_value(x, "file-name", "(empty)") == ERR_OK);
	need(give_value(x, "file-name", "a\\x09b") == ERR_OK);
	need(end_export(x) == ERR_OK);
	intel = file_text("khabardar.intel");
	ok(strstr(intel, "\n\\x2d\tIntel::FILE_NAME\t") && strstr(intel, "\n\\x23fields\t") &&
		   strstr(intel, "\n\\x28empty)\t") && strstr(intel, "\na\\x5cx09b\t"),
	   "marks and backslashes are written as bytes");
}

/* ---- files ---- */

static void nothing_is_replaced_when_writing_fails(void)
{
	char path[PATH_MAX];
	struct export *x;

	export_mixed("list");
	x = open_export("list", 0);
	need(give_value(x, "domain", "other.example") == ERR_OK);
	/* A folder in the way cannot be replaced by a file. */
	snprintf(path, sizeof path, "%s/khabardar.txt", folder);
	need(unlink(path) == 0 && mkdir(path, 0700) == 0);
	is_int(end_export(x), ERR_IO, "refused");
	ok(said.total == 1 && strstr(report_first(&said), "khabardar.txt"), "in words: %s",
	   report_first(&said));
	need(rmdir(path) == 0);
	ok(!strstr(file_text(".khabardar.txt"), "other"), "nothing stays behind");
}

static void options_are_checked(void)
{
	struct export_options options = {.format = "stix2", .dir = folder, .now = NOW};
	struct export *x;

	is_int(export_open(&x, &options, &said), ERR_FORMAT, "no such format");
	options.format = "suricata";
	options.dir = NULL;
	is_int(export_open(&x, &options, &said), ERR_FORMAT, "several files need a folder");
	options.dir = "/dev/null/x";
	is_int(export_open(&x, &options, &said), ERR_IO, "a folder that cannot be made");
	options.dir = "/dev/null";
	is_int(export_open(&x, &options, &said), ERR_IO, "a file is no folder");
}

/* ---- sorting ---- */

static void sort_and_compare(size_t memory, size_t n)
{
	struct sorter *s = sorter_new(folder, memory);
	struct slice record;
	char text[32], last[32] = "";
	size_t got = 0;
	bool sorted = true;
	enum err e;

	for (size_t i = 0; i < n; i++) {
		snprintf(text, sizeof text, "%zu", i * 7919 % n / 2);
		need(sorter_add(s, text, strlen(text)) == ERR_OK);
	}
	while (!(e = sorter_next(s, &record))) {
		need(record.length < sizeof text);
		memcpy(text, record.at, record.length);
		text[record.length] = '\0';
		sorted = sorted && strcmp(last, text) < 0;
		strcpy(last, text);
		got++;
	}
	ok(sorted && e == ERR_NOT_FOUND, "%zu records in %zu bytes: in order, each once", n,
	   memory);
	is_int(got, (n + 1) / 2, "all of them");
	is_int(sorter_next(s, &record), ERR_NOT_FOUND, "and no more");
	is_int(sorter_add(s, "x", 1), ERR_STATE, "nor can there be");
	sorter_free(s);
}

static void sorting_needs_no_more_memory_than_it_is_given(void)
{
	sort_and_compare(32 << 20, 0);
	sort_and_compare(32 << 20, 10001);
	sort_and_compare(1, 101);
	sort_and_compare(100, 1001);
	sort_and_compare(20000, 10001);
}

static void records_of_any_length_are_sorted(void)
{
	static char large[300000];
	struct sorter *s = sorter_new(folder, 1000);
	struct slice record;

	memset(large, 'b', sizeof large);
	for (size_t i = 0; i < 5; i++)
		need(sorter_add(s, large, sizeof large - i) == ERR_OK);
	need(sorter_add(s, "", 0) == ERR_OK && sorter_add(s, "a\0c", 3) == ERR_OK);
	need(sorter_add(s, "", 0) == ERR_OK && sorter_add(s, "a", 1) == ERR_OK);
	ok(sorter_next(s, &record) == ERR_OK && record.length == 0, "nothing comes first");
	ok(sorter_next(s, &record) == ERR_OK && record.length == 1, "then the shorter");
	ok(sorter_next(s, &record) == ERR_OK && record.length == 3, "then its continuation");
	for (size_t i = 5; i-- > 0;)
		ok(sorter_next(s, &record) == ERR_OK && record.length == sizeof large - i &&
			   record.at[record.length - 1] == 'b',
		   "%zu bytes", record.length);
	is_int(sorter_next(s, &record), ERR_NOT_FOUND, "that is all");
	sorter_free(s);
}

static void exports_larger_than_memory_are_the_same(void)
{
	const char *first;
	struct export *x;

	export_mixed("nftables");
	first = file_text("khabardar.nft");
	x = open_export("nftables", 64);
	for (size_t i = 0; i < COUNT(mixed); i++)
		need(give_value(x, mixed[i][0], mixed[i][1]) == ERR_OK);
	need(end_export(x) == ERR_OK);
	is_str(file_text("khabardar.nft"), first, "spilled or not");
}

static void md5_is_what_rfc_1321_says(void)
{
	static const char *const known[][2] = {
		{"", "d41d8cd98f00b204e9800998ecf8427e"},
		{"a", "0cc175b9c0f1b6a831c399e269772661"},
		{"abc", "900150983cd24fb0d6963f7d28e17f72"},
		{"message digest", "f96b697d7cb7938d525a2f31aaf161d0"},
		{"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789",
		 "d174ab98d277d9f5a5611c2c9f419d9f"},
		{"12345678901234567890123456789012345678901234567890123456789012345678901234567890",
		 "57edf4a22be3c955ac49da2e2107b67a"},
	};
	char hex[MD5_HEX_BYTES];

	for (size_t i = 0; i < COUNT(known); i++) {
		md5_hex(hex, known[i][0], strlen(known[i][0]));
		is_str(hex, known[i][1], "\"%s\"", known[i][0]);
	}
}

int main(void)
{
	folder_make();
	RUN(a_list_has_each_value_once_in_order);
	RUN(the_order_of_lines_does_not_matter);
	RUN(hosts_are_names_alone);
	RUN(csv_quotes_what_needs_it);
	RUN(a_zone_has_names_and_addresses);
	RUN(the_serial_of_a_zone_rises);
	RUN(a_zone_may_have_a_name);
	RUN(names_too_long_for_a_zone_are_left_out);
	RUN(nftables_has_sets_that_do_not_overlap);
	RUN(suricata_has_lists_and_the_rules_that_load_them);
	RUN(suricata_is_told_how_many_a_list_has);
	RUN(many_networks_take_several_rules);
	RUN(zeek_has_its_types);
	RUN(what_must_never_be_blocked_is_guarded);
	RUN(only_what_is_for_blocking_is_blocked);
	RUN(lines_that_cannot_be_read_are_counted);
	RUN(zeek_takes_no_value_for_syntax);
	RUN(nothing_is_replaced_when_writing_fails);
	RUN(options_are_checked);
	RUN(sorting_needs_no_more_memory_than_it_is_given);
	RUN(records_of_any_length_are_sorted);
	RUN(exports_larger_than_memory_are_the_same);
	RUN(md5_is_what_rfc_1321_says);
	report_clear(&said);
	folder_remove();
	return tap_done();
}
