/* What the log remembers in its small values, as a node goes by it. */
#ifndef NODE_REMEMBERED_H
#define NODE_REMEMBERED_H

#include "node/store/log.h"

/* As log_get(), of what can be found out again, or done without: one that is damaged, or longer
 * than size, is none (ERR_NOT_FOUND), and that is said. */
enum err remembered_get(struct log_reader *log, const char *key, void *value, size_t size,
			size_t *n);
#endif
