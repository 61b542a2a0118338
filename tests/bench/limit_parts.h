/* What the two files of the limits share; nobody else includes it. */
#ifndef TESTS_BENCH_LIMIT_PARTS_H
#define TESTS_BENCH_LIMIT_PARTS_H

#include <lmdb.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#define must(condition) \
	do { \
		if (!(condition)) { \
			fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition); \
			exit(1); \
		} \
	} while (0)

double limit_now(void);
/* make: dir is filled in. */
MDB_env *limit_env(char dir[32], bool make);
/* Closes and removes it. */
void limit_env_close(MDB_env *env, const char *dir);
/* Of a small message over CURVE between two processes, the median. */
double limit_round_trip_ms(void);

#endif
