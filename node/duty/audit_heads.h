/* What others have told of their audits in beacons: an audit that was cut, or written anew, shows
 * to who remembers.  SPEC.md 5.11, 9.2.
 *
 * A few incarnations of each author are remembered, as small values of the log. */
#ifndef NODE_AUDIT_HEADS_H
#define NODE_AUDIT_HEADS_H

#include "node/store/content.h"
#include "protocol/beacon.h"

enum { AUDIT_MARKS_MAX = 16 };

/* What one incarnation has told. */
struct audit_mark {
	uint64_t incarnation;
	uint64_t first_sequence,
		last_sequence;                 /* of the beacons of which there is something here */
	struct message_id first_id, first_ref; /* of the first: its heartbeat, most likely */
	uint64_t first_number;                 /* the least that it has told */
	struct beacon_audit last;              /* as of last_sequence */
};

enum audit_fault { AUDIT_GOOD, AUDIT_FEWER, AUDIT_OTHER };

struct audit_heads {
	struct party_id origin;
	enum audit_fault fault; /* what was seen last, and */
	uint64_t fault_at;      /* when: wall ms */
	uint64_t less, more;    /* of AUDIT_FEWER: rows told later, and before */
	size_t count;
	struct audit_mark marks[AUDIT_MARKS_MAX]; /* in the order in which they were heard of */
};

/* A beacon that tells of an audit. */
struct audit_told {
	uint64_t incarnation, sequence;
	struct message_id id, ref;
	struct beacon_audit head;
};

/* Takes one, in whatever order they come; twice changes nothing. */
enum audit_fault audit_heads_see(struct audit_heads *h, const struct audit_told *told);

/* What the row of a beacon for everyone tells of its author's audit, number 0 where that has no
 * row; false when it is no such beacon. */
bool audit_told(struct beacon_audit *head, const struct identity *identity, struct log_reader *log,
		const struct log_row *row, const struct header *h);

/* Calls found with what is remembered of each author. */
enum err audit_heads_each(struct log_reader *log,
			  bool (*found)(void *arg, const struct audit_heads *heads), void *arg);

#endif
