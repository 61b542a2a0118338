#include "protocol/beacon.h"

#include "tests/tap.h"

static enum err read_text(struct beacon *b, const char *json)
{
	return beacon_read(b, json, strlen(json), NULL);
}

static struct beacon *room(void)
{
	struct beacon *b = calloc(1, sizeof *b);

	need(b);
	return b;
}

static const char sample[] =
	"{\"incarnations\":[{\"incarnation\":\"0000000000000007\",\"last\":12,\"live\":"
	"[[1,4,490000],[6,12,491000]]},{\"incarnation\":\"ffffffffffffffff\",\"last\":1,"
	"\"live\":[]}]}";

static void what_is_written_is_read(void)
{
	struct beacon *b = room();
	struct text t;

	text_init(&t);
	is_int(read_text(b, sample), ERR_OK, "it is read");
	is_int(b->incarnation_count, 2, "two incarnations");
	is_int(b->incarnations[0].incarnation, 7, "the first");
	is_int(b->incarnations[0].last, 12, "its last");
	is_int(b->incarnations[0].count, 2, "its ranges");
	is_int(b->ranges[1].first, 6, "the second begins");
	is_int(b->ranges[1].last, 12, "ends");
	is_int(b->ranges[1].until, 491000, "and lives");
	ok(beacon_incarnation(b, UINT64_MAX) == &b->incarnations[1], "one is found by its number");
	ok(!beacon_incarnation(b, 8), "and another is not");
	beacon_write(&t, b);
	is_str(t.at, sample, "it is written as it was");
	text_clear(&t);
	free(b);
}

static void nothing_said_is_a_beacon_too(void)
{
	struct beacon *b = room();

	is_int(read_text(b, "{\"incarnations\":[]}"), ERR_OK, "of a first start");
	is_int(b->incarnation_count, 0, "nothing in it");
	is_int(read_text(b, "{\"incarnations\":[],\"later\":{\"version\":[1]}}"), ERR_OK,
	       "unknown members are ignored");
	free(b);
}

#define ONE(fields) "{\"incarnations\":[{" fields "}]}"
#define LIVE(ranges) ONE("\"incarnation\":\"0000000000000007\",\"last\":12,\"live\":[" ranges "]")
#define LAST(last) ONE("\"incarnation\":\"0000000000000007\",\"last\":" last ",\"live\":[]")
#define NAMED(id) ONE("\"incarnation\":" id ",\"last\":12,\"live\":[]")

static void what_breaks_the_rules_is_refused(void)
{
	static const char *const refused[] = {
		"",
		"[]",
		"{}",
		"{\"incarnations\":{}}",
		"{\"incarnations\":[7]}",
		"{\"incarnations\":[{}]}",
		LAST("0"),
		LAST("-1"),
		LAST("1.5"),
		LAST("\"1\""),
		LAST("9007199254740992"),
		LAST("1e300"),
		NAMED("7"),
		NAMED("\"7\""),
		NAMED("\"00000000000000007\""),
		NAMED("\"000000000000000A\""),
		NAMED("\"000000000000000g\""),
		ONE("\"incarnation\":\"0000000000000007\",\"last\":12"),
		LIVE("7"),
		LIVE("[1,2]"),
		LIVE("[1,2,3,4]"),
		LIVE("[0,2,3]"),
		LIVE("[1,13,3]"),
		LIVE("[3,2,3]"),
		LIVE("[1,2,0]"),
		LIVE("[1,2,4294967296]"),
		LIVE("[1,2,3],[2,4,3]"),
		LIVE("[5,6,3],[1,2,3]"),
		LIVE("[1,2,\"3\"]"),
		"{\"incarnations\":[{\"incarnation\":\"0000000000000007\",\"last\":12,\"live\":[]},"
		"{\"incarnation\":\"0000000000000007\",\"last\":12,\"live\":[]}]}",
		"{\"incarnations\":[{\"incarnation\":\"0000000000000008\",\"last\":12,\"live\":[]},"
		"{\"incarnation\":\"0000000000000007\",\"last\":12,\"live\":[]}]}",
	};
	struct beacon *b = room();

	for (size_t i = 0; i < sizeof refused / sizeof *refused; i++)
		ok(read_text(b, refused[i]) != ERR_OK, "%.70s", refused[i]);
	is_int(read_text(b, LAST("9007199254740991")), ERR_OK, "the greatest sequence");
	is_int(read_text(b, LIVE("[1,12,4294967295]")), ERR_OK, "the last hour");
	is_int(read_text(b, LIVE("[1,2,3],[3,4,5]")), ERR_OK, "ranges may touch");
	free(b);
}

#define AUDIT(text) "{\"incarnations\":[],\"audit\":" text "}"
#define HASH "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"

static void what_it_tells_of_the_audit_is_read_and_checked(void)
{
	static const char *const refused[] = {
		AUDIT("null"),
		AUDIT("7"),
		AUDIT("{}"),
		AUDIT("{\"number\":7}"),
		AUDIT("{\"hash\":\"" HASH "\"}"),
		AUDIT("{\"number\":0,\"hash\":\"" HASH "\"}"),
		AUDIT("{\"number\":7.5,\"hash\":\"" HASH "\"}"),
		AUDIT("{\"number\":9007199254740992,\"hash\":\"" HASH "\"}"),
		AUDIT("{\"number\":7,\"hash\":\"" HASH "00\"}"),
		AUDIT("{\"number\":7,\"hash\":\"0011\"}"),
		AUDIT("{\"number\":7,\"hash\":\"AA" HASH "\"}"),
		AUDIT("{\"number\":7,\"hash\":"
		      "\"00112233445566778899AABBCCDDEEFF00112233445566778899"
		      "aabbccddeeff\"}"),
	};
	static const char good[] = AUDIT("{\"number\":7,\"hash\":\"" HASH "\"}");
	struct beacon *b = room();
	struct text t;

	for (size_t i = 0; i < sizeof refused / sizeof *refused; i++)
		ok(read_text(b, refused[i]) == ERR_FORMAT, "%.90s", refused[i]);
	is_int(read_text(b, good), ERR_OK, "a number and a hash");
	is_int((long)b->audit.number, 7, "the number");
	is_int(b->audit.hash.b[1], 0x11, "the hash");
	text_init(&t);
	beacon_write(&t, b);
	ok(strcmp(t.at, good) == 0, "is written as it was");
	text_clear(&t);
	is_int(read_text(b, "{\"incarnations\":[]}"), ERR_OK, "who does not tell");
	ok(b->audit.number == 0, "has not told");
	free(b);
}

static void a_text_cut_anywhere_is_refused_and_a_flipped_bit_does_no_harm(void)
{
	size_t refusals = 0, outside = 0;
	struct beacon *b = room();

	for (size_t n = 0; n + 1 < sizeof sample; n++) {
		char *copy = malloc(n + 1);
		need(copy);
		memcpy(copy, sample, n);
		refusals += beacon_read(b, copy, n, NULL) != ERR_OK;
		free(copy);
	}
	is_int(refusals, sizeof sample - 1, "every prefix");
	for (size_t bit = 0; bit < 8 * (sizeof sample - 1); bit++) {
		char copy[sizeof sample];
		memcpy(copy, sample, sizeof copy);
		copy[bit / 8] = (char)(copy[bit / 8] ^ (1 << bit % 8));
		if (beacon_read(b, copy, sizeof copy - 1, NULL) == ERR_OK)
			for (size_t i = 0; i < b->incarnation_count; i++)
				outside += b->incarnations[i].at + b->incarnations[i].count >
					   b->range_count;
	}
	is_int(outside, 0, "no range outside the list");
	free(b);
}

/* count incarnations of so many ranges each. */
static enum err read_many(struct beacon *b, size_t count, size_t ranges)
{
	struct text t;
	enum err e;

	text_init(&t);
	text_str(&t, "{\"incarnations\":[");
	for (size_t i = 0; i < count; i++) {
		text_format(&t, "%s{\"incarnation\":\"%016zx\",\"last\":5000,\"live\":[",
			    i ? "," : "", i);
		for (size_t r = 0; r < ranges; r++)
			text_format(&t, "%s[%zu,%zu,9]", r ? "," : "", 2 * r + 1, 2 * r + 1);
		text_str(&t, "]}");
	}
	text_str(&t, "]}");
	need(!t.bad);
	e = beacon_read(b, t.at, t.length, NULL);
	text_clear(&t);
	return e;
}

static void bounds_are_kept(void)
{
	struct beacon *b = room();

	is_int(read_many(b, 64, 16), ERR_OK, "64 incarnations, 1,024 ranges");
	is_int(read_many(b, 65, 0), ERR_LIMIT, "65 incarnations");
	is_int(read_many(b, 1, 1024), ERR_OK, "all ranges of one");
	is_int(read_many(b, 1, 1025), ERR_LIMIT, "one range more");
	is_int(read_many(b, 1, 100000), ERR_LIMIT, "very many");
	free(b);
}

static void add(struct beacon_sum *sum, uint64_t incarnation, uint64_t sequence, uint64_t at,
		uint32_t expiry)
{
	struct beacon_said said = {incarnation, sequence, at, expiry};

	need(beacon_sum_add(sum, &said) == ERR_OK);
}

static void what_follows_each_other_is_one_range(void)
{
	struct beacon_sum *sum = beacon_sum_new(1000);
	struct beacon *b = room();

	need(sum);
	add(sum, 5, 1, 1, 1001);
	add(sum, 5, 2, 2, 1010);
	add(sum, 5, 3, 3, 1000); /* expired */
	add(sum, 5, 4, 4, 1009);
	add(sum, 5, 4, 9, 1009); /* used twice */
	add(sum, 5, 6, 5, 1009);
	add(sum, 9, 7, 6, 1009); /* of another incarnation */
	add(sum, 9, 8, 6, 999);
	beacon_sum_up(sum, b);
	is_int(b->incarnation_count, 2, "two incarnations");
	is_int(b->incarnations[0].last, 6, "the last of the first");
	is_int(b->incarnations[0].count, 3, "three ranges");
	is_int(b->ranges[0].last, 2, "up to what has expired");
	is_int(b->ranges[0].until, 1001, "as long as the first to expire");
	is_int(b->ranges[1].first, 4, "and on behind it");
	is_int(b->ranges[1].last, 4, "up to what is not there");
	is_int(b->ranges[2].first, 6, "and on behind that");
	is_int(b->incarnations[1].last, 8, "what has expired was given all the same");
	is_int(b->ranges[3].last, 7, "and is not live");
	beacon_sum_free(sum);
	free(b);
}

static void what_is_kept_long_is_told_apart_from_what_is_not(void)
{
	struct beacon_sum *sum = beacon_sum_new(1000);
	struct beacon *b = room();

	need(sum);
	add(sum, 5, 1, 1, 9000);
	add(sum, 5, 2, 2, 1024);
	add(sum, 5, 3, 3, 9001);
	beacon_sum_up(sum, b);
	is_int(b->range_count, 3, "as long as there is room");
	is_int(b->ranges[0].until, 9000, "the long one");
	is_int(b->ranges[1].until, 1024, "the short one");
	beacon_sum_free(sum);
	free(b);
}

static void where_there_is_too_much_the_oldest_is_left_out(void)
{
	struct beacon_sum *sum = beacon_sum_new(1000), *touching = beacon_sum_new(1000);
	struct beacon *b = room();

	need(sum && touching);
	for (uint64_t i = 1; i <= 100; i++)
		for (uint64_t s = 1; s <= 100; s++)
			add(sum, i, 2 * s, i == 1 ? 100000 + s : 100 * i + s, 2000);
	beacon_sum_up(sum, b);
	is_int(b->incarnation_count, BEACON_INCARNATIONS_MAX, "64 incarnations");
	is_int(b->incarnations[0].incarnation, 1, "the one that spoke last");
	is_int(b->incarnations[1].incarnation, 38, "and the newest of the others");
	is_int(b->range_count, BEACON_RANGES_MAX, "1,024 ranges");
	is_int(b->incarnations[0].count, 100, "all of the newest");
	is_int(b->incarnations[1].count, 0, "none of the oldest");
	for (uint64_t s = 1; s <= 5000; s++)
		add(touching, 1, s, s, s % 2 ? 2000 : 9000);
	beacon_sum_up(touching, b);
	is_int(b->range_count, 1, "rather than leave out, ranges are joined");
	is_int(b->ranges[0].last, 5000, "to the end");
	is_int(b->ranges[0].until, 2000, "until the first expires");
	beacon_sum_free(sum);
	beacon_sum_free(touching);
	free(b);
}

int main(void)
{
	RUN(what_is_written_is_read);
	RUN(nothing_said_is_a_beacon_too);
	RUN(what_breaks_the_rules_is_refused);
	RUN(what_it_tells_of_the_audit_is_read_and_checked);
	RUN(a_text_cut_anywhere_is_refused_and_a_flipped_bit_does_no_harm);
	RUN(bounds_are_kept);
	RUN(what_follows_each_other_is_one_range);
	RUN(what_is_kept_long_is_told_apart_from_what_is_not);
	RUN(where_there_is_too_much_the_oldest_is_left_out);
	return tap_done();
}
