/* Two nodes that hold a role together, and the line between them: each two bytes of the input have
 * one of them write, ask, hold back or fail, change what is on its way, or let time pass.  In the
 * end both have the same, know it, and count the same of what is the role's. */
#include "tests/fuzz/pair.h"

#include "protocol/bytes.h"

enum { BODY_MAX = 3000, HEAL_STEP_MS = 500, HEAL_STEPS = 1500 };

/* ---- what they do ---- */

static void submit(struct end *e, struct header *h, size_t body)
{
	size_t n, size;
	uint8_t *out, bytes[SIGNED_BYTES];
	struct message_id id;

	if (said_count == SAID_MAX)
		return;
	h->topology = h->sign_key = 1;
	h->incarnation = 1;
	h->network = chain_newest(&chain)->network;
	h->origin = e->id;
	h->sequence = ++e->sequence;
	h->body_length = (uint32_t)body;
	size = header_size(h) + SIGNATURE_BYTES + body;
	out = calloc(1, size);
	must(out);
	h->body_hash = hash_of(out, body);
	must(header_encode(h, out, size, &n) == ERR_OK);
	memset(out + n, 0, SIGNATURE_BYTES + body);
	id = message_id_of(out, n);
	message_signed_bytes(bytes, &id);
	crypto_sign_detached(out + n, NULL, bytes, sizeof bytes, e->secret);
	said[said_count] = id;
	said_to[said_count++] = h->audience;
	must(exchange_submit(e->exchange, out, size, said_count) == ERR_OK);
}

static struct header header_of(unsigned arg)
{
	return (struct header){.kind = KIND_POST,
			       .audience = audience_all(),
			       .priority = (uint8_t)(arg % 3),
			       .expiry = START + 49 + arg % 64};
}

static void say(struct end *e, unsigned arg, struct reader *r)
{
	struct header h = header_of(arg);

	(void)r;
	submit(e, &h, arg * 13 % BODY_MAX);
}

static void say_urgent(struct end *e, unsigned arg, struct reader *r)
{
	struct header h = header_of(arg);

	(void)r;
	h.priority = PRIORITY_EMERGENCY;
	submit(e, &h, arg * 13 % BODY_MAX);
}

static void say_to_role(struct end *e, unsigned arg, struct reader *r)
{
	struct header h = header_of(arg);
	bool first = memcmp(role.b, e->id.b, PARTY_ID_BYTES) < 0;

	(void)r;
	h.flags = FLAG_SEALED;
	h.commitment[0] = 1;
	h.audience = role_audience[e - ends];
	h.recipient_count = 2;
	h.recipients[!first] = (struct recipient){.party = role, .key = 1};
	h.recipients[first] = (struct recipient){.party = e->id, .key = 1};
	submit(e, &h, arg * 13 % BODY_MAX);
}

static void say_many(struct end *e, unsigned arg, struct reader *r)
{
	for (unsigned i = 0; i < 20; i++) {
		if (i % 3)
			say(e, arg + i, r);
		else
			say_to_role(e, arg + i, r);
	}
}

/* Only of what is for all: another would need its recipients. */
static void recall(struct end *e, unsigned arg, struct reader *r)
{
	struct header h = header_of(arg);
	struct audience_id all = audience_all();
	size_t which = said_count ? arg % said_count : 0;

	(void)r;
	if (said_count && memcmp(said_to[which].b, all.b, AUDIENCE_ID_BYTES) != 0)
		return;
	h.kind = KIND_RECALL;
	h.expiry += 64;
	h.ref = said[which];
	submit(e, &h, 0);
}

static void pause_some(struct end *e, unsigned arg, struct reader *r)
{
	struct party_id origins[PAUSED_MAX] = {ends[arg & 1].id, role};

	(void)r;
	exchange_pause(e->exchange, origins, arg >> 1 & 3 % PAUSED_MAX, now);
}

static void ask_passing(struct end *e, unsigned arg, struct reader *r)
{
	const struct end *other = &ends[e == ends];
	uint64_t lsn = 1 + arg % 40;

	(void)r;
	must(exchange_passing(e->exchange, &role, &e->id, lsn) == PASSING_UNKNOWN);
	must(exchange_passing(e->exchange, &other->id, &e->id, lsn) != PASSING_UNKNOWN);
	if (lsn > e->real.head(e->real.self))
		must(exchange_passing(e->exchange, &other->id, &e->id, lsn) == PASSING_WAITS);
	else
		exchange_confirms(e->exchange, &other->id, lsn);
}

static void ask_for(struct end *e, unsigned arg, struct reader *r)
{
	struct header h = {.kind = KIND_POST, .origin = e->id, .audience = audience_all()};

	(void)r;
	h.audience = arg & 1 ? role_audience[arg >> 1 & 1] : h.audience;
	exchange_reconcile(e->exchange, &h, now);
}

/* A frame that it did not say, as if it had. */
static void insert(struct end *e, unsigned arg, struct reader *r)
{
	const struct end *from = &ends[e == ends];
	size_t n = arg < r->left ? arg : r->left;
	uint8_t frame[256];

	if (n == 0)
		return;
	memcpy(frame, read_ref(r, n), n);
	healthy = false;
	exchange_receive(e->exchange, &from->id, frame, n, now);
}

static void count(struct end *e, unsigned arg, struct reader *r)
{
	(void)arg, (void)r;
	exchange_count(e->exchange, &ends[e == ends].id, &role, now);
}

static void suspend(struct end *e, unsigned arg, struct reader *r)
{
	static const enum err outcomes[] = {ERR_OK, ERR_EXISTS, ERR_NOT_ALLOWED, ERR_FORMAT};

	(void)r;
	e->offered = outcomes[arg % 4];
	chain.suspension = &suspension;
	exchange_suspension_changed(e->exchange, now);
	/* More than may be told at once is a reason to end it. */
	healthy = false;
}

static void fail(struct end *e, unsigned arg, struct reader *r)
{
	(void)r;
	memory_store_fail(e->store, arg & 3);
	memory_store_fail_reads(e->store, arg >> 2 & 3);
	memory_store_fail_folds(e->store, arg >> 4 & 3);
}

static void come(struct end *e, unsigned arg, struct reader *r)
{
	(void)e, (void)arg, (void)r;
	line(true);
}

static void go(struct end *e, unsigned arg, struct reader *r)
{
	(void)e, (void)arg, (void)r;
	line(false);
}

static void wait(struct end *e, unsigned arg, struct reader *r)
{
	(void)e, (void)r;
	pass((uint64_t)arg << (arg & 7));
}

static void confirm(struct end *e, unsigned arg, struct reader *r)
{
	(void)r;
	exchange_confirm(e->exchange, arg & 1, now);
}

static void fill(struct end *e, unsigned arg, struct reader *r)
{
	(void)r;
	memory_store_full(e->store, arg & 1);
}

static void lose(struct end *e, unsigned arg, struct reader *r)
{
	(void)r;
	e->lose = arg % 4;
}

static void damage(struct end *e, unsigned arg, struct reader *r)
{
	(void)r;
	e->damage = arg;
}

static void hold_keys(struct end *e, unsigned arg, struct reader *r)
{
	(void)r;
	e->keys = arg % 5;
}

static void (*const deeds[])(struct end *, unsigned, struct reader *) = {
	say,  say_many,    say_to_role, say_urgent, recall,    come,    go,
	wait, pause_some,  count,       confirm,    ask_for,   suspend, fail,
	fill, ask_passing, lose,        damage,     hold_keys, insert,
};
enum { DEEDS = sizeof deeds / sizeof *deeds };

/* ---- how it ends ---- */

static void heal(void)
{
	line(false);
	chain.suspension = NULL;
	healthy = true;
	for (unsigned i = 0; i < ENDS; i++) {
		struct end *e = &ends[i];
		memory_store_fail(e->store, 0);
		memory_store_fail_reads(e->store, 0);
		memory_store_fail_folds(e->store, 0);
		memory_store_full(e->store, false);
		e->lose = e->damage = 0;
		exchange_pause(e->exchange, NULL, 0, now);
		exchange_confirm(e->exchange, true, now);
	}
	pass(5000);
	for (unsigned i = 0; i < ENDS; i++)
		ends[i].agreed = 0;
	line(true);
	for (int i = 0; i < HEAL_STEPS && !(ends[0].agreed && ends[1].agreed); i++) {
		pass(HEAL_STEP_MS);
		if (!both_open())
			line(true);
	}
	must(ends[0].agreed && ends[1].agreed);
}

static void both_have_the_same(void)
{
	struct audience_id all = audience_all();

	must(memory_store_rebuilds(ends[0].store) && memory_store_rebuilds(ends[1].store));
	must(memory_store_agree(ends[0].store, ends[1].store, &all));
	for (unsigned i = 0; i < ENDS; i++)
		must(memory_store_agree(ends[0].store, ends[1].store, &role_audience[i]));
}

static void both_count_the_same(void)
{
	const struct count_result *r;

	for (unsigned i = 0; i < ENDS; i++) {
		enum count_state state = COUNT_RUNNING;
		must(exchange_count(ends[i].exchange, &ends[1 - i].id, &role, now) == ERR_OK ||
		     exchange_counted(ends[i].exchange, &ends[1 - i].id, &role, &r) ==
			     COUNT_RUNNING);
		for (int k = 0; k < HEAL_STEPS && state == COUNT_RUNNING; k++) {
			pass(HEAL_STEP_MS);
			state = exchange_counted(ends[i].exchange, &ends[1 - i].id, &role, &r);
		}
		must(state == COUNT_SAME);
		must(r->key_count == ends[i].keys && r->their_key_count == ends[1 - i].keys);
		for (size_t k = 0; k < r->count; k++)
			must(r->lines[k].same && r->lines[k].ours == r->lines[k].theirs);
	}
}

unsigned fuzz_cost(void)
{
	return 100;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct reader r;

	prepare();
	begin();
	reader_init(&r, data, n);
	while (r.left >= 2 && !r.bad) {
		uint8_t what = read_u8(&r);
		unsigned arg = read_u8(&r);
		deeds[(what >> 1) % DEEDS](&ends[what & 1], arg, &r);
		talk();
	}
	heal();
	both_have_the_same();
	both_count_the_same();
	finish();
	return 0;
}
