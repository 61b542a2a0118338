#include "node/link/backlog.h"

enum {
	CURVE_BYTES = 33, /* that a frame has more on the wire, */
	SHORT_FRAME = 255,
	SHORT_HEAD_BYTES = 2, /* and those of ZMTP's own head */
	LONG_HEAD_BYTES = 9,
	SETTLED_MS = 100, /* after so long libzmq has written what it can */
	WAIT_MIN_MS = 2,
	WAIT_MAX_MS = 20,
	QUEUED_MS = BACKLOG_AHEAD_MS / 2, /* of a round trip: packets wait on the line */
	PIECES = 4,                       /* of what is allowed: so many pieces */
};

void backlog_begin(struct backlog *b, const struct tcp_progress *progress, uint64_t now)
{
	*b = (struct backlog){.allowed = BACKLOG_MIN_BYTES, .since = now, .given_at = now};
	if (!progress)
		return;
	b->known = true;
	b->given = b->acked = b->since_acked = progress->acked;
}

void backlog_give(struct backlog *b, size_t n, uint64_t now)
{
	n += CURVE_BYTES;
	b->given += n + (n > SHORT_FRAME ? LONG_HEAD_BYTES : SHORT_HEAD_BYTES);
	b->given_at = now;
}

bool backlog_room(const struct backlog *b)
{
	return !b->known || b->given < b->acked + b->allowed;
}

static uint64_t window_of(const struct backlog *b)
{
	return BACKLOG_AHEAD_MS + b->rtt;
}

bool backlog_stale(const struct backlog *b, uint64_t now)
{
	return b->known && (!backlog_room(b) || now - b->since >= window_of(b));
}

static uint64_t bounded(uint64_t bytes)
{
	if (bytes < BACKLOG_MIN_BYTES)
		return BACKLOG_MIN_BYTES;
	return bytes < BACKLOG_MAX_BYTES ? bytes : BACKLOG_MAX_BYTES;
}

/* Would more be on its way sooner, or only wait in a queue, here or on the line? */
static bool queues(const struct tcp_progress *progress)
{
	return progress->unsent || progress->now > progress->rtt + QUEUED_MS;
}

/* Within a window what is allowed grows by what arrives, so that a fast line is soon full; at its
 * end it becomes what a second of the line's speed is.  A line that is idle begins anew. */
void backlog_see(struct backlog *b, const struct tcp_progress *progress, uint64_t now)
{
	uint64_t passed = now - b->since;

	/* Another connection, which has the descriptor of this one: its end is not yet known. */
	if (!b->known || progress->acked < b->acked)
		return;
	if (!queues(progress))
		b->allowed = bounded(b->allowed + progress->acked - b->acked);
	b->acked = progress->acked;
	b->rtt = progress->rtt;
	/* libzmq says things of its own, such as PING. */
	if (b->given < b->acked || (progress->drained && now - b->given_at >= SETTLED_MS))
		b->given = b->acked;
	if (passed < window_of(b))
		return;
	/* What the line was before it was idle says nothing of what it is. */
	if (progress->drained && now - b->given_at >= window_of(b))
		b->since_acked = b->acked;
	b->allowed = bounded((b->acked - b->since_acked) * window_of(b) / passed);
	b->since = now;
	b->since_acked = b->acked;
}

uint64_t backlog_wait(const struct backlog *b)
{
	uint64_t wait = b->rtt / 8;

	if (wait < WAIT_MIN_MS)
		return WAIT_MIN_MS;
	return wait < WAIT_MAX_MS ? wait : WAIT_MAX_MS;
}

size_t backlog_piece(const struct backlog *b)
{
	return b->known ? (size_t)(b->allowed / PIECES) : SIZE_MAX;
}
