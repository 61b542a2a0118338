/* What the three files of the session share; nobody else includes it. */
#ifndef PROTOCOL_SESSION_STATE_H
#define PROTOCOL_SESSION_STATE_H

#include "protocol/session.h"

enum state { STATE_IDLE, STATE_GREETING, STATE_AGREEING, STATE_OPEN, STATE_ENDED };

/* A message of ours, read ahead or under way. */
struct outgoing {
	uint64_t lsn;
	uint8_t *message; /* owned until the last piece is out */
	size_t length;
};

struct out_lane {
	struct outgoing loaded[LANE_LOADED_MAX]; /* ring */
	size_t head, count, bytes;
	struct outgoing current; /* the one whose pieces are going out; message NULL: none */
	uint64_t current_number;
	size_t current_sent;
};

/* A push that waits for its answer. */
struct flight {
	uint64_t lsn;
	uint32_t total;
	enum lane lane;
	bool complete; /* every piece is out, or none will follow */
	bool settled;
};

/* A push of the peer's that has not been settled, or is above one that has not. */
struct taken {
	uint32_t total;
	bool settled;
};

/* A HAVE (reason 0) or NAK owed. */
struct answer {
	uint64_t number;
	uint8_t reason;
};

struct incoming {
	uint64_t number;
	uint8_t *message;
	uint32_t total, filled;
};

struct session {
	struct session_config config;
	enum state state;
	uint64_t started, last_in, last_out; /* ms */
	uint64_t moved; /* ms: the state was entered; a piece of a topology came or went since */
	uint32_t frames_in, frames_out; /* number of the next frame */

	/* greeting and agreeing */
	unsigned greetings;       /* of the peer on this connection, and not forgiven */
	uint32_t greeted_version; /* the newest that was named in them */
	uint64_t greeted_at;      /* ms */
	struct frame_hello self, peer;
	bool peer_known, hello_due, deaf, open_due, open_sent, open_received, error_due, gift_given;
	struct version_hash open_self, open_peer;
	uint8_t *gift; /* topology being given */
	uint32_t gift_version;
	size_t gift_length, gift_sent;
	uint8_t *offer; /* topology being received */
	uint32_t offer_version, offer_length, offer_filled;
	char error[ERROR_TEXT_MAX_BYTES + 1];

	/* reconciling: one frame to send */
	uint8_t *reconciling;
	enum frame_type reconcile_type;
	size_t reconcile_length;
	bool reconcile_due;

	/* noticing: frames to send, in a ring; the one that was sent last is still owned */
	struct notice {
		enum frame_type type;
		uint8_t *payload;
		size_t length;
	} notices[NOTICES_MAX], noticed;
	size_t notice_head, notice_count;

	/* pushing */
	struct out_lane lanes[LANE_COUNT];
	struct flight *flights; /* ring of IN_FLIGHT_MAX, number n at n % IN_FLIGHT_MAX */
	uint64_t out_next;      /* number of the next push */
	uint64_t out_settled;   /* every push below is settled */
	uint64_t out_acked;     /* number of the last ACK */
	uint64_t out_bytes, out_bytes_limit, out_messages_limit; /* cumulative */
	uint64_t backfill_bytes; /* of flights in the backfill lane */
	size_t backfill_messages;
	size_t piece_most;
	int finished_lane; /* lane whose current message ends with the frame being sent, or -1 */
	struct party_id paused[PAUSED_MAX];
	size_t paused_count;
	uint64_t pauses; /* counts their changes */

	/* taking */
	struct taken *taken; /* ring of window_messages */
	struct incoming incoming[LANE_COUNT];
	uint64_t in_next;    /* number of the next push */
	uint64_t in_settled; /* every push below is settled */
	uint64_t in_bytes;   /* cumulative, of pushes begun */
	uint64_t in_bytes_settled;
	uint64_t in_bytes_granted, in_messages_granted; /* the limits that the peer was told */
	uint64_t acked;                                 /* the number last told */
	struct answer *answers;                         /* HAVE and NAK to send; ring */
	size_t answer_head, answer_count, answer_size;
	bool credit_due;
	struct party_id pausing[PAUSED_MAX];
	size_t pausing_count;

	struct session_event *events; /* ring */
	size_t event_head, event_count, event_size;
};

/* NULL when memory is short: the event is lost, the conversation goes silent and its deadline ends
 * it. */
struct session_event *event_add(struct session *s, enum session_event_kind kind);
/* One with what a frame carries unread, and the frame's type as its number; where memory is short
 * the conversation is over. */
void event_pass(struct session *s, enum session_event_kind kind, const struct frame *f);
/* Ends the conversation; blame when an honest peer would not have done it. */
void session_fail(struct session *s, bool blame, const char *why);

/* Both HELLOs are known: is either end behind? */
void agree_begin(struct session *s, uint64_t now);
void agree_topology(struct session *s, const struct frame_piece *p, uint64_t now);
void agree_open(struct session *s, const struct version_hash *v);
/* The next TOPOLOGY or OPEN, borrowing from s until agree_sent(). */
bool agree_output(struct session *s, struct frame *f);
void agree_sent(struct session *s, uint64_t now);

void reconcile_received(struct session *s, const struct frame *f);
bool reconcile_output(struct session *s, struct frame *f);

void notice_received(struct session *s, const struct frame *f);
bool notice_output(struct session *s, struct frame *f);
void notice_clear(struct session *s);

void push_begin(struct session *s, uint64_t credit_bytes, uint64_t credit_messages);
void push_clear(struct session *s);
void push_answered(struct session *s, const struct frame *f);
void push_credit(struct session *s, const struct frame_credit *c);
/* The next PUSH, borrowing from s until push_sent(). */
bool push_output(struct session *s, struct frame *f);
void push_sent(struct session *s);

void take_begin(struct session *s);
void take_clear(struct session *s);
void take_piece(struct session *s, const struct frame_piece *p);
/* The next HAVE, NAK, ACK or CREDIT. */
bool take_output(struct session *s, struct frame *f);

#endif
