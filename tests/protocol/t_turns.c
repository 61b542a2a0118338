#include "protocol/turns.h"
#include "tests/tap.h"

static const struct party_id flood = {{1}}, quiet = {{2}}, third = {{3}};

static void a_flood_delays_another_by_one_message(void)
{
	struct turns q;
	uint64_t lsn;

	turns_init(&q);
	for (uint64_t i = 1; i <= 10000; i++)
		need(turns_add(&q, &flood, i) == ERR_OK);
	ok(turns_next(&q, &lsn, NULL, NULL) && lsn == 1, "the first of the flood");
	need(turns_add(&q, &quiet, 10001) == ERR_OK);
	ok(turns_next(&q, &lsn, NULL, NULL) && lsn == 10001, "then the quiet one, at once");
	ok(turns_next(&q, &lsn, NULL, NULL) && lsn == 2, "then the flood goes on in order");
	is_int(turns_lowest(&q), 3, "the lowest waiting");
	is_int(q.count, 9998, "and how many");
	turns_clear(&q);
}

static bool pause_flood(void *arg, const struct party_id *origin)
{
	(void)arg;
	return party_id_equal(origin, &flood);
}

static void a_paused_origin_is_passed_over(void)
{
	struct turns q;
	uint64_t lsn;

	turns_init(&q);
	need(turns_add(&q, &flood, 1) == ERR_OK && turns_add(&q, &quiet, 2) == ERR_OK);
	ok(turns_next(&q, &lsn, pause_flood, NULL) && lsn == 2, "the other goes");
	ok(!turns_next(&q, &lsn, pause_flood, NULL) && q.count == 1, "the paused one waits");
	ok(turns_next(&q, &lsn, NULL, NULL) && lsn == 1, "and goes when it may");
	ok(!turns_next(&q, &lsn, NULL, NULL) && turns_lowest(&q) == UINT64_MAX, "then it is empty");
	turns_clear(&q);
}

/* Whatever the order of additions, each origin's come out in order and nothing is lost or doubled.
 */
static void nothing_is_lost_or_reordered(void)
{
	const struct party_id *origins[] = {&flood, &quiet, &third};
	uint64_t last[3] = {0}, owner[4000], lsn;
	unsigned seed = 7, in = 0, out = 0, wrong = 0;
	struct turns q;

	turns_init(&q);
	while (out < 4000) {
		seed = seed * 1103515245 + 12345;
		if (in < 4000 && (seed >> 16) % 3) {
			unsigned who = (seed >> 20) % 3;
			owner[in] = who;
			need(turns_add(&q, origins[who], ++in) == ERR_OK);
		} else if (turns_next(&q, &lsn, NULL, NULL)) {
			unsigned who = (unsigned)owner[lsn - 1];
			wrong += lsn <= last[who];
			last[who] = lsn;
			out++;
		}
	}
	is_int(wrong, 0, "each origin's in order");
	is_int(q.count, 0, "all came out");
	turns_clear(&q);
}

static void what_waits_is_told_from_what_does_not(void)
{
	struct turns q;
	uint64_t lsn;

	turns_init(&q);
	ok(!turns_holds(&q, &flood, 1), "nothing waits in an empty queue");
	for (uint64_t i = 1; i <= 20; i++)
		need(turns_add(&q, &flood, i) == ERR_OK);
	need(turns_next(&q, &lsn, NULL, NULL) && turns_add(&q, &flood, 21) == ERR_OK);
	ok(!turns_holds(&q, &flood, 1), "what came out does not wait");
	ok(turns_holds(&q, &flood, 2) && turns_holds(&q, &flood, 21), "the first and the last do");
	ok(!turns_holds(&q, &flood, 22), "what is still to come does not");
	ok(!turns_holds(&q, &quiet, 2), "nor does another's");
	turns_clear(&q);
}

int main(void)
{
	RUN(a_flood_delays_another_by_one_message);
	RUN(a_paused_origin_is_passed_over);
	RUN(nothing_is_lost_or_reordered);
	RUN(what_waits_is_told_from_what_does_not);
	return tap_done();
}
