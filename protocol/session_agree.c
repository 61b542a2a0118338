/* Agreeing on a topology version: who gives, who waits, and OPEN.  SPEC.md 7.4. */
#include <stdlib.h>
#include <string.h>

#include "protocol/session_state.h"

static bool version_in(const struct frame_hello *h, const struct version_hash *v)
{
	for (size_t i = 0; i < h->version_count; i++) {
		if (h->versions[i].version == v->version &&
		    hash_equal(&h->versions[i].hash, &v->hash))
			return true;
	}
	return false;
}

/* SPEC 7.4: "A session runs under the newest version whose hash both ends hold." */
static bool version_common(const struct session *s, struct version_hash *v)
{
	for (size_t i = 0; i < s->self.version_count; i++) {
		if (version_in(&s->peer, &s->self.versions[i])) {
			*v = s->self.versions[i];
			return true;
		}
	}
	return false;
}

static void open_maybe(struct session *s)
{
	struct session_event *e;

	if (s->state != STATE_AGREEING || !s->open_sent || !s->open_received)
		return;
	if (s->open_self.version != s->open_peer.version ||
	    !hash_equal(&s->open_self.hash, &s->open_peer.hash)) {
		session_fail(s, false, "the two ends would open under different topology versions");
		return;
	}
	s->state = STATE_OPEN;
	e = event_add(s, SESSION_OPENED);
	if (e)
		e->version = s->open_self;
}

/* Without a version in common the end that is behind waits for what the other may have to give. */
static void open_offer(struct session *s)
{
	if (version_common(s, &s->open_self))
		s->open_due = true;
}

/* SPEC 7.4: "The peer's list ends above version 1, is shorter than a list may be, and one's own has
 * the version before its oldest" */
static bool history_wanted(const struct session *s)
{
	uint32_t oldest = s->peer.versions[s->peer.version_count - 1].version;

	if (s->peer.version_count == HELLO_VERSIONS_MAX || oldest == 1)
		return false;
	for (size_t i = 0; i < s->self.version_count; i++) {
		if (s->self.versions[i].version == oldest - 1)
			return true;
	}
	return false;
}

/* Both HELLOs are known: is either end behind? */
void agree_begin(struct session *s, uint64_t now)
{
	const struct version_hash *mine = &s->self.versions[0], *theirs = &s->peer.versions[0];
	struct session_event *e;

	s->state = STATE_AGREEING;
	s->moved = now;
	s->open_due = false;
	event_add(s, SESSION_GREETED);
	if (version_in(&s->self, theirs) && version_in(&s->peer, mine)) {
		e = history_wanted(s) ? event_add(s, SESSION_HISTORY_ASKED) : NULL;
		if (e)
			e->version = s->peer.versions[s->peer.version_count - 1];
		else
			open_offer(s);
	} else if (!version_in(&s->peer, mine)) {
		e = event_add(s, SESSION_TOPOLOGY_ASKED);
		if (e)
			e->version = *theirs;
	}
}

enum err session_give_topology(struct session *s, uint32_t version, const uint8_t *file, size_t n)
{
	if (s->state != STATE_AGREEING)
		return ERR_STATE;
	if (!file) {
		open_offer(s);
		return ERR_OK;
	}
	free(s->gift);
	s->gift = malloc(n);
	if (!s->gift)
		return ERR_MEMORY;
	memcpy(s->gift, file, n);
	s->gift_version = version;
	s->gift_length = n;
	s->gift_sent = 0;
	s->gift_given = true;
	return ERR_OK;
}

void agree_topology(struct session *s, const struct frame_piece *p, uint64_t now)
{
	struct session_event *e;

	if (s->state != STATE_AGREEING) {
		session_fail(s, true, "it sent a topology out of order");
		return;
	}
	if (p->offset == 0) {
		free(s->offer);
		s->offer = malloc(p->total);
		s->offer_version = (uint32_t)p->number;
		s->offer_length = p->total;
		s->offer_filled = 0;
	}
	if (!s->offer || p->number != s->offer_version || p->total != s->offer_length ||
	    p->offset != s->offer_filled) {
		session_fail(s, s->offer != NULL, "it sent the pieces of a topology out of order");
		return;
	}
	memcpy(s->offer + p->offset, p->data, p->length);
	s->offer_filled += (uint32_t)p->length;
	s->moved = now;
	if (s->offer_filled < s->offer_length)
		return;
	e = event_add(s, SESSION_TOPOLOGY);
	if (!e)
		return;
	e->version.version = s->offer_version;
	e->data = s->offer;
	e->length = s->offer_length;
	s->offer = NULL;
}

void agree_open(struct session *s, const struct version_hash *v)
{
	/* It will start anew with what we are giving it. */
	if (s->state == STATE_AGREEING && s->gift_given)
		return;
	if (s->state != STATE_AGREEING || s->open_received) {
		session_fail(s, true, "it opened twice");
		return;
	}
	s->open_peer = *v;
	s->open_received = true;
	open_maybe(s);
}

bool agree_output(struct session *s, struct frame *f)
{
	if (s->gift) {
		size_t left = s->gift_length - s->gift_sent;
		f->type = FRAME_TOPOLOGY;
		f->piece.number = s->gift_version;
		f->piece.offset = (uint32_t)s->gift_sent;
		f->piece.total = (uint32_t)s->gift_length;
		f->piece.data = s->gift + s->gift_sent;
		f->piece.length = left < s->piece_most ? left : s->piece_most;
		s->gift_sent += f->piece.length;
		return true;
	}
	if (s->open_due) {
		s->open_due = false;
		s->open_sent = true;
		f->type = FRAME_OPEN;
		f->open = s->open_self;
		open_maybe(s);
		return true;
	}
	return false;
}

void agree_sent(struct session *s, uint64_t now)
{
	if (s->gift)
		s->moved = now;
	if (s->gift && s->gift_sent == s->gift_length) {
		free(s->gift);
		s->gift = NULL;
	}
}
