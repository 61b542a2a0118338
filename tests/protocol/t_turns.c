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
	ok(turns_next(&q, &lsn) && lsn == 1, "the first of the flood");
	need(turns_add(&q, &quiet, 10001) == ERR_OK);
	ok(turns_next(&q, &lsn) && lsn == 10001, "then the quiet one, at once");
	ok(turns_next(&q, &lsn) && lsn == 2, "then the flood goes on in order");
	is_int(turns_lowest(&q), 3, "the lowest waiting");
	is_int(q.count, 9998, "and how many");
	turns_clear(&q);
}

static void what_is_dropped_waits_no_more_and_the_others_do(void)
{
	struct turns q;
	uint64_t lsn = 0;

	turns_init(&q);
	is_int(turns_drop(&q, &flood, &lsn), 0, "nothing of an origin that is not there");
	for (uint64_t i = 1; i <= 20; i++)
		need(turns_add(&q, i % 2 ? &flood : &quiet, i) == ERR_OK);
	need(turns_next(&q, &lsn) && lsn == 1);
	is_int(turns_drop(&q, &flood, &lsn), 9, "how many waited");
	is_int(lsn, 3, "and the lowest of them");
	is_int(q.count, 10, "the others wait");
	ok(turns_next(&q, &lsn) && lsn == 2 && turns_next(&q, &lsn) && lsn == 4, "in their order");
	need(turns_add(&q, &flood, 21) == ERR_OK);
	ok(turns_holds(&q, &flood, 21) && !turns_holds(&q, &flood, 3), "it may come again");
	is_int(turns_drop(&q, &quiet, &lsn), 8, "whoever is next may be dropped");
	ok(turns_next(&q, &lsn) && lsn == 21 && !turns_next(&q, &lsn), "then it is empty");
	is_int(turns_lowest(&q), UINT64_MAX, "and has no lowest");
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
		} else if (turns_next(&q, &lsn)) {
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
	need(turns_next(&q, &lsn) && turns_add(&q, &flood, 21) == ERR_OK);
	ok(!turns_holds(&q, &flood, 1), "what came out does not wait");
	ok(turns_holds(&q, &flood, 2) && turns_holds(&q, &flood, 21), "the first and the last do");
	ok(!turns_holds(&q, &flood, 22), "what is still to come does not");
	ok(!turns_holds(&q, &quiet, 2), "nor does another's");
	turns_clear(&q);
}

int main(void)
{
	RUN(a_flood_delays_another_by_one_message);
	RUN(what_is_dropped_waits_no_more_and_the_others_do);
	RUN(nothing_is_lost_or_reordered);
	RUN(what_waits_is_told_from_what_does_not);
	return tap_done();
}
