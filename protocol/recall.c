#include "protocol/recall.h"

#include <string.h>

enum { REPEATED_MAX = 64 };

bool recall_applies(const struct header *recall, const struct header *target,
		    const struct message_id *id)
{
	/* SPEC 5.8: "A recall applies if and only if its ref is the target's id, its origin and
	 * audience are the target's, its expiry is not before the target's, and the target is no
	 * recall." */
	return recall->kind == KIND_RECALL && target->kind != KIND_RECALL &&
	       message_id_equal(&recall->ref, id) &&
	       party_id_equal(&recall->origin, &target->origin) &&
	       memcmp(recall->audience.b, target->audience.b, AUDIENCE_ID_BYTES) == 0 &&
	       recall->expiry >= target->expiry;
}

enum err recall_find(const struct store *s, const struct header *target,
		     const struct message_id *id, bool held, uint64_t *lsn)
{
	uint64_t at = 0, found;
	struct stored row;
	struct header h;
	enum err e;

	while ((e = s->refs(s->self, id, &at, &found)) == ERR_OK) {
		e = s->next(s->self, found, &row);
		if (e || row.lsn != found)
			return e ? e : ERR_DAMAGED;
		if ((row.verdict != VERDICT_ACCEPTED && !(held && verdict_holds(row.verdict))) ||
		    header_decode(&h, row.header, row.header_length) != ERR_OK)
			continue;
		if (recall_applies(&h, target, id)) {
			*lsn = found;
			return ERR_OK;
		}
	}
	return e;
}

/* Is there another that takes the same back, and stands before lsn?  Of very many some are looked
 * at. */
static bool is_repeated(const struct store *s, const struct header *target,
			const struct message_id *id, uint64_t lsn)
{
	uint64_t at = 0, found;
	struct stored row;
	struct header h;

	for (int i = 0; i < REPEATED_MAX && s->refs(s->self, id, &at, &found) == ERR_OK; i++) {
		if (found < lsn && s->next(s->self, found, &row) == ERR_OK && row.lsn == found &&
		    header_decode(&h, row.header, row.header_length) == ERR_OK &&
		    recall_applies(&h, target, id))
			return true;
	}
	return false;
}

bool recall_needed(const struct store *s, const struct header *recall, uint64_t lsn)
{
	uint64_t place;
	struct stored row;
	struct header target;
	enum err e = s->find(s->self, &recall->ref, &place);

	if (!e)
		e = s->next(s->self, place, &row);
	if (e)
		return e != ERR_NOT_FOUND;
	if (row.lsn != place || header_decode(&target, row.header, row.header_length) != ERR_OK)
		return true;
	return recall_applies(recall, &target, &recall->ref) &&
	       !is_repeated(s, &target, &recall->ref, lsn);
}
