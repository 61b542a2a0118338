/* What expires below the floor goes: out of the index here, in batches between which the index is
 * folded, and out of the log by the duty that comes next, node_erase.c. */
#include "node/node_parts.h"

enum { WATCH_MS = 60 * 1000 }; /* the floor rises in whole hours */

enum err duty_purge(struct node *n, uint64_t now, uint64_t *next)
{
	struct log_reader *reader;
	uint32_t floor;
	bool more = false;
	enum err e = log_reader_open(&reader, n->log);

	if (e)
		return e;
	/* SPEC 5.5: "It is persisted before it is used." */
	floor = log_floor(reader);
	log_reader_close(reader);
	if (floor > n->purged)
		e = index_purge(n->index, floor, &more);
	if (e)
		return e;
	if (!more)
		n->purged = floor;
	if (*next > now + (more ? 0 : WATCH_MS))
		*next = now + (more ? 0 : WATCH_MS);
	return ERR_OK;
}
