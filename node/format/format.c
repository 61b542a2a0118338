#include "node/format/format.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistr.h>

#include "node/format/import.h"
#include "node/format/stream.h"

enum { KEPT_TEXT_BYTES = 200 };

static const struct {
	const char *name;
	import_fn *read;
	bool (*looks_text)(const char *bytes, size_t n);
	bool (*looks_json)(const cJSON *first); /* the first object */
} formats[] = {
	{"stix", import_stix, NULL, looks_stix},
	{"misp", import_misp, NULL, looks_misp},
	{"intelmq", import_intelmq, NULL, looks_intelmq},
	{"idea", import_idea, NULL, looks_idea},
	{"abusech", import_abusech, looks_abusech, NULL},
	{"zeek", import_zeek, looks_zeek, NULL},
	{"rpz", import_rpz, looks_rpz, NULL},
	{"hosts", import_hosts, looks_hosts, NULL},
	/* Whatever no other format claims; text is only read when it is asked for. */
	{"list", import_list, NULL, NULL},
	{"text", import_text, NULL, NULL},
};

enum { FORMATS = sizeof formats / sizeof *formats };

const char *format_name(size_t number)
{
	return number < FORMATS ? formats[number].name : NULL;
}

static bool option_text_valid(const char *text, size_t max)
{
	size_t n = text ? strlen(text) : 0;

	return n > 0 && n <= max && !u8_check((const uint8_t *)text, n);
}

static enum err options_check(const struct import_options *o, struct report *report)
{
	bool bad = false;

	if (!o->node || !name_valid(o->node)) {
		report_add(report, "the node's name is not 1 to 31 of a-z, 0-9 and -");
		bad = true;
	}
	if (o->title && !option_text_valid(o->title, LABEL_MAX_BYTES)) {
		report_add(report, "the title is not 1 to %d bytes of UTF-8", LABEL_MAX_BYTES);
		bad = true;
	}
	if (o->label_count > LABELS_MAX) {
		report_add(report, "more than %d labels", LABELS_MAX);
		return ERR_FORMAT;
	}
	for (size_t l = 0; l < o->label_count; l++) {
		if (!option_text_valid(o->labels[l], LABEL_MAX_BYTES)) {
			report_add(report, "label %zu is not 1 to %d bytes of UTF-8", l + 1,
				   LABEL_MAX_BYTES);
			bad = true;
		}
	}
	if (o->valid_days > VALID_DAYS_MAX) {
		report_add(report, "valid for %u days; at most %d", o->valid_days, VALID_DAYS_MAX);
		bad = true;
	}
	if (o->confidence < -1 || o->confidence > 100) {
		report_add(report, "confidence %d is not between 0 and 100", o->confidence);
		bad = true;
	}
	return bad ? ERR_FORMAT : ERR_OK;
}

enum err import_init(struct import *i, const struct import_options *options, struct report *report)
{
	enum err err = options_check(options, report);

	*i = (struct import){.options = *options};
	if (err)
		return err;
	i->writer = writer_new(options);
	return i->writer ? ERR_OK : ERR_MEMORY;
}

void import_clear(struct import *i)
{
	size_t kept = i->rejected_count < REJECTED_KEPT_MAX ? i->rejected_count : REJECTED_KEPT_MAX;

	parts_clear(i);
	for (size_t r = 0; i->rejected && r < kept; r++) {
		free(i->rejected[r].input);
		free(i->rejected[r].text);
	}
	free(i->rejected);
	for (size_t c = 0; c < i->count_count; c++)
		free(i->counts[c].what);
	free(i->counts);
	writer_free(i->writer);
	*i = (struct import){0};
}

/* What people can read of n bytes that may be anything. */
static char *printable(const char *text, size_t n)
{
	size_t kept = n < KEPT_TEXT_BYTES ? n : KEPT_TEXT_BYTES;
	char *copy = malloc(kept + 1);

	if (!copy)
		return NULL;
	/* Do not cut a character in two. */
	while (kept < n && kept > 0 && ((unsigned char)text[kept] & 0xc0) == 0x80)
		kept--;
	for (size_t k = 0; k < kept; k++)
		copy[k] = (char)((unsigned char)text[k] < 0x20 || text[k] == 0x7f ? '?' : text[k]);
	copy[kept] = '\0';
	for (const uint8_t *bad; (bad = u8_check((uint8_t *)copy, kept)) != NULL;)
		copy[(const char *)bad - copy] = '?';
	return copy;
}

enum err import_reject(struct import *i, const char *input, size_t line, const char *text, size_t n,
		       const char *reason)
{
	struct rejected r = {.line = line, .reason = reason};

	if (i->rejected_count >= REJECTED_KEPT_MAX) {
		i->rejected_count++;
		return ERR_OK;
	}
	if (!i->rejected)
		i->rejected = calloc(REJECTED_KEPT_MAX, sizeof *i->rejected);
	r.input = strdup(input);
	r.text = printable(text, n);
	if (!i->rejected || !r.input || !r.text) {
		free(r.input);
		free(r.text);
		return ERR_MEMORY;
	}
	i->rejected[i->rejected_count++] = r;
	return ERR_OK;
}

enum err import_count(struct import *i, const char *what)
{
	struct import_count *counts;

	for (size_t c = 0; c < i->count_count; c++) {
		if (strcmp(i->counts[c].what, what) == 0) {
			i->counts[c].count++;
			return ERR_OK;
		}
	}
	counts = realloc(i->counts, (i->count_count + 1) * sizeof *counts);
	if (!counts)
		return ERR_MEMORY;
	i->counts = counts;
	counts[i->count_count] = (struct import_count){strdup(what), 1};
	if (!counts[i->count_count].what)
		return ERR_MEMORY;
	i->count_count++;
	return ERR_OK;
}

enum err import_leave(struct import *i, const char *what)
{
	i->read++;
	i->context++;
	return import_count(i, what);
}

/* Words for what is not text that can be read here, or NULL. */
static const char *foreign(const char *bytes, size_t n)
{
	static const struct {
		const char *magic;
		size_t n;
		const char *words;
	} kinds[] = {
		{"\x1f\x8b", 2, "compressed by gzip; unpack it first"},
		{"PK\x03\x04", 4, "a zip archive; unpack it first"},
		{"\x28\xb5\x2f\xfd", 4, "compressed by zstd; unpack it first"},
		{"BZh", 3, "compressed by bzip2; unpack it first"},
		{"\xfd"
		 "7zXZ",
		 5, "compressed by xz; unpack it first"},
		{"\xff\xfe", 2, "UTF-16; save it as UTF-8"},
		{"\xfe\xff", 2, "UTF-16; save it as UTF-8"},
	};

	if (n == 0)
		return "empty";
	if (n > IMPORT_MAX_BYTES)
		return "larger than 256 MiB; split it";
	for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++) {
		if (n >= kinds[k].n && memcmp(bytes, kinds[k].magic, kinds[k].n) == 0)
			return kinds[k].words;
	}
	return NULL;
}

/* A byte order mark at the start says nothing that UTF-8 needs; Windows writes it. */
static void mark_skip(const char **bytes, size_t *n)
{
	if (*n >= 3 && memcmp(*bytes, "\xef\xbb\xbf", 3) == 0) {
		*bytes += 3;
		*n -= 3;
	}
}

static bool json_text(const char *bytes, size_t n)
{
	size_t at = 0;

	while (at < n && strchr(" \t\r\n", bytes[at]) && bytes[at])
		at++;
	if (at < n && bytes[at] == '{')
		return true;
	/* A list may start with an address in brackets. */
	if (at == n || bytes[at] != '[')
		return false;
	for (at++; at < n && strchr(" \t\r\n", bytes[at]) && bytes[at];)
		at++;
	return at == n || bytes[at] == '{' || bytes[at] == ']';
}

bool looks_stix(const cJSON *first)
{
	const char *type = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(first, "type"));

	return type && strcmp(type, "bundle") == 0;
}

bool looks_misp(const cJSON *first)
{
	return cJSON_HasObjectItem(first, "Event") || cJSON_HasObjectItem(first, "response");
}

/* All of it, or the first line where there is an object on each. */
static enum err json_first(cJSON **json, const char *bytes, size_t n, struct report *report)
{
	const char *newline = memchr(bytes, '\n', n);
	enum err err = json_parse(json, bytes, n, report);

	if (err && newline && json_parse(json, bytes, (size_t)(newline - bytes), NULL) == ERR_OK) {
		if (cJSON_IsObject(*json))
			return ERR_OK;
		cJSON_Delete(*json);
	}
	return err;
}

static const char *json_detect(const char *bytes, size_t n, const char *name, struct report *report)
{
	struct report json_report;
	const char *found = NULL;
	const cJSON *first;
	cJSON *json;
	enum err err;

	report_init(&json_report);
	err = json_first(&json, bytes, n, &json_report);
	if (err)
		report_add(report, "%s: %s", name, report_first(&json_report));
	report_clear(&json_report);
	if (err)
		return NULL;
	first = cJSON_IsArray(json) ? json->child : json;
	for (size_t f = 0; f < FORMATS && !found; f++) {
		if (formats[f].looks_json && formats[f].looks_json(first))
			found = formats[f].name;
	}
	/* A list of what is no event of others was meant as one of MISP's. */
	if (!found && cJSON_IsArray(json))
		found = "misp";
	if (!found)
		report_add(report,
			   "%s: JSON, but neither a STIX bundle nor an event of MISP, IntelMQ or "
			   "IDEA%s%s%s",
			   name, json->child && json->child->string ? " (its first key is \"" : "",
			   json->child && json->child->string ? json->child->string : "",
			   json->child && json->child->string ? "\")" : "");
	cJSON_Delete(json);
	return found;
}

const char *format_detect(const char *bytes, size_t n, const char *name, struct report *report)
{
	const char *words = foreign(bytes, n);

	if (words) {
		report_add(report, "%s: %s", name, words);
		return NULL;
	}
	mark_skip(&bytes, &n);
	if (json_text(bytes, n))
		return json_detect(bytes, n, name, report);
	for (size_t f = 0; f < FORMATS; f++) {
		if (formats[f].looks_text && formats[f].looks_text(bytes, n))
			return formats[f].name;
	}
	return "list";
}

/* The name of the format to read it in; NULL, with words. */
static const char *format_choose(const struct import *i, const char *format, const char *bytes,
				 size_t n, const char *name, struct report *report)
{
	const char *words = foreign(bytes, n);

	if (!format) {
		format = format_detect(bytes, n, name, report);
		/* Who names a column wants that one, whatever feed it looks like. */
		return format && i->options.column && strcmp(format, "abusech") == 0 ? "list"
										     : format;
	}
	if (words)
		report_add(report, "%s: %s", name, words);
	return words ? NULL : format;
}

static enum err input_read(struct import *i, const char *format, const char *bytes, size_t n,
			   const char *name, struct report *report)
{
	format = format_choose(i, format, bytes, n, name, report);
	if (!format)
		return ERR_FORMAT;
	mark_skip(&bytes, &n);
	for (size_t f = 0; f < FORMATS; f++) {
		enum err err = ERR_OK;
		if (strcmp(format, formats[f].name) != 0)
			continue;
		/* A stream does it as it goes. */
		if (!formats[f].looks_json && !i->stream)
			err = text_tlp(i, bytes, n, 1, name, report);
		i->foreign = i->foreign || formats[f].read == import_stix ||
			     formats[f].read == import_misp;
		return err ? err : formats[f].read(i, bytes, n, name, report);
	}
	report_add(report, "no format named \"%s\"", format);
	return ERR_UNSUPPORTED;
}

enum err import_read(struct import *i, const char *format, const char *bytes, size_t n,
		     const char *name, struct report *report)
{
	enum err err = input_read(i, format, bytes, n, name, report);

	if (err)
		i->failed = err;
	return err;
}

/* Is it read line by line? */
static bool of_lines(const char *format, const char *bytes, size_t n)
{
	if (!format) {
		mark_skip(&bytes, &n);
		return !json_text(bytes, n);
	}
	for (size_t f = 0; f < FORMATS; f++)
		if (strcmp(format, formats[f].name) == 0)
			return !formats[f].looks_json && formats[f].read != import_text;
	return false;
}

/* What has begun in the window is read to its end. */
static enum err rest_read(const struct stream *st, char **bytes, size_t *n)
{
	/* One byte more than is allowed tells what is too long. */
	size_t size = IMPORT_MAX_BYTES + 1;
	ssize_t got = 1;

	*bytes = malloc(size);
	if (!*bytes)
		return ERR_MEMORY;
	memcpy(*bytes, st->window, st->filled);
	for (*n = st->filled; got > 0 && *n<size; *n += got> 0 ? (size_t)got : 0)
		got = st->read(st->arg, *bytes + *n, size - *n, st->report);
	return got < 0 ? ERR_IO : ERR_OK;
}

static enum err stream_read(struct import *i, struct stream *st, const char *format)
{
	size_t n = st->filled;
	char *bytes = NULL;
	enum err err;

	if (st->ended)
		return input_read(i, format, st->window, n, st->name, st->report);
	if (of_lines(format, st->window, n)) {
		i->stream = st;
		st->lines = true;
		stream_fill(st);
		err = input_read(i, format, st->window, n, st->name, st->report);
		i->stream = NULL;
		return st->e ? st->e : err;
	}
	err = rest_read(st, &bytes, &n);
	if (!err)
		err = input_read(i, format, bytes, n, st->name, st->report);
	free(bytes);
	return err;
}

enum err import_stream(struct import *i, const char *format, import_read_fn *read, void *arg,
		       const char *name, struct report *report)
{
	struct stream st = {.i = i,
			    .read = read,
			    .arg = arg,
			    .name = name,
			    .report = report,
			    .checked_line = 1,
			    .window = malloc(WINDOW_BYTES)};
	enum err err = st.window ? ERR_OK : ERR_MEMORY;

	if (!err) {
		stream_fill(&st);
		err = st.e ? st.e : stream_read(i, &st, format);
	}
	free(st.window);
	if (err)
		i->failed = err;
	return err;
}

static void rejected_report(const struct import *i, struct report *report)
{
	size_t kept = i->rejected_count < REJECTED_KEPT_MAX ? i->rejected_count : REJECTED_KEPT_MAX;

	for (size_t r = 0; r < kept; r++)
		report_add(report, "%s: line %zu: %s: \"%s\"", i->rejected[r].input,
			   i->rejected[r].line, i->rejected[r].reason, i->rejected[r].text);
	if (kept < i->rejected_count)
		report_add(report, "and %zu more", i->rejected_count - kept);
}

enum err import_finish(struct import *i, struct report *report)
{
	enum err err = i->failed ? i->failed : bundle_close(i);

	if (!err && i->rejected_count && !i->options.skip_rejected) {
		rejected_report(i, report);
		err = ERR_NOT_ALLOWED;
	}
	/* All or nothing needs counts that add up; a mistake of ours must not lose a value. */
	if (!err && i->read != i->taken + i->duplicates + i->context + i->rejected_count) {
		report_add(report,
			   "%zu read, but %zu taken, %zu merged, %zu context and %zu rejected: "
			   "please report this",
			   i->read, i->taken, i->duplicates, i->context, i->rejected_count);
		err = ERR_DAMAGED;
	}
	if (!err && i->part_count == 0 && !i->unchanged) {
		report_add(report, "nothing to share: %zu read, %zu rejected", i->read,
			   i->rejected_count);
		err = ERR_NOT_FOUND;
	}
	if (err)
		parts_clear(i);
	return err;
}
