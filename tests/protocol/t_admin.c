#include "protocol/admin.h"
#include "tests/tap.h"

static enum err parse(cJSON **json, const char *text)
{
	return admin_parse(json, text, strlen(text), NULL);
}

static void a_request_is_an_object_that_says_what_to_do(void)
{
	static const char *const bad[] = {"",
					  "null",
					  "[]",
					  "{}",
					  "\"status\"",
					  "{\"do\":1}",
					  "{\"do\":null}",
					  "{\"do\":\"a\",\"do\":\"b\"}",
					  "{\"do\":\"a\"} x",
					  "{\"do\":\"\xff\"}",
					  "{\"do\":\"a\"",
					  "{\"Do\":\"a\"}"};
	cJSON *json;

	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		ok(parse(&json, bad[i]) != ERR_OK && !json, "refused: %s", bad[i]);
		cJSON_Delete(json);
	}
	ok(parse(&json, "{\"do\":\"status\"}") == ERR_OK, "a request");
	is_str(admin_do(json), "status", "says what it asks for");
	cJSON_Delete(json);
}

static void a_request_has_a_largest_size(void)
{
	size_t n = ADMIN_REQUEST_MAX_BYTES + 1;
	char *text = malloc(n + 1);
	cJSON *json;

	need(text);
	memset(text, ' ', n);
	text[n] = '\0';
	memcpy(text, "{\"do\":\"a\"}", 10);
	is_int(admin_parse(&json, text, n, NULL), ERR_LIMIT, "one byte too many");
	is_int(admin_parse(&json, text, n - 1, NULL), ERR_OK, "as large as may be");
	cJSON_Delete(json);
	free(text);
}

static void members_are_read_and_what_is_wrong_sticks(void)
{
	const char *strings[2];
	struct admin_request r;
	cJSON *json;

	need(parse(&json, "{\"do\":\"x\",\"s\":\"v\",\"t\":true,\"n\":7,\"l\":[\"a\",\"b\"]}") ==
	     ERR_OK);
	admin_request_init(&r, json, NULL);
	is_str(admin_string(&r, "s"), "v", "a string");
	ok(admin_flag(&r, "t") && !admin_flag(&r, "u"), "flags, there or not");
	is_int(admin_number(&r, "n", 0, 7, 3), 7, "a number");
	is_int(admin_number(&r, "m", 0, 7, 3), 3, "one that is absent");
	is_int(admin_strings(&r, "l", strings, 2), 2, "a list");
	is_str(strings[1], "b", "its second");
	ok(admin_request_done(&r), "nothing is left and nothing wrong");

	admin_request_init(&r, json, NULL);
	ok(!admin_string(&r, "n") && r.bad, "a number is no string");
	admin_request_init(&r, json, NULL);
	admin_flag(&r, "s");
	ok(r.bad, "a string is no flag");
	admin_request_init(&r, json, NULL);
	admin_number(&r, "n", 0, 6, 0);
	ok(r.bad, "a number beyond its bound");
	admin_request_init(&r, json, NULL);
	is_int(admin_strings(&r, "l", strings, 1), 0, "a list that is too long");
	ok(r.bad && !admin_request_done(&r), "and it sticks");
	cJSON_Delete(json);
}

static void numbers_that_are_not_whole_or_not_numbers_are_refused(void)
{
	static const char *const bad[] = {"1.5", "-1", "1e300", "\"1\"", "null", "[1]", "true"};

	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		struct admin_request r;
		char text[64];
		cJSON *json;

		snprintf(text, sizeof text, "{\"do\":\"x\",\"n\":%s}", bad[i]);
		need(parse(&json, text) == ERR_OK);
		admin_request_init(&r, json, NULL);
		admin_number(&r, "n", 0, UINT64_C(1) << 53, 0);
		ok(r.bad, "refused: %s", bad[i]);
		cJSON_Delete(json);
	}
}

static void a_member_that_nobody_asked_for_is_named(void)
{
	struct admin_request r;
	struct report report;
	cJSON *json;

	report_init(&report);
	need(parse(&json, "{\"do\":\"x\",\"tpl\":\"green\"}") == ERR_OK);
	admin_request_init(&r, json, &report);
	admin_string(&r, "tlp");
	ok(!admin_request_done(&r), "refused");
	ok(strstr(report_first(&report), "\"tpl\"") != NULL, "by name");
	report_clear(&report);
	cJSON_Delete(json);
}

static void what_is_put_together_is_json(void)
{
	static const uint8_t bytes[70] = {0xab, 0xcd};
	struct text t;
	cJSON *json;

	text_init(&t);
	text_str(&t, "{");
	admin_put_string(&t, "s", "a\"\x1b");
	admin_put_string(&t, "none", NULL);
	admin_put_number(&t, "n", UINT64_C(1) << 53);
	admin_put_signed(&t, "m", -3);
	admin_put_bool(&t, "b", false);
	admin_put_time(&t, "t", 1000);
	admin_put_time(&t, "never", 0);
	admin_put_hex(&t, "h", bytes, sizeof bytes);
	admin_put_name(&t, "a");
	text_str(&t, "[");
	admin_put_string(&t, NULL, "x");
	admin_put_string(&t, NULL, "y");
	text_str(&t, "]}");
	ok(json_parse(&json, t.at, t.length, NULL) == ERR_OK, "strict JSON: %s", t.at);
	is_str(cJSON_GetStringValue(cJSON_GetObjectItem(json, "t")), "1970-01-01T00:00:01.000Z",
	       "a time");
	ok(cJSON_IsNull(cJSON_GetObjectItem(json, "never")), "no time");
	is_int(strlen(cJSON_GetStringValue(cJSON_GetObjectItem(json, "h"))), 140, "all digits");
	is_int(cJSON_GetArraySize(cJSON_GetObjectItem(json, "a")), 2, "elements");
	cJSON_Delete(json);
	text_clear(&t);
}

static void a_refusal_says_what_where_why_and_what_to_do(void)
{
	const cJSON *error;
	struct report report;
	struct text t;
	cJSON *json;

	report_init(&report);
	text_init(&t);
	report_add(&report, "first");
	report_add(&report, "second \xff\xc3");
	admin_refuse(&t, "share", "tlp", ERR_NOT_ALLOWED, &report, "do this");
	need(json_parse(&json, t.at, t.length, NULL) == ERR_OK);
	error = cJSON_GetObjectItem(json, "error");
	ok(cJSON_IsFalse(cJSON_GetObjectItem(json, "ok")), "not ok");
	is_str(cJSON_GetStringValue(cJSON_GetObjectItem(error, "what")), "share", "what");
	is_str(cJSON_GetStringValue(cJSON_GetObjectItem(error, "where")), "tlp", "where");
	is_str(cJSON_GetStringValue(cJSON_GetObjectItem(error, "why")), "first", "why");
	is_str(cJSON_GetStringValue(cJSON_GetObjectItem(error, "do")), "do this", "what to do");
	is_int(cJSON_GetArraySize(cJSON_GetObjectItem(error, "lines")), 2, "every line");
	is_str(cJSON_GetArrayItem(cJSON_GetObjectItem(error, "lines"), 1)->valuestring, "second ??",
	       "as UTF-8, whatever it quotes");
	cJSON_Delete(json);
	text_clear(&t);
	report_clear(&report);
	admin_refuse(&t, NULL, NULL, ERR_BUSY, NULL, NULL);
	need(json_parse(&json, t.at, t.length, NULL) == ERR_OK);
	error = cJSON_GetObjectItem(json, "error");
	is_str(cJSON_GetStringValue(cJSON_GetObjectItem(error, "why")), err_str(ERR_BUSY),
	       "the error's own phrase");
	cJSON_Delete(json);
	text_clear(&t);
}

int main(void)
{
	RUN(a_request_is_an_object_that_says_what_to_do);
	RUN(a_request_has_a_largest_size);
	RUN(members_are_read_and_what_is_wrong_sticks);
	RUN(numbers_that_are_not_whole_or_not_numbers_are_refused);
	RUN(a_member_that_nobody_asked_for_is_named);
	RUN(what_is_put_together_is_json);
	RUN(a_refusal_says_what_where_why_and_what_to_do);
	return tap_done();
}
