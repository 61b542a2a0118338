/* What becomes of the objects that this node has forwarded: later versions, revocations among them,
 * go where the earlier ones went. */
#include "node/duty/node_forward.h"

#include <stdlib.h>
#include <string.h>

#include "node/say.h"
#include "protocol/stix.h"

enum { CANDIDATES_MAX = 64, LATER_MAX = 64 };

/* Forwards of ours that may have told of all that a message says. */
struct candidates {
	struct looking_after *x;
	const struct stix_object *object;
	uint64_t message; /* its position */
	bool first;       /* the first of its objects: whatever told of it is a candidate */
	size_t count;
	struct {
		uint64_t lsn;
		bool told;
	} all[CANDIDATES_MAX];
	enum err e;
};

static bool note_version(void *arg, const struct object_at *at)
{
	struct candidates *c = arg;
	struct log_row row;

	/* Facts have no versions: told once, they are told. */
	if (at->lsn == c->message || (c->object->modified && at->modified >= c->object->modified))
		return true;
	for (size_t i = 0; i < c->count; i++) {
		if (c->all[i].lsn != at->lsn)
			continue;
		c->all[i].told = true;
		return true;
	}
	if (!c->first)
		return true;
	c->e = own_forward_read(c->x, at->lsn, &row);
	if (c->e == ERR_OK) {
		c->all[c->count].lsn = at->lsn;
		c->all[c->count++].told = true;
	}
	if (c->e == ERR_NOT_FOUND)
		c->e = ERR_OK;
	return !c->e && c->count < CANDIDATES_MAX;
}

/* Keeps those that told of the object as well. */
static enum err narrow(struct candidates *c, const struct party_id *origin)
{
	size_t kept = 0;
	enum err e;

	for (size_t i = 0; i < c->count; i++)
		c->all[i].told = false;
	e = index_versions(c->x->index, origin, c->object->id, note_version, c);
	for (size_t i = 0; i < c->count; i++)
		if (c->all[i].told)
			c->all[kept++] = c->all[i];
	c->count = kept;
	c->first = false;
	return e ? e : c->e;
}

/* SPEC 5.10: "of which every object but scaffolding is a later version of one that the forward told
 * of" */
static enum err candidates_find(struct candidates *c)
{
	const struct forwarding *f = &c->x->forwarding;
	struct post post;
	enum err e = post_read(&post, f->json, f->json_length, NULL);

	if (e)
		return e == ERR_MEMORY ? e : ERR_OK;
	c->first = true;
	for (size_t i = 0; !e && i < bundle_count(post.bundle) && (c->first || c->count); i++) {
		c->object = bundle_object(post.bundle, i);
		if (!c->object->scaffolding)
			e = narrow(c, &f->header.origin);
	}
	post_clear(&post);
	return e;
}

/* ---- handing it on ---- */

static bool was_given(const struct looking_after *x, uint64_t lsn, const struct party_id *party)
{
	for (size_t i = 0; i < x->given_count; i++)
		if (x->given[i].lsn == lsn && party_id_equal(&x->given[i].party, party))
			return true;
	return false;
}

static enum err given_add(struct looking_after *x, uint64_t lsn, const struct recipients *to)
{
	struct given *more = realloc(x->given, (x->given_count + to->count) * sizeof *more);

	if (!more)
		return ERR_MEMORY;
	x->given = more;
	for (size_t i = 0; i < to->count; i++)
		more[x->given_count++] = (struct given){lsn, to->chosen[i].party->id};
	return ERR_OK;
}

/* Of the readers of the forward in x->other those that may have the message, too. */
static enum err readers_of(struct looking_after *x, struct recipients *to)
{
	const struct forwarding *f = &x->forwarding;
	size_t kept = 0;
	enum err e = recipients_of(to, x->topology, &x->other);

	for (size_t i = 0; !e && i < to->count; i++) {
		const struct party *p = to->chosen[i].party;

		if (!p->left && directory_seal_key(x->node->directory, p) &&
		    !was_given(x, f->row.lsn, &p->id) &&
		    forward_may_reach(x->topology, x->self, p, (enum tlp)f->header.tlp))
			to->chosen[kept++] = to->chosen[i];
	}
	to->count = kept;
	to->direct = false;
	return e;
}

static enum err hand_on(struct looking_after *x, struct recipients *to, struct slice reason)
{
	struct forwarding *f = &x->forwarding;
	const struct party **had = calloc(to->count + 1, sizeof *had);
	struct message_id *ids = NULL;
	size_t had_count;
	enum err e = had ? forwarding_address(f, to, had, &had_count) : ERR_MEMORY;

	/* Nobody is left who does not have it. */
	if (e == ERR_NOT_ALLOWED) {
		free(had);
		return ERR_OK;
	}
	if (!e) {
		ids = calloc(recipients_letters(to), sizeof *ids);
		e = ids ? given_add(x, f->row.lsn, to) : ERR_MEMORY;
	}
	if (!e)
		e = forwarding_send(f, to, reason, ids);
	if (!e)
		say(LEVEL_INFO, "passed on what has become of a message that was forwarded");
	free(ids);
	free(had);
	return e;
}

static enum err hand_on_as(struct looking_after *x, uint64_t lsn)
{
	struct forwarded *before = malloc(sizeof *before);
	struct recipients to = {0};
	char why[CONTENT_WHY_BYTES];
	struct log_row row;
	enum err e = before ? own_forward_read(x, lsn, &row) : ERR_MEMORY;

	if (!e)
		e = forwarded_read(before, x->node->identity, x->log, &row, &x->other, why);
	if (e) {
		free(before);
		return e == ERR_NOT_FOUND || e == ERR_FORMAT ? ERR_OK : e;
	}
	e = readers_of(x, &to);
	if (!e && to.count)
		e = hand_on(x, &to, before->handover.forward.reason);
	recipients_clear(&to);
	forwarded_clear(before);
	free(before);
	return e;
}

enum err follow_message(struct looking_after *x, uint64_t lsn)
{
	struct candidates *c = calloc(1, sizeof *c);
	struct forwarding *f = &x->forwarding;
	enum err e = c ? ERR_OK : ERR_MEMORY;

	if (!c)
		return e;
	*f = (struct forwarding){.node = x->node,
				 .log = x->log,
				 .index = x->index,
				 .topology = x->topology,
				 .self = x->self};
	c->x = x;
	c->message = lsn;
	e = forwarding_take(f, lsn);
	/* What may not be handed on is not. */
	if (!e)
		e = candidates_find(c);
	else if (e != ERR_MEMORY && e != ERR_IO && e != ERR_BUSY)
		e = ERR_OK;
	for (size_t i = 0; !e && i < c->count; i++)
		e = hand_on_as(x, c->all[i].lsn);
	forwarding_clear(f);
	free(c);
	return e;
}

/* ---- what was there before the forward ---- */

static enum err later_find(struct looking_after *x, uint64_t *later, size_t *count)
{
	const struct forwarded *f = &x->forwarded;
	struct object_at at;
	struct post post;
	enum err e = post_read(&post, f->json, f->json_length, NULL);

	*count = 0;
	if (e)
		return e == ERR_MEMORY ? e : ERR_OK;
	for (size_t i = 0; !e && i < bundle_count(post.bundle) && *count < LATER_MAX; i++) {
		const struct stix_object *o = bundle_object(post.bundle, i);
		size_t k = 0;

		if (o->scaffolding || !o->modified)
			continue;
		e = index_object(x->index, &f->handover.original.origin, o->id, &at);
		if (e || at.modified <= o->modified) {
			e = e == ERR_NOT_FOUND ? ERR_OK : e;
			continue;
		}
		while (k < *count && later[k] != at.lsn)
			k++;
		if (k == *count)
			later[(*count)++] = at.lsn;
	}
	post_clear(&post);
	return e;
}

enum err follow_forward(struct looking_after *x)
{
	uint64_t later[LATER_MAX];
	size_t count;
	enum err e = later_find(x, later, &count);

	for (size_t i = 0; !e && i < count; i++)
		e = follow_message(x, later[i]);
	return e;
}
