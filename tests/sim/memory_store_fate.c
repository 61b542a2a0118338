/* What becomes of a store in memory: crashes, copies, old backups, purges, and what is checked of
 * it.
 */
#include "tests/sim/memory_store_state.h"

#include <stdlib.h>
#include <string.h>

#include "protocol/recall.h"

void memory_store_tidy(struct memory_store *m)
{
	struct header recall, target;

	for (; m->tidied < m->committed; m->tidied++) {
		const struct entry *e = &m->entries[m->tidied];
		struct entry *taken;
		if (!memory_there(e) || e->verdict != VERDICT_ACCEPTED ||
		    e->header[KIND_OFFSET] != KIND_RECALL ||
		    header_decode(&recall, e->header, e->header_length) != ERR_OK)
			continue;
		taken = memory_entry_find(m, &recall.ref);
		if (taken &&
		    header_decode(&target, taken->header, taken->header_length) == ERR_OK &&
		    recall_applies(&recall, &target, &taken->id))
			memory_store_erase(m, &taken->id);
	}
}

static void trie_forget(struct memory_store *m)
{
	memory_trie_clear(&m->trie);
	m->folded = 0;
}

void memory_store_crash(struct memory_store *m, bool index_lost)
{
	memory_cut(m, m->committed);
	if (index_lost)
		trie_forget(m);
}

struct memory_store *memory_store_copy(const struct memory_store *m)
{
	struct memory_store *c = memory_store_new(&m->id);

	c->count = c->committed = c->size = m->committed;
	c->entries = memory_copy(m->entries, m->committed * sizeof *m->entries);
	for (size_t i = 0; i < c->count; i++) {
		struct entry *e = &c->entries[i];
		e->header = memory_copy(e->header, e->header_length + SIGNATURE_BYTES);
		e->body = e->body ? memory_copy(e->body, e->body_length) : NULL;
	}
	memcpy(c->cursors, m->cursors, sizeof c->cursors);
	c->cursor_count = m->cursor_count;
	c->floor = m->floor;
	c->has_floor = m->has_floor;
	memory_index(c, 0);
	return c;
}

void memory_store_restore(struct memory_store *m, size_t n, const struct store_id *id)
{
	/* A backup is of a moment between two transactions. */
	while (n < m->committed && n > 0 && !m->entries[n].first)
		n--;
	memory_cut(m, n);
	m->committed = m->count;
	for (size_t i = 0; i < m->count; i++) {
		if (m->entries[i].erased_at > n)
			m->entries[i].erased_at = 0;
		if (m->entries[i].purged_at > n)
			m->entries[i].purged_at = 0;
	}
	m->id = *id;
	m->cursor_count = 0;
	m->floor = n ? m->entries[n - 1].floor : 0;
	m->has_floor = m->floor > 0;
	m->tidied = 0;
	trie_forget(m);
	memset(m->buckets, 0, sizeof m->buckets);
	memset(m->refs, 0, sizeof m->refs);
	memory_index(m, 0);
}

void memory_store_drop(struct memory_store *m, bool (*gone)(void *arg, const struct header *h),
		       void *arg)
{
	struct header h;

	if (memory_catch_up(m) != ERR_OK)
		return;
	for (size_t i = 0; i < m->committed; i++) {
		struct entry *e = &m->entries[i];
		struct trie_change change = {.remove = true, .lsn = i + 1};
		if (!memory_there(e) || header_decode(&h, e->header, e->header_length) != ERR_OK ||
		    !gone(arg, &h))
			continue;
		change.key = trie_key_of(&h, &e->id);
		e->purged_at = m->committed;
		if (trie_fold(&m->trie_store, &change, 1) != ERR_OK)
			abort();
	}
}

void memory_store_purge(struct memory_store *m, uint32_t floor)
{
	enum { BATCH = 50 };
	struct trie_change changes[BATCH];
	struct audience_id at = {0};
	size_t n;

	if (memory_catch_up(m) != ERR_OK)
		return;
	do {
		if (trie_expired(&m->trie_store, floor, &at, changes, BATCH, &n) != ERR_OK)
			abort();
		for (size_t i = 0; i < n; i++)
			m->entries[changes[i].lsn - 1].purged_at = m->committed;
		if (n && trie_fold(&m->trie_store, changes, n) != ERR_OK)
			abort();
	} while (n == BATCH);
}

bool memory_store_rebuilds(struct memory_store *m)
{
	struct memory_trie live = m->trie, fresh;
	size_t folded;
	bool same;

	m->failing_folds = 0;
	if (memory_catch_up(m) != ERR_OK)
		return false;
	live = m->trie;
	folded = m->folded;
	memory_trie_init(&m->trie);
	m->folded = 0;
	same = memory_catch_up(m) == ERR_OK;
	fresh = m->trie;
	m->trie = live;
	m->folded = folded;
	for (enum trie_table t = 0; t < TRIE_TABLES; t++)
		same = same && memory_equal(&m->trie, &fresh, t);
	memory_trie_clear(&fresh);
	return same;
}

bool memory_store_agree(struct memory_store *a, struct memory_store *b,
			const struct audience_id *audience)
{
	struct trie_entry x = {0}, y = {0};

	for (enum trie_table t = 0; t < TRIE_TABLES; t++) {
		enum err e = memory_seek(&a->trie, t, audience->b, sizeof audience->b, &x);
		enum err f = memory_seek(&b->trie, t, audience->b, sizeof audience->b, &y);
		for (;;) {
			bool in_a = !e && memcmp(x.key, audience->b, sizeof audience->b) == 0;
			bool in_b = !f && memcmp(y.key, audience->b, sizeof audience->b) == 0;
			if (in_a != in_b)
				return false;
			if (!in_a)
				break;
			/* Positions are each store's own. */
			if (x.key_length != y.key_length ||
			    memcmp(x.key, y.key, x.key_length) != 0 ||
			    (t == TRIE_NODES && memcmp(x.value, y.value, x.value_length) != 0))
				return false;
			e = memory_next(&a->trie, t, &x);
			f = memory_next(&b->trie, t, &y);
		}
	}
	return true;
}
