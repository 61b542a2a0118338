/* position and exported: what khabar follow asks, and tells. */
#include <stdio.h>
#include <string.h>

#include "node/admin/answer.h"
#include "node/loop.h"

enum err answer_position(struct answer *a)
{
	if (!admin_request_done(&a->request) || !answer_no_frames(a))
		return ERR_FORMAT;
	admin_put_number(&a->reply, "position", log_head(node_log(a->node)));
	return ERR_OK;
}

enum err answer_exported(struct answer *a)
{
	const char *name = admin_string(&a->request, "name");
	const char *failed = admin_string(&a->request, "failed");
	struct export_status status = {.at = clock_wall()};

	status.written = admin_number(&a->request, "written", 0, UINT64_C(1) << 53, 0);
	if (!admin_request_done(&a->request) || !answer_no_frames(a))
		return ERR_FORMAT;
	if (!name || !name_valid(name)) {
		report_add(&a->report, "\"name\" is no name of an export");
		return ERR_FORMAT;
	}
	strcpy(status.name, name);
	snprintf(status.failed, sizeof status.failed, "%s", failed ? failed : "");
	utf8_trim(status.failed);
	node_exported(a->node, &status);
	text_str(&a->summary, "{");
	admin_put_string(&a->summary, "export", name);
	admin_put_number(&a->summary, "written", status.written);
	admin_put_string(&a->summary, "failed", failed);
	text_str(&a->summary, "}");
	return ERR_OK;
}
