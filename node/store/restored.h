/* What a restored log hides until it is known what became of it since.
 *
 * A backup does not know what was recalled or revoked after it was made.  So every message of a
 * restored log waits, under its position, until its audience has been found to be the same at a
 * neighbour that carries it; what expires below the floor of that comparison was not compared, and
 * is not shown any more.  SPEC.md 6.6.  All of it stands in values of the log, which are written
 * with the restored log itself: no crash shows anything too early. */
#ifndef NODE_RESTORED_H
#define NODE_RESTORED_H

#include "node/store/log.h"

struct restored {
	uint64_t until; /* what stands up to this position waits; 0: nothing does */
	uint32_t floor; /* hours: the lowest that anything was compared at; 0: nothing was yet */
};

/* As the reader sees it. */
struct restored restored_read(struct log_reader *reader);

enum restored_view { RESTORED_SHOWN, RESTORED_WAITS, RESTORED_EXPIRED };
/* How the message at lsn stands. */
enum restored_view restored_look(struct log_reader *reader, const struct restored *r, uint64_t lsn,
				 const struct header *h);

/* The same for who has not read the state, with the floor of the log: not to be seen? */
bool restored_hides(struct log_reader *reader, uint64_t lsn, const struct header *h);

/* The following need log_begin().  What stands up to a position waits from now on. */
enum err restored_begin(struct log *log, uint64_t until);
/* These audiences were found to be the same from the floor on; reader sees the log before. */
enum err restored_agreed(struct log *log, struct log_reader *reader, uint32_t floor,
			 const struct audience_id *audiences, size_t n);
/* Nothing waits any more. */
enum err restored_end(struct log *log);

#endif
