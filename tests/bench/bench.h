/* A bench prints one row for each piece of work, and appends it as JSON to the file it is given:
 * {"work":"...","value":1234.5,"unit":"..."}.  Each piece runs for about a second. */
#ifndef TESTS_BENCH_H
#define TESTS_BENCH_H

#include <inttypes.h>
#include <stdio.h>
#include <time.h>

static FILE *bench_file;

static double bench_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void bench_row(const char *work, double value, const char *unit)
{
	printf("%-44s %12.0f  %s\n", work, value, unit);
	fflush(stdout);
	if (bench_file)
		fprintf(bench_file, "{\"work\":\"%s\",\"value\":%.1f,\"unit\":\"%s\"}\n", work,
			value, unit);
}

/* Calls once(arg) until a second has passed; it returns how many units of work it did. */
__attribute__((unused)) static void bench(const char *work, const char *unit,
					  size_t (*once)(void *arg), void *arg)
{
	double start = bench_now(), elapsed;
	size_t done = 0;

	do {
		done += once(arg);
		elapsed = bench_now() - start;
	} while (elapsed < 1.0);
	bench_row(work, (double)done / elapsed, unit);
}

#endif
