/* Sightings as STIX objects: what one CERT tells the author of an indicator, and what the author
 * tells its readers of all of them together.  SPEC.md 8.12.
 *
 * Writes and reads objects; knows no node, no log, no clock. */
#ifndef NODE_DETECT_SIGHTING_H
#define NODE_DETECT_SIGHTING_H

#include "protocol/stix.h"

enum {
	SIGHTING_ID_BYTES = 64,
	SIGHTINGS_COUNT_MAX = 999999999, /* STIX's */
	SIGHTERS_NAMED_MAX = 64,
};

/* What one CERT has said of one object. */
struct sighted {
	uint64_t count;       /* how often it was seen; 0: never */
	uint64_t first, last; /* ms since 1970 */
	bool false_positive;
	bool named; /* it may be told who it is */
};

/* What its author says of all of them. */
struct sightings {
	uint64_t count;
	uint64_t first, last;
	unsigned certs, sectors;                            /* that have seen it */
	unsigned false_positives;                           /* CERTs that say it is none */
	char names[SIGHTERS_NAMED_MAX][NAME_MAX_BYTES + 1]; /* of those that may be named */
	size_t name_count;
};

/* The ids of the objects: the same CERT's next word on the same object is its next version. */
enum sighting_kind { SIGHTING_SEEN, SIGHTING_FALSE, SIGHTING_SUM };
void sighting_id(char out[SIGHTING_ID_BYTES], enum sighting_kind kind, const char *node,
		 const char *object);

/* A bundle being written: its identity and marking stand in it. */
struct sighting_bundle {
	struct text text;
	const char *node;
	enum tlp tlp;
	uint64_t now; /* ms */
	char identity[SIGHTING_ID_BYTES];
};
/* uuid is the bundle's; title may be empty.  The caller clears b->text. */
void sighting_bundle_begin(struct sighting_bundle *b, const char *node, const char *title,
			   enum tlp tlp, uint64_t now, const char *uuid);
/* created, of the version before, or 0. */
void sighting_add_seen(struct sighting_bundle *b, const char *object, const struct sighted *s,
		       uint64_t created);
void sighting_add_false(struct sighting_bundle *b, const char *object, uint64_t created);
void sighting_add_sum(struct sighting_bundle *b, const char *object, const struct sightings *s,
		      uint64_t created);
void sighting_bundle_end(struct sighting_bundle *b);

/* Of whose object it tells something, as one CERT would: the sighting's, or the opinion's first;
 * NULL when it is neither. */
const char *sighting_object(const struct stix_object *o);
/* Adds what it says to *s.  False when it is no word of one CERT. */
bool sighting_read(const struct stix_object *o, struct sighted *s);
/* Reads what an author says of all of them. */
bool sightings_read(const struct stix_object *o, struct sightings *s);
bool sightings_equal(const struct sightings *a, const struct sightings *b);
/* Appends {"count",...} as members of an object. */
void sightings_show(struct text *t, const struct sightings *s);

#endif
