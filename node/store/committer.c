#include "node/store/committer.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "node/loop.h"

/* What the calling thread commits itself: to hand it over would take longer. */
enum { ALONE = 8, ALONE_BYTES = 64 * 1024 };

enum batch_state { BATCH_NONE, BATCH_RUNS, BATCH_OVER };

struct committer {
	struct log *log;
	pthread_t thread;
	int descriptor;
	pthread_mutex_t lock; /* of what follows */
	pthread_cond_t changed;
	bool ending;
	enum batch_state state;
	const struct arrival *arrivals;
	uint64_t *lsns;
	size_t count;
	enum err e;
};

enum err committer_append(struct log *log, const struct arrival *a, uint64_t *lsn)
{
	struct log_row row = {.arrived = a->arrived,
			      .from = a->from,
			      .verdict = a->verdict,
			      .data = a->message.header,
			      .length = a->message.header_length + SIGNATURE_BYTES};

	return log_append(log, &row, &a->id, a->message.body, a->message.body_length, lsn);
}

static enum err batch_commit(const struct committer *c)
{
	enum err e = log_begin(c->log);

	if (e)
		return e;
	for (size_t i = 0; i < c->count && !e; i++)
		e = committer_append(c->log, &c->arrivals[i], &c->lsns[i]);
	if (!e)
		return log_commit(c->log);
	log_abort(c->log);
	return e;
}

static void *thread_main(void *arg)
{
	struct committer *c = arg;

	pthread_mutex_lock(&c->lock);
	for (;;) {
		enum err e;
		while (c->state != BATCH_RUNS && !c->ending)
			pthread_cond_wait(&c->changed, &c->lock);
		if (c->state != BATCH_RUNS)
			break;
		pthread_mutex_unlock(&c->lock);
		e = batch_commit(c);
		pthread_mutex_lock(&c->lock);
		c->e = e;
		c->state = BATCH_OVER;
		pthread_cond_broadcast(&c->changed);
		eventfd_write(c->descriptor, 1);
	}
	pthread_mutex_unlock(&c->lock);
	return NULL;
}

struct committer *committer_start(struct log *log)
{
	struct committer *c = calloc(1, sizeof *c);

	if (!c)
		return NULL;
	c->log = log;
	pthread_mutex_init(&c->lock, NULL);
	pthread_cond_init(&c->changed, NULL);
	c->descriptor = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (c->descriptor >= 0 && thread_start(&c->thread, thread_main, c) == ERR_OK)
		return c;
	if (c->descriptor >= 0)
		close(c->descriptor);
	free(c);
	return NULL;
}

void committer_stop(struct committer *c)
{
	if (!c)
		return;
	pthread_mutex_lock(&c->lock);
	c->ending = true;
	pthread_cond_broadcast(&c->changed);
	pthread_mutex_unlock(&c->lock);
	pthread_join(c->thread, NULL);
	pthread_cond_destroy(&c->changed);
	pthread_mutex_destroy(&c->lock);
	close(c->descriptor);
	free(c);
}

static bool is_little(const struct arrival *arrivals, size_t n)
{
	size_t bytes = 0;

	for (size_t i = 0; i < n && i < ALONE; i++)
		bytes += arrivals[i].message.body ? arrivals[i].message.body_length : 0;
	return n <= ALONE && bytes <= ALONE_BYTES;
}

void committer_begin(struct committer *c, const struct arrival *arrivals, size_t n, uint64_t *lsns)
{
	bool alone = is_little(arrivals, n);

	pthread_mutex_lock(&c->lock);
	c->arrivals = arrivals;
	c->count = n;
	c->lsns = lsns;
	if (!alone) {
		c->state = BATCH_RUNS;
		pthread_cond_broadcast(&c->changed);
	}
	pthread_mutex_unlock(&c->lock);
	if (alone) {
		c->e = batch_commit(c);
		c->state = BATCH_OVER;
	}
}

bool committer_over(struct committer *c, bool wait, enum err *e)
{
	bool over;
	eventfd_t ignored;

	pthread_mutex_lock(&c->lock);
	while (wait && c->state == BATCH_RUNS)
		pthread_cond_wait(&c->changed, &c->lock);
	over = c->state == BATCH_OVER;
	*e = c->e;
	if (over) {
		c->state = BATCH_NONE;
		(void)eventfd_read(c->descriptor, &ignored);
	}
	pthread_mutex_unlock(&c->lock);
	return over;
}

int committer_descriptor(const struct committer *c)
{
	return c->descriptor;
}
