/* What in a line may be a value: the quick way says what the plain way says, which tries to read
 * every piece and every part of one. */
#include <stdlib.h>

#include "tests/two_scans.h"

static void finds(const char *line, const char *wanted)
{
	static struct found f;

	f.length = 0;
	f.bytes[0] = '\0';
	quick(&f, line, strlen(line));
	is_str(f.bytes, wanted, "%s", line);
	ok(same(line, strlen(line)), "the same in the plain way");
}

static void values_are_found_in_lines_of_logs(void)
{
	finds("198.51.100.7 - - [22/Nov/2026:01:02:03 +0000] \"GET /izuku.sh HTTP/1.1\" 200 5",
	      "198.51.100.7=ipv4 198.51.100.7\n/izuku.sh=path /izuku.sh\n"
	      "HTTP/1.1=url http://http/1.1\n");
	finds("IN=eth0 SRC=203.0.113.9 DST=[2001:DB8::1] DPT=443",
	      "203.0.113.9=ipv4 203.0.113.9\n2001:DB8::1=ipv6 2001:db8::1\n");
	finds("see http://Evil.Example:8080/a.php?x=1, or (evil2.example).",
	      "http://Evil.Example:8080/a.php?x=1=url http://evil.example:8080/a.php?x=1\n"
	      "Evil.Example:8080=endpoint evil.example:8080\na.php=domain a.php\n"
	      "evil2.example=domain evil2.example\n");
	finds("md5:d41d8cd98f00b204e9800998ecf8427e",
	      "d41d8cd98f00b204e9800998ecf8427e=md5 d41d8cd98f00b204e9800998ecf8427e\n");
	finds("a#b=c", "a#b=c=url http://a#b=c\n");
	finds("From: <Mule@Evil.Example>", "Mule@Evil.Example=email mule@evil.example\n");
	finds("hxxps://evil[.]example/x 10.0.0.0/8",
	      "hxxps://evil[.]example/x=url https://evil.example/x\n"
	      "evil[.]example=domain evil.example\n"
	      "10.0.0.0/8=ipv4 10.0.0.0/8\n");
	finds("2026-11-22T01:02:03.123Z aa:bb:cc:dd:ee:ff 1.2.3 256.1.1.1 01.2.3.4",
	      "03.123Z=domain 03.123z\n");
	finds("*.evil.example 5.6.7.8: .b.example", ".evil.example=domain evil.example\n"
						    "5.6.7.8=ipv4 5.6.7.8\n"
						    ".b.example=domain b.example\n");
}

/* ---- lines that nobody wrote ---- */

static uint64_t seed = 42;

static unsigned draw(unsigned n)
{
	seed = seed * 6364136223846793005u + 1442695040888963407u;
	return (unsigned)(seed >> 33) % n;
}

static const char *const words[] = {
	"198.51.100.7",
	"10.0.0.1",
	"255.255.255.256",
	"1.2.3",
	"01.2.3.4",
	"0.0.0.0",
	"1.2.3.4.",
	"evil.example",
	"EVIL.Example",
	"a-b_c.d",
	"x.0x1f",
	"x.12",
	"xn--bcher-kva.example",
	"b\303\274cher.example",
	"\xe3\x80\x82",
	"-x.org-",
	"_dmarc.a.b",
	"a..b",
	".",
	"http",
	"https",
	"hxxp",
	"://",
	":",
	"::",
	"/",
	"//",
	"?",
	"#",
	"&",
	"=",
	"@",
	"%",
	"\\",
	"\\.",
	"[",
	"]",
	"(",
	")",
	"{",
	"}",
	"[.]",
	"(dot)",
	"[at]",
	"[:]",
	"[://]",
	"*",
	"*.",
	"-",
	"+",
	"!",
	" ",
	" ",
	" ",
	"\t",
	"\"",
	"'",
	",",
	";",
	"|",
	"<",
	">",
	"`",
	"\x01",
	"\x7f",
	"\xff",
	"\x0b",
	"2001:db8::1",
	"::1",
	"1:2:3:4:5:6:7:8",
	"1:2:3:4:5:6:1.2.3.4",
	"fe80::1%eth0",
	"ab:cd:ef",
	"443",
	"65536",
	"0",
	"8",
	"32",
	"/24",
	"/33",
	"index.html",
	"/a/b.php",
	"mailto:",
	"www",
	"d41d8cd98f00b204e9800998ecf8427e",
	"DA39A3EE5E6B4B0D3255BFEF95601890AFD80709",
	"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
	"abc",
	"Z9",
	"0x",
	"f",
};

static size_t line_drawn(char *line, size_t size)
{
	size_t n = 0, parts = 1 + draw(12);

	for (size_t i = 0; i < parts; i++) {
		const char *word = words[draw(sizeof words / sizeof *words)];
		size_t length = strlen(word);
		if (n + length >= size)
			break;
		memcpy(line + n, word, length);
		n += length;
	}
	/* Now and then a byte is another. */
	if (n > 0 && draw(3) == 0)
		line[draw((unsigned)n)] = (char)draw(256);
	return n;
}

static void drawn_lines_give_what_reading_every_part_gives(void)
{
	char line[1024];
	bool all = true;

	for (unsigned i = 0; all && i < 50000; i++) {
		size_t n = line_drawn(line, sizeof line);
		all = same(line, n);
	}
	ok(all, "50,000 of them");
}

static void long_labels_names_and_paths_are_bounded(void)
{
	static char line[3 * OBSERVABLE_MAX_BYTES];
	bool all = true;

	for (size_t n = 1; all && n < 300; n++) {
		memset(line, 'a', n);
		memcpy(line + n, ".example", 8);
		all = same(line, n + 8);
		for (size_t i = 50; i < n; i += 60)
			line[i] = '.';
		all = all && same(line, n + 8);
	}
	ok(all, "labels and names");
	for (size_t n = OBSERVABLE_MAX_BYTES - 20; all && n < OBSERVABLE_MAX_BYTES + 20; n++) {
		memset(line, 'a', n);
		line[0] = '/';
		all = same(line, n);
		memcpy(line, "http://b.example/", 17);
		all = all && same(line, n);
		line[n / 2] = '=';
		all = all && same(line, n);
	}
	ok(all, "paths and URLs");
}

int main(void)
{
	RUN(values_are_found_in_lines_of_logs);
	RUN(drawn_lines_give_what_reading_every_part_gives);
	RUN(long_labels_names_and_paths_are_bounded);
	return tap_done();
}
