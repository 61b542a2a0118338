/* One run of khabar export, for whoever runs it again and again. */
#ifndef NODE_CMD_EXPORT_RUN_H
#define NODE_CMD_EXPORT_RUN_H

#include <stdint.h>

#include "node/cmd/follow_carried.h"

/* How the reason begins that the node is told where an export was not written. */
#define EXPORT_NOT_WRITTEN "it could not be written"

/* Equal for equal exports, but for the serial of a zone and the like. */
struct export_digest {
	uint64_t sum[4], lines;
};

struct export_outcome {
	const struct export_digest
		*before;             /* of the last run: what is equal is not written; or NULL */
	struct export_digest digest; /* of this one */
	bool written;
	size_t count; /* of what was */
	struct carried_messages messages;
};

bool export_same(const struct export_digest *a, const struct export_digest *b);
/* outcome NULL: for people, who are told what came of it. */
int export_once(const struct cmd_context *c, int argc, char **argv, struct export_outcome *outcome);

#endif
