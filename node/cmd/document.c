#include "node/cmd/document.h"

#include <ctype.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
	WORD_BYTES = 42,  /* of a subject, in one encoded word: 75 characters at most */
	LINE_BYTES = 57,  /* of a body, in one line of base64: 76 characters */
	PLAIN_BYTES = 67, /* of a subject that fits one line */
	SUBJECT_BYTES = 240,
	ADDRESS_BYTES = 200,
};

/* ---- options ---- */

/* One plain address: what a header of ours may hold. */
static bool is_address(const char *s)
{
	const char *at = strchr(s, '@');
	size_t n = strlen(s);

	for (size_t i = 0; i < n; i++)
		if (!isalnum((unsigned char)s[i]) && !strchr(".@_+-=%/", s[i]))
			return false;
	return at && at > s && at[1] && !strchr(at + 1, '@') && n <= ADDRESS_BYTES;
}

int document_options_read(struct document_options *o, const struct cmd_context *c, const char *what)
{
	static const char *const words[] = {"text", "html", "mail"};

	o->c = c;
	o->what = what;
	o->form = DOCUMENT_NONE;
	for (size_t i = 0; o->format && i < sizeof words / sizeof *words; i++)
		if (strcmp(o->format, words[i]) == 0)
			o->form = (enum document_form)(DOCUMENT_TEXT + i);
	if (o->format && !o->form)
		return cmd_misused(what, "--format: text, html or mail is wanted");
	if (o->format && c->json)
		return cmd_misused(what, "--format goes neither with --raw nor with --json");
	if (o->from && o->form != DOCUMENT_MAIL)
		return cmd_misused(what, "--from is for --format mail");
	if (o->from && !is_address(o->from))
		return cmd_misused(what, "--from: an address is wanted, as soc@cert.example");
	return EXIT_DONE;
}

/* ---- lines ---- */

void document_say(FILE *out, const char *label, const char *words, bool lines)
{
	if (!*words)
		return;
	fprintf(out, "%s: ", label);
	print_safe(out, words, lines);
	fputc('\n', out);
}

void document_say_time(FILE *out, const char *label, const char *time)
{
	if (strlen(time) >= 16)
		fprintf(out, "%s: %.10s %.5s UTC\n", label, time, time + 11);
}

/* ---- title and text ---- */

/* As FIRST writes its labels. */
static void put_tlp(FILE *out, const char *tlp)
{
	fputs("TLP:", out);
	for (; *tlp; tlp++)
		fputc(toupper((unsigned char)*tlp), out);
}

/* For who has never seen the word. */
static const char *tlp_words(const char *tlp)
{
	static const char *const all[][2] = {
		{"clear", "may be given to everybody"},
		{"green", "for the community of those who defend, not for public places"},
		{"amber", "for your organisation and its clients, where they need to know it"},
		{"amber+strict", "for your organisation alone, where it needs to know it"},
		{"red", "for you alone"},
	};

	for (size_t i = 0; i < sizeof all / sizeof *all; i++)
		if (strcmp(all[i][0], tlp) == 0)
			return all[i][1];
	return "";
}

static void say_title(FILE *out, const struct document *d)
{
	fputc('[', out);
	put_tlp(out, d->tlp);
	fputs("] ", out);
	if (d->exercise)
		fputs("EXERCISE: ", out);
	d->title(out, d->json);
	fputs(" (", out);
	print_safe(out, d->node, false);
	fputc(')', out);
}

static void say_text(FILE *out, const struct document *d)
{
	put_tlp(out, d->tlp);
	fprintf(out, ": %s\n\n", tlp_words(d->tlp));
	if (d->exercise)
		fputs("EXERCISE: nothing of it is real\n", out);
	d->text(out, d->json);
}

/* What fill writes, as a string; NULL when memory is short. */
static char *rendered(void (*fill)(FILE *out, const struct document *d), const struct document *d)
{
	char *text = NULL;
	size_t n;
	FILE *out = open_memstream(&text, &n);
	bool bad;

	if (!out)
		return NULL;
	fill(out, d);
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

/* Nothing in it that a reader of mail would take for anything but letters. */
static bool is_plain(const char *s)
{
	for (size_t i = 0; s[i]; i++)
		if (s[i] < ' ' || s[i] > '~' || (s[i] == '=' && s[i + 1] == '?'))
			return false;
	return strlen(s) <= PLAIN_BYTES;
}

/* RFC 2047: whatever else it says, it is letters and digits in the header. */
static void print_subject(const char *title)
{
	size_t left = whole(title, SUBJECT_BYTES);

	if (is_plain(title)) {
		printf("Subject: %s\r\n", title);
		return;
	}
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

/* Of the mail, not of what it tells: who gets it sorts by it. */
static void print_date(time_t at)
{
	static const char *const days[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
	static const char *const months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
					     "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
	struct tm tm;

	if (gmtime_r(&at, &tm))
		printf("Date: %s, %d %s %d %02d:%02d:%02d +0000\r\n", days[tm.tm_wday % 7],
		       tm.tm_mday, months[tm.tm_mon % 12], tm.tm_year + 1900, tm.tm_hour, tm.tm_min,
		       tm.tm_sec);
}

/* A header of ours holds nothing of a reply but what it should be. */
static bool is_message_id(const char *id)
{
	uint8_t bytes[MESSAGE_ID_BYTES];

	return hex_decode(bytes, sizeof bytes, id);
}

/* The same message is the same mail, however often it is made; what is said later of the same
 * incident is a reply to its first. */
static void print_mail(const struct document_options *o, const struct document *d,
		       const char *title, const char *text)
{
	size_t left = strlen(text);

	print_date(time(NULL));
	printf("From: %s\r\n", o->from ? o->from : "khabar@localhost.invalid");
	print_subject(title);
	printf("Message-ID: <%.40s@khabar.invalid>\r\n", d->id);
	if (d->thread && strcmp(d->thread, d->id) != 0)
		printf("In-Reply-To: <%.40s@khabar.invalid>\r\n"
		       "References: <%.40s@khabar.invalid>\r\n",
		       d->thread, d->thread);
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

static bool document_refuse(const struct document_options *o, const char *why)
{
	struct report report;

	report_init(&report);
	report_add(&report, "%s", why);
	client_refused(o->c, o->what, &report);
	report_clear(&report);
	return false;
}

int document_print(const struct document_options *o, const struct document *d)
{
	char *title = rendered(say_title, d), *text = rendered(say_text, d);
	bool good = title && text;

	if (o->form == DOCUMENT_MAIL &&
	    (!is_message_id(d->id) || (d->thread && !is_message_id(d->thread))))
		good = document_refuse(o, "the node gives it no id that a mail can have");
	if (good) {
		switch (o->form) {
		case DOCUMENT_NONE:
		case DOCUMENT_TEXT:
			printf("%s\n\n%s", title, text);
			break;
		case DOCUMENT_HTML:
			print_html(title, text);
			break;
		case DOCUMENT_MAIL:
			print_mail(o, d, title, text);
			break;
		}
	}
	free(title);
	free(text);
	return good ? EXIT_DONE : EXIT_REFUSED;
}
