/* The file of one incident, for those who have no node: every message as its author signed it, what
 * opens them, and the topologies that say whose keys are whose.  SPEC.md 8.10.
 *
 * Reading needs neither a home nor a node. */
#ifndef NODE_CASE_FILE_H
#define NODE_CASE_FILE_H

#include "node/incident_case.h"

enum { CASE_FILE_MAX_BYTES = 256 << 20 };

/* Appends the file.  ERR_NOT_FOUND when a message or a topology of it is no longer here. */
enum err case_file_write(struct text *out, struct node *node, struct log_reader *log,
			 const struct incident_case *c, struct report *report);

/* What a file says, once everything in it was checked. */
struct case_file {
	struct chain chain;     /* owned; the versions it brings */
	const struct party *by; /* whose node wrote it */
	struct incident_case c;
};

bool is_case_file(const void *bytes, size_t n);
/* Checks every signature, hash and key, and folds.  The first version is believed: the caller
 * compares its hash, chain_oldest(&f->chain)->hash, with one that it has from elsewhere.
 * ERR_FORMAT, ERR_SIGNATURE, ERR_HASH, ERR_UNKNOWN_PARTY, with words.  On ERR_OK the caller calls
 * case_file_clear(). */
enum err case_file_read(struct case_file *f, const uint8_t *bytes, size_t n, struct report *report);
void case_file_clear(struct case_file *f);

#endif
