/* Text that is too long to be held whole: a window moves over it, line by line.  Only for
 * node/format/. */
#ifndef NODE_FORMAT_STREAM_H
#define NODE_FORMAT_STREAM_H

#include "node/format/lines.h"

/* What looks ahead sees the first window: it holds SAMPLE_LINES lines of any length that is read.
 */
enum { WINDOW_BYTES = 16 << 20 };

struct stream {
	struct import *i;     /* borrowed, as what follows */
	import_read_fn *read; /* see import_stream() */
	void *arg;
	const char *name;
	struct report *report;
	char *window; /* owned */
	size_t filled;
	size_t checked;      /* of window: lines whose TLP was looked at */
	size_t checked_line; /* their number */
	bool lines;          /* they are read one by one, and so looked at */
	bool ended;          /* nothing is left to be read */
	bool skipping;       /* the rest of a line that was too long */
	enum err e;          /* sticky: nothing more is read */
};

/* Reads as much as there is room for, and looks at the lines in it. */
void stream_fill(struct stream *st);
/* Makes a whole line stand at s->at, unless it is longer than a window or the last one. */
void stream_line(struct stream *st, struct lines *s);

/* SPEC 8.6: "What is text and names a TLP anywhere that is stricter than the message's is refused."
 * line: the number of the first. */
enum err text_tlp(const struct import *i, const char *bytes, size_t n, size_t line,
		  const char *name, struct report *report);

#endif
