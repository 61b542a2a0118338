/* Pools of keys to fill tries with: seeded, with ids forced to share long prefixes. */
#ifndef TESTS_TRIE_POOL_H
#define TESTS_TRIE_POOL_H

#include "protocol/bytes.h"
#include "tests/tap.h"
#include "tests/trie_memory.h"

enum { POOL_HOUR = 480000 }; /* the first that anything expires in */

struct pool {
	struct trie_key *keys; /* owned, all different; the i-th has lsn i + 1 */
	size_t count;
};

/* splitmix64 */
static inline uint64_t draw(uint64_t *seed)
{
	uint64_t z = *seed += 0x9e3779b97f4a7c15;
	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
	z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
	return z ^ (z >> 31);
}

static inline struct audience_id pool_audience(uint64_t number)
{
	struct audience_id a = {{0}};
	uint64_t seed = number * 31 + 7;
	for (size_t i = 0; i < sizeof a.b; i += 8)
		put_u64(a.b + i, draw(&seed));
	return a;
}

static inline void pool_make(struct pool *p, uint64_t seed, size_t count, uint64_t audiences,
			     uint32_t hours)
{
	seed = seed * 1000003 + 1;
	p->keys = malloc(count * sizeof *p->keys);
	p->count = count;
	need(p->keys);
	for (size_t i = 0; i < count; i++) {
		struct audience_id a = pool_audience(draw(&seed) % audiences);
		uint32_t expiry = POOL_HOUR + (uint32_t)(draw(&seed) % hours);
		struct message_id id;
		for (size_t k = 0; k < sizeof id.b; k += 8)
			put_u64(id.b + k, draw(&seed));
		/* One in four is ground to share up to 31 bytes with all the others of its kind. */
		if (draw(&seed) % 4 == 0) {
			expiry = POOL_HOUR + 1;
			memset(id.b, 0x5a, draw(&seed) % 24);
		}
		put_u64(id.b + 24, (uint64_t)i << 32 | draw(&seed) >> 32);
		p->keys[i] = trie_key_make(&a, expiry, &id);
	}
}

static inline void pool_clear(struct pool *p)
{
	free(p->keys);
}

static inline void pool_fold(struct memory_trie *m, const struct pool *p, size_t from, size_t n,
			     bool remove)
{
	struct trie_store s = memory_trie_store(m);
	struct trie_change *c = malloc((n + 1) * sizeof *c);
	need(c);
	for (size_t i = 0; i < n; i++)
		c[i] = (struct trie_change){p->keys[from + i], remove, from + i + 1, 0};
	need(trie_fold(&s, c, n) == ERR_OK);
	free(c);
}

#endif
