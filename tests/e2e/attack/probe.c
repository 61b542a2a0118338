/* No attack: says something small from time to time, as an honest neighbour does, and prints for
 * each of them when that was, in ms since 1970, and after how many microseconds the peer has
 * acknowledged it. */
#include <sodium.h>
#include <stdio.h>
#include <time.h>

#include "tests/e2e/attack/deeds.h"
#include "tests/e2e/attack/talk.h"

enum { PAUSE_MS = 10, PAUSE_MORE_MS = 20 };

static uint64_t clock_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

void probe(unsigned seconds)
{
	uint64_t end;

	meet();
	me.polite = true;
	for (end = clock_monotonic() + 1000 * seconds; clock_monotonic() < end;) {
		uint64_t at = clock_wall(), begun = clock_us(), pause;
		if (!push_body("x", 1) || !answered())
			die("it was not answered");
		printf("%llu %llu\n", (unsigned long long)at,
		       (unsigned long long)(clock_us() - begun));
		fflush(stdout);
		pause = clock_monotonic() + PAUSE_MS + randombytes_uniform(PAUSE_MORE_MS);
		while (clock_monotonic() < pause)
			attend();
	}
}
