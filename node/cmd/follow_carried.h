/* Tells the node which messages an export has taken with it, each once. */
#ifndef NODE_CMD_FOLLOW_CARRIED_H
#define NODE_CMD_FOLLOW_CARRIED_H

#include <stddef.h>
#include <stdint.h>

#include "node/cmd/client.h"

/* Messages that the node was told of, by the first eight bytes of their ids.  All zeros is empty.
 */
struct told {
	uint64_t *slots; /* owned; 0: free */
	size_t count, size;
};

/* Messages of which something is in an export, but those that were told; ids of 32 bytes. */
struct carried_messages {
	const struct told *told; /* or NULL */
	uint8_t *ids;            /* owned */
	size_t count, room;
};

/* hex: the id.  ERR_MEMORY. */
enum err carried_add(struct carried_messages *m, const char *hex);
/* Tells the node, notes what was told, and empties m. */
void carried_tell(struct carried_messages *m, struct told *told, struct client *client,
		  const char *name);

#endif
