#include "protocol/gaps.h"

#include "tests/tap.h"

enum { HOUR = 495000, LATER = HOUR + 24, MINUTE_MS = 60 * 1000, PATIENCE_MS = 10 * MINUTE_MS };

/* A store that has some sequences of one incarnation. */
struct shelf {
	uint64_t incarnation, have[16];
	size_t count;
	enum err e;
};

static enum err here(void *arg, uint64_t incarnation, uint64_t first, uint64_t last,
		     bool (*met)(void *to, uint64_t sequence), void *to)
{
	const struct shelf *s = arg;

	for (size_t i = 0; i < s->count && incarnation == s->incarnation; i++)
		if (s->have[i] >= first && s->have[i] <= last && !met(to, s->have[i]))
			break;
	return s->e;
}

static struct gap_view view_of(struct shelf *s)
{
	return (struct gap_view){.arg = s, .hour = HOUR, .here = here};
}

static struct beacon *told(const char *json)
{
	struct beacon *b = calloc(1, sizeof *b);

	need(b && beacon_read(b, json, strlen(json), NULL) == ERR_OK);
	return b;
}

#define ONE(incarnation, last, live) \
	"{\"incarnation\":\"" incarnation "\",\"last\":" last ",\"live\":[" live "]}"
#define BEACON(incarnations) "{\"incarnations\":[" incarnations "]}"
#define A "0000000000000001"
#define B "0000000000000002"
#define C "0000000000000003"

static void what_was_told_and_is_not_here_is_missing(void)
{
	struct beacon *b = told(BEACON(ONE(A, "9", "[2,5,495024],[7,9,495024]")));
	struct shelf s = {.incarnation = 1, .have = {1, 3, 6, 7, 8}, .count = 5};
	struct gap_view view = view_of(&s);
	struct gap g = {.since = 7};

	is_int(gap_compare(&g, b, &view), ERR_OK, "it is compared");
	is_int(g.total, 4, "2, 4, 5 and 9");
	is_int(g.count, 3, "in three ranges");
	ok(g.ranges[0].first == 2 && g.ranges[0].last == 2, "the first of what was told");
	ok(g.ranges[1].first == 4 && g.ranges[1].last == 5, "the last of a range");
	ok(g.ranges[2].first == 9 && g.ranges[2].last == 9, "the last of all");
	is_int(g.since, 7, "its time is not touched");
	s.e = ERR_IO;
	is_int(gap_compare(&g, b, &view), ERR_IO, "what cannot be read is said");
	free(b);
}

static void what_is_here_twice_is_here(void)
{
	struct beacon *b = told(BEACON(ONE(A, "3", "[1,3,495024]")));
	struct shelf s = {.incarnation = 1, .have = {1, 2, 2, 3}, .count = 4};
	struct gap_view view = view_of(&s);
	struct gap g = {0};

	is_int(gap_compare(&g, b, &view), ERR_OK, "it is compared");
	is_int(g.total, 0, "nothing is missing");
	s.incarnation = 2;
	is_int(gap_compare(&g, b, &view), ERR_OK, "of another incarnation");
	is_int(g.total, 3, "all of it is");
	free(b);
}

static void what_has_expired_or_never_could_be_kept_is_not_missing(void)
{
	struct beacon *b = told(BEACON(ONE(A, "3", "[1,1,495000],[2,2,495001],[3,3,504649]")));
	struct shelf s = {0};
	struct gap_view view = view_of(&s);
	struct gap g = {0};

	is_int(gap_compare(&g, b, &view), ERR_OK, "it is compared");
	is_int(g.total, 1, "one of three");
	is_int(g.ranges[0].first, 2, "which lives for an hour");
	view.hour++;
	is_int(gap_compare(&g, b, &view), ERR_OK, "an hour later");
	is_int(g.ranges[0].first, 3, "it is what expires in 402 days");
	free(b);
}

static void many_ranges_are_counted_and_not_kept(void)
{
	struct beacon *b = told(BEACON(ONE(A, "40", "[1,40,495024]")));
	struct shelf s = {.incarnation = 1, .count = 16};
	struct gap_view view = view_of(&s);
	struct gap g = {0};

	for (size_t i = 0; i < s.count; i++)
		s.have[i] = 2 * i + 2;
	is_int(gap_compare(&g, b, &view), ERR_OK, "it is compared");
	is_int(g.total, 24, "all are counted");
	is_int(g.count, MISSING_MAX, "so many are known");
	ok(g.more, "and that there are more");
	free(b);
}

static void what_has_come_changes_a_gap(void)
{
	struct gap g = {.count = 2, .ranges = {{1, 2, 3}, {1, 6, 9}}};
	struct shelf s = {.incarnation = 1, .have = {1, 4, 5}, .count = 3};
	struct gap_view view = view_of(&s);
	bool changed = true;

	is_int(gap_changed(&g, &view, &changed), ERR_OK, "it is looked for");
	ok(!changed, "what is beside is nothing of it");
	s.have[2] = 9;
	is_int(gap_changed(&g, &view, &changed), ERR_OK, "again");
	ok(changed, "its last is");
}

/* ---- several beacons ---- */

static char *merged(const char *a, const char *b)
{
	struct beacon *x = told(a), *y = told(b), *out = told(BEACON(""));
	struct text t;

	text_init(&t);
	beacons_merge(out, x, y);
	beacon_write(&t, out);
	need(!t.bad);
	free(x);
	free(y);
	free(out);
	return t.at;
}

static void is_merged(const char *a, const char *b, const char *wanted, const char *what)
{
	char *got = merged(a, b);

	is_str(got, wanted, "%s", what);
	free(got);
}

static void of_each_incarnation_counts_what_tells_of_more(void)
{
	static const char old[] = BEACON(ONE(A, "3", "[1,3,495001]")),
			  new[] = BEACON(ONE(A, "5", "[1,3,495024],[4,5,495100]"));

	is_merged(new, old, new, "an old beacon hides nothing");
	is_merged(old, new, new, "in whichever order they came");
	is_merged(BEACON(ONE(A, "3", "[2,3,495024]")), old, BEACON(ONE(A, "3", "[2,3,495024]")),
		  "where both tell of as much the first does");
	is_merged(BEACON(ONE(B, "1", "[1,1,495024]")),
		  BEACON(ONE(A, "2", "[1,2,495024]") "," ONE(C, "9", "")),
		  BEACON(ONE(A, "2", "[1,2,495024]") "," ONE(B, "1", "[1,1,495024]") "," ONE(C, "9",
											     "")),
		  "what only one tells is told, in order");
	is_merged(BEACON(""), BEACON(""), BEACON(""), "nothing and nothing is nothing");
}

static void full_of(struct beacon *b, size_t incarnations, size_t ranges, uint64_t first)
{
	memset(b, 0, sizeof *b);
	for (size_t i = 0; i < incarnations; i++) {
		struct beacon_incarnation *of = &b->incarnations[b->incarnation_count++];
		*of = (struct beacon_incarnation){first + i, ranges, b->range_count, ranges};
		for (size_t r = 0; r < ranges; r++)
			b->ranges[b->range_count++] = (struct beacon_range){r + 1, r + 1, LATER};
	}
}

static void where_there_is_no_room_the_first_keeps_all_of_its_own(void)
{
	struct beacon *a = told(BEACON("")), *b = told(BEACON("")), *out = told(BEACON(""));

	full_of(a, 64, 16, 100);
	full_of(b, 64, 16, 1);
	beacons_merge(out, a, b);
	is_int(out->incarnation_count, 64, "64 incarnations");
	is_int(out->range_count, 1024, "1,024 ranges");
	is_int(out->incarnations[0].incarnation, 100, "of the first");
	full_of(a, 32, 16, 100);
	beacons_merge(out, a, b);
	is_int(out->incarnation_count, 64, "half of the room is free");
	is_int(out->incarnations[0].incarnation, 1, "for what the other tells");
	is_int(out->incarnations[63].incarnation, 131, "and the first has all of its own");
	full_of(a, 64, 16, 1);
	full_of(b, 1, 17, 1);
	beacons_merge(out, a, b);
	is_int(out->range_count, 1024, "what tells of more and has no room");
	is_int(out->incarnations[0].count, 16, "does not take the place of what has");
	free(a);
	free(b);
	free(out);
}

/* ---- a table of them ---- */

static struct gap found(uint8_t origin, uint8_t audience, uint64_t total)
{
	struct gap g = {.total = total, .count = total > 0, .ranges = {{1, 1, total}}};

	g.stream.origin.b[0] = origin;
	g.stream.audience.b[0] = audience;
	return g;
}

static void a_gap_is_asked_for_at_once_and_again_and_told_of_once(void)
{
	struct gap f = found(1, 1, 3), *g;
	struct gaps all;
	uint64_t now = 5 * MINUTE_MS, began = now;

	need(gaps_init(&all) == ERR_OK);
	g = gaps_take(&all, &f, now);
	ok(g, "it is asked for at once");
	is_int(g->next, now + 2 * MINUTE_MS, "again after two minutes");
	now += 2 * MINUTE_MS;
	g = gaps_take(&all, &f, now);
	is_int(g->next, now + 10 * MINUTE_MS, "then after ten");
	is_int(g->since, began, "it has lasted since it was found");
	is_int(gap_deadline(g, PATIENCE_MS), began + PATIENCE_MS, "the operator is told before");
	ok(!gap_is_news(g, began + PATIENCE_MS - 1, PATIENCE_MS), "not a moment too soon");
	ok(gap_is_news(g, began + PATIENCE_MS, PATIENCE_MS), "but then");
	ok(!gap_is_news(g, began + PATIENCE_MS, PATIENCE_MS), "once");
	g = gaps_take(&all, &f, now + MINUTE_MS);
	ok(g->reported, "it stays so when it is looked at again");
	is_int(gap_deadline(g, PATIENCE_MS), g->next, "and is looked at when it is time");
	f.total = 0;
	ok(!gaps_take(&all, &f, now + MINUTE_MS), "what has come is not asked for");
	ok(!gaps_find(&all, &f.stream), "and no gap any more");
	gaps_clear(&all);
}

static void an_author_has_so_many_gaps_and_no_more(void)
{
	struct gaps all;
	struct gap f;
	size_t taken = 0;

	need(gaps_init(&all) == ERR_OK);
	for (unsigned i = 0; i < 100; i++) {
		f = found(1, (uint8_t)i, 1);
		taken += gaps_take(&all, &f, 0) != NULL;
	}
	is_int(taken, GAPS_OF_ORIGIN_MAX, "of one");
	f = found(2, 1, 1);
	ok(gaps_take(&all, &f, 0), "another has room of its own");
	f = found(1, 5, 2);
	ok(gaps_take(&all, &f, 0), "and what is known can change");
	for (unsigned o = 3; o < 40; o++)
		for (unsigned i = 0; i < 64; i++) {
			f = found((uint8_t)o, (uint8_t)i, 1);
			gaps_take(&all, &f, 0);
		}
	is_int(all.count, GAPS_MAX, "and all together");
	gaps_clear(&all);
}

static void one_that_is_over_takes_no_other_with_it(void)
{
	struct gaps all;
	struct gap f;

	need(gaps_init(&all) == ERR_OK);
	for (uint8_t i = 1; i <= 3; i++) {
		f = found(i, i, i);
		need(gaps_take(&all, &f, 0));
	}
	f = found(1, 1, 0);
	ok(!gaps_take(&all, &f, 0), "of three the first is over");
	is_int(all.count, 2, "two are left");
	for (uint8_t i = 2; i <= 3; i++) {
		const struct gap *g;
		f = found(i, i, i);
		g = gaps_find(&all, &f.stream);
		ok(g && g->total == i, "number %d as it was", i);
	}
	gaps_clear(&all);
}

int main(void)
{
	RUN(what_was_told_and_is_not_here_is_missing);
	RUN(what_is_here_twice_is_here);
	RUN(what_has_expired_or_never_could_be_kept_is_not_missing);
	RUN(many_ranges_are_counted_and_not_kept);
	RUN(what_has_come_changes_a_gap);
	RUN(of_each_incarnation_counts_what_tells_of_more);
	RUN(where_there_is_no_room_the_first_keeps_all_of_its_own);
	RUN(a_gap_is_asked_for_at_once_and_again_and_told_of_once);
	RUN(one_that_is_over_takes_no_other_with_it);
	RUN(an_author_has_so_many_gaps_and_no_more);
	return tap_done();
}
