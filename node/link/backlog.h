/* How much waits on a connection: what was given to libzmq and the other end's kernel has not
 * acknowledged, and how much of that is too much.  SPEC.md 7.5.
 *
 * What has been given to libzmq nothing overtakes.  On a fast line it is gone at once; on a narrow
 * one megabytes of backfill would stand before an alert for minutes.  So no more is given than what
 * the line has lately carried in a second, and in the time that it takes to hear of it.
 *
 * Numbers and times come from the caller: this asks neither the kernel nor a clock. */
#ifndef NODE_LINK_BACKLOG_H
#define NODE_LINK_BACKLOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	BACKLOG_MIN_BYTES = 4 << 10,  /* allowed on any line: two seconds at 16 kbit/s */
	BACKLOG_MAX_BYTES = 16 << 20, /* more than the pipes of libzmq hold */
	BACKLOG_AHEAD_MS = 1000,
};

/* Of a TCP connection, as its kernel tells it. */
struct tcp_progress {
	uint64_t acked;   /* bytes that the other end's kernel has acknowledged */
	uint32_t rtt;     /* ms, the shortest of the last minutes, */
	uint32_t now;     /* and that of late */
	bool unsent;      /* TCP has more than it sends now: more would only wait */
	uint32_t packets; /* that have come, whatever is in them */
	bool drained;     /* nothing waits for an acknowledgement, or to be sent */
};

struct backlog {
	bool known; /* the kernel tells; otherwise there is always room */
	uint64_t given, acked;
	uint64_t given_at; /* ms */
	uint64_t allowed;  /* bytes */
	uint32_t rtt;      /* ms */
	uint64_t since;    /* ms: the window in which the line's speed is measured */
	uint64_t since_acked;
};

/* A connection stands; now in ms, monotonic, here and below.  progress NULL: the kernel does not
 * tell. */
void backlog_begin(struct backlog *b, const struct tcp_progress *progress, uint64_t now);
/* A frame of n bytes was given to libzmq. */
void backlog_give(struct backlog *b, size_t n, uint64_t now);
/* As far as is known now. */
bool backlog_room(const struct backlog *b);
/* Is it time to ask the kernel again?  Always when there is no room. */
bool backlog_stale(const struct backlog *b, uint64_t now);
void backlog_see(struct backlog *b, const struct tcp_progress *progress, uint64_t now);
/* When there is no room: how long until it is worth asking again, in ms. */
uint64_t backlog_wait(const struct backlog *b);
/* How long a piece of a message may be, for others to go between: less on a narrow line. */
size_t backlog_piece(const struct backlog *b);

#endif
