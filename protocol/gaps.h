/* What authors have told of and what has not come: the gaps of a node.  SPEC.md 5.11.
 *
 * Compares what beacons tell with what is here, and knows when to ask for what is missing and when
 * to tell the operator.  Opens no beacon, reads no index and sends nothing: its caller does, when
 * it is due. */
#ifndef PROTOCOL_GAPS_H
#define PROTOCOL_GAPS_H

#include "protocol/beacon.h"
#include "protocol/topology.h"

enum {
	GAPS_MAX = 1024,
	GAPS_OF_ORIGIN_MAX = 64,
	MISSING_MAX = 16, /* ranges of a gap that are known one by one */
	GAP_AGAIN_MS = 10 * 60 * 1000,
	GAP_TEXT_BYTES = 512,
};

/* What an origin says to an audience. */
struct stream {
	struct party_id origin;
	struct audience_id audience;
};
bool stream_equal(const struct stream *a, const struct stream *b);

/* Sequences of an incarnation that are not here. */
struct missing {
	uint64_t incarnation, first, last;
};

/* A stream of which something is missing. */
struct gap {
	struct stream stream;
	uint64_t beacon; /* position of the newest that tells */
	uint64_t since;  /* mono ms */
	uint64_t next;   /* mono ms: to be looked at again */
	bool reported;
	bool more;      /* than stands in ranges */
	uint64_t total; /* messages */
	size_t count;
	struct missing ranges[MISSING_MAX];
	char text[GAP_TEXT_BYTES]; /* the caller's */
};

/* What of a stream is here. */
struct gap_view {
	void *arg;
	uint32_t hour; /* now, since 1970 */
	/* Calls met for the sequences from first to last that are here, ascending, until it returns
	 * false. */
	enum err (*here)(void *arg, uint64_t incarnation, uint64_t first, uint64_t last,
			 bool (*met)(void *to, uint64_t sequence), void *to);
};

/* What two beacons of one stream tell together: of each incarnation what the one does that tells
 * of more, or a where both tell of as much.  Where there is no room for all of it, what a tells. */
void beacons_merge(struct beacon *out, const struct beacon *a, const struct beacon *b);

/* What is missing of what b tells: sets total, more, count and ranges of *g, and nothing else. */
enum err gap_compare(struct gap *g, const struct beacon *b, const struct gap_view *view);
/* Are some of the ranges of the gap here by now? */
enum err gap_changed(const struct gap *g, const struct gap_view *view, bool *changed);

/* All gaps of a node; owns them. */
struct gaps {
	struct gap *gaps; /* in no order */
	size_t count;
};

/* ERR_MEMORY. */
enum err gaps_init(struct gaps *all);
void gaps_clear(struct gaps *all);
/* Valid until one is closed. */
struct gap *gaps_find(struct gaps *all, const struct stream *s);
/* Another takes its place. */
void gaps_close(struct gaps *all, struct gap *g);
/* What was found of a stream replaces what was known of it.  Returns the gap, for which is to be
 * asked at once; NULL where nothing is missing, or where there is no room for more. */
struct gap *gaps_take(struct gaps *all, const struct gap *found, uint64_t now);

/* The gap is about to be looked at: not again before it is time. */
void gap_look_begins(struct gap *g, uint64_t now);
/* True once, when it has lasted for so long that the operator is to be told. */
bool gap_is_news(struct gap *g, uint64_t now, uint64_t patience);
/* When something is to be done with it: mono ms. */
uint64_t gap_deadline(const struct gap *g, uint64_t patience);

#endif
