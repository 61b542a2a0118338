/* The aggregate of a set of messages: how many, and the sum of their ids' expansions.  SPEC.md 7.7.
 *
 * Sums do not depend on the order in which members came or went, so two nodes with the same set
 * have the same aggregate.  An id is expanded to 1024 bits because shorter sums of chosen messages
 * can be made to meet. */
#ifndef PROTOCOL_AGGREGATE_H
#define PROTOCOL_AGGREGATE_H

#include "protocol/types.h"

enum { SUM_LIMBS = 16, SUM_BYTES = 8 * SUM_LIMBS, AGGREGATE_BYTES = 8 + SUM_BYTES };

struct aggregate {
	uint64_t count;
	uint64_t sum[SUM_LIMBS]; /* modulo 2^1024, least significant first */
};

/* The aggregate of one message. */
void aggregate_of_id(struct aggregate *out, const struct message_id *id);

void aggregate_add(struct aggregate *a, const struct aggregate *b);
void aggregate_subtract(struct aggregate *a, const struct aggregate *b);

/* count 8 | sum 128, on the wire and on disk. */
void aggregate_encode(const struct aggregate *a, uint8_t out[AGGREGATE_BYTES]);
void aggregate_decode(struct aggregate *a, const uint8_t in[AGGREGATE_BYTES]);

#endif
