/* Links that the operator of this node has cut for a while: nobody else decides it, and no set
 * depends on it.  SPEC.md 7.9. */
#ifndef NODE_NODE_QUARANTINE_H
#define NODE_NODE_QUARANTINE_H

#include "node/node.h"

enum { QUARANTINES_MAX = 256, QUARANTINE_BECAUSE_BYTES = 200 };

/* Ends the link with that node until `until` (wall ms; UINT64_MAX: until it is released), and
 * refuses it meanwhile; persisted before it has any effect.  Said again, the last word counts.
 * ERR_LIMIT: too many.  Any thread but the loop's. */
enum err node_quarantine(struct node *node, const struct party_id *peer, uint64_t until,
			 const char *because);
/* ERR_NOT_FOUND: it is not in quarantine. */
enum err node_quarantine_end(struct node *node, const struct party_id *peer);

/* --- the loop's thread only --- */

/* One that is in quarantine. */
struct quarantine {
	struct party_id peer;
	uint64_t until; /* wall ms */
	char because[QUARANTINE_BECAUSE_BYTES + 1];
};
struct quarantines {
	struct quarantine *list; /* owned */
	size_t count;
};

enum err quarantine_load(struct node *node);
void quarantine_clear(struct node *node);
/* NULL: it is not. */
const struct quarantine *quarantine_of(const struct node *node, const struct party_id *peer);
/* Ends what is over; returns when it wants to be called again, in mono ms. */
uint64_t quarantine_tick(struct node *node, uint64_t now);

#endif
