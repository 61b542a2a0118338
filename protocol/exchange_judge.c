/* What arrives, and its judgement: all that is known of it before anything is kept.
 *
 * One after the other stand what is being committed, what is judged, what is being judged in the
 * background, and what came meanwhile and is judged next. */
#include <stdlib.h>
#include <string.h>

#include "protocol/exchange_state.h"

void pending_free(struct pending *p)
{
	free(p->bytes);
	free(p);
}

bool pending_keeps(const struct pending *p)
{
	return p->judged.judgement == JUDGED_AUTHENTIC && !p->duplicate;
}

enum err pending_add(struct exchange *x, struct pending *p)
{
	if (x->pending_count == x->pending_size) {
		size_t size = x->pending_size ? 2 * x->pending_size : 64;
		struct pending **grown = realloc(x->pending, size * sizeof *grown);
		if (!grown) {
			pending_free(p);
			return ERR_MEMORY;
		}
		x->pending = grown;
		x->pending_size = size;
	}
	turn_take(x, p);
	return ERR_OK;
}

/* Frees those in the range for whom nobody waits any more; returns how many. */
static size_t forgotten_free(struct exchange *x, size_t from, size_t to)
{
	size_t kept = from;

	for (size_t i = from; i < to; i++) {
		struct pending *p = x->pending[i];
		if (p->own || p->peer)
			x->pending[kept++] = p;
		else
			pending_free(p);
	}
	if (kept < to)
		memmove(x->pending + kept, x->pending + to,
			(x->pending_count - to) * sizeof(*x->pending));
	x->pending_count -= to - kept;
	return to - kept;
}

/* What came from a peer that has parted is dropped: nothing was promised to it.  What the
 * background is at cannot be stopped: what is being committed is only answered no more, and what is
 * being judged is dropped then. */
void pending_forget(struct exchange *x, const struct peer *peer)
{
	size_t judged;

	for (size_t i = 0; i < x->pending_count; i++) {
		if (x->pending[i]->peer == peer)
			x->pending[i]->peer = NULL;
	}
	forgotten_free(x, x->judging, x->pending_count);
	judged = forgotten_free(x, x->keeping, x->judged);
	x->judged -= judged;
	x->judging -= judged;
}

/* All that asks for chain and conversation. */
static void begin_one(const struct exchange *x, struct pending *p)
{
	struct passage passage;

	p->judging = (struct judging){0};
	p->split = judge_split(&p->message, p->bytes, p->length) == ERR_OK;
	if (!p->split) {
		p->judging.judged.judgement = JUDGED_FORGED;
		p->judging.judged.why = "is malformed";
	} else if (p->own) {
		judge_own(&p->judging.judged, x->host.chain, &p->message);
	} else if (peer_passage(p->peer, &passage) && p->conversation == p->peer->conversation) {
		judge_begin(&p->judging, &passage, &p->message);
	} else {
		/* The conversation is over: nobody waits for an answer. */
		p->judging.judged.judgement = JUDGED_REFUSED;
		p->judging.judged.reason = NAK_UNJUDGEABLE;
	}
}

/* Touches nothing but its own pending message: any thread. */
static void check_one(void *ctx, size_t i)
{
	struct pending *p = ((struct pending **)ctx)[i];

	judge_check(&p->judging, &p->message);
}

static void judging_begin(struct exchange *x)
{
	size_t n = turns_to_judge(x, x->judging), bytes = 0;

	for (size_t i = 0; i < n; i++) {
		x->work[i] = x->pending[x->judging + i];
		begin_one(x, x->work[i]);
		bytes += x->work[i]->length;
	}
	x->judging += n;
	x->working = true;
	if (x->host.work_begin) {
		x->host.work_begin(x->host.arg, check_one, x->work, n, bytes, turns_awaited(x));
		return;
	}
	for (size_t i = 0; i < n; i++)
		check_one(x->work, i);
}

static bool judging_over(struct exchange *x, bool wait)
{
	if (x->working && x->host.work_over && !x->host.work_over(x->host.arg, wait))
		return false;
	x->working = false;
	for (size_t i = x->judged; i < x->judging; i++)
		judge_end(&x->pending[i]->judged, &x->pending[i]->judging);
	x->judging -= forgotten_free(x, x->judged, x->judging);
	turns_merge(x, x->judged, x->judging);
	x->judged = x->judging;
	return true;
}

void judge_at_once(struct exchange *x, size_t at)
{
	struct pending *p = x->pending[at];

	begin_one(x, p);
	judge_check(&p->judging, &p->message);
	judge_end(&p->judged, &p->judging);
	memmove(x->pending + x->judged + 1, x->pending + x->judged,
		(at - x->judged) * sizeof(*x->pending));
	x->pending[x->judged] = p;
	turns_merge(x, x->judged, x->judged + 1);
	x->judged++;
	x->judging++;
}

void judging_turn(struct exchange *x)
{
	while (judging_over(x, false) && x->judging < x->pending_count)
		judging_begin(x);
}

void judging_reset(struct exchange *x)
{
	judging_over(x, true);
	x->judged = x->judging = 0;
}
