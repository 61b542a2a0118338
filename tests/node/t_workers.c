#include "node/workers.h"

#include <poll.h>
#include <stdatomic.h>
#include <unistd.h>

#include "tests/tap.h"

enum { PIECES = 1000, ROUNDS = 200 };

struct pieces {
	unsigned done[PIECES];
	atomic_uint all;
};

static void do_piece(void *ctx, size_t i)
{
	struct pieces *p = ctx;

	p->done[i]++;
	atomic_fetch_add(&p->all, 1);
}

static size_t wrong(const struct pieces *p, size_t n, unsigned times)
{
	size_t count = 0;

	for (size_t i = 0; i < PIECES; i++)
		count += p->done[i] != (i < n ? times : 0);
	return count;
}

static bool readable(const struct workers *w, int wait_ms)
{
	struct pollfd item = {.fd = workers_descriptor(w), .events = POLLIN};

	return poll(&item, 1, wait_ms) == 1;
}

static void every_piece_is_done_once(void)
{
	static const size_t sizes[] = {0, 1, 2, 4, 5, 63, 64, 999, PIECES};
	struct workers *w = workers_new();

	need(w);
	ok(workers_over(w, false), "at first nothing is under way");
	for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
		struct pieces p = {0};
		workers_begin(w, do_piece, &p, sizes[i], 0, i % 2);
		ok(workers_over(w, true), "%zu pieces, waited for", sizes[i]);
		is_int(wrong(&p, sizes[i], 1), 0, "each is done once");
		ok(workers_over(w, false), "and it stays over");
		ok(!readable(w, 0), "which is not told again");
	}
	workers_free(w);
}

static void the_end_can_be_polled_for(void)
{
	struct workers *w = workers_new();
	struct pieces p = {0};
	size_t told = 0;

	need(w);
	for (int i = 0; i < ROUNDS; i++) {
		workers_begin(w, do_piece, &p, PIECES, 0, false);
		need(readable(w, 60 * 1000));
		told += workers_over(w, false);
	}
	is_int(told, ROUNDS, "whoever polls is told when it is over");
	is_int(wrong(&p, PIECES, ROUNDS), 0, "round after round");
	is_int(atomic_load(&p.all), PIECES * ROUNDS, "and nothing beside");
	workers_free(w);
}

static void a_few_pieces_are_done_at_once(void)
{
	struct workers *w = workers_new();
	struct pieces p = {0};

	need(w);
	workers_begin(w, do_piece, &p, 4, 1024, false);
	is_int(wrong(&p, 4, 1), 0, "before workers_begin() returns");
	workers_free(w);
}

struct crowd {
	atomic_uint at_once, most, done;
};

static void do_together(void *ctx, size_t i)
{
	struct crowd *c = ctx;
	unsigned n = atomic_fetch_add(&c->at_once, 1) + 1, most = atomic_load(&c->most);

	(void)i;
	while (n > most && !atomic_compare_exchange_weak(&c->most, &most, n))
		;
	atomic_fetch_add(&c->done, 1);
	atomic_fetch_sub(&c->at_once, 1);
}

static void one_processor_can_be_left_to_others(void)
{
	long processors = sysconf(_SC_NPROCESSORS_ONLN);
	struct workers *w = workers_new();
	struct crowd c = {0};

	need(w);
	for (int i = 0; i < ROUNDS; i++) {
		workers_begin(w, do_together, &c, PIECES, 0, true);
		need(workers_over(w, true));
	}
	is_int(atomic_load(&c.done), ROUNDS * PIECES, "everything is done");
	ok(processors == 1 || atomic_load(&c.most) < (unsigned)processors, "on %u of %ld",
	   atomic_load(&c.most), processors);
	workers_free(w);
}

int main(void)
{
	RUN(every_piece_is_done_once);
	RUN(the_end_can_be_polled_for);
	RUN(a_few_pieces_are_done_at_once);
	RUN(one_processor_can_be_left_to_others);
	return tap_done();
}
