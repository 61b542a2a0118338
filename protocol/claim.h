/* Claims: what an end says of its set in reconciliation frames.  SPEC.md 7.7.4.
 *
 * A payload is a row of claims.  Each speaks of an interval of keys, and the intervals ascend
 * without overlapping, so that no payload makes its reader look at anything twice.  This module
 * knows the bytes only. */
#ifndef PROTOCOL_CLAIM_H
#define PROTOCOL_CLAIM_H

#include "protocol/bytes.h"
#include "protocol/view.h"

enum claim_kind {
	CLAIM_AUDIENCE = 1, /* the audience of the claims of places that follow */
	CLAIM_LIST,         /* all that I hold below a place, by short id */
	CLAIM_CHILDREN,     /* all children of a place that I hold something of */
	CLAIM_SUM,          /* how many I hold below a place, and the sum of their short ids */
	CLAIM_ONE,          /* push this one, which is all that your sum has more than mine */
	CLAIM_WANT,         /* push these */
	CLAIM_AUDIENCES,    /* all my audiences between two */
	CLAIM_BUCKETS,      /* my audiences by first byte, 256 fingerprints */
	CLAIM_FLOOR,        /* my floor is higher: begin again with it */
};

enum {
	LIST_MAX = TRIE_SPLIT,
	BUCKETS = 256,
	AUDIENCE_ENTRY_BYTES = AUDIENCE_ID_BYTES + FINGERPRINT_BYTES,
	/* The longest claim of a place, with the audience before it. */
	CLAIM_MAX_BYTES = 1 + AUDIENCE_ID_BYTES + 2 + 4 + MESSAGE_ID_BYTES + 1 + 8 * LIST_MAX,
};

struct claim {
	enum claim_kind kind;
	struct trie_place place;     /* LIST, CHILDREN, SUM, ONE, WANT */
	struct audience_id from, to; /* AUDIENCES */
	uint32_t floor;              /* FLOOR */
	uint16_t mask;               /* CHILDREN below the root: which nibbles */
	uint64_t sum;                /* SUM; the short id of ONE */
	size_t count;
	const uint8_t *items; /* short ids, children, audiences or fingerprints; in the payload */
};

struct claims {
	struct reader r;
	bool bad, has_audience, has_last;
	struct audience_id audience;
	struct trie_key last; /* of the claim before */
};

/* Reads payload[n]. */
void claims_init(struct claims *c, const uint8_t *payload, size_t n);
/* The next claim; false at the end and when what follows is malformed, which sets bad. */
bool claims_next(struct claims *c, struct claim *out);
/* True for the five that speak of a place. */
bool claim_has_place(enum claim_kind kind);
/* The interval of keys that a claim speaks of. */
void claim_interval(const struct claim *c, struct trie_key *first, struct trie_key *last);

/* Short id i of a LIST or WANT; fingerprint i of BUCKETS. */
uint64_t claim_number(const struct claim *c, size_t i);
/* True when the ascending short ids hold it. */
bool claim_lists(const struct claim *c, uint64_t short_id, size_t *index);

struct claim_entry {
	uint32_t number; /* of a child, ascending */
	uint64_t fingerprint;
};
/* The children of a CHILDREN; returns count. */
size_t claim_children(const struct claim *c, struct claim_entry out[ROOT_CHILDREN_MAX]);
/* Entry i of AUDIENCES. */
void claim_audience(const struct claim *c, size_t i, struct audience_id *id, uint64_t *fingerprint);

struct claim_writer {
	struct writer w;
	bool has_audience;
	struct audience_id audience;
	size_t open; /* where the AUDIENCES under way starts */
	size_t entries;
};

void claim_writer_init(struct claim_writer *w, uint8_t *out, size_t size);
/* LIST or WANT; ids[n] are sorted here, n at most LIST_MAX. */
void claim_write_ids(struct claim_writer *w, enum claim_kind kind, const struct trie_place *place,
		     uint64_t *ids, size_t n);
void claim_write_sum(struct claim_writer *w, const struct trie_place *place, const uint64_t *ids,
		     size_t n);
void claim_write_one(struct claim_writer *w, const struct trie_place *place, uint64_t id);
/* Ascending by number; at least one. */
void claim_write_children(struct claim_writer *w, const struct trie_place *place,
			  const struct claim_entry *children, size_t n);
void claim_open_audiences(struct claim_writer *w, const struct audience_id *from);
void claim_add_audience(struct claim_writer *w, const struct audience_id *id, uint64_t fingerprint);
void claim_close_audiences(struct claim_writer *w, const struct audience_id *to);
void claim_write_buckets(struct claim_writer *w, const uint64_t fingerprints[BUCKETS]);
void claim_write_floor(struct claim_writer *w, uint32_t floor);

#endif
