/* How much of each origin this node holds, and whom it asks its neighbours to hold back.  SPEC.md
 * 7.5.  What is in the log at the start is counted by a duty, what comes by the loop's thread. */
#ifndef NODE_NODE_QUOTA_H
#define NODE_NODE_QUOTA_H

#include <pthread.h>

#include "node/store/index.h"
#include "protocol/exchange.h"
#include "protocol/quota.h"

struct node;

struct quota_book {
	pthread_mutex_t lock; /* of the next two */
	struct quota quota;
	bool changed;
	/* The loop's thread only. */
	struct quota_paused paused[PAUSED_MAX]; /* whom it asks to hold back */
	size_t paused_count;
	uint64_t judged;  /* mono ms */
	uint32_t version; /* of the topology, and */
	unsigned full;    /* percent, that it was judged by */
	bool waits;
	uint64_t opened; /* the last position when this run began */
	/* The folder's thread only. */
	uint64_t counted; /* positions up to there */
};

void quota_open(struct node *n);
void quota_close(struct node *n);
/* A message has been committed at lsn; the loop's thread. */
void quota_stored(struct node *n, uint64_t lsn, const struct arrival *a);
/* Judges again when something has changed; returns when it wants to be called, in mono ms. */
uint64_t quota_tick(struct node *n, uint64_t now);

/* What goes with the rows and bodies that are about to be removed; the folder's thread.
 * quota_gone() once they have been. */
enum { QUOTA_GONE_MAX = 256 };
struct quota_going {
	struct quota_use list[QUOTA_GONE_MAX];
	size_t count;
};
enum err quota_going(struct node *n, const struct erasable *what, size_t count,
		     struct quota_going *out);
void quota_gone(struct node *n, const struct quota_going *going);

#endif
