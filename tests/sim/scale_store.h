/* Stores in memory for very many nodes: each message is kept once for all of them. */
#ifndef TESTS_SIM_SCALE_STORE_H
#define TESTS_SIM_SCALE_STORE_H

#include "protocol/store.h"

/* The messages of all stores. */
struct scale_pool;

struct scale_pool *scale_pool_new(void);
void scale_pool_free(struct scale_pool *p);
/* The pool copies the bytes; returns the number of the message, from 0. */
size_t scale_pool_add(struct scale_pool *p, const struct message_view *m);
/* SIZE_MAX when it is not there. */
size_t scale_pool_find(const struct scale_pool *p, const struct message_id *id);

struct scale_store;

struct scale_store *scale_store_new(struct scale_pool *pool, const struct store_id *id);
void scale_store_free(struct scale_store *s);
struct store scale_store_interface(struct scale_store *s);
/* Its log is a copy now: another id, no cursors. */
void scale_store_rename(struct scale_store *s, const struct store_id *id);

#endif
