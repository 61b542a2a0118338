/* Reconciliation with an end that lies, breaks frames or follows no rule: refused or bounded. */
#include "protocol/reconcile.h"

#include "protocol/reconcile_state.h"
#include "tests/tap.h"
#include "tests/two_ends.h"

struct meddler {
	uint64_t seed;
	unsigned every;
	bool asking; /* whose frames */
};

static void flip(void *arg, struct end *from, uint8_t *payload, size_t *n)
{
	struct meddler *m = arg;
	bool asks = payload && from->link.own_nonce[0] == 0xaa;

	if (asks != m->asking || *n == 0 || draw(&m->seed) % m->every)
		return;
	if (draw(&m->seed) % 4 == 0)
		*n = draw(&m->seed) % *n;
	else
		payload[draw(&m->seed) % *n] ^= (uint8_t)(1U << draw(&m->seed) % 8);
}

static void make(struct scene *s, uint64_t seed)
{
	scene_init(s, seed, 1 + draw(&seed) % 6000, 1 + draw(&seed) % 200, 2000);
	holds_at_random(s, &seed);
	scene_fold(s, &seed);
	scene_ends(s, POOL_HOUR, POOL_HOUR);
}

static bool bounded(const struct two_ends *t)
{
	return t->asking.reads_most <= STEP_READS_MAX &&
	       t->answering.reads_most <= STEP_READS_MAX &&
	       t->asking.pushes_most <= STEP_PUSHES_MAX &&
	       t->answering.pushes_most <= STEP_PUSHES_MAX;
}

static void flipped_and_cut_frames_are_refused_or_harmless(void)
{
	unsigned ended = 0, refused = 0, good = 0;

	for (unsigned round = 0; round < 200; round++) {
		struct meddler m = {round, 1 + round % 3, round % 2};
		struct scene s;
		bool through;
		make(&s, 2000 + round);
		s.ends.meddle = flip;
		s.ends.meddler = &m;
		through = two_ends_run(&s.ends);
		ended += through;
		refused += s.ends.asking.e || s.ends.answering.e;
		good += bounded(&s.ends) && s.ends.steps < 100000;
		scene_clear(&s);
	}
	is_int(good, 200, "each of 200 runs stays within its bounds");
	is_int(ended + refused, 200, "and ends, or its end is found out");
	ok(refused > 20 && ended > 20, "%u found out, %u ended", refused, ended);
}

/* Frames of random claims, well-formed: the worst that a liar can say. */
static size_t lie(uint64_t *seed, const struct pool *pool, uint8_t *out)
{
	struct claim_writer w;
	struct trie_key at;
	size_t claims = 1 + draw(seed) % 40;

	memset(&at, 0, sizeof at);
	claim_writer_init(&w, out, RECONCILE_PAYLOAD_MAX);
	for (size_t i = 0; i < claims && w.w.used + CLAIM_MAX_BYTES < RECONCILE_PAYLOAD_MAX; i++) {
		const struct trie_key *key = &pool->keys[draw(seed) % pool->count];
		struct trie_place place = trie_above(key, (unsigned)(draw(seed) % 8));
		struct claim_entry children[16];
		uint64_t ids[LIST_MAX];
		size_t n = draw(seed) % 8;
		if (i && trie_key_compare(&place.first, &at) <= 0)
			continue;
		at = trie_last(&place);
		for (size_t k = 0; k < 16; k++) {
			ids[k] = draw(seed);
			children[k] = (struct claim_entry){(uint32_t)k, draw(seed)};
			if (place.depth == 0)
				children[k].number = (uint32_t)(POOL_HOUR / 256 + k);
		}
		switch (draw(seed) % 5) {
		case 0:
			claim_write_ids(&w, CLAIM_LIST, &place, ids, n);
			break;
		case 1:
			claim_write_children(&w, &place, children, 1 + n);
			break;
		case 2:
			claim_write_sum(&w, &place, ids, 1 + n);
			break;
		case 3:
			claim_write_one(&w, &place, ids[0]);
			break;
		default:
			claim_write_ids(&w, CLAIM_WANT, &place, ids, 1 + n);
		}
	}
	return w.w.used;
}

static bool everything(const struct audience_id *audience)
{
	return audience != NULL;
}

static enum err answer_all(struct two_ends *t, enum reconcile_type type, const uint8_t *payload,
			   size_t n)
{
	enum err e = reconcile_receive(t->answering.run, type, payload, n);

	while (!e && end_step(t, &t->answering, &t->asking) != RECONCILE_WAIT)
		;
	return e;
}

static const uint8_t begin[20] = {0, 0x07, 0x53, 0x00};

static void lies_cost_bounded_work_and_no_more_than_the_view(void)
{
	static uint8_t payload[RECONCILE_PAYLOAD_MAX];
	uint64_t seed = 31;
	unsigned good = 0, taken = 0;

	for (unsigned round = 0; round < 300; round++) {
		struct scene s;
		make(&s, 3000 + round);
		need(answer_all(&s.ends, RECONCILE_BEGIN, begin, sizeof begin) == ERR_OK);
		taken += answer_all(&s.ends, RECONCILE_ASK, payload,
				    lie(&seed, &s.pool, payload)) == ERR_OK;
		good += bounded(&s.ends) && s.ends.answering.pushes <= s.pool.count;
		scene_clear(&s);
	}
	is_int(good, 300, "300 frames: within the budgets, nothing pushed twice");
	is_int(taken, 300, "none of them is malformed");
}

/* Every kind of claim, for an audience that the link does not carry. */
static void a_foreign_audience_is_passed_over(void)
{
	uint64_t seed = 34, ids[LIST_MAX];
	unsigned pushes = 0, said = 0;

	for (unsigned kind = 0; kind < 5; kind++) {
		uint8_t payload[2000];
		struct audience_id id = pool_audience(0);
		struct trie_place root = trie_root(&id);
		struct claim_entry child = {POOL_HOUR / 256 + 1, 1};
		struct claim_writer w;
		struct scene s;
		scene_init(&s, 5100, 50, 1, 300);
		scene_fold(&s, &seed);
		scene_ends(&s, POOL_HOUR, POOL_HOUR);
		s.ends.answering.foreign = everything;
		need(answer_all(&s.ends, RECONCILE_BEGIN, begin, sizeof begin) == ERR_OK);
		claim_writer_init(&w, payload, sizeof payload);
		for (size_t i = 0; i < 50; i++) {
			struct view view = {0};
			view_keys(&view, s.ends.asking.link.own_nonce,
				  s.ends.asking.link.peer_nonce);
			ids[i] = view_short_id(&view, &s.pool.keys[i]);
		}
		if (kind == 0)
			claim_write_ids(&w, CLAIM_LIST, &root, NULL, 0);
		else if (kind == 1)
			claim_write_ids(&w, CLAIM_WANT, &root, ids, 50);
		else if (kind == 2)
			claim_write_one(&w, &root, ids[0]);
		else if (kind == 3)
			claim_write_sum(&w, &root, ids, 49);
		else
			claim_write_children(&w, &root, &child, 1);
		s.ends.bytes = 0;
		need(answer_all(&s.ends, RECONCILE_ASK, payload, w.w.used) == ERR_OK);
		pushes += (unsigned)s.ends.answering.pushes;
		said += s.ends.bytes != FRAME_HEAD;
		scene_clear(&s);
	}
	is_int(pushes, 0, "nothing is pushed");
	is_int(said, 0, "and nothing is said");
}

/* However much waits to be answered, one more claim may be asked, and no more than one. */
static void the_asking_end_bounds_what_it_keeps(void)
{
	struct scene s;
	struct claims claims;
	struct claim c;
	struct reconcile_frame frame;
	enum reconcile_turn turn;
	unsigned asks = 0, most = 0;

	make(&s, 5200);
	s.ends.asking.link.store = &s.ends.asking.store;
	need(reconcile_begin(s.ends.asking.run, &s.ends.asking.link) == ERR_OK);
	s.ends.asking.run->pending = RECONCILE_PENDING_MAX;
	while (end_step(&s.ends, &s.ends.asking, &s.ends.answering) != RECONCILE_WAIT)
		;
	while (end_step(&s.ends, &s.ends.answering, &s.ends.asking) != RECONCILE_WAIT)
		;
	for (turn = RECONCILE_MORE; turn != RECONCILE_DONE;) {
		unsigned n = 0;
		need(reconcile_step(s.ends.asking.run, &s.ends.asking.link, &turn, &frame) ==
		     ERR_OK);
		if (turn != RECONCILE_FRAME)
			continue;
		asks++;
		claims_init(&claims, frame.payload, frame.length);
		while (claims_next(&claims, &c))
			n += c.kind != CLAIM_LIST || c.count;
		most = n > most ? n : most;
		need(answer_all(&s.ends, frame.type, frame.payload, frame.length) == ERR_OK);
	}
	ok(asks > 50 && most == 1, "%u frames of one claim", asks);
	s.ends.asking.run->pending -= RECONCILE_PENDING_MAX;
	ok(exact(&s, POOL_HOUR, NULL), "and everything is found");
	scene_clear(&s);
}

static void random_bytes_are_refused(void)
{
	uint8_t payload[300];
	uint64_t seed = 32;
	unsigned refused = 0;
	struct scene s;

	make(&s, 4000);
	for (unsigned round = 0; round < 1000; round++) {
		struct reconcile *r = reconcile_new(RECONCILE_ANSWERING);
		size_t n = 1 + draw(&seed) % sizeof payload;
		need(r);
		for (size_t i = 0; i < n; i++)
			payload[i] = (uint8_t)draw(&seed);
		need(reconcile_receive(r, RECONCILE_BEGIN, begin, sizeof begin) == ERR_OK);
		reconcile_free(s.ends.answering.run);
		s.ends.answering.run = r;
		while (end_step(&s.ends, &s.ends.answering, &s.ends.asking) != RECONCILE_WAIT)
			;
		refused += reconcile_receive(r, RECONCILE_ASK, payload, n) == ERR_FORMAT;
	}
	ok(refused > 990, "%u of 1,000", refused);
	scene_clear(&s);
}

static enum err answered(struct scene *s, const struct claim_writer *w)
{
	return reconcile_receive(s->ends.asking.run, RECONCILE_LAST, w->w.start, w->w.used);
}

/* An asking end that has heard of one audience, which it has too and otherwise; last says how far
 * the list goes. */
static enum err told(struct scene *s, const struct audience_id *audience,
		     const struct audience_id *last)
{
	uint8_t payload[100];
	struct claim_writer w;

	scene_ends(s, POOL_HOUR, POOL_HOUR);
	s->ends.asking.link.store = &s->ends.asking.store;
	need(reconcile_begin(s->ends.asking.run, &s->ends.asking.link) == ERR_OK);
	while (end_step(&s->ends, &s->ends.asking, &s->ends.answering) != RECONCILE_WAIT)
		;
	claim_writer_init(&w, payload, sizeof payload);
	claim_open_audiences(&w, &(struct audience_id){{0}});
	claim_add_audience(&w, audience, 12345);
	claim_close_audiences(&w, last);
	return answered(s, &w);
}

/* And has listed the children of its root. */
static void asked(struct scene *s, const struct audience_id *audience)
{
	struct audience_id ones;
	enum reconcile_turn turn;

	memset(ones.b, 0xff, sizeof ones.b);
	need(told(s, audience, &ones) == ERR_OK);
	do
		turn = end_step(&s->ends, &s->ends.asking, &s->ends.answering);
	while (turn == RECONCILE_MORE);
	need(turn == RECONCILE_FRAME);
}

static void an_answer_to_something_else_is_refused(void)
{
	struct audience_id id = pool_audience(0), other = pool_audience(99);
	struct trie_place root = trie_root(&id), elsewhere = trie_root(&other);
	struct trie_place child = trie_child(&root, POOL_HOUR / 256);
	struct trie_place not_listed = trie_child(&root, POOL_HOUR / 256 + 9);
	const struct {
		const char *why;
		enum claim_kind kind;
		const struct trie_place *place;
	} wrong[] = {
		{"the same place again", CLAIM_LIST, &root},
		{"another audience", CLAIM_LIST, &elsewhere},
		{"a child that was not listed", CLAIM_LIST, &not_listed},
		{"a wish where nothing was listed", CLAIM_WANT, &child},
		{"O where there was no sum", CLAIM_ONE, &child},
	};
	uint8_t payload[100];
	struct claim_writer w;
	struct scene s;
	uint64_t seed = 33, some = 5;

	scene_init(&s, 5000, 1000, 1, 300);
	scene_fold(&s, &seed);
	is_int(told(&s, &id, &id), ERR_FORMAT, "the first A is of all audiences");
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
		scene_ends_clear(&s);
		asked(&s, &id);
		claim_writer_init(&w, payload, sizeof payload);
		if (wrong[i].kind == CLAIM_ONE)
			claim_write_one(&w, wrong[i].place, some);
		else
			claim_write_ids(&w, wrong[i].kind, wrong[i].place, &some, 1);
		is_int(answered(&s, &w), ERR_FORMAT, "%s", wrong[i].why);
	}
	scene_ends_clear(&s);
	asked(&s, &id);
	claim_writer_init(&w, payload, sizeof payload);
	claim_write_floor(&w, POOL_HOUR + 9);
	is_int(answered(&s, &w), ERR_FORMAT, "a floor, late");
	scene_clear(&s);
}

static void an_answer_is_taken_once(void)
{
	struct audience_id id = pool_audience(0);
	struct trie_place root = trie_root(&id), child = trie_child(&root, POOL_HOUR / 256);
	uint8_t payload[100];
	struct claim_writer w;
	struct scene s;
	uint64_t seed = 33, some = 5;

	scene_init(&s, 5000, 1000, 1, 300);
	scene_fold(&s, &seed);
	asked(&s, &id);
	is_int(reconcile_receive(s.ends.asking.run, RECONCILE_PART, payload, 0), ERR_FORMAT,
	       "an empty PART");
	claim_writer_init(&w, payload, sizeof payload);
	claim_write_ids(&w, CLAIM_LIST, &child, &some, 1);
	is_int(reconcile_receive(s.ends.asking.run, RECONCILE_PART, payload, w.w.used), ERR_OK,
	       "a child that was listed");
	is_int(answered(&s, &w), ERR_FORMAT, "but not twice");
	scene_clear(&s);
}

static void frames_out_of_order_are_refused(void)
{
	static const uint8_t buckets[1 + 2048] = {CLAIM_BUCKETS};
	static const uint8_t low[5] = {CLAIM_FLOOR, 0, 7, 0x53, 0}, zero[20] = {0};
	uint8_t high[5] = {CLAIM_FLOOR, 0, 7, 0x53, 1};
	static uint8_t large[RECONCILE_PAYLOAD_MAX + 1];
	struct reconcile *r;
	struct scene s;

	make(&s, 6000);
	r = s.ends.answering.run;
	is_int(reconcile_receive(r, RECONCILE_ASK, high, 5), ERR_FORMAT, "F in an ASK");
	is_int(reconcile_receive(r, RECONCILE_ASK, buckets, sizeof buckets), ERR_FORMAT,
	       "B in an ASK");
	is_int(reconcile_receive(r, RECONCILE_ASK, buckets, 0), ERR_FORMAT, "an empty ASK");
	is_int(reconcile_receive(r, RECONCILE_LAST, high, 5), ERR_STATE, "an answer to none");
	is_int(reconcile_receive(r, RECONCILE_BEGIN, zero, 20), ERR_FORMAT, "floor 0");
	is_int(reconcile_receive(r, RECONCILE_BEGIN, begin, 19), ERR_FORMAT, "BEGIN cut");
	is_int(reconcile_receive(r, RECONCILE_BEGIN, large, 21), ERR_FORMAT, "BEGIN too long");
	is_int(reconcile_receive(r, RECONCILE_BEGIN, large, sizeof large), ERR_LIMIT, "too large");
	is_int(reconcile_receive(r, RECONCILE_BEGIN, begin, 20), ERR_OK, "BEGIN");
	is_int(reconcile_receive(r, RECONCILE_BEGIN, begin, 20), ERR_STATE,
	       "BEGIN before the answer to another");
	r = s.ends.asking.run;
	is_int(reconcile_receive(r, RECONCILE_LAST, NULL, 0), ERR_STATE, "nothing was asked");
	is_int(reconcile_receive(r, RECONCILE_BEGIN, begin, 20), ERR_STATE,
	       "not the answering end");
	s.ends.asking.link.floor = POOL_HOUR;
	need(reconcile_begin(r, &s.ends.asking.link) == ERR_OK);
	is_int(reconcile_begin(r, &s.ends.asking.link), ERR_STATE, "a run is under way");
	while (end_step(&s.ends, &s.ends.asking, &s.ends.asking) == RECONCILE_MORE)
		;
	is_int(reconcile_receive(r, RECONCILE_PART, NULL, 0), ERR_STATE,
	       "the answer to BEGIN is one frame");
	is_int(reconcile_receive(r, RECONCILE_LAST, low, 5), ERR_FORMAT,
	       "a floor that is no higher");
	scene_clear(&s);
}

static void a_floor_is_told_once(void)
{
	uint8_t high[5] = {CLAIM_FLOOR, 0, 7, 0x53, 1};
	struct scene s;

	make(&s, 6001);
	need(reconcile_begin(s.ends.asking.run, &s.ends.asking.link) == ERR_OK);
	while (end_step(&s.ends, &s.ends.asking, &s.ends.asking) == RECONCILE_MORE)
		;
	is_int(reconcile_receive(s.ends.asking.run, RECONCILE_LAST, high, 5), ERR_OK,
	       "a higher one");
	while (end_step(&s.ends, &s.ends.asking, &s.ends.asking) == RECONCILE_MORE)
		;
	high[4] = 2;
	is_int(reconcile_receive(s.ends.asking.run, RECONCILE_LAST, high, 5), ERR_FORMAT,
	       "not for ever");
	scene_clear(&s);
}

int main(void)
{
	RUN(flipped_and_cut_frames_are_refused_or_harmless);
	RUN(lies_cost_bounded_work_and_no_more_than_the_view);
	RUN(a_foreign_audience_is_passed_over);
	RUN(the_asking_end_bounds_what_it_keeps);
	RUN(random_bytes_are_refused);
	RUN(an_answer_to_something_else_is_refused);
	RUN(an_answer_is_taken_once);
	RUN(frames_out_of_order_are_refused);
	RUN(a_floor_is_told_once);
	return tap_done();
}
