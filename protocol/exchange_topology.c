/* Versions of the topology: who is a neighbour under the newest, and what neighbours give each
 * other of them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "protocol/exchange_state.h"

static void peer_part(struct exchange *x, struct peer *p)
{
	pending_forget(x, p);
	peer_free(p);
}

/* Those of the first n that the exchange had not before. */
static void made_free(const struct exchange *x, struct peer **peers, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (!peer_find(x, &peers[i]->status.id))
			peer_free(peers[i]);
	}
	free(peers);
}

/* The neighbours under t: those that stay keep their session, the others are made or freed. */
static enum err peers_join(struct exchange *x, const struct topology *t)
{
	const struct party *self = topology_party_by_id(t, &x->options.self);
	struct peer **peers = calloc(t->party_count, sizeof *peers);
	size_t count = 0;

	if (!peers)
		return ERR_MEMORY;
	for (size_t i = 0; i < t->party_count; i++) {
		const struct party *party = &t->parties[i];
		enum link_kind kind = self && party->kind == PARTY_NODE
					      ? topology_link(t, self, party)
					      : LINK_NONE;
		struct peer *p = peer_find(x, &party->id);
		if (kind == LINK_NONE && self && chain_former(x->host.chain, &self->id, &party->id))
			kind = LINK_FORMER;
		if (kind == LINK_NONE)
			continue;
		if (!p)
			p = peer_new(x, party, kind);
		if (!p) {
			made_free(x, peers, count);
			return ERR_MEMORY;
		}
		p->status.kind = kind;
		peers[count++] = p;
	}
	for (size_t i = 0; i < x->peer_count; i++) {
		bool stays = false;
		for (size_t k = 0; k < count; k++)
			stays |= peers[k] == x->peers[i];
		if (!stays)
			peer_part(x, x->peers[i]);
	}
	free(x->peers);
	x->peers = peers;
	x->peer_count = count;
	return ERR_OK;
}

enum err exchange_topology_changed(struct exchange *x, struct instant now)
{
	const struct topology *t = chain_newest(x->host.chain);
	enum err e;

	x->now = now;
	if (!t)
		return ERR_STATE;
	if (x->floor == 0)
		floor_load(x);
	e = peers_join(x, t);
	for (size_t i = 0; i < x->peer_count; i++) {
		if (x->peers[i]->status.state != PEER_DOWN)
			peer_greet(x->peers[i]);
	}
	return e;
}

void peer_topology_asked(struct peer *p, const struct version_hash *theirs)
{
	const struct exchange_host *host = &p->x->host;
	const struct topology *next = chain_after(host->chain, theirs);
	const uint8_t *file;
	size_t n;

	if (next && host->topology_file(host->arg, next->version, &file, &n) == ERR_OK)
		session_give_topology(p->session, next->version, file, n);
	else
		session_give_topology(p->session, 0, NULL, 0);
	if (!next && chain_version(host->chain, theirs->version) &&
	    !chain_hash(host->chain, theirs))
		host->alarm(
			host->arg, &p->status.id,
			"holds another topology of the same number: the council has signed twice");
}

/* Of a disk or a memory of ours, and nobody else's fault. */
static bool own_trouble(enum err e)
{
	return e == ERR_FULL || e == ERR_IO || e == ERR_MEMORY;
}

/* One who joined lately cannot judge what was written before: it is given what its oldest names. */
void peer_history_asked(struct peer *p, const struct version_hash *oldest)
{
	const struct exchange_host *host = &p->x->host;
	const struct topology *t = chain_version(host->chain, oldest->version - 1);
	const struct topology *next = NULL;
	const uint8_t *file = NULL;
	size_t n = 0;

	if (t) {
		struct version_hash v = {.version = t->version, .hash = t->hash};
		next = chain_after(host->chain, &v);
	}
	if (next && hash_equal(&next->hash, &oldest->hash) &&
	    host->topology_file(host->arg, t->version, &file, &n) != ERR_OK)
		file = NULL;
	session_give_topology(p->session, t ? t->version : 0, file, n);
}

/* The host persists it, adds it to the chain and starts every conversation anew, this one too. */
void peer_topology_offered(struct peer *p, const struct session_event *e)
{
	const struct exchange_host *host = &p->x->host;
	struct report report;
	char words[ERROR_TEXT_MAX_BYTES + 1];
	enum err error;

	/* It answers an older greeting, of which a frame was lost. */
	if (chain_version(host->chain, e->version.version)) {
		session_end(p->session, false, "frames were lost or repeated");
		return;
	}
	report_init(&report);
	error = host->topology_offered(host->arg, e->data, e->length, &report);
	if (own_trouble(error)) {
		snprintf(words, sizeof words, "topology version %u cannot be kept: %s",
			 e->version.version, err_str(error));
		session_end(p->session, false, words);
		host->alarm(host->arg, NULL, words);
	} else if (error) {
		snprintf(words, sizeof words, "its topology version %u is refused: %.120s",
			 e->version.version, report_first(&report));
		session_end(p->session, true, words);
	}
	report_clear(&report);
}
