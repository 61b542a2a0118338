/* Sessions greet, agree on a topology, and end: by deadlines, by broken rules, without blame where
 * there is none. */
#include "tests/protocol/ends.h"

static void two_ends_open_in_any_order_of_greeting(void)
{
	static struct end a, b;

	for (int order = 0; order < 3; order++) {
		end_init(&a, 1, 2, WINDOW_BYTES, 512);
		end_init(&b, 2, 1, WINDOW_BYTES, 512);
		greet(&a);
		if (order == 0)
			emit(&a, &b);
		greet(&b);
		if (order == 1) {
			emit(&a, &b);
			emit(&b, &a);
		}
		settle_down(&a, &b);
		ok(a.opened == 1 && b.opened == 1 && !a.ended && !b.ended, "open, order %d", order);
		greet(&a);
		settle_down(&a, &b);
		ok(session_is_open(a.s) && session_is_open(b.s) && !b.ended,
		   "and again after a new greeting");
		greet(&a);
		greet(&b);
		greet(&a);
		settle_down(&a, &b);
		ok(session_is_open(a.s) && session_is_open(b.s) && !a.ended,
		   "and after several at once");
		end_clear(&a);
		end_clear(&b);
	}
}

/* Found by the simulator: frames that answer an earlier greeting were numbered like those that
 * answer ours. */
static void an_answer_to_an_earlier_greeting_is_not_heard(void)
{
	static struct end a, b;

	end_init(&a, 1, 2, WINDOW_BYTES, 512);
	end_init(&b, 2, 1, WINDOW_BYTES, 512);
	greet(&a);
	need(emit(&a, &b)); /* HELLO (a1, 0) */
	greet(&b);
	need(emit(&b, &a)); /* HELLO (b, 0) */
	need(deliver(&b));
	need(emit(&b, &a) && emit(&b, &a)); /* HELLO (b, a1) and OPEN */
	a.versions[1] = a.versions[0];
	a.versions[0].version = 2;
	a.version_count = 2;
	greet(&a); /* a2: it has a newer topology now */
	need(deliver(&a) && deliver(&a) && deliver(&a));
	ok(!a.ended && !a.opened, "the OPEN of the earlier conversation opens nothing");
	settle_down(&a, &b);
	ok(!a.ended && !b.ended && b.topologies == 1 && a.opened == 2 && b.opened == 2,
	   "both open under the newer topology");
	end_clear(&a);
	end_clear(&b);
}

static void a_newer_topology_comes_first(void)
{
	static struct end a, b;

	end_init(&a, 1, 2, WINDOW_BYTES, 512);
	end_init(&b, 2, 1, WINDOW_BYTES, 512);
	a.versions[1] = a.versions[0];
	a.versions[0].version = 2;
	a.version_count = 2;
	greet(&a);
	greet(&b);
	settle_down(&a, &b);
	ok(b.topologies == 1 && a.topologies == 0, "the end behind is given it");
	ok(a.opened == 2 && b.opened == 2 && !a.ended && !b.ended, "and both open under it");
	end_clear(&a);
	end_clear(&b);
}

/* Both have greeted; a has version 2, of 60,000 bytes, for b, on a line for pieces of 4,000. */
static void narrow_pair(struct end *a, struct end *b)
{
	static const uint8_t file[60000];

	end_init(a, 1, 2, WINDOW_BYTES, 512);
	end_init(b, 2, 1, WINDOW_BYTES, 512);
	a->versions[1] = a->versions[0];
	a->versions[0].version = 2;
	a->version_count = 2;
	a->file = file;
	a->file_length = sizeof file;
	session_pieces(a->s, 4000);
	greet(a);
	greet(b);
	need(emit(a, b) && emit(b, a) && deliver(a) && deliver(b));
	need(emit(a, b) && emit(b, a));
	while (deliver(b))
		;
	need(deliver(a));
}

static void ten_seconds_pass(struct end *a, struct end *b)
{
	now += 10 * 1000;
	session_tick(a->s, now);
	session_tick(b->s, now);
	events(a);
	events(b);
}

static void a_topology_may_take_as_long_as_its_line_wants(void)
{
	static struct end a, b;
	int pieces = 0;

	narrow_pair(&a, &b);
	for (; !b.topologies && !a.ended && !b.ended && pieces < 100; pieces++) {
		emit(&a, &b);
		deliver(&b);
		ten_seconds_pass(&a, &b);
	}
	ok(b.topologies == 1 && !a.ended && !b.ended, "a piece every ten seconds");
	is_int(pieces, 15, "none longer than the line wants");
	settle_down(&a, &b);
	ok(a.opened == 2 && b.opened == 2, "then both open under it");
	end_clear(&a);
	end_clear(&b);

	narrow_pair(&a, &b);
	need(emit(&a, &b) && deliver(&b));
	for (int i = 0; i < 2; i++)
		ten_seconds_pass(&a, &b);
	ok(!a.ended && !b.ended, "one that stalls is waited for");
	ten_seconds_pass(&a, &b);
	ok(a.ended && b.ended && !a.blamed && !b.blamed, "for half a minute, and nobody is blamed");
	end_clear(&a);
	end_clear(&b);
}

static void a_fork_opens_under_the_version_before_it(void)
{
	static struct end a, b;

	end_init(&a, 1, 2, WINDOW_BYTES, 512);
	end_init(&b, 2, 1, WINDOW_BYTES, 512);
	for (int i = 0; i < 2; i++) {
		struct end *e = i ? &b : &a;
		e->versions[1] = e->versions[0];
		e->versions[0].version = 2;
		e->versions[0].hash.b[0] = (uint8_t)(1 + i);
		e->version_count = 3; /* told, but the script gives nothing */
	}
	a.version_count = b.version_count = 2;
	/* version_count 2 makes the script give a topology: a fork must not, so take the answer
	 * out. */
	greet(&a);
	greet(&b);
	for (bool any = true; any;) {
		struct session_event ev;
		any = emit(&a, &b);
		any |= emit(&b, &a);
		for (int i = 0; i < 2; i++) {
			struct end *e = i ? &b : &a;
			while (e->in.count) {
				session_receive(e->s, e->in.frame[e->in.head],
						e->in.length[e->in.head], now);
				free(e->in.frame[e->in.head]);
				e->in.head = (e->in.head + 1) % PIPE_MAX;
				e->in.count--;
				any = true;
			}
			while (session_next(e->s, &ev)) {
				if (ev.kind == SESSION_TOPOLOGY_ASKED)
					session_give_topology(e->s, 0, NULL, 0);
				if (ev.kind == SESSION_OPENED)
					e->opened = ev.version.version;
				e->ended += ev.kind == SESSION_ENDED;
				free(ev.data);
			}
		}
	}
	ok(a.opened == 1 && b.opened == 1 && !a.ended && !b.ended, "both under version 1");
	end_clear(&a);
	end_clear(&b);
}

static void a_lost_or_repeated_frame_ends_the_session_without_blame(void)
{
	static struct end a, b;

	for (int repeat = 0; repeat < 2; repeat++) {
		pair_open(&a, &b, WINDOW_BYTES, 512);
		need(push(&a, LANE_ROUTINE, 1, 100, 1) == ERR_OK);
		need(push(&a, LANE_ROUTINE, 2, 100, 2) == ERR_OK);
		need(emit(&a, &b));
		if (repeat) {
			uint8_t copy[FRAME_MAX_BYTES];
			size_t n = b.in.length[b.in.head];
			memcpy(copy, b.in.frame[b.in.head], n);
			deliver(&b);
			session_receive(b.s, copy, n, now);
			events(&b);
		} else {
			pipe_clear(&b.in);
		}
		settle_down(&a, &b);
		ok(b.ended == 1 && b.blamed == 0, "%s: ended, nobody blamed",
		   repeat ? "repeated" : "lost");
		ok(a.ended == 1 && a.blamed == 0, "the other end hears of it");
		greet(&a);
		greet(&b);
		settle_down(&a, &b);
		ok(session_is_open(a.s) && session_is_open(b.s), "and both begin anew");
		end_clear(&a);
		end_clear(&b);
	}
}

static void deadlines_end_what_does_not_answer(void)
{
	static struct end a, b;

	end_init(&a, 1, 2, WINDOW_BYTES, 512);
	greet(&a);
	is_int(session_deadline(a.s), now + GREETING_MS, "a greeting has a deadline");
	now += GREETING_MS;
	session_tick(a.s, now);
	events(&a);
	ok(a.ended == 1 && !a.blamed && session_deadline(a.s) == UINT64_MAX,
	   "ended, no further deadline");
	end_clear(&a);

	pair_open(&a, &b, WINDOW_BYTES, 512);
	for (int i = 0; i < 20; i++) {
		now += KEEPALIVE_MS;
		session_tick(a.s, now);
		session_tick(b.s, now);
		settle_down(&a, &b);
	}
	ok(!a.ended && !b.ended, "idle ends keep each other alive for five minutes");
	for (int i = 0; i < 4; i++) {
		now += KEEPALIVE_MS;
		session_tick(a.s, now);
		while (emit(&a, &b))
			;
		pipe_clear(&b.in);
	}
	events(&a);
	ok(a.ended == 1 && strstr(a.why, "silent"), "a minute of silence ends it");
	end_clear(&a);
	end_clear(&b);
}

static void send_raw(struct end *to, struct frame *f)
{
	static uint8_t out[FRAME_MAX_BYTES];
	size_t n = frame_encode(f, out);

	need(n);
	session_receive(to->s, out, n, now);
	events(to);
}

/* A peer that lies: the test writes its frames, numbered from what the opening took. */
static void broken_rules_are_blamed(void)
{
	static struct end a, b;
	static const uint8_t data[100];

#define LIE(what, ...) \
	do { \
		struct frame f = {.number = 0}; \
		pair_open(&a, &b, MESSAGE_MAX_BYTES, 4); \
		need(push(&a, LANE_ROUTINE, 1, PIECE_MAX_BYTES + 50, 1) == ERR_OK); \
		need(emit(&a, &b)); \
		f.number = 2; \
		__VA_ARGS__; \
		ok(a.ended == 1 && a.blamed == 1, "%s: %s", what, a.why); \
		end_clear(&a); \
		end_clear(&b); \
	} while (0)
#define PUSH(n, at, all, size) \
	(f.type = FRAME_PUSH, \
	 f.piece = \
		 (struct frame_piece){ \
			 .number = n, .offset = at, .total = all, .data = data, .length = size}, \
	 send_raw(&a, &f), f.number++)
	LIE("an acknowledgement of what was never pushed",
	    (f.type = FRAME_ACK, f.answer.number = 5, send_raw(&a, &f)));
	LIE("an acknowledgement of half a message",
	    (f.type = FRAME_ACK, f.answer.number = 1, send_raw(&a, &f)));
	LIE("a push that skips a number", PUSH(2, 0, 100, 100));
	LIE("a push that starts in the middle", PUSH(1, 10, 100, 50));
	LIE("a gap between pieces", PUSH(1, 0, 100, 50), PUSH(1, 60, 100, 40));
	LIE("another total", PUSH(1, 0, 100, 50), PUSH(1, 50, 200, 50));
	LIE("more messages than granted", b.settles = a.settles = false, PUSH(1, 0, 9, 9),
	    PUSH(2, 0, 9, 9), PUSH(3, 0, 9, 9), PUSH(4, 0, 9, 9), PUSH(5, 0, 9, 9));
	LIE("more bytes than granted", a.settles = false, PUSH(1, 0, MESSAGE_MAX_BYTES, 9),
	    PUSH(2, 0, 9, 9));
	LIE("credit taken back", (f.type = FRAME_CREDIT, f.credit.bytes = 1, send_raw(&a, &f)));
	LIE("a second OPEN", (f.type = FRAME_OPEN, f.open.version = 1, send_raw(&a, &f)));
	LIE("a topology after OPEN", PUSH(1, 0, 9, 9), f.type = FRAME_TOPOLOGY, f.piece.number = 1,
	    send_raw(&a, &f));
	LIE("garbage", ((void)f, session_receive(a.s, data, sizeof data, now), events(&a)));
#undef LIE
#undef PUSH
}

static void an_impostor_and_a_stranger_are_told_apart(void)
{
	static struct end a, b;
	struct frame f = {.type = FRAME_HELLO};

	memset(f.hello.nonce, 9, NONCE_BYTES);
	f.hello.version_count = 1;
	f.hello.versions[0].version = 1;
	f.hello.self.b[0] = 3;
	end_init(&a, 1, 2, WINDOW_BYTES, 512);
	greet(&a);
	send_raw(&a, &f);
	ok(a.ended == 1 && a.blamed == 1, "another name than its key's");
	end_clear(&a);
	end_init(&b, 1, 2, WINDOW_BYTES, 512);
	greet(&b);
	f.hello.self.b[0] = 2;
	f.hello.network.b[0] = 1;
	send_raw(&b, &f);
	ok(b.ended == 1 && b.blamed == 0, "another federation");
	end_clear(&b);
}
int main(void)
{
	RUN(two_ends_open_in_any_order_of_greeting);
	RUN(an_answer_to_an_earlier_greeting_is_not_heard);
	RUN(a_newer_topology_comes_first);
	RUN(a_topology_may_take_as_long_as_its_line_wants);
	RUN(a_fork_opens_under_the_version_before_it);
	RUN(a_lost_or_repeated_frame_ends_the_session_without_blame);
	RUN(deadlines_end_what_does_not_answer);
	RUN(broken_rules_are_blamed);
	RUN(an_impostor_and_a_stranger_are_told_apart);
	return tap_done();
}
