/* A store in memory behind the interface of LMDB's: what was committed survives a crash, what was
 * not is gone. */
#ifndef TESTS_SIM_MEMORY_STORE_H
#define TESTS_SIM_MEMORY_STORE_H

#include "protocol/store.h"

struct memory_store;

struct memory_store *memory_store_new(const struct store_id *id);
void memory_store_free(struct memory_store *m);
struct store memory_store_interface(struct memory_store *m);

/* The machine stops: an open transaction is forgotten. */
void memory_store_crash(struct memory_store *m);
/* The next n commits fail, as on a full disk. */
void memory_store_fail(struct memory_store *m, unsigned n);
/* Committed, whatever a transaction says. */
bool memory_store_durable(const struct memory_store *m, const struct message_id *id);
/* The body of a recalled message goes; is it there? */
void memory_store_erase(struct memory_store *m, const struct message_id *id);
bool memory_store_has_body(const struct memory_store *m, const struct message_id *id);
size_t memory_store_count(const struct memory_store *m);
/* Another store takes its place, with what it held when it had n messages: an old backup. */
void memory_store_restore(struct memory_store *m, size_t n, const struct store_id *id);

#endif
