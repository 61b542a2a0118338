/* The body of a beacon makes no rows: whoever wants to know what it says reads it.  One that says
 * nothing that could be believed is held. */
#include <stdlib.h>

#include "node/store/index_batch.h"
#include "protocol/beacon.h"

enum err batch_beacon(struct batch *b, const struct log_row *row, const char *json, size_t n)
{
	struct beacon *beacon = malloc(sizeof *beacon);
	struct report report;
	enum err e = ERR_MEMORY;
	report_init(&report);
	if (beacon)
		e = beacon_read(beacon, json, n, &report);
	free(beacon);
	/* SPEC 5.11: "A beacon whose body is not so is held (6.2)." */
	if (e && e != ERR_MEMORY)
		e = batch_hold(b, row->lsn, report.count ? report_first(&report) : err_str(e));
	report_clear(&report);
	return e;
}
