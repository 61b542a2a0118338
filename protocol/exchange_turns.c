/* Neighbours take turns: what one of them says is judged and kept after what came before it, but
 * not after all that another had sent by then.  SPEC.md 7.5.
 *
 * Start-time fair queueing: a message has its turn after what its sender's earlier ones cost, and
 * not before the turn of what was last kept.  Of one sender the order stays what it was, but that
 * what is urgent goes before what waits: it costs its sender, and nobody else, their turn. */
#include <string.h>

#include "protocol/exchange_state.h"

enum {
	COST_BYTES = 16 * 1024,    /* of judging and answering one, however small it is */
	AT_ONCE_BYTES = 16 * 1024, /* are judged as soon as they have come */
	COMPANY_MS = 10 * 1000, /* so long after its last message a neighbour counts as speaking */
	SHARED_MESSAGES = 64,   /* judged at once when others speak too: some milliseconds */
	SHARED_BATCHES_MAX = 4, /* as many of these are kept together */
	SHARED_BYTES = 256 * 1024, /* the same, and kept together; more if one message has more */
	REST = 3,                  /* times what the last batch took, but not longer than */
	REST_MAX_MS = 100
};

/* Nothing of the same sender waits for the judges, or is with them. */
static bool is_first(const struct exchange *x, size_t at)
{
	for (size_t i = x->judged; i < at; i++) {
		if (x->pending[i]->peer == x->pending[at]->peer)
			return false;
	}
	return true;
}

/* Whether it says so rightly is not known yet. */
static bool is_urgent(const struct pending *p)
{
	return p->length >= HEADER_FIXED_BYTES && (p->bytes[KIND_OFFSET] == KIND_RECALL ||
						   p->bytes[PRIORITY_OFFSET] == PRIORITY_EMERGENCY);
}

/* SPEC 7.5: "a recall and what is of priority 3 go before all else that it has sent and that is not
 * under way" */
static void hurry(struct exchange *x, struct pending *p, bool *alone)
{
	*alone = p->urgent;
	for (size_t i = 0; p->urgent && i < x->pending_count; i++) {
		const struct pending *q = x->pending[i];
		if (q->peer != p->peer)
			continue;
		*alone = *alone && !q->urgent;
		if (i >= x->keeping && !q->urgent && q->turn <= p->turn)
			p->turn = q->turn ? q->turn - 1 : 0;
	}
}

void turn_take(struct exchange *x, struct pending *p)
{
	uint64_t *next = p->peer ? &p->peer->turn : &x->own_turn;
	size_t at = x->pending_count;
	bool owes, alone;

	if (p->peer)
		p->peer->spoke = x->now.mono;
	owes = *next > x->turn;
	p->turn = owes ? *next : x->turn;
	*next = p->turn + COST_BYTES + p->length;
	p->urgent = is_urgent(p);
	hurry(x, p, &alone);
	x->pending_count++;
	for (; at > x->judging && x->pending[at - 1]->turn > p->turn; at--)
		x->pending[at] = x->pending[at - 1];
	x->pending[at] = p;
	/* Who has not had its share need not wait until the judges have done with others. */
	if (x->working && p->length <= AT_ONCE_BYTES && (alone || (!owes && is_first(x, at))))
		judge_at_once(x, at);
}

void turns_merge(struct exchange *x, size_t from, size_t judged)
{
	for (size_t i = from; i < judged; i++) {
		struct pending *p = x->pending[i];
		size_t at = i;
		for (; at > x->keeping && x->pending[at - 1]->turn > p->turn; at--)
			x->pending[at] = x->pending[at - 1];
		x->pending[at] = p;
	}
}

static bool speaks(const struct exchange *x, const struct peer *p)
{
	return p->spoke && x->now.mono - p->spoke < COMPANY_MS;
}

/* Do others speak than one neighbour, this node among them?  Alone, one has everything at once. */
static bool shared(const struct exchange *x)
{
	size_t speaking = x->own_turn > x->turn;

	for (size_t i = 0; i < x->peer_count && speaking < 2; i++)
		speaking += speaks(x, x->peers[i]);
	return speaking > 1;
}

/* SPEC 7.5: "so that nobody waits for much more than what it has sent itself": what is under way
 * is waited for by everybody. */
static size_t share_of(const struct exchange *x, size_t from, size_t to, size_t most)
{
	size_t n = 0;

	for (size_t bytes = 0; n < most && from + n < to && bytes < SHARED_BYTES; n++) {
		bytes += x->pending[from + n]->length;
		if (n > 0 && bytes > SHARED_BYTES)
			break;
	}
	return n;
}

size_t turns_to_judge(const struct exchange *x, size_t from)
{
	size_t n = x->pending_count - from;

	if (n > JUDGED_AT_ONCE)
		n = JUDGED_AT_ONCE;
	if (n > 1 && shared(x))
		n = share_of(x, from, from + n, SHARED_MESSAGES);
	return n;
}

/* What is urgent becomes a batch of its own, every other time, so that it does not wait until much
 * else is written. */
static size_t urgent_to_keep(const struct exchange *x)
{
	size_t n = 0;

	while (!x->hurried && n < x->judged && x->pending[n]->urgent)
		n++;
	return n < x->judged ? n : 0;
}

/* What comes from those who have not had their share is kept before what comes from others, and not
 * with it: a batch of little is soon written. */
static size_t unowed_to_keep(const struct exchange *x)
{
	size_t n = 0;

	while (n < x->judged && x->pending[n]->turn <= x->turn)
		n++;
	return n;
}

/* Who waits, waits for the disk, and then until all of the batch is passed on and answered for.  So
 * many take no longer for that than the disk does: on a slow one batches are larger, but not as
 * large as they like, for a batch takes longer the larger it is. */
static size_t kept_together(const struct exchange *x)
{
	uint64_t batches = x->keep_ms ? x->keep_ms : 1;

	return SHARED_MESSAGES * (batches < SHARED_BATCHES_MAX ? batches : SHARED_BATCHES_MAX);
}

/* SPEC 7.5: "Those who have had more than their share wait between their batches while somebody
 * speaks who has not" */
static bool is_resting(const struct exchange *x)
{
	return x->rest_due || x->now.mono < x->rest_until;
}

/* Puts what comes from those who do not rest before what comes from those who do; how many are
 * they? */
static size_t restless_to_keep(struct exchange *x)
{
	size_t n = 0;

	for (size_t i = 0; i < x->judged; i++) {
		struct pending *p = x->pending[i];
		if (p->peer ? p->peer->rests : x->own_rests)
			continue;
		memmove(x->pending + n + 1, x->pending + n, (i - n) * sizeof(*x->pending));
		x->pending[n++] = p;
	}
	return n;
}

/* Whose messages are in a batch beyond their share rests after it. */
static void share_exceeded(struct exchange *x, struct peer *p)
{
	x->owed = true;
	if (p)
		p->rests = true;
	else
		x->own_rests = true;
}

static void all_may_go(struct exchange *x)
{
	x->own_rests = false;
	for (size_t i = 0; i < x->peer_count; i++)
		x->peers[i]->rests = false;
}

size_t turns_to_keep(struct exchange *x)
{
	bool others = shared(x), resting = is_resting(x), hurried;
	size_t n = urgent_to_keep(x);

	hurried = n > 0;
	if (n == 0 && others)
		n = resting ? restless_to_keep(x) : unowed_to_keep(x);
	if (n == 0 && resting)
		return 0;
	if (n == 0)
		n = x->judged;
	if (n > 1 && others)
		n = share_of(x, 0, n, kept_together(x));
	x->hurried = hurried;
	x->owed = false;
	if (!resting)
		all_may_go(x);
	for (size_t i = 0; i < n; i++) {
		const struct pending *p = x->pending[i];
		if (p->turn <= x->turn)
			continue;
		x->turn = p->turn;
		if (!resting)
			share_exceeded(x, p->peer);
	}
	return n;
}

bool turns_awaited(const struct exchange *x)
{
	for (size_t i = 0; i < x->peer_count; i++) {
		const struct peer *p = x->peers[i];
		if (speaks(x, p) && p->turn <= x->turn)
			return true;
	}
	return false;
}

void turns_kept(struct exchange *x)
{
	x->rest_due = x->owed && turns_awaited(x);
}

void turns_begin(struct exchange *x)
{
	/* By now it is passed on and answered for as well. */
	uint64_t rest = REST * (x->now.mono - x->keep_since);

	if (x->rest_due)
		x->rest_until = x->now.mono + (rest < REST_MAX_MS ? rest : REST_MAX_MS);
	x->rest_due = false;
}

uint64_t turns_deadline(const struct exchange *x)
{
	if (x->rest_due)
		return x->now.mono;
	return x->judged && !x->keeping && is_resting(x) ? x->rest_until : UINT64_MAX;
}
