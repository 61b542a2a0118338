#include "node/admin/errand.h"

#include <stdlib.h>

#include "node/admin/answer.h"
#include "node/admin/audit.h"

enum err errand_run(const struct errand *errand, struct report *report)
{
	const char *name = admin_do(errand->request);
	const struct answer_entry *entry = name ? answer_find(name) : NULL;
	struct answer a = {.node = errand->node,
			   .log = errand->log,
			   .index = errand->index,
			   .caller = &errand->caller,
			   .frames = errand->frames,
			   .frame_count = errand->frame_count,
			   .before = errand->before,
			   .approved = errand->approved};
	enum err e;

	if (!entry)
		return ERR_UNSUPPORTED;
	report_init(&a.report);
	text_init(&a.reply);
	text_init(&a.summary);
	admin_request_init(&a.request, errand->request, &a.report);
	e = entry->answer(&a);
	if (e && a.report.count)
		report_add(report, "%s", report_first(&a.report));
	if (!e && errand->audited && a.summary.length && !a.summary.bad)
		(void)audit_write(errand->node, &errand->caller, entry->name, a.summary.at);
	text_clear(&a.reply);
	text_clear(&a.summary);
	report_clear(&a.report);
	free(a.frame);
	return e;
}
