/* The loop of a daemon: waits for sockets and files, runs what is due first on every turn.
 *
 * Timers that run only when sockets are quiet never run under load, so a turn is: tick every
 * source, wait no longer than the earliest deadline, run the sources that have something.  A source
 * does a bounded amount of work in each run.  One thread; the loop owns none of the sources. */
#ifndef NODE_LOOP_H
#define NODE_LOOP_H

#include <pthread.h>
#include <stdatomic.h>
#include <zmq.h>

#include "protocol/error.h"
#include "protocol/types.h"

enum { LOOP_SOURCES_MAX = 16, LOOP_ITEMS_MAX = 1024 };
#define LOOP_NEVER UINT64_MAX

struct loop_source {
	/* Runs what is due at now (ms, monotonic) and returns when it wants to run next:
	 * LOOP_NEVER, or a time; now or earlier means that run() shall be called in this turn.
	 * NULL: no timers. */
	uint64_t (*tick)(void *arg, uint64_t now);
	/* Writes at most max items to wait for, returns how many.  NULL: none. */
	size_t (*items)(void *arg, zmq_pollitem_t *items, size_t max);
	/* Something is ready, or tick() asked for it.  NULL: nothing to run. */
	void (*run)(void *arg);
	void *arg; /* borrowed */
};

struct loop {
	struct loop_source sources[LOOP_SOURCES_MAX];
	size_t count;
	zmq_pollitem_t items[LOOP_ITEMS_MAX];
	enum err over; /* ERR_OK: it goes on */
};

void loop_init(struct loop *loop);
/* Copies the source.  ERR_LIMIT beyond LOOP_SOURCES_MAX. */
enum err loop_add(struct loop *loop, const struct loop_source *source);
/* One turn; waits at most wait_ms (-1: as long as the sources allow).  ERR_IO when waiting failed
 * for another reason than a signal. */
enum err loop_turn(struct loop *loop, long wait_ms);
/* Turns until *quit is set, by a signal handler or another thread, or a source ends it. */
enum err loop_run(struct loop *loop, const volatile atomic_int *quit);

/* Ends it after this turn; loop_run() then returns e.  The loop's thread only. */
void loop_end(struct loop *loop, enum err e);

/* Starts a thread that takes no signals: those are for the thread that runs the loop. */
enum err thread_start(pthread_t *thread, void *(*run)(void *arg), void *arg);

/* Milliseconds of the monotonic clock; ms since 1970 of the wall clock. */
uint64_t clock_monotonic(void);
uint64_t clock_wall(void);

#endif
