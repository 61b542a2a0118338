/* Events as JSON, one object a line, in an array or alone, and the values of who is to blame in
 * them.  Only for node/format/.
 */
#ifndef NODE_FORMAT_RECORDS_H
#define NODE_FORMAT_RECORDS_H

#include "node/format/import.h"

struct record {
	const cJSON *json; /* an object */
	size_t line;       /* where it is alone on its line; otherwise its number, from 1 */
	const char *input;
	struct report *report;
};

/* Reads all events of the text; what is no event is rejected under its line. */
typedef enum err record_fn(struct import *i, const struct record *r);
enum err records_read(struct import *i, const char *bytes, size_t n, const char *name,
		      struct report *report, record_fn *read);

/* Rejects the event, which counts as one that was read. */
enum err record_reject(struct import *i, const struct record *r, const char *text,
		       const char *reason);
/* Refuses the whole input when the text is a TLP that is stricter than the message's, or none that
 * is known; NULL is accepted. */
enum err record_tlp(const struct import *i, const struct record *r, const char *text);

/* What an event says of one thing, in one way. */
struct kind {
	const cJSON *values;       /* a string, an array of strings, or NULL */
	enum observable_type type; /* NONE: an address or a network of either family */
};

/* SPEC 8.6: "Of what names one thing in several ways the most exact becomes the indicator"
 * The kinds are in that order.  *found says whether there was any value. */
enum err kinds_add(struct import *i, const struct record *r, const struct kind *kinds, size_t n,
		   const struct indicator *like, bool *found);

#endif
