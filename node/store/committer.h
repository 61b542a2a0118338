/* A thread that commits batches to the log, so that the loop's thread judges the next one while the
 * disk is waited for.
 *
 * One batch at a time.  A small one is committed by the caller itself: two switches of threads
 * would cost more than they gain.  Whoever else begins a transaction of the log meanwhile waits. */
#ifndef NODE_COMMITTER_H
#define NODE_COMMITTER_H

#include "node/store/log.h"
#include "protocol/store.h"

struct committer;

/* NULL when the thread cannot be had.  The log is borrowed. */
struct committer *committer_start(struct log *log);
/* Waits for what is under way. */
void committer_stop(struct committer *c);

/* As keep() of protocol/store.h; everything is borrowed until it is over. */
void committer_begin(struct committer *c, const struct arrival *arrivals, size_t n, uint64_t *lsns);
/* True when it is over: *e says how.  Then the next may begin. */
bool committer_over(struct committer *c, bool wait, enum err *e);
/* Readable once a batch is over, until committer_over() has said so. */
int committer_descriptor(const struct committer *c);

/* Appends a message in the transaction that is open. */
enum err committer_append(struct log *log, const struct arrival *arrival, uint64_t *lsn);

#endif
