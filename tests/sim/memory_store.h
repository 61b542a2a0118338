/* A store in memory behind the interface of LMDB's: what was committed survives a crash, what was
 * not is gone.  It fails when it is told to, as disks do. */
#ifndef TESTS_SIM_MEMORY_STORE_H
#define TESTS_SIM_MEMORY_STORE_H

#include "protocol/store.h"

struct memory_store;

struct memory_store *memory_store_new(const struct store_id *id);
void memory_store_free(struct memory_store *m);
struct store memory_store_interface(struct memory_store *m);
/* Another one with everything that is committed, as when a machine is copied; its id too. */
struct memory_store *memory_store_copy(const struct memory_store *m);

/* The machine stops: an open transaction is forgotten.  index_lost: what follows the log has to be
 * made again. */
void memory_store_crash(struct memory_store *m, bool index_lost);
/* Another store takes its place, with what it held when it had n messages: an old backup. */
void memory_store_restore(struct memory_store *m, size_t n, const struct store_id *id);

/* The next n commits fail; nothing can be written while it is full; the next n reads of messages
 * fail; the next n folds stop half way. */
void memory_store_fail(struct memory_store *m, unsigned n);
/* From now on a batch is told of only after the store was asked up to so many times; 0: at once. */
void memory_store_late(struct memory_store *m, unsigned most);
void memory_store_full(struct memory_store *m, bool full);
void memory_store_fail_reads(struct memory_store *m, unsigned n);
void memory_store_fail_folds(struct memory_store *m, unsigned n);
/* From now on it says that it keeps every message, and loses one in so many, or whatever is for one
 * in so many audiences, or that but beacons; which ones, salt says.  one_in 0: none. */
struct losing {
	unsigned one_in;
	uint8_t salt;
	bool audiences, but_beacons;
};
void memory_store_lose(struct memory_store *m, const struct losing *losing);

/* As the folder of a node does, some time after a commit: erases what accepted recalls take back.
 */
void memory_store_tidy(struct memory_store *m);
/* Removes what expires below the floor. */
void memory_store_purge(struct memory_store *m, uint32_t floor);

/* Removes what is gone for another reason. */
void memory_store_drop(struct memory_store *m, bool (*gone)(void *arg, const struct header *h),
		       void *arg);

/* Committed, whatever a transaction says, and not purged; or purged since. */
bool memory_store_durable(const struct memory_store *m, const struct message_id *id);
bool memory_store_purged(const struct memory_store *m, const struct message_id *id);
/* Kept, told of, and not only held. */
bool memory_store_accepted(const struct memory_store *m, const struct message_id *id);
/* The body of a recalled message goes; is it there? */
void memory_store_erase(struct memory_store *m, const struct message_id *id);
bool memory_store_has_body(const struct memory_store *m, const struct message_id *id);
size_t memory_store_count(const struct memory_store *m);

/* Brings the trie up to date; true when one that is made at once from all messages is the same,
 * byte for byte. */
bool memory_store_rebuilds(struct memory_store *m);
/* True when both hold the same nodes of an audience, byte for byte, and the same keys. */
bool memory_store_agree(struct memory_store *a, struct memory_store *b,
			const struct audience_id *audience);

#endif
