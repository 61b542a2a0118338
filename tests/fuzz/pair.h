/* Two nodes that hold a role together, and the line between them: what fuzz_pair.c has them do. */
#ifndef TESTS_FUZZ_PAIR_H
#define TESTS_FUZZ_PAIR_H

#include "protocol/exchange.h"

#include "protocol/suspension.h"
#include "tests/fuzz/fuzz.h"
#include "tests/protocol/federation.h"
#include "tests/sim/memory_store.h"

enum { HOUR_MS = 3600 * 1000, START = 495000, ENDS = 2, SAID_MAX = 60, TURNS_MAX = 3000 };

struct end {
	struct exchange *exchange;
	struct memory_store *store;
	struct store real;
	uint8_t secret[64];
	struct party_id id;
	uint64_t sequence;
	unsigned agreed, keys;
	unsigned lose, damage; /* of the next frames to it */
	enum err offered;      /* what becomes of a suspension */
};

static struct chain chain;
static struct suspension suspension;
static struct end ends[ENDS];
static struct party_id role;
static struct audience_id role_audience[ENDS];
static struct message_id said[SAID_MAX];
static struct audience_id said_to[SAID_MAX];
static size_t said_count;
static struct instant now;
static uint8_t chance_byte;
static bool healthy; /* nothing was lost or damaged in this conversation */

/* ---- the host ---- */

static void host_random(void *arg, void *out, size_t n)
{
	(void)arg;
	memset(out, ++chance_byte, n);
}

static enum err host_offered(void *arg, const uint8_t *file, size_t n, struct report *report)
{
	struct end *e = arg;

	must(n <= SUSPENSION_MAX_BYTES && (n == 0 || file));
	if (e->offered)
		report_add(report, "not now");
	return e->offered;
}

static enum err host_file(void *arg, const uint8_t **file, size_t *n)
{
	static const uint8_t text[100];

	(void)arg;
	*file = text;
	*n = sizeof text;
	return ERR_OK;
}

static enum err host_topology(void *arg, uint32_t version, const uint8_t **file, size_t *n)
{
	(void)arg, (void)version, (void)file, (void)n;
	return ERR_NOT_FOUND;
}

static enum err host_topology_offered(void *arg, const uint8_t *file, size_t n,
				      struct report *report)
{
	(void)arg, (void)file, (void)n;
	report_add(report, "nothing is accepted here");
	return ERR_FORMAT;
}

static size_t host_role_keys(void *arg, const struct party_id *of, uint16_t keys[KEYS_MAX])
{
	const struct end *e = arg;

	must(party_id_equal(of, &role));
	for (uint16_t i = 0; i < e->keys; i++)
		keys[i] = (uint16_t)(i + 1);
	return e->keys;
}

static void host_stored(void *arg, uint64_t lsn, const struct arrival *a)
{
	(void)arg, (void)lsn, (void)a;
}

static void host_submitted(void *arg, uint64_t ticket, const struct message_id *id, enum err e)
{
	(void)arg, (void)ticket, (void)id, (void)e;
}

static void host_settled(void *arg, const struct party_id *peer, uint64_t lsn)
{
	must(lsn <= ((struct end *)arg)->real.head(((struct end *)arg)->real.self));
	(void)peer;
}

static void host_ended(void *arg, const struct party_id *id, bool blame, const char *why)
{
	(void)arg, (void)id;
	must(why && (!blame || !healthy));
}

static void host_agreed(void *arg, const struct party_id *peer, uint32_t floor,
			const struct audience_id *audiences, size_t n)
{
	(void)peer, (void)audiences, (void)n;
	must(floor > 0);
	((struct end *)arg)->agreed++;
}

static void host_alarm(void *arg, const struct party_id *peer, const char *text)
{
	(void)arg, (void)peer;
	must(text && *text);
}

/* ---- the federation ---- */

static void secret_of(uint8_t secret[64], unsigned i)
{
	uint8_t seed[32], public[32];
	char salted[16];

	snprintf(salted, sizeof salted, "sign n%u", i);
	seed_of(seed, salted);
	crypto_sign_seed_keypair(public, secret, seed);
}

static void prepare(void)
{
	struct writing w = {0};
	char key[65];

	if (chain.count)
		return;
	put(&w, "federation\n    name = Pair\n    version = 1\n    expires = 2040-01-01\n");
	put_council(&w, 1, 1);
	put(&w, "node\n");
	for (unsigned i = 0; i < ENDS; i++) {
		char name[8];
		snprintf(name, sizeof name, "n%u", i);
		put(&w, "    %s\n%s", name, i ? "        reports-to = n0\n" : "");
		put_keys(&w, name);
	}
	put(&w,
	    "role\n    r0\n        reports-to = n0\n        holders = \"n0 n1\"\n        seal\n"
	    "            1 = \"%s\"\n",
	    key_text(key, "seal", "r0"));
	chain_init(&chain);
	must(chain_add(&chain, parse_or_bail(w.at)) == ERR_OK);
	free(w.at);
	role = topology_party(chain_newest(&chain), "r0")->id;
	for (unsigned i = 0; i < ENDS; i++) {
		struct party_id to = role;
		char name[8];
		snprintf(name, sizeof name, "n%u", i);
		ends[i].id = topology_party(chain_newest(&chain), name)->id;
		role_audience[i] = audience_of(&ends[i].id, &to, 1, false);
		secret_of(ends[i].secret, i);
	}
}

static void begin_end(struct end *e, unsigned i)
{
	struct store_id id = {{(uint8_t)(i + 1)}};
	struct exchange_options options = {.self = e->id, .software = "fuzz"};
	struct exchange_host host = {.chain = &chain,
				     .arg = e,
				     .random = host_random,
				     .topology_offered = host_topology_offered,
				     .topology_file = host_topology,
				     .suspension_offered = host_offered,
				     .suspension_file = host_file,
				     .role_keys = host_role_keys,
				     .stored = host_stored,
				     .submitted = host_submitted,
				     .settled = host_settled,
				     .ended = host_ended,
				     .agreed = host_agreed,
				     .alarm = host_alarm};

	e->sequence = e->agreed = e->keys = e->lose = e->damage = 0;
	e->offered = ERR_OK;
	e->store = memory_store_new(&id);
	e->real = host.store = memory_store_interface(e->store);
	e->exchange = exchange_new(&options, &host);
	must(e->exchange && exchange_topology_changed(e->exchange, now) == ERR_OK);
}

static void begin(void)
{
	now = (struct instant){.mono = 1000, .wall = (uint64_t)START * HOUR_MS};
	suspension = (struct suspension){.serial = 1, .until = UINT64_MAX};
	chain.suspension = NULL;
	said_count = chance_byte = 0;
	healthy = true;
	for (unsigned i = 0; i < ENDS; i++)
		begin_end(&ends[i], i);
}

static void finish(void)
{
	for (unsigned i = 0; i < ENDS; i++) {
		exchange_free(ends[i].exchange);
		memory_store_free(ends[i].store);
	}
	chain.suspension = NULL;
}

/* ---- the line ---- */

static void deliver(struct end *from, struct end *to, uint8_t *frame, size_t n)
{
	if (to->lose) {
		to->lose--;
		healthy = false;
		return;
	}
	if (to->damage) {
		frame[to->damage % n] ^= (uint8_t)(1 + to->damage % 255);
		to->damage = 0;
		healthy = false;
	}
	exchange_receive(to->exchange, &from->id, frame, n, now);
}

/* Everything that is said in this moment. */
static void talk(void)
{
	static uint8_t frame[FRAME_MAX_BYTES];
	bool more = true;

	for (unsigned turn = 0; more; turn++) {
		must(turn < TURNS_MAX);
		more = false;
		for (unsigned i = 0; i < ENDS; i++) {
			size_t n;
			more |= exchange_turn(ends[i].exchange, now);
			while ((n = exchange_output(ends[i].exchange, &ends[1 - i].id, frame,
						    now))) {
				deliver(&ends[i], &ends[1 - i], frame, n);
				more = true;
			}
		}
	}
}

static void line(bool up)
{
	for (unsigned i = 0; i < ENDS; i++) {
		struct end *e = &ends[i];
		if (up)
			exchange_up(e->exchange, &ends[1 - i].id, now);
		else
			exchange_down(e->exchange, &ends[1 - i].id, "the line", now);
	}
}

static bool both_open(void)
{
	struct peer_status s;

	for (unsigned i = 0; i < ENDS; i++) {
		exchange_peer(ends[i].exchange, 0, &s);
		if (s.state != PEER_OPEN)
			return false;
	}
	return true;
}

static void pass(uint64_t ms)
{
	now.mono += ms;
	now.wall += ms;
	talk();
}

#endif
