/* Reads a payload of claims and writes it again: what is well-formed has one encoding. */
#ifndef TESTS_CLAIMS_AGAIN_H
#define TESTS_CLAIMS_AGAIN_H

#include <string.h>

#include "protocol/claim.h"

static inline void claim_again(struct claim_writer *w, const struct claim *c)
{
	uint64_t numbers[BUCKETS] = {0};
	struct claim_entry children[ROOT_CHILDREN_MAX];

	if (c->kind == CLAIM_LIST || c->kind == CLAIM_WANT || c->kind == CLAIM_BUCKETS) {
		for (size_t i = 0; i < c->count; i++)
			numbers[i] = claim_number(c, i);
	}
	switch (c->kind) {
	case CLAIM_LIST:
	case CLAIM_WANT:
		claim_write_ids(w, c->kind, &c->place, numbers, c->count);
		break;
	case CLAIM_CHILDREN:
		claim_write_children(w, &c->place, children, claim_children(c, children));
		break;
	case CLAIM_SUM:
		numbers[0] = c->sum;
		claim_write_sum(w, &c->place, numbers, c->count);
		break;
	case CLAIM_ONE:
		claim_write_one(w, &c->place, c->sum);
		break;
	case CLAIM_AUDIENCES:
		claim_open_audiences(w, &c->from);
		for (size_t i = 0; i < c->count; i++) {
			struct audience_id id;
			uint64_t fingerprint;
			claim_audience(c, i, &id, &fingerprint);
			claim_add_audience(w, &id, fingerprint);
		}
		claim_close_audiences(w, &c->to);
		break;
	case CLAIM_BUCKETS:
		claim_write_buckets(w, numbers);
		break;
	case CLAIM_FLOOR:
		claim_write_floor(w, c->floor);
		break;
	case CLAIM_AUDIENCE:
		break;
	}
}

/* True when the payload is malformed, or comes out as it was; *well says which. */
static inline bool claims_again(const uint8_t *payload, size_t n, uint8_t *scratch, bool *well)
{
	struct claims claims;
	struct claim_writer w;
	struct claim c;

	claims_init(&claims, payload, n);
	claim_writer_init(&w, scratch, n);
	while (claims_next(&claims, &c))
		claim_again(&w, &c);
	*well = !claims.bad;
	return claims.bad || (!w.w.bad && w.w.used == n && memcmp(scratch, payload, n) == 0);
}

#endif
