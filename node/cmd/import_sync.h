/* khabar import --sync NAME: a list that is shared again and again.  What is in it already is not
 * shared again, and what has left it is revoked.  Nothing is remembered here: what was shared under
 * the name carries it as a label. */
#ifndef NODE_CMD_IMPORT_SYNC_H
#define NODE_CMD_IMPORT_SYNC_H

#include "node/cmd/send.h"

enum { SYNC_LABEL_BYTES = 5 + NAME_MAX_BYTES + 1 };

/* One of what may be ten millions. */
struct sync_entry {
	uint8_t uuid[16];
	uint32_t until : 31, met : 1; /* minutes; it is in the list of today */
};

struct sync {
	const char *name; /* as typed; NULL: everything is shared */
	bool shrink;      /* more than half of it may go */
	char label[SYNC_LABEL_BYTES];
	struct sync_entry *entries; /* owned; by uuid */
	size_t count, room, leaving, gone;
	char message[65]; /* one of those that told of it */
};

/* Checks the options and adds the label; before the import is opened. */
int sync_begin(struct sync *y, struct sending *s, const struct cmd_context *c);
/* Asks the node what it has shared under that name; before anything is read. */
int sync_ask(struct sync *y, struct sending *s);
/* Counts what has left; after everything was read. */
int sync_compare(struct sync *y, struct sending *s);
/* Revokes it, once the rest was sent, and says so. */
int sync_finish(struct sync *y, struct sending *s);
void sync_clear(struct sync *y);

#endif
