/* audit: who changed what, and what this node has told others of it. */
#include <string.h>

#include "node/admin/answer.h"
#include "node/admin/audit.h"
#include "node/duty/audit_chain.h"
#include "node/duty/audit_heads.h"

static void head_put(struct text *t, const char *name, const struct beacon_audit *head)
{
	admin_put_name(t, name);
	text_str(t, "{");
	admin_put_number(t, "number", head->number);
	admin_put_hex(t, "hash", head->hash.b, HASH_BYTES);
	text_str(t, "}");
}

/* A beacon of this node that tells of its audit: it may be one that a neighbour has handed back. */
static void told_show(struct page *p, const struct log_row *row)
{
	struct answer *a = p->a;
	struct beacon_audit head;
	struct header h;
	struct text *t;

	if (!row_header(row, &h) || !audit_told(&head, node_identity(a->node), a->log, row, &h) ||
	    !head.number)
		return;
	t = page_line(p);
	text_str(t, "{");
	admin_put_time(t, "time", row->arrived);
	admin_put_hex(t, "message", row->id.b, MESSAGE_ID_BYTES);
	head_put(t, "told", &head);
	text_str(t, "}");
}

/* Of what is damaged the chain has to go on without it; it is for who looks at the chain. */
static void damage_show(struct page *p, uint64_t lsn)
{
	struct text *t = page_line(p);

	text_str(t, "{");
	admin_put_number(t, "damaged", lsn);
	text_str(t, "}");
}

static bool is_own(const struct log_row *row, const struct party_id *self)
{
	return row->kind == LOG_MESSAGE && row->length >= HEADER_FIXED_BYTES &&
	       memcmp(row->data + ORIGIN_OFFSET, self->b, PARTY_ID_BYTES) == 0;
}

enum err answer_audit(struct answer *a)
{
	const struct topology *t = versions_newest(node_versions(a->node));
	bool told = admin_flag(&a->request, "told");
	struct beacon_audit head = {0};
	struct party_id self = {{0}};
	struct log_row row;
	struct page p;
	enum err e;

	page_open(&p, a);
	if (!admin_request_done(&a->request) || !answer_no_frames(a))
		return ERR_FORMAT;
	if (t)
		self = party_id_of(&t->network, node_config(a->node)->node);
	e = log_reader_renew(a->log);
	if (!e)
		e = audit_head_read(&head, a->log);
	while (!e && !page_full(&p)) {
		row.lsn = 0;
		e = log_read_from(a->log, p.at, &row);
		if (e == ERR_DAMAGED && told && row.lsn >= p.at) {
			damage_show(&p, row.lsn);
			p.at = row.lsn + 1;
			e = ERR_OK;
			continue;
		}
		if (e)
			break;
		p.at = row.lsn + 1;
		if (row.kind == LOG_FACT && row.fact == FACT_AUDIT)
			audit_show(page_line(&p), &row);
		else if (told && t && is_own(&row, &self))
			told_show(&p, &row);
	}
	p.ended = e == ERR_NOT_FOUND;
	page_close(&p, false);
	if (e && e != ERR_NOT_FOUND)
		return e;
	head_put(&a->reply, "head", &head);
	return ERR_OK;
}

/* ---- of others ---- */

static bool heads_show(void *arg, const struct audit_heads *h)
{
	struct page *p = arg;
	char name[PARTY_TEXT_BYTES];

	for (size_t i = 0; i < h->count; i++) {
		struct text *t = h->marks[i].last.number ? page_line(p) : NULL;
		if (!t)
			continue;
		text_str(t, "{");
		admin_put_string(t, "node", answer_party(p->a, name, &h->origin));
		admin_put_number(t, "number", h->marks[i].last.number);
		admin_put_hex(t, "hash", h->marks[i].last.hash.b, HASH_BYTES);
		admin_put_bool(t, "fault", h->fault != AUDIT_GOOD);
		text_str(t, "}");
	}
	return true;
}

enum err answer_audit_heads(struct answer *a)
{
	struct page p;
	enum err e;

	page_open(&p, a);
	if (!admin_request_done(&a->request) || !answer_no_frames(a))
		return ERR_FORMAT;
	e = log_reader_renew(a->log);
	if (!e)
		e = audit_heads_each(a->log, heads_show, &p);
	p.ended = true;
	page_close(&p, false);
	/* Who was damaged is heard of again. */
	return e == ERR_DAMAGED ? ERR_OK : e;
}
