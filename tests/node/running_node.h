/* A node that runs in this process, as its daemon would run it. */
#ifndef TESTS_NODE_RUNNING_NODE_H
#define TESTS_NODE_RUNNING_NODE_H

#include <pthread.h>
#include <signal.h>
#include <time.h>

#include "node/admin/control.h"
#include "node/node.h"
#include "tests/tap.h"

enum { WAIT_MS = 300000 };

struct running {
	struct node *node;
	struct control *control; /* NULL: nobody answers its admin socket */
	pthread_t thread;
	volatile atomic_int quit;
};

static inline void *running_main(void *arg)
{
	struct running *r = arg;

	node_run(r->node, &r->quit);
	return NULL;
}

static inline void running_interrupted(int number)
{
	(void)number;
}

static inline void running_start(struct running *r, const char *home, bool answering)
{
	struct report report;

	report_init(&report);
	signal(SIGUSR1, running_interrupted);
	if (node_open(&r->node, home, &report) != ERR_OK) {
		printf("Bail out! %s\n", report_first(&report));
		exit(1);
	}
	need(!answering || control_start(&r->control, r->node, &report) == ERR_OK);
	report_clear(&report);
	r->quit = 0;
	need(pthread_create(&r->thread, NULL, running_main, r) == 0);
}

/* As a signal to the daemon would: quit is set, and the wait interrupted. */
static inline void running_stop(struct running *r)
{
	const struct timespec pause = {.tv_nsec = 1000000};
	int left = WAIT_MS;

	r->quit = 1;
	while (pthread_tryjoin_np(r->thread, NULL) != 0 && left-- > 0) {
		pthread_kill(r->thread, SIGUSR1);
		nanosleep(&pause, NULL);
	}
	need(left > 0);
	control_stop(r->control);
	node_close(r->node);
	r->control = NULL;
	r->node = NULL;
}

#endif
