/* What the files of incidents share. */
#ifndef PROTOCOL_INCIDENT_PARTS_H
#define PROTOCOL_INCIDENT_PARTS_H

#include "protocol/incident.h"

/* The state's members in their order; NULL behind the last. */
const char *incident_member(size_t i);
/* Whether the member may be null or an empty array; which, in *list. */
bool incident_may_be_empty(const char *name, bool *list);

/* Makes of a whole extension what is sent of it, and the other way round, in place.  False when
 * memory is short: the extension is then good for nothing. */
bool incident_terse(cJSON *said);
bool incident_fill(cJSON *said, enum incident_action action);

#endif
