#include "node/admin/audit.h"

#include <string.h>

#include "node/duty/audit_chain.h"
#include "protocol/admin.h"

/* SPEC 9.2: "A row of the audit is the JSON object {"number","before","uid","pid","do","summary"};
 * its time is that of the fact." */
enum err audit_write(struct node *node, const struct caller *caller, const char *name,
		     const char *summary)
{
	struct text t;
	enum err e = ERR_MEMORY;

	text_init(&t);
	text_str(&t, "{");
	admin_put_number(&t, "uid", (uint64_t)caller->uid);
	admin_put_signed(&t, "pid", (int64_t)caller->pid);
	admin_put_string(&t, "do", name);
	admin_put_name(&t, "summary");
	if (summary[0] && strlen(summary) <= AUDIT_SUMMARY_MAX_BYTES)
		text_str(&t, summary);
	else
		text_str(&t, "null");
	text_str(&t, "}");
	if (!t.bad)
		e = node_note(node, FACT_AUDIT, t.at, t.length);
	text_clear(&t);
	return e;
}

void audit_show(struct text *t, const struct log_row *row)
{
	const char *text = (const char *)row->data;
	struct hash hash;
	cJSON *json;

	text_str(t, "{");
	admin_put_time(t, "time", row->arrived);
	hash = audit_hash(row);
	admin_put_hex(t, "hash", hash.b, HASH_BYTES);
	if (json_parse(&json, text, row->length, NULL) == ERR_OK && cJSON_IsObject(json) &&
	    row->length > 2) {
		text_str(t, ",");
		text_add(t, text + 1, row->length - 1);
	} else {
		admin_put_string(t, "error", "this row is damaged");
		text_str(t, "}");
	}
	cJSON_Delete(json);
}
