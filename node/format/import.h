/* What the importers share: making indicators, filling bundles, counting.  Only for node/format/.
 */
#ifndef NODE_FORMAT_IMPORT_H
#define NODE_FORMAT_IMPORT_H

#include "node/format/format.h"

typedef enum err import_fn(struct import *i, const char *bytes, size_t n, const char *name,
			   struct report *report);
import_fn import_stix, import_misp, import_list;

/* Everything that makes one indicator different from the next; NULL or 0 where there is none. */
struct indicator {
	const char *uuid; /* of the indicator */
	const char *name, *description;
	const char *pattern, *pattern_type; /* "stix" or another of STIX's */
	uint64_t created, valid_from;       /* ms */
	unsigned valid_days;                /* unless the options say otherwise */
	const char *const *labels;          /* besides those of the options */
	size_t label_count;
};

/* Adds it to the bundle being filled, which is closed first when it is full.  ERR_EXISTS when this
 * import has that uuid already. */
enum err indicator_add(struct import *i, const struct indicator *indicator);

/* Adds a finished object, its text borrowed; id is "<type>--<uuid>". */
enum err object_add(struct import *i, const char *id, const struct text *object);

/* Appends the id of the identity that what is made here is of. */
void object_author(struct text *t, const struct import *i);

/* Ends the bundle being filled, if any. */
enum err bundle_close(struct import *i);

/* Has closing called before a bundle is closed, to write one object that speaks of the n others in
 * it, whose ids are in order.  NULL to stop. */
typedef void bundle_closing_fn(struct import *i, void *arg, struct text *object,
			       const char (*ids)[60], size_t n);
void bundle_closing(struct import *i, bundle_closing_fn *closing, void *arg);

/* Appends a finished bundle; text is taken over.  ERR_LIMIT when a body cannot hold it. */
enum err part_add(struct import *i, struct text *text, size_t objects);

struct writer_state *writer_new(const struct import_options *options);
void writer_free(struct writer_state *w);

/* The members that every object made here starts with, from "{" to "modified", without a comma
 * behind it. */
void object_start(struct text *t, const struct import *i, const char *type, const char *uuid,
		  uint64_t created);
/* "object_marking_refs" and the closing brace. */
void object_end(struct text *t, const struct import *i);
/* ,"labels":[...] of the options and these, or nothing. */
void object_labels(struct text *t, const struct import *i, const char *const *labels, size_t n);

/* Remembers a line that cannot be read; the text need not be UTF-8. */
enum err import_reject(struct import *i, const char *input, size_t line, const char *text, size_t n,
		       const char *reason);
/* Counts one more of what was left out or carried as context. */
enum err import_count(struct import *i, const char *what);

#endif
