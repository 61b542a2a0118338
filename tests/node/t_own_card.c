/* A node's own card: published when its keys say so, renewed, and rid of keys whose time has come.
 */
#include "node/duty/node_card.h"

#include "node/store/backup.h"
#include "node/loop.h"
#include "node/duty/node_keys.h"
#include "tests/node/index_fixture.h"
#include "tests/node/lone_node.h"

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
	for (int left = WAIT_MS / 10; left > 0 && at.expiry == expiry; left--) {
		const struct timespec pause = {.tv_nsec = 10000000};
		nanosleep(&pause, NULL);
		need(has_seals(2, &at));
	}
	ok(at.expiry > expiry, "then it is renewed");
	stop();
}

int main(void)
{
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
