/* What no honest node does.  A liar runs the real protocol and bends what goes in and comes out. */
#include <stdlib.h>
#include <string.h>

#include "tests/sim/world_state.h"

enum { ODD_KIND = 200, TAMPER_ONE_IN = 25, NOISE_BYTES = 400 };

/* Puts a message into the liar's own store past its own checks, and has every neighbour connect
 * again, so that its exchange finds it there. */
static void slip_in(struct world *w, struct node *n, struct said *m, const uint8_t *bytes,
		    size_t length)
{
	struct store s = memory_store_interface(n->store);
	struct arrival a = {.id = m->id, .from = n->id};
	uint64_t lsn;

	if (message_split(&a.message, bytes, length) != ERR_OK || s.begin(s.self) != ERR_OK)
		abort();
	if (s.append(s.self, &a, &lsn) == ERR_OK)
		s.commit(s.self);
	else
		s.abort(s.self);
	for (unsigned i = 0; i < w->wire_count; i++)
		w->wires[i]->cut_wanted |= w->wires[i]->a == n->index || w->wires[i]->b == n->index;
}

/* A message of somebody, this liar or another. */
static const struct said *any_said(struct world *w)
{
	return w->said_count ? w->said[draw_below(w, (unsigned)w->said_count)] : NULL;
}

/* Recalls something, in a way that does not apply: of another's message, of a recall, or before
 * what it recalls has expired. */
static void recall_oddly(struct header *h, const struct said *of)
{
	bool own = party_id_equal(&of->header->origin, &h->origin);

	h->kind = KIND_RECALL;
	h->ref = of->id;
	h->expiry = of->header->expiry - (own && of->header->kind != KIND_RECALL ? 1 : 0);
}

/* What the rules allow, and what they allow others to keep only in part. */
static void odd_draw(struct world *w, struct node *n, struct header *h)
{
	const struct said *other = any_said(w);

	switch (draw_below(w, 6)) {
	case 0:
		h->tlp = TLP_AMBER; /* for everyone, in the open */
		break;
	case 1:
		h->kind = ODD_KIND;
		break;
	case 2:
		if (other)
			recall_oddly(h, other);
		break;
	case 3:
		h->expiry = exchange_floor(n->exchange) + 1 +
			    draw_below(w, 2) * (EXPIRY_SPAN_HOURS - 1);
		break;
	case 4:
		h->sequence = 1;
		h->incarnation = 0;
		h->created = draw(w);
		break;
	case 5:
		h->topology = 1 + draw_below(w, h->topology);
		h->sign_key = 1; /* which may be revoked by now */
		break;
	}
}

/* In the name of another, with a key that never was, or signed by nobody. */
static bool forge(struct world *w, struct node *n, struct header *h)
{
	switch (draw_below(w, 3)) {
	case 0:
		h->origin = w->nodes[draw_below(w, w->plan.nodes)].id;
		return !party_id_equal(&h->origin, &n->id) &&
		       !bytes_zero(&h->origin, PARTY_ID_BYTES);
	case 1:
		h->sign_key = 60;
		return true;
	case 2:
		h->audience.b[3] ^= 1; /* of others */
		return true;
	}
	return false;
}

void liar_write(struct world *w, struct node *n)
{
	struct header *h = header_new(w, n);
	struct letter *none = zeroed(1, sizeof *none);
	struct message_id id;
	uint8_t *body, *bytes;
	size_t length;
	struct said *m;
	bool forged = (n->deeds & DEED_FORGE) && draw_below(w, 2) && forge(w, n, h);

	if (!forged && (n->deeds & DEED_ODD))
		odd_draw(w, n, h);
	h->expiry += h->expiry == 0; /* which no header can say */
	body = keys_seal(w, h, none, draw_below(w, 300));
	free(none);
	bytes = message_encode(w, n, h, body, &id, &length);
	m = said_add(w, n, h, &id);
	m->forged = forged;
	w->result->messages++;
	slip_in(w, n, m, bytes, length);
	free(bytes);
}

static void claim(struct world *w, struct frame_hello *h)
{
	static const uint32_t floors[] = {0, 1, WALL_START + 20000, UINT32_MAX};

	h->floor = floors[draw_below(w, 4)];
	h->clock = (uint64_t)((int64_t)h->clock + ((int64_t)draw_below(w, 41) - 20) * YEAR_MS);
}

static void noise(struct world *w, struct frame *f, uint8_t *bytes)
{
	static const enum frame_type types[] = {FRAME_BEGIN, FRAME_PART,   FRAME_ASK, FRAME_LAST,
						FRAME_ACK,   FRAME_CREDIT, FRAME_NAK, FRAME_HAVE};

	for (size_t i = 0; i < NOISE_BYTES; i++)
		bytes[i] = (uint8_t)draw(w);
	f->type = types[draw_below(w, sizeof types / sizeof *types)];
	switch (f->type) {
	case FRAME_BEGIN:
		f->reconcile.payload = bytes;
		f->reconcile.length = 20;
		break;
	case FRAME_PART:
	case FRAME_ASK:
	case FRAME_LAST:
		f->reconcile.payload = bytes;
		f->reconcile.length = draw_below(w, NOISE_BYTES);
		break;
	case FRAME_CREDIT:
		f->credit.bytes = draw(w);
		f->credit.messages = draw(w);
		f->credit.paused_count = 0;
		break;
	default:
		f->answer.number = draw_below(w, 4) ? draw_below(w, 60) : draw(w);
		f->answer.reason = f->type == FRAME_NAK ? NAK_EXPIRED : 0;
		break;
	}
}

/* A frame that still is one, and says something else. */
static void tamper(struct world *w, struct frame *f, uint8_t *copy)
{
	switch (f->type) {
	case FRAME_BEGIN:
	case FRAME_PART:
	case FRAME_ASK:
	case FRAME_LAST:
	case FRAME_SUSPENSION:
	case FRAME_COUNT:
	case FRAME_COUNTS:
		if (f->reconcile.length == 0)
			break;
		memcpy(copy, f->reconcile.payload, f->reconcile.length);
		copy[draw_below(w, (unsigned)f->reconcile.length)] ^= (uint8_t)draw(w);
		f->reconcile.payload = copy;
		break;
	case FRAME_PUSH:
		memcpy(copy, f->piece.data, f->piece.length);
		copy[draw_below(w, (unsigned)f->piece.length)] ^= (uint8_t)draw(w);
		f->piece.data = copy;
		break;
	case FRAME_ACK:
	case FRAME_HAVE:
	case FRAME_NAK:
		f->answer.number += draw_below(w, 5);
		break;
	case FRAME_HELLO:
		f->hello.credit_messages = draw_below(w, 3);
		f->hello.nonce[0] ^= (uint8_t)draw(w);
		break;
	case FRAME_CREDIT:
		f->credit.bytes -= draw_below(w, 1000);
		break;
	case FRAME_TOPOLOGY:
	case FRAME_OPEN:
	case FRAME_ERROR:
		f->number += draw_below(w, 2);
		break;
	}
}

size_t liar_tamper(struct world *w, struct node *n, uint8_t *frame, size_t length)
{
	static uint8_t copy[FRAME_MAX_BYTES], out[FRAME_MAX_BYTES];
	struct frame f;
	size_t changed;

	if (frame_decode(&f, frame, length) != ERR_OK)
		return length;
	if ((n->deeds & DEED_CLAIM) && f.type == FRAME_HELLO)
		claim(w, &f.hello);
	else if ((n->deeds & DEED_TAMPER) && draw_below(w, TAMPER_ONE_IN) == 0)
		tamper(w, &f, copy);
	else if ((n->deeds & DEED_NOISE) && f.type != FRAME_HELLO &&
		 draw_below(w, TAMPER_ONE_IN) == 0)
		noise(w, &f, copy);
	else
		return length;
	changed = frame_encode(&f, out);
	memcpy(frame, out, changed);
	return changed;
}
