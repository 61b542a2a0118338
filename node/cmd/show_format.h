/* khabar show --format: a message for those who have no node. */
#ifndef NODE_CMD_SHOW_FORMAT_H
#define NODE_CMD_SHOW_FORMAT_H

#include "node/cmd/document.h"

/* Prints what `show` has replied with; EXIT_... */
int show_format_print(const struct document_options *o, const cJSON *message);

#endif
