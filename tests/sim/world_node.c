/* A node as the host of its exchange. */
#include <stdio.h>
#include <stdlib.h>

#include "protocol/council.h"
#include "tests/sim/world_state.h"

void host_random(void *arg, void *out, size_t n)
{
	struct node *node = arg;
	uint8_t *b = out;

	for (size_t i = 0; i < n; i++)
		b[i] = (uint8_t)draw(node->world);
}

enum err version_accept(struct node *n, const char *file, size_t length)
{
	struct topology *t;
	uint32_t before = chain_newest(&n->chain)->version;
	enum err e = council_precede(&t, chain_oldest(&n->chain), file, length, NULL);

	if (e == ERR_OK) {
		e = chain_add_older(&n->chain, t);
	} else {
		e = council_follow(&t, chain_newest(&n->chain), file, length, NULL);
		if (e)
			return e;
		e = chain_add(&n->chain, t);
	}
	if (chain_newest(&n->chain)->version < before)
		broken(n->world, n, "a topology was not replaced by a newer one");
	if (!e)
		e = exchange_topology_changed(n->exchange, instant_of(n));
	return e;
}

static enum err host_topology_offered(void *arg, const uint8_t *file, size_t n, struct report *r)
{
	(void)r;
	return version_accept(arg, (const char *)file, n);
}

static enum err host_topology_file(void *arg, uint32_t version, const uint8_t **file, size_t *n)
{
	const struct writing *w = &((struct node *)arg)->world->signed_files[version];

	*file = (const uint8_t *)w->at;
	*n = w->length;
	return ERR_OK;
}

static void host_stored(void *arg, uint64_t lsn, const struct arrival *a)
{
	struct node *node = arg;
	const struct said *m = said_find(node->world, &a->id);

	(void)lsn;
	if (!memory_store_durable(node->store, &a->id))
		broken(node->world, node, "a message was shown before it was durable");
	/* As the folder of a node does, a little later. */
	if (m && m->recalls)
		memory_store_erase(node->store, &m->recalls->id);
}

static void host_submitted(void *arg, uint64_t ticket, const struct message_id *id, enum err e)
{
	struct node *node = arg;

	(void)ticket;
	if (e)
		return;
	if (!memory_store_durable(node->store, id))
		broken(node->world, node, "an author was told before it was durable");
	said_find(node->world, id)->acknowledged = true;
}

static unsigned node_of(const struct world *w, const struct party_id *id)
{
	unsigned i = 0;

	while (!party_id_equal(&w->nodes[i].id, id))
		i++;
	return i;
}

static void host_ended(void *arg, const struct party_id *peer, bool blame, const char *why)
{
	struct node *node = arg;
	struct world *w = node->world;
	char words[200];

	wire_between(w, node->index, node_of(w, peer))->cut_wanted = true;
	if (blame) {
		snprintf(words, sizeof words, "an honest peer was blamed: %.100s", why);
		broken(w, node, words);
	}
}

static void host_alarm(void *arg, const struct party_id *peer, const char *text)
{
	struct node *node = arg;
	char words[200];

	(void)peer;
	snprintf(words, sizeof words, "an alarm: %.150s", text);
	broken(node->world, node, words);
}

void node_boot(struct node *n)
{
	struct world *w = n->world;
	struct exchange_options options = {.self = n->id,
					   .software = "simulator",
					   .window_bytes = w->plan.window_bytes,
					   .window_messages = w->plan.window_messages};
	struct exchange_host host = {.store = memory_store_interface(n->store),
				     .chain = &n->chain,
				     .arg = n,
				     .random = host_random,
				     .topology_offered = host_topology_offered,
				     .topology_file = host_topology_file,
				     .stored = host_stored,
				     .submitted = host_submitted,
				     .ended = host_ended,
				     .alarm = host_alarm};

	n->exchange = exchange_new(&options, &host);
	if (!n->exchange || exchange_topology_changed(n->exchange, instant_of(n)) != ERR_OK)
		abort();
	n->incarnation = draw(w);
	n->sequence = 0;
}
