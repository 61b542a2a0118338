/* What is in the log and is not to be seen any more, or not yet; and the word of an operator that
 * shows the latter. */
#include "node/admin/answer.h"

#include <string.h>

enum hidden answer_hidden(struct answer *a, const struct log_row *row, const struct header *h)
{
	/* SPEC 6.5: "From then on it is shown and exported no more, whether it was purged already
	 * or not." */
	if (h->expiry < a->floor)
		return HIDDEN_EXPIRED;
	/* SPEC 5.8: "What is recalled is hidden at once" */
	if (answer_recalled(a, &row->id, h))
		return HIDDEN_RECALLED;
	/* SPEC 6.6: "What waits is neither shown nor exported" */
	switch (restored_look(a->log, &a->restored, row->lsn, h)) {
	case RESTORED_EXPIRED:
		return HIDDEN_EXPIRED;
	case RESTORED_WAITS:
		return HIDDEN_WAITING;
	case RESTORED_SHOWN:
		break;
	}
	return HIDDEN_NOT;
}

void answer_waiting(struct answer *a)
{
	uint64_t messages;

	if (a->restored.until && node_waits(a->node, &messages) && messages)
		admin_put_number(&a->reply, "unreconciled", messages);
}

enum { REASON_MAX_BYTES = 256 };

enum err answer_release(struct answer *a)
{
	bool all = admin_flag(&a->request, "all");
	const char *reason = admin_string(&a->request, "reason");
	uint64_t messages;
	enum err e;

	if (!admin_request_done(&a->request) || !answer_no_frames(a))
		return ERR_FORMAT;
	a->where = all ? "reason" : "all";
	if (!all || !reason || !*reason || strlen(reason) > REASON_MAX_BYTES) {
		report_add(&a->report,
			   all ? "a reason of 1 to 256 bytes is wanted: it goes into the "
				 "audit"
			       : "what waits is released whole: \"all\" is wanted");
		return ERR_FORMAT;
	}
	a->where = NULL;
	if (!node_waits(a->node, &messages)) {
		report_add(&a->report,
			   "nothing waits: this node was not restored, or all of it was "
			   "reconciled since");
		return ERR_STATE;
	}
	e = node_release(a->node);
	if (e)
		return e;
	admin_put_number(&a->reply, "released", messages);
	text_str(&a->summary, "{");
	admin_put_number(&a->summary, "messages", messages);
	admin_put_string(&a->summary, "reason", reason);
	text_str(&a->summary, "}");
	return ERR_OK;
}
