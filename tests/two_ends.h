/* Two ends of a link that reconcile, in memory: frames are handed over at once, what is pushed is
 * counted by position. */
#ifndef TESTS_TWO_ENDS_H
#define TESTS_TWO_ENDS_H

#include "protocol/reconcile.h"
#include "tests/tap.h"
#include "tests/trie_pool.h"

enum {
	FRAME_HEAD = 5,
	/* What one claim may cost beyond the budgets. */
	STEP_READS_MAX = RECONCILE_READS_MAX + WANT_READS_MAX + 500,
	STEP_PUSHES_MAX = RECONCILE_PUSHES_MAX + LIST_MAX,
};

struct end {
	struct trie_store store;
	struct reconcile *run;
	struct reconcile_link link;
	uint32_t *pushed; /* owned; how often each position was */
	size_t positions;
	const uint64_t *reads;                    /* of its store, so far */
	uint64_t pushes, reads_most, pushes_most; /* the latter two of one step */
	uint64_t step_pushes;
	bool (*foreign)(const struct audience_id *audience); /* NULL: carries all */
	enum err e;                                          /* of what it received last */
};

struct two_ends {
	struct end asking, answering;
	uint64_t bytes, frames, steps;
	/* May change a frame on its way; NULL: nobody does. */
	void (*meddle)(void *arg, struct end *from, uint8_t *payload, size_t *n);
	void *meddler;
};

static inline void end_push(void *arg, uint64_t lsn)
{
	struct end *e = arg;
	need(lsn > 0 && lsn <= e->positions);
	e->pushed[lsn - 1]++;
	e->pushes++;
	e->step_pushes++;
}

static inline bool end_carries(void *arg, const struct audience_id *audience, uint64_t lsn)
{
	const struct end *e = arg;
	need(lsn > 0 && lsn <= e->positions);
	return !e->foreign || !e->foreign(audience);
}

static inline void end_init(struct end *e, enum reconcile_part part, const struct trie_store *store,
			    size_t positions, uint32_t floor)
{
	uint8_t own = part == RECONCILE_ASKING ? 0xaa : 0xbb;
	*e = (struct end){.store = *store, .positions = positions};
	e->run = reconcile_new(part);
	e->pushed = calloc(positions + 1, sizeof *e->pushed);
	need(e->run && e->pushed);
	e->link = (struct reconcile_link){.floor = floor, .carries = end_carries, .push = end_push};
	memset(e->link.own_nonce, own, NONCE_BYTES);
	memset(e->link.peer_nonce, own ^ 0x11, NONCE_BYTES);
}

static inline void end_clear(struct end *e)
{
	reconcile_free(e->run);
	free(e->pushed);
}

/* One step; the frame, when there is one, goes to the other end.  Returns the turn. */
static inline enum reconcile_turn end_step(struct two_ends *t, struct end *e, struct end *other)
{
	struct reconcile_frame frame;
	enum reconcile_turn turn;
	uint64_t reads;
	e->link.store = &e->store;
	e->link.arg = e;
	e->step_pushes = 0;
	reads = e->reads ? *e->reads : 0;
	need(reconcile_step(e->run, &e->link, &turn, &frame) == ERR_OK);
	t->steps++;
	if (e->reads && *e->reads - reads > e->reads_most)
		e->reads_most = *e->reads - reads;
	if (e->step_pushes > e->pushes_most)
		e->pushes_most = e->step_pushes;
	if (turn == RECONCILE_FRAME) {
		uint8_t *copy = malloc(frame.length + 1);
		need(copy && frame.length <= RECONCILE_PAYLOAD_MAX);
		if (frame.length)
			memcpy(copy, frame.payload, frame.length);
		if (t->meddle)
			t->meddle(t->meddler, e, copy, &frame.length);
		other->e = reconcile_receive(other->run, frame.type, copy, frame.length);
		free(copy);
		t->bytes += FRAME_HEAD + frame.length;
		t->frames++;
	}
	return turn;
}

/* From BEGIN to the end; false when it does not end or an end finds fault with the other. */
static inline bool two_ends_run(struct two_ends *t)
{
	enum reconcile_turn turn = RECONCILE_MORE;
	t->bytes = t->frames = t->steps = 0;
	t->asking.e = t->answering.e = ERR_OK;
	t->asking.link.store = &t->asking.store;
	need(reconcile_begin(t->asking.run, &t->asking.link) == ERR_OK);
	while (turn != RECONCILE_DONE) {
		if (t->steps > 1000000 || t->asking.e || t->answering.e)
			return false;
		turn = end_step(t, &t->asking, &t->answering);
		if (turn == RECONCILE_WAIT) {
			while (!t->asking.e && !t->answering.e && t->steps <= 1000000 &&
			       end_step(t, &t->answering, &t->asking) != RECONCILE_WAIT)
				;
		}
	}
	return true;
}

enum { A = 1, B = 2 };

/* A pool, who holds which of it, and the tries of both. */
struct scene {
	struct pool pool;
	uint8_t *holds; /* A and B */
	struct memory_trie a, b;
	struct two_ends ends;
};

static inline void scene_fold(struct scene *s, uint64_t *seed)
{
	size_t count = s->pool.count;
	struct trie_change *c = malloc((2 * count + 1) * sizeof *c);

	need(c);
	for (int who = A; who <= B; who++) {
		struct memory_trie *m = who == A ? &s->a : &s->b;
		struct trie_store store = memory_trie_store(m);
		size_t n = 0, batch = 1 + draw(seed) % (2 * count);
		memory_trie_init(m);
		/* In another order at each end, some of it first there and then gone. */
		for (size_t i = 0, k; i < 2 * count; i++) {
			k = who == A ? i % count : count - 1 - i % count;
			if (i < count && draw(seed) % 4)
				continue;
			c[n++] = (struct trie_change){s->pool.keys[k],
						      i >= count && !(s->holds[k] & who), k + 1, 0};
			if (n == batch) {
				need(trie_fold(&store, c, n) == ERR_OK);
				n = 0;
			}
		}
		need(trie_fold(&store, c, n) == ERR_OK);
	}
	free(c);
}

static inline void scene_ends(struct scene *s, uint32_t floor_a, uint32_t floor_b)
{
	struct trie_store a = memory_trie_store(&s->a), b = memory_trie_store(&s->b);

	s->ends = (struct two_ends){0};
	end_init(&s->ends.asking, RECONCILE_ASKING, &a, s->pool.count, floor_a);
	end_init(&s->ends.answering, RECONCILE_ANSWERING, &b, s->pool.count, floor_b);
	s->ends.asking.reads = &s->a.reads;
	s->ends.answering.reads = &s->b.reads;
}

static inline void scene_init(struct scene *s, uint64_t seed, size_t count, uint64_t audiences,
			      uint32_t hours)
{
	pool_make(&s->pool, seed, count, audiences, hours);
	s->holds = malloc(count + 1);
	need(s->holds);
	memset(s->holds, A | B, count);
}

static inline void scene_ends_clear(struct scene *s)
{
	end_clear(&s->ends.asking);
	end_clear(&s->ends.answering);
}

static inline void scene_clear(struct scene *s)
{
	scene_ends_clear(s);
	memory_trie_clear(&s->a);
	memory_trie_clear(&s->b);
	pool_clear(&s->pool);
	free(s->holds);
}

/* Each end pushed exactly what it has, is in view, and the other lacks. */
static inline bool exact(const struct scene *s, uint32_t floor,
			 bool (*foreign)(const struct audience_id *))
{
	for (size_t i = 0; i < s->pool.count; i++) {
		uint32_t expiry = trie_key_expiry(&s->pool.keys[i]);
		struct audience_id id = trie_key_audience(&s->pool.keys[i]);
		bool in = expiry >= floor && expiry <= floor + EXPIRY_SPAN_HOURS &&
			  !(foreign && foreign(&id));
		if (s->ends.asking.pushed[i] != (in && s->holds[i] == A) ||
		    s->ends.answering.pushed[i] != (in && s->holds[i] == B)) {
			printf("# %zu: held by %d, pushed %u and %u\n", i, s->holds[i],
			       s->ends.asking.pushed[i], s->ends.answering.pushed[i]);
			return false;
		}
	}
	return true;
}

static inline void holds_at_random(struct scene *s, uint64_t *seed)
{
	uint64_t of_a = 1 + draw(seed) % 1000, of_b = 1 + draw(seed) % 1000;

	for (size_t i = 0; i < s->pool.count; i++) {
		uint64_t x = draw(seed) % 3000;
		s->holds[i] = x < of_a ? A : x < of_a + of_b ? B : A | B;
	}
}

#endif
