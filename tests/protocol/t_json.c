#include "protocol/json.h"

#include "protocol/types.h"
#include "tests/tap.h"

static enum err parse(const char *text, size_t n)
{
	cJSON *json;
	/* A copy of exactly n bytes lets the address sanitizer see a step too far. */
	char *copy = malloc(n ? n : 1);
	enum err err;

	need(copy);
	memcpy(copy, text, n);
	err = json_parse(&json, copy, n, NULL);
	ok((err == ERR_OK) == (json != NULL), "a result and an error exclude each other");
	cJSON_Delete(json);
	free(copy);
	return err;
}

static void refused(const char *text, enum err want, const char *words)
{
	struct report report;
	cJSON *json;

	report_init(&report);
	is_int(json_parse(&json, text, strlen(text), &report), want, "refused: %.40s", words);
	if (!ok(strstr(report_first(&report), words) != NULL, "says: %s", words))
		printf("# said: %s\n", report_first(&report));
	report_clear(&report);
}

static void every_kind_of_value_is_read(void)
{
	static const char *const good[] = {
		"{}",
		"[]",
		" [ ] ",
		"null",
		"true",
		"false",
		"0",
		"-0",
		"1.5e-10",
		"-12E+3",
		"\"\"",
		"\"\\u00e9\\ud83d\\ude00\\n\\/\"",
		"{\"a\":{\"a\":[1,2,{}]}}",
		"\t{\"a\" : 1}\r\n",
		"[\"\xc3\xa9\", \"\xf0\x9f\x98\x80\", \"\x7f\"]",
		"1e308",
		"1e-400",
	};

	for (size_t i = 0; i < sizeof good / sizeof *good; i++)
		is_int(parse(good[i], strlen(good[i])), ERR_OK, "%s", good[i]);
}

static void what_is_not_strict_json_is_refused_in_words(void)
{
	refused("", ERR_TRUNCATED, "line 1, column 1: the text ends");
	refused("{\"a\":1,}", ERR_FORMAT, "line 1, column 8: a key in quotes");
	refused("[1,]", ERR_FORMAT, "column 4: not a JSON value");
	refused("[1 2]", ERR_FORMAT, "column 4: a comma");
	refused("{\"a\" 1}", ERR_FORMAT, "a colon");
	refused("{a:1}", ERR_FORMAT, "a key in quotes");
	refused("[01]", ERR_FORMAT, "a comma");
	refused("[1.]", ERR_FORMAT, "a digit");
	refused("[.5]", ERR_FORMAT, "not a JSON value");
	refused("[+1]", ERR_FORMAT, "not a JSON value");
	refused("[1e]", ERR_FORMAT, "a digit");
	refused("NaN", ERR_FORMAT, "not a JSON value");
	refused("nul", ERR_FORMAT, "not a JSON value");
	refused("{} x", ERR_TRAILING, "column 4: the text goes on");
	refused("{}{}", ERR_TRAILING, "the text goes on");
	refused("[\"\\x\"]", ERR_FORMAT, "no such escape");
	refused("[\"\\u12g4\"]", ERR_FORMAT, "four hexadecimal digits");
	refused("[\"\\u0000\"]", ERR_FORMAT, "\\u0000");
	refused("[\"\\ud800\"]", ERR_FORMAT, "surrogate");
	refused("[\"\\ud800\\u0041\"]", ERR_FORMAT, "surrogate");
	refused("[\"\\udc00\\ud800\"]", ERR_FORMAT, "surrogate");
	refused("[\"a\nb\"]", ERR_FORMAT, "a control character");
	refused("[\n\n  \"\xc3\xa9\", 'a']", ERR_FORMAT, "line 3, column 8: not a JSON value");
	refused("[\"\xff\"]", ERR_FORMAT, "column 3: not UTF-8");
	refused("[\"aaaaaaaaaaaaaaaa\xed\xa0\x80\"]", ERR_FORMAT, "not UTF-8");
	refused("\xef\xbb\xbf{}", ERR_FORMAT, "byte order mark");
	refused("[1e309]", ERR_LIMIT, "too large");
	refused("[-1e999]", ERR_LIMIT, "too large");
}

static void nul_bytes_are_refused_wherever_they_are(void)
{
	is_int(parse("\0", 1), ERR_FORMAT, "alone");
	is_int(parse("{}\0", 3), ERR_TRAILING, "after the value");
	is_int(parse("[\"\0\"]", 5), ERR_FORMAT, "in a string");
	is_int(parse("[\"\\\0\"]", 6), ERR_FORMAT, "in an escape");
	is_int(parse("[1\0]", 4), ERR_FORMAT, "in an array");
}

static void two_equal_keys_are_refused_however_they_are_spelt(void)
{
	refused("{\"a\":1,\"a\":1}", ERR_FORMAT,
		"column 8: the same key twice in one object: \"a\"");
	refused("{\"a\":1,\n\"\\u0061\":2}", ERR_FORMAT, "the same key twice");
	refused("{\"\\ud83d\\ude00\":1,\"\xf0\x9f\x98\x80\":2}", ERR_FORMAT, "the same key twice");
	refused("{\"\\/\":1,\"/\":2}", ERR_FORMAT, "the same key twice");
	refused("[{\"b\":{\"a\":1,\"a\":1}}]", ERR_FORMAT, "the same key twice");
	refused("{\"\":1,\"\":1}", ERR_FORMAT, "the same key twice");
	is_int(parse("{\"a\":1,\"A\":1,\"a \":{\"a\":1}}", 26), ERR_OK,
	       "case and depth tell keys apart");
}

static void one_equal_pair_among_very_many_keys_is_found(void)
{
	struct text t;

	text_init(&t);
	text_str(&t, "{");
	for (int i = 0; i < 50000; i++)
		text_format(&t, "\"key%d\":%d,", i, i);
	text_str(&t, "\"z\":0}");
	is_int(parse(t.at, t.length), ERR_OK, "50,001 distinct keys");
	t.length--;
	text_str(&t, ",\"key\\u0034\":1}");
	is_int(parse(t.at, t.length), ERR_FORMAT, "key4 again, escaped");
	text_clear(&t);
}

static void depth_64_is_read_and_65_is_not(void)
{
	char text[2 * (JSON_DEPTH_MAX + 1) + 1];

	for (int depth = JSON_DEPTH_MAX; depth <= JSON_DEPTH_MAX + 1; depth++) {
		memset(text, '[', (size_t)depth);
		memset(text + depth, ']', (size_t)depth);
		is_int(parse(text, 2 * (size_t)depth), depth == JSON_DEPTH_MAX ? ERR_OK : ERR_LIMIT,
		       "depth %d", depth);
	}
}

static void a_number_of_63_characters_is_read_and_64_is_not(void)
{
	char text[65];

	memset(text, '1', 64);
	is_int(parse(text, 63), ERR_OK, "63");
	is_int(parse(text, 64), ERR_LIMIT, "64");
}

static void the_number_of_values_is_bounded(void)
{
	cJSON *json;

	is_int(json_parse_bounded(&json, "[1,2,3]", 7, 4, NULL), ERR_OK, "four values");
	cJSON_Delete(json);
	is_int(json_parse_bounded(&json, "[1,2,3]", 7, 3, NULL), ERR_LIMIT, "one too many");
}

static void a_text_cut_anywhere_is_refused(void)
{
	static const char text[] =
		"{\"a\":[1,-2.5e3,true,null,\"\\u00e9\\n\xc3\xa9\"],\"b\":{\"c\":false}}";
	size_t n = sizeof text - 1, refusals = 0;

	for (size_t i = 0; i < n; i++) {
		cJSON *json;
		char *copy = malloc(i ? i : 1);

		need(copy);
		memcpy(copy, text, i);
		refusals += json_parse(&json, copy, i, NULL) != ERR_OK;
		cJSON_Delete(json);
		free(copy);
	}
	is_int(refusals, n, "every prefix");
}

/* What our scan lets through, cJSON must read: it reports only lack of memory otherwise. */
static void a_text_with_any_bit_flipped_never_surprises_cjson(void)
{
	static const char text[] =
		"{\"a\":[1,-2.5e3,true,null,\"\\u00e9\\ud83d\\ude00\"],\"b\":{}}";
	char copy[sizeof text];
	size_t surprises = 0;

	for (size_t bit = 0; bit < 8 * (sizeof text - 1); bit++) {
		cJSON *json;

		memcpy(copy, text, sizeof text);
		copy[bit / 8] = (char)(copy[bit / 8] ^ 1 << bit % 8);
		surprises += json_parse(&json, copy, sizeof text - 1, NULL) == ERR_MEMORY;
		cJSON_Delete(json);
	}
	is_int(surprises, 0, "flips");
}

static void members_and_elements_are_found_in_place(void)
{
	static const char text[] = " { \"x\" : \"}]\\\"{\" , \"\\u006fbjects\" : [ {\"a\":[1,2]} , "
				   "\"b\\\\\", 3,[] ] , \"n\":-1e3}";
	struct slice object = {text, sizeof text - 1}, value, parts[4];
	size_t count;

	ok(json_member(&value, object, "x") && value.length == 7 &&
		   !memcmp(value.at, "\"}]\\\"{\"", 7),
	   "a string with brackets and quotes in it");
	ok(json_member(&value, object, "n") && value.length == 4, "the last member");
	ok(!json_member(&value, object, "a"), "no key of an inner object");
	need(json_member(&value, object, "objects"));
	is_int(json_elements(parts, 4, &count, value), ERR_OK, "elements");
	is_int(count, 4, "four of them");
	ok(parts[0].length == 11 && parts[0].at[0] == '{', "the first");
	ok(parts[1].length == 5 && !memcmp(parts[1].at, "\"b\\\\\"", 5), "the second");
	ok(parts[3].length == 2, "the last");
	is_int(json_elements(parts, 3, &count, value), ERR_LIMIT, "more than there is room for");
	is_int(json_elements(parts, 3, &count, object), ERR_FORMAT, "not an array");
	ok(json_elements(parts, 1, &count, (struct slice){"[ ]", 3}) == ERR_OK && count == 0,
	   "none");
}

static void an_array_is_gone_through_in_place(void)
{
	static const char text[] = " { \"a\":{\"objects\":0}, \"b\" : { \"objects\": [ [1,2] , "
				   "{\"x\":[\"]\"]},\"y\" ] , \"z\": 1 } , \"c\":[]}";
	struct slice whole = {text, sizeof text - 1}, inner, array, element, rest;

	ok(json_enter(&inner, whole, "b") && *inner.at == '{' &&
		   inner.at + inner.length == text + sizeof text - 1,
	   "a member, and all behind it");
	ok(!json_enter(&array, inner, "c"), "no key of the outer object");
	need(json_enter(&array, inner, "objects"));
	ok(json_array(&rest, array) && !json_array(&inner, inner), "an array, and none");
	ok(json_next(&element, &rest) && element.length == 5 && *element.at == '[', "the first");
	ok(json_next(&element, &rest) && element.length == 11 && *element.at == '{', "the second");
	ok(json_next(&element, &rest) && element.length == 3 && *element.at == '"', "the last");
	ok(!json_next(&element, &rest) && !json_next(&element, &rest), "and no more");
	need(json_enter(&array, whole, "c") && json_array(&rest, array));
	ok(!json_next(&element, &rest), "none of none");
	for (size_t n = 0; n < sizeof text; n++) {
		struct slice cut = {text, n};
		if (json_enter(&inner, cut, "b") && json_enter(&array, inner, "objects") &&
		    json_array(&rest, array))
			while (json_next(&element, &rest))
				need(element.at + element.length <= text + n);
	}
}

static void a_text_grows_and_escapes(void)
{
	struct text t;

	text_init(&t);
	text_json(&t, "a\"b\\c\n\t\r\x01\xc3\xa9");
	is_str(t.at, "\"a\\\"b\\\\c\\n\\t\\r\\u0001\xc3\xa9\"", "escapes");
	is_int(parse(t.at, t.length), ERR_OK, "is JSON");
	for (int i = 0; i < 10000; i++)
		text_format(&t, "%d", i % 10);
	is_int(t.length, 23 + 10000, "grows");
	ok(!t.bad && t.at[t.length] == '\0', "ends in NUL");
	text_clear(&t);
}

/* "a", then letters of two, three and four bytes, cut at every byte. */
static void what_is_cut_ends_with_a_whole_letter(void)
{
	static const char all[] = "a\xd9\xbe\xe2\x82\xac\xf0\x9f\x94\x92";
	static const size_t whole[] = {0, 1, 1, 3, 3, 3, 6, 6, 6, 6, 10};
	char s[sizeof all];

	for (size_t n = 0; n < sizeof all; n++) {
		memcpy(s, all, n);
		s[n] = '\0';
		utf8_trim(s);
		is_int(strlen(s), (long long)whole[n], "of %zu bytes", n);
	}
}

static void times_are_written_and_read(void)
{
	char out[TIME_BYTES];
	uint64_t ms;
	static const struct {
		const char *text;
		uint64_t ms;
	} good[] = {
		{"1970-01-01T00:00:00Z", 0},
		{"1970-01-01T00:00:00.001Z", 1},
		{"2000-02-29T12:34:56.7Z", 951827696700},
		{"2023-07-28T12:14:36.194951Z", 1690546476194},
		{"2026-11-21T22:00:00.000Z", 1795298400000},
		{"9999-12-31T23:59:59.999999999Z", 253402300799999},
	};
	static const char *const bad[] = {
		"",
		"2023",
		"2023-02-29T00:00:00Z",
		"1900-01-01T00:00:00Z",
		"2023-13-01T00:00:00Z",
		"2023-00-01T00:00:00Z",
		"2023-01-00T00:00:00Z",
		"2023-04-31T00:00:00Z",
		"2023-01-01T24:00:00Z",
		"2023-01-01T00:60:00Z",
		"2023-01-01T00:00:60Z",
		"2023-01-01T00:00:00",
		"2023-01-01T00:00:00.Z",
		"2023-01-01T00:00:00.1234567890Z",
		"2023-01-01T00:00:00+00:00",
		"2023-01-01 00:00:00Z",
		"2023-01-01T00:00:00Zx",
		"2100-02-29T00:00:00Z",
		"2023-01-01t00:00:00z",
	};

	for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
		ok(time_parse(&ms, good[i].text), "%s", good[i].text);
		is_int(ms, good[i].ms, "is right");
	}
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		ok(!time_parse(&ms, bad[i]), "no time: %s", bad[i]);
	is_str(time_format(out, 951827696700), "2000-02-29T12:34:56.700Z", "written");
	is_str(time_format(out, 0), "1970-01-01T00:00:00.000Z", "the first");
	is_str(time_format(out, UINT64_MAX), "9999-12-31T23:59:59.999Z", "the last");
}

static void every_day_until_2400_survives_the_round_trip(void)
{
	uint64_t wrong = 0, back;
	char out[TIME_BYTES];

	for (uint64_t day = 0; day < 157054; day++) {
		uint64_t ms = day * 86400000 + day % 86400000;

		wrong += !time_parse(&back, time_format(out, ms)) || back != ms;
	}
	is_int(wrong, 0, "days");
}

int main(void)
{
	RUN(every_kind_of_value_is_read);
	RUN(what_is_not_strict_json_is_refused_in_words);
	RUN(nul_bytes_are_refused_wherever_they_are);
	RUN(two_equal_keys_are_refused_however_they_are_spelt);
	RUN(one_equal_pair_among_very_many_keys_is_found);
	RUN(depth_64_is_read_and_65_is_not);
	RUN(a_number_of_63_characters_is_read_and_64_is_not);
	RUN(the_number_of_values_is_bounded);
	RUN(a_text_cut_anywhere_is_refused);
	RUN(a_text_with_any_bit_flipped_never_surprises_cjson);
	RUN(members_and_elements_are_found_in_place);
	RUN(an_array_is_gone_through_in_place);
	RUN(a_text_grows_and_escapes);
	RUN(what_is_cut_ends_with_a_whole_letter);
	RUN(times_are_written_and_read);
	RUN(every_day_until_2400_survives_the_round_trip);
	return tap_done();
}
