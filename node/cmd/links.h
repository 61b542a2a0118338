/* What khabar status and khabar links both show. */
#ifndef NODE_CMD_LINKS_H
#define NODE_CMD_LINKS_H

#include "node/admin/ask.h"

/* The heads of the columns, and one link in them. */
void links_print_head(void);
void links_print(const cJSON *link);

#endif
