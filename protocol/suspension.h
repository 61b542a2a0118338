/* Suspensions: what the council does at night about a key that was stolen.  SPEC.md 4.12.
 *
 * A statement names all nodes that are suspended, from when and until when; the one with the
 * greatest serial counts alone.  It is signed by fewer members than a topology and undone by the
 * next, so it decides nothing that lasts: neither who carries what nor what is in a set. */
#ifndef PROTOCOL_SUSPENSION_H
#define PROTOCOL_SUSPENSION_H

#include "protocol/topology.h"

struct chain; /* chain.h includes this */

enum {
	SUSPENSION_MAX_BYTES = 48 << 10, /* text and signatures: it fits in a frame */
	SUSPENDED_MAX = 64,              /* nodes in one statement */
	SUSPENSION_DAYS_MAX = 14,
};

struct suspended {
	char name[NAME_MAX_BYTES + 1];
	struct party_id id;
	char *because;           /* or NULL */
	uint16_t keys[KEYS_MAX]; /* sign keys that are suspended */
	size_t key_count;        /* 0: the whole node is */
};

struct suspension {
	struct hash hash; /* of the text */
	struct network_id network;
	struct hash topology; /* the version under which it was signed */
	uint32_t serial;
	uint64_t from, until; /* ms since 1970; from <= t < until */
	struct suspended *list;
	size_t count; /* 0: it lifts what was suspended */
};

/* Reads n bytes of ZPL, without signatures; every problem goes into report.  ERR_FORMAT.  The
 * caller frees *s with suspension_free(). */
enum err suspension_parse(struct suspension **s, const char *text, size_t n, struct report *report);
void suspension_free(struct suspension *s);
/* True when the text is one of a suspension, as far as its first section tells. */
bool suspension_is(const char *text, size_t n);

/* A text and the version that it names: same network, and every name and key is one of it.  Sets
 * the ids.  ERR_NETWORK, ERR_HASH, ERR_FORMAT. */
enum err suspension_bind(struct suspension *s, const struct topology *t, struct report *report);

/* A signed file becomes the statement that counts: enough of the council in force signed it, it
 * names a version of the chain, and its serial is above that of `held` (NULL: none).  ERR_EXISTS:
 * it is the one held.  ERR_STATE: an older one.  ERR_NOT_ALLOWED: another text of the same
 * serial.  ERR_UNJUDGEABLE: a version that is not held.  ERR_SIGNATURE, ERR_LIMIT, and what the
 * functions above return.  On ERR_OK the caller owns *s. */
enum err suspension_take(struct suspension **s, const struct chain *chain,
			 const struct suspension *held, const char *file, size_t n,
			 struct report *report);

/* Is the node suspended as a whole at that time?  s may be NULL. */
bool suspension_of_node(const struct suspension *s, const struct party_id *node, uint64_t now);
/* Is what it signs with that key? */
bool suspension_of_key(const struct suspension *s, const struct party_id *node, uint16_t key,
		       uint64_t now);
/* The next time after now at which it begins or ends; UINT64_MAX: none. */
uint64_t suspension_next(const struct suspension *s, uint64_t now);

#endif
