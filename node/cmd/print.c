#include "node/cmd/print.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <unistr.h>

#include "node/loop.h"

enum {
	PROGRESS_AFTER_MS = 2000,
	PROGRESS_EVERY_MS = 200,
	PROGRESS_COLUMNS = 30,
	SAFE_BYTES = 16, /* of one character */
};

/* Controls of either range, and marks that reorder or break a line. */
static bool dangerous(ucs4_t c)
{
	return c < 0x20 || (c >= 0x7f && c <= 0x9f) || (c >= 0x200e && c <= 0x200f) ||
	       (c >= 0x2028 && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069) || c == 0x061c ||
	       c == 0xfeff;
}

/* One character in a harmless form. */
struct safe {
	char text[SAFE_BYTES];
	size_t length, used; /* bytes: of the text, and of what it stands for */
};

static struct safe safe_next(const char *s, size_t n, bool keep_lines)
{
	struct safe x = {.used = 1};
	ucs4_t c;
	int length = u8_mbtoucr(&c, (const uint8_t *)s, n);

	if (length <= 0) {
		x.length = (size_t)snprintf(x.text, sizeof x.text, "\\x%02x", (unsigned char)*s);
		return x;
	}
	x.used = (size_t)length;
	if (!dangerous(c) || (keep_lines && (c == '\n' || c == '\t'))) {
		memcpy(x.text, s, x.used);
		x.length = x.used;
	} else if (c < 0x20 || c == 0x7f) {
		x.length = (size_t)snprintf(x.text, sizeof x.text, "\\x%02x", (unsigned)c);
	} else {
		x.length = (size_t)snprintf(x.text, sizeof x.text, "\\u%04x", (unsigned)c);
	}
	return x;
}

void print_safe(FILE *out, const char *s, bool keep_lines)
{
	for (size_t n = strlen(s); n > 0;) {
		struct safe x = safe_next(s, n, keep_lines);
		fwrite(x.text, 1, x.length, out);
		s += x.used;
		n -= x.used;
	}
}

void print_complaint(const char *what, const char *words)
{
	print_safe(stderr, what, false);
	fputs(": ", stderr);
	print_safe(stderr, words, false);
	fputc('\n', stderr);
}

/* Columns for most of what is written here. */
static int columns(const struct safe *x)
{
	int count = 0;

	for (size_t i = 0; i < x->length; i++)
		count += ((unsigned char)x->text[i] & 0xc0) != 0x80;
	return count;
}

/* How many it takes, up to not much more than most. */
static int columns_of(const char *s, int most)
{
	int count = 0;

	for (size_t n = strlen(s); n > 0 && count <= most;) {
		struct safe x = safe_next(s, n, false);
		count += columns(&x);
		s += x.used;
		n -= x.used;
	}
	return count;
}

void print_column(const char *s, int width)
{
	bool cut = columns_of(s, width) > width;
	int most = cut ? width - 1 : width, count = 0;

	for (size_t n = strlen(s); n > 0;) {
		struct safe x = safe_next(s, n, false);
		if (count + columns(&x) > most)
			break;
		fwrite(x.text, 1, x.length, stdout);
		count += columns(&x);
		s += x.used;
		n -= x.used;
	}
	if (cut)
		putchar('~');
	printf("%*s", width - count - cut + 2, "");
}

void print_json(struct slice json)
{
	const char *at = json.at;

	for (size_t n = json.length; n > 0;) {
		size_t run = 0;
		struct safe x;
		/* Below 0x7f nothing but white space between the values needs a second look. */
		while (run < n && (unsigned char)at[run] >= 0x20 && (unsigned char)at[run] < 0x7f)
			run++;
		fwrite(at, 1, run, stdout);
		at += run;
		n -= run;
		if (n == 0)
			break;
		x = safe_next(at, n, false);
		if ((unsigned char)*at < 0x20)
			putchar(' ');
		else if (*at == 0x7f)
			fputs("\\u007f", stdout);
		else if (x.used == 1) /* not UTF-8, as names of files may be */
			fputs("\\ufffd", stdout);
		else
			fwrite(x.text, 1, x.length, stdout);
		at += x.used;
		n -= x.used;
	}
	putchar('\n');
}

void print_no_memory(void)
{
	fflush(stdout);
	fputs("khabar: out of memory: what was asked for may or may not have been done, and what "
	      "was printed is not all of it\n",
	      stderr);
	exit(EXIT_FAILURE);
}

void print_built(struct text *t)
{
	if (t->bad || !t->at)
		print_no_memory();
	print_json((struct slice){t->at, t->length});
	text_clear(t);
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
