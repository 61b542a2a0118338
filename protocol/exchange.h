/* One node's exchange of messages with all its neighbours: what arrives is judged, stored,
 * acknowledged and passed on; what is held and a neighbour lacks is pushed.  SPEC.md 7.
 *
 * It joins the sessions to a store and to nothing else: no socket, file, clock or randomness.  The
 * daemon drives it with real ones, the simulator with seeded ones.  Nothing is acknowledged, passed
 * on or shown before the commit that holds it.  Signatures are verified and batches committed
 * in the background (work_begin() below; store.h: keep): what arrives meanwhile is the next batch
 * of each, so batches form by themselves under load. */
#ifndef PROTOCOL_EXCHANGE_H
#define PROTOCOL_EXCHANGE_H

#include "protocol/session.h"
#include "protocol/store.h"

struct exchange;

enum {
	LIVE_QUEUE_MAX =
		1
		<< 16, /* positions waiting for a peer; what is beyond is found again in the log */
	SCAN_ROWS_MAX = 2000, /* log rows looked at for a peer in one turn */
	CURSOR_SAVE_MS = 2000,
	STORE_RETRY_MS = 1000,
	STALL_MS = 5 * 60 * 1000, /* without an answer while messages wait */
	STORE_BUSY_MS = 5000,     /* after which our own authors wait no longer */
};

struct instant {
	uint64_t mono; /* ms of a monotonic clock */
	uint64_t wall; /* ms since 1970, this machine's opinion */
};

struct exchange_host {
	struct store store;
	const struct chain
		*chain; /* borrowed; the host changes it, then says exchange_topology_changed() */
	void *arg;      /* of the calls below */
	void (*random)(void *arg, void *out, size_t n);
	/* A peer offers the next topology, or the one before the oldest: check, persist and add it.
	 * Words go into the report. */
	enum err (*topology_offered)(void *arg, const uint8_t *file, size_t n,
				     struct report *report);
	/* The signed file of a version held; borrowed until the next call. */
	enum err (*topology_file)(void *arg, uint32_t version, const uint8_t **file, size_t *n);
	/* A peer tells a signed suspension: check, persist, put it into the chain, then say
	 * exchange_suspension_changed().  See suspension_take().  May be NULL. */
	enum err (*suspension_offered)(void *arg, const uint8_t *file, size_t n,
				       struct report *report);
	/* The file of the suspension in the chain; borrowed until the next call. */
	enum err (*suspension_file)(void *arg, const uint8_t **file, size_t *n);
	/* The numbers of the role's seal keys whose secrets are held here, ascending; returns how
	 * many.  May be NULL. */
	size_t (*role_keys)(void *arg, const struct party_id *role, uint16_t keys[KEYS_MAX]);
	/* A message has been committed at lsn. */
	void (*stored)(void *arg, uint64_t lsn, const struct arrival *arrival);
	/* A message of this node has been committed (ERR_OK) or could not be. */
	void (*submitted)(void *arg, uint64_t ticket, const struct message_id *id, enum err e);
	/* The peer has answered that it holds the message at lsn.  May be NULL. */
	void (*settled)(void *arg, const struct party_id *peer, uint64_t lsn);
	/* The conversation with a peer has ended: take what exchange_output() still has, then reset
	 * the connection. */
	void (*ended)(void *arg, const struct party_id *peer, bool blame, const char *why);
	/* The link with this peer is of an older version, and the peer has the newest now: it need
	 * not be dialed again.  May be NULL. */
	void (*former_done)(void *arg, const struct party_id *peer);
	/* While exchange_confirm() is on: the peer and this node hold the same of what expires at
	 * or after the floor (hours) in these audiences, all that the link carries.  May be NULL.
	 */
	void (*agreed)(void *arg, const struct party_id *peer, uint32_t floor,
		       const struct audience_id *audiences, size_t n);
	/* Something an operator must know. */
	void (*alarm)(void *arg, const struct party_id *peer, const char *text);
	/* Begins work(ctx, 0) .. work(ctx, n - 1), in any order and on any threads, on so many
	 * bytes together; leave_one: but not on all processors, for somebody else will want one.
	 * Is it over?  wait: not before it is.  One at a time.  NULL: it is done when it is needed.
	 */
	void (*work_begin)(void *arg, void (*work)(void *ctx, size_t i), void *ctx, size_t n,
			   size_t bytes, bool leave_one);
	bool (*work_over)(void *arg, bool wait);
};

struct exchange_options {
	struct party_id self;
	const char *software;
	uint64_t window_bytes, window_messages; /* 0: WINDOW_BYTES, WINDOW_MESSAGES */
};

/* The last reconciliation with a peer, begun by either end. */
struct reconciled {
	uint64_t at;     /* wall ms of its last frame; 0: none yet */
	uint64_t frames; /* both directions, and */
	uint64_t bytes;  /* their fields */
	uint64_t found;  /* messages that the peer lacked */
	uint64_t wanted; /* messages asked of the peer one by one */
};

enum { RECALLS_AN_HOUR = 1000 };

enum peer_state { PEER_DOWN, PEER_CONNECTED, PEER_OPEN };

struct peer_status {
	struct party_id id;
	enum link_kind kind;
	enum peer_state state;
	uint64_t since;          /* wall ms of the last change of state */
	uint64_t sent, received; /* messages settled as stored, messages taken, since the start */
	uint64_t waiting;        /* for the peer, as far as is known */
	int64_t clock_ahead;     /* ms that its clock was ahead of ours at its greeting */
	struct reconciled reconciled;
	char reason[ERROR_TEXT_MAX_BYTES + 1]; /* why the last conversation ended, or "" */
	struct party_id paused[PAUSED_MAX];    /* origins that it wants held back */
	size_t paused_count;
	size_t held; /* messages of it that wait until their origins are paused no more */
};

/* The exchange has no peers until exchange_topology_changed().  NULL when memory is short. */
struct exchange *exchange_new(const struct exchange_options *options,
			      const struct exchange_host *host);
void exchange_free(struct exchange *x);

/* The chain has a new newest version (or its first): peers are joined and parted, every
 * conversation starts anew. */
enum err exchange_topology_changed(struct exchange *x, struct instant now);

/* The chain has another suspension: it is told to every peer. */
void exchange_suspension_changed(struct exchange *x, struct instant now);

/* Whether this node and a neighbour, both holders of a role, have the same of what is sealed to it.
 * SPEC.md 4.13. */
enum count_state {
	COUNT_NONE,    /* never asked */
	COUNT_RUNNING, /* so far */
	COUNT_SAME,    /* each audience was the same on both sides at some moment since it began */
	COUNT_REFUSED, /* the neighbour does not hold the role, or knows of no such question */
	COUNT_ENDED,   /* the conversation has ended, or another version is in force */
};
struct count_compared {
	struct audience_id audience;
	uint64_t ours, theirs; /* messages, when last compared */
	bool same;
};
struct count_result {
	uint64_t begun; /* wall ms */
	struct count_compared *lines;
	size_t count;
	size_t key_count, their_key_count;
	uint16_t keys[KEYS_MAX], their_keys[KEYS_MAX]; /* of the role, held by each */
};
/* ERR_STATE: no open session, or one of the two does not hold the role; ERR_BUSY: later. */
enum err exchange_count(struct exchange *x, const struct party_id *peer,
			const struct party_id *role, struct instant now);
/* *out is borrowed until the exchange is called again. */
enum count_state exchange_counted(const struct exchange *x, const struct party_id *peer,
				  const struct party_id *role, const struct count_result **out);

/* The transport under a peer came up or went down; a frame arrived; the next frame to send (0: none
 * now). */
void exchange_up(struct exchange *x, const struct party_id *peer, struct instant now);
void exchange_down(struct exchange *x, const struct party_id *peer, const char *why,
		   struct instant now);
void exchange_receive(struct exchange *x, const struct party_id *peer, const uint8_t *frame,
		      size_t n, struct instant now);
/* As session_pieces(), for what exchange_output() gives from now on. */
void exchange_pieces(struct exchange *x, const struct party_id *peer, size_t most);
size_t exchange_output(struct exchange *x, const struct party_id *peer, uint8_t *out,
		       struct instant now);

/* A message that this node has written and signed: kept with the next commit, then submitted() is
 * called with ticket.  The exchange takes bytes over. */
enum err exchange_submit(struct exchange *x, uint8_t *bytes, size_t n, uint64_t ticket);

/* Runs what is due and everything that has arrived; true when it has more to do at once.  To be
 * called as well when the store's keep() or work_begin() is over. */
bool exchange_turn(struct exchange *x, struct instant now);
/* When exchange_turn() wants to be called without any input; ms, monotonic. */
uint64_t exchange_deadline(const struct exchange *x);

/* From now on the neighbours shall hold back what these origins say, but for recalls and
 * emergencies; at most PAUSED_MAX of them.  One that does not obey waits for its answers.
 * SPEC.md 7.5. */
void exchange_pause(struct exchange *x, const struct party_id *origins, size_t n,
		    struct instant now);

/* How the message of that origin at lsn, which the link with the peer carries, stands with that
 * peer: waiting for it, or answered for, now or in an earlier conversation. */
enum passing { PASSING_UNKNOWN, PASSING_WAITS, PASSING_DONE };
enum passing exchange_passing(const struct exchange *x, const struct party_id *peer,
			      const struct party_id *origin, uint64_t lsn);
/* Begins a reconciliation on every open link that carries messages of such a header, as soon as one
 * may be begun there: something of it is missing. */
void exchange_reconcile(struct exchange *x, const struct header *h, struct instant now);

/* On: in every open session, and every later one, this end reconciles again and again, whoever
 * dials, until agreed() has been said. */
void exchange_confirm(struct exchange *x, bool on, struct instant now);

size_t exchange_peer_count(const struct exchange *x);
void exchange_peer(const struct exchange *x, size_t i, struct peer_status *out);
/* Has the peer acknowledged the message at lsn, in the conversation of the moment?  The first time
 * it is asked, the message is offered to the peer again: who has it says so for the price of its
 * header. */
bool exchange_confirms(struct exchange *x, const struct party_id *peer, uint64_t lsn);
/* Hours since 1970: what expires before it is gone, as far as an author should count on it.  This
 * node's own, or what most of its neighbours go by; 0 while there is none.  SPEC.md 5.5. */
uint32_t exchange_floor(const struct exchange *x);
/* The one that this node has kept, below which it purges. */
uint32_t exchange_own_floor(const struct exchange *x);
/* The hour since 1970 as far as this node can tell: its own clock's, unless the floor shows that to
 * be wrong. */
uint32_t exchange_hour(const struct exchange *x);
/* Has it messages that arrived or were submitted, and which the store is about to take? */
bool exchange_is_storing(const struct exchange *x);
/* ERR_OK, or why the store takes nothing at the moment. */
enum err exchange_store_state(const struct exchange *x);

#endif
