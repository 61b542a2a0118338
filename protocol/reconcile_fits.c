/* Is what comes an answer to what was asked?  So a run ends whatever the other end says. */
#include "protocol/reconcile_state.h"

#include <string.h>

/* Does an answer name one of the children or audiences that a claim of ours has listed? */
static bool lists_place(const struct claim *asked, const struct trie_place *place)
{
	if (asked->kind == CLAIM_CHILDREN) {
		struct claim_entry children[ROOT_CHILDREN_MAX];
		size_t n = claim_children(asked, children);
		uint32_t number = trie_child_number(&asked->place, &place->first);
		if (place->depth != asked->place.depth + 1)
			return false;
		for (size_t i = 0; i < n; i++) {
			if (children[i].number == number)
				return true;
		}
		return false;
	}
	if (asked->kind != CLAIM_AUDIENCES || place->depth != 0)
		return false;
	for (size_t low = 0, high = asked->count; low < high;) {
		size_t middle = low + (high - low) / 2;
		struct audience_id id;
		uint64_t fingerprint;
		int order;
		claim_audience(asked, middle, &id, &fingerprint);
		order = memcmp(id.b, place->first.b, sizeof id.b);
		if (order == 0)
			return true;
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return false;
}

/* A kind of claim that may answer one of ours of the same place. */
static bool follows(enum claim_kind asked, enum claim_kind answer)
{
	switch (answer) {
	case CLAIM_LIST:
	case CLAIM_CHILDREN:
		return asked == CLAIM_SUM || asked == CLAIM_ONE;
	case CLAIM_ONE:
		return asked == CLAIM_SUM;
	case CLAIM_WANT:
		return asked == CLAIM_LIST;
	case CLAIM_SUM:
	case CLAIM_AUDIENCE:
	case CLAIM_AUDIENCES:
	case CLAIM_BUCKETS:
	case CLAIM_FLOOR:
		break;
	}
	return false;
}

/* SPEC 7.7.5: "An answer speaks only of what was asked: of a child or an audience that the ASK
 * lists with C, S or L; of the place of an L with W, of an S with O, C or L, of an O with C or L;
 * of an A with an empty A of the same two."  Moves along what was asked, which ascends as answers
 * do. */
bool reconcile_fits(struct reconcile *r, const struct claim *answer)
{
	const struct claim *asked = &r->asked_claim;
	struct trie_key first, last, from, to;

	claim_interval(answer, &first, &last);
	for (;;) {
		if (r->asked_open) {
			claim_interval(asked, &from, &to);
			if (trie_key_compare(&first, &to) <= 0)
				break;
		}
		r->asked_open = claims_next(&r->asked, &r->asked_claim);
		if (!r->asked_open)
			return false;
	}
	if (trie_key_compare(&first, &from) < 0 || trie_key_compare(&last, &to) > 0)
		return false;
	if (answer->kind == CLAIM_AUDIENCES)
		return asked->kind == CLAIM_AUDIENCES && answer->count == 0 && asked->count > 0 &&
		       trie_key_compare(&first, &from) == 0 && trie_key_compare(&last, &to) == 0;
	if (!claim_has_place(answer->kind))
		return false;
	if (claim_has_place(asked->kind) && asked->place.depth == answer->place.depth)
		return follows(asked->kind, answer->kind);
	return answer->kind != CLAIM_ONE && answer->kind != CLAIM_WANT &&
	       lists_place(asked, &answer->place);
}
