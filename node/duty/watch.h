/* What a node sees of what others have said: messages that are withheld, authors that run twice.
 * SPEC.md 5.11.
 *
 * node_watch.c follows the log and keeps the work bounded, node_watch_gaps.c compares a beacon with
 * what is here, node_watch_heirs.c the beacons of one author with each other.  Everything is found
 * again after a start.  The folder's thread only. */
#ifndef NODE_WATCH_H
#define NODE_WATCH_H

#include "node/node.h"
#include "protocol/gaps.h"

enum {
	WATCHED_STREAMS_MAX = 16384, /* waiting to be looked at, and */
	WATCHED_OF_ORIGIN_MAX = 256, /* of one origin */
};

/* An author, as far as it is watched. */
struct watched {
	struct party_id id;
	uint64_t incarnation; /* of its newest beacon for everyone */
	bool known;           /* that is */
	bool twice;           /* its beacons are to be compared */
	uint64_t next;        /* mono ms: not to be looked at before */
	unsigned waiting;     /* streams of it */
	uint64_t until;       /* wall ms: text is shown; 0: there is none */
	char text[ALARM_BYTES];
};

struct watch {
	bool begun, listed; /* begun: done is set; listed: all streams with beacons were found */
	struct stream list; /* how far they were */
	uint64_t done;      /* position up to which the log was looked through */
	struct watched *origins; /* owned; ascending by id */
	size_t origin_count;
	struct stream *streams; /* owned; waiting, in order of arrival */
	size_t stream_count;
	struct gaps gaps;
	uint64_t gaps_next; /* mono ms: not to be looked at before */
};

/* What one look needs; the folder's thread. */
struct look {
	struct node *node;
	const struct topology *topology;
	struct party_id self;
	struct log_reader *log;
	struct index_reader *index;
	uint32_t hour;
	uint64_t now, wall; /* ms */
	struct header header, other;
	struct beacon beacon, merged, both;
};

/* Reads the header of the message at lsn into *h; false when it is not there or no message. */
bool look_header(struct look *l, uint64_t lsn, struct log_row *row, struct header *h);
/* Reads the beacon at lsn into l->header and l->beacon.  ERR_NOT_FOUND: this node cannot. */
enum err look_beacon(struct look *l, uint64_t lsn, struct log_row *row);
/* "sindh", or digits where the topology does not know it; valid until the next call with that
 * out. */
const char *look_name(const struct look *l, const struct party_id *id,
		      char out[2 * PARTY_ID_BYTES + 1]);

/* What a beacon does not know of an incarnation before its own. */
struct forgotten {
	uint64_t incarnation;
	uint64_t at; /* wall ms: when beacon and message were here; 0: there is nothing */
};
/* Compares what the beacons of g->stream tell with what is here: g->beacon, the newest, and what
 * gap_compare() sets.  ERR_NOT_FOUND when there are none.  l->header is that of the newest. */
enum err gap_look(struct look *l, struct gap *g, struct forgotten *forgotten);
/* What gap_compare() and gap_changed() see of the stream; into, in which it borrows, is the
 * caller's. */
struct seen_stream {
	struct look *look;
	const struct stream *stream;
};
struct gap_view gap_view_of(struct seen_stream *into, struct look *l, const struct stream *s);
/* The sentence for operators, in g->text. */
void gap_describe(struct look *l, struct gap *g);

/* Compares the newest beacons for everyone with each other: sets w->incarnation, and w->text where
 * two of them began with the same state. */
enum err heirs_look(struct look *l, struct watched *w);
/* The same sentence, for what was seen otherwise. */
void heirs_alarm(struct look *l, struct watched *w, uint64_t a, uint64_t b, uint64_t at);

#endif
