/* taken: what khabar follow tells of files and events that are shared by themselves. */
#include <stdio.h>
#include <string.h>

#include "node/admin/answer.h"
#include "node/loop.h"

static const char *const kinds[] = {[INFLOW_WATCH] = "watch", [INFLOW_MISP] = "misp"};

enum { KINDS = sizeof kinds / sizeof *kinds };

void inflows_show(struct text *t, struct node *node)
{
	struct inflow_status all[INFLOWS_MAX];
	size_t n = node_inflows(node, all);

	admin_put_name(t, "inflows");
	text_str(t, "[");
	for (size_t i = 0; i < n; i++) {
		admin_put_name(t, NULL);
		text_str(t, "{");
		admin_put_string(t, "kind", kinds[all[i].kind]);
		admin_put_string(t, "name", all[i].name);
		admin_put_number(t, "taken", all[i].taken);
		admin_put_time(t, "at", all[i].at);
		admin_put_string(t, "failed", *all[i].failed ? all[i].failed : NULL);
		text_str(t, "}");
	}
	text_str(t, "]");
}

enum err answer_taken(struct answer *a)
{
	struct admin_request *r = &a->request;
	const char *name = admin_string(r, "name"), *kind = admin_string(r, "kind");
	const char *failed = admin_string(r, "failed");
	struct inflow_status status = {.at = clock_wall()};
	size_t k = 0;

	status.taken = admin_number(r, "count", 0, UINT32_MAX, 0);
	if (!admin_request_done(r) || !answer_no_frames(a))
		return ERR_FORMAT;
	while (k < KINDS && kind && strcmp(kinds[k], kind) != 0)
		k++;
	if (!name || !name_valid(name) || !kind || k == KINDS) {
		report_add(&a->report, "\"kind\" and \"name\" are none of the configuration's");
		return ERR_FORMAT;
	}
	status.kind = (enum inflow_kind)k;
	strcpy(status.name, name);
	snprintf(status.failed, sizeof status.failed, "%s", failed ? failed : "");
	utf8_trim(status.failed);
	node_inflow(a->node, &status);
	return ERR_OK;
}
