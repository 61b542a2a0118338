#include "node/loop.h"

#include <unistd.h>

#include "tests/tap.h"

struct busy {
	int pipe[2];
	unsigned runs, ticks;
	uint64_t due;
	volatile atomic_int quit;
};

static uint64_t busy_tick(void *arg, uint64_t now)
{
	struct busy *b = arg;
	if (now >= b->due) {
		b->ticks++;
		b->due = now + 5;
	}
	return b->due;
}

static size_t busy_items(void *arg, zmq_pollitem_t *items, size_t max)
{
	struct busy *b = arg;
	if (max == 0)
		return 0;
	items[0] = (zmq_pollitem_t){.fd = b->pipe[0], .events = ZMQ_POLLIN};
	return 1;
}

static void busy_run(void *arg)
{
	struct busy *b = arg;
	if (++b->runs == 10000000 || b->ticks == 3)
		b->quit = 1;
}

static void timers_run_although_a_source_is_always_ready(void)
{
	struct loop loop;
	struct busy b = {.due = 0};
	need(pipe(b.pipe) == 0 && write(b.pipe[1], "x", 1) == 1);
	loop_init(&loop);
	loop_add(&loop, &(struct loop_source){busy_tick, busy_items, busy_run, &b});
	is_int(loop_run(&loop, &b.quit), ERR_OK, "runs until quit");
	is_int(b.ticks, 3, "timers ran in between");
	close(b.pipe[0]);
	close(b.pipe[1]);
}

static uint64_t tick_now(void *arg, uint64_t now)
{
	(void)arg;
	return now;
}

static void run_and_quit(void *arg)
{
	*(volatile atomic_int *)arg = 1;
}

static void a_tick_that_is_due_at_once_runs_its_source(void)
{
	struct loop loop;
	volatile atomic_int quit = 0;
	loop_init(&loop);
	loop_add(&loop, &(struct loop_source){tick_now, NULL, run_and_quit, (void *)&quit});
	is_int(loop_run(&loop, &quit), ERR_OK, "runs");
	ok(quit, "without any item");
}

static void a_turn_waits_no_longer_than_it_is_told(void)
{
	struct loop loop;
	loop_init(&loop);
	uint64_t start = clock_monotonic();
	is_int(loop_turn(&loop, 20), ERR_OK, "turns");
	uint64_t took = clock_monotonic() - start;
	ok(took >= 15 && took < 60000, "after about 20 ms (%" PRIu64 ")", took);
	struct loop_source none = {NULL, NULL, NULL, NULL};
	for (size_t i = 0; i < LOOP_SOURCES_MAX; i++)
		loop_add(&loop, &none);
	is_int(loop_add(&loop, &none), ERR_LIMIT, "bounded");
}

int main(void)
{
	RUN(timers_run_although_a_source_is_always_ready);
	RUN(a_tick_that_is_due_at_once_runs_its_source);
	RUN(a_turn_waits_no_longer_than_it_is_told);
	return tap_done();
}
