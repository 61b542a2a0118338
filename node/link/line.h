/* The TCP connection under a link as the kernel tells of it, and what waits on it (backlog.h). */
#ifndef NODE_LINK_LINE_H
#define NODE_LINK_LINE_H

#include "node/link/backlog.h"

struct line {
	int fd; /* libzmq's, borrowed; -1 */
	struct backlog backlog;
};

/* A connection stands. */
void line_begin(struct line *line, int fd, uint64_t now);
void line_give(struct line *line, size_t n, uint64_t now);
/* Asks the kernel where that is due.  When there is no room, *wait is how long, in ms, until it is
 * worth asking again. */
bool line_has_room(struct line *line, uint64_t now, uint64_t *wait);

#endif
