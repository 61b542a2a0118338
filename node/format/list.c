/* Lists: one value a line, or CSV; comments, decoration and the column are found. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "node/format/import.h"
#include "node/format/lines.h"

/* Names that feeds give to the column that holds the value. */
static const char *const value_headers[] = {
	"ioc",         "ioc_value",   "indicator",   "value",    "observable", "ip",
	"ip_address",  "ipaddress",   "ipv4",        "ipv6",     "dst_ip",     "dstip",
	"src_ip",      "srcip",       "network",     "cidr",     "ip_cidr",    "url",
	"domain",      "domain_name", "host",        "hostname", "fqdn",       "email",
	"hash",        "md5",         "md5_hash",    "sha1",     "sha1_hash",  "sha256",
	"sha256_hash", "sha512",      "sha512_hash", "address",  "entry",      "data",
};

struct list {
	struct lines lines;
	char delimiter; /* 0: one value a line */
	long column;    /* of the value, from 0; -1: not known */
};

static bool field_detect(struct observable *o, struct line field, const char **why)
{
	char text[2 * OBSERVABLE_MAX_BYTES];

	if (!field_plain(text, sizeof text, field)) {
		*why = memchr(field.at, '\0', field.length) ? "a NUL byte" : "too long for a value";
		return false;
	}
	return observable_detect(o, text, why) == ERR_OK;
}

static bool header_known(struct line field)
{
	char text[64];

	if (!field_plain(text, sizeof text, field))
		return false;
	for (size_t h = 0; h < sizeof value_headers / sizeof *value_headers; h++) {
		if (strcasecmp(text, value_headers[h]) == 0)
			return true;
	}
	return false;
}

/* Looks at the first rows without moving: is it CSV, and which column holds the values? */
static void layout_find(struct list *s)
{
	static const char delimiters[] = "\t,;|";
	struct lines ahead = lines_ahead(&s->lines);
	struct line l, fields[FIELDS_MAX];
	size_t sample = 0, whole = 0, rows[sizeof delimiters] = {0}, best = 0;
	struct observable o;
	const char *why;

	while (sample < SAMPLE_LINES && line_next_said(&ahead, &l)) {
		sample++;
		whole += field_detect(&o, line_uncommented(l), &why);
		for (size_t d = 0; delimiters[d]; d++)
			rows[d] += fields_split(l, delimiters[d], fields) > 1;
	}
	if (2 * whole >= sample)
		return;
	for (size_t d = 1; delimiters[d]; d++)
		best = rows[d] > rows[best] ? d : best;
	if (rows[best])
		s->delimiter = delimiters[best];
}

/* The column with the most values in the first rows; the leftmost of equals. */
static void column_find(struct list *s)
{
	struct lines ahead = lines_ahead(&s->lines);
	struct line l, fields[FIELDS_MAX];
	size_t values[FIELDS_MAX] = {0}, sample = 0;
	struct observable o;
	const char *why;

	while (sample++ < SAMPLE_LINES && line_next_said(&ahead, &l)) {
		size_t n = fields_split(l, s->delimiter, fields);

		for (size_t f = 0; f < n; f++)
			values[f] += field_detect(&o, fields[f], &why);
	}
	s->column = 0;
	for (long f = 1; f < FIELDS_MAX; f++) {
		if (values[f] > values[s->column])
			s->column = f;
	}
}

/* True when the row is the header.  Sets the column when the option names it. */
static bool header_read(struct list *s, const struct import *i, const struct line *fields, size_t n)
{
	char text[LABEL_MAX_BYTES];
	bool header = false;

	for (size_t f = 0; f < n; f++) {
		header = header || header_known(fields[f]);
		if (i->options.column && field_plain(text, sizeof text, fields[f]) &&
		    strcasecmp(text, i->options.column) == 0) {
			s->column = (long)f;
			return true;
		}
	}
	return header;
}

/* What is wrong with a line that is no value, in better words where a hosts file is meant. */
static const char *line_reason(struct line l, const char *why)
{
	size_t word = 0;
	char first[64];
	struct observable o;
	const char *ignored;

	while (word < l.length && !line_blank(l.at[word]))
		word++;
	if (word == l.length || word >= sizeof first)
		return why;
	memcpy(first, l.at, word);
	first[word] = '\0';
	if (observable_detect(&o, first, &ignored) == ERR_OK &&
	    (o.type == OBSERVABLE_IPV4 || o.type == OBSERVABLE_IPV6))
		return "an address and more; of a hosts file, list the names alone";
	return why;
}

enum err import_value(struct import *i, const char *text, size_t number)
{
	struct observable o;
	const char *why;

	i->read++;
	if (observable_detect(&o, text, &why) != ERR_OK)
		return import_reject(i, "value", number, text, strlen(text), why);
	return value_add(i, &o, NULL);
}

/* The part of the line that holds the value; false with a reason when there is none. */
static bool value_field(const struct list *s, struct line l, struct line *field, const char **why)
{
	struct line fields[FIELDS_MAX];
	size_t n;

	if (!s->delimiter) {
		*field = line_uncommented(l);
		return true;
	}
	n = fields_split(l, s->delimiter, fields);
	if (n == 0)
		*why = "a quote that does not end on its line, or more than 64 columns";
	else if ((size_t)s->column >= n)
		*why = "fewer columns than the value's";
	else
		*field = fields[s->column];
	return n > (size_t)s->column;
}

static enum err line_read(struct import *i, const struct list *s, struct line l, const char *name)
{
	struct line field;
	struct observable o;
	const char *why = NULL;

	i->read++;
	why = line_bad(l);
	if (why)
		return import_reject(i, name, l.number, l.at, l.length, why);
	if (!value_field(s, l, &field, &why))
		return import_reject(i, name, l.number, l.at, l.length, why);
	if (!field_detect(&o, field, &why))
		return import_reject(i, name, l.number, l.at, l.length,
				     s->delimiter ? why : line_reason(field, why));
	return value_add(i, &o, NULL);
}

/* Reads the first row for a header and settles the column. */
static enum err layout_read(struct list *s, const struct import *i, const char *name,
			    struct report *report)
{
	struct line l, fields[FIELDS_MAX];
	struct lines ahead = lines_ahead(&s->lines);
	size_t n;

	layout_find(s);
	if (i->options.column && !s->delimiter)
		s->delimiter = ',';
	if (!line_next_said(&ahead, &l)) {
		report_add(report, "%s: no values in it", name);
		return ERR_NOT_FOUND;
	}
	n = s->delimiter ? fields_split(l, s->delimiter, fields) : 1;
	if (!s->delimiter)
		fields[0] = l;
	if (header_read(s, i, fields, n)) {
		s->lines.at = ahead.at;
		s->lines.number = ahead.number;
	}
	if (i->options.column && s->column < 0) {
		char *end;

		s->column = strtol(i->options.column, &end, 10) - 1;
		if (*end || s->column < 0 || s->column >= FIELDS_MAX) {
			report_add(report, "%s: no column named \"%s\"", name, i->options.column);
			return ERR_NOT_FOUND;
		}
	}
	if (s->delimiter && s->column < 0)
		column_find(s);
	return ERR_OK;
}

enum err import_list(struct import *i, const char *bytes, size_t n, const char *name,
		     struct report *report)
{
	struct list s = {.lines = lines_of(i, bytes, n), .column = -1};
	struct line l;
	enum err err = layout_read(&s, i, name, report);

	while (!err && line_next_said(&s.lines, &l))
		err = line_read(i, &s, l, name);
	return err;
}
