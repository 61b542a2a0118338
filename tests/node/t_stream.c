/* Inputs that are longer than what is held of them. */
#include "node/format/stream.h"

#include <stdlib.h>
#include <unistd.h>

#include "protocol/body.h"
#include "tests/node/imported.h"

/* Serves a text in pieces of odd lengths; fails after so many bytes, 0: never. */
struct pieces {
	struct text text;
	size_t at, fails;
};

static ssize_t piece_read(void *arg, void *out, size_t n, struct report *report)
{
	struct pieces *p = arg;
	size_t left = p->text.length - p->at, piece = 1 + (p->at * 7919) % 300000;

	if (p->fails && p->at >= p->fails) {
		report_add(report, "the disk has gone");
		return -1;
	}
	n = n < left ? n : left;
	n = n < piece ? n : piece;
	memcpy(out, p->text.at + p->at, n);
	p->at += n;
	return (ssize_t)n;
}

static enum err stream(const struct import_options *o, const char *format, struct pieces *p)
{
	enum err err;

	forget();
	report_init(&said);
	need(!p->text.bad && import_init(&imported, o, &said) == ERR_OK);
	p->at = 0;
	err = import_stream(&imported, format, piece_read, p, "input", &said);
	if (!err)
		return import_finish(&imported, &said);
	is_int(import_finish(&imported, NULL), err, "what failed stays failed");
	return err;
}

/* Lines of a list, each with a comment line behind it that makes it long: more than a window. */
static void list_write(struct text *t, const char *before, const char *behind, int from, int to)
{
	char comment[2000];

	memset(comment, 'x', sizeof comment);
	comment[sizeof comment - 1] = '\0';
	for (int i = from; i < to; i++)
		text_format(t, "%sh%d.example%s\n# %s\n", before, i, behind, comment);
}

static void a_long_list_is_read_to_its_end(void)
{
	struct pieces p = {0};

	list_write(&p.text, "", "", 0, 11000);
	ok(p.text.length > WINDOW_BYTES, "%zu bytes", p.text.length);
	is_int(stream(&plain, NULL, &p), ERR_OK, "read");
	is_int(imported.taken, 11000, "all of it");
	is_int(parts_valid(), 11000, "objects");
	text_add(&p.text, "last.example", 12);
	is_int(stream(&plain, NULL, &p), ERR_OK, "without a line end behind it");
	is_int(imported.taken, 11001, "too");
	text_str(&p.text, "\nh7.example\n");
	is_int(stream(&plain, NULL, &p), ERR_OK, "with a value again");
	is_int(imported.duplicates, 1, "that stood far before it");
	text_clear(&p.text);
}

static void layouts_hold_beyond_the_first_window(void)
{
	struct import_options o = plain;
	struct pieces p = {0};

	text_str(&p.text, "\xef\xbb\xbf"
			  "when,ioc,source\n");
	list_write(&p.text, "2026-01-01,", ",other.example", 0, 11000);
	o.column = "ioc";
	is_int(stream(&o, NULL, &p), ERR_OK, "CSV with a header");
	is_int(imported.taken, 11000, "its column, and nothing else");
	text_clear(&p.text);
	text_str(&p.text, "#fields\tindicator\tindicator_type\n");
	list_write(&p.text, "", "\tIntel::DOMAIN", 0, 11000);
	is_int(stream(&plain, NULL, &p), ERR_OK, "a file of Zeek");
	is_int(imported.taken, 11000, "all of it");
	text_clear(&p.text);
	list_write(&p.text, "0.0.0.0 ", "", 0, 11000);
	is_int(stream(&plain, NULL, &p), ERR_OK, "a hosts file");
	is_int(imported.taken, 11000, "all of it");
	text_clear(&p.text);
}

static void a_place_far_behind_is_named(void)
{
	struct pieces p = {0};

	list_write(&p.text, "", "", 0, 9000);
	text_str(&p.text, "neither fish nor fowl\n");
	list_write(&p.text, "", "", 9000, 11000);
	is_int(stream(&plain, NULL, &p), ERR_NOT_ALLOWED, "a bad line");
	ok(said_anywhere("line 18001:"), "is named by its number");
	text_clear(&p.text);
	list_write(&p.text, "", "", 0, 9000);
	text_str(&p.text, "# TLP:RED\n");
	list_write(&p.text, "", "", 9000, 11000);
	is_int(stream(&plain, NULL, &p), ERR_NOT_ALLOWED, "a stricter TLP");
	ok(said_anywhere("line 18001: marked TLP:red"), "is named by its line");
	text_clear(&p.text);
	list_write(&p.text, "", "", 0, 11000);
	text_str(&p.text, "# TLP:RED");
	is_int(stream(&plain, NULL, &p), ERR_NOT_ALLOWED, "also on a last line without an end");
	ok(said_anywhere("line 22001: marked TLP:red"), "is named");
	text_clear(&p.text);
}

static void a_line_longer_than_a_window_is_one_bad_line(void)
{
	struct import_options o = plain;
	struct pieces p = {0};
	size_t n = 3 * (size_t)WINDOW_BYTES + 12345;
	char *line = malloc(n);

	need(line);
	memset(line, 'y', n);
	text_str(&p.text, "before.example\n");
	text_add(&p.text, line, n);
	text_str(&p.text, ".example\nbehind.example\n");
	o.skip_rejected = true;
	is_int(stream(&o, "list", &p), ERR_OK, "read");
	is_int(imported.rejected_count, 1, "one line is rejected");
	is_int(imported.rejected[0].line, 2, "the second");
	is_int(imported.taken, 2, "those around it are read");
	is_int(stream(&plain, "list", &p), ERR_NOT_ALLOWED, "nothing is shared unasked");
	text_clear(&p.text);
	text_str(&p.text, "before.example\n");
	text_add(&p.text, line, n);
	is_int(stream(&o, "list", &p), ERR_OK, "one without an end");
	is_int(imported.rejected_count, 1, "is rejected once");
	text_clear(&p.text);
	free(line);
}

static void a_source_that_fails_shares_nothing(void)
{
	static const size_t places[] = {1, WINDOW_BYTES - 1, WINDOW_BYTES, WINDOW_BYTES + 1000000};
	struct pieces p = {0};

	list_write(&p.text, "", "", 0, 11000);
	for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
		p.fails = places[i];
		is_int(stream(&plain, NULL, &p), ERR_IO, "after %zu bytes", p.fails);
		ok(said_anywhere("the disk has gone"), "with its words");
		is_int(imported.part_count, 0, "no parts");
	}
	text_clear(&p.text);
}

static void what_is_not_of_lines_is_read_whole(void)
{
	struct pieces p = {0};
	size_t n = 0;

	text_str(&p.text, "{\"type\":\"bundle\",\"id\":\"bundle--00000000-0000-4000-8000-"
			  "000000000000\",\"objects\":[");
	for (; p.text.length < WINDOW_BYTES + 1000000; n++)
		text_format(
			&p.text,
			"%s{\"type\":\"indicator\",\"spec_version\":\"2.1\",\"id\":"
			"\"indicator--00000000-0000-4000-8000-%012zu\",\"created\":"
			"\"2026-11-01T00:00:00.000Z\",\"modified\":\"2026-11-01T00:00:00.000Z\""
			",\"pattern_type\":\"stix\",\"valid_from\":\"2026-11-01T00:00:00Z\","
			"\"description\":\"%0900d\",\"pattern\":\"[ipv4-addr:value = '1.2.3.4']\"}",
			n ? "," : "", n, 7);
	text_str(&p.text, "]}");
	is_int(stream(&plain, NULL, &p), ERR_OK, "a bundle of %zu bytes", p.text.length);
	is_int(parts_valid(), (long long)n, "all its objects");
	text_clear(&p.text);
}

/* How many parts stand in the file so that it alone tells what they say. */
static size_t readable_parts(void)
{
	uint8_t *file = malloc(imported.used + 1);
	size_t readable = 0;

	need(file && pread(imported.spool, file, imported.used, 0) == (ssize_t)imported.used);
	for (size_t n = 0; n < imported.part_count; n++) {
		const struct part *p = &imported.parts[n];
		char *text = NULL;
		size_t length;
		if (!p->text && body_unpack(&text, &length, file + p->at, p->packed) == ERR_OK)
			readable++;
		free(text);
	}
	free(file);
	return readable;
}

static void what_is_too_much_for_memory_is_kept_in_a_file(void)
{
	struct pieces p = {0};
	size_t objects = 0, spooled = 0, wrong = 0;

	for (int i = 0; i < 140000; i++)
		text_format(&p.text, "h%d.of-a-list-that-is-large.example\n", i);
	is_int(stream(&plain, NULL, &p), ERR_OK, "140,000 values");
	ok(imported.bytes > PARTS_HELD_BYTES && imported.held <= PARTS_HELD_BYTES, "are too much");
	for (size_t n = 0; n < imported.part_count; n++) {
		struct slice text;
		struct bundle *b;
		char *owned;
		need(import_part(&imported, n, &text, &owned) == ERR_OK);
		spooled += owned != NULL;
		need(bundle_read(&b, text.at, text.length, BUNDLE_OBJECTS_MAX, NULL) == ERR_OK);
		wrong += text.length != imported.parts[n].length;
		objects += imported.parts[n].objects;
		wrong += bundle_count(b) != imported.parts[n].objects + 2;
		bundle_free(b);
		free(owned);
	}
	ok(spooled > 0 && spooled < imported.part_count, "%zu parts are in the file", spooled);
	is_int(readable_parts(), 0, "of which nobody else can read any");
	is_int(objects, 140000, "objects");
	is_int(wrong, 0, "every bundle is whole");
	text_clear(&p.text);
}

int main(void)
{
	need(sodium_init() >= 0);
	RUN(a_long_list_is_read_to_its_end);
	RUN(layouts_hold_beyond_the_first_window);
	RUN(a_place_far_behind_is_named);
	RUN(a_line_longer_than_a_window_is_one_bad_line);
	RUN(a_source_that_fails_shares_nothing);
	RUN(what_is_not_of_lines_is_read_whole);
	RUN(what_is_too_much_for_memory_is_kept_in_a_file);
	forget();
	return tap_done();
}
