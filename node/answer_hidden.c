/* What is in the log and is not to be seen any more, or not yet. */
#include "node/answer.h"

enum hidden answer_hidden(struct answer *a, const struct log_row *row, const struct header *h)
{
	/* SPEC 6.5: "From then on it is shown and exported no more, whether it was purged already
	 * or not." */
	if (h->expiry < a->floor)
		return HIDDEN_EXPIRED;
	/* SPEC 5.8: "What is recalled is hidden at once" */
	return answer_recalled(a, &row->id, h) ? HIDDEN_RECALLED : HIDDEN_NOT;
}
