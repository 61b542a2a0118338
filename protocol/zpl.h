/* ZPL, the text format of topologies, cards and configurations, read strictly.  SPEC.md 4.1.
 *
 * What this reader accepts means the same to czmq's zconfig (a test compares them).  zconfig itself
 * is not used, because the text comes from strangers: it stops at the first mistake, says what it
 * found on standard error, keeps no line numbers, accepts duplicate names and takes quadratic time
 * and a stack frame for every sibling.
 *
 * It knows the form of lines and nothing of what they mean. */
#ifndef PROTOCOL_ZPL_H
#define PROTOCOL_ZPL_H

#include <stdbool.h>
#include <stddef.h>

#include "protocol/error.h"
#include "protocol/report.h"

enum {
	ZPL_MAX_BYTES = 1 << 20,
	ZPL_LINES_MAX = 65536,
	ZPL_LINE_MAX_BYTES = 1000,
	ZPL_LEVELS_MAX = 8,
	ZPL_PATH_BYTES = 512,
};

struct zpl_item {
	const char *name;  /* never NULL */
	const char *value; /* NULL for a section: a line without "=" */
	bool broken;       /* its line was reported: the value is unknown, say no more about it */
	unsigned line;     /* from 1 */
	unsigned last;     /* line of the last item below it, or its own */
	struct zpl_item *parent, *child, *next; /* NULL where there is none */
};

struct zpl;

/* Reads n bytes.  Every problem goes into report with its line; siblings of one name are problems.
 * On ERR_FORMAT *z is what could be understood nevertheless, without the later one of duplicates,
 * so that a caller can go on and name everything at once; NULL where that makes no sense, and on
 * ERR_LIMIT and ERR_MEMORY.  The caller frees *z with zpl_free() in every case. */
enum err zpl_parse(struct zpl **z, const char *text, size_t n, struct report *report);
void zpl_free(struct zpl *z);

/* The first item of the outermost level; the others follow by `next`.  NULL when there is none. */
const struct zpl_item *zpl_first(const struct zpl *z);
/* The outermost item, or the item below parent, with that name; or NULL. */
const struct zpl_item *zpl_find(const struct zpl *z, const char *name);
const struct zpl_item *zpl_child(const struct zpl_item *parent, const char *name);

/* Where an item stands, as people say it: "node punjab: reports-to", "federation: version". */
char *zpl_path(char out[ZPL_PATH_BYTES], const struct zpl_item *item);

#endif
