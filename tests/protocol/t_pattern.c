/* STIX patterns, written and read. */
#include "protocol/observable.h"

#include "tests/tap.h"

#define SHA512_OF_NOTHING \
	"cf83e1357eefb8bdf1542850d66d8007d620e4050b5715dc83f4a921d36ce9ce" \
	"47d0d13c5d85f2b0ff8318d2877eec2f63b931bd47417a81a538327af927da3e"

static void every_value_survives_its_pattern(void)
{
	static const char *const values[] = {
		"1.2.3.4",
		"10.0.0.0/8",
		"2001:db8::1",
		"2001:db8::/32",
		"1.2.3.4:443",
		"[2001:db8::1]:53",
		"1.2.3.4:0",
		"evil.com:8080",
		"evil.com",
		"http://evil.com/it's\\here'",
		"/a'b\\c\"",
		"/\\'",
		"o'neil@evil.com",
		"d41d8cd98f00b204e9800998ecf8427e",
		"da39a3ee5e6b4b0d3255bfef95601890afd80709",
		"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
		SHA512_OF_NOTHING,
	};
	struct observable o, back[4];
	char pattern[2 * OBSERVABLE_MAX_BYTES + 256];
	size_t count;

	for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
		need(observable_detect(&o, values[i], NULL) == ERR_OK);
		is_int(observable_pattern(&o, pattern, sizeof pattern), strlen(pattern), "%s",
		       pattern);
		is_int(pattern_observables(back, 4, &count, pattern), ERR_OK, "is read");
		is_int(count, o.type == OBSERVABLE_ENDPOINT ? 2 : 1, "values");
		ok(back[0].type == o.type && strcmp(back[0].text, o.text) == 0 &&
			   back[0].prefix == o.prefix && !memcmp(back[0].address, o.address, 16),
		   "the same");
	}
	need(observable_set(&o, OBSERVABLE_FILE_NAME, "it's a \\\xc3\xbc.exe", NULL) == ERR_OK);
	observable_pattern(&o, pattern, sizeof pattern);
	is_str(pattern, "[file:name = 'it\\'s a \\\\\xc3\xbc.exe']", "file name");
	pattern_observables(back, 4, &count, pattern);
	ok(count == 1 && strcmp(back[0].text, o.text) == 0, "the same");
	need(observable_detect(&o, "1.2.3.4:443", NULL) == ERR_OK);
	observable_pattern(&o, pattern, sizeof pattern);
	is_str(pattern,
	       "[network-traffic:dst_ref.value = '1.2.3.4' AND network-traffic:dst_port = 443]",
	       "endpoint");
	for (size_t size = 0; size <= strlen(pattern); size++)
		need(observable_pattern(&o, pattern, size) == 0);
	ok(true, "too little room writes nothing that counts");
}

static void longest_values_fit_their_pattern(void)
{
	char text[OBSERVABLE_MAX_BYTES + 1], pattern[2 * OBSERVABLE_MAX_BYTES + 256];
	struct observable o, back;
	size_t count;

	memset(text, '\'', OBSERVABLE_MAX_BYTES);
	text[0] = '/';
	text[OBSERVABLE_MAX_BYTES] = '\0';
	need(observable_set(&o, OBSERVABLE_PATH, text, NULL) == ERR_OK);
	ok(observable_pattern(&o, pattern, sizeof pattern) > 0, "written");
	is_int(pattern_observables(&back, 1, &count, pattern), ERR_OK, "read");
	ok(count == 1 && strcmp(back.text, text) == 0, "the same");
}

/* Joins "type text" of everything found by commas. */
static const char *found(const char *pattern)
{
	static char out[4096];
	struct observable o[8];
	size_t count;

	if (pattern_observables(o, 8, &count, pattern) != ERR_OK)
		return "no pattern";
	*out = '\0';
	for (size_t i = 0; i < count && i < 8; i++) {
		strcat(out, i ? "," : "");
		strcat(strcat(out, observable_type_str(o[i].type)), " ");
		strcat(out, o[i].text);
	}
	return out;
}

static void patterns_of_others_are_read(void)
{
	static const struct {
		const char *pattern, *found;
	} known[] = {
		{"[domain-name:value='A.com']", "domain a.com"},
		{"[domain-name:value='176.223.111.131']", "ipv4 176.223.111.131"},
		{"[ipv4-addr:value = '1.2.3.9/24']", "ipv4 1.2.3.0/24"},
		{"[ipv4-addr:value ISSUBSET '10.0.0.0/8']", "ipv4 10.0.0.0/8"},
		{"[url:value = 'evil.com/x']", "url http://evil.com/x"},
		{"[file:hashes.sha256='"
		 "E3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855']",
		 "sha256 e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
		{"[file:hashes.\"SHA-1\"='da39a3ee5e6b4b0d3255bfef95601890afd80709']",
		 "sha1 da39a3ee5e6b4b0d3255bfef95601890afd80709"},
		{"[file:hashes.'MD5' = 'd41d8cd98f00b204e9800998ecf8427e' OR file:name = 'a "
		 "b.exe']",
		 "md5 d41d8cd98f00b204e9800998ecf8427e,file-name a b.exe"},
		{"[file:hashes.MD5 = 'tooshort']", ""},
		{"[ipv4-addr:value IN ('1.1.1.1', '2.2.2.2') AND NOT_A:thing = 5]",
		 "ipv4 1.1.1.1,ipv4 2.2.2.2"},
		{"[ipv4-addr:value NOT IN ('1.1.1.1')]", ""},
		{"[ipv4-addr:value NOT = '1.1.1.1' OR ipv4-addr:value != '2.2.2.2']", ""},
		{"[domain-name:value LIKE '%.com' OR domain-name:value MATCHES '^a']", ""},
		{"([domain-name:value='a.com'] AND [domain-name:value='b.com']) FOLLOWEDBY "
		 "[domain-name:value='c.com'] REPEATS 5 TIMES WITHIN 1800 SECONDS",
		 "domain a.com,domain b.com,domain c.com"},
		{"[domain-name:value='a.com'] START t'2020-01-01T00:00:00Z' STOP "
		 "t'2021-01-01T00:00:00Z'",
		 "domain a.com"},
		{"[(a:b = 1 AND (domain-name:value = 'a.com')) OR c:d > 2.5]", "domain a.com"},
		{"[network-traffic:dst_ref.type = 'ipv4-addr' AND network-traffic:dst_port = 80 "
		 "AND "
		 "network-traffic:dst_ref.value = '1.2.3.4']",
		 "endpoint 1.2.3.4:80,ipv4 1.2.3.4"},
		{"[network-traffic:dst_ref.value = '1.2.3.4' OR network-traffic:dst_port = 80]",
		 "ipv4 1.2.3.4"},
		{"[network-traffic:dst_ref.value = '2001:db8::1' AND network-traffic:dst_port = 80 "
		 "OR "
		 "domain-name:value = 'b.com']",
		 "endpoint [2001:db8::1]:80,ipv6 2001:db8::1,domain b.com"},
		{"[network-traffic:extensions.'http-request-ext'.request_value = '/x']", "path /x"},
		{"[email-message:from_ref.value = 'A@b.com']", "email a@b.com"},
		{"[file:extensions.'windows-pebinary-ext'.sections[*].hashes.MD5 = "
		 "'d41d8cd98f00b204e9800998ecf8427e']",
		 "md5 d41d8cd98f00b204e9800998ecf8427e"},
		{"[EXISTS file:name]", ""},
		{"[file:name = 'C:\\Windows\\\\it\\'s']", "file-name C:\\Windows\\it's"},
		{"[android-property:name='sys.brand.note']", ""},
		{"[a:b = h'00ff' AND a:c = b'AAA=' AND a:d = true /* so */ AND a:e = -1.5] // end",
		 ""},
	};

	for (size_t i = 0; i < sizeof known / sizeof *known; i++)
		is_str(found(known[i].pattern), known[i].found, "%s", known[i].pattern);
}

static void what_is_no_pattern_is_refused(void)
{
	static const char *const bad[] = {
		"",
		"[",
		"[]",
		"domain-name:value = 'a.com'",
		"[domain-name:value 'a.com']",
		"[domain-name:value = ]",
		"[domain-name:value = 'a.com",
		"[domain-name:value = 'a.com'",
		"[domain-name:value = 'a.com']]",
		"[domain-name:value = 'a.com'] AND",
		"[domain-name:value = 'a.com'] x",
		"[domain-name:value = a.com]",
		"[nopath = 'a.com']",
		"[a:b IN ()]",
		"[a:b IN ('x' 'y')]",
		"[a:b ! 'x']",
		"[a:b = 'x'] REPEATS 5",
		"[a:b = 'x'] WITHIN SECONDS",
		"([a:b = 'x']",
		"[(a:b = 'x']",
		"[a:b = 'x' XOR c:d = 'y']",
		"[a:b => 'x']",
		"[a:b = 'x\\",
		"/* [a:b = 'x']",
		"rule yara { condition: true }",
		"[a:'b = 'x']",
	};
	char deep[400] = "";
	size_t count;
	struct observable o;

	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		is_str(found(bad[i]), "no pattern", "%s", bad[i]);
	for (int i = 0; i < 100; i++)
		strcat(deep, "(");
	is_int(pattern_observables(&o, 1, &count, deep), ERR_FORMAT, "nested too deep");
	deep[0] = '[';
	is_int(pattern_observables(&o, 1, &count, deep), ERR_FORMAT, "inside too");
}

static void more_values_than_room_are_counted(void)
{
	struct observable o[2];
	size_t count;

	need(pattern_observables(
		     o, 2, &count,
		     "[ipv4-addr:value IN ('1.1.1.1','2.2.2.2','3.3.3.3','4.4.4.4')]") == ERR_OK);
	is_int(count, 4, "all");
	is_str(o[1].text, "2.2.2.2", "the first two are written");
	need(pattern_observables(o, 1, &count,
				 "[network-traffic:dst_ref.value = '1.2.3.4' AND "
				 "network-traffic:dst_port = 80]") == ERR_OK);
	is_int(count, 2, "endpoint and address");
	is_str(o[0].text, "1.2.3.4:80", "the endpoint first");
	is_int(pattern_observables(NULL, 0, &count,
				   "[network-traffic:dst_ref.value = '1.2.3.4' AND "
				   "network-traffic:dst_port = 80]"),
	       ERR_OK, "no room at all");
}

static void any_pattern_cut_or_flipped_does_no_harm(void)
{
	static const char text[] =
		"([file:hashes.'SHA-256' = 'ab' AND network-traffic:dst_ref.value = 'a\\'.com' OR "
		"a:b[*].c NOT IN (1, h'00')]) START t'x' STOP t'y'";
	struct observable o[4];
	size_t count, cut = 0;
	char copy[sizeof text];

	for (size_t i = 0; i < sizeof text - 1; i++) {
		memcpy(copy, text, i);
		copy[i] = '\0';
		cut += pattern_observables(o, 4, &count, copy) == ERR_OK;
	}
	/* It is whole, too, before START. */
	is_int(cut, 2, "prefixes that are patterns");
	for (size_t bit = 0; bit < 8 * (sizeof text - 1); bit++) {
		memcpy(copy, text, sizeof text);
		copy[bit / 8] = (char)(copy[bit / 8] ^ 1 << bit % 8);
		(void)pattern_observables(o, 4, &count, copy);
	}
	ok(true, "flips");
}

int main(void)
{
	RUN(every_value_survives_its_pattern);
	RUN(longest_values_fit_their_pattern);
	RUN(patterns_of_others_are_read);
	RUN(what_is_no_pattern_is_refused);
	RUN(more_values_than_room_are_counted);
	RUN(any_pattern_cut_or_flipped_does_no_harm);
	return tap_done();
}
