/* What a node does by itself. */
#include "node/node_parts.h"
#include "node/say.h"

static const struct {
	const char *name;
	duty *run;
} duties[] = {
	{"its card", duty_card},
	{"keys of roles", duty_rolekeys},
	{"suspensions and voids", duty_verdicts},
	{"expiry", duty_purge},
	{"quotas", duty_quota},
	{"what was taken back", duty_erase},
	{"what was restored", duty_restore},
	{"receipts", duty_receipts},
	{"sealing again", duty_reseal},
	{"what was handed on", duty_forwards},
	{"beacons", duty_beacon},
	{"what is held", duty_outbox},
	{"incidents", duty_incidents},
	{"what nobody answers", duty_unanswered},
	{"sightings", duty_sightings},
	{"evidence", duty_evidence},
	{"the audits of others", duty_audits},
	{"what is missing", duty_watch},
	{"alarms", duty_alarms},
};

/* Says once what cannot be done, and why. */
static void tell(struct node *n, const char *name, enum err e)
{
	const char *before = atomic_exchange(&n->stuck, name);

	if (name && name != before && e != ERR_BUSY)
		say(LEVEL_ERROR, "%s cannot be seen to: %s; it is tried again", name, err_str(e));
}

enum err duties_run(void *arg, uint64_t now, uint64_t *next)
{
	struct node *n = arg;
	const char *stuck = NULL;
	enum err first = ERR_OK;

	for (size_t i = 0; i < sizeof duties / sizeof *duties; i++) {
		enum err e = duties[i].run(n, now, next);
		if (e && !first) {
			first = e;
			stuck = duties[i].name;
		}
	}
	tell(n, stuck, first);
	return first;
}
