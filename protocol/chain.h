/* The topology versions that a node holds, oldest to newest; the newest is in force.  SPEC.md 4.9.
 *
 * In memory only: the host persists a version before it adds it, and adds what it persisted at
 * start. */
#ifndef PROTOCOL_CHAIN_H
#define PROTOCOL_CHAIN_H

#include "protocol/frame.h"
#include "protocol/suspension.h"
#include "protocol/topology.h"

struct chain {
	struct topology **versions; /* owned, ascending */
	size_t count, size;
	const struct suspension *suspension; /* the statement that counts, or NULL; borrowed */
};

void chain_init(struct chain *c);
void chain_clear(struct chain *c);

/* Takes t over (also on failure, then freed).  ERR_STATE unless it is newer than every version
 * held. */
enum err chain_add(struct chain *c, struct topology *t);

/* The same for a version older than every one held. */
enum err chain_add_older(struct chain *c, struct topology *t);

/* The oldest version held, or NULL. */
const struct topology *chain_oldest(const struct chain *c);
/* The version in force, or NULL when there is none. */
const struct topology *chain_newest(const struct chain *c);
/* That version, or NULL. */
const struct topology *chain_version(const struct chain *c, uint32_t version);
const struct topology *chain_hash(const struct chain *c, const struct version_hash *v);
/* The version with that hash, or NULL. */
const struct topology *chain_by_hash(const struct chain *c, const struct hash *hash);
/* The version that may follow the given one: its number is one more and its `previous` names the
 * hash.  NULL: none. */
const struct topology *chain_after(const struct chain *c, const struct version_hash *v);
/* The newest of the older versions in which nodes a and b had a link, when they have none in the
 * newest but both are nodes of it that have not left; else NULL.  Over such a link one may still
 * have to hand the other the newest version; it carries nothing else.  SPEC.md 4.10. */
const struct topology *chain_former(const struct chain *c, const struct party_id *a,
				    const struct party_id *b);
/* Newest first, for HELLO; returns how many of at most max. */
size_t chain_tell(const struct chain *c, struct version_hash *out, size_t max);

#endif
