/* Giving a content key away: who has it can show anybody what its author wrote, and that it was its
 * author.  SPEC.md 8.10.
 *
 * This is the one place where a content key leaves this layer, and only for what an operator hands
 * out on purpose. */
#ifndef KEYS_DISCLOSE_H
#define KEYS_DISCLOSE_H

#include "keys/seal.h"

enum { DISCLOSED_KEY_BYTES = 32 };

/* The content key of a sealed message that this node can open; the caller wipes it. */
enum opening disclose_key(const struct identity *id, const struct header *h,
			  uint8_t key[DISCLOSED_KEY_BYTES]);

/* Opens the sealed body of n bytes with a key that somebody gave away, into out, which has room for
 * n.  False when it is not the key that the header commits to, or the body is not sealed as it
 * should be. */
bool disclosed_open(const struct header *h, const uint8_t key[DISCLOSED_KEY_BYTES],
		    const uint8_t *body, size_t n, uint8_t *out, size_t *length);

#endif
