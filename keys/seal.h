/* Sealing bodies to parties, and opening them.  SPEC.md 3.7.
 *
 * A body that is sealed can be opened by its recipients and by nobody else; nobody can change
 * header, recipients or body without that showing, and no two recipients can be shown two texts.
 * Neither does sealing sign (identity.h) nor does opening ask whether the message is authentic
 * (judge.h): that was decided before it was stored.
 *
 * Content keys and secrets never leave this layer; whatever held one is wiped. */
#ifndef KEYS_SEAL_H
#define KEYS_SEAL_H

#include "keys/identity.h"
#include "protocol/message.h"
#include "protocol/recipients.h"

/* Bytes that n bytes of data take as the sealed body of a message of that kind, 0 when they are
 * more than such a body holds. */
size_t seal_size(uint8_t kind, size_t n);

/* Seals n bytes of data into out[seal_size(h->kind, n)] for the recipients of the letter.  Before,
 * h has all that its author decides, the audience of the letter too; sealing adds what follows:
 * the flag, the commitment, the recipients, length and hash of the body.  After, nothing in h can
 * change any more.  ERR_LIMIT when it is too long, ERR_FORMAT when h and letter do not belong
 * together, the origin is not among the recipients, or a key is none. */
enum err seal_body(struct header *h, const struct letter *letter, const uint8_t *data, size_t n,
		   uint8_t *out);

/* What became of an attempt to open. */
enum opening {
	OPENING_DONE,
	OPENING_NOT_OURS, /* no recipient is this node or a role whose keys it holds */
	OPENING_KEY_GONE, /* sealed to a key of ours that is not held, or not held any more:
			     sealing it again would help */
	OPENING_WRAP_BAD, /* what was sealed to us is not this message's content key */
	OPENING_BODY_BAD, /* the content key is right; the body is none, for every recipient */
	OPENING_COUNT
};

/* Static: "its body was not sealed as it should be", and so on. */
const char *opening_str(enum opening opening);

/* True when a recipient is this node, or a role of which it holds a key: it should be able to open
 * the message. */
bool seal_is_ours(const struct identity *id, const struct header *h);

/* What seal_open() would come to as far as that shows without the body: OPENING_DONE when the
 * content key is found. */
enum opening seal_probe(const struct identity *id, const struct header *h);

/* Marks which seal keys are held: what can be opened with the same keys is the same. */
void seal_mark(const struct identity *id, uint8_t mark[16]);

/* Opens a sealed body of n bytes into out, which has room for n; *length says how much of it is
 * data.  Tries every key that is held until one fits.  Whatever the
 * outcome but OPENING_DONE, out holds nothing of it.  The caller wipes what it need not keep. */
enum opening seal_open(const struct identity *id, const struct header *h, const uint8_t *body,
		       size_t n, uint8_t *out, size_t *length);

#endif
