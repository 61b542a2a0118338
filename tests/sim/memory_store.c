#include "tests/sim/memory_store_state.h"

#include <stdlib.h>
#include <string.h>

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

void memory_cut(struct memory_store *m, size_t count)
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
	memory_cut(m, 0);
	memory_trie_clear(&m->trie);
	free(m->entries);
	free(m);
}

void *memory_copy(const void *p, size_t n)
{
	void *out = malloc(n ? n : 1);

	if (!out)
		abort();
	if (n)
		memcpy(out, p, n);
	return out;
}

/* From the end of an id: some are ground to begin alike. */
static size_t bucket_of(const struct message_id *id)
{
	return (size_t)(id->b[MESSAGE_ID_BYTES - 2] | id->b[MESSAGE_ID_BYTES - 1] << 8) % BUCKETS;
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

/* What a relay that drops messages does not keep. */
static bool is_lost(const struct memory_store *m, const struct arrival *a)
{
	const struct losing *l = &m->losing;
	const uint8_t *header = a->message.header;
	uint8_t one = l->audiences ? header[ORIGIN_OFFSET + PARTY_ID_BYTES + 9] : a->id.b[9];

	if (l->one_in == 0 || (l->but_beacons && header[KIND_OFFSET] == KIND_BEACON))
		return false;
	return (uint8_t)(one + l->salt) % l->one_in == 0;
}

static enum err append(void *self, const struct arrival *a, uint64_t *lsn)
{
	struct memory_store *m = self;
	struct entry *e;

	if (m->full)
		return ERR_FULL;
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
			    .lost = is_lost(m, a),
			    .floor = m->floor,
			    .header_length = a->message.header_length};
	e->header = memory_copy(a->message.header, a->message.header_length + SIGNATURE_BYTES);
	if (a->message.body) {
		e->body = memory_copy(a->message.body, a->message.body_length);
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

void memory_index(struct memory_store *m, size_t from)
{
	for (size_t i = from; i < m->committed; i++) {
		size_t *bucket = &m->buckets[bucket_of(&m->entries[i].id)];
		struct message_id ref;
		m->entries[i].next = *bucket;
		*bucket = i + 1;
		memcpy(ref.b, m->entries[i].header + REF_OFFSET, sizeof ref.b);
		bucket = &m->refs[bucket_of(&ref)];
		m->entries[i].next_ref = *bucket;
		*bucket = i + 1;
	}
}

static enum err commit(void *self)
{
	struct memory_store *m = self;
	size_t from = m->committed;

	if (m->failing || m->full) {
		m->failing -= m->failing > 0;
		memory_cut(m, m->committed);
		return ERR_FULL;
	}
	m->committed = m->count;
	memcpy(m->cursors, m->cursors_open, sizeof m->cursors);
	m->cursor_count = m->cursor_open_count;
	m->floor = m->floor_open;
	m->has_floor = m->has_floor_open;
	memory_index(m, from);
	return ERR_OK;
}

static void forget(void *self);

static enum err late_commit(struct memory_store *m)
{
	struct late *l = &m->late;
	enum err e = begin(m);

	for (size_t i = 0; i < l->count && !e; i++)
		e = append(m, &l->arrivals[i], &l->lsns[i]);
	l->arrivals = NULL;
	if (!e)
		return commit(m);
	forget(m);
	return e;
}

static enum err keep(void *self, const struct arrival *arrivals, size_t n, uint64_t *lsns)
{
	struct memory_store *m = self;
	struct late *l = &m->late;

	if (l->untold)
		abort(); /* two batches at once */
	l->arrivals = arrivals;
	l->lsns = lsns;
	l->count = n;
	l->head = m->committed;
	l->untold = true;
	l->left = l->most ? (unsigned)(m->committed % l->most) : 0;
	return ERR_OK;
}

static bool kept(void *self, bool wait, enum err *e)
{
	struct memory_store *m = self;
	struct late *l = &m->late;

	if (!wait && l->left > 0) {
		l->left--;
		return false;
	}
	if (l->arrivals) {
		l->e = late_commit(m);
		if (!wait && l->most)
			return false;
	}
	l->untold = false;
	*e = l->e;
	return true;
}

static void forget(void *self)
{
	struct memory_store *m = self;

	memory_cut(m, m->committed);
}

static struct store_id id_of(void *self)
{
	return ((struct memory_store *)self)->id;
}

/* Positions that the exchange knows of. */
static uint64_t told(const struct memory_store *m)
{
	return m->late.untold ? m->late.head : m->committed;
}

static uint64_t head(void *self)
{
	return told(self);
}

bool memory_there(const struct entry *e)
{
	return !e->purged_at && !e->lost;
}

struct entry *memory_entry_find(const struct memory_store *m, const struct message_id *id)
{
	for (size_t at = m->buckets[bucket_of(id)]; at; at = m->entries[at - 1].next) {
		struct entry *e = &m->entries[at - 1];
		if (message_id_equal(&e->id, id) && memory_there(e))
			return e;
	}
	return NULL;
}

bool memory_store_durable(const struct memory_store *m, const struct message_id *id)
{
	return memory_entry_find(m, id) != NULL;
}

bool memory_store_accepted(const struct memory_store *m, const struct message_id *id)
{
	const struct entry *e = memory_entry_find(m, id);

	return e && e->verdict == VERDICT_ACCEPTED && (size_t)(e - m->entries) < told(m);
}

bool memory_store_purged(const struct memory_store *m, const struct message_id *id)
{
	for (size_t at = m->buckets[bucket_of(id)]; at; at = m->entries[at - 1].next) {
		if (message_id_equal(&m->entries[at - 1].id, id) && m->entries[at - 1].purged_at)
			return true;
	}
	return false;
}

static enum err find(void *self, const struct message_id *id, uint64_t *lsn)
{
	const struct memory_store *m = self;
	const struct entry *e = memory_entry_find(m, id);

	if (e)
		*lsn = (uint64_t)(e - m->entries) + 1;
	return e ? ERR_OK : ERR_NOT_FOUND;
}

static bool read_fails(struct memory_store *m)
{
	if (!m->failing_reads)
		return false;
	m->failing_reads--;
	return true;
}

static enum err next(void *self, uint64_t lsn, struct stored *out)
{
	struct memory_store *m = self;
	const struct entry *e;

	if (read_fails(m))
		return ERR_IO;
	if (lsn == 0)
		lsn = 1;
	while (lsn <= m->committed && !memory_there(&m->entries[lsn - 1]))
		lsn++;
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

static enum err body(void *self, const struct stored *message, uint8_t *out, size_t n)
{
	struct memory_store *m = self;
	const struct entry *e = &m->entries[message->lsn - 1];

	if (read_fails(m))
		return ERR_IO;
	if (!e->body || e->erased_at)
		return ERR_NOT_FOUND;
	if (e->body_length != n)
		return ERR_DAMAGED;
	memcpy(out, e->body, n);
	return ERR_OK;
}

/* Newest first; *at is the last one told. */
static enum err refs(void *self, const struct message_id *id, uint64_t *at, uint64_t *lsn)
{
	struct memory_store *m = self;
	size_t i = *at ? m->entries[*at - 1].next_ref : m->refs[bucket_of(id)];

	for (; i; i = m->entries[i - 1].next_ref) {
		const struct entry *e = &m->entries[i - 1];
		if (!memory_there(e) || memcmp(e->header + REF_OFFSET, id->b, sizeof id->b) != 0)
			continue;
		*at = *lsn = i;
		return ERR_OK;
	}
	return ERR_NOT_FOUND;
}

void memory_store_erase(struct memory_store *m, const struct message_id *id)
{
	struct entry *e = memory_entry_find(m, id);

	if (e && !e->erased_at)
		e->erased_at = m->committed;
}

bool memory_store_has_body(const struct memory_store *m, const struct message_id *id)
{
	const struct entry *e = memory_entry_find(m, id);

	return e && e->body && !e->erased_at;
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

/* Entries before `to` that the trie does not show yet. */
static enum err fold(struct memory_store *m, size_t to)
{
	struct trie_change *changes = calloc(to - m->folded + 1, sizeof *changes);
	struct header h;
	size_t n = 0;
	enum err e;

	if (!changes)
		abort();
	for (; m->folded < to; m->folded++) {
		const struct entry *entry = &m->entries[m->folded];
		if (!memory_there(entry))
			continue;
		if (header_decode(&h, entry->header, entry->header_length) != ERR_OK)
			abort();
		changes[n++] = (struct trie_change){.key = trie_key_of(&h, &entry->id),
						    .lsn = m->folded + 1};
	}
	e = trie_fold(&m->trie_store, changes, n);
	free(changes);
	if (e) { /* no transaction to give up: all of it again, the next time */
		memory_trie_clear(&m->trie);
		memory_trie_init(&m->trie);
		m->folded = 0;
	}
	return e;
}

enum err memory_catch_up(void *self)
{
	struct memory_store *m = self;

	if (m->failing_folds) {
		enum err e = fold(m, m->folded + (m->committed - m->folded) / 2);
		m->failing_folds--;
		return e ? e : ERR_BUSY;
	}
	return fold(m, m->committed);
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
			      .keep = keep,
			      .kept = kept,
			      .id = id_of,
			      .head = head,
			      .find = find,
			      .next = next,
			      .refs = refs,
			      .body = body,
			      .get_cursor = get_cursor,
			      .get_floor = get_floor,
			      .trie = trie,
			      .catch_up = memory_catch_up,
			      .busy = busy};
}

void memory_store_late(struct memory_store *m, unsigned most)
{
	m->late.most = most;
	m->late.left = 0;
}

void memory_store_fail(struct memory_store *m, unsigned n)
{
	m->failing = n;
}

void memory_store_full(struct memory_store *m, bool full)
{
	m->full = full;
}

void memory_store_fail_reads(struct memory_store *m, unsigned n)
{
	m->failing_reads = n;
}

void memory_store_fail_folds(struct memory_store *m, unsigned n)
{
	m->failing_folds = n;
}

void memory_store_lose(struct memory_store *m, const struct losing *losing)
{
	m->losing = *losing;
}

size_t memory_store_count(const struct memory_store *m)
{
	return m->committed;
}
