/* One peer's conversation, as a state machine: frames and times go in, frames, events and the next
 * deadline come out. SPEC.md 7.3 to 7.6.
 *
 * It greets, agrees on a topology version, pushes messages in pieces within the peer's credit,
 * grants credit of its own, puts pieces together and acknowledges what its host has settled.  It
 * does not verify messages, does not know which of them the link carries, keeps nothing on disk,
 * and has no clock, socket or randomness: all of that is its host's (exchange.h).
 *
 * Pushes are at least once: whatever was not settled when a conversation ended is the host's to
 * push again. */
#ifndef PROTOCOL_SESSION_H
#define PROTOCOL_SESSION_H

#include "protocol/frame.h"

struct session;

/* In the order in which they are served.  SPEC 7.5. */
enum lane { LANE_URGENT, LANE_HIGH, LANE_RAISED, LANE_ROUTINE, LANE_BACKFILL, LANE_COUNT };

enum {
	WINDOW_BYTES = 4 << 20,
	WINDOW_MESSAGES = 2048,
	IN_FLIGHT_MAX = 2048, /* pushes of ours that wait for an answer, whatever the peer grants */
	LANE_LOADED_MAX = 64, /* messages read ahead in a lane, and */
	LANE_LOADED_BYTES = 256 << 10, /* their bytes, unless it is only one */
	GREETING_MS = 30 * 1000,
	GREETINGS_MAX = 64, /* that a peer may send at once, and then */
	GREETING_EVERY_MS = 1000,
	KEEPALIVE_MS = 15 * 1000,
	SILENCE_MS = 60 * 1000,
	NOTICES_MAX = 4, /* that wait to be sent */
};

struct session_config {
	struct network_id network;
	struct party_id self, peer;
	struct store_id store;
	uint64_t window_bytes;    /* credit granted; at least MESSAGE_MAX_BYTES */
	uint64_t window_messages; /* at least 1 */
	const char *software;     /* for HELLO; borrowed */
	/* Is this message here already?  Asked once a push, from session_receive(). */
	bool (*holds)(void *arg, const struct message_id *id);
	void *arg;
};

/* What a conversation begins with. */
struct session_greeting {
	uint8_t nonce[NONCE_BYTES];          /* random, new each time */
	const struct version_hash *versions; /* topology versions held, newest first; at most
						HELLO_VERSIONS_MAX are told */
	size_t version_count;
	uint64_t clock; /* ms since 1970 */
	uint32_t floor; /* hours since 1970 */
};

enum session_event_kind {
	SESSION_GREETED, /* a conversation has begun: forget what was under way in an earlier one */
	SESSION_HISTORY_ASKED,  /* the same of the one before `version`, the peer's oldest */
	SESSION_TOPOLOGY_ASKED, /* answer with session_give_topology(): is there one that follows
				   `version`? */
	SESSION_TOPOLOGY,  /* data is the peer's next signed topology: accept and start anew, or
			      session_end() */
	SESSION_OPENED,    /* under `version`: messages may be pushed */
	SESSION_MESSAGE,   /* data is a whole message, push number `number`: settle it */
	SESSION_RECONCILE, /* data is the payload of a frame of reconciliation, number its type */
	SESSION_NOTICE,    /* the same of SUSPENSION, COUNT, COUNTS */
	SESSION_SETTLED,   /* the peer has answered for our message at lsn */
	SESSION_ENDED,     /* text says why; when blame, the peer broke the protocol */
};

enum settled { SETTLED_STORED, SETTLED_HAD, SETTLED_REFUSED };

struct session_event {
	enum session_event_kind kind;
	struct version_hash version;
	uint64_t number;
	uint8_t *data; /* or NULL: the receiver of the event frees it with free() */
	size_t length;
	uint64_t lsn;
	enum settled settled;
	enum nak_reason reason; /* of SETTLED_REFUSED */
	bool blame;
	char text[ERROR_TEXT_MAX_BYTES + 1];
};

/* NULL when memory is short. */
struct session *session_new(const struct session_config *config);
void session_free(struct session *s);

/* A connection stands (or the topology has changed on one that does): begins a conversation with
 * HELLO.  now is ms of a monotonic clock, here and below. */
void session_start(struct session *s, const struct session_greeting *greeting, uint64_t now);
/* The connection is gone; events not yet taken are forgotten. */
void session_stop(struct session *s);
/* Tells the peer why and ends the conversation: one last frame waits in session_output().  blame:
 * the peer has done what an honest one does not. */
void session_end(struct session *s, bool blame, const char *why);

void session_receive(struct session *s, const uint8_t *frame, size_t n, uint64_t now);
/* Runs what is due.  session_deadline() says when that is next, UINT64_MAX for never. */
void session_tick(struct session *s, uint64_t now);
uint64_t session_deadline(const struct session *s);

/* Writes the next frame into out[FRAME_MAX_BYTES] and returns its length, 0 when there is none to
 * send now. */
size_t session_output(struct session *s, uint8_t *out, uint64_t now);
/* How long a piece of a message or a topology may be from now on, for others to go between on a
 * narrow line.  A first piece is as long as the header at least; as long as a frame allows when
 * this was never said. */
void session_pieces(struct session *s, size_t most);
/* How long other frames may be, but for their heads: as four pieces. */
size_t session_frame_most(const struct session *s);
/* Takes the next event; false when there is none. */
bool session_next(struct session *s, struct session_event *event);

/* Answers SESSION_TOPOLOGY_ASKED: file[n] follows the peer's version (copied), or NULL: none does.
 */
enum err session_give_topology(struct session *s, uint32_t version, const uint8_t *file, size_t n);

/* True when a message added to the lane would not just lie there. */
bool session_wants(const struct session *s, enum lane lane);
/* Queues header | signature | body for pushing; the session takes message over and frees it.  lsn
 * comes back in SESSION_SETTLED.  ERR_STATE when not open, ERR_LIMIT when the lane is full: message
 * is freed. */
enum err session_push(struct session *s, enum lane lane, uint64_t lsn, uint8_t *message, size_t n);
/* Takes back one message that is queued in this lane or a later one and not begun, and for which
 * wanted is true (header[n] is its header): it can be queued again, otherwise.  False when there is
 * none. */
bool session_unqueue(struct session *s, enum lane first,
		     bool (*wanted)(void *arg, uint64_t lsn, const uint8_t *header, size_t n),
		     void *arg, enum lane *lane, uint64_t *lsn);
/* Answers for push `number` of the peer: stored and durable, had already, or refused. */
void session_settle(struct session *s, uint64_t number, enum settled how, enum nak_reason reason);
/* Queues one frame of reconciliation, behind the other control frames; the payload is copied.
 * ERR_STATE when not open; ERR_BUSY while session_reconcile_room() is false. */
enum err session_reconcile(struct session *s, enum frame_type type, const uint8_t *payload,
			   size_t n);
bool session_reconcile_room(const struct session *s);
/* Queues a SUSPENSION, COUNT or COUNTS; the payload is copied.  ERR_STATE when not open, ERR_BUSY
 * when NOTICES_MAX wait. */
enum err session_notice(struct session *s, enum frame_type type, const uint8_t *payload, size_t n);
/* Origins whose messages the peer shall hold back for a while; at most PAUSED_MAX, told with the
 * next CREDIT. */
void session_pause(struct session *s, const struct party_id *origins, size_t n);
/* The origins whose messages the peer wants held back; returns how many. */
size_t session_paused_list(const struct session *s, struct party_id out[]);
/* Grows whenever the peer has named others. */
uint64_t session_pauses(const struct session *s);
/* Does the peer want messages of that origin held back? */
bool session_paused(const struct session *s, const struct party_id *origin);

bool session_is_open(const struct session *s);
/* The version that the session runs under; only while open. */
struct version_hash session_version(const struct session *s);
/* The nonces of the conversation, once it has greeted. */
void session_nonces(const struct session *s, uint8_t own[NONCE_BYTES], uint8_t peer[NONCE_BYTES]);
/* What the peer last said of itself, NULL before it has. */
const struct frame_hello *session_peer_hello(const struct session *s);
/* The lowest lsn queued or unanswered, UINT64_MAX when there is none; and how many there are. */
uint64_t session_lowest(const struct session *s);
size_t session_waiting(const struct session *s);
/* Is the message at lsn queued or unanswered? */
bool session_pushing(const struct session *s, uint64_t lsn);

#endif
