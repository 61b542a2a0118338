/* Who may read and who may carry: pure functions of topology and header.  SPEC.md 5. */
#ifndef PROTOCOL_AUDIENCE_H
#define PROTOCOL_AUDIENCE_H

#include "protocol/message.h"
#include "protocol/topology.h"

/* True when the node carries the message (SPEC.md 5.3).  For audience "all": every node that has
 * not left. */
bool audience_carries(const struct topology *t, const struct party *node, const struct header *h);

/* True when the link between the two nodes carries the message: both carry it and a link joins
 * them. */
bool audience_link_carries(const struct topology *t, const struct party *a, const struct party *b,
			   const struct header *h);

/* The party by which a node lies on the way from origin to recipient (SPEC.md 5.3): itself, or a
 * role that it holds.  NULL when it does not. */
const struct party *audience_way(const struct topology *t, const struct party *node,
				 const struct party *origin, const struct party *recipient);

/* True when the node is among the readers: a recipient, a holder of a recipient role, or anyone for
 * "all". */
bool audience_reads(const struct topology *t, const struct party *node, const struct header *h);

#endif
