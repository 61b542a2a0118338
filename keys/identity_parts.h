/* What the files of keys/ share of an identity; nobody outside keys/ includes it. */
#ifndef KEYS_IDENTITY_PARTS_H
#define KEYS_IDENTITY_PARTS_H

#include <pthread.h>
#include <sodium.h>

#include "keys/identity.h"
#include "keys/keyring.h"

/* A seal key that this node holds the secret of: its own, or a role's. */
struct seal_pair {
	char name[NAME_MAX_BYTES + 1]; /* of the node or the role */
	uint16_t number;
	uint8_t public[SEAL_KEY_BYTES];
	const uint8_t *secret; /* in locked memory; lives as long as the pairs are lent */
};

/* All of them, the node's own first.  Until they are given back no key changes. */
const struct seal_pair *identity_lend_pairs(const struct identity *id, size_t *count);
void identity_return_pairs(const struct identity *id);

/* Derived from the file once: signing needs the expanded key. */
struct working_keys {
	uint8_t sign[crypto_sign_SECRETKEYBYTES];
	uint8_t store[SECRET_BYTES], index[SECRET_BYTES];
	uint8_t hash[crypto_shorthash_siphashx24_KEYBYTES]; /* from index */
};

/* The public half as it was lent at some time: readers keep the pointer. */
struct published {
	struct identity_public public;
	struct published *before;
};

struct role {
	struct role_public public;
	struct keyring *secrets; /* shared by the roles of one file, owned by the first of them */
	bool owner;
};

struct identity {
	pthread_rwlock_t *lock; /* of what follows but keys, which never change; owned */
	struct published *published;
	struct keyring *secrets;
	struct role *roles;
	size_t role_count;
	struct seal_pair *pairs;
	size_t pair_count;
	bool locked;
	struct working_keys *keys; /* sodium_malloc */
};

/* Makes what is derived from other secrets, of which the identity then is the owner.  ERR_MEMORY
 * leaves everything as it was.  The caller has the lock for writing, or is alone. */
enum err identity_adopt(struct identity *id, struct keyring *secrets);

#endif
