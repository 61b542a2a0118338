/* The blocks of a packed set; nobody but index_packed*.c includes it. */
#ifndef NODE_INDEX_PACKED_PARTS_H
#define NODE_INDEX_PACKED_PARTS_H

#include "node/store/index_packed.h"

/* A block as it stands in the file: valid until something is written. */
struct block {
	uint32_t run;
	const uint8_t *first;
	size_t count;
};

/* The block in which the record would be: the last of the run that does not begin behind it, else
 * the first.  MDB_NOTFOUND: the run is empty. */
int block_seek(const struct packed *p, uint32_t run, const uint8_t *record, struct block *b);
/* The next of the run; MDB_NOTFOUND, and the block is what it was. */
int block_next(const struct packed *p, struct block *b);
/* The number of the first record in it that is not before that one. */
size_t block_find(const struct packed *p, const struct block *b, const uint8_t *record);

/* Puts records, ascending, into a run; takes them out, as far as they are in it; takes everything
 * out up to and with one record.  The run's count follows. */
int run_put(struct packed *p, struct packed_run *run, const uint8_t *records, size_t n);
int run_remove(struct packed *p, struct packed_run *run, const uint8_t *records, size_t n);
int run_cut(struct packed *p, struct packed_run *run, const uint8_t *last);

#endif
