/* A message: header, signature, body as carried.  SPEC.md 3.
 *
 * This module knows the bytes and the rules that a header alone shows.  It does not seal or open
 * (keys/seal.h), does not look into bodies (body.h, stix.h) and decides nothing about who carries
 * it (audience.h).
 *
 * One encoding exists for every header: decode refuses whatever encode would not have written. */
#ifndef PROTOCOL_MESSAGE_H
#define PROTOCOL_MESSAGE_H

#include "protocol/error.h"
#include "protocol/types.h"

enum message_kind {
	KIND_POST = 1,
	KIND_RECALL,
	KIND_RECEIPT,
	KIND_FORWARD,
	KIND_BEACON,
	KIND_CARD,
	KIND_ROLE_KEY,
};

enum message_flag { FLAG_SEALED = 1, FLAG_DIRECT = 2, FLAG_NO_FORWARD = 4 };

enum { PRIORITY_ROUTINE, PRIORITY_RAISED, PRIORITY_HIGH, PRIORITY_EMERGENCY };

struct recipient {
	struct party_id party;
	uint16_t key;     /* number of the party's seal key */
	uint8_t wrap[80]; /* crypto_box_seal of the content key */
};

enum { KIND_OFFSET = 5, PRIORITY_OFFSET = 9, ORIGIN_OFFSET = 24, REF_OFFSET = 120 }; /* encoded */

/* A decoded header; fields in the order of the wire. */
struct header {
	uint8_t kind;     /* 1..255; enum message_kind names those this version knows */
	uint8_t tlp;      /* enum tlp */
	uint8_t flags;    /* of enum message_flag */
	uint8_t priority; /* 0..3 */
	uint32_t topology;
	struct network_id network;
	struct party_id origin;
	struct audience_id audience;
	uint64_t incarnation;
	uint64_t sequence;
	uint64_t created; /* ms since 1970; information only */
	uint32_t expiry;  /* hours since 1970 */
	uint32_t body_length;
	struct hash body_hash;
	struct message_id ref;
	uint8_t commitment[32];
	uint16_t sign_key;
	uint16_t recipient_count;
	struct recipient recipients[RECIPIENTS_MAX];
};

/* A whole message in one piece of memory, as carried on a link and printed by `khabar show --raw`:
 * header, signature, body.  A view borrows; body is NULL (and body_length what the header says)
 * where the body is gone. */
struct message_view {
	const uint8_t *header;
	size_t header_length;
	const uint8_t *signature; /* SIGNATURE_BYTES */
	const uint8_t *body;
	size_t body_length;
};

/* Bytes that h encodes to: 188 + 98 a recipient. */
size_t header_size(const struct header *h);

/* Writes the one encoding into out[size].  ERR_FORMAT when a field is outside what decode accepts,
 * ERR_LIMIT when out is too small. */
enum err header_encode(const struct header *h, uint8_t *out, size_t size, size_t *written);

/* Reads exactly n bytes.  ERR_TRUNCATED, ERR_TRAILING, ERR_FORMAT, ERR_UNSUPPORTED (version,
 * suite), ERR_LIMIT. */
enum err header_decode(struct header *h, const uint8_t *in, size_t n);

/* The length that the header starting at in says it has; 0 when fewer than 12 bytes or not a header
 * at all. */
size_t header_peek_length(const uint8_t *in, size_t n);

/* BLAKE2b-256 of the encoded header: the message's id. */
struct message_id message_id_of(const uint8_t *header, size_t n);

/* Splits header | signature | body.  Checks lengths only: ERR_TRUNCATED, ERR_TRAILING, ERR_FORMAT,
 * ERR_LIMIT. */
enum err message_split(struct message_view *v, const uint8_t *in, size_t n);

/* True when the body has the hash that the header promises. */
bool message_body_matches(const struct header *h, const uint8_t *body, size_t n);

/* The 40 bytes that are signed: "khabar-1" | id. */
enum { SIGNED_BYTES = 8 + MESSAGE_ID_BYTES };
void message_signed_bytes(uint8_t out[SIGNED_BYTES], const struct message_id *id);

/* Ed25519 by libsodium 1.0.18's rules, which are normative. */
bool message_signature_valid(const struct message_id *id, const uint8_t signature[SIGNATURE_BYTES],
			     const uint8_t sign_key[SIGN_KEY_BYTES]);

/* The audience of a message for everyone. */
struct audience_id audience_all(void);
/* The audience of a sealed message: the distinct recipients other than the origin, in any order
 * (sorted here). ids[count] is rearranged. */
struct audience_id audience_of(const struct party_id *origin, struct party_id *ids, size_t count,
			       bool direct);

/* True when the audience is that of the recipients, or of everyone where there are none.  What an
 * audience carries is a function of its name only because no message with another is ever kept.
 * SPEC.md 3.3. */
bool header_audience_valid(const struct header *h);

/* What the header alone shows to be wrong with a well-formed message, or NULL: AMBER or stricter
 * unsealed, a sealed message not readable by its origin or by nobody else.  A static phrase.
 * SPEC.md 3.5. */
const char *header_violation(const struct header *h);

#endif
