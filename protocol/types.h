/* The sizes and identifiers that everything shares.  SPEC.md 2.
 *
 * Identifiers are structs, so that a party cannot be passed where a message is wanted. */
#ifndef PROTOCOL_TYPES_H
#define PROTOCOL_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	NETWORK_ID_BYTES = 8,
	PARTY_ID_BYTES = 16,
	AUDIENCE_ID_BYTES = 16,
	MESSAGE_ID_BYTES = 32,
	HASH_BYTES = 32,
	SIGN_KEY_BYTES = 32, /* Ed25519 public */
	SIGNATURE_BYTES = 64,
	LINK_KEY_BYTES = 32, /* CURVE public */
	SEAL_KEY_BYTES = 32, /* X25519 public */
	STORE_ID_BYTES = 16,
	NONCE_BYTES = 16,

	NAME_MAX_BYTES = 31, /* of a party, group or alias: [a-z0-9-]{1,31} */
	HEADER_FIXED_BYTES = 188,
	RECIPIENT_BYTES = 98,
	RECIPIENTS_MAX = 256,
	HEADER_MAX_BYTES = HEADER_FIXED_BYTES + RECIPIENTS_MAX * RECIPIENT_BYTES, /* 25,276 */
	BODY_MAX_BYTES = 1 << 20,
	FORWARD_BODY_MAX_BYTES = 2 << 20,
	MESSAGE_MAX_BYTES = HEADER_MAX_BYTES + SIGNATURE_BYTES + FORWARD_BODY_MAX_BYTES,
	BODY_PLAIN_MAX_BYTES = 16 << 20, /* a body decompressed; more is refused as a bomb */
	BUNDLE_OBJECTS_MAX = 1024,
	JSON_DEPTH_MAX = 64,
	FRAME_MAX_BYTES = 64 << 10,
	TOPOLOGY_MAX_BYTES = 1 << 20, /* text and signatures */
	EXPIRY_SPAN_HOURS = 402 * 24,
	AUTHOR_SPAN_HOURS = EXPIRY_SPAN_HOURS - 6, /* what an author keeps to.  SPEC.md 5.5 */
};

struct network_id {
	uint8_t b[NETWORK_ID_BYTES];
};
struct party_id {
	uint8_t b[PARTY_ID_BYTES];
};
struct audience_id {
	uint8_t b[AUDIENCE_ID_BYTES];
};
struct message_id {
	uint8_t b[MESSAGE_ID_BYTES];
};
struct hash {
	uint8_t b[HASH_BYTES];
};
struct store_id {
	uint8_t b[STORE_ID_BYTES];
};

enum tlp { TLP_CLEAR, TLP_GREEN, TLP_AMBER, TLP_AMBER_STRICT, TLP_RED, TLP_COUNT };

/* "clear" "green" "amber" "amber+strict" "red"; static. */
const char *tlp_str(enum tlp tlp);
/* Reads the same words in any case, with or without "TLP:" in front, and "white" for clear. */
bool tlp_parse(const char *text, enum tlp *tlp);

/* BLAKE2b-128 of (network id | name): the wire id of a node or a role.  SPEC.md 2.3. */
struct party_id party_id_of(const struct network_id *network, const char *name);
bool party_id_equal(const struct party_id *a, const struct party_id *b);
bool message_id_equal(const struct message_id *a, const struct message_id *b);
bool hash_equal(const struct hash *a, const struct hash *b);
bool bytes_zero(const void *p, size_t n);

/* BLAKE2b-256 of n bytes. */
struct hash hash_of(const void *p, size_t n);

/* True for [a-z0-9-]{1,31}. */
bool name_valid(const char *name);

/* Lower-case hexadecimal.  hex_encode writes 2n+1 bytes with the final NUL and returns out;
 * hex_decode is true when text is exactly 2n hexadecimal digits. */
char *hex_encode(char *out, const void *p, size_t n);
bool hex_decode(void *out, size_t n, const char *text);

#endif
