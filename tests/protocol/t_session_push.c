/* What two sessions bring each other: in pieces, by lanes, within credit, over many cuts. */
#include "tests/protocol/ends.h"

static void messages_of_every_size_arrive_and_are_answered(void)
{
	static const size_t sizes[] = {1, 300, PIECE_MAX_BYTES, PIECE_MAX_BYTES + 1,
				       MESSAGE_MAX_BYTES};
	static struct end a, b;
	uint64_t total = 0;

	pair_open(&a, &b, WINDOW_BYTES, 512);
	for (size_t i = 0; i < 5; i++) {
		need(push(&a, LANE_ROUTINE, i + 1, sizes[i], (uint8_t)i) == ERR_OK);
		total += sizes[i];
		settle_down(&a, &b);
	}
	is_int(b.messages, 5, "five arrived");
	is_int(b.bytes_taken, total, "with every byte");
	ok(a.settled == 5 && session_waiting(a.s) == 0 && session_lowest(a.s) == UINT64_MAX,
	   "all answered");
	end_clear(&a);
	end_clear(&b);
}

static void nothing_is_acknowledged_before_it_is_settled(void)
{
	static struct end a, b;

	pair_open(&a, &b, WINDOW_BYTES, 512);
	b.settles = false;
	for (uint8_t i = 0; i < 3; i++)
		need(push(&a, LANE_ROUTINE, 10 + i, 100, i) == ERR_OK);
	settle_down(&a, &b);
	is_int(a.settled, 0, "three arrived, none is answered");
	is_int(session_lowest(a.s), 10, "the lowest unanswered is the first");
	session_settle(b.s, 2, SETTLED_STORED, 0);
	settle_down(&a, &b);
	is_int(a.settled, 0, "a cumulative answer waits for the first");
	session_settle(b.s, 1, SETTLED_REFUSED, NAK_EXPIRED);
	settle_down(&a, &b);
	ok(a.settled == 2 && a.refused == 1, "then both are answered, the refusal as one");
	is_int(session_lowest(a.s), 12, "the third still waits");
	end_clear(&a);
	end_clear(&b);
}

static void an_emergency_overtakes_a_backfill(void)
{
	static struct end a, b;

	pair_open(&a, &b, 8 << 20, 512);
	b.settles = false;
	need(push(&a, LANE_BACKFILL, 1, MESSAGE_MAX_BYTES, 1) == ERR_OK);
	need(emit(&a, &b) && emit(&a, &b));
	need(push(&a, LANE_ROUTINE, 2, 100, 2) == ERR_OK);
	need(push(&a, LANE_URGENT, 3, 100, 3) == ERR_OK);
	settle_down(&a, &b);
	ok(b.messages == 3 && b.order[0] == 3 && b.order[1] == 2 && b.order[2] == 1,
	   "emergency, then routine, then the backfill that had begun");
	session_settle(b.s, b.pending[0], SETTLED_STORED, 0);
	settle_down(&a, &b);
	is_int(session_lowest(a.s), 1, "the cursor cannot pass the backfill that is not answered");
	end_clear(&a);
	end_clear(&b);
}

static void a_piece_is_no_longer_than_its_line_wants(void)
{
	static struct end a, b;
	int pieces = 0;

	pair_open(&a, &b, 8 << 20, 512);
	session_pieces(a.s, 4000);
	need(push(&a, LANE_BACKFILL, 1, 40000, 1) == ERR_OK);
	need(emit(&a, &b) && emit(&a, &b) && emit(&a, &b));
	need(push(&a, LANE_URGENT, 2, 100, 2) == ERR_OK);
	need(emit(&a, &b));
	for (int i = 0; i < 4; i++)
		need(deliver(&b));
	ok(b.messages == 1 && b.order[0] == 2, "an emergency goes between the short pieces");
	while (emit(&a, &b))
		pieces++;
	is_int(pieces, 7, "of ten pieces, three of which had gone");
	settle_down(&a, &b);
	is_int(b.messages, 2, "the long one arrives in them");
	session_pieces(a.s, 0);
	need(push(&a, LANE_ROUTINE, 3, 5000, 1) == ERR_OK);
	for (pieces = 0; emit(&a, &b); pieces++)
		;
	ok(pieces > 1 && pieces <= 5, "nothing makes them shorter than a packet: %d of 5000 bytes",
	   pieces);
	session_pieces(a.s, SIZE_MAX);
	settle_down(&a, &b);
	need(push(&a, LANE_ROUTINE, 4, PIECE_MAX_BYTES, 1) == ERR_OK);
	for (pieces = 0; emit(&a, &b); pieces++)
		;
	is_int(pieces, 1, "and none longer than a frame");
	settle_down(&a, &b);
	is_int(b.messages, 4, "all arrived");
	end_clear(&a);
	end_clear(&b);
}

static void a_first_piece_holds_the_header(void)
{
	static struct end a, b;
	const size_t length = 9000;
	uint8_t *m = calloc(1, 20000);

	need(m);
	memcpy(m, "KBR1", 4);
	m[10] = (uint8_t)(length >> 8);
	m[11] = (uint8_t)length;
	pair_open(&a, &b, 8 << 20, 512);
	session_pieces(a.s, 2000);
	need(session_push(a.s, LANE_ROUTINE, 1, m, 20000) == ERR_OK);
	need(emit(&a, &b));
	is_int(b.in.length[b.in.head] - PIECE_HEAD_BYTES, length, "however short pieces are");
	end_clear(&a);
	end_clear(&b);
}

static void credit_bounds_what_is_under_way(void)
{
	static struct end a, b;
	unsigned pushed = 0;

	pair_open(&a, &b, MESSAGE_MAX_BYTES, 10);
	b.settles = false;
	for (uint64_t round = 0; round < 20; round++) {
		while (session_wants(a.s, LANE_ROUTINE) && pushed < 200)
			need(push(&a, LANE_ROUTINE, ++pushed, 50, 1) == ERR_OK);
		settle_down(&a, &b);
	}
	is_int(b.messages, 10, "no more than the window is under way");
	for (int i = 0; i < 200; i++) {
		if (b.pending_count)
			session_settle(b.s, b.pending[--b.pending_count], SETTLED_STORED, 0);
		while (session_wants(a.s, LANE_ROUTINE) && pushed < 200)
			need(push(&a, LANE_ROUTINE, ++pushed, 50, 1) == ERR_OK);
		settle_down(&a, &b);
	}
	ok(b.messages == 200 && a.settled == 200 && !a.ended && !b.ended,
	   "answered in any order, all go through");
	end_clear(&a);
	end_clear(&b);
}

static void backfill_leaves_half_of_the_credit(void)
{
	static struct end a, b;
	unsigned pushed = 0;

	pair_open(&a, &b, MESSAGE_MAX_BYTES, 20);
	b.settles = false;
	while (session_wants(a.s, LANE_BACKFILL) && pushed < 40)
		need(push(&a, LANE_BACKFILL, ++pushed, 50, 1) == ERR_OK);
	settle_down(&a, &b);
	is_int(b.messages, 10, "half of the messages");
	need(push(&a, LANE_ROUTINE, 99, 50, 9) == ERR_OK);
	settle_down(&a, &b);
	ok(b.messages == 11 && b.order[10] == 9, "a live one still goes");
	end_clear(&a);
	end_clear(&b);
}

static void what_is_held_is_not_sent_to_its_end(void)
{
	static struct end a, b;
	struct header h = {.kind = 1,
			   .topology = 1,
			   .sequence = 1,
			   .expiry = 1,
			   .sign_key = 1,
			   .body_length = 1 << 20,
			   .audience = audience_all()};
	uint8_t *m = calloc(1, 188 + 64 + (1 << 20));
	size_t n, frames = 0;

	need(header_encode(&h, m, 188, &n) == ERR_OK);
	pair_open(&a, &b, WINDOW_BYTES, 512);
	b.holds = true;
	need(session_push(a.s, LANE_ROUTINE, 1, m, 188 + 64 + (1 << 20)) == ERR_OK);
	need(emit(&a, &b) && emit(&a, &b));
	while (deliver(&b) || emit(&b, &a) || deliver(&a))
		;
	while (emit(&a, &b))
		frames++;
	settle_down(&a, &b);
	ok(a.had == 1 && frames == 0 && b.messages == 0, "two pieces of seventeen went out");
	ok(!a.ended && !b.ended, "a piece that crosses the answer does no harm");
	b.holds = false;
	need(push(&a, LANE_ROUTINE, 2, 100, 1) == ERR_OK);
	settle_down(&a, &b);
	is_int(b.messages, 1, "the next push goes through");
	end_clear(&a);
	end_clear(&b);
}

static void frames_of_reconciliation_go_through_unread(void)
{
	static struct end a, b;

	end_init(&a, 1, 2, WINDOW_BYTES, 512);
	is_int(session_reconcile(a.s, FRAME_BEGIN, NULL, 0), ERR_STATE, "not before it is open");
	end_clear(&a);
	pair_open(&a, &b, WINDOW_BYTES, 512);
	is_int(session_reconcile(a.s, FRAME_BEGIN, (const uint8_t *)"x", 1), ERR_OK,
	       "one is queued");
	is_int(session_reconcile(a.s, FRAME_LAST, NULL, 0), ERR_BUSY, "a second has to wait");
	settle_down(&a, &b);
	is_int(session_reconcile(a.s, FRAME_LAST, NULL, 0), ERR_OK, "until the first is out");
	settle_down(&a, &b);
	ok(b.reconciling == 2 && !a.ended && !b.ended, "both arrive, one of them empty");
	end_clear(&a);
	end_clear(&b);
}

static void notices_wait_for_their_turn(void)
{
	static struct end a, b;

	end_init(&a, 1, 2, WINDOW_BYTES, 512);
	is_int(session_notice(a.s, FRAME_SUSPENSION, NULL, 0), ERR_STATE, "not before it is open");
	end_clear(&a);
	pair_open(&a, &b, WINDOW_BYTES, 512);
	for (int i = 0; i < NOTICES_MAX; i++)
		need(session_notice(a.s, FRAME_SUSPENSION, (const uint8_t *)"x", 1) == ERR_OK);
	is_int(session_notice(a.s, FRAME_COUNT, NULL, 0), ERR_BUSY, "no more than so many wait");
	settle_down(&a, &b);
	is_int(session_notice(a.s, FRAME_COUNT, NULL, 0), ERR_OK, "until they are out");
	settle_down(&a, &b);
	ok(b.noticed == NOTICES_MAX + 1 && !a.ended && !b.ended, "all arrive");
	end_clear(&a);
	end_clear(&b);
}

static void paused_origins_are_told(void)
{
	static struct end a, b;
	struct party_id who[2] = {{{9}}, {{4}}};

	pair_open(&a, &b, WINDOW_BYTES, 512);
	session_pause(b.s, who, 2);
	settle_down(&a, &b);
	ok(session_paused(a.s, &who[0]) && session_paused(a.s, &who[1]), "both");
	session_pause(b.s, who, 1);
	settle_down(&a, &b);
	ok(session_paused(a.s, &who[0]) && !session_paused(a.s, &who[1]) && !a.ended,
	   "and released");
	end_clear(&a);
	end_clear(&b);
}

/* Random sizes, lanes, losses and restarts: nothing settled that was not taken, everything pushed
 * in the end. */
static void pushes_survive_any_number_of_cuts(void)
{
	static struct end a, b;
	static bool done[501];
	uint32_t seed = 12345;

	pair_open(&a, &b, MESSAGE_MAX_BYTES, 16);
	for (int conversation = 0; conversation < 60; conversation++) {
		struct session_event ev;
		uint64_t next = 1;
		greet(&a);
		greet(&b);
		settle_down(&a, &b);
		a.settled = 0;
		for (int step = 0; step < 40; step++) {
			while (next <= 500 && done[next])
				next++;
			seed = seed * 1664525 + 1013904223;
			if (next <= 500 &&
			    session_wants(a.s, (enum lane)(seed >> 16) % LANE_COUNT)) {
				size_t n = 1 + (seed >> 8) % 100000;
				need(push(&a, (enum lane)((seed >> 16) % LANE_COUNT), next++, n,
					  1) == ERR_OK);
			}
			emit(&a, &b);
			if ((seed >> 28) == 3)
				pipe_clear(&b.in); /* lost */
			deliver(&b);
			emit(&b, &a);
			if (a.in.count) {
				session_receive(a.s, a.in.frame[a.in.head], a.in.length[a.in.head],
						now);
				free(a.in.frame[a.in.head]);
				a.in.head = (a.in.head + 1) % PIPE_MAX;
				a.in.count--;
			}
			while (session_next(a.s, &ev)) {
				if (ev.kind == SESSION_SETTLED)
					done[ev.lsn] = true;
				free(ev.data);
			}
		}
		pipe_clear(&a.in);
		pipe_clear(&b.in);
		now += 1000;
	}
	{
		unsigned settled = 0;
		for (int i = 1; i <= 500; i++)
			settled += done[i];
		ok(settled > 100 && b.messages >= settled, "%u answered of %u taken over 60 cuts",
		   settled, b.messages);
		ok(b.blamed == 0 && a.blamed == 0, "nobody blamed");
	}
	end_clear(&a);
	end_clear(&b);
}
int main(void)
{
	RUN(messages_of_every_size_arrive_and_are_answered);
	RUN(nothing_is_acknowledged_before_it_is_settled);
	RUN(an_emergency_overtakes_a_backfill);
	RUN(a_piece_is_no_longer_than_its_line_wants);
	RUN(a_first_piece_holds_the_header);
	RUN(credit_bounds_what_is_under_way);
	RUN(backfill_leaves_half_of_the_credit);
	RUN(what_is_held_is_not_sent_to_its_end);
	RUN(frames_of_reconciliation_go_through_unread);
	RUN(notices_wait_for_their_turn);
	RUN(paused_origins_are_told);
	RUN(pushes_survive_any_number_of_cuts);
	return tap_done();
}
