/* Changing the keys of a running node; a part of node_card.h's work. */
#ifndef NODE_NODE_KEYS_H
#define NODE_NODE_KEYS_H

#include "node/duty/node_card.h"

/* Hours above the one in which its successor was published: then an old seal key is destroyed. */
enum { SEAL_KEPT_HOURS = EXPIRY_SPAN_HOURS + 30 * 24 };

/* Uses the next link key when nobody is waited for, destroys seal keys whose time has come.  On the
 * folder's thread; what fails is tried again. */
void keys_follow(struct node *n, uint64_t now, uint64_t *next);

#endif
