/* What the council and the nodes write. */
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "protocol/council.h"
#include "tests/sim/world_state.h"

struct said *said_find(struct world *w, const struct message_id *id)
{
	for (size_t i = 0; i < w->said_count; i++) {
		if (message_id_equal(&w->said[i].id, id))
			return &w->said[i];
	}
	return NULL;
}

/* The council signs another version: the same nodes, some of them with another parent. */
void council_sign(struct world *w)
{
	struct writing *out = &w->signed_files[++w->version];
	size_t length;

	put(out,
	    "federation\n    name = \"Simulation\"\n    version = %u\n"
	    "    expires = 2040-01-01\n",
	    w->version);
	if (w->version > 1) {
		char network[17], hash[65];
		const struct writing *last = &w->signed_files[w->version - 1];
		struct hash h = hash_of(last->at, council_text_length(last->at, last->length));
		struct hash first = hash_of(
			w->signed_files[1].at,
			council_text_length(w->signed_files[1].at, w->signed_files[1].length));
		put(out, "    network = \"%s\"\n    previous = \"%s\"\n",
		    hex_encode(network, first.b, NETWORK_ID_BYTES),
		    hex_encode(hash, h.b, sizeof h.b));
	}
	put(out, "\n");
	put_council(out, 2, 3);
	put(out, "\nnode\n");
	for (unsigned i = 0; i < w->plan.nodes; i++) {
		struct node *n = &w->nodes[i];
		put(out, "    %s\n        endpoint = \"tcp://127.0.0.1:%u\"\n", n->name, 5000 + i);
		if (i && (w->version == 1 || draw_below(w, 3) == 0))
			n->parent = draw_below(w, i + (i > 1 ? w->plan.roles : 0));
		if (i && n->parent >= i)
			put(out, "        reports-to = r%u\n", n->parent - i);
		else if (i)
			put(out, "        reports-to = %s\n", w->nodes[n->parent].name);
		put_keys(out, n->name);
	}
	/* The first two nodes hold the roles, one of them, the other, or both; each version anew.
	 */
	for (unsigned i = 0; i < w->plan.roles; i++) {
		static const char *const holders[] = {"n0", "n1", "n1 n0"};
		put(out, "%s    r%u\n        reports-to = n0\n        holders = \"%s\"\n",
		    i ? "" : "\nrole\n", i, holders[draw_below(w, 3)]);
	}
	length = out->length;
	put_signature(out, "member0", length, "ED");
	put_signature(out, "member2", length, "ED");
	{
		struct topology *t;
		if (topology_parse(&t, out->at, length, NULL) != ERR_OK ||
		    chain_add(&w->versions, t) != ERR_OK)
			abort();
	}
}

static int recipient_order(const void *a, const void *b)
{
	const struct recipient *p = a, *q = b;

	return memcmp(p->party.b, q->party.b, PARTY_ID_BYTES);
}

/* To the author and some others, nodes and roles.  Nobody opens it here, so nothing is really
 * sealed. */
static void recipients_draw(struct world *w, const struct topology *t, struct header *h)
{
	struct party_id ids[RECIPIENTS_MAX];
	size_t n = 1;

	h->recipients[0] = (struct recipient){.party = h->origin, .key = 1};
	for (unsigned i = 0; i < 1 + draw_below(w, 3); i++) {
		const struct party *p = &t->parties[draw_below(w, (unsigned)t->party_count)];
		bool twice = false;
		for (size_t k = 0; k < n; k++)
			twice |= party_id_equal(&h->recipients[k].party, &p->id);
		if (!twice)
			h->recipients[n++] = (struct recipient){.party = p->id, .key = 1};
	}
	if (n == 1)
		return;
	qsort(h->recipients, n, sizeof *h->recipients, recipient_order);
	for (size_t i = 0; i < n; i++)
		ids[i] = h->recipients[i].party;
	h->recipient_count = (uint16_t)n;
	h->flags = FLAG_SEALED;
	h->tlp = TLP_AMBER;
	memset(h->commitment, 1, sizeof h->commitment);
	h->audience = audience_of(&h->origin, ids, n, false);
}

/* Header, signature and body of h are submitted; said takes the header over. */
static void submit(struct world *w, struct node *n, struct header *h, const struct said *target)
{
	struct said *said = &w->said[w->said_count++];
	uint8_t *bytes = malloc(header_size(h) + SIGNATURE_BYTES + h->body_length), *body;
	uint8_t text[SIGNED_BYTES];
	size_t size;

	if (!bytes)
		abort();
	body = bytes + header_size(h) + SIGNATURE_BYTES;
	memset(body, (int)draw(w), h->body_length);
	h->body_hash = hash_of(body, h->body_length);
	if (header_encode(h, bytes, header_size(h), &size) != ERR_OK)
		abort();
	*said = (struct said){.id = message_id_of(bytes, size), .header = h, .recalls = target};
	message_signed_bytes(text, &said->id);
	crypto_sign_detached(bytes + size, NULL, text, sizeof text, n->sign_secret);
	exchange_submit(n->exchange, bytes, size + SIGNATURE_BYTES + h->body_length, n->sequence);
	w->result->messages++;
}

/* Takes back something that this node has said, if it has said anything. */
static bool recall_write(struct world *w, struct node *n)
{
	const struct said *target = NULL;
	struct header *h;

	for (size_t i = 0; i < w->said_count; i++) {
		if (party_id_equal(&w->said[i].header->origin, &n->id) && w->said[i].acknowledged &&
		    w->said[i].header->kind == KIND_POST && draw_below(w, 2))
			target = &w->said[i];
	}
	if (!target)
		return false;
	h = malloc(sizeof *h);
	if (!h)
		abort();
	*h = *target->header;
	h->kind = KIND_RECALL;
	h->ref = target->id;
	h->topology = chain_newest(&n->chain)->version;
	h->incarnation = n->incarnation;
	h->sequence = ++n->sequence;
	h->body_length = 10;
	submit(w, n, h, target);
	return true;
}

void message_write(struct world *w, struct node *n)
{
	const struct topology *t = chain_newest(&n->chain);
	struct header *h;

	if (draw_below(w, 6) == 0 && recall_write(w, n))
		return;
	h = calloc(1, sizeof *h);
	if (!h)
		abort();
	*h = (struct header){.kind = KIND_POST,
			     .tlp = TLP_GREEN,
			     .priority = (uint8_t)draw_below(w, 4),
			     .topology = t->version,
			     .origin = n->id,
			     .network = t->network,
			     .audience = audience_all(),
			     .incarnation = n->incarnation,
			     .sequence = ++n->sequence,
			     .created = instant_of(n).wall,
			     .expiry = WALL_START + 24 + draw_below(w, 9000),
			     .sign_key = 1};
	/* Most are small, some take several pieces. */
	h->body_length = draw_below(w, 8) ? draw_below(w, 600) : draw_below(w, 300000);
	if (draw_below(w, 2))
		recipients_draw(w, t, h);
	submit(w, n, h, NULL);
}
