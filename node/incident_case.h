/* All that this node holds of one incident, folded.  SPEC.md 8.9. */
#ifndef NODE_INCIDENT_CASE_H
#define NODE_INCIDENT_CASE_H

#include "node/node.h"
#include "protocol/incident.h"

/* An event, and where it is. */
struct incident_case {
	struct message_id root;
	struct incident_event *events; /* owned; in the order of the fold */
	size_t count;
	size_t hidden;   /* events that are TLP:RED, and not for who asks */
	size_t surplus;  /* that an origin has beyond what is folded */
	enum tlp tlp;    /* the strictest of its messages */
	uint32_t expiry; /* hours: of the last to expire of those that carry the state */
	unsigned red_opened;
	cJSON *state; /* owned; NULL: no event tells it */
};

/* Reads and folds what the readers see.  red: what is TLP:RED too.  ERR_NOT_FOUND when the message
 * opened no incident.  On ERR_OK the caller calls case_clear(). */
enum err case_read(struct incident_case *c, struct node *node, struct log_reader *log,
		   struct index_reader *index, const struct message_id *root, bool red);
void case_clear(struct incident_case *c);

#endif
