#include "node/link/link_peer.h"

#include <stdlib.h>
#include <string.h>

enum err link_peer_copy(struct link_peer *out, const struct link_peer *from)
{
	*out = *from;
	out->endpoint_count = 0;
	for (size_t i = 0; i < from->endpoint_count; i++) {
		out->endpoints[i] = strdup(from->endpoints[i]);
		if (!out->endpoints[i])
			return ERR_MEMORY;
		out->endpoint_count++;
	}
	return ERR_OK;
}

void link_peer_clear(struct link_peer *peer)
{
	for (size_t i = 0; i < peer->endpoint_count; i++)
		free((char *)(uintptr_t)peer->endpoints[i]);
	peer->endpoint_count = 0;
}

bool link_peer_has_key(const struct link_peer *peer, const uint8_t key[LINK_KEY_BYTES])
{
	for (size_t i = 0; i < peer->key_count; i++)
		if (memcmp(peer->keys[i], key, LINK_KEY_BYTES) == 0)
			return true;
	return false;
}

bool link_peer_same_ways(const struct link_peer *a, const struct link_peer *b)
{
	bool same = a->key_count == b->key_count && a->endpoint_count == b->endpoint_count &&
		    memcmp(a->keys, b->keys, a->key_count * sizeof *a->keys) == 0;

	for (size_t i = 0; same && i < a->endpoint_count; i++)
		same = strcmp(a->endpoints[i], b->endpoints[i]) == 0;
	return same;
}

enum err ways_set(struct ways *w, const struct link_peer *peer)
{
	struct link_peer copy;
	enum err e = link_peer_copy(&copy, peer);

	if (e) {
		link_peer_clear(&copy);
		return e;
	}
	link_peer_clear(&w->peer);
	*w = (struct ways){.peer = copy};
	return ERR_OK;
}

void ways_clear(struct ways *w)
{
	link_peer_clear(&w->peer);
}

size_t ways_count(const struct ways *w)
{
	size_t n = w->peer.endpoint_count * w->peer.key_count;

	return n ? n : 1;
}

const char *ways_endpoint(const struct ways *w)
{
	size_t i = w->at / (w->peer.key_count ? w->peer.key_count : 1);

	return i < w->peer.endpoint_count ? w->peer.endpoints[i] : NULL;
}

const uint8_t *ways_key(const struct ways *w)
{
	return w->peer.keys[w->at % (w->peer.key_count ? w->peer.key_count : 1)];
}

bool ways_fail(struct ways *w, bool nobody_answers)
{
	size_t keys = w->peer.key_count ? w->peer.key_count : 1;
	size_t step = nobody_answers ? keys - w->at % keys : 1;

	w->at = (w->at + step) % ways_count(w);
	w->failed += step;
	if (w->failed < ways_count(w))
		return false;
	w->failed = 0;
	return true;
}
