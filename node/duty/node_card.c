#include "node/duty/node_card.h"

#include <stdlib.h>
#include <string.h>

#include "node/duty/node_keys.h"
#include "node/node_parts.h"
#include "node/say.h"
#include "protocol/body.h"

enum { DAY_HOURS = 24, LOOK_MS = 3600 * 1000, CHANGING_MS = 500, RETRY_MS = 60 * 1000 };

/* ---- publishing ---- */

/* This node in the version in force; NULL, with words, when it is no member. */
static const struct party *own_party(struct node *n, const struct topology **t,
				     struct report *report)
{
	const struct party *self;

	*t = versions_newest(n->versions);
	if (!*t) {
		report_add(report, "this node has not joined a federation yet");
		return NULL;
	}
	self = topology_party(*t, n->config->node);
	if (self && self->kind == PARTY_NODE && !self->left)
		return self;
	report_add(report, "topology version %u does not list %s as a member", (*t)->version,
		   n->config->node);
	return NULL;
}

/* What was committed is folded, and the directory knows of it. */
static enum err catch_up(struct node *n)
{
	bool more = true;
	enum err e = ERR_OK;

	while (more && !e)
		e = index_fold(n->index, &more);
	return e ? e : directory_follow(n->directory, versions_newest(n->versions));
}

/* A number never means another key, whatever this node's file says: one that does is left out, and
 * the operator learns why. */
static enum err drop_taken(struct node *n, const struct party *self, struct card *c,
			   struct report *report)
{
	size_t kept = 0;

	for (size_t i = 0; i < c->seal_count; i++) {
		if (directory_seal_taken(n->directory, self, &c->seals[i]))
			status_warn(n, NULL,
				    "seal key %u of the key file is not the one that this node has "
				    "published: is the file an old copy? khabar keys rotate seal",
				    c->seals[i].number);
		else
			c->seals[kept++] = c->seals[i];
	}
	c->seal_count = kept;
	if (kept)
		return ERR_OK;
	report_add(report, "no seal key of the key file is one that this node has published");
	return ERR_EXISTS;
}

static enum err compose(struct node *n, const struct party *self, card_change *change, void *arg,
			struct card **out, struct report *report)
{
	struct directory_card at;
	enum err e = ERR_OK;

	*out = NULL;
	if (directory_card(n->directory, &self->id, &at))
		e = directory_read(n->directory, &at, out);
	else if ((*out = calloc(1, sizeof **out)) == NULL)
		e = ERR_MEMORY;
	if (e)
		return e;
	(*out)->number = directory_newest_number(n->directory, &self->id) + 1;
	identity_card(n->identity, &self->id, *out);
	e = drop_taken(n, self, *out, report);
	return !e && change ? change(*out, arg, report) : e;
}

/* Read by the very function with which others will read it: nothing is signed that would be held
 * elsewhere. */
static enum err pack(const struct card *c, const struct party *self, uint8_t **body, size_t *n,
		     struct report *report)
{
	struct card *again = NULL;
	struct text json;
	enum err e;

	text_init(&json);
	card_write(&json, c);
	e = json.bad ? ERR_MEMORY : card_read(&again, &self->id, json.at, json.length, report);
	if (!e)
		e = body_pack(body, n, json.at, json.length);
	card_free(again);
	text_clear(&json);
	return e;
}

static enum err publish(struct node *n, const struct topology *t, const struct party *self,
			const struct card *c, struct report *report)
{
	struct draft draft = {.kind = KIND_CARD, .tlp = TLP_GREEN, .priority = PRIORITY_RAISED};
	struct letter *everyone = calloc(1, sizeof *everyone);
	struct message_id id;
	uint8_t *body = NULL;
	enum err e = everyone ? pack(c, self, &body, &draft.body_length, report) : ERR_MEMORY;

	if (!e) {
		everyone->audience = audience_all();
		draft.body = body;
		draft.expiry = node_expiry(n, t->policy.expiry_days[TLP_GREEN] * DAY_HOURS);
		e = node_publish_letter(n, t, everyone, &draft, 1, &id, report);
	}
	free(everyone);
	free(body);
	return e;
}

static enum err publish_next(struct node *n, card_change *change, void *arg,
			     struct directory_card *out, struct report *report)
{
	const struct topology *t;
	const struct party *self = own_party(n, &t, report);
	struct directory_card in_force;
	struct card *c = NULL;
	enum err e = self ? catch_up(n) : ERR_NOT_ALLOWED;

	if (!e)
		e = compose(n, self, change, arg, &c, report);
	if (!e)
		e = publish(n, t, self, c, report);
	if (!e)
		e = catch_up(n);
	if (!e &&
	    (!directory_card(n->directory, &self->id, &in_force) || in_force.number != c->number)) {
		report_add(report, "card %llu is published, and another one is in force",
			   (unsigned long long)c->number);
		e = ERR_STATE;
	}
	if (!e && out)
		*out = in_force;
	if (!e)
		say(LEVEL_INFO, "card %llu of this node is published",
		    (unsigned long long)c->number);
	card_free(c);
	return e;
}

enum err card_publish(struct node *n, card_change *change, void *arg, struct directory_card *out,
		      struct report *report)
{
	enum err e;

	if (!node_may_number(n, report))
		return ERR_STATE;
	pthread_mutex_lock(&n->carding);
	e = publish_next(n, change, arg, out, report);
	pthread_mutex_unlock(&n->carding);
	return e;
}

/* ---- by hand ---- */

enum err card_take(struct node *n, const uint8_t *bytes, size_t length)
{
	enum err e = node_bring(n, bytes, length);

	return e ? e : catch_up(n);
}

/* ---- the duty ---- */

static bool listed(const struct party *self, const struct card_seal *seal)
{
	for (size_t i = 0; i < self->seal_key_count; i++)
		if (self->seal_keys[i].number == seal->number)
			return memcmp(self->seal_keys[i].key, seal->key, SEAL_KEY_BYTES) == 0;
	return false;
}

/* Does what others know of this node's keys fit its key file? */
static bool keys_fit(struct node *n, const struct party *self, const struct directory_card *at)
{
	struct card *c = calloc(1, sizeof *c);
	bool fit = true;
	size_t known = 0;

	if (!c)
		return true; /* not now */
	identity_card(n->identity, &self->id, c);
	for (size_t i = 0; i < c->seal_count; i++) {
		/* What is left out of a card for good is no reason for another one. */
		if (directory_seal_taken(n->directory, self, &c->seals[i]))
			continue;
		if (at)
			fit = fit && known < at->seal_count &&
			      at->seals[known].number == c->seals[i].number;
		else
			fit = fit && listed(self, &c->seals[i]);
		known++;
	}
	if (at) {
		fit = fit && known == at->seal_count && c->link_count == at->link_count;
		for (size_t i = 0; fit && i < c->link_count; i++)
			fit = memcmp(c->links[i].key, at->links[i], LINK_KEY_BYTES) == 0;
	} else {
		fit = fit && c->link_count == 1 &&
		      memcmp(c->links[0].key, self->link_key, LINK_KEY_BYTES) == 0;
	}
	card_free(c);
	return fit;
}

/* SPEC 4.11: "A node renews its card before half of its life is over, with the next number." */
static bool renewal_due(struct node *n, const struct topology *t, const struct directory_card *at)
{
	uint32_t life = t->policy.expiry_days[TLP_GREEN] * DAY_HOURS;

	return at->expiry < node_hour(n) + life / 2;
}

/* It is asked after every fold, and nothing that the answer depends on changes often. */
static bool seen_already(struct node *n, const struct topology *t, uint64_t now)
{
	const struct identity_public *keys = identity_public(n->identity);
	uint64_t cards = directory_changes(n->directory);

	if (n->card_seen.topology == t && n->card_seen.keys == keys &&
	    n->card_seen.cards == cards && now < n->card_seen.until)
		return true;
	n->card_seen.topology = t;
	n->card_seen.keys = keys;
	n->card_seen.cards = cards;
	n->card_seen.until = now + LOOK_MS;
	return false;
}

/* The first card is published when there is something to say that the topology does not. */
static void see_to_own(struct node *n, uint64_t now, uint64_t *next)
{
	const struct topology *t;
	const struct party *self = own_party(n, &t, NULL);
	struct directory_card at;
	struct report report;
	bool has;

	/* Nothing that goes wrong may make a card after every fold. */
	if (!self || !party_can_sign(self) || now < n->card_retry || !node_may_number(n, NULL))
		return;
	if (seen_already(n, t, now))
		return;
	has = directory_card(n->directory, &self->id, &at);
	if (keys_fit(n, self, has ? &at : NULL) && !(has && renewal_due(n, t, &at)))
		return;
	n->card_retry = n->card_seen.until = now + RETRY_MS;
	report_init(&report);
	if (card_publish(n, NULL, NULL, NULL, &report) != ERR_OK)
		status_warn(n, NULL, "the card of this node cannot be published: %s",
			    report_first(&report));
	report_clear(&report);
	if (n->card_retry < *next)
		*next = n->card_retry;
}

static void tell_remarks(struct node *n)
{
	const struct topology *t = versions_newest(n->versions);
	struct remark r;

	while (directory_tell(n->directory, &r)) {
		const struct party *p = t ? topology_party_by_id(t, &r.origin) : NULL;
		char hex[2 * MESSAGE_ID_BYTES + 1];
		status_warn(n, &r.origin, "card %.8s of %s %s%s",
			    hex_encode(hex, r.id.b, sizeof r.id.b), p ? p->name : "?", r.why,
			    r.aside ? ": it is not used" : "");
	}
}

struct ways_call {
	struct desk_call call;
	struct node *node;
};

static void ways_run(struct desk_call *call)
{
	struct ways_call *w = call->arg;

	if (links_ways(w->node) != ERR_OK)
		status_warn(w->node, NULL, "the links cannot be made: no memory");
	w->node->more = true;
	desk_done(w->node->desk, call);
}

static void tell_links(struct node *n)
{
	struct ways_call w = {.call = {.run = ways_run}, .node = n};
	uint64_t changes = directory_changes(n->directory);

	w.call.arg = &w;
	if (changes != n->ways_told && desk_call(n->desk, &w.call))
		n->ways_told = changes;
}

enum err duty_card(struct node *n, uint64_t now, uint64_t *next)
{
	enum err e = directory_follow(n->directory, versions_newest(n->versions));

	if (e)
		return e;
	tell_remarks(n);
	tell_links(n);
	see_to_own(n, now, next);
	keys_follow(n, now, next);
	if (identity_public(n->identity)->link_changing && now + CHANGING_MS < *next)
		*next = now + CHANGING_MS;
	else if (now + LOOK_MS < *next)
		*next = now + LOOK_MS;
	return ERR_OK;
}
