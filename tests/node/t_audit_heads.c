/* What is seen of audits that were cut or written anew, in whatever order beacons come. */
#include <string.h>

#include "node/duty/audit_heads.h"
#include "tests/tap.h"

static struct message_id id_of(uint8_t n)
{
	struct message_id id = {{n}};

	return id;
}

/* A beacon of an incarnation: its id is made of incarnation and sequence; ref: 0 for none. */
static struct audit_told told(uint64_t incarnation, uint64_t sequence, uint8_t ref, uint64_t number,
			      uint8_t hash)
{
	struct audit_told t = {.incarnation = incarnation,
			       .sequence = sequence,
			       .id = id_of((uint8_t)(16 * incarnation + sequence)),
			       .ref = id_of(ref),
			       .head = {.number = number}};

	t.head.hash.b[0] = hash;
	return t;
}

static enum audit_fault see(struct audit_heads *h, struct audit_told t)
{
	return audit_heads_see(h, &t);
}

static void an_audit_that_grows_is_good_in_any_order(void)
{
	const struct audit_told all[] = {told(1, 1, 0, 1, 1), told(1, 2, 0, 1, 1),
					 told(1, 3, 0, 4, 4), told(2, 1, 0x11, 4, 4),
					 told(2, 2, 0, 9, 9)};
	enum { N = sizeof all / sizeof *all };
	unsigned orders = 0, good = 0;

	for (unsigned code = 0; code < 5 * 5 * 5 * 5 * 5; code++) {
		struct audit_heads h = {0};
		unsigned at[N], seen = 0, rest = code;
		bool fine = true;
		for (size_t i = 0; i < N; i++, rest /= N) {
			at[i] = rest % N;
			seen |= 1U << at[i];
		}
		if (seen != (1U << N) - 1)
			continue;
		for (size_t i = 0; i < N; i++)
			fine = fine && see(&h, all[at[i]]) == AUDIT_GOOD;
		/* Twice changes nothing. */
		for (size_t i = 0; i < N; i++)
			fine = fine && see(&h, all[at[i]]) == AUDIT_GOOD;
		orders++;
		good += fine && h.count == 2;
	}
	is_int((long)orders, 120, "all orders");
	is_int((long)good, 120, "in none is anything wrong");
}

static void fewer_rows_in_one_incarnation_are_seen(void)
{
	struct audit_heads h = {0}, back = {0};

	is_int(see(&h, told(1, 1, 0, 5, 5)), AUDIT_GOOD, "five rows");
	is_int(see(&h, told(1, 2, 0, 4, 4)), AUDIT_FEWER, "then four");
	ok(h.less == 4 && h.more == 5, "both are named");
	is_int(see(&back, told(1, 2, 0, 4, 4)), AUDIT_GOOD, "the later first");
	is_int(see(&back, told(1, 1, 0, 5, 5)), AUDIT_FEWER, "shows it too");
	ok(back.less == 4 && back.more == 5, "and in the same way");
}

static void fewer_rows_after_a_restart_are_seen(void)
{
	struct audit_heads h = {0}, back = {0};

	is_int(see(&h, told(1, 1, 0, 5, 5)), AUDIT_GOOD, "five rows");
	is_int(see(&h, told(2, 1, 0x11, 4, 4)), AUDIT_FEWER, "four in the one that follows");
	is_int(see(&back, told(2, 1, 0x11, 4, 4)), AUDIT_GOOD, "the later first");
	is_int(see(&back, told(1, 1, 0, 5, 5)), AUDIT_FEWER, "shows it too");
}

static void another_row_under_a_number_is_seen(void)
{
	struct audit_heads h = {0};

	is_int(see(&h, told(1, 1, 0, 5, 5)), AUDIT_GOOD, "row five");
	is_int(see(&h, told(7, 1, 0, 5, 6)), AUDIT_OTHER,
	       "another row five, of whatever incarnation");
}

static void of_two_that_do_not_refer_nothing_is_said(void)
{
	struct audit_heads h = {0};

	is_int(see(&h, told(1, 1, 0, 5, 5)), AUDIT_GOOD, "five rows");
	is_int(see(&h, told(2, 1, 0x31, 4, 4)), AUDIT_GOOD, "it may be the earlier");
}

static void only_so_many_are_remembered(void)
{
	struct audit_heads h = {0};
	bool good = true;

	for (uint64_t i = 1; i <= AUDIT_MARKS_MAX + 4; i++)
		good = see(&h, told(i, 1, 0, i, (uint8_t)i)) == AUDIT_GOOD && good;
	ok(good, "nothing is wrong");
	is_int((long)h.count, AUDIT_MARKS_MAX, "so many");
	is_int((long)h.marks[0].incarnation, 5, "the first heard of have gone");
	is_int(see(&h, told(99, 1, 0, AUDIT_MARKS_MAX + 4, 1)), AUDIT_OTHER, "the last are there");
}

static void an_audit_that_was_not_empty_and_is_shows(void)
{
	struct audit_heads h = {0};

	is_int(see(&h, told(1, 1, 0, 0, 0)), AUDIT_GOOD, "at first there are no rows");
	is_int(see(&h, told(1, 2, 0, 9, 9)), AUDIT_GOOD, "then there are");
	is_int(see(&h, told(2, 1, 0x11, 0, 0)), AUDIT_FEWER, "and in the next incarnation none");
	is_int((long)h.more, 9, "it had nine");
}

int main(void)
{
	RUN(an_audit_that_grows_is_good_in_any_order);
	RUN(fewer_rows_in_one_incarnation_are_seen);
	RUN(fewer_rows_after_a_restart_are_seen);
	RUN(another_row_under_a_number_is_seen);
	RUN(of_two_that_do_not_refer_nothing_is_said);
	RUN(only_so_many_are_remembered);
	RUN(an_audit_that_was_not_empty_and_is_shows);
	return tap_done();
}
