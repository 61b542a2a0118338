/* Origins that have had their share: who is asked to hold them back, what goes all the same, and
 * what becomes of a neighbour that does not obey. */
#include "tests/sim/rig.h"

enum { WINDOW = WINDOW_BYTES, BIG = 1 << 20 };

/* The neighbour names the origins, none when n is 0. */
static void say_paused(struct rig *r, unsigned i, const struct party_id *origins, size_t n)
{
	struct frame f = {.type = FRAME_CREDIT};

	f.credit.bytes = 64 << 20;
	f.credit.messages = 1 << 20;
	f.credit.paused_count = (uint8_t)n;
	if (n)
		memcpy(f.credit.paused, origins, n * sizeof *origins);
	say(r, i, &f);
	wait_ms(r, 10);
	hear(r, i);
}

/* What a recall takes back: a byte of an id, or the message that was submitted last. */
static struct message_id taken_back, submitted;

static void submit_kind(struct rig *r, uint64_t sequence, enum message_kind kind, uint8_t priority)
{
	struct header h;
	size_t n, written;
	uint8_t *m = write_message(r, &r->exchange->options.self, sequence, 10, &n);

	need(header_decode(&h, m, HEADER_FIXED_BYTES) == ERR_OK);
	h.kind = (uint8_t)kind;
	h.priority = priority;
	if (kind == KIND_RECALL)
		h.ref = taken_back;
	need(header_encode(&h, m, HEADER_FIXED_BYTES, &written) == ERR_OK);
	submitted = message_id_of(m, HEADER_FIXED_BYTES);
	need(exchange_submit(r->exchange, m, n, sequence) == ERR_OK);
	wait_ms(r, 10);
	hear(r, 0);
}

static void what_is_named_waits_and_goes_when_it_is_named_no_more(void)
{
	struct rig r;

	rig_init(&r);
	join(&r, 0);
	say_paused(&r, 0, &r.exchange->options.self, 1);
	submit_kind(&r, 1, KIND_POST, PRIORITY_HIGH);
	submit_kind(&r, 2, KIND_POST, PRIORITY_ROUTINE);
	is_int(r.peer[0].pushes, 0, "both wait");
	say_paused(&r, 0, &r.peer[1].id, 1);
	is_int(r.peer[0].pushes, 2, "both go when another is named");
	say_answer(&r, 0, FRAME_ACK, 2);
	is_int(r.peer[0].ended, 0, "and are answered for");
	rig_clear(&r);
}

static void what_was_read_ahead_is_held_back_too(void)
{
	struct rig r;
	struct frame f = {.type = FRAME_CREDIT};

	rig_init(&r);
	r.peer[0].credit = 8;
	join(&r, 0);
	for (uint64_t i = 1; i <= 12; i++)
		submit_kind(&r, i, KIND_POST, PRIORITY_ROUTINE);
	need(r.peer[0].pushes == 8);
	f.credit.bytes = 64 << 20;
	f.credit.messages = 1 << 20;
	f.credit.paused_count = 1;
	f.credit.paused[0] = r.exchange->options.self;
	say(&r, 0, &f);
	wait_ms(&r, 10);
	hear(&r, 0);
	is_int(r.peer[0].pushes, 8, "credit comes, and nothing goes");
	say_paused(&r, 0, NULL, 0);
	is_int(r.peer[0].pushes, 12, "all of it goes afterwards");
	rig_clear(&r);
}

static void what_was_stored_before_the_session_is_held_back_too(void)
{
	struct rig r;
	unsigned before;

	rig_init(&r);
	join(&r, 0);
	say_paused(&r, 0, &r.exchange->options.self, 1);
	for (uint64_t i = 1; i <= 20; i++)
		submit(&r, i);
	wait_ms(&r, 10);
	exchange_down(r.exchange, &r.peer[0].id, "", r.now);
	join(&r, 0);
	before = r.peer[0].pushes;
	ok(before > 0, "a new session begins with nobody named");
	say_paused(&r, 0, &r.exchange->options.self, 1);
	submit_kind(&r, 30, KIND_POST, PRIORITY_ROUTINE);
	is_int(r.peer[0].pushes, before, "once it is, nothing more goes");
	rig_clear(&r);
}

static void needed_recalls_cards_role_keys_and_emergencies_go_all_the_same(void)
{
	struct rig r;

	rig_init(&r);
	join(&r, 0);
	submit_kind(&r, 1, KIND_POST, PRIORITY_ROUTINE);
	taken_back = submitted;
	say_answer(&r, 0, FRAME_ACK, 1);
	say_paused(&r, 0, &r.exchange->options.self, 1);
	submit_kind(&r, 2, KIND_RECALL, PRIORITY_ROUTINE);
	submit_kind(&r, 3, KIND_CARD, PRIORITY_ROUTINE);
	submit_kind(&r, 4, KIND_ROLE_KEY, PRIORITY_ROUTINE);
	is_int(r.peer[0].pushes, 1 + 3, "a recall, a card, a role key");
	for (uint64_t i = 5; i < 15; i++)
		submit_kind(&r, i, KIND_POST, PRIORITY_EMERGENCY);
	is_int(r.peer[0].pushes, 4 + 6, "and emergencies within the hour's allowance");
	submit_kind(&r, 20, KIND_BEACON, PRIORITY_HIGH);
	is_int(r.peer[0].pushes, 4 + 6, "nothing else");
	rig_clear(&r);
}

static void recalls_that_take_nothing_back_wait(void)
{
	struct rig r;

	rig_init(&r);
	join(&r, 0);
	submit_kind(&r, 1, KIND_POST, PRIORITY_ROUTINE);
	taken_back = submitted;
	submit_kind(&r, 2, KIND_RECALL, PRIORITY_ROUTINE);
	say_paused(&r, 0, &r.exchange->options.self, 1);
	is_int(r.peer[0].pushes, 2, "a message and its recall have gone");
	submit_kind(&r, 3, KIND_RECALL, PRIORITY_EMERGENCY);
	is_int(r.peer[0].pushes, 2, "a second recall of it waits");
	taken_back = submitted;
	submit_kind(&r, 4, KIND_RECALL, PRIORITY_EMERGENCY);
	is_int(r.peer[0].pushes, 2, "a recall of a recall");
	taken_back = (struct message_id){{1}};
	submit_kind(&r, 5, KIND_RECALL, PRIORITY_EMERGENCY);
	is_int(r.peer[0].pushes, 2, "and a recall of what never was");
	say_paused(&r, 0, NULL, 0);
	is_int(r.peer[0].pushes, 5, "all of them go when the origin is named no more");
	rig_clear(&r);
}

static void nor_do_they_go_when_they_were_queued_before(void)
{
	struct rig r;

	rig_init(&r);
	r.peer[0].credit = 1;
	join(&r, 0);
	taken_back = (struct message_id){{1}};
	for (uint64_t i = 1; i <= 300; i++)
		submit_kind(&r, i, KIND_RECALL, PRIORITY_ROUTINE);
	is_int(r.peer[0].pushes, 1, "one has gone for want of credit");
	say_paused(&r, 0, &r.exchange->options.self, 1);
	ok(r.peer[0].pushes <= 1 + LANE_LOADED_MAX, "of the others what was read ahead");
	say_paused(&r, 0, NULL, 0);
	for (uint64_t n = 1; n <= 300 && r.peer[0].pushes < 300; n = r.peer[0].pushes) {
		say_answer(&r, 0, FRAME_ACK, n);
		wait_ms(&r, 10);
		hear(&r, 0);
	}
	is_int(r.peer[0].pushes, 300, "and at last all of them");
	rig_clear(&r);
}

/* A flood of recalls takes no more turns than anybody's next message. */
static void recalls_beyond_the_allowance_come_after_emergencies_of_others(void)
{
	struct rig r;
	struct header h = {.kind = KIND_RECALL};
	struct peer *p;
	size_t urgent, raised;

	rig_init(&r);
	r.peer[0].credit = 1;
	join(&r, 0);
	for (uint64_t i = 1; i <= RECALLS_AN_HOUR + 200; i++) {
		size_t n, written;
		uint8_t *m = write_message(&r, &r.exchange->options.self, i, 10, &n);
		need(header_decode(&h, m, HEADER_FIXED_BYTES) == ERR_OK);
		h.kind = KIND_RECALL;
		h.ref.b[0] = 1;
		need(header_encode(&h, m, HEADER_FIXED_BYTES, &written) == ERR_OK);
		need(exchange_submit(r.exchange, m, n, i) == ERR_OK);
	}
	wait_ms(&r, 10);
	p = peer_of(&r, 0);
	/* What is not in the lanes is read ahead or under way. */
	urgent = p->lanes[LANE_URGENT].count;
	raised = p->lanes[LANE_RAISED].count;
	ok(urgent > 0 && urgent <= RECALLS_AN_HOUR, "the allowance is in the first lane");
	ok(raised > 0 && raised <= 200, "the rest counts as raised");
	is_int(urgent + raised + session_waiting(p->session), RECALLS_AN_HOUR + 200, "all wait");
	rig_clear(&r);
}

/* Sends messages of that size until it is not answered any more; how many were. */
static unsigned push_until_held(struct rig *r, unsigned i, uint64_t *number, size_t body,
				unsigned most)
{
	struct peer *p = peer_of(r, i);
	unsigned taken = 0;

	for (; taken < most && p->held_count == 0; taken++) {
		push(r, i, ++*number, body);
		wait_ms(r, 1);
		hear(r, i);
	}
	return taken - (p->held_count > 0);
}

static void who_does_not_hold_back_waits_and_is_named_once(void)
{
	struct rig r;
	uint64_t number = 0;
	unsigned taken;
	struct peer_status status;

	rig_init(&r);
	join(&r, 0);
	exchange_pause(r.exchange, &r.peer[0].id, 1, r.now);
	taken = push_until_held(&r, 0, &number, BIG - 1000, 100);
	ok(taken == 4 * WINDOW / BIG, "four first credits of it are taken");
	is_int(r.alarms, 1, "then it is named");
	push(&r, 0, ++number, 100);
	push(&r, 0, ++number, 100);
	wait_ms(&r, 10);
	exchange_peer(r.exchange, 0, &status);
	is_int(status.held, 3, "three wait");
	is_int(r.alarms, 1, "it is named once");
	is_int(memory_store_count(r.store), (intmax_t)taken, "none of them is kept");
	exchange_pause(r.exchange, NULL, 0, r.now);
	wait_ms(&r, 10);
	is_int(memory_store_count(r.store), (intmax_t)taken + 3, "all are when it may speak again");
	is_int(r.peer[0].ended, 0, "the conversation went on all the while");
	rig_clear(&r);
}

/* Small ones count as what the credit in messages makes of them. */
static void small_messages_are_no_way_round(void)
{
	struct rig r;
	uint64_t number = 0;

	rig_init(&r);
	join(&r, 0);
	exchange_pause(r.exchange, &r.peer[0].id, 1, r.now);
	is_int(push_until_held(&r, 0, &number, 10, 5 * WINDOW_MESSAGES), 4 * WINDOW_MESSAGES,
	       "as many as the credit is for, four times");
	wait_ms(&r, HOUR_MS + 1);
	rig_clear(&r);
}

/* SPEC 7.5: "A message counts as its length, and but for a recall at least as the first credit in
 * bytes over that in messages." */
static void recalls_count_as_what_they_weigh(void)
{
	struct rig r;
	uint64_t number = 0;
	unsigned most = 4 * WINDOW_MESSAGES + 10;

	rig_init(&r);
	join(&r, 0);
	r.peer[0].recalls = true;
	exchange_pause(r.exchange, &r.peer[0].id, 1, r.now);
	is_int(push_until_held(&r, 0, &number, 10, most), most, "more of them are taken");
	ok(push_until_held(&r, 0, &number, BIG - 1000, 100) < 4 * WINDOW / BIG,
	   "until they weigh what others do");
	rig_clear(&r);
}

static void an_hour_later_some_more_is_taken(void)
{
	struct rig r;
	uint64_t number = 0;
	struct peer *p;

	rig_init(&r);
	join(&r, 0);
	exchange_pause(r.exchange, &r.peer[0].id, 1, r.now);
	push_until_held(&r, 0, &number, BIG - 1000, 100);
	p = peer_of(&r, 0);
	is_int(p->held_count, 1, "one waits");
	exchange_down(r.exchange, &r.peer[0].id, "", r.now);
	is_int(p->held_count, 0, "until the conversation ends");
	join(&r, 0);
	number = 0;
	is_int(push_until_held(&r, 0, &number, 10, 100), 0, "a new one changes nothing");
	exchange_down(r.exchange, &r.peer[0].id, "", r.now);
	r.now.mono += HOUR_MS;
	join(&r, 0);
	number = 0;
	is_int(push_until_held(&r, 0, &number, 10, 5), 5, "an hour does");
	rig_clear(&r);
}

/* A push of a message of the second neighbour by the first. */
static struct message_id pass_on(struct rig *r, uint64_t number, enum message_kind kind,
				 uint8_t priority)
{
	struct frame f = {.type = FRAME_PUSH};
	struct header h;
	struct message_id id;
	size_t n, written;
	uint8_t *m = write_message(r, &r->peer[1].id, number, 10, &n);

	need(header_decode(&h, m, HEADER_FIXED_BYTES) == ERR_OK);
	h.kind = (uint8_t)kind;
	h.priority = priority;
	if (kind == KIND_RECALL)
		h.ref = taken_back;
	need(header_encode(&h, m, HEADER_FIXED_BYTES, &written) == ERR_OK);
	sign(&r->peer[1], m, HEADER_FIXED_BYTES);
	id = message_id_of(m, HEADER_FIXED_BYTES);
	f.piece.number = number;
	f.piece.total = (uint32_t)n;
	f.piece.data = m;
	f.piece.length = n;
	say(r, 0, &f);
	free(m);
	return id;
}

/* What is urgent is kept before the rest, in a commit of its own. */
static void keep_all(struct rig *r)
{
	for (int i = 0; i < 4; i++)
		wait_ms(r, 10);
	need(r->exchange->pending_count == 0);
}

/* What an honest neighbour passes on of an origin that is named. */
static void who_passes_on_what_is_never_held_back_does_not_wait(void)
{
	struct rig r;
	struct peer *p;

	rig_init(&r);
	join(&r, 0);
	taken_back = pass_on(&r, 1, KIND_POST, PRIORITY_ROUTINE);
	wait_ms(&r, 10);
	exchange_pause(r.exchange, &r.peer[1].id, 1, r.now);
	p = peer_of(&r, 0);
	p->excess = 5ULL * WINDOW; /* whatever came before */
	p->excess_at = r.now.mono;
	pass_on(&r, 2, KIND_RECALL, PRIORITY_ROUTINE);
	pass_on(&r, 3, KIND_CARD, PRIORITY_ROUTINE);
	pass_on(&r, 4, KIND_POST, PRIORITY_EMERGENCY);
	is_int(p->held_count, 0, "a recall of what is here, a card, an emergency are taken");
	pass_on(&r, 5, KIND_RECALL, PRIORITY_ROUTINE);
	is_int(p->held_count, 1, "a second recall of the same waits while the first is on its way");
	wait_ms(&r, 10);
	pass_on(&r, 6, KIND_RECALL, PRIORITY_ROUTINE);
	is_int(p->held_count, 2, "a third when it is here");
	taken_back.b[0] ^= 1;
	pass_on(&r, 7, KIND_RECALL, PRIORITY_EMERGENCY);
	is_int(p->held_count, 3, "so does a recall of what never was");
	pass_on(&r, 8, KIND_POST, PRIORITY_ROUTINE);
	is_int(p->held_count, 4, "and any other");
	keep_all(&r);
	is_int(memory_store_count(r.store), 4, "the others are kept");
	exchange_pause(r.exchange, NULL, 0, r.now);
	keep_all(&r);
	is_int(memory_store_count(r.store), 8, "and all of it when its origin is named no more");
	is_int(r.peer[0].blamed, 0, "and nobody is cut off");
	rig_clear(&r);
}

int main(void)
{
	need(sodium_init() >= 0);
	RUN(what_is_named_waits_and_goes_when_it_is_named_no_more);
	RUN(what_was_read_ahead_is_held_back_too);
	RUN(what_was_stored_before_the_session_is_held_back_too);
	RUN(needed_recalls_cards_role_keys_and_emergencies_go_all_the_same);
	RUN(recalls_that_take_nothing_back_wait);
	RUN(nor_do_they_go_when_they_were_queued_before);
	RUN(recalls_beyond_the_allowance_come_after_emergencies_of_others);
	RUN(who_does_not_hold_back_waits_and_is_named_once);
	RUN(small_messages_are_no_way_round);
	RUN(recalls_count_as_what_they_weigh);
	RUN(an_hour_later_some_more_is_taken);
	RUN(who_passes_on_what_is_never_held_back_does_not_wait);
	return tap_done();
}
