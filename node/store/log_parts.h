/* What the files of the log share; nobody else includes it.
 *
 *     row       lsn 8 -> kind 1 | verdict or fact 1 | arrived 8 | from 16 | id 32 (messages) | data
 *               | check 8, or, of a run that ends there, kind 1 | zero 1 | first 8 | check 8
 *     body      lsn 8 -> the body in the box of the store key
 *     value     key -> what log_put() was given | check 8
 *     topology  version 4 | hash 32 -> the signed file
 *     meta      "format" -> u32, "store" -> 16 bytes, "key" -> 16 bytes that name the store key,
 *               "sum" -> 32 bytes over all of value and topology */
#ifndef NODE_LOG_PARTS_H
#define NODE_LOG_PARTS_H

#include <pthread.h>
#include <stdatomic.h>

#include "node/store/log.h"
#include "node/store/store.h"
#include "protocol/bytes.h"

enum {
	LOG_FORMAT = 4, /* 1 had no runs, 2 no sum, 3 no checks of values */
	LOG_FORMAT_SUM = 3,
	LOG_FORMAT_CHECKS = 4,
	LSN_BYTES = 8,
	CHECK_BYTES = 8,
	ROW_FIXED_BYTES = 1 + 1 + 8 + PARTY_ID_BYTES,
	ROW_MESSAGE_BYTES = ROW_FIXED_BYTES + MESSAGE_ID_BYTES,
	ROW_RUN_BYTES = 1 + 1 + LSN_BYTES,
	FACT_MAX_BYTES = 1 << 20,
	VALUE_KEY_MAX_BYTES = 64,
	LOG_FULL_PERCENT = 95,
	VERDICT_VOID_BIT = 0x80, /* beside the verdict */
	TOPOLOGY_KEY_BYTES = 4 + HASH_BYTES,
};

/* Domain bytes of identity_index_key(): one key, several uses, never the same input. */
enum key_domain {
	KEY_OF_OBJECT = 1, /* these two of identity_index_hash() */
	KEY_OF_VALUE,
	KEY_OF_STORE,
	KEY_OF_BACKUP,
	KEY_OF_INCIDENT,
	/* 6 is the key of identity_index_hash(). */
};

#define CURSOR_PREFIX "cursor/"
/* The value of this name, and those whose names begin with it: node/store/restored.h. */
#define RESTORED_KEY "restored"

struct log_tables {
	MDB_dbi row, body, value, topology, meta;
};

struct log {
	struct store_env store;
	struct log_tables tables;
	const struct identity *identity;
	struct store_id id;
	bool plain; /* of an earlier format, and read only: values have no checks */
	_Atomic uint64_t head;
	pthread_mutex_t writing; /* of what follows: held from begin to commit or abort */
	MDB_txn *txn;            /* the writer's, from begin to commit */
	enum err failed;         /* of the transaction: commit gives it up */
	bool full;               /* at the bound since log_begin() */
	uint64_t next;           /* position of the next row */
};

struct log_reader {
	struct log *log;
	MDB_txn *txn;
	MDB_cursor *row;
	uint64_t at; /* position of the cursor; 0: nowhere */
	bool paused;
};

/* Opens the tables in txn, made when create. */
int log_open_tables(MDB_txn *txn, struct log_tables *tables, bool create);
/* Reads and judges "format", "store" and "key". */
enum err log_read_meta(MDB_txn *txn, MDB_dbi meta, const struct identity *identity,
		       struct store_id *id, const char *dir, struct report *report);

/* 0 when it cannot be told. */
uint32_t log_format(MDB_txn *txn, MDB_dbi meta);
/* What is written from now on may be more than an earlier format knows. */
int log_raise_format(MDB_txn *txn, const struct log_tables *tables);

/* store_verify() of a log that may be in use. */
enum err log_verify_pages(struct log *log, struct report *report);

/* ERR_OK inside a transaction that can still be committed. */
enum err log_writable(const struct log *log);
/* A transaction in which LMDB failed holds half of what was asked: it can only be given up. */
enum err log_fail(struct log *log, int rc);

/* BLAKE2b of (lsn | row), its first 8 bytes: finds what the disk has changed. */
void log_row_check(uint8_t out[CHECK_BYTES], uint64_t lsn, const uint8_t *row, size_t n);
/* The last position, 0 when there is none. */
int log_read_head(MDB_txn *txn, MDB_dbi row, uint64_t *head);
/* log_sum.c, the only writer of the tables value and topology.  Makes the sum where there is none.
 */
int log_sum_begin(MDB_txn *txn, const struct log_tables *t);
int log_sum_put(MDB_txn *txn, const struct log_tables *t, MDB_dbi table, MDB_val *key,
		MDB_val *value);
/* Gives the value its check. */
int log_value_put(MDB_txn *txn, const struct log_tables *t, MDB_val *key, const MDB_val *value);
/* Takes the check off a value as it is stored; false when it is damaged. */
bool log_value_open(const MDB_val *key, MDB_val *value);
/* Gives checks to all values, which have none. */
int log_values_raise(MDB_txn *txn, const struct log_tables *t);
/* Removes the values whose key begins with prefix. */
int log_sum_drop(MDB_txn *txn, const struct log_tables *t, const char *prefix);
/* Does the sum say what is there?  MDB_NOTFOUND: there is none. */
int log_sum_holds(MDB_txn *txn, const struct log_tables *t, bool *holds);
/* Reads a stored row; ERR_DAMAGED.  has_body is not set. */
enum err log_row_decode(struct log_row *row, uint64_t lsn, const MDB_val *stored);

#endif
