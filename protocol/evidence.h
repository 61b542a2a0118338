/* Proof that a node has used a sequence number twice: two headers with their signatures.
 * SPEC.md 5.12.
 *
 * Whoever has the topology can judge it, without a store and without the bodies. */
#ifndef PROTOCOL_EVIDENCE_H
#define PROTOCOL_EVIDENCE_H

#include "protocol/json.h"
#include "protocol/message.h"
#include "protocol/topology.h"

enum { EVIDENCE_TEXT_MAX_BYTES = 256 << 10 };

struct evidence_part {
	uint8_t header[HEADER_MAX_BYTES];
	size_t length; /* bytes */
	uint8_t signature[SIGNATURE_BYTES];
};

/* Some 50 KiB. */
struct evidence {
	struct evidence_part parts[2];
};

/* Appends the text of a file of evidence; node is the origin's name, for people. */
void evidence_write(struct text *out, const struct evidence *e, const char *node);
/* True when the text looks like one rather than like a message. */
bool evidence_likely(const void *text, size_t n);
enum err evidence_read(struct evidence *e, const char *text, size_t n, struct report *report);

/* Do both stem from one node, with one place in one audience, and differ?  Any version of the
 * topology will do that has the sign keys: they never change their numbers.  h is the header of
 * the first, ids those of both.  Otherwise the report says what is wrong. */
enum err evidence_check(const struct evidence *e, const struct topology *t, struct header *h,
			struct message_id ids[2], struct report *report);

#endif
