/* What the log and the index share: one LMDB environment in a directory, its one writer, and LMDB's
 * errors in ours.
 *
 * Only log*.c and index*.c include this file, and with it lmdb.h.  Environments are opened with
 * LMDB's default, synchronous flags; no MDB_NOSYNC, MDB_WRITEMAP or MDB_DUPSORT anywhere. */
#ifndef NODE_STORE_H
#define NODE_STORE_H

#include <lmdb.h>

#include "protocol/error.h"
#include "protocol/report.h"
#include "protocol/types.h"

struct store_env {
	MDB_env *env;
	int lock; /* descriptor that holds the writer's lock; -1 for read-only */
	bool read_only;
};

struct store_options {
	size_t map_bytes; /* 0: 1 TiB, sparse, less where the address space does not allow it */
	bool create;      /* make the directory when there is none, else ERR_NOT_FOUND */
	bool read_only;
	bool verify; /* store_verify() first, whatever the size */
};

/* The one place that maps LMDB's and the system's codes. */
enum err lmdb_err(int rc);

/* Opens dir as its only writer, or read-only beside one.  ERR_BUSY: another process writes it.
 * store_close() is safe after a failure too. */
enum err store_open(struct store_env *s, const char *dir, const struct store_options *options,
		    struct report *report);
void store_close(struct store_env *s);

/* Makes the entries of a directory durable: what was created or renamed in it. */
enum err store_sync_dir(const char *dir);
/* Makes dir (0700) and makes its entry in its parent durable; an existing directory is ERR_EXISTS.
 */
enum err store_make_dir(const char *dir);
/* Removes an environment's files and then the directory, which must hold nothing else; an absent
 * one is ERR_OK. */
enum err store_remove(const char *dir);

/* Reads every page in use without LMDB, which trusts its file and dies of a damaged one:
 * ERR_DAMAGED, with the page named.  Beside a writer the caller holds a read transaction.
 * store_open() does it by itself for a writer and a file of at most VERIFY_AT_OPEN_BYTES; beyond
 * that it takes too long at every start. */
enum { VERIFY_AT_OPEN_BYTES = 256 << 20 };
enum err store_verify(const char *dir, struct report *report);
/* Empties a file that was being made when the disk was full: nothing was ever in it, and LMDB would
 * refuse it for ever. */
enum err store_finish(const char *dir);

/* A write failed at the one moment from which LMDB cannot go on: every call fails from then on, and
 * only opening it anew helps. */
bool store_is_broken(const struct store_env *s);

/* Lets go of the pages of the map that were looked at: they are the system's cache and no part of
 * this process, until they are looked at again.  Any thread, beside any other. */
void store_forget_pages(const struct store_env *s);

/* Share of the map, or of the disk space that the environment has or could have, whichever is
 * greater, in percent.  Free pages inside the file count as free. */
unsigned store_fullness(const struct store_env *s);

#endif
