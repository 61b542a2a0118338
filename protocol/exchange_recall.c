/* What is taken back by a recall, here or in the same batch, is kept without its body, and leaves
 * without it. SPEC.md 5.8.
 *
 * Of a batch the recalls are sorted once, so that one who floods with them costs no more than with
 * anything else. */
#include <stdlib.h>
#include <string.h>

#include "protocol/exchange_state.h"
#include "protocol/recall.h"

static bool is_recall(const struct pending *p)
{
	return p->message.header[KIND_OFFSET] == KIND_RECALL;
}

static const uint8_t *ref_of(const struct pending *p)
{
	return p->message.header + REF_OFFSET;
}

static int by_ref(const void *a, const void *b)
{
	return memcmp(ref_of(*(struct pending *const *)a), ref_of(*(struct pending *const *)b),
		      MESSAGE_ID_BYTES);
}

/* The recalls among the first n, ascending by what they take back; owned by the caller. */
static enum err recalls_sort(const struct exchange *x, size_t n, struct pending ***out,
			     size_t *count)
{
	struct pending **sorted = malloc((n + 1) * sizeof(*sorted));

	*out = sorted;
	*count = 0;
	if (!sorted)
		return ERR_MEMORY;
	for (size_t i = 0; i < n; i++) {
		if (pending_keeps(x->pending[i]) && is_recall(x->pending[i]))
			sorted[(*count)++] = x->pending[i];
	}
	qsort(sorted, *count, sizeof(*sorted), by_ref);
	return ERR_OK;
}

/* The first of them that takes back id, or something behind it. */
static size_t first_of(struct pending *const *recalls, size_t count, const struct message_id *id)
{
	size_t low = 0;

	while (low < count) {
		size_t middle = low + (count - low) / 2;
		if (memcmp(ref_of(recalls[middle]), id->b, MESSAGE_ID_BYTES) < 0)
			low = middle + 1;
		else
			count = middle;
	}
	return low;
}

/* Has the message been recalled, here or by one of these?  *known: by any; *taken: by one that is
 * accepted. */
static enum err recalled(struct exchange *x, struct pending *const *recalls, size_t count,
			 const struct pending *p, bool *known, bool *taken)
{
	struct header target, h;
	uint64_t lsn;
	enum err e = header_decode(&target, p->message.header, p->message.header_length);

	*known = *taken = false;
	for (size_t i = first_of(recalls, count, &p->judged.id); i < count && !e && !*taken; i++) {
		const struct pending *q = recalls[i];
		if (memcmp(ref_of(q), p->judged.id.b, MESSAGE_ID_BYTES) != 0)
			break;
		e = header_decode(&h, q->message.header, q->message.header_length);
		if (e || !recall_applies(&h, &target, &p->judged.id))
			continue;
		*known |= verdict_holds(q->judged.verdict);
		*taken = q->judged.verdict == VERDICT_ACCEPTED;
	}
	if (e || *taken)
		return e;
	e = recall_find(&x->host.store, &target, &p->judged.id, false, &lsn);
	*taken = e == ERR_OK;
	if (e == ERR_NOT_FOUND && p->judged.bodyless && !*known) {
		e = recall_find(&x->host.store, &target, &p->judged.id, true, &lsn);
		*known = e == ERR_OK;
	}
	return e == ERR_NOT_FOUND ? ERR_OK : e;
}

/* SPEC 5.8: "A receiver that has no recall of a message that comes without its body refuses it as
 * unjudgeable." */
static void bodyless_refuse(struct pending *p)
{
	if (p->judged.bodyless && p->judged.verdict != VERDICT_HEADER_ONLY) {
		p->judged.judgement = JUDGED_REFUSED;
		p->judged.reason = NAK_UNJUDGEABLE;
	}
}

static enum err recalled_apply(struct exchange *x, struct pending *const *recalls, size_t count,
			       struct pending *p)
{
	bool known, taken;
	enum err e = recalled(x, recalls, count, p, &known, &taken);

	if (e)
		return e;
	if (taken)
		p->message.body = NULL;
	if (!known && !taken)
		bodyless_refuse(p);
	return ERR_OK;
}

enum err recalls_apply(struct exchange *x, size_t n)
{
	struct pending **recalls;
	size_t count;
	enum err e;

	/* SPEC 5.8: "and the target is no recall".  First, for what is refused takes nothing back.
	 */
	for (size_t i = 0; i < n; i++) {
		if (pending_keeps(x->pending[i]) && is_recall(x->pending[i]))
			bodyless_refuse(x->pending[i]);
	}
	e = recalls_sort(x, n, &recalls, &count);
	for (size_t i = 0; i < n && !e; i++) {
		if (pending_keeps(x->pending[i]) && !is_recall(x->pending[i]))
			e = recalled_apply(x, recalls, count, x->pending[i]);
	}
	free(recalls);
	return e;
}

/* ---- what waits for a neighbour ---- */

struct taking_back {
	const struct header *recall;
	uint64_t lsn; /* of what it takes back; 0: not known */
};

static bool taken_back(void *arg, uint64_t lsn, const uint8_t *header, size_t n)
{
	const struct taking_back *t = arg;
	struct message_id id;
	struct header h;

	if ((t->lsn && lsn != t->lsn) || header_decode(&h, header, n) != ERR_OK ||
	    !recall_applies(t->recall, &h, &t->recall->ref))
		return false;
	if (t->lsn)
		return true;
	id = message_id_of(header, n);
	return message_id_equal(&id, &t->recall->ref);
}

void peer_recalled(struct peer *p, const struct header *recall, uint64_t target)
{
	struct taking_back arg = {.recall = recall, .lsn = target};
	enum lane lane;
	uint64_t lsn;

	while (session_unqueue(p->session, LANE_URGENT, taken_back, &arg, &lane, &lsn)) {
		if (turns_add(&p->lanes[lane], &recall->origin, lsn) == ERR_OK)
			p->live += lane != LANE_BACKFILL;
		else if (!p->missed || lsn < p->missed)
			p->missed = lsn;
	}
}
