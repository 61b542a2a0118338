#include "protocol/trie.h"

#include "protocol/bytes.h"
#include "tests/tap.h"
#include "tests/trie_memory.h"
#include "tests/trie_pool.h"

static bool sound(struct memory_trie *m)
{
	struct trie_store s = memory_trie_store(m);
	struct trie_place flaw;

	return trie_check(&s, &flaw) == ERR_OK;
}

static bool equal(struct memory_trie *a, struct memory_trie *b)
{
	return memory_equal(a, b, TRIE_RANGE) && memory_equal(a, b, TRIE_NODES);
}

static void expansion_is_the_one_of_the_specification(void)
{
	/* Computed with Python's hashlib: blake2b(id, digest_size=64, person=...). */
	static const char want[] =
		"000000000000000176d7b06e64031fece24a724ccec25fa694e4d251695d409e51cb"
		"535c7727d65622fb4936e55291458fb1d3bb9499a0a86937ab4c61481882720ae1c4"
		"3014fbb781aefed7c101cc9f096479298a7e8b87bb8257d59a8766abec5a86b854cf"
		"c36bab76f826c77131c38bc0e2289d1d73441bd447b2db8150851c5543b46610b7ea";
	struct aggregate a;
	struct message_id id;
	uint8_t bytes[AGGREGATE_BYTES];
	char hex[2 * AGGREGATE_BYTES + 1];

	for (size_t i = 0; i < sizeof id.b; i++)
		id.b[i] = (uint8_t)i;
	aggregate_of_id(&a, &id);
	aggregate_encode(&a, bytes);
	is_str(hex_encode(hex, bytes, sizeof bytes), want, "count 1, then both halves");
	ok(memcmp(bytes + 8, bytes + 8 + 64, 64) != 0, "the halves differ");
}

static void sums_carry_through_all_limbs_and_wrap(void)
{
	struct aggregate a = {.count = 1}, one = {.count = 1, .sum = {1}}, zero = {0};
	uint8_t bytes[AGGREGATE_BYTES];

	memset(a.sum, 0xff, sizeof a.sum);
	aggregate_add(&a, &one);
	is_int(a.count, 2, "counted");
	ok(bytes_zero(a.sum, sizeof a.sum), "2^1024 - 1 and 1 is 0");
	aggregate_subtract(&a, &one);
	for (size_t i = 0; i < SUM_LIMBS; i++)
		zero.sum[i] = UINT64_MAX;
	ok(memcmp(a.sum, zero.sum, sizeof a.sum) == 0, "and back");
	a = (struct aggregate){.count = 5, .sum = {1, 2}};
	aggregate_encode(&a, bytes);
	ok(bytes[7] == 5 && bytes[AGGREGATE_BYTES - 1] == 1 && bytes[AGGREGATE_BYTES - 9] == 2,
	   "big-endian");
	aggregate_decode(&one, bytes);
	ok(memcmp(&a, &one, sizeof a) == 0, "decoded as it was");
}

static void places_are_bits_of_expiry_and_id(void)
{
	struct audience_id audience = {{1}};
	struct message_id id;
	struct trie_key key, last;
	struct trie_place place, child;
	uint8_t node[TRIE_NODE_KEY_MAX];
	bool all = true;

	memset(id.b, 0xab, sizeof id.b);
	key = trie_key_make(&audience, 0x12345678, &id);
	place = trie_root(&audience);
	for (unsigned depth = 1; depth <= TRIE_DEPTH_MAX; depth++) {
		child = trie_child(&place, trie_child_number(&place, &key));
		place = trie_above(&key, depth);
		last = trie_last(&place);
		all &= memcmp(&child.first, &place.first, sizeof child.first) == 0 &&
		       child.depth == place.depth && trie_covers(&place, &key) &&
		       trie_covers(&place, &last) && trie_key_compare(&place.first, &key) <= 0 &&
		       trie_key_compare(&key, &last) <= 0;
	}
	ok(all, "the child of a place is the place below it, at every depth");
	ok(trie_key_compare(&place.first, &key) == 0, "at depth 67 a place is a key");
	place = trie_above(&key, 2);
	is_int(trie_node_key(&place, node), 16 + 1 + 4, "28 bits are four bytes");
	ok(memcmp(node + 16, "\x02\x12\x34\x56\x70", 5) == 0, "depth, then the prefix, then zeros");
	place = trie_above(&key, 1);
	ok(trie_node_key(&place, node) == 20 && memcmp(node + 16, "\x01\x12\x34\x56", 4) == 0,
	   "the first step is 24 bits");
	ok(!trie_prefix_valid(2, (const uint8_t *)"\x12\x34\x56\x71") &&
		   trie_prefix_valid(2, (const uint8_t *)"\x12\x34\x56\x70"),
	   "bits behind the prefix are zero");
}

/* An attacker who signs somebody else's audience into the header changes nothing of that one. */
static void audience_of_a_key_is_computed(void)
{
	static struct header h;
	struct message_id id = {{9}};
	struct audience_id all = audience_all(), got;
	struct trie_key key;

	memset(h.audience.b, 0x77, sizeof h.audience.b);
	h.expiry = 5;
	key = trie_key_of(&h, &id);
	got = trie_key_audience(&key);
	ok(memcmp(got.b, all.b, sizeof got.b) == 0 && trie_key_expiry(&key) == 5,
	   "not sealed: everyone, whatever the header says");
	h.flags = FLAG_SEALED;
	h.recipient_count = 1;
	h.recipients[0].party.b[0] = 3;
	key = trie_key_of(&h, &id);
	got = trie_key_audience(&key);
	all = audience_of(&h.origin, &(struct party_id){{3}}, 1, false);
	ok(memcmp(got.b, all.b, sizeof got.b) == 0, "sealed: that of its recipients");
}

static void children_exist_exactly_above_the_split(void)
{
	struct memory_trie m;
	struct pool pool;

	memory_trie_init(&m);
	pool_make(&pool, 1, TRIE_SPLIT + 1, 1, 500);
	pool_fold(&m, &pool, 0, TRIE_SPLIT, false);
	is_int(m.tables[TRIE_NODES].rows, 1, "64 have one node");
	pool_fold(&m, &pool, TRIE_SPLIT, 1, false);
	ok(m.tables[TRIE_NODES].rows > 2, "65 have children");
	ok(sound(&m), "and they are right");
	pool_fold(&m, &pool, 3, 1, true);
	is_int(m.tables[TRIE_NODES].rows, 1, "64 again have one");
	ok(sound(&m), "which is right");
	pool_fold(&m, &pool, 0, pool.count, true);
	is_int(m.tables[TRIE_NODES].rows + m.tables[TRIE_RANGE].rows, 0, "nothing is left");
	pool_clear(&pool);
	memory_trie_clear(&m);
}

static void repeated_changes_count_once(void)
{
	struct memory_trie m, once;
	struct trie_store s = memory_trie_store(&m);
	struct trie_change c[6];
	struct pool pool;

	memory_trie_init(&m);
	memory_trie_init(&once);
	pool_make(&pool, 2, 200, 2, 400);
	pool_fold(&once, &pool, 0, 200, false);
	pool_fold(&m, &pool, 0, 200, false);
	pool_fold(&m, &pool, 50, 100, false);
	ok(equal(&m, &once), "what is there is not inserted again");
	for (size_t i = 0; i < 6; i++)
		c[i] = (struct trie_change){pool.keys[7], i % 2 == 0, 8, 0};
	need(trie_fold(&s, c, 6) == ERR_OK);
	ok(equal(&m, &once), "removed and inserted three times in a batch");
	c[0] = (struct trie_change){pool.keys[7], true, 0, 0};
	c[1] = c[0];
	need(trie_fold(&s, c, 2) == ERR_OK);
	is_int(m.tables[TRIE_RANGE].rows, 199, "removed twice is removed once");
	ok(sound(&m), "and the nodes agree");
	pool_clear(&pool);
	memory_trie_clear(&m);
	memory_trie_clear(&once);
}

/* A random history that ends with exactly those keys. */
static void wander(struct memory_trie *m, const struct pool *pool, uint64_t *seed)
{
	struct trie_store s = memory_trie_store(m);
	struct trie_change *batch = malloc((pool->count + 1) * sizeof *batch);
	bool *wanted = calloc(pool->count, sizeof *wanted);
	size_t rounds = 2 + draw(seed) % 6;

	need(batch && wanted);
	for (size_t r = 0; r < rounds; r++) {
		size_t n = 1 + draw(seed) % pool->count;
		for (size_t i = 0; i < n; i++) {
			size_t k = draw(seed) % pool->count;
			wanted[k] = draw(seed) % 3 != 0;
			batch[i] = (struct trie_change){pool->keys[k], !wanted[k], k + 1, 0};
		}
		need(trie_fold(&s, batch, n) == ERR_OK);
	}
	for (size_t i = 0, n = 0; i < pool->count; i++) {
		if (!wanted[i])
			batch[n++] = (struct trie_change){pool->keys[i], false, i + 1, 0};
		if (n == 500 || (n && i + 1 == pool->count)) {
			need(trie_fold(&s, batch, n) == ERR_OK);
			n = 0;
		}
	}
	/* The last of them may have been wanted already. */
	for (size_t i = 0; i < pool->count; i++)
		batch[i] = (struct trie_change){pool->keys[i], false, i + 1, 0};
	need(trie_fold(&s, batch, pool->count) == ERR_OK);
	free(batch);
	free(wanted);
}

static void shape_does_not_depend_on_history(void)
{
	uint64_t seed = 77;
	bool all = true;

	for (unsigned round = 0; round < 30; round++) {
		struct memory_trie a, b, built;
		struct trie_store s = memory_trie_store(&built);
		struct pool pool;
		memory_trie_init(&a);
		memory_trie_init(&b);
		memory_trie_init(&built);
		pool_make(&pool, round, 1 + draw(&seed) % 4000, 1 + draw(&seed) % 300,
			  round % 2 ? 3 : 6000);
		wander(&a, &pool, &seed);
		pool_fold(&b, &pool, 0, pool.count, false);
		for (size_t i = 0; i < pool.count; i++) {
			uint8_t lsn[TRIE_LSN_BYTES];
			put_u64(lsn, i + 1);
			need(s.put(s.self, TRIE_RANGE, pool.keys[i].b, TRIE_KEY_BYTES, lsn,
				   sizeof lsn) == ERR_OK);
		}
		need(trie_build(&s) == ERR_OK);
		all &= equal(&a, &b) && equal(&a, &built) && sound(&a);
		pool_clear(&pool);
		memory_trie_clear(&a);
		memory_trie_clear(&b);
		memory_trie_clear(&built);
	}
	ok(all, "30 sets: wandered, folded at once and built are byte-equal");
}

static void purge_takes_what_expires_below_the_floor(void)
{
	struct memory_trie m, kept;
	struct trie_store s = memory_trie_store(&m);
	struct trie_change batch[100];
	struct audience_id at = {{0}};
	struct pool pool;
	size_t n, purged = 0, below = 0;
	uint32_t floor = POOL_HOUR + 500;

	memory_trie_init(&m);
	memory_trie_init(&kept);
	pool_make(&pool, 5, 5000, 40, 1000);
	pool_fold(&m, &pool, 0, pool.count, false);
	for (size_t i = 0; i < pool.count; i++) {
		if (trie_key_expiry(&pool.keys[i]) >= floor)
			pool_fold(&kept, &pool, i, 1, false);
		else
			below++;
	}
	do {
		need(trie_expired(&s, floor, &at, batch, 100, &n) == ERR_OK);
		purged += n;
		need(trie_fold(&s, batch, n) == ERR_OK);
	} while (n);
	is_int(purged, below, "each once");
	ok(below > 1000 && equal(&m, &kept), "what remains is byte-equal to a set without them");
	pool_clear(&pool);
	memory_trie_clear(&m);
	memory_trie_clear(&kept);
}

static void check_names_what_is_wrong(void)
{
	struct memory_trie m;
	struct trie_store s = memory_trie_store(&m);
	struct trie_place flaw, place;
	struct aggregate a;
	struct pool pool;
	uint8_t key[TRIE_NODE_KEY_MAX], value[AGGREGATE_BYTES];
	size_t n;

	memory_trie_init(&m);
	pool_make(&pool, 9, 3000, 2, 300);
	pool_fold(&m, &pool, 0, pool.count, false);
	place = trie_above(&pool.keys[0], 1);
	need(trie_get(&s, &place, &a) == ERR_OK && a.count > 64);
	n = trie_node_key(&place, key);
	a.sum[15] ^= 1;
	aggregate_encode(&a, value);
	need(s.put(s.self, TRIE_NODES, key, n, value, sizeof value) == ERR_OK);
	is_int(trie_check(&s, &flaw), ERR_DAMAGED, "a flipped bit of a sum");
	ok(memcmp(&flaw, &place, sizeof flaw) == 0, "is named");
	need(s.remove(s.self, TRIE_NODES, key, n) == ERR_OK);
	ok(trie_check(&s, &flaw) == ERR_DAMAGED && memcmp(&flaw, &place, sizeof flaw) == 0,
	   "a missing node is named");
	a.sum[15] ^= 1;
	aggregate_encode(&a, value);
	need(s.put(s.self, TRIE_NODES, key, n, value, sizeof value) == ERR_OK);
	ok(sound(&m), "mended");
	place = trie_above(&pool.keys[0], 40);
	n = trie_node_key(&place, key);
	need(s.put(s.self, TRIE_NODES, key, n, value, sizeof value) == ERR_OK);
	ok(trie_check(&s, &flaw) == ERR_DAMAGED && memcmp(&flaw, &place, sizeof flaw) == 0,
	   "a node too many is named");
	pool_clear(&pool);
	memory_trie_clear(&m);
}

int main(void)
{
	RUN(expansion_is_the_one_of_the_specification);
	RUN(sums_carry_through_all_limbs_and_wrap);
	RUN(places_are_bits_of_expiry_and_id);
	RUN(audience_of_a_key_is_computed);
	RUN(children_exist_exactly_above_the_split);
	RUN(repeated_changes_count_once);
	RUN(shape_does_not_depend_on_history);
	RUN(purge_takes_what_expires_below_the_floor);
	RUN(check_names_what_is_wrong);
	return tap_done();
}
