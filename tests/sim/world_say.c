/* What the nodes write. */
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "tests/sim/world_state.h"

enum { LIFE_HOURS = 9000, GROUND_BYTE = 0x5a, BULK_COMMIT = 40 };

/* ---- what has been said ---- */

static size_t place_of(const struct world *w, const struct message_id *id)
{
	size_t at;

	/* From the end: some are ground to begin alike. */
	memcpy(&at, id->b + MESSAGE_ID_BYTES - sizeof at, sizeof at);
	for (at &= 2 * w->said_size - 1; w->said_places[at]; at = (at + 1) & (2 * w->said_size - 1))
		if (message_id_equal(&w->said[w->said_places[at] - 1]->id, id))
			break;
	return at;
}

struct said *said_find(const struct world *w, const struct message_id *id)
{
	size_t found = w->said_size ? w->said_places[place_of(w, id)] : 0;

	return found ? w->said[found - 1] : NULL;
}

static void said_grow(struct world *w)
{
	w->said_size = w->said_size ? 2 * w->said_size : 64;
	w->said = realloc(w->said, w->said_size * sizeof(*w->said));
	free(w->said_places);
	w->said_places = zeroed(2 * w->said_size, sizeof *w->said_places);
	if (!w->said)
		abort();
	for (size_t i = 0; i < w->said_count; i++)
		w->said_places[place_of(w, &w->said[i]->id)] = i + 1;
}

struct said *said_add(struct world *w, const struct node *n, struct header *h,
		      const struct message_id *id)
{
	struct said *m = zeroed(1, sizeof *m);

	if (w->said_count == w->said_size)
		said_grow(w);
	m->id = *id;
	m->header = h;
	m->author = n->index;
	w->said[w->said_count] = m;
	w->said_places[place_of(w, id)] = ++w->said_count;
	return m;
}

void said_clear(struct world *w)
{
	for (size_t i = 0; i < w->said_count; i++) {
		struct said *m = w->said[i];
		for (unsigned v = 0; m->carriers && v < 2 + w->plan.history + w->plan.versions; v++)
			free(m->carriers[v]);
		free(m->carriers);
		free(m->beacon);
		free(m->lacks);
		free(m->header);
		free(m);
	}
	free(w->said);
	free(w->said_places);
}

/* ---- one message ---- */

/* The life of a message, as an author that goes by its floor counts it (SPEC 5.5).  One that has
 * no floor yet has a clock that nobody confirms, and perhaps one neighbour, which lies: its
 * operator waits with what is to last. */
static uint32_t expiry_draw(struct world *w, const struct node *n)
{
	struct store s = memory_store_interface(n->store);
	uint32_t floor = 0, hour = WALL_START, expiry;

	if (n->exchange && s.get_floor(s.self, &floor) == ERR_OK) {
		floor = exchange_floor(n->exchange);
		hour = exchange_hour(n->exchange);
	}
	/* Some have nearly expired when the hours begin to pass. */
	if (w->plan.hours && draw_below(w, 2))
		return WALL_START - FLOOR_LAG + 1 + draw_below(w, w->plan.hours + 2);
	expiry = hour + 24 + (w->plan.ground ? 2000 : draw_below(w, LIFE_HOURS));
	return floor && expiry > floor + AUTHOR_SPAN_HOURS ? floor + AUTHOR_SPAN_HOURS : expiry;
}

struct header *header_new(struct world *w, struct node *n)
{
	const struct topology *t = chain_newest(&n->chain);
	struct header *h = zeroed(1, sizeof *h);

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
			     .expiry = expiry_draw(w, n),
			     .sign_key = (uint16_t)edition_of(w, n)->seats[n->seat].key};
	if (n->deeds & DEED_FLOOD)
		h->priority = PRIORITY_EMERGENCY;
	return h;
}

/* Encodes, signs and puts together what keys_seal() has completed h for; takes body over.  Ground
 * ids begin alike: their time of writing is chosen for that. */
uint8_t *message_encode(struct world *w, const struct node *n, struct header *h, uint8_t *body,
			struct message_id *id, size_t *length)
{
	size_t size = header_size(h);
	uint8_t *bytes = zeroed(size + SIGNATURE_BYTES + h->body_length, 1);

	do {
		if (header_encode(h, bytes, size, &size) != ERR_OK)
			abort();
		*id = message_id_of(bytes, size);
	} while (w->plan.ground && !h->recipient_count && id->b[0] != GROUND_BYTE && ++h->created);
	keys_sign(n, h->sign_key, id, bytes + size);
	memcpy(bytes + size + SIGNATURE_BYTES, body, h->body_length);
	free(body);
	*length = size + SIGNATURE_BYTES + h->body_length;
	return bytes;
}

/* Some others, by the words that operators use. */
static bool letter_draw(struct world *w, const struct node *n, struct header *h, struct letter *l)
{
	static const char *const lines[] = {"up", "down", "g0"};
	const struct topology *t = chain_newest(&n->chain);
	const char *words[3];
	struct recipients_query q = {.topology = t,
				     .self = topology_party_by_id(t, &n->id),
				     .words = words,
				     .word_count = 1 + draw_below(w, 3),
				     .tlp = TLP_AMBER,
				     .direct = draw_below(w, 6) == 0};
	struct recipients r;
	struct report report;
	bool good;

	for (size_t i = 0; i < q.word_count; i++)
		words[i] = draw_below(w, 5)
				   ? t->parties[draw_below(w, (unsigned)t->party_count)].name
				   : lines[draw_below(w, 3)];
	report_init(&report);
	good = recipients_resolve(&r, &q, &report) == ERR_OK;
	report_clear(&report);
	if (!good)
		return false;
	good = !r.all && recipients_letter(l, &r, q.self, 0);
	recipients_clear(&r);
	if (!good)
		return false;
	h->tlp = TLP_AMBER;
	h->flags |= q.direct ? FLAG_DIRECT : 0;
	h->audience = l->audience;
	return true;
}

struct said *said_submit(struct world *w, struct node *n, struct header *h, uint8_t *body)
{
	struct message_id id;
	size_t length;
	uint8_t *bytes = message_encode(w, n, h, body, &id, &length);
	struct said *m = said_add(w, n, h, &id);

	w->result->messages++;
	if (exchange_submit(n->exchange, bytes, length, n->sequence) != ERR_OK)
		abort();
	return m;
}

void letter_again(const struct world *w, struct letter *l, struct header *h, const struct said *m)
{
	h->tlp = m->header->tlp;
	h->flags = m->header->flags;
	h->audience = m->header->audience;
	l->direct = h->flags & FLAG_DIRECT;
	l->count = m->header->recipient_count;
	for (size_t i = 0; i < l->count; i++) {
		const struct recipient *r = &m->header->recipients[i];
		const struct party *p = topology_party_by_id(chain_newest(&w->versions), &r->party);
		l->to[i] = (struct addressee){
			.party = r->party, .number = r->key, .key = p->seal_keys[0].key};
	}
	l->audience = h->audience;
}

/* Takes back something that this node has said, if it has said anything. */
static bool recall_write(struct world *w, struct node *n)
{
	struct said *target = NULL;
	struct letter *l = zeroed(1, sizeof *l);
	struct header *h;

	for (size_t i = 0; i < w->said_count; i++) {
		struct said *m = w->said[i];
		if (party_id_equal(&m->header->origin, &n->id) && m->acknowledged &&
		    m->header->kind == KIND_POST && draw_below(w, 2))
			target = m;
	}
	if (target) {
		h = header_new(w, n);
		h->kind = KIND_RECALL;
		h->ref = target->id;
		h->expiry = target->header->expiry;
		letter_again(w, l, h, target);
		said_submit(w, n, h, keys_seal(w, h, l, 10))->recalls = target;
		target->taken_back = true;
	}
	free(l);
	return target != NULL;
}

/* Most are small, some take several pieces. */
static size_t length_draw(struct world *w)
{
	return draw_below(w, 8) ? draw_below(w, 600) : draw_below(w, 300000);
}

void message_write(struct world *w, struct node *n)
{
	struct letter *l;
	struct header *h;

	/* Who has left, or has no key, writes nothing. */
	if (edition_of(w, n)->seats[n->seat].left)
		return;
	if (draw_below(w, 6) == 0 && recall_write(w, n))
		return;
	if (w->plan.watch && draw_below(w, 4) == 0) {
		beacon_say_some(w, n);
		return;
	}
	l = zeroed(1, sizeof *l);
	h = header_new(w, n);
	if ((n->deeds & DEED_TWICE) && n->sequence > 1)
		h->sequence = --n->sequence;
	if (draw_below(w, 2) == 0)
		letter_draw(w, n, h, l);
	said_submit(w, n, h, keys_seal(w, h, l, length_draw(w)));
	free(l);
}

/* ---- what stands in the stores when a run begins ---- */

static void put_arrival(struct node *n, const struct said *m, const uint8_t *bytes, size_t length)
{
	struct store s = memory_store_interface(n->store);
	struct arrival a = {.id = m->id, .from = m->header->origin};
	uint64_t lsn;

	if (message_split(&a.message, bytes, length) != ERR_OK ||
	    s.append(s.self, &a, &lsn) != ERR_OK)
		abort();
}

/* Begins or ends a transaction at every node. */
static void transactions(struct world *w, bool begin)
{
	for (unsigned i = 0; i < w->plan.nodes; i++) {
		struct store s;
		if (!w->nodes[i].exists)
			continue;
		s = memory_store_interface(w->nodes[i].store);
		if ((begin ? s.begin : s.commit)(s.self) != ERR_OK)
			abort();
	}
}

/* Written long ago; each carrier has most of it, none all. */
static void bulk_one(struct world *w)
{
	struct node *n = &w->nodes[draw_below(w, w->plan.nodes)];
	struct letter *l = zeroed(1, sizeof *l);
	struct message_id id;
	struct header *h;
	struct said *m;
	uint8_t *bytes;
	size_t length;

	if (n->exists && chain_newest(&n->chain)->version == 1) {
		h = header_new(w, n);
		if (draw_below(w, 4) == 0)
			letter_draw(w, n, h, l);
		bytes = message_encode(w, n, h, keys_seal(w, h, l, draw_below(w, 100)), &id,
				       &length);
		m = said_add(w, n, h, &id);
		m->acknowledged = true;
		for (unsigned i = 0; i < w->plan.nodes; i++) {
			struct node *to = &w->nodes[i];
			if (to == n ||
			    (to->exists && oracle_carries(w, 1, i, m) && draw_below(w, 4)))
				put_arrival(to, m, bytes, length);
		}
		free(bytes);
	}
	free(l);
}

void bulk_write(struct world *w)
{
	for (unsigned i = 0; i < w->plan.bulk; i++) {
		if (i % BULK_COMMIT == 0)
			transactions(w, true);
		bulk_one(w);
		if (i % BULK_COMMIT == BULK_COMMIT - 1 || i == w->plan.bulk - 1)
			transactions(w, false);
	}
}
