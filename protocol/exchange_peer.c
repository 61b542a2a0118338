/* What a neighbour lacks: found in the log, queued as it is committed, given to its session. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "protocol/exchange_state.h"
#include "protocol/recall.h"

enum { TWO_STORES_MS = 24 * 3600 * 1000 };

static bool holds(void *arg, const struct message_id *id)
{
	const struct peer *p = arg;
	const struct store *s = &p->x->host.store;
	uint64_t lsn;

	return s->find(s->self, id, &lsn) == ERR_OK;
}

struct peer *peer_new(struct exchange *x, const struct party *party, enum link_kind kind)
{
	struct peer *p = calloc(1, sizeof *p);
	struct session_config config = {
		.network = chain_newest(x->host.chain)->network,
		.self = x->options.self,
		.peer = party->id,
		.store = x->host.store.id(x->host.store.self),
		.window_bytes = x->options.window_bytes,
		.window_messages = x->options.window_messages,
		.software = x->options.software,
		.holds = holds,
		.arg = p,
	};

	if (!p)
		return NULL;
	p->x = x;
	p->status.id = party->id;
	p->status.kind = kind;
	p->status.since = x->now.wall;
	p->session = session_new(&config);
	p->reconciler = reconciler_new(p);
	p->counter = counter_new(p);
	for (size_t i = 0; i < LANE_COUNT; i++)
		turns_init(&p->lanes[i]);
	if (p->session)
		pause_tell(p);
	if (!p->session || !p->reconciler || !p->counter) {
		session_free(p->session);
		reconciler_free(p->reconciler);
		counter_free(p->counter);
		free(p);
		return NULL;
	}
	return p;
}

void peer_free(struct peer *p)
{
	session_free(p->session);
	reconciler_free(p->reconciler);
	counter_free(p->counter);
	pause_forget(p);
	for (size_t i = 0; i < LANE_COUNT; i++)
		turns_clear(&p->lanes[i]);
	free(p);
}

void peer_greet(struct peer *p)
{
	struct exchange *x = p->x;
	struct version_hash versions[HELLO_VERSIONS_MAX];
	struct session_greeting g = {.versions = versions, .clock = x->now.wall, .floor = x->floor};

	g.version_count = chain_tell(x->host.chain, versions, HELLO_VERSIONS_MAX);
	x->host.random(x->host.arg, g.nonce, sizeof g.nonce);
	peer_closed(p);
	session_start(p->session, &g, x->now.mono);
	if (p->status.state != PEER_CONNECTED) {
		p->status.state = PEER_CONNECTED;
		p->status.since = x->now.wall;
	}
}

/* Whoever is restored from a backup has a new store.  One who comes back to the one before has two,
 * and so does whoever runs twice: it is enough to see that once a day. */
void peer_store_seen(struct peer *p)
{
	const struct exchange_host *host = &p->x->host;
	const struct store_id *store = &session_peer_hello(p->session)->store;
	bool known = !bytes_zero(p->stores[0].b, STORE_ID_BYTES);

	if (known && memcmp(p->stores[0].b, store->b, STORE_ID_BYTES) == 0)
		return;
	if (p->store_changed && p->x->now.mono - p->store_changed < TWO_STORES_MS &&
	    memcmp(p->stores[1].b, store->b, STORE_ID_BYTES) == 0)
		host->alarm(host->arg, &p->status.id,
			    "speaks from two stores by turns: its key is in use twice");
	p->stores[1] = p->stores[0];
	p->stores[0] = *store;
	p->store_changed = known ? p->x->now.mono : 0;
}

/* Whatever was under way is forgotten; what was not answered for is found again from the cursor. */
void peer_closed(struct peer *p)
{
	p->conversation++;
	p->settled_rows = 0;
	pending_forget(p->x, p);
	pause_forget(p);
	for (size_t i = 0; i < LANE_COUNT; i++)
		turns_clear(&p->lanes[i]);
	p->live = 0;
	p->scan_next = 1;
	p->scan_end = 0;
	p->missed = 0;
	p->denied = 0;
	p->confirming = 0;
	p->passed = p->passed_own = 0;
	reconciler_clear(p->reconciler);
	counter_clear(p->counter);
}

/* SPEC 7.7.3: "The end that dials (4.6) begins one when the session opens" */
static bool dials(const struct peer *p)
{
	const struct topology *t = chain_newest(p->x->host.chain);
	const struct party *self = topology_party_by_id(t, &p->x->options.self);
	const struct party *peer = topology_party_by_id(t, &p->status.id);

	return self && peer && topology_dials(t, self, peer);
}

void peer_opened(struct peer *p)
{
	const struct store *s = &p->x->host.store;
	const struct frame_hello *hello = session_peer_hello(p->session);
	struct version_hash v = session_version(p->session);
	struct cursor c;
	bool saved = s->get_cursor(s->self, &p->status.id, &c) == ERR_OK;
	bool same_store = saved && memcmp(c.peer_store.b, hello->store.b, STORE_ID_BYTES) == 0;

	p->scan_end = s->head(s->self);
	/* SPEC 7.6: "A cursor counts only for the pair of stores and the topology that it was saved
	 * under; with any other nothing is pushed again that reconciliation does not find." */
	/* Of the pair, ours needs no comparing: the row is in our store, and a restored store has
	 * none. */
	p->scan_next = s->trie ? p->scan_end + 1 : 1;
	if (same_store && hash_equal(&c.topology, &v.hash) && c.lsn <= p->scan_end + 1)
		p->scan_next = c.lsn;
	p->since = p->scan_end + 1;
	if (same_store)
		p->since = c.since;
	p->settled_rows++; /* since is to be remembered */
	p->opened = p->x->now.mono;
	p->notices = 0;
	p->status.state = PEER_OPEN;
	p->status.since = p->x->now.wall;
	p->status.reason[0] = '\0';
	if (s->trie && p->status.kind != LINK_FORMER)
		reconciler_opened(p->reconciler, dials(p));
}

void peer_cursor(const struct peer *p, struct cursor *c)
{
	uint64_t lowest = session_lowest(p->session);
	const struct store *s = &p->x->host.store;

	if (p->scan_next <= p->scan_end && p->scan_next < lowest)
		lowest = p->scan_next;
	if (p->missed && p->missed < lowest)
		lowest = p->missed;
	if (p->denied && p->denied < lowest)
		lowest = p->denied;
	for (size_t i = 0; i < LANE_COUNT; i++) {
		uint64_t waiting = turns_lowest(&p->lanes[i]);
		if (waiting < lowest)
			lowest = waiting;
	}
	c->lsn = lowest == UINT64_MAX ? s->head(s->self) + 1 : lowest;
	c->topology = session_version(p->session).hash;
	c->peer_store = session_peer_hello(p->session)->store;
	c->since = p->since;
}

bool peer_passage(const struct peer *p, struct passage *passage)
{
	const struct chain *chain = p->x->host.chain;
	struct version_hash v = session_version(p->session);
	const struct topology *t;

	if (p->status.state != PEER_OPEN || !session_is_open(p->session))
		return false;
	t = chain_hash(chain, &v);
	if (!t)
		return false;
	*passage = (struct passage){
		.chain = chain,
		.topology = t,
		.self = topology_party_by_id(t, &p->x->options.self),
		.peer = topology_party_by_id(t, &p->status.id),
		.floor = floor_session(p),
		.now = p->x->now.wall,
	};
	return passage->self && passage->peer;
}

void peer_denied(struct peer *p, uint64_t lsn)
{
	if (p->denied == 0 || lsn < p->denied)
		p->denied = lsn;
}

/* Does the link carry the message?  What only the floor of today forbids is left for a later
 * session. */
static bool carried(struct peer *p, const struct passage *passage, uint64_t lsn,
		    const struct header *h)
{
	enum nak_reason reason;

	if (judge_passage(passage, h, &reason) == NULL)
		return true;
	if (reason == NAK_TOO_FAR || (reason == NAK_EXPIRED && p->x->floor == 0))
		peer_denied(p, lsn);
	return false;
}

void peer_offer(struct peer *p, uint64_t lsn, const struct header *h, const struct party_id *from,
		enum lane lane)
{
	struct passage passage;
	size_t waiting;

	if (lsn <= p->scan_end || party_id_equal(from, &p->status.id) ||
	    !peer_passage(p, &passage) || !carried(p, &passage, lsn, h) ||
	    pause_passes(p, h, lsn, lane))
		return;
	/* What is urgent does not wait behind what was missed; the second scan then finds it
	 * settled. */
	waiting = lane == LANE_URGENT ? p->lanes[lane].count : p->live;
	if (waiting >= LIVE_QUEUE_MAX || (p->missed && lane != LANE_URGENT)) {
		if (!p->missed)
			p->missed = lsn;
		return;
	}
	if (pause_queue(p, h, lsn, lane) == ERR_OK)
		p->live++;
	else if (!p->missed)
		p->missed = lsn;
}

/* One row of the log: true when the peer lacks it, as far as is known here. */
static bool row_wanted(struct peer *p, const struct passage *passage, const struct stored *row,
		       const struct header *h)
{
	/* A peer that was restored from a backup lacks what it once gave us. */
	if (row->lsn >= p->since && party_id_equal(&row->from, &p->status.id))
		return false;
	return carried(p, passage, row->lsn, h);
}

/* What cannot be read now must not count as given: the conversation ends, and the next one begins
 * at the cursor. */
static void unreadable(struct peer *p, enum err e)
{
	char words[ERROR_TEXT_MAX_BYTES + 1];

	snprintf(words, sizeof words, "the log cannot be read: %s", err_str(e));
	session_end(p->session, false, words);
	p->x->host.alarm(p->x->host.arg, NULL, words);
}

static void damaged(const struct peer *p)
{
	const struct exchange_host *host = &p->x->host;

	host->alarm(host->arg, NULL, "a stored message is damaged: run khabar check-store");
}

/* Reads on in the log until the backfill has something for a while; true when there is more to
 * read. */
static bool scan(struct peer *p, const struct passage *passage)
{
	const struct store *s = &p->x->host.store;
	struct turns *q = &p->lanes[LANE_BACKFILL];
	struct header h;
	struct stored row;

	if (p->scan_next > p->scan_end && p->missed && p->live == 0) {
		p->scan_next = p->missed;
		p->scan_end = s->head(s->self);
		p->missed = 0;
	}
	for (int rows = 0; rows < SCAN_ROWS_MAX && p->scan_next <= p->scan_end; rows++) {
		if (q->count >= 2 * LANE_LOADED_MAX)
			return true;
		enum err e = s->next(s->self, p->scan_next, &row);
		if (e == ERR_NOT_FOUND || (!e && row.lsn > p->scan_end)) {
			p->scan_next = p->scan_end + 1;
			break;
		}
		if (e && e != ERR_DAMAGED) {
			unreadable(p, e);
			return false;
		}
		if (e)
			damaged(p);
		else if (header_decode(&h, row.header, row.header_length) == ERR_OK &&
			 row_wanted(p, passage, &row, &h) &&
			 !pause_passes(p, &h, row.lsn, LANE_BACKFILL) &&
			 pause_queue(p, &h, row.lsn, LANE_BACKFILL) != ERR_OK)
			return true;
		p->scan_next = row.lsn + 1;
	}
	return p->scan_next <= p->scan_end;
}

/* A message of the log on its way into the session. */
struct loading {
	struct stored row; /* but its header, which is in bytes */
	struct header header;
	uint8_t *bytes; /* owned; header, signature, and room for the body */
	size_t length;  /* of what is there */
};

/* SPEC 7.5: "A sender recomputes the id of what it reads from disk, and knows the body again by its
 * hash or by the tag of the box that it was stored in (6.1); what is damaged is set aside and never
 * sent." */
static enum err head_load(struct peer *p, uint64_t lsn, struct loading *l)
{
	const struct store *s = &p->x->host.store;
	struct message_id id;
	enum err e = s->next(s->self, lsn, &l->row);

	l->bytes = NULL;
	if (e || l->row.lsn != lsn)
		return e ? e : ERR_NOT_FOUND;
	id = message_id_of(l->row.header, l->row.header_length);
	if (!message_id_equal(&id, &l->row.id) ||
	    header_decode(&l->header, l->row.header, l->row.header_length) != ERR_OK)
		return ERR_DAMAGED;
	l->length = l->row.header_length + SIGNATURE_BYTES;
	l->bytes = malloc(l->length + l->header.body_length);
	if (!l->bytes)
		return ERR_MEMORY;
	memcpy(l->bytes, l->row.header, l->length);
	return ERR_OK;
}

static enum err body_load(struct peer *p, struct loading *l)
{
	const struct store *s = &p->x->host.store;
	size_t n = l->header.body_length;
	enum err e = l->row.has_body ? s->body(s->self, &l->row, l->bytes + l->length, n) : ERR_OK;

	if (!e && l->row.has_body)
		l->length += n;
	return e;
}

/* Is the message recalled, whether its body has gone yet or not?  Then *recall is the position of
 * what took it back, otherwise 0; ERR_DAMAGED when its body has gone for no reason. */
static enum err recall_of(struct peer *p, const struct loading *l, uint64_t *recall)
{
	const struct store *s = &p->x->host.store;
	bool has_body = l->row.has_body;
	enum err e;

	*recall = 0;
	if (l->row.verdict == VERDICT_HEADER_ONLY || l->header.body_length == 0)
		return ERR_OK;
	e = recall_find(s, &l->header, &l->row.id, !has_body, recall);
	if (e != ERR_NOT_FOUND)
		return e;
	return has_body ? ERR_OK : ERR_DAMAGED;
}

static enum err give_recall(struct peer *p, enum lane lane, uint64_t lsn)
{
	struct loading l;
	enum err e = head_load(p, lsn, &l);

	if (!e)
		e = body_load(p, &l);
	if (!e)
		return session_push(p->session, lane, lsn, l.bytes, l.length);
	free(l.bytes);
	return e;
}

/* SPEC 5.8: "A recalled message is pushed behind its recall." */
static enum err give(struct peer *p, enum lane lane, uint64_t lsn)
{
	struct loading l;
	uint64_t recall = 0;
	enum err e = head_load(p, lsn, &l);

	if (!e)
		e = recall_of(p, &l, &recall);
	if (!e && recall)
		e = give_recall(p, lane, recall);
	else if (!e)
		e = body_load(p, &l);
	if (!e)
		return session_push(p->session, lane, lsn, l.bytes, l.length);
	free(l.bytes);
	return e;
}

bool peer_fill(struct peer *p)
{
	struct passage passage;
	bool more = false;

	if (!peer_passage(p, &passage))
		return false;
	pause_follow(p);
	for (int lane = 0; lane < LANE_COUNT; lane++) {
		while (session_wants(p->session, (enum lane)lane)) {
			uint64_t lsn;
			enum err e;
			if (lane == LANE_BACKFILL && p->lanes[lane].count == 0)
				more = scan(p, &passage);
			if (!turns_next(&p->lanes[lane], &lsn))
				break;
			p->live -= lane != LANE_BACKFILL;
			if (pause_withdraws(p, lsn, (enum lane)lane))
				continue;
			e = give(p, (enum lane)lane, lsn);
			if (e == ERR_DAMAGED)
				damaged(p);
			else if (e && e != ERR_NOT_FOUND)
				unreadable(p, e);
		}
	}
	/* While the session has all it can take, reading on can wait for its answers. */
	more = more && session_wants(p->session, LANE_BACKFILL);
	if (p->x->host.store.trie)
		more |= reconciler_run(p->reconciler, p->scan_next > p->scan_end && !p->missed &&
							      p->lanes[LANE_BACKFILL].count == 0);
	return more;
}

/* Is it on its way to the peer already, from the cursor or as it was committed?  A peer that
 * reconciles meanwhile lacks it all the same. */
static bool under_way(struct peer *p, const struct passage *passage, const struct stored *row,
		      const struct header *h)
{
	bool scanned = (row->lsn >= p->scan_next && row->lsn <= p->scan_end) ||
		       (p->missed && row->lsn >= p->missed);
	struct party_id taker = turn_taker(h);

	if (scanned && row_wanted(p, passage, row, h))
		return true;
	for (size_t i = 0; i < LANE_COUNT; i++) {
		if (turns_holds(&p->lanes[i], &taker, row->lsn))
			return true;
	}
	return session_pushing(p->session, row->lsn);
}

void peer_backfill(struct peer *p, uint64_t lsn)
{
	const struct store *s = &p->x->host.store;
	struct passage passage;
	struct stored row;
	struct header h;
	enum err e;

	if (!peer_passage(p, &passage))
		return;
	e = s->next(s->self, lsn, &row);
	if (e && e != ERR_NOT_FOUND && e != ERR_DAMAGED) {
		unreadable(p, e);
		return;
	}
	if (e || row.lsn != lsn || header_decode(&h, row.header, row.header_length) != ERR_OK ||
	    !carried(p, &passage, lsn, &h) || under_way(p, &passage, &row, &h) ||
	    pause_passes(p, &h, lsn, LANE_BACKFILL))
		return;
	/* One that does not fit is found again by the next run. */
	(void)pause_queue(p, &h, lsn, LANE_BACKFILL);
}
