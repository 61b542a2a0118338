/* A bench prints one row for each piece of work and appends it as JSON to the file it is given:
 *
 *     {"work":"...","value":1.0,"unit":"...","limit":2.0,"ratio":0.5,"peer":null,"spread":0.03}
 *
 * value is the median of what was measured, spread the distance of the smallest from the largest in
 * parts of it.  limit is what the parts can do that the work cannot do without, measured in the
 * same run by code that has nothing of the product; ratio is how much of it is reached, where more
 * is better always.  peer is another program at the same work.  What there is none of is null. */
#ifndef TESTS_BENCH_H
#define TESTS_BENCH_H

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { BENCH_TIMES = 5, BENCH_VALUES_MAX = 64 };

struct bench_row {
	const char *work, *unit;
	double values[BENCH_VALUES_MAX];
	size_t count;
	double limit, peer; /* 0: none */
	bool less;          /* is better: a time, a size */
};

static FILE *bench_file;

static inline int bench_order(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* Sorts the values. */
static inline double bench_median(double *values, size_t n)
{
	qsort(values, n, sizeof *values, bench_order);
	return n % 2 ? values[n / 2] : (values[n / 2 - 1] + values[n / 2]) / 2;
}

static inline double bench_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static inline void bench_member(const char *name, double value, bool there)
{
	if (there)
		fprintf(bench_file, ",\"%s\":%.6g", name, value);
	else
		fprintf(bench_file, ",\"%s\":null", name);
}

/* Prints and writes the row; returns the median. */
static inline double bench_write(struct bench_row *r)
{
	double value = bench_median(r->values, r->count);
	double spread = value > 0 ? (r->values[r->count - 1] - r->values[0]) / value : 0;
	double ratio =
		r->limit > 0 && value > 0 ? (r->less ? r->limit / value : value / r->limit) : 0;
	int digits = value < 10 ? 3 : value < 100 ? 1 : 0;

	printf("%-52s %12.*f %-14s", r->work, digits, value, r->unit);
	if (r->count > 1)
		printf(" +-%2.0f %%", 50 * spread);
	if (ratio > 0)
		printf("  limit %.*f, ratio %.2f", digits, r->limit, ratio);
	if (r->peer > 0)
		printf("  peer %.*f", digits, r->peer);
	printf("\n");
	fflush(stdout);
	if (bench_file) {
		fprintf(bench_file, "{\"work\":\"%s\",\"value\":%.6g,\"unit\":\"%s\"", r->work,
			value, r->unit);
		bench_member("limit", r->limit, r->limit > 0);
		bench_member("ratio", ratio, ratio > 0);
		bench_member("peer", r->peer, r->peer > 0);
		bench_member("spread", spread, r->count > 1);
		fprintf(bench_file, "}\n");
		fflush(bench_file);
	}
	return value;
}

/* A figure that is counted and not timed, and so is the same every time. */
static inline void bench_figure(const char *work, double value, const char *unit)
{
	struct bench_row r = {.work = work, .unit = unit, .values = {value}, .count = 1};

	bench_write(&r);
}

/* Calls once(arg) for a fifth of a second, five times; it returns how many units of work it did. */
static inline void bench_times(struct bench_row *r, size_t (*once)(void *arg), void *arg)
{
	for (r->count = 0; r->count < BENCH_TIMES; r->count++) {
		double start = bench_now(), elapsed;
		size_t done = 0;
		do {
			done += once(arg);
			elapsed = bench_now() - start;
		} while (elapsed < 0.2);
		r->values[r->count] = (double)done / elapsed;
	}
}

static inline double bench(const char *work, const char *unit, size_t (*once)(void *arg), void *arg)
{
	struct bench_row r = {.work = work, .unit = unit};

	bench_times(&r, once, arg);
	return bench_write(&r);
}

#endif
