/* Work that is done while memory is short: with each of its allocations failing in turn, once and
 * from then on. */
#ifndef TESTS_FAULT_STARVE_H
#define TESTS_FAULT_STARVE_H

#include <malloc.h>
#include <unistd.h>

#include "protocol/error.h"
#include "tests/fault/fault.h"
#include "tests/tap.h"

enum starved {
	STARVED_ENDS,    /* work that cannot be done without what is missing: it says ERR_MEMORY */
	STARVED_RECOVERS /* work that waits: it ends with fault_stop(), and then is done in full */
};

/* Call it first of all in main(). */
__attribute__((unused)) static void starve_init(char **argv)
{
	/* What glibc keeps for the next allocation of a thread would look like something left. */
	if (!getenv("GLIBC_TUNABLES")) {
		setenv("GLIBC_TUNABLES", "glibc.malloc.tcache_count=0", 1);
		execv("/proc/self/exe", argv);
	}
	mallopt(M_MXFAST, 0);
	fault_init();
}

/* With that allocation failing; *left says how many bytes nobody has freed. */
static enum err starve_once(enum err (*subject)(void), uint64_t nth, bool for_good, size_t *left)
{
	size_t before = mallinfo2().uordblks;
	fault_start(FAULT_MEMORY, nth, for_good, 0);
	enum err e = subject();
	fault_stop();
	size_t after = mallinfo2().uordblks;
	*left = after > before ? after - before : 0;
	return e;
}

/* What is left once may be kept for the next time; what is left every time is lost. */
static bool starve_endures(enum err (*subject)(void), uint64_t nth, bool for_good,
			   enum starved starved)
{
	size_t left = 0;
	enum err e = ERR_OK;
	for (unsigned i = 0; i < 3 && (i == 0 || left); i++)
		e = starve_once(subject, nth, for_good, &left);
	bool done = !e && (!for_good || starved == STARVED_RECOVERS);
	if ((e == ERR_MEMORY || done) && !left)
		return true;
	printf("# allocation %" PRIu64 "%s: %s, %zu bytes left\n", nth,
	       for_good ? " and all after it" : "", err_str(e), left);
	return false;
}

/* Of many allocations, some: all with EVERY in the environment. */
__attribute__((unused)) static void starve(const char *what, enum err (*subject)(void),
					   enum starved starved)
{
	enum { SOME = 300 };
	unsigned wrong = 0;
	need(subject() == ERR_OK);
	fault_start(FAULT_MEMORY, UINT64_MAX, false, 0);
	need(subject() == ERR_OK);
	uint64_t calls = fault_stop();
	uint64_t step = getenv("EVERY") || calls < SOME ? 1 : calls / SOME;
	for (uint64_t nth = 1; nth <= calls; nth += step)
		wrong += !starve_endures(subject, nth, false, starved) ||
			 !starve_endures(subject, nth, true, starved);
	is_int(wrong, 0, "%s: whichever of %" PRIu64 " allocations fails, it says that", what,
	       calls);
	ok(subject() == ERR_OK, "%s: and then it works", what);
}

#endif
