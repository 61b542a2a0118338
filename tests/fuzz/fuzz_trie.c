/* The trie of a set over its life: each four bytes of the input put keys of a pool into it or take
 * them out, purge what has expired, or damage a node.  However it came about, it is byte for byte
 * the one that is built of what it holds; and a node that is not is named. */
#include "tests/fuzz/fuzz.h"
#include "tests/trie_pool.h"

enum { KEYS = 700, AUDIENCES = 3, HOURS = 300, DEEDS_MAX = 40, PURGED_MAX = 64 };
enum deed { PUT, TAKE, PUT_OR_TAKE, PURGE, DEEDS };

static struct pool pool;
static bool holds[KEYS];

static bool same(struct memory_trie *a, struct memory_trie *b)
{
	return memory_equal(a, b, TRIE_RANGE) && memory_equal(a, b, TRIE_NODES);
}

static void change(struct memory_trie *m, enum deed deed, size_t from, size_t n)
{
	static struct trie_change batch[KEYS];
	struct trie_store s = memory_trie_store(m);
	size_t step = deed == PUT_OR_TAKE ? 7 : 1;

	n = n < KEYS ? n : KEYS;
	for (size_t i = 0; i < n; i++) {
		size_t k = (from + i * step) % KEYS;
		bool take = deed == TAKE || (deed == PUT_OR_TAKE && i % 3 == 0);
		batch[i] = (struct trie_change){pool.keys[k], take, k + 1, 0};
		holds[k] = !take;
	}
	must(trie_fold(&s, batch, n) == ERR_OK);
}

static void purge(struct memory_trie *m, uint32_t floor)
{
	static struct trie_change batch[PURGED_MAX];
	struct trie_store s = memory_trie_store(m);
	struct audience_id at = {{0}};
	size_t n = 1;

	while (n > 0) {
		must(trie_expired(&s, floor, &at, batch, PURGED_MAX, &n) == ERR_OK);
		must(trie_fold(&s, batch, n) == ERR_OK);
	}
	for (size_t k = 0; k < KEYS; k++)
		holds[k] = holds[k] && trie_key_expiry(&pool.keys[k]) >= floor;
}

static void build(struct memory_trie *m)
{
	struct trie_store s = memory_trie_store(m);

	memory_trie_init(m);
	for (size_t k = 0; k < KEYS; k++) {
		uint8_t lsn[TRIE_LSN_BYTES];
		put_u64(lsn, k + 1);
		if (holds[k])
			must(s.put(s.self, TRIE_RANGE, pool.keys[k].b, TRIE_KEY_BYTES, lsn,
				   sizeof lsn) == ERR_OK);
	}
	must(trie_build(&s) == ERR_OK);
}

/* Another number in the node nearest to a key, or none there. */
static void damage(struct memory_trie *m, const struct trie_key *nearest, unsigned how)
{
	struct trie_store s = memory_trie_store(m);
	uint8_t key[TRIE_NODE_KEY_MAX], value[AGGREGATE_BYTES];
	struct trie_place place, flaw;
	struct trie_entry entry;
	struct aggregate a;
	size_t n = 0;

	for (unsigned depth = TRIE_DEPTH_MAX; n == 0 && depth > 0; depth--) {
		place = trie_above(nearest, depth);
		n = trie_node_key(&place, key);
		if (s.seek(s.self, TRIE_NODES, key, n, &entry) != ERR_OK || entry.key_length != n ||
		    memcmp(entry.key, key, n) != 0)
			n = 0;
	}
	if (n == 0)
		return;
	aggregate_decode(&a, entry.value);
	a.sum[how % SUM_LIMBS] ^= UINT64_C(1) << how % 64;
	a.count += how >> 7;
	aggregate_encode(&a, value);
	must((how & 32 ? s.remove(s.self, TRIE_NODES, key, n)
		       : s.put(s.self, TRIE_NODES, key, n, value, sizeof value)) == ERR_OK);
	must(trie_check(&s, &flaw) == ERR_DAMAGED);
	must(memcmp(&flaw, &place, sizeof flaw) == 0);
}

unsigned fuzz_cost(void)
{
	return 60;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct memory_trie m, built;
	struct trie_store s = memory_trie_store(&m);
	struct trie_place flaw;
	struct reader r;
	uint16_t nearest;

	if (!pool.count)
		pool_make(&pool, 3, KEYS, AUDIENCES, HOURS);
	memset(holds, 0, sizeof holds);
	memory_trie_init(&m);
	reader_init(&r, data, n);
	for (int i = 0; i < DEEDS_MAX && r.left >= 4; i++) {
		enum deed deed = (enum deed)(read_u8(&r) % DEEDS);
		size_t from = (size_t)read_u8(&r) * 3;
		uint16_t count = read_u16(&r);
		if (deed == PURGE)
			purge(&m, POOL_HOUR + count % (HOURS + 2));
		else
			change(&m, deed, from, count);
	}
	build(&built);
	must(same(&m, &built));
	must(trie_check(&s, &flaw) == ERR_OK);
	nearest = read_u16(&r);
	if (r.left)
		damage(&m, &pool.keys[nearest % KEYS], read_u8(&r));
	memory_trie_clear(&m);
	memory_trie_clear(&built);
	return 0;
}
