/* Importers: what feeds and colleagues send becomes STIX 2.1 bundles that are ready to be shared.
 *
 * They run in the command, with the rights of whoever typed it, never in the daemon: input is
 * hostile.  One table, one file per format:
 *
 *     stix     a STIX 2.1 bundle; its objects are kept byte for byte
 *     misp     a MISP event in any of its wrappers, or a folder of them (import_feed)
 *     intelmq  events of IntelMQ          idea   events of IDEA
 *     abusech  CSVs of abuse.ch           zeek   files of Zeek's intelligence framework
 *     rpz      response policy zones      hosts  hosts files that block
 *     list     one value a line, or CSV
 *     text     what a report in prose names; never recognised, only asked for
 *
 * An import is all or nothing: any rejected line fails import_finish() unless skip_rejected is set,
 * and what is read is either carried, merged or rejected, and counted as such.  Nothing is sent
 * here.
 *
 *     import_init(&i, &options, &report);
 *     import_read(&i, NULL, bytes, n, "feed.txt", &report);       any number of times
 *     import_finish(&i, &report);                                 then use i.parts
 *     import_clear(&i);
 */
#ifndef NODE_FORMAT_FORMAT_H
#define NODE_FORMAT_FORMAT_H

#include <sys/types.h>

#include "protocol/stix.h"

enum {
	IMPORT_MAX_BYTES = 256 << 20,     /* of one input */
	IMPORT_LINE_MAX_BYTES = 64 << 10, /* of one line of a list */
	PART_OBJECTS_MAX = 1000,          /* indicators in one bundle; scaffolding comes on top */
	PART_PLAIN_BYTES = 1000000,       /* fits a body even where nothing compresses */
	REJECTED_KEPT_MAX = 1000,
	LABELS_MAX = 64,
	LABEL_MAX_BYTES = 256,
	PARTS_HELD_BYTES = 64 << 20, /* of parts in memory; what is more is in a file */
	MET_MAX = 1 << 20,           /* ids that are remembered, to merge what comes again */
	NOTE_MAX_BYTES = 32 << 10,
	VALID_DAYS_MAX = 3650,
};

struct import_options {
	const char *node;          /* name of this CERT's node */
	const char *title;         /* what the CERT calls itself; NULL: its name */
	enum tlp tlp;              /* of the message: no object may be stricter */
	const char *const *labels; /* added to every indicator made here */
	size_t label_count;
	unsigned valid_days;                 /* 0: by type of value */
	int confidence;                      /* 0 to 100; -1: none */
	uint64_t now;                        /* ms since 1970 */
	void (*random)(void *out, size_t n); /* for the ids of bundles */
	const char *column; /* of a CSV: its name or its number from 1; NULL: found */
	const char *list;   /* whose indicators have ids of their own; NULL: none */
	bool skip_rejected;
	/* Is that indicator shared already and need not be again, although it would hold until
	 * then (ms)?  NULL: none is. */
	bool (*known)(void *arg, const char *uuid, uint64_t until);
	void *known_arg;
};

/* One bundle, ready for an envelope: at most BUNDLE_OBJECTS_MAX objects, and small enough that its
 * body is. */
struct part {
	char *text; /* owned; NULL: it is in the spool, see import_part() */
	size_t length;
	size_t objects; /* without scaffolding */
	uint64_t at;    /* where in the spool, packed */
	size_t packed;  /* bytes there */
	bool forgot;    /* what was met before it may be in it again */
};

/* Reads at most n bytes; 0 at the end, -1 with words. */
typedef ssize_t import_read_fn(void *arg, void *out, size_t n, struct report *report);
struct stream;

struct rejected {
	char *input;        /* owned: the file's name */
	size_t line;        /* from 1 */
	char *text;         /* owned: the line, its first 200 bytes, always UTF-8 */
	const char *reason; /* static */
};

/* How many of a kind were not made indicators, and why. */
struct import_count {
	char *what; /* owned: "sha1, not for detection" */
	size_t count;
};

struct import {
	struct import_options options;
	struct part *parts;
	size_t part_count;
	size_t bytes;  /* of all parts */
	size_t held;   /* of those that are in memory */
	int spool;     /* a file without a name that has the others; 0: none */
	uint64_t used; /* bytes of it */
	uint8_t spool_key[32];

	/* read == taken + duplicates + context + rejected_count */
	size_t read;       /* values, attributes or objects met; comments and blank lines are not */
	size_t taken;      /* became an indicator, or an object kept as it is */
	size_t duplicates; /* the same value again: merged */
	size_t context;    /* carried in words or left out as their author asked: see counts */
	size_t rejected_count;
	struct rejected *rejected; /* the first REJECTED_KEPT_MAX */
	struct import_count *counts;
	size_t count_count;
	size_t unchanged; /* of the duplicates: shared already, see import_options.known */
	bool foreign;     /* some of it is kept as others wrote it, or an event */
	bool guessed;     /* some of it: a person should look at the values */

	enum err failed;             /* what reading said, so that nothing of it is shared */
	struct stream *stream;       /* that is being read; borrowed, or NULL */
	struct writer_state *writer; /* of bundle.c alone */
};

/* Checks the options (ERR_FORMAT, with words).  They are copied; what they point to is borrowed.
 * import_clear() afterwards, whatever came of it. */
enum err import_init(struct import *i, const struct import_options *options, struct report *report);
void import_clear(struct import *i);

/* Reads one input.  format is a name of the table, or NULL to recognise it; name is for people.
 * ERR_FORMAT and others: the whole input is unusable, report says why and where.  Rejected lines
 * are not errors yet. */
enum err import_read(struct import *i, const char *format, const char *bytes, size_t n,
		     const char *name, struct report *report);

/* The same of an input of any length, as far as its format is of lines; of the others at most
 * IMPORT_MAX_BYTES. */
enum err import_stream(struct import *i, const char *format, import_read_fn *read, void *arg,
		       const char *name, struct report *report);

/* Reads a folder of MISP's: manifest.json and every event that it names. */
enum err import_feed(struct import *i, const char *folder, struct report *report);

/* One value that an operator typed; number is its place on the command line. */
enum err import_value(struct import *i, const char *text, size_t number);

/* What a person writes, UTF-8, about the objects with these ids; n may be 0.  ERR_LIMIT,
 * ERR_FORMAT, with words. */
enum err import_note(struct import *i, const char *words, const char *const *about, size_t n,
		     struct report *report);

/* What an advisory says; all borrowed. */
struct advisory {
	const char *title;
	const char *text; /* or NULL */
	const char *const *courses;
	size_t course_count;
	const struct slice *bundles; /* of indicators and whatever else belongs to it */
	size_t bundle_count;
};
/* One report and all that it refers to, in one bundle.  ERR_LIMIT, ERR_FORMAT, with words. */
enum err import_advisory(struct import *i, const struct advisory *a, struct report *report);
/* Does the bundle hold an object of that type? */
bool bundle_has(const char *text, size_t n, const char *type);

/* Closes the last bundle.  ERR_NOT_ALLOWED, every rejected line in report, when lines were rejected
 * and skip_rejected is off; ERR_NOT_FOUND when nothing is left to share, unless because
 * all of it is known.  On any error there are no
 * parts. */
enum err import_finish(struct import *i, struct report *report);

/* The text of a part; *owned is to be freed.  ERR_IO when the spool cannot be read. */
enum err import_part(const struct import *i, size_t number, struct slice *text, char **owned);

/* The names of the formats, one by one; NULL at the end. */
const char *format_name(size_t number);
/* The name of the format that the bytes look like; NULL, with words, when none. */
const char *format_detect(const char *bytes, size_t n, const char *name, struct report *report);

#endif
