/* When the index follows. */
#include "node/duty/folder.h"

#include <poll.h>
#include <stdatomic.h>

#include "node/loop.h"
#include "tests/node/index_fixture.h"

enum { WAIT_MS = 300 * 1000, GATHERED_MS = 300 };

static struct fixture home;
static _Atomic unsigned runs; /* of what is done after a fold */

static enum err count(void *arg, uint64_t now, uint64_t *next)
{
	(void)arg, (void)now, (void)next;
	atomic_fetch_add(&runs, 1);
	return ERR_OK;
}

static bool ran(unsigned times)
{
	for (uint64_t end = clock_monotonic() + WAIT_MS; clock_monotonic() < end;) {
		if (atomic_load(&runs) >= times)
			return true;
		poll(NULL, 0, 1);
	}
	return false;
}

static void what_is_on_its_way_is_stored_before_the_rest_is_folded(void)
{
	struct pair pair;
	struct folder *f;
	uint64_t begun;

	pair_fresh(&pair, &home);
	atomic_store(&runs, 0);
	f = folder_start(pair.index, count, NULL);
	need(f && ran(1));
	folder_expect(f, true);
	begun = clock_monotonic();
	folder_wake(f);
	ok(ran(2), "it is folded in the end, whatever is on its way");
	ok(clock_monotonic() - begun >= GATHERED_MS, "but not before it had time to come");
	folder_expect(f, false);
	folder_wake(f);
	ok(ran(3), "and with nothing on its way");
	folder_stop(f);
	pair_close(&pair);
}

static void stopping_does_not_wait_for_what_is_on_its_way(void)
{
	struct pair pair;
	struct folder *f;

	pair_fresh(&pair, &home);
	f = folder_start(pair.index, count, NULL);
	need(f);
	folder_expect(f, true);
	folder_wake(f);
	folder_stop(f);
	ok(true, "it is stopped");
	pair_close(&pair);
}

int main(void)
{
	fixture_init(&home);
	RUN(what_is_on_its_way_is_stored_before_the_rest_is_folded);
	RUN(stopping_does_not_wait_for_what_is_on_its_way);
	fixture_clear(&home);
	return tap_done();
}
