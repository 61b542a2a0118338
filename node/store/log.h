/* The log: every message and every local fact in order of arrival, on LMDB.  The truth; see index.h
 * for what follows it.
 *
 * Guarantees.  After log_commit() returned ERR_OK everything appended since log_begin() survives a
 * power cut (LMDB's default synchronous flags); before, none of it is visible to any reader.
 * Positions (lsn) start at 1, have no gaps and are never used twice in one store.  Bodies are
 * encrypted under the node's store key and may go; positions never. A store has a random id, drawn
 * at its creation and again by restore: what others remember of its positions is bound to it.
 *
 * Threads.  One writer at a time (begin .. commit on one thread; another's log_begin() waits); any
 * number of readers, each with its own
 * struct log_reader. The only other user of lmdb.h is index.c; both share lmdb_err() of store.h. */
#ifndef NODE_LOG_H
#define NODE_LOG_H

#include "keys/identity.h"
#include "protocol/judge.h"

struct log;
struct log_reader;

/* LOG_EXPIRED: one row that stands for a run of messages of which nothing but their positions is
 * left. */
enum log_kind { LOG_MESSAGE = 1, LOG_FACT = 2, LOG_EXPIRED = 3 };

struct log_row {
	uint64_t lsn;
	enum log_kind kind;
	uint64_t arrived;     /* ms since 1970, this node's clock; information only */
	struct party_id from; /* the neighbour that brought it; this node's own id for what it wrote
				 itself */
	enum verdict verdict; /* of a message */
	struct message_id id; /* of a message */
	const uint8_t *data;  /* message: header | signature; fact: its bytes.  Valid until the
				reader is renewed, paused or closed */
	size_t length;
	uint8_t fact;   /* enum fact */
	bool has_body;  /* of a message: its body is here */
	bool is_void;   /* of a message: the council has made it void, and it is about to go */
	uint64_t first; /* of a run: its first position; lsn is the last */
};

enum fact {
	FACT_AUDIT = 1,
	FACT_MUTE,
	FACT_READ,
	FACT_OUTBOX,
	FACT_EXPORT,
	FACT_ARRIVAL,
	FACT_VERDICT,  /* of a message before it: enum verdict_change | its position */
	FACT_EVIDENCE, /* of a number that was used twice */
};

/* create and read_only exclude each other.  A read-only log is a view beside the daemon that writes
 * it. */
struct log_options {
	size_t map_bytes; /* 0: 1 TiB, sparse */
	bool create;      /* else ERR_NOT_FOUND where there is none */
	bool read_only;
	bool verify; /* looks at every page first, however many there are */
};

/* Opens dir, made when create.  ERR_BUSY: another process writes it; ERR_TOO_NEW; ERR_DAMAGED;
 * ERR_PERMISSIONS: written under another store key.  A process opens a log once at a time.  The
 * identity is borrowed until log_close().  new_store_id: 16 random bytes used when the log is made.
 */
enum err log_open(struct log **log, const char *dir, const struct log_options *options,
		  const struct identity *identity, const struct store_id *new_store_id,
		  struct report *report);
void log_close(struct log *log);

struct store_id log_store_id(const struct log *log);
/* The last committed position; 0 when empty.  Any thread. */
uint64_t log_head(const struct log *log);
/* Share of the map or the disk in use, whichever is worse, in percent. */
unsigned log_fullness(const struct log *log);

/* The disk failed in the middle of a commit: nothing can be read or written before the log is
 * opened anew.  What was committed is there then.  Any thread. */
bool log_is_broken(const struct log *log);
/* What an operator reads of an error that the store gave; static. */
const char *log_trouble(enum err e);
/* The same where the index is read too. */
const char *index_trouble(enum err e);

enum err log_begin(struct log *log);
/* Appends a message; row->kind, lsn and id are ignored, *lsn is where it went. body NULL: none.
 * ERR_FULL at 95 percent of map or disk: facts, values and removals still go through.  The caller
 * has verified that id is the header's and that body is the one the header promises. */
enum err log_append(struct log *log, const struct log_row *row, const struct message_id *id,
		    const uint8_t *body, size_t body_length, uint64_t *lsn);
enum err log_append_fact(struct log *log, enum fact fact, uint64_t now, const void *data, size_t n,
			 uint64_t *lsn);
/* What may become of a stored message's verdict: a suspension that held it has ended, it is void
 * now, or what it says can be read only now.  The row is changed, where there is something to
 * change, and a FACT_VERDICT tells whoever follows the log.  Needs log_begin().  ERR_STATE when the
 * row is so already. */
enum verdict_change { VERDICT_RELEASED = 1, VERDICT_VOIDED, VERDICT_AGAIN };
enum err log_change_verdict(struct log *log, uint64_t lsn, enum verdict_change change,
			    uint64_t now);
/* Reads such a fact; false when it is none. */
bool log_verdict_changed(const struct log_row *fact, enum verdict_change *change, uint64_t *lsn);
/* Removes a body for ever; the position stays.  Needs log_begin(). */
enum err log_remove_body(struct log *log, uint64_t lsn);
/* Leaves nothing of the messages at these positions, ascending, but the positions themselves: row
 * and body go for ever, and neighbouring runs grow together.  Positions that are no message (any
 * more) are passed over.  Needs log_begin(). */
enum err log_expire(struct log *log, const uint64_t *lsns, size_t n);
/* Small values that travel in the same transaction: cursors, floor, incarnation.  Keys are at most
 * 64 bytes; those that begin with "cursor/" are bound to the store id and go with it. */
enum err log_put(struct log *log, const char *key, const void *value, size_t n);
/* The last position that the reader sees; 0: none. */
enum err log_last(struct log_reader *reader, uint64_t *lsn);
/* ERR_NOT_FOUND; ERR_DAMAGED; ERR_LIMIT when it is longer than size. */
enum err log_get(struct log_reader *reader, const char *key, void *value, size_t size, size_t *n);
/* Calls found with every value whose key begins with prefix, until it returns false; what it is
 * given lives as long as the call.  ERR_DAMAGED: one or more are, and were left out. */
enum err log_values(struct log_reader *reader, const char *prefix,
		    bool (*found)(void *arg, const char *key, const void *value, size_t n),
		    void *arg);
/* The key of the small value that is of the message at lsn, and goes with it: by which exports it
 * has left.  Returns out. */
enum { LOG_EXPORTED_KEY_BYTES = sizeof "exported/0123456789abcdef" };
const char *log_exported_key(char out[LOG_EXPORTED_KEY_BYTES], uint64_t lsn);
/* The value "floor": hours since 1970, 0 when there is none.  What expires before is gone. */
uint32_t log_floor(struct log_reader *reader);
/* Removes every value whose key begins with prefix.  Needs log_begin(). */
enum err log_drop(struct log *log, const char *prefix);
/* Every signed topology, kept for ever under (version, hash). */
enum err log_put_topology(struct log *log, uint32_t version, const struct hash *hash,
			  const void *file, size_t n);
enum err log_get_topology(struct log_reader *reader, uint32_t version, size_t nth,
			  const uint8_t **file, size_t *n);
/* Any error since log_begin() that was LMDB's is returned again here and everything is given up. */
enum err log_commit(struct log *log);
void log_abort(struct log *log);

/* As store_forget_pages(). */
void log_forget_pages(const struct log *log);

/* A reader sees the log as it was at log_reader_renew(); it holds old pages, so renew or pause it
 * often. */
enum err log_reader_open(struct log_reader **reader, struct log *log);
enum err log_reader_renew(struct log_reader *reader);
void log_reader_pause(struct log_reader *reader);
void log_reader_close(struct log_reader *reader);

/* The row at lsn, or the first after it: ERR_NOT_FOUND beyond the end.  Inside a run there is no
 * row, and the first after it is the run. */
enum err log_read(struct log_reader *reader, uint64_t lsn, struct log_row *row);
enum err log_read_from(struct log_reader *reader, uint64_t lsn, struct log_row *row);
/* The body as carried, decrypted into *body, which the caller frees; of the row only position and
 * id are looked at.  ERR_NOT_FOUND when it is gone, ERR_DAMAGED when it is not what was appended
 * under that id. */
enum err log_read_body(struct log_reader *reader, const struct log_row *row, uint8_t **body,
		       size_t *n);
/* The same into memory of the caller's.  ERR_DAMAGED when it has not n bytes. */
enum err log_read_body_to(struct log_reader *reader, const struct log_row *row, uint8_t *body,
			  size_t n);

/* A consistent copy into an empty or absent dir while the log is in use (mdb_env_copy with
 * compaction), synced. */
enum err log_copy(struct log *log, const char *dir, struct report *report);
/* Recomputes what can be: no position missing, every row, id, body and topology as it was written.
 * ERR_DAMAGED, with each position that differs named in report. */
enum err log_check(struct log *log, struct report *report);
/* Draws a new identity for a store that was copied: every cursor is dropped, and all that is in it
 * waits (restored.h).  On a closed log only. */
enum err log_rename(const char *dir, const struct identity *identity, const struct store_id *id,
		    struct report *report);

#endif
