/* After a restore: a node reconciles until it knows that it has what its neighbour has. */
#include <sodium.h>

#include "protocol/exchange_state.h"
#include "tests/protocol/federation.h"
#include "tests/sim/memory_store.h"

enum { HOUR_MS = 3600 * 1000, MINUTE_MS = 60 * 1000, START = 495000, ENDS = 2 };

/* One of two nodes; n1 reports to n0 and dials it. */
struct end {
	struct exchange *exchange;
	struct memory_store *store;
	struct store real;
	uint8_t sign_secret[64];
	struct party_id id;
	uint64_t sequence;
	uint64_t damaged; /* the body there cannot be read; 0: none */
	unsigned agreed, ended;
	size_t audiences; /* of the last time */
	uint64_t head;    /* of the store then */
};

static struct chain chain;
static struct end ends[ENDS];
static struct instant now;

static void host_random(void *arg, void *out, size_t n)
{
	(void)arg;
	randombytes_buf(out, n);
}

static void host_stored(void *arg, uint64_t lsn, const struct arrival *a)
{
	(void)arg, (void)lsn, (void)a;
}

static void host_submitted(void *arg, uint64_t ticket, const struct message_id *id, enum err e)
{
	(void)arg, (void)ticket, (void)id;
	need(e == ERR_OK);
}

static void host_ended(void *arg, const struct party_id *id, bool blame, const char *why)
{
	(void)id, (void)blame;
	fprintf(stderr, "# ended: %s\n", why);
	((struct end *)arg)->ended++;
}

static void host_alarm(void *arg, const struct party_id *peer, const char *text)
{
	(void)arg, (void)peer, (void)text;
}

static void host_agreed(void *arg, const struct party_id *peer, uint32_t floor,
			const struct audience_id *audiences, size_t n)
{
	struct end *e = arg;

	(void)peer, (void)audiences;
	need(floor > 0);
	e->agreed++;
	e->audiences = n;
	e->head = e->real.head(e->real.self);
}

static enum err body_or_damage(void *self, const struct stored *m, uint8_t *body, size_t n)
{
	for (unsigned i = 0; i < ENDS; i++) {
		if (ends[i].real.self == self && ends[i].damaged == m->lsn)
			return ERR_DAMAGED;
	}
	return ends[0].real.body(self, m, body, n);
}

static struct topology *federation(void)
{
	struct writing w = {0};
	struct topology *t;

	put(&w, "federation\n    name = Rig\n    version = 1\n    expires = 2040-01-01\n");
	put_council(&w, 1, 1);
	put(&w, "node\n");
	for (unsigned i = 0; i < ENDS; i++) {
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

static void end_init(struct end *e, unsigned i)
{
	struct store_id id = {{(uint8_t)(i + 1)}};
	struct exchange_options options = {.software = "rig"};
	struct exchange_host host = {.chain = &chain,
				     .arg = e,
				     .random = host_random,
				     .stored = host_stored,
				     .submitted = host_submitted,
				     .ended = host_ended,
				     .agreed = host_agreed,
				     .alarm = host_alarm};
	char name[8], salted[16];
	uint8_t seed[32], public[32];

	*e = (struct end){0};
	snprintf(name, sizeof name, "n%u", i);
	snprintf(salted, sizeof salted, "sign %s", name);
	seed_of(seed, salted);
	crypto_sign_seed_keypair(public, e->sign_secret, seed);
	e->id = options.self = topology_party(chain_newest(&chain), name)->id;
	e->store = memory_store_new(&id);
	e->real = host.store = memory_store_interface(e->store);
	host.store.body = body_or_damage;
	e->exchange = exchange_new(&options, &host);
	need(e->exchange && exchange_topology_changed(e->exchange, now) == ERR_OK);
}

static void begin(void)
{
	now = (struct instant){.mono = 1000, .wall = (uint64_t)START * HOUR_MS};
	chain_init(&chain);
	need(chain_add(&chain, federation()) == ERR_OK);
	for (unsigned i = 0; i < ENDS; i++)
		end_init(&ends[i], i);
}

static void finish(void)
{
	for (unsigned i = 0; i < ENDS; i++) {
		exchange_free(ends[i].exchange);
		memory_store_free(ends[i].store);
	}
	chain_clear(&chain);
}

/* Everything that is said in this moment. */
static void talk(void)
{
	static uint8_t frame[FRAME_MAX_BYTES];
	bool more = true;

	for (unsigned turn = 0; more && turn < 1000; turn++) {
		more = false;
		for (unsigned i = 0; i < ENDS; i++) {
			size_t n;
			more |= exchange_turn(ends[i].exchange, now);
			while ((n = exchange_output(ends[i].exchange, &ends[1 - i].id, frame,
						    now))) {
				exchange_receive(ends[1 - i].exchange, &ends[i].id, frame, n, now);
				more = true;
			}
		}
	}
}

static void pass(uint64_t ms, uint64_t step)
{
	for (uint64_t end = now.mono + ms; now.mono < end;) {
		now.mono += step;
		now.wall += step;
		talk();
	}
}

static void join(void)
{
	for (unsigned i = 0; i < ENDS; i++)
		exchange_up(ends[i].exchange, &ends[1 - i].id, now);
	talk();
}

static void say(struct end *e)
{
	enum { BODY = 10 };
	struct header h = {.kind = KIND_POST,
			   .topology = 1,
			   .network = chain_newest(&chain)->network,
			   .origin = e->id,
			   .audience = audience_all(),
			   .incarnation = 1,
			   .sequence = ++e->sequence,
			   .expiry = START + 24,
			   .body_length = BODY,
			   .sign_key = 1};
	size_t n, size = header_size(&h) + SIGNATURE_BYTES + BODY;
	uint8_t *out = calloc(1, size), bytes[SIGNED_BYTES];
	struct message_id id;

	need(out);
	h.body_hash = hash_of(out, BODY);
	need(header_encode(&h, out, header_size(&h), &n) == ERR_OK);
	memset(out + n, 0, SIGNATURE_BYTES + BODY);
	id = message_id_of(out, n);
	message_signed_bytes(bytes, &id);
	crypto_sign_detached(out + n, NULL, bytes, sizeof bytes, e->sign_secret);
	need(exchange_submit(e->exchange, out, size, 1) == ERR_OK);
	exchange_turn(e->exchange, now);
}

static void either_end_learns_that_both_hold_the_same(void)
{
	for (unsigned who = 0; who < ENDS; who++) {
		begin();
		say(&ends[0]);
		join();
		pass(1000, 50);
		is_int(ends[who].agreed, 0, "n%u did not ask", who);
		exchange_confirm(ends[who].exchange, true, now);
		pass(1000, 50);
		is_int(ends[who].agreed, 1, "it asks, and is told once");
		is_int((long)ends[who].audiences, 1, "of one audience");
		is_int(ends[1 - who].agreed, 0, "the other end did not ask");
		pass(30 * MINUTE_MS, 5000);
		is_int(ends[who].agreed, 1, "and not again in this session");
		exchange_down(ends[0].exchange, &ends[1].id, NULL, now);
		exchange_down(ends[1].exchange, &ends[0].id, NULL, now);
		join();
		pass(1000, 50);
		is_int(ends[who].agreed, 2, "but in the next");
		exchange_confirm(ends[who].exchange, false, now);
		is_int(ends[0].ended + ends[1].ended, 0, "nobody is blamed");
		finish();
	}
}

static void what_was_missing_is_here_before_it_is_told(void)
{
	enum { MANY = 300 };

	for (unsigned who = 0; who < ENDS; who++) {
		begin();
		for (unsigned i = 0; i < MANY; i++)
			say(&ends[1 - who]);
		say(&ends[who]);
		exchange_confirm(ends[who].exchange, true, now);
		join();
		pass(5000, 50);
		is_int(ends[who].agreed, 1, "n%u is told", who);
		is_int((long)ends[who].head, MANY + 1, "when it has everything");
		finish();
	}
}

static void what_cannot_be_had_is_waited_for_but_not_for_ever(void)
{
	for (unsigned who = 0; who < ENDS; who++) {
		begin();
		say(&ends[1 - who]);
		ends[1 - who].damaged = 1;
		say(&ends[who]);
		exchange_confirm(ends[who].exchange, true, now);
		join();
		pass(6 * MINUTE_MS, 100);
		is_int(ends[who].agreed, 0, "for six minutes n%u is not told", who);
		pass(14 * MINUTE_MS, 1000);
		is_int(ends[who].agreed, 1, "after twenty it is");
		is_int(ends[0].ended + ends[1].ended, 0, "and the session went on");
		finish();
	}
}

int main(void)
{
	need(sodium_init() >= 0);
	RUN(either_end_learns_that_both_hold_the_same);
	RUN(what_was_missing_is_here_before_it_is_told);
	RUN(what_cannot_be_had_is_waited_for_but_not_for_ever);
	return tap_done();
}
