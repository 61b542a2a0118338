/* What this CERT does not want in its own exports, whoever says it: values that an operator has
 * muted.  SPEC.md 9.11.
 *
 * A mute is a local fact: nobody else hears of it, and no signed record is touched.  The log keeps
 * each under a keyed hash of the value, boxed, so that a disk without the key file shows no value;
 * in memory all of them are one set.  Threads: any. */
#ifndef NODE_DETECT_MUTES_H
#define NODE_DETECT_MUTES_H

#include <sys/types.h>

#include "node/store/log.h"
#include "protocol/json.h"
#include "protocol/observable.h"

enum { MUTES_MAX = 10000, MUTE_BECAUSE_BYTES = 200, MUTE_KEY_BYTES = 16 };

struct mutes;

struct mute {
	uint8_t key[MUTE_KEY_BYTES]; /* keyed hash of the value */
	enum observable_type type;
	char *value;   /* canonical */
	char *because; /* or NULL */
	uint64_t at;   /* ms since 1970 */
	uid_t uid;     /* who did it */
};

/* Reads what the log has; the identity is borrowed.  Rows that cannot be read are passed over. */
enum err mutes_open(struct mutes **mutes, struct log *log, const struct identity *identity);
/* NULL is accepted. */
void mutes_close(struct mutes *m);

/* Writes how one is kept: its name among the small values of the log, and its bytes, which the
 * caller frees. */
enum { MUTE_NAME_BYTES = 5 + 2 * MUTE_KEY_BYTES + 1 };
enum err mute_encode(const struct mutes *m, const struct observable *value, const char *because,
		     uint64_t now, uid_t uid, char name[MUTE_NAME_BYTES], uint8_t **bytes,
		     size_t *n);
/* It has been kept, or (bytes NULL) is not kept any more.  ERR_EXISTS and ERR_NOT_FOUND leave
 * things as they are; ERR_LIMIT beyond MUTES_MAX. */
enum err mutes_set(struct mutes *m, const char name[MUTE_NAME_BYTES], const uint8_t *bytes,
		   size_t n);
/* Is exactly this value muted? */
bool mutes_has(struct mutes *m, const struct observable *value);
size_t mutes_count(struct mutes *m);

/* SPEC 9.11: does some mute hide v?  With what, the first that does is told: whom to ask, when and
 * why, as members of an object. */
bool mutes_hide(struct mutes *m, const struct observable *v, struct text *what);
/* Appends up to max of them, from the given one on, as objects of an array; returns how many there
 * are. */
size_t mutes_show(struct mutes *m, struct text *t, size_t from, size_t max);

#endif
