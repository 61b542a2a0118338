/* Do the holders of a role have the same of what is sealed to it?  Asked on the loop's thread, by
 * the admin socket's. */
#include "node/duty/node_drain.h"

#include <stdlib.h>
#include <string.h>

#include "keys/rolekey.h"
#include "node/node_parts.h"

struct drain_call {
	struct desk_call call;
	struct node *node;
	const struct party_id *role;
	bool begin;
	struct drain *drain;
	enum err e;
};

static enum err copy(struct drained *d, const struct count_result *r)
{
	d->result = *r;
	d->result.lines = malloc((r->count + 1) * sizeof *r->lines);
	if (!d->result.lines)
		return ERR_MEMORY;
	if (r->count)
		memcpy(d->result.lines, r->lines, r->count * sizeof *r->lines);
	return ERR_OK;
}

static void drain_run(struct desk_call *call)
{
	struct drain_call *x = call->arg;
	struct node *n = x->node;
	const struct count_result *r;

	for (size_t i = 0; i < x->drain->count && !x->e; i++) {
		struct drained *d = &x->drain->holders[i];
		enum err e = ERR_OK;
		if (x->begin)
			e = exchange_count(n->exchange, &d->id, x->role, node_now());
		if (e == ERR_MEMORY)
			x->e = e;
		d->linked = e != ERR_STATE;
		d->state = exchange_counted(n->exchange, &d->id, x->role, &r);
		if (!x->e && d->state != COUNT_NONE)
			x->e = copy(d, r);
	}
	n->more = true;
	desk_done(n->desk, call);
}

void drain_clear(struct drain *d)
{
	for (size_t i = 0; i < d->count; i++)
		free(d->holders[i].result.lines);
	*d = (struct drain){0};
}

enum err node_drain(struct node *n, const struct topology *t, const struct party *role, bool begin,
		    struct drain *out)
{
	struct drain_call x = {.call = {.run = drain_run},
			       .node = n,
			       .role = &role->id,
			       .begin = begin,
			       .drain = out};

	*out = (struct drain){0};
	for (size_t i = 0; i < role->holder_count; i++) {
		const struct party *holder = &t->parties[role->holders[i]];
		if (!party_id_equal(&holder->id, &n->self))
			out->holders[out->count++].id = holder->id;
	}
	x.call.arg = &x;
	return desk_call(n->desk, &x.call) ? x.e : ERR_STATE;
}

/* Does a hold every key that b does? */
static bool holds_all(const uint16_t *a, size_t n, const uint16_t *b, size_t m)
{
	for (size_t i = 0; i < m; i++) {
		bool found = false;
		for (size_t k = 0; k < n; k++)
			found |= a[k] == b[i];
		if (!found)
			return false;
	}
	return true;
}

bool drained_is(const struct drained *d)
{
	const struct count_result *r = &d->result;

	return d->state == COUNT_SAME &&
	       holds_all(r->keys, r->key_count, r->their_keys, r->their_key_count) &&
	       holds_all(r->their_keys, r->their_key_count, r->keys, r->key_count);
}

size_t drain_role_keys(struct node *n, const struct party_id *id, uint16_t keys[KEYS_MAX])
{
	const struct party *role = topology_party_by_id(versions_newest(n->versions), id);
	struct rolekey held;

	if (!role || role->kind != PARTY_ROLE)
		return 0;
	rolekey_held(&held, n->identity, role);
	memcpy(keys, held.numbers, sizeof held.numbers);
	return held.count;
}
