#include "node/duty/node_keys.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "keys/keyfile.h"
#include "node/home.h"
#include "node/node_parts.h"
#include "node/remembered.h"
#include "node/say.h"
#include "protocol/bytes.h"

enum { NOW_WAIT_MS = 2000, NOW_LOOK_MS = 20, OLD_KEYS_MS = 600 * 1000, NO_FLOOR_MS = 2000 };

/* ---- the key file ---- */

enum key_change { DRAW_LINK, SWITCH_LINK, DRAW_SEAL, DESTROY_SEAL };

/* The caller has n->carding. */
static enum err change_file(struct node *n, enum key_change change, uint16_t number,
			    struct report *report)
{
	char path[PATH_MAX], *passphrase = NULL;
	enum err e = home_path(path, n->home, "node.key") ? ERR_OK : ERR_LIMIT;

	if (!e)
		e = config_passphrase(n->config, &passphrase, report);
	if (e)
		return e;
	switch (change) {
	case DRAW_LINK:
		e = identity_draw_link(n->identity, path, passphrase, report);
		break;
	case SWITCH_LINK:
		e = identity_switch_link(n->identity, path, passphrase, NULL);
		break;
	case DRAW_SEAL:
		e = identity_draw_seal(n->identity, path, passphrase, number, report);
		break;
	case DESTROY_SEAL:
		e = identity_destroy_seal(n->identity, path, passphrase, number, report);
		break;
	}
	passphrase_free(passphrase);
	return e;
}

static enum err change_locked(struct node *n, enum key_change change, uint16_t number,
			      struct report *report)
{
	enum err e;

	pthread_mutex_lock(&n->carding);
	e = change_file(n, change, number, report);
	pthread_mutex_unlock(&n->carding);
	return e;
}

/* ---- seal keys ---- */

static const struct party *own(struct node *n)
{
	const struct topology *t = versions_newest(n->versions);

	return t ? topology_party(t, n->config->node) : NULL;
}

/* A key that cannot be published is not drawn. */
static const struct party *own_that_publishes(struct node *n, struct report *report)
{
	const struct party *self = own(n);

	if (!node_may_number(n, report))
		return NULL;
	if (self && self->kind == PARTY_NODE && !self->left && party_can_sign(self))
		return self;
	report_add(report,
		   "this node is no member of a federation, and has nobody to tell of a new "
		   "key");
	return NULL;
}

enum err card_draw_seal(struct node *n, uint16_t *number, struct report *report)
{
	const struct party *self = own_that_publishes(n, report);
	uint16_t greatest = identity_public(n->identity)->seal_number;
	enum err e;

	if (!self)
		return ERR_STATE;
	if (directory_greatest_seal(n->directory, self) > greatest)
		greatest = directory_greatest_seal(n->directory, self);
	if (greatest == UINT16_MAX) {
		report_add(report, "no number is left for another seal key");
		return ERR_LIMIT;
	}
	*number = (uint16_t)(greatest + 1);
	e = change_locked(n, DRAW_SEAL, *number, report);
	if (!e)
		e = index_keys_changed(n->index);
	return e ? e : card_publish(n, NULL, NULL, NULL, report);
}

struct superseded {
	struct desk_call call;
	struct node *node;
	uint16_t number;
	uint32_t hour; /* in which its successor was published */
	enum err e;
};

static void superseded_key(char out[32], uint16_t number)
{
	snprintf(out, 32, "superseded-seal/%u", number);
}

static void superseded_run(struct desk_call *call)
{
	struct superseded *s = call->arg;
	struct log *log = s->node->log;
	char key[32];
	uint8_t value[4];

	superseded_key(key, s->number);
	put_u32(value, s->hour);
	s->e = log_begin(log);
	if (!s->e)
		s->e = log_put(log, key, value, sizeof value);
	if (!s->e)
		s->e = log_commit(log);
	else
		log_abort(log);
	keep_rest(s->node->keep);
	desk_done(s->node->desk, call);
}

/* The hour in which the key's successor was published; noted when it is first asked for. */
static bool superseded_hour(struct node *n, uint16_t number, uint32_t *out)
{
	struct superseded s = {.call = {.run = superseded_run}, .node = n, .number = number};
	struct log_reader *reader;
	uint8_t value[4];
	char key[32];
	size_t length;
	enum err e = log_reader_open(&reader, n->log);

	if (e)
		return false;
	superseded_key(key, number);
	e = remembered_get(reader, key, value, sizeof value, &length);
	log_reader_close(reader);
	if (!e && length == sizeof value) {
		*out = get_u32(value);
		return true;
	}
	s.hour = node_hour(n);
	s.call.arg = &s;
	if (e == ERR_NOT_FOUND)
		desk_call(n->desk, &s.call);
	return false;
}

static void destroy(struct node *n, uint16_t number)
{
	struct report report;
	enum err e;

	report_init(&report);
	e = change_locked(n, DESTROY_SEAL, number, &report);
	if (!e)
		e = index_keys_changed(n->index);
	if (e)
		status_warn(n, NULL, "seal key %u cannot be destroyed: %s", number,
			    report.count ? report_first(&report) : err_str(e));
	else
		say(LEVEL_INFO, "the secret of seal key %u is destroyed", number);
	report_clear(&report);
}

/* SPEC 4.11: "when its floor is 10,368 hours (432 days) above the hour in which the successor was
 * published" */
static void destroy_old_seals(struct node *n, const struct directory_card *at, uint32_t floor)
{
	uint32_t then;

	for (size_t i = 0; i + 1 < at->seal_count; i++)
		if (superseded_hour(n, at->seals[i].number, &then) &&
		    floor >= then + SEAL_KEPT_HOURS)
			destroy(n, at->seals[i].number);
}

/* Are there keys whose successor is published, and is it time to look at them? */
static void see_to_old_seals(struct node *n, const struct party *self, uint64_t now, uint64_t *next)
{
	struct directory_card at;
	uint32_t floor = status_floor(n);

	if (!directory_card(n->directory, &self->id, &at) || at.seal_count < 2 ||
	    at.seals[at.seal_count - 1].number != identity_public(n->identity)->seal_number)
		return;
	if (now >= n->keys_due) {
		/* At the start there is a moment without a floor. */
		n->keys_due = now + (floor ? OLD_KEYS_MS : NO_FLOOR_MS);
		if (floor)
			destroy_old_seals(n, &at, floor);
	}
	if (n->keys_due < *next)
		*next = n->keys_due;
}

/* ---- the link key ---- */

struct waiting_call {
	struct desk_call call;
	struct node *node;
	uint64_t lsn; /* of the card */
	struct waiting *out;
};

static void waiting_run(struct desk_call *call)
{
	struct waiting_call *w = call->arg;
	struct exchange *x = w->node->exchange;
	struct peer_status status;

	for (size_t i = 0; i < exchange_peer_count(x); i++) {
		struct neighbour *b;
		exchange_peer(x, i, &status);
		b = links_find(w->node, &status.id);
		/* What is left of a link of an older version carries no cards. */
		if (!b || status.kind == LINK_FORMER || exchange_confirms(x, &status.id, w->lsn) ||
		    w->out->count == PEERS_SHOWN_MAX)
			continue;
		memcpy(w->out->names[w->out->count++], b->name, sizeof b->name);
	}
	w->node->more = true;
	desk_done(w->node->desk, call);
}

enum err card_waiting(struct node *n, struct waiting *out)
{
	struct waiting_call w = {.call = {.run = waiting_run}, .node = n, .out = out};
	const struct party *self = own(n);
	struct directory_card at;

	*out = (struct waiting){0};
	if (!self || !directory_card(n->directory, &self->id, &at))
		return ERR_NOT_FOUND;
	w.lsn = at.lsn;
	w.call.arg = &w;
	return desk_call(n->desk, &w.call) ? ERR_OK : ERR_STATE;
}

struct reopen_call {
	struct desk_call call;
	struct node *node;
};

static void reopen_run(struct desk_call *call)
{
	struct reopen_call *r = call->arg;

	links_reopen(r->node);
	desk_done(r->node->desk, call);
}

/* SPEC 4.11: "Then it uses the new one, ends its connections, and publishes a card with the new key
 * alone." */
static enum err switch_link(struct node *n, struct report *report)
{
	struct reopen_call r = {.call = {.run = reopen_run}, .node = n};
	enum err e = change_locked(n, SWITCH_LINK, 0, report);

	/* The other one of duty and operator was faster. */
	if (e == ERR_NOT_FOUND)
		return ERR_OK;
	if (e)
		return e;
	r.call.arg = &r;
	if (!desk_call(n->desk, &r.call))
		return ERR_STATE; /* it is being closed, and starts with the new key */
	say(LEVEL_INFO, "the new link key is in use");
	return card_publish(n, NULL, NULL, NULL, report);
}

/* At once: but who is connected has a moment to take the card. */
static void wait_a_moment(struct node *n, struct waiting *waiting)
{
	const struct timespec moment = {.tv_nsec = NOW_LOOK_MS * 1000000L};
	uint64_t until = clock_monotonic() + NOW_WAIT_MS;

	while (card_waiting(n, waiting) == ERR_OK && waiting->count && clock_monotonic() < until)
		nanosleep(&moment, NULL);
}

enum err card_change_link(struct node *n, bool now, struct waiting *waiting, struct report *report)
{
	bool changing = identity_public(n->identity)->link_changing;
	enum err e = ERR_OK;

	*waiting = (struct waiting){0};
	if (changing && !now) {
		report_add(report, "the link key is being changed already");
		return ERR_EXISTS;
	}
	if (!own_that_publishes(n, report))
		return ERR_STATE;
	if (!changing) {
		e = change_locked(n, DRAW_LINK, 0, report);
		if (!e)
			e = card_publish(n, NULL, NULL, NULL, report);
	}
	if (!e && now)
		wait_a_moment(n, waiting);
	if (!e && now)
		return switch_link(n, report);
	return e ? e : card_waiting(n, waiting);
}

/* The card in force names the next key: what neighbours acknowledge is that one. */
static bool next_is_published(struct node *n, const struct party *self)
{
	const struct identity_public *public = identity_public(n->identity);
	struct directory_card at;

	return public->link_changing && directory_card(n->directory, &self->id, &at) &&
	       at.link_count == 2 && memcmp(at.links[1], public->link_next, LINK_KEY_BYTES) == 0;
}

static void switch_when_known(struct node *n, const struct party *self)
{
	struct waiting waiting;
	struct report report;

	if (!next_is_published(n, self) || card_waiting(n, &waiting) != ERR_OK || waiting.count)
		return;
	report_init(&report);
	if (switch_link(n, &report) != ERR_OK)
		status_warn(n, NULL, "the link key cannot be changed: %s", report_first(&report));
	report_clear(&report);
}

void keys_follow(struct node *n, uint64_t now, uint64_t *next)
{
	const struct party *self = own(n);

	if (!self || !node_may_number(n, NULL))
		return;
	switch_when_known(n, self);
	see_to_old_seals(n, self, now, next);
}
