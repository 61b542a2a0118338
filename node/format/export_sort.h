/* Sorting more records than memory shall hold: runs are sorted in memory, kept in a temporary file
 * without a name, and merged.
 *
 * Records are bytes in the order of memcmp, a shorter one before its continuations; equal ones are
 * given once.  What comes out depends on the set of records alone, so exports of equal content are
 * equal whatever way it came. */
#ifndef NODE_FORMAT_EXPORT_SORT_H
#define NODE_FORMAT_EXPORT_SORT_H

#include "protocol/error.h"
#include "protocol/json.h"

struct sorter;

enum { SORT_MEMORY_BYTES = 32 << 20, SORT_RECORD_MAX_BYTES = 64 << 20 };

/* memory is how many bytes of records are sorted at once; dir, borrowed, is where the temporary
 * file may grow.  NULL without memory. */
struct sorter *sorter_new(const char *dir, size_t memory);
void sorter_free(struct sorter *s);

/* ERR_MEMORY, ERR_LIMIT, ERR_IO (errno says why); the first error is returned again by all that
 * follow. */
enum err sorter_add(struct sorter *s, const void *record, size_t n);

/* The next record in order, until ERR_NOT_FOUND; valid until the next call.  Nothing can be added
 * after the first. */
enum err sorter_next(struct sorter *s, struct slice *record);

#endif
