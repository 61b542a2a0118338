/* carried: what khabar follow tells of the messages that an export has taken with it. */
#include <stdlib.h>
#include <string.h>

#include "keys/seal.h"
#include "node/admin/answer.h"
#include "node/duty/exported.h"
#include "node/duty/receipts.h"
#include "node/loop.h"
#include "protocol/audience.h"

struct carrying {
	struct answer *a;
	const struct topology *topology;
	const struct party *self;
	struct receipts out;
	struct log_row row;
	struct header header;
	uint64_t lsns[CARRIED_AT_ONCE];
	size_t count, fresh;
};

/* SPEC 5.9: "It does so when the message is sealed, or when the envelope of the post says
 * `"receipt":true` (8.1)." */
static bool is_answered(struct carrying *c)
{
	struct answer *a = c->a;
	const struct header *h = &c->header;
	bool sealed = h->flags & FLAG_SEALED;
	char why[256];

	if (!c->self || c->self->left || !c->topology->policy.author_sealed ||
	    (h->kind != KIND_POST && h->kind != KIND_FORWARD) ||
	    party_id_equal(&h->origin, &c->self->id) || h->expiry < a->floor ||
	    !audience_reads(c->topology, c->self, h))
		return false;
	return (sealed || index_asks(a->index, &c->row.id, &h->origin)) &&
	       !answer_recalled(a, &c->row.id, h) && !answer_hidden(a, &c->row, h) &&
	       !message_held_why(a, &c->row, h, why, sizeof why);
}

static enum err carry_one(struct carrying *c, const uint8_t id[MESSAGE_ID_BYTES])
{
	struct answer *a = c->a;
	struct statement s = {.state = RECEIPT_DEPLOYED, .at = clock_wall()};
	char hex[2 * MESSAGE_ID_BYTES + 1];
	struct receipt_fold own;
	struct message_id found;
	uint64_t lsn;
	unsigned count = 0;
	enum err e;

	hex_encode(hex, id, MESSAGE_ID_BYTES);
	e = index_find_prefix(a->index, hex, &lsn, &found, &count);
	if (!e && count == 0)
		e = index_forward_prefix(a->index, hex, &lsn, &found, &count);
	if (!e && count)
		e = log_read(a->log, lsn, &c->row);
	/* What has gone meanwhile is nobody's concern. */
	if (e == ERR_NOT_FOUND || (!e && !count))
		return ERR_OK;
	if (e || c->row.kind != LOG_MESSAGE || !row_header(&c->row, &c->header))
		return e;
	c->lsns[c->count++] = lsn;
	if (!is_answered(c))
		return ERR_OK;
	s.message = c->row.id;
	e = receipts_own(a->index, &c->self->id, &s.message, &own);
	if (e || receipt_fold_state(&own) >= s.state)
		return e;
	return receipts_add(&c->out, &c->header, &s);
}

static enum err carry_all(struct carrying *c, const char *name, struct slice ids)
{
	struct answer *a = c->a;
	enum err e = answer_catch_up(a);

	c->topology = versions_newest(node_versions(a->node));
	c->self = c->topology ? topology_party(c->topology, node_config(a->node)->node) : NULL;
	for (size_t i = 0; !e && i < ids.length; i += MESSAGE_ID_BYTES)
		e = carry_one(c, (const uint8_t *)ids.at + i);
	if (!e)
		e = carried_keep(a->node, a->log, name, c->lsns, c->count, &c->fresh);
	/* Whoever asks again states what was not stated. */
	if (!e)
		e = receipts_publish(&c->out, a->node, &a->report);
	return e;
}

enum err answer_carried(struct answer *a)
{
	struct carrying *c = calloc(1, sizeof *c);
	const char *name = admin_string(&a->request, "name");
	struct slice ids = a->frame_count == 1 ? a->frames[0] : (struct slice){NULL, 0};
	enum err e = c ? ERR_OK : ERR_MEMORY;

	if (!e && !admin_request_done(&a->request))
		e = ERR_FORMAT;
	if (!e && (!name || !name_valid(name))) {
		report_add(&a->report, "\"name\" is no name of an export");
		e = ERR_FORMAT;
	}
	if (!e && (a->frame_count != 1 || ids.length % MESSAGE_ID_BYTES != 0 ||
		   ids.length > (size_t)CARRIED_AT_ONCE * MESSAGE_ID_BYTES)) {
		report_add(&a->report, "one frame is wanted, of at most %d ids of 32 bytes",
			   CARRIED_AT_ONCE);
		e = ERR_FORMAT;
	}
	if (!e) {
		c->a = a;
		e = carry_all(c, name, ids);
	}
	if (!e) {
		admin_put_number(&a->reply, "messages", c->count);
		admin_put_number(&a->reply, "receipts", c->out.sent);
	}
	/* Who follows tells everything again after a start. */
	if (!e && (c->fresh || c->out.sent)) {
		text_str(&a->summary, "{");
		admin_put_string(&a->summary, "export", name);
		admin_put_number(&a->summary, "messages", c->fresh);
		text_str(&a->summary, "}");
	}
	if (c)
		receipts_clear(&c->out);
	free(c);
	return e;
}

void exports_show(struct answer *a, uint64_t lsn)
{
	struct carried *all = calloc(EXPORTS_MAX, sizeof *all);
	struct text *t = &a->reply;
	size_t n = 0;

	if (!all || carried_read(a->log, lsn, all, &n) != ERR_OK)
		n = 0;
	admin_put_name(t, "exports");
	text_str(t, "[");
	for (size_t i = 0; i < n; i++) {
		admin_put_name(t, NULL);
		text_str(t, "{");
		admin_put_string(t, "name", all[i].name);
		admin_put_time(t, "at", all[i].at);
		text_str(t, "}");
	}
	text_str(t, "]");
	free(all);
}
