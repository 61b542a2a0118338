/* What the steps of khabar doctor share. */
#ifndef NODE_CMD_DOCTOR_H
#define NODE_CMD_DOCTOR_H

#include "keys/identity.h"
#include "node/cmd/client.h"
#include "node/config.h"
#include "protocol/topology.h"

enum finding { FINDING_OK, FINDING_WARNING, FINDING_FAILED };

struct doctor {
	const struct cmd_context *c;
	const char *to; /* a neighbour whose link is walked in any case, or NULL */
	struct config *config;
	struct identity *identity;
	struct topology *topology;
	struct client client; /* open while running */
	bool running;         /* a node answers */
	struct reply status, links;
	size_t warnings, failures;
};

/* Tells what a step has found, and the command that mends it, or NULL. */
void doctor_say(struct doctor *d, enum finding finding, const char *step, const char *mend,
		const char *format, ...) __attribute__((format(printf, 5, 6)));

/* doctor_home.c: disk, backups, keys that were copied, exports, alarms. */
void doctor_home(struct doctor *d);
/* doctor_link.c: each link, step by step. */
void doctor_links(struct doctor *d);
/* doctor_calls.c: whose calls come to that port of this machine, and are answered in vain. */
void doctor_calls(struct doctor *d, unsigned port);

#endif
