/* What a log held, as a filter of bits that says of nearly every value that is not in it that it is
 * not: so a new indicator costs a look at a few words of memory for each log, and only a log that
 * may hold it is read again.  SPEC.md 9.16.
 *
 * The filter of a log is a file in the home.  It is only a cache: it is made again where it is not
 * of the log as it is, and of a plain log that has grown only what is new is read. */
#ifndef NODE_CMD_HUNT_FILTER_H
#define NODE_CMD_HUNT_FILTER_H

#include <sys/stat.h>

#include "protocol/observable.h"
#include "protocol/report.h"

enum { HUNT_FILTER_NAME_BYTES = 40 };

struct hunt_filter;

/* The name of the filter's file: that of the same log stays the same when it is renamed. */
void hunt_filter_name(char out[HUNT_FILTER_NAME_BYTES], const struct stat *st);
/* Opens that of the log at path, kept in the folder dir, as new as the log.  ERR_IO, with words. */
enum err hunt_filter_open(struct hunt_filter **f, const char *dir, const char *path,
			  const struct stat *st, struct report *report);
void hunt_filter_close(struct hunt_filter *f);

/* False when the log certainly holds nothing that an indicator of this value would be found by. */
bool hunt_filter_may(const struct hunt_filter *f, const struct observable *indicator);

#endif
