#include "protocol/view.h"

#include <sodium.h>
#include <string.h>

#include "protocol/bytes.h"

void view_keys(struct view *v, const uint8_t began[NONCE_BYTES], const uint8_t other[NONCE_BYTES])
{
	/* SPEC 7.7.2: "The long key of a run is the nonce of the end that began | that of the
	 * other; the short key is the BLAKE2b-128 of the long one." */
	memcpy(v->key, began, NONCE_BYTES);
	memcpy(v->key + NONCE_BYTES, other, NONCE_BYTES);
	crypto_generichash(v->short_key, sizeof v->short_key, v->key, sizeof v->key, NULL, 0);
}

void view_span(struct view *v, uint32_t floor)
{
	/* SPEC 7.7.2: "A key is in view when floor <= expiry <= floor + 9,648, and the link carries
	 * its audience (5.3)." */
	v->first = floor;
	v->last = floor > UINT32_MAX - EXPIRY_SPAN_HOURS ? UINT32_MAX : floor + EXPIRY_SPAN_HOURS;
}

static struct trie_key key_at_hour(const struct trie_place *place, uint32_t hour)
{
	struct trie_key key = trie_root(&(struct audience_id){{0}}).first;

	memcpy(key.b, place->first.b, AUDIENCE_ID_BYTES);
	put_u32(key.b + AUDIENCE_ID_BYTES, hour);
	return trie_key_compare(&key, &place->first) > 0 ? key : place->first;
}

static enum err key_read(const struct trie_entry *entry, const struct trie_place *place,
			 uint32_t last, struct trie_key *key, uint64_t *lsn)
{
	enum err e = trie_read_key(entry, key, lsn);

	if (!e && (!trie_covers(place, key) || trie_key_expiry(key) > last))
		e = ERR_NOT_FOUND;
	return e;
}

/* The first key below the place at or after *key that expires not after last. */
static enum err key_seek(struct view *v, const struct trie_place *place, uint32_t last,
			 struct trie_key *key, uint64_t *lsn)
{
	const struct trie_store *s = v->store;
	struct trie_entry entry;
	enum err e = s->seek(s->self, TRIE_RANGE, key->b, sizeof key->b, &entry);

	v->reads++;
	return e ? e : key_read(&entry, place, last, key, lsn);
}

static enum err key_next(struct view *v, const struct trie_place *place, uint32_t last,
			 struct trie_key *key, uint64_t *lsn)
{
	const struct trie_store *s = v->store;
	struct trie_entry entry;
	enum err e = s->next(s->self, TRIE_RANGE, &entry);

	v->reads++;
	return e ? e : key_read(&entry, place, last, key, lsn);
}

enum err view_seek(struct view *v, const struct trie_place *place, struct trie_key *key,
		   uint64_t *lsn)
{
	struct trie_key low = key_at_hour(place, v->first);

	if (trie_key_compare(key, &low) < 0)
		*key = low;
	return key_seek(v, place, v->last, key, lsn);
}

enum err view_next(struct view *v, const struct trie_place *place, struct trie_key *key,
		   uint64_t *lsn)
{
	return key_next(v, place, v->last, key, lsn);
}

static void add_key(struct aggregate *sum, const struct trie_key *key)
{
	struct message_id id = trie_key_id(key);
	struct aggregate one;

	aggregate_of_id(&one, &id);
	aggregate_add(sum, &one);
}

static enum err node_get(struct view *v, const struct trie_place *place, struct aggregate *out)
{
	v->reads++;
	return trie_get(v->store, place, out);
}

/* Hours that a place reaches from and to. */
static uint32_t place_first_hour(const struct trie_place *place)
{
	return trie_key_expiry(&place->first);
}

static uint32_t place_last_hour(const struct trie_place *place)
{
	struct trie_key last = trie_last(place);

	return trie_key_expiry(&last);
}

/* Adds what is below a place and expires in from..to, by as few nodes as cover it.  Goes at most
 * three steps deep: from the third on a place is within one hour. */
static enum err add_hours(struct view *v, const struct trie_place *place, uint32_t from,
			  uint32_t to, struct aggregate *sum)
{
	struct trie_key key = key_at_hour(place, from);
	struct aggregate whole;
	uint64_t lsn;
	enum err e = key_seek(v, place, to, &key, &lsn);

	/* Mostly there is nothing: what is below the floor has been purged. */
	if (e)
		return e == ERR_NOT_FOUND ? ERR_OK : e;
	e = node_get(v, place, &whole);
	if (!e && from <= place_first_hour(place) && place_last_hour(place) <= to) {
		aggregate_add(sum, &whole);
		return ERR_OK;
	}
	while (!e) {
		if (whole.count <= TRIE_SPLIT) {
			add_key(sum, &key);
			e = key_next(v, place, to, &key, &lsn);
		} else {
			struct trie_place child = trie_above(&key, place->depth + 1);
			e = add_hours(v, &child, from, to, sum);
			key = trie_last(&child);
			if (!e)
				e = trie_key_next(&key) ? key_seek(v, place, to, &key, &lsn)
							: ERR_NOT_FOUND;
		}
	}
	return e == ERR_NOT_FOUND ? ERR_OK : e;
}

/* SPEC 7.7.2: "In the view, a node has the aggregate of the keys below it that are in view."  Takes
 * from a stored aggregate what is outside; nothing there expires before the hour from. */
static enum err clip(struct view *v, const struct trie_place *place, uint32_t from,
		     struct aggregate *sum)
{
	uint32_t to = place_last_hour(place);
	struct aggregate outside = {0};
	enum err e = ERR_OK;

	if (from >= v->first && to <= v->last)
		return ERR_OK;
	if (to < v->first || from > v->last) {
		*sum = (struct aggregate){0};
		return ERR_OK;
	}
	if (from < v->first)
		e = add_hours(v, place, from, v->first - 1, &outside);
	if (!e && to > v->last)
		e = add_hours(v, place, v->last + 1, to, &outside);
	aggregate_subtract(sum, &outside);
	return e;
}

/* Its first key expires in the hour *first. */
static enum err audience_seek(struct view *v, const struct audience_id *from,
			      struct view_audience *out, uint32_t *first)
{
	const struct trie_store *s = v->store;
	struct trie_place root = trie_root(from);
	struct trie_entry entry;
	struct trie_key key;
	uint64_t lsn;
	enum err e = s->seek(s->self, TRIE_RANGE, root.first.b, sizeof root.first.b, &entry);

	v->reads++;
	if (!e)
		e = trie_read_key(&entry, &key, &lsn);
	if (e)
		return e;
	*out = (struct view_audience){.id = trie_key_audience(&key)};
	out->carried = v->carries(v->arg, &out->id, lsn);
	*first = trie_key_expiry(&key);
	return ERR_OK;
}

enum err view_foreign(struct view *v, const struct audience_id *audience, bool *foreign)
{
	struct view_audience found;
	uint32_t first;
	enum err e = audience_seek(v, audience, &found, &first);

	*foreign = !e && !found.carried && memcmp(found.id.b, audience->b, sizeof found.id.b) == 0;
	return e == ERR_NOT_FOUND ? ERR_OK : e;
}

enum err view_audience(struct view *v, const struct audience_id *from, struct view_audience *out)
{
	struct trie_place root;
	uint32_t first;
	enum err e = audience_seek(v, from, out, &first);

	if (e || !out->carried)
		return e;
	root = trie_root(&out->id);
	e = node_get(v, &root, &out->sum);
	return e ? e : clip(v, &root, first, &out->sum);
}

/* Children as the trie stores them. */
static enum err stored_children(struct view *v, const struct trie_place *place,
				struct view_child out[ROOT_CHILDREN_MAX], size_t *n)
{
	const struct trie_store *s = v->store;
	struct trie_key low = key_at_hour(place, v->first);
	struct trie_place child = trie_above(&low, place->depth + 1);
	uint8_t key[TRIE_NODE_KEY_MAX];
	struct trie_entry entry;
	enum err e = s->seek(s->self, TRIE_NODES, key, trie_node_key(&child, key), &entry);

	for (*n = 0; !e && *n < ROOT_CHILDREN_MAX; ++*n) {
		v->reads++;
		e = trie_read_node(&entry, &child, &out[*n].sum);
		if (e)
			return e;
		if (child.depth != place->depth + 1 || !trie_covers(place, &child.first) ||
		    place_first_hour(&child) > v->last)
			return ERR_OK;
		out[*n].number = trie_child_number(place, &child.first);
		e = s->next(s->self, TRIE_NODES, &entry);
	}
	return e == ERR_NOT_FOUND ? ERR_OK : e;
}

/* Children of a node that has none stored: its keys, sorted into them. */
static enum err scanned_children(struct view *v, const struct trie_place *place,
				 struct view_child out[ROOT_CHILDREN_MAX], size_t *n)
{
	struct trie_key key = place->first;
	uint64_t lsn;
	enum err e = view_seek(v, place, &key, &lsn);

	for (*n = 0; !e; e = view_next(v, place, &key, &lsn)) {
		uint32_t number = trie_child_number(place, &key);
		if (*n == 0 || out[*n - 1].number != number) {
			if (*n == ROOT_CHILDREN_MAX)
				return ERR_DAMAGED;
			out[(*n)++] = (struct view_child){.number = number};
		}
		add_key(&out[*n - 1].sum, &key);
	}
	return e == ERR_NOT_FOUND ? ERR_OK : e;
}

enum err view_children(struct view *v, const struct trie_place *place,
		       struct view_child out[ROOT_CHILDREN_MAX], size_t *n)
{
	struct aggregate stored;
	size_t found, kept = 0;
	enum err e = node_get(v, place, &stored);

	if (e || stored.count <= TRIE_SPLIT)
		return e ? e : scanned_children(v, place, out, n);
	e = stored_children(v, place, out, &found);
	for (size_t i = 0; i < found && !e; i++) {
		struct trie_place child = trie_child(place, out[i].number);
		e = clip(v, &child, place_first_hour(&child), &out[i].sum);
		if (out[i].sum.count)
			out[kept++] = out[i];
	}
	*n = kept;
	return e;
}

/* SPEC 7.7.2: "The fingerprint of the whole view is the BLAKE2b-128 of its aggregate, 136 bytes,
 * under the long key." */
void view_total_fingerprint(const struct view *v, const struct aggregate *a,
			    uint8_t out[TOTAL_FINGERPRINT_BYTES])
{
	uint8_t bytes[AGGREGATE_BYTES];

	aggregate_encode(a, bytes);
	crypto_generichash(out, TOTAL_FINGERPRINT_BYTES, bytes, sizeof bytes, v->key,
			   sizeof v->key);
}

/* SPEC 7.7.2: "The fingerprint of any other aggregate is the SipHash-2-4 of its 136 bytes, the
 * short id of a message that of its id, under the short key." */
static uint64_t short_hash(const struct view *v, const void *p, size_t n)
{
	uint8_t hash[crypto_shorthash_BYTES];

	crypto_shorthash(hash, p, n, v->short_key);
	return get_u64(hash);
}

uint64_t view_fingerprint(const struct view *v, const struct aggregate *a)
{
	uint8_t bytes[AGGREGATE_BYTES];

	aggregate_encode(a, bytes);
	return short_hash(v, bytes, sizeof bytes);
}

uint64_t view_short_id(const struct view *v, const struct trie_key *key)
{
	return short_hash(v, key->b + TRIE_KEY_BYTES - MESSAGE_ID_BYTES, MESSAGE_ID_BYTES);
}
