/* The sending of what was read: in one request, or, where it is too much for one, in several. */
#ifndef NODE_CMD_SEND_PARTS_H
#define NODE_CMD_SEND_PARTS_H

#include "node/cmd/send.h"

/* What the node said of one request, or of all. */
struct sent {
	size_t objects, unchanged, forced, messages;
	bool held, already;
	uint64_t position; /* of its log: what it said before is not to be said again */
	char first[65];    /* id of the first message */
	struct text ids;   /* elements of an array of JSON */
};

/* "0" to "3", or a word; -1 for what is neither. */
int send_priority(const char *text);
/* Appends "answers", "tlp", "to" and "direct". */
void send_put_audience(struct text *request, const struct sending *s);

/* Is it too much for one request? */
bool parts_many(const struct sending *s);
/* Asks the node to check everything, and what of it is new; for what is too much for one request.
 */
int parts_survey(struct sending *s, struct sent *all);
/* Sends all, and says so. */
int parts_send(struct sending *s);
/* Says what was sent, or would be. */
void parts_say(const struct sending *s, const struct sent *all);
/* The values that were found in prose, for a person. */
void parts_print_guessed(FILE *out, const struct import *i);
/* What was read and not carried. */
void parts_print_counts(const struct import *i, size_t unchanged);

#endif
