/* The bundle that takes objects back: their next versions, revoked. */
#ifndef NODE_REVOKE_H
#define NODE_REVOKE_H

#include "protocol/stix.h"

/* One object of a bundle, by its number, and what its new version must be later than. */
struct revoked {
	uint16_t number;
	uint64_t after; /* ms: the greatest modified of its lineage */
};

/* Appends a bundle with the n objects of b, of which everything is as it was but modified (now, in
 * ms, or just after `after` and created where that is later) and revoked, and with the markings
 * and identities that they refer to.  uuid is the bundle's. */
void revoke_write(struct text *out, const struct bundle *b, const struct revoked *which, size_t n,
		  uint64_t now, const char *uuid);

#endif
