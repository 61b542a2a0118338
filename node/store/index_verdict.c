/* Messages whose verdict has changed since they were folded. */
#include "node/store/index_batch.h"

/* What held it goes; it is what it would be if it came now. */
static enum err release(struct batch *b, const struct log_row *row)
{
	b->to = b->gone;
	enum err e = batch_hold(b, row->lsn, "");
	b->to = b->made;
	b->again = true;
	return e ? e : batch_take(b, row);
}

/* Whatever it made goes, and it may itself. */
static enum err take_out(struct batch *b, const struct log_row *row)
{
	/* What comes in this batch has made nothing. */
	if (row->lsn > b->from)
		return batch_expire(b, row);
	struct log_row as_it_was = *row;
	as_it_was.verdict = VERDICT_ACCEPTED;
	as_it_was.is_void = false;
	b->to = b->gone;
	enum err e = batch_hold(b, row->lsn, "");
	if (!e)
		e = batch_make(b, &as_it_was);
	if (!e)
		e = batch_unmark(b, row);
	b->to = b->made;
	return e ? e : batch_expire(b, row);
}

enum err batch_verdict(struct batch *b, const struct log_row *fact)
{
	enum verdict_change change;
	struct log_row row;
	uint64_t lsn;
	if (!log_verdict_changed(fact, &change, &lsn) ||
	    log_read(b->f->reader, lsn, &row) != ERR_OK || row.kind != LOG_MESSAGE ||
	    row.length < SIGNATURE_BYTES ||
	    header_decode(&b->header, row.data, row.length - SIGNATURE_BYTES) != ERR_OK)
		return ERR_OK;
	switch (change) {
	case VERDICT_RELEASED:
		/* What comes in this batch has been met as it is now; it may have become void. */
		return lsn > b->from || row.is_void ? ERR_OK : release(b, &row);
	case VERDICT_VOIDED:
		return take_out(b, &row);
	case VERDICT_AGAIN:
		return lsn > b->from || row.is_void || row.verdict != VERDICT_ACCEPTED
			       ? ERR_OK
			       : release(b, &row);
	}
	return ERR_OK;
}
