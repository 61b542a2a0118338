/* Holding what is to be sent, and outbox and cancel: what is held, and taking it back. */
#include "node/admin/answer.h"

#include <stdlib.h>
#include <string.h>

#include "node/duty/holding.h"
#include "node/loop.h"

enum { HOLD_MAX_S = 7 * 24 * 3600 };

bool answer_holds(const struct answer_entry *entry, const cJSON *request)
{
	static answer_fn *const senders[] = {answer_share, answer_forward, answer_withdraw,
					     answer_incident_say};

	for (size_t i = 0; i < sizeof senders / sizeof *senders; i++)
		if (entry->answer == senders[i])
			return cJSON_HasObjectItem(request, "hold");
	return false;
}

/* Without "hold", so that it is what is made later; the caller frees it. */
static cJSON *without_hold(const cJSON *request)
{
	cJSON *copy = cJSON_Duplicate(request, true);

	cJSON_DeleteItemFromObjectCaseSensitive(copy, "hold");
	return copy;
}

/* SPEC 9.12: "It is checked at once, as a dry run of it would be, and refused where that is." */
static enum err dry_run(struct answer *a, const struct answer_entry *entry, const cJSON *request)
{
	cJSON *trial = cJSON_Duplicate(request, true);
	struct admin_request asked = a->request;
	enum err e = ERR_MEMORY;

	cJSON_DeleteItemFromObjectCaseSensitive(trial, "dry_run");
	if (trial && cJSON_AddTrueToObject(trial, "dry_run")) {
		admin_request_init(&a->request, trial, &a->report);
		e = entry->answer(a);
	}
	a->where = NULL; /* it may be of the trial */
	text_clear(&a->summary);
	text_init(&a->summary);
	a->request = asked;
	cJSON_Delete(trial);
	return e;
}

/* 0 where nothing but an approval is waited for. */
static uint64_t due_shown(const struct outbox_item *item)
{
	return item->wants_approval && item->due == item->made ? 0 : item->due;
}

static enum err keep(struct answer *a, const char *name, const cJSON *request, uint64_t seconds,
		     bool approval)
{
	char *text = cJSON_PrintUnformatted(request);
	struct text shown;
	struct outbox_item item = {.made = clock_wall(),
				   .uid = a->caller->uid,
				   .gid = a->caller->gid,
				   .pid = a->caller->pid,
				   .wants_approval = approval,
				   .frames = a->frames,
				   .frame_count = a->frame_count};
	enum err e = text ? ERR_OK : ERR_MEMORY;

	item.due = item.made + seconds * 1000;
	text_init(&shown);
	text_str(&shown, "{");
	text_add(&shown, a->reply.at ? a->reply.at : "", a->reply.length);
	text_str(&shown, "}");
	if (!e && shown.bad)
		e = ERR_MEMORY;
	if (!e) {
		item.request = (struct slice){text, strlen(text)};
		item.shown = (struct slice){shown.at, shown.length};
		e = holding_add(a->node, &item, &a->report);
	}
	if (!e) {
		admin_put_string(&a->reply, "held", item.id);
		admin_put_time(&a->reply, "due", due_shown(&item));
		text_str(&a->summary, "{");
		admin_put_string(&a->summary, "held", item.id);
		admin_put_string(&a->summary, "for", name);
		admin_put_time(&a->summary, "due", due_shown(&item));
		text_str(&a->summary, "}");
	}
	text_clear(&shown);
	free(text);
	return e;
}

enum err answer_hold(struct answer *a, const struct answer_entry *entry)
{
	uint64_t seconds = admin_number(&a->request, "hold", 1, HOLD_MAX_S, 0);
	cJSON *request = without_hold(a->request.json);
	enum err e = request ? ERR_OK : ERR_MEMORY;

	if (!e && (a->request.bad ||
		   cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(request, "dry_run")))) {
		if (!a->request.bad)
			report_add(&a->report, "a dry run sends nothing: there is nothing to hold");
		a->where = "hold";
		e = ERR_FORMAT;
	}
	if (!e)
		e = dry_run(a, entry, request);
	if (!e)
		e = keep(a, entry->name, request, seconds, a->awaits);
	cJSON_Delete(request);
	return e;
}

enum err answer_await(struct answer *a)
{
	return keep(a, admin_do(a->request.json), a->request.json, 0, true);
}

/* ---- what is held ---- */

static void item_show(struct answer *a, const struct outbox_item *item)
{
	struct text *t = &a->reply;
	cJSON *json = NULL;

	admin_put_name(t, NULL);
	text_str(t, "{");
	admin_put_string(t, "id", item->id);
	admin_put_time(t, "made", item->made);
	admin_put_time(t, "due", due_shown(item));
	admin_put_number(t, "uid", (uint64_t)item->uid);
	if (admin_parse(&json, item->request.at, item->request.length, NULL) == ERR_OK)
		admin_put_string(t, "do", admin_do(json));
	cJSON_Delete(json);
	admin_put_string(t, "failed", *item->failed ? item->failed : NULL);
	admin_put_name(t, "shown");
	text_add(t, item->shown.at, item->shown.length);
	if (item->wants_approval)
		admin_put_string(t, "approval", "wanted");
	if (item->approved)
		admin_put_number(t, "approver", (uint64_t)item->approver);
	text_str(t, "}");
}

enum err answer_outbox(struct answer *a)
{
	char(*ids)[OUTBOX_ID_DIGITS + 1] = calloc(OUTBOX_MAX, sizeof *ids);
	size_t count = 0;
	enum err e = ids ? ERR_OK : ERR_MEMORY;

	if (!e && (!admin_request_done(&a->request) || !answer_no_frames(a)))
		e = ERR_FORMAT;
	if (!e)
		e = holding_list(a->node, ids, &count);
	admin_put_name(&a->reply, "lines");
	text_str(&a->reply, "[");
	for (size_t i = 0; !e && i < count; i++) {
		struct outbox_memory *memory;
		struct outbox_item item;

		/* What has been sent meanwhile is not held any more. */
		if (outbox_read(node_home(a->node), node_identity(a->node), ids[i], &item, &memory))
			continue;
		item_show(a, &item);
		outbox_forget(memory);
	}
	text_str(&a->reply, "]");
	admin_put_string(&a->reply, "next", NULL);
	free(ids);
	return e;
}

enum err answer_cancel(struct answer *a)
{
	const char *prefix = admin_string(&a->request, "id");
	char id[OUTBOX_ID_DIGITS + 1];
	enum err e;

	if (!admin_request_done(&a->request) || !answer_no_frames(a))
		return ERR_FORMAT;
	a->where = "id";
	if (!prefix || !answer_is_id(prefix)) {
		report_add(&a->report, "the id of what is held is wanted: at least 4 digits");
		return ERR_FORMAT;
	}
	e = holding_cancel(a->node, prefix, id);
	if (e == ERR_NOT_FOUND)
		report_add(&a->report, "nothing with the id %s is held: it was sent, or cancelled",
			   prefix);
	else if (e == ERR_LIMIT)
		report_add(&a->report, "several things with an id that starts with %s are held",
			   prefix);
	else if (e == ERR_STATE)
		report_add(&a->report, "too late: it is being sent");
	if (e)
		return e;
	admin_put_string(&a->reply, "cancelled", id);
	text_str(&a->summary, "{");
	admin_put_string(&a->summary, "held", id);
	text_str(&a->summary, "}");
	return ERR_OK;
}

/* SPEC 9.15: "who approves is another user than who asked" */
enum err answer_approve(struct answer *a)
{
	const char *prefix = admin_string(&a->request, "id");
	char id[OUTBOX_ID_DIGITS + 1];
	uid_t of = 0;
	enum err e;

	if (!admin_request_done(&a->request) || !answer_no_frames(a))
		return ERR_FORMAT;
	a->where = "id";
	if (!prefix || !answer_is_id(prefix)) {
		report_add(&a->report, "the id of what is held is wanted: at least 4 digits");
		return ERR_FORMAT;
	}
	e = holding_approve(a->node, prefix, a->caller->uid, id, &of);
	if (e == ERR_NOT_FOUND)
		report_add(&a->report, "nothing with the id %s is held: it was sent, or cancelled",
			   prefix);
	else if (e == ERR_LIMIT)
		report_add(&a->report, "several things with an id that starts with %s are held",
			   prefix);
	else if (e == ERR_STATE)
		report_add(&a->report, "it waits for its time, not for an approval");
	else if (e == ERR_NOT_ALLOWED)
		report_add(&a->report, "uid %lu has asked for it: somebody else must approve it",
			   (unsigned long)a->caller->uid);
	if (e)
		return e;
	admin_put_string(&a->reply, "approved", id);
	admin_put_number(&a->reply, "uid", (uint64_t)of);
	text_str(&a->summary, "{");
	admin_put_string(&a->summary, "held", id);
	admin_put_number(&a->summary, "uid", (uint64_t)of);
	text_str(&a->summary, "}");
	return ERR_OK;
}
