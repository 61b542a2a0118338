/* The evidence that a node keeps: facts in its log, which outlive the messages.  SPEC.md 5.12.
 *
 * A few of each author are enough: one proves what a thousand would. */
#ifndef NODE_EVIDENCE_BOOK_H
#define NODE_EVIDENCE_BOOK_H

#include "node/store/log.h"
#include "protocol/evidence.h"

enum { EVIDENCE_MAX = 1024, EVIDENCE_OF_ORIGIN_MAX = 64 };

struct evidence_entry {
	uint64_t lsn; /* of the fact */
	struct party_id origin;
	uint64_t at; /* wall ms: when it was seen */
};

struct evidence_book {
	bool loaded;
	uint64_t done; /* position up to which the log was looked through */
	size_t count;
	struct evidence_entry entries[EVIDENCE_MAX]; /* ascending by position */
};

/* What the log remembers; an empty book where it remembers nothing. */
enum err evidence_book_read(struct evidence_book *b, struct log_reader *log);
/* The evidence of an entry.  ERR_DAMAGED. */
enum err evidence_book_open(struct evidence *e, struct log_reader *log,
			    const struct evidence_entry *entry);

#endif
