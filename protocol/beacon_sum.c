/* Summing up what an author has said, within the bounds of a beacon. */
#include <stdlib.h>
#include <string.h>

#include "protocol/beacon.h"

/* Ranges whose messages expire so differently are told apart as long as there is room, so that one
 * message that is kept for a day does not cut short what is said of the others. */
enum { APART_HOURS = 48 };

struct summed {
	uint64_t at; /* of its newest message */
	size_t incarnation;
	struct beacon_range range;
};

struct told {
	uint64_t incarnation, last, at;
	bool kept;
};

struct beacon_sum {
	uint32_t hour;
	struct told *told; /* owned */
	size_t told_count, told_size;
	struct summed *ranges; /* owned */
	size_t count, size;
};

struct beacon_sum *beacon_sum_new(uint32_t hour)
{
	struct beacon_sum *sum = calloc(1, sizeof *sum);

	if (sum)
		sum->hour = hour;
	return sum;
}

void beacon_sum_free(struct beacon_sum *sum)
{
	if (!sum)
		return;
	free(sum->told);
	free(sum->ranges);
	free(sum);
}

/* Room for one more of so many bytes; false when memory is short. */
static bool grow(void **at, size_t *size, size_t count, size_t width)
{
	size_t larger = *size ? 2 * *size : 64;
	void *grown;

	if (*at && count < *size)
		return true;
	grown = realloc(*at, larger * width);
	if (!grown)
		return false;
	*at = grown;
	*size = larger;
	return true;
}

static bool goes_on(const struct beacon_sum *sum, const struct beacon_said *said)
{
	const struct summed *s = sum->count ? &sum->ranges[sum->count - 1] : NULL;
	uint32_t until;

	if (!s || s->incarnation != sum->told_count - 1 || s->range.last + 1 != said->sequence)
		return false;
	until = s->range.until;
	return said->expiry > until ? said->expiry - until <= APART_HOURS
				    : until - said->expiry <= APART_HOURS;
}

enum err beacon_sum_add(struct beacon_sum *sum, const struct beacon_said *said)
{
	struct told *t = sum->told_count ? &sum->told[sum->told_count - 1] : NULL;
	struct summed *s;

	if (said->sequence > BEACON_SEQUENCE_MAX)
		return ERR_OK;
	if (!t || t->incarnation != said->incarnation) {
		if (!grow((void **)&sum->told, &sum->told_size, sum->told_count, sizeof *t))
			return ERR_MEMORY;
		t = &sum->told[sum->told_count++];
		*t = (struct told){.incarnation = said->incarnation};
	}
	if (t->last == said->sequence)
		return ERR_OK;
	t->last = said->sequence;
	if (t->at < said->at)
		t->at = said->at;
	if (said->expiry <= sum->hour)
		return ERR_OK;
	if (!goes_on(sum, said)) {
		if (!grow((void **)&sum->ranges, &sum->size, sum->count, sizeof *s))
			return ERR_MEMORY;
		sum->ranges[sum->count++] =
			(struct summed){.incarnation = sum->told_count - 1,
					.range = {said->sequence, said->sequence, said->expiry}};
	}
	s = &sum->ranges[sum->count - 1];
	s->range.last = said->sequence;
	if (s->range.until > said->expiry)
		s->range.until = said->expiry;
	if (s->at < said->at)
		s->at = said->at;
	return ERR_OK;
}

/* What follows each other without a gap becomes one range, whenever its messages expire. */
static void join(struct beacon_sum *sum)
{
	size_t kept = 0;

	for (size_t i = 1; i < sum->count; i++) {
		struct summed *s = &sum->ranges[kept], *next = &sum->ranges[i];
		if (next->incarnation != s->incarnation || next->range.first != s->range.last + 1) {
			sum->ranges[++kept] = *next;
			continue;
		}
		s->range.last = next->range.last;
		if (s->range.until > next->range.until)
			s->range.until = next->range.until;
		if (s->at < next->at)
			s->at = next->at;
	}
	if (sum->count)
		sum->count = kept + 1;
}

static int newest_first(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x < y) - (x > y);
}

/* The nth greatest; n is less than count.  Memory that is short leaves nothing but the newest. */
static uint64_t nth_newest(uint64_t *ats, size_t count, size_t n)
{
	qsort(ats, count, sizeof *ats, newest_first);
	return ats[n];
}

/* Keeps the incarnations that spoke last. */
static void choose_incarnations(struct beacon_sum *sum)
{
	uint64_t *ats = calloc(sum->told_count + 1, sizeof *ats), bound = 0;

	for (size_t i = 0; ats && i < sum->told_count; i++)
		ats[i] = sum->told[i].at;
	if (ats && sum->told_count > BEACON_INCARNATIONS_MAX)
		bound = nth_newest(ats, sum->told_count, BEACON_INCARNATIONS_MAX - 1);
	for (size_t i = 0; i < sum->told_count; i++)
		sum->told[i].kept = sum->told[i].at >= bound;
	free(ats);
}

/* Leaves out the ranges that are older than the newest that fit. */
static void choose_ranges(struct beacon_sum *sum)
{
	uint64_t *ats, bound;
	size_t kept = 0;

	if (sum->count > BEACON_RANGES_MAX)
		join(sum);
	if (sum->count <= BEACON_RANGES_MAX)
		return;
	ats = calloc(sum->count, sizeof *ats);
	for (size_t i = 0; ats && i < sum->count; i++)
		ats[i] = sum->ranges[i].at;
	bound = ats ? nth_newest(ats, sum->count, BEACON_RANGES_MAX - 1) : 0;
	free(ats);
	for (size_t i = 0; i < sum->count; i++) {
		if (sum->ranges[i].at >= bound)
			sum->ranges[kept++] = sum->ranges[i];
	}
	sum->count = kept;
}

void beacon_sum_up(struct beacon_sum *sum, struct beacon *out)
{
	size_t next = 0;

	choose_incarnations(sum);
	choose_ranges(sum);
	out->incarnation_count = out->range_count = 0;
	for (size_t i = 0; i < sum->told_count; i++) {
		struct beacon_incarnation *to = &out->incarnations[out->incarnation_count];
		bool kept = sum->told[i].kept && out->incarnation_count < BEACON_INCARNATIONS_MAX;
		if (kept) {
			*to = (struct beacon_incarnation){.incarnation = sum->told[i].incarnation,
							  .last = sum->told[i].last,
							  .at = out->range_count};
			out->incarnation_count++;
		}
		for (; next < sum->count && sum->ranges[next].incarnation == i; next++) {
			if (!kept || out->range_count == BEACON_RANGES_MAX)
				continue;
			out->ranges[out->range_count++] = sum->ranges[next].range;
			to->count++;
		}
	}
}
