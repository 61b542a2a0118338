/* ack: a person has taken note of messages, and their authors are told. */
#include "node/admin/answer.h"

#include <stdlib.h>
#include <string.h>

#include "node/loop.h"
#include "node/duty/receipts.h"
#include "keys/seal.h"
#include "protocol/audience.h"

enum { ACK_MAX = 1000 };

struct acking {
	struct answer *a;
	const struct topology *topology;
	const struct party *self;
	struct receipts out;
	struct log_row row;
	struct header header;
	size_t acknowledged;
	uint64_t lsns[ACK_MAX]; /* of what was asked for, and */
	size_t lsn_count;
};

/* Why the message cannot be acknowledged, or NULL. */
static const char *refusal(struct acking *k, char *why, size_t size)
{
	const struct header *h = &k->header;

	if (h->kind != KIND_POST && h->kind != KIND_FORWARD)
		return "only posts and forwards are acknowledged";
	if (party_id_equal(&h->origin, &k->self->id))
		return "this node wrote it itself";
	if (!audience_reads(k->topology, k->self, h))
		return "it is not for this node, which only carries it";
	if (answer_recalled(k->a, &k->row.id, h))
		return "it was recalled";
	if (answer_hidden(k->a, &k->row, h) == HIDDEN_WAITING)
		return "it waits for reconciliation with a neighbour that carries it";
	if (h->flags & FLAG_SEALED && !seal_is_ours(node_identity(k->a->node), h))
		return "it cannot be opened here: the role's key is missing";
	return message_held_why(k->a, &k->row, h, why, size);
}

static enum err ack_one(struct acking *k, const char *id)
{
	struct answer *a = k->a;
	struct text *t = &a->reply;
	struct statement s = {.state = RECEIPT_ACKNOWLEDGED, .at = clock_wall()};
	struct receipt_fold own;
	char why[256], name[PARTY_TEXT_BYTES];
	const char *words;
	uint64_t lsn;
	enum err e;

	a->where = id;
	e = answer_find_id(a, id, &lsn);
	/* The index may know what has come since the log's reader looked. */
	if (!e)
		e = log_reader_renew(a->log);
	if (!e)
		e = log_read(a->log, lsn, &k->row);
	if (e)
		return e;
	if (k->row.kind != LOG_MESSAGE || !row_header(&k->row, &k->header))
		return ERR_DAMAGED;
	words = refusal(k, why, sizeof why);
	if (words) {
		report_add(&a->report, "%.12s cannot be acknowledged: %s", id, words);
		return ERR_NOT_ALLOWED;
	}
	s.message = k->row.id;
	k->lsns[k->lsn_count++] = lsn;
	e = receipts_own(a->index, &k->self->id, &s.message, &own);
	if (e)
		return e;
	admin_put_name(t, NULL);
	text_str(t, "{");
	admin_put_hex(t, "message", s.message.b, MESSAGE_ID_BYTES);
	admin_put_string(t, "node", answer_party(a, name, &k->header.origin));
	admin_put_time(t, "at", own.said[s.state] ? own.at[s.state] : s.at);
	admin_put_bool(t, "already", own.said[s.state]);
	text_str(t, "}");
	if (own.said[s.state])
		return ERR_OK;
	k->acknowledged++;
	return receipts_add(&k->out, &k->header, &s);
}

static enum err self_find(struct acking *k)
{
	struct answer *a = k->a;

	k->topology = versions_newest(node_versions(a->node));
	k->self = k->topology ? topology_party(k->topology, node_config(a->node)->node) : NULL;
	if (!k->self || k->self->left) {
		report_add(&a->report, "this node is not in the topology in force");
		return ERR_STATE;
	}
	if (k->topology->policy.author_sealed)
		return ERR_OK;
	report_add(&a->report, "the council's policy lets nobody write sealed messages, and a "
			       "receipt is one");
	return ERR_NOT_ALLOWED;
}

static void summary(struct acking *k)
{
	struct text *t = &k->a->summary;

	if (!k->acknowledged)
		return;
	text_str(t, "{");
	admin_put_number(t, "count", k->acknowledged);
	admin_put_hex(t, "last", k->row.id.b, MESSAGE_ID_BYTES);
	text_str(t, "}");
}

/* SPEC 9.5: "Either all of them are acknowledged, or none." */
static enum err ack_all(struct acking *k, const char *const *ids, size_t n)
{
	struct answer *a = k->a;
	enum err e = answer_catch_up(a);

	if (!e)
		e = self_find(k);
	admin_put_name(&a->reply, "acknowledged");
	text_str(&a->reply, "[");
	for (size_t i = 0; !e && i < n; i++)
		e = ack_one(k, ids[i]);
	text_str(&a->reply, "]");
	if (!e)
		e = receipts_publish(&k->out, a->node, &a->report);
	/* Who has taken note has looked at it. */
	if (!e)
		e = read_mark(a->node, READ_ACKNOWLEDGED, k->lsns, k->lsn_count);
	if (!e)
		summary(k);
	return e;
}

enum err answer_ack(struct answer *a)
{
	struct acking *k = calloc(1, sizeof *k);
	const char **ids = calloc(ACK_MAX, sizeof *ids);
	size_t n = ids ? admin_strings(&a->request, "ids", ids, ACK_MAX) : 0;
	enum err e = k && ids ? ERR_OK : ERR_MEMORY;

	if (!e && (!admin_request_done(&a->request) || !answer_no_frames(a)))
		e = ERR_FORMAT;
	if (!e && n == 0) {
		a->where = "ids";
		report_add(&a->report, "the ids of messages are wanted");
		e = ERR_FORMAT;
	}
	if (!e) {
		k->a = a;
		e = ack_all(k, ids, n);
	}
	if (k)
		receipts_clear(&k->out);
	free(ids);
	free(k);
	return e;
}
