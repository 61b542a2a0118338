#include "protocol/aggregate.h"

#include <sodium.h>

#include "protocol/bytes.h"

/* SPEC 7.7: "The expansion E of an id is one number of 1024 bits: the BLAKE2b-512 of the id with
 * the personalisation khabar-sum-0, then that with khabar-sum-1." */
static const unsigned char halves[2][crypto_generichash_blake2b_PERSONALBYTES] = {
	{"khabar-sum-0"},
	{"khabar-sum-1"},
};

static void sum_decode(uint64_t sum[SUM_LIMBS], const uint8_t in[SUM_BYTES])
{
	for (size_t i = 0; i < SUM_LIMBS; i++)
		sum[SUM_LIMBS - 1 - i] = get_u64(in + 8 * i);
}

void aggregate_of_id(struct aggregate *out, const struct message_id *id)
{
	uint8_t expansion[SUM_BYTES];

	for (size_t i = 0; i < 2; i++)
		crypto_generichash_blake2b_salt_personal(expansion + i * SUM_BYTES / 2,
							 SUM_BYTES / 2, id->b, sizeof id->b, NULL,
							 0, NULL, halves[i]);
	out->count = 1;
	sum_decode(out->sum, expansion);
}

void aggregate_add(struct aggregate *a, const struct aggregate *b)
{
	bool carry = false;

	a->count += b->count;
	for (size_t i = 0; i < SUM_LIMBS; i++) {
		uint64_t t;
		bool over = __builtin_add_overflow(a->sum[i], b->sum[i], &t);
		carry = __builtin_add_overflow(t, carry, &a->sum[i]) | over;
	}
}

void aggregate_subtract(struct aggregate *a, const struct aggregate *b)
{
	bool borrow = false;

	a->count -= b->count;
	for (size_t i = 0; i < SUM_LIMBS; i++) {
		uint64_t t;
		bool under = __builtin_sub_overflow(a->sum[i], b->sum[i], &t);
		borrow = __builtin_sub_overflow(t, borrow, &a->sum[i]) | under;
	}
}

void aggregate_encode(const struct aggregate *a, uint8_t out[AGGREGATE_BYTES])
{
	put_u64(out, a->count);
	for (size_t i = 0; i < SUM_LIMBS; i++)
		put_u64(out + 8 + 8 * i, a->sum[SUM_LIMBS - 1 - i]);
}

void aggregate_decode(struct aggregate *a, const uint8_t in[AGGREGATE_BYTES])
{
	a->count = get_u64(in);
	sum_decode(a->sum, in + 8);
}
