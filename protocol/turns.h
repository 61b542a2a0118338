/* A queue in which origins take turns: however much one of them has waiting, another's next message
 * goes out after at most one message of each.  SPEC.md 7.5.
 *
 * Holds log positions, not messages.  Positions of one origin must be added in ascending order and
 * come out in it. */
#ifndef PROTOCOL_TURNS_H
#define PROTOCOL_TURNS_H

#include "protocol/error.h"
#include "protocol/types.h"

struct turns_origin;

struct turns {
	struct turns_origin
		*origins; /* owned; those with something waiting, in the order of their turns */
	size_t origin_count, origin_size;
	size_t next;  /* index of the origin whose turn it is */
	size_t count; /* positions waiting */
};

void turns_init(struct turns *q);
void turns_clear(struct turns *q);

enum err turns_add(struct turns *q, const struct party_id *origin, uint64_t lsn);

/* The next position; false when there is none. */
bool turns_next(struct turns *q, uint64_t *lsn);

/* Forgets what waits of that origin; returns how many, and the lowest in *lowest. */
size_t turns_drop(struct turns *q, const struct party_id *origin, uint64_t *lowest);

/* Does the position of that origin wait? */
bool turns_holds(const struct turns *q, const struct party_id *origin, uint64_t lsn);

/* The lowest position waiting, UINT64_MAX when empty. */
uint64_t turns_lowest(const struct turns *q);

#endif
