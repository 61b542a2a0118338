/* What the two files of the store in memory share; nobody else includes it. */
#ifndef TESTS_SIM_MEMORY_STORE_STATE_H
#define TESTS_SIM_MEMORY_STORE_STATE_H

#include "tests/sim/memory_store.h"
#include "tests/trie_memory.h"

enum { CURSORS_MAX = 64, BUCKETS = 4096 };

struct entry {
	struct message_id id;
	struct party_id from;
	enum verdict verdict;
	uint8_t *header; /* and signature */
	size_t header_length;
	uint8_t *body;
	size_t body_length;
	size_t erased_at; /* how many there were when the body went; 0: it did not */
	size_t purged_at; /* the same, of all of it */
	bool lost;        /* the store has only said that it keeps it */
	bool first;       /* of its transaction */
	uint32_t floor;   /* when it came */
	size_t next;      /* in its bucket, plus one */
	size_t next_ref;  /* of the same in the order of ref */
};

struct saved {
	struct party_id peer;
	struct cursor cursor;
};

/* A batch that is committed after kept() has been asked so often, and told of one time later. */
struct late {
	unsigned most; /* 0: never late */
	unsigned left;
	const struct arrival *arrivals; /* NULL: none under way, or committed */
	uint64_t *lsns;
	size_t count;
	uint64_t head; /* before it */
	bool untold;
	enum err e;
};

struct memory_store {
	struct store_id id;
	struct entry *entries; /* committed first, then those of the open transaction */
	size_t count, size, committed;
	struct saved cursors[CURSORS_MAX], cursors_open[CURSORS_MAX];
	size_t cursor_count, cursor_open_count;
	uint32_t floor, floor_open;
	bool has_floor, has_floor_open;
	size_t buckets[BUCKETS]; /* of committed entries by id, plus one */
	size_t refs[BUCKETS];    /* and by ref */
	unsigned failing, failing_reads, failing_folds;
	bool full;
	struct losing losing;
	struct late late;
	size_t tidied; /* entries that were looked at for recalls */
	struct memory_trie trie;
	struct trie_store trie_store;
	size_t folded; /* entries that the trie shows */
};

/* Forgets the entries from count on. */
void memory_cut(struct memory_store *m, size_t count);
/* Neither purged nor lost. */
bool memory_there(const struct entry *e);
struct entry *memory_entry_find(const struct memory_store *m, const struct message_id *id);
/* Makes the committed entries from `from` on findable. */
void memory_index(struct memory_store *m, size_t from);
enum err memory_catch_up(void *self);
/* Of n bytes; the caller frees it. */
void *memory_copy(const void *p, size_t n);

#endif
