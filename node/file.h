/* Whole files, read within a bound and replaced at once. */
#ifndef NODE_FILE_H
#define NODE_FILE_H

#include "protocol/error.h"
#include "protocol/report.h"

/* Reads a whole file of at most most bytes ("-": standard input).  The caller frees *out, which has
 * a NUL behind its end.  ERR_NOT_FOUND, ERR_IO, ERR_LIMIT, with words that do not repeat the path.
 */
enum err file_read(char **out, size_t *n, const char *path, size_t most, struct report *report);
/* The same, with words that begin with the path. */
enum err file_read_named(char **out, size_t *n, const char *path, size_t most,
			 struct report *report);
/* The same for text: ERR_FORMAT where it is not UTF-8, or has a NUL byte in it and would be cut off
 * there. */
enum err file_read_text(char **out, size_t *n, const char *path, size_t most,
			struct report *report);
/* Replaces the file by n bytes, at once and synced; NULL writes to standard output.  Where a link
 * stands the file behind it is replaced, and what is no file, as /dev/null, is written into. */
enum err file_write(const char *path, const char *data, size_t n, struct report *report);

#endif
