/* Sentences for people: what is wrong, where, why, and what to do.
 *
 * A report collects any number of problems, so that an operator sees all of them at once.  It is
 * passed down by whoever wants words; NULL means that nobody does.  It never ends the program and
 * never prints. */
#ifndef PROTOCOL_REPORT_H
#define PROTOCOL_REPORT_H

#include <stdbool.h>
#include <stddef.h>

enum { REPORT_LINES_MAX = 1000 };

struct report {
	char **lines; /* owned; each without a newline */
	size_t count; /* lines kept */
	size_t total; /* lines said, kept or not */
};

void report_init(struct report *r);
void report_clear(struct report *r);

/* Adds one formatted line; NULL r and failed allocations are accepted (the line is then only
 * counted). */
void report_add(struct report *r, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The first line, or "" when there is none. */
const char *report_first(const struct report *r);

/* Of the n words, the one nearest to word by edit distance when near enough to be meant, else NULL.
 */
const char *report_nearest(const char *word, const char *const *words, size_t n);

#endif
