/* Receipts: what a recipient says has become of messages.  SPEC.md 5.9.
 *
 * This module knows the body of a receipt and what several statements about one message come to.
 * Whose statement counts is asked where they are shown (node/admin/answer_receipts.c); when they
 * are made is the node's (node/duty/node_receipts.c). */
#ifndef PROTOCOL_RECEIPT_H
#define PROTOCOL_RECEIPT_H

#include "protocol/json.h"
#include "protocol/message.h"

/* In the order of SPEC 5.9: each says more than those before it, but for the last, which stands
 * beside them. */
enum receipt_state {
	RECEIPT_STORED = 1,
	RECEIPT_CANNOT_OPEN,
	RECEIPT_OPENED,
	RECEIPT_ACKNOWLEDGED,
	RECEIPT_DEPLOYED,
	RECEIPT_ERASED,
	RECEIPT_FORWARDED,
	RECEIPT_STATES
};

/* Why it cannot be opened. */
enum receipt_reason {
	REASON_NONE,
	REASON_GONE, /* the recipient lacks the key: sealing it again helps */
	REASON_WRAP, /* what was sealed to it is not the content key */
	REASON_BODY, /* the content key is right, the body is none */
	REASON_COUNT
};

enum { STATEMENTS_MAX = 4096, STATEMENT_NAMES_MAX = 255 };

struct statement {
	struct message_id message;
	enum receipt_state state;
	uint64_t at;                /* ms since 1970, by the recipient's clock */
	enum receipt_reason reason; /* cannot-open only */
	const char *const *to;      /* forwarded only: names of the new readers; borrowed */
	size_t to_count;
	const char *because; /* forwarded only: the forwarder's reason, or NULL; borrowed */
};

struct receipt {
	struct statement *items; /* owned, and so are the names in it */
	size_t count;            /* statements with a state that is known here */
	const char **names;
	cJSON *json;
};

/* "stored" "cannot-open" "opened" "acknowledged" "deployed" "erased" "forwarded"; "gone" "wrap"
 * "body", NULL for none.  Static. */
const char *receipt_state_str(enum receipt_state state);
const char *receipt_reason_str(enum receipt_reason reason);

/* Reads the JSON of a body.  ERR_FORMAT or ERR_LIMIT, with words, ERR_MEMORY.  On ERR_OK the caller
 * calls receipt_clear(). */
enum err receipt_read(struct receipt *r, const char *json, size_t n, struct report *report);
void receipt_clear(struct receipt *r);
/* Appends the JSON of n statements, 1 to STATEMENTS_MAX. */
void receipt_write(struct text *out, const struct statement *statements, size_t n);

/* What one node has said of one message, in whatever order it came. */
struct receipt_fold {
	bool said[RECEIPT_STATES];
	uint64_t at[RECEIPT_STATES]; /* the earliest time that was stated */
	enum receipt_reason reason;  /* of the earliest cannot-open */
};
/* An all-zero fold has heard nothing. */
void receipt_fold_add(struct receipt_fold *f, enum receipt_state state, uint64_t at,
		      enum receipt_reason reason);
/* The greatest state but forwarded; 0: none. */
enum receipt_state receipt_fold_state(const struct receipt_fold *f);

/* True when the message says again what the target says, sealed to a newer key of one recipient; id
 * is the target's.  SPEC.md 5.9. */
bool is_reseal(const struct header *h, const struct header *target, const struct message_id *id);

#endif
