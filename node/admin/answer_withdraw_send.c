#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "keys/seal.h"
#include "node/admin/answer_withdraw.h"
#include "protocol/body.h"

enum { DAY_HOURS = 24 };

/* The objects of one message that are taken back: entries from first on. */
struct part {
	const struct withdrawn *first;
	size_t count;
	struct recipients to;
};

static int compare(const void *a, const void *b)
{
	const struct withdrawn *x = a, *y = b;

	if (x->lsn != y->lsn)
		return x->lsn < y->lsn ? -1 : 1;
	return (x->object.number > y->object.number) - (x->object.number < y->object.number);
}

/* SPEC 9.8: "Who has left since, or has no seal key, is not told." */
static void recipients_left(const struct answer *a, struct recipients *to)
{
	size_t kept = 0;

	for (size_t i = 0; i < to->count; i++)
		if (!to->chosen[i].party->left &&
		    directory_seal_key(node_directory(a->node), to->chosen[i].party))
			to->chosen[kept++] = to->chosen[i];
	to->count = kept;
}

static void part_show(struct withdrawal *w, const struct part *p)
{
	struct text *t = &w->a->reply;

	for (size_t i = 0; i < p->count; i++) {
		const struct stix_object *o =
			bundle_object(w->post.post.bundle, p->first[i].object.number);

		admin_put_name(t, NULL);
		object_show(t, w->a, &w->post, o, w->found);
		/* Into the object: its readers. */
		if (t->bad)
			return;
		t->length--;
		audience_show(t, &p->to);
		text_str(t, "}");
	}
}

/* ---- the message ---- */

static enum err body_make(struct withdrawal *w, const struct part *p, uint8_t **body, size_t *n)
{
	struct revoked *which = calloc(p->count, sizeof *which);
	struct text bundle, json;
	uint8_t random[16];
	char uuid[37];
	struct post post;
	enum err e = which ? ERR_OK : ERR_MEMORY;

	text_init(&bundle);
	text_init(&json);
	for (size_t i = 0; which && i < p->count; i++)
		which[i] = p->first[i].object;
	randombytes_buf(random, sizeof random);
	uuid_of_random(uuid, random);
	if (!e)
		revoke_write(&bundle, w->post.post.bundle, which, p->count, w->now, uuid);
	if (!e && bundle.bad)
		e = ERR_MEMORY;
	if (!e) {
		post_write(&json, &w->post.post.envelope, (struct slice){bundle.at, bundle.length});
		e = json.bad ? ERR_MEMORY : post_read(&post, json.at, json.length, NULL);
	}
	if (!e) {
		post_clear(&post);
		e = body_pack(body, n, json.at, json.length);
	}
	text_clear(&json);
	text_clear(&bundle);
	free(which);
	return e;
}

/* SPEC 9.8: "It expires no earlier than the message that it answers to" */
static uint32_t expiry_of(struct withdrawal *w)
{
	const struct header *h = &w->post.header;
	uint32_t days = w->topology->policy.expiry_days[h->tlp];
	uint32_t hours = node_expiry(w->a->node, days * DAY_HOURS);

	return hours > h->expiry ? hours : h->expiry;
}

static enum err ids_room(struct withdrawal *w, size_t n)
{
	struct message_id *ids = realloc(w->ids, (w->id_count + n) * sizeof *ids);

	if (!ids)
		return ERR_MEMORY;
	w->ids = ids;
	return ERR_OK;
}

static enum err part_send(struct withdrawal *w, const struct part *p, const uint8_t *body, size_t n)
{
	const struct header *h = &w->post.header;
	const struct draft draft = {
		.kind = KIND_POST,
		.tlp = (enum tlp)h->tlp,
		/* What is wrong goes before what is new. */
		.priority = h->priority > PRIORITY_HIGH ? h->priority : PRIORITY_HIGH,
		.no_forward = h->flags & FLAG_NO_FORWARD,
		.expiry = expiry_of(w),
		.body = body,
		.body_length = n,
	};
	size_t letters = recipients_letters(&p->to);
	enum err e = ids_room(w, letters);

	if (!e)
		e = node_publish(w->a->node, w->topology, &p->to, &draft, 1, w->ids + w->id_count,
				 &w->a->report);
	if (!e)
		w->id_count += letters;
	return e;
}

/* Half of it, and half again, where all of it makes too long a message: what is revoked is a little
 * longer than what was not. */
static enum err part_publish(struct withdrawal *w, const struct part *p)
{
	struct part half = *p;
	uint8_t *body = NULL;
	size_t n = 0;
	enum err e = body_make(w, p, &body, &n);

	if (!e && !p->to.all && seal_size(KIND_POST, n) == 0)
		e = ERR_LIMIT;
	if (!e)
		e = part_send(w, p, body, n);
	free(body);
	if (e != ERR_LIMIT || p->count < 2)
		return e;
	half.count = p->count / 2;
	e = part_publish(w, &half);
	half.first += half.count;
	half.count = p->count - p->count / 2;
	return e ? e : part_publish(w, &half);
}

static enum err part_open(struct withdrawal *w, struct part *p)
{
	struct log_row row;
	enum err e = log_read(w->a->log, p->first->lsn, &row);

	if (!e)
		e = opened_read(&w->post, w->a, &row);
	if (!e) {
		e = recipients_of(&p->to, w->topology, &w->post.header);
		if (e)
			opened_clear(&w->post);
	}
	if (!e)
		recipients_left(w->a, &p->to);
	return e;
}

enum err withdrawal_publish(struct withdrawal *w)
{
	struct part p;
	enum err e = ERR_OK;

	qsort(w->entries, w->count, sizeof *w->entries, compare);
	for (size_t i = 0; !e && i < w->count; i += p.count) {
		p = (struct part){.first = &w->entries[i], .count = 1};
		while (i + p.count < w->count && w->entries[i + p.count].lsn == p.first->lsn)
			p.count++;
		e = part_open(w, &p);
		if (e)
			continue;
		part_show(w, &p);
		/* With nobody left to be told there is nothing to be said. */
		if (!w->dry_run && (p.to.all || p.to.count))
			e = part_publish(w, &p);
		recipients_clear(&p.to);
		opened_clear(&w->post);
	}
	if (e && w->id_count)
		report_add(&w->a->report, "%zu messages had been sent before; say it again",
			   w->id_count);
	return e;
}
