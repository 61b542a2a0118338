/* What two holders of a role have of what is sealed to it, audience by audience: the fields of
 * COUNT and COUNTS.  SPEC.md 7.8.
 *
 * Bytes only; who asks whom, and what the numbers come from, is exchange_count.c's. */
#ifndef PROTOCOL_COUNT_H
#define PROTOCOL_COUNT_H

#include "protocol/topology.h"
#include "protocol/view.h"

enum { COUNTS_MAX = 1000 }; /* audiences in one answer */

struct count_ask {
	struct party_id role;
	uint32_t floor; /* hours */
	struct audience_id from;
};

struct count_line {
	struct audience_id audience;
	uint64_t messages;
	uint8_t fingerprint[TOTAL_FINGERPRINT_BYTES];
};

struct counts {
	struct count_ask of;     /* floor 0: the end does not answer for that role */
	struct audience_id next; /* zeros: there is no more */
	size_t key_count;
	uint16_t keys[KEYS_MAX]; /* numbers of the role's seal keys that are held; ascending */
	size_t line_count;
	struct count_line lines[COUNTS_MAX]; /* ascending, from of.from on and before next */
};

enum {
	COUNT_BYTES = PARTY_ID_BYTES + 4 + AUDIENCE_ID_BYTES,
	COUNT_LINE_BYTES = AUDIENCE_ID_BYTES + 8 + TOTAL_FINGERPRINT_BYTES,
};

void count_ask_encode(const struct count_ask *a, uint8_t out[COUNT_BYTES]);
enum err count_ask_decode(struct count_ask *a, const uint8_t *in, size_t n);
/* Returns the length; out has room for RECONCILE_BYTES_MAX. */
size_t counts_encode(const struct counts *c, uint8_t *out);
enum err counts_decode(struct counts *c, const uint8_t *in, size_t n);

#endif
