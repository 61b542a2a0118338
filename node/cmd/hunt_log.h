/* A log that is hunted in, from a place in it to its end, in blocks of whole lines. */
#ifndef NODE_CMD_HUNT_LOG_H
#define NODE_CMD_HUNT_LOG_H

#include <stdint.h>

#include "protocol/report.h"
#include "protocol/json.h"

/* EXIT_DONE, or how it ends. */
typedef int block_fn(void *arg, struct slice block);

/* Reads path, plain or packed, from that byte on; a packed one from its start only (from is 0).
 * *through is where the last whole line of a plain one ended.  A line that is too long comes in
 * parts.  What found() returns, or EXIT_REFUSED with words. */
int hunt_log_read(const char *path, uint64_t from, block_fn *found, void *arg, uint64_t *through,
		  struct report *report);

#endif
