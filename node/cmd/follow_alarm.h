/* Telling alarms to people: khabar follow runs the command of the section alarm. */
#ifndef NODE_CMD_FOLLOW_ALARM_H
#define NODE_CMD_FOLLOW_ALARM_H

#include <signal.h>

#include "node/cmd/client.h"
#include "node/config.h"

/* All zeros but the configuration at the beginning. */
struct alarm_following {
	const struct config *config;
	uint64_t next; /* mono ms: the command is not run before */
};

/* Asks for what was not told yet and, when the time has come, tells it. */
void follow_alarms(struct alarm_following *x, struct client *client,
		   const volatile sig_atomic_t *ended);

#endif
