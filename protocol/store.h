/* What the exchange asks of a store.  LMDB's log and index stand behind it in a node, arrays in the
 * simulator.
 *
 * One writer.  What begin..commit appended is durable when commit returns ERR_OK, and nothing of it
 * is there otherwise. */
#ifndef PROTOCOL_STORE_H
#define PROTOCOL_STORE_H

#include "protocol/judge.h"
#include "protocol/trie.h"

/* A message about to be kept. */
struct arrival {
	struct message_id id;
	struct message_view message; /* body NULL: header and signature only */
	struct party_id from;        /* the neighbour that brought it, or this node */
	enum verdict verdict;
	uint64_t arrived; /* ms since 1970 */
};

/* A message that is kept. */
struct stored {
	uint64_t lsn;
	struct message_id id;
	struct party_id from;
	enum verdict verdict;
	bool has_body;
	const uint8_t
		*header; /* and the signature after it; valid until the next call to the store */
	size_t header_length;
};

/* How far a peer has everything: the lowest position not answered for.  Only an optimisation, valid
 * for one pair of stores and one topology. */
struct cursor {
	struct store_id peer_store;
	struct hash topology;
	uint64_t lsn;
	uint64_t since; /* what came from the peer at or after this position, that store of its has
			 */
};

struct store {
	void *self;
	enum err (*begin)(void *self);
	enum err (*append)(void *self, const struct arrival *arrival, uint64_t *lsn);
	enum err (*put_cursor)(void *self, const struct party_id *peer,
			       const struct cursor *cursor);
	enum err (*put_floor)(void *self, uint32_t hours);
	enum err (*commit)(void *self);
	void (*abort)(void *self);
	/* begin, append all, commit, while its caller does other work: then lsns are filled in, or
	 * none of them is there.  Until kept() has said so the arrivals and all that they borrow
	 * stay as they are, head() answers as before, and it is not called again.
	 * begin() may be called and waits.  ERR_MEMORY: nothing has begun.  NULL: this store has
	 * only the other way. */
	enum err (*keep)(void *self, const struct arrival *arrivals, size_t n, uint64_t *lsns);
	/* Is what keep() began over, and how did it end?  wait: not before it is. */
	bool (*kept)(void *self, bool wait, enum err *e);

	struct store_id (*id)(void *self);
	/* The last committed position, 0 when empty; of keep(): that kept() has told of. */
	uint64_t (*head)(void *self);
	/* Where the message is; ERR_NOT_FOUND when it is not here, or why that cannot be told. */
	enum err (*find)(void *self, const struct message_id *id, uint64_t *lsn);
	/* The first message at or after lsn; ERR_NOT_FOUND beyond the end, ERR_DAMAGED when what
	 * stands at out->lsn is, or why none can be told. */
	enum err (*next)(void *self, uint64_t lsn, struct stored *out);
	/* The messages whose ref is id, one by one: *at starts at 0 and is moved on.  ERR_NOT_FOUND
	 * at the end. */
	enum err (*refs)(void *self, const struct message_id *id, uint64_t *at, uint64_t *lsn);
	/* The body as it was appended, of n bytes; only id and lsn of the message are looked at.
	 * ERR_NOT_FOUND when it is gone, ERR_DAMAGED when it is not that any more. */
	enum err (*body)(void *self, const struct stored *message, uint8_t *body, size_t n);
	/* ERR_NOT_FOUND when there is none. */
	enum err (*get_cursor)(void *self, const struct party_id *peer, struct cursor *cursor);
	enum err (*get_floor)(void *self, uint32_t *hours);
	/* The keys and aggregates of what is kept, for reconciliation, as of the last catch_up();
	 * valid until the store is written or catch_up() is called again.  NULL: this store has
	 * none. */
	const struct trie_store *(*trie)(void *self);
	/* Folds what trie() does not show yet. */
	enum err (*catch_up)(void *self);
	/* True: take nothing more for a moment, what follows the log has to catch up. */
	bool (*busy)(void *self);
};

#endif
