/* The body of a beacon: which messages of its author there are in one audience, so that a reader
 * sees what was withheld.  SPEC.md 5.11.
 *
 * Says nothing of when a beacon is due or what is missing; it reads, writes and sums up. */
#ifndef PROTOCOL_BEACON_H
#define PROTOCOL_BEACON_H

#include "protocol/json.h"
#include "protocol/types.h"

enum { BEACON_INCARNATIONS_MAX = 64, BEACON_RANGES_MAX = 1024 };

#define BEACON_SEQUENCE_MAX ((UINT64_C(1) << 53) - 1)

/* Sequences that all exist, of which none expires before the hour until. */
struct beacon_range {
	uint64_t first, last;
	uint32_t until; /* hours since 1970 */
};

struct beacon_incarnation {
	uint64_t incarnation;
	uint64_t last;    /* greatest sequence that it has given, expired or not */
	size_t at, count; /* its ranges: ranges[at] .. ranges[at + count - 1], ascending */
};

/* The last row of the author's audit; number 0: it does not say. */
struct beacon_audit {
	uint64_t number;
	struct hash hash;
};

/* Some 26 KiB. */
struct beacon {
	struct beacon_audit audit;
	size_t incarnation_count;
	struct beacon_incarnation incarnations[BEACON_INCARNATIONS_MAX]; /* ascending */
	size_t range_count;
	struct beacon_range ranges[BEACON_RANGES_MAX];
};

/* Reads n bytes of JSON.  ERR_FORMAT, ERR_LIMIT and those of json_parse(), with words. */
enum err beacon_read(struct beacon *b, const char *json, size_t n, struct report *report);
void beacon_write(struct text *out, const struct beacon *b);
/* What it tells of an incarnation, or NULL. */
const struct beacon_incarnation *beacon_incarnation(const struct beacon *b, uint64_t incarnation);

/* A message of the author's own, to be told of. */
struct beacon_said {
	uint64_t incarnation, sequence;
	uint64_t at;     /* greater is newer: where there are too many, the oldest are left out */
	uint32_t expiry; /* hours since 1970 */
};

/* What an author has said to an audience, being summed up. */
struct beacon_sum;
/* hour: what expires then or before is not live any more.  NULL when memory is short. */
struct beacon_sum *beacon_sum_new(uint32_t hour);
void beacon_sum_free(struct beacon_sum *sum);
/* Ascending by (incarnation, sequence); one that was used twice counts once. */
enum err beacon_sum_add(struct beacon_sum *sum, const struct beacon_said *said);
void beacon_sum_up(struct beacon_sum *sum, struct beacon *out);

#endif
