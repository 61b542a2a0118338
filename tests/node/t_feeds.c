#include "tests/node/imported.h"

/* All indicators of the import by name, each on a line. */
static char *names(void)
{
	static char all[4096];
	size_t used = 0;

	*all = '\0';
	for (size_t p = 0; p < imported.part_count; p++) {
		struct bundle *b = NULL;
		const struct stix_object *o;
		need(bundle_read(&b, imported.parts[p].text, imported.parts[p].length,
				 BUNDLE_OBJECTS_MAX, NULL) == ERR_OK);
		for (size_t k = 0; (o = object_of(b, "indicator", k)) != NULL; k++)
			used += (size_t)snprintf(all + used, sizeof all - used, "%s\n",
						 property(o, "name"));
		bundle_free(b);
	}
	return all;
}

static const char *format_of(const char *text)
{
	const char *format;
	struct report report;

	report_init(&report);
	format = format_detect(text, strlen(text), "input", &report);
	report_clear(&report);
	return format ? format : "(none)";
}

/* Recognised, read, and these indicators, and so many that are none. */
static void reads(const char *format, const char *text, const char *want, size_t context)
{
	if (strcmp(format, "text") != 0)
		is_str(format_of(text), format, "recognised");
	if (!ok(import_words(format, text) == ERR_OK, "%s is read", format))
		printf("# %s\n", report_first(&said));
	is_str(names(), want, "its values");
	is_int(imported.context, context, "left out");
	parts_valid();
	forget();
}

/* Refused as a whole for its one bad line, and shared without it. */
static void rejects(const char *format, const char *text, const char *words)
{
	struct import_options o = plain;

	ok(import_words(format, text) != ERR_OK, "%s is refused", format);
	if (!ok(said_anywhere(words), "%s", words))
		printf("# said: %s\n", report_first(&said));
	is_int(imported.part_count, 0, "nothing of it");
	o.skip_rejected = true;
	(void)import_bytes(&o, format, text, strlen(text));
	is_int(imported.rejected_count, 1, "one line");
	forget();
}

static void feeds_of_abuse_ch_are_told_apart_by_their_header(void)
{
	static const char head[] = "################\n# abuse.ch URLhaus Database Dump (CSV)\n";
	char text[2000];

	snprintf(text, sizeof text, "%s%s", head,
		 "# id,dateadded,url,url_status,last_online,threat,tags,urlhaus_link,reporter\r\n"
		 "\"3\",\"2026-11-20 10:00:05\",\"http://evil.example/a,b?c\",\"online\","
		 "\"2026-11-21 10:00:05\",\"malware_download\",\"elf,mirai\","
		 "\"https://urlhaus.abuse.ch/url/3/\",\"someone\"\r\n");
	reads("abusech", text, "http://evil.example/a,b?c\n", 0);
	reads("abusech",
	      "# \"first_seen_utc\",\"ioc_id\",\"ioc_value\",\"ioc_type\",\"threat_type\","
	      "\"malware_printable\"\n"
	      "\"2026-11-20 10:00:05\", \"1\", \"198.51.100.7:443\", \"ip:port\", "
	      "\"botnet_cc\", \"Cobalt Strike\"\n"
	      "\"2026-11-20 10:00:05\", \"2\", \"bad.example\", \"domain\", \"botnet_cc\", \"x\"\n"
	      "\"2026-11-20 10:00:05\", \"3\", \"ab\", \"sha3_384_hash\", \"payload\", \"x\"\n"
	      "# Number of entries: 3\n",
	      "198.51.100.7:443\nbad.example\n", 1);
	reads("abusech",
	      "\"first_seen_utc\",\"dst_ip\",\"dst_port\",\"c2_status\",\"last_online\","
	      "\"malware\"\n\"2026-11-20 10:00:05\",\"198.51.100.9\",\"449\",\"online\","
	      "\"2026-11-21\",\"Emotet\"\n",
	      "198.51.100.9\n", 0);
	reads("abusech",
	      "# \"first_seen_utc\",\"sha256_hash\",\"md5_hash\",\"sha1_hash\",\"signature\"\n"
	      "\"2026-11-20 10:00:05\", "
	      "\"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\", "
	      "\"d41d8cd98f00b204e9800998ecf8427f\", \"n/a\", \"Mirai\"\n",
	      "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\n"
	      "d41d8cd98f00b204e9800998ecf8427f\n",
	      0);
	rejects("abusech",
		"first_seen_utc,dst_ip,malware\n2026-11-20 10:00:05,198.51.100.9,x\n"
		"2026-11-20 10:00:05,evil.example,x\n",
		"input: line 3: not a value of the type");
	rejects("abusech", "first_seen_utc,dst_ip,malware\n2026-11-20 10:00:05,198.51.100.9\n",
		"line 2: not as many columns");
	ok(import_words("abusech", "a,b,c\n1,2,3\n") == ERR_FORMAT, "another CSV is none of these");
	forget();
}

static void a_column_that_is_named_is_the_one(void)
{
	static const char text[] = "first_seen_utc,dst_ip,malware,host\n"
				   "2026-11-20 10:00:05,198.51.100.9,x,c2.example\n";
	struct import_options o = plain;

	o.column = "host";
	is_int(import_bytes(&o, NULL, text, strlen(text)), ERR_OK, "read");
	is_str(names(), "c2.example\n", "that column");
	forget();
}

static void what_a_feed_says_of_a_value_goes_along(void)
{
	struct bundle *b;
	const struct stix_object *o;

	is_int(import_words(NULL, "first_seen_utc,dst_ip,malware\n"
				  "2026-11-20 10:00:05,198.51.100.9,Emotet\n"),
	       ERR_OK, "read");
	b = first_bundle();
	o = object_of(b, "indicator", 0);
	is_str(property(o, "valid_from"), "2026-11-20T10:00:05.000Z", "first seen");
	ok(strstr(imported.parts[0].text, "\"labels\":[\"feodo\",\"Emotet\"]") != NULL, "labels");
	bundle_free(b);
	forget();
}

static void files_of_zeek_are_read(void)
{
	static const char head[] = "#separator \\x09\n#fields\tindicator\tindicator_type\t"
				   "meta.source\tmeta.desc\n";
	char text[1000];

	snprintf(text, sizeof text, "%s%s", head,
		 "198.51.100.1\tIntel::ADDR\tx\tsaid \"so\n"
		 "198.51.100.0/24\tIntel::SUBNET\tx\t-\n"
		 "evil.example/a\\x23b\tIntel::URL\tx\t-\n"
		 "bad.example\tIntel::DOMAIN\tx\t-\n"
		 "d41d8cd98f00b204e9800998ecf8427f\tIntel::FILE_HASH\tx\t-\n"
		 "d41d8cd98f00b204e9800998ecf8427f\tIntel::CERT_HASH\tx\t-\n"
		 "curl/8\tIntel::SOFTWARE\tx\t-\n");
	reads("zeek", text,
	      "198.51.100.1\n198.51.100.0/24\nhttp://evil.example/a#b\nbad.example\n"
	      "d41d8cd98f00b204e9800998ecf8427f\n",
	      2);
	snprintf(text, sizeof text, "%s%s", head, "bad.example\tIntel::ADDR\tx\t-\n");
	rejects("zeek", text, "line 3: ");
	snprintf(text, sizeof text, "%s%s", head, "bad.example\tIntel::WHAT\tx\t-\n");
	rejects("zeek", text, "line 3: a type that is none of Zeek's");
	snprintf(text, sizeof text, "%s%s", head, "bad.example\n");
	rejects("zeek", text, "line 3: fewer columns");
	is_int(import_words("zeek", "bad.example\tIntel::DOMAIN\n"), ERR_FORMAT, "no #fields");
	forget();
}

static void policy_zones_are_read(void)
{
	static const char head[] = "; a zone\n$TTL 60\n@ IN SOA localhost. root.localhost. (\n"
				   "  1 ; serial\n  3600 600 86400 60 )\n  IN NS localhost.\n";
	char text[2000];

	snprintf(text, sizeof text, "%s%s", head,
		 "evil.example CNAME .\n"
		 "*.evil.example 300 IN CNAME .\n"
		 "sink.example IN A 192.0.2.1\n"
		 "\tIN AAAA 2001:db8::1\n"
		 "good.example CNAME rpz-passthru.\n"
		 "32.7.100.51.198.rpz-ip CNAME .\n"
		 "24.0.113.0.203.rpz-ip CNAME rpz-drop.\n"
		 "128.1.zz.db8.2001.rpz-ip CNAME .\n"
		 "32.zz.db8.2001.rpz-ip CNAME *.\n"
		 "32.1.0.0.10.rpz-client-ip CNAME .\n");
	reads("rpz", text,
	      "evil.example\nsink.example\n198.51.100.7\n203.0.113.0/24\n2001:db8::1\n"
	      "2001:db8::/32\n",
	      2);
	reads("rpz", "rpz.cert.example. SOA a. b. 1 2 3 4 5\nx.example.rpz.cert.example. CNAME .\n",
	      "x.example\n", 0);
	rejects("rpz", "$ORIGIN rpz.\nx.example.other. CNAME .\n", "line 2: an owner that is not");
	rejects("rpz", "$TTL 1\n24.1.2.3.rpz-ip CNAME .\n", "line 2: not an address of the form");
	rejects("rpz", "$TTL 1\nalone\n", "line 2: no type");
	rejects("rpz", "$TTL 1\n$INCLUDE /etc/passwd\n", "line 2: a directive");
	ok(import_words("rpz", "@ SOA a. b. ( 1 2 3\nx CNAME .\n") != ERR_OK, "left open");
	forget();
}

static void hosts_files_are_read(void)
{
	reads("hosts",
	      "# hosts\n127.0.0.1 localhost\n::1 localhost\nfe80::1%lo0 localhost\n"
	      "0.0.0.0 0.0.0.0\n0.0.0.0 bad.example evil.example # both\n"
	      "127.0.0.1\tBAD.example\n:: six.example\n0.0.0.0 seven.example\n",
	      "bad.example\nevil.example\nsix.example\nseven.example\n", 4);
	rejects("hosts", "0.0.0.0 bad.example\n198.51.100.1 real.example\n",
		"line 2: an address where something is");
	rejects("hosts", "0.0.0.0 bad.example\n0.0.0.0 not/a/name\n", "line 2: ");
	rejects("hosts", "0.0.0.0\n", "line 1: an address and a name");
}

#define MQ(more) "{\"classification.type\":\"c2-server\"," more "}\n"

static void events_of_intelmq_are_read(void)
{
	reads("intelmq",
	      MQ("\"source.ip\":\"198.51.100.1\"") MQ(
		      "\"source.url\":\"http://x.example/a\",\"source.fqdn\":\"x.example\","
		      "\"source.ip\":\"198.51.100.2\",\"destination.ip\":\"192.0.2.1\"")
		      MQ("\"malware.hash.md5\":\"d41d8cd98f00b204e9800998ecf8427f\"") "{\"classific"
										      "ation."
										      "type\":"
										      "\"vulnerable"
										      "-system\","
										      "\"source."
										      "ip\":\"192."
										      "0.2.9\"}\n"
										      "{\"classific"
										      "ation."
										      "type\":"
										      "\"test\","
										      "\"source."
										      "ip\":\"192."
										      "0.2.9\"}\n",
	      "198.51.100.1\nhttp://x.example/a\nd41d8cd98f00b204e9800998ecf8427f\n", 4);
	reads("intelmq",
	      "[{\"classification\":{\"type\":\"scanner\"},\n\"source\":{\"ip\":\"2001:db8::1\"}},"
	      "{\"classification\":{\"type\":\"phishing\"},\"source\":{\"fqdn\":\"y.example\"}}]",
	      "2001:db8::1\ny.example\n", 0);
	rejects("intelmq", MQ("\"source.ip\":\"x.example\""), "line 1: ");
	rejects("intelmq", MQ("\"source.ip\":\"198.51.100.1\"") "{\"a\":\n", "line 2: not JSON");
	rejects("intelmq", MQ("\"source.ip\":\"198.51.100.1\"") "[1]\n",
		"line 2: not a JSON object");
	rejects("intelmq", MQ("\"source.ip\":[\"198.51.100.1\",7]"), "not a string");
	rejects("intelmq", MQ("\"source.port\":7"), "no source");
}

#define IDEA(category, source) \
	"{\"Format\":\"IDEA0\",\"ID\":\"a\",\"DetectTime\":\"2026-11-20T10:00:00Z\"," \
	"\"Category\":[\"" category "\"],\"Source\":[" source "]," \
	"\"Target\":[{\"IP4\":[\"192.0.2.1\"]}]}\n"

static void events_of_idea_are_read(void)
{
	reads("idea",
	      IDEA("Recon.Scanning",
		   "{\"IP4\":[\"198.51.100.1\",\"198.51.100.0/30\"],\"Port\":[22]}")
		      IDEA("Fraud.Phishing",
			   "{\"ip4\":[\"198.51.100.2\"],\"Hostname\":[\"p.example\"]}")
			      IDEA("Test", "{\"IP4\":[\"192.0.2.2\"]}") IDEA(
				      "Abusive.Spam", "{\"IP4\":[\"192.0.2.3\"],\"Spoofed\":true},"
						      "{\"Email\":[\"a@spam.example\"]}"),
	      "198.51.100.1\n198.51.100.0/30\np.example\na@spam.example\n", 3);
	rejects("idea", IDEA("Recon", "{\"IP4\":[\"198.51.100.1-198.51.100.9\"]}"), "line 1: ");
	rejects("idea", "{\"Format\":\"IDEA0\",\"ID\":\"b\"}\n", "no ID or no DetectTime");
	rejects("idea", IDEA("Recon", "{\"Port\":[22]}"), "no source");
}

static void reports_in_prose_are_searched_when_asked(void)
{
	static const char defanged[] =
		"We saw evil[.]example, hxxps://drop.evil[.]example/a.exe and 198[.]51[.]100[.]7.\n"
		"It ran svchost.exe; see https://vendor.example/blog/post.html.\n"
		"SHA-1: da39a3ee5e6b4b0d3255bfef95601890afd80709\n";

	reads("text", defanged,
	      "evil.example\nhttps://drop.evil.example/a.exe\n198.51.100.7\n"
	      "da39a3ee5e6b4b0d3255bfef95601890afd80709\n",
	      2);
	reads("text", "It talked to 198.51.100.7 and bad.example, and left run.sh behind.",
	      "198.51.100.7\nbad.example\n", 1);
	is_str(format_of(defanged), "list", "nobody guesses that it is a report");
	is_int(import_words("text", "nothing to see"), ERR_NOT_FOUND, "nothing in it");
	forget();
}

static void a_tlp_in_the_data_is_never_loosened(void)
{
	static const struct {
		const char *format, *text;
	} strict[] = {
		{"text", "TLP:AMBER\nevil[.]example"},
		{"text", "this is tlp: Red and evil[.]example"},
		{"list", "# TLP:AMBER+STRICT\n198.51.100.1\n"},
		{"hosts", "# tlp:amber\n0.0.0.0 bad.example\n"},
		{"rpz", "; TLP:RED\n$TTL 1\nx.example CNAME .\n"},
		{"intelmq", MQ("\"tlp\":\"AMBER\",\"source.ip\":\"198.51.100.1\"")},
		{"intelmq", MQ("\"tlp\":\"purple\",\"source.ip\":\"198.51.100.1\"")},
	};
	struct import_options o = plain;

	o.skip_rejected = true;
	for (size_t s = 0; s < sizeof strict / sizeof *strict; s++) {
		is_int(import_bytes(&o, strict[s].format, strict[s].text, strlen(strict[s].text)),
		       ERR_NOT_ALLOWED, "%s", strict[s].text);
		ok(said_anywhere("TLP"), "in words");
	}
	is_int(import_words(NULL, "# TLP:CLEAR\n198.51.100.1\n"), ERR_OK,
	       "a looser one is no harm");
	o.tlp = TLP_RED;
	is_int(import_bytes(&o, "text", strict[1].text, strlen(strict[1].text)), ERR_OK, "as RED");
	forget();
}

static void put(const char *folder, const char *name, const char *text)
{
	char path[600];
	FILE *f;

	snprintf(path, sizeof path, "%s/%s", folder, name);
	f = fopen(path, "w");
	need(f);
	fputs(text, f);
	fclose(f);
}

static enum err import_folder(const char *folder)
{
	enum err err;

	forget();
	report_init(&said);
	need(import_init(&imported, &plain, &said) == ERR_OK);
	err = import_feed(&imported, folder, &said);
	return err ? err : import_finish(&imported, &said);
}

#define UUID "5bf3f1a0-1111-4222-8333-444455556666"
#define EVENT(tags) \
	"{\"Event\":{\"uuid\":\"" UUID "\",\"info\":\"x\",\"Tag\":[" tags "]," \
	"\"Attribute\":[{\"type\":\"domain\",\"value\":\"x.example\",\"to_ids\":true}]}}"

static void a_folder_of_misp_is_read_by_its_manifest(void)
{
	char folder[] = "/tmp/khabar-feed-XXXXXX", path[600];

	need(mkdtemp(folder));
	ok(import_folder(folder) != ERR_OK, "no manifest");
	put(folder, "manifest.json", "{\"" UUID "\":{\"info\":\"x\"}}");
	ok(import_folder(folder) != ERR_OK && said_anywhere(UUID ".json"), "no event");
	put(folder, UUID ".json", EVENT(""));
	is_int(import_folder(folder), ERR_OK, "manifest and event");
	is_str(names(), "x.example\n", "its value");
	put(folder, "other.json", "{\"not\":\"named\"}");
	is_int(import_folder(folder), ERR_OK, "what the manifest does not name is not looked at");
	put(folder, UUID ".json", EVENT("{\"name\":\"tlp:red\"}"));
	is_int(import_folder(folder), ERR_NOT_ALLOWED, "a stricter TLP");
	put(folder, "manifest.json", "{\"" UUID "\":{\"integrity:sha256\":\"00\"}}");
	is_int(import_folder(folder), ERR_DAMAGED, "another hash");
	put(folder, "manifest.json", "{\"../../etc/passwd\":{}}");
	is_int(import_folder(folder), ERR_FORMAT, "a name that leads out of it");
	put(folder, "manifest.json", "[]");
	is_int(import_folder(folder), ERR_FORMAT, "not a manifest");
	is_int(imported.part_count, 0, "nothing of it");
	forget();
	for (size_t f = 0; f < 3; f++) {
		static const char *const files[] = {"manifest.json", UUID ".json", "other.json"};
		snprintf(path, sizeof path, "%s/%s", folder, files[f]);
		remove(path);
	}
	remove(folder);
}

int main(void)
{
	need(sodium_init() >= 0);
	RUN(feeds_of_abuse_ch_are_told_apart_by_their_header);
	RUN(a_column_that_is_named_is_the_one);
	RUN(what_a_feed_says_of_a_value_goes_along);
	RUN(files_of_zeek_are_read);
	RUN(policy_zones_are_read);
	RUN(hosts_files_are_read);
	RUN(events_of_intelmq_are_read);
	RUN(events_of_idea_are_read);
	RUN(reports_in_prose_are_searched_when_asked);
	RUN(a_folder_of_misp_is_read_by_its_manifest);
	RUN(a_tlp_in_the_data_is_never_loosened);
	return tap_done();
}
