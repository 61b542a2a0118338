/* Who would read and who would carry, and why, in words. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "protocol/audience.h"
#include "protocol/recipients.h"

struct explaining {
	const struct topology *t;
	const struct party *origin;
	const struct recipients *r;
	struct header *headers; /* without keys: the rules of 5.3 ask for none */
	size_t header_count;
};

static bool headers_make(struct explaining *x)
{
	const struct recipients *r = x->r;
	size_t others = RECIPIENTS_MAX - 1;

	x->header_count = r->count ? recipients_letters(r) : 1;
	x->headers = calloc(x->header_count, sizeof *x->headers);
	if (!x->headers)
		return false;
	for (size_t i = 0; i < x->header_count; i++) {
		struct header *h = &x->headers[i];
		h->origin = x->origin->id;
		h->flags = r->direct ? FLAG_DIRECT : 0;
		if (!r->all)
			h->recipients[h->recipient_count++].party = x->origin->id;
	}
	for (size_t i = 0; i < r->count; i++) {
		struct header *h = &x->headers[i / others];
		h->recipients[h->recipient_count++].party = r->chosen[i].party->id;
	}
	return true;
}

static bool asked(const struct explaining *x, const struct party *node,
		  bool (*question)(const struct topology *, const struct party *,
				   const struct header *))
{
	for (size_t i = 0; i < x->header_count; i++)
		if (question(x->t, node, &x->headers[i]))
			return true;
	return false;
}

static void why_reads(char why[WHY_BYTES], const struct explaining *x, const struct party *node)
{
	const struct topology *t = x->t;

	if (node == x->origin || x->r->all) {
		snprintf(why, WHY_BYTES, "%s", node == x->origin ? "writes it" : "everyone");
		return;
	}
	for (size_t i = 0; i < x->r->count; i++) {
		if (x->r->chosen[i].party == node) {
			snprintf(why, WHY_BYTES, "%s", x->r->chosen[i].how);
			return;
		}
	}
	for (size_t i = 0; i < x->r->count; i++) {
		const struct party *p = x->r->chosen[i].party;
		for (size_t h = 0; h < p->holder_count; h++) {
			if (&t->parties[p->holders[h]] == node) {
				snprintf(why, WHY_BYTES, "holds %s (%s)", p->name,
					 x->r->chosen[i].how);
				return;
			}
		}
	}
}

static void why_carries(char why[WHY_BYTES], const struct explaining *x, const struct party *node)
{
	size_t more = 0, n = 0;

	for (size_t i = 0; i < x->r->count; i++) {
		const struct party *p = x->r->chosen[i].party;
		const struct party *way = audience_way(x->t, node, x->origin, p);
		if (!way)
			continue;
		if (n > 0)
			more++;
		else
			n = (size_t)snprintf(why, WHY_BYTES, "on the way to %s%s%s", p->name,
					     way == node ? "" : ", as ",
					     way == node ? "" : way->name);
	}
	if (more > 0)
		snprintf(why + n, WHY_BYTES - n, ", and to %zu more", more);
}

static enum err explain_nodes(struct explanation *e, const struct explaining *x)
{
	const struct topology *t = x->t;

	e->nodes = calloc(t->party_count, sizeof *e->nodes);
	if (!e->nodes)
		return ERR_MEMORY;
	for (size_t i = 0; i < t->party_count; i++) {
		const struct party *p = &t->parties[i];
		struct explained_node *n = &e->nodes[e->node_count];
		if (!asked(x, p, audience_carries))
			continue;
		n->node = p;
		n->reads = p == x->origin || asked(x, p, audience_reads);
		if (n->reads)
			why_reads(n->why, x, p);
		else
			why_carries(n->why, x, p);
		e->node_count++;
	}
	return ERR_OK;
}

static bool link_add(struct explanation *e, const struct party *a, const struct party *b,
		     enum link_kind kind)
{
	/* Room is doubled at every power of two. */
	if ((e->link_count & (e->link_count - 1)) == 0) {
		size_t room = e->link_count ? 2 * e->link_count : 1;
		struct explained_link *links = realloc(e->links, room * sizeof *links);
		if (!links)
			return false;
		e->links = links;
	}
	e->links[e->link_count++] = (struct explained_link){.a = a, .b = b, .kind = kind};
	return true;
}

static bool together(const struct explaining *x, const struct party *a, const struct party *b)
{
	for (size_t i = 0; i < x->header_count; i++)
		if (audience_link_carries(x->t, a, b, &x->headers[i]))
			return true;
	return false;
}

static enum err explain_links(struct explanation *e, const struct explaining *x)
{
	for (size_t i = 0; i < e->node_count; i++) {
		for (size_t k = i + 1; k < e->node_count; k++) {
			const struct party *a = e->nodes[i].node, *b = e->nodes[k].node;
			enum link_kind kind = topology_link(x->t, a, b);
			if (kind != LINK_NONE && together(x, a, b) && !link_add(e, a, b, kind))
				return ERR_MEMORY;
		}
	}
	return ERR_OK;
}

enum err recipients_explain(struct explanation *e, const struct topology *t,
			    const struct party *origin, const struct recipients *r)
{
	struct explaining x = {.t = t, .origin = origin, .r = r};
	enum err err = headers_make(&x) ? ERR_OK : ERR_MEMORY;

	*e = (struct explanation){0};
	if (!err)
		err = explain_nodes(e, &x);
	if (!err)
		err = explain_links(e, &x);
	free(x.headers);
	if (err)
		explanation_clear(e);
	return err;
}

void explanation_clear(struct explanation *e)
{
	free(e->nodes);
	free(e->links);
	*e = (struct explanation){0};
}
