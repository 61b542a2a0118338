/* Where one message stands on its way to a neighbour: asked by people, seldom. */
#include "protocol/exchange_state.h"

static bool queued(const struct peer *p, const struct party_id *origin, uint64_t lsn)
{
	struct party_id always =
		turn_taker(&(struct header){.kind = KIND_RECALL, .origin = *origin});

	for (size_t i = 0; i < LANE_COUNT; i++)
		if (turns_holds(&p->lanes[i], origin, lsn) ||
		    turns_holds(&p->lanes[i], &always, lsn))
			return true;
	return lsn > p->x->host.store.head(p->x->host.store.self) ||
	       session_pushing(p->session, lsn) || p->denied == lsn ||
	       (p->missed && lsn >= p->missed) ||
	       (p->passed && lsn >= p->passed && session_paused(p->session, origin)) ||
	       (lsn >= p->scan_next && lsn <= p->scan_end);
}

enum passing exchange_passing(const struct exchange *x, const struct party_id *peer,
			      const struct party_id *origin, uint64_t lsn)
{
	const struct store *s = &x->host.store;
	struct cursor c;

	for (size_t i = 0; i < x->peer_count; i++) {
		const struct peer *p = x->peers[i];
		if (!party_id_equal(&p->status.id, peer))
			continue;
		if (p->status.state == PEER_OPEN)
			return queued(p, origin, lsn) ? PASSING_WAITS : PASSING_DONE;
		if (s->get_cursor(s->self, peer, &c) == ERR_OK && lsn < c.lsn)
			return PASSING_DONE;
		return PASSING_WAITS;
	}
	return PASSING_UNKNOWN;
}

bool exchange_confirms(struct exchange *x, const struct party_id *peer, uint64_t lsn)
{
	struct peer *p = peer_find(x, peer);
	struct cursor c;

	if (!p || p->status.state != PEER_OPEN)
		return false;
	if (p->confirming != lsn) {
		p->confirming = lsn;
		peer_backfill(p, lsn);
		return false;
	}
	peer_cursor(p, &c);
	return c.lsn > lsn;
}
