/* A backup of the log, its restoration, and the checks that a home can be asked for while no node
 * runs on it.  SPEC.md 6.4.
 *
 * A backup is a directory with a copy of the log's environment and a manifest that is written last
 * and names its hash under the store key: whoever restores learns that it is complete, unchanged
 * and of this key file before anything else looks at it.  The key file is not in it.  No clock and
 * no chance: the caller gives the time and the new store id. */
#ifndef NODE_BACKUP_H
#define NODE_BACKUP_H

#include "node/store/log.h"

struct backup {
	struct store_id store; /* of the log that was copied */
	uint64_t head;         /* its last position */
	uint64_t made;         /* ms since 1970 */
	uint64_t bytes;        /* of the copy */
	struct hash hash;      /* of the copy */
};

/* Copies the log, open here, into dir, which must be absent or empty: ERR_EXISTS.  The log may be
 * in use, also by another process.  What is in the copy was committed when the call began or since.
 */
enum err backup_make(struct log *log, const struct identity *identity, const char *dir,
		     uint64_t now, struct backup *out, struct report *report);

/* Reads the manifest and compares the copy with it: ERR_NOT_FOUND, ERR_DAMAGED, ERR_TOO_NEW,
 * ERR_PERMISSIONS (of another key file). */
enum err backup_read(const char *dir, const struct identity *identity, struct backup *out,
		     struct report *report);

/* Makes home/log from a backup.  ERR_EXISTS when there is a log; nothing is ever overwritten.  The
 * copy is checked whole, gets new_store_id, loses its cursors, and takes its place at the end in
 * one step. */
enum err backup_restore(const char *home, const char *dir, const struct identity *identity,
			const struct store_id *new_store_id, struct backup *out,
			struct report *report);

/* For a home on which no node runs (ERR_BUSY): log_check() and index_check(), and a new index. */
enum err backup_check_store(const char *home, const struct identity *identity,
			    struct report *report);
enum err backup_reindex(const char *home, const struct identity *identity, struct report *report);

#endif
