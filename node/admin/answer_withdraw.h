/* The parts of the request withdraw: finding what is to be revoked (answer_withdraw.c), saying so
 * to everybody who was told (answer_withdraw_send.c), and recalling what should not have been sent
 * (answer_withdraw_recall.c).  Not for others. */
#ifndef NODE_ANSWER_WITHDRAW_H
#define NODE_ANSWER_WITHDRAW_H

#include "node/admin/answer.h"
#include "node/revoke.h"

enum { WITHDRAWN_MAX = 4096, CANDIDATES_MAX = 4096, AUDIENCES_MAX = 64 };

/* An object in the message that told of it. */
struct withdrawn {
	uint64_t lsn;
	struct revoked object;
};

struct withdrawal {
	struct answer *a;
	const struct topology *topology;
	const struct party *self;
	uint64_t now; /* ms */
	bool dry_run;
	bool leaked; /* recall it, do not revoke it */
	bool import; /* with everything that was shared in the same call */

	struct withdrawn *entries; /* owned */
	size_t count, room;
	size_t objects;     /* lineages */
	size_t unversioned; /* objects that cannot be revoked */
	bool of_others;     /* somebody else says the same */
	bool more;          /* than one request takes */

	struct message_id *ids; /* of what was sent; owned */
	size_t id_count;

	struct opened post;
	struct header header;
	struct observable value, found[OBSERVABLES_PER_OBJECT_MAX];
};

/* Appends what is revoked to the reply, and, unless it is a dry run, sends it: for every message
 * that told of something, one to the same readers. */
enum err withdrawal_publish(struct withdrawal *w);

/* Finds the messages that say it, appends them, and, unless it is a dry run, recalls them. */
enum err withdrawal_recall(struct withdrawal *w, const char *what);

/* The message of ours with that id, of which w->header becomes the header.  ERR_NOT_FOUND;
 * ERR_LIMIT or ERR_NOT_ALLOWED, with words, when it is not unique or another's. */
enum err withdrawal_message(struct withdrawal *w, const char *id, uint64_t *lsn);

#endif
