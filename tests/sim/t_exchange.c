/* The exchange among neighbours that do what no honest one does. */
#include "tests/sim/rig.h"

static void a_greeting_in_between_moves_no_cursor(void)
{
	struct rig r;
	struct cursor c = {.lsn = 1};

	rig_init(&r);
	for (uint64_t i = 1; i <= 3; i++)
		submit(&r, i);
	wait_ms(&r, 10);
	is_int(r.submitted, ERR_OK, "three messages are kept");
	join(&r, 0);
	is_int(r.peer[0].pushes, 3, "and pushed");
	say_answer(&r, 0, FRAME_ACK, 1);
	wait_ms(&r, 10);
	/* Anew, before it has answered for the others. */
	say_hello(&r, 0, false);
	wait_ms(&r, 2 * CURSOR_SAVE_MS);
	r.real.get_cursor(r.real.self, &r.peer[0].id, &c);
	ok(c.lsn <= 2, "what is not answered for is not passed over");
	hear(&r, 0);
	say_open(&r, 0);
	hear(&r, 0);
	ok(r.peer[0].pushes >= 5, "and comes again in the next conversation");
	rig_clear(&r);
}

static void a_damaged_message_hides_none_behind_it(void)
{
	struct rig r;

	rig_init(&r);
	for (uint64_t i = 1; i <= 5; i++)
		submit(&r, i);
	wait_ms(&r, 10);
	r.bad_lsn = 2;
	r.bad = ERR_DAMAGED;
	join(&r, 0);
	is_int(r.peer[0].pushes, 4, "the other four are pushed");
	ok(r.alarms > 0, "and the operator hears of it");
	rig_clear(&r);
}

static void what_cannot_be_read_now_is_not_passed_over(void)
{
	struct rig r;
	struct cursor c = {.lsn = 1};

	rig_init(&r);
	for (uint64_t i = 1; i <= 5; i++)
		submit(&r, i);
	wait_ms(&r, 10);
	r.bad_lsn = 3;
	r.bad = ERR_IO;
	exchange_up(r.exchange, &r.peer[0].id, r.now);
	hear(&r, 0);
	say_hello(&r, 0, true);
	say_open(&r, 0);
	hear(&r, 0);
	is_int(r.peer[0].ended, 1, "the conversation ends: %s", r.peer[0].why);
	is_int(r.peer[0].blamed, 0, "and the peer is not to blame");
	wait_ms(&r, 2 * CURSOR_SAVE_MS);
	r.real.get_cursor(r.real.self, &r.peer[0].id, &c);
	ok(c.lsn <= 3, "the cursor stays before it");
	r.bad_lsn = 0;
	r.peer[0].pushes = 0;
	join(&r, 0);
	is_int(r.peer[0].pushes, 5, "and everything is pushed when it can be read");
	rig_clear(&r);
}

/* The save of the cursor may be due in the very turn in which a conversation ends. */
static void a_conversation_that_has_just_ended_moves_no_cursor(void)
{
	struct rig r;
	struct cursor c = {.lsn = 1};

	rig_init(&r);
	join(&r, 0);
	submit(&r, 1);
	wait_ms(&r, 10);
	hear(&r, 0);
	say_answer(&r, 0, FRAME_ACK, 1);
	wait_ms(&r, 10);
	r.bad_lsn = 2;
	r.bad = ERR_IO;
	submit(&r, 2);
	wait_ms(&r, 2 * CURSOR_SAVE_MS);
	hear(&r, 0);
	is_int(r.peer[0].ended, 1, "the conversation ends: %s", r.peer[0].why);
	wait_ms(&r, 2 * CURSOR_SAVE_MS);
	r.real.get_cursor(r.real.self, &r.peer[0].id, &c);
	ok(c.lsn <= 2, "the cursor stays before what could not be read");
	rig_clear(&r);
}

static void conversations_that_ended_leave_nothing_behind(void)
{
	struct rig r;
	size_t most = 0;

	rig_init(&r);
	memory_store_fail(r.store, 1000);
	join(&r, 0);
	for (int round = 0; round < 20; round++) {
		for (uint64_t i = 1; i <= 7; i++)
			push(&r, 0, i, 512 << 10);
		wait_ms(&r, 10);
		if (r.exchange->pending_count > most)
			most = r.exchange->pending_count;
		say_hello(&r, 0, false);
		hear(&r, 0);
		say_open(&r, 0);
	}
	ok(most > 0, "while the store takes nothing, what comes waits");
	ok(most <= 7, "within one credit, however often a peer greets");
	rig_clear(&r);
}

static void an_author_does_not_wait_for_ever(void)
{
	struct rig r;

	rig_init(&r);
	r.busy = true;
	r.submitted = ERR_COUNT;
	submit(&r, 1);
	wait_ms(&r, 10);
	is_int(r.submitted, ERR_COUNT, "while the indexes catch up it waits");
	for (int i = 0; i < 10; i++)
		wait_ms(&r, 1000);
	is_int(r.submitted, ERR_BUSY, "when they do not, it is told");
	is_int(exchange_store_state(r.exchange), ERR_BUSY, "and so is the operator");
	r.busy = false;
	submit(&r, 2);
	wait_ms(&r, 2000);
	is_int(r.submitted, ERR_OK, "later messages are kept");
	is_int(exchange_store_state(r.exchange), ERR_OK, "and all is well");
	rig_clear(&r);
}

static void a_peer_that_answers_for_nothing_is_named(void)
{
	struct frame credit = {.type = FRAME_CREDIT,
			       .credit = {.bytes = 64 << 20, .messages = 1 << 20}};
	struct rig r;

	rig_init(&r);
	submit(&r, 1);
	submit(&r, 2);
	wait_ms(&r, 10);
	join(&r, 0);
	for (int i = 0; i < 60; i++) {
		wait_ms(&r, 10000);
		say(&r, 0, &credit);
		hear(&r, 0);
		if (i == 20)
			is_int(r.alarms, 0, "it has some time");
	}
	is_int(r.peer[0].ended, 0, "its conversation goes on");
	ok(r.alarms > 0 && r.alarms <= 2, "but the operator hears of it now and then");
	r.alarms = 0;
	say_answer(&r, 0, FRAME_ACK, 2);
	for (int i = 0; i < 60; i++) {
		wait_ms(&r, 10000);
		say(&r, 0, &credit);
		hear(&r, 0);
	}
	is_int(r.alarms, 0, "and not of one that has nothing to answer for");
	rig_clear(&r);
}

static void what_is_urgent_is_bounded_too(void)
{
	struct rig r;
	struct peer *p;
	struct header h = {.kind = KIND_RECALL, .topology = 1, .expiry = WALL_START + 24};

	rig_init(&r);
	join(&r, 0);
	p = peer_of(&r, 0);
	h.origin = r.peer[1].id;
	h.audience = audience_all();
	for (uint64_t lsn = 1; lsn <= 2 * LIVE_QUEUE_MAX; lsn++)
		peer_offer(p, lsn, &h, &r.peer[1].id, LANE_URGENT);
	ok(p->lanes[LANE_URGENT].count >= LIVE_QUEUE_MAX / 2, "recalls wait");
	ok(p->lanes[LANE_URGENT].count <= LIVE_QUEUE_MAX, "as many as may");
	ok(p->missed > 0, "and the rest is found again in the log");
	rig_clear(&r);
}

static void a_flood_of_greetings_ends_and_is_named(void)
{
	struct rig r;
	unsigned greetings = 0;

	rig_init(&r);
	join(&r, 0);
	while (!r.peer[0].ended && greetings < 10000) {
		say_hello(&r, 0, false);
		hear(&r, 0);
		greetings++;
	}
	is_int(r.peer[0].blamed, 1, "it is named: %s", r.peer[0].why);
	ok(greetings < 200, "after %u greetings", greetings);
	rig_clear(&r);
}

static void greetings_now_and_then_are_no_flood(void)
{
	struct rig r;

	rig_init(&r);
	join(&r, 0);
	for (int i = 0; i < 1000; i++) {
		wait_ms(&r, 2000);
		say_hello(&r, 0, false);
		hear(&r, 0);
	}
	is_int(r.peer[0].ended, 0, "a thousand of them in half an hour: %s", r.peer[0].why);
	rig_clear(&r);
}

static void a_push_is_answered_once(void)
{
	static const enum frame_type second[] = {FRAME_ACK, FRAME_HAVE, FRAME_NAK};

	for (size_t i = 0; i < 3; i++) {
		struct rig r;
		rig_init(&r);
		submit(&r, 1);
		submit(&r, 2);
		wait_ms(&r, 10);
		join(&r, 0);
		say_answer(&r, 0, FRAME_ACK, 1);
		is_int(r.peer[0].ended, 0, "one answer is right");
		say_answer(&r, 0, second[i], 1);
		is_int(r.peer[0].blamed, 1, "%s after it is not: %s", frame_type_str(second[i]),
		       r.peer[0].why);
		rig_clear(&r);
	}
}

static void have_and_then_ack_are_one_answer(void)
{
	struct rig r;

	rig_init(&r);
	submit(&r, 1);
	submit(&r, 2);
	wait_ms(&r, 10);
	join(&r, 0);
	say_answer(&r, 0, FRAME_HAVE, 2);
	say_answer(&r, 0, FRAME_HAVE, 1);
	say_answer(&r, 0, FRAME_ACK, 2);
	is_int(r.peer[0].ended, 0, "ACK is cumulative: %s", r.peer[0].why);
	rig_clear(&r);
}

static void nothing_due_is_nothing_to_wake_for(void)
{
	struct rig r;

	rig_init(&r);
	submit(&r, 1);
	wait_ms(&r, 10);
	join(&r, 0);
	say_answer(&r, 0, FRAME_ACK, 1);
	wait_ms(&r, 10);
	exchange_down(r.exchange, &r.peer[0].id, "cut", r.now);
	wait_ms(&r, 2 * CURSOR_SAVE_MS);
	wait_ms(&r, 2 * CURSOR_SAVE_MS);
	ok(exchange_deadline(r.exchange) == UINT64_MAX,
	   "a peer that is gone has no cursor to save");
	rig_clear(&r);
}

/* SPEC 5.5: what it says of the floor alone decides nothing. */
static void a_neighbour_that_claims_any_floor_moves_no_author(void)
{
	struct rig r;

	rig_init(&r);
	join(&r, 0);
	need(exchange_floor(r.exchange) == WALL_START - 48);
	r.peer[1].floor = WALL_START + 20000;
	join(&r, 1);
	is_int(exchange_floor(r.exchange), WALL_START - 48, "it goes by its own");
	is_int(exchange_hour(r.exchange), WALL_START, "and by its clock");
	rig_clear(&r);
}

/* One whose clock is behind by years is told the time by what most of its neighbours go by. */
static void a_wrong_clock_goes_by_most_of_its_neighbours(void)
{
	struct rig r;

	rig_init(&r);
	r.now.wall -= (uint64_t)20000 * HOUR_MS;
	for (unsigned i = 0; i < PEERS; i++) {
		r.peer[i].ahead = (uint64_t)20000 * HOUR_MS;
		r.peer[i].floor = WALL_START - 48 + 5000 * i;
		join(&r, i);
	}
	is_int(exchange_floor(r.exchange), WALL_START - 48, "the lower median of their floors");
	is_int(exchange_hour(r.exchange), WALL_START, "and so it knows the hour");
	rig_clear(&r);
}

static void one_who_speaks_from_two_stores_is_named(void)
{
	struct rig r;

	rig_init(&r);
	join(&r, 0);
	r.peer[0].store = 9;
	join(&r, 0);
	join(&r, 0);
	is_int(r.alarms, 0, "another store is one that was restored");
	r.peer[0].store = 0;
	join(&r, 0);
	is_int(r.alarms, 1, "the one before again is a second one");
	wait_ms(&r, (uint64_t)25 * HOUR_MS);
	r.peer[0].store = 9;
	join(&r, 0);
	is_int(r.alarms, 1, "a day later it is forgotten");
	is_int(r.peer[0].blamed, 0, "and nobody is blamed");
	rig_clear(&r);
}

/* Time passes, and the peer says now and then that it is there. */
static void pass_minutes(struct rig *r, unsigned minutes)
{
	for (unsigned i = 0; i < 2 * minutes; i++) {
		wait_ms(r, 30 * 1000);
		say_credit(r, 0, 1 << 20);
		hear(r, 0);
	}
}

static void what_is_missing_is_asked_for_and_not_too_often(void)
{
	const struct header for_all = {.kind = KIND_POST, .audience = audience_all()};
	struct frame same = {.type = FRAME_LAST};
	struct rig r;

	rig_init(&r);
	r.exchange->host.store.trie = r.real.trie;
	join(&r, 0);
	pass_minutes(&r, 20);
	is_int(r.peer[0].begins, 0, "the other end begins");
	exchange_reconcile(r.exchange, &for_all, r.now);
	ok(exchange_deadline(r.exchange) <= r.now.mono, "it is to be done at once");
	wait_ms(&r, 1);
	hear(&r, 0);
	is_int(r.peer[0].begins, 1, "unless something is missing");
	say(&r, 0, &same);
	for (int i = 0; i < 100; i++)
		exchange_reconcile(r.exchange, &for_all, r.now);
	pass_minutes(&r, 1);
	is_int(r.peer[0].begins, 1, "not again within two minutes");
	pass_minutes(&r, 2);
	is_int(r.peer[0].begins, 2, "but then");
	say(&r, 0, &same);
	pass_minutes(&r, 40);
	is_int(r.peer[0].begins, 2, "and not for ever");
	is_int(r.peer[0].ended, 0, "the session goes on");
	rig_clear(&r);
}

/* It came by another way while the peer sent it, in a conversation of which a frame was lost. */
static void a_version_held_already_blames_nobody(void)
{
	struct rig r;
	struct frame f = {.type = FRAME_TOPOLOGY};

	rig_init(&r);
	exchange_up(r.exchange, &r.peer[0].id, r.now);
	hear(&r, 0);
	say_hello(&r, 0, true);
	f.piece.number = 1;
	f.piece.total = 4;
	f.piece.data = (const uint8_t *)"node";
	f.piece.length = 4;
	say(&r, 0, &f);
	is_int(r.peer[0].ended, 1, "the conversation begins anew: %s", r.peer[0].why);
	is_int(r.peer[0].blamed, 0, "and nobody is named");
	rig_clear(&r);
}

int main(void)
{
	need(sodium_init() >= 0);
	RUN(a_greeting_in_between_moves_no_cursor);
	RUN(a_damaged_message_hides_none_behind_it);
	RUN(what_cannot_be_read_now_is_not_passed_over);
	RUN(a_conversation_that_has_just_ended_moves_no_cursor);
	RUN(conversations_that_ended_leave_nothing_behind);
	RUN(an_author_does_not_wait_for_ever);
	RUN(a_peer_that_answers_for_nothing_is_named);
	RUN(what_is_urgent_is_bounded_too);
	RUN(a_flood_of_greetings_ends_and_is_named);
	RUN(greetings_now_and_then_are_no_flood);
	RUN(a_push_is_answered_once);
	RUN(have_and_then_ack_are_one_answer);
	RUN(nothing_due_is_nothing_to_wake_for);
	RUN(a_version_held_already_blames_nobody);
	RUN(a_neighbour_that_claims_any_floor_moves_no_author);
	RUN(a_wrong_clock_goes_by_most_of_its_neighbours);
	RUN(one_who_speaks_from_two_stores_is_named);
	RUN(what_is_missing_is_asked_for_and_not_too_often);
	return tap_done();
}
