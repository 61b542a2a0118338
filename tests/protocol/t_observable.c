#include "protocol/observable.h"

#include "tests/tap.h"

#define SHA512_OF_NOTHING \
	"cf83e1357eefb8bdf1542850d66d8007d620e4050b5715dc83f4a921d36ce9ce" \
	"47d0d13c5d85f2b0ff8318d2877eec2f63b931bd47417a81a538327af927da3e"

struct sample {
	const char *text;
	enum observable_type type;
	const char *canonical;
};

static void detected(const struct sample *s, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct observable o;
		const char *why = "";
		enum err err = observable_detect(&o, s[i].text, &why);

		if (!ok(err == ERR_OK && o.type == s[i].type &&
				strcmp(o.text, s[i].canonical) == 0 && o.length == strlen(o.text),
			"%s", s[i].text))
			printf("# got %s %s%s, want %s\n", observable_type_str(o.type), o.text, why,
			       s[i].canonical);
	}
}

static void what_lists_write_is_recognised(void)
{
	static const struct sample good[] = {
		{"1.2.3.4", OBSERVABLE_IPV4, "1.2.3.4"},
		{" 255.255.255.255\r\n", OBSERVABLE_IPV4, "255.255.255.255"},
		{"10.1.2.3/8", OBSERVABLE_IPV4, "10.0.0.0/8"},
		{"10.1.2.131/25", OBSERVABLE_IPV4, "10.1.2.128/25"},
		{"1.2.3.4/32", OBSERVABLE_IPV4, "1.2.3.4"},
		{"2001:DB8:0:0:0:0:0:1", OBSERVABLE_IPV6, "2001:db8::1"},
		{"[2001:db8::1]", OBSERVABLE_IPV6, "2001:db8::1"},
		{"2001:db8:ffff::/33", OBSERVABLE_IPV6, "2001:db8:8000::/33"},
		{"::ffff:1.2.3.4", OBSERVABLE_IPV6, "::ffff:1.2.3.4"},
		{"::1/128", OBSERVABLE_IPV6, "::1"},
		{"1.2.3.4:443", OBSERVABLE_ENDPOINT, "1.2.3.4:443"},
		{"[2001:db8::A]:8080", OBSERVABLE_ENDPOINT, "[2001:db8::a]:8080"},
		{"Evil.com:8080", OBSERVABLE_ENDPOINT, "evil.com:8080"},
		{"1.2.3.4:0", OBSERVABLE_ENDPOINT, "1.2.3.4:0"},
		{"Evil.COM.", OBSERVABLE_DOMAIN, "evil.com"},
		{"ptr_s_bots1.firewalla1337.cc", OBSERVABLE_DOMAIN, "ptr_s_bots1.firewalla1337.cc"},
		{"-odd-.a--b.example", OBSERVABLE_DOMAIN, "-odd-.a--b.example"},
		{"m\xc3\xbcnchen.de", OBSERVABLE_DOMAIN, "xn--mnchen-3ya.de"},
		{"M\xc3\x9cNCHEN.de", OBSERVABLE_DOMAIN, "xn--mnchen-3ya.de"},
		{"fa\xc3\x9f.de", OBSERVABLE_DOMAIN, "xn--fa-hia.de"},
		{"xn--80ak6aa92e.com", OBSERVABLE_DOMAIN, "xn--80ak6aa92e.com"},
		{"*.evil.com", OBSERVABLE_DOMAIN, "evil.com"},
		{".evil.com", OBSERVABLE_DOMAIN, "evil.com"},
		{"abc.i2p", OBSERVABLE_DOMAIN, "abc.i2p"},
		{"http://95.142.45.58", OBSERVABLE_URL, "http://95.142.45.58"},
		{"HTTP://Evil.COM/A?b=C#D", OBSERVABLE_URL, "http://evil.com/A?b=C#D"},
		{"https://User:Pw@Evil.com:8443/x", OBSERVABLE_URL,
		 "https://User:Pw@evil.com:8443/x"},
		{"http://[2001:DB8::1]:80/", OBSERVABLE_URL, "http://[2001:db8::1]:80/"},
		{"http://m\xc3\xbcnchen.de/\xc3\xbc", OBSERVABLE_URL,
		 "http://xn--mnchen-3ya.de/\xc3\xbc"},
		{"http://localhost/x", OBSERVABLE_URL, "http://localhost/x"},
		{"evil.com/Path", OBSERVABLE_URL, "http://evil.com/Path"},
		{"1.2.3.4/x.php", OBSERVABLE_URL, "http://1.2.3.4/x.php"},
		{"1.2.3.4:81/x", OBSERVABLE_URL, "http://1.2.3.4:81/x"},
		{"evil.com?x=1", OBSERVABLE_URL, "http://evil.com?x=1"},
		{"/izuku.sh", OBSERVABLE_PATH, "/izuku.sh"},
		{"/a/\"b\"/c[.]d?e=", OBSERVABLE_PATH, "/a/\"b\"/c[.]d?e="},
		{"Bad.Guy+x@Evil.COM", OBSERVABLE_EMAIL, "bad.guy+x@evil.com"},
		{"mailto:a@b.cd", OBSERVABLE_EMAIL, "a@b.cd"},
		{"D41D8CD98F00B204E9800998ECF8427E", OBSERVABLE_MD5,
		 "d41d8cd98f00b204e9800998ecf8427e"},
		{"da39a3ee5e6b4b0d3255bfef95601890afd80709", OBSERVABLE_SHA1,
		 "da39a3ee5e6b4b0d3255bfef95601890afd80709"},
		{"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
		 OBSERVABLE_SHA256,
		 "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
		{"cf83e1357eefb8bdf1542850d66d8007d620e4050b5715dc83f4a921d36ce9ce"
		 "47d0d13c5d85f2b0ff8318d2877eec2f63b931bd47417a81a538327af927da3E",
		 OBSERVABLE_SHA512,
		 "cf83e1357eefb8bdf1542850d66d8007d620e4050b5715dc83f4a921d36ce9ce"
		 "47d0d13c5d85f2b0ff8318d2877eec2f63b931bd47417a81a538327af927da3e"},
	};

	detected(good, sizeof good / sizeof *good);
}

static void defanged_values_are_understood(void)
{
	static const struct sample good[] = {
		{"hxxp://evil[.]com/a", OBSERVABLE_URL, "http://evil.com/a"},
		{"hXXps[://]evil(.)com", OBSERVABLE_URL, "https://evil.com"},
		{"hxxp[:]//1[.]2[.]3[.]4/x", OBSERVABLE_URL, "http://1.2.3.4/x"},
		{"h**p://evil{.}com", OBSERVABLE_URL, "http://evil.com"},
		{"fxp://evil.com", OBSERVABLE_URL, "ftp://evil.com"},
		{"http[:]//evil[dot]com", OBSERVABLE_URL, "http://evil.com"},
		{"evil[.]com", OBSERVABLE_DOMAIN, "evil.com"},
		{"evil(DOT)com", OBSERVABLE_DOMAIN, "evil.com"},
		{"evil{dot}com", OBSERVABLE_DOMAIN, "evil.com"},
		{"evil\\.com", OBSERVABLE_DOMAIN, "evil.com"},
		{"evil[.com", OBSERVABLE_DOMAIN, "evil.com"},
		{"1[.]2[.]3[.]4", OBSERVABLE_IPV4, "1.2.3.4"},
		{"1.2.3[.]4[:]80", OBSERVABLE_ENDPOINT, "1.2.3.4:80"},
		{"2001[:]db8[:]:1", OBSERVABLE_IPV6, "2001:db8::1"},
		{"me[at]evil[.]com", OBSERVABLE_EMAIL, "me@evil.com"},
		{"me[@]evil[.]com", OBSERVABLE_EMAIL, "me@evil.com"},
		{"evil[.]com[/]x", OBSERVABLE_URL, "http://evil.com/x"},
	};

	detected(good, sizeof good / sizeof *good);
}

static void what_is_no_value_is_refused_with_a_reason(void)
{
	static const char *const bad[] = {
		"",
		"  ",
		"evil",
		"localhost",
		"1.2.3",
		"1.2.3.256",
		"1.2.3.04",
		"01.2.3.4",
		"1.2.3.4.5",
		"1.2.3.4/33",
		"1.2.3.4/0",
		"1.2.3.4/08",
		"1.2.3.0/255.255.255.0",
		"1.2.3.4-1.2.3.9",
		"fe80::1%eth0",
		"fe80::1%eth0/64",
		"::/0",
		"1::2::3",
		"12345::",
		"2001:db8::/129",
		"1.2.3.4:65626",
		"1.2.3.4:65536",
		"1.2.3.4:080",
		"evil.com:",
		":80",

		"evil..com",
		"evil.123",
		"evil.0x1f",
		"evil.c",
		"a b.com",
		"evil.com x",
		"ev,il.com",
		"evil.com,",
		"@evil.com",
		"me@evil",
		"me@",
		"a b@evil.com",
		"http://",
		"http:///x",
		"://x",
		"http://evil.com:99999/",
		"http://a b/",
		"http://1.2.3.400/",
		"1http://evil.com",
		"/",
		"/a b",
		"/a\x01",
		"\xff.com",
		"http://evil.com/\xff",
		"d41d8cd98f00b204e9800998ecf8427",
		"zz1d8cd98f00b204e9800998ecf8427e",
		"0.0.0.0 evil.com",
		"xn--.\xc3\xbc.com.",
		"<script>",
		"\xe2\x80\xae.com",
		"00:11:22:33:44:55",
	};

	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		struct observable o;
		const char *why = NULL;

		if (!ok(observable_detect(&o, bad[i], &why) == ERR_FORMAT && why && *why &&
				o.type == OBSERVABLE_NONE,
			"no value: %s", bad[i]))
			printf("# taken for %s %s\n", observable_type_str(o.type), o.text);
	}
}

static void lengths_are_bounded_everywhere(void)
{
	char text[8192];
	struct observable o;
	const char *why;

	for (size_t n = 1; n < sizeof text - 1; n += n < 2100 && n > 2000 ? 1 : 37) {
		static const char *const starts[] = {
			"http://u@m\xc3\xbc.de/",
			"/",
			"a.b",
			"1.2.3.4:",
			"http://",
			"hxxp://a.bc:1/",
			"x@y.zz",
			"http://:@",
			"[",
			"m\xc3\xbc.m\xc3\xbc.",
			"*.",
			"[.][.][.]",
		};

		for (size_t i = 0; i < sizeof starts / sizeof *starts; i++) {
			memset(text, 'a', n + 16);
			memcpy(text, starts[i], strlen(starts[i]));
			text[strlen(starts[i]) > n ? strlen(starts[i]) : n] = '\0';
			if (observable_detect(&o, text, &why) == ERR_OK)
				need(o.length <= OBSERVABLE_MAX_BYTES &&
				     strlen(o.text) == o.length);
			/* A user part as long as the rest. */
			if (n > 20 && strncmp(text, "http", 4) == 0) {
				text[n - 9] = '@';
				memcpy(text + n - 8, "m\xc3\xbc.de/x", 8);
				if (observable_detect(&o, text, &why) == ERR_OK)
					need(o.length <= OBSERVABLE_MAX_BYTES);
			}
		}
	}
	memset(text, 'a', 2049);
	text[0] = '/';
	text[2048] = '\0';
	is_int(observable_set(&o, OBSERVABLE_PATH, text, &why), ERR_OK, "2048 bytes");
	text[2048] = 'a';
	text[2049] = '\0';
	is_int(observable_set(&o, OBSERVABLE_PATH, text, &why), ERR_FORMAT, "2049 bytes");
}

static void domains_have_the_limits_of_dns(void)
{
	char text[300];
	struct observable o;

	memset(text, 'a', sizeof text);
	memcpy(text + 63, ".com", 5);
	is_int(observable_set(&o, OBSERVABLE_DOMAIN, text, NULL), ERR_OK, "label of 63");
	memset(text, 'a', 64);
	memcpy(text + 64, ".com", 5);
	is_int(observable_set(&o, OBSERVABLE_DOMAIN, text, NULL), ERR_FORMAT, "label of 64");
	for (size_t i = 0; i < 254; i++)
		text[i] = i % 50 == 49 ? '.' : 'a';
	text[253] = '\0';
	is_int(observable_set(&o, OBSERVABLE_DOMAIN, text, NULL), ERR_OK, "253 bytes");
	text[253] = 'a';
	text[254] = '\0';
	is_int(observable_set(&o, OBSERVABLE_DOMAIN, text, NULL), ERR_FORMAT, "254 bytes");
}

static void addresses_are_there_in_network_order(void)
{
	static const uint8_t v4[] = {10, 128, 0, 0, 0}, v6[16] = {0x20, 1, 0x0d, 0xb8, 0x80};
	struct observable o;

	need(observable_set(&o, OBSERVABLE_IPV4, "10.129.3.4/9", NULL) == ERR_OK);
	ok(o.prefix == 9 && memcmp(o.address, v4, 5) == 0, "IPv4 network");
	need(observable_set(&o, OBSERVABLE_IPV6, "2001:db8:ffff::1/33", NULL) == ERR_OK);
	ok(o.prefix == 33 && memcmp(o.address, v6, 16) == 0, "IPv6 network");
	need(observable_set(&o, OBSERVABLE_ENDPOINT, "10.128.0.0:80", NULL) == ERR_OK);
	ok(o.prefix == 0 && memcmp(o.address, v4, 5) == 0, "endpoint");
	need(observable_set(&o, OBSERVABLE_ENDPOINT, "evil.com:80", NULL) == ERR_OK);
	ok(bytes_zero(o.address, 16), "none of a domain");
	need(observable_set(&o, OBSERVABLE_URL, "http://1.2.3.4/", NULL) == ERR_OK);
	ok(bytes_zero(o.address, 16), "none of a URL");
}

static void types_have_words_and_days(void)
{
	for (int t = OBSERVABLE_NONE + 1; t < OBSERVABLE_TYPES; t++) {
		enum observable_type type = OBSERVABLE_NONE;

		ok(observable_type_parse(observable_type_str((enum observable_type)t), &type) &&
			   type == (enum observable_type)t,
		   "%s", observable_type_str((enum observable_type)t));
	}
	enum observable_type type;
	ok(!observable_type_parse("none", &type), "nothing else");
	is_int(observable_valid_days(OBSERVABLE_IPV4), 30, "address");
	is_int(observable_valid_days(OBSERVABLE_DOMAIN), 90, "domain");
	is_int(observable_valid_days(OBSERVABLE_SHA256), 400, "hash");
}

int main(void)
{
	RUN(what_lists_write_is_recognised);
	RUN(defanged_values_are_understood);
	RUN(what_is_no_value_is_refused_with_a_reason);
	RUN(lengths_are_bounded_everywhere);
	RUN(domains_have_the_limits_of_dns);
	RUN(addresses_are_there_in_network_order);
	RUN(types_have_words_and_days);
	return tap_done();
}
