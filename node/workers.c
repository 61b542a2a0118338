#include "node/workers.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "node/loop.h"

enum {
	THREADS_MAX = 8,
	/* What is not worth waking anybody for: so few pieces, of so many bytes together. */
	ALONE = 4,
	ALONE_BYTES = 64 * 1024,
	SHARE = 4, /* pieces that a thread takes at a time */
};

struct workers {
	pthread_t threads[THREADS_MAX];
	size_t count;
	int descriptor;
	pthread_mutex_t lock; /* of what follows */
	pthread_cond_t begun, finished;
	bool ending;
	void (*work)(void *ctx, size_t i);
	void *ctx;
	size_t n, next, done; /* pieces: all, the next to take, and those done */
	size_t busy, most;    /* threads: that are at it, and that may be */
};

/* Takes a share; the lock is held before and after. */
static void share_do(struct workers *w)
{
	size_t from = w->next, to = w->n - from > SHARE ? from + SHARE : w->n;
	void (*work)(void *, size_t) = w->work;
	void *ctx = w->ctx;

	w->next = to;
	w->busy++;
	pthread_mutex_unlock(&w->lock);
	for (size_t i = from; i < to; i++)
		work(ctx, i);
	pthread_mutex_lock(&w->lock);
	w->busy--;
	w->done += to - from;
	if (w->done == w->n) {
		pthread_cond_signal(&w->finished);
		eventfd_write(w->descriptor, 1);
	}
}

static void *thread_main(void *arg)
{
	struct workers *w = arg;

	pthread_mutex_lock(&w->lock);
	while (!w->ending) {
		if (w->next < w->n && w->busy < w->most)
			share_do(w);
		else
			pthread_cond_wait(&w->begun, &w->lock);
	}
	pthread_mutex_unlock(&w->lock);
	return NULL;
}

struct workers *workers_new(void)
{
	struct workers *w = calloc(1, sizeof *w);
	long processors = sysconf(_SC_NPROCESSORS_ONLN);

	if (!w)
		return NULL;
	w->descriptor = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (w->descriptor < 0) {
		free(w);
		return NULL;
	}
	pthread_mutex_init(&w->lock, NULL);
	pthread_cond_init(&w->begun, NULL);
	pthread_cond_init(&w->finished, NULL);
	while ((long)w->count < processors && w->count < THREADS_MAX &&
	       thread_start(&w->threads[w->count], thread_main, w) == ERR_OK)
		w->count++;
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
	close(w->descriptor);
	free(w);
}

void workers_begin(struct workers *w, void (*work)(void *, size_t), void *ctx, size_t n,
		   size_t bytes, bool leave_one)
{
	if ((n <= ALONE && bytes <= ALONE_BYTES) || w->count == 0) {
		for (size_t i = 0; i < n; i++)
			work(ctx, i);
		return;
	}
	pthread_mutex_lock(&w->lock);
	w->work = work;
	w->ctx = ctx;
	w->n = n;
	w->next = w->done = 0;
	w->most = leave_one && w->count > 1 ? w->count - 1 : w->count;
	pthread_cond_broadcast(&w->begun);
	pthread_mutex_unlock(&w->lock);
}

bool workers_over(struct workers *w, bool wait)
{
	eventfd_t ignored;
	bool over;

	pthread_mutex_lock(&w->lock);
	while (wait && w->done < w->n)
		pthread_cond_wait(&w->finished, &w->lock);
	over = w->done == w->n;
	if (over && w->n) {
		w->n = w->next = w->done = 0;
		(void)eventfd_read(w->descriptor, &ignored);
	}
	pthread_mutex_unlock(&w->lock);
	return over;
}

int workers_descriptor(const struct workers *w)
{
	return w->descriptor;
}
