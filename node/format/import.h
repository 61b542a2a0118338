/* What the importers share: making indicators, filling bundles, counting.  Only for node/format/.
 */
#ifndef NODE_FORMAT_IMPORT_H
#define NODE_FORMAT_IMPORT_H

#include "node/format/format.h"
#include "protocol/observable.h"

typedef enum err import_fn(struct import *i, const char *bytes, size_t n, const char *name,
			   struct report *report);
import_fn import_stix, import_misp, import_list, import_abusech, import_hosts, import_idea,
	import_intelmq, import_rpz, import_text, import_zeek;

/* Does the text, or its first object, look like it?  first may be NULL. */
bool looks_stix(const cJSON *first);
bool looks_misp(const cJSON *first);
bool looks_intelmq(const cJSON *first);
bool looks_idea(const cJSON *first);
bool looks_abusech(const char *bytes, size_t n);
bool looks_zeek(const char *bytes, size_t n);
bool looks_rpz(const char *bytes, size_t n);
bool looks_hosts(const char *bytes, size_t n);

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
 * import has that uuid already, or it is known. */
enum err indicator_add(struct import *i, const struct indicator *indicator);

/* Adds the indicator of one value, counted as taken or merged.  like has what is known of it beside
 * the value: created, valid_from, description, labels (the other members are not looked at); NULL
 * for nothing. */
enum err value_add(struct import *i, const struct observable *o, const struct indicator *like);

/* Adds the cyber-observable object of a value that is neither to detect nor to block but can be
 * looked up, if STIX has one; its uuid is that of "owner|object type|value". */
enum err observed_add(struct import *i, const char *owner, const struct observable *o);

/* Adds a finished object, its text borrowed; id is "<type>--<uuid>". */
enum err object_add(struct import *i, const char *id, const struct text *object);

/* Appends the id of the identity that what is made here is of. */
void object_author(struct text *t, const struct import *i);
/* Has the bundle that is being filled that object, or is it the author's own? */
bool object_is_there(const struct import *i, const char *id);

/* Ends the bundle being filled, if any. */
enum err bundle_close(struct import *i);

/* Has closing called before a bundle is closed, to write one object that speaks of the n others in
 * it, whose ids are in order.  NULL to stop. */
typedef void bundle_closing_fn(struct import *i, void *arg, struct text *object,
			       const char (*ids)[60], size_t n);
void bundle_closing(struct import *i, bundle_closing_fn *closing, void *arg);

/* Appends a finished bundle; text is taken over.  ERR_LIMIT when a body cannot hold it. */
enum err part_add(struct import *i, struct text *text, size_t objects);
void parts_clear(struct import *i);

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
/* Counts what is read and carried no further: one value of what was left out, and why. */
enum err import_leave(struct import *i, const char *what);
/* Counts one more of what was left out or carried as context. */
enum err import_count(struct import *i, const char *what);

/* Times as feeds write them, always UTC: "2026-11-21 22:00:00" and the like, in ms; what is known
 * instead where it is none. */
uint64_t time_read(const char *text, uint64_t otherwise);

#endif
