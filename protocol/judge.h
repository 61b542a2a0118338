/* Is this message authentic, and does this link carry it?  SPEC.md 5.4, 5.6.
 *
 * Pure functions of the message, the topology versions held and the floor: two honest nodes come to
 * the same answer. Content, quotas, local policy and clocks of authors are not asked. */
#ifndef PROTOCOL_JUDGE_H
#define PROTOCOL_JUDGE_H

#include "protocol/audience.h"
#include "protocol/chain.h"
#include "protocol/message.h"

/* What a node decides of an authentic message from its header, the topology and the suspension in
 * force.  For ever, but for what was suspended. */
enum verdict {
	VERDICT_ACCEPTED,
	VERDICT_HELD, /* carried and counted, not shown: revoked key, party that left, unknown kind
		       */
	VERDICT_HEADER_ONLY, /* the header shows a violation: stored and passed on without the body
			      */
	VERDICT_SUSPENDED,   /* held until the suspension ends */
};

/* Carried and counted, not shown: held, or suspended. */
bool verdict_holds(enum verdict verdict);

enum judgement {
	JUDGED_AUTHENTIC, /* the verdict says what to do with it */
	JUDGED_REFUSED,   /* nobody is blamed; the reason says why */
	JUDGED_FORGED,    /* an honest peer would not have sent it */
};

struct judged {
	enum judgement judgement;
	enum verdict verdict;
	enum nak_reason reason;
	const char *why; /* static; of a refusal, a forgery or a verdict other than accepted */
	struct message_id id;
	struct party_id origin;
	bool bodyless; /* it came without the body that its header promises: recalled, or to be
			  refused */
};

/* The link that a message came over, or would go over. */
struct passage {
	const struct chain *chain;       /* versions held */
	const struct topology *topology; /* the session's version */
	const struct party *self, *peer; /* in that version */
	uint32_t floor;                  /* hours: the higher of the two ends' */
	uint64_t now;                    /* ms since 1970: for suspensions only */
};

/* NULL when the link carries a message with this header, else why not (and *reason).  The signature
 * is not looked at. */
const char *judge_passage(const struct passage *p, const struct header *h, enum nak_reason *reason);

/* A judgement comes in three parts.  The first and the last are quick and need the chain as it is;
 * between them stands what takes long, body hash and signature, which touches nothing but the
 * message and struct judging, and so may run on any thread. */
struct judging {
	struct judged judged; /* if body and signature are good */
	bool has_body, signs; /* they matter */
	bool body_good, signature_good;
	uint8_t key[SIGN_KEY_BYTES];
	uint32_t body_length; /* that the header promises, and */
	struct hash body_hash;
};
void judge_begin(struct judging *g, const struct passage *p, const struct message_view *m);
void judge_check(struct judging *g, const struct message_view *m);
void judge_end(struct judged *j, const struct judging *g);

/* Is a message with this header void under that version?  SPEC.md 4.12. */
bool judge_void(const struct topology *t, const struct header *h);
/* What the version in force says of a message's origin, key and kind: VERDICT_ACCEPTED, or
 * VERDICT_HELD and why (static). */
enum verdict judge_standing(const struct topology *t, const struct header *h, const char **why);

/* The same for a message that this node has just written: only the rules that a header alone shows.
 */
void judge_own(struct judged *j, const struct chain *chain, const struct message_view *m);

/* header | signature | body, or header | signature of a message that goes without its body
 * (SPEC 7.5). */
enum err judge_split(struct message_view *m, const uint8_t *bytes, size_t n);

#endif
