/* What is asked for under a key is sent once, however many ask for it at the same time; and what
 * else a request to share says of itself. */
#include "node/admin/answer.h"
#include "tests/node/index_fixture.h"
#include "tests/node/lone_node.h"

enum { ASKING = 4, ROUNDS = 25 };

static struct {
	pthread_barrier_t begin;
	char request[256], bundle[2048];
} shared;

/* One request and what became of it. */
struct asked {
	enum err e;
	bool already;
	size_t messages;
	char where[16];
};

/* As the admin socket and the outbox do, each on its thread. */
static void *asks(void *arg)
{
	struct asked *asked = arg;
	const struct caller caller = {.uid = geteuid(), .gid = getegid(), .pid = getpid()};
	const struct slice frame = {shared.bundle, strlen(shared.bundle)};
	struct answer a = {
		.node = lone.node, .caller = &caller, .frames = &frame, .frame_count = 1};
	cJSON *json = cJSON_Parse(shared.request);

	need(json && log_reader_open(&a.log, node_log(lone.node)) == ERR_OK);
	need(index_reader_open(&a.index, node_index(lone.node)) == ERR_OK);
	admin_request_init(&a.request, json, &a.report);
	pthread_barrier_wait(&shared.begin);
	asked->e = answer_find("share")->answer(&a);
	asked->messages = 0;
	asked->already = a.reply.at && strstr(a.reply.at, "\"already\":true");
	for (const char *at = a.reply.at ? strstr(a.reply.at, "\"messages\":[") : NULL;
	     at && *at != ']'; at++)
		asked->messages += *at == ',' || (at[0] == '[' && at[1] != ']');
	snprintf(asked->where, sizeof asked->where, "%s", a.where ? a.where : "");
	index_reader_close(a.index);
	log_reader_close(a.log);
	text_clear(&a.reply);
	text_clear(&a.summary);
	report_clear(&a.report);
	free(a.frame);
	cJSON_Delete(json);
	return NULL;
}

/* So many ask for the same at once. */
static void ask_all(struct asked *asked, size_t n)
{
	pthread_t threads[ASKING];

	need(pthread_barrier_init(&shared.begin, NULL, (unsigned)n) == 0);
	for (size_t i = 0; i < n; i++)
		need(pthread_create(&threads[i], NULL, asks, &asked[i]) == 0);
	for (size_t i = 0; i < n; i++)
		need(pthread_join(threads[i], NULL) == 0);
	pthread_barrier_destroy(&shared.begin);
}

static void say(unsigned number, const char *more)
{
	snprintf(shared.request, sizeof shared.request,
		 "{\"do\":\"share\",\"tlp\":\"green\",\"to\":[\"all\"]%s}", more);
	snprintf(shared.bundle, sizeof shared.bundle,
		 "{\"type\":\"bundle\",\"id\":\"bundle--00000000-0000-4000-8000-%012u\","
		 "\"objects\":[%s]}",
		 number, indicator(number, 1, "[domain-name:value = 'evil.example']", ""));
}

static void what_has_a_key_is_sent_once_by_whoever_asks_at_the_same_time(void)
{
	struct asked asked[ASKING];
	size_t failed = 0, sent = 0, already = 0;

	for (unsigned round = 1; round <= ROUNDS; round++) {
		char more[64];
		snprintf(more, sizeof more, ",\"once\":\"%032x\"", round);
		say(round, more);
		ask_all(asked, ASKING);
		for (size_t i = 0; i < ASKING; i++) {
			failed += asked[i].e != ERR_OK;
			sent += asked[i].messages;
			already += asked[i].already;
		}
	}
	is_int(failed, 0, "nobody is refused");
	is_int(sent, ROUNDS, "%d ask %d times, and each is sent once", ASKING, ROUNDS);
	is_int(already, ROUNDS * (ASKING - 1), "the others hear that it was");
}

static void keys_of_others_are_not_lost(void)
{
	struct asked asked;
	size_t already = 0;

	for (unsigned round = 1; round <= ROUNDS; round++) {
		char more[64];
		snprintf(more, sizeof more, ",\"once\":\"%032x\"", round);
		say(round, more);
		ask_all(&asked, 1);
		already += asked.already && asked.messages == 0;
	}
	is_int(already, ROUNDS, "every key is known afterwards");
}

static void what_it_is_a_part_of_is_an_id(void)
{
	static const char *const wrong[] = {
		"", "12345678", "x",
		"zz3456789012345678901234567890123456789012345678901234567890123",
		"00000000000000000000000000000000000000000000000000000000000000000000"};
	struct asked asked;
	char more[160];

	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
		snprintf(more, sizeof more, ",\"part_of\":\"%s\"", wrong[i]);
		say(ROUNDS + 1, more);
		ask_all(&asked, 1);
		ok(asked.e == ERR_FORMAT && strcmp(asked.where, "part_of") == 0,
		   "\"%s\" is refused by name", wrong[i]);
	}
	snprintf(more, sizeof more, ",\"part_of\":\"%064d\"", 7);
	say(ROUNDS + 1, more);
	ask_all(&asked, 1);
	ok(asked.e == ERR_OK && asked.messages == 1, "64 digits are taken");
}

int main(void)
{
	fixture_init(&home);
	make_federation();
	start();
	RUN(what_has_a_key_is_sent_once_by_whoever_asks_at_the_same_time);
	RUN(keys_of_others_are_not_lost);
	RUN(what_it_is_a_part_of_is_an_id);
	stop();
	fixture_clear(&home);
	return tap_done();
}
