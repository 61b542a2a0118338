/* Changing the keys of a home on which no node runs: the node publishes them at its next start. */
#ifndef NODE_KEYS_OFFLINE_H
#define NODE_KEYS_OFFLINE_H

#include "keys/identity.h"

enum rotation { ROTATE_LINK, ROTATE_LINK_NOW, ROTATE_SEAL };

/* *out is the public half afterwards.  ERR_BUSY: a node runs there. */
enum err keys_rotate_offline(const char *home, enum rotation rotation, struct identity_public *out,
			     struct report *report);

#endif
