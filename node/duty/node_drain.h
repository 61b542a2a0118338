/* Whether the holders of a role have the same of what is sealed to it, before the council signs the
 * version that lets one of them go.  SPEC.md 4.13. */
#ifndef NODE_NODE_DRAIN_H
#define NODE_NODE_DRAIN_H

#include "node/node.h"

/* This node beside another holder. */
struct drained {
	struct party_id id;
	bool linked; /* false: the comparison could not begin */
	enum count_state state;
	struct count_result result; /* owns its lines */
};

struct drain {
	struct drained holders[HOLDERS_MAX];
	size_t count;
};

/* Any thread but the loop's.  Begins to compare with each other holder, or only looks how far that
 * has come.  The caller calls drain_clear() in any case. */
enum err node_drain(struct node *n, const struct topology *t, const struct party *role, bool begin,
		    struct drain *out);
void drain_clear(struct drain *d);
/* Both have the same, and the same keys. */
bool drained_is(const struct drained *d);
/* The loop's thread: for struct exchange_host. */
size_t drain_role_keys(struct node *n, const struct party_id *role, uint16_t keys[KEYS_MAX]);

#endif
