/* khabar import --event UUID: an event of MISP that is shared again and again.  What is in it
 * already the node leaves out; what has left it is revoked.  Nothing is remembered here: what was
 * made of the event carries its uuid as a label. */
#ifndef NODE_CMD_IMPORT_EVENT_H
#define NODE_CMD_IMPORT_EVENT_H

#include "node/cmd/send.h"

enum { EVENT_LABEL_BYTES = 11 + 36 + 1 };

struct event_update {
	const char *uuid; /* as typed; NULL: it is not asked for */
	char label[EVENT_LABEL_BYTES];
	char **left; /* owned: ids of objects that are not in it any more */
	size_t count, room;
};

/* Checks the options and adds the label; before the import is opened. */
int event_begin(struct event_update *u, struct sending *s, const struct cmd_context *c);
/* Asks the node what has left it; after it was read. */
int event_compare(struct event_update *u, struct sending *s);
/* Revokes that, once the rest was sent. */
int event_finish(struct event_update *u, struct sending *s);
void event_clear(struct event_update *u);

#endif
