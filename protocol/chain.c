#include "protocol/chain.h"

#include <stdlib.h>
#include <string.h>

void chain_init(struct chain *c)
{
	*c = (struct chain){0};
}

void chain_clear(struct chain *c)
{
	for (size_t i = 0; i < c->count; i++)
		topology_free(c->versions[i]);
	free(c->versions);
	chain_init(c);
}

const struct topology *chain_newest(const struct chain *c)
{
	return c->count ? c->versions[c->count - 1] : NULL;
}

const struct topology *chain_oldest(const struct chain *c)
{
	return c->count ? c->versions[0] : NULL;
}

static enum err insert(struct chain *c, size_t at, struct topology *t)
{
	if (c->count == c->size) {
		size_t size = c->size ? 2 * c->size : 8;
		struct topology **grown = realloc(c->versions, size * sizeof *grown);
		if (!grown) {
			topology_free(t);
			return ERR_MEMORY;
		}
		c->versions = grown;
		c->size = size;
	}
	memmove(c->versions + at + 1, c->versions + at, (c->count - at) * sizeof *c->versions);
	c->versions[at] = t;
	c->count++;
	return ERR_OK;
}

enum err chain_add(struct chain *c, struct topology *t)
{
	const struct topology *newest = chain_newest(c);

	if (newest && t->version <= newest->version) {
		topology_free(t);
		return ERR_STATE;
	}
	return insert(c, c->count, t);
}

enum err chain_add_older(struct chain *c, struct topology *t)
{
	const struct topology *oldest = chain_oldest(c);

	if (oldest && t->version >= oldest->version) {
		topology_free(t);
		return ERR_STATE;
	}
	return insert(c, 0, t);
}

const struct topology *chain_version(const struct chain *c, uint32_t version)
{
	/* Most messages name a recent version. */
	for (size_t i = c->count; i > 0; i--) {
		if (c->versions[i - 1]->version <= version)
			return c->versions[i - 1]->version == version ? c->versions[i - 1] : NULL;
	}
	return NULL;
}

const struct topology *chain_hash(const struct chain *c, const struct version_hash *v)
{
	const struct topology *t = chain_version(c, v->version);

	return t && hash_equal(&t->hash, &v->hash) ? t : NULL;
}

const struct topology *chain_by_hash(const struct chain *c, const struct hash *hash)
{
	for (size_t i = c->count; i-- > 0;)
		if (hash_equal(&c->versions[i]->hash, hash))
			return c->versions[i];
	return NULL;
}

const struct topology *chain_after(const struct chain *c, const struct version_hash *v)
{
	const struct topology *t =
		v->version == UINT32_MAX ? NULL : chain_version(c, v->version + 1);

	for (size_t i = 0; t && i < t->previous_count; i++) {
		if (hash_equal(&t->previous[i], &v->hash))
			return t;
	}
	return NULL;
}

static enum link_kind link_in(const struct topology *t, const struct party_id *a,
			      const struct party_id *b)
{
	const struct party *p = topology_party_by_id(t, a), *q = topology_party_by_id(t, b);

	if (!p || !q || p->kind != PARTY_NODE || q->kind != PARTY_NODE)
		return LINK_NONE;
	return topology_link(t, p, q);
}

static bool member(const struct topology *t, const struct party_id *id)
{
	const struct party *p = topology_party_by_id(t, id);

	return p && p->kind == PARTY_NODE && !p->left && party_can_sign(p);
}

const struct topology *chain_former(const struct chain *c, const struct party_id *a,
				    const struct party_id *b)
{
	const struct topology *newest = chain_newest(c);

	if (!newest || !member(newest, a) || !member(newest, b) || link_in(newest, a, b))
		return NULL;
	/* SPEC 4.10: "No more versions are looked at than a HELLO tells." */
	for (size_t i = 1; i < c->count && i < HELLO_VERSIONS_MAX; i++) {
		const struct topology *t = c->versions[c->count - 1 - i];
		if (link_in(t, a, b))
			return t;
	}
	return NULL;
}

size_t chain_tell(const struct chain *c, struct version_hash *out, size_t max)
{
	size_t n = 0;

	for (size_t i = c->count; i > 0 && n < max; i--, n++) {
		out[n].version = c->versions[i - 1]->version;
		out[n].hash = c->versions[i - 1]->hash;
	}
	return n;
}
