/* A node as the host of its exchange, and what becomes of it. */
#include <stdlib.h>
#include <string.h>

#include "protocol/council.h"
#include "tests/sim/world_state.h"

/* It was judged before a version that voids it came, and has been kept since. */
enum { COMMIT_MS = 1000 };

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
	enum err e = council_precede(&t, chain_oldest(&n->chain), file, length, NULL);

	if (e == ERR_OK) {
		e = chain_add_older(&n->chain, t);
	} else {
		e = council_follow(&t, chain_newest(&n->chain), file, length, NULL);
		if (e)
			return e;
		e = chain_add(&n->chain, t);
		n->accepted_at = n->world->now;
	}
	if (!e && n->exchange)
		e = exchange_topology_changed(n->exchange, instant_of(n));
	return e;
}

static enum err host_topology_offered(void *arg, const uint8_t *file, size_t n, struct report *r)
{
	struct node *node = arg;

	(void)r;
	/* As when it cannot be persisted. */
	if (node->world->now < node->full_until)
		return ERR_FULL;
	return version_accept(node, (const char *)file, n);
}

static enum err host_topology_file(void *arg, uint32_t version, const uint8_t **file, size_t *n)
{
	const struct writing *w = &((struct node *)arg)->world->editions[version].file;

	*file = (const uint8_t *)w->at;
	*n = w->length;
	return ERR_OK;
}

static bool carried_once(struct node *n, struct said *m)
{
	for (size_t i = 0; i < n->chain.count; i++)
		if (oracle_carries(n->world, n->chain.versions[i]->version, n->seat, m))
			return true;
	return false;
}

static bool is_void(void *arg, const struct header *h)
{
	const struct node *n = arg;

	return oracle_void(n->world, chain_newest(&n->chain)->version, h);
}

/* Committed; it may be void by the time that the exchange hears of it, and be gone again. */
static bool committed(const struct node *n, const struct message_id *id)
{
	return memory_store_durable(n->store, id) || memory_store_purged(n->store, id);
}

static void host_stored(void *arg, uint64_t lsn, const struct arrival *a)
{
	struct node *n = arg;
	struct world *w = n->world;
	struct said *m = said_find(w, &a->id);

	(void)lsn;
	/* Of what a liar has just kept some is gone. */
	if (!honest(n) || (n->mended_at && w->now < n->mended_at + COMMIT_MS))
		return;
	if (!committed(n, &a->id))
		broken(w, PROPERTY_DURABLE, n, "a message was shown before it was durable");
	if (!m || m->forged)
		broken(w, PROPERTY_FORGERY, n,
		       "a message was kept that its origin has not written");
	else if (!carried_once(n, m) ||
		 (!party_id_equal(&a->from, &n->id) && w->now > n->accepted_at + COMMIT_MS &&
		  is_void(n, m->header)))
		broken(w, PROPERTY_LEAK, n, "a message was kept by a node that does not carry it");
}

static void host_submitted(void *arg, uint64_t ticket, const struct message_id *id, enum err e)
{
	struct node *n = arg;
	struct said *m;

	(void)ticket;
	if (e || !honest(n))
		return;
	if (!committed(n, id))
		broken(n->world, PROPERTY_DURABLE, n, "an author was told before it was durable");
	m = said_find(n->world, id);
	m->acknowledged = true;
}

static struct node *node_of(const struct world *w, const struct node *n, const struct party_id *id)
{
	for (unsigned i = 0; i < w->wire_count; i++) {
		const struct wire *wire = w->wires[i];
		struct node *a = &w->nodes[wire->a], *b = &w->nodes[wire->b];
		struct node *other = a == n ? b : a;
		if ((a == n || b == n) && party_id_equal(&other->id, id) &&
		    (wire->up || !wire->twin))
			return other;
	}
	return NULL;
}

static void host_ended(void *arg, const struct party_id *peer, bool blame, const char *why)
{
	struct node *n = arg;
	struct world *w = n->world;
	const struct node *other = node_of(w, n, peer);
	struct wire *wire = other ? wire_between(w, n->index, other->index) : NULL;

	if (!wire)
		return;
	wire->cut_wanted = true;
	if (blame && !wire->garbled && honest(n) && honest(other))
		broken(w, PROPERTY_BLAME, n, "%s is honest and was blamed: %.150s", other->name,
		       why);
}

/* What an operator may hear in a run: of its own disk when that fails or was a liar's, of a liar,
 * of what a damaged frame said, of a clone. */
static bool alarm_fits(const struct node *n, const struct node *peer)
{
	const struct world *w = n->world;
	const struct wire *wire =
		peer ? wire_between((struct world *)w, n->index, peer->index) : NULL;

	if (!peer)
		return w->plan.read_error || w->plan.disk_full || n->mended_at;
	return !honest(peer) || (wire && (wire->damaged || wire->twin));
}

static void host_alarm(void *arg, const struct party_id *peer, const char *text)
{
	struct node *n = arg;
	const struct node *other = peer ? node_of(n->world, n, peer) : NULL;

	if (honest(n) && !alarm_fits(n, other))
		broken(n->world, PROPERTY_BLAME, n, "an alarm about nothing: %.200s", text);
}

static void host_work_begin(void *arg, void (*work)(void *, size_t), void *ctx, size_t n,
			    size_t bytes, bool leave_one)
{
	(void)bytes, (void)leave_one;
	struct node *node = arg;
	unsigned most = node->world->plan.late;

	if (node->judging.work)
		abort(); /* two at once */
	node->judging.work = work;
	node->judging.ctx = ctx;
	node->judging.n = n;
	node->judging.left = most ? node->judging.begun++ % most : 0;
}

/* All of it is done at the last moment: whatever it goes by must have stayed. */
static bool host_work_over(void *arg, bool wait)
{
	struct node *node = arg;

	if (!node->judging.work)
		return true;
	if (!wait && node->world->faults && node->judging.left > 0) {
		node->judging.left--;
		return false;
	}
	for (size_t i = node->judging.n; i-- > 0;)
		node->judging.work(node->judging.ctx, i);
	node->judging.work = NULL;
	return true;
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
				     .alarm = host_alarm,
				     .work_begin = host_work_begin,
				     .work_over = host_work_over};

	if (!w->plan.reconcile)
		host.store.trie = NULL;
	memory_store_late(n->store, w->faults ? w->plan.late : 0);
	n->exchange = exchange_new(&options, &host);
	if (!n->exchange || exchange_topology_changed(n->exchange, instant_of(n)) != ERR_OK)
		abort();
	n->incarnation = draw(w);
	n->sequence = 0;
	if (w->plan.watch)
		watch_boot(n);
}

static void node_restore(struct world *w, struct node *n)
{
	struct store_id id;
	unsigned count = (unsigned)memory_store_count(n->store);

	host_random(n, &id, sizeof id);
	memory_store_restore(n->store, draw_below(w, count + 1), &id);
	n->floor = 0;
	loss_review(w, n);
}

void node_crash(struct world *w, struct node *n)
{
	w->result->crashes++;
	exchange_free(n->exchange);
	n->exchange = NULL;
	memory_store_crash(n->store, draw_below(w, 4) == 0);
	n->down_until = w->now + draw_below(w, 1500);
	for (unsigned i = 0; i < w->wire_count; i++) {
		if (w->wires[i]->a == n->index || w->wires[i]->b == n->index)
			wire_cut(w, w->wires[i]);
	}
	if (happens(w, w->plan.restore))
		node_restore(w, n);
}

static void disk_step(struct world *w, struct node *n)
{
	if (happens(w, w->plan.commit_error))
		memory_store_fail(n->store, 1 + draw_below(w, 3));
	if (happens(w, w->plan.read_error))
		memory_store_fail_reads(n->store, 1 + draw_below(w, 3));
	if (happens(w, w->plan.fold_error))
		memory_store_fail_folds(n->store, 1 + draw_below(w, 3));
	if (happens(w, w->plan.disk_full))
		n->full_until = w->now + 500 + draw_below(w, 2000);
	memory_store_full(n->store, w->now < n->full_until);
}

/* What the folder does when it comes to it. */
void node_tidy(struct node *n)
{
	uint32_t floor;
	struct store s = memory_store_interface(n->store);

	memory_store_tidy(n->store);
	memory_store_drop(n->store, is_void, n);
	if (s.get_floor(s.self, &floor) == ERR_OK)
		memory_store_purge(n->store, floor);
}

static void node_write(struct world *w, struct node *n)
{
	unsigned pace = n->deeds & DEED_FLOOD ? 1 : 8;

	if (!w->faults || w->result->messages >= w->plan.messages || draw_below(w, pace))
		return;
	if (n->deeds && draw_below(w, 3) == 0)
		liar_write(w, n);
	else
		message_write(w, n);
}

void node_step(struct world *w, struct node *n)
{
	if (!n->exists)
		return;
	if (!n->exchange) {
		if (w->now >= n->down_until)
			node_boot(n);
		return;
	}
	disk_step(w, n);
	/* Two that are wrong by the same years would be believed. */
	if (n->index == w->plan.nodes - 1 && happens(w, w->plan.clock_jump) && honest(n))
		n->clock_ahead = ((int64_t)draw_below(w, 21) - 10) * YEAR_MS;
	node_write(w, n);
	/* A crash before the turn loses what has arrived; after it, what has been committed but not
	 * answered for; before it is tidied, what is recalled stands there with its body. */
	if (happens(w, w->plan.crash)) {
		node_crash(w, n);
		return;
	}
	for (int turns = 0; turns < 100 && exchange_turn(n->exchange, instant_of(n)); turns++)
		;
	if (happens(w, w->plan.crash))
		node_crash(w, n);
	else if (draw_below(w, 10) == 0)
		node_tidy(n);
}
