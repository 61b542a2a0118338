/* What a node's card says of its keys, and the proof that it has the link keys. */
#include <string.h>

#include "keys/identity_parts.h"

enum { SCALAR_BYTES = crypto_core_ed25519_SCALARBYTES };

/* An Ed25519 signature whose secret scalar is that of a link key.  RFC 8032 but for the nonce,
 * which cannot come from a seed, since a link key has none: it is a keyed hash of the text, and as
 * secret as the key. */
static void sign_with_scalar(uint8_t signature[SIGNATURE_BYTES], uint8_t point[SIGN_KEY_BYTES],
			     const uint8_t secret[SECRET_BYTES], const uint8_t *text, size_t n)
{
	static const char label[] = "khabar-proof-1";
	uint8_t wide[64] = {0}, scalar[SCALAR_BYTES], nonce[SCALAR_BYTES], product[SCALAR_BYTES];
	crypto_generichash_state keyed;
	crypto_hash_sha512_state hash;

	memcpy(wide, secret, SECRET_BYTES);
	/* The clamping of X25519. */
	wide[0] &= 248;
	wide[31] = (uint8_t)((wide[31] & 127) | 64);
	crypto_scalarmult_ed25519_base_noclamp(point, wide);
	crypto_core_ed25519_scalar_reduce(scalar, wide);
	crypto_generichash_init(&keyed, secret, SECRET_BYTES, sizeof wide);
	crypto_generichash_update(&keyed, (const uint8_t *)label, sizeof label - 1);
	crypto_generichash_update(&keyed, text, n);
	crypto_generichash_final(&keyed, wide, sizeof wide);
	crypto_core_ed25519_scalar_reduce(nonce, wide);
	crypto_scalarmult_ed25519_base_noclamp(signature, nonce);
	crypto_hash_sha512_init(&hash);
	crypto_hash_sha512_update(&hash, signature, 32);
	crypto_hash_sha512_update(&hash, point, SIGN_KEY_BYTES);
	crypto_hash_sha512_update(&hash, text, n);
	crypto_hash_sha512_final(&hash, wide);
	crypto_core_ed25519_scalar_reduce(product, wide);
	crypto_core_ed25519_scalar_mul(product, product, scalar);
	crypto_core_ed25519_scalar_add(signature + 32, product, nonce);
	sodium_memzero(wide, sizeof wide);
	sodium_memzero(scalar, sizeof scalar);
	sodium_memzero(nonce, sizeof nonce);
	sodium_memzero(product, sizeof product);
	sodium_memzero(&keyed, sizeof keyed);
}

static void add_link(struct card *c, const struct party_id *self, const struct secret *s)
{
	struct card_link *link = &c->links[c->link_count++];
	uint8_t text[CARD_PROOF_TEXT_BYTES];

	card_proof_text(text, self);
	crypto_scalarmult_base(link->key, s->bytes);
	sign_with_scalar(link->proof, link->point, s->bytes, text, sizeof text);
}

void identity_card(const struct identity *id, const struct party_id *self, struct card *c)
{
	const struct secret *next;

	c->link_count = c->seal_count = 0;
	pthread_rwlock_rdlock(id->lock);
	add_link(c, self, keyring_current(id->secrets, SECRET_LINK));
	next = keyring_next_link(id->secrets);
	if (next)
		add_link(c, self, next);
	for (size_t i = 0; i < id->secrets->count; i++) {
		const struct secret *s = &id->secrets->secrets[i];
		if (s->kind != SECRET_SEAL)
			continue;
		c->seals[c->seal_count].number = s->number;
		crypto_scalarmult_base(c->seals[c->seal_count++].key, s->bytes);
	}
	pthread_rwlock_unlock(id->lock);
}
