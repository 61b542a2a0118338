#include "protocol/audience.h"

#include <string.h>

/* A set of parties, as many words as the topology's rows have. */
struct party_set {
	uint64_t word[PARTIES_MAX / 64];
};

static const uint64_t *row(const struct topology *t, size_t x)
{
	return t->above + x * t->above_words;
}

/* SPEC 5.3: "L is the set of those common ancestors that have no other common ancestor below
 * them." */
static void lowest_common(const struct topology *t, size_t a, size_t b, struct party_set *l)
{
	const uint64_t *of_a = row(t, a), *of_b = row(t, b);

	for (size_t w = 0; w < t->above_words; w++)
		l->word[w] = of_a[w] & of_b[w];
	/* Whoever was taken out was taken out by one below, who takes out everybody above as well:
	 * so looking at those that are still in is enough. */
	for (size_t w = 0; w < t->above_words; w++) {
		uint64_t seen = 0;
		while (l->word[w] & ~seen) {
			uint64_t bit = l->word[w] & ~seen;
			bit &= -bit;
			seen |= bit;
			const uint64_t *above = row(t, w * 64 + (size_t)__builtin_ctzll(bit));
			for (size_t k = 0; k < t->above_words; k++)
				l->word[k] &= ~above[k] | (k == w ? bit : 0);
		}
	}
}

static bool reaches(const struct topology *t, size_t x, const struct party_set *l)
{
	const uint64_t *above = row(t, x);

	for (size_t w = 0; w < t->above_words; w++)
		if (above[w] & l->word[w])
			return true;
	return false;
}

static bool on_a_line(const struct topology *t, size_t a, size_t b, size_t x)
{
	return topology_above(t, a, x) || topology_above(t, b, x);
}

static bool present_node(const struct party *node)
{
	/* SPEC 5.3: "A node that left carries nothing." */
	return node->kind == PARTY_NODE && !node->left;
}

/* The node itself or the first of the roles it holds that lies on the way from a to b; PARTIES_MAX
 * when none does. */
static size_t on_the_way(const struct topology *t, const struct party *node, size_t a, size_t b)
{
	struct party_set l;
	size_t self = topology_index(t, node);
	bool candidate = on_a_line(t, a, b, self);

	for (size_t i = 0; i < node->role_count; i++)
		candidate |= on_a_line(t, a, b, node->roles[i]);
	if (!candidate)
		return PARTIES_MAX;
	lowest_common(t, a, b, &l);
	if (on_a_line(t, a, b, self) && reaches(t, self, &l))
		return self;
	for (size_t i = 0; i < node->role_count; i++)
		if (on_a_line(t, a, b, node->roles[i]) && reaches(t, node->roles[i], &l))
			return node->roles[i];
	return PARTIES_MAX;
}

const struct party *audience_way(const struct topology *t, const struct party *node,
				 const struct party *origin, const struct party *recipient)
{
	size_t x = present_node(node) ? on_the_way(t, node, topology_index(t, origin),
						   topology_index(t, recipient))
				      : PARTIES_MAX;

	return x == PARTIES_MAX ? NULL : &t->parties[x];
}

static bool is_or_holds(const struct topology *t, const struct party *node, const struct party *p)
{
	size_t index = topology_index(t, p);

	if (p == node)
		return true;
	for (size_t i = 0; i < node->role_count; i++)
		if (node->roles[i] == index)
			return true;
	return false;
}

bool audience_reads(const struct topology *t, const struct party *node, const struct header *h)
{
	if (!present_node(node))
		return false;
	if (h->recipient_count == 0)
		return true;
	for (size_t i = 0; i < h->recipient_count; i++) {
		const struct party *p = topology_party_by_id(t, &h->recipients[i].party);
		if (p && is_or_holds(t, node, p))
			return true;
	}
	return false;
}

bool audience_carries(const struct topology *t, const struct party *node, const struct header *h)
{
	const struct party *origin;

	if (!present_node(node))
		return false;
	if (party_id_equal(&node->id, &h->origin) || audience_reads(t, node, h))
		return true;
	origin = topology_party_by_id(t, &h->origin);
	/* SPEC 5.3: "With the flag direct, nobody else carries it." */
	if (!origin || h->flags & FLAG_DIRECT)
		return false;
	for (size_t i = 0; i < h->recipient_count; i++) {
		const struct party *p = topology_party_by_id(t, &h->recipients[i].party);
		/* SPEC 5.3: "A recipient that the topology does not know adds no carrier." */
		if (p && audience_way(t, node, origin, p))
			return true;
	}
	return false;
}

bool audience_link_carries(const struct topology *t, const struct party *a, const struct party *b,
			   const struct header *h)
{
	return topology_link(t, a, b) != LINK_NONE && audience_carries(t, a, h) &&
	       audience_carries(t, b, h);
}
