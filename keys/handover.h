/* Handing a sealed message on: its content key is taken from what was sealed to this node and
 * sealed, with the message itself, to others.  SPEC.md 5.10.
 *
 * Whether that is allowed is not asked here (protocol/forward.h).  Content keys never leave this
 * layer. */
#ifndef KEYS_HANDOVER_H
#define KEYS_HANDOVER_H

#include "keys/seal.h"
#include "protocol/forward.h"

/* Bytes that n bytes written by forward_write() take as the sealed body of a forward; 0 when they
 * are too many. */
size_t handover_size(size_t n);

/* Seals what forward_write() wrote, n bytes, together with the content key of the message in it,
 * into out[handover_size(n)], as seal_body() does.  ERR_NOT_ALLOWED when this node cannot open that
 * message; the errors of forward_read() and seal_body(). */
enum err handover_seal(const struct identity *id, struct header *h, const struct letter *letter,
		       const uint8_t *data, size_t n, uint8_t *out);

/* A forward that was opened. */
struct handover {
	struct header original;
	struct forward forward; /* lives in bytes */
	uint8_t *bytes;         /* owned: what forward_write() had written */
	size_t length;
	uint8_t *data; /* owned: what the original's author sealed */
	size_t data_length;
};

/* Opens a forward's sealed body of n bytes, and the message in it.  OPENING_DONE: the caller calls
 * handover_clear().  OPENING_BODY_BAD, for all recipients, also when what was handed on is no
 * message, or the key that came with it does not open it; *why then says what, static, and is NULL
 * otherwise.  OPENING_COUNT: memory is short. */
enum opening handover_open(struct handover *x, const struct identity *id, const struct header *h,
			   const uint8_t *body, size_t n, const char **why);
/* Only what forward_write() had written, as handover_seal() takes it, into out, which has room for
 * n bytes: for sealing a forward again. */
enum opening handover_take(const struct identity *id, const struct header *h, const uint8_t *body,
			   size_t n, uint8_t *out, size_t *length);
/* Wipes and frees; what was never opened, all zeros, is accepted. */
void handover_clear(struct handover *x);

#endif
