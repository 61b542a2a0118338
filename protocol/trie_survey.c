#include "protocol/trie_survey.h"

#include <stdlib.h>
#include <string.h>

/* One pass over the range.  The window shows TRIE_SPLIT + 1 keys ahead: when the last of them is
 * still below a place, the place has children. */
enum { WINDOW = TRIE_SPLIT + 1 };

struct survey {
	const struct trie_store *store;
	struct trie_key window[WINDOW]; /* a ring */
	size_t first, count;
	bool ended;
	uint64_t nodes;
	/* Told of every node, children before their parent. */
	enum err (*found)(struct survey *v, const struct trie_place *place,
			  const struct aggregate *a);
	struct trie_place *flaw; /* of check_node() */
	enum err e;
};

/* Takes the entry that a seek or next gave into the window. */
static void window_take(struct survey *v, enum err e, const struct trie_entry *entry)
{
	struct trie_key *key = &v->window[(v->first + v->count) % WINDOW];
	uint64_t lsn;

	if (!e)
		e = trie_read_key(entry, key, &lsn);
	v->ended = e == ERR_NOT_FOUND;
	if (!v->ended)
		v->e = e;
	v->count += !e;
}

static void window_fill(struct survey *v)
{
	const struct trie_store *s = v->store;

	while (v->count < WINDOW && !v->ended && !v->e) {
		struct trie_entry entry;
		enum err e = s->next(s->self, TRIE_RANGE, &entry);
		window_take(v, e, &entry);
	}
}

static void window_open(struct survey *v, const struct trie_key *from)
{
	const struct trie_store *s = v->store;
	struct trie_entry entry;
	enum err e = s->seek(s->self, TRIE_RANGE, from->b, sizeof from->b, &entry);

	window_take(v, e, &entry);
	window_fill(v);
}

/* The i-th key ahead when it is below the place, else NULL. */
static const struct trie_key *ahead(const struct survey *v, size_t i,
				    const struct trie_place *place)
{
	const struct trie_key *key = &v->window[(v->first + i) % WINDOW];

	return !v->e && i < v->count && trie_covers(place, key) ? key : NULL;
}

static void survey_place(struct survey *v, const struct trie_place *place, struct aggregate *sum);

static void survey_below(struct survey *v, const struct trie_place *place, struct aggregate *sum)
{
	const struct trie_key *key;

	while ((key = ahead(v, 0, place)) != NULL) {
		struct trie_place child = trie_above(key, place->depth + 1);
		survey_place(v, &child, sum);
	}
}

/* Adds what is below the place to *sum; the window stands on its first key. */
static void survey_place(struct survey *v, const struct trie_place *place, struct aggregate *sum)
{
	struct aggregate own = {0};
	const struct trie_key *key;

	if (ahead(v, WINDOW - 1, place)) {
		survey_below(v, place, &own);
	} else {
		while ((key = ahead(v, 0, place)) != NULL) {
			struct message_id id = trie_key_id(key);
			struct aggregate one;
			aggregate_of_id(&one, &id);
			aggregate_add(&own, &one);
			v->first = (v->first + 1) % WINDOW;
			v->count--;
			window_fill(v);
		}
	}
	if (v->e)
		return;
	aggregate_add(sum, &own);
	v->nodes++;
	v->e = v->found(v, place, &own);
}

static enum err put_node(struct survey *v, const struct trie_place *place,
			 const struct aggregate *a)
{
	return trie_put(v->store, place, a);
}

enum err trie_build_below(const struct trie_store *s, const struct trie_place *place)
{
	struct survey *v = calloc(1, sizeof *v);
	struct aggregate sum = {0};
	enum err e;

	if (!v)
		return ERR_MEMORY;
	v->store = s;
	v->found = put_node;
	window_open(v, &place->first);
	survey_below(v, place, &sum);
	e = v->e;
	free(v);
	return e;
}

static enum err survey_all(struct survey *v)
{
	static const struct trie_key zero;

	window_open(v, &zero);
	while (!v->e && v->count) {
		struct trie_place root = trie_above(&v->window[v->first], 0);
		struct aggregate sum = {0};
		survey_place(v, &root, &sum);
	}
	return v->e;
}

enum err trie_build(const struct trie_store *s)
{
	struct survey *v = calloc(1, sizeof *v);
	enum err e;

	if (!v)
		return ERR_MEMORY;
	v->store = s;
	v->found = put_node;
	e = survey_all(v);
	free(v);
	return e;
}

static enum err check_node(struct survey *v, const struct trie_place *place,
			   const struct aggregate *a)
{
	struct aggregate stored;
	enum err e = trie_get(v->store, place, &stored);

	if (!e && memcmp(&stored, a, sizeof stored) != 0) {
		*v->flaw = *place;
		e = ERR_DAMAGED;
	}
	return e;
}

/* A node that should not be there: nothing of the range is below it, or its parent has no children.
 */
static enum err stray(const struct trie_store *s, const struct trie_place *place, bool *is)
{
	struct trie_place parent;
	struct aggregate above;
	struct trie_entry entry;
	struct trie_key key;
	uint64_t lsn;
	enum err e = s->seek(s->self, TRIE_RANGE, place->first.b, sizeof place->first.b, &entry);

	if (!e)
		e = trie_read_key(&entry, &key, &lsn);
	*is = e == ERR_NOT_FOUND || !trie_covers(place, &key);
	if (e == ERR_NOT_FOUND || *is || place->depth == 0)
		return e == ERR_NOT_FOUND ? ERR_OK : e;
	parent = trie_above(&place->first, place->depth - 1);
	e = trie_get(s, &parent, &above);
	*is = above.count <= TRIE_SPLIT;
	return e;
}

/* Goes through all nodes, counting them, until one is a stray. */
static enum err walk_nodes(const struct trie_store *s, bool name, struct trie_place *place,
			   uint64_t *nodes)
{
	static const uint8_t first[AUDIENCE_ID_BYTES];
	struct trie_entry entry;
	struct aggregate a;
	bool is = false;
	enum err e = s->seek(s->self, TRIE_NODES, first, sizeof first, &entry);

	for (*nodes = 0; !e && !is; ++*nodes) {
		e = trie_read_node(&entry, place, &a);
		if (!e && name) {
			/* Looking up the parent moves the walk. */
			uint8_t key[TRIE_NODE_KEY_MAX];
			size_t n = trie_node_key(place, key);
			e = stray(s, place, &is);
			if (!e)
				e = s->seek(s->self, TRIE_NODES, key, n, &entry);
		}
		if (!e && !is)
			e = s->next(s->self, TRIE_NODES, &entry);
	}
	return e == ERR_NOT_FOUND ? ERR_OK : e;
}

enum err trie_check(const struct trie_store *s, struct trie_place *flaw)
{
	struct survey *v = calloc(1, sizeof *v);
	uint64_t nodes;
	enum err e;

	if (!v)
		return ERR_MEMORY;
	v->store = s;
	v->found = check_node;
	v->flaw = flaw;
	e = survey_all(v);
	if (!e)
		e = walk_nodes(s, false, flaw, &nodes);
	if (!e && nodes != v->nodes) {
		e = walk_nodes(s, true, flaw, &nodes);
		if (!e)
			e = ERR_DAMAGED;
	}
	free(v);
	return e;
}
