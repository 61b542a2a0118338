#include "node/format/lines.h"

#include "node/format/stream.h"

#include <string.h>
#include <strings.h>
#include <unistr.h>

struct lines lines_of(const struct import *i, const char *bytes, size_t n)
{
	return (struct lines){.at = bytes, .end = bytes + n, .more = i->stream};
}

struct lines lines_ahead(const struct lines *s)
{
	return (struct lines){.at = s->at, .end = s->end, .number = s->number};
}

bool line_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

struct line line_trimmed(struct line l)
{
	while (l.length && line_blank(*l.at)) {
		l.at++;
		l.length--;
	}
	while (l.length && line_blank(l.at[l.length - 1]))
		l.length--;
	return l;
}

struct line line_uncommented(struct line l)
{
	for (size_t i = 1; i < l.length; i++) {
		if ((l.at[i] == '#' || l.at[i] == ';') && line_blank(l.at[i - 1])) {
			l.length = i;
			break;
		}
	}
	return line_trimmed(l);
}

bool line_next(struct lines *s, struct line *out)
{
	const char *newline, *stop;

	if (s->more)
		stream_line(s->more, s);
	if (s->at >= s->end)
		return false;
	newline = memchr(s->at, '\n', (size_t)(s->end - s->at));
	stop = newline ? newline : s->end;
	*out = (struct line){s->at, (size_t)(stop - s->at), ++s->number};
	s->at = newline ? newline + 1 : s->end;
	while (out->length && line_blank(out->at[out->length - 1]))
		out->length--;
	return true;
}

bool line_next_said(struct lines *s, struct line *out)
{
	while (line_next(s, out)) {
		*out = line_trimmed(*out);
		if (out->length && *out->at != '#' && *out->at != ';' &&
		    !(out->length > 1 && out->at[0] == '/' && out->at[1] == '/'))
			return true;
	}
	return false;
}

const char *line_bad(struct line l)
{
	if (l.length > IMPORT_LINE_MAX_BYTES)
		return "a line of more than 64 KiB";
	if (u8_check((const uint8_t *)l.at, l.length))
		return "not UTF-8";
	return NULL;
}

static bool quote(char c)
{
	return c == '"' || c == '\'' || c == '`';
}

bool field_plain(char *out, size_t size, struct line l)
{
	size_t n = 0;

	l = line_trimmed(l);
	if (l.length > 1 && quote(*l.at) && l.at[l.length - 1] == *l.at) {
		l.at++;
		l.length -= 2;
	}
	for (size_t i = 0; i < l.length; i++) {
		if (n + 1 >= size || !l.at[i])
			return false;
		out[n++] = l.at[i];
		/* CSV doubles a quote that is meant. */
		if (l.at[i] == '"' && i + 1 < l.length && l.at[i + 1] == '"')
			i++;
	}
	out[n] = '\0';
	return true;
}

size_t fields_split(struct line l, char delimiter, struct line fields[FIELDS_MAX])
{
	size_t count = 0, start = 0;
	bool quoted = false;

	for (size_t i = 0; i <= l.length; i++) {
		if (i < l.length && l.at[i] == '"')
			quoted = !quoted;
		if (i < l.length && (l.at[i] != delimiter || quoted))
			continue;
		if (count == FIELDS_MAX)
			return 0;
		fields[count++] = (struct line){l.at + start, i - start, l.number};
		start = i + 1;
	}
	return quoted ? 0 : count;
}

size_t words_split(struct line l, struct line words[FIELDS_MAX])
{
	size_t count = 0, i = 0;

	while (i < l.length) {
		size_t start;
		while (i < l.length && line_blank(l.at[i]))
			i++;
		start = i;
		while (i < l.length && !line_blank(l.at[i]))
			i++;
		if (i == start)
			break;
		if (count < FIELDS_MAX)
			words[count] = (struct line){l.at + start, i - start, l.number};
		count++;
	}
	return count;
}

bool field_is(struct line l, const char *word)
{
	return l.length == strlen(word) && strncasecmp(l.at, word, l.length) == 0;
}
