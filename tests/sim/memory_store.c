#include "tests/sim/memory_store.h"
#include "tests/trie_memory.h"

#include <stdlib.h>
#include <string.h>

enum { CURSORS_MAX = 64, BUCKETS = 4096 };

struct entry {
	struct message_id id;
	struct party_id from;
	enum verdict verdict;
	uint8_t *header; /* and signature */
	size_t header_length;
	uint8_t *body;
	size_t body_length;
	size_t erased_at; /* how many there were when the body went; 0: it did not */
	bool first;       /* of its transaction */
	size_t next;      /* in its bucket, plus one */
};

struct saved {
	struct party_id peer;
	struct cursor cursor;
};

struct memory_store {
	struct store_id id;
	struct entry *entries; /* committed first, then those of the open transaction */
	size_t count, size, committed;
	struct saved cursors[CURSORS_MAX], cursors_open[CURSORS_MAX];
	size_t cursor_count, cursor_open_count;
	uint32_t floor, floor_open;
	bool has_floor, has_floor_open;
	size_t buckets[BUCKETS]; /* of committed entries, plus one */
	unsigned failing;
	struct memory_trie trie;
	struct trie_store trie_store;
	size_t folded; /* entries that the trie shows */
};

struct memory_store *memory_store_new(const struct store_id *id)
{
	struct memory_store *m = calloc(1, sizeof *m);

	if (!m)
		abort();
	m->id = *id;
	memory_trie_init(&m->trie);
	m->trie_store = memory_trie_store(&m->trie);
	return m;
}

static void entries_cut(struct memory_store *m, size_t count)
{
	while (m->count > count) {
		m->count--;
		free(m->entries[m->count].header);
		free(m->entries[m->count].body);
	}
}

void memory_store_free(struct memory_store *m)
{
	if (!m)
		return;
	entries_cut(m, 0);
	memory_trie_clear(&m->trie);
	free(m->entries);
	free(m);
}

static void *copy(const void *p, size_t n)
{
	void *out = malloc(n ? n : 1);

	if (!out)
		abort();
	if (n)
		memcpy(out, p, n);
	return out;
}

static size_t bucket_of(const struct message_id *id)
{
	return (size_t)(id->b[0] | id->b[1] << 8) % BUCKETS;
}

static enum err begin(void *self)
{
	struct memory_store *m = self;

	if (m->count != m->committed)
		abort(); /* two transactions at once */
	memcpy(m->cursors_open, m->cursors, sizeof m->cursors);
	m->cursor_open_count = m->cursor_count;
	m->floor_open = m->floor;
	m->has_floor_open = m->has_floor;
	return ERR_OK;
}

static enum err append(void *self, const struct arrival *a, uint64_t *lsn)
{
	struct memory_store *m = self;
	struct entry *e;

	if (m->count == m->size) {
		m->size = m->size ? 2 * m->size : 64;
		m->entries = realloc(m->entries, m->size * sizeof *m->entries);
		if (!m->entries)
			abort();
	}
	e = &m->entries[m->count++];
	*e = (struct entry){.id = a->id,
			    .from = a->from,
			    .verdict = a->verdict,
			    .first = m->count == m->committed + 1,
			    .header_length = a->message.header_length};
	e->header = copy(a->message.header, a->message.header_length + SIGNATURE_BYTES);
	if (a->message.body) {
		e->body = copy(a->message.body, a->message.body_length);
		e->body_length = a->message.body_length;
	}
	*lsn = m->count;
	return ERR_OK;
}

static enum err put_cursor(void *self, const struct party_id *peer, const struct cursor *cursor)
{
	struct memory_store *m = self;

	for (size_t i = 0; i < m->cursor_open_count; i++) {
		if (party_id_equal(&m->cursors_open[i].peer, peer)) {
			m->cursors_open[i].cursor = *cursor;
			return ERR_OK;
		}
	}
	if (m->cursor_open_count == CURSORS_MAX)
		return ERR_FULL;
	m->cursors_open[m->cursor_open_count++] = (struct saved){*peer, *cursor};
	return ERR_OK;
}

static enum err put_floor(void *self, uint32_t hours)
{
	struct memory_store *m = self;

	m->floor_open = hours;
	m->has_floor_open = true;
	return ERR_OK;
}

static void index_all(struct memory_store *m, size_t from)
{
	for (size_t i = from; i < m->committed; i++) {
		size_t *bucket = &m->buckets[bucket_of(&m->entries[i].id)];
		m->entries[i].next = *bucket;
		*bucket = i + 1;
	}
}

static enum err commit(void *self)
{
	struct memory_store *m = self;
	size_t from = m->committed;

	if (m->failing) {
		m->failing--;
		entries_cut(m, m->committed);
		return ERR_FULL;
	}
	m->committed = m->count;
	memcpy(m->cursors, m->cursors_open, sizeof m->cursors);
	m->cursor_count = m->cursor_open_count;
	m->floor = m->floor_open;
	m->has_floor = m->has_floor_open;
	index_all(m, from);
	return ERR_OK;
}

static void forget(void *self)
{
	struct memory_store *m = self;

	entries_cut(m, m->committed);
}

static struct store_id id_of(void *self)
{
	return ((struct memory_store *)self)->id;
}

static uint64_t head(void *self)
{
	return ((struct memory_store *)self)->committed;
}

bool memory_store_durable(const struct memory_store *m, const struct message_id *id)
{
	for (size_t at = m->buckets[bucket_of(id)]; at; at = m->entries[at - 1].next) {
		if (message_id_equal(&m->entries[at - 1].id, id))
			return true;
	}
	return false;
}

static enum err find(void *self, const struct message_id *id)
{
	return memory_store_durable(self, id) ? ERR_OK : ERR_NOT_FOUND;
}

static enum err next(void *self, uint64_t lsn, struct stored *out)
{
	struct memory_store *m = self;
	const struct entry *e;

	if (lsn == 0)
		lsn = 1;
	if (lsn > m->committed)
		return ERR_NOT_FOUND;
	e = &m->entries[lsn - 1];
	*out = (struct stored){.lsn = lsn,
			       .id = e->id,
			       .from = e->from,
			       .verdict = e->verdict,
			       .has_body = e->body && !e->erased_at,
			       .header = e->header,
			       .header_length = e->header_length};
	return ERR_OK;
}

static enum err body(void *self, const struct stored *message, uint8_t **out, size_t *n)
{
	struct memory_store *m = self;
	const struct entry *e = &m->entries[message->lsn - 1];

	if (!e->body || e->erased_at)
		return ERR_NOT_FOUND;
	*out = copy(e->body, e->body_length);
	*n = e->body_length;
	return ERR_OK;
}

static enum err refs(void *self, const struct message_id *id, uint64_t *at, uint64_t *lsn)
{
	struct memory_store *m = self;

	while (*at < m->committed) {
		const struct entry *e = &m->entries[(*at)++];
		if (e->header_length >= HEADER_FIXED_BYTES &&
		    memcmp(e->header + REF_OFFSET, id->b, sizeof id->b) == 0) {
			*lsn = *at;
			return ERR_OK;
		}
	}
	return ERR_NOT_FOUND;
}

void memory_store_erase(struct memory_store *m, const struct message_id *id)
{
	for (size_t i = 0; i < m->committed; i++) {
		if (message_id_equal(&m->entries[i].id, id) && !m->entries[i].erased_at)
			m->entries[i].erased_at = m->committed;
	}
}

bool memory_store_has_body(const struct memory_store *m, const struct message_id *id)
{
	for (size_t i = 0; i < m->committed; i++) {
		if (message_id_equal(&m->entries[i].id, id))
			return m->entries[i].body && !m->entries[i].erased_at;
	}
	return false;
}

static enum err get_cursor(void *self, const struct party_id *peer, struct cursor *cursor)
{
	struct memory_store *m = self;

	for (size_t i = 0; i < m->cursor_count; i++) {
		if (party_id_equal(&m->cursors[i].peer, peer)) {
			*cursor = m->cursors[i].cursor;
			return ERR_OK;
		}
	}
	return ERR_NOT_FOUND;
}

static enum err get_floor(void *self, uint32_t *hours)
{
	struct memory_store *m = self;

	*hours = m->floor;
	return m->has_floor ? ERR_OK : ERR_NOT_FOUND;
}

static const struct trie_store *trie(void *self)
{
	return &((struct memory_store *)self)->trie_store;
}

static enum err catch_up(void *self)
{
	struct memory_store *m = self;
	struct trie_change *changes = calloc(m->committed - m->folded + 1, sizeof *changes);
	struct header h;
	size_t n = 0;
	enum err e;

	if (!changes)
		abort();
	for (; m->folded < m->committed; m->folded++) {
		const struct entry *entry = &m->entries[m->folded];
		if (header_decode(&h, entry->header, entry->header_length) != ERR_OK)
			abort();
		changes[n++] = (struct trie_change){.key = trie_key_of(&h, &entry->id),
						    .lsn = m->folded + 1};
	}
	e = trie_fold(&m->trie_store, changes, n);
	free(changes);
	return e;
}

static bool busy(void *self)
{
	(void)self;
	return false;
}

struct store memory_store_interface(struct memory_store *m)
{
	return (struct store){.self = m,
			      .begin = begin,
			      .append = append,
			      .put_cursor = put_cursor,
			      .put_floor = put_floor,
			      .commit = commit,
			      .abort = forget,
			      .id = id_of,
			      .head = head,
			      .find = find,
			      .next = next,
			      .refs = refs,
			      .body = body,
			      .get_cursor = get_cursor,
			      .get_floor = get_floor,
			      .trie = trie,
			      .catch_up = catch_up,
			      .busy = busy};
}

void memory_store_crash(struct memory_store *m)
{
	entries_cut(m, m->committed);
}

void memory_store_fail(struct memory_store *m, unsigned n)
{
	m->failing = n;
}

size_t memory_store_count(const struct memory_store *m)
{
	return m->committed;
}

void memory_store_restore(struct memory_store *m, size_t n, const struct store_id *id)
{
	/* A backup is of a moment between two transactions. */
	while (n < m->committed && n > 0 && !m->entries[n].first)
		n--;
	entries_cut(m, n);
	m->committed = m->count;
	for (size_t i = 0; i < m->count; i++) {
		if (m->entries[i].erased_at > n)
			m->entries[i].erased_at = 0;
	}
	m->id = *id;
	m->cursor_count = 0;
	memory_trie_clear(&m->trie);
	m->folded = 0;
	memset(m->buckets, 0, sizeof m->buckets);
	index_all(m, 0);
}
