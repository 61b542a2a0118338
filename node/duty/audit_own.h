/* What this node has told of its own audit, and a neighbour has handed back: are the rows still
 * here?  An audit that was cut, or a store that was put back, is so seen by the node itself.
 * SPEC.md 9.2. */
#ifndef NODE_AUDIT_OWN_H
#define NODE_AUDIT_OWN_H

#include "node/duty/audit_heads.h"

enum { AUDIT_OWN_MAX = 16 };

/* All zeros: nothing is looked for. */
struct audit_own {
	size_t count;
	uint64_t at; /* position up to which the log was looked through */
	struct {
		struct beacon_audit head;
		bool found;
	} told[AUDIT_OWN_MAX];
};

/* This is to be looked for, from the beginning; of too many the greatest numbers are. */
void audit_own_add(struct audit_own *own, const struct beacon_audit *head);
/* Looks through some rows.  ERR_NOT_FOUND: that was the end of the log, and audit_own_fault() can
 * be asked. */
enum err audit_own_look(struct audit_own *own, struct log_reader *log, unsigned rows);
/* What is wrong with an audit whose last row is that number: of AUDIT_FEWER *more rows were told.
 */
enum audit_fault audit_own_fault(const struct audit_own *own, uint64_t number, uint64_t *more);

#endif
