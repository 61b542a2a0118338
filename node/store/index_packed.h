/* A large set of records of one width in one table of LMDB, packed into blocks of a page.
 *
 * Keys that are hashes fall anywhere.  A tree of rows changes nearly all its pages for each batch
 * of them, and leaves a third of each empty.  Here a batch becomes a run of its own, sorted, in
 * full blocks one after the other; runs are merged later, so that few are left, each much larger
 * than those behind it, and a record is written a few times however many there are.  A merge goes
 * on in small steps, each a part of the range of keys, and may be left at any time: a record stands
 * in one run before it and in another one after it.
 *
 *     row   run 4 | first record of the block -> records, ascending
 *     meta  name -> into 4 | upto 4 | step 4 | (run 4 | records in it 8)*, oldest first; the runs
 *           behind into, as far as upto, are being merged into it, so many records in a step; 0: no
 *           merge is under way
 *
 * A record has eight bytes at least, and a set has it once.  Functions return codes of LMDB; those
 * that change something leave the set unusable after a failure, and the transaction is to be given
 * up. */
#ifndef NODE_INDEX_PACKED_H
#define NODE_INDEX_PACKED_H

#include <lmdb.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	PACKED_RUNS_MAX = 24,
	PACKED_RUN_BYTES = 4,
	PACKED_BLOCK_BYTES = 4080, /* what LMDB puts on a page of its own */
	PACKED_WIDTH_MAX = 64,
};

struct packed_run {
	uint32_t number;
	uint64_t count;
};

/* Where the last look-up was in a run: the next one is often near. */
struct packed_finger {
	const uint8_t *first; /* or NULL */
	size_t count;
};

struct packed {
	MDB_dbi table, meta;
	const char *name; /* of its row in meta */
	size_t width;
	MDB_cursor *cursor; /* NULL: not open */
	struct packed_run runs[PACKED_RUNS_MAX];
	size_t run_count;
	uint32_t into, upto, step;
	struct packed_finger fingers[PACKED_RUNS_MAX];
};

/* Opens the set, of which the four first members are given, in a transaction, or in the same one of
 * a reader after it was renewed.  No row in meta: it is empty. */
int packed_open(struct packed *p, MDB_txn *txn);
void packed_close(struct packed *p);
/* Writes the row in meta; before the transaction is committed. */
int packed_save(const struct packed *p);

uint64_t packed_count(const struct packed *p);
/* Copies at most max records, ascending, from the record `from` on that begin with the same prefix
 * bytes as it. */
int packed_range(struct packed *p, const uint8_t *from, size_t prefix, uint8_t *out, size_t max,
		 size_t *n);
/* The greatest record that is no greater than `until`; MDB_NOTFOUND.  Cheap where each call asks
 * for more than the one before it. */
int packed_last(struct packed *p, const uint8_t *until, uint8_t *out);
/* Copies of a record: the next greater number, the next smaller one. */
void packed_step(const struct packed *p, uint8_t *record);
void packed_step_back(const struct packed *p, uint8_t *record);

/* Puts n records, ascending, each once, of which none is there. */
int packed_add(struct packed *p, const uint8_t *records, size_t n);
/* Keeps of n records, ascending, those that are there. */
int packed_keep(struct packed *p, uint8_t *records, size_t *n);
/* Takes n records, ascending, each of which is there, out. */
int packed_remove(struct packed *p, const uint8_t *records, size_t n);

/* True when there are so many runs that merging should not wait. */
bool packed_crowded(const struct packed *p);
/* One step of merging; *more when there is more to do.  Keen: until few runs are left, for which
 * there is time. */
int packed_merge(struct packed *p, bool keen, bool *more);

#endif
