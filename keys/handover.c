#include "keys/handover.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "keys/seal_parts.h"

size_t handover_size(size_t n)
{
	return n < FORWARD_BODY_MAX_BYTES ? seal_size(KIND_FORWARD, CONTENT_KEY_BYTES + n) : 0;
}

enum err handover_seal(const struct identity *id, struct header *h, const struct letter *letter,
		       const uint8_t *data, size_t n, uint8_t *out)
{
	struct header *original = malloc(sizeof *original);
	uint8_t *all = malloc(CONTENT_KEY_BYTES + n);
	struct forward f;
	enum err e = original && all ? forward_read(&f, original, data, n) : ERR_MEMORY;

	if (!e && seal_find_key(all, id, original) != OPENING_DONE)
		e = ERR_NOT_ALLOWED;
	if (!e) {
		/* SPEC 5.10: "The data of a forward is the content key of the original (32 bytes) |
		 * its header | its signature | its body as carried | the reason." */
		memcpy(all + CONTENT_KEY_BYTES, data, n);
		e = seal_body(h, letter, all, CONTENT_KEY_BYTES + n, out);
	}
	if (all)
		sodium_memzero(all, CONTENT_KEY_BYTES);
	free(all);
	free(original);
	return e;
}

/* Takes the key off the front of what was opened, and wipes it there. */
static bool key_take(uint8_t key[CONTENT_KEY_BYTES], struct handover *x)
{
	if (x->length < CONTENT_KEY_BYTES)
		return false;
	memcpy(key, x->bytes, CONTENT_KEY_BYTES);
	x->length -= CONTENT_KEY_BYTES;
	memmove(x->bytes, x->bytes + CONTENT_KEY_BYTES, x->length);
	sodium_memzero(x->bytes + x->length, CONTENT_KEY_BYTES);
	return true;
}

/* NULL, or what is wrong with what was handed on. */
static const char *original_open(struct handover *x, const uint8_t key[CONTENT_KEY_BYTES])
{
	const struct message_view *m = &x->forward.message;

	if (forward_read(&x->forward, &x->original, x->bytes, x->length) != ERR_OK)
		return "what it hands on is no whole message";
	if (!(x->original.flags & FLAG_SEALED))
		return NULL; /* which is not allowed, and said by forward_well_made() */
	if (!seal_key_fits(key, &x->original))
		return "the key that it hands on is not that of its message";
	if (!seal_decrypt(&x->original, key, m->body, m->body_length, x->data, &x->data_length))
		return "what it hands on is not sealed as it should be";
	return NULL;
}

enum opening handover_open(struct handover *x, const struct identity *id, const struct header *h,
			   const uint8_t *body, size_t n, const char **why)
{
	uint8_t key[CONTENT_KEY_BYTES];
	enum opening opening = OPENING_COUNT;

	*why = NULL;
	*x = (struct handover){.bytes = malloc(n + 1), .data = malloc(n + 1)};
	if (x->bytes && x->data)
		opening = seal_open(id, h, body, n, x->bytes, &x->length);
	if (opening == OPENING_DONE) {
		*why = key_take(key, x) ? original_open(x, key)
					: "what it hands on is no whole message";
		sodium_memzero(key, sizeof key);
	}
	if (*why)
		opening = OPENING_BODY_BAD;
	if (opening != OPENING_DONE)
		handover_clear(x);
	return opening;
}

enum opening handover_take(const struct identity *id, const struct header *h, const uint8_t *body,
			   size_t n, uint8_t *out, size_t *length)
{
	struct handover *x = malloc(sizeof *x);
	const char *why;
	enum opening opening = x ? handover_open(x, id, h, body, n, &why) : OPENING_COUNT;

	*length = 0;
	if (opening == OPENING_DONE) {
		memcpy(out, x->bytes, x->length);
		*length = x->length;
		handover_clear(x);
	}
	free(x);
	return opening;
}

void handover_clear(struct handover *x)
{
	if (x->bytes)
		sodium_memzero(x->bytes, x->length);
	if (x->data)
		sodium_memzero(x->data, x->data_length);
	free(x->bytes);
	x->bytes = NULL;
	free(x->data);
	x->data = NULL;
	x->length = x->data_length = 0;
}
