#include "keys/disclose.h"

#include "keys/seal_parts.h"

enum opening disclose_key(const struct identity *id, const struct header *h,
			  uint8_t key[DISCLOSED_KEY_BYTES])
{
	return seal_find_key(key, id, h);
}

bool disclosed_open(const struct header *h, const uint8_t key[DISCLOSED_KEY_BYTES],
		    const uint8_t *body, size_t n, uint8_t *out, size_t *length)
{
	return seal_key_fits(key, h) && seal_decrypt(h, key, body, n, out, length);
}
