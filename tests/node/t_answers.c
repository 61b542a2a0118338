/* What a node answers at its admin socket, where only the bytes of a reply can tell: what comes in
 * turns, what is over, what is not asked for. */
#include "node/admin/answer.h"
#include "node/loop.h"
#include "protocol/bytes.h"
#include "tests/node/index_fixture.h"
#include "tests/node/lone_node.h"

enum { RECORDS = 40000, RECORD_BYTES = 8, UNKNOWN_EVERY = 3 };

/* The reply, or where the request was wrong. */
struct told {
	enum err e;
	cJSON *json; /* the caller deletes it */
	char where[32];
};

static struct told tell(const char *request, struct slice frame)
{
	const struct caller caller = {.uid = geteuid(), .gid = getegid(), .pid = getpid()};
	struct answer a = {.node = lone.node,
			   .caller = &caller,
			   .frames = &frame,
			   .frame_count = frame.length > 0};
	cJSON *json = cJSON_Parse(request);
	const struct answer_entry *entry = answer_find(admin_do(json));
	struct told told = {.e = ERR_OK};
	struct text reply;

	need(entry && log_reader_open(&a.log, node_log(lone.node)) == ERR_OK);
	need(index_reader_open(&a.index, node_index(lone.node)) == ERR_OK);
	admin_request_init(&a.request, json, &a.report);
	told.e = answer_holds(entry, json) ? answer_hold(&a, entry) : entry->answer(&a);
	snprintf(told.where, sizeof told.where, "%s", a.where ? a.where : "");
	text_init(&reply);
	text_str(&reply, "{");
	if (!told.e && a.reply.length)
		text_add(&reply, a.reply.at, a.reply.length);
	text_str(&reply, "}");
	told.json = cJSON_Parse(reply.at);
	need(told.json);
	text_clear(&reply);
	index_reader_close(a.index);
	log_reader_close(a.log);
	text_clear(&a.reply);
	text_clear(&a.summary);
	report_clear(&a.report);
	free(a.frame);
	cJSON_Delete(json);
	return told;
}

/* The same of a question that is a good one. */
static cJSON *answer_to(const char *request)
{
	struct told told = tell(request, (struct slice){0});

	if (told.e)
		printf("Bail out! %s: %s\n", request, err_str(told.e));
	need(!told.e);
	return told.json;
}

static const cJSON *member(const cJSON *json, const char *name)
{
	return cJSON_GetObjectItemCaseSensitive(json, name);
}

static double number(const cJSON *json, const char *name)
{
	return cJSON_GetNumberValue(member(json, name));
}

/* One page after the other of what is asked for, without its last brace, until take() or the node
 * says that there is no more. */
static void pages(const char *request, bool (*take)(void *arg, const cJSON *page), void *arg)
{
	double after = 0;
	bool more = true;

	while (more) {
		char text[256];
		cJSON *json;
		const cJSON *next;
		snprintf(text, sizeof text, "%s,\"after\":%.0f}", request, after);
		json = answer_to(text);
		next = member(json, "next");
		more = take(arg, json) && cJSON_IsNumber(next);
		after = more ? next->valuedouble : 0;
		cJSON_Delete(json);
	}
}

static bool count_lines(void *arg, const cJSON *page)
{
	*(int *)arg += cJSON_GetArraySize(member(page, "lines"));
	return true;
}

static int listed(const char *request)
{
	int n = 0;

	pages(request, count_lines, &n);
	return n;
}

/* Of the first page. */
static int lines(const char *request)
{
	cJSON *json = answer_to(request);
	int n = cJSON_GetArraySize(member(json, "lines"));

	cJSON_Delete(json);
	return n;
}

static void share(unsigned bundle, const char *objects)
{
	char text[4096];
	struct told told;
	int n = snprintf(text, sizeof text,
			 "{\"type\":\"bundle\",\"id\":\"bundle--00000000-0000-4000-8000-%012u\","
			 "\"objects\":[%s]}",
			 bundle, objects);

	need(n > 0 && (size_t)n < sizeof text);
	told = tell("{\"do\":\"share\",\"tlp\":\"green\",\"to\":[\"all\"]}",
		    (struct slice){text, (size_t)n});
	need(!told.e);
	cJSON_Delete(told.json);
}

static void share_indicator(unsigned n, const char *pattern, const char *more)
{
	share(n, indicator(n, 1, pattern, more));
}

/* ---- in turns ---- */

/* All of what is asked for lies in each, so that much is found. */
static void share_networks(void)
{
	for (unsigned prefix = 8; prefix <= 22; prefix++) {
		char pattern[64];
		snprintf(pattern, sizeof pattern, "[ipv4-addr:value = '10.0.0.0/%u']", prefix);
		share_indicator(100 + prefix, pattern, "");
	}
}

/* Addresses of a network that is known, but for some. */
static void records_make(uint8_t *records)
{
	for (unsigned i = 0; i < RECORDS; i++) {
		uint8_t *at = records + (size_t)i * RECORD_BYTES;
		at[0] = OBSERVABLE_IPV4;
		at[1] = 32;
		at[2] = 0;
		at[3] = 4;
		put_u32(at + 4, (i % UNKNOWN_EVERY == 0 ? 0xc0000000u : 0x0a000000u) + i);
	}
}

/* Marks what one reply says of the records from there on; returns how many it speaks of. */
static size_t known_take(bool *known, size_t from, const cJSON *reply)
{
	const cJSON *next = member(reply, "next"), *n;
	size_t spoken = cJSON_IsNumber(next) ? (size_t)next->valuedouble : RECORDS - from;

	cJSON_ArrayForEach(n, member(reply, "known"))
	{
		need(n->valuedouble < (double)spoken);
		known[from + (size_t)n->valuedouble] = true;
	}
	return spoken;
}

static void of_many_records_none_is_passed_over_between_two_replies(void)
{
	uint8_t *records = malloc((size_t)RECORDS * RECORD_BYTES);
	bool *known = calloc(RECORDS, sizeof *known);
	size_t done = 0, wrong = 0, replies = 0;

	need(records && known);
	records_make(records);
	while (done < RECORDS) {
		struct told told = tell("{\"do\":\"sift\"}",
					(struct slice){(char *)records + done * RECORD_BYTES,
						       (RECORDS - done) * RECORD_BYTES});
		size_t spoken;
		need(!told.e);
		spoken = known_take(known, done, told.json);
		need(spoken > 0);
		done += spoken;
		replies++;
		cJSON_Delete(told.json);
	}
	for (size_t i = 0; i < RECORDS; i++)
		wrong += known[i] != (i % UNKNOWN_EVERY != 0);
	is_int(wrong, 0, "each is said to be what it is, in %zu replies", replies);
	free(records);
	free(known);
}

static void a_record_that_is_none_is_told_by_its_number(void)
{
	uint8_t records[20 * RECORD_BYTES];
	struct told told;

	for (unsigned i = 0; i < 20; i++) {
		const uint8_t one[RECORD_BYTES] = {OBSERVABLE_IPV4, 32, 0, 4, 10, 0, 0, 1};
		memcpy(records + (size_t)i * RECORD_BYTES, one, sizeof one);
	}
	records[18 * RECORD_BYTES] = OBSERVABLE_TYPES;
	told = tell("{\"do\":\"sift\"}", (struct slice){(char *)records, sizeof records});
	is_int(told.e, ERR_FORMAT, "a type that there is not");
	cJSON_Delete(told.json);
	records[18 * RECORD_BYTES] = OBSERVABLE_IPV4;
	told = tell("{\"do\":\"sift\"}", (struct slice){(char *)records, sizeof records - 1});
	is_int(told.e, ERR_FORMAT, "a record that is cut");
	cJSON_Delete(told.json);
}

/* The values "10.0.0.FIRST" and so on, as a request. */
static void check_ask(struct text *t, unsigned first, unsigned count)
{
	text_init(t);
	text_str(t, "{\"do\":\"check\",\"values\":[");
	for (unsigned i = first; i < count; i++)
		text_format(t, "%s\"10.0.%u.%u\"", i > first ? "," : "", i / 256, i % 256);
	text_str(t, "]}");
}

static void of_many_values_each_has_a_line(void)
{
	unsigned done = 0, wrong = 0, replies = 0;

	while (done < ADMIN_VALUES_MAX) {
		struct text t;
		const cJSON *line, *next;
		cJSON *json;
		unsigned i = done;
		check_ask(&t, done, ADMIN_VALUES_MAX);
		json = answer_to(t.at);
		cJSON_ArrayForEach(line, member(json, "lines"))
		{
			char value[20];
			snprintf(value, sizeof value, "10.0.%u.%u", i / 256, i % 256);
			wrong += strcmp(cJSON_GetStringValue(member(line, "value")), value) != 0 ||
				 !cJSON_IsTrue(member(line, "known"));
			i++;
		}
		next = member(json, "next");
		done += cJSON_IsNumber(next) ? (unsigned)next->valuedouble
					     : (unsigned)ADMIN_VALUES_MAX - done;
		wrong += i != done;
		replies++;
		cJSON_Delete(json);
		text_clear(&t);
	}
	is_int(wrong, 0, "each in its place, in %u replies", replies);
}

/* ---- lists ---- */

static void what_is_over_is_listed_only_where_all_is(void)
{
	share(11,
	      "{\"type\":\"indicator\",\"spec_version\":\"2.1\","
	      "\"id\":\"indicator--00000000-0000-4000-8000-000000000011\","
	      "\"created\":\"2001-01-01T00:00:00Z\",\"modified\":\"2001-01-01T00:00:00Z\","
	      "\"valid_from\":\"2001-01-01T00:00:00Z\",\"valid_until\":\"2001-01-02T00:00:00Z\","
	      "\"pattern_type\":\"stix\",\"pattern\":\"[domain-name:value = 'over.example']\"}");
	is_int(listed("{\"do\":\"list\",\"text\":\"over.example\""), 0,
	       "what holds no more is not found");
	is_int(listed("{\"do\":\"list\",\"text\":\"over.example\",\"all\":true"), 1,
	       "but by who asks for all");
}

static void who_watches_sees_what_comes_and_nothing_that_was(void)
{
	cJSON *json = answer_to("{\"do\":\"list\",\"watch\":true}");
	double from = number(json, "next");
	char request[80];

	is_int(cJSON_GetArraySize(member(json, "lines")), 0, "at first there is nothing");
	cJSON_Delete(json);
	snprintf(request, sizeof request, "{\"do\":\"list\",\"watch\":true,\"after\":%.0f}", from);
	is_int(lines(request), 0, "nor while nothing comes");
	share_indicator(12, "[domain-name:value = 'new.example']", "");
	is_int(lines(request), 1, "what comes is there, once");
}

static void words_are_found_whatever_their_case(void)
{
	share_indicator(13, "[domain-name:value = 'case.example']",
			",\"description\":\"An der Hauptstrasse, \xc3\x84rger\"");
	is_int(listed("{\"do\":\"list\",\"text\":\"HAUPTSTRASSE\""), 1, "of ASCII");
	is_int(listed("{\"do\":\"list\",\"text\":\"\xc3\xa4RGER\""), 1, "and of what is not");
	is_int(listed("{\"do\":\"list\",\"text\":\"\xc3\xb6rger\""), 0, "another is not found");
	share_indicator(14, "[domain-name:value = 'fold.example']",
			",\"description\":\"Wallstrasse\"");
	is_int(listed("{\"do\":\"list\",\"text\":\"wallstra\xc3\x9f"
		      "e\""),
	       1, "what is ASCII once its case is folded is looked for in ASCII, too");
}

/* ---- holding ---- */

static void a_dry_run_is_not_held(void)
{
	static const char bundle[] =
		"{\"type\":\"bundle\",\"id\":\"bundle--00000000-0000-4000-8000-000000000015\","
		"\"objects\":[]}";
	struct told told = tell("{\"do\":\"share\",\"tlp\":\"green\",\"to\":[\"all\"],"
				"\"hold\":60,\"dry_run\":true}",
				(struct slice){bundle, sizeof bundle - 1});

	is_int(told.e, ERR_FORMAT, "it is refused");
	is_str(told.where, "hold", "and said to be");
	cJSON_Delete(told.json);
	is_int(lines("{\"do\":\"outbox\"}"), 0, "nothing is held");
}

/* ---- a report ---- */

static void sight(unsigned version, unsigned count, bool revoked)
{
	char object[1024];

	snprintf(object, sizeof object,
		 "{\"type\":\"sighting\",\"spec_version\":\"2.1\","
		 "\"id\":\"sighting--00000000-0000-4000-8000-000000000021\","
		 "\"created\":\"2026-01-01T00:00:00Z\",\"modified\":\"2026-01-01T00:00:0%uZ\","
		 "\"sighting_of_ref\":\"indicator--00000000-0000-4000-8000-000000000012\","
		 "\"count\":%u%s}",
		 version, count, revoked ? ",\"revoked\":true" : "");
	share(20 + version, object);
}

/* A moment that is behind all that was said. */
static uint64_t moment(void)
{
	const struct timespec pause = {.tv_nsec = 3000000};
	uint64_t now;

	nanosleep(&pause, NULL);
	now = clock_wall();
	nanosleep(&pause, NULL);
	return now;
}

/* What all pages of a report say of this node. */
struct reported {
	double posts, sightings, other;
	int types; /* that some page names */
};

static bool reported_add(void *arg, const cJSON *page)
{
	struct reported *r = arg;
	const cJSON *line;

	cJSON_ArrayForEach(line, member(page, "lines"))
	{
		const cJSON *types = member(line, "types");
		r->posts += number(line, "posts");
		r->sightings += number(line, "sightings");
		r->other += member(types, "other") ? number(types, "other") : 0;
		if (cJSON_GetArraySize(types) > r->types)
			r->types = cJSON_GetArraySize(types);
	}
	return true;
}

static struct reported report_of(uint64_t from, uint64_t until)
{
	struct reported r = {0};
	char request[160], a[TIME_BYTES], b[TIME_BYTES];

	snprintf(request, sizeof request, "{\"do\":\"report\",\"from\":\"%s\",\"until\":\"%s\"",
		 time_format(a, from), time_format(b, until));
	pages(request, reported_add, &r);
	return r;
}

static void reports(uint64_t from, uint64_t until, double posts, double sightings, const char *what)
{
	struct reported r = report_of(from, until);

	is_int(r.posts, posts, "%s: messages", what);
	is_int(r.sightings, sightings, "%s: how often", what);
}

static void of_a_sighting_the_last_version_of_the_span_counts(void)
{
	uint64_t begin = moment(), first, second, end;

	sight(1, 40, false);
	first = moment();
	sight(2, 42, false);
	second = moment();
	sight(3, 42, true);
	end = moment();
	reports(begin, first, 1, 40, "until the second");
	reports(begin, second, 2, 42, "until it was taken back");
	reports(first, second, 1, 42, "in between");
	reports(begin, end, 3, 0, "of what is taken back");
	reports(end, end + 1000, 0, 0, "behind");
}

static void types_of_a_strangers_making_are_one(void)
{
	uint64_t begin = moment();
	struct reported r;

	for (unsigned i = 0; i < 2; i++) {
		char object[512];
		snprintf(object, sizeof object,
			 "{\"type\":\"x-some-%u\",\"spec_version\":\"2.1\","
			 "\"id\":\"x-some-%u--00000000-0000-4000-8000-000000000031\","
			 "\"created\":\"2026-01-01T00:00:00Z\","
			 "\"modified\":\"2026-01-01T00:00:00Z\"}",
			 i, i);
		share(30 + i, object);
	}
	r = report_of(begin, moment());
	is_int(r.other, 2, "they are counted together");
	is_int(r.types, 1, "by no name of their own");
}

int main(void)
{
	fixture_init(&home);
	make_federation();
	start();
	share_networks();
	RUN(of_many_records_none_is_passed_over_between_two_replies);
	RUN(a_record_that_is_none_is_told_by_its_number);
	RUN(of_many_values_each_has_a_line);
	RUN(what_is_over_is_listed_only_where_all_is);
	RUN(who_watches_sees_what_comes_and_nothing_that_was);
	RUN(words_are_found_whatever_their_case);
	RUN(a_dry_run_is_not_held);
	RUN(of_a_sighting_the_last_version_of_the_span_counts);
	RUN(types_of_a_strangers_making_are_one);
	stop();
	fixture_clear(&home);
	return tap_done();
}
