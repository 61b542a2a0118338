/* Who there is, and what they have to say. */
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "tests/protocol/federation.h"
#include "tests/sim/scale_state.h"

enum { MBIT = 1000 * 1000 / 8, WALL_HOURS = 495000, RECIPIENTS = 64 };

/* ---- the federation ---- */

static struct member *member_add(struct scale_world *w, enum member_kind kind, unsigned number,
				 size_t above)
{
	static const char *const prefixes[] = {"national", "sector-", "province-", "district-",
					       "operator-"};
	static const unsigned mbit[] = {100, 20, 20, 10, 10};
	struct member *m = &w->members[w->member_count];

	*m = (struct member){.world = w,
			     .index = w->member_count++,
			     .kind = kind,
			     .above = above,
			     .away = RETURN_KINDS,
			     .bytes_a_second = mbit[kind] * MBIT};
	snprintf(m->name, sizeof m->name, kind == MEMBER_NATIONAL ? "%s" : "%s%u", prefixes[kind],
		 number);
	return m;
}

static void members_make(struct scale_world *w)
{
	const struct scale_plan *p = &w->plan;
	size_t first_sector = 1, first_province = 1 + p->sectors;

	w->members = calloc(1 + p->sectors + p->provinces + p->districts + p->operators,
			    sizeof *w->members);
	need(w->members);
	member_add(w, MEMBER_NATIONAL, 0, 0);
	for (unsigned i = 0; i < p->sectors; i++)
		member_add(w, MEMBER_SECTOR, i, 0);
	for (unsigned i = 0; i < p->provinces; i++)
		member_add(w, MEMBER_PROVINCE, i, 0);
	for (unsigned i = 0; i < p->districts; i++)
		member_add(w, MEMBER_DISTRICT, i, first_province + i % p->provinces);
	for (unsigned i = 0; i < p->operators; i++)
		member_add(w, MEMBER_OPERATOR, i, first_sector + i % p->sectors);
}

static void put_member(struct writing *out, const struct scale_world *w, const struct member *m)
{
	put(out, "    %s\n", m->name);
	if (m->kind == MEMBER_SECTOR || m->kind == MEMBER_PROVINCE)
		put(out, "        reports-to = %s\n",
		    m->kind == MEMBER_SECTOR ? "cii" : "government");
	else if (m->kind != MEMBER_NATIONAL)
		put(out, "        reports-to = %s\n", w->members[m->above].name);
	/* Every other operator is behind an address translator. */
	if (m->kind != MEMBER_OPERATOR || m->index % 2)
		put(out, "        endpoint = \"tcp://node-%zu.example:5670\"\n", m->index);
	put_keys(out, m->name);
}

static void put_role(struct writing *out, const char *name)
{
	char key[65];

	put(out, "    %s\n        reports-to = national\n        holders = national\n", name);
	put(out, "        seal\n            1 = \"%s\"\n", key_text(key, "seal", name));
}

/* One sector in three has a line to another, and so have the provinces that are neighbours. */
static void put_links(struct writing *out, const struct scale_world *w)
{
	put(out, "link\n");
	for (unsigned i = 0; i + 3 < w->plan.sectors; i += 3)
		put(out, "    s%u = \"sector-%u sector-%u\"\n", i, i, i + 3);
	for (unsigned i = 0; i + 1 < w->plan.provinces; i++)
		put(out, "    p%u = \"province-%u province-%u\"\n", i, i, i + 1);
}

static void topology_make(struct scale_world *w)
{
	struct writing out = {0};

	put(&out, "federation\n    name = Thousand\n    version = 1\n    expires = 2040-01-01\n");
	put_council(&out, 3, 5);
	put(&out, "node\n");
	for (size_t i = 0; i < w->member_count; i++)
		put_member(&out, w, &w->members[i]);
	put(&out, "role\n");
	put_role(&out, "cii");
	put_role(&out, "government");
	put_links(&out, w);
	w->topology = parse_or_bail(out.at);
	w->result->topology_bytes = out.length;
	free(out.at);
	chain_init(&w->chain);
	need(chain_add(&w->chain, w->topology) == ERR_OK);
}

static void members_meet(struct scale_world *w)
{
	struct store_id id;
	uint8_t seed[32], public[32];

	w->member_of = calloc(w->topology->party_count, sizeof *w->member_of);
	need(w->member_of);
	for (size_t i = 0; i < w->member_count; i++) {
		struct member *m = &w->members[i];
		char salted[32];
		m->party = topology_party(w->topology, m->name);
		m->id = m->party->id;
		w->member_of[topology_index(w->topology, m->party)] = i;
		snprintf(salted, sizeof salted, "sign %s", m->name);
		seed_of(seed, salted);
		crypto_sign_seed_keypair(public, m->sign_secret, seed);
		for (size_t k = 0; k < sizeof id.b; k++)
			id.b[k] = (uint8_t)scale_draw(w);
		m->store = scale_store_new(w->pool, &id);
	}
}

static void link_join(struct member *m, struct connection *c)
{
	m->links = realloc(m->links, (m->link_count + 1) * sizeof(*m->links));
	need(m->links);
	m->links[m->link_count++] = c;
}

static void links_make(struct scale_world *w)
{
	size_t most = w->member_count - 1 + w->topology->link_count;

	w->links = calloc(most, sizeof *w->links);
	need(w->links);
	for (size_t i = 0; i < w->member_count; i++) {
		for (size_t k = 0; k < i; k++) {
			struct connection *c = &w->links[w->link_count];
			if (!topology_link(w->topology, w->members[i].party, w->members[k].party))
				continue;
			need(w->link_count++ < most);
			*c = (struct connection){
				.a = i, .b = k, .delay = 2000 + scale_below(w, 38000)};
			link_join(&w->members[i], c);
			link_join(&w->members[k], c);
		}
	}
}

void federation_make(struct scale_world *w)
{
	w->pool = scale_pool_new();
	members_make(w);
	topology_make(w);
	members_meet(w);
	links_make(w);
	w->result->nodes = w->member_count;
	w->result->links = w->link_count;
	w->sayings = calloc(w->plan.history + w->plan.messages, sizeof *w->sayings);
	need(w->sayings);
}

void federation_clear(struct scale_world *w)
{
	for (size_t i = 0; i < w->member_count; i++) {
		exchange_free(w->members[i].exchange);
		scale_store_free(w->members[i].store);
		free(w->members[i].links);
	}
	for (size_t i = 0; i < w->saying_count; i++) {
		free(w->sayings[i].header);
		free(w->sayings[i].hops);
	}
	free(w->sayings);
	free(w->members);
	free(w->member_of);
	free(w->links);
	scale_pool_free(w->pool);
	chain_clear(&w->chain);
}

/* ---- what they say ---- */

/* In a day of a thousand: as many messages of each kind of node. */
static struct member *speaker_draw(struct scale_world *w)
{
	static const unsigned share[] = {150, 300, 80, 80, 390};
	const struct scale_plan *p = &w->plan;
	const unsigned first[] = {0, 1, 1 + p->sectors, 1 + p->sectors + p->provinces,
				  1 + p->sectors + p->provinces + p->districts};
	const unsigned count[] = {1, p->sectors, p->provinces, p->districts, p->operators};

	for (;;) {
		size_t x = scale_below(w, 1000), kind = 0;
		struct member *m;
		while (kind < MEMBER_OPERATOR && x >= share[kind])
			x -= share[kind++];
		m = &w->members[first[kind] + scale_below(w, count[kind])];
		/* Who is cut off is heard when its sector is back: that is not a delay of the
		 * network. */
		if (m->exchange && w->members[m->above].exchange)
			return m;
	}
}

static void recipient_add(struct header *h, const struct party *p)
{
	h->recipients[h->recipient_count++] = (struct recipient){.party = p->id, .key = 1};
}

/* To those below, to those above, to all: in percent for each kind. */
static void readers_draw(struct scale_world *w, const struct member *m, struct header *h)
{
	static const unsigned to_all[] = {85, 40, 40, 20, 10}, to_below[] = {10, 50, 40, 0, 0};
	static const char *const role[] = {"cii", "cii", "government", "government", "cii"};
	size_t x = scale_below(w, 100);

	if (x < to_all[m->kind])
		return;
	if (x < to_all[m->kind] + to_below[m->kind]) {
		for (size_t i = 1; i < w->member_count && h->recipient_count < RECIPIENTS; i++) {
			if (w->members[i].above == m->index)
				recipient_add(h, w->members[i].party);
		}
		return;
	}
	if (m->kind == MEMBER_NATIONAL) {
		recipient_add(h, w->members[1 + scale_below(w, w->plan.sectors)].party);
		return;
	}
	recipient_add(h, topology_party(w->topology, role[m->kind]));
	if (m->kind == MEMBER_DISTRICT || m->kind == MEMBER_OPERATOR)
		recipient_add(h, w->members[m->above].party);
}

static int recipient_order(const void *a, const void *b)
{
	const struct recipient *p = a, *q = b;

	return memcmp(p->party.b, q->party.b, PARTY_ID_BYTES);
}

/* Nobody opens it here, so nothing is really sealed: only the sizes count. */
static void seal(struct header *h)
{
	struct party_id ids[RECIPIENTS + 1];
	uint32_t size = 256;

	recipient_add(h, &(struct party){.id = h->origin});
	qsort(h->recipients, h->recipient_count, sizeof *h->recipients, recipient_order);
	for (size_t i = 0; i < h->recipient_count; i++)
		ids[i] = h->recipients[i].party;
	h->flags = FLAG_SEALED;
	h->tlp = TLP_AMBER;
	memset(h->commitment, 1, sizeof h->commitment);
	h->audience = audience_of(&h->origin, ids, h->recipient_count, false);
	while (size < h->body_length + 20)
		size *= size < 16384 ? 4 : 2;
	h->body_length = size;
}

/* From one indicator to a feed of some thousand; about 9 KB on average. */
static uint32_t length_draw(struct scale_world *w)
{
	size_t x = scale_below(w, 100);

	if (x < 60)
		return (uint32_t)(300 + scale_below(w, 900));
	if (x < 90)
		return (uint32_t)(1200 + scale_below(w, 6800));
	if (x < 99)
		return (uint32_t)(8000 + scale_below(w, 62000));
	return (uint32_t)(256000 + scale_below(w, 256000));
}

static uint8_t priority_draw(struct scale_world *w)
{
	size_t x = scale_below(w, 100);

	return x < 94   ? PRIORITY_ROUTINE
	       : x < 97 ? PRIORITY_RAISED
	       : x < 99 ? PRIORITY_HIGH
			: PRIORITY_EMERGENCY;
}

static void carriers_mark(const struct scale_world *w, struct saying *s)
{
	s->hops = malloc(w->member_count);
	need(s->hops);
	for (size_t i = 0; i < w->member_count; i++) {
		bool carries = audience_carries(w->topology, w->members[i].party, s->header);
		s->hops[i] = carries ? 0 : HOPS_NONE;
	}
}

static void submit(struct scale_world *w, struct member *m, struct header *h)
{
	struct saying *s = &w->sayings[w->saying_count++];
	size_t size = header_size(h), length = size + SIGNATURE_BYTES + h->body_length;
	uint8_t *bytes = malloc(length), *body = bytes + size + SIGNATURE_BYTES;
	uint8_t text[SIGNED_BYTES];
	struct message_view view;
	struct message_id id;

	need(bytes);
	memset(body, (int)scale_draw(w), h->body_length);
	h->body_hash = hash_of(body, h->body_length);
	need(header_encode(h, bytes, size, &size) == ERR_OK);
	id = message_id_of(bytes, size);
	message_signed_bytes(text, &id);
	crypto_sign_detached(bytes + size, NULL, text, sizeof text, m->sign_secret);
	need(message_split(&view, bytes, length) == ERR_OK);
	need(scale_pool_add(w->pool, &view) == w->saying_count - 1);
	*s = (struct saying){
		.header = h, .bytes = length, .at = w->now, .last = w->now, .of_the_day = w->day};
	carriers_mark(w, s);
	need(exchange_submit(m->exchange, bytes, length, 0) == ERR_OK);
	turn_ask(m, w->now);
}

void federation_say(struct scale_world *w)
{
	struct member *m = speaker_draw(w);
	struct header *h = calloc(1, sizeof *h);

	need(h);
	*h = (struct header){.kind = KIND_POST,
			     .tlp = TLP_GREEN,
			     .priority = priority_draw(w),
			     .topology = w->topology->version,
			     .origin = m->id,
			     .network = w->topology->network,
			     .audience = audience_all(),
			     .incarnation = m->incarnation,
			     .sequence = ++m->sequence,
			     .created = (uint64_t)WALL_HOURS * 3600 * 1000 + w->now / 1000,
			     .expiry = WALL_HOURS + 24 * (30 + (uint32_t)scale_below(w, 60)),
			     .sign_key = 1,
			     .body_length = length_draw(w)};
	readers_draw(w, m, h);
	if (h->recipient_count)
		seal(h);
	submit(w, m, h);
}
