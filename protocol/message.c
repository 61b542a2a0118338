#include "protocol/message.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "protocol/bytes.h"

static const uint8_t magic[4] = {'K', 'B', 'R', '1'};

enum {
	VERSION = 1,
	SUITE = 1,
	KNOWN_FLAGS = FLAG_SEALED | FLAG_DIRECT | FLAG_NO_FORWARD,
	HEADER_LENGTH_OFFSET = 10,
};

size_t header_size(const struct header *h)
{
	return HEADER_FIXED_BYTES + (size_t)h->recipient_count * RECIPIENT_BYTES;
}

static int recipient_compare(const struct recipient *a, const struct recipient *b)
{
	int order = memcmp(a->party.b, b->party.b, sizeof a->party.b);

	return order ? order : (int)a->key - (int)b->key;
}

/* SPEC 3.2: "Recipients ascend strictly by (party, key number)." */
static bool recipients_ascend(const struct header *h)
{
	for (size_t i = 0; i < h->recipient_count; i++) {
		if (h->recipients[i].key == 0)
			return false;
		if (i && recipient_compare(&h->recipients[i - 1], &h->recipients[i]) >= 0)
			return false;
	}
	return true;
}

/* What both encode and decode insist on, beyond lengths. */
static enum err header_check(const struct header *h)
{
	bool sealed = h->flags & FLAG_SEALED;
	uint32_t body_max = h->kind == KIND_FORWARD ? FORWARD_BODY_MAX_BYTES : BODY_MAX_BYTES;

	if (h->kind == 0 || h->tlp >= TLP_COUNT || h->flags & ~KNOWN_FLAGS ||
	    h->priority > PRIORITY_EMERGENCY)
		return ERR_FORMAT;
	if (h->topology == 0 || h->sequence == 0 || h->expiry == 0 || h->sign_key == 0)
		return ERR_FORMAT;
	if (h->recipient_count > RECIPIENTS_MAX || h->body_length > body_max)
		return ERR_LIMIT;
	/* SPEC 3.2: "Bit 0 is set if and only if there are recipients." */
	if (sealed != (h->recipient_count > 0) || (h->flags & FLAG_DIRECT && !sealed))
		return ERR_FORMAT;
	/* SPEC 3.2: "The key commitment is zero if and only if the message is not sealed." */
	if (sealed == bytes_zero(h->commitment, sizeof h->commitment))
		return ERR_FORMAT;
	return recipients_ascend(h) ? ERR_OK : ERR_FORMAT;
}

enum err header_encode(const struct header *h, uint8_t *out, size_t size, size_t *written)
{
	struct writer w;
	enum err e = header_check(h);

	if (e)
		return e;
	writer_init(&w, out, size);
	write_bytes(&w, magic, sizeof magic);
	write_u8(&w, VERSION);
	write_u8(&w, h->kind);
	write_u8(&w, h->tlp);
	write_u8(&w, h->flags);
	write_u8(&w, SUITE);
	write_u8(&w, h->priority);
	write_u16(&w, (uint16_t)header_size(h));
	write_u32(&w, h->topology);
	write_bytes(&w, h->network.b, sizeof h->network.b);
	write_bytes(&w, h->origin.b, sizeof h->origin.b);
	write_bytes(&w, h->audience.b, sizeof h->audience.b);
	write_u64(&w, h->incarnation);
	write_u64(&w, h->sequence);
	write_u64(&w, h->created);
	write_u32(&w, h->expiry);
	write_u32(&w, h->body_length);
	write_bytes(&w, h->body_hash.b, sizeof h->body_hash.b);
	write_bytes(&w, h->ref.b, sizeof h->ref.b);
	write_bytes(&w, h->commitment, sizeof h->commitment);
	write_u16(&w, h->sign_key);
	write_u16(&w, h->recipient_count);
	for (size_t i = 0; i < h->recipient_count; i++) {
		write_bytes(&w, h->recipients[i].party.b, PARTY_ID_BYTES);
		write_u16(&w, h->recipients[i].key);
		write_bytes(&w, h->recipients[i].wrap, sizeof h->recipients[i].wrap);
	}
	if (w.bad)
		return ERR_LIMIT;
	*written = w.used;
	return ERR_OK;
}

size_t header_peek_length(const uint8_t *in, size_t n)
{
	if (n < HEADER_LENGTH_OFFSET + 2 || memcmp(in, magic, sizeof magic) != 0)
		return 0;
	return (size_t)in[HEADER_LENGTH_OFFSET] << 8 | in[HEADER_LENGTH_OFFSET + 1];
}

static void read_fields(struct header *h, struct reader *r)
{
	h->topology = read_u32(r);
	read_bytes(r, h->network.b, sizeof h->network.b);
	read_bytes(r, h->origin.b, sizeof h->origin.b);
	read_bytes(r, h->audience.b, sizeof h->audience.b);
	h->incarnation = read_u64(r);
	h->sequence = read_u64(r);
	h->created = read_u64(r);
	h->expiry = read_u32(r);
	h->body_length = read_u32(r);
	read_bytes(r, h->body_hash.b, sizeof h->body_hash.b);
	read_bytes(r, h->ref.b, sizeof h->ref.b);
	read_bytes(r, h->commitment, sizeof h->commitment);
	h->sign_key = read_u16(r);
	h->recipient_count = read_u16(r);
}

enum err header_decode(struct header *h, const uint8_t *in, size_t n)
{
	struct reader r;
	uint8_t version, suite;
	uint16_t length;
	const uint8_t *m;

	reader_init(&r, in, n);
	m = read_ref(&r, sizeof magic);
	version = read_u8(&r);
	h->kind = read_u8(&r);
	h->tlp = read_u8(&r);
	h->flags = read_u8(&r);
	suite = read_u8(&r);
	h->priority = read_u8(&r);
	length = read_u16(&r);
	if (r.bad)
		return ERR_TRUNCATED;
	if (memcmp(m, magic, sizeof magic) != 0)
		return ERR_FORMAT;
	/* Another version may lay out everything after the magic differently: look no further. */
	if (version != VERSION || suite != SUITE)
		return ERR_UNSUPPORTED;
	if (length < HEADER_FIXED_BYTES)
		return ERR_FORMAT;
	if (n != length)
		return n < length ? ERR_TRUNCATED : ERR_TRAILING;
	read_fields(h, &r);
	if (h->recipient_count > RECIPIENTS_MAX)
		return ERR_LIMIT;
	if (header_size(h) != length)
		return ERR_FORMAT;
	for (size_t i = 0; i < h->recipient_count; i++) {
		read_bytes(&r, h->recipients[i].party.b, PARTY_ID_BYTES);
		h->recipients[i].key = read_u16(&r);
		read_bytes(&r, h->recipients[i].wrap, sizeof h->recipients[i].wrap);
	}
	return reader_done(&r) ? header_check(h) : ERR_FORMAT;
}

struct message_id message_id_of(const uint8_t *header, size_t n)
{
	struct message_id id;

	crypto_generichash(id.b, sizeof id.b, header, n, NULL, 0);
	return id;
}

enum err message_split(struct message_view *v, const uint8_t *in, size_t n)
{
	enum { BODY_LENGTH_OFFSET = 84 };
	struct reader r;
	size_t length = header_peek_length(in, n), body;

	if (length < HEADER_FIXED_BYTES || length > HEADER_MAX_BYTES)
		return n < HEADER_LENGTH_OFFSET + 2 ? ERR_TRUNCATED : ERR_FORMAT;
	reader_init(&r, in, n);
	v->header = read_ref(&r, length);
	v->header_length = length;
	v->signature = read_ref(&r, SIGNATURE_BYTES);
	if (r.bad)
		return ERR_TRUNCATED;
	body = get_u32(in + BODY_LENGTH_OFFSET);
	if (body > FORWARD_BODY_MAX_BYTES)
		return ERR_LIMIT;
	v->body = read_ref(&r, body);
	v->body_length = body;
	if (r.bad)
		return ERR_TRUNCATED;
	return r.left ? ERR_TRAILING : ERR_OK;
}

bool message_body_matches(const struct header *h, const uint8_t *body, size_t n)
{
	struct hash hash;

	if (n != h->body_length)
		return false;
	hash = hash_of(body, n);
	return hash_equal(&hash, &h->body_hash);
}

void message_signed_bytes(uint8_t out[SIGNED_BYTES], const struct message_id *id)
{
	/* SPEC 3.4: "The signature is Ed25519 over the 40 bytes "khabar-1" | id." */
	memcpy(out, "khabar-1", 8);
	memcpy(out + 8, id->b, sizeof id->b);
}

bool message_signature_valid(const struct message_id *id, const uint8_t signature[SIGNATURE_BYTES],
			     const uint8_t sign_key[SIGN_KEY_BYTES])
{
	uint8_t text[SIGNED_BYTES];

	message_signed_bytes(text, id);
	return crypto_sign_verify_detached(signature, text, sizeof text, sign_key) == 0;
}

struct audience_id audience_all(void)
{
	struct audience_id a;

	crypto_generichash(a.b, sizeof a.b, (const uint8_t *)"all", 3, NULL, 0);
	return a;
}

static int party_compare(const void *a, const void *b)
{
	return memcmp(a, b, PARTY_ID_BYTES);
}

struct audience_id audience_of(const struct party_id *origin, struct party_id *ids, size_t count,
			       bool direct)
{
	struct audience_id a;
	crypto_generichash_state state;
	const char *label = direct ? "direct" : "to";

	if (count)
		qsort(ids, count, sizeof *ids, party_compare);
	crypto_generichash_init(&state, NULL, 0, sizeof a.b);
	crypto_generichash_update(&state, (const uint8_t *)label, strlen(label));
	crypto_generichash_update(&state, origin->b, sizeof origin->b);
	for (size_t i = 0; i < count; i++) {
		if (party_id_equal(&ids[i], origin) || (i && party_id_equal(&ids[i], &ids[i - 1])))
			continue;
		crypto_generichash_update(&state, ids[i].b, sizeof ids[i].b);
	}
	crypto_generichash_final(&state, a.b, sizeof a.b);
	return a;
}

bool header_audience_valid(const struct header *h)
{
	struct party_id ids[RECIPIENTS_MAX];
	struct audience_id audience = audience_all();

	for (size_t i = 0; i < h->recipient_count; i++)
		ids[i] = h->recipients[i].party;
	if (h->recipient_count)
		audience = audience_of(&h->origin, ids, h->recipient_count, h->flags & FLAG_DIRECT);
	return memcmp(audience.b, h->audience.b, sizeof audience.b) == 0;
}

const char *header_violation(const struct header *h)
{
	bool to_origin = false, to_others = false;

	if (!(h->flags & FLAG_SEALED))
		return h->tlp > TLP_GREEN ? "TLP:AMBER or stricter, and not sealed" : NULL;
	for (size_t i = 0; i < h->recipient_count; i++) {
		if (party_id_equal(&h->recipients[i].party, &h->origin))
			to_origin = true;
		else
			to_others = true;
	}
	if (!to_origin)
		return "sealed, but not to its origin";
	return to_others ? NULL : "sealed to nobody besides its origin";
}
