/* A federation of a thousand nodes in one process: real exchanges, sessions, topology and
 * signatures, a day of traffic over links with a delay and a bandwidth, and what it costs.
 *
 * Nothing fails here: faults are the matter of world.h.  Time is simulated; what is measured are
 * messages, frames, bytes and simulated time, and so the same on every machine.  Bytes are those of
 * the protocol's frames, without ZMTP, CURVE, TCP and IP. */
#ifndef TESTS_SIM_SCALE_H
#define TESTS_SIM_SCALE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { SCALE_HOPS_MAX = 8, SCALE_TEXT_BYTES = 256 };

struct scale_plan {
	uint64_t seed;
	unsigned sectors, provinces; /* below the national node, through the roles that it holds */
	unsigned districts;          /* below the provinces, in turn */
	unsigned operators;          /* below the sectors, in turn */
	unsigned history;            /* messages of the hours before */
	unsigned messages;           /* of the day */
	unsigned hours;              /* of the day, at least 1 */
	unsigned away;               /* operators that miss the day, of each kind below */
};

/* What went over links. */
struct scale_account {
	uint64_t frames, bytes;
	uint64_t pushes;          /* messages begun */
	uint64_t push_bytes;      /* of PUSH frames */
	uint64_t answer_bytes;    /* of ACK, HAVE, NAK and CREDIT */
	uint64_t reconcile_bytes; /* of reconciliation */
};

struct scale_times {
	uint64_t median, p99, most; /* us, simulated */
};

/* Who was away for the day and came back, all of a kind at once. */
struct scale_return {
	size_t nodes;
	uint64_t lacked, lacked_bytes; /* messages, as they are carried */
	struct scale_account cost;
	struct scale_times until_level; /* of the nodes */
};

/* An operator; one whose store is restored from the evening before; a sector's node, without which
 * its operators are cut off. */
enum scale_kind { RETURN_LEAF, RETURN_RESTORED, RETURN_SECTOR, RETURN_KINDS };

struct scale_result {
	bool passed;
	char why[SCALE_TEXT_BYTES];
	size_t nodes, links, topology_bytes;
	uint64_t messages, to_all; /* written in the day */
	uint64_t deliveries; /* in the day: each to each node that carries it, but its origin */
	uint64_t delivered_bytes; /* of those: header, signature, body */
	struct scale_account day; /* all links */
	struct scale_account national_out, national_in;
	struct scale_account mean;         /* of all nodes, both directions */
	uint64_t national_messages;        /* stored at the national node in the day */
	uint64_t hops[SCALE_HOPS_MAX + 1]; /* deliveries by hops; the last holds all beyond */
	struct scale_times
		first_to_last;      /* of a message to all, from its author to the last node */
	struct scale_times urgent;  /* of those with priority 3 */
	struct scale_times sealed;  /* of a sealed message to the last of its readers */
	struct scale_account quiet; /* a quarter of an hour without a message: all links */
	struct scale_return returned[RETURN_KINDS];
};

void scale_run(const struct scale_plan *plan, struct scale_result *result);

#endif
