/* What other threads hand in at the desk: messages to be said, topologies to be accepted, facts to
 * be kept. */
#include <stdlib.h>
#include <string.h>

#include "node/node_parts.h"

struct publish {
	struct desk_call call;
	struct node *node;
	const struct draft *drafts;
	size_t count, waiting; /* messages whose commit is waited for */
	struct message_id *ids;
	struct report *report;
	enum err e;
};

/* The author is not in the topology, or not any more. */
static enum err author_check(struct node *n, const struct topology *t, struct report *report)
{
	const struct identity_public *public = identity_public(n->identity);
	const struct party *self = t ? topology_party(t, public->name) : NULL;
	const struct sign_key *key = self ? party_sign_key(self, public->sign_number) : NULL;

	if (!t) {
		report_add(report, "this node has not joined a federation: khabar join FILE first");
		return ERR_STATE;
	}
	if (!self || self->kind != PARTY_NODE || self->left) {
		report_add(report, "topology version %u does not list %s as a member", t->version,
			   public->name);
		return ERR_NOT_ALLOWED;
	}
	if (!key || key->revoked || memcmp(key->key, public->sign, SIGN_KEY_BYTES) != 0) {
		report_add(report, "topology version %u does not list our sign key %u", t->version,
			   public->sign_number);
		return ERR_NOT_ALLOWED;
	}
	return ERR_OK;
}

struct written {
	uint8_t *bytes;
	size_t length;
};

/* Every message is written before the first is handed over: what cannot be said whole is not said.
 */
static enum err write_all(struct publish *p, struct written *written)
{
	struct node *n = p->node;
	const struct topology *t = versions_newest(n->versions);
	uint64_t sequence = n->author.sequence;
	enum err e = author_check(n, t, p->report);

	for (size_t i = 0; i < p->count && !e; i++)
		e = author_write(&n->author, t, &p->drafts[i], clock_wall(), &written[i].bytes,
				 &written[i].length, &p->ids[i]);
	if (e) {
		n->author.sequence = sequence;
		for (size_t i = 0; i < p->count; i++)
			free(written[i].bytes);
	}
	return e;
}

static void publish_run(struct desk_call *call)
{
	struct publish *p = call->arg;
	struct written *written = calloc(p->count, sizeof *written);

	p->e = written ? write_all(p, written) : ERR_MEMORY;
	if (!p->e) {
		/* What is submitted between two turns of the exchange is one commit. */
		for (size_t i = 0; i < p->count; i++) {
			enum err e = exchange_submit(p->node->exchange, written[i].bytes,
						     written[i].length, (uint64_t)(uintptr_t)p);
			if (e)
				p->e = e;
			else
				p->waiting++;
		}
	}
	free(written);
	if (p->waiting == 0)
		desk_done(p->node->desk, call);
	p->node->more = true;
}

void publish_submitted(struct node *n, uint64_t ticket, enum err e)
{
	struct publish *p = (struct publish *)(uintptr_t)ticket;

	if (e)
		p->e = e;
	if (--p->waiting == 0)
		desk_done(n->desk, &p->call);
}

enum err node_publish(struct node *n, const struct draft *drafts, size_t count,
		      struct message_id *ids, struct report *report)
{
	struct publish p = {.call = {.run = publish_run},
			    .node = n,
			    .drafts = drafts,
			    .count = count,
			    .ids = ids,
			    .report = report};

	p.call.arg = &p;
	if (count == 0)
		return ERR_OK;
	if (!desk_call(n->desk, &p.call))
		return ERR_STATE;
	if (p.e && report && report->total == 0)
		report_add(report, "the store does not take it: %s", err_str(p.e));
	return p.e;
}

struct accept {
	struct desk_call call;
	struct node *node;
	const uint8_t *file;
	size_t length;
	struct report *report;
	enum err e;
};

static void accept_run(struct desk_call *call)
{
	struct accept *a = call->arg;

	a->e = versions_accept(a->node->versions, a->file, a->length, a->report);
	if (!a->e)
		a->e = links_update(a->node);
	else if (a->e == ERR_EXISTS)
		status_warn(a->node, NULL, "%s", a->report->lines[a->report->count - 1]);
	a->node->more = true;
	desk_done(a->node->desk, call);
}

enum err node_accept(struct node *n, const uint8_t *file, size_t length, struct report *report)
{
	struct accept a = {.call = {.run = accept_run},
			   .node = n,
			   .file = file,
			   .length = length,
			   .report = report};

	a.call.arg = &a;
	return desk_call(n->desk, &a.call) ? a.e : ERR_STATE;
}

struct fact_call {
	struct desk_call call;
	struct node *node;
	enum fact fact;
	const void *data;
	size_t length;
	enum err e;
};

static void fact_run(struct desk_call *call)
{
	struct fact_call *f = call->arg;
	struct log *log = f->node->log;
	uint64_t lsn;

	f->e = log_begin(log);
	if (!f->e) {
		f->e = log_append_fact(log, f->fact, clock_wall(), f->data, f->length, &lsn);
		if (f->e)
			log_abort(log);
		else
			f->e = log_commit(log);
	}
	keep_rest(f->node->keep);
	desk_done(f->node->desk, call);
}

enum err node_note(struct node *n, enum fact fact, const void *data, size_t length)
{
	struct fact_call f = {
		.call = {.run = fact_run}, .node = n, .fact = fact, .data = data, .length = length};

	f.call.arg = &f;
	return desk_call(n->desk, &f.call) ? f.e : ERR_STATE;
}
