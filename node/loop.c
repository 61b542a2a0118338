#include "node/loop.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <time.h>

static uint64_t clock_ms(clockid_t id)
{
	struct timespec t;
	if (clock_gettime(id, &t) != 0)
		return 0;
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

uint64_t clock_monotonic(void)
{
	return clock_ms(CLOCK_MONOTONIC);
}

uint64_t clock_wall(void)
{
	return clock_ms(CLOCK_REALTIME);
}

enum err thread_start(pthread_t *thread, void *(*run)(void *arg), void *arg)
{
	sigset_t all, before;
	sigfillset(&all);
	if (pthread_sigmask(SIG_SETMASK, &all, &before) != 0)
		return ERR_IO;
	enum err e = pthread_create(thread, NULL, run, arg) == 0 ? ERR_OK : ERR_IO;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return e;
}

void loop_init(struct loop *loop)
{
	loop->count = 0;
	loop->over = ERR_OK;
}

enum err loop_add(struct loop *loop, const struct loop_source *source)
{
	if (loop->count == LOOP_SOURCES_MAX)
		return ERR_LIMIT;
	loop->sources[loop->count++] = *source;
	return ERR_OK;
}

/* How long the turn may wait, and which sources want to run without waiting for an item. */
static long turn_wait(struct loop *loop, long wait_ms, bool wants[LOOP_SOURCES_MAX])
{
	uint64_t now = clock_monotonic(), next = LOOP_NEVER;
	for (size_t i = 0; i < loop->count; i++) {
		struct loop_source *s = &loop->sources[i];
		uint64_t at = s->tick ? s->tick(s->arg, now) : LOOP_NEVER;
		wants[i] = at <= now;
		if (at < next)
			next = at;
	}
	if (next == LOOP_NEVER)
		return wait_ms;
	uint64_t wait = next > now ? next - now : 0;
	if (wait > INT_MAX)
		wait = INT_MAX;
	return wait_ms >= 0 && (uint64_t)wait_ms < wait ? wait_ms : (long)wait;
}

static bool any_ready(const zmq_pollitem_t *items, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (items[i].revents)
			return true;
	return false;
}

enum err loop_turn(struct loop *loop, long wait_ms)
{
	bool wants[LOOP_SOURCES_MAX] = {false};
	size_t first[LOOP_SOURCES_MAX + 1] = {0}, n = 0;
	/* Ticks come first: they may open and close sockets, and items must name only living ones.
	 */
	long wait = turn_wait(loop, wait_ms, wants);
	for (size_t i = 0; i < loop->count; i++) {
		struct loop_source *s = &loop->sources[i];
		first[i] = n;
		if (s->items)
			n += s->items(s->arg, loop->items + n, LOOP_ITEMS_MAX - n);
	}
	first[loop->count] = n;
	if (zmq_poll(loop->items, (int)n, wait) < 0)
		return errno == EINTR ? ERR_OK : ERR_IO;
	for (size_t i = 0; i < loop->count; i++) {
		struct loop_source *s = &loop->sources[i];
		if (s->run &&
		    (wants[i] || any_ready(loop->items + first[i], first[i + 1] - first[i])))
			s->run(s->arg);
	}
	return ERR_OK;
}

enum err loop_run(struct loop *loop, const volatile atomic_int *quit)
{
	while (!*quit && !loop->over) {
		enum err e = loop_turn(loop, -1);
		if (e)
			return e;
	}
	return loop->over;
}

void loop_end(struct loop *loop, enum err e)
{
	loop->over = e;
}
