#include "node/duty/folder.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

#include "node/loop.h"
#include "node/say.h"

enum { RETRY_MS = 2000, RESTS = 3, REST_SLICE_MS = 20, FIRST_MS = 10, GATHER_MS = 300 };

struct folder {
	struct index *index;
	folder_then *then;
	void *arg;
	pthread_t thread;
	_Atomic bool expecting;
	pthread_mutex_t lock; /* of what follows */
	pthread_cond_t changed;
	bool wanted, ending;
	unsigned wakes; /* how often it was wanted */
	enum err state;
	bool of_index; /* it is a fold that has failed */
};

static struct timespec time_at(uint64_t ms)
{
	return (struct timespec){.tv_sec = (time_t)(ms / 1000),
				 .tv_nsec = (long)(ms % 1000) * 1000000};
}

/* Waits until there is something to fold or the time has come; false at the end.  *wakes: how often
 * something was wanted by then.  What has just been stored is passed on first: meanwhile disk and
 * processor are not taken from it.  Whoever looks something up does not wait for this thread. */
static bool wait_for_work(struct folder *f, uint64_t until, unsigned *wakes)
{
	struct timespec at = time_at(until);
	bool ending;

	pthread_mutex_lock(&f->lock);
	while (!f->wanted && !f->ending && clock_monotonic() < until) {
		if (until == UINT64_MAX)
			pthread_cond_wait(&f->changed, &f->lock);
		else if (pthread_cond_timedwait(&f->changed, &f->lock, &at) != 0)
			break;
	}
	*wakes = f->wakes;
	at = time_at(clock_monotonic() + FIRST_MS);
	while (f->wanted && !f->ending && pthread_cond_timedwait(&f->changed, &f->lock, &at) == 0)
		;
	f->wanted = false;
	ending = f->ending;
	pthread_mutex_unlock(&f->lock);
	return !ending;
}

static void state_set(struct folder *f, enum err e, bool of_index)
{
	bool changed;

	pthread_mutex_lock(&f->lock);
	changed = f->state != e || f->of_index != of_index;
	f->state = e;
	f->of_index = of_index;
	pthread_mutex_unlock(&f->lock);
	/* A rebuild is no fault: what waits for it is tried again. */
	if (changed && of_index && e != ERR_BUSY)
		say(LEVEL_ERROR, "the index cannot follow the log: %s; it is tried again",
		    err_str(e));
}

static unsigned wakes_of(struct folder *f)
{
	unsigned wakes;

	pthread_mutex_lock(&f->lock);
	wakes = f->wakes;
	pthread_mutex_unlock(&f->lock);
	return wakes;
}

/* While messages come, a fold follows a rest, three times as long as the fold before: the disk is
 * theirs meanwhile, and the next fold is of more of them, which costs less for each.  With nothing
 * coming there is no rest.  Large ones are stored less often than once in a slice: that they are on
 * their way counts too. */
static void rest(struct folder *f, unsigned wakes, uint64_t ms)
{
	uint64_t at = clock_monotonic(), until = at + ms;

	pthread_mutex_lock(&f->lock);
	while (at < until && (f->wakes != wakes || atomic_load(&f->expecting)) && !f->ending) {
		struct timespec slice;
		wakes = f->wakes;
		at = until - at > REST_SLICE_MS ? at + REST_SLICE_MS : until;
		slice = time_at(at);
		while (!f->ending && pthread_cond_timedwait(&f->changed, &f->lock, &slice) == 0)
			;
	}
	pthread_mutex_unlock(&f->lock);
}

static enum err fold_all(struct folder *f)
{
	bool more = true;
	enum err e = ERR_OK;

	while (more && !e) {
		unsigned wakes = wakes_of(f);
		uint64_t begun = clock_monotonic();
		e = index_fold(f->index, &more);
		rest(f, wakes, RESTS * (clock_monotonic() - begun));
		pthread_mutex_lock(&f->lock);
		more = more && !f->ending;
		pthread_mutex_unlock(&f->lock);
	}
	return e;
}

/* What nobody waits for is done while nobody does.  Should it fail, so will the next fold, and say
 * so. */
static void settle(struct folder *f, uint64_t until)
{
	bool more = true;

	while (more && clock_monotonic() < until) {
		pthread_mutex_lock(&f->lock);
		more = !f->wanted && !f->ending;
		pthread_mutex_unlock(&f->lock);
		if (more && index_settle(f->index, &more) != ERR_OK)
			break;
	}
}

static void *thread_main(void *arg)
{
	struct folder *f = arg;
	uint64_t next = UINT64_MAX;
	unsigned wakes;

	while (wait_for_work(f, next, &wakes)) {
		enum err e;
		bool folded;
		/* More is coming: so a burst is stored before the first of it is folded. */
		rest(f, wakes, GATHER_MS);
		e = fold_all(f);
		folded = !e;
		next = UINT64_MAX;
		if (folded)
			e = f->then(f->arg, clock_monotonic(), &next);
		/* What failed, on a full disk for one, is tried again unasked. */
		if (e && next > clock_monotonic() + RETRY_MS)
			next = clock_monotonic() + RETRY_MS;
		state_set(f, e, !folded);
		if (!e)
			settle(f, next);
	}
	return NULL;
}

static bool state_init(struct folder *f)
{
	pthread_condattr_t monotonic;
	bool made;

	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	made = pthread_cond_init(&f->changed, &monotonic) == 0;
	pthread_condattr_destroy(&monotonic);
	pthread_mutex_init(&f->lock, NULL);
	return made;
}

struct folder *folder_start(struct index *index, folder_then *then, void *arg)
{
	struct folder *f = calloc(1, sizeof *f);
	sigset_t all, before;
	int failed;

	if (!f || !state_init(f)) {
		free(f);
		return NULL;
	}
	f->index = index;
	f->then = then;
	f->arg = arg;
	f->wanted = true;
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
	f->wakes++;
	if (!f->wanted)
		pthread_cond_signal(&f->changed);
	f->wanted = true;
	pthread_mutex_unlock(&f->lock);
}

void folder_expect(struct folder *f, bool more)
{
	atomic_store(&f->expecting, more);
}

enum err folder_state(struct folder *f, bool *of_index)
{
	enum err e;

	pthread_mutex_lock(&f->lock);
	e = f->state;
	*of_index = f->of_index;
	pthread_mutex_unlock(&f->lock);
	return e;
}
