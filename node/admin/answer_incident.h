/* What the answers about incidents share. */
#ifndef NODE_ANSWER_INCIDENT_H
#define NODE_ANSWER_INCIDENT_H

#include "node/admin/answer.h"
#include "node/incident_case.h"

/* The incident that "id" of the request names: its number, or the start of the id of one of its
 * messages.  The caller calls case_clear() in any case. */
enum err answer_case(struct incident_case *c, struct answer *a);

#endif
