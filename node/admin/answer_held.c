/* held: the messages that are carried and not shown, and why. */
#include "node/admin/answer.h"

static void held_line(struct page *p, const struct log_row *row, const struct header *h,
		      const char *why)
{
	struct text *t = page_line(p);
	char name[PARTY_TEXT_BYTES];

	text_str(t, "{");
	admin_put_hex(t, "message", row->id.b, MESSAGE_ID_BYTES);
	admin_put_string(t, "node", answer_party(p->a, name, &h->origin));
	admin_put_string(t, "from", answer_party(p->a, name, &row->from));
	admin_put_string(t, "tlp", tlp_str((enum tlp)h->tlp));
	admin_put_time(t, "arrived", row->arrived);
	admin_put_string(t, "verdict", verdict_str(row->verdict));
	admin_put_string(t, "why", why);
	text_str(t, "}");
}

enum err answer_held(struct answer *a)
{
	struct log_row row;
	struct header h;
	struct page p;
	char out[256];
	enum err e = ERR_OK;

	page_open(&p, a);
	if (!admin_request_done(&a->request) || !answer_no_frames(a))
		return ERR_FORMAT;
	e = answer_catch_up(a);
	while (!e && !page_full(&p)) {
		const char *why;

		e = log_read_from(a->log, p.at, &row);
		if (e)
			break;
		p.at = row.lsn + 1;
		if (row.kind != LOG_MESSAGE || !row_header(&row, &h) || answer_hidden(a, &row, &h))
			continue;
		why = message_held_why(a, &row, &h, out, sizeof out);
		if (why)
			held_line(&p, &row, &h, why);
	}
	p.ended = e == ERR_NOT_FOUND;
	page_close(&p, false);
	return e == ERR_NOT_FOUND ? ERR_OK : e;
}
