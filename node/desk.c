#include "node/desk.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

struct desk {
	pthread_mutex_t lock; /* of what follows */
	pthread_cond_t changed;
	struct desk_call *waiting; /* handed in, not yet begun */
	bool busy;                 /* somebody's call is being waited for */
	bool closed;
	int wake; /* eventfd: readable while a call waits */
};

struct desk *desk_new(void)
{
	struct desk *d = calloc(1, sizeof *d);

	if (!d)
		return NULL;
	d->wake = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (d->wake < 0) {
		free(d);
		return NULL;
	}
	pthread_mutex_init(&d->lock, NULL);
	pthread_cond_init(&d->changed, NULL);
	return d;
}

void desk_free(struct desk *d)
{
	if (!d)
		return;
	close(d->wake);
	pthread_cond_destroy(&d->changed);
	pthread_mutex_destroy(&d->lock);
	free(d);
}

bool desk_call(struct desk *d, struct desk_call *call)
{
	bool done;

	pthread_mutex_lock(&d->lock);
	while (d->busy && !d->closed)
		pthread_cond_wait(&d->changed, &d->lock);
	call->done = false;
	if (!d->closed) {
		d->busy = true;
		d->waiting = call;
		eventfd_write(d->wake, 1);
		while (!call->done && !d->closed)
			pthread_cond_wait(&d->changed, &d->lock);
		d->busy = false;
		pthread_cond_broadcast(&d->changed);
	}
	done = call->done;
	pthread_mutex_unlock(&d->lock);
	return done;
}

void desk_done(struct desk *d, struct desk_call *call)
{
	pthread_mutex_lock(&d->lock);
	call->done = true;
	pthread_cond_broadcast(&d->changed);
	pthread_mutex_unlock(&d->lock);
}

void desk_close(struct desk *d)
{
	pthread_mutex_lock(&d->lock);
	d->closed = true;
	pthread_cond_broadcast(&d->changed);
	pthread_mutex_unlock(&d->lock);
}

static size_t desk_items(void *arg, zmq_pollitem_t *items, size_t max)
{
	struct desk *d = arg;

	if (max == 0)
		return 0;
	items[0] = (zmq_pollitem_t){.fd = d->wake, .events = ZMQ_POLLIN};
	return 1;
}

static void desk_run(void *arg)
{
	struct desk *d = arg;
	struct desk_call *call;
	eventfd_t count;

	eventfd_read(d->wake, &count);
	pthread_mutex_lock(&d->lock);
	call = d->waiting;
	d->waiting = NULL;
	pthread_mutex_unlock(&d->lock);
	if (call)
		call->run(call);
}

struct loop_source desk_source(struct desk *d)
{
	return (struct loop_source){.items = desk_items, .run = desk_run, .arg = d};
}
