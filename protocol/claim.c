#include "protocol/claim.h"

#include <stdlib.h>
#include <string.h>

enum { NIBBLES = 16, BLOCK_BYTES = 3, BLOCK_ENTRY_BYTES = BLOCK_BYTES + FINGERPRINT_BYTES };

void claims_init(struct claims *c, const uint8_t *payload, size_t n)
{
	*c = (struct claims){0};
	reader_init(&c->r, payload, n);
}

bool claim_has_place(enum claim_kind kind)
{
	return kind >= CLAIM_LIST && kind <= CLAIM_WANT;
}

void claim_interval(const struct claim *c, struct trie_key *first, struct trie_key *last)
{
	memset(first->b, 0, sizeof first->b);
	memset(last->b, 0xff, sizeof last->b);
	if (claim_has_place(c->kind)) {
		*first = c->place.first;
		*last = trie_last(&c->place);
	} else if (c->kind == CLAIM_AUDIENCES) {
		memcpy(first->b, c->from.b, sizeof c->from.b);
		memcpy(last->b, c->to.b, sizeof c->to.b);
	}
}

uint64_t claim_number(const struct claim *c, size_t i)
{
	return get_u64(c->items + 8 * i);
}

bool claim_lists(const struct claim *c, uint64_t short_id, size_t *index)
{
	size_t low = 0, high = c->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		uint64_t at = claim_number(c, middle);
		if (at == short_id) {
			*index = middle;
			return true;
		}
		if (at < short_id)
			low = middle + 1;
		else
			high = middle;
	}
	return false;
}

size_t claim_children(const struct claim *c, struct claim_entry out[ROOT_CHILDREN_MAX])
{
	const uint8_t *at = c->items;
	size_t n = 0;

	if (c->place.depth == 0) {
		for (; n < c->count; n++, at += BLOCK_ENTRY_BYTES)
			out[n] = (struct claim_entry){(uint32_t)at[0] << 16 | (uint32_t)at[1] << 8 |
							      at[2],
						      get_u64(at + BLOCK_BYTES)};
		return n;
	}
	for (uint32_t nibble = 0; nibble < NIBBLES; nibble++) {
		if (!(c->mask >> nibble & 1))
			continue;
		out[n] = (struct claim_entry){nibble, get_u64(c->items + FINGERPRINT_BYTES * n)};
		n++;
	}
	return n;
}

void claim_audience(const struct claim *c, size_t i, struct audience_id *id, uint64_t *fingerprint)
{
	const uint8_t *at = c->items + i * AUDIENCE_ENTRY_BYTES;

	memcpy(id->b, at, sizeof id->b);
	*fingerprint = get_u64(at + sizeof id->b);
}

static void read_place(struct claims *c, struct claim *out)
{
	unsigned depth = read_u8(&c->r);
	size_t n;
	const uint8_t *prefix;

	if (depth > TRIE_DEPTH_MAX || !c->has_audience) {
		c->bad = true;
		return;
	}
	n = trie_prefix_bytes(depth);
	prefix = read_ref(&c->r, n);
	out->place = trie_root(&c->audience);
	out->place.depth = depth;
	if (!prefix)
		return;
	memcpy(out->place.first.b + AUDIENCE_ID_BYTES, prefix, n);
	/* SPEC 7.7.4: "The bits of a prefix behind its end are zero." */
	c->bad |= !trie_prefix_valid(depth, prefix);
}

/* SPEC 7.7.4: "Short ids ascend strictly, and there are at most 64 of them." */
static void read_ids(struct claims *c, struct claim *out, size_t least)
{
	read_place(c, out);
	out->count = read_u8(&c->r);
	c->bad |= out->count < least || out->count > LIST_MAX;
	out->items = read_ref(&c->r, 8 * out->count);
	for (size_t i = 1; out->items && !c->bad && i < out->count; i++)
		c->bad |= claim_number(out, i - 1) >= claim_number(out, i);
}

/* SPEC 7.7.4: "The root has 1 to 39 children, strictly ascending; a node at depth 67 has none." */
static void read_children(struct claims *c, struct claim *out)
{
	read_place(c, out);
	c->bad |= out->place.depth == TRIE_DEPTH_MAX;
	if (out->place.depth == 0) {
		out->count = read_u8(&c->r);
		c->bad |= out->count == 0 || out->count > ROOT_CHILDREN_MAX;
		out->items = read_ref(&c->r, BLOCK_ENTRY_BYTES * out->count);
		for (size_t i = 1; out->items && !c->bad && i < out->count; i++)
			c->bad |= memcmp(out->items + (i - 1) * BLOCK_ENTRY_BYTES,
					 out->items + i * BLOCK_ENTRY_BYTES, BLOCK_BYTES) >= 0;
		return;
	}
	out->mask = read_u16(&c->r);
	c->bad |= out->mask == 0;
	for (uint32_t nibble = 0; nibble < NIBBLES; nibble++)
		out->count += out->mask >> nibble & 1;
	out->items = read_ref(&c->r, FINGERPRINT_BYTES * out->count);
}

static void read_sum(struct claims *c, struct claim *out)
{
	read_place(c, out);
	out->count = read_u8(&c->r);
	c->bad |= out->count == 0 || out->count > LIST_MAX;
	out->sum = read_u64(&c->r);
}

static void read_audiences(struct claims *c, struct claim *out)
{
	struct audience_id before = {{0}}, id;
	uint64_t fingerprint;

	read_bytes(&c->r, out->from.b, sizeof out->from.b);
	read_bytes(&c->r, out->to.b, sizeof out->to.b);
	c->bad |= memcmp(out->from.b, out->to.b, sizeof out->from.b) > 0;
	out->count = read_u16(&c->r);
	out->items = read_ref(&c->r, AUDIENCE_ENTRY_BYTES * out->count);
	/* SPEC 7.7.4: "They ascend strictly and lie between the two." */
	for (size_t i = 0; out->items && !c->bad && i < out->count; i++) {
		claim_audience(out, i, &id, &fingerprint);
		c->bad |= memcmp(id.b, out->from.b, sizeof id.b) < 0 ||
			  memcmp(id.b, out->to.b, sizeof id.b) > 0 ||
			  (i && memcmp(before.b, id.b, sizeof id.b) >= 0);
		before = id;
	}
}

static void read_audience(struct claims *c)
{
	struct audience_id before = c->audience;

	read_bytes(&c->r, c->audience.b, sizeof c->audience.b);
	/* SPEC 7.7.4: "It is another one than before, and a claim of it follows." */
	c->bad |= c->has_audience && memcmp(before.b, c->audience.b, sizeof before.b) == 0;
	c->has_audience = true;
}

static void read_claim(struct claims *c, struct claim *out)
{
	uint8_t kind = read_u8(&c->r);

	if (kind == CLAIM_AUDIENCE) {
		read_audience(c);
		kind = read_u8(&c->r);
		c->bad |= !claim_has_place(kind);
	}
	c->bad |= kind < CLAIM_LIST || kind > CLAIM_FLOOR;
	if (c->bad)
		return;
	*out = (struct claim){.kind = (enum claim_kind)kind};
	switch (out->kind) {
	case CLAIM_LIST:
		read_ids(c, out, 0);
		break;
	case CLAIM_WANT:
		read_ids(c, out, 1);
		break;
	case CLAIM_CHILDREN:
		read_children(c, out);
		break;
	case CLAIM_SUM:
		read_sum(c, out);
		break;
	case CLAIM_ONE:
		read_place(c, out);
		out->sum = read_u64(&c->r);
		break;
	case CLAIM_AUDIENCES:
		read_audiences(c, out);
		break;
	case CLAIM_BUCKETS:
		out->count = BUCKETS;
		out->items = read_ref(&c->r, FINGERPRINT_BYTES * BUCKETS);
		break;
	case CLAIM_FLOOR:
		out->floor = read_u32(&c->r);
		break;
	case CLAIM_AUDIENCE:
		break;
	}
}

bool claims_next(struct claims *c, struct claim *out)
{
	struct trie_key first, last;

	if (c->bad || c->r.left == 0)
		return false;
	read_claim(c, out);
	c->bad |= c->r.bad;
	if (c->bad)
		return false;
	/* SPEC 7.7.4: "The intervals of the claims of a frame ascend and do not overlap." */
	claim_interval(out, &first, &last);
	if (c->has_last && trie_key_compare(&c->last, &first) >= 0)
		c->bad = true;
	c->last = last;
	c->has_last = true;
	return !c->bad;
}

void claim_writer_init(struct claim_writer *w, uint8_t *out, size_t size)
{
	*w = (struct claim_writer){0};
	writer_init(&w->w, out, size);
}

static void write_place(struct claim_writer *w, enum claim_kind kind,
			const struct trie_place *place)
{
	struct audience_id audience = trie_key_audience(&place->first);

	if (!w->has_audience || memcmp(w->audience.b, audience.b, sizeof audience.b) != 0) {
		write_u8(&w->w, CLAIM_AUDIENCE);
		write_bytes(&w->w, audience.b, sizeof audience.b);
		w->audience = audience;
		w->has_audience = true;
	}
	write_u8(&w->w, (uint8_t)kind);
	write_u8(&w->w, (uint8_t)place->depth);
	write_bytes(&w->w, place->first.b + AUDIENCE_ID_BYTES, trie_prefix_bytes(place->depth));
}

static int by_number(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

void claim_write_ids(struct claim_writer *w, enum claim_kind kind, const struct trie_place *place,
		     uint64_t *ids, size_t n)
{
	size_t kept = 0;

	if (n)
		qsort(ids, n, sizeof *ids, by_number);
	for (size_t i = 0; i < n; i++) {
		if (kept == 0 || ids[kept - 1] != ids[i])
			ids[kept++] = ids[i];
	}
	write_place(w, kind, place);
	write_u8(&w->w, (uint8_t)kept);
	for (size_t i = 0; i < kept; i++)
		write_u64(&w->w, ids[i]);
}

void claim_write_sum(struct claim_writer *w, const struct trie_place *place, const uint64_t *ids,
		     size_t n)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += ids[i];
	write_place(w, CLAIM_SUM, place);
	write_u8(&w->w, (uint8_t)n);
	write_u64(&w->w, sum);
}

void claim_write_one(struct claim_writer *w, const struct trie_place *place, uint64_t id)
{
	write_place(w, CLAIM_ONE, place);
	write_u64(&w->w, id);
}

void claim_write_children(struct claim_writer *w, const struct trie_place *place,
			  const struct claim_entry *children, size_t n)
{
	uint16_t mask = 0;

	write_place(w, CLAIM_CHILDREN, place);
	if (place->depth == 0) {
		write_u8(&w->w, (uint8_t)n);
	} else {
		for (size_t i = 0; i < n; i++)
			mask = (uint16_t)(mask | 1U << children[i].number);
		write_u16(&w->w, mask);
	}
	for (size_t i = 0; i < n; i++) {
		if (place->depth == 0) {
			write_u8(&w->w, (uint8_t)(children[i].number >> 16));
			write_u16(&w->w, (uint16_t)children[i].number);
		}
		write_u64(&w->w, children[i].fingerprint);
	}
}

void claim_open_audiences(struct claim_writer *w, const struct audience_id *from)
{
	w->open = w->w.used;
	w->entries = 0;
	write_u8(&w->w, CLAIM_AUDIENCES);
	write_bytes(&w->w, from->b, sizeof from->b);
	/* The end and the number are known when it is closed. */
	write_bytes(&w->w, from->b, sizeof from->b);
	write_u16(&w->w, 0);
}

void claim_add_audience(struct claim_writer *w, const struct audience_id *id, uint64_t fingerprint)
{
	write_bytes(&w->w, id->b, sizeof id->b);
	write_u64(&w->w, fingerprint);
	w->entries++;
}

void claim_close_audiences(struct claim_writer *w, const struct audience_id *to)
{
	uint8_t *at = w->w.start + w->open + 1 + AUDIENCE_ID_BYTES;

	memcpy(at, to->b, sizeof to->b);
	at[AUDIENCE_ID_BYTES] = (uint8_t)(w->entries >> 8);
	at[AUDIENCE_ID_BYTES + 1] = (uint8_t)w->entries;
}

void claim_write_buckets(struct claim_writer *w, const uint64_t fingerprints[BUCKETS])
{
	write_u8(&w->w, CLAIM_BUCKETS);
	for (size_t i = 0; i < BUCKETS; i++)
		write_u64(&w->w, fingerprints[i]);
}

void claim_write_floor(struct claim_writer *w, uint32_t floor)
{
	write_u8(&w->w, CLAIM_FLOOR);
	write_u32(&w->w, floor);
}
