/* Failures on demand: the test says which call of the product is to fail, the nth of its sort.
 *
 * What the product calls is replaced in its libraries, LMDB's and zstd's included (the files
 * replaced and replaced-store), so that nothing of the tests themselves fails.  cJSON allocates by
 * the same functions once fault_init() was called.  What czmq's zconfig allocates never fails: it
 * would end the program by itself. */
#ifndef TESTS_FAULT_FAULT_H
#define TESTS_FAULT_FAULT_H

#include <stdbool.h>
#include <stdint.h>

enum fault_sort {
	FAULT_MEMORY = 1, /* allocations: NULL */
	FAULT_STORE = 2,  /* calls of LMDB: the code */
	FAULT_FILE = 4,   /* files and folders: -1 with the code in errno */
	FAULT_SHORT = 8,  /* writes: half of it is written, then as FAULT_FILE */
};

void fault_init(void);
/* From now on the nth call of those sorts fails, counted from 1; for good: so do all after it. */
void fault_start(unsigned sorts, uint64_t nth, bool for_good, int code);
/* No more; returns how many calls there were. */
uint64_t fault_stop(void);

#endif
