/* Reading one log for what is known, and telling the node what in it belongs to certain objects. */
#ifndef NODE_CMD_HUNT_FIND_H
#define NODE_CMD_HUNT_FIND_H

#include "node/cmd/client.h"

/* Ids of objects. */
struct hunted_objects {
	char **ids; /* owned */
	size_t count, room;
};
/* False when memory is short. */
bool hunted_add(struct hunted_objects *o, const char *id);
void hunted_clear(struct hunted_objects *o);
/* Before anything is looked for in them. */
void hunted_sort(struct hunted_objects *o);

/* Tells the node that everything up to the position was hunted for, with hits (JSON elements) and
 * what went wrong, or "", or NULL where that is not known before all is read. */
int hunted_tell(struct client *client, uint64_t through, const struct text *hits,
		const char *failed);
/* Reads the log at path and tells what of the objects it holds; through is not moved. */
int hunt_find(struct client *client, const char *path, const struct hunted_objects *objects,
	      uint64_t through, struct report *report);

#endif
