#include "node/author.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "keys/handover.h"
#include "keys/rolekey.h"

void author_init(struct author *a, const struct identity *identity)
{
	*a = (struct author){.identity = identity};
	pthread_mutex_init(&a->lock, NULL);
	randombytes_buf(&a->incarnation, sizeof a->incarnation);
}

void author_clear(struct author *a)
{
	if (!a->identity)
		return;
	free(a->spoken);
	pthread_mutex_destroy(&a->lock);
	*a = (struct author){0};
}

/* Where the audience stands, or would stand. */
static size_t place_of(const struct author *a, const struct audience_id *audience)
{
	size_t low = 0, high = a->spoken_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (memcmp(a->spoken[middle].audience.b, audience->b, sizeof audience->b) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static bool stands_at(const struct author *a, size_t at, const struct audience_id *audience)
{
	return at < a->spoken_count &&
	       memcmp(a->spoken[at].audience.b, audience->b, sizeof audience->b) == 0;
}

static bool make_room(struct author *a, size_t at, const struct audience_id *audience)
{
	struct spoken *more = realloc(a->spoken, (a->spoken_count + 1) * sizeof *more);

	if (!more)
		return false;
	memmove(more + at + 1, more + at, (a->spoken_count - at) * sizeof *more);
	more[at] = (struct spoken){.audience = *audience};
	a->spoken = more;
	a->spoken_count++;
	return true;
}

/* SPEC 3.2: "per (origin, incarnation, audience), from 1 without gaps" */
static bool take_sequence(struct author *a, const struct audience_id *audience,
			  struct spoken *taken)
{
	size_t at;
	bool there;

	pthread_mutex_lock(&a->lock);
	at = place_of(a, audience);
	there = stands_at(a, at, audience) || make_room(a, at, audience);
	if (there) {
		a->spoken[at].sequence++;
		*taken = a->spoken[at];
	}
	pthread_mutex_unlock(&a->lock);
	return there;
}

static void return_sequence(struct author *a, const struct spoken *taken)
{
	size_t at;

	pthread_mutex_lock(&a->lock);
	at = place_of(a, &taken->audience);
	if (stands_at(a, at, &taken->audience) && a->spoken[at].sequence == taken->sequence)
		a->spoken[at].sequence--;
	pthread_mutex_unlock(&a->lock);
}

static void fill_header(struct header *h, const struct author *a, const struct topology *t,
			const struct letter *letter, const struct draft *draft, uint64_t now)
{
	const struct identity_public *public = identity_public(a->identity);

	*h = (struct header){
		.kind = (uint8_t)draft->kind,
		.tlp = (uint8_t)draft->tlp,
		.flags = (uint8_t)((letter->direct ? FLAG_DIRECT : 0) |
				   (draft->no_forward ? FLAG_NO_FORWARD : 0)),
		.priority = draft->priority,
		.topology = t->version,
		.network = t->network,
		.origin = party_id_of(&t->network, public->name),
		.audience = letter->audience,
		.incarnation = a->incarnation,
		.created = draft->created ? draft->created : now,
		.expiry = draft->expiry,
		.ref = draft->ref,
		.sign_key = public->sign_number,
	};
}

/* Completes the header and writes everything into out, of which the first size bytes are the
 * header's. */
static enum err compose(struct author *a, struct header *h, const struct letter *letter,
			const struct draft *draft, uint8_t *out, size_t size, struct message_id *id)
{
	uint8_t *body = out + size + SIGNATURE_BYTES;
	size_t written;
	enum err e = ERR_OK;

	if (draft->kind == KIND_FORWARD) {
		e = handover_seal(a->identity, h, letter, draft->body, draft->body_length, body);
	} else if (draft->kind == KIND_ROLE_KEY) {
		e = rolekey_seal(a->identity, h, letter, (const void *)draft->body, body);
	} else if (letter->count) {
		e = seal_body(h, letter, draft->body, draft->body_length, body);
	} else {
		h->body_length = (uint32_t)draft->body_length;
		h->body_hash = hash_of(draft->body, draft->body_length);
		if (draft->body_length)
			memcpy(body, draft->body, draft->body_length);
	}
	if (!e && (header_violation(h) || !header_audience_valid(h)))
		e = ERR_FORMAT;
	if (!e)
		e = header_encode(h, out, size, &written);
	if (e)
		return e;
	*id = message_id_of(out, size);
	identity_sign(a->identity, id, out + size);
	return ERR_OK;
}

/* Bytes of the body as carried; 0 when there is too much of it. */
static size_t body_size(const struct letter *letter, const struct draft *draft)
{
	/* SPEC 5.10: "The data is sealed as in 3.7, with a content key of the forward's own." */
	if (draft->kind == KIND_FORWARD)
		return handover_size(draft->body_length);
	if (draft->kind == KIND_ROLE_KEY)
		return rolekey_size(((const struct rolekey *)(const void *)draft->body)->count);
	return letter->count ? seal_size((uint8_t)draft->kind, draft->body_length)
			     : draft->body_length;
}

enum err author_write(struct author *a, const struct topology *t, const struct letter *letter,
		      const struct draft *draft, uint64_t now, struct written *out)
{
	struct header h;
	size_t size = HEADER_FIXED_BYTES + letter->count * RECIPIENT_BYTES;
	size_t body = body_size(letter, draft);
	enum err e;

	*out = (struct written){.length = size + SIGNATURE_BYTES + body};
	if (body > FORWARD_BODY_MAX_BYTES || (letter->count && body == 0))
		return ERR_LIMIT;
	fill_header(&h, a, t, letter, draft, now);
	out->bytes = malloc(out->length);
	if (!out->bytes || !take_sequence(a, &letter->audience, &out->spoken)) {
		free(out->bytes);
		*out = (struct written){0};
		return ERR_MEMORY;
	}
	h.sequence = out->spoken.sequence;
	e = compose(a, &h, letter, draft, out->bytes, size, &out->id);
	if (e)
		author_unwrite(a, out);
	return e;
}

void author_unwrite(struct author *a, struct written *w)
{
	if (w->bytes)
		return_sequence(a, &w->spoken);
	free(w->bytes);
	*w = (struct written){0};
}
