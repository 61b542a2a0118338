/* A member of the federation with a valid key and no manners: connects to a running node as any
 * neighbour would and does one thing that an honest one does not.
 *
 *     attacker HOME PEER ATTACK [SECONDS | FILE...]
 *
 * HOME is that of a node of the lab which is stopped.  Prints what the peer said to it, or what
 * came of it; exit 0 when the attack could be carried out. */
#include <poll.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <zmq.h>
#include <zstd.h>

#include "keys/identity.h"
#include "node/link/link.h"
#include "node/loop.h"
#include "protocol/audience.h"
#include "protocol/body.h"
#include "protocol/council.h"
#include "protocol/frame.h"
#include "protocol/json.h"
#include "protocol/message.h"

enum { WAIT_MS = 60000, HOUR_MS = 3600 * 1000 };

static struct {
	struct identity *identity;
	struct topology *topology;
	const struct party *self, *peer;
	struct link *link;
	bool up, down, greeted, open, settled_all;
	bool mute; /* does not read */
	uint32_t sent;
	uint64_t number, sequence, incarnation;
	uint8_t nonce[NONCE_BYTES];
	uint64_t out_bytes;                     /* pushed */
	uint64_t credit_bytes, credit_messages; /* granted */
	uint64_t acked, answered, have, nak, pushed_to_us, lasts;
	bool polite; /* answers what it is pushed */
	uint64_t owed[1024];
	size_t owed_count;     /* answers */
	struct message_id ref; /* of what it writes */
	char error[ERROR_TEXT_MAX_BYTES + 1];
	char **files; /* messages as khabar show --raw writes them */
} me;

static void die(const char *what)
{
	fprintf(stderr, "attacker: %s\n", what);
	exit(1);
}

/* --- setting out --- */

static char *slurp(const char *folder, const char *name, size_t *n)
{
	char path[4096];
	FILE *in;
	char *text = malloc(TOPOLOGY_MAX_BYTES);

	snprintf(path, sizeof path, "%s/%s", folder, name);
	in = fopen(path, "rb");
	if (!in || !text)
		die(path);
	*n = fread(text, 1, TOPOLOGY_MAX_BYTES, in);
	fclose(in);
	return text;
}

static void set_out(const char *home, const char *peer)
{
	struct report report;
	char path[4096];
	size_t n;
	char *file = slurp(home, "topology.signed", &n);

	report_init(&report);
	snprintf(path, sizeof path, "%s/node.key", home);
	if (identity_open(&me.identity, path, NULL, &report) ||
	    topology_parse(&me.topology, file, council_text_length(file, n), &report))
		die(report_first(&report));
	free(file);
	me.self = topology_party(me.topology, identity_public(me.identity)->name);
	me.peer = topology_party(me.topology, peer);
	if (!me.self || !me.peer)
		die("no such party");
	report_clear(&report);
}

/* Dials the peer, or waits for it, as the topology has it. */
static void dial(void)
{
	struct link_options options = {.identity = me.identity, .self = me.self->id};
	struct link_peer peer = {.id = me.peer->id,
				 .endpoints = {me.peer->endpoint},
				 .endpoint_count = 1,
				 .key_count = 1,
				 .dial = topology_dials(me.topology, me.self, me.peer)};
	struct report report;

	report_init(&report);
	if (!peer.dial)
		options.bind = me.self->endpoint;
	memcpy(peer.name, me.peer->name, sizeof peer.name);
	memcpy(peer.keys[0], me.peer->link_key, LINK_KEY_BYTES);
	if (link_open(&me.link, &options, &report) || link_set_peers(me.link, &peer, 1))
		die("no link");
	report_clear(&report);
}

/* --- hearing --- */

static void hear_frame(const struct link_event *e)
{
	struct frame f;

	if (frame_decode(&f, e->frame, e->length) != ERR_OK)
		die("the peer sent a malformed frame");
	switch (f.type) {
	case FRAME_HELLO:
		me.greeted = memcmp(f.hello.echo, me.nonce, NONCE_BYTES) == 0;
		me.credit_bytes = f.hello.credit_bytes;
		me.credit_messages = f.hello.credit_messages;
		break;
	case FRAME_OPEN:
		me.open = true;
		break;
	case FRAME_ACK:
		me.acked = f.answer.number;
		me.answered++;
		break;
	case FRAME_HAVE:
		me.have++;
		break;
	case FRAME_NAK:
		me.nak++;
		break;
	case FRAME_PUSH:
		me.pushed_to_us++;
		if (me.polite && f.piece.offset == 0)
			me.owed[me.owed_count++] = f.piece.number;
		break;
	case FRAME_CREDIT:
		me.credit_bytes = f.credit.bytes;
		me.credit_messages = f.credit.messages;
		break;
	case FRAME_ERROR:
		memcpy(me.error, f.error, sizeof me.error);
		break;
	case FRAME_LAST:
		me.lasts++;
		break;
	case FRAME_TOPOLOGY:
	case FRAME_BEGIN:
	case FRAME_PART:
	case FRAME_ASK:
	case FRAME_SUSPENSION:
	case FRAME_COUNT:
	case FRAME_COUNTS:
		break;
	}
}

/* One turn of at most ms. */
static void turn(int ms)
{
	zmq_pollitem_t items[16];
	struct link_event e;
	uint64_t now = clock_monotonic(), next = link_tick(me.link, now);
	long wait = next > now && next - now < (uint64_t)ms ? (long)(next - now) : ms;

	zmq_poll(items, (int)link_poll_items(me.link, items, 16), next <= now ? 0 : wait);
	while (!me.mute && me.owed_count < sizeof me.owed / sizeof *me.owed &&
	       link_next(me.link, &e)) {
		switch (e.kind) {
		case LINK_UP:
			me.up = true;
			break;
		case LINK_DOWN:
			me.down = true;
			break;
		case LINK_REFUSED:
			fprintf(stderr, "# %s\n", e.text);
			break;
		case LINK_FRAME:
			hear_frame(&e);
			break;
		}
	}
}

static bool wait_for(const bool *what)
{
	uint64_t end = clock_monotonic() + WAIT_MS;

	while (!*what && !me.down && clock_monotonic() < end)
		turn(20);
	return *what;
}

static void idle(uint64_t ms)
{
	uint64_t end = clock_monotonic() + ms;

	while (!me.down && clock_monotonic() < end)
		turn(20);
}

/* --- saying --- */

static bool say_bytes(const void *bytes, size_t n)
{
	for (;;) {
		enum err e = link_send(me.link, &me.peer->id, bytes, n);
		if (e != ERR_BUSY || me.down)
			return e == ERR_OK;
		if (me.mute)
			poll(NULL, 0, 5);
		turn(5);
	}
}

static bool say(struct frame *f)
{
	static uint8_t out[FRAME_MAX_BYTES];
	size_t n;

	f->number = f->type == FRAME_HELLO ? 0 : me.sent;
	n = frame_encode(f, out);
	if (n == 0)
		die("a frame that cannot be written");
	me.sent = f->number + 1;
	return say_bytes(out, n);
}

static bool say_hello(const struct party *as, uint32_t newer)
{
	struct frame f = {.type = FRAME_HELLO};
	struct timespec t;
	size_t n = 0;

	clock_gettime(CLOCK_REALTIME, &t);
	randombytes_buf(me.nonce, sizeof me.nonce);
	f.hello.network = me.topology->network;
	f.hello.self = as->id;
	f.hello.store.b[0] = 1;
	memcpy(f.hello.nonce, me.nonce, sizeof me.nonce);
	f.hello.clock = (uint64_t)t.tv_sec * 1000;
	f.hello.floor = 1;
	f.hello.credit_bytes = UINT64_MAX;
	f.hello.credit_messages = UINT64_MAX;
	if (newer)
		f.hello.versions[n++].version = newer;
	f.hello.versions[n].version = me.topology->version;
	f.hello.versions[n++].hash = me.topology->hash;
	f.hello.version_count = (uint8_t)n;
	strcpy(f.hello.software, "attacker");
	me.number = 0;
	me.out_bytes = 0;
	return say(&f);
}

static bool say_open(void)
{
	struct frame f = {.type = FRAME_OPEN, .open = {me.topology->version, me.topology->hash}};

	return say(&f);
}

static void meet(void)
{
	if (!wait_for(&me.up) || !say_hello(me.self, 0) || !wait_for(&me.greeted) || !say_open() ||
	    !wait_for(&me.open))
		die("no conversation came about");
}

static bool say_answer(enum frame_type type, uint64_t number)
{
	struct frame f = {.type = type, .answer = {.number = number}};

	f.answer.reason = type == FRAME_NAK ? NAK_EXPIRED : 0;
	return say(&f);
}

static bool say_credit(uint64_t bytes, uint64_t messages)
{
	struct frame f = {.type = FRAME_CREDIT, .credit = {.bytes = bytes, .messages = messages}};

	return say(&f);
}

/* --- messages --- */

struct message {
	uint8_t *bytes;
	size_t head, length;
};

static struct message write_message(const struct party *origin, const void *body, size_t n,
				    enum message_kind kind)
{
	struct header h = {.kind = (uint8_t)kind,
			   .tlp = 1,
			   .topology = me.topology->version,
			   .network = me.topology->network,
			   .origin = origin->id,
			   .audience = audience_all(),
			   .incarnation = me.incarnation,
			   .sequence = ++me.sequence,
			   .expiry = (uint32_t)(clock_wall() / HOUR_MS) + 48,
			   .body_length = (uint32_t)n,
			   .body_hash = hash_of(body, n),
			   .ref = me.ref,
			   .sign_key = 1};
	struct message m = {.length = header_size(&h) + SIGNATURE_BYTES + n};
	struct message_id id;

	m.bytes = malloc(m.length);
	if (!m.bytes || header_encode(&h, m.bytes, m.length, &m.head) != ERR_OK)
		die("a message that cannot be written");
	id = message_id_of(m.bytes, m.head);
	identity_sign(me.identity, &id, m.bytes + m.head);
	memcpy(m.bytes + m.head + SIGNATURE_BYTES, body, n);
	return m;
}

/* At most so many bytes of it: fewer than all leave it incomplete. */
static bool push_part(const struct message *m, uint64_t number, size_t most)
{
	for (size_t at = 0; at < m->length && at < most;) {
		struct frame f = {.type = FRAME_PUSH};
		f.piece.number = number;
		f.piece.offset = (uint32_t)at;
		f.piece.total = (uint32_t)m->length;
		f.piece.data = m->bytes + at;
		f.piece.length =
			m->length - at < PIECE_MAX_BYTES ? m->length - at : PIECE_MAX_BYTES;
		at += f.piece.length;
		if (!say(&f))
			return false;
	}
	return true;
}

static bool push(const struct message *m)
{
	uint64_t end = clock_monotonic() + WAIT_MS;

	while (!me.down &&
	       (me.number >= me.credit_messages || me.out_bytes + m->length > me.credit_bytes)) {
		if (clock_monotonic() > end)
			return false;
		turn(5);
	}
	me.out_bytes += m->length;
	return push_part(m, ++me.number, m->length);
}

static bool push_body(const void *body, size_t n)
{
	struct message m = write_message(me.self, body, n, KIND_POST);
	bool pushed = push(&m);

	free(m.bytes);
	return pushed;
}

static bool push_compressed(const char *plain, size_t n)
{
	size_t bound = ZSTD_compressBound(n), used;
	uint8_t *frame = malloc(bound);
	bool pushed;

	used = frame ? ZSTD_compress(frame, bound, plain, n, 1) : 0;
	if (!frame || ZSTD_isError(used) || used > BODY_MAX_BYTES)
		die("a bomb that cannot be packed");
	pushed = push_body(frame, used);
	free(frame);
	return pushed;
}

/* A turn, and a word for all that was pushed meanwhile: that it is here, before more of it comes.
 */
static void attend(void)
{
	turn(5);
	while (me.owed_count)
		say_answer(FRAME_HAVE, me.owed[--me.owed_count]);
}

static bool answered(void)
{
	uint64_t end = clock_monotonic() + WAIT_MS;

	while (!me.down && me.acked < me.number && clock_monotonic() < end)
		attend();
	return me.acked >= me.number;
}

/* --- what it does; SECONDS is for those that go on --- */

static void garbage(unsigned seconds)
{
	uint8_t noise[300];

	(void)seconds;
	meet();
	randombytes_buf(noise, sizeof noise);
	noise[0] = 200;
	say_bytes(noise, sizeof noise);
}

static void another_name(unsigned seconds)
{
	(void)seconds;
	if (wait_for(&me.up))
		say_hello(me.peer, 0);
}

static void early_push(unsigned seconds)
{
	struct message m = write_message(me.self, "x", 1, KIND_POST);

	(void)seconds;
	if (wait_for(&me.up) && say_hello(me.self, 0) && wait_for(&me.greeted))
		push_part(&m, 1, m.length);
	free(m.bytes);
}

/* In another's name, with a signature of one's own. */
static void forge(unsigned seconds)
{
	const struct party *other = topology_party(me.topology, "punjab");
	struct message m = write_message(other, "x", 1, KIND_POST);

	(void)seconds;
	meet();
	push(&m);
	free(m.bytes);
}

static void change_body(unsigned seconds)
{
	struct message m = write_message(me.self, "block it", 8, KIND_POST);

	(void)seconds;
	meet();
	m.bytes[m.length - 1] ^= 1;
	push(&m);
	free(m.bytes);
}

static void false_ack(unsigned seconds)
{
	(void)seconds;
	meet();
	say_answer(FRAME_ACK, UINT64_MAX);
}

/* Everything that it is pushed is answered twice. */
static void second_answer(unsigned seconds)
{
	uint64_t end;

	(void)seconds;
	meet();
	for (end = clock_monotonic() + WAIT_MS; !me.pushed_to_us && clock_monotonic() < end;)
		turn(20);
	say_answer(FRAME_ACK, 1);
	say_answer(FRAME_NAK, 1);
}

static void overrun(unsigned seconds)
{
	static uint8_t body[BODY_MAX_BYTES];
	struct message m;

	(void)seconds;
	meet();
	/* Only beginnings, so that nothing can be settled and raise the credit. */
	m = write_message(me.self, body, sizeof body, KIND_POST);
	for (uint64_t number = 1; number <= 5; number++)
		push_part(&m, number, 1);
	free(m.bytes);
}

static void incomplete(unsigned seconds)
{
	static uint8_t body[100000];

	(void)seconds;
	meet();
	for (uint64_t number = 1; number <= 6; number++) {
		struct message m = write_message(me.self, body, sizeof body, KIND_POST);
		push_part(&m, number, 1);
		free(m.bytes);
	}
}

static void skip_number(unsigned seconds)
{
	struct message m = write_message(me.self, "x", 1, KIND_POST);

	(void)seconds;
	meet();
	push_part(&m, 2, m.length);
	free(m.bytes);
}

static void take_credit_back(unsigned seconds)
{
	(void)seconds;
	meet();
	say_credit(1, 1);
}

static void greet_for_ever(unsigned seconds)
{
	uint64_t end;

	(void)seconds;
	if (!wait_for(&me.up))
		die("no connection");
	end = clock_monotonic() + WAIT_MS;
	while (!me.down && clock_monotonic() < end && say_hello(me.self, 0))
		turn(0);
}

static void give_a_topology(unsigned seconds)
{
	static uint8_t file[TOPOLOGY_MAX_BYTES];

	(void)seconds;
	randombytes_buf(file, sizeof file);
	if (!wait_for(&me.up) || !say_hello(me.self, 2) || !wait_for(&me.greeted))
		die("no conversation came about");
	for (size_t at = 0; at < sizeof file;) {
		struct frame f = {.type = FRAME_TOPOLOGY};
		f.piece.number = 2;
		f.piece.offset = (uint32_t)at;
		f.piece.total = sizeof file;
		f.piece.data = file + at;
		f.piece.length =
			sizeof file - at < PIECE_MAX_BYTES ? sizeof file - at : PIECE_MAX_BYTES;
		at += f.piece.length;
		if (!say(&f))
			return;
	}
}

/* The same message over and over: it costs the peer nothing, and is no crime. */
static void replay(unsigned seconds)
{
	struct message m = write_message(me.self, "once", 4, KIND_POST);
	uint64_t end;

	(void)seconds;
	meet();
	for (int i = 0; i < 50; i++)
		push(&m);
	for (end = clock_monotonic() + WAIT_MS;
	     !me.down && me.have < 49 && clock_monotonic() < end;)
		turn(20);
	idle(500);
	printf("%llu of 50 had already, %s\n", (unsigned long long)me.have,
	       me.down ? "cut off" : "still connected");
	free(m.bytes);
}

/* Text that is small on the wire and large in memory; each is the author's own affair. */
static void bombs(unsigned seconds)
{
	const size_t n = 64 << 20, most = BODY_PLAIN_MAX_BYTES;
	char *text = malloc(n);

	(void)seconds;
	if (!text)
		die("no memory");
	meet();
	memset(text, ' ', n);
	push_compressed(text, n);
	push_compressed(text, most);
	memset(text, '[', most);
	push_compressed(text, most);
	for (size_t i = 0; i < most; i++)
		text[i] = "[],"[i % 3];
	text[0] = '[';
	push_compressed(text, most);
	for (size_t i = 0; i < most; i++)
		text[i] = "{\"\":"[i % 4];
	push_compressed(text, most);
	memset(text, '"', most);
	push_compressed(text, most);
	free(text);
	printf("%s\n", answered() ? "all of them are answered" : "some were not answered");
}

/* As much as an index can be made to hold for one message: 64 values in each of 1,024 objects. */
static void dense(unsigned seconds)
{
	static const char id[] = "01234567-89ab-4def-8123-";
	struct text t;

	(void)seconds;
	meet();
	for (unsigned round = 0; round < 4; round++) {
		text_init(&t);
		text_format(&t,
			    "{\"envelope\":{\"use\":\"detect\"},\"bundle\":{\"type\":\"bundle\","
			    "\"id\":\"bundle--%s%012x\",\"objects\":[",
			    id, round);
		for (unsigned i = 0; i < BUNDLE_OBJECTS_MAX; i++) {
			text_format(&t,
				    "%s{\"type\":\"indicator\",\"spec_version\":\"2.1\","
				    "\"id\":\"indicator--%s%04x%08x\",\"created\":"
				    "\"2026-01-01T00:00:00.000Z\",\"modified\":"
				    "\"2026-01-01T00:00:00.000Z\",\"pattern_type\":\"stix\","
				    "\"valid_from\":\"2026-01-01T00:00:00.000Z\",\"pattern\":\"[",
				    i ? "," : "", id, round, i);
			for (unsigned k = 0; k < 64; k++)
				text_format(&t, "%sipv4-addr:value = '10.%u.%u.%u'",
					    k ? " OR " : "", round, i & 255, k + (i >> 8) * 64);
			text_str(&t, "]\"}");
		}
		text_str(&t, "]}}");
		if (!push_compressed(t.at, t.length))
			die("not pushed");
		text_clear(&t);
	}
	printf("%s\n", answered() ? "all of them are answered" : "some were not answered");
}

/* Messages of 1 MiB as fast as they are taken. */
static void flood(unsigned seconds)
{
	static uint8_t body[BODY_MAX_BYTES];
	uint64_t end;

	meet();
	end = clock_monotonic() + 1000 * seconds;
	randombytes_buf(body, sizeof body);
	while (!me.down && clock_monotonic() < end) {
		memcpy(body, &me.sequence, sizeof me.sequence);
		push_body(body, sizeof body);
	}
	answered();
	printf("%llu acknowledged\n", (unsigned long long)me.acked);
}

/* The smallest of messages as fast as they are taken: their price is the signatures. */
static void drizzle(unsigned seconds)
{
	uint64_t end;

	meet();
	end = clock_monotonic() + 1000 * seconds;
	while (!me.down && clock_monotonic() < end)
		push_body("x", 1);
	answered();
	printf("%llu acknowledged\n", (unsigned long long)me.acked);
}

static uint64_t clock_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

static int by_size(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

/* No attack: says something small from time to time, as an honest neighbour does, and prints after
 * how many microseconds the peer has acknowledged it: the median, the 99th percentile, how often.
 */
static void probe(unsigned seconds)
{
	enum { PROBES_MAX = 20000 };
	static uint64_t took[PROBES_MAX];
	uint64_t end;
	size_t n = 0;

	meet();
	end = clock_monotonic() + 1000 * seconds;
	me.polite = true;
	while (n < PROBES_MAX && clock_monotonic() < end) {
		uint64_t begun = clock_us(), pause;
		if (!push_body("x", 1) || !answered())
			die("it was not answered");
		took[n++] = clock_us() - begun;
		pause = clock_monotonic() + 10 + randombytes_uniform(20);
		while (clock_monotonic() < pause)
			attend();
	}
	qsort(took, n, sizeof *took, by_size);
	printf("%llu %llu %zu\n", (unsigned long long)took[n / 2],
	       (unsigned long long)took[n * 99 / 100], n);
}

/* Takes everything and acknowledges nothing. */
static void never_ack(unsigned seconds)
{
	meet();
	idle(1000 * seconds);
	printf("%s\n", me.down ? "cut off" : "still connected");
}

/* Asks for everything, again and again, and reads nothing. */
static void deaf(unsigned seconds)
{
	uint64_t end;

	meet();
	end = clock_monotonic() + 1000 * seconds;
	me.mute = true;
	for (int i = 0; i < 60; i++)
		say_hello(me.self, 0);
	while (clock_monotonic() < end)
		poll(NULL, 0, 50);
}

/* One number for two messages. */
static void twice(unsigned seconds)
{
	(void)seconds;
	meet();
	push_body("one", 3);
	me.sequence--;
	push_body("two", 3);
	printf("%s\n", answered() ? "both are answered" : "they were not answered");
}

/* Tells of messages that never were, as many as a beacon can: again and again. */
static void boast(unsigned seconds)
{
	uint64_t end;
	unsigned told = 0;

	meet();
	end = clock_monotonic() + 1000 * seconds;
	for (; !me.down && clock_monotonic() < end; told++) {
		struct text t;
		size_t length;
		uint8_t *body;
		struct message m;
		text_init(&t);
		text_str(&t, "{\"incarnations\":[");
		for (unsigned i = 0; i < 64; i++) {
			text_format(&t,
				    "%s{\"incarnation\":\"%012x%04x\",\"last\":9007199254740991,"
				    "\"live\":[",
				    i ? "," : "", told + 1, i);
			for (unsigned k = 0; k < 16; k++)
				text_format(&t, "%s[%u,%u,%u]", k ? "," : "", 100 * k + 1,
					    100 * k + 99,
					    (unsigned)(clock_wall() / HOUR_MS) + 1000);
			text_str(&t, "]}");
		}
		text_str(&t, "]}");
		if (body_pack(&body, &length, t.at, t.length) != ERR_OK)
			die("a beacon that cannot be packed");
		m = write_message(me.self, body, length, KIND_BEACON);
		text_clear(&t);
		free(body);
		if (!push(&m))
			die("not pushed");
		free(m.bytes);
	}
	printf("%s\n", answered() ? "all of them are answered" : "some were not answered");
	fprintf(stderr, "# %u beacons\n", told);
}

static bool say_claims(enum frame_type type, const void *payload, size_t n)
{
	struct frame f = {.type = type, .reconcile = {.payload = payload, .length = n}};

	return say(&f);
}

static bool say_begin(void)
{
	uint8_t begin[4 + 16];

	randombytes_buf(begin, sizeof begin);
	memset(begin, 0, 3);
	begin[3] = 1;
	return say_claims(FRAME_BEGIN, begin, sizeof begin);
}

static void lie_unasked(unsigned seconds)
{
	(void)seconds;
	meet();
	say_claims(FRAME_LAST, NULL, 0);
}

/* Children of a place, of which the bits behind the prefix are not zero. */
static void lie_badly(unsigned seconds)
{
	uint8_t claims[300];

	(void)seconds;
	meet();
	say_begin();
	memset(claims, 3, sizeof claims);
	say_claims(FRAME_ASK, claims, sizeof claims);
}

/* One run after the other, each of which is answered. */
static void begin_for_ever(unsigned seconds)
{
	uint64_t end, begun = 0;

	(void)seconds;
	meet();
	end = clock_monotonic() + WAIT_MS;
	for (; !me.down && clock_monotonic() < end; turn(5))
		if (me.lasts >= begun && say_begin())
			begun++;
}

/* Says again and again that it has nothing at all, and waits for each answer as an honest one does;
 * for the first as long as it takes. */
static void ask_for_ever(unsigned seconds)
{
	uint64_t begun, asked = 0;
	uint8_t nothing[1 + 2 * AUDIENCE_ID_BYTES + 2] = {7};

	memset(nothing + 1 + AUDIENCE_ID_BYTES, 0xff, AUDIENCE_ID_BYTES);
	meet();
	begun = clock_monotonic();
	say_begin();
	while (!me.down && clock_monotonic() - begun < (asked ? 1000 * seconds : WAIT_MS)) {
		if (me.lasts > asked) {
			asked++;
			say_claims(FRAME_ASK, nothing, sizeof nothing);
		}
		turn(5);
	}
	printf("%s\n", asked ? "it is answered" : "it was never answered");
	fprintf(stderr, "# %llu times\n", (unsigned long long)asked);
}

/* Takes back what never was, as fast as it is taken. */
static void recall_all(unsigned seconds)
{
	uint64_t end;

	meet();
	end = clock_monotonic() + 1000 * seconds;
	while (!me.down && clock_monotonic() < end) {
		struct message m;
		randombytes_buf(me.ref.b, sizeof me.ref.b);
		m = write_message(me.self, "x", 1, KIND_RECALL);
		push(&m);
		free(m.bytes);
	}
	answered();
	printf("%llu acknowledged\n", (unsigned long long)me.acked);
}

static void keep_key(void *arg, const uint8_t secret[LINK_KEY_BYTES])
{
	memcpy(arg, secret, LINK_KEY_BYTES);
}

/* A thousand connections with one good key, each of which sends what no frame is. */
static void crowd(unsigned seconds)
{
	enum { CROWD = 1000 };
	static void *sockets[CROWD];
	uint64_t end = clock_monotonic() + 1000 * seconds;
	void *context = zmq_ctx_new();
	uint8_t secret[LINK_KEY_BYTES];
	const int none = 0;

	identity_lend_link_secret(me.identity, keep_key, secret);
	zmq_ctx_set(context, ZMQ_MAX_SOCKETS, CROWD + 10);
	for (size_t i = 0; i < CROWD; i++) {
		void *s = sockets[i] = zmq_socket(context, ZMQ_DEALER);
		if (!s)
			die("no sockets");
		zmq_setsockopt(s, ZMQ_CURVE_SERVERKEY, me.peer->link_key, LINK_KEY_BYTES);
		zmq_setsockopt(s, ZMQ_CURVE_PUBLICKEY, identity_public(me.identity)->link,
			       LINK_KEY_BYTES);
		zmq_setsockopt(s, ZMQ_CURVE_SECRETKEY, secret, sizeof secret);
		zmq_setsockopt(s, ZMQ_LINGER, &none, sizeof none);
		zmq_connect(s, me.peer->endpoint);
	}
	while (clock_monotonic() < end) {
		for (size_t i = 0; i < CROWD; i++)
			zmq_send(sockets[i], "hello?", 6, ZMQ_DONTWAIT);
		poll(NULL, 0, 50);
	}
	for (size_t i = 0; i < CROWD; i++)
		zmq_close(sockets[i]);
	zmq_ctx_term(context);
	printf("gone\n");
}

/* Passes on what others have said: as much of it as it likes. */
static void carry(unsigned seconds)
{
	struct message m;

	(void)seconds;
	meet();
	for (char **file = me.files; *file; file++) {
		m.bytes = (uint8_t *)slurp("", *file, &m.length);
		m.head = header_peek_length(m.bytes, m.length);
		if (m.head == 0 || !push(&m))
			die("not pushed");
		free(m.bytes);
	}
	printf("%s\n", answered() && me.nak == 0 ? "all of it is taken" : "it is not taken");
}

static const struct {
	const char *name;
	void (*run)(unsigned seconds);
	bool ends; /* the peer will not have it */
} attacks[] = {
	{"garbage", garbage, true},
	{"another-name", another_name, true},
	{"early-push", early_push, true},
	{"forge", forge, true},
	{"change-body", change_body, true},
	{"false-ack", false_ack, true},
	{"second-answer", second_answer, true},
	{"overrun", overrun, true},
	{"incomplete", incomplete, true},
	{"skip-number", skip_number, true},
	{"take-credit-back", take_credit_back, true},
	{"greet-for-ever", greet_for_ever, true},
	{"give-a-topology", give_a_topology, true},
	{"replay", replay, false},
	{"bombs", bombs, false},
	{"dense", dense, false},
	{"flood", flood, false},
	{"drizzle", drizzle, false},
	{"probe", probe, false},
	{"never-ack", never_ack, false},
	{"deaf", deaf, false},
	{"twice", twice, false},
	{"boast", boast, false},
	{"carry", carry, false},
	{"lie-unasked", lie_unasked, true},
	{"lie-badly", lie_badly, true},
	{"begin-for-ever", begin_for_ever, true},
	{"ask-for-ever", ask_for_ever, false},
	{"recall-all", recall_all, false},
	{"crowd", crowd, false},
};

int main(int argc, char **argv)
{
	struct rlimit files;

	if (argc < 4 || sodium_init() < 0)
		die("attacker HOME PEER ATTACK [SECONDS]");
	if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
		files.rlim_cur = files.rlim_max;
		setrlimit(RLIMIT_NOFILE, &files);
	}
	set_out(argv[1], argv[2]);
	me.incarnation = (uint64_t)clock_monotonic();
	dial();
	for (size_t i = 0; i < sizeof attacks / sizeof *attacks; i++) {
		if (strcmp(attacks[i].name, argv[3]) != 0)
			continue;
		me.files = argv + 4;
		attacks[i].run(argc > 4 ? (unsigned)atoi(argv[4]) : 2);
		/* Until the last of it has arrived, and for the peer's last words. */
		if (attacks[i].ends)
			idle(WAIT_MS);
		if (*me.error)
			printf("%s\n", me.error);
		link_close(me.link);
		topology_free(me.topology);
		identity_free(me.identity);
		return 0;
	}
	die("no such attack");
}
