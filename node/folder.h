/* The thread that keeps the indexes behind the log: nothing acknowledged waits for it. */
#ifndef NODE_FOLDER_H
#define NODE_FOLDER_H

#include "node/index.h"

struct folder;

/* Starts folding; index and arg are borrowed.  After every fold folded(arg) runs on the folder's
 * thread; when it fails it is called again in a while.  NULL when memory or threads are short. */
struct folder *folder_start(struct index *index, enum err (*folded)(void *arg), void *arg);
/* Waits for the batch under way. */
void folder_stop(struct folder *f);
/* The log has grown.  Any thread; cheap. */
void folder_wake(struct folder *f);
/* ERR_OK, or what the last fold, or folded(), ran into. */
enum err folder_state(struct folder *f);

#endif
