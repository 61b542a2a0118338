/* What of the trie belongs to one link: the audiences that it carries, and of them what expires
 * from a floor on.  SPEC.md 7.7.2.
 *
 * A node of the trie that reaches over either end of the span has, in the view, the aggregate of
 * what is inside; so two ends whose tables differ only outside see the same. */
#ifndef PROTOCOL_VIEW_H
#define PROTOCOL_VIEW_H

#include "protocol/trie.h"

enum {
	VIEW_KEY_BYTES = 2 * NONCE_BYTES,
	FINGERPRINT_BYTES = 8,
	TOTAL_FINGERPRINT_BYTES = 16,
	ROOT_CHILDREN_MAX = 39, /* blocks of 256 hours that 402 days can touch */
};

struct view {
	const struct trie_store *store;
	uint8_t key[VIEW_KEY_BYTES];    /* of the fingerprint of all of it */
	uint8_t short_key[NONCE_BYTES]; /* of other fingerprints and of short ids */
	uint32_t first, last;           /* hours, both inside */
	/* Does the link carry this audience?  lsn is that of one of its messages. */
	bool (*carries)(void *arg, const struct audience_id *audience, uint64_t lsn);
	void *arg;
	size_t reads; /* of the store, so far; the caller's to bound */
};

/* Sets keys and span.  SPEC.md 7.7.2. */
void view_keys(struct view *v, const uint8_t began[NONCE_BYTES], const uint8_t other[NONCE_BYTES]);
void view_span(struct view *v, uint32_t floor);

struct view_audience {
	struct audience_id id;
	bool carried;
	struct aggregate sum; /* of what is in view; only where it is carried */
};
/* The first audience at or after from of which there is anything at all.  ERR_NOT_FOUND. */
enum err view_audience(struct view *v, const struct audience_id *from, struct view_audience *out);

/* True when there is something of the audience here, and the link does not carry it. */
enum err view_foreign(struct view *v, const struct audience_id *audience, bool *foreign);

struct view_child {
	uint32_t number;
	struct aggregate sum; /* never empty */
};
/* The children of a place, ascending by number, whether or not the trie stores them.  Costs as many
 * reads as there are, or as there are keys in a node without children. */
enum err view_children(struct view *v, const struct trie_place *place,
		       struct view_child out[ROOT_CHILDREN_MAX], size_t *n);

/* Moves *key up to the first key at or after it that is below the place and in view.
 * ERR_NOT_FOUND. */
enum err view_seek(struct view *v, const struct trie_place *place, struct trie_key *key,
		   uint64_t *lsn);
/* The one after. */
enum err view_next(struct view *v, const struct trie_place *place, struct trie_key *key,
		   uint64_t *lsn);

/* Keyed, so that nobody can choose messages that look alike. */
void view_total_fingerprint(const struct view *v, const struct aggregate *a,
			    uint8_t out[TOTAL_FINGERPRINT_BYTES]);
uint64_t view_fingerprint(const struct view *v, const struct aggregate *a);
uint64_t view_short_id(const struct view *v, const struct trie_key *key);

#endif
