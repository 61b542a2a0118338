#include "keys/seal.h"

#include <sodium.h>
#include <string.h>

#include "keys/identity_parts.h"
#include "keys/seal_parts.h"
#include "protocol/bytes.h"

enum {
	LENGTH_BYTES = 4,
	TAG_BYTES = crypto_aead_xchacha20poly1305_ietf_ABYTES,
	NONCE_ZEROS = crypto_aead_xchacha20poly1305_ietf_NPUBBYTES,
	SMALLEST_BYTES = 256,
	STEP_MAX_BYTES = 16 << 10, /* up to here each size is four times the one before */
};

static const uint8_t zero_nonce[NONCE_ZEROS];

size_t seal_size(uint8_t kind, size_t n)
{
	size_t most = kind == KIND_FORWARD ? FORWARD_BODY_MAX_BYTES : BODY_MAX_BYTES;
	size_t size = SMALLEST_BYTES;

	if (n > most - LENGTH_BYTES - TAG_BYTES)
		return 0;
	/* SPEC 3.7: "The ciphertext is 256, 1,024, 4,096 or 16,384 bytes, or a greater power of
	 * two, and of these the least that holds it." */
	while (size < LENGTH_BYTES + n + TAG_BYTES)
		size *= size < STEP_MAX_BYTES ? 4 : 2;
	return size;
}

/* SPEC 3.7: "The commitment is the keyed BLAKE2b-256 of the 15 bytes `khabar-commit-1`." */
static void commit(uint8_t commitment[32], const uint8_t key[CONTENT_KEY_BYTES])
{
	static const char label[] = "khabar-commit-1";

	crypto_generichash(commitment, 32, (const uint8_t *)label, sizeof label - 1, key,
			   CONTENT_KEY_BYTES);
}

/* What ties a body to its header: everything that the author decided but the body's hash, which
 * is not known before. */
static enum err bind_header(struct hash *bound, const struct header *h)
{
	/* SPEC 3.7: "h is the BLAKE2b-256 of `khabar-aad-1` | the header with the body hash
	 * zeroed." */
	static const char label[] = "khabar-aad-1";
	static const struct hash zero;
	enum { BODY_HASH_OFFSET = 88 };
	uint8_t bytes[HEADER_MAX_BYTES];
	crypto_generichash_state state;
	size_t n;
	enum err e = header_encode(h, bytes, sizeof bytes, &n);

	if (e)
		return e;
	memcpy(bytes + BODY_HASH_OFFSET, zero.b, sizeof zero.b);
	crypto_generichash_init(&state, NULL, 0, sizeof bound->b);
	crypto_generichash_update(&state, (const uint8_t *)label, sizeof label - 1);
	crypto_generichash_update(&state, bytes, n);
	crypto_generichash_final(&state, bound->b, sizeof bound->b);
	return ERR_OK;
}

/* SPEC 3.7: "The body key is the keyed BLAKE2b-256 of `khabar-body-1` | h." */
static void derive_body_key(uint8_t body_key[CONTENT_KEY_BYTES],
			    const uint8_t key[CONTENT_KEY_BYTES], const struct hash *bound)
{
	static const char label[] = "khabar-body-1";
	crypto_generichash_state state;

	crypto_generichash_init(&state, key, CONTENT_KEY_BYTES, CONTENT_KEY_BYTES);
	crypto_generichash_update(&state, (const uint8_t *)label, sizeof label - 1);
	crypto_generichash_update(&state, bound->b, sizeof bound->b);
	crypto_generichash_final(&state, body_key, CONTENT_KEY_BYTES);
	sodium_memzero(&state, sizeof state);
}

static enum err wrap_all(struct header *h, const struct letter *letter,
			 const uint8_t key[CONTENT_KEY_BYTES])
{
	h->recipient_count = (uint16_t)letter->count;
	for (size_t i = 0; i < letter->count; i++) {
		const struct addressee *to = &letter->to[i];
		struct recipient *r = &h->recipients[i];
		r->party = to->party;
		r->key = to->number;
		if (crypto_box_seal(r->wrap, key, CONTENT_KEY_BYTES, to->key) != 0)
			return ERR_FORMAT;
	}
	return ERR_OK;
}

/* The text stands where the ciphertext will: length | data | zeros. */
static void lay_out(uint8_t *out, size_t size, const uint8_t *data, size_t n)
{
	put_u32(out, (uint32_t)n);
	if (n)
		memcpy(out + LENGTH_BYTES, data, n);
	memset(out + LENGTH_BYTES + n, 0, size - LENGTH_BYTES - n);
}

static enum err encrypt(struct header *h, const uint8_t key[CONTENT_KEY_BYTES], const uint8_t *data,
			size_t n, uint8_t *out)
{
	uint8_t body_key[CONTENT_KEY_BYTES];
	struct hash bound;
	enum err e = bind_header(&bound, h);

	if (e)
		return e;
	derive_body_key(body_key, key, &bound);
	lay_out(out, h->body_length, data, n);
	/* SPEC 3.7: "The nonce is 24 zeros: a body key is never used twice." */
	crypto_aead_xchacha20poly1305_ietf_encrypt(out, NULL, out, h->body_length - TAG_BYTES,
						   bound.b, sizeof bound.b, NULL, zero_nonce,
						   body_key);
	sodium_memzero(body_key, sizeof body_key);
	h->body_hash = hash_of(out, h->body_length);
	return ERR_OK;
}

enum err seal_body(struct header *h, const struct letter *letter, const uint8_t *data, size_t n,
		   uint8_t *out)
{
	uint8_t key[CONTENT_KEY_BYTES];
	size_t size = seal_size(h->kind, n);
	enum err e;

	if (size == 0 || letter->count > RECIPIENTS_MAX)
		return ERR_LIMIT;
	h->flags |= FLAG_SEALED;
	h->body_length = (uint32_t)size;
	randombytes_buf(key, sizeof key);
	commit(h->commitment, key);
	e = wrap_all(h, letter, key);
	if (!e && (header_violation(h) || !header_audience_valid(h)))
		e = ERR_FORMAT;
	if (!e)
		e = encrypt(h, key, data, n, out);
	sodium_memzero(key, sizeof key);
	return e;
}

const char *opening_str(enum opening opening)
{
	switch (opening) {
	case OPENING_DONE:
		return "opened";
	case OPENING_NOT_OURS:
		return "it is not sealed to this node";
	case OPENING_KEY_GONE:
		return "it is sealed to a key that this node does not hold, or not any more";
	case OPENING_WRAP_BAD:
		return "what its author sealed to this node is not its content key";
	case OPENING_BODY_BAD:
		return "its body is not sealed as it should be";
	case OPENING_COUNT:
		break;
	}
	return "unknown";
}

bool seal_key_fits(const uint8_t key[CONTENT_KEY_BYTES], const struct header *h)
{
	uint8_t mine[32];

	/* SPEC 3.7: "A content key that does not have the commitment of the header is not used." */
	commit(mine, key);
	return sodium_memcmp(mine, h->commitment, sizeof mine) == 0;
}

/* The content key that this recipient was given, when it is the one that the header commits to. */
static bool unwrap(uint8_t key[CONTENT_KEY_BYTES], const struct recipient *r,
		   const struct seal_pair *pair, const struct header *h)
{
	bool fits = crypto_box_seal_open(key, r->wrap, sizeof r->wrap, pair->public,
					 pair->secret) == 0 &&
		    seal_key_fits(key, h);

	if (!fits)
		sodium_memzero(key, CONTENT_KEY_BYTES);
	return fits;
}

/* What each recipient is to us, when this is one of our keys.  True once the content key is found.
 */
static bool try_pair(uint8_t key[CONTENT_KEY_BYTES], enum opening outcomes[RECIPIENTS_MAX],
		     const struct seal_pair *pair, const struct party_id *party,
		     const struct header *h)
{
	for (size_t i = 0; i < h->recipient_count; i++) {
		const struct recipient *r = &h->recipients[i];
		if (!party_id_equal(&r->party, party))
			continue;
		if (r->key != pair->number) {
			if (outcomes[i] == OPENING_NOT_OURS)
				outcomes[i] = OPENING_KEY_GONE;
			continue;
		}
		if (unwrap(key, r, pair, h))
			return true;
		outcomes[i] = OPENING_WRAP_BAD;
	}
	return false;
}

enum opening seal_find_key(uint8_t key[CONTENT_KEY_BYTES], const struct identity *id,
			   const struct header *h)
{
	enum opening outcomes[RECIPIENTS_MAX], worst = OPENING_NOT_OURS;
	struct party_id party = {{0}};
	size_t count;
	bool found = false;
	const struct seal_pair *pairs = identity_lend_pairs(id, &count);

	for (size_t i = 0; i < RECIPIENTS_MAX; i++)
		outcomes[i] = OPENING_NOT_OURS;
	for (size_t i = 0; i < count && !found; i++) {
		if (i == 0 || strcmp(pairs[i].name, pairs[i - 1].name) != 0)
			party = party_id_of(&h->network, pairs[i].name);
		found = try_pair(key, outcomes, &pairs[i], &party, h);
	}
	identity_return_pairs(id);
	if (found)
		return OPENING_DONE;
	for (size_t i = 0; i < h->recipient_count; i++) {
		if (outcomes[i] == OPENING_KEY_GONE)
			return OPENING_KEY_GONE;
		if (outcomes[i] == OPENING_WRAP_BAD)
			worst = OPENING_WRAP_BAD;
	}
	return worst;
}

bool seal_is_ours(const struct identity *id, const struct header *h)
{
	size_t count;
	bool found = false;
	const struct seal_pair *pairs = identity_lend_pairs(id, &count);

	for (size_t i = 0; i < count && !found; i++) {
		struct party_id party = party_id_of(&h->network, pairs[i].name);
		for (size_t k = 0; k < h->recipient_count && !found; k++)
			found = party_id_equal(&h->recipients[k].party, &party);
	}
	identity_return_pairs(id);
	return found;
}

enum opening seal_probe(const struct identity *id, const struct header *h)
{
	uint8_t key[CONTENT_KEY_BYTES];
	enum opening outcome = seal_find_key(key, id, h);

	sodium_memzero(key, sizeof key);
	return outcome;
}

/* The sum of what marks each: keys come in another order from the disk than from a neighbour. */
void seal_mark(const struct identity *id, uint8_t mark[16])
{
	size_t count;
	const struct seal_pair *pairs = identity_lend_pairs(id, &count);

	memset(mark, 0, 16);
	for (size_t i = 0; i < count; i++) {
		uint8_t number[4], one[16];
		crypto_generichash_state state;
		put_u32(number, pairs[i].number);
		crypto_generichash_init(&state, NULL, 0, sizeof one);
		crypto_generichash_update(&state, (const uint8_t *)pairs[i].name,
					  strlen(pairs[i].name) + 1);
		crypto_generichash_update(&state, number, sizeof number);
		crypto_generichash_update(&state, pairs[i].public, sizeof pairs[i].public);
		crypto_generichash_final(&state, one, sizeof one);
		sodium_add(mark, one, sizeof one);
	}
	identity_return_pairs(id);
}

/* SPEC 3.7: "What is not authentic, says a length that does not need a ciphertext of this size, or
 * does not end in zeros is refused, and all of it in the same way." */
bool seal_decrypt(const struct header *h, const uint8_t key[CONTENT_KEY_BYTES], const uint8_t *body,
		  size_t n, uint8_t *out, size_t *length)
{
	uint8_t body_key[CONTENT_KEY_BYTES];
	struct hash bound;
	size_t data;
	int rc;

	if (n < SMALLEST_BYTES || n != h->body_length || bind_header(&bound, h))
		return false;
	derive_body_key(body_key, key, &bound);
	rc = crypto_aead_xchacha20poly1305_ietf_decrypt(out, NULL, NULL, body, n, bound.b,
							sizeof bound.b, zero_nonce, body_key);
	sodium_memzero(body_key, sizeof body_key);
	if (rc != 0)
		return false;
	data = get_u32(out);
	if (seal_size(h->kind, data) != n ||
	    !bytes_zero(out + LENGTH_BYTES + data, n - TAG_BYTES - LENGTH_BYTES - data)) {
		sodium_memzero(out, n);
		return false;
	}
	memmove(out, out + LENGTH_BYTES, data);
	sodium_memzero(out + data, n - data);
	*length = data;
	return true;
}

enum opening seal_open(const struct identity *id, const struct header *h, const uint8_t *body,
		       size_t n, uint8_t *out, size_t *length)
{
	uint8_t key[CONTENT_KEY_BYTES];
	enum opening outcome = seal_find_key(key, id, h);

	*length = 0;
	if (outcome == OPENING_DONE && !seal_decrypt(h, key, body, n, out, length))
		outcome = OPENING_BODY_BAD;
	sodium_memzero(key, sizeof key);
	return outcome;
}
