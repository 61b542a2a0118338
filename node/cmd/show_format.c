/* One rendering, as lines of text in which nothing that others wrote can do anything but be read;
 * a page or a mail is made of that, encoded as a whole. */
#include "node/cmd/show_format.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "protocol/admin.h"

enum {
	WORD_BYTES = 42, /* of a subject, in one encoded word: 75 characters at most */
	LINE_BYTES = 57, /* of a body, in one line of base64: 76 characters */
	SUBJECT_BYTES = 240,
};

bool show_format_parse(enum show_format *format, const char *word)
{
	static const char *const words[] = {"text", "html", "mail"};

	for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
		if (strcmp(word, words[i]) == 0) {
			*format = (enum show_format)(SHOW_TEXT + i);
			return true;
		}
	}
	return false;
}

/* ---- the text ---- */

static void say(FILE *out, const char *label, const char *words, bool lines)
{
	if (!*words)
		return;
	fprintf(out, "%s: ", label);
	print_safe(out, words, lines);
	fputc('\n', out);
}

/* Objects that say something to a person. */
static bool has_words(const cJSON *object)
{
	const char *type = member_text(object, "type");

	return *type && strcmp(type, "marking-definition") != 0 && strcmp(type, "identity") != 0 &&
	       strcmp(type, "relationship") != 0 && strcmp(type, "extension-definition") != 0;
}

static void say_object(FILE *out, const cJSON *object)
{
	static const char *const members[] = {
		"name",    "value",       "pattern", "description", "abstract",
		"content", "explanation", "opinion", "valid_until", "published"};

	fputc('\n', out);
	say(out, "type", member_text(object, "type"), false);
	for (size_t i = 0; i < sizeof members / sizeof *members; i++)
		say(out, members[i], member_text(object, members[i]), true);
	if (cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(object, "revoked")))
		fputs("revoked: it is no longer true\n", out);
}

static const cJSON *body_of(const cJSON *message, const char *name)
{
	return cJSON_GetObjectItemCaseSensitive(cJSON_GetObjectItemCaseSensitive(message, "body"),
						name);
}

static void say_message(FILE *out, const cJSON *message)
{
	const cJSON *object, *one = cJSON_GetObjectItemCaseSensitive(message, "object");

	fprintf(out, "TLP:%s\n", member_text(message, "tlp"));
	if (cJSON_IsTrue(
		    cJSON_GetObjectItemCaseSensitive(body_of(message, "envelope"), "exercise")))
		fputs("EXERCISE: nothing of it is real\n", out);
	say(out, "from", member_text(message, "node"), false);
	say(out, "created", member_text(message, "created"), false);
	say(out, "message", member_text(message, "id"), false);
	say(out, "closed", member_text(message, "closed"), false);
	if (cJSON_IsObject(one))
		say_object(out, one);
	cJSON_ArrayForEach(object,
			   cJSON_GetObjectItemCaseSensitive(body_of(message, "bundle"), "objects"))
	{
		if (has_words(object))
			say_object(out, object);
	}
}

/* The first name, or what kind of thing it is. */
static void say_title(FILE *out, const cJSON *message)
{
	const cJSON *object, *found = cJSON_GetObjectItemCaseSensitive(message, "object");
	const char *name;

	cJSON_ArrayForEach(object,
			   cJSON_GetObjectItemCaseSensitive(body_of(message, "bundle"), "objects"))
	{
		if (!found && has_words(object) && *member_text(object, "name"))
			found = object;
	}
	name = member_text(found, "name");
	fprintf(out, "[TLP:%s] ", member_text(message, "tlp"));
	if (cJSON_IsTrue(
		    cJSON_GetObjectItemCaseSensitive(body_of(message, "envelope"), "exercise")))
		fputs("EXERCISE: ", out);
	print_safe(out, *name ? name : member_text(message, "kind"), false);
	fputs(" (", out);
	print_safe(out, member_text(message, "node"), false);
	fputc(')', out);
}

/* What fill writes, as a string; NULL when memory is short. */
static char *rendered(void (*fill)(FILE *out, const cJSON *message), const cJSON *message)
{
	char *text = NULL;
	size_t n;
	FILE *out = open_memstream(&text, &n);
	bool bad;

	if (!out)
		return NULL;
	fill(out, message);
	bad = ferror(out);
	if (fclose(out) == 0 && !bad)
		return text;
	free(text);
	return NULL;
}

/* ---- HTML ---- */

static void print_escaped(const char *s)
{
	for (; *s; s++) {
		switch (*s) {
		case '&':
			fputs("&amp;", stdout);
			break;
		case '<':
			fputs("&lt;", stdout);
			break;
		case '>':
			fputs("&gt;", stdout);
			break;
		case '"':
			fputs("&quot;", stdout);
			break;
		case '\'':
			fputs("&#39;", stdout);
			break;
		default:
			putchar(*s);
		}
	}
}

static void print_html(const char *title, const char *text)
{
	fputs("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
	      "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
	      "style-src 'unsafe-inline'\">\n<title>",
	      stdout);
	print_escaped(title);
	fputs("</title>\n<style>body{font-family:sans-serif;margin:2em}"
	      "pre{white-space:pre-wrap;overflow-wrap:anywhere}</style>\n</head>\n<body>\n<h1>",
	      stdout);
	print_escaped(title);
	fputs("</h1>\n<pre>", stdout);
	print_escaped(text);
	fputs("</pre>\n</body>\n</html>\n", stdout);
}

/* ---- mail ---- */

static void print_base64(const char *s, size_t n)
{
	char out[4 * LINE_BYTES / 3 + 2];

	sodium_bin2base64(out, sizeof out, (const unsigned char *)s, n,
			  sodium_base64_VARIANT_ORIGINAL);
	fputs(out, stdout);
}

/* As many bytes as max allows without a character cut in two. */
static size_t whole(const char *s, size_t max)
{
	size_t n = strlen(s);

	if (n <= max)
		return n;
	for (n = max; n > 0 && ((unsigned char)s[n] & 0xc0) == 0x80;)
		n--;
	return n;
}

/* RFC 2047: whatever it says, it is letters and digits in the header. */
static void print_subject(const char *title)
{
	size_t left = whole(title, SUBJECT_BYTES);

	fputs("Subject:", stdout);
	while (left) {
		size_t n = whole(title, left < WORD_BYTES ? left : WORD_BYTES);
		fputs(" =?UTF-8?B?", stdout);
		print_base64(title, n);
		fputs(left > n ? "?=\r\n" : "?=", stdout);
		title += n;
		left -= n;
	}
	fputs("\r\n", stdout);
}

static void print_date(const char *created)
{
	static const char *const days[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
	static const char *const months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
					     "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
	uint64_t ms = 0;
	struct tm tm;
	time_t at;

	(void)time_parse(&ms, created);
	at = (time_t)(ms / 1000);
	if (gmtime_r(&at, &tm))
		printf("Date: %s, %d %s %d %02d:%02d:%02d +0000\r\n", days[tm.tm_wday % 7],
		       tm.tm_mday, months[tm.tm_mon % 12], tm.tm_year + 1900, tm.tm_hour, tm.tm_min,
		       tm.tm_sec);
}

static void print_mail(const cJSON *message, const char *title, const char *text)
{
	size_t left = strlen(text);

	print_date(member_text(message, "created"));
	fputs("From: khabar <khabar@localhost.invalid>\r\n", stdout);
	print_subject(title);
	printf("Message-ID: <%.40s@khabar.invalid>\r\n", member_text(message, "id"));
	fputs("MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n"
	      "Content-Transfer-Encoding: base64\r\n\r\n",
	      stdout);
	while (left) {
		size_t n = left < LINE_BYTES ? left : LINE_BYTES;
		print_base64(text, n);
		fputs("\r\n", stdout);
		text += n;
		left -= n;
	}
}

bool show_format_print(enum show_format format, const cJSON *message)
{
	char *title = rendered(say_title, message), *text = rendered(say_message, message);
	bool good = title && text;

	if (good) {
		switch (format) {
		case SHOW_PLAIN:
		case SHOW_TEXT:
			printf("%s\n%s", title, text);
			break;
		case SHOW_HTML:
			print_html(title, text);
			break;
		case SHOW_MAIL:
			print_mail(message, title, text);
			break;
		}
	}
	free(title);
	free(text);
	return good;
}
