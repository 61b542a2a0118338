/* Where a message stands on its way to each neighbour, and when the last ones were taken. */
#include <stdlib.h>

#include "node/node_parts.h"

/* What neighbours have answered for, the last of it; the loop's thread only. */
struct pass {
	struct party_id peer;
	uint64_t lsn, at; /* at: wall ms */
};

enum { PASSES_KEPT = 16384 };

struct passes {
	struct pass ring[PASSES_KEPT];
	size_t count; /* ever noted */
};

struct passes *passes_new(void)
{
	return calloc(1, sizeof(struct passes));
}

void passes_free(struct passes *p)
{
	free(p);
}

void passes_note(struct passes *p, const struct party_id *peer, uint64_t lsn)
{
	p->ring[p->count++ % PASSES_KEPT] = (struct pass){*peer, lsn, clock_wall()};
}

static uint64_t pass_time(const struct passes *p, const struct party_id *peer, uint64_t lsn)
{
	size_t n = p->count < PASSES_KEPT ? p->count : PASSES_KEPT;

	for (size_t i = 0; i < n; i++)
		if (p->ring[i].lsn == lsn && party_id_equal(&p->ring[i].peer, peer))
			return p->ring[i].at;
	return 0;
}

struct passing_call {
	struct desk_call call;
	struct node *node;
	const struct party_id *origin;
	uint64_t lsn;
	struct link_passing *out;
	size_t max, count;
};

static void passing_run(struct desk_call *call)
{
	struct passing_call *p = call->arg;
	const struct exchange *x = p->node->exchange;
	struct peer_status status;

	for (size_t i = 0; i < exchange_peer_count(x) && p->count < p->max; i++) {
		struct link_passing *out = &p->out[p->count++];
		exchange_peer(x, i, &status);
		*out = (struct link_passing){
			.peer = status.id,
			.passing = exchange_passing(x, &status.id, p->origin, p->lsn)};
		if (out->passing == PASSING_DONE)
			out->at = pass_time(p->node->passes, &status.id, p->lsn);
	}
	keep_rest(p->node->keep);
	desk_done(p->node->desk, call);
}

enum err node_passing(struct node *n, const struct party_id *origin, uint64_t lsn,
		      struct link_passing *out, size_t max, size_t *count)
{
	struct passing_call p = {.call = {.run = passing_run},
				 .node = n,
				 .origin = origin,
				 .lsn = lsn,
				 .out = out,
				 .max = max};

	p.call.arg = &p;
	if (!desk_call(n->desk, &p.call))
		return ERR_STATE;
	*count = p.count;
	return ERR_OK;
}
