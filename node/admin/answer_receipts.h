/* The parts of the request receipts: what readers have stated of a message (answer_receipts.c),
 * where it stands on its way to the others (answer_receipts_way.c), and who has acknowledged it
 * (answer_receipts_down.c).  Not for others. */
#ifndef NODE_ANSWER_RECEIPTS_H
#define NODE_ANSWER_RECEIPTS_H

#include "node/admin/answer.h"

enum { NEIGHBOURS_MAX = 256, FORWARDS_SHOWN_MAX = 100 };

struct follower {
	const struct party *node; /* of the topology in force */
	bool former;              /* reads it no more */
	struct receipt_fold fold;
};

/* A neighbour that may pass the message on. */
struct way {
	const struct party *neighbour;
	struct link_status status;
	struct link_passing passing;
	size_t *hops; /* owned; from it to each node of the explanation, SIZE_MAX: none */
};

struct following {
	struct answer *a;
	struct message_id id;
	uint64_t lsn;
	struct party_id from; /* who brought it */
	const struct topology *topology;
	const struct topology *then; /* the version that it names, NULL: not held */
	const struct party *self;
	struct follower *readers; /* owned; as many as there are parties at most */
	size_t reader_count;
	size_t current;    /* of them, the first: who reads it now; of the compliance */
	unsigned forwards; /* shown of one reader */
	bool compliance;   /* is asked for */
	bool answered;     /* its readers are asked to, or have */
	size_t counts[RECEIPT_STATES], waiting;
	struct recipients to;
	struct explanation explained;
	struct way *ways; /* owned */
	size_t way_count;
	struct header header, other;
};

/* Which neighbours lead to whom, and how the message stands with them. */
enum err following_ways_find(struct following *f);
void following_ways_clear(struct following *f);
/* Appends "link" and "why": null when the reader has answered. */
void following_way_show(struct following *f, const struct follower *reader);
/* The envelope of the message, *known when it is a post that can be read and is not RED.
 * ERR_MEMORY. */
enum err following_envelope(struct following *f, struct envelope *out, bool *known);
/* Appends "compliance" (answer_receipts_down.c): who has acknowledged it, by child. */
enum err following_compliance_show(struct following *f);

#endif
