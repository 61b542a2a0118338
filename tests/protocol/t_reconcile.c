#include "protocol/reconcile.h"

#include "tests/tap.h"
#include "tests/two_ends.h"

static void equal_sets_end_after_two_frames(void)
{
	static const uint64_t audiences[] = {1, 64, 65, 300};
	uint64_t seed = 3;

	for (size_t i = 0; i < 4; i++) {
		struct scene s;
		scene_init(&s, i, 5000, audiences[i], 900);
		scene_fold(&s, &seed);
		scene_ends(&s, POOL_HOUR, POOL_HOUR);
		ok(two_ends_run(&s.ends) && s.ends.frames == 2 && s.ends.bytes == 30 &&
			   reconcile_result(s.ends.asking.run).equal,
		   "%d audiences: 30 bytes", (int)audiences[i]);
		ok(s.ends.asking.pushes + s.ends.answering.pushes == 0, "nothing is pushed");
		scene_clear(&s);
	}
}

static void both_ends_push_exactly_what_the_other_lacks(void)
{
	uint64_t seed = 11;
	unsigned good = 0;

	for (unsigned round = 0; round < 60; round++) {
		struct scene s;
		scene_init(&s, 100 + round, 1 + draw(&seed) % 6000, 1 + draw(&seed) % 300,
			   round % 2 ? 3 : 6000);
		holds_at_random(&s, &seed);
		scene_fold(&s, &seed);
		scene_ends(&s, POOL_HOUR, POOL_HOUR);
		good += two_ends_run(&s.ends) && exact(&s, POOL_HOUR, NULL);
		scene_clear(&s);
	}
	is_int(good, 60, "60 random pairs of sets");
}

static void one_side_may_have_nothing(void)
{
	uint64_t seed = 12;

	for (int who = A; who <= B; who++) {
		struct scene s;
		scene_init(&s, 7, 4000, 100, 2000);
		memset(s.holds, who, s.pool.count);
		scene_fold(&s, &seed);
		scene_ends(&s, POOL_HOUR, POOL_HOUR);
		ok(two_ends_run(&s.ends) && exact(&s, POOL_HOUR, NULL), "everything is pushed");
		ok(s.ends.bytes < 6000, "without listing it: %d bytes", (int)s.ends.bytes);
		scene_clear(&s);
	}
}

static bool odd(const struct audience_id *audience)
{
	return audience->b[15] & 1;
}

/* Whatever the other end says of it. */
static void audiences_that_the_link_does_not_carry_are_left_alone(void)
{
	uint64_t seed = 13;
	unsigned good = 0;

	for (unsigned round = 0; round < 20; round++) {
		struct scene s;
		scene_init(&s, 300 + round, 4000, round < 10 ? 40 : 200, 3000);
		holds_at_random(&s, &seed);
		scene_fold(&s, &seed);
		scene_ends(&s, POOL_HOUR, POOL_HOUR);
		s.ends.asking.foreign = s.ends.answering.foreign = odd;
		good += two_ends_run(&s.ends) && exact(&s, POOL_HOUR, odd);
		scene_clear(&s);
	}
	is_int(good, 20, "20 random pairs of sets");
}

static void a_lying_end_gets_nothing_that_the_link_does_not_carry(void)
{
	uint64_t seed = 14;
	bool leaked = false;

	for (unsigned round = 0; round < 10; round++) {
		struct scene s;
		scene_init(&s, 400 + round, 4000, round < 5 ? 30 : 200, 3000);
		holds_at_random(&s, &seed);
		scene_fold(&s, &seed);
		scene_ends(&s, POOL_HOUR, POOL_HOUR);
		s.ends.asking.foreign = odd; /* the other asks for all it knows of */
		need(two_ends_run(&s.ends));
		for (size_t i = 0; i < s.pool.count; i++) {
			struct audience_id id = trie_key_audience(&s.pool.keys[i]);
			leaked |= odd(&id) && s.ends.asking.pushed[i];
		}
		scene_clear(&s);
	}
	ok(!leaked, "not one");
}

/* One end has purged what the other has not, and its floor is an hour further. */
static void floors_may_be_an_hour_apart(void)
{
	uint64_t seed = 15;
	unsigned good = 0, two_frames = 0;

	for (unsigned round = 0; round < 40; round++) {
		uint32_t floor = POOL_HOUR + 1 + (uint32_t)(draw(&seed) % 600);
		bool asking_higher = round % 2, equal = round % 4 < 2;
		struct scene s;
		scene_init(&s, 500 + round, 3000, 1 + draw(&seed) % 100, 700);
		if (!equal)
			holds_at_random(&s, &seed);
		/* What has expired may be at either end or at none, and is not to matter. */
		for (size_t i = 0; i < s.pool.count; i++) {
			if (trie_key_expiry(&s.pool.keys[i]) < floor)
				s.holds[i] = (uint8_t)(draw(&seed) % 4);
		}
		scene_fold(&s, &seed);
		scene_ends(&s, asking_higher ? floor : floor - 1,
			   asking_higher ? floor - 1 : floor);
		good += two_ends_run(&s.ends) && exact(&s, floor, NULL) &&
			reconcile_result(s.ends.asking.run).floor == floor;
		two_frames += equal && s.ends.frames == (asking_higher ? 2 : 4);
		scene_clear(&s);
	}
	is_int(good, 40, "40 random pairs of sets agree on the higher floor");
	is_int(two_frames, 20, "equal ones in two frames, in four when it had to be told");
}

static void what_is_too_far_ahead_is_not_in_view(void)
{
	struct scene s;
	uint64_t seed = 16;
	uint32_t floor = POOL_HOUR + 300;

	scene_init(&s, 600, 3000, 5, 300 + EXPIRY_SPAN_HOURS + 400);
	for (size_t i = 0; i < s.pool.count; i++) {
		uint32_t expiry = trie_key_expiry(&s.pool.keys[i]);
		if (expiry < floor || expiry > floor + EXPIRY_SPAN_HOURS)
			s.holds[i] = (uint8_t)(i % 4);
	}
	scene_fold(&s, &seed);
	scene_ends(&s, floor, floor);
	ok(two_ends_run(&s.ends) && s.ends.frames == 2 && exact(&s, floor, NULL),
	   "402 days above the floor are the last: two frames");
	scene_ends_clear(&s);
	for (size_t i = 0; i < s.pool.count; i += 7)
		s.holds[i] = (uint8_t)(1 + i % 2);
	memory_trie_clear(&s.a);
	memory_trie_clear(&s.b);
	scene_fold(&s, &seed);
	scene_ends(&s, floor, floor);
	ok(two_ends_run(&s.ends) && exact(&s, floor, NULL), "and differences among the others are "
							    "found");
	scene_clear(&s);
}

/* What is equal is not gone into: bytes follow the difference. */
static void one_message_costs_a_path(void)
{
	uint64_t seed = 20;

	for (int who = A; who <= B; who++) {
		struct scene s;
		scene_init(&s, 650, 20000, 1, 2000);
		s.holds[4711] = (uint8_t)who;
		scene_fold(&s, &seed);
		scene_ends(&s, POOL_HOUR, POOL_HOUR);
		ok(two_ends_run(&s.ends) && exact(&s, POOL_HOUR, NULL), "found");
		ok(s.ends.bytes < 700 && s.ends.frames <= 10, "in %d bytes, %d frames",
		   (int)s.ends.bytes, (int)s.ends.frames);
		scene_clear(&s);
	}
}

/* Two in one place are found without listing the others there. */
static void two_messages_cost_no_list(void)
{
	uint64_t seed = 22;
	struct scene s;

	scene_init(&s, 670, 40, 1, 1);
	s.holds[3] = s.holds[30] = B;
	scene_fold(&s, &seed);
	scene_ends(&s, POOL_HOUR, POOL_HOUR);
	ok(two_ends_run(&s.ends) && exact(&s, POOL_HOUR, NULL), "found");
	ok(s.ends.bytes < 150, "in %d bytes", (int)s.ends.bytes);
	scene_clear(&s);
}

/* Two that each lack one of the same place: sums agree in number and not in value. */
static void sums_that_mislead_are_followed_by_lists(void)
{
	uint64_t seed = 21;
	bool all = true;

	for (size_t more_a = 0; more_a < 5; more_a++) {
		for (size_t more_b = 0; more_b < 5; more_b++) {
			struct scene s;
			scene_init(&s, 660, 40, 1, 1);
			for (size_t i = 0; i < more_a; i++)
				s.holds[i] = A;
			for (size_t i = 0; i < more_b; i++)
				s.holds[39 - i] = B;
			scene_fold(&s, &seed);
			scene_ends(&s, POOL_HOUR, POOL_HOUR);
			all &= two_ends_run(&s.ends) && exact(&s, POOL_HOUR, NULL);
			scene_clear(&s);
		}
	}
	ok(all, "0 to 4 more at one end, 0 to 4 at the other");
}

static void every_boundary_of_a_list_is_found(void)
{
	uint64_t seed = 17;
	bool all = true;

	/* 62 to 67 messages at either end of one audience and one hour. */
	for (size_t a = 62; a <= 67; a++) {
		for (size_t b = 62; b <= 67; b++) {
			struct scene s;
			scene_init(&s, 700 + a, 70, 1, 1);
			for (size_t i = 0; i < s.pool.count; i++)
				s.holds[i] = (uint8_t)((i < a ? A : 0) | (i >= 70 - b ? B : 0));
			scene_fold(&s, &seed);
			scene_ends(&s, POOL_HOUR, POOL_HOUR);
			all &= two_ends_run(&s.ends) && exact(&s, POOL_HOUR, NULL);
			scene_clear(&s);
		}
	}
	ok(all, "62 to 67 messages against 62 to 67");
}

struct longest {
	size_t bytes;
};

static void measure(void *arg, struct end *from, uint8_t *payload, size_t *n)
{
	struct longest *l = arg;

	(void)from;
	(void)payload;
	l->bytes = *n > l->bytes ? *n : l->bytes;
}

static void steps_and_frames_are_bounded(void)
{
	struct scene s;
	uint64_t seed = 18;

	scene_init(&s, 800, 60000, 6000, 3000);
	holds_at_random(&s, &seed);
	scene_fold(&s, &seed);
	scene_ends(&s, POOL_HOUR, POOL_HOUR);
	ok(two_ends_run(&s.ends) && exact(&s, POOL_HOUR, NULL),
	   "60,000 messages in 6,000 audiences");
	ok(s.ends.asking.pushes_most <= STEP_PUSHES_MAX &&
		   s.ends.answering.pushes_most <= STEP_PUSHES_MAX,
	   "a step pushes at most %d", STEP_PUSHES_MAX);
	ok(s.ends.asking.reads_most <= STEP_READS_MAX &&
		   s.ends.answering.reads_most <= STEP_READS_MAX,
	   "and reads at most %d", STEP_READS_MAX);
	scene_clear(&s);
}

/* On a narrow line both ends keep frames short: more of them find the same. */
static void frames_are_as_short_as_the_line_wants(void)
{
	static const size_t most[] = {4096, 10000, SIZE_MAX};

	for (size_t i = 0; i < sizeof most / sizeof *most; i++) {
		struct scene s;
		uint64_t seed = 20;
		struct longest longest = {0};

		scene_init(&s, 800, 20000, 3000, 1500);
		holds_at_random(&s, &seed);
		scene_fold(&s, &seed);
		scene_ends(&s, POOL_HOUR, POOL_HOUR);
		s.ends.meddle = measure;
		s.ends.meddler = &longest;
		reconcile_limit(s.ends.asking.run, most[i]);
		reconcile_limit(s.ends.answering.run, most[i]);
		ok(two_ends_run(&s.ends) && exact(&s, POOL_HOUR, NULL), "20,000 messages");
		ok(longest.bytes <=
			   (most[i] < RECONCILE_PAYLOAD_MAX ? most[i] : RECONCILE_PAYLOAD_MAX),
		   "no frame over %zu bytes: %zu of %llu", most[i], longest.bytes,
		   (unsigned long long)s.ends.frames);
		ok(longest.bytes > 4096 - CLAIM_MAX_BYTES, "and they are filled");
		scene_clear(&s);
	}
}

/* The set moves between any two frames: nothing breaks, and a second run finds the rest. */
static void sets_may_move_meanwhile(void)
{
	uint64_t seed = 19;
	unsigned good = 0;

	for (unsigned round = 0; round < 20; round++) {
		struct scene s;
		enum reconcile_turn turn = RECONCILE_MORE;
		struct trie_change c;
		scene_init(&s, 900 + round, 3000, 1 + draw(&seed) % 100, 1000);
		holds_at_random(&s, &seed);
		scene_fold(&s, &seed);
		scene_ends(&s, POOL_HOUR, POOL_HOUR);
		s.ends.asking.link.store = &s.ends.asking.store;
		need(reconcile_begin(s.ends.asking.run, &s.ends.asking.link) == ERR_OK);
		while (turn != RECONCILE_DONE && !s.ends.asking.e && !s.ends.answering.e) {
			for (unsigned i = 0; i < 20; i++) {
				size_t k = draw(&seed) % s.pool.count;
				uint8_t who = draw(&seed) % 2 ? A : B;
				struct end *end = who == A ? &s.ends.asking : &s.ends.answering;
				c = (struct trie_change){s.pool.keys[k], s.holds[k] & who, k + 1,
							 0};
				need(trie_fold(&end->store, &c, 1) == ERR_OK);
				s.holds[k] ^= who;
			}
			turn = end_step(&s.ends, &s.ends.asking, &s.ends.answering);
			end_step(&s.ends, &s.ends.answering, &s.ends.asking);
		}
		good += turn == RECONCILE_DONE;
		memset(s.ends.asking.pushed, 0, s.pool.count * sizeof *s.ends.asking.pushed);
		memset(s.ends.answering.pushed, 0, s.pool.count * sizeof *s.ends.answering.pushed);
		good += two_ends_run(&s.ends) && exact(&s, POOL_HOUR, NULL);
		scene_clear(&s);
	}
	is_int(good, 40, "20 sets that never stand still");
}

int main(void)
{
	RUN(equal_sets_end_after_two_frames);
	RUN(both_ends_push_exactly_what_the_other_lacks);
	RUN(one_side_may_have_nothing);
	RUN(audiences_that_the_link_does_not_carry_are_left_alone);
	RUN(a_lying_end_gets_nothing_that_the_link_does_not_carry);
	RUN(floors_may_be_an_hour_apart);
	RUN(what_is_too_far_ahead_is_not_in_view);
	RUN(one_message_costs_a_path);
	RUN(two_messages_cost_no_list);
	RUN(sums_that_mislead_are_followed_by_lists);
	RUN(every_boundary_of_a_list_is_found);
	RUN(steps_and_frames_are_bounded);
	RUN(frames_are_as_short_as_the_line_wants);
	RUN(sets_may_move_meanwhile);
	return tap_done();
}
