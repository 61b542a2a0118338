/* What was judged: kept in one commit, answered for, passed on. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "protocol/exchange_state.h"

static int by_id(const void *a, const void *b)
{
	const struct pending *p = *(struct pending *const *)a, *q = *(struct pending *const *)b;

	return memcmp(p->judged.id.b, q->judged.id.b, MESSAGE_ID_BYTES);
}

/* The same message from two neighbours in one batch, or one that has been stored since its first
 * piece came. */
static enum err duplicates_mark(struct exchange *x, size_t n)
{
	const struct store *s = &x->host.store;
	struct pending **sorted = malloc(n * sizeof *sorted);
	size_t count = 0;

	if (!sorted)
		return ERR_MEMORY;
	for (size_t i = 0; i < n; i++) {
		struct pending *p = x->pending[i];
		enum err e = ERR_NOT_FOUND;
		uint64_t lsn;
		if (p->judged.judgement == JUDGED_AUTHENTIC)
			e = s->find(s->self, &p->judged.id, &lsn);
		if (e && e != ERR_NOT_FOUND) {
			free(sorted);
			return e;
		}
		p->duplicate = e == ERR_OK;
		if (pending_keeps(p))
			sorted[count++] = p;
	}
	qsort(sorted, count, sizeof *sorted, by_id);
	for (size_t i = 1; i < count; i++)
		sorted[i]->duplicate = by_id(&sorted[i - 1], &sorted[i]) == 0;
	free(sorted);
	return ERR_OK;
}

static struct arrival arrival_of(const struct exchange *x, const struct pending *p)
{
	struct arrival a = {
		.id = p->judged.id,
		.message = p->message,
		.from = p->from,
		.verdict = p->judged.verdict,
		.arrived = x->now.wall,
	};

	if (a.verdict == VERDICT_HEADER_ONLY)
		a.message.body = NULL;
	return a;
}

/* What is to be kept of the first n, and room for its positions. */
static enum err arrivals_make(struct exchange *x, size_t n, size_t *count)
{
	free(x->arrivals);
	free(x->lsns);
	x->arrivals = calloc(n, sizeof *x->arrivals);
	x->lsns = calloc(n, sizeof *x->lsns);
	*count = 0;
	if (!x->arrivals || !x->lsns)
		return ERR_MEMORY;
	for (size_t i = 0; i < n; i++) {
		if (pending_keeps(x->pending[i]))
			x->arrivals[(*count)++] = arrival_of(x, x->pending[i]);
	}
	return ERR_OK;
}

static enum err keep_now(struct exchange *x, size_t count)
{
	const struct store *s = &x->host.store;
	enum err e = s->begin(s->self);

	if (e)
		return e;
	for (size_t i = 0; i < count && !e; i++)
		e = s->append(s->self, &x->arrivals[i], &x->lsns[i]);
	if (e) {
		s->abort(s->self);
		return e;
	}
	return s->commit(s->self);
}

static struct allowance *allowance_of(struct exchange *x, const struct party_id *origin)
{
	uint64_t hour = x->now.mono / (3600 * 1000);
	struct allowance *a = NULL, *grown;

	for (size_t i = 0; i < x->allowance_count; i++) {
		if (party_id_equal(&x->allowances[i].origin, origin))
			a = &x->allowances[i];
	}
	if (!a) {
		grown = realloc(x->allowances, (x->allowance_count + 1) * sizeof *grown);
		if (!grown)
			return NULL;
		x->allowances = grown;
		a = &grown[x->allowance_count++];
		*a = (struct allowance){.origin = *origin, .hour = hour};
	}
	if (a->hour != hour)
		*a = (struct allowance){.origin = *origin, .hour = hour};
	return a;
}

static bool emergency_allowed(struct exchange *x, const struct party_id *origin)
{
	const struct party *party = topology_party_by_id(chain_newest(x->host.chain), origin);
	struct allowance *a = allowance_of(x, origin);

	return a && party && a->emergencies++ < party->emergencies;
}

/* Their hours are not ours, and each neighbour has hours of its own. */
bool emergency_expected(struct exchange *x, const struct party_id *origin)
{
	const struct party *party = topology_party_by_id(chain_newest(x->host.chain), origin);
	struct allowance *a = allowance_of(x, origin);

	return a && party && a->passed_on++ < 2ULL * party->emergencies * x->peer_count;
}

static bool recall_allowed(struct exchange *x, const struct party_id *origin)
{
	struct allowance *a = allowance_of(x, origin);

	return a && a->recalls++ < RECALLS_AN_HOUR;
}

/* SPEC 7.5: "Priority 3 beyond an origin's hourly allowance counts as 1, and so do its recalls
 * beyond 1,000 an hour." */
static enum lane lane_of(struct exchange *x, const struct header *h)
{
	if (h->kind == KIND_RECALL)
		return recall_allowed(x, &h->origin) ? LANE_URGENT : LANE_RAISED;
	switch (h->priority) {
	case PRIORITY_EMERGENCY:
		return emergency_allowed(x, &h->origin) ? LANE_URGENT : LANE_RAISED;
	case PRIORITY_HIGH:
		return LANE_HIGH;
	case PRIORITY_RAISED:
		return LANE_RAISED;
	}
	return LANE_ROUTINE;
}

/* It is asked once where the target is: of what waits for the neighbours not even a hash is taken,
 * but where the store cannot tell: what it cannot be asked for is not sent. */
static void take_back(struct exchange *x, const struct header *recall)
{
	const struct store *s = &x->host.store;
	uint64_t target;
	enum err e = s->find(s->self, &recall->ref, &target);

	if (e == ERR_NOT_FOUND)
		return;
	for (size_t i = 0; i < x->peer_count; i++)
		peer_recalled(x->peers[i], recall, e ? 0 : target);
}

static void pass_on(struct exchange *x, const struct arrival *a, uint64_t lsn)
{
	const struct exchange_host *host = &x->host;
	struct header h;
	enum lane lane;

	host->stored(host->arg, lsn, a);
	if (header_decode(&h, a->message.header, a->message.header_length) != ERR_OK)
		return;
	lane = lane_of(x, &h);
	for (size_t i = 0; i < x->peer_count; i++)
		peer_offer(x->peers[i], lsn, &h, &a->from, lane);
	if (h.kind == KIND_RECALL && a->verdict == VERDICT_ACCEPTED)
		take_back(x, &h);
}

static void forgery(struct exchange *x, const struct pending *p)
{
	const struct party *origin =
		topology_party_by_id(chain_newest(x->host.chain), &p->judged.origin);
	char words[ERROR_TEXT_MAX_BYTES + 1];

	snprintf(words, sizeof words, "it sent a message%s%s that %s",
		 origin && p->split ? " of " : "", origin && p->split ? origin->name : "",
		 p->judged.why);
	session_end(p->peer->session, true, words);
}

static void answer(struct exchange *x, struct pending *p)
{
	struct judged *j = &p->judged;
	bool current = !p->own && p->peer && p->conversation == p->peer->conversation;

	if (p->own) {
		x->host.submitted(x->host.arg, p->ticket, &j->id,
				  j->judgement == JUDGED_AUTHENTIC ? ERR_OK : ERR_FORMAT);
		return;
	}
	if (!current)
		return;
	switch (j->judgement) {
	case JUDGED_AUTHENTIC:
		p->peer->status.received += !p->duplicate;
		session_settle(p->peer->session, p->number,
			       p->duplicate ? SETTLED_HAD : SETTLED_STORED, 0);
		break;
	case JUDGED_REFUSED:
		session_settle(p->peer->session, p->number, SETTLED_REFUSED, j->reason);
		break;
	case JUDGED_FORGED:
		forgery(x, p);
		break;
	}
}

/* The store takes nothing: what peers sent waits, unanswered and within their credit; our own
 * authors hear of it. */
static void postpone(struct exchange *x, enum err e)
{
	size_t kept = 0;

	x->store_state = e;
	x->retry_at = x->now.mono + STORE_RETRY_MS;
	x->keeping = 0;
	judging_reset(x);
	for (size_t i = 0; i < x->pending_count; i++) {
		struct pending *p = x->pending[i];
		if (p->peer) {
			x->pending[kept++] = p;
			continue;
		}
		if (p->own)
			x->host.submitted(x->host.arg, p->ticket, &p->judged.id, e);
		pending_free(p);
	}
	x->pending_count = kept;
}

/* The first n are durable, as far as they are to be kept. */
static void admitted(struct exchange *x, size_t n)
{
	size_t count = 0;

	x->store_state = ERR_OK;
	x->keeping = 0;
	/* First everything is passed on, then answered: ending a session must not come between. */
	for (size_t i = 0; i < n; i++) {
		if (!pending_keeps(x->pending[i]))
			continue;
		pass_on(x, &x->arrivals[count], x->lsns[count]);
		count++;
	}
	for (size_t i = 0; i < n; i++) {
		answer(x, x->pending[i]);
		pending_free(x->pending[i]);
	}
	x->pending_count -= n;
	x->judged -= n;
	x->judging -= n;
	memmove(x->pending, x->pending + n, x->pending_count * sizeof(*x->pending));
}

/* The batch under way, if any; false while it is not over. */
static bool batch_over(struct exchange *x)
{
	const struct store *s = &x->host.store;
	enum err e;

	if (!x->keeping)
		return true;
	if (!s->kept(s->self, false, &e))
		return false;
	x->keep_ms = x->now.mono - x->keep_since;
	turns_kept(x);
	if (e)
		postpone(x, e);
	else
		admitted(x, x->keeping);
	return true;
}

/* What is judged becomes a batch, the first n of it. */
static enum err batch_begin(struct exchange *x, size_t n)
{
	const struct store *s = &x->host.store;
	size_t count = 0;
	enum err e = duplicates_mark(x, n);

	if (!e)
		e = recalls_apply(x, n);
	if (!e)
		e = arrivals_make(x, n, &count);
	x->keep_since = x->now.mono;
	if (!e && count && s->keep) {
		e = s->keep(s->self, x->arrivals, count, x->lsns);
		if (!e)
			x->keeping = n;
		return e;
	}
	if (!e && count)
		e = keep_now(x, count);
	if (!e)
		admitted(x, n);
	return e;
}

/* What follows the log has to catch up before more is taken. */
static void wait_for_store(struct exchange *x)
{
	if (!x->busy_since)
		x->busy_since = x->now.mono;
	if (x->now.mono - x->busy_since < STORE_BUSY_MS)
		x->retry_at = x->now.mono + 1;
	else
		postpone(x, ERR_BUSY);
}

void admit(struct exchange *x)
{
	const struct store *s = &x->host.store;
	size_t n;
	enum err e;

	judging_turn(x);
	if (!batch_over(x) || x->judged == 0 || x->now.mono < x->retry_at)
		return;
	if (s->busy(s->self)) {
		wait_for_store(x);
		return;
	}
	x->busy_since = 0;
	n = turns_to_keep(x);
	if (n == 0)
		return;
	e = batch_begin(x, n);
	if (e)
		postpone(x, e);
	else
		batch_over(x);
}

void admit_end(struct exchange *x)
{
	const struct store *s = &x->host.store;
	enum err e;

	if (x->keeping)
		s->kept(s->self, true, &e);
	x->keeping = 0;
	judging_reset(x);
}
