/* The topology versions of this node, and the suspension that counts: in the log, in memory as a
 * chain.  SPEC.md 4.9, 4.12.
 *
 * The loop's thread adds; any thread may ask for the one in force or for a party's name.  A
 * topology or a suspension, once added, lives as long as the node. */
#ifndef NODE_VERSIONS_H
#define NODE_VERSIONS_H

#include "node/store/log.h"
#include "protocol/chain.h"

struct versions;

/* Reads every version that the log holds.  ERR_DAMAGED when one of them no longer parses. */
enum err versions_open(struct versions **versions, struct log *log, struct report *report);
void versions_close(struct versions *v);

/* Any thread: the version in force, NULL before the node has joined. */
const struct topology *versions_newest(struct versions *v);
/* Any thread: the suspension that counts, whether or not its time has come; NULL: none. */
const struct suspension *versions_suspension(struct versions *v);

/* Any thread: all that are held now.  The caller frees the array out->versions with free(); the
 * topologies are borrowed.  ERR_MEMORY. */
enum err versions_known(struct versions *v, struct chain *out);

/* The loop's thread only. */
const struct chain *versions_chain(const struct versions *v);
/* The first version, by its pinned hash (khabar join).  ERR_STATE when there is one already. */
enum err versions_join(struct versions *v, const uint8_t *file, size_t n, const struct hash *pinned,
		       struct report *report);
/* The next version: checked, persisted, then in force; or the one before the oldest, for a node
 * that joined later.  ERR_EXISTS: the council has signed another one of this number; ours stays,
 * and the last line of the report is worth an alarm. */
enum err versions_accept(struct versions *v, const uint8_t *file, size_t n, struct report *report);
/* The signed file of a version that the log holds, ours where there is a fork; borrowed from the
 * reader.  ERR_NOT_FOUND.  Any thread. */
enum err versions_stored(struct log_reader *reader, uint32_t version, const uint8_t **file,
			 size_t *n);
/* The signed file; borrowed until the next call. */
enum err versions_file(struct versions *v, uint32_t version, const uint8_t **file, size_t *n);

/* A suspension: checked, persisted, then the one that counts.  The errors of suspension_take(). */
enum err versions_suspend(struct versions *v, const uint8_t *file, size_t n, struct report *report);
/* Its signed file; borrowed until the next call. */
enum err versions_suspension_file(struct versions *v, const uint8_t **file, size_t *n);

#endif
