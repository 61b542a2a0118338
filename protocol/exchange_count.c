/* Do two holders of a role have the same of what is sealed to it?  SPEC.md 4.13, 7.8.
 *
 * The asking end compares page by page, and again what differed, until every audience has been seen
 * to be the same at some moment after it began: what arrives meanwhile does not keep it from
 * ending. */
#include <stdlib.h>
#include <string.h>

#include "protocol/bytes.h"
#include "protocol/count.h"
#include "protocol/exchange_state.h"

enum {
	LOOKED_AT_MAX = 2000, /* audiences for one answer */
	AGAIN_MS = 200,       /* between two looks at what differed */
	RETRY_MS = 10,        /* while somebody else folds */
	ASKED_AT_ONCE = 256,  /* COUNTs that a peer may send, and so many more each second */
	ASKED_A_SECOND = 16,
};

struct counter {
	struct peer *peer;
	uint64_t retry; /* mono ms: of what could not be done; UINT64_MAX: nothing */

	/* answering */
	bool asked;
	struct count_ask ask;
	uint64_t asks; /* of the peer since the session opened */

	/* asking */
	enum count_state state;
	bool waiting; /* for COUNTS */
	bool taking;  /* they are in counts, and are to be compared */
	bool first;   /* the pass that finds what there is to compare */
	bool due;     /* to ask */
	struct count_ask next;
	struct count_result result; /* owns its lines */
	size_t room;
	struct counts *counts; /* owned; NULL until needed, as it is large */
};

struct counter *counter_new(struct peer *p)
{
	struct counter *c = calloc(1, sizeof *c);

	if (c) {
		c->peer = p;
		c->retry = UINT64_MAX;
	}
	return c;
}

void counter_clear(struct counter *c)
{
	c->asked = c->due = c->waiting = c->taking = false;
	c->asks = 0;
	c->retry = UINT64_MAX;
	if (c->state == COUNT_RUNNING)
		c->state = COUNT_ENDED;
}

void counter_free(struct counter *c)
{
	if (!c)
		return;
	free(c->result.lines);
	free(c->counts);
	free(c);
}

uint64_t counter_deadline(const struct counter *c)
{
	return c->retry;
}

static bool room_make(struct counter *c)
{
	if (!c->counts)
		c->counts = malloc(sizeof *c->counts);
	return c->counts != NULL;
}

/* ---- what is here ---- */

struct looking {
	struct counter *counter;
	const struct party_id *role;
	struct view view;
};

/* SPEC 7.8: "The audiences of a role are those of sealed messages of which it is a recipient." */
static bool names_role(void *arg, const struct audience_id *audience, uint64_t lsn)
{
	struct looking *l = arg;
	const struct store *s = &l->counter->peer->x->host.store;
	static _Thread_local struct header h;
	struct stored row;

	(void)audience;
	if (s->next(s->self, lsn, &row) != ERR_OK || row.lsn != lsn ||
	    header_decode(&h, row.header, row.header_length) != ERR_OK)
		return false;
	for (size_t i = 0; i < h.recipient_count; i++)
		if (party_id_equal(&h.recipients[i].party, l->role))
			return true;
	return false;
}

static bool looking_make(struct looking *l, struct counter *c, const struct count_ask *ask,
			 bool own)
{
	const struct store *s = &c->peer->x->host.store;
	uint8_t mine[NONCE_BYTES], theirs[NONCE_BYTES];

	*l = (struct looking){.counter = c, .role = &ask->role};
	l->view.store = s->trie(s->self);
	l->view.carries = names_role;
	l->view.arg = l;
	session_nonces(c->peer->session, mine, theirs);
	view_keys(&l->view, own ? mine : theirs, own ? theirs : mine);
	view_span(&l->view, ask->floor);
	return l->view.store != NULL;
}

/* The next audience of the role at or after *at; ERR_NOT_FOUND behind the last, ERR_BUSY when
 * enough was looked at: *at is where to go on. */
static enum err look(struct looking *l, struct audience_id *at, size_t *looked,
		     struct count_line *line)
{
	struct view_audience found;
	enum err e;

	while ((e = view_audience(&l->view, at, &found)) == ERR_OK) {
		if (*looked == LOOKED_AT_MAX) {
			*at = found.id;
			return ERR_BUSY;
		}
		++*looked;
		*at = found.id;
		if (found.carried && found.sum.count) {
			*line = (struct count_line){.audience = found.id,
						    .messages = found.sum.count};
			view_total_fingerprint(&l->view, &found.sum, line->fingerprint);
			return ERR_OK;
		}
		if (!trie_audience_next(at))
			return ERR_NOT_FOUND;
	}
	return e;
}

static bool is_holder(const struct topology *t, const struct party *role, const struct party *node)
{
	for (size_t i = 0; i < role->holder_count; i++)
		if (role->holders[i] == topology_index(t, node))
			return true;
	return false;
}

/* Both ends hold the role under the session's version. */
static bool both_hold(const struct peer *p, const struct party_id *id)
{
	struct passage passage;
	const struct party *role;

	if (!peer_passage(p, &passage))
		return false;
	role = topology_party_by_id(passage.topology, id);
	return role && role->kind == PARTY_ROLE &&
	       is_holder(passage.topology, role, passage.self) &&
	       is_holder(passage.topology, role, passage.peer);
}

static size_t keys_held(const struct peer *p, const struct party_id *role, uint16_t keys[KEYS_MAX])
{
	const struct exchange_host *host = &p->x->host;

	return host->role_keys ? host->role_keys(host->arg, role, keys) : 0;
}

/* ---- answering ---- */

/* On a narrow line fewer than could be told at once. */
static size_t lines_most(const struct counter *c)
{
	size_t head = COUNT_BYTES + AUDIENCE_ID_BYTES + 1 + 2 * KEYS_MAX + 2;
	size_t n = (session_frame_most(c->peer->session) - head) / COUNT_LINE_BYTES;

	return n < COUNTS_MAX ? n : COUNTS_MAX;
}

static enum err answer_make(struct counter *c)
{
	struct counts *out = c->counts;
	uint32_t floor = floor_session(c->peer);
	struct audience_id at = c->ask.from;
	struct looking l;
	size_t looked = 0;
	enum err e = ERR_OK;

	*out = (struct counts){.of = c->ask};
	out->of.floor = 0;
	if (!c->peer->x->host.store.trie || !both_hold(c->peer, &c->ask.role))
		return ERR_OK;
	/* SPEC 7.8: "An answering end whose floor is higher answers with its own." */
	out->of.floor = c->ask.floor > floor ? c->ask.floor : floor;
	if (!looking_make(&l, c, &out->of, false))
		return ERR_BUSY;
	out->key_count = keys_held(c->peer, &c->ask.role, out->keys);
	while (!e && out->line_count < lines_most(c)) {
		e = look(&l, &at, &looked, &out->lines[out->line_count]);
		out->line_count += e == ERR_OK;
		if (!e && !trie_audience_next(&at))
			e = ERR_NOT_FOUND;
	}
	if (!e || e == ERR_BUSY)
		out->next = at;
	return e == ERR_BUSY || e == ERR_NOT_FOUND ? ERR_OK : e;
}

static enum err answer(struct counter *c)
{
	static _Thread_local uint8_t bytes[RECONCILE_BYTES_MAX];
	enum err e = answer_make(c);

	if (e)
		return e;
	e = session_notice(c->peer->session, FRAME_COUNTS, bytes, counts_encode(c->counts, bytes));
	if (!e)
		c->asked = false;
	return e;
}

void counter_asked(struct counter *c, const uint8_t *payload, size_t n)
{
	struct peer *p = c->peer;
	uint64_t seconds = (p->x->now.mono - p->opened) / 1000;

	/* SPEC 7.8: "More than 256 COUNTs and 16 more for each second of the session end it, and so
	 * does one before the last was answered" */
	if (c->asks++ >= ASKED_AT_ONCE + seconds * ASKED_A_SECOND || c->asked)
		session_end(p->session, true, "it counts again and again");
	else if (!room_make(c))
		session_end(p->session, false, "out of memory");
	else if (count_ask_decode(&c->ask, payload, n) != ERR_OK)
		session_end(p->session, true, "it broke the rules of counting");
	else
		c->asked = true;
}

/* ---- asking ---- */

static struct count_compared *find(struct counter *c, const struct audience_id *audience)
{
	size_t low = 0, high = c->result.count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order =
			memcmp(audience->b, c->result.lines[middle].audience.b, AUDIENCE_ID_BYTES);
		if (order == 0)
			return &c->result.lines[middle];
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return NULL;
}

/* One audience as the two ends see it; a line of 0 messages: the end has nothing of it. */
static enum err compare(struct counter *c, const struct count_line *ours,
			const struct count_line *theirs)
{
	const struct count_line *any = ours->messages ? ours : theirs;
	bool same = ours->messages == theirs->messages &&
		    memcmp(ours->fingerprint, theirs->fingerprint, TOTAL_FINGERPRINT_BYTES) == 0;
	struct count_compared *line = c->first ? NULL : find(c, &any->audience);

	if (c->first) {
		if (c->result.count == c->room) {
			size_t room = c->room ? 2 * c->room : 64;
			struct count_compared *grown =
				realloc(c->result.lines, room * sizeof *grown);
			if (!grown)
				return ERR_MEMORY;
			c->result.lines = grown;
			c->room = room;
		}
		line = &c->result.lines[c->result.count++];
		*line = (struct count_compared){.audience = any->audience};
	}
	if (!line || line->same)
		return ERR_OK;
	line->ours = ours->messages;
	line->theirs = theirs->messages;
	line->same = same;
	return ERR_OK;
}

/* Goes through our audiences of the page beside theirs. */
static enum err compare_page(struct counter *c, struct looking *l)
{
	const struct counts *page = c->counts;
	bool ends = bytes_zero(page->next.b, AUDIENCE_ID_BYTES), more = true;
	struct audience_id at = page->of.from;
	struct count_line ours, none = {.messages = 0};
	size_t i = 0, looked;
	enum err e = ERR_OK;

	while (!e && (more || i < page->line_count)) {
		enum err found = ERR_BUSY;
		int order;
		for (looked = 0; more && found == ERR_BUSY; looked = 0)
			found = look(l, &at, &looked, &ours);
		if (more && found && found != ERR_NOT_FOUND)
			return found;
		more = more && !found &&
		       (ends || memcmp(ours.audience.b, page->next.b, AUDIENCE_ID_BYTES) < 0);
		order = !more                   ? 1
			: i == page->line_count ? -1
						: memcmp(ours.audience.b, page->lines[i].audience.b,
							 AUDIENCE_ID_BYTES);
		if (!more && i == page->line_count)
			break;
		e = compare(c, order <= 0 ? &ours : &none, order >= 0 ? &page->lines[i] : &none);
		i += order >= 0;
		if (order <= 0)
			more = trie_audience_next(&at);
	}
	return e;
}

static void pass_end(struct counter *c)
{
	size_t differ = 0;

	c->first = false;
	for (size_t i = 0; i < c->result.count; i++)
		differ += !c->result.lines[i].same;
	if (differ == 0) {
		c->state = COUNT_SAME;
		return;
	}
	memset(c->next.from.b, 0, sizeof c->next.from.b);
	c->due = true;
	c->retry = c->peer->x->now.mono + AGAIN_MS;
}

static void pass_begin(struct counter *c, uint32_t floor)
{
	c->result.count = 0;
	c->first = true;
	c->next.floor = floor;
	memset(c->next.from.b, 0, sizeof c->next.from.b);
	c->due = true;
}

static enum err take(struct counter *c)
{
	struct counts *page = c->counts;
	struct looking l;
	enum err e;

	if (!looking_make(&l, c, &page->of, true))
		return ERR_BUSY;
	e = compare_page(c, &l);
	if (e)
		return e;
	c->waiting = false;
	c->result.their_key_count = page->key_count;
	memcpy(c->result.their_keys, page->keys, sizeof page->keys);
	c->result.key_count = keys_held(c->peer, &page->of.role, c->result.keys);
	if (bytes_zero(page->next.b, AUDIENCE_ID_BYTES)) {
		pass_end(c);
		return ERR_OK;
	}
	c->next.from = page->next;
	c->due = true;
	return ERR_OK;
}

void counter_answered(struct counter *c, const uint8_t *payload, size_t n)
{
	struct session *s = c->peer->session;

	if (!c->waiting || c->state != COUNT_RUNNING) {
		session_end(s, true, "it answered what was never asked");
		return;
	}
	if (counts_decode(c->counts, payload, n) != ERR_OK ||
	    !party_id_equal(&c->counts->of.role, &c->next.role) ||
	    memcmp(c->counts->of.from.b, c->next.from.b, AUDIENCE_ID_BYTES) != 0) {
		session_end(s, true, "it broke the rules of counting");
		return;
	}
	if (c->counts->of.floor == 0) {
		c->state = COUNT_REFUSED;
		c->waiting = false;
	} else if (c->counts->of.floor != c->next.floor) {
		c->waiting = false;
		pass_begin(c, c->counts->of.floor);
	} else {
		c->taking = true;
	}
}

bool counter_run(struct counter *c)
{
	const struct store *s = &c->peer->x->host.store;
	uint64_t now = c->peer->x->now.mono;
	uint8_t bytes[COUNT_BYTES];
	enum err e = ERR_OK;

	if ((!c->asked && !c->taking && !c->due) || (c->retry != UINT64_MAX && now < c->retry))
		return false;
	c->retry = UINT64_MAX;
	if (!session_is_open(c->peer->session))
		return false;
	if (c->asked || c->taking)
		e = s->catch_up(s->self);
	if (!e && c->taking) {
		e = take(c);
		c->taking = e == ERR_BUSY;
	}
	if (!e && c->asked)
		e = answer(c);
	if (!e && c->due && c->retry == UINT64_MAX) {
		count_ask_encode(&c->next, bytes);
		e = session_notice(c->peer->session, FRAME_COUNT, bytes, sizeof bytes);
		c->due = e != ERR_OK;
		c->waiting = e == ERR_OK;
	}
	if (e == ERR_BUSY)
		c->retry = now + RETRY_MS;
	else if (e)
		session_end(c->peer->session, false, "the store does not answer");
	return false;
}

enum err counter_begin(struct counter *c, const struct party_id *role)
{
	if (!c->peer->x->host.store.trie || !both_hold(c->peer, role))
		return ERR_STATE;
	/* An answer may be on its way still, and would be taken for another's. */
	if (c->waiting || c->taking)
		return ERR_BUSY;
	if (!room_make(c))
		return ERR_MEMORY;
	c->state = COUNT_RUNNING;
	c->next.role = *role;
	c->retry = UINT64_MAX;
	c->result.begun = c->peer->x->now.wall;
	pass_begin(c, floor_session(c->peer));
	return ERR_OK;
}

enum count_state counter_result(const struct counter *c, const struct party_id *role,
				const struct count_result **out)
{
	*out = &c->result;
	if (c->state != COUNT_NONE && !party_id_equal(&c->next.role, role))
		return COUNT_NONE;
	return c->state;
}

enum err exchange_count(struct exchange *x, const struct party_id *id, const struct party_id *role,
			struct instant now)
{
	struct peer *p = peer_find(x, id);

	x->now = now;
	return p ? counter_begin(p->counter, role) : ERR_STATE;
}

enum count_state exchange_counted(const struct exchange *x, const struct party_id *id,
				  const struct party_id *role, const struct count_result **out)
{
	const struct peer *p = peer_find(x, id);

	return p ? counter_result(p->counter, role, out) : COUNT_NONE;
}
