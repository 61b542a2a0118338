#include "node/store/recalls.h"

#include <string.h>

#include "protocol/bytes.h"
#include "tests/tap.h"

enum { MANY = 10000 };

static struct message_id ref_of(uint32_t i)
{
	struct message_id id = {{0}};

	put_u32(id.b + 12, i);
	return id;
}

static void add(struct recalls *r, uint32_t from, uint32_t to, uint32_t refs)
{
	for (uint32_t i = from; i <= to; i++) {
		struct message_id ref = ref_of(i % refs);
		need(recalls_reserve(r, 1) == ERR_OK);
		recalls_add(r, &ref, i);
	}
}

/* How many there are of it; *sum: of their positions. */
static size_t count_of(const struct recalls *r, uint32_t i, uint64_t *sum)
{
	struct message_id ref = ref_of(i);
	uint32_t at = 0;
	uint64_t lsn;
	size_t n = 0;

	for (*sum = 0; n <= MANY && recalls_next(r, &ref, &at, &lsn); n++)
		*sum += lsn;
	return n;
}

static void nothing_is_found_where_nothing_is(void)
{
	struct recalls r;
	uint64_t sum;

	recalls_init(&r);
	is_int(count_of(&r, 1, &sum), 0, "not in an empty one");
	recalls_forget(&r, 100);
	add(&r, 1, 1, MANY);
	is_int(count_of(&r, 2, &sum), 0, "nor beside another");
	recalls_clear(&r);
}

static void each_is_found_until_it_is_forgotten(void)
{
	struct recalls r;
	size_t wrong = 0;
	uint64_t sum;

	recalls_init(&r);
	add(&r, 1, MANY, 2 * MANY);
	for (uint32_t i = 1; i <= MANY; i++)
		wrong += count_of(&r, i, &sum) != 1 || sum != i;
	is_int(wrong, 0, "each of them has its position");
	for (uint32_t gone = 0; gone <= MANY; gone += 500) {
		recalls_forget(&r, gone);
		for (uint32_t i = gone ? gone - 5 : 1; i <= gone + 5 && i <= MANY; i++)
			wrong += count_of(&r, i, &sum) != (i > gone);
	}
	is_int(wrong, 0, "those up to a position are forgotten, and no others");
	is_int(r.count, 0, "in the end all are");
	recalls_clear(&r);
}

static void several_of_one_are_all_found(void)
{
	struct recalls r;
	uint64_t sum;

	recalls_init(&r);
	add(&r, 1, 100, 10);
	is_int(count_of(&r, 3, &sum), 10, "all ten");
	is_int(sum, 3 + 13 + 23 + 33 + 43 + 53 + 63 + 73 + 83 + 93, "each once");
	recalls_forget(&r, 43);
	is_int(count_of(&r, 3, &sum), 5, "but for those that are forgotten");
	is_int(sum, 53 + 63 + 73 + 83 + 93, "which are the oldest");
	recalls_clear(&r);
}

/* What is being committed has its room before, whatever is folded meanwhile. */
static void forgetting_takes_no_room_away(void)
{
	struct recalls r;
	struct message_id ref = ref_of(7);
	uint64_t sum;

	recalls_init(&r);
	add(&r, 1, MANY, 2 * MANY);
	need(recalls_reserve(&r, MANY) == ERR_OK);
	recalls_forget(&r, MANY - 1);
	recalls_forget(&r, MANY);
	for (uint32_t i = 0; i < MANY; i++)
		recalls_add(&r, &ref, MANY + 1 + i);
	is_int(count_of(&r, 7, &sum), MANY, "all have found room");
	recalls_clear(&r);
}

static void a_flood_that_is_over_leaves_no_memory_behind(void)
{
	struct recalls r;
	uint64_t sum;
	size_t most;

	recalls_init(&r);
	add(&r, 1, MANY, 2 * MANY);
	most = r.size;
	recalls_forget(&r, MANY - 1);
	need(recalls_reserve(&r, 1) == ERR_OK);
	ok(most >= MANY && r.size < most / 8, "the room for it is given back");
	is_int(count_of(&r, MANY, &sum), 1, "what is not forgotten stays");
	recalls_clear(&r);
}

static void memory_stays_what_is_known(void)
{
	struct recalls r;
	size_t most = 0;

	recalls_init(&r);
	for (uint32_t i = 1; i <= 20 * MANY; i++) {
		add(&r, i, i, 20 * MANY + 1);
		if (i > 1000)
			recalls_forget(&r, i - 1000);
		most = r.size > most ? r.size : most;
	}
	is_int(r.count, 1000, "a thousand are known all the time");
	ok(most <= 4096, "and that is how much room there is");
	recalls_clear(&r);
}

int main(void)
{
	RUN(nothing_is_found_where_nothing_is);
	RUN(each_is_found_until_it_is_forgotten);
	RUN(several_of_one_are_all_found);
	RUN(forgetting_takes_no_room_away);
	RUN(a_flood_that_is_over_leaves_no_memory_behind);
	RUN(memory_stays_what_is_known);
	return tap_done();
}
