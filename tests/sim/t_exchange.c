/* One node's exchange among neighbours that do what no honest one does: frames made by hand, a
 * store in memory, a clock moved by hand. */
#include <sodium.h>

#include "protocol/exchange_state.h"
#include "tests/protocol/federation.h"
#include "tests/sim/memory_store.h"

enum { HOUR_MS = 3600 * 1000, WALL_START = 495000 /* hours since 1970 */, PEERS = 2 };

enum { PUSHES_SEEN = 8 };

/* The node under test is n0; n1 and n2 report to it. */
struct rig {
	struct chain chain;
	struct memory_store *store;
	struct exchange *exchange;
	struct instant now;
	struct neighbour {
		uint32_t totals[PUSHES_SEEN]; /* bytes of the first messages pushed to it */
		struct party_id id;
		uint8_t sign_secret[64];
		uint64_t sequence;
		uint8_t nonce, heard[NONCE_BYTES]; /* ours; of the node */
		uint32_t sent;                     /* number of our next frame */
		unsigned pushes, opens, topologies, greetings;
		unsigned ended, blamed;
		char why[ERROR_TEXT_MAX_BYTES + 1];
	} peer[PEERS];
	struct store real; /* of the store, and what its reading fails with at bad_lsn */
	uint64_t bad_lsn;
	enum err bad;
	unsigned alarms;
	bool busy;
	enum err submitted;
};

static void host_random(void *arg, void *out, size_t n)
{
	(void)arg;
	randombytes_buf(out, n);
}

static enum err host_topology_offered(void *arg, const uint8_t *file, size_t n, struct report *r)
{
	(void)arg, (void)file, (void)n;
	report_add(r, "nothing is accepted here");
	return ERR_FORMAT;
}

static enum err host_topology_file(void *arg, uint32_t version, const uint8_t **file, size_t *n)
{
	(void)arg, (void)version, (void)file, (void)n;
	return ERR_NOT_FOUND;
}

static void host_stored(void *arg, uint64_t lsn, const struct arrival *a)
{
	(void)arg, (void)lsn, (void)a;
}

static void host_submitted(void *arg, uint64_t ticket, const struct message_id *id, enum err e)
{
	struct rig *r = arg;

	(void)ticket, (void)id;
	r->submitted = e;
}

static void host_ended(void *arg, const struct party_id *id, bool blame, const char *why)
{
	struct rig *r = arg;

	for (size_t i = 0; i < PEERS; i++) {
		struct neighbour *p = &r->peer[i];
		if (!party_id_equal(&p->id, id))
			continue;
		p->ended++;
		p->blamed += blame;
		snprintf(p->why, sizeof p->why, "%s", why);
	}
}

static void host_alarm(void *arg, const struct party_id *peer, const char *text)
{
	(void)peer, (void)text;
	((struct rig *)arg)->alarms++;
}

static struct rig *failing; /* the store's functions get the store, not the rig */

static enum err next_or_fail(void *self, uint64_t lsn, struct stored *out)
{
	enum err e = failing->real.next(self, lsn, out);

	return !e && out->lsn == failing->bad_lsn ? failing->bad : e;
}

static bool is_busy(void *self)
{
	(void)self;
	return failing->busy;
}

static struct topology *federation(void)
{
	struct writing w = {0};
	struct topology *t;

	put(&w, "federation\n    name = Rig\n    version = 1\n    expires = 2040-01-01\n");
	put_council(&w, 1, 1);
	put(&w, "node\n");
	for (unsigned i = 0; i <= PEERS; i++) {
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

static void rig_init(struct rig *r)
{
	struct store_id id = {{7}};
	struct topology *t = federation();
	struct exchange_options options = {.self = topology_party(t, "n0")->id, .software = "rig"};
	struct exchange_host host = {.chain = &r->chain,
				     .arg = r,
				     .random = host_random,
				     .topology_offered = host_topology_offered,
				     .topology_file = host_topology_file,
				     .stored = host_stored,
				     .submitted = host_submitted,
				     .ended = host_ended,
				     .alarm = host_alarm};

	memset(r, 0, sizeof *r);
	chain_init(&r->chain);
	need(chain_add(&r->chain, t) == ERR_OK);
	r->now = (struct instant){.mono = 1000, .wall = (uint64_t)WALL_START * HOUR_MS};
	r->store = memory_store_new(&id);
	failing = r;
	r->real = host.store = memory_store_interface(r->store);
	host.store.trie = NULL; /* the scripted peers push and answer, they do not reconcile */
	host.store.next = next_or_fail;
	host.store.busy = is_busy;
	for (unsigned i = 0; i < PEERS; i++) {
		char name[8], salted[16];
		uint8_t seed[32], public[32];
		snprintf(name, sizeof name, "n%u", i + 1);
		snprintf(salted, sizeof salted, "sign %s", name);
		seed_of(seed, salted);
		crypto_sign_seed_keypair(public, r->peer[i].sign_secret, seed);
		r->peer[i].id = topology_party(t, name)->id;
	}
	r->exchange = exchange_new(&options, &host);
	need(r->exchange && exchange_topology_changed(r->exchange, r->now) == ERR_OK);
}

static void rig_clear(struct rig *r)
{
	exchange_free(r->exchange);
	memory_store_free(r->store);
	chain_clear(&r->chain);
}

static struct peer *peer_of(struct rig *r, unsigned i)
{
	for (size_t k = 0; k < r->exchange->peer_count; k++) {
		if (party_id_equal(&r->exchange->peers[k]->status.id, &r->peer[i].id))
			return r->exchange->peers[k];
	}
	return NULL;
}

/* --- what a neighbour says and hears --- */

static void say(struct rig *r, unsigned i, struct frame *f)
{
	static uint8_t out[FRAME_MAX_BYTES];
	size_t n;

	f->number = f->type == FRAME_HELLO ? 0 : r->peer[i].sent;
	n = frame_encode(f, out);
	need(n > 0);
	r->peer[i].sent = f->number + 1;
	exchange_receive(r->exchange, &r->peer[i].id, out, n, r->now);
}

static void hear(struct rig *r, unsigned i)
{
	static uint8_t in[FRAME_MAX_BYTES];
	struct neighbour *p = &r->peer[i];
	struct frame f;
	size_t n;

	while ((n = exchange_output(r->exchange, &p->id, in, r->now)) > 0) {
		need(frame_decode(&f, in, n) == ERR_OK);
		if (f.type == FRAME_PUSH && p->pushes < PUSHES_SEEN)
			p->totals[p->pushes] = f.piece.total;
		p->pushes += f.type == FRAME_PUSH;
		p->opens += f.type == FRAME_OPEN;
		p->topologies += f.type == FRAME_TOPOLOGY;
		p->greetings += f.type == FRAME_HELLO;
		if (f.type == FRAME_HELLO)
			memcpy(p->heard, f.hello.nonce, NONCE_BYTES);
	}
}

static void say_hello(struct rig *r, unsigned i, bool echo)
{
	const struct topology *t = chain_newest(&r->chain);
	struct frame f = {.type = FRAME_HELLO};

	f.hello.network = t->network;
	f.hello.self = r->peer[i].id;
	f.hello.store.b[0] = (uint8_t)(i + 1);
	f.hello.clock = r->now.wall;
	f.hello.floor = 0; /* not known yet: then the clocks decide */
	f.hello.credit_bytes = 64 << 20;
	f.hello.credit_messages = 1 << 20;
	f.hello.version_count = 1;
	f.hello.versions[0] = (struct version_hash){t->version, t->hash};
	memset(f.hello.nonce, ++r->peer[i].nonce ? r->peer[i].nonce : ++r->peer[i].nonce,
	       NONCE_BYTES);
	if (echo)
		memcpy(f.hello.echo, r->peer[i].heard, NONCE_BYTES);
	say(r, i, &f);
}

static void say_open(struct rig *r, unsigned i)
{
	const struct topology *t = chain_newest(&r->chain);
	struct frame f = {.type = FRAME_OPEN, .open = {t->version, t->hash}};

	say(r, i, &f);
}

static void join(struct rig *r, unsigned i)
{
	exchange_up(r->exchange, &r->peer[i].id, r->now);
	hear(r, i);
	say_hello(r, i, true);
	say_open(r, i);
	hear(r, i);
	need(peer_of(r, i)->status.state == PEER_OPEN);
}

static void say_answer(struct rig *r, unsigned i, enum frame_type type, uint64_t number)
{
	struct frame f = {.type = type, .answer = {.number = number}};

	f.answer.reason = type == FRAME_NAK ? NAK_EXPIRED : 0;
	say(r, i, &f);
}

/* A message that n0 has written itself; signatures of one's own are not looked at. */
static uint8_t *write_message(struct rig *r, const struct party_id *origin, uint64_t sequence,
			      size_t body, size_t *n)
{
	const struct topology *t = chain_newest(&r->chain);
	struct header h = {.kind = KIND_POST,
			   .topology = 1,
			   .network = t->network,
			   .origin = *origin,
			   .audience = audience_all(),
			   .incarnation = 1,
			   .sequence = sequence,
			   .expiry = WALL_START + 24,
			   .body_length = (uint32_t)body,
			   .sign_key = 1};
	uint8_t *out = calloc(1, header_size(&h) + SIGNATURE_BYTES + body);
	size_t written;

	need(out);
	h.body_hash = hash_of(out, body);
	need(header_encode(&h, out, header_size(&h), &written) == ERR_OK);
	memset(out + written + SIGNATURE_BYTES, 0, body);
	*n = written + SIGNATURE_BYTES + body;
	return out;
}

static void sign(struct neighbour *p, uint8_t *message, size_t header)
{
	struct message_id id = message_id_of(message, header);
	uint8_t bytes[SIGNED_BYTES];

	message_signed_bytes(bytes, &id);
	crypto_sign_detached(message + header, NULL, bytes, sizeof bytes, p->sign_secret);
}

static void submit(struct rig *r, uint64_t sequence)
{
	size_t n;
	uint8_t *m = write_message(r, &r->exchange->options.self, sequence, 10, &n);

	need(exchange_submit(r->exchange, m, n, sequence) == ERR_OK);
}

/* A push in as many pieces as it takes. */
static void push(struct rig *r, unsigned i, uint64_t number, size_t body)
{
	struct neighbour *p = &r->peer[i];
	size_t n;
	uint8_t *m = write_message(r, &p->id, ++p->sequence, body, &n);

	sign(p, m, n - body - SIGNATURE_BYTES);
	for (size_t at = 0; at < n;) {
		struct frame f = {.type = FRAME_PUSH};
		f.piece.number = number;
		f.piece.offset = (uint32_t)at;
		f.piece.total = (uint32_t)n;
		f.piece.data = m + at;
		f.piece.length = n - at < PIECE_MAX_BYTES ? n - at : PIECE_MAX_BYTES;
		at += f.piece.length;
		say(r, i, &f);
	}
	free(m);
}

static void wait_ms(struct rig *r, uint64_t ms)
{
	r->now.mono += ms;
	r->now.wall += ms;
	exchange_turn(r->exchange, r->now);
}

/* --- tests --- */

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
	enum { BARE = HEADER_FIXED_BYTES + SIGNATURE_BYTES };
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
		submit(&r, 1);
		wait_ms(&r, 10);
		ok(memory_store_durable(r.store, &id), "its header is kept");
		ok(!memory_store_has_body(r.store, &id), "its body is not");
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

int main(void)
{
	need(sodium_init() >= 0);
	RUN(a_greeting_in_between_moves_no_cursor);
	RUN(a_damaged_message_hides_none_behind_it);
	RUN(what_cannot_be_read_now_is_not_passed_over);
	RUN(conversations_that_ended_leave_nothing_behind);
	RUN(an_author_does_not_wait_for_ever);
	RUN(a_peer_that_answers_for_nothing_is_named);
	RUN(what_is_urgent_is_bounded_too);
	RUN(a_flood_of_greetings_ends_and_is_named);
	RUN(greetings_now_and_then_are_no_flood);
	RUN(a_push_is_answered_once);
	RUN(what_is_recalled_leaves_without_its_body);
	RUN(what_comes_behind_its_recall_is_kept_without_its_body);
	RUN(have_and_then_ack_are_one_answer);
	RUN(nothing_due_is_nothing_to_wake_for);
	return tap_done();
}
