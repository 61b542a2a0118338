/* Frames between the sockets and the exchange. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "node/node_parts.h"
#include "node/say.h"

enum {
	EVENTS_A_TURN = 128, /* taken before they are looked at and answered */
	/* Sent to one neighbour before the next has its turn. */
	FRAMES_A_TURN = 128,
	BYTES_A_TURN = 512 * 1024,
	REPLACED_MAX = 6, /* connections in two minutes that others took the place of */
	REPLACED_MS = 2 * 60 * 1000,
	DEAF_MS = 2 * 60 * 1000,
};

struct neighbour *links_find(struct node *n, const struct party_id *id)
{
	for (size_t i = 0; i < n->neighbour_count; i++) {
		if (party_id_equal(&n->neighbours[i].id, id))
			return &n->neighbours[i];
	}
	return NULL;
}

void links_clear(struct node *n)
{
	for (size_t i = 0; i < n->neighbour_count; i++)
		free(n->neighbours[i].unsent);
	free(n->neighbours);
	n->neighbours = NULL;
	n->neighbour_count = 0;
}

/* A neighbour of this version, or of an older one that ended the link. */
static bool peer_fill(struct node *n, const struct party *self, const struct party *p,
		      struct link_peer *peer)
{
	const struct topology *t = versions_newest(n->versions);

	/* SPEC 4.12: "Its neighbours end their connections with it, dial it no more and let it in
	 * no more." */
	if (suspension_of_node(versions_suspension(n->versions), &p->id, clock_wall()))
		return false;
	if (topology_link(t, self, p) == LINK_NONE)
		t = chain_former(versions_chain(n->versions), &self->id, &p->id);
	if (!t)
		return false;
	*peer = (struct link_peer){.id = p->id,
				   .dial = topology_dials(t, topology_party_by_id(t, &self->id),
							  topology_party_by_id(t, &p->id))};
	memcpy(peer->name, p->name, sizeof peer->name);
	return true;
}

/* The neighbours of the topology in force, as the link wants to know them. */
static size_t peers_list(struct node *n, const struct party *self, struct link_peer *peers)
{
	const struct topology *t = versions_newest(n->versions);
	size_t count = 0;

	for (size_t i = 0; i < t->party_count; i++) {
		const struct party *p = &t->parties[i];
		if (p->kind == PARTY_NODE && p != self && peer_fill(n, self, p, &peers[count]))
			count++;
	}
	return count;
}

static bool stays(const struct neighbour *b, const struct link_peer *peers, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (party_id_equal(&peers[i].id, &b->id))
			return true;
	return false;
}

/* What is known of a neighbour that stays is carried over. */
static enum err neighbours_set(struct node *n, const struct link_peer *peers, size_t count)
{
	struct neighbour *fresh = calloc(count ? count : 1, sizeof *fresh);

	if (!fresh)
		return ERR_MEMORY;
	for (size_t i = 0; i < count; i++) {
		struct neighbour *old = links_find(n, &peers[i].id);
		if (old) {
			fresh[i] = *old;
			old->unsent = NULL;
		}
		fresh[i].id = peers[i].id;
		memcpy(fresh[i].name, peers[i].name, sizeof fresh[i].name);
	}
	for (size_t i = 0; i < n->neighbour_count; i++)
		if (n->neighbours[i].connected && !stays(&n->neighbours[i], peers, count))
			exchange_down(n->exchange, &n->neighbours[i].id, NULL, node_now());
	links_clear(n);
	n->neighbours = fresh;
	n->neighbour_count = count;
	return ERR_OK;
}

/* Leaves out what need not be dialed any more, which may still dial us, after a restart; and what
 * is in quarantine. */
static size_t linkable(struct node *n, struct link_peer *peers, size_t count)
{
	size_t kept = 0;

	for (size_t i = 0; i < count; i++) {
		const struct neighbour *b = links_find(n, &peers[i].id);
		bool done = b && b->done && peers[i].dial;
		/* SPEC 7.9: "Meanwhile the node has no connection with it, dials it not and lets it
		 * in not." */
		if (!done && !quarantine_of(n, &peers[i].id))
			peers[kept++] = peers[i];
	}
	return kept;
}

/* Does the topology list the key for that peer? */
static bool key_listed(const struct topology *t, const struct link_peer *peer, size_t key)
{
	const struct party *p = topology_party_by_id(t, &peer->id);

	return p && memcmp(p->link_key, peer->keys[key], LINK_KEY_BYTES) == 0;
}

static void key_drop(struct link_peer *peer, size_t key)
{
	for (peer->key_count--; key < peer->key_count; key++)
		memcpy(peer->keys[key], peer->keys[key + 1], LINK_KEY_BYTES);
}

/* SPEC 4.11: "Of two neighbours whose keys are the same, by a secret that they share, neither is
 * let in with it, unless the topology lists it for one." */
static void keys_part(struct node *n, struct link_peer *a, struct link_peer *b)
{
	const struct topology *t = versions_newest(n->versions);

	for (size_t i = a->key_count; i-- > 0;) {
		for (size_t k = b->key_count; k-- > 0;) {
			if (memcmp(a->keys[i], b->keys[k], LINK_KEY_BYTES) != 0)
				continue;
			status_warn(n, NULL, "%s and %s have one link key between them", a->name,
				    b->name);
			bool of_a = key_listed(t, a, i), of_b = key_listed(t, b, k);
			if (!of_b)
				key_drop(b, k);
			if (!of_a) {
				key_drop(a, i);
				break;
			}
		}
	}
}

/* Where they are dialed, and their keys; endpoints are borrowed from cards. */
static void peers_ways(struct node *n, struct link_peer *peers, struct directory_card *cards,
		       size_t count)
{
	const struct topology *t = versions_newest(n->versions);

	for (size_t i = 0; i < count; i++)
		directory_ways(n->directory, topology_party_by_id(t, &peers[i].id), &cards[i],
			       &peers[i]);
	for (size_t i = 0; i < count; i++)
		for (size_t k = 0; k < i; k++)
			keys_part(n, &peers[i], &peers[k]);
}

enum err links_set(struct node *n)
{
	const struct topology *t = versions_newest(n->versions);
	const struct party *self = topology_party(t, n->config->node);
	struct link_peer *peers = calloc(t->party_count, sizeof *peers);
	struct directory_card *cards = NULL;
	size_t count = 0;
	enum err e = peers ? ERR_OK : ERR_MEMORY;

	n->ways = directory_changes(n->directory);
	if (!e && self && self->kind == PARTY_NODE && !self->left)
		count = peers_list(n, self, peers);
	else if (!e)
		status_warn(n, NULL, "topology version %u does not list %s: no links", t->version,
			    n->config->node);
	if (!e && (cards = calloc(count + 1, sizeof *cards)) == NULL)
		e = ERR_MEMORY;
	if (!e) {
		peers_ways(n, peers, cards, count);
		e = neighbours_set(n, peers, count);
	}
	if (!e)
		e = link_set_peers(n->link, peers, linkable(n, peers, count));
	free(cards);
	free(peers);
	return e;
}

enum err links_ways(struct node *n)
{
	if (!versions_newest(n->versions) || n->ways == directory_changes(n->directory))
		return ERR_OK;
	return links_set(n);
}

static void neighbour_reset(struct node *n, struct neighbour *b)
{
	b->ending = false;
	link_reset(n->link, &b->id);
}

/* Has the version in force revoked a sign key that was good in the one before? */
static bool newly_revoked(const struct topology *before, const struct party *now)
{
	const struct party *was = before ? topology_party_by_id(before, &now->id) : NULL;

	for (size_t i = 0; was && i < now->sign_key_count; i++) {
		const struct sign_key *key = party_sign_key(was, now->sign_keys[i].number);
		if (now->sign_keys[i].revoked && key && !key->revoked)
			return true;
	}
	return false;
}

/* SPEC 7.1: "A connection ends, too, when a sign key of its neighbour is revoked" */
static void connections_end(struct node *n)
{
	const struct chain *chain = versions_chain(n->versions);
	const struct topology *now = chain_newest(chain);
	const struct topology *before = chain_version(chain, now->version - 1);

	for (size_t i = 0; i < n->neighbour_count; i++) {
		struct neighbour *b = &n->neighbours[i];
		const struct party *p = topology_party_by_id(now, &b->id);
		if (b->connected && p && newly_revoked(before, p))
			neighbour_reset(n, b);
	}
}

enum err links_update(struct node *n)
{
	enum err e;

	for (size_t i = 0; i < n->neighbour_count; i++)
		n->neighbours[i].done = false;
	e = links_set(n);
	if (!e)
		connections_end(n);
	return e ? e : exchange_topology_changed(n->exchange, node_now());
}

void links_former_done(struct node *n, const struct party_id *peer)
{
	struct neighbour *b = links_find(n, peer);

	if (b)
		b->done = n->links_stale = true;
}

static void neighbour_gone(struct node *n, struct neighbour *b, const char *why)
{
	free(b->unsent);
	b->unsent = NULL;
	b->connected = b->ending = false;
	exchange_down(n->exchange, &b->id, why, node_now());
}

void links_gone(struct node *n, const char *why)
{
	for (size_t i = 0; i < n->neighbour_count; i++)
		if (n->neighbours[i].connected)
			neighbour_gone(n, &n->neighbours[i], why);
}

static void neighbour_refused(struct node *n, struct neighbour *b, const struct link_event *e)
{
	char reason[LINK_TEXT_BYTES];
	uint32_t version = versions_newest(n->versions)->version;

	if (e->cause == LINK_CAUSE_KEY_REFUSED)
		snprintf(reason, sizeof reason,
			 "%.200s: has it not topology version %u yet, or suspended this node?",
			 e->text, version);
	else
		snprintf(reason, sizeof reason, "%s", e->text);
	if (!b->refused || strcmp(reason, b->reason) != 0) {
		say(LEVEL_WARNING, "%s", reason);
		memcpy(b->reason, reason, sizeof reason);
		b->refused_since = clock_wall();
	}
	b->refused = true;
}

/* SPEC 7.1: "The first frame on a newer connection ends the older one": two that run with one key
 * end each other's for ever. */
static void neighbour_replaced(struct node *n, struct neighbour *b)
{
	uint64_t now = clock_monotonic();

	if (!b->replaced || now - b->replaced_since > REPLACED_MS) {
		b->replaced = 0;
		b->replaced_since = now;
	}
	if (++b->replaced >= REPLACED_MAX)
		status_warn(n, &b->id,
			    "%s connects again and again while it is connected: does it run twice?",
			    b->name);
}

/* A line on which connections stand, and break as soon as there is much to say, drops long packets
 * and tells nobody. */
static void neighbour_deaf(struct node *n, struct neighbour *b)
{
	uint64_t now = clock_monotonic();

	if (b->deaf && now - b->deaf < DEAF_MS)
		status_warn(n, &b->id,
			    "%s hears short words of this node and no long ones: are long packets "
			    "dropped on the way?  (sysctl net.ipv4.tcp_mtu_probing=1)",
			    b->name);
	b->deaf = now;
}

static void event_handle(struct node *n, const struct link_event *e)
{
	struct neighbour *b = links_find(n, &e->peer);

	if (!b)
		return;
	switch (e->kind) {
	case LINK_UP:
		if (b->connected)
			neighbour_gone(n, b, NULL);
		b->connected = true;
		b->refused = false;
		exchange_up(n->exchange, &b->id, node_now());
		break;
	case LINK_DOWN:
		say(LEVEL_INFO, "%s", e->text);
		if (e->cause == LINK_CAUSE_REPLACED)
			neighbour_replaced(n, b);
		if (link_deaf(n->link, &b->id))
			neighbour_deaf(n, b);
		neighbour_gone(n, b, e->text);
		break;
	case LINK_FRAME:
		exchange_receive(n->exchange, &b->id, e->frame, e->length, node_now());
		break;
	case LINK_REFUSED:
		neighbour_refused(n, b, e);
		break;
	}
}

/* False when the socket takes nothing more for now. */
static bool frame_send(struct node *n, struct neighbour *b, const uint8_t *frame, size_t length)
{
	enum err e = link_send(n->link, &b->id, frame, length);

	if (e == ERR_BUSY && frame != b->unsent) {
		b->unsent = malloc(length);
		if (b->unsent) {
			memcpy(b->unsent, frame, length);
			b->unsent_length = length;
		} else {
			b->ending = true; /* a frame is lost: the conversation cannot go on */
		}
	}
	if (e != ERR_BUSY && frame == b->unsent) {
		free(b->unsent);
		b->unsent = NULL;
	}
	return e == ERR_OK;
}

/* Sends what the exchange has for the neighbour; true when it has more. */
static bool neighbour_serve(struct node *n, struct neighbour *b)
{
	static _Thread_local uint8_t frame[FRAME_MAX_BYTES];
	size_t bytes = 0;
	int sent = 0;

	if (!b->connected)
		return false;
	if (b->unsent && !frame_send(n, b, b->unsent, b->unsent_length)) {
		/* Nobody who does not read can be told why. */
		if (b->ending)
			neighbour_reset(n, b);
		return false;
	}
	exchange_pieces(n->exchange, &b->id, link_piece(n->link, &b->id));
	for (; sent < FRAMES_A_TURN && bytes < BYTES_A_TURN; sent++) {
		if (!b->ending && !link_has_room(n->link, &b->id))
			return false;
		size_t length = exchange_output(n->exchange, &b->id, frame, node_now());
		if (length == 0)
			break;
		if (!frame_send(n, b, frame, length))
			return false;
		bytes += length;
	}
	if (sent == FRAMES_A_TURN || bytes >= BYTES_A_TURN)
		return true;
	if (b->ending)
		neighbour_reset(n, b);
	return false;
}

bool links_turn(struct node *n)
{
	struct link_event e;
	bool more;
	int events = 0;

	while (events < EVENTS_A_TURN && link_next(n->link, &e)) {
		event_handle(n, &e);
		events++;
	}
	more = events == EVENTS_A_TURN;
	more |= exchange_turn(n->exchange, node_now());
	folder_expect(n->folder, exchange_is_storing(n->exchange));
	for (size_t i = 0; i < n->neighbour_count; i++)
		more |= neighbour_serve(n, &n->neighbours[i]);
	if (n->links_stale) {
		n->links_stale = false;
		links_set(n);
	}
	keep_rest(n->keep);
	return more;
}
