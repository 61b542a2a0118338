/* What handing on a content key needs of sealing; nobody outside keys/ includes it. */
#ifndef KEYS_SEAL_PARTS_H
#define KEYS_SEAL_PARTS_H

#include "keys/seal.h"

enum { CONTENT_KEY_BYTES = 32 };

/* Finds the content key of the message; of several reasons why not, the one counts that can be
 * mended.  The caller wipes key. */
enum opening seal_find_key(uint8_t key[CONTENT_KEY_BYTES], const struct identity *id,
			   const struct header *h);
/* True when the key is the one that the header commits to. */
bool seal_key_fits(const uint8_t key[CONTENT_KEY_BYTES], const struct header *h);
/* Opens the body with the key, as seal_open() does. */
bool seal_decrypt(const struct header *h, const uint8_t key[CONTENT_KEY_BYTES], const uint8_t *body,
		  size_t n, uint8_t *out, size_t *length);

#endif
