/* audit: who changed what. */
#include "node/admin/answer.h"
#include "node/admin/audit.h"

enum err answer_audit(struct answer *a)
{
	struct log_row row;
	struct page p;
	enum err e;

	page_open(&p, a);
	if (!admin_request_done(&a->request) || !answer_no_frames(a))
		return ERR_FORMAT;
	e = log_reader_renew(a->log);
	while (!e && !page_full(&p)) {
		e = log_read_from(a->log, p.at, &row);
		if (e)
			break;
		p.at = row.lsn + 1;
		if (row.kind == LOG_FACT && row.fact == FACT_AUDIT)
			audit_show(page_line(&p), &row);
	}
	p.ended = e == ERR_NOT_FOUND;
	page_close(&p, false);
	return e == ERR_NOT_FOUND ? ERR_OK : e;
}
