/* What the files of reconciliation share; nobody else includes it. */
#ifndef PROTOCOL_RECONCILE_STATE_H
#define PROTOCOL_RECONCILE_STATE_H

#include "protocol/reconcile.h"

/* A received row of claims, and how far it has been answered. */
struct work {
	struct work *next;
	uint8_t *payload; /* owned */
	size_t length;
	struct claims claims;
	struct claim claim; /* the one under way, when open */
	bool open;
	bool scanning;               /* scan is valid: pushing goes on there */
	struct trie_key scan;        /* of the children or audiences before item nothing is left */
	uint32_t item;               /* number of the next child, index of the next entry */
	struct audience_id audience; /* the next of ours */
	bool audiences_end;          /* there is none */
	uint64_t seen;               /* which of the listed ids are here */
};

/* The sum of all audiences of the view, and what the first answer says of them. */
struct tally {
	struct audience_id at;
	uint64_t audiences;
	struct aggregate total, buckets[BUCKETS];
	struct {
		struct audience_id id;
		struct aggregate sum;
	} listed[LISTED_AUDIENCES_MAX];
};

enum reconcile_state {
	STATE_IDLE,
	STATE_TALLYING, /* adding up the view, to begin or to answer a BEGIN */
	STATE_BEGUN,    /* waiting for the answer to BEGIN */
	STATE_WORKING,  /* answering the claims of works */
	STATE_WAITING,  /* for the answers to an ASK */
};

struct reconcile {
	enum reconcile_part part;
	enum reconcile_state state;
	uint8_t total[TOTAL_FINGERPRINT_BYTES]; /* of the peer, from its BEGIN */
	bool again;                             /* has begun a second time */
	struct tally tally;
	struct work *works, **works_end; /* owned, in order of keys; answers are put at the end of
					    those of the same ask, before older ones */
	size_t pending;                  /* bytes of works */
	uint8_t out[RECONCILE_PAYLOAD_MAX];
	size_t most;                /* bytes of out that may be used */
	struct claim_writer writer; /* of out */
	bool sent;                  /* out has been handed over and may go */
	size_t cost;                /* bytes that the answers to out can come to */
	struct claims asked;        /* reads along in out as answers come */
	struct claim asked_claim;
	bool asked_open;
	bool answered;               /* last_answer is valid */
	struct trie_key last_answer; /* the end of the last claim of the answer */
	struct reconcile_result result;
	/* Of the call under way. */
	struct view view;
	const struct reconcile_link *link;
	size_t pushes;
	struct audience_id judged; /* the last one asked whether it is foreign */
	bool judged_any, judged_foreign;
};

/* reconcile_answer.c.  Answers claims of w until it is through, the frame is full or the budget is
 * spent. */
enum err work_answer(struct reconcile *r, struct work *w, bool *through);
/* Can another claim be taken up: is there room in the frame, and budget? */
bool reconcile_has_room(const struct reconcile *r);
bool reconcile_has_budget(const struct reconcile *r);
bool reconcile_may_go_on(const struct reconcile *r);
/* Pushes what is below the place and in view, but for what the list (NULL: none) names; what it
 * names and is here is noted in w->seen.  *through false: the budget is spent, w->scan says where
 * to go on. */
enum err work_push_rest(struct reconcile *r, struct work *w, const struct trie_place *place,
			const struct claim *list, bool *through);
void reconcile_say_nothing(struct reconcile *r, const struct trie_place *place);
enum err reconcile_say_place(struct reconcile *r, const struct trie_place *place, uint64_t count);

/* reconcile_audiences.c: A and B. */
enum err work_answer_audiences(struct reconcile *r, struct work *w, bool *through);
enum err work_answer_buckets(struct reconcile *r, struct work *w, bool *through);

/* reconcile_fits.c.  Is a claim an answer to what out asks?  They come in order. */
bool reconcile_fits(struct reconcile *r, const struct claim *answer);

#endif
