/* The fold: a batch of changes applied to the range, then to the nodes above them. */
#include "protocol/trie.h"

#include <stdlib.h>
#include <string.h>

#include "protocol/bytes.h"
#include "protocol/trie_survey.h"

enum err trie_get(const struct trie_store *s, const struct trie_place *place, struct aggregate *out)
{
	uint8_t key[TRIE_NODE_KEY_MAX];
	size_t n = trie_node_key(place, key);
	struct trie_entry e;
	enum err err = s->seek(s->self, TRIE_NODES, key, n, &e);

	*out = (struct aggregate){0};
	if (err == ERR_NOT_FOUND)
		return ERR_OK;
	if (err)
		return err;
	if (e.key_length != n || memcmp(e.key, key, n) != 0)
		return ERR_OK;
	if (e.value_length != AGGREGATE_BYTES)
		return ERR_DAMAGED;
	aggregate_decode(out, e.value);
	return ERR_OK;
}

enum err trie_put(const struct trie_store *s, const struct trie_place *place,
		  const struct aggregate *a)
{
	uint8_t key[TRIE_NODE_KEY_MAX], value[AGGREGATE_BYTES];
	size_t n = trie_node_key(place, key);

	aggregate_encode(a, value);
	return s->put(s->self, TRIE_NODES, key, n, value, sizeof value);
}

static enum err node_remove(const struct trie_store *s, const struct trie_place *place)
{
	uint8_t key[TRIE_NODE_KEY_MAX];
	enum err e = s->remove(s->self, TRIE_NODES, key, trie_node_key(place, key));

	return e == ERR_NOT_FOUND ? ERR_DAMAGED : e;
}

/* Removes what stands below a place, not its own node. */
static enum err drop_below(const struct trie_store *s, const struct trie_place *place)
{
	struct trie_place low = {place->depth + 1, place->first}, child;
	uint8_t key[TRIE_NODE_KEY_MAX];
	struct trie_entry entry;
	struct aggregate a;

	for (;;) {
		enum err e = s->seek(s->self, TRIE_NODES, key, trie_node_key(&low, key), &entry);
		if (e)
			return e == ERR_NOT_FOUND ? ERR_OK : e;
		e = trie_read_node(&entry, &child, &a);
		if (e)
			return e;
		if (child.depth != low.depth || !trie_covers(place, &child.first))
			return ERR_OK;
		if (a.count > TRIE_SPLIT)
			e = drop_below(s, &child);
		if (!e)
			e = node_remove(s, &child);
		if (e)
			return e;
	}
}

/* Changes of one place, and what they come to. */
struct deltas {
	const struct trie_change *at;
	size_t n;
};

static void deltas_sum(const struct deltas *d, struct aggregate *up, struct aggregate *down)
{
	for (size_t i = 0; i < d->n; i++) {
		struct message_id id = trie_key_id(&d->at[i].key);
		struct aggregate one;
		aggregate_of_id(&one, &id);
		aggregate_add(d->at[i].remove ? down : up, &one);
	}
}

static size_t deltas_inserts(const struct deltas *d)
{
	size_t inserts = 0;

	for (size_t i = 0; i < d->n; i++)
		inserts += !d->at[i].remove;
	return inserts;
}

/* The changes of a place are summed once, where the fold does not go deeper; the places above add
 * what it found to their own: up was inserted, down removed. */
static enum err fold_place(const struct trie_store *s, const struct trie_place *place,
			   struct deltas d, struct aggregate *up, struct aggregate *down)
{
	struct aggregate old, inserted = {0}, removed = {0};
	enum err e = trie_get(s, place, &old);
	size_t inserts = deltas_inserts(&d);
	uint64_t count = old.count + inserts - (d.n - inserts);

	if (e)
		return e;
	if (d.n - inserts > old.count + inserts)
		return ERR_DAMAGED;
	if (old.count > TRIE_SPLIT && count > TRIE_SPLIT) {
		while (d.n && !e) {
			struct trie_place child = trie_above(&d.at->key, place->depth + 1);
			struct deltas part = {d.at, 0};
			while (part.n < d.n && trie_covers(&child, &d.at[part.n].key))
				part.n++;
			e = fold_place(s, &child, part, &inserted, &removed);
			d.at += part.n;
			d.n -= part.n;
		}
	} else {
		deltas_sum(&d, &inserted, &removed);
		/* SPEC 7.7.1: "A child exists if and only if it is not empty and the count of its
		 * parent's node is over 64." */
		if (old.count > TRIE_SPLIT)
			e = drop_below(s, place);
		else if (count > TRIE_SPLIT)
			e = trie_build_below(s, place);
	}
	if (e)
		return e;
	aggregate_add(up, &inserted);
	aggregate_add(down, &removed);
	aggregate_add(&old, &inserted);
	aggregate_subtract(&old, &removed);
	if (old.count)
		return trie_put(s, place, &old);
	/* SPEC 7.7.1: "A root exists if and only if its count is not 0." */
	return node_remove(s, place);
}

static int by_key(const void *a, const void *b)
{
	const struct trie_change *x = a, *y = b;
	int c = trie_key_compare(&x->key, &y->key);

	return c ? c : (x->order > y->order) - (x->order < y->order);
}

/* Applies all changes of one key to the range, in order of arrival; *net is 1, 0 or -1. */
static enum err apply_key(const struct trie_store *s, const struct trie_change *c, size_t n,
			  int *net)
{
	*net = 0;
	for (size_t i = 0; i < n; i++) {
		uint8_t lsn[TRIE_LSN_BYTES];
		enum err e;
		put_u64(lsn, c[i].lsn);
		e = c[i].remove ? s->remove(s->self, TRIE_RANGE, c->key.b, sizeof c->key.b)
				: s->insert(s->self, TRIE_RANGE, c->key.b, sizeof c->key.b, lsn,
					    sizeof lsn);
		if (e == ERR_OK)
			*net += c[i].remove ? -1 : 1;
		/* SPEC 7.7.1: "Inserting what is there and removing what is not change nothing." */
		else if (e != (c[i].remove ? ERR_NOT_FOUND : ERR_EXISTS))
			return e;
	}
	return ERR_OK;
}

/* Applies the sorted changes to the range and keeps, in front, one for each key whose presence has
 * changed. */
static enum err apply(const struct trie_store *s, struct trie_change *changes, size_t n,
		      size_t *kept)
{
	*kept = 0;
	for (size_t i = 0, same; i < n; i += same) {
		int net;
		enum err e;
		for (same = 1; i + same < n; same++) {
			if (trie_key_compare(&changes[i].key, &changes[i + same].key) != 0)
				break;
		}
		e = apply_key(s, changes + i, same, &net);
		if (e)
			return e;
		if (net == 0)
			continue;
		changes[*kept] = changes[i];
		changes[(*kept)++].remove = net < 0;
	}
	return ERR_OK;
}

enum err trie_fold(const struct trie_store *s, struct trie_change *changes, size_t n)
{
	size_t kept;
	enum err e;

	for (size_t i = 0; i < n; i++)
		changes[i].order = (uint32_t)i;
	if (n)
		qsort(changes, n, sizeof *changes, by_key);
	e = apply(s, changes, n, &kept);
	for (size_t i = 0; i < kept && !e;) {
		struct trie_place root = trie_above(&changes[i].key, 0);
		struct aggregate up = {0}, down = {0};
		struct deltas d = {changes + i, 0};
		while (i + d.n < kept && trie_covers(&root, &changes[i + d.n].key))
			d.n++;
		e = fold_place(s, &root, d, &up, &down);
		i += d.n;
	}
	return e;
}

enum err trie_expired(const struct trie_store *s, uint32_t floor, struct audience_id *at,
		      struct trie_change *changes, size_t max, size_t *n)
{
	struct trie_key from = trie_root(at).first;
	struct trie_entry entry;
	enum err e = s->seek(s->self, TRIE_RANGE, from.b, sizeof from.b, &entry);

	*n = 0;
	while (!e) {
		struct trie_change *c = &changes[*n];
		struct trie_key key;
		uint64_t lsn;
		e = trie_read_key(&entry, &key, &lsn);
		if (e)
			return e;
		*at = trie_key_audience(&key);
		if (trie_key_expiry(&key) >= floor) {
			if (!trie_audience_next(at))
				return ERR_OK;
			from = trie_root(at).first;
			e = s->seek(s->self, TRIE_RANGE, from.b, sizeof from.b, &entry);
			continue;
		}
		if (*n == max)
			return ERR_OK;
		*c = (struct trie_change){.key = key, .remove = true, .lsn = lsn};
		(*n)++;
		e = s->next(s->self, TRIE_RANGE, &entry);
	}
	return e == ERR_NOT_FOUND ? ERR_OK : e;
}
