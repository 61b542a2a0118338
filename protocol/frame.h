/* The frames that two nodes exchange: their bytes, and nothing of what they mean together
 * (session.h).  SPEC.md 7.2.
 *
 * Every frame begins with its type and its number; none is over FRAME_MAX_BYTES.  One encoding for
 * each: decode refuses trailing bytes and anything that encode would not have written.  Decoded
 * frames borrow from their input. */
#ifndef PROTOCOL_FRAME_H
#define PROTOCOL_FRAME_H

#include "protocol/error.h"
#include "protocol/types.h"

enum frame_type {
	FRAME_HELLO = 1,
	FRAME_TOPOLOGY,
	FRAME_OPEN,
	FRAME_PUSH,
	FRAME_HAVE,
	FRAME_ACK,
	FRAME_NAK,
	FRAME_CREDIT,
	FRAME_ERROR,
	/* Of reconciliation (reconcile.h): their fields are only bytes here. */
	FRAME_BEGIN = 16,
	FRAME_PART,
	FRAME_ASK,
	FRAME_LAST,
	/* What two ends tell each other beside the messages; their fields, too, are only bytes. */
	FRAME_SUSPENSION = 20,
	FRAME_COUNT,
	FRAME_COUNTS,
};

enum nak_reason {
	NAK_NOT_CARRIED = 1, /* this link does not carry it */
	NAK_EXPIRED,         /* below the session's floor */
	NAK_TOO_FAR,         /* more than 402 days above it */
	NAK_UNJUDGEABLE,     /* names a topology version not held, or an unknown header version */
};

enum {
	FRAME_HEAD_BYTES = 5,
	HELLO_VERSIONS_MAX = 32,
	SOFTWARE_MAX_BYTES = 64,
	PAUSED_MAX = 16,
	ERROR_TEXT_MAX_BYTES = 200,
	PIECE_HEAD_BYTES = FRAME_HEAD_BYTES + 16,
	PIECE_MAX_BYTES = FRAME_MAX_BYTES - PIECE_HEAD_BYTES,
	RECONCILE_BYTES_MAX = FRAME_MAX_BYTES - 64,
};

struct version_hash {
	uint32_t version;
	struct hash hash;
};

struct frame_hello {
	struct network_id network;
	struct party_id self;
	struct store_id store;
	uint8_t nonce[NONCE_BYTES]; /* of the sender, new for every conversation */
	uint8_t echo[NONCE_BYTES];  /* the receiver's nonce, zeros when not known */
	uint64_t clock;             /* ms since 1970 */
	uint32_t floor;             /* hours since 1970 */
	uint64_t credit_bytes;      /* what may be pushed before the first CREDIT */
	uint64_t credit_messages;
	uint8_t version_count; /* 1.., newest first, strictly descending */
	struct version_hash versions[HELLO_VERSIONS_MAX];
	char software[SOFTWARE_MAX_BYTES + 1]; /* printable ASCII */
};

struct frame_piece {
	uint64_t number;        /* of the push, from 1; of a topology, its version */
	uint32_t offset, total; /* bytes */
	const uint8_t *data;
	size_t length; /* 1..PIECE_MAX_BYTES */
};

struct frame_credit {
	uint64_t bytes, messages; /* cumulative limits */
	uint8_t paused_count;
	struct party_id paused[PAUSED_MAX]; /* strictly ascending */
};

struct frame {
	enum frame_type type;
	uint32_t number; /* of the frame in its conversation; 0 for HELLO */
	union {
		struct frame_hello hello;
		struct frame_piece piece; /* TOPOLOGY, PUSH */
		struct version_hash open;
		struct {
			uint64_t number;
			uint8_t reason; /* NAK: enum nak_reason, others 0 */
		} answer;               /* HAVE, ACK, NAK */
		struct frame_credit credit;
		struct {
			const uint8_t *payload; /* NULL when empty */
			size_t length;          /* at most RECONCILE_BYTES_MAX */
		} reconcile; /* BEGIN, PART, ASK, LAST, SUSPENSION, COUNT, COUNTS */
		char error[ERROR_TEXT_MAX_BYTES + 1];
	};
};

/* Writes the frame into out[FRAME_MAX_BYTES]; returns its length, or 0 when a field is outside what
 * decode accepts. */
size_t frame_encode(const struct frame *f, uint8_t *out);

/* Reads exactly n bytes. */
enum err frame_decode(struct frame *f, const uint8_t *in, size_t n);

/* "HELLO", "PUSH" ...; static. */
const char *frame_type_str(enum frame_type type);
const char *nak_reason_str(enum nak_reason reason);

#endif
