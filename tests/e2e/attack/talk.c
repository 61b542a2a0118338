#include "tests/e2e/attack/talk.h"

#include <poll.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <zmq.h>
#include <zstd.h>

#include "protocol/audience.h"
#include "protocol/council.h"

struct attacker me;

_Noreturn void die(const char *what)
{
	fprintf(stderr, "attacker: %s\n", what);
	exit(1);
}

/* --- setting out --- */

char *slurp(const char *folder, const char *name, size_t *n)
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

void set_out(const char *home, const char *peer)
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

void dial(void)
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

void tell_begun(void)
{
	const char *path = getenv("BEGINS");
	FILE *file = path ? fopen(path, "w") : NULL;

	if (file)
		fclose(file);
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
		if (me.polite && f.piece.offset == 0 && f.piece.length < f.piece.total)
			me.owed[me.owed_count++] = f.piece.number;
		else if (me.polite && f.piece.offset == 0)
			me.taken = f.piece.number;
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

void turn(int ms)
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

bool wait_for(const bool *what)
{
	uint64_t end = clock_monotonic() + WAIT_MS;

	while (!*what && !me.down && clock_monotonic() < end)
		turn(20);
	return *what;
}

void idle(uint64_t ms)
{
	uint64_t end = clock_monotonic() + ms;

	while (!me.down && clock_monotonic() < end)
		turn(20);
}

/* --- saying --- */

bool say_bytes(const void *bytes, size_t n)
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

bool say(struct frame *f)
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

bool say_hello(const struct party *as, uint32_t newer)
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

bool say_open(void)
{
	struct frame f = {.type = FRAME_OPEN, .open = {me.topology->version, me.topology->hash}};

	return say(&f);
}

void meet(void)
{
	if (!wait_for(&me.up) || !say_hello(me.self, 0) || !wait_for(&me.greeted) || !say_open() ||
	    !wait_for(&me.open))
		die("no conversation came about");
	tell_begun();
}

bool say_answer(enum frame_type type, uint64_t number)
{
	struct frame f = {.type = type, .answer = {.number = number}};

	f.answer.reason = type == FRAME_NAK ? NAK_EXPIRED : 0;
	return say(&f);
}

bool say_credit(uint64_t bytes, uint64_t messages)
{
	struct frame f = {.type = FRAME_CREDIT, .credit = {.bytes = bytes, .messages = messages}};

	return say(&f);
}

bool say_claims(enum frame_type type, const void *payload, size_t n)
{
	struct frame f = {.type = type, .reconcile = {.payload = payload, .length = n}};

	return say(&f);
}

/* --- messages --- */

struct message write_message(const struct party *origin, const void *body, size_t n,
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

bool push_part(const struct message *m, uint64_t number, size_t most)
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

bool push(const struct message *m)
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

bool push_body(const void *body, size_t n)
{
	struct message m = write_message(me.self, body, n, KIND_POST);
	bool pushed = push(&m);

	free(m.bytes);
	return pushed;
}

bool push_compressed(const char *plain, size_t n)
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

void attend(void)
{
	uint64_t taken;

	turn(5);
	while (me.owed_count)
		say_answer(FRAME_HAVE, me.owed[--me.owed_count]);
	taken = me.taken;
	if (taken > me.said_taken && say_answer(FRAME_ACK, taken))
		me.said_taken = taken;
}

bool answered(void)
{
	uint64_t end = clock_monotonic() + WAIT_MS;

	while (!me.down && me.acked < me.number && clock_monotonic() < end)
		attend();
	return me.acked >= me.number;
}
