#include "node/folder.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>

#include "node/say.h"

enum { RETRY_S = 2 };

struct folder {
	struct index *index;
	enum err (*folded)(void *arg);
	void *arg;
	pthread_t thread;
	pthread_mutex_t lock; /* of what follows */
	pthread_cond_t changed;
	bool wanted, ending;
	enum err state;
};

static bool wait_for_work(struct folder *f)
{
	struct timespec until;

	pthread_mutex_lock(&f->lock);
	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += RETRY_S;
	while (!f->wanted && !f->ending) {
		/* What failed, on a full disk for one, is tried again unasked. */
		if (f->state == ERR_OK)
			pthread_cond_wait(&f->changed, &f->lock);
		else if (pthread_cond_timedwait(&f->changed, &f->lock, &until) != 0)
			break;
	}
	f->wanted = false;
	pthread_mutex_unlock(&f->lock);
	return !f->ending;
}

static void state_set(struct folder *f, enum err e)
{
	bool changed;

	pthread_mutex_lock(&f->lock);
	changed = f->state != e;
	f->state = e;
	pthread_mutex_unlock(&f->lock);
	/* A rebuild is no fault: what waits for it is tried again. */
	if (changed && e && e != ERR_BUSY)
		say(LEVEL_ERROR, "the index cannot follow the log: %s; it is tried again",
		    err_str(e));
}

static void *thread_main(void *arg)
{
	struct folder *f = arg;

	while (wait_for_work(f)) {
		bool more = true;
		enum err e = ERR_OK;
		while (more && !e) {
			e = index_fold(f->index, &more);
			pthread_mutex_lock(&f->lock);
			more = more && !f->ending;
			pthread_mutex_unlock(&f->lock);
		}
		if (!e)
			e = f->folded(f->arg);
		state_set(f, e);
	}
	return NULL;
}

struct folder *folder_start(struct index *index, enum err (*folded)(void *arg), void *arg)
{
	struct folder *f = calloc(1, sizeof *f);
	sigset_t all, before;
	int failed;

	if (!f)
		return NULL;
	f->index = index;
	f->folded = folded;
	f->arg = arg;
	f->wanted = true;
	pthread_mutex_init(&f->lock, NULL);
	pthread_cond_init(&f->changed, NULL);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	failed = pthread_create(&f->thread, NULL, thread_main, f);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (failed) {
		free(f);
		return NULL;
	}
	return f;
}

void folder_stop(struct folder *f)
{
	if (!f)
		return;
	pthread_mutex_lock(&f->lock);
	f->ending = true;
	pthread_cond_broadcast(&f->changed);
	pthread_mutex_unlock(&f->lock);
	pthread_join(f->thread, NULL);
	pthread_cond_destroy(&f->changed);
	pthread_mutex_destroy(&f->lock);
	free(f);
}

void folder_wake(struct folder *f)
{
	pthread_mutex_lock(&f->lock);
	f->wanted = true;
	pthread_cond_signal(&f->changed);
	pthread_mutex_unlock(&f->lock);
}

enum err folder_state(struct folder *f)
{
	enum err e;

	pthread_mutex_lock(&f->lock);
	e = f->state;
	pthread_mutex_unlock(&f->lock);
	return e;
}
