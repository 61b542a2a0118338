/* Connections between nodes, and what must hold of every frame on them. */
#include <stdlib.h>
#include <string.h>

#include "tests/sim/world_state.h"

struct wire *wire_between(struct world *w, unsigned a, unsigned b)
{
	for (unsigned i = 0; i < w->wire_count; i++) {
		struct wire *wire = &w->wires[i];
		if ((wire->a == a && wire->b == b) || (wire->a == b && wire->b == a))
			return wire;
	}
	return NULL;
}

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

void wire_cut(struct world *w, struct wire *wire)
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
			exchange_down(ends[i]->exchange, &ends[1 - i]->id, "cut",
				      instant_of(ends[i]));
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
 * network has delivered; one that was refused has an answer of its own. */
static void answer_check(struct world *w, struct node *from, struct lane_of_frames *pushes,
			 const struct frame *f)
{
	uint64_t first = f->type == FRAME_ACK ? 1 : f->answer.number;
	struct message_id *id;

	if (f->type == FRAME_NAK && f->answer.number <= pushes->id_count)
		memset(&pushes->ids[f->answer.number - 1], 0, sizeof *pushes->ids);
	if (f->type != FRAME_ACK && f->type != FRAME_HAVE)
		return;
	for (uint64_t n = first; n <= f->answer.number && n <= pushes->id_count; n++) {
		id = &pushes->ids[n - 1];
		if (!bytes_zero(id, sizeof *id) && !memory_store_durable(from->store, id))
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
			n = exchange_output(from->exchange, &to->id, out, instant_of(from));
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
						 instant_of(to));
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

void wire_step(struct world *w, struct wire *wire)
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
		exchange_up(a->exchange, &b->id, instant_of(a));
		exchange_up(b->exchange, &a->id, instant_of(b));
	}
	if (wire->up) {
		wire_deliver(w, wire);
		wire_pump(w, wire);
	}
}
