#include "protocol/report.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void report_init(struct report *r)
{
	*r = (struct report){0};
}

void report_clear(struct report *r)
{
	for (size_t i = 0; i < r->count; i++)
		free(r->lines[i]);
	free(r->lines);
	*r = (struct report){0};
}

static bool report_grow(struct report *r)
{
	/* Capacity is implied: the array is full at every power of two. */
	if (r->count & (r->count - 1))
		return true;
	size_t want = r->count ? 2 * r->count : 1;
	char **lines = realloc(r->lines, want * sizeof *lines);
	if (!lines)
		return false;
	r->lines = lines;
	return true;
}

void report_add(struct report *r, const char *format, ...)
{
	va_list args;
	char *line = NULL;
	int n;

	if (!r)
		return;
	r->total++;
	if (r->count >= REPORT_LINES_MAX || !report_grow(r))
		return;
	va_start(args, format);
	n = vsnprintf(NULL, 0, format, args);
	va_end(args);
	if (n >= 0)
		line = malloc((size_t)n + 1);
	if (!line)
		return;
	va_start(args, format);
	vsnprintf(line, (size_t)n + 1, format, args);
	va_end(args);
	r->lines[r->count++] = line;
}

const char *report_first(const struct report *r)
{
	return r && r->count ? r->lines[0] : "";
}

enum { NEAR_WORD_MAX = 63 };

/* Levenshtein's distance, one row at a time. */
static size_t distance(const char *a, const char *b)
{
	size_t row[NEAR_WORD_MAX + 1], n = strlen(b);

	for (size_t j = 0; j <= n; j++)
		row[j] = j;
	for (size_t i = 1; a[i - 1]; i++) {
		size_t diagonal = row[0];
		row[0] = i;
		for (size_t j = 1; j <= n; j++) {
			size_t best = diagonal + (a[i - 1] != b[j - 1]);
			if (row[j] + 1 < best)
				best = row[j] + 1;
			if (row[j - 1] + 1 < best)
				best = row[j - 1] + 1;
			diagonal = row[j];
			row[j] = best;
		}
	}
	return row[n];
}

const char *report_nearest(const char *word, const char *const *words, size_t n)
{
	size_t length = strlen(word), best = length / 3 + 2;
	const char *nearest = NULL;

	if (length > NEAR_WORD_MAX)
		return NULL;
	for (size_t i = 0; i < n; i++) {
		size_t d;
		if (strlen(words[i]) > NEAR_WORD_MAX)
			continue;
		d = distance(word, words[i]);
		if (d < best) {
			best = d;
			nearest = words[i];
		}
	}
	return nearest;
}
