/* Two ends of a link that are honest, and a line between them that is not: each byte of the input
 * lets an end speak, or loses, repeats, swaps or damages what is on its way, or takes the line
 * down.  Unless it damages, whatever is told was said, and what is answered for as stored is stored
 * at the other end. */
#include <string.h>

#include "protocol/message.h"
#include "protocol/session.h"
#include "tests/fuzz/fuzz.h"

enum { ENDS = 2, LINE_MAX = 8, SAID_MAX = 24, SAID_BYTES = 2000, STEPS_MAX = 2000 };
enum deed { SPEAK, ARRIVE, LOSE, REPEAT, SWAP, DAMAGE, PUSH, DEADLINE, RESTART, STALL, DEEDS };

struct end {
	struct session *session;
	struct session_config config;
	uint8_t line[LINE_MAX][FRAME_MAX_BYTES]; /* on its way to this end */
	size_t lengths[LINE_MAX], waiting;
	bool stored[ENDS][SAID_MAX + 1]; /* of which end, by its lsn */
	size_t said;
};

static struct end ends[ENDS];
static uint64_t now;
static uint32_t nonces;
static bool damaged;
static const struct version_hash version = {.version = 1, .hash = {{7}}};

static bool holds(void *arg, const struct message_id *id)
{
	(void)arg, (void)id;
	return false;
}

static void start(size_t i)
{
	struct session_greeting g = {.versions = &version, .version_count = 1};

	/* No nonce is zero or comes again: who draws them is not what is tried here. */
	nonces++;
	memcpy(g.nonce, &nonces, sizeof nonces);
	session_start(ends[i].session, &g, now);
}

static void begin(void)
{
	now = 1;
	nonces = 0;
	damaged = false;
	for (size_t i = 0; i < ENDS; i++) {
		struct end *e = &ends[i];
		memset(e->stored, 0, sizeof e->stored);
		e->waiting = e->said = 0;
		e->config = (struct session_config){.window_bytes = MESSAGE_MAX_BYTES,
						    .window_messages = 4,
						    .software = "fuzz",
						    .holds = holds};
		e->config.self.b[0] = (uint8_t)(i + 1);
		e->config.peer.b[0] = (uint8_t)(ENDS - i);
		e->session = session_new(&e->config);
		must(e->session);
		start(i);
	}
}

/* The message of that end under that lsn: who made it and its number are in the header, and its
 * body follows from them. */
static uint8_t *message_of(size_t i, uint64_t lsn, size_t *n)
{
	size_t body = (size_t)lsn * 977 % SAID_BYTES, written;
	static struct header h;
	uint8_t *out;

	h = (struct header){.kind = 1,
			    .topology = 1,
			    .audience = audience_all(),
			    .sequence = lsn,
			    .expiry = 500000,
			    .body_length = (uint32_t)body,
			    .sign_key = 1};
	h.origin.b[0] = (uint8_t)(i + 1);
	out = malloc(header_size(&h) + SIGNATURE_BYTES + body);
	must(out && header_encode(&h, out, header_size(&h), &written) == ERR_OK);
	memset(out + written, (int)lsn, SIGNATURE_BYTES + body);
	*n = written + SIGNATURE_BYTES + body;
	return out;
}

static void push(size_t i, uint8_t how)
{
	uint8_t *m;
	size_t n;

	if (ends[i].said == SAID_MAX)
		return;
	m = message_of(i, ends[i].said + 1, &n);
	if (session_push(ends[i].session, (enum lane)(how % LANE_COUNT), ends[i].said + 1, m, n) ==
	    ERR_OK)
		ends[i].said++;
}

/* What the end i has got whole: the lsn under which the other pushed it, 0 for none. */
static uint64_t lsn_of(size_t i, const struct session_event *event)
{
	for (uint64_t lsn = 1; lsn <= ends[!i].said; lsn++) {
		size_t n;
		uint8_t *m = message_of(!i, lsn, &n);
		bool same = n == event->length && memcmp(m, event->data, n) == 0;
		free(m);
		if (same)
			return lsn;
	}
	return 0;
}

static void take(size_t i, const struct session_event *event)
{
	struct end *e = &ends[i];
	uint64_t lsn;

	if (event->kind == SESSION_MESSAGE) {
		lsn = lsn_of(i, event);
		must(lsn || damaged);
		e->stored[!i][lsn] = true;
		session_settle(e->session, event->number, SETTLED_STORED, 0);
	} else if (event->kind == SESSION_SETTLED && event->settled == SETTLED_STORED) {
		must(event->lsn > 0 && event->lsn <= e->said);
		must(damaged || ends[!i].stored[i][event->lsn]);
	} else if (event->kind == SESSION_TOPOLOGY_ASKED) {
		session_give_topology(e->session, 0, NULL, 0);
	}
}

static void take_all(size_t i)
{
	struct session_event event;

	for (int k = 0; session_next(ends[i].session, &event); k++) {
		must(k < STEPS_MAX);
		take(i, &event);
		free(event.data);
	}
}

static void speak(size_t i)
{
	struct end *to = &ends[!i];

	while (to->waiting < LINE_MAX) {
		size_t n = session_output(ends[i].session, to->line[to->waiting], now);
		if (n == 0)
			return;
		to->lengths[to->waiting++] = n;
	}
}

static void lose(struct end *e)
{
	e->waiting--;
	memmove(e->lengths, e->lengths + 1, e->waiting * sizeof *e->lengths);
	for (size_t i = 0; i < e->waiting; i++)
		memcpy(e->line[i], e->line[i + 1], e->lengths[i]);
}

static void arrive(size_t i, bool stays)
{
	struct end *e = &ends[i];

	session_receive(e->session, e->line[0], e->lengths[0], now);
	take_all(i);
	if (!stays)
		lose(e);
}

static void swap(struct end *e)
{
	static uint8_t other[FRAME_MAX_BYTES];
	size_t n = e->lengths[0];

	if (e->waiting < 2)
		return;
	memcpy(other, e->line[0], n);
	memcpy(e->line[0], e->line[1], e->lengths[1]);
	memcpy(e->line[1], other, n);
	e->lengths[0] = e->lengths[1];
	e->lengths[1] = n;
}

static void act(size_t i, enum deed deed, uint8_t how)
{
	struct end *e = &ends[i];
	bool needs =
		deed == ARRIVE || deed == LOSE || deed == REPEAT || deed == SWAP || deed == DAMAGE;

	if (needs && e->waiting == 0)
		return;
	switch (deed) {
	case SPEAK:
		speak(i);
		break;
	case ARRIVE:
		arrive(i, false);
		break;
	case LOSE:
		lose(e);
		break;
	case REPEAT:
		arrive(i, true);
		break;
	case SWAP:
		swap(e);
		break;
	case DAMAGE:
		e->line[0][how % e->lengths[0]] ^= 1;
		damaged = true;
		break;
	case PUSH:
		push(i, how);
		break;
	case DEADLINE:
		now += 1000U * how;
		session_tick(e->session, now);
		take_all(i);
		break;
	case RESTART:
		start(i);
		take_all(i);
		break;
	case STALL:
		session_stop(e->session);
		break;
	case DEEDS:
		break;
	}
	must(session_deadline(e->session) > 0);
}

/* The line comes back, and loses nothing any more. */
static void both_meet_again(void)
{
	for (size_t i = 0; i < ENDS; i++) {
		ends[i].waiting = 0;
		session_stop(ends[i].session);
	}
	now += 3600 * 1000;
	for (size_t i = 0; i < ENDS; i++)
		start(i);
	for (int k = 0; k < 20; k++) {
		for (size_t i = 0; i < ENDS; i++)
			speak(i);
		for (size_t i = 0; i < ENDS; i++)
			while (ends[i].waiting)
				arrive(i, false);
	}
	must(session_is_open(ends[0].session) && session_is_open(ends[1].session));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	begin();
	for (size_t at = 0; at < n; at++) {
		uint8_t what = data[at];
		act(what % ENDS, (enum deed)(what / ENDS % DEEDS), at + 1 < n ? data[at + 1] : 0);
	}
	both_meet_again();
	for (size_t i = 0; i < ENDS; i++)
		session_free(ends[i].session);
	return 0;
}
