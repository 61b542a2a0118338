/* Two sessions joined by a pipe that a test can cut, lose from and stall; the clock is moved by
 * hand. */
#ifndef TESTS_PROTOCOL_ENDS_H
#define TESTS_PROTOCOL_ENDS_H

#include "protocol/message.h"
#include "protocol/session.h"
#include "tests/tap.h"

enum { PIPE_MAX = 4096 };

struct pipe {
	uint8_t *frame[PIPE_MAX];
	size_t length[PIPE_MAX], head, count;
};

struct end {
	struct session *s;
	struct pipe in;       /* frames on their way to this end */
	unsigned reconciling; /* frames of it */
	unsigned noticed;
	unsigned messages, settled, had, refused, opened, greeted, ended, blamed, topologies;
	uint64_t last_message, bytes_taken;
	bool settles; /* at once, as stored */
	bool holds;
	char why[ERROR_TEXT_MAX_BYTES + 1];
	struct version_hash versions[2];
	size_t version_count;
	const uint8_t *file; /* of version 2 */
	size_t file_length;
	uint64_t pending[4096];
	size_t pending_count;
	uint64_t order[4096];
};

static uint64_t now;
static uint8_t nonce_next;

__attribute__((unused)) static bool holds(void *arg, const struct message_id *id)
{
	(void)id;
	return ((struct end *)arg)->holds;
}

__attribute__((unused)) static void greet(struct end *e)
{
	struct session_greeting g = {
		.versions = e->versions, .version_count = e->version_count, .clock = 1, .floor = 1};

	memset(g.nonce, ++nonce_next, sizeof g.nonce);
	session_start(e->s, &g, now);
}

__attribute__((unused)) static void end_init(struct end *e, uint8_t self, uint8_t peer,
					     uint64_t bytes, uint64_t messages)
{
	struct session_config c = {.window_bytes = bytes,
				   .window_messages = messages,
				   .software = "test",
				   .holds = holds,
				   .arg = e};

	memset(e, 0, sizeof *e);
	c.self.b[0] = self;
	c.peer.b[0] = peer;
	e->s = session_new(&c);
	need(e->s);
	e->settles = true;
	e->versions[0].version = 1;
	e->version_count = 1;
	e->file = (const uint8_t *)"version two";
	e->file_length = 11;
}

__attribute__((unused)) static void pipe_clear(struct pipe *p)
{
	while (p->count) {
		free(p->frame[p->head]);
		p->head = (p->head + 1) % PIPE_MAX;
		p->count--;
	}
}

__attribute__((unused)) static void end_clear(struct end *e)
{
	pipe_clear(&e->in);
	session_free(e->s);
}

__attribute__((unused)) static bool emit(struct end *from, struct end *to)
{
	static uint8_t out[FRAME_MAX_BYTES];
	size_t n = session_output(from->s, out, now), at;

	if (n == 0)
		return false;
	need(to->in.count < PIPE_MAX);
	at = (to->in.head + to->in.count++) % PIPE_MAX;
	to->in.frame[at] = malloc(n);
	memcpy(to->in.frame[at], out, n);
	to->in.length[at] = n;
	return true;
}

__attribute__((unused)) static void events(struct end *e)
{
	struct session_event ev;

	while (session_next(e->s, &ev)) {
		switch (ev.kind) {
		case SESSION_GREETED:
			e->greeted++;
			break;
		case SESSION_HISTORY_ASKED:
			session_give_topology(e->s, 0, NULL, 0);
			break;
		case SESSION_TOPOLOGY_ASKED:
			session_give_topology(e->s, 2, e->version_count == 2 ? e->file : NULL,
					      e->file_length);
			break;
		case SESSION_TOPOLOGY:
			e->topologies++;
			e->versions[1] = e->versions[0];
			e->versions[0].version = 2;
			e->version_count = 2;
			greet(e);
			break;
		case SESSION_OPENED:
			e->opened = ev.version.version;
			break;
		case SESSION_MESSAGE:
			e->order[e->messages++ % 4096] = ev.data[ev.length - 1];
			e->bytes_taken += ev.length;
			e->last_message = ev.number;
			if (e->settles)
				session_settle(e->s, ev.number, SETTLED_STORED, 0);
			else
				e->pending[e->pending_count++] = ev.number;
			break;
		case SESSION_RECONCILE:
			e->reconciling++;
			break;
		case SESSION_NOTICE:
			e->noticed++;
			break;
		case SESSION_SETTLED:
			e->settled++;
			e->had += ev.settled == SETTLED_HAD;
			e->refused += ev.settled == SETTLED_REFUSED;
			break;
		case SESSION_ENDED:
			e->ended++;
			e->blamed += ev.blame;
			strcpy(e->why, ev.text);
			break;
		}
		free(ev.data);
	}
}

__attribute__((unused)) static bool deliver(struct end *e)
{
	struct pipe *p = &e->in;

	if (p->count == 0)
		return false;
	session_receive(e->s, p->frame[p->head], p->length[p->head], now);
	free(p->frame[p->head]);
	p->head = (p->head + 1) % PIPE_MAX;
	p->count--;
	events(e);
	return true;
}

__attribute__((unused)) static void settle_down(struct end *a, struct end *b)
{
	bool any = true;

	while (any) {
		any = emit(a, b);
		any |= emit(b, a);
		any |= deliver(a);
		any |= deliver(b);
		events(a);
		events(b);
	}
}

__attribute__((unused)) static enum err push(struct end *e, enum lane lane, uint64_t lsn, size_t n,
					     uint8_t mark)
{
	uint8_t *m = malloc(n);

	memset(m, 0, n);
	m[n - 1] = mark;
	return session_push(e->s, lane, lsn, m, n);
}

__attribute__((unused)) static void pair_open(struct end *a, struct end *b, uint64_t bytes,
					      uint64_t messages)
{
	end_init(a, 1, 2, bytes, messages);
	end_init(b, 2, 1, bytes, messages);
	greet(a);
	greet(b);
	settle_down(a, b);
}

#endif
