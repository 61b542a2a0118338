/* Origins that have had their share: neighbours are asked to hold their messages back, and one that
 * sends them all the same waits for its answers.  SPEC.md 7.5. */
#include <stdlib.h>
#include <string.h>

#include "protocol/exchange_state.h"
#include "protocol/recall.h"

enum {
	FORGIVEN_MS = 3600 * 1000,
	FORGIVEN_CREDITS = 4, /* what was granted, read ahead and crossed, and as much again */
};

static bool in_list(const struct party_id *list, size_t n, const struct party_id *id)
{
	for (size_t i = 0; i < n; i++) {
		if (party_id_equal(&list[i], id))
			return true;
	}
	return false;
}

/* SPEC 7.5: "Cards and role keys are never held back, nor is a recall that takes back what the
 * sender holds": those that do not are left out one by one. */
static bool goes_always(uint8_t kind)
{
	return kind == KIND_RECALL || kind == KIND_CARD || kind == KIND_ROLE_KEY;
}

struct party_id turn_taker(const struct header *h)
{
	struct party_id id = h->origin;

	for (size_t i = 0; goes_always(h->kind) && i < PARTY_ID_BYTES; i++)
		id.b[i] ^= 0xff;
	return id;
}

enum err pause_queue(struct peer *p, const struct header *h, uint64_t lsn, enum lane lane)
{
	struct party_id taker = turn_taker(h);

	return turns_add(&p->lanes[lane], &taker, lsn);
}

/* Reconciliation finds it again; without a trie the log is read again from there. */
static void pass_over(struct peer *p, const struct party_id *origin, uint64_t lsn)
{
	if (!p->passed || lsn < p->passed)
		p->passed = lsn;
	if (party_id_equal(origin, &p->x->options.self) &&
	    (!p->passed_own || lsn < p->passed_own)) {
		p->passed_own = lsn;
		p->settled_rows++;
	}
	if (!p->x->host.store.trie)
		peer_denied(p, lsn);
}

/* SPEC 7.5: "A sender passes over what the last CREDIT has named, but for what is in the first
 * lane." */
bool pause_passes(struct peer *p, const struct header *h, uint64_t lsn, enum lane lane)
{
	if (!session_paused(p->session, &h->origin))
		return false;
	/* SPEC 7.5: "Any other recall is passed over, whatever its lane." */
	if (h->kind == KIND_RECALL ? recall_needed(&p->x->host.store, h, lsn)
				   : lane == LANE_URGENT || goes_always(h->kind))
		return false;
	pass_over(p, &h->origin, lsn);
	return true;
}

bool pause_withdraws(struct peer *p, uint64_t lsn, enum lane lane)
{
	const struct store *s = &p->x->host.store;
	struct party_id paused[PAUSED_MAX];
	struct stored row;
	struct header h;

	return session_paused_list(p->session, paused) && s->next(s->self, lsn, &row) == ERR_OK &&
	       row.lsn == lsn && header_decode(&h, row.header, row.header_length) == ERR_OK &&
	       h.kind == KIND_RECALL && pause_passes(p, &h, lsn, lane);
}

static void lanes_drop(struct peer *p, const struct party_id *origin)
{
	for (int lane = LANE_URGENT + 1; lane < LANE_COUNT; lane++) {
		uint64_t lowest;
		size_t dropped = turns_drop(&p->lanes[lane], origin, &lowest);
		if (!dropped)
			continue;
		p->live -= lane == LANE_BACKFILL ? 0 : dropped;
		pass_over(p, origin, lowest);
	}
}

struct loaded {
	const struct session *session;
	struct party_id origin; /* of the one that was found */
};

static bool to_hold_back(void *arg, uint64_t lsn, const uint8_t *header, size_t n)
{
	struct loaded *l = arg;

	(void)lsn;
	if (n < HEADER_FIXED_BYTES || goes_always(header[KIND_OFFSET]))
		return false;
	memcpy(l->origin.b, header + ORIGIN_OFFSET, sizeof l->origin.b);
	return session_paused(l->session, &l->origin);
}

/* What is read ahead and not begun. */
static void loaded_drop(struct peer *p)
{
	struct loaded l = {.session = p->session};
	enum lane lane;
	uint64_t lsn;

	while (session_unqueue(p->session, LANE_HIGH, to_hold_back, &l, &lane, &lsn))
		pass_over(p, &l.origin, lsn);
}

void pause_follow(struct peer *p)
{
	struct party_id paused[PAUSED_MAX];
	size_t count;

	if (p->pauses == session_pauses(p->session))
		return;
	p->pauses = session_pauses(p->session);
	if (p->passed && p->x->host.store.trie)
		reconciler_released(p->reconciler);
	else if (p->passed && (!p->missed || p->passed < p->missed))
		p->missed = p->passed;
	p->passed = 0;
	count = session_paused_list(p->session, paused);
	for (size_t i = 0; i < count; i++)
		lanes_drop(p, &paused[i]);
	if (count)
		loaded_drop(p);
}

/* SPEC 7.5: "Of such an origin a receiver may leave unanswered, as long as it names it, what is
 * more than four first credits in an hour" */
static bool beyond(struct peer *p, uint8_t kind, size_t length)
{
	const struct exchange_options *o = &p->x->options;
	size_t least = (size_t)(o->window_bytes / o->window_messages);

	if (p->excess == 0 || p->x->now.mono - p->excess_at >= FORGIVEN_MS) {
		p->excess = 0;
		p->excess_at = p->x->now.mono;
	}
	/* What is taken back makes room, so that recalls cost what they weigh. */
	p->excess += length > least || kind == KIND_RECALL ? length : least;
	return p->excess > FORGIVEN_CREDITS * o->window_bytes;
}

/* Is one on its way into the log that takes back the same? */
static bool recall_arrives(const struct exchange *x, const struct message_id *ref)
{
	for (size_t i = 0; i < x->pending_count; i++) {
		const struct pending *p = x->pending[i];
		if (p->length >= HEADER_FIXED_BYTES && p->bytes[KIND_OFFSET] == KIND_RECALL &&
		    memcmp(p->bytes + REF_OFFSET, ref->b, sizeof ref->b) == 0)
			return true;
	}
	return false;
}

static bool takes_back(struct exchange *x, const struct pending *m)
{
	struct header h;
	size_t length = header_peek_length(m->bytes, m->length);

	return length >= HEADER_FIXED_BYTES && length <= m->length &&
	       header_decode(&h, m->bytes, length) == ERR_OK && !recall_arrives(x, &h.ref) &&
	       recall_needed(&x->host.store, &h, UINT64_MAX);
}

/* SPEC 7.5: "It does not leave unanswered what is less, nor the first recall of a message that it
 * holds" */
static bool is_free(struct peer *p, const struct pending *m, const struct party_id *origin)
{
	uint8_t kind = m->bytes[KIND_OFFSET];

	if (kind == KIND_RECALL)
		return takes_back(p->x, m);
	/* SPEC 7.5: "nor, unless the sender is its origin, cards, role keys and twice its hourly
	 * allowance of priority 3 from each neighbour" */
	return !party_id_equal(origin, &p->status.id) &&
	       (goes_always(kind) || (m->bytes[PRIORITY_OFFSET] == PRIORITY_EMERGENCY &&
				      emergency_expected(p->x, origin)));
}

static bool held_back(struct peer *p, const struct pending *m)
{
	struct party_id origin;

	if (p->x->paused_count == 0 || m->length < HEADER_FIXED_BYTES)
		return false;
	memcpy(origin.b, m->bytes + ORIGIN_OFFSET, sizeof origin.b);
	return in_list(p->x->paused, p->x->paused_count, &origin) && !is_free(p, m, &origin) &&
	       beyond(p, m->bytes[KIND_OFFSET], m->length);
}

enum err pause_admit(struct peer *p, struct pending *m)
{
	const struct exchange_host *host = &p->x->host;

	if (!held_back(p, m))
		return pending_add(p->x, m);
	if (p->held_count == p->held_size) {
		size_t size = p->held_size ? 2 * p->held_size : 64;
		struct pending **grown = realloc(p->held, size * sizeof *grown);
		if (!grown) {
			pending_free(m);
			return ERR_MEMORY;
		}
		p->held = grown;
		p->held_size = size;
	}
	if (p->held_count == 0)
		host->alarm(host->arg, &p->status.id,
			    "goes on sending what it was asked to hold back: it waits");
	p->held[p->held_count++] = m;
	return ERR_OK;
}

void pause_forget(struct peer *p)
{
	for (size_t i = 0; i < p->held_count; i++)
		pending_free(p->held[i]);
	free(p->held);
	p->held = NULL;
	p->held_count = p->held_size = 0;
}

/* What waits for the sake of an origin that may speak again. */
static void pause_end(struct peer *p)
{
	size_t kept = 0;

	for (size_t i = 0; i < p->held_count; i++) {
		struct pending *m = p->held[i];
		struct party_id origin;
		memcpy(origin.b, m->bytes + ORIGIN_OFFSET, sizeof origin.b);
		if (in_list(p->x->paused, p->x->paused_count, &origin))
			p->held[kept++] = m;
		else if (pending_add(p->x, m) != ERR_OK)
			session_end(p->session, false, "out of memory");
	}
	p->held_count = kept;
}

void pause_tell(struct peer *p)
{
	session_pause(p->session, p->x->paused, p->x->paused_count);
}

void exchange_pause(struct exchange *x, const struct party_id *origins, size_t n,
		    struct instant now)
{
	bool more = false;

	x->now = now;
	n = n < PAUSED_MAX ? n : PAUSED_MAX;
	for (size_t i = 0; i < n; i++)
		more |= !in_list(x->paused, x->paused_count, &origins[i]);
	if (n)
		memcpy(x->paused, origins, n * sizeof *origins);
	x->paused_count = n;
	for (size_t i = 0; i < x->peer_count; i++) {
		/* What is on its way when an origin is named is nobody's fault. */
		if (more)
			x->peers[i]->excess = 0;
		pause_tell(x->peers[i]);
		pause_end(x->peers[i]);
	}
}
