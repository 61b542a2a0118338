/* A request that nobody at the admin socket waits for: what was held, and what the node asks of
 * itself. */
#ifndef NODE_ERRAND_H
#define NODE_ERRAND_H

#include "node/admin/rights.h"
#include "node/node.h"
#include "protocol/json.h"

struct errand {
	struct node *node;
	struct log_reader *log; /* which move, as index does */
	struct index_reader *index;
	struct caller caller; /* in whose name */
	const cJSON *request; /* as it would have come */
	const struct slice *frames;
	size_t frame_count;
	const struct before_sending *before; /* or NULL */
	bool approved;                       /* a second operator has approved it */
	bool audited;                        /* what it changes is kept in the audit */
};

/* Makes what it asks for; the reply is nobody's.  ERR_UNSUPPORTED: there is no such request.  The
 * first word of a refusal goes into report. */
enum err errand_run(const struct errand *errand, struct report *report);

#endif
