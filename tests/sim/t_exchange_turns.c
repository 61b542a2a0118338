/* Neighbours that speak at once: each is judged and kept in its turn, whatever another has sent. */
#include "tests/sim/rig.h"

enum { MANY = 500, BIG = 1 << 20 };

/* Turns until everything is kept. */
static void settle(struct rig *r)
{
	for (int i = 0; i < 1000 && r->exchange->pending_count; i++)
		wait_ms(r, 1);
	is_int(r->exchange->pending_count, 0, "all of it is kept");
}

/* The position of the nth message of the peer; 0: there are fewer. */
static uint64_t place(struct rig *r, unsigned i, size_t nth)
{
	struct stored row;

	for (uint64_t lsn = 1; r->real.next(r->real.self, lsn, &row) == ERR_OK; lsn = row.lsn + 1)
		if (party_id_equal(&row.from, &r->peer[i].id) && --nth == 0)
			return row.lsn;
	return 0;
}

static bool in_order(struct rig *r, unsigned i)
{
	uint64_t last = 0;
	struct stored row;
	struct header h;

	for (uint64_t lsn = 1; r->real.next(r->real.self, lsn, &row) == ERR_OK; lsn = row.lsn + 1) {
		if (!party_id_equal(&row.from, &r->peer[i].id))
			continue;
		if (header_decode(&h, row.header, row.header_length) || h.sequence != last + 1)
			return false;
		last = h.sequence;
	}
	return last == r->peer[i].sequence;
}

static void pushes(struct rig *r, unsigned i, uint64_t from, uint64_t to, size_t body)
{
	for (uint64_t number = from; number <= to; number++)
		push(r, i, number, body);
}

static void set_out(struct rig *r)
{
	rig_init(r);
	join(r, 0);
	join(r, 1);
}

static void one_that_says_little_waits_for_no_flood(void)
{
	struct rig r;

	set_out(&r);
	pushes(&r, 0, 1, MANY, 10);
	pushes(&r, 1, 1, 1, 10);
	settle(&r);
	ok(place(&r, 1, 1) <= 2, "it is kept after one message of the other");
	is_int(place(&r, 0, MANY), MANY + 1, "which is kept as well");
	ok(in_order(&r, 0), "and in its order");
	is_int(r.peer[0].ended + r.peer[1].ended, 0, "and nobody is cut off");
	rig_clear(&r);
}

static void nor_for_large_ones(void)
{
	struct rig r;

	set_out(&r);
	pushes(&r, 0, 1, 3, BIG);
	pushes(&r, 1, 1, 5, 10);
	settle(&r);
	ok(place(&r, 1, 5) <= 6, "five small ones are kept after one large one");
	is_int(place(&r, 0, 3), 8, "the others after them");
	rig_clear(&r);
}

static void two_that_flood_share(void)
{
	struct rig r;

	set_out(&r);
	pushes(&r, 0, 1, MANY, 10);
	settle(&r);
	for (uint64_t n = 1; n <= MANY / 2; n++)
		push(&r, 0, MANY + n, 10);
	pushes(&r, 1, 1, MANY / 2, 10);
	settle(&r);
	ok(place(&r, 1, 100) <= MANY + 205, "one that comes later has its half from then on");
	ok(place(&r, 0, MANY + 100) <= MANY + 205, "and so has the other: silence earns nothing");
	ok(in_order(&r, 0) && in_order(&r, 1), "each in its order");
	rig_clear(&r);
}

/* Who comes next waits until the batch under way is written, passed on and answered for. */
static void little_is_kept_together_unless_the_disk_is_slow(void)
{
	struct pending one = {.length = 300};
	struct pending *all[MANY], **before;
	struct rig r;

	set_out(&r);
	for (size_t i = 0; i < MANY; i++)
		all[i] = &one;
	pushes(&r, 0, 1, 1, 10);
	settle(&r);
	before = r.exchange->pending;
	r.exchange->pending = all;
	r.exchange->judged = MANY;
	is_int(turns_to_keep(r.exchange), MANY, "where one neighbour speaks, all it has sent");
	r.exchange->judged = 0;
	r.exchange->pending = before;
	pushes(&r, 1, 1, 1, 10);
	settle(&r);
	before = r.exchange->pending;
	r.exchange->pending = all;
	r.exchange->judged = MANY;
	is_int(turns_to_keep(r.exchange), 64, "where others do, no more than a disk keeps at once");
	r.exchange->keep_ms = 4;
	is_int(turns_to_keep(r.exchange), 256, "where that takes long, more");
	r.exchange->keep_ms = 400;
	is_int(turns_to_keep(r.exchange), 256, "but not so many that they are what takes long");
	r.exchange->hurried = false;
	one.urgent = true;
	r.exchange->keep_ms = 1;
	is_int(turns_to_keep(r.exchange), 64, "what is urgent is no exception");
	r.exchange->judged = 0;
	r.exchange->pending = before;
	rig_clear(&r);
}

/* How many milliseconds pass until there are so many messages of the peer. */
static unsigned until_kept(struct rig *r, unsigned i, size_t count)
{
	unsigned ms = 0;

	for (; !place(r, i, count) && ms < 1000; ms++)
		wait_ms(r, 1);
	return ms;
}

static void who_has_had_its_share_leaves_the_store_to_others_for_a_while(void)
{
	struct rig r;
	unsigned alone, beside;

	set_out(&r);
	pushes(&r, 0, 1, MANY, 10);
	alone = until_kept(&r, 0, MANY);
	pushes(&r, 1, 1, 1, 10);
	settle(&r);
	pushes(&r, 0, MANY + 1, 2 * MANY, 10);
	wait_ms(&r, 1);
	ok(r.exchange->pending_count > 0, "where another speaks a flood is not kept at once");
	for (unsigned n = 2; n <= 4; n++) {
		push(&r, 1, n, 10);
		is_int(until_kept(&r, 1, n), 1, "what the other says is, between its batches");
	}
	ok(r.exchange->pending_count > 0, "of which some wait still");
	beside = until_kept(&r, 0, 2 * MANY);
	settle(&r);
	ok(beside > 3 * alone && beside <= 100, "they take %u ms, not %u", beside, alone);
	ok(in_order(&r, 0) && in_order(&r, 1), "each in its order");
	wait_ms(&r, 1);
	wait_ms(&r, 10 * 1000);
	pushes(&r, 0, 2 * MANY + 1, 3 * MANY, 10);
	is_int(until_kept(&r, 0, 3 * MANY), alone,
	       "when nobody else has spoken for long, as before");
	rig_clear(&r);
}

static void a_rest_is_short_however_long_a_batch_took(void)
{
	struct rig r;

	set_out(&r);
	pushes(&r, 1, 1, 1, 10);
	settle(&r);
	pushes(&r, 0, 1, 3, BIG);
	for (int i = 0; i < 10 && !r.exchange->rest_due; i++)
		wait_ms(&r, 1);
	ok(r.exchange->rest_due && !place(&r, 0, 3), "after a batch there is one");
	wait_ms(&r, 5000);
	is_int(r.exchange->rest_until - r.exchange->now.mono, 100,
	       "of a tenth of a second at most");
	is_int(exchange_deadline(r.exchange), r.exchange->rest_until, "when it looks again");
	wait_ms(&r, 100);
	ok(place(&r, 0, 3) > 0, "and then the next is kept");
	rig_clear(&r);
}

/* --- while the judges are at work --- */

static struct {
	void (*work)(void *ctx, size_t i);
	void *ctx;
	size_t n;
	unsigned rounds; /* that they may end */
} judges;

static void judges_begin(void *arg, void (*work)(void *ctx, size_t i), void *ctx, size_t n,
			 size_t bytes, bool leave_one)
{
	(void)arg, (void)bytes, (void)leave_one;
	judges.work = work;
	judges.ctx = ctx;
	judges.n = n;
}

static bool judges_over(void *arg, bool wait)
{
	(void)arg;
	if (judges.n && !judges.rounds && !wait)
		return false;
	judges.rounds -= judges.n && judges.rounds;
	for (size_t i = 0; i < judges.n; i++)
		judges.work(judges.ctx, i);
	judges.n = 0;
	return true;
}

static void set_out_with_judges(struct rig *r)
{
	set_out(r);
	judges.n = 0;
	judges.rounds = 0;
	r->exchange->host.work_begin = judges_begin;
	r->exchange->host.work_over = judges_over;
	pushes(r, 0, 1, MANY, 10);
	wait_ms(r, 1);
	need(judges.n > 0);
}

static void what_is_judged_meanwhile_is_not_waited_for(void)
{
	struct rig r;

	set_out_with_judges(&r);
	pushes(&r, 1, 1, 1, 10);
	wait_ms(&r, 1);
	is_int(place(&r, 1, 1), 1, "it is kept before what the judges are at");
	push(&r, 1, 2, BIG / 2);
	wait_ms(&r, 1);
	is_int(place(&r, 1, 2), 0, "but not what takes long");
	pushes(&r, 1, 3, 3, 10);
	wait_ms(&r, 1);
	is_int(place(&r, 1, 2), 0, "nor what came after that");
	judges.rounds = 1000;
	settle(&r);
	is_int(place(&r, 0, MANY), MANY + 3, "and then everything");
	ok(in_order(&r, 0) && in_order(&r, 1), "in its order");
	rig_clear(&r);
}

/* What follows the store leaves it alone meanwhile; not when it is the store that waits. */
static void it_is_known_whether_something_is_to_be_stored(void)
{
	struct rig r;

	set_out_with_judges(&r);
	ok(exchange_is_storing(r.exchange), "while messages are judged");
	r.busy = true;
	judges.rounds = 1000;
	wait_ms(&r, 1);
	need(r.exchange->pending_count > 0);
	ok(!exchange_is_storing(r.exchange), "not while the store takes none");
	r.busy = false;
	settle(&r);
	ok(!exchange_is_storing(r.exchange), "nor when all are kept");
	rig_clear(&r);
}

static void nobody_overtakes_itself(void)
{
	struct rig r;

	set_out_with_judges(&r);
	push(&r, 1, 1, BIG / 4);
	judges.rounds = 1;
	for (int i = 0; i < 10; i++)
		wait_ms(&r, 1);
	need(place(&r, 0, 40) && !place(&r, 1, 1) && judges.n);
	push(&r, 1, 2, 10);
	wait_ms(&r, 1);
	is_int(place(&r, 1, 1), 0, "not even when much of another was kept meanwhile");
	judges.rounds = 1000;
	settle(&r);
	ok(in_order(&r, 0) && in_order(&r, 1), "each is in its order");
	rig_clear(&r);
}

static void one_that_leaves_takes_only_its_own_along(void)
{
	struct rig r;

	set_out_with_judges(&r);
	pushes(&r, 1, 1, 1, 10);
	exchange_down(r.exchange, &r.peer[0].id, "it left", r.now);
	judges.rounds = 1000;
	settle(&r);
	is_int(place(&r, 1, 1), 1, "the other's is kept");
	is_int(place(&r, 0, 1), 0, "and nothing of its own");
	join(&r, 0);
	r.peer[0].sequence = 0;
	pushes(&r, 0, 1, MANY, 10);
	settle(&r);
	is_int(place(&r, 0, MANY), MANY + 1, "when it comes again, all of it");
	rig_clear(&r);
}

static void a_forgery_among_them_ends_only_its_sender(void)
{
	struct rig r;

	set_out_with_judges(&r);
	memset(r.peer[1].sign_secret, 1, sizeof r.peer[1].sign_secret);
	pushes(&r, 1, 1, 1, 10);
	wait_ms(&r, 1);
	is_int(r.peer[1].blamed, 1, "it is named");
	judges.rounds = 1000;
	settle(&r);
	is_int(place(&r, 1, 1), 0, "and not kept");
	is_int(place(&r, 0, MANY), MANY, "the other's is");
	rig_clear(&r);
}

/* --- what is urgent --- */

/* The position of the peer's message with that sequence number; 0: it is not kept. */
static uint64_t place_of(struct rig *r, unsigned i, uint64_t sequence)
{
	struct stored row;
	struct header h;

	for (uint64_t lsn = 1; r->real.next(r->real.self, lsn, &row) == ERR_OK; lsn = row.lsn + 1)
		if (party_id_equal(&row.from, &r->peer[i].id) &&
		    header_decode(&h, row.header, row.header_length) == ERR_OK &&
		    h.sequence == sequence)
			return row.lsn;
	return 0;
}

static void what_is_urgent_goes_before_the_rest_of_its_sender(void)
{
	struct rig r;

	set_out_with_judges(&r);
	r.peer[0].priority = PRIORITY_EMERGENCY;
	pushes(&r, 0, MANY + 1, MANY + 1, 10);
	wait_ms(&r, 1);
	is_int(place_of(&r, 0, MANY + 1), 1, "it is kept before what the judges are at");
	judges.rounds = 1000;
	settle(&r);
	is_int(place_of(&r, 0, 1), 2, "then come the others");
	is_int(place_of(&r, 0, MANY), MANY + 1, "all of them");
	rig_clear(&r);
}

static void several_that_are_urgent_keep_their_order(void)
{
	uint64_t last = 0;
	bool ordered = true;
	struct rig r;

	set_out_with_judges(&r);
	r.peer[0].priority = PRIORITY_EMERGENCY;
	pushes(&r, 0, MANY + 1, MANY + 100, 10);
	judges.rounds = 1000;
	settle(&r);
	for (uint64_t n = 1; n <= 100; n++) {
		uint64_t at = place_of(&r, 0, MANY + n);
		ordered &= at > last;
		last = at;
	}
	ok(ordered, "a hundred at once are kept in their order");
	ok(last <= 400, "before what the judges had not begun");
	for (uint64_t n = 1, at; n <= MANY; n++, last = at) {
		at = place_of(&r, 0, n);
		ordered &= at > 0 && (n == 1 || at > last);
	}
	ok(ordered, "and so are the others");
	rig_clear(&r);
}

/* What is judged at once is judged by who serves all links. */
static void a_flood_that_says_it_is_urgent_waits_for_the_judges(void)
{
	struct rig r;

	set_out_with_judges(&r);
	r.peer[0].priority = PRIORITY_EMERGENCY;
	pushes(&r, 0, MANY + 1, MANY + 100, 10);
	is_int(r.exchange->judged, 1, "but for the first of it");
	judges.rounds = 1000;
	settle(&r);
	rig_clear(&r);
}

/* So that they are not written with all that was judged meanwhile; and the rest has its turn. */
static void what_is_urgent_is_kept_by_itself_every_other_time(void)
{
	struct pending urgent = {.urgent = true}, other = {.urgent = false};
	struct pending *all[] = {&urgent, &urgent, &other, &other, &other}, **before;
	struct rig r;

	set_out(&r);
	before = r.exchange->pending;
	r.exchange->pending = all;
	r.exchange->judged = 5;
	is_int(turns_to_keep(r.exchange), 2, "what is urgent alone");
	is_int(turns_to_keep(r.exchange), 5, "then all");
	is_int(turns_to_keep(r.exchange), 2, "and again");
	r.exchange->judged = 0;
	r.exchange->pending = before;
	rig_clear(&r);
}

static void nobody_is_urgent_at_the_cost_of_others(void)
{
	struct rig r;

	set_out(&r);
	r.peer[0].priority = PRIORITY_EMERGENCY;
	pushes(&r, 0, 1, MANY, 10);
	pushes(&r, 1, 1, MANY, 10);
	settle(&r);
	ok(place(&r, 1, 1) <= 2, "one message beside a flood that says it is urgent");
	ok(place(&r, 1, 200) <= 405, "and the others get their share");
	is_int(r.peer[0].ended + r.peer[1].ended, 0, "and nobody is cut off");
	rig_clear(&r);
}

int main(void)
{
	need(sodium_init() >= 0);
	RUN(one_that_says_little_waits_for_no_flood);
	RUN(nor_for_large_ones);
	RUN(two_that_flood_share);
	RUN(little_is_kept_together_unless_the_disk_is_slow);
	RUN(who_has_had_its_share_leaves_the_store_to_others_for_a_while);
	RUN(a_rest_is_short_however_long_a_batch_took);
	RUN(what_is_judged_meanwhile_is_not_waited_for);
	RUN(it_is_known_whether_something_is_to_be_stored);
	RUN(nobody_overtakes_itself);
	RUN(one_that_leaves_takes_only_its_own_along);
	RUN(a_forgery_among_them_ends_only_its_sender);
	RUN(what_is_urgent_goes_before_the_rest_of_its_sender);
	RUN(several_that_are_urgent_keep_their_order);
	RUN(a_flood_that_says_it_is_urgent_waits_for_the_judges);
	RUN(what_is_urgent_is_kept_by_itself_every_other_time);
	RUN(nobody_is_urgent_at_the_cost_of_others);
	return tap_done();
}
