/* The expiry floor: no clock that is wrong, one's own or a neighbour's, moves it further than the
 * time that has really passed. */
#include <sodium.h>

#include "protocol/exchange_state.h"
#include "tests/protocol/federation.h"
#include "tests/sim/memory_store.h"

enum {
	HOUR_MS = 3600 * 1000,
	START = 495000, /* hours since 1970 */
	LAG = 48,
	YEARS = 10 * 365 * 24, /* ten of them, in hours */
	PEERS = 3,
};

struct rig {
	struct chain chain;
	struct memory_store *store;
	struct exchange *exchange;
	struct instant now;
	struct party_id peer[PEERS];
	uint8_t nonce;
	size_t peers;
};

static void host_random(void *arg, void *out, size_t n)
{
	(void)arg;
	randombytes_buf(out, n);
}

static void host_ended(void *arg, const struct party_id *id, bool blame, const char *why)
{
	(void)arg, (void)id, (void)blame, (void)why;
}

static void host_alarm(void *arg, const struct party_id *peer, const char *text)
{
	(void)arg, (void)peer, (void)text;
}

/* n0, to which the others report. */
static struct topology *federation(size_t peers)
{
	struct writing w = {0};
	struct topology *t;

	put(&w, "federation\n    name = Rig\n    version = 1\n    expires = 2040-01-01\n");
	put_council(&w, 1, 1);
	put(&w, "node\n");
	for (unsigned i = 0; i <= peers; i++) {
		char name[8];
		snprintf(name, sizeof name, "n%u", i);
		put(&w, "    %s\n        endpoint = \"tcp://127.0.0.1:%u\"\n", name, 5000 + i);
		put(&w, "%s", i ? "        reports-to = n0\n" : "");
		put_keys(&w, name);
	}
	t = parse_or_bail(w.at);
	free(w.at);
	return t;
}

static void start(struct rig *r)
{
	const struct topology *t = chain_newest(&r->chain);
	struct exchange_options options = {.self = topology_party(t, "n0")->id, .software = "rig"};
	struct exchange_host host = {.store = memory_store_interface(r->store),
				     .chain = &r->chain,
				     .arg = r,
				     .random = host_random,
				     .ended = host_ended,
				     .alarm = host_alarm};

	r->exchange = exchange_new(&options, &host);
	need(r->exchange && exchange_topology_changed(r->exchange, r->now) == ERR_OK);
}

static void rig_init(struct rig *r, size_t peers)
{
	struct store_id id = {{7}};
	struct topology *t = federation(peers);

	*r = (struct rig){.peers = peers};
	chain_init(&r->chain);
	need(chain_add(&r->chain, t) == ERR_OK);
	r->now = (struct instant){.mono = 1000, .wall = (uint64_t)START * HOUR_MS};
	r->store = memory_store_new(&id);
	for (unsigned i = 0; i < peers; i++) {
		char name[8];
		snprintf(name, sizeof name, "n%u", i + 1);
		r->peer[i] = topology_party(t, name)->id;
	}
	start(r);
}

static void rig_clear(struct rig *r)
{
	exchange_free(r->exchange);
	memory_store_free(r->store);
	chain_clear(&r->chain);
}

/* The daemon is started again; what the clocks say stays. */
static void restart(struct rig *r)
{
	exchange_free(r->exchange);
	r->now.mono = 500;
	start(r);
}

/* A neighbour greets, its clock being so many hours ahead of the true one. */
static void greet(struct rig *r, unsigned i, int64_t ahead, uint64_t truth)
{
	static uint8_t out[FRAME_MAX_BYTES];
	const struct topology *t = chain_newest(&r->chain);
	struct frame f = {.type = FRAME_HELLO};
	size_t n;

	exchange_up(r->exchange, &r->peer[i], r->now);
	f.hello.network = t->network;
	f.hello.self = r->peer[i];
	f.hello.store.b[0] = (uint8_t)(i + 1);
	f.hello.clock = truth + (uint64_t)(ahead * HOUR_MS);
	f.hello.credit_bytes = 64 << 20;
	f.hello.credit_messages = 1 << 20;
	f.hello.version_count = 1;
	f.hello.versions[0] = (struct version_hash){t->version, t->hash};
	memset(f.hello.nonce, ++r->nonce, NONCE_BYTES);
	n = frame_encode(&f, out);
	need(n > 0);
	exchange_receive(r->exchange, &r->peer[i], out, n, r->now);
}

/* So many hours pass, a turn in each; then the neighbours have long been silent. */
static void pass(struct rig *r, unsigned hours)
{
	for (unsigned i = 0; i < hours; i++) {
		r->now.mono += HOUR_MS;
		r->now.wall += HOUR_MS;
		exchange_turn(r->exchange, r->now);
	}
}

static uint64_t truth_of(unsigned hours)
{
	return (uint64_t)(START + hours) * HOUR_MS;
}

/* Hours that the floor stands behind the true time. */
static int64_t behind(const struct rig *r, unsigned hours)
{
	return (int64_t)START + hours - r->exchange->floor;
}

static void it_follows_the_time_that_passes(void)
{
	struct rig r;

	rig_init(&r, 1);
	is_int(r.exchange->floor, 0, "a new store has none");
	greet(&r, 0, 0, truth_of(0));
	is_int(behind(&r, 0), LAG, "when two clocks agree it begins");
	pass(&r, 1);
	greet(&r, 0, 0, truth_of(1));
	is_int(behind(&r, 1), LAG, "an hour later it is an hour on");
	pass(&r, 1);
	greet(&r, 0, 0, truth_of(2));
	is_int(behind(&r, 2), LAG, "and another");
	rig_clear(&r);
}

static void a_clock_that_is_ahead_does_not_move_it(void)
{
	struct rig r;

	rig_init(&r, 1);
	greet(&r, 0, 0, truth_of(0));
	/* One's own jumps while the conversation goes on. */
	r.now.wall += (uint64_t)YEARS * HOUR_MS;
	pass(&r, 1);
	is_int(behind(&r, 1), LAG, "one's own, while the link stays");
	greet(&r, 0, 0, truth_of(1));
	pass(&r, 1);
	is_int(behind(&r, 2), LAG, "and when it greets again");
	r.now.wall -= (uint64_t)YEARS * HOUR_MS;
	greet(&r, 0, YEARS, truth_of(2));
	pass(&r, 1);
	is_int(behind(&r, 3), LAG, "a neighbour's");
	rig_clear(&r);
}

/* The hour comes while the link is down: what it may rise by is not lost. */
static void a_link_that_is_down_does_not_hold_it(void)
{
	struct rig r;

	rig_init(&r, 1);
	greet(&r, 0, 0, truth_of(0));
	exchange_down(r.exchange, &r.peer[0], "gone", r.now);
	exchange_up(r.exchange, &r.peer[0], r.now);
	pass(&r, 2);
	is_int(behind(&r, 2), LAG, "who has greeted once has a clock");
	rig_clear(&r);
}

static void one_wrong_neighbour_among_three_does_not_matter(void)
{
	static const int64_t wrong[] = {YEARS, -YEARS};
	struct rig r;

	for (unsigned i = 0; i < 2; i++) {
		rig_init(&r, 3);
		greet(&r, 0, 0, truth_of(0));
		greet(&r, 1, wrong[i], truth_of(0));
		greet(&r, 2, 0, truth_of(0));
		pass(&r, 5);
		/* The lower median of three is a right one whichever way the third is wrong. */
		is_int(behind(&r, 5), LAG, "%d hours wrong", (int)wrong[i]);
		rig_clear(&r);
	}
}

static void a_clock_that_is_behind_only_stops_it(void)
{
	struct rig r;

	rig_init(&r, 1);
	greet(&r, 0, 0, truth_of(0));
	greet(&r, 0, -YEARS, truth_of(0));
	pass(&r, 3);
	is_int(behind(&r, 3), LAG + 3, "a neighbour's");
	greet(&r, 0, 0, truth_of(3));
	pass(&r, 1);
	is_int(behind(&r, 4), LAG, "then it catches up");
	r.now.wall -= (uint64_t)YEARS * HOUR_MS;
	pass(&r, 2);
	is_int(behind(&r, 6), LAG + 2, "one's own");
	rig_clear(&r);
}

static void all_clocks_wrong_move_it_a_day_an_hour(void)
{
	struct rig r;

	rig_init(&r, 1);
	greet(&r, 0, 0, truth_of(0));
	r.now.wall += (uint64_t)YEARS * HOUR_MS;
	greet(&r, 0, YEARS, truth_of(0));
	pass(&r, 3);
	is_int(behind(&r, 3), LAG + 3 - 3 * 24, "24 hours for each");
	rig_clear(&r);
}

static void alone_it_stays_where_it_is(void)
{
	struct rig r;

	rig_init(&r, 1);
	greet(&r, 0, 0, truth_of(0));
	restart(&r);
	is_int(behind(&r, 0), LAG, "it was kept");
	r.now.wall += (uint64_t)YEARS * HOUR_MS;
	pass(&r, 100);
	is_int(behind(&r, 0), LAG, "without neighbours nothing moves it");
	rig_clear(&r);
}

static void starting_again_and_again_gains_nothing(void)
{
	struct rig r;

	rig_init(&r, 1);
	greet(&r, 0, 0, truth_of(0));
	r.now.wall += (uint64_t)YEARS * HOUR_MS;
	for (unsigned i = 0; i < 200; i++) {
		restart(&r);
		greet(&r, 0, YEARS, truth_of(0));
		r.now.mono += HOUR_MS - 1;
		r.now.wall += HOUR_MS - 1;
		exchange_turn(r.exchange, r.now);
	}
	is_int(behind(&r, 0), LAG, "what was not used up is not carried over");
	rig_clear(&r);
}

static void a_new_store_waits_for_clocks_that_agree(void)
{
	static const int64_t apart[] = {YEARS, -YEARS, 3, -3};
	struct rig r;

	for (unsigned i = 0; i < 4; i++) {
		rig_init(&r, 1);
		greet(&r, 0, apart[i], truth_of(0));
		pass(&r, 50);
		is_int(r.exchange->floor, 0, "%d hours apart", (int)apart[i]);
		rig_clear(&r);
	}
}

int main(void)
{
	need(sodium_init() >= 0);
	RUN(it_follows_the_time_that_passes);
	RUN(a_clock_that_is_ahead_does_not_move_it);
	RUN(a_link_that_is_down_does_not_hold_it);
	RUN(one_wrong_neighbour_among_three_does_not_matter);
	RUN(a_clock_that_is_behind_only_stops_it);
	RUN(all_clocks_wrong_move_it_a_day_an_hour);
	RUN(alone_it_stays_where_it_is);
	RUN(starting_again_and_again_gains_nothing);
	RUN(a_new_store_waits_for_clocks_that_agree);
	return tap_done();
}
