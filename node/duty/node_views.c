/* What a duty reads: the index and the log as of one moment, and the messages among the rows. */
#include "node/node_parts.h"
#include "protocol/bytes.h"

enum err views_open(struct node *n, struct index_reader **index, struct log_reader **log)
{
	enum err e;

	*log = NULL;
	e = index_reader_open(index, n->index);
	return e ? e : log_reader_open(log, n->log);
}

void views_close(struct index_reader *index, struct log_reader *log)
{
	log_reader_close(log);
	index_reader_close(index);
}

bool row_accepted(const struct log_row *row, struct header *h)
{
	return row->kind == LOG_MESSAGE && row->verdict == VERDICT_ACCEPTED && !row->is_void &&
	       row->length >= SIGNATURE_BYTES &&
	       header_decode(h, row->data, row->length - SIGNATURE_BYTES) == ERR_OK;
}
