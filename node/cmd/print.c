#include "node/cmd/print.h"

#include <string.h>
#include <unistd.h>
#include <unistr.h>

#include "node/loop.h"

enum { PROGRESS_AFTER_MS = 2000, PROGRESS_EVERY_MS = 200, PROGRESS_COLUMNS = 30 };

/* Controls of either range, and marks that reorder or break a line. */
static bool dangerous(ucs4_t c)
{
	return c < 0x20 || (c >= 0x7f && c <= 0x9f) || (c >= 0x200e && c <= 0x200f) ||
	       (c >= 0x2028 && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069) || c == 0x061c ||
	       c == 0xfeff;
}

/* Appends the next character of s to t in a harmless form; returns how many bytes it had. */
static size_t add_safe(struct text *t, const char *s, size_t n, bool keep_lines)
{
	ucs4_t c;
	int length = u8_mbtoucr(&c, (const uint8_t *)s, n);

	if (length <= 0) {
		text_format(t, "\\x%02x", (unsigned char)*s);
		return 1;
	}
	if (!dangerous(c) || (keep_lines && (c == '\n' || c == '\t')))
		text_add(t, s, (size_t)length);
	else if (c < 0x20 || c == 0x7f)
		text_format(t, "\\x%02x", (unsigned)c);
	else
		text_format(t, "\\u%04x", (unsigned)c);
	return (size_t)length;
}

void print_safe(FILE *out, const char *s, bool keep_lines)
{
	size_t n = strlen(s);
	struct text t;

	text_init(&t);
	while (n > 0) {
		size_t used = add_safe(&t, s, n, keep_lines);
		s += used;
		n -= used;
	}
	if (t.at && !t.bad)
		fputs(t.at, out);
	text_clear(&t);
}

/* Characters, which is columns for most of what is written here. */
static int columns(const char *s, size_t n)
{
	int count = 0;

	for (size_t i = 0; s && i < n; i++)
		count += ((unsigned char)s[i] & 0xc0) != 0x80;
	return count;
}

void print_column(const char *s, int width)
{
	size_t n = strlen(s), before = 0;
	struct text t;

	text_init(&t);
	while (n > 0 && columns(t.at, t.length) < width) {
		size_t used;
		before = t.length;
		used = add_safe(&t, s, n, false);
		s += used;
		n -= used;
	}
	if (n > 0 || columns(t.at, t.length) > width) {
		t.length = before;
		text_str(&t, "~");
	}
	if (t.at && !t.bad)
		fwrite(t.at, 1, t.length, stdout);
	printf("%*s", width - columns(t.at, t.length) + 2, "");
	text_clear(&t);
}

void print_json(struct slice json)
{
	const char *at = json.at;
	size_t n = json.length;
	struct text t;

	text_init(&t);
	while (n > 0) {
		size_t run = 0, used;
		/* Below 0x7f nothing but white space between the values needs a second look. */
		while (run < n && (unsigned char)at[run] >= 0x20 && (unsigned char)at[run] < 0x7f)
			run++;
		text_add(&t, at, run);
		at += run;
		n -= run;
		if (n == 0)
			break;
		if ((unsigned char)*at < 0x20) {
			text_str(&t, " ");
			used = 1;
		} else if (*at == 0x7f) {
			text_str(&t, "\\u007f");
			used = 1;
		} else {
			used = add_safe(&t, at, n, false);
		}
		at += used;
		n -= used;
	}
	text_str(&t, "\n");
	if (!t.bad)
		fwrite(t.at, 1, t.length, stdout);
	text_clear(&t);
}

const char *member_text(const cJSON *object, const char *name)
{
	const char *s = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, name));

	return s ? s : "";
}

double member_number(const cJSON *object, const char *name)
{
	const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, name);

	return cJSON_IsNumber(item) ? item->valuedouble : 0;
}

const char *plural(size_t n)
{
	return n == 1 ? "" : "s";
}

void progress_show(struct progress *p, uint64_t done, uint64_t total)
{
	uint64_t now = clock_monotonic();
	int filled;

	if (!p->started)
		p->started = now;
	if (now - p->started < PROGRESS_AFTER_MS || now - p->drawn < PROGRESS_EVERY_MS ||
	    !isatty(STDERR_FILENO))
		return;
	p->drawn = now;
	p->shown = true;
	if (!total) {
		fprintf(stderr, "\r%s: %llu s ", p->what,
			(unsigned long long)((now - p->started) / 1000));
		return;
	}
	filled = (int)(done * PROGRESS_COLUMNS / total);
	fprintf(stderr, "\r%s: [%.*s%*s] %3llu %%", p->what, filled,
		"##############################", PROGRESS_COLUMNS - filled, "",
		(unsigned long long)(done * 100 / total));
}

void progress_tick(void *p)
{
	progress_show(p, 0, 0);
}

void progress_end(struct progress *p)
{
	if (p->shown)
		fprintf(stderr, "\r\033[K");
	p->shown = false;
}

/* "2 h", "5 min", "12 days". */
static void print_age(const char *time)
{
	uint64_t at, now = clock_wall(), minutes;

	if (!time_parse(&at, time))
		return;
	minutes = at < now ? (now - at) / 60000 : 0;
	if (minutes < 1)
		fputs(", just now", stdout);
	else if (minutes < 120)
		printf(", last %llu min ago", (unsigned long long)minutes);
	else if (minutes < 48 * 60)
		printf(", last %llu h ago", (unsigned long long)minutes / 60);
	else
		printf(", last %llu days ago", (unsigned long long)minutes / 1440);
}

void sightings_print(const cJSON *s)
{
	size_t certs = (size_t)member_number(s, "certs");
	size_t sectors = (size_t)member_number(s, "sectors");
	size_t wrong = (size_t)member_number(s, "false_positives");
	const cJSON *name, *names = cJSON_GetObjectItemCaseSensitive(s, "named");
	const char *before = " (";

	if (certs) {
		printf("    seen           %.0f time%s by %zu CERT%s in %zu sector%s",
		       member_number(s, "count"), plural((size_t)member_number(s, "count")), certs,
		       plural(certs), sectors, plural(sectors));
		print_age(member_text(s, "last"));
		cJSON_ArrayForEach(name, names)
		{
			fputs(before, stdout);
			print_safe(stdout, cJSON_IsString(name) ? name->valuestring : "", false);
			before = ", ";
		}
		puts(cJSON_GetArraySize(names) ? ")" : "");
	}
	if (wrong)
		printf("    wrong          a false positive for %zu CERT%s\n", wrong,
		       plural(wrong));
	if (member_number(s, "own") > 0)
		printf("    seen here      %.0f time%s\n", member_number(s, "own"),
		       plural((size_t)member_number(s, "own")));
	if (cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(s, "own_false_positive")))
		puts("    wrong here     a false positive");
}
