/* Forwards: what one message hands on of another, and when that is allowed.  SPEC.md 5.10.
 *
 * A forward holds a whole sealed message, as its author signed it, with its content key: who reads
 * the forward has what the author wrote, from the author.  The content key is no part of what this
 * module sees (keys/handover.h). */
#ifndef PROTOCOL_FORWARD_H
#define PROTOCOL_FORWARD_H

#include "protocol/json.h"
#include "protocol/message.h"
#include "protocol/topology.h"

enum { REASON_MAX_BYTES = 1000, FORWARD_WHY_BYTES = 200 };

/* What is handed on.  A view: it borrows. */
struct forward {
	struct message_view message; /* with its body */
	struct slice reason;         /* why, in the forwarder's words; may be empty */
};

/* Appends header | signature | body | reason to out. */
void forward_write(struct text *out, const struct forward *f);

/* Reads exactly n bytes; *original is the header decoded.  The errors of header_decode(); ERR_LIMIT
 * for a reason that is too long, ERR_FORMAT for one that is no line of text. */
enum err forward_read(struct forward *f, struct header *original, const uint8_t *in, size_t n);

/* True for UTF-8 of at most REASON_MAX_BYTES without control characters. */
bool reason_valid(const char *reason, size_t n);

/* Why nobody may hand on a message with this header, or NULL; static, and what follows "it is". */
const char *forward_forbidden(const struct header *original);

/* True when that node may hand a message of that TLP on to the party. */
bool forward_may_reach(const struct topology *t, const struct party *forwarder,
		       const struct party *to, enum tlp tlp);

/* A forward that was opened, and what it is judged under. */
struct forward_case {
	const struct header *header; /* of the forward */
	const struct header *original;
	const struct forward *forward;
	const struct topology *then; /* the version that the original names */
	const struct topology *now;  /* the version that the forward names */
};

/* What can be judged without any topology; then and now are not looked at.  False: why says what is
 * wrong. */
bool forward_well_made(const struct forward_case *c, char why[FORWARD_WHY_BYTES]);
/* The rest, of one that is well made: the author's signature, and that this node could hand it to
 * these readers. */
bool forward_allowed(const struct forward_case *c, char why[FORWARD_WHY_BYTES]);

#endif
