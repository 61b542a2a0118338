/* khabar sight --from: what is known and stands in a log was seen here.  SPEC.md 9.13. */
#ifndef NODE_CMD_SIGHT_FROM_H
#define NODE_CMD_SIGHT_FROM_H

#include "node/cmd/client.h"
#include "node/format/sensor.h"

struct sight_from {
	const char *path;          /* "-": standard input */
	enum sensor_format format; /* SENSOR_NONE: it is recognised */
	bool name_us, dry_run;
};

int sight_from(struct client *client, const struct sight_from *from);

#endif
