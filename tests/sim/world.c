#include "tests/sim/world.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "protocol/council.h"
#include "protocol/exchange.h"
#include "tests/protocol/federation.h"
#include "tests/sim/memory_store.h"

enum { STEP_MS = 10, HOUR_MS = 3600 * 1000, WALL_START = 495000 /* hours since 1970 */ };

struct flying {
	uint64_t due;
	uint8_t *bytes;
	size_t length;
	struct flying *next;
};

/* One direction of a connection. */
struct lane_of_frames {
	struct flying *first, *last;
	uint64_t latest; /* frames of one connection stay in order */
	/* What the receiver has been pushed in this conversation, to hold its answers against. */
	struct message_id *ids;
	size_t id_count, id_size;
	uint32_t version; /* of the topology that the sender has opened under */
};

struct wire {
	unsigned a, b; /* a dials */
	bool up;
	uint64_t up_at;
	struct lane_of_frames to[2]; /* to[0]: to a */
	bool cut_wanted;
};

struct node {
	struct world *world;
	unsigned index, parent;
	char name[16];
	struct party_id id;
	uint8_t sign_public[32], sign_secret[64];
	struct chain chain;
	struct memory_store *store;
	struct exchange *exchange;
	uint64_t incarnation, sequence;
	uint64_t down_until;
};

/* A message that somebody has written. */
struct said {
	struct message_id id;
	struct header *header; /* owned */
	bool acknowledged;     /* its author was told that it is durable */
};

struct world {
	struct world_plan plan;
	struct world_result *result;
	uint64_t random, now;
	struct node nodes[WORLD_NODES_MAX];
	struct wire wires[WORLD_NODES_MAX * WORLD_NODES_MAX / 2];
	struct writing signed_files[WORLD_VERSIONS_MAX + 1]; /* by version, from 1 */
	unsigned version; /* the newest that the council has signed */
	unsigned wire_count;
	struct said *said;
	size_t said_count;
	struct chain versions; /* every version, for the questions of this file */
	bool faults;
};

static uint64_t draw(struct world *w)
{
	uint64_t z = w->random += 0x9e3779b97f4a7c15;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return z ^ z >> 31;
}

static unsigned draw_below(struct world *w, unsigned n)
{
	return (unsigned)(draw(w) % n);
}

static bool happens(struct world *w, unsigned in_10000)
{
	return w->faults && draw_below(w, 10000) < in_10000;
}

static void broken(struct world *w, const struct node *n, const char *what)
{
	if (!w->result->passed)
		return;
	w->result->passed = false;
	snprintf(w->result->why, sizeof w->result->why, "%s at %s, %llu ms", what, n->name,
		 (unsigned long long)w->now);
}

static struct instant instant_of(const struct world *w)
{
	return (struct instant){.mono = 1000 + w->now,
				.wall = (uint64_t)WALL_START * HOUR_MS + w->now};
}

/* --- what the exchange asks of its host --- */

static void host_random(void *arg, void *out, size_t n)
{
	struct node *node = arg;
	uint8_t *b = out;

	for (size_t i = 0; i < n; i++)
		b[i] = (uint8_t)draw(node->world);
}

static enum err version_accept(struct node *n, const char *file, size_t length)
{
	struct topology *t;
	uint32_t before = chain_newest(&n->chain)->version;
	enum err e = council_follow(&t, chain_newest(&n->chain), file, length, NULL);

	if (e)
		return e;
	e = chain_add(&n->chain, t);
	if (chain_newest(&n->chain)->version <= before)
		broken(n->world, n, "a topology was not replaced by a newer one");
	if (!e)
		e = exchange_topology_changed(n->exchange, instant_of(n->world));
	return e;
}

static enum err host_topology_offered(void *arg, const uint8_t *file, size_t n, struct report *r)
{
	(void)r;
	return version_accept(arg, (const char *)file, n);
}

static enum err host_topology_file(void *arg, uint32_t version, const uint8_t **file, size_t *n)
{
	const struct writing *w = &((struct node *)arg)->world->signed_files[version];

	*file = (const uint8_t *)w->at;
	*n = w->length;
	return ERR_OK;
}

static void host_stored(void *arg, uint64_t lsn, const struct arrival *a)
{
	struct node *node = arg;

	(void)lsn;
	if (!memory_store_durable(node->store, &a->id))
		broken(node->world, node, "a message was shown before it was durable");
}

static struct said *said_find(struct world *w, const struct message_id *id)
{
	for (size_t i = 0; i < w->said_count; i++) {
		if (message_id_equal(&w->said[i].id, id))
			return &w->said[i];
	}
	return NULL;
}

static void host_submitted(void *arg, uint64_t ticket, const struct message_id *id, enum err e)
{
	struct node *node = arg;

	(void)ticket;
	if (e)
		return;
	if (!memory_store_durable(node->store, id))
		broken(node->world, node, "an author was told before it was durable");
	said_find(node->world, id)->acknowledged = true;
}

static struct wire *wire_between(struct world *w, unsigned a, unsigned b)
{
	for (unsigned i = 0; i < w->wire_count; i++) {
		struct wire *wire = &w->wires[i];
		if ((wire->a == a && wire->b == b) || (wire->a == b && wire->b == a))
			return wire;
	}
	return NULL;
}

static unsigned node_of(const struct world *w, const struct party_id *id)
{
	unsigned i = 0;

	while (!party_id_equal(&w->nodes[i].id, id))
		i++;
	return i;
}

static void host_ended(void *arg, const struct party_id *peer, bool blame, const char *why)
{
	struct node *node = arg;
	struct world *w = node->world;
	char words[200];

	wire_between(w, node->index, node_of(w, peer))->cut_wanted = true;
	if (blame) {
		snprintf(words, sizeof words, "an honest peer was blamed: %.100s", why);
		broken(w, node, words);
	}
}

static void host_alarm(void *arg, const struct party_id *peer, const char *text)
{
	struct node *node = arg;
	char words[200];

	(void)peer;
	snprintf(words, sizeof words, "an alarm: %.150s", text);
	broken(node->world, node, words);
}

/* --- nodes --- */

static void node_boot(struct node *n)
{
	struct world *w = n->world;
	struct exchange_options options = {.self = n->id,
					   .software = "simulator",
					   .window_bytes = w->plan.window_bytes,
					   .window_messages = w->plan.window_messages};
	struct exchange_host host = {.store = memory_store_interface(n->store),
				     .chain = &n->chain,
				     .arg = n,
				     .random = host_random,
				     .topology_offered = host_topology_offered,
				     .topology_file = host_topology_file,
				     .stored = host_stored,
				     .submitted = host_submitted,
				     .ended = host_ended,
				     .alarm = host_alarm};

	n->exchange = exchange_new(&options, &host);
	if (!n->exchange || exchange_topology_changed(n->exchange, instant_of(w)) != ERR_OK)
		abort();
	n->incarnation = draw(w);
	n->sequence = 0;
}

/* The council signs another version: the same nodes, some of them with another parent. */
static void council_sign(struct world *w)
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

static void world_build(struct world *w)
{
	struct report report;
	const struct writing *first = &w->signed_files[1];

	for (unsigned i = 0; i < w->plan.nodes; i++) {
		struct node *n = &w->nodes[i];
		uint8_t seed[32];
		n->world = w;
		n->index = i;
		snprintf(n->name, sizeof n->name, "n%u", i);
		char salted[64];
		snprintf(salted, sizeof salted, "sign %s", n->name);
		seed_of(seed, salted);
		crypto_sign_seed_keypair(n->sign_public, n->sign_secret, seed);
	}
	council_sign(w);
	report_init(&report);
	for (unsigned i = 0; i < w->plan.nodes; i++) {
		struct node *n = &w->nodes[i];
		struct hash pinned =
			hash_of(first->at, council_text_length(first->at, first->length));
		struct topology *t;
		struct store_id id;
		if (council_open(&t, first->at, first->length, &pinned, &report) != ERR_OK) {
			fprintf(stderr, "%s\n%s\n", report_first(&report), first->at);
			abort();
		}
		n->id = topology_party(t, n->name)->id;
		chain_init(&n->chain);
		chain_add(&n->chain, t);
		host_random(n, &id, sizeof id);
		n->store = memory_store_new(&id);
	}
	report_clear(&report);
	for (unsigned i = 0; i < w->plan.nodes; i++) {
		for (unsigned k = 0; k < i; k++)
			w->wires[w->wire_count++] = (struct wire){.a = i, .b = k};
		node_boot(&w->nodes[i]);
	}
}

/* --- the network --- */

static void lane_clear(struct lane_of_frames *lane)
{
	while (lane->first) {
		struct flying *f = lane->first;
		lane->first = f->next;
		free(f->bytes);
		free(f);
	}
	lane->last = NULL;
	lane->id_count = 0;
}

static void wire_cut(struct world *w, struct wire *wire)
{
	struct node *ends[2] = {&w->nodes[wire->a], &w->nodes[wire->b]};

	lane_clear(&wire->to[0]);
	lane_clear(&wire->to[1]);
	if (!wire->up)
		return;
	wire->up = false;
	wire->up_at = w->now + 50 + draw_below(w, 2000);
	w->result->cuts++;
	/* The dialing end sees it; the other may hear of it only when the next connection comes. */
	for (int i = 0; i < 2; i++) {
		if (ends[i]->exchange && (i == 0 || draw_below(w, 2)))
			exchange_down(ends[i]->exchange, &ends[1 - i]->id, "cut", instant_of(w));
	}
}

static void ids_note(struct lane_of_frames *lane, const struct frame *f)
{
	if (f->type == FRAME_HELLO)
		lane->id_count = 0;
	if (f->type != FRAME_PUSH || f->piece.offset != 0)
		return;
	if (lane->id_count == lane->id_size) {
		lane->id_size = lane->id_size ? 2 * lane->id_size : 64;
		lane->ids = realloc(lane->ids, lane->id_size * sizeof *lane->ids);
		if (!lane->ids)
			abort();
	}
	lane->ids[lane->id_count++] =
		message_id_of(f->piece.data, header_peek_length(f->piece.data, f->piece.length));
}

/* No node is ever sent the header of a message that it does not carry under the session's version.
 */
static void leak_check(struct world *w, const struct node *to, struct lane_of_frames *lane,
		       const struct frame *f)
{
	const struct topology *t;
	struct header h;

	if (f->type == FRAME_OPEN)
		lane->version = f->open.version;
	if (f->type != FRAME_PUSH || f->piece.offset != 0)
		return;
	t = chain_version(&w->versions, lane->version);
	if (!t ||
	    header_decode(&h, f->piece.data, header_peek_length(f->piece.data, f->piece.length)) !=
		    ERR_OK ||
	    !audience_carries(t, topology_party_by_id(t, &to->id), &h))
		broken(w, to, "a message was sent to a node that does not carry it");
}

/* Nothing is acknowledged that is not durable.  The numbers are those of the pushes that the
 * network has delivered. */
static void answer_check(struct world *w, struct node *from, const struct lane_of_frames *pushes,
			 const struct frame *f)
{
	uint64_t first = f->type == FRAME_ACK ? 1 : f->answer.number;

	if (f->type != FRAME_ACK && f->type != FRAME_HAVE)
		return;
	for (uint64_t n = first; n <= f->answer.number && n <= pushes->id_count; n++) {
		if (!memory_store_durable(from->store, &pushes->ids[n - 1]))
			broken(w, from, "a message was acknowledged that is not durable");
	}
}

static void frame_launch(struct world *w, struct wire *wire, int to, const uint8_t *bytes, size_t n)
{
	struct lane_of_frames *lane = &wire->to[to];
	struct flying *f;

	w->result->frames++;
	w->result->bytes += n;
	if (happens(w, w->plan.lose))
		return;
	f = calloc(1, sizeof *f);
	if (!f)
		abort();
	f->bytes = malloc(n);
	if (!f->bytes)
		abort();
	memcpy(f->bytes, bytes, n);
	f->length = n;
	f->due = w->now + 1 + draw_below(w, 80);
	if (f->due < lane->latest)
		f->due = lane->latest;
	lane->latest = f->due;
	if (lane->last)
		lane->last->next = f;
	else
		lane->first = f;
	lane->last = f;
	if (happens(w, w->plan.repeat))
		frame_launch(w, wire, to, bytes, n);
}

static void frame_check(struct world *w, struct node *from, const struct node *to,
			struct wire *wire, int end, const struct frame *f)
{
	answer_check(w, from, &wire->to[end], f);
	leak_check(w, to, &wire->to[1 - end], f);
}

static void wire_pump(struct world *w, struct wire *wire)
{
	static uint8_t out[FRAME_MAX_BYTES];
	unsigned ends[2] = {wire->a, wire->b};

	for (int i = 0; i < 2; i++) {
		struct node *from = &w->nodes[ends[i]], *to = &w->nodes[ends[1 - i]];
		size_t n;
		if (!from->exchange)
			continue;
		/* A socket takes so much at once. */
		for (int frames = 0; frames < 200; frames++) {
			struct frame f;
			n = exchange_output(from->exchange, &to->id, out, instant_of(w));
			if (n == 0)
				break;
			if (frame_decode(&f, out, n) != ERR_OK)
				broken(w, from, "a malformed frame was sent");
			else
				frame_check(w, from, to, wire, i, &f);
			frame_launch(w, wire, 1 - i, out, n);
		}
	}
}

static void wire_deliver(struct world *w, struct wire *wire)
{
	unsigned ends[2] = {wire->a, wire->b};

	for (int i = 0; i < 2; i++) {
		struct node *to = &w->nodes[ends[i]], *from = &w->nodes[ends[1 - i]];
		struct lane_of_frames *lane = &wire->to[i];
		while (lane->first && lane->first->due <= w->now && wire->up) {
			struct flying *f = lane->first;
			struct frame frame;
			lane->first = f->next;
			if (!lane->first)
				lane->last = NULL;
			if (frame_decode(&frame, f->bytes, f->length) == ERR_OK)
				ids_note(lane, &frame);
			if (to->exchange)
				exchange_receive(to->exchange, &from->id, f->bytes, f->length,
						 instant_of(w));
			free(f->bytes);
			free(f);
		}
	}
}

/* Does this node take the other for a neighbour, of its newest version or of an older one? */
static bool knows(const struct node *n, const struct node *other)
{
	const struct topology *t = chain_newest(&n->chain);

	return topology_link(t, topology_party_by_id(t, &n->id),
			     topology_party_by_id(t, &other->id)) ||
	       chain_former(&n->chain, &n->id, &other->id);
}

static void wire_step(struct world *w, struct wire *wire)
{
	struct node *a = &w->nodes[wire->a], *b = &w->nodes[wire->b];
	bool wanted = knows(a, b) && knows(b, a);

	if (wire->up && (wire->cut_wanted || !wanted || happens(w, w->plan.cut))) {
		wire_pump(w, wire);
		wire_deliver(w, wire);
		wire_cut(w, wire);
	}
	wire->cut_wanted = false;
	if (!wire->up && wanted && w->now >= wire->up_at && a->exchange && b->exchange) {
		wire->up = true;
		wire->to[0].latest = wire->to[1].latest = 0;
		exchange_up(a->exchange, &b->id, instant_of(w));
		exchange_up(b->exchange, &a->id, instant_of(w));
	}
	if (wire->up) {
		wire_deliver(w, wire);
		wire_pump(w, wire);
	}
}

/* --- faults --- */

static void node_crash(struct world *w, struct node *n)
{
	w->result->crashes++;
	exchange_free(n->exchange);
	n->exchange = NULL;
	memory_store_crash(n->store);
	n->down_until = w->now + draw_below(w, 1500);
	for (unsigned i = 0; i < w->wire_count; i++) {
		if (w->wires[i].a == n->index || w->wires[i].b == n->index)
			wire_cut(w, &w->wires[i]);
	}
	if (happens(w, w->plan.restore)) {
		struct store_id id;
		host_random(n, &id, sizeof id);
		memory_store_restore(
			n->store, draw_below(w, (unsigned)memory_store_count(n->store) + 1), &id);
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

static void message_write(struct world *w, struct node *n)
{
	/* Most are small, some take several pieces. */
	size_t length = draw_below(w, 8) ? draw_below(w, 600) : draw_below(w, 300000), size;
	const struct topology *t = chain_newest(&n->chain);
	struct header *h = calloc(1, sizeof *h);
	struct said *said = &w->said[w->said_count++];
	uint8_t *bytes, *body, text[SIGNED_BYTES];

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
			     .created = instant_of(w).wall,
			     .expiry = WALL_START + 24 + draw_below(w, 9000),
			     .body_length = (uint32_t)length,
			     .sign_key = 1};
	if (draw_below(w, 2))
		recipients_draw(w, t, h);
	bytes = malloc(header_size(h) + SIGNATURE_BYTES + length);
	if (!bytes)
		abort();
	body = bytes + header_size(h) + SIGNATURE_BYTES;
	memset(body, (int)draw(w), length);
	h->body_hash = hash_of(body, length);
	if (header_encode(h, bytes, header_size(h), &size) != ERR_OK)
		abort();
	*said = (struct said){.id = message_id_of(bytes, size), .header = h};
	message_signed_bytes(text, &said->id);
	crypto_sign_detached(bytes + size, NULL, text, sizeof text, n->sign_secret);
	exchange_submit(n->exchange, bytes, size + SIGNATURE_BYTES + length, n->sequence);
	w->result->messages++;
}

static void node_step(struct world *w, struct node *n)
{
	if (!n->exchange) {
		if (w->now >= n->down_until)
			node_boot(n);
		return;
	}
	if (happens(w, w->plan.commit_error))
		memory_store_fail(n->store, 1 + draw_below(w, 3));
	if (w->faults && w->result->messages < w->plan.messages && draw_below(w, 8) == 0)
		message_write(w, n);
	/* A crash before the turn loses what has arrived; after it, what has been committed but not
	 * answered for. */
	if (happens(w, w->plan.crash)) {
		node_crash(w, n);
		return;
	}
	for (int turns = 0; turns < 100 && exchange_turn(n->exchange, instant_of(w)); turns++)
		;
	if (happens(w, w->plan.crash))
		node_crash(w, n);
}

/* Somebody at the council hands the next version to one node, whichever. */
static void council_step(struct world *w)
{
	struct node *n = &w->nodes[draw_below(w, w->plan.nodes)];
	const struct writing *newest;

	if (w->version <= w->plan.versions && happens(w, 20))
		council_sign(w);
	newest = &w->signed_files[w->version];
	if (n->exchange && w->faults && draw_below(w, 20) == 0)
		version_accept(n, newest->at, newest->length);
}

static void step(struct world *w)
{
	council_step(w);
	for (unsigned i = 0; i < w->plan.nodes; i++)
		node_step(w, &w->nodes[i]);
	for (unsigned i = 0; i < w->wire_count; i++)
		wire_step(w, &w->wires[i]);
	w->now += STEP_MS;
}

static bool carries(const struct world *w, const struct node *n, const struct said *m)
{
	const struct topology *t = chain_newest(&w->versions);

	return audience_carries(t, topology_party_by_id(t, &n->id), m->header);
}

/* Is the message at one of its carriers? */
static bool alive(const struct world *w, const struct said *m)
{
	for (unsigned i = 0; i < w->plan.nodes; i++) {
		if (carries(w, &w->nodes[i], m) && memory_store_durable(w->nodes[i].store, &m->id))
			return true;
	}
	return false;
}

/* Every node has the newest topology, and what one carrier of a message holds all of them hold;
 * nothing that an author was told of is lost. */
static bool agreed(const struct world *w)
{
	for (unsigned i = 0; i < w->plan.nodes; i++) {
		if (chain_newest(&w->nodes[i].chain)->version != w->version)
			return false;
	}
	for (size_t k = 0; k < w->said_count; k++) {
		const struct said *m = &w->said[k];
		if (!m->acknowledged && !alive(w, m))
			continue;
		for (unsigned i = 0; i < w->plan.nodes; i++) {
			if (carries(w, &w->nodes[i], m) &&
			    !memory_store_durable(w->nodes[i].store, &m->id))
				return false;
		}
	}
	return true;
}

/* What a restored node has lost for good: its own words that no other carrier had taken. */
static void restored_review(struct world *w)
{
	for (size_t k = 0; w->plan.restore && k < w->said_count; k++) {
		if (!alive(w, &w->said[k]))
			w->said[k].acknowledged = false;
	}
}

/* The newest version is in at least one hand when the faults end. */
static void version_hand_over(struct world *w)
{
	for (unsigned i = 0; i < w->plan.nodes; i++) {
		struct node *n = &w->nodes[i];
		if (!n->exchange)
			node_boot(n);
	}
	for (unsigned v = 2; v <= w->version; v++)
		version_accept(&w->nodes[0], w->signed_files[v].at, w->signed_files[v].length);
}

static void world_clear(struct world *w)
{
	for (unsigned i = 1; i <= w->version; i++)
		free(w->signed_files[i].at);
	for (unsigned i = 0; i < w->wire_count; i++) {
		for (int k = 0; k < 2; k++) {
			lane_clear(&w->wires[i].to[k]);
			free(w->wires[i].to[k].ids);
		}
	}
	for (unsigned i = 0; i < w->plan.nodes; i++) {
		exchange_free(w->nodes[i].exchange);
		memory_store_free(w->nodes[i].store);
		chain_clear(&w->nodes[i].chain);
	}
	for (size_t k = 0; k < w->said_count; k++)
		free(w->said[k].header);
	free(w->said);
	chain_clear(&w->versions);
	free(w);
}

struct world_result world_run(const struct world_plan *plan)
{
	struct world_result result = {.passed = true};
	struct world *w = calloc(1, sizeof *w);

	if (!w)
		abort();
	w->plan = *plan;
	w->result = &result;
	w->random = plan->seed;
	w->said = calloc(plan->messages + 1, sizeof *w->said);
	if (!w->said)
		abort();
	chain_init(&w->versions);
	world_build(w);
	w->faults = true;
	while (w->now < plan->fault_ms && result.passed)
		step(w);
	w->faults = false;
	version_hand_over(w);
	for (unsigned i = 0; i < plan->nodes; i++)
		memory_store_fail(w->nodes[i].store, 0);
	restored_review(w);
	while (w->now < plan->fault_ms + plan->heal_ms && result.passed && !agreed(w))
		step(w);
	if (result.passed && !agreed(w))
		broken(w, &w->nodes[0], "the nodes do not agree after the faults have healed");
	world_clear(w);
	return result;
}

struct world_plan world_draw(uint64_t seed, unsigned nodes)
{
	struct world w = {.random = seed ^ 0x5eed};
	struct world_plan p = {.seed = seed, .nodes = nodes, .heal_ms = 120 * 1000};

	p.roles = nodes > 2 ? draw_below(&w, 3) : 0;
	p.fault_ms = 2000 + draw_below(&w, 8000);
	p.messages = 20 + draw_below(&w, 60);
	p.window_bytes = MESSAGE_MAX_BYTES + draw_below(&w, 1 << 20);
	p.window_messages = 1 + draw_below(&w, 40);
	p.versions = draw_below(&w, 2) * draw_below(&w, WORLD_VERSIONS_MAX);
	/* Each kind of fault is absent from half of the runs, so that no two hide each other. */
	p.lose = draw_below(&w, 2) * draw_below(&w, 100);
	p.repeat = draw_below(&w, 2) * draw_below(&w, 50);
	p.cut = draw_below(&w, 2) * draw_below(&w, 200);
	p.crash = draw_below(&w, 2) * draw_below(&w, 100);
	p.commit_error = draw_below(&w, 2) * draw_below(&w, 300);
	if (draw_below(&w, 3) == 0) {
		p.restore = 5000;
		p.crash = 20 + draw_below(&w, 60);
	}
	return p;
}
