/* The reconciliation index: the keys of a set of messages in order, and a prefix trie of aggregates
 * over them.  SPEC.md 7.7.
 *
 * Its shape is a pure function of the set: equal sets give byte-equal tables, whatever came and
 * went in which order and in which batches.  It knows nothing of links and floors (view.h) and
 * keeps nothing itself: two ordered tables behind struct trie_store, LMDB's in a node, memory in
 * tests and the simulator.
 *
 *     range   audience 16 | expiry 4 | id 32  ->  lsn 8
 *     nodes   audience 16 | depth 1 | prefix  ->  count 8 | sum 128 */
#ifndef PROTOCOL_TRIE_H
#define PROTOCOL_TRIE_H

#include "protocol/aggregate.h"
#include "protocol/message.h"

enum {
	TRIE_SPLIT = 64, /* a node with more has children */
	TRIE_DEPTH_MAX = 67,
	TRIE_KEY_BYTES = AUDIENCE_ID_BYTES + 4 + MESSAGE_ID_BYTES,
	TRIE_NODE_KEY_MAX = AUDIENCE_ID_BYTES + 1 + 4 + MESSAGE_ID_BYTES,
	TRIE_LSN_BYTES = 8,
};

/* A member of the set. */
struct trie_key {
	uint8_t b[TRIE_KEY_BYTES];
};

/* The key of a message.  The audience is computed from the recipients, so that what carries one
 * message of an audience carries all of them, whatever a header that breaks the rules says of
 * itself. */
struct trie_key trie_key_of(const struct header *h, const struct message_id *id);
struct trie_key trie_key_make(const struct audience_id *audience, uint32_t expiry,
			      const struct message_id *id);
uint32_t trie_key_expiry(const struct trie_key *key);
struct audience_id trie_key_audience(const struct trie_key *key);
struct message_id trie_key_id(const struct trie_key *key);
int trie_key_compare(const struct trie_key *a, const struct trie_key *b);
/* The key, or the audience, that comes right after; false behind the last. */
bool trie_key_next(struct trie_key *key);
bool trie_audience_next(struct audience_id *audience);

/* A place in the trie: a depth, and the first key that could stand below it. */
struct trie_place {
	unsigned depth; /* 0: the whole audience; then 24 bits of expiry; then 4 bits more for each
			   step */
	struct trie_key first; /* beyond the depth's bits all zero */
};

struct trie_place trie_root(const struct audience_id *audience);
/* The place of that depth above or at the key. */
struct trie_place trie_above(const struct trie_key *key, unsigned depth);
/* The child with that number: a block of 256 hours below the root, a nibble elsewhere. */
struct trie_place trie_child(const struct trie_place *parent, uint32_t number);
/* Which child of its parent the key's place at parent->depth + 1 is. */
uint32_t trie_child_number(const struct trie_place *parent, const struct trie_key *key);
bool trie_covers(const struct trie_place *place, const struct trie_key *key);
/* The last key that could stand below it. */
struct trie_key trie_last(const struct trie_place *place);
/* Bytes of expiry and id that the depth's bits reach into. */
size_t trie_prefix_bytes(unsigned depth);
/* True when beyond the depth's bits all of prefix[trie_prefix_bytes(depth)] is zero. */
bool trie_prefix_valid(unsigned depth, const uint8_t *prefix);
/* Writes audience | depth | prefix; returns its length. */
size_t trie_node_key(const struct trie_place *place, uint8_t out[TRIE_NODE_KEY_MAX]);

enum trie_table { TRIE_RANGE, TRIE_NODES, TRIE_TABLES };

/* Valid until the next call that names its table. */
struct trie_entry {
	const uint8_t *key, *value;
	size_t key_length, value_length;
};

/* Two ordered tables, seen in one transaction of the caller's. */
struct trie_store {
	void *self;
	/* The first entry at or after a key; ERR_NOT_FOUND when there is none. */
	enum err (*seek)(void *self, enum trie_table table, const void *key, size_t n,
			 struct trie_entry *out);
	/* The one after what seek() or next() gave, when the table has not been written since. */
	enum err (*next)(void *self, enum trie_table table, struct trie_entry *out);
	/* ERR_EXISTS, and nothing changed, when the key is there. */
	enum err (*insert)(void *self, enum trie_table table, const void *key, size_t n,
			   const void *value, size_t value_length);
	/* Puts or replaces. */
	enum err (*put)(void *self, enum trie_table table, const void *key, size_t n,
			const void *value, size_t value_length);
	/* ERR_NOT_FOUND when it is not there. */
	enum err (*remove)(void *self, enum trie_table table, const void *key, size_t n);
};

struct trie_change {
	struct trie_key key;
	bool remove;
	uint64_t lsn;   /* of what is inserted; its position */
	uint32_t order; /* trie_fold()'s own */
};

/* Applies a batch, given in order of arrival and rearranged; at most UINT32_MAX.  An insert of what
 * is there and a removal of what is not change nothing.  On an error the tables are as they should
 * not be: give up the transaction. */
enum err trie_fold(const struct trie_store *s, struct trie_change *changes, size_t n);

/* Collects removals of what expires before the floor, audience by audience, at most max of them:
 * fold them, then call again.  *at says where to go on: all zeros at first. *n 0: nothing is left.
 * lsn is that of the message. */
enum err trie_expired(const struct trie_store *s, uint32_t floor, struct audience_id *at,
		      struct trie_change *changes, size_t max, size_t *n);

/* Builds every node anew from the range, in one transaction; the nodes must be empty. */
enum err trie_build(const struct trie_store *s);
/* Recomputes every node from the range.  ERR_DAMAGED: *flaw is the first place whose node is
 * missing, wrong, or should not be. */
enum err trie_check(const struct trie_store *s, struct trie_place *flaw);

/* The aggregate of a place, zero when it has no node. */
enum err trie_get(const struct trie_store *s, const struct trie_place *place,
		  struct aggregate *out);
/* Reads an entry of the range or of the nodes; ERR_DAMAGED when it cannot be one. */
enum err trie_read_key(const struct trie_entry *e, struct trie_key *key, uint64_t *lsn);
enum err trie_read_node(const struct trie_entry *e, struct trie_place *place,
			struct aggregate *out);

#endif
