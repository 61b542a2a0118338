/* A node's own card: published when its keys say so, renewed, and rid of keys whose time has come.
 */
#include "node/duty/node_card.h"

#include <pthread.h>
#include <signal.h>
#include <time.h>

#include "node/store/backup.h"
#include "node/loop.h"
#include "node/duty/node_keys.h"
#include "tests/node/index_fixture.h"
#include "tests/protocol/federation.h"

enum { WAIT_MS = 20000 };

static struct fixture home;
static struct {
	struct node *node;
	volatile atomic_int quit;
	pthread_t thread;
} lone;
static struct party_id self;

static void put_node(struct writing *w, const struct identity_public *p)
{
	char sign[65], link[65], seal[65];

	put(w, "    %s\n        link = \"%s\"\n", p->name, hex_encode(link, p->link, 32));
	put(w, "        sign\n            1 = \"%s\"\n", hex_encode(sign, p->sign, 32));
	put(w, "        seal\n            1 = \"%s\"\n", hex_encode(seal, p->seal, 32));
}

static void write_file(const char *path, const char *text, size_t n)
{
	FILE *out = fopen(path, "w");

	need(out && fwrite(text, 1, n, out) == n && fclose(out) == 0);
}

static void make_federation(void)
{
	static const char config[] = "node = punjab\nlog = error\n";
	struct writing w = {0};
	struct topology *t;

	put(&w, "federation\n    name = x\n    version = 1\n    expires = 2099-12-31\n");
	put_council(&w, 1, 1);
	put(&w, "node\n");
	put_node(&w, identity_public(home.identity));
	t = parse_or_bail(w.at);
	self = topology_party(t, "punjab")->id;
	topology_free(t);
	put_signature(&w, "member0", w.length, "ED");
	write_file(path_in(&home, "topology.signed"), w.at, w.length);
	write_file(path_in(&home, "khabardar.zpl"), config, sizeof config - 1);
	free(w.at);
}

static void *run_node(void *arg)
{
	(void)arg;
	node_run(lone.node, &lone.quit);
	return NULL;
}

static void start(void)
{
	struct report report;

	report_init(&report);
	if (node_open(&lone.node, home.home, &report) != ERR_OK) {
		printf("Bail out! %s\n", report_first(&report));
		exit(1);
	}
	report_clear(&report);
	lone.quit = 0;
	need(pthread_create(&lone.thread, NULL, run_node, NULL) == 0);
}

static void on_signal(int number)
{
	(void)number;
}

static void stop(void)
{
	const struct timespec pause = {.tv_nsec = 1000000};
	int left = WAIT_MS;

	lone.quit = 1;
	while (pthread_tryjoin_np(lone.thread, NULL) != 0 && left-- > 0) {
		pthread_kill(lone.thread, SIGUSR1);
		nanosleep(&pause, NULL);
	}
	need(left > 0);
	node_close(lone.node);
}

/* Until the card in force has that many seal keys; 0: until there is none. */
static bool has_seals(size_t n, struct directory_card *at)
{
	const struct timespec pause = {.tv_nsec = 10000000};

	for (int left = WAIT_MS / 10; left > 0; left--) {
		bool has = directory_card(node_directory(lone.node), &self, at);
		if (n ? has && at->seal_count == n : !has)
			return true;
		nanosleep(&pause, NULL);
	}
	return false;
}

static void put_value(const char *key, uint32_t value)
{
	struct log *log = open_log(&home);
	uint8_t bytes[4];

	put_u32(bytes, value);
	need(!log_begin(log) && !log_put(log, key, bytes, sizeof bytes) && !log_commit(log));
	log_close(log);
}

static uint32_t hour_now(void)
{
	return (uint32_t)(clock_wall() / 3600000);
}

/* ---- tests ---- */

static void a_node_without_news_says_nothing(void)
{
	struct directory_card at;

	start();
	ok(has_seals(0, &at), "no card where the topology says it all");
	ok(!directory_card(node_directory(lone.node), &self, &at), "nor a moment later");
	stop();
}

static void a_key_that_was_drawn_is_published_at_the_start(void)
{
	struct directory_card at;

	need(!identity_draw_seal(home.identity, path_in(&home, "node.key"), NULL, 2, NULL));
	start();
	ok(has_seals(2, &at), "both are in its card");
	is_int(at.seals[1].number, 2, "the new one, too");
	is_int(at.number, 1, "which is its first");
	stop();
	start();
	ok(has_seals(2, &at) && at.number == 1, "and stays, after a restart");
	stop();
}

static void an_old_key_is_destroyed_when_its_time_has_come(void)
{
	const uint32_t floor = hour_now() - 48;
	struct directory_card at;
	struct identity *id;

	put_value("floor", floor);
	put_value("superseded-seal/1", floor - SEAL_KEPT_HOURS + 1);
	start();
	need(has_seals(2, &at));
	stop();
	need(!identity_open(&id, path_in(&home, "node.key"), NULL, NULL));
	ok(identity_public(id)->seal_number == 2, "an hour before nothing happens");
	identity_free(id);
	put_value("superseded-seal/1", floor - SEAL_KEPT_HOURS);
	start();
	ok(has_seals(1, &at), "then it leaves the card");
	is_int(at.seals[0].number, 2, "the one in use stays");
	is_int(at.number, 2, "in a card of its own");
	stop();
	need(!identity_open(&id, path_in(&home, "node.key"), NULL, NULL));
	struct card c = {0};
	identity_card(id, &self, &c);
	is_int(c.seal_count, 1, "and its secret has left the key file");
	identity_free(id);
	struct report report;
	report_init(&report);
	is_int(backup_check_store(home.home, home.identity, &report), ERR_OK,
	       "the index is still what its log says");
	report_clear(&report);
}

static void a_number_is_never_used_twice(void)
{
	struct directory_card at;
	struct report report;
	uint16_t number = 0;

	report_init(&report);
	need(!link(path_in(&home, "node.key"), path_in(&home, "node.key.copy")));
	start();
	need(has_seals(1, &at));
	is_int(card_draw_seal(lone.node, &number, &report), ERR_OK, "a new key");
	is_int(number, 3, "has the next number");
	stop();
	/* The key file of before comes back from a copy. */
	unlink(path_in(&home, "node.key"));
	need(!link(path_in(&home, "node.key.copy"), path_in(&home, "node.key")));
	start();
	ok(has_seals(1, &at), "an old copy has but one key, which is published");
	is_int(card_draw_seal(lone.node, &number, &report), ERR_OK, "and the next");
	is_int(number, 4, "has a number that no card has named");
	stop();
	report_clear(&report);
}

static void a_card_is_renewed_before_half_of_its_life_is_over(void)
{
	struct directory_card at;
	uint32_t life = 400 * 24, expiry;

	start();
	need(has_seals(2, &at));
	expiry = at.expiry;
	ok(expiry >= hour_now() + life - 7 && expiry <= hour_now() + life - 6,
	   "it lives 400 days, less the six hours of SPEC 5.5");
	stop();
	/* A floor far ahead is a clock far ahead. */
	put_value("floor", expiry - life / 2 - 48);
	start();
	need(has_seals(2, &at));
	stop();
	is_int(at.expiry, expiry, "until half of it is left nothing happens");
	put_value("floor", expiry - life / 2 - 47);
	start();
	for (int left = 200; left > 0 && at.expiry == expiry; left--) {
		const struct timespec pause = {.tv_nsec = 10000000};
		nanosleep(&pause, NULL);
		need(has_seals(2, &at));
	}
	ok(at.expiry > expiry, "then it is renewed");
	stop();
}

int main(void)
{
	signal(SIGUSR1, on_signal);
	fixture_init(&home);
	make_federation();
	RUN(a_node_without_news_says_nothing);
	RUN(a_key_that_was_drawn_is_published_at_the_start);
	RUN(an_old_key_is_destroyed_when_its_time_has_come);
	RUN(a_number_is_never_used_twice);
	RUN(a_card_is_renewed_before_half_of_its_life_is_over);
	fixture_clear(&home);
	return tap_done();
}
