/* One node among two members that do anything: they have keys, so what they say is signed.  Each
 * byte of the input chooses one of them and what it does.  Nothing is kept that nobody signed, what
 * is acknowledged is kept, and whoever then behaves is served. */
#include "tests/fuzz/fuzz.h"
#include "tests/sim/rig.h"

enum { SAID_MAX = 48, BODY_MAX = 3000, HEARD_MAX = 4000, TURNS_MAX = 200, STRANGER = 3 };
enum { CHANGES_MAX = 8, HASH_OFFSET = 88 };

enum deed { UP, DOWN, HELLO, OPEN, RAW, SAY, AGAIN, ANSWER, CREDIT, WAIT, SUBMIT, FAIL, DEEDS };

/* A message that somebody has made. */
struct said {
	struct message_id id;
	uint8_t *bytes; /* owned */
	size_t length, header;
	bool genuine; /* signed by whom it names, and whole */
};

/* A push of a neighbour in the conversation of the moment. */
struct pushed {
	uint64_t number;
	size_t said;
	bool refused; /* or had */
};

static struct rig rig;
static struct said said[SAID_MAX];
static size_t said_count;
static struct {
	struct pushed pushes[SAID_MAX];
	size_t count;
	uint64_t next;
} to[PEERS];
static uint8_t secrets[PEERS + 2][64];
static struct party_id ids[PEERS + 2];
static uint8_t chance_byte;

static void no_chance(void *arg, void *out, size_t n)
{
	(void)arg;
	memset(out, ++chance_byte, n);
}

static void prepare(void)
{
	struct topology *t;

	if (rig.chain.count)
		return;
	t = federation();
	chain_init(&rig.chain);
	must(chain_add(&rig.chain, t) == ERR_OK);
	for (unsigned i = 0; i < PEERS + 2; i++) {
		char name[8], salted[16];
		uint8_t seed[32], public[32];
		snprintf(name, sizeof name, "n%u", i);
		snprintf(salted, sizeof salted, "sign %s", name);
		seed_of(seed, salted);
		crypto_sign_seed_keypair(public, secrets[i], seed);
		ids[i] = party_id_of(&t->network, name);
	}
}

static void begin(void)
{
	struct exchange_options options = {.self = ids[0], .software = "fuzz"};
	struct exchange_host host = {.chain = &rig.chain,
				     .arg = &rig,
				     .random = no_chance,
				     .topology_offered = host_topology_offered,
				     .topology_file = host_topology_file,
				     .stored = host_stored,
				     .submitted = host_submitted,
				     .ended = host_ended,
				     .alarm = host_alarm};
	struct store_id id = {{7}};
	struct chain chain = rig.chain;

	memset(&rig, 0, sizeof rig);
	memset(to, 0, sizeof to);
	chance_byte = 0;
	rig.chain = chain;
	rig.now = (struct instant){.mono = 1000, .wall = (uint64_t)WALL_START * HOUR_MS};
	rig.store = memory_store_new(&id);
	rig.real = host.store = memory_store_interface(rig.store);
	for (unsigned i = 0; i < PEERS; i++) {
		rig.peer[i].id = ids[i + 1];
		rig.peer[i].sent = 1; /* no frame has number 0 but a greeting */
		to[i].next = 1;
	}
	rig.exchange = exchange_new(&options, &host);
	must(rig.exchange && exchange_topology_changed(rig.exchange, rig.now) == ERR_OK);
}

static void end(void)
{
	exchange_free(rig.exchange);
	memory_store_free(rig.store);
	for (size_t i = 0; i < said_count; i++)
		free(said[i].bytes);
	said_count = 0;
}

/* ---- what the node says ---- */

static void answered(unsigned i, const struct frame *f)
{
	for (size_t k = 0; k < to[i].count; k++) {
		struct pushed *p = &to[i].pushes[k];
		if (f->type != FRAME_ACK && p->number == f->answer.number)
			p->refused = true;
		/* SPEC 7.5: "and is sent only after the commit that holds them." */
		if (f->type == FRAME_ACK && p->number <= f->answer.number && !p->refused)
			must(memory_store_durable(rig.store, &said[p->said].id));
	}
}

static void hear_all(unsigned i)
{
	static uint8_t in[FRAME_MAX_BYTES];
	static struct frame f;
	size_t n;

	for (int k = 0; (n = exchange_output(rig.exchange, &rig.peer[i].id, in, rig.now)) > 0;
	     k++) {
		must(k < HEARD_MAX && frame_decode(&f, in, n) == ERR_OK);
		if (f.type == FRAME_HELLO) {
			memcpy(rig.peer[i].heard, f.hello.nonce, NONCE_BYTES);
			to[i].count = 0;
			to[i].next = 1;
		}
		if (f.type == FRAME_ACK || f.type == FRAME_NAK || f.type == FRAME_HAVE)
			answered(i, &f);
	}
}

static void pass(uint64_t ms)
{
	rig.now.mono += ms;
	rig.now.wall += ms;
	/* What is due at once gets its turn, and is due no more then. */
	for (int i = 0; exchange_turn(rig.exchange, rig.now) ||
			exchange_deadline(rig.exchange) <= rig.now.mono;
	     i++)
		must(i < TURNS_MAX);
	for (unsigned i = 0; i < PEERS; i++)
		hear_all(i);
}

/* ---- what its neighbours say ---- */

/* A header in which the input chooses every field, mostly among what makes sense. */
static void header_draw(struct header *h, struct reader *r, unsigned origin)
{
	uint8_t audience = read_u8(r);

	*h = (struct header){.kind = read_u8(r),
			     .tlp = read_u8(r) % 5,
			     .flags = read_u8(r),
			     .priority = read_u8(r) % 4,
			     .topology = read_u8(r),
			     .network = chain_newest(&rig.chain)->network,
			     .origin = ids[origin],
			     .audience = audience_all(),
			     .incarnation = read_u8(r),
			     .sequence = read_u8(r),
			     .sign_key = read_u8(r)};
	h->expiry = (uint32_t)(WALL_START + (int16_t)read_u16(r));
	if (said_count && audience & 1)
		h->ref = said[(audience >> 4) % said_count].id;
	if (audience & 2) {
		struct party_id one = ids[audience >> 6];
		h->audience = audience_of(&h->origin, &one, 1, audience & 4);
		h->recipient_count = 1;
		h->recipients[0] = (struct recipient){.party = one, .key = 1};
	}
}

static void message_sign(struct said *m, unsigned signer)
{
	uint8_t bytes[SIGNED_BYTES];

	m->id = message_id_of(m->bytes, m->header);
	message_signed_bytes(bytes, &m->id);
	crypto_sign_detached(m->bytes + m->header, NULL, bytes, sizeof bytes, secrets[signer]);
}

static struct said *message_make(struct header *h, size_t body, unsigned signer)
{
	struct said *m = &said[said_count];

	h->body_length = (uint32_t)body;
	m->length = header_size(h) + SIGNATURE_BYTES + body;
	m->bytes = calloc(1, m->length);
	must(m->bytes);
	h->body_hash = hash_of(m->bytes, body);
	if (header_encode(h, m->bytes, header_size(h), &m->header) != ERR_OK) {
		free(m->bytes);
		return NULL;
	}
	memset(m->bytes + m->header + SIGNATURE_BYTES, 0, body);
	message_sign(m, signer);
	m->genuine = signer != STRANGER && party_id_equal(&h->origin, &ids[signer]);
	said_count++;
	return m;
}

/* Changes bytes of it anywhere, and signs it again, so that they get beyond its signature. */
static void message_change(struct said *m, unsigned signer, struct reader *r)
{
	static struct header h;
	uint8_t *body = m->bytes + m->header + SIGNATURE_BYTES;
	size_t n = m->length - m->header - SIGNATURE_BYTES;
	unsigned changes = read_u8(r) % CHANGES_MAX;
	struct hash hash;

	if (n && read_u8(r) & 1) {
		body[n - 1] ^= 1;
		hash = hash_of(body, n);
		memcpy(m->bytes + HASH_OFFSET, hash.b, sizeof hash.b);
	}
	for (unsigned i = 0; i < changes; i++) {
		size_t at = read_u16(r) % m->header;
		m->bytes[at] ^= read_u8(r);
	}
	message_sign(m, signer);
	hash = hash_of(body, n);
	m->genuine = signer != STRANGER && header_decode(&h, m->bytes, m->header) == ERR_OK &&
		     party_id_equal(&h.origin, &ids[signer]) && h.body_length == n &&
		     hash_equal(&h.body_hash, &hash);
}

static void push_said(unsigned i, size_t which, struct reader *r)
{
	struct said *m = &said[which];
	size_t step = read_u8(r) ? PIECE_MAX_BYTES : 200;
	struct frame f = {.type = FRAME_PUSH};

	if (to[i].count == SAID_MAX)
		return;
	f.piece.number = to[i].next++;
	f.piece.total = (uint32_t)m->length;
	to[i].pushes[to[i].count++] = (struct pushed){f.piece.number, which, false};
	for (size_t at = 0; at < m->length; at += f.piece.length) {
		f.piece.offset = (uint32_t)at;
		f.piece.data = m->bytes + at;
		f.piece.length = m->length - at < step ? m->length - at : step;
		say(&rig, i, &f);
	}
}

static void say_message(unsigned i, struct reader *r)
{
	static struct header h;
	uint8_t who = read_u8(r);
	unsigned origin = who % (PEERS + 2), other = (who >> 3) % (PEERS + 2);
	size_t body = read_u16(r) % BODY_MAX;
	uint8_t damage = read_u8(r);
	struct said *m;

	if (said_count == SAID_MAX)
		return;
	header_draw(&h, r, origin);
	m = message_make(&h, body, who & 64 ? other : origin);
	if (!m)
		return;
	if (who & 128)
		message_change(m, who & 64 ? other : origin, r);
	if (damage & 1) {
		m->bytes[m->header + (damage >> 1) % (m->length - m->header)] ^= 4;
		m->genuine = false;
	}
	push_said(i, said_count - 1, r);
}

static void say_raw(unsigned i, struct reader *r)
{
	static uint8_t out[FRAME_MAX_BYTES];
	struct writer w;
	uint8_t type = read_u8(r);
	size_t n = read_u8(r);

	n = n < r->left ? n : r->left;
	writer_init(&w, out, sizeof out);
	write_u8(&w, type);
	write_u32(&w, rig.peer[i].sent++);
	write_bytes(&w, read_ref(r, n), n);
	exchange_receive(rig.exchange, &rig.peer[i].id, out, w.used, rig.now);
}

static void say_hello_drawn(unsigned i, struct reader *r)
{
	uint8_t how = read_u8(r);

	rig.peer[i].ahead = (uint64_t)(int64_t)(int8_t)how * HOUR_MS * 24;
	rig.peer[i].floor = how & 1 ? WALL_START + how * 32U : 0;
	rig.peer[i].store = how & 2;
	rig.peer[i].credit = how & 4 ? 1 : 0;
	say_hello(&rig, i, !(how & 8));
	to[i].count = 0;
	to[i].next = 1;
}

static void say_answer_drawn(unsigned i, struct reader *r)
{
	static const enum frame_type types[] = {FRAME_ACK, FRAME_NAK, FRAME_HAVE};
	struct frame f = {.type = types[read_u8(r) % 3]};

	f.answer.number = 1 + read_u8(r);
	f.answer.reason = f.type == FRAME_NAK ? (uint8_t)(1 + read_u8(r) % NAK_UNJUDGEABLE) : 0;
	say(&rig, i, &f);
}

static void submit_drawn(struct reader *r)
{
	static struct header h;
	size_t body = read_u16(r) % BODY_MAX;
	struct said *m;
	uint8_t *bytes;

	header_draw(&h, r, 0);
	h.topology = h.sign_key = 1;
	if (said_count == SAID_MAX || !(m = message_make(&h, body, 0)))
		return;
	bytes = malloc(m->length);
	must(bytes);
	memcpy(bytes, m->bytes, m->length);
	must(exchange_submit(rig.exchange, bytes, m->length, said_count) == ERR_OK);
}

static void fail(struct reader *r)
{
	uint8_t how = read_u8(r);

	memory_store_fail(rig.store, how & 3);
	memory_store_fail_reads(rig.store, how >> 2 & 3);
	memory_store_full(rig.store, how & 16);
	memory_store_fail_folds(rig.store, how >> 5);
}

static void act(unsigned i, enum deed deed, struct reader *r)
{
	switch (deed) {
	case UP:
		exchange_up(rig.exchange, &rig.peer[i].id, rig.now);
		hear_all(i);
		break;
	case DOWN:
		exchange_down(rig.exchange, &rig.peer[i].id, "the line", rig.now);
		break;
	case HELLO:
		say_hello_drawn(i, r);
		hear_all(i);
		break;
	case OPEN:
		say_open(&rig, i);
		break;
	case RAW:
		say_raw(i, r);
		break;
	case SAY:
		say_message(i, r);
		break;
	case AGAIN:
		if (said_count)
			push_said(i, read_u8(r) % said_count, r);
		break;
	case ANSWER:
		say_answer_drawn(i, r);
		break;
	case CREDIT:
		say_credit(&rig, i, 1 + read_u8(r));
		break;
	case WAIT:
		pass((uint64_t)read_u8(r) << 10);
		break;
	case SUBMIT:
		submit_drawn(r);
		break;
	case FAIL:
		fail(r);
		break;
	case DEEDS:
		break;
	}
}

/* ---- what must hold ---- */

static void all_kept_is_genuine(void)
{
	struct stored s;

	for (uint64_t lsn = 1; rig.real.next(rig.real.self, lsn, &s) == ERR_OK; lsn = s.lsn + 1) {
		size_t k = 0;
		while (k < said_count && !(said[k].genuine && message_id_equal(&said[k].id, &s.id)))
			k++;
		must(k < said_count);
	}
}

static void whoever_behaves_is_served(unsigned i)
{
	static struct header h;
	struct reader none = {0};
	struct said *m;

	for (unsigned k = 0; k < PEERS; k++)
		exchange_down(rig.exchange, &rig.peer[k].id, "the end", rig.now);
	memory_store_fail(rig.store, 0);
	memory_store_fail_reads(rig.store, 0);
	memory_store_fail_folds(rig.store, 0);
	memory_store_full(rig.store, false);
	pass(HOUR_MS);
	rig.peer[i].ahead = rig.peer[i].credit = 0;
	rig.peer[i].floor = 0;
	rig.peer[i].store = 9;
	exchange_up(rig.exchange, &rig.peer[i].id, rig.now);
	hear_all(i);
	say_hello(&rig, i, true);
	to[i].count = 0;
	to[i].next = 1;
	say_open(&rig, i);
	hear_all(i);
	must(peer_of(&rig, i)->status.state == PEER_OPEN);
	header_draw(&h, &none, i + 1);
	h.kind = KIND_POST;
	h.topology = h.sign_key = 1;
	h.sequence = 999;
	h.expiry = (uint32_t)(rig.now.wall / HOUR_MS) + 48;
	m = message_make(&h, 100, i + 1);
	must(m);
	push_said(i, said_count - 1, &none);
	pass(STORE_RETRY_MS);
	pass(STORE_RETRY_MS);
	must(memory_store_durable(rig.store, &m->id));
}

unsigned fuzz_cost(void)
{
	return 5;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct reader r;

	prepare();
	begin();
	reader_init(&r, data, n);
	while (r.left && !r.bad && said_count < SAID_MAX - 1) {
		uint8_t what = read_u8(&r);
		act(what % PEERS, (enum deed)(what / PEERS % DEEDS), &r);
	}
	pass(0);
	whoever_behaves_is_served(n % PEERS);
	all_kept_is_genuine();
	end();
	return 0;
}
