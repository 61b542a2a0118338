/* A few threads that share out independent pieces of work: signatures of a batch, mostly. */
#ifndef NODE_WORKERS_H
#define NODE_WORKERS_H

#include <stddef.h>

struct workers;

/* One thread for each processor but the caller's own, at most 7; NULL when memory is short. */
struct workers *workers_new(void);
void workers_free(struct workers *w);

/* Runs work(ctx, 0) .. work(ctx, n - 1) on all threads and the caller's; returns when all are done.
 */
void workers_run(struct workers *w, void (*work)(void *ctx, size_t i), void *ctx, size_t n);

#endif
