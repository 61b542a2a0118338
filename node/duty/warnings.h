/* What somebody should look at now: the warnings of `status`, and so the alarms. */
#ifndef NODE_WARNINGS_H
#define NODE_WARNINGS_H

#include "node/node.h"
#include "protocol/json.h"

/* Is it in its time?  s may be NULL. */
bool suspension_in_force(const struct suspension *s);
/* Appends "warnings": sentences, each true at this moment.  Moves log. */
void warnings_show(struct text *t, struct node *node, struct log_reader *log,
		   const struct node_status *s);

#endif
