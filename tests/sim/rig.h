/* One node's exchange among neighbours that do what no honest one does: frames made by hand, a
 * store in memory, a clock moved by hand. */
#ifndef TESTS_SIM_RIG_H
#define TESTS_SIM_RIG_H

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
		uint8_t priority; /* of what it pushes */
		bool recalls;     /* what is not here */
		uint32_t floor;   /* that it claims */
		uint64_t credit,
			ahead; /* messages, in its greeting; ms, of its clock; 0: many, none */
		uint8_t nonce, heard[NONCE_BYTES]; /* ours; of the node */
		uint32_t sent;                     /* number of our next frame */
		uint8_t store; /* first byte of its store's id; 0: one of its own */
		unsigned pushes, opens, topologies, greetings, begins;
		unsigned ended, blamed;
		char why[ERROR_TEXT_MAX_BYTES + 1];
	} peer[PEERS];
	/* Of the store, and what reading at bad_lsn and looking for bad_id fail with. */
	struct store real;
	uint64_t bad_lsn;
	struct message_id bad_id;
	enum err bad;
	unsigned alarms;
	bool busy;
	enum err submitted;
};

__attribute__((unused)) static void host_random(void *arg, void *out, size_t n)
{
	(void)arg;
	randombytes_buf(out, n);
}

__attribute__((unused)) static enum err host_topology_offered(void *arg, const uint8_t *file,
							      size_t n, struct report *r)
{
	(void)arg, (void)file, (void)n;
	report_add(r, "nothing is accepted here");
	return ERR_FORMAT;
}

__attribute__((unused)) static enum err host_topology_file(void *arg, uint32_t version,
							   const uint8_t **file, size_t *n)
{
	(void)arg, (void)version, (void)file, (void)n;
	return ERR_NOT_FOUND;
}

__attribute__((unused)) static void host_stored(void *arg, uint64_t lsn, const struct arrival *a)
{
	(void)arg, (void)lsn, (void)a;
}

__attribute__((unused)) static void host_submitted(void *arg, uint64_t ticket,
						   const struct message_id *id, enum err e)
{
	struct rig *r = arg;

	(void)ticket, (void)id;
	r->submitted = e;
}

__attribute__((unused)) static void host_ended(void *arg, const struct party_id *id, bool blame,
					       const char *why)
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

__attribute__((unused)) static void host_alarm(void *arg, const struct party_id *peer,
					       const char *text)
{
	(void)peer, (void)text;
	((struct rig *)arg)->alarms++;
}

static struct rig *failing; /* the store's functions get the store, not the rig */

__attribute__((unused)) static enum err next_or_fail(void *self, uint64_t lsn, struct stored *out)
{
	enum err e = failing->real.next(self, lsn, out);

	return !e && out->lsn == failing->bad_lsn ? failing->bad : e;
}

__attribute__((unused)) static enum err find_or_fail(void *self, const struct message_id *id,
						     uint64_t *lsn)
{
	if (failing->bad && message_id_equal(id, &failing->bad_id))
		return failing->bad;
	return failing->real.find(self, id, lsn);
}

__attribute__((unused)) static bool is_busy(void *self)
{
	(void)self;
	return failing->busy;
}

__attribute__((unused)) static struct topology *federation(void)
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

__attribute__((unused)) static void rig_init(struct rig *r)
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
	host.store.find = find_or_fail;
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

__attribute__((unused)) static void rig_clear(struct rig *r)
{
	exchange_free(r->exchange);
	memory_store_free(r->store);
	chain_clear(&r->chain);
}

__attribute__((unused)) static struct peer *peer_of(struct rig *r, unsigned i)
{
	for (size_t k = 0; k < r->exchange->peer_count; k++) {
		if (party_id_equal(&r->exchange->peers[k]->status.id, &r->peer[i].id))
			return r->exchange->peers[k];
	}
	return NULL;
}

/* --- what a neighbour says and hears --- */

__attribute__((unused)) static void say(struct rig *r, unsigned i, struct frame *f)
{
	static uint8_t out[FRAME_MAX_BYTES];
	size_t n;

	f->number = f->type == FRAME_HELLO ? 0 : r->peer[i].sent;
	n = frame_encode(f, out);
	need(n > 0);
	r->peer[i].sent = f->number + 1;
	exchange_receive(r->exchange, &r->peer[i].id, out, n, r->now);
}

__attribute__((unused)) static void hear(struct rig *r, unsigned i)
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
		p->begins += f.type == FRAME_BEGIN;
		if (f.type == FRAME_HELLO)
			memcpy(p->heard, f.hello.nonce, NONCE_BYTES);
	}
}

__attribute__((unused)) static void say_hello(struct rig *r, unsigned i, bool echo)
{
	const struct topology *t = chain_newest(&r->chain);
	struct frame f = {.type = FRAME_HELLO};

	f.hello.network = t->network;
	f.hello.self = r->peer[i].id;
	f.hello.store.b[0] = r->peer[i].store ? r->peer[i].store : (uint8_t)(i + 1);
	f.hello.clock = r->now.wall + r->peer[i].ahead;
	f.hello.floor = r->peer[i].floor; /* 0: not known yet, then the clocks decide */
	f.hello.credit_bytes = 64 << 20;
	f.hello.credit_messages = r->peer[i].credit ? r->peer[i].credit : 1 << 20;
	f.hello.version_count = 1;
	f.hello.versions[0] = (struct version_hash){t->version, t->hash};
	memset(f.hello.nonce, ++r->peer[i].nonce ? r->peer[i].nonce : ++r->peer[i].nonce,
	       NONCE_BYTES);
	if (echo)
		memcpy(f.hello.echo, r->peer[i].heard, NONCE_BYTES);
	say(r, i, &f);
}

__attribute__((unused)) static void say_open(struct rig *r, unsigned i)
{
	const struct topology *t = chain_newest(&r->chain);
	struct frame f = {.type = FRAME_OPEN, .open = {t->version, t->hash}};

	say(r, i, &f);
}

__attribute__((unused)) static void join(struct rig *r, unsigned i)
{
	exchange_up(r->exchange, &r->peer[i].id, r->now);
	hear(r, i);
	say_hello(r, i, true);
	say_open(r, i);
	hear(r, i);
	need(peer_of(r, i)->status.state == PEER_OPEN);
}

__attribute__((unused)) static void say_answer(struct rig *r, unsigned i, enum frame_type type,
					       uint64_t number)
{
	struct frame f = {.type = type, .answer = {.number = number}};

	f.answer.reason = type == FRAME_NAK ? NAK_EXPIRED : 0;
	say(r, i, &f);
}

__attribute__((unused)) static void say_credit(struct rig *r, unsigned i, uint64_t messages)
{
	struct frame f = {.type = FRAME_CREDIT};

	f.credit.bytes = 64 << 20;
	f.credit.messages = messages;
	say(r, i, &f);
}

/* A message that n0 has written itself; signatures of one's own are not looked at. */
__attribute__((unused)) static uint8_t *write_message(struct rig *r, const struct party_id *origin,
						      uint64_t sequence, size_t body, size_t *n)
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

__attribute__((unused)) static void sign(struct neighbour *p, uint8_t *message, size_t header)
{
	struct message_id id = message_id_of(message, header);
	uint8_t bytes[SIGNED_BYTES];

	message_signed_bytes(bytes, &id);
	crypto_sign_detached(message + header, NULL, bytes, sizeof bytes, p->sign_secret);
}

__attribute__((unused)) static void submit(struct rig *r, uint64_t sequence)
{
	size_t n;
	uint8_t *m = write_message(r, &r->exchange->options.self, sequence, 10, &n);

	need(exchange_submit(r->exchange, m, n, sequence) == ERR_OK);
}

/* A push in as many pieces as it takes. */
__attribute__((unused)) static void push(struct rig *r, unsigned i, uint64_t number, size_t body)
{
	struct neighbour *p = &r->peer[i];
	size_t n;
	uint8_t *m = write_message(r, &p->id, ++p->sequence, body, &n);

	m[PRIORITY_OFFSET] = p->priority;
	if (p->recalls) {
		m[KIND_OFFSET] = KIND_RECALL;
		m[REF_OFFSET] = 1;
	}
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

__attribute__((unused)) static void wait_ms(struct rig *r, uint64_t ms)
{
	r->now.mono += ms;
	r->now.wall += ms;
	exchange_turn(r->exchange, r->now);
}

#endif
