/* What the files of the exchange share; nobody else includes it. */
#ifndef PROTOCOL_EXCHANGE_STATE_H
#define PROTOCOL_EXCHANGE_STATE_H

#include "protocol/exchange.h"
#include "protocol/reconcile.h"
#include "protocol/turns.h"

struct peer {
	struct peer_status status;
	struct session *session;
	struct exchange *x;
	struct reconciler *reconciler;
	struct counter *counter;

	/* What waits for the peer.  Positions up to scan_end are found by reading the log from
	 * scan_next; those after it are in the live lanes as they are committed, until too many
	 * wait: then missed is the first that is in neither, and a second scan finds them. */
	struct turns lanes[LANE_COUNT];
	size_t live; /* positions in all lanes but the backfill */
	uint64_t scan_next, scan_end;
	uint64_t missed; /* 0: none */
	uint64_t denied; /* the lowest that was refused, or that only a floor keeps from the peer;
			    0: none */
	uint64_t since;  /* see struct cursor */

	uint64_t confirming;      /* position that was offered again, for exchange_confirms(); 0 */
	bool greeted;             /* ever */
	uint64_t clock, clock_at; /* of the peer when it last did, wall ms; then, mono ms */

	uint64_t opened;       /* mono ms: when the session did */
	unsigned notices;      /* of the peer since then */
	uint64_t conversation; /* counts them; an answer is only for the one that asked */
	uint64_t answered;     /* mono ms: when it last did, or had nothing to answer for */
	uint64_t settled_rows; /* answers since the cursor was saved */
	uint64_t turn;         /* of its next message; see exchange_turns.c */
	uint64_t spoke;        /* mono ms: when its last message came; 0: never */
	bool rests;            /* see exchange.rest_until */

	/* Messages of origins that it was asked to hold back: so many bytes in the hour that began
	 * then, mono ms, when there are any; and those that wait unanswered for it. */
	uint64_t excess, excess_at;
	uint64_t pauses; /* see session_pauses(): that the lanes go by */
	/* The lowest that was passed over since the peer named its origin, and the lowest of this
	 * node's own in the whole conversation; 0: none. */
	uint64_t passed, passed_own;
	struct pending **held; /* owned */
	size_t held_count, held_size;

	struct store_id stores[2]; /* that it has greeted with: the last, and another before */
	uint64_t store_changed;    /* mono ms: since when it is the last; 0: there was no other */
};

/* A message that arrived or was submitted, on its way into the log. */
struct pending {
	struct peer *peer; /* NULL when own, or when nobody waits for an answer any more */
	struct party_id from;
	bool own; /* written here */
	bool duplicate;
	bool urgent; /* of one sender it goes before the others */
	uint64_t turn;
	uint64_t number; /* of the peer's push */
	uint64_t ticket;
	uint64_t conversation; /* of the peer; another by now: the answer is no longer wanted */
	uint8_t *bytes;        /* owned */
	size_t length;
	bool split; /* message is valid */
	struct message_view message;
	struct judging judging;
	struct judged judged;
};

/* How many emergencies and recalls an origin has sent in an hour. */
struct allowance {
	struct party_id origin;
	uint64_t hour;
	uint32_t emergencies, recalls;
	uint64_t passed_on; /* emergencies that came from others while it is paused */
};

enum { JUDGED_AT_ONCE = 256 };

struct exchange {
	struct exchange_host host;
	struct exchange_options options;
	struct peer **peers; /* owned */
	size_t peer_count;
	struct pending **pending; /* owned */
	size_t pending_count, pending_size;
	size_t keeping; /* the first so many of them are being committed, in the background */
	size_t judged;  /* so many are judged, those among them; and */
	size_t judging; /* up to here they are being judged, in the background */
	struct pending *work[JUDGED_AT_ONCE]; /* what that is at */
	uint64_t turn, own_turn;              /* of the last to be kept; of our next */
	bool working;
	uint64_t keep_since, keep_ms; /* mono ms: when the last batch was begun; what it took */
	bool hurried;                 /* of what was judged only what is urgent was kept last */
	bool owed;                /* the last batch had messages of those who had had their share */
	bool own_rests;           /* this node was among those */
	bool rest_due;            /* after it what they say is not kept for a while, until */
	uint64_t rest_until;      /* mono ms */
	struct arrival *arrivals; /* owned; what of them is kept, and */
	uint64_t *lsns;           /* where */
	struct allowance *allowances;
	size_t allowance_count;
	struct party_id paused[PAUSED_MAX]; /* origins that neighbours shall hold back */
	size_t paused_count;
	uint32_t floor;
	uint64_t floor_raised; /* mono ms of its last rise */
	uint64_t next_save, retry_at;
	uint64_t busy_since; /* mono ms; 0: the store is not busy */
	enum err store_state;
	bool confirming;    /* see exchange_confirm() */
	struct instant now; /* of the call under way */
};

struct peer *peer_find(const struct exchange *x, const struct party_id *id);

/* peer.c: what a neighbour lacks. */
struct peer *peer_new(struct exchange *x, const struct party *party, enum link_kind kind);
void peer_free(struct peer *p);
void peer_greet(struct peer *p);
void peer_opened(struct peer *p);
/* The peer has greeted: does it speak from two stores? */
void peer_store_seen(struct peer *p);
void peer_closed(struct peer *p);
/* Fills the passage of messages between this node and the peer; false when the session is not open.
 */
bool peer_passage(const struct peer *p, struct passage *passage);
/* A message has been committed: queue it when the link carries it. */
void peer_offer(struct peer *p, uint64_t lsn, const struct header *h, const struct party_id *from,
		enum lane lane);
/* Gives the session what it wants; true when more of the log is to be looked at. */
bool peer_fill(struct peer *p);
/* The peer refused it, or would have: the cursor stays before it. */
void peer_denied(struct peer *p, uint64_t lsn);
void peer_cursor(const struct peer *p, struct cursor *c);

/* exchange_judge.c: what has arrived, and its judgement. */
enum err pending_add(struct exchange *x, struct pending *p);
void pending_free(struct pending *p);
/* It is judged, and is to be kept. */
bool pending_keeps(const struct pending *p);
void pending_forget(struct exchange *x, const struct peer *peer);
/* Takes what the background has done, and gives it more. */
void judging_turn(struct exchange *x);
/* Judges the one that waits there before what the background is at. */
void judge_at_once(struct exchange *x, size_t at);
/* Waits for the background; everything is to be judged again. */
void judging_reset(struct exchange *x);

/* exchange_turns.c: neighbours take turns. */
/* What has arrived waits before those whose turn is later. */
void turn_take(struct exchange *x, struct pending *p);
/* What was just judged, behind the first so many, is put among them. */
void turns_merge(struct exchange *x, size_t from, size_t judged);
/* How many of those from there, in their order, make one piece of work: for the judges, for the
 * store. */
size_t turns_to_judge(const struct exchange *x, size_t from);
/* 0: those who have had their share wait, so that another finds the store at rest. */
size_t turns_to_keep(struct exchange *x);
/* There is a neighbour that speaks and has had less than its share: what it says next shall not
 * wait for others. */
bool turns_awaited(const struct exchange *x);
/* That batch is kept. */
void turns_kept(struct exchange *x);
/* At the begin of each turn of the exchange. */
void turns_begin(struct exchange *x);
/* mono ms: when to look again at what waits; UINT64_MAX: not for the time's sake. */
uint64_t turns_deadline(const struct exchange *x);

/* exchange_recall.c */
/* SPEC 5.8: "What is recalled is kept and passed on without its body": of the first n. */
enum err recalls_apply(struct exchange *x, size_t n);
/* A recall has been committed and offered: what it takes back, which is at target (0: that cannot
 * be told), and was read ahead for the peer with its body, is read again. */
void peer_recalled(struct peer *p, const struct header *recall, uint64_t target);

/* exchange_admit.c: what becomes of it. */
/* May a neighbour that holds back what this origin says pass one more of its emergencies on? */
bool emergency_expected(struct exchange *x, const struct party_id *origin);
void admit(struct exchange *x);
/* Waits for the background; nobody is told. */
void admit_end(struct exchange *x);

/* Queues a position that reconciliation has found the peer to lack. */
void peer_backfill(struct peer *p, uint64_t lsn);

/* exchange_reconcile.c: what neither cursor nor queue knows of. */
struct reconciler *reconciler_new(struct peer *p);
void reconciler_free(struct reconciler *r);
/* The conversation is over, or another begins. */
void reconciler_clear(struct reconciler *r);
/* The session is open; begins: it is this end that asks, now and from time to time. */
void reconciler_opened(struct reconciler *r, bool begins);
void reconciler_receive(struct reconciler *r, enum frame_type type, const uint8_t *payload,
			size_t n);
/* Does some of what is to do; backfilled: what the cursor left to push has been answered for.  True
 * when there is more. */
bool reconciler_run(struct reconciler *r, bool backfilled);
/* A run is to begin, soon but not too often. */
void reconciler_want(struct reconciler *r);
/* The same, sooner: what was held back may go.  However often the peer changes its mind, it is not
 * asked more often than it bears. */
void reconciler_released(struct reconciler *r);
/* The open session is to be confirmed; false: no longer. */
void reconciler_confirm(struct reconciler *r, bool on);
uint64_t reconciler_deadline(const struct reconciler *r);

/* exchange_topology.c: what the peer asks for, or gives. */
void peer_topology_asked(struct peer *p, const struct version_hash *theirs);
/* One who joined lately cannot judge what was written before: it is given what its oldest names. */
void peer_history_asked(struct peer *p, const struct version_hash *oldest);
/* The host persists it, adds it to the chain and starts every conversation anew, this one too. */
void peer_topology_offered(struct peer *p, const struct session_event *e);

/* exchange_notice.c */
void notice_handle(struct peer *p, enum frame_type type, const uint8_t *payload, size_t n);
void suspension_tell(struct peer *p);

/* exchange_count.c */
struct counter *counter_new(struct peer *p);
void counter_free(struct counter *c);
/* The conversation is over, or another begins. */
void counter_clear(struct counter *c);
void counter_asked(struct counter *c, const uint8_t *payload, size_t n);
void counter_answered(struct counter *c, const uint8_t *payload, size_t n);
bool counter_run(struct counter *c);
uint64_t counter_deadline(const struct counter *c);
enum err counter_begin(struct counter *c, const struct party_id *role);
enum count_state counter_result(const struct counter *c, const struct party_id *role,
				const struct count_result **out);

/* exchange_pause.c */
/* Who takes turns: an origin, and on their own its messages that are not held back with it. */
struct party_id turn_taker(const struct header *h);
/* A message that has arrived waits to be kept, or for as long as its origin is paused.  Takes m
 * over. */
enum err pause_admit(struct peer *p, struct pending *m);
void pause_forget(struct peer *p);
/* Queues it for its turn. */
enum err pause_queue(struct peer *p, const struct header *h, uint64_t lsn, enum lane lane);
/* Does the peer want it held back?  Then it is remembered that it lacks it. */
bool pause_passes(struct peer *p, const struct header *h, uint64_t lsn, enum lane lane);
/* It has its turn: was it queued before the peer named its origin, and is to be passed over now? */
bool pause_withdraws(struct peer *p, uint64_t lsn, enum lane lane);
/* The peer may have named others: what waits of them waits no more, and what was passed over before
 * is looked for again. */
void pause_follow(struct peer *p);
/* Tells the peer whom it shall hold back. */
void pause_tell(struct peer *p);

/* exchange_floor.c */
void floor_load(struct exchange *x);
/* A neighbour has greeted: is this the time for a first floor? */
void floor_begin(struct exchange *x);
/* What the session with a peer that has greeted goes by. */
uint32_t floor_session(const struct peer *p);
void floor_raise(struct exchange *x);

#endif
