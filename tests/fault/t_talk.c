/* Two nodes that reconcile, post and recall while the memory of both is short: each says so, blames
 * nobody for it, leaves nothing behind, and once there is memory both hold all that was kept. */
#include "tests/fault/starve.h"
#include "tests/sim/rig.h"

enum {
	ENDS = 2,
	OLD = 6,   /* messages that each holds before they meet */
	POSTS = 3, /* that each writes while they talk */
	SHORT_ROUNDS = 40,
	LONG_ROUNDS = 400,
	ROUND_MS = 500,
	HEALING_MS = 10 * 1000,
	LARGE = 2 * PIECE_MAX_BYTES, /* a body that takes several frames */
};

struct end {
	struct party_id id;
	uint8_t sign_secret[64];
	struct memory_store *store;
	struct exchange *exchange;
	uint64_t sequence;
	bool over;             /* the conversation */
	unsigned blamed, kept; /* kept: messages of its own */
};

static struct chain chain;
static struct end ends[ENDS];
static struct instant now;

static void ended(void *arg, const struct party_id *peer, bool blame, const char *why)
{
	struct end *end = arg;

	(void)peer;
	end->over = true;
	end->blamed += blame;
	if (blame)
		printf("# blamed: %s\n", why);
}

static void submitted(void *arg, uint64_t ticket, const struct message_id *id, enum err e)
{
	struct end *end = arg;

	(void)ticket, (void)id;
	need(!e || e == ERR_MEMORY);
	end->kept += e == ERR_OK;
}

static void alarm_rung(void *arg, const struct party_id *peer, const char *text)
{
	(void)arg, (void)peer, (void)text;
}

static void same_chance(void *arg, void *out, size_t n)
{
	static uint8_t turn;

	(void)arg;
	memset(out, ++turn ? turn : ++turn, n);
}

/* What the end says; the caller, or the exchange, frees it. */
static uint8_t *message_make(struct end *end, uint8_t kind, const struct message_id *ref,
			     size_t body, size_t *n)
{
	static struct header h;
	uint8_t *out, bytes[SIGNED_BYTES];
	struct message_id id;

	h = (struct header){.kind = kind,
			    .topology = 1,
			    .network = chain_newest(&chain)->network,
			    .origin = end->id,
			    .audience = audience_all(),
			    .incarnation = 1,
			    .sequence = ++end->sequence,
			    .expiry = WALL_START + 24,
			    .body_length = (uint32_t)body,
			    .sign_key = 1};
	if (ref)
		h.ref = *ref;
	out = calloc(1, header_size(&h) + SIGNATURE_BYTES + body);
	need(out);
	h.body_hash = hash_of(out, body);
	need(header_encode(&h, out, header_size(&h), n) == ERR_OK);
	id = message_id_of(out, *n);
	memset(out + *n, 0, body + SIGNATURE_BYTES);
	message_signed_bytes(bytes, &id);
	crypto_sign_detached(out + *n, NULL, bytes, sizeof bytes, end->sign_secret);
	*n += SIGNATURE_BYTES + body;
	return out;
}

static void hold_old_ones(struct end *end)
{
	struct store s = memory_store_interface(end->store);

	need(s.begin(s.self) == ERR_OK);
	for (unsigned i = 0; i < OLD; i++) {
		struct arrival a = {.from = end->id, .verdict = VERDICT_ACCEPTED};
		uint64_t lsn;
		size_t n;
		uint8_t *m = message_make(end, KIND_POST, NULL, 100 * i, &n);
		need(message_split(&a.message, m, n) == ERR_OK);
		a.id = message_id_of(a.message.header, a.message.header_length);
		need(s.append(s.self, &a, &lsn) == ERR_OK);
		free(m);
	}
	need(s.commit(s.self) == ERR_OK);
}

static enum err end_begin(struct end *end, unsigned i)
{
	struct exchange_options options = {
		.self = end->id, .software = "talk", .window_messages = 64};
	struct exchange_host host = {.chain = &chain,
				     .arg = end,
				     .random = same_chance,
				     .topology_offered = host_topology_offered,
				     .topology_file = host_topology_file,
				     .stored = host_stored,
				     .submitted = submitted,
				     .ended = ended,
				     .alarm = alarm_rung};
	struct store_id id = {{(uint8_t)(i + 1)}};

	end->store = memory_store_new(&id);
	end->sequence = end->blamed = end->kept = 0;
	end->over = false;
	host.store = memory_store_interface(end->store);
	hold_old_ones(end);
	end->exchange = exchange_new(&options, &host);
	return end->exchange ? exchange_topology_changed(end->exchange, now) : ERR_MEMORY;
}

static void carry(struct end *from, struct end *to)
{
	static uint8_t frame[FRAME_MAX_BYTES];
	size_t n;

	while ((n = exchange_output(from->exchange, &to->id, frame, now)) > 0)
		if (!to->over)
			exchange_receive(to->exchange, &from->id, frame, n, now);
}

/* Both do what is due; who has ended the conversation begins another. */
static void round_of(uint64_t ms)
{
	now.mono += ms;
	now.wall += ms;
	for (unsigned i = 0; i < ENDS; i++)
		exchange_turn(ends[i].exchange, now);
	carry(&ends[0], &ends[1]);
	carry(&ends[1], &ends[0]);
	if (!ends[0].over && !ends[1].over)
		return;
	for (unsigned i = 0; i < ENDS; i++) {
		ends[i].over = false;
		exchange_down(ends[i].exchange, &ends[1 - i].id, "the other end", now);
	}
	for (unsigned i = 0; i < ENDS; i++)
		exchange_up(ends[i].exchange, &ends[1 - i].id, now);
}

/* Posts, a large one among them, and a recall of the first.  Returns how many were refused. */
static unsigned write_some(struct end *end)
{
	struct message_id first = {{0}};
	unsigned refused = 0;

	for (unsigned i = 0; i <= POSTS; i++) {
		size_t n;
		uint8_t *m = message_make(end, i < POSTS ? KIND_POST : KIND_RECALL,
					  i < POSTS ? NULL : &first, i == 1 ? LARGE : 20, &n);
		if (i == 0)
			first = message_id_of(m, HEADER_FIXED_BYTES);
		refused += exchange_submit(end->exchange, m, n, i) != ERR_OK;
	}
	return refused;
}

/* All that was kept, here and there. */
static bool settled(void)
{
	size_t all = ENDS * OLD + ends[0].kept + ends[1].kept;

	return memory_store_count(ends[0].store) == all && memory_store_count(ends[1].store) == all;
}

static enum err talk(void)
{
	struct audience_id everyone = audience_all();
	unsigned refused = 0, rounds = 0;

	for (unsigned i = 0; i < ENDS; i++)
		exchange_up(ends[i].exchange, &ends[1 - i].id, now);
	for (unsigned i = 0; i < SHORT_ROUNDS; i++) {
		round_of(ROUND_MS);
		if (i == SHORT_ROUNDS / 4)
			refused = write_some(&ends[0]) + write_some(&ends[1]);
	}
	fault_stop();
	while (!settled() && rounds++ < LONG_ROUNDS)
		round_of(HEALING_MS);
	if (ends[0].blamed + ends[1].blamed)
		return ERR_SIGNATURE;
	/* A second copy in one store would hide that one is missing. */
	if (!settled() || !memory_store_rebuilds(ends[0].store) ||
	    !memory_store_rebuilds(ends[1].store) ||
	    !memory_store_agree(ends[0].store, ends[1].store, &everyone))
		return ERR_STATE;
	need(refused || ends[0].kept + ends[1].kept <= ENDS * (POSTS + 1));
	return ERR_OK;
}

static enum err meet_and_talk(void)
{
	enum err e = ERR_OK;

	now = (struct instant){.mono = 1000, .wall = (uint64_t)WALL_START * HOUR_MS};
	for (unsigned i = 0; i < ENDS; i++) {
		enum err begun = end_begin(&ends[i], i);
		e = e ? e : begun;
	}
	if (!e)
		e = talk();
	for (unsigned i = 0; i < ENDS; i++) {
		exchange_free(ends[i].exchange);
		memory_store_free(ends[i].store);
	}
	return e;
}

static void those_who_talk_wait_for_memory(void)
{
	starve("two who talk", meet_and_talk, STARVED_RECOVERS);
}

int main(int argc, char **argv)
{
	(void)argc;
	need(sodium_init() >= 0);
	starve_init(argv);
	chain_init(&chain);
	need(chain_add(&chain, federation()) == ERR_OK);
	for (unsigned i = 0; i < ENDS; i++) {
		char name[8], salted[16];
		uint8_t seed[32], public[32];
		snprintf(name, sizeof name, "n%u", i);
		snprintf(salted, sizeof salted, "sign %s", name);
		seed_of(seed, salted);
		crypto_sign_seed_keypair(public, ends[i].sign_secret, seed);
		ends[i].id = topology_party(chain_newest(&chain), name)->id;
	}
	RUN(those_who_talk_wait_for_memory);
	chain_clear(&chain);
	return tap_done();
}
