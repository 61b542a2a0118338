/* The TCP connection under a link as the kernel tells of it, and what waits on it (backlog.h). */
#ifndef NODE_LINK_LINE_H
#define NODE_LINK_LINE_H

#include "node/link/backlog.h"

struct line {
	int fd; /* libzmq's, borrowed; -1 */
	struct backlog backlog;
	/* of the last look */
	uint64_t looked, acked;
	uint32_t packets;
	/* ms: for so long nothing has come; nothing of what was sent has arrived */
	uint64_t unheard, unheeded;
};

enum { LINE_LOOK_MS = 1000, LINE_SILENT_MS = 15 * 1000 };

/* A connection stands. */
void line_begin(struct line *line, int fd, uint64_t now);
void line_give(struct line *line, size_t n, uint64_t now);
/* Asks the kernel where that is due.  When there is no room, *wait is how long, in ms, until it is
 * worth asking again. */
bool line_has_room(struct line *line, uint64_t now, uint64_t *wait);
/* Who hears whom?  Once a second; returns when next (ms, monotonic). */
uint64_t line_look(struct line *line, uint64_t now);
/* Was the other end heard, and did not hear us? */
bool line_deaf(const struct line *line);
/* Why the connection with a neighbour of this name is lost, as far as the looks tell. */
void line_lost(const struct line *line, const char *name, char *out, size_t size);

#endif
