/* What a node has said to an audience, summed up as a beacon says it: each five bytes of the input
 * are one message more.  The beacon can be read, tells of nothing that was not said, and of all
 * that lives unless there is too much of it. */
#include <string.h>

#include "protocol/beacon.h"
#include "tests/fuzz/fuzz.h"

enum { HOUR = 1000, STEP_BYTES = 5, SAID_MAX = 6000 };

static struct beacon_said said[SAID_MAX];

/* Ascending, as the caller of beacon_sum_add() has them; the first byte says how far on it is. */
static size_t say(struct beacon_sum *sum, const uint8_t *data, size_t n)
{
	struct beacon_said s = {.incarnation = 1};
	size_t count = 0;

	for (size_t i = 0; i + STEP_BYTES <= n && count < SAID_MAX; i += STEP_BYTES) {
		if (data[i] & 0x80) {
			s.incarnation += 1 + (data[i] & 0x7f);
			s.sequence = data[i + 1] & 7;
		} else {
			s.sequence += data[i] & 3;
		}
		s.sequence = s.sequence ? s.sequence : 1;
		s.at = data[i + 2];
		s.expiry = HOUR - 20 + (uint32_t)data[i + 3] * (data[i + 4] & 3);
		must(beacon_sum_add(sum, &s) == ERR_OK);
		said[count++] = s;
	}
	return count;
}

static const struct beacon_said *find(size_t count, uint64_t incarnation, uint64_t sequence)
{
	for (size_t i = 0; i < count; i++)
		if (said[i].incarnation == incarnation && said[i].sequence == sequence)
			return &said[i];
	return NULL;
}

static void nothing_is_made_up(const struct beacon *b, size_t count)
{
	for (size_t i = 0; i < b->incarnation_count; i++) {
		const struct beacon_incarnation *x = &b->incarnations[i];
		must(i == 0 || b->incarnations[i - 1].incarnation < x->incarnation);
		must(find(count, x->incarnation, x->last));
		must(!find(count, x->incarnation, x->last + 1));
		for (size_t k = x->at; k < x->at + x->count; k++) {
			const struct beacon_range *r = &b->ranges[k];
			must(r->first <= r->last && r->last <= x->last && r->until > HOUR);
			must(k == x->at || b->ranges[k - 1].last < r->first);
			for (uint64_t s = r->first; s <= r->last; s++)
				must(find(count, x->incarnation, s));
		}
	}
}

static bool told(const struct beacon *b, const struct beacon_said *s)
{
	const struct beacon_incarnation *x = beacon_incarnation(b, s->incarnation);

	for (size_t k = 0; x && k < x->count; k++) {
		const struct beacon_range *r = &b->ranges[x->at + k];
		if (r->first <= s->sequence && s->sequence <= r->last)
			return true;
	}
	return false;
}

/* One that was used twice may have expired as the one and not as the other. */
static bool lives(size_t count, const struct beacon_said *one)
{
	for (size_t i = 0; i < count; i++)
		if (said[i].incarnation == one->incarnation && said[i].sequence == one->sequence &&
		    said[i].expiry <= HOUR)
			return false;
	return true;
}

static void all_that_lives_is_told(const struct beacon *b, size_t count)
{
	if (b->incarnation_count == BEACON_INCARNATIONS_MAX || b->range_count == BEACON_RANGES_MAX)
		return;
	for (size_t i = 0; i < count; i++)
		must(told(b, &said[i]) || !lives(count, &said[i]));
}

static void read_again(const struct beacon *b)
{
	static struct beacon again;
	struct text t;

	text_init(&t);
	beacon_write(&t, b);
	must(!t.bad && beacon_read(&again, t.at, t.length, NULL) == ERR_OK);
	must(again.incarnation_count == b->incarnation_count);
	must(again.range_count == b->range_count);
	for (size_t i = 0; i < b->range_count; i++) {
		const struct beacon_range *x = &b->ranges[i], *y = &again.ranges[i];
		must(x->first == y->first && x->last == y->last && x->until == y->until);
	}
	text_clear(&t);
}

unsigned fuzz_cost(void)
{
	return 4;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static struct beacon b;
	struct beacon_sum *sum = beacon_sum_new(HOUR);
	size_t count;

	must(sum);
	memset(&b, 0, sizeof b);
	count = say(sum, data, n);
	beacon_sum_up(sum, &b);
	beacon_sum_free(sum);
	must(b.incarnation_count <= BEACON_INCARNATIONS_MAX && b.range_count <= BEACON_RANGES_MAX);
	nothing_is_made_up(&b, count);
	all_that_lives_is_told(&b, count);
	read_again(&b);
	return 0;
}
