#include "node/format/sensor.h"

#include <stdlib.h>
#include <time.h>

#include "tests/tap.h"

#define NOW UINT64_C(1795331542000) /* 2026-11-22T07:12:22Z */

static struct slice of(const char *text)
{
	return (struct slice){text, strlen(text)};
}

/* What is to be looked through, with commas for the ends of lines. */
static void values_are(enum sensor_format format, const char *line, const char *want)
{
	struct text scratch;
	struct slice got;
	char words[512];

	text_init(&scratch);
	got = sensor_values(format, of(line), &scratch);
	snprintf(words, sizeof words, "%.*s", (int)got.length, got.at);
	for (char *at = words; *at; at++)
		if (*at == '\n')
			*at = ',';
	is_str(words, want, "%.60s", line);
	text_clear(&scratch);
}

static void an_alert_of_ours_has_values(void)
{
	values_are(SENSOR_EVE,
		   "{\"event_type\":\"alert\",\"src_ip\":\"10.0.0.1\",\"dest_ip\":\"2001:db8::1\","
		   "\"alert\":{\"signature\":\"Khabardar: x\"},\"tls\":{\"sni\":\"a.example\"}}",
		   "10.0.0.1,2001:db8::1,a.example,");
	values_are(SENSOR_EVE,
		   "{\"event_type\":\"alert\",\"alert\":{\"signature\":\"Khabardar: x\"},"
		   "\"http\":{\"hostname\":\"a.example\",\"url\":\"/b?c\"}}",
		   "http://a.example/b?c,a.example,");
	/* As Suricata tells of "Host: a.example:8080". */
	values_are(SENSOR_EVE,
		   "{\"event_type\":\"alert\",\"alert\":{\"signature\":\"Khabardar: x\"},"
		   "\"http\":{\"hostname\":\"a.example\",\"http_port\":8080,\"url\":\"/b\"}}",
		   "http://a.example:8080/b,a.example,");
	values_are(SENSOR_EVE,
		   "{\"event_type\":\"alert\",\"alert\":{\"signature\":\"Khabardar: x\"},"
		   "\"http\":{\"hostname\":\"a.example\",\"http_port\":1e9,\"url\":\"/b\"}}",
		   "http://a.example/b,a.example,");
	values_are(SENSOR_EVE,
		   "{\"event_type\":\"alert\",\"alert\":{\"signature\":\"ET x\"},"
		   "\"src_ip\":\"10.0.0.1\"}",
		   "");
	values_are(SENSOR_EVE,
		   "{\"event_type\":\"flow\",\"x\":\"alert\",\"alert\":{\"signature\":\"Khabardar: "
		   "x\"},\"src_ip\":\"10.0.0.1\"}",
		   "");
	/* What an attacker writes does not become two values, nor a line of its own. */
	values_are(SENSOR_EVE,
		   "{\"event_type\":\"alert\",\"alert\":{\"signature\":\"Khabardar: x\"},"
		   "\"dns\":{\"rrname\":\"a.example\\n198.51.100.7\"},\"tls\":{\"sni\":7}}",
		   "");
	values_are(SENSOR_EVE, "{\"event_type\":\"alert\"", "");
}

static void what_a_zone_has_answered_has_one_value(void)
{
	static const char unbound[] = "[1] unbound[1:0] info: rpz: applied ";
	char line[256];

	snprintf(line, sizeof line, "%s[z] *.b.example. rpz-nxdomain 10.0.0.1@4 a.b.example. A IN",
		 unbound);
	values_are(SENSOR_RPZ, line, "a.b.example,");
	snprintf(line, sizeof line, "%sb.example. rpz-drop 10.0.0.1@4 b.example. A IN", unbound);
	values_are(SENSOR_RPZ, line, "b.example,");
	snprintf(line, sizeof line, "%s[a ] b] 192.0.2.0/24 rpz-nodata 10.0.0.1@4 b.example. A IN",
		 unbound);
	values_are(SENSOR_RPZ, line, "192.0.2.0,");
	snprintf(line, sizeof line, "%s[z", unbound);
	values_are(SENSOR_RPZ, line, "");
	values_are(SENSOR_RPZ,
		   "client @0x7 10.0.0.1#5 (a.b.example): view v: rpz QNAME NXDOMAIN rewrite "
		   "a.b.example/A/IN via b.example.zone",
		   "a.b.example,");
	values_are(SENSOR_RPZ,
		   "client 10.0.0.1#5 (x): rpz IP NXDOMAIN rewrite x/AAAA/IN via "
		   "128.1.zz.db8.2001.rpz-ip.zone",
		   "2001:db8::1,");
	values_are(SENSOR_RPZ,
		   "client 10.0.0.1#5 (x): rpz IP NXDOMAIN rewrite x/AAAA/IN via "
		   "32.zz.db8.2001.rpz-ip.zone",
		   "2001:db8::,");
	values_are(SENSOR_RPZ,
		   "client 10.0.0.1#5 (x): rpz IP DROP rewrite x/A/IN via 24.0.2.0.192.rpz-ip.zone",
		   "192.0.2.0,");
	values_are(
		SENSOR_RPZ,
		"client 10.0.0.1#5 (x): rpz QNAME disabled NXDOMAIN rewrite b.example/A/IN via z",
		"");
	values_are(SENSOR_RPZ, "10.0.0.1 asked for b.example", "");
}

static void formats_are_told_apart(void)
{
	is_int(sensor_detect(of("")), SENSOR_NONE, "nothing");
	is_int(sensor_detect(of("# a\n\n")), SENSOR_NONE, "nothing but comments");
	is_int(sensor_detect(of("# a\na.example\n192.0.2.1\n")), SENSOR_LIST, "values");
	is_int(sensor_detect(of("a.example\nhello there\n")), SENSOR_LOG, "values and words");
	is_int(sensor_detect(of("started\n{\"event_type\":\"flow\"}\n")), SENSOR_EVE, "eve.json");
	is_int(sensor_detect(of("start\nx: rpz: applied [z] a. rpz-x 1@2 a. A IN\n")), SENSOR_RPZ,
	       "a resolver");
}

static void time_is(const char *line, uint64_t want)
{
	uint64_t ms = 0;

	ok(sensor_time(&ms, of(line), NOW) && ms == want, "%s: %llu", line, (unsigned long long)ms);
}

static void times_are_read_as_logs_write_them(void)
{
	static const char *const none[] = {"",
					   "hello",
					   "2026-13-22T07:12:22Z",
					   "2026-11-22",
					   "22-Nov-2026",
					   "Nov 22",
					   "99999999999",
					   "12345678",
					   "{\"timestamp\":7}",
					   "2026-11-22T25:12:22Z",
					   "[",
					   "Now 22 07:12:22"};
	uint64_t ms;

	time_is("2026-11-22T07:12:22Z rest", NOW);
	time_is("2026-11-22T12:12:22.123456+0500", NOW);
	time_is("2026-11-22 02:12:22,9 -05:00 x", NOW);
	time_is("{\"timestamp\":\"2026-11-22T07:12:22.1+0000\",\"x\":1}", NOW);
	time_is("10.0.0.1 - - [22/Nov/2026:07:12:22 +0000] \"GET / HTTP/1.1\"", NOW);
	time_is("22-Nov-2026 07:12:22.123 client", NOW);
	time_is("Nov 22 07:12:22 host x[1]: y", NOW);
	time_is("Nov  2 07:12:22 host", NOW - UINT64_C(20) * 86400000);
	time_is("[1795331542] unbound[1:0] info", NOW);
	time_is("1795331542.123 x", NOW);
	/* Of last year: that day is still to come. */
	time_is("Dec 25 07:12:22 host", UINT64_C(1766646742000));
	for (size_t i = 0; i < sizeof none / sizeof *none; i++)
		ok(!sensor_time(&ms, of(none[i]), NOW), "\"%s\" is no time", none[i]);
}

static void any_line_may_end_anywhere(void)
{
	static const char *const lines[] = {
		"[1795331542] unbound[1:0] info: rpz: applied [z] 192.0.2.0/24 rpz-x 1@2 a. A IN",
		"22-Nov-2026 07:12:22.123 client @0 1#2 (x): rpz IP X rewrite x/A/IN via "
		"128.1.zz.db8.2001.rpz-ip.z",
		"{\"event_type\":\"alert\",\"alert\":{\"signature\":\"Khabardar: "
		"\"},\"sni\":\"a\"}",
	};
	uint64_t ms;

	for (size_t l = 0; l < sizeof lines / sizeof *lines; l++) {
		for (size_t n = 0; n <= strlen(lines[l]); n++) {
			/* Where it ends, memory does. */
			char *exact = malloc(n ? n : 1);
			need(exact);
			memcpy(exact, lines[l], n);
			for (size_t f = 0; f < SENSOR_FORMATS; f++) {
				struct text scratch;
				text_init(&scratch);
				sensor_values((enum sensor_format)f, (struct slice){exact, n},
					      &scratch);
				text_clear(&scratch);
			}
			sensor_detect((struct slice){exact, n});
			sensor_time(&ms, (struct slice){exact, n}, NOW);
			free(exact);
		}
	}
	ok(true, "nothing was read behind the end");
}

int main(void)
{
	setenv("TZ", "UTC", 1);
	tzset();
	RUN(an_alert_of_ours_has_values);
	RUN(what_a_zone_has_answered_has_one_value);
	RUN(formats_are_told_apart);
	RUN(times_are_read_as_logs_write_them);
	RUN(any_line_may_end_anywhere);
	return tap_done();
}
