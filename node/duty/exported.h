/* Which messages have left this node by which of the exports that follow what is known.  SPEC.md
 * 9.7.  A small value of the log for each message, which goes with it. */
#ifndef NODE_EXPORTED_H
#define NODE_EXPORTED_H

#include "node/node.h"

/* An export that has carried a message, since when (wall ms). */
struct carried {
	char name[NAME_MAX_BYTES + 1];
	uint64_t at;
};

/* Those of the message at lsn, in the order in which they did; at most EXPORTS_MAX. */
enum err carried_read(struct log_reader *log, uint64_t lsn, struct carried out[EXPORTS_MAX],
		      size_t *n);
/* Remembers that the export has carried the messages at these positions, in one commit, at most
 * CARRIED_AT_ONCE; what is known already stays as it is,
 * *fresh is how many were not.  Any thread but the loop's own. */
enum { CARRIED_AT_ONCE = 512 };
enum err carried_keep(struct node *node, struct log_reader *log, const char *name,
		      const uint64_t *lsns, size_t n, size_t *fresh);

#endif
