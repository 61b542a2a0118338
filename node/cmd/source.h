/* A file to be read from its start to its end: plain, or packed by gzip or zstd, which is seen in
 * its first bytes and not in its name. */
#ifndef NODE_CMD_SOURCE_H
#define NODE_CMD_SOURCE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "protocol/error.h"
#include "protocol/report.h"

struct source;

/* path "-" is standard input.  ERR_IO, with words. */
enum err source_open(struct source **source, const char *path, struct report *report);
void source_close(struct source *source);

/* At most n bytes, as many as are there for now; 0 at the end; -1, with words. */
ssize_t source_read(struct source *source, void *out, size_t n, struct report *report);

bool source_packed(const struct source *source);
/* Is there nothing to be read before more is written into the pipe? */
bool source_waits(const struct source *source);
/* Leaves out the first n bytes, before anything was read; false, with words, when it is packed or
 * cannot be done. */
bool source_skip(struct source *source, uint64_t n, struct report *report);

/* Bytes of the file that were read, and how many it has; 0: not known. */
uint64_t source_done(const struct source *source);
uint64_t source_total(const struct source *source);

#endif
