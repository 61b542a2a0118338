/* The audit as a chain: every row has its number and the hash of the row before, so that what was
 * altered, taken out or put in shows, and the number and hash of the last stand for all.  SPEC.md
 * 9.2. */
#ifndef NODE_AUDIT_CHAIN_H
#define NODE_AUDIT_CHAIN_H

#include "node/store/log.h"
#include "protocol/beacon.h"
#include "protocol/json.h"

/* The last row, as the log knows it; number 0: there is none. */
enum err audit_head_read(struct beacon_audit *head, struct log_reader *log);
/* Appends the JSON object as the row behind the head, which moves, to the transaction that is open.
 * After an error, and when the transaction fails, the head is to be read again. */
enum err audit_append(struct log *log, struct beacon_audit *head, uint64_t now, const char *json,
		      size_t length);
/* The hash of a row of the audit. */
struct hash audit_hash(const struct log_row *row);

#endif
