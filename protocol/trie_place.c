/* Keys and places: arithmetic on prefixes, no tables. */
#include <string.h>

#include "protocol/bytes.h"
#include "protocol/trie.h"

enum { EXPIRY_AT = AUDIENCE_ID_BYTES, ID_AT = EXPIRY_AT + 4, FIRST_STEP_BITS = 24, STEP_BITS = 4 };

/* SPEC 7.7.1: "A node at depth 0 has a prefix of 0 bits, one at depth d from 1 to 67 a prefix of
 * 24 + 4(d - 1) bits." */
static unsigned prefix_bits(unsigned depth)
{
	return depth == 0 ? 0 : FIRST_STEP_BITS + STEP_BITS * (depth - 1);
}

/* SPEC 7.7.1: "The audience of a key is computed from the recipients as in 3.3, also where the
 * header states another." */
static struct audience_id audience_computed(const struct header *h)
{
	struct party_id ids[RECIPIENTS_MAX];

	if (!(h->flags & FLAG_SEALED))
		return audience_all();
	for (size_t i = 0; i < h->recipient_count; i++)
		ids[i] = h->recipients[i].party;
	return audience_of(&h->origin, ids, h->recipient_count, h->flags & FLAG_DIRECT);
}

struct trie_key trie_key_make(const struct audience_id *audience, uint32_t expiry,
			      const struct message_id *id)
{
	struct trie_key key;

	memcpy(key.b, audience->b, AUDIENCE_ID_BYTES);
	put_u32(key.b + EXPIRY_AT, expiry);
	memcpy(key.b + ID_AT, id->b, MESSAGE_ID_BYTES);
	return key;
}

struct trie_key trie_key_of(const struct header *h, const struct message_id *id)
{
	struct audience_id audience = audience_computed(h);

	return trie_key_make(&audience, h->expiry, id);
}

uint32_t trie_key_expiry(const struct trie_key *key)
{
	return get_u32(key->b + EXPIRY_AT);
}

struct audience_id trie_key_audience(const struct trie_key *key)
{
	struct audience_id audience;

	memcpy(audience.b, key->b, sizeof audience.b);
	return audience;
}

struct message_id trie_key_id(const struct trie_key *key)
{
	struct message_id id;

	memcpy(id.b, key->b + ID_AT, sizeof id.b);
	return id;
}

int trie_key_compare(const struct trie_key *a, const struct trie_key *b)
{
	return memcmp(a->b, b->b, sizeof a->b);
}

static bool increment(uint8_t *number, size_t bytes)
{
	for (size_t i = bytes; i-- > 0;) {
		if (++number[i])
			return true;
	}
	return false;
}

bool trie_key_next(struct trie_key *key)
{
	return increment(key->b, sizeof key->b);
}

bool trie_audience_next(struct audience_id *audience)
{
	return increment(audience->b, sizeof audience->b);
}

size_t trie_prefix_bytes(unsigned depth)
{
	return (prefix_bits(depth) + 7) / 8;
}

bool trie_prefix_valid(unsigned depth, const uint8_t *prefix)
{
	return prefix_bits(depth) % 8 == 0 || (prefix[prefix_bits(depth) / 8] & 0x0f) == 0;
}

/* Sets everything behind the depth's bits to zeros or ones. */
static void fill(struct trie_key *key, unsigned depth, uint8_t with)
{
	unsigned bits = prefix_bits(depth);
	size_t at = EXPIRY_AT + bits / 8;

	if (bits % 8) {
		key->b[at] = (uint8_t)((key->b[at] & 0xf0) | (with & 0x0f));
		at++;
	}
	memset(key->b + at, with, sizeof key->b - at);
}

struct trie_place trie_above(const struct trie_key *key, unsigned depth)
{
	struct trie_place place = {depth, *key};

	fill(&place.first, depth, 0);
	return place;
}

struct trie_place trie_root(const struct audience_id *audience)
{
	struct trie_place place = {0};

	memcpy(place.first.b, audience->b, AUDIENCE_ID_BYTES);
	return place;
}

struct trie_place trie_child(const struct trie_place *parent, uint32_t number)
{
	struct trie_place child = {parent->depth + 1, parent->first};
	unsigned bits = prefix_bits(parent->depth);
	uint8_t *at = child.first.b + EXPIRY_AT + bits / 8;

	if (parent->depth == 0)
		put_u32(at, number << 8);
	else
		*at |= (uint8_t)(bits % 8 ? number : number << 4);
	return child;
}

uint32_t trie_child_number(const struct trie_place *parent, const struct trie_key *key)
{
	unsigned bits = prefix_bits(parent->depth);
	const uint8_t *at = key->b + EXPIRY_AT + bits / 8;

	if (parent->depth == 0)
		return get_u32(at) >> 8;
	return bits % 8 ? *at & 0x0f : *at >> 4;
}

bool trie_covers(const struct trie_place *place, const struct trie_key *key)
{
	unsigned bits = prefix_bits(place->depth);
	size_t whole = EXPIRY_AT + bits / 8;

	if (memcmp(place->first.b, key->b, whole) != 0)
		return false;
	return bits % 8 == 0 || ((place->first.b[whole] ^ key->b[whole]) & 0xf0) == 0;
}

struct trie_key trie_last(const struct trie_place *place)
{
	struct trie_key last = place->first;

	fill(&last, place->depth, 0xff);
	return last;
}

size_t trie_node_key(const struct trie_place *place, uint8_t out[TRIE_NODE_KEY_MAX])
{
	size_t prefix = trie_prefix_bytes(place->depth);

	/* SPEC 7.7.1: "The key of a node is audience 16 | depth 1 | prefix, in whole bytes, the
	 * bits behind it zero." */
	memcpy(out, place->first.b, AUDIENCE_ID_BYTES);
	out[AUDIENCE_ID_BYTES] = (uint8_t)place->depth;
	memcpy(out + AUDIENCE_ID_BYTES + 1, place->first.b + EXPIRY_AT, prefix);
	return AUDIENCE_ID_BYTES + 1 + prefix;
}

enum err trie_read_key(const struct trie_entry *e, struct trie_key *key, uint64_t *lsn)
{
	if (e->key_length != TRIE_KEY_BYTES || e->value_length != TRIE_LSN_BYTES)
		return ERR_DAMAGED;
	memcpy(key->b, e->key, sizeof key->b);
	*lsn = get_u64(e->value);
	return ERR_OK;
}

enum err trie_read_node(const struct trie_entry *e, struct trie_place *place, struct aggregate *out)
{
	size_t prefix = e->key_length - AUDIENCE_ID_BYTES - 1;

	if (e->key_length <= AUDIENCE_ID_BYTES || e->value_length != AGGREGATE_BYTES)
		return ERR_DAMAGED;
	*place = (struct trie_place){.depth = e->key[AUDIENCE_ID_BYTES]};
	if (place->depth > TRIE_DEPTH_MAX || prefix != trie_prefix_bytes(place->depth) ||
	    !trie_prefix_valid(place->depth, e->key + AUDIENCE_ID_BYTES + 1))
		return ERR_DAMAGED;
	memcpy(place->first.b, e->key, AUDIENCE_ID_BYTES);
	memcpy(place->first.b + EXPIRY_AT, e->key + AUDIENCE_ID_BYTES + 1, prefix);
	aggregate_decode(out, e->value);
	return ERR_OK;
}
