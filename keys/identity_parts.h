/* What the files of keys/ share of an identity; nobody outside keys/ includes it. */
#ifndef KEYS_IDENTITY_PARTS_H
#define KEYS_IDENTITY_PARTS_H

#include "keys/identity.h"

/* A seal key that this node holds the secret of: its own, or a role's. */
struct seal_pair {
	char name[NAME_MAX_BYTES + 1]; /* of the node or the role */
	uint16_t number;
	uint8_t public[SEAL_KEY_BYTES];
	const uint8_t *secret; /* in locked memory; lives as long as the identity */
};

/* All of them, the node's own first. */
const struct seal_pair *identity_seal_pairs(const struct identity *id, size_t *count);

#endif
