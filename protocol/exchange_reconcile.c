/* Reconciliation with a neighbour: when it runs, what of it goes out, and what it finds.
 * SPEC.md 7.7. */
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "protocol/exchange_state.h"

enum {
	MINUTE_MS = 60 * 1000,
	RECONCILE_EVERY_MS = 15 * 60 * 1000,
	WANTED_AGAIN_MS = 2 * MINUTE_MS,
	RELEASED_SOON_MS = 10 * 1000,
	RELEASED_SOON = 4,      /* runs that may follow each other so, and one more each minute */
	CONFIRM_FIRST_MS = 250, /* to the second run, and so much longer each time */
	CONFIRM_LAST_MS = 150 * 1000,
	CONFIRM_QUIET_MS = 2 * MINUTE_MS,
	CONFIRM_QUIET = 3, /* runs so far apart that bring nothing new */
	STEPS_A_TURN = 4,
	BEGINS_AT_ONCE = 8, /* runs that the peer may begin, and one more each minute */
	RETRY_MS = 10,      /* while somebody else folds */
	BACKFILL_FULL =
		4 * LANE_LOADED_MAX, /* positions that wait; more are found when these are gone */
};

/* What is remembered of an audience until the topology changes. */
struct carried {
	struct audience_id audience;
	bool yes, used;
};

struct reconciler {
	struct peer *peer;
	struct reconcile *asking, *answering; /* NULL until needed */
	bool begin;                           /* a run is to begin when the backfill is through */
	bool stale;         /* the trie is to be brought up to date before the next step */
	bool asks, answers; /* the part has something to do */
	bool regular;       /* it is this end that begins from time to time */
	uint64_t next;      /* mono ms of the next run; UINT64_MAX: none is to come */
	uint64_t began;     /* mono ms of the last run of ours; 0: none yet */
	uint64_t opened;    /* mono ms */
	unsigned begins;    /* of the peer since then, and */
	unsigned begun;     /* ours */
	uint64_t retry;     /* mono ms of another try; UINT64_MAX: none */
	uint64_t confirm;   /* mono ms of the next run until agreed; UINT64_MAX: none is to come */
	uint64_t pause;     /* ms from that to the one after */
	unsigned quiet;     /* such runs in a row that brought nothing new */
	uint64_t received;  /* of the peer, at the end of the last of them */
	uint64_t ended;     /* mono ms: that end */
	bool agreed;        /* in this session */
	uint8_t key[crypto_shorthash_KEYBYTES]; /* of carried: audiences can be ground */
	struct carried *carried;                /* hash table; a power of two */
	size_t carried_count, carried_size;
	uint64_t *found; /* positions of one step */
	size_t found_count, found_size;
	bool short_of_memory, unreadable;
};

struct reconciler *reconciler_new(struct peer *p)
{
	struct reconciler *r = calloc(1, sizeof *r);

	if (r) {
		r->peer = p;
		r->next = r->retry = r->confirm = UINT64_MAX;
	}
	return r;
}

void reconciler_clear(struct reconciler *r)
{
	reconcile_free(r->asking);
	reconcile_free(r->answering);
	r->asking = r->answering = NULL;
	r->begin = r->stale = r->asks = r->answers = false;
	r->next = r->retry = r->confirm = UINT64_MAX;
	free(r->carried);
	r->carried = NULL;
	r->carried_count = r->carried_size = 0;
}

void reconciler_free(struct reconciler *r)
{
	if (!r)
		return;
	reconciler_clear(r);
	free(r->found);
	free(r);
}

void reconciler_opened(struct reconciler *r, bool begins)
{
	uint8_t peer_nonce[NONCE_BYTES];

	/* Nobody but the two ends knows our nonce, and it is new for every conversation. */
	session_nonces(r->peer->session, r->key, peer_nonce);
	r->begin = r->regular = begins;
	r->opened = r->peer->x->now.mono;
	r->begins = r->begun = 0;
	r->next = begins ? r->peer->x->now.mono + RECONCILE_EVERY_MS : UINT64_MAX;
	r->agreed = false;
	reconciler_confirm(r, r->peer->x->confirming);
}

void reconciler_confirm(struct reconciler *r, bool on)
{
	if (on && r->agreed)
		return;
	r->confirm = on && session_is_open(r->peer->session) ? r->peer->x->now.mono : UINT64_MAX;
	r->pause = CONFIRM_FIRST_MS;
	r->quiet = 0;
	r->received = r->peer->status.received;
	r->ended = r->peer->x->now.mono;
}

void exchange_confirm(struct exchange *x, bool on, struct instant now)
{
	x->now = now;
	x->confirming = on;
	for (size_t i = 0; i < x->peer_count; i++) {
		struct peer *p = x->peers[i];
		if (p->status.state == PEER_OPEN && p->status.kind != LINK_FORMER &&
		    x->host.store.trie)
			reconciler_confirm(p->reconciler, on);
	}
}

/* SPEC 5.11: "a reconciliation (7.7) is begun, not more than once in two minutes on one link" */
static void want(struct reconciler *r, uint64_t pause)
{
	uint64_t now = r->peer->x->now.mono, at = r->began ? r->began + pause : now;

	if (!session_is_open(r->peer->session))
		return;
	if (at < now)
		at = now;
	if (at < r->next)
		r->next = at;
}

void reconciler_want(struct reconciler *r)
{
	want(r, WANTED_AGAIN_MS);
}

void reconciler_released(struct reconciler *r)
{
	uint64_t minutes = (r->peer->x->now.mono - r->opened) / MINUTE_MS;

	want(r, r->begun < RELEASED_SOON + minutes ? RELEASED_SOON_MS : MINUTE_MS);
}

uint64_t reconciler_deadline(const struct reconciler *r)
{
	uint64_t next = r->confirm < r->next ? r->confirm : r->next;

	return r->retry < next ? r->retry : next;
}

/* The slot of an audience, or of what may become it. */
static struct carried *slot(const struct reconciler *r, struct carried *table, size_t size,
			    const struct audience_id *audience)
{
	uint8_t hash[crypto_shorthash_BYTES];
	size_t i;

	crypto_shorthash(hash, audience->b, AUDIENCE_ID_BYTES, r->key);
	memcpy(&i, hash, sizeof i);
	for (i &= size - 1; table[i].used; i = (i + 1) & (size - 1)) {
		if (memcmp(table[i].audience.b, audience->b, AUDIENCE_ID_BYTES) == 0)
			break;
	}
	return &table[i];
}

static bool carried_grow(struct reconciler *r)
{
	size_t size = r->carried_size ? 2 * r->carried_size : 64;
	struct carried *table = calloc(size, sizeof *table);

	if (!table)
		return false;
	for (size_t i = 0; i < r->carried_size; i++) {
		if (r->carried[i].used)
			*slot(r, table, size, &r->carried[i].audience) = r->carried[i];
	}
	free(r->carried);
	r->carried = table;
	r->carried_size = size;
	return true;
}

/* Does the link carry messages of this audience?  One of its headers tells. */
static bool carries(void *arg, const struct audience_id *audience, uint64_t lsn)
{
	struct reconciler *r = arg;
	const struct store *s = &r->peer->x->host.store;
	struct passage passage;
	struct stored row;
	struct header h;
	struct carried *c;
	enum err e;

	if (2 * (r->carried_count + 1) > r->carried_size && !carried_grow(r))
		return false;
	c = slot(r, r->carried, r->carried_size, audience);
	if (c->used)
		return c->yes;
	e = s->next(s->self, lsn, &row);
	/* What cannot be read now must not count as not carried. */
	r->unreadable |= e && e != ERR_NOT_FOUND && e != ERR_DAMAGED;
	if (e || !peer_passage(r->peer, &passage) || row.lsn != lsn ||
	    header_decode(&h, row.header, row.header_length) != ERR_OK)
		return false;
	*c = (struct carried){
		.audience = *audience,
		.yes = audience_link_carries(passage.topology, passage.self, passage.peer, &h),
		.used = true};
	r->carried_count++;
	return c->yes;
}

static void found(void *arg, uint64_t lsn)
{
	struct reconciler *r = arg;

	if (r->found_count == r->found_size) {
		size_t size = r->found_size ? 2 * r->found_size : 1024;
		uint64_t *grown = realloc(r->found, size * sizeof *grown);
		if (!grown) {
			r->short_of_memory = true;
			return;
		}
		r->found = grown;
		r->found_size = size;
	}
	r->found[r->found_count++] = lsn;
}

static int by_lsn(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

static bool link_make(struct reconciler *r, struct reconcile_link *link)
{
	const struct store *s = &r->peer->x->host.store;

	*link = (struct reconcile_link){.store = s->trie(s->self),
					.floor = floor_session(r->peer),
					.carries = carries,
					.push = found,
					.arg = r};
	session_nonces(r->peer->session, link->own_nonce, link->peer_nonce);
	return link->store != NULL;
}

/* Ends the session: what is missed is found by the run that begins the next one. */
static void give_up(struct reconciler *r, bool blame, const char *why)
{
	session_end(r->peer->session, blame, why);
	r->asks = r->answers = r->begin = false;
}

static void count_frame(struct reconciler *r, size_t bytes)
{
	struct reconciled *last = &r->peer->status.reconciled;

	last->at = r->peer->x->now.wall;
	last->frames++;
	last->bytes += bytes;
}

void reconciler_receive(struct reconciler *r, enum frame_type type, const uint8_t *payload,
			size_t n)
{
	bool to_asking = type == FRAME_PART || type == FRAME_LAST;
	struct reconcile **part = to_asking ? &r->asking : &r->answering;
	enum err e;

	if (!*part && !to_asking)
		*part = reconcile_new(RECONCILE_ANSWERING);
	if (!*part) {
		give_up(r, to_asking,
			to_asking ? "it answered what was never asked" : "out of memory");
		return;
	}
	if (type == FRAME_BEGIN)
		r->peer->status.reconciled = (struct reconciled){0};
	count_frame(r, n);
	if (type == FRAME_BEGIN &&
	    r->begins++ > BEGINS_AT_ONCE + (r->peer->x->now.mono - r->opened) / MINUTE_MS) {
		give_up(r, true, "it begins to reconcile again and again");
		return;
	}
	e = reconcile_receive(*part, (enum reconcile_type)type, payload, n);
	if (e) {
		give_up(r, e != ERR_MEMORY, "it broke the rules of reconciliation");
		return;
	}
	if (to_asking)
		r->asks = true;
	else
		r->answers = true;
	r->stale = true;
}

static void begin(struct reconciler *r, const struct reconcile_link *link)
{
	r->begin = false;
	r->began = r->peer->x->now.mono;
	r->begun++;
	if (!r->asking)
		r->asking = reconcile_new(RECONCILE_ASKING);
	/* ERR_STATE: the last run is still under way, which is as good. */
	if (r->asking && reconcile_begin(r->asking, link) == ERR_OK) {
		r->asks = true;
		r->peer->status.reconciled = (struct reconciled){0};
	}
}

/* Every audience that the link carries, as far as this end has any of it. */
static void tell_agreed(struct reconciler *r, uint32_t floor)
{
	const struct exchange_host *host = &r->peer->x->host;
	struct audience_id *audiences = malloc((r->carried_count + 1) * sizeof *audiences);
	size_t n = 0;

	if (!audiences) {
		give_up(r, false, "out of memory");
		return;
	}
	for (size_t i = 0; i < r->carried_size; i++) {
		if (r->carried[i].used && r->carried[i].yes)
			audiences[n++] = r->carried[i].audience;
	}
	r->agreed = true;
	if (host->agreed)
		host->agreed(host->arg, &r->peer->status.id, floor, audiences, n);
	free(audiences);
}

/* SPEC 6.6: "A run confirms when the views were the same, or when it is the third in a row, each
 * two minutes or more after the one before, since which nothing new has come from the neighbour."
 */
static void run_ended(struct reconciler *r, const struct reconcile_result *result)
{
	uint64_t received = r->peer->status.received;

	if (!r->peer->x->confirming || r->agreed)
		return;
	if (received != r->received)
		r->quiet = 0;
	else if (r->began - r->ended >= CONFIRM_QUIET_MS)
		r->quiet++;
	r->received = received;
	r->ended = r->peer->x->now.mono;
	if (result->equal || r->quiet == CONFIRM_QUIET) {
		r->confirm = UINT64_MAX;
		tell_agreed(r, result->floor);
		return;
	}
	r->confirm = r->peer->x->now.mono + r->pause;
	r->pause = 2 * r->pause < CONFIRM_LAST_MS ? 2 * r->pause : CONFIRM_LAST_MS;
}

/* One step of one part; false when it has nothing more to do now. */
static bool step(struct reconciler *r, struct reconcile *part, bool *busy,
		 const struct reconcile_link *link)
{
	struct reconcile_frame frame;
	struct reconcile_result result;
	enum reconcile_turn turn;
	enum err e;
	bool unreadable;

	reconcile_limit(part, session_frame_most(r->peer->session));
	e = reconcile_step(part, link, &turn, &frame);
	unreadable = r->unreadable;
	r->unreadable = false;
	if (e || unreadable) {
		give_up(r, false, "the store does not answer");
		return false;
	}
	switch (turn) {
	case RECONCILE_WAIT:
		*busy = false;
		return false;
	case RECONCILE_MORE:
		return true;
	case RECONCILE_FRAME:
		if (session_reconcile(r->peer->session, (enum frame_type)frame.type, frame.payload,
				      frame.length) != ERR_OK)
			give_up(r, false, "out of memory");
		count_frame(r, frame.length);
		return true;
	case RECONCILE_DONE:
		*busy = false;
		result = reconcile_result(part);
		r->peer->status.reconciled.wanted = result.wanted;
		run_ended(r, &result);
		return false;
	}
	return false;
}

static void found_queue(struct reconciler *r)
{
	if (r->found_count)
		qsort(r->found, r->found_count, sizeof *r->found, by_lsn);
	r->peer->status.reconciled.found += r->found_count;
	for (size_t i = 0; i < r->found_count; i++)
		peer_backfill(r->peer, r->found[i]);
	r->found_count = 0;
	if (r->short_of_memory)
		give_up(r, false, "out of memory");
	r->short_of_memory = false;
}

bool reconciler_run(struct reconciler *r, bool backfilled)
{
	const struct store *s = &r->peer->x->host.store;
	struct reconcile_link link;
	int steps = 0;

	if (r->peer->x->now.mono >= r->next) {
		r->begin = true;
		r->next = r->regular ? r->peer->x->now.mono + RECONCILE_EVERY_MS : UINT64_MAX;
	}
	if (r->peer->x->now.mono >= r->confirm) {
		r->begin = true;
		r->confirm = UINT64_MAX;
	}
	if (!(r->begin && backfilled) && !r->asks && !r->answers)
		return false;
	r->retry = UINT64_MAX;
	if (!session_is_open(r->peer->session))
		return false;
	if (((r->begin || r->stale) && s->catch_up(s->self) != ERR_OK) || !link_make(r, &link)) {
		r->retry = r->peer->x->now.mono + RETRY_MS;
		return false;
	}
	r->stale = false;
	if (r->begin && backfilled)
		begin(r, &link);
	while (steps < STEPS_A_TURN && session_reconcile_room(r->peer->session) &&
	       r->peer->lanes[LANE_BACKFILL].count < BACKFILL_FULL) {
		bool more = false;
		if (r->answers)
			more = step(r, r->answering, &r->answers, &link);
		if (r->asks && session_reconcile_room(r->peer->session))
			more |= step(r, r->asking, &r->asks, &link);
		found_queue(r);
		steps++;
		if (!more || !session_is_open(r->peer->session))
			break;
	}
	return steps == STEPS_A_TURN;
}

void exchange_reconcile(struct exchange *x, const struct header *h, struct instant now)
{
	struct passage passage;

	x->now = now;
	for (size_t i = 0; i < x->peer_count; i++) {
		struct peer *p = x->peers[i];
		if (peer_passage(p, &passage) &&
		    audience_link_carries(passage.topology, passage.self, passage.peer, h))
			reconciler_want(p->reconciler);
	}
}
