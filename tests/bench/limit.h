/* What the parts can do that a node is made of, measured without any of its code: libsodium, CURVE
 * over ZeroMQ, LMDB with its default flags, one after the other or each as it overlaps best. */
#ifndef TESTS_BENCH_LIMIT_H
#define TESTS_BENCH_LIMIT_H

#include <stddef.h>

/* Ed25519 signatures that one core verifies in a second. */
double limit_verifies(void);

/* Messages a second that one process sends another over CURVE, which hashes header and body,
 * verifies on all cores, appends to LMDB and acknowledges what is committed; or one part of that
 * alone, with nothing beside it.  *cpu: the seconds of cores that a message took, both processes
 * together. */
enum limit_part { LIMIT_WHOLE, LIMIT_WIRE, LIMIT_CHECKS, LIMIT_APPENDS, LIMIT_PARTS };
double limit_transfer(size_t body_bytes, size_t count, enum limit_part part, double *cpu);

/* Entries a second into an empty LMDB environment: those of the environment in dir, all its tables,
 * in batches of 100,000 that arrive in no order and are sorted.  *count: how many. */
double limit_inserts(const char *dir, size_t *count);

/* Point reads a second of keys that are there, in no order, in one table of the environment. */
double limit_reads(const char *dir, const char *table);

/* An alert over so many hops, in ms: each a message over CURVE, a verification and a commit, and a
 * signature and a commit before the first. */
double limit_alert(size_t hops);

#endif
