/* What a node does by itself. */
#include "node/node_parts.h"

static duty *const duties[] = {
	duty_card,     duty_rolekeys, duty_verdicts,  duty_purge,      duty_quota,
	duty_erase,    duty_restore,  duty_receipts,  duty_reseal,     duty_forwards,
	duty_beacon,   duty_outbox,   duty_incidents, duty_unanswered, duty_sightings,
	duty_evidence, duty_audits,   duty_watch,     duty_alarms,
};

enum err duties_run(void *arg, uint64_t now, uint64_t *next)
{
	enum err first = ERR_OK;

	for (size_t i = 0; i < sizeof duties / sizeof *duties; i++) {
		enum err e = duties[i](arg, now, next);
		if (e && !first)
			first = e;
	}
	return first;
}
