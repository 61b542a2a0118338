/* Connections between nodes, and what must hold of every frame on them. */
#include <stdlib.h>
#include <string.h>

#include "tests/sim/world_state.h"

enum { FRAMES_A_STEP = 200, CUTS_OF_FLAPPING = 800 /* in 10,000 */ };

struct wire *wire_between(struct world *w, unsigned a, unsigned b)
{
	for (unsigned i = 0; i < w->wire_count; i++) {
		struct wire *wire = w->wires[i];
		if ((wire->a == a && wire->b == b) || (wire->a == b && wire->b == a))
			return wire;
	}
	return NULL;
}

static struct wire *wire_add(struct world *w, unsigned a, unsigned b)
{
	struct wire *wire = zeroed(1, sizeof *wire);

	w->wires = realloc(w->wires, (w->wire_count + 1) * sizeof(*w->wires));
	if (!w->wires)
		abort();
	wire->a = a;
	wire->b = b;
	wire->flapping = w->plan.flapping && draw_below(w, w->plan.flapping) == 0;
	return w->wires[w->wire_count++] = wire;
}

/* A pair that has a link in this version has a wire from now on. */
void wires_join(struct world *w, const struct edition *e)
{
	for (unsigned a = 0; a < w->plan.nodes; a++)
		for (unsigned b = 0; b < a; b++)
			if (oracle_linked(w, e, a, b) && !wire_between(w, a, b))
				wire_add(w, a, b);
}

void wire_twin(struct world *w, struct wire *of, unsigned original, unsigned clone)
{
	if (of->a != original && of->b != original)
		return;
	of->twin =
		wire_add(w, of->a == original ? clone : of->a, of->b == original ? clone : of->b);
	of->twin->twin = of;
}

void wire_free(struct wire *wire)
{
	for (int i = 0; i < 2; i++) {
		lane_clear(&wire->to[i]);
		free(wire->to[i].ids);
	}
	free(wire);
}

/* What a damaged header has made longer than it is has a number all the same, and no id. */
static struct message_id pushed_id(const struct frame_piece *p)
{
	size_t header = header_peek_length(p->data, p->length);

	return header <= p->length ? message_id_of(p->data, header) : (struct message_id){0};
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
	lane->ids[lane->id_count++] = pushed_id(&f->piece);
}

/* ---- what must hold of a frame ---- */

/* Is a recall that applies to the message durable at the node? */
static bool recall_held(const struct world *w, const struct node *n, const struct said *m)
{
	for (size_t i = 0; i < w->said_count && m->taken_back; i++)
		if (w->said[i]->recalls == m && memory_store_accepted(n->store, &w->said[i]->id))
			return true;
	return false;
}

/* No node is ever sent the header of a message that it does not carry under the session's version,
 * nor over a link that is none, nor the body of what its sender knows to be taken back. */
static void push_check(struct world *w, const struct node *from, const struct node *to,
		       const struct lane_of_frames *lane, const struct frame *f)
{
	size_t length = header_peek_length(f->piece.data, f->piece.length);
	const struct edition *e = &w->editions[lane->version];
	struct message_id id = message_id_of(f->piece.data, length);
	struct said *m = said_find(w, &id);

	if (!m) {
		broken(w, PROPERTY_FORGERY, from,
		       "a message was passed on that nobody has written");
		return;
	}
	if (lane->version == 0 || !oracle_linked(w, e, from->seat, to->seat) ||
	    !oracle_carries(w, lane->version, to->seat, m))
		broken(w, PROPERTY_LEAK, from, "a message was sent to %s, which does not carry it",
		       to->name);
	if (oracle_void(w, lane->version, m->header) ||
	    oracle_void(w, chain_newest(&from->chain)->version, m->header))
		broken(w, PROPERTY_LEAK, from, "a message was sent that is void");
	if (f->piece.total > length + SIGNATURE_BYTES && recall_held(w, from, m))
		broken(w, PROPERTY_RETURNED, from, "a body was passed on after its recall");
}

/* Nothing is acknowledged that is not durable.  The numbers are those of the pushes that the
 * network has delivered; one that was refused has an answer of its own. */
static void answer_check(struct world *w, struct node *from, struct lane_of_frames *pushes,
			 const struct frame *f)
{
	uint64_t first = f->type == FRAME_ACK ? 1 : f->answer.number;

	if (f->type == FRAME_NAK && f->answer.number <= pushes->id_count)
		memset(&pushes->ids[f->answer.number - 1], 0, sizeof *pushes->ids);
	if (f->type != FRAME_ACK && f->type != FRAME_HAVE)
		return;
	for (uint64_t n = first; n <= f->answer.number && n <= pushes->id_count; n++) {
		struct message_id *id = &pushes->ids[n - 1];
		if (!bytes_zero(id, sizeof *id) && !memory_store_durable(from->store, id) &&
		    !memory_store_purged(from->store, id))
			broken(w, PROPERTY_DURABLE, from,
			       "a message was acknowledged that is not durable");
	}
}

static void frame_check(struct world *w, struct node *from, const struct node *to,
			struct wire *wire, int end, const uint8_t *bytes, size_t n)
{
	struct lane_of_frames *lane = &wire->to[1 - end];
	struct frame f;

	keys_secret_check(w, from, bytes, n);
	if (frame_decode(&f, bytes, n) != ERR_OK) {
		broken(w, PROPERTY_BOUNDED, from, "a malformed frame was sent");
		return;
	}
	answer_check(w, from, &wire->to[end], &f);
	if (f.type == FRAME_PUSH && f.piece.offset == 0)
		push_check(w, from, to, lane, &f);
}

/* ---- frames under way ---- */

void lane_clear(struct lane_of_frames *lane)
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

/* Some of it is not what was sent, or not all of it. */
static void garble(struct world *w, struct wire *wire, struct flying *f)
{
	wire->garbled = wire->damaged = true;
	if (draw_below(w, 3) == 0)
		f->length = draw_below(w, (unsigned)f->length);
	else
		f->bytes[draw_below(w, (unsigned)f->length)] ^= (uint8_t)(1 << draw_below(w, 8));
}

void frame_launch(struct world *w, struct wire *wire, int to, const uint8_t *bytes, size_t n)
{
	struct lane_of_frames *lane = &wire->to[to];
	struct flying *f;

	w->result->frames++;
	w->result->bytes += n;
	if (w->now < lane->muted || happens(w, w->plan.lose))
		return;
	f = zeroed(1, sizeof *f);
	f->bytes = zeroed(n, 1);
	memcpy(f->bytes, bytes, n);
	f->length = n;
	f->due = w->now + 1 + draw_below(w, 80);
	if (f->due < lane->latest)
		f->due = lane->latest;
	lane->latest = f->due;
	if (happens(w, w->plan.garble))
		garble(w, wire, f);
	if (lane->last)
		lane->last->next = f;
	else
		lane->first = f;
	lane->last = f;
	if (happens(w, w->plan.repeat))
		frame_launch(w, wire, to, bytes, n);
}

/* Liars open, too, and may be mended later. */
static void open_note(struct lane_of_frames *lane, const uint8_t *bytes, size_t n)
{
	struct frame f;

	if (frame_decode(&f, bytes, n) == ERR_OK && f.type == FRAME_OPEN)
		lane->version = f.open.version;
}

static void wire_pump(struct world *w, struct wire *wire)
{
	static uint8_t out[FRAME_MAX_BYTES];
	unsigned ends[2] = {wire->a, wire->b};

	for (int i = 0; i < 2; i++) {
		struct node *from = &w->nodes[ends[i]], *to = &w->nodes[ends[1 - i]];
		/* A socket takes so much at once. */
		for (int frames = 0; from->exchange && frames < FRAMES_A_STEP; frames++) {
			size_t n = exchange_output(from->exchange, &to->id, out, instant_of(from));
			if (n == 0)
				break;
			open_note(&wire->to[1 - i], out, n);
			if (honest(from))
				frame_check(w, from, to, wire, i, out, n);
			else
				n = liar_tamper(w, from, out, n);
			if (n)
				frame_launch(w, wire, 1 - i, out, n);
		}
	}
}

/* Hands over what has arrived at one end by then. */
static void lane_deliver(struct world *w, struct wire *wire, int end, uint64_t by)
{
	struct node *to = &w->nodes[end ? wire->b : wire->a];
	const struct node *from = &w->nodes[end ? wire->a : wire->b];
	struct lane_of_frames *lane = &wire->to[end];

	while (lane->first && lane->first->due <= by && wire->up) {
		struct flying *f = lane->first;
		struct frame frame;
		lane->first = f->next;
		if (!lane->first)
			lane->last = NULL;
		if (frame_decode(&frame, f->bytes, f->length) == ERR_OK)
			ids_note(lane, &frame);
		if (to->exchange)
			exchange_receive(to->exchange, &from->id, f->bytes, f->length,
					 instant_of(to));
		free(f->bytes);
		free(f);
	}
}

/* What was under way may still arrive at one end or the other, or be lost.  The dialing end sees
 * that it is down; the other may hear of it only when the next connection comes. */
void wire_cut(struct world *w, struct wire *wire)
{
	struct node *ends[2] = {&w->nodes[wire->a], &w->nodes[wire->b]};

	for (int i = 0; i < 2 && wire->up; i++)
		if (draw_below(w, 2))
			lane_deliver(w, wire, i, UINT64_MAX);
	lane_clear(&wire->to[0]);
	lane_clear(&wire->to[1]);
	if (!wire->up)
		return;
	wire->up = false;
	wire->up_at = w->now + 50 + draw_below(w, wire->flapping ? 100 : 2000);
	w->result->cuts++;
	for (int i = 0; i < 2; i++) {
		if (ends[i]->exchange && (i == 0 || draw_below(w, 2)))
			exchange_down(ends[i]->exchange, &ends[1 - i]->id, "cut",
				      instant_of(ends[i]));
	}
}

static void wire_connect(struct world *w, struct wire *wire)
{
	struct node *a = &w->nodes[wire->a], *b = &w->nodes[wire->b];

	/* Only the newest connection of a key is read. */
	if (wire->twin && wire->twin->up)
		wire_cut(w, wire->twin);
	wire->up = true;
	wire->garbled = false;
	wire->to[0].latest = wire->to[1].latest = 0;
	wire->to[0].muted = wire->to[1].muted = 0;
	wire->to[0].version = wire->to[1].version = 0;
	exchange_up(a->exchange, &b->id, instant_of(a));
	exchange_up(b->exchange, &a->id, instant_of(b));
}

/* Does this node take the other for a neighbour, of its newest version or of an older one? */
static bool knows(const struct node *n, const struct node *other)
{
	const struct topology *t = chain_newest(&n->chain);
	const struct party *self = topology_party_by_id(t, &n->id);
	const struct party *peer = topology_party_by_id(t, &other->id);

	return self && peer &&
	       (topology_link(t, self, peer) || chain_former(&n->chain, &n->id, &other->id));
}

static bool ready(const struct node *n)
{
	return n->exists && n->exchange;
}

/* A connection that is no longer wanted, as of a member whose key was revoked, stands for a while.
 */
static bool cut_due(struct world *w, const struct wire *wire, bool wanted)
{
	return wire->cut_wanted || (!wanted && (!w->faults || draw_below(w, 20) == 0)) ||
	       happens(w, wire->flapping ? CUTS_OF_FLAPPING : w->plan.cut) ||
	       (wire->garbled && draw_below(w, 20) == 0);
}

void wire_step(struct world *w, struct wire *wire)
{
	struct node *a = &w->nodes[wire->a], *b = &w->nodes[wire->b];
	bool wanted = ready(a) && ready(b) && knows(a, b) && knows(b, a);

	if (wire->up && cut_due(w, wire, wanted)) {
		wire_pump(w, wire);
		wire_cut(w, wire);
	}
	wire->cut_wanted = false;
	if (!wire->up && wanted && w->now >= wire->up_at)
		wire_connect(w, wire);
	if (!wire->up)
		return;
	if (happens(w, w->plan.mute))
		wire->to[draw_below(w, 2)].muted = w->now + draw_below(w, 3000);
	for (int i = 0; i < 2; i++)
		lane_deliver(w, wire, i, w->now);
	wire_pump(w, wire);
}
