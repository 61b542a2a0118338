#include "node/workers.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <unistd.h>

enum { THREADS_MAX = 7, ALONE = 4 /* pieces that are not worth waking anybody for */ };

struct workers {
	pthread_t threads[THREADS_MAX];
	size_t count;
	pthread_mutex_t lock; /* of what follows, but next */
	pthread_cond_t begun, finished;
	unsigned long round; /* of work; a thread takes part in each once */
	size_t active;       /* threads still in this round */
	bool ending;
	void (*work)(void *ctx, size_t i);
	void *ctx;
	size_t n;
	atomic_size_t next; /* piece to take */
};

static void pieces_take(struct workers *w)
{
	size_t i;

	while ((i = atomic_fetch_add(&w->next, 1)) < w->n)
		w->work(w->ctx, i);
}

static void *thread_main(void *arg)
{
	struct workers *w = arg;
	unsigned long seen = 0;

	pthread_mutex_lock(&w->lock);
	for (;;) {
		while (w->round == seen && !w->ending)
			pthread_cond_wait(&w->begun, &w->lock);
		if (w->ending)
			break;
		seen = w->round;
		pthread_mutex_unlock(&w->lock);
		pieces_take(w);
		pthread_mutex_lock(&w->lock);
		if (--w->active == 0)
			pthread_cond_signal(&w->finished);
	}
	pthread_mutex_unlock(&w->lock);
	return NULL;
}

struct workers *workers_new(void)
{
	struct workers *w = calloc(1, sizeof *w);
	long processors = sysconf(_SC_NPROCESSORS_ONLN);
	sigset_t all, before;

	if (!w)
		return NULL;
	pthread_mutex_init(&w->lock, NULL);
	pthread_cond_init(&w->begun, NULL);
	pthread_cond_init(&w->finished, NULL);
	/* Signals are the main thread's. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	while ((long)w->count < processors - 1 && w->count < THREADS_MAX &&
	       pthread_create(&w->threads[w->count], NULL, thread_main, w) == 0)
		w->count++;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return w;
}

void workers_free(struct workers *w)
{
	if (!w)
		return;
	pthread_mutex_lock(&w->lock);
	w->ending = true;
	pthread_cond_broadcast(&w->begun);
	pthread_mutex_unlock(&w->lock);
	for (size_t i = 0; i < w->count; i++)
		pthread_join(w->threads[i], NULL);
	pthread_cond_destroy(&w->finished);
	pthread_cond_destroy(&w->begun);
	pthread_mutex_destroy(&w->lock);
	free(w);
}

void workers_run(struct workers *w, void (*work)(void *, size_t), void *ctx, size_t n)
{
	if (n <= ALONE || w->count == 0) {
		for (size_t i = 0; i < n; i++)
			work(ctx, i);
		return;
	}
	pthread_mutex_lock(&w->lock);
	w->work = work;
	w->ctx = ctx;
	w->n = n;
	atomic_store(&w->next, 0);
	w->active = w->count;
	w->round++;
	pthread_cond_broadcast(&w->begun);
	pthread_mutex_unlock(&w->lock);
	pieces_take(w);
	pthread_mutex_lock(&w->lock);
	while (w->active)
		pthread_cond_wait(&w->finished, &w->lock);
	pthread_mutex_unlock(&w->lock);
}
