/* What the exchange makes of messages that have been taken back. */
#include "tests/sim/rig.h"

enum { BARE = HEADER_FIXED_BYTES + SIGNATURE_BYTES };

/* The message of that sequence by n0, and a recall of it with twice its body. */
static void submit_recall_of(struct rig *r, uint64_t sequence)
{
	struct header h;
	size_t n, size = HEADER_FIXED_BYTES, written;
	uint8_t *m = write_message(r, &r->exchange->options.self, sequence, 10, &n);

	need(header_decode(&h, m, size) == ERR_OK);
	h.ref = message_id_of(m, size);
	free(m);
	m = write_message(r, &r->exchange->options.self, sequence + 1, 20, &n);
	h.kind = KIND_RECALL;
	h.sequence++;
	h.body_length = 20;
	h.body_hash = hash_of(m + size + SIGNATURE_BYTES, 20);
	need(header_encode(&h, m, size, &written) == ERR_OK);
	need(exchange_submit(r->exchange, m, n, sequence + 1) == ERR_OK);
}

/* The body may be here yet: erasing follows the index, and that can be behind. */
static void what_is_recalled_leaves_without_its_body(void)
{
	struct rig r;
	bool none = true;

	rig_init(&r);
	submit(&r, 1);
	wait_ms(&r, 10);
	submit_recall_of(&r, 1);
	wait_ms(&r, 10);
	join(&r, 0);
	wait_ms(&r, 10);
	hear(&r, 0);
	is_int(r.peer[0].totals[0], BARE + 20, "the recall goes first");
	is_int(r.peer[0].totals[1], BARE, "header and signature follow");
	for (unsigned i = 0; i < PUSHES_SEEN; i++)
		none = none && r.peer[0].totals[i] != BARE + 10;
	ok(none, "and the body never does");
	rig_clear(&r);
}

/* In whichever order the two come, in one commit or in two. */
static void what_comes_behind_its_recall_is_kept_without_its_body(void)
{
	for (int together = 0; together < 2; together++) {
		struct rig r;
		struct message_id id;
		size_t n;
		uint8_t *m;

		rig_init(&r);
		m = write_message(&r, &r.exchange->options.self, 1, 10, &n);
		id = message_id_of(m, HEADER_FIXED_BYTES);
		free(m);
		submit_recall_of(&r, 1);
		if (!together)
			wait_ms(&r, 10);
		/* Every other time what is urgent has no commit of its own. */
		r.exchange->hurried = together;
		submit(&r, 1);
		wait_ms(&r, 10);
		ok(memory_store_durable(r.store, &id), "its header is kept");
		ok(!memory_store_has_body(r.store, &id), "its body is not");
		rig_clear(&r);
	}
}

/* What the peer has no room for is read ahead; then it is taken back. */
static void what_was_read_ahead_is_read_again(void)
{
	struct rig r;
	bool none = true, bare = false;

	rig_init(&r);
	r.peer[0].credit = 1;
	join(&r, 0);
	submit(&r, 1);
	submit(&r, 3);
	wait_ms(&r, 10);
	hear(&r, 0);
	need(r.peer[0].pushes == 1);
	submit_recall_of(&r, 3);
	wait_ms(&r, 10);
	say_credit(&r, 0, 10);
	hear(&r, 0);
	is_int(r.peer[0].totals[1], BARE + 20, "the recall overtakes it");
	for (unsigned i = 2; i < PUSHES_SEEN; i++) {
		none = none && r.peer[0].totals[i] != BARE + 10;
		bare = bare || r.peer[0].totals[i] == BARE;
	}
	ok(bare && none, "its header comes behind, without its body");
	rig_clear(&r);
}

/* What else waits for the peer goes as it is. */
static void what_was_read_ahead_is_read_again_when_the_store_cannot_tell_where_it_is(void)
{
	struct rig r;
	unsigned bare = 0, whole = 0;
	size_t n;
	uint8_t *m;

	rig_init(&r);
	r.peer[0].credit = 1;
	join(&r, 0);
	submit(&r, 1);
	submit(&r, 3);
	submit(&r, 5);
	wait_ms(&r, 10);
	hear(&r, 0);
	need(r.peer[0].pushes == 1);
	m = write_message(&r, &r.exchange->options.self, 3, 10, &n);
	r.bad_id = message_id_of(m, HEADER_FIXED_BYTES);
	r.bad = ERR_IO;
	free(m);
	submit_recall_of(&r, 3);
	wait_ms(&r, 10);
	need(r.submitted == ERR_OK);
	r.bad = ERR_OK;
	say_credit(&r, 0, 10);
	hear(&r, 0);
	is_int(r.peer[0].totals[1], BARE + 20, "the recall overtakes it");
	for (unsigned i = 2; i < PUSHES_SEEN; i++) {
		whole += r.peer[0].totals[i] == BARE + 10;
		bare += r.peer[0].totals[i] == BARE;
	}
	is_int(bare, 1, "its header comes behind, without its body");
	is_int(whole, 1, "what nobody has taken back has its body");
	is_int(r.peer[0].ended, 0, "and the conversation goes on");
	rig_clear(&r);
}

/* A message of the neighbour, and a recall of it that is in the store already, with a verdict. */
static void keep_recall(struct rig *r, enum verdict verdict, uint8_t *message)
{
	struct store s = memory_store_interface(r->store);
	struct arrival a = {.from = r->peer[0].id, .verdict = verdict};
	uint8_t recall[BARE];
	struct header h;
	uint64_t lsn;
	size_t n;

	need(header_decode(&h, message, HEADER_FIXED_BYTES) == ERR_OK);
	h.ref = message_id_of(message, HEADER_FIXED_BYTES);
	h.kind = KIND_RECALL;
	h.body_length = 0;
	h.body_hash = hash_of(NULL, 0);
	memset(recall, 0, sizeof recall);
	need(header_encode(&h, recall, sizeof recall, &n) == ERR_OK);
	a.id = message_id_of(recall, n);
	need(message_split(&a.message, recall, sizeof recall) == ERR_OK);
	need(s.begin(s.self) == ERR_OK && s.append(s.self, &a, &lsn) == ERR_OK &&
	     s.commit(s.self) == ERR_OK);
}

static void push_bytes(struct rig *r, uint64_t number, uint8_t *message, size_t n)
{
	struct frame f = {.type = FRAME_PUSH};

	sign(&r->peer[0], message, HEADER_FIXED_BYTES);
	f.piece.number = number;
	f.piece.total = (uint32_t)n;
	f.piece.data = message;
	f.piece.length = n;
	say(r, 0, &f);
}

static void push_bare(struct rig *r, uint8_t *message)
{
	push_bytes(r, 1, message, BARE);
	wait_ms(r, 10);
}

/* Where it came from the recall was accepted, before a key was revoked; here it came after. */
static void bared_by(enum verdict verdict)
{
	struct rig r;
	struct message_id id;
	size_t n;
	uint8_t *m;

	rig_init(&r);
	m = write_message(&r, &r.peer[0].id, 1, 10, &n);
	id = message_id_of(m, HEADER_FIXED_BYTES);
	keep_recall(&r, verdict, m);
	join(&r, 0);
	push_bare(&r, m);
	ok(memory_store_durable(r.store, &id), "it is kept");
	r.peer[1].pushes = 0;
	join(&r, 1);
	wait_ms(&r, 10);
	hear(&r, 1);
	is_int(r.peer[1].totals[0], BARE, "its recall is passed on");
	is_int(r.peer[1].totals[1], BARE, "and it behind");
	is_int(r.alarms, 0, "nothing is said to be damaged");
	free(m);
	rig_clear(&r);
}

static void what_a_held_recall_has_bared_is_kept_and_passed_on(void)
{
	bared_by(VERDICT_HELD);
	bared_by(VERDICT_SUSPENDED);
}

static void what_comes_bare_without_any_recall_is_refused(void)
{
	struct rig r;
	struct message_id id;
	size_t n;
	uint8_t *m;

	rig_init(&r);
	m = write_message(&r, &r.peer[0].id, 1, 10, &n);
	id = message_id_of(m, HEADER_FIXED_BYTES);
	join(&r, 0);
	push_bare(&r, m);
	ok(!memory_store_durable(r.store, &id), "it is not kept");
	is_int(r.peer[0].blamed, 0, "and nobody is blamed");
	free(m);
	rig_clear(&r);
}

/* SPEC 5.8: "A receiver that has no recall of a message that comes without its body refuses it as
 * unjudgeable."  So it does with a recall, whose body says why. */
static void a_recall_without_its_body_takes_nothing_back(void)
{
	for (int before = 0; before < 2; before++) {
		struct rig r;
		struct message_id id, recall_id;
		struct header h;
		uint8_t recall[BARE] = {0};
		size_t n, written;
		uint8_t *m;

		rig_init(&r);
		m = write_message(&r, &r.peer[0].id, 1, 10, &n);
		id = message_id_of(m, HEADER_FIXED_BYTES);
		need(header_decode(&h, m, HEADER_FIXED_BYTES) == ERR_OK);
		h.kind = KIND_RECALL;
		h.ref = id;
		h.sequence++;
		need(header_encode(&h, recall, sizeof recall, &written) == ERR_OK);
		recall_id = message_id_of(recall, written);
		join(&r, 0);
		/* Both in one batch. */
		r.exchange->hurried = true;
		push_bytes(&r, 1, before ? recall : m, before ? BARE : n);
		push_bytes(&r, 2, before ? m : recall, before ? n : BARE);
		wait_ms(&r, 10);
		ok(!memory_store_durable(r.store, &recall_id), "it is refused");
		ok(memory_store_has_body(r.store, &id), "the message has its body");
		is_int(r.peer[0].blamed, 0, "and nobody is blamed");
		free(m);
		rig_clear(&r);
	}
}

int main(void)
{
	need(sodium_init() >= 0);
	RUN(what_is_recalled_leaves_without_its_body);
	RUN(what_comes_behind_its_recall_is_kept_without_its_body);
	RUN(what_was_read_ahead_is_read_again);
	RUN(what_was_read_ahead_is_read_again_when_the_store_cannot_tell_where_it_is);
	RUN(what_a_held_recall_has_bared_is_kept_and_passed_on);
	RUN(what_comes_bare_without_any_recall_is_refused);
	RUN(a_recall_without_its_body_takes_nothing_back);
	return tap_done();
}
