/* Notices between neighbours: suspensions that are told, and counts that are asked for. */
#include "protocol/count.h"
#include "tests/sim/rig.h"

static unsigned offered, told, counted;
static struct counts counts;
static const uint8_t statement[] = "a statement";

static enum err suspension_offered(void *arg, const uint8_t *file, size_t n, struct report *report)
{
	(void)arg, (void)report;
	offered += n == sizeof statement && memcmp(file, statement, n) == 0;
	return ERR_EXISTS;
}

static enum err suspension_file(void *arg, const uint8_t **file, size_t *n)
{
	(void)arg;
	*file = statement;
	*n = sizeof statement;
	return ERR_OK;
}

static void begin(struct rig *r)
{
	rig_init(r);
	r->exchange->host.suspension_offered = suspension_offered;
	r->exchange->host.suspension_file = suspension_file;
	offered = told = counted = 0;
}

static void listen(struct rig *r, unsigned i)
{
	static uint8_t in[FRAME_MAX_BYTES];
	struct frame f;
	size_t n;

	while ((n = exchange_output(r->exchange, &r->peer[i].id, in, r->now)) > 0) {
		need(frame_decode(&f, in, n) == ERR_OK);
		told += f.type == FRAME_SUSPENSION;
		if (f.type == FRAME_COUNTS) {
			counted++;
			need(counts_decode(&counts, f.reconcile.payload, f.reconcile.length) ==
			     ERR_OK);
		}
	}
}

static void say_notice(struct rig *r, unsigned i, enum frame_type type, const void *payload,
		       size_t n)
{
	struct frame f = {.type = type};

	f.reconcile.payload = payload;
	f.reconcile.length = n;
	say(r, i, &f);
}

/* As far as this node is told, n1 is suspended for another hour. */
static void a_statement_is_told_until_it_ends(void)
{
	struct rig r;
	struct suspension s = {.serial = 1};

	begin(&r);
	s.from = r.now.wall;
	s.until = r.now.wall + HOUR_MS;
	r.chain.suspension = &s;
	exchange_up(r.exchange, &r.peer[0].id, r.now);
	hear(&r, 0);
	say_hello(&r, 0, true);
	say_open(&r, 0);
	listen(&r, 0);
	is_int(told, 1, "when the session opens");
	exchange_suspension_changed(r.exchange, r.now);
	listen(&r, 0);
	is_int(told, 2, "and when it is another");
	r.now.wall += HOUR_MS;
	exchange_suspension_changed(r.exchange, r.now);
	listen(&r, 0);
	is_int(told, 2, "not once it has ended");
	r.chain.suspension = NULL;
	rig_clear(&r);
}

static void what_is_told_again_and_again_ends_the_session(void)
{
	struct rig r;

	begin(&r);
	join(&r, 0);
	for (unsigned i = 0; i < 8; i++)
		say_notice(&r, 0, FRAME_SUSPENSION, statement, sizeof statement);
	ok(offered == 8 && !r.peer[0].ended, "eight are heard");
	wait_ms(&r, 15 * 1000);
	say_credit(&r, 0, 1 << 21);
	wait_ms(&r, 45 * 1000);
	say_notice(&r, 0, FRAME_SUSPENSION, statement, sizeof statement);
	ok(offered == 9 && !r.peer[0].ended, "and one more after a minute");
	say_notice(&r, 0, FRAME_SUSPENSION, statement, sizeof statement);
	ok(offered == 9 && r.peer[0].blamed == 1, "the next is too much: %s", r.peer[0].why);
	rig_clear(&r);
}

static struct count_ask ask_of(const struct rig *r)
{
	return (struct count_ask){.role = r->peer[0].id, .floor = WALL_START};
}

static void who_does_not_hold_the_role_is_told_nothing(void)
{
	struct rig r;
	uint8_t bytes[COUNT_BYTES];
	struct count_ask ask;

	begin(&r);
	join(&r, 0);
	ask = ask_of(&r);
	count_ask_encode(&ask, bytes);
	say_notice(&r, 0, FRAME_COUNT, bytes, sizeof bytes);
	wait_ms(&r, 1);
	listen(&r, 0);
	ok(counted == 1 && counts.of.floor == 0 && counts.line_count == 0 && counts.key_count == 0,
	   "a floor of 0, and nothing else");
	ok(!r.peer[0].ended, "which is no offence");
	rig_clear(&r);
}

static void an_unasked_answer_ends_the_session(void)
{
	struct rig r;
	uint8_t bytes[RECONCILE_BYTES_MAX];
	struct counts c = {.of = {.floor = 1}};

	begin(&r);
	join(&r, 0);
	say_notice(&r, 0, FRAME_COUNTS, bytes, counts_encode(&c, bytes));
	ok(r.peer[0].blamed == 1, "%s", r.peer[0].why);
	rig_clear(&r);
}

static void a_malformed_question_ends_the_session(void)
{
	struct rig r;
	uint8_t bytes[COUNT_BYTES] = {0};

	begin(&r);
	join(&r, 0);
	say_notice(&r, 0, FRAME_COUNT, bytes, sizeof bytes - 1);
	ok(r.peer[0].blamed == 1, "%s", r.peer[0].why);
	rig_clear(&r);
}

static void questions_are_bounded(void)
{
	struct rig r;
	uint8_t bytes[COUNT_BYTES];
	struct count_ask ask;
	unsigned asked = 0;

	begin(&r);
	join(&r, 0);
	ask = ask_of(&r);
	count_ask_encode(&ask, bytes);
	for (; asked < 1000 && !r.peer[0].ended; asked++) {
		say_notice(&r, 0, FRAME_COUNT, bytes, sizeof bytes);
		exchange_turn(r.exchange, r.now);
		listen(&r, 0);
	}
	ok(asked == 257 && r.peer[0].blamed == 1, "the %uth is too much", asked);
	rig_clear(&r);
	begin(&r);
	join(&r, 0);
	say_notice(&r, 0, FRAME_COUNT, bytes, sizeof bytes);
	say_notice(&r, 0, FRAME_COUNT, bytes, sizeof bytes);
	ok(r.peer[0].blamed == 1, "and so are two at once");
	rig_clear(&r);
}

static void no_comparison_begins_without_the_role(void)
{
	struct rig r;
	const struct count_result *result;

	begin(&r);
	join(&r, 0);
	is_int(exchange_count(r.exchange, &r.peer[0].id, &r.peer[1].id, r.now), ERR_STATE,
	       "of what is no role");
	is_int(exchange_counted(r.exchange, &r.peer[0].id, &r.peer[1].id, &result), COUNT_NONE,
	       "nothing has come of it");
	rig_clear(&r);
}

int main(void)
{
	need(sodium_init() >= 0);
	RUN(a_statement_is_told_until_it_ends);
	RUN(what_is_told_again_and_again_ends_the_session);
	RUN(who_does_not_hold_the_role_is_told_nothing);
	RUN(an_unasked_answer_ends_the_session);
	RUN(a_malformed_question_ends_the_session);
	RUN(questions_are_bounded);
	RUN(no_comparison_begins_without_the_role);
	return tap_done();
}
