#include "protocol/claim.h"

#include "tests/claims_again.h"
#include "tests/tap.h"
#include "tests/trie_pool.h"

enum { SIZE = 4096 };

static struct trie_place place_at(uint8_t audience, unsigned depth, uint8_t fill)
{
	struct trie_key key;

	memset(key.b, fill, sizeof key.b);
	memset(key.b, audience, AUDIENCE_ID_BYTES);
	return trie_above(&key, depth);
}

/* One of each kind that may stand beside others, at the depths where encodings differ. */
static size_t sample(uint8_t out[SIZE])
{
	struct claim_writer w;
	struct trie_place p;
	struct audience_id from, to;
	uint64_t ids[LIST_MAX];
	struct claim_entry children[] = {{3, 0x0102030405060708}, {4, 9}, {0xffffff, 10}};
	struct claim_entry nibbles[] = {{0, 1}, {7, 2}, {15, 3}};

	claim_writer_init(&w, out, SIZE);
	p = place_at(1, 0, 0);
	claim_write_children(&w, &p, children, 3);
	p = place_at(2, 1, 0x11);
	claim_write_children(&w, &p, nibbles, 3);
	p = place_at(2, 2, 0x22);
	ids[0] = 77;
	ids[1] = 5;
	claim_write_ids(&w, CLAIM_WANT, &p, ids, 2);
	p = place_at(2, 3, 0x33);
	claim_write_ids(&w, CLAIM_LIST, &p, NULL, 0);
	p = place_at(2, 4, 0x44);
	claim_write_sum(&w, &p, ids, 2);
	p = place_at(2, 5, 0x55);
	claim_write_one(&w, &p, UINT64_MAX);
	p = place_at(3, TRIE_DEPTH_MAX, 0x66);
	for (size_t i = 0; i < LIST_MAX; i++)
		ids[i] = (LIST_MAX - i) * 0x0101010101;
	claim_write_ids(&w, CLAIM_LIST, &p, ids, LIST_MAX);
	memset(from.b, 4, sizeof from.b);
	memset(to.b, 6, sizeof to.b);
	claim_open_audiences(&w, &from);
	claim_add_audience(&w, &from, 1);
	claim_add_audience(&w, &to, 2);
	claim_close_audiences(&w, &to);
	need(!w.w.bad);
	return w.w.used;
}

static void every_kind_comes_back_as_it_was(void)
{
	static const enum claim_kind kinds[] = {CLAIM_CHILDREN, CLAIM_CHILDREN, CLAIM_WANT,
						CLAIM_LIST,     CLAIM_SUM,      CLAIM_ONE,
						CLAIM_LIST,     CLAIM_AUDIENCES};
	uint8_t bytes[SIZE], scratch[SIZE];
	size_t n = sample(bytes), i = 0;
	struct claims claims;
	struct claim_entry children[ROOT_CHILDREN_MAX];
	struct claim c;
	bool well, right = true;

	ok(claims_again(bytes, n, scratch, &well) && well, "written as they were read");
	claims_init(&claims, bytes, n);
	while (claims_next(&claims, &c)) {
		right &= i < 8 && c.kind == kinds[i];
		if (i == 0)
			right &= claim_children(&c, children) == 3 &&
				 children[2].number == 0xffffff &&
				 children[0].fingerprint == 0x0102030405060708;
		if (i == 1)
			right &= claim_children(&c, children) == 3 && children[1].number == 7 &&
				 children[1].fingerprint == 2 && children[2].fingerprint == 3;
		if (i == 2)
			right &= claim_number(&c, 0) == 5 && claim_number(&c, 1) == 77;
		if (i == 4)
			right &= c.count == 2 && c.sum == 82;
		i++;
	}
	ok(right && i == 8 && !claims.bad, "with the values that went in");
}

static void buckets_and_floor_come_back_as_they_were(void)
{
	uint8_t bytes[SIZE], scratch[SIZE];
	uint64_t fingerprints[BUCKETS];
	struct claim_writer w;
	bool well;

	for (size_t i = 0; i < BUCKETS; i++)
		fingerprints[i] = i * 0x0123456789ab;
	claim_writer_init(&w, bytes, sizeof bytes);
	claim_write_buckets(&w, fingerprints);
	is_int(w.w.used, 1 + 2048, "256 fingerprints");
	ok(claims_again(bytes, w.w.used, scratch, &well) && well, "buckets");
	claim_writer_init(&w, bytes, sizeof bytes);
	claim_write_floor(&w, 480123);
	ok(w.w.used == 5 && claims_again(bytes, w.w.used, scratch, &well) && well, "floor");
	claim_write_floor(&w, 480124);
	ok(claims_again(bytes, w.w.used, scratch, &well) && !well, "a floor stands alone");
}

static void truncated_at_every_byte(void)
{
	uint8_t bytes[SIZE], scratch[SIZE];
	size_t n = sample(bytes), whole = 0;
	bool well, right = true;

	for (size_t i = 0; i < n; i++) {
		uint8_t *exactly = malloc(i ? i : 1);
		need(exactly);
		memcpy(exactly, bytes, i);
		right &= claims_again(exactly, i, scratch, &well);
		whole += well;
		free(exactly);
	}
	ok(right, "never read otherwise");
	is_int(whole, 8, "well-formed only between claims");
}

static void every_bit_flipped_is_refused_or_another_claim(void)
{
	uint8_t bytes[SIZE], scratch[SIZE];
	size_t n = sample(bytes);
	bool well, right = true;

	for (size_t i = 0; i < 8 * n; i++) {
		bytes[i / 8] ^= (uint8_t)(1U << i % 8);
		right &= claims_again(bytes, n, scratch, &well);
		bytes[i / 8] ^= (uint8_t)(1U << i % 8);
	}
	ok(right, "one encoding for each");
}

struct refusal {
	const char *why, *hex;
};

/* SPEC 7.7.4 sentence by sentence. */
#define AUDIENCE \
	"01" \
	"02020202020202020202020202020202"
#define TWO "02020202020202020202020202020202"
#define FP "1111111111111111"
static const struct refusal refusals[] = {
	{"kind 0", "00"},
	{"kind 10", "0a"},
	{"a place without an audience", "020000"},
	{"an audience with nothing behind", AUDIENCE},
	{"an audience twice", AUDIENCE AUDIENCE "020000"},
	{"the same audience again", AUDIENCE "02010000000002"
					     "01" TWO "02010000010002"},
	{"an audience before A", AUDIENCE "07" TWO TWO "0000"},
	{"depth 68", AUDIENCE "0244"},
	{"bits behind a prefix", AUDIENCE "02020000000100"},
	{"65 listed", AUDIENCE "020041"},
	{"a list out of order", AUDIENCE "020002"
					 "0000000000000002"
					 "0000000000000001"},
	{"an id listed twice", AUDIENCE "020002"
					"0000000000000002"
					"0000000000000002"},
	{"nothing wanted", AUDIENCE "060000"},
	{"a sum of none", AUDIENCE "040000" FP},
	{"a sum of 65", AUDIENCE "040041" FP},
	{"no children at the root", AUDIENCE "030000"},
	{"40 children at the root", AUDIENCE "030028"},
	{"children out of order", AUDIENCE "030002"
					   "000002" FP "000001" FP},
	{"a child twice", AUDIENCE "030002"
				   "000002" FP "000002" FP},
	{"an empty mask", AUDIENCE "0301000000"
				   "0000"},
	{"a mask over too few", AUDIENCE "0301000000"
					 "0003" FP},
	{"audiences the wrong way round", "07" TWO "01010101010101010101010101010101"
					  "0000"},
	{"an audience outside", "07" TWO TWO "0001"
				"03030303030303030303030303030303" FP},
	{"a place again", AUDIENCE "02010000000002010000000000"},
	{"a place in one before", AUDIENCE "020100000000"
					   "02020000001000"},
	{"a place around one before", AUDIENCE "02020000001000"
					       "020100000000"},
	{"places out of order", AUDIENCE "020100000200"
					 "020100000100"},
	{"audiences around one before", AUDIENCE "020000"
						 "07" TWO TWO "0000"},
	{"too few buckets", "08" FP},
};
#undef AUDIENCE
#undef TWO
#undef FP

static void malformed_claims_are_refused(void)
{
	for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++) {
		uint8_t bytes[600] = {0}, scratch[600];
		size_t n = strlen(refusals[i].hex) / 2;
		bool well;
		need(hex_decode(bytes, n, refusals[i].hex));
		/* What lacks is not the reason. */
		if (strstr(refusals[i].why, "65 listed") ||
		    strstr(refusals[i].why, "40 children")) {
			for (size_t k = 0; k < 65; k++)
				bytes[n + 8 * k + 7] = (uint8_t)k;
			n += (size_t)8 * 65;
		}
		ok(claims_again(bytes, n, scratch, &well) && !well, "%s", refusals[i].why);
	}
}

static void children_at_depth_67_are_refused(void)
{
	uint8_t bytes[SIZE], scratch[SIZE];
	struct trie_place p = place_at(1, TRIE_DEPTH_MAX, 7);
	struct claim_entry child = {3, 4};
	struct claim_writer w;
	bool well;

	claim_writer_init(&w, bytes, sizeof bytes);
	claim_write_children(&w, &p, &child, 1);
	ok(claims_again(bytes, w.w.used, scratch, &well) && !well, "a key has no children");
	p = place_at(1, TRIE_DEPTH_MAX - 1, 7);
	claim_writer_init(&w, bytes, sizeof bytes);
	claim_write_children(&w, &p, &child, 1);
	ok(claims_again(bytes, w.w.used, scratch, &well) && well, "what is above one has");
}

int main(void)
{
	RUN(every_kind_comes_back_as_it_was);
	RUN(buckets_and_floor_come_back_as_they_were);
	RUN(truncated_at_every_byte);
	RUN(every_bit_flipped_is_refused_or_another_claim);
	RUN(malformed_claims_are_refused);
	RUN(children_at_depth_67_are_refused);
	return tap_done();
}
