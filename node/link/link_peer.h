/* A peer of a link, with endpoints of its own, and the ways in which it is dialed. */
#ifndef NODE_LINK_PEER_H
#define NODE_LINK_PEER_H

#include "node/link/link.h"

/* Copies the peer; the caller calls link_peer_clear() in any case. */
enum err link_peer_copy(struct link_peer *out, const struct link_peer *from);
void link_peer_clear(struct link_peer *peer);

bool link_peer_has_key(const struct link_peer *peer, const uint8_t key[LINK_KEY_BYTES]);
/* True when both are dialed at the same places under the same keys. */
bool link_peer_same_ways(const struct link_peer *a, const struct link_peer *b);

/* Every endpoint under every key, tried in turn.  All zeros has none. */
struct ways {
	struct link_peer peer; /* a copy */
	size_t at;             /* which is being tried, or stands */
	size_t failed;         /* since the last round was over, or one stood */
};

/* Begins with the first.  ERR_MEMORY leaves them as they were. */
enum err ways_set(struct ways *w, const struct link_peer *peer);
void ways_clear(struct ways *w);

/* At least 1. */
size_t ways_count(const struct ways *w);
/* NULL when there is none. */
const char *ways_endpoint(const struct ways *w);
const uint8_t *ways_key(const struct ways *w);
/* Where nobody answers at all, other keys are passed over.  True when all have failed. */
bool ways_fail(struct ways *w, bool nobody_answers);

#endif
