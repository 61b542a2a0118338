/* A fuzz target is one file with the function below.  libFuzzer calls it with what it invents
 * (`make fuzz`); replay.c calls it, as an ordinary test, with its corpus cut and flipped.
 *
 * A target checks more than that nothing crashes: what was read and is written again must be the
 * same. */
#ifndef TESTS_FUZZ_H
#define TESTS_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

/* How many runs of an ordinary target one of this takes as long as; 1 unless a target says so.  The
 * replay of a slow one has fewer variations. */
unsigned fuzz_cost(void);

/* Not assert(): it must hold in every build. */
#define must(condition) \
	do { \
		if (!(condition)) { \
			fprintf(stderr, "%s:%d: must hold: %s\n", __FILE__, __LINE__, #condition); \
			abort(); \
		} \
	} while (0)

#endif
