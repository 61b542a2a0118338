/* Lines of a log, many at once: which values in them are known to the node.
 *
 * The lines are cut here, and what may be values goes to the node in canonical form, a thousand and
 * more in a request, which answers with the few that are known.  What a piece of a line was found
 * to hold is remembered, since most pieces of most logs come again.  Memory does not depend on how
 * much is sifted. */
#ifndef NODE_CMD_SIFT_H
#define NODE_CMD_SIFT_H

#include "node/cmd/client.h"

struct sift;

/* A value that is known: as it is written, and the line that it stands in. */
struct hit {
	struct slice value, line;
	size_t number; /* of the line */
};
/* EXIT_DONE, or how the command ends. */
typedef int hit_fn(void *arg, const struct hit *hit);

/* NULL when memory is short; client is borrowed. */
struct sift *sift_new(struct client *client, hit_fn *found, void *arg);
void sift_free(struct sift *s);

/* One line, without its end, which must stay where it is until sift_flush().  Hits are handed over
 * in order, each value once for a line, now or later. */
int sift_line(struct sift *s, struct slice line, size_t number);
int sift_flush(struct sift *s);

/* What was found to hold nothing known may hold it by now: for when time has passed. */
void sift_forget(struct sift *s);

#endif
