/* The thread that keeps the indexes behind the log: nothing acknowledged waits for it. */
#ifndef NODE_FOLDER_H
#define NODE_FOLDER_H

#include "node/store/index.h"

struct folder;

/* What is done after every fold, on the folder's thread.  *next is when it wants to be called
 * without one, in ms of clock_monotonic(); UINT64_MAX before.  When it fails it has said so, and is
 * called again in a while. */
typedef enum err folder_then(void *arg, uint64_t now, uint64_t *next);

/* Starts folding; index and arg are borrowed.  NULL when memory or threads are short. */
struct folder *folder_start(struct index *index, folder_then *then, void *arg);
/* Waits for the batch under way. */
void folder_stop(struct folder *f);
/* The log has grown, or what is done after a fold is wanted.  Any thread; cheap. */
void folder_wake(struct folder *f);
/* Messages have arrived and are not stored yet, or no more: while they are, a fold leaves them what
 * it would take, for a while.  Any thread; cheap. */
void folder_expect(struct folder *f, bool more);
/* ERR_OK, or what the last fold ran into, or, where not *of_index, what is done after it. */
enum err folder_state(struct folder *f, bool *of_index);

#endif
