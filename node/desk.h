/* Where other threads hand work to the loop's thread and wait for it: the admin socket's, mostly.
 *
 * One caller at a time; a call runs between two turns of the loop and may be finished later, by
 * whatever it waits for. */
#ifndef NODE_DESK_H
#define NODE_DESK_H

#include "node/loop.h"

struct desk;

struct desk_call {
	/* Runs on the loop's thread.  It calls desk_done() before it returns, or sees to it that
	 * somebody does. */
	void (*run)(struct desk_call *call);
	void *arg;
	bool done; /* guarded by the desk */
};

struct desk *desk_new(void);
void desk_free(struct desk *d);

/* From any other thread: hands the call in and waits until it is done.  False when the loop has
 * ended. */
bool desk_call(struct desk *d, struct desk_call *call);
/* On the loop's thread: the call is finished. */
void desk_done(struct desk *d, struct desk_call *call);
/* The loop has ended: nobody waits any longer. */
void desk_close(struct desk *d);

/* The desk as a source of the loop. */
struct loop_source desk_source(struct desk *d);

#endif
