/* How much of each origin is here, and whom neighbours are asked to hold back for it.  SPEC.md 7.5.
 *
 * Delays, and never decides what is in a set: two honest nodes may well name different origins. */
#ifndef PROTOCOL_QUOTA_H
#define PROTOCOL_QUOTA_H

#include "protocol/error.h"
#include "protocol/frame.h"
#include "protocol/topology.h"

enum { QUOTA_FULL_PERCENT = 85 };

/* What is here of one origin. */
struct quota_use {
	struct party_id origin;
	uint64_t bytes;
};

struct quota {
	struct quota_use *uses; /* owned; ascending by origin */
	size_t count, size;
};

enum quota_why { QUOTA_USED, QUOTA_DISK };
struct quota_paused {
	struct party_id origin;
	enum quota_why why;
	uint64_t bytes, quota; /* here; and allowed, 0: no bound */
};

void quota_init(struct quota *q);
void quota_clear(struct quota *q);
enum err quota_add(struct quota *q, const struct party_id *origin, uint64_t bytes);
void quota_take(struct quota *q, const struct party_id *origin, uint64_t bytes);

/* Whom a node names, the largest first; at most PAUSED_MAX, returns how many.  waits: it was
 * restored, and must get back all that it can. */
size_t quota_judge(const struct quota *q, const struct topology *t, const struct party_id *self,
		   unsigned fullness, bool waits, struct quota_paused out[PAUSED_MAX]);

#endif
