/* Lines and the fields of rows, in place, for the formats that are text.  Only for node/format/. */
#ifndef NODE_FORMAT_LINES_H
#define NODE_FORMAT_LINES_H

#include "node/format/format.h"

enum { FIELDS_MAX = 64, SAMPLE_LINES = 200 };

/* Of a line, or of a part of one: borrowed, no NUL behind it. */
struct line {
	const char *at;
	size_t length;
	size_t number; /* from 1 */
};

struct stream;
struct lines {
	const char *at, *end;
	size_t number;
	struct stream *more; /* where what is behind end comes from; NULL: nothing is */
};

/* Those of the n bytes, and of what is behind them where the import reads a stream. */
struct lines lines_of(const struct import *i, const char *bytes, size_t n);
/* The same place, to look ahead without moving: no further than to the end of what is here. */
struct lines lines_ahead(const struct lines *s);

/* The next line, without white space at its end; false at the end of the text. */
bool line_next(struct lines *s, struct line *out);
/* The next one that says something: not blank, and no comment of a list (#, ;, //); without white
 * space around it. */
bool line_next_said(struct lines *s, struct line *out);

bool line_blank(char c);
struct line line_trimmed(struct line l);
/* Cuts a comment that follows white space; # also starts the fragment of a URL, ; a column. */
struct line line_uncommented(struct line l);
/* Why nobody should try to read it, or NULL. */
const char *line_bad(struct line l);

/* Splits a row; 0 when a quote does not end on its line or there are too many fields. */
size_t fields_split(struct line l, char delimiter, struct line fields[FIELDS_MAX]);
/* Splits at white space; returns how many words there are, of which FIELDS_MAX are written. */
size_t words_split(struct line l, struct line words[FIELDS_MAX]);
/* Writes a field without its quotes and white space; false when it is too long or holds a NUL. */
bool field_plain(char *out, size_t size, struct line l);
/* Is it that word, whatever the case? */
bool field_is(struct line l, const char *word);

#endif
