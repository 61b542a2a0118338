/* drain: may a role be taken from one of its holders? */
#include <string.h>

#include "node/admin/answer.h"
#include "node/duty/node_drain.h"

/* Who is in an audience, as one of its messages tells; none of it may be here. */
static void who_show(struct answer *a, const struct audience_id *audience)
{
	struct trie_key key = trie_root(audience).first;
	struct text *t = &a->reply;
	struct trie_store s;
	struct trie_entry entry;
	struct log_row row;
	struct header h;
	char name[PARTY_TEXT_BYTES];
	uint64_t lsn;

	admin_put_name(t, "who");
	text_str(t, "[");
	if (index_trie(a->index, &s) == ERR_OK &&
	    s.seek(s.self, TRIE_RANGE, key.b, sizeof key.b, &entry) == ERR_OK &&
	    trie_read_key(&entry, &key, &lsn) == ERR_OK &&
	    memcmp(key.b, audience->b, sizeof audience->b) == 0 &&
	    log_read(a->log, lsn, &row) == ERR_OK && row_header(&row, &h))
		for (size_t i = 0; i < h.recipient_count; i++)
			admin_put_string(t, NULL, answer_party(a, name, &h.recipients[i].party));
	text_str(t, "]");
}

static void keys_show(struct text *t, const char *name, const uint16_t *keys, size_t n)
{
	admin_put_name(t, name);
	text_str(t, "[");
	for (size_t i = 0; i < n; i++)
		admin_put_number(t, NULL, keys[i]);
	text_str(t, "]");
}

static const char *state_str(const struct drained *d)
{
	if (!d->linked)
		return "not linked";
	switch (d->state) {
	case COUNT_NONE:
		return "not asked";
	case COUNT_RUNNING:
		return "running";
	case COUNT_SAME:
		return drained_is(d) ? "same" : "other keys";
	case COUNT_REFUSED:
		return "refused";
	case COUNT_ENDED:
		return "ended";
	}
	return NULL;
}

static void holder_show(struct answer *a, const struct drained *d)
{
	struct text *t = &a->reply;
	const struct count_result *r = &d->result;
	char name[PARTY_TEXT_BYTES];

	admin_put_name(t, NULL);
	text_str(t, "{");
	admin_put_string(t, "node", answer_party(a, name, &d->id));
	admin_put_string(t, "state", state_str(d));
	admin_put_time(t, "begun", r->begun);
	keys_show(t, "keys", r->keys, r->key_count);
	keys_show(t, "their_keys", r->their_keys, r->their_key_count);
	admin_put_name(t, "audiences");
	text_str(t, "[");
	for (size_t i = 0; i < r->count; i++) {
		admin_put_name(t, NULL);
		text_str(t, "{");
		admin_put_hex(t, "audience", r->lines[i].audience.b, AUDIENCE_ID_BYTES);
		who_show(a, &r->lines[i].audience);
		admin_put_number(t, "messages", r->lines[i].ours);
		admin_put_number(t, "their_messages", r->lines[i].theirs);
		admin_put_bool(t, "same", r->lines[i].same);
		text_str(t, "}");
	}
	text_str(t, "]}");
}

/* The role, when this node holds it with others; NULL after saying why not. */
static const struct party *role_named(struct answer *a, const struct topology *t, const char *name)
{
	const struct party *role = t && name ? topology_party(t, name) : NULL;
	bool holds = false;

	a->where = name;
	if (!role || role->kind != PARTY_ROLE) {
		report_add(&a->report, "%s is no role in the topology in force",
			   name ? name : "it");
		return NULL;
	}
	for (size_t i = 0; i < role->holder_count; i++)
		holds |= strcmp(t->parties[role->holders[i]].name, node_config(a->node)->node) == 0;
	if (!holds)
		report_add(&a->report, "this node does not hold %s: ask at %s", role->name,
			   t->parties[role->holders[0]].name);
	else if (role->holder_count == 1)
		report_add(&a->report, "%s has one holder: there is nobody to compare with",
			   role->name);
	return holds && role->holder_count > 1 ? role : NULL;
}

enum err answer_drain(struct answer *a)
{
	const struct topology *t = versions_newest(node_versions(a->node));
	const char *name = admin_string(&a->request, "role");
	bool begin = admin_flag(&a->request, "begin"), running = false, drained = true;
	const struct party *role;
	struct drain d = {0};
	enum err e;

	if (!admin_request_done(&a->request) || !answer_no_frames(a))
		return ERR_FORMAT;
	role = role_named(a, t, name);
	if (!role)
		return ERR_STATE;
	e = node_drain(a->node, t, role, begin, &d);
	if (!e)
		e = answer_catch_up(a);
	for (size_t i = 0; i < d.count; i++) {
		running |= d.holders[i].linked && d.holders[i].state == COUNT_RUNNING;
		drained = drained && drained_is(&d.holders[i]);
	}
	if (!e) {
		admin_put_string(&a->reply, "role", role->name);
		admin_put_number(&a->reply, "version", t->version);
		admin_put_string(&a->reply, "node", node_config(a->node)->node);
		admin_put_bool(&a->reply, "running", running);
		admin_put_bool(&a->reply, "drained", drained);
		admin_put_name(&a->reply, "holders");
		text_str(&a->reply, "[");
		for (size_t i = 0; i < d.count; i++)
			holder_show(a, &d.holders[i]);
		text_str(&a->reply, "]");
	}
	drain_clear(&d);
	return e;
}
