/* The parts of the duty that looks after what this node has forwarded: how far it has come and what
 * is recalled (node_forward.c), and what becomes of the objects (node_forward_follow.c).  Not for
 * others. */
#ifndef NODE_NODE_FORWARD_H
#define NODE_NODE_FORWARD_H

#include "node/store/forwarded.h"
#include "node/duty/forwarding.h"
#include "node/node_parts.h"

/* What was handed to whom since the index was folded. */
struct given {
	uint64_t lsn;
	struct party_id party;
};

/* What is remembered between two calls; the folder's thread only. */
struct forwards {
	uint64_t done, saved;     /* positions: looked at; remembered as such */
	struct party_id *origins; /* owned, ascending: of whom something was ever forwarded */
	size_t count;
	bool changed; /* origins, since they were saved */
};

struct looking_after {
	struct node *node;
	struct forwards *forwards;
	const struct topology *topology;
	const struct party *self;
	uint32_t floor;
	struct log_reader *log;
	struct index_reader *index;
	struct given *given; /* owned */
	size_t given_count;
	struct forwarding forwarding;
	struct forwarded forwarded;
	struct header header, other, recall;
	struct letter letter;
};

/* Reads a forward of ours that is accepted and not recalled, its header into x->other.
 * ERR_NOT_FOUND: none is at lsn. */
enum err own_forward_read(struct looking_after *x, uint64_t lsn, struct log_row *row);

/* Hands the message at lsn on to whoever was handed earlier versions of all that it says. */
enum err follow_message(struct looking_after *x, uint64_t lsn);
/* The forward in x->forwarded has been made: hands on what has become of what it says since. */
enum err follow_forward(struct looking_after *x);

#endif
