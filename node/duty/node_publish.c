/* What other threads hand in at the desk: messages to be said, topologies to be accepted, facts to
 * be kept. */
#include <stdlib.h>
#include <string.h>

#include "node/node_parts.h"
#include "protocol/council.h"

struct publish {
	struct desk_call call;
	struct node *node;
	struct written *written;
	size_t count, waiting; /* messages whose commit is waited for */
	enum err e;
};

/* The author is not in the topology, or not any more. */
static enum err author_check(struct node *n, const struct topology *t, struct report *report)
{
	const struct identity_public *public = identity_public(n->identity);
	const struct party *self = topology_party(t, public->name);
	const struct sign_key *key = self ? party_sign_key(self, public->sign_number) : NULL;

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
	if (topology_voids(t, &self->id, public->sign_number, n->author.incarnation)) {
		report_add(report,
			   "topology version %u has made void what this node has said since its "
			   "start: start it again",
			   t->version);
		return ERR_NOT_ALLOWED;
	}
	return ERR_OK;
}

/* Messages that are being written for one call. */
struct writing {
	struct node *node;
	const struct topology *topology;
	struct written *written; /* owned */
	size_t count;
	const struct before_sending *before;
};

static enum err write_one(struct writing *w, const struct letter *letter, const struct draft *draft)
{
	enum err e = author_write(&w->node->author, w->topology, letter, draft, clock_wall(),
				  &w->written[w->count]);

	w->count += e == ERR_OK;
	return e;
}

/* Sealing to many takes its time, and so is done by the thread that wants it. */
static enum err write_all(struct writing *w, const struct recipients *to,
			  const struct draft *drafts, size_t n)
{
	const char *name = identity_public(w->node->identity)->name;
	const struct party *self = topology_party(w->topology, name);
	size_t letters = recipients_letters(to);
	struct letter *letter = malloc(sizeof *letter);
	struct recipients booked = *to;
	enum err e = letter ? ERR_OK : ERR_MEMORY;

	booked.book = directory_book(w->node->directory);
	for (size_t i = 0; i < n * letters && !e; i++) {
		e = recipients_letter(letter, &booked, self, i % letters) ? ERR_OK
									  : ERR_NOT_ALLOWED;
		if (!e)
			e = write_one(w, letter, &drafts[i / letters]);
	}
	free(letter);
	return e;
}

static void publish_run(struct desk_call *call)
{
	struct publish *p = call->arg;

	/* What is submitted between two turns of the exchange is one commit. */
	for (size_t i = 0; i < p->count; i++) {
		enum err e = exchange_submit(p->node->exchange, p->written[i].bytes,
					     p->written[i].length, (uint64_t)(uintptr_t)p);
		p->written[i].bytes = NULL;
		if (e)
			p->e = e;
		else
			p->waiting++;
	}
	p->node->more = true;
	/* At the end: whoever waits owns the call, and may return with it at once. */
	if (p->waiting == 0)
		desk_done(p->node->desk, call);
}

void publish_submitted(struct node *n, uint64_t ticket, enum err e)
{
	struct publish *p = (struct publish *)(uintptr_t)ticket;

	if (e)
		p->e = e;
	if (--p->waiting == 0)
		desk_done(n->desk, &p->call);
}

static enum err hand_over(struct writing *w, struct message_id *ids)
{
	struct publish p = {.call = {.run = publish_run},
			    .node = w->node,
			    .written = w->written,
			    .count = w->count};

	for (size_t i = 0; i < w->count; i++)
		ids[i] = w->written[i].id;
	if (w->before) {
		enum err e = w->before->tell(w->before->arg, ids, w->count);
		if (e)
			return e;
	}
	p.call.arg = &p;
	if (!desk_call(w->node->desk, &p.call))
		return ERR_STATE;
	w->count = 0;
	return p.e;
}

static enum err writing_begin(struct writing *w, struct node *n, const struct topology *t,
			      size_t messages, struct report *report)
{
	enum err e = author_check(n, t, report);

	*w = (struct writing){.node = n, .topology = t};
	if (!e) {
		w->written = calloc(messages + 1, sizeof *w->written);
		e = w->written ? ERR_OK : ERR_MEMORY;
	}
	return e;
}

/* Every message is written before the first is handed over: what cannot be said whole is not said.
 */
static enum err writing_end(struct writing *w, enum err e, struct message_id *ids,
			    struct report *report)
{
	if (!e && w->count)
		e = hand_over(w, ids);
	while (w->count > 0)
		author_unwrite(&w->node->author, &w->written[--w->count]);
	free(w->written);
	if (e && report && report->total == 0)
		report_add(report, "nothing was sent: %s", log_trouble(e));
	return e;
}

enum err node_publish(struct node *n, const struct topology *t, const struct recipients *to,
		      const struct draft *drafts, size_t count, struct message_id *ids,
		      struct report *report)
{
	struct writing w;
	enum err e = writing_begin(&w, n, t, count * recipients_letters(to), report);

	w.before = count ? drafts[0].before : NULL;
	if (!e)
		e = write_all(&w, to, drafts, count);
	return writing_end(&w, e, ids, report);
}

enum err node_publish_letter(struct node *n, const struct topology *t, const struct letter *letter,
			     const struct draft *drafts, size_t count, struct message_id *ids,
			     struct report *report)
{
	struct writing w;
	struct letter *renewed = malloc(sizeof *renewed);
	enum err e = writing_begin(&w, n, t, count, report);

	if (!e && !renewed)
		e = ERR_MEMORY;
	if (!e && renewed) {
		*renewed = *letter;
		directory_renew(n->directory, t, renewed);
	}
	for (size_t i = 0; i < count && !e; i++)
		e = write_one(&w, renewed, &drafts[i]);
	free(renewed);
	return writing_end(&w, e, ids, report);
}

enum err node_bring(struct node *n, const uint8_t *bytes, size_t length)
{
	struct written w = {.bytes = malloc(length), .length = length};
	struct publish p = {.call = {.run = publish_run}, .node = n, .written = &w, .count = 1};

	if (!w.bytes)
		return ERR_MEMORY;
	memcpy(w.bytes, bytes, length);
	p.call.arg = &p;
	if (!desk_call(n->desk, &p.call)) {
		free(w.bytes);
		return ERR_STATE;
	}
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

	if (suspension_is((const char *)a->file,
			  council_text_length((const char *)a->file, a->length))) {
		a->e = suspension_accept(a->node, a->file, a->length, a->report);
		desk_done(a->node->desk, call);
		return;
	}
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
	const char *key;   /* of a small value that changes with it; or NULL */
	const void *value; /* NULL: it goes */
	size_t value_length;
	enum fact fact; /* 0: only the value changes */
	const void *data;
	size_t length;
	enum err e;
};

static enum err fact_append(struct fact_call *f)
{
	uint64_t lsn;

	switch (f->fact) {
	case FACT_AUDIT:
		return node_audit_append(f->node, clock_wall(), f->data, f->length);
	case FACT_MUTE:
	case FACT_READ:
	case FACT_OUTBOX:
	case FACT_EXPORT:
	case FACT_ARRIVAL:
	case FACT_VERDICT:
	case FACT_EVIDENCE:
		return log_append_fact(f->node->log, f->fact, clock_wall(), f->data, f->length,
				       &lsn);
	}
	return ERR_OK;
}

static void fact_run(struct desk_call *call)
{
	struct fact_call *f = call->arg;
	struct log *log = f->node->log;

	f->e = log_begin(log);
	if (!f->e) {
		f->e = fact_append(f);
		if (!f->e && f->key)
			f->e = f->value ? log_put(log, f->key, f->value, f->value_length)
					: log_drop(log, f->key);
		if (f->e)
			log_abort(log);
		else
			f->e = log_commit(log);
		if (f->e)
			f->node->audit_known = false;
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

enum err node_keep(struct node *n, const char *key, const void *value, size_t value_length,
		   enum fact fact, const void *data, size_t length)
{
	struct fact_call f = {.call = {.run = fact_run},
			      .node = n,
			      .key = key,
			      .value = value,
			      .value_length = value_length,
			      .fact = fact,
			      .data = data,
			      .length = length};

	f.call.arg = &f;
	return desk_call(n->desk, &f.call) ? f.e : ERR_STATE;
}
