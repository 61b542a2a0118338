/* Taking a message back: which recall applies to which message.  SPEC.md 5.8. */
#ifndef PROTOCOL_RECALL_H
#define PROTOCOL_RECALL_H

#include "protocol/store.h"

/* True when the recall takes the target back; id is the target's. */
bool recall_applies(const struct header *recall, const struct header *target,
		    const struct message_id *id);

/* Where the store has an accepted recall of the target; held: or one that it only holds, which
 * takes nothing back here but may have done so where the target came from.  ERR_NOT_FOUND when
 * there is none.  What the store lent before is no longer valid. */
enum err recall_find(const struct store *s, const struct header *target,
		     const struct message_id *id, bool held, uint64_t *lsn);

/* Does the recall take back something that the store holds, and no other before it?  lsn: where the
 * recall itself is, UINT64_MAX when it is not in the store yet.  True when that cannot be told. */
bool recall_needed(const struct store *s, const struct header *recall, uint64_t lsn);

#endif
