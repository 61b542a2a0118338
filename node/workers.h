/* A few threads that share out independent pieces of work: signatures of a batch, mostly. */
#ifndef NODE_WORKERS_H
#define NODE_WORKERS_H

#include <stdbool.h>
#include <stddef.h>

struct workers;

/* One thread for each processor, at most 8; NULL when memory or descriptors are short. */
struct workers *workers_new(void);
/* What was begun must be over. */
void workers_free(struct workers *w);

/* Begins work(ctx, 0) .. work(ctx, n - 1), on all threads in any order; together they work on so
 * many bytes.  leave_one: on one thread less, so that a processor is left to others.  A few small
 * pieces are not worth waking anybody for and are done at once.  One at a time. */
void workers_begin(struct workers *w, void (*work)(void *ctx, size_t i), void *ctx, size_t n,
		   size_t bytes, bool leave_one);
/* True when it is over; wait: not before it is. */
bool workers_over(struct workers *w, bool wait);
/* Readable once it is over, until workers_over() has said so. */
int workers_descriptor(const struct workers *w);

#endif
