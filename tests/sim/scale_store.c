#include "tests/sim/scale_store.h"

#include <stdlib.h>
#include <string.h>

#include "tests/trie_memory.h"

enum { POOL_BUCKETS = 1 << 16 };

struct pooled {
	struct message_id id;
	uint8_t *bytes; /* header, signature, body */
	size_t header_length, body_length;
	size_t next; /* in its bucket, plus one */
};

struct scale_pool {
	struct pooled *messages;
	size_t count, size;
	size_t buckets[POOL_BUCKETS]; /* plus one */
};

struct row {
	uint32_t message;
	uint32_t verdict;
	struct party_id from;
};

struct saved {
	struct party_id peer;
	struct cursor cursor;
};

struct scale_store {
	struct scale_pool *pool;
	struct store_id id;
	struct row *rows; /* committed first, then those of the open transaction */
	size_t count, size, committed, folded;
	uint8_t *held; /* a bit for each message of the pool; committed only */
	size_t held_bytes;
	struct saved *cursors; /* written at once: nothing crashes here */
	size_t cursor_count;
	uint32_t floor;
	struct memory_trie trie;
	struct trie_store trie_store;
};

/* Grows to hold at least n; aborts when memory is short. */
static void *grown(void *at, size_t *size, size_t n, size_t each)
{
	if (n <= *size)
		return at;
	*size = n > 2 * *size ? n : 2 * *size;
	at = realloc(at, *size * each);
	if (!at)
		abort();
	return at;
}

struct scale_pool *scale_pool_new(void)
{
	struct scale_pool *p = calloc(1, sizeof *p);

	if (!p)
		abort();
	return p;
}

void scale_pool_free(struct scale_pool *p)
{
	for (size_t i = 0; i < p->count; i++)
		free(p->messages[i].bytes);
	free(p->messages);
	free(p);
}

static size_t bucket_of(const struct message_id *id)
{
	return (size_t)(id->b[0] | id->b[1] << 8);
}

size_t scale_pool_find(const struct scale_pool *p, const struct message_id *id)
{
	for (size_t at = p->buckets[bucket_of(id)]; at; at = p->messages[at - 1].next) {
		if (message_id_equal(&p->messages[at - 1].id, id))
			return at - 1;
	}
	return SIZE_MAX;
}

size_t scale_pool_add(struct scale_pool *p, const struct message_view *m)
{
	size_t head = m->header_length + SIGNATURE_BYTES;
	struct pooled *new;

	p->messages = grown(p->messages, &p->size, p->count + 1, sizeof *p->messages);
	new = &p->messages[p->count++];
	*new = (struct pooled){.id = message_id_of(m->header, m->header_length),
			       .bytes = malloc(head + m->body_length),
			       .header_length = m->header_length,
			       .body_length = m->body_length};
	if (!new->bytes)
		abort();
	memcpy(new->bytes, m->header, head);
	memcpy(new->bytes + head, m->body, m->body_length);
	new->next = p->buckets[bucket_of(&new->id)];
	p->buckets[bucket_of(&new->id)] = p->count;
	return p->count - 1;
}

struct scale_store *scale_store_new(struct scale_pool *pool, const struct store_id *id)
{
	struct scale_store *s = calloc(1, sizeof *s);

	if (!s)
		abort();
	s->pool = pool;
	s->id = *id;
	memory_trie_init(&s->trie);
	s->trie_store = memory_trie_store(&s->trie);
	return s;
}

void scale_store_free(struct scale_store *s)
{
	memory_trie_clear(&s->trie);
	free(s->rows);
	free(s->held);
	free(s->cursors);
	free(s);
}

void scale_store_rename(struct scale_store *s, const struct store_id *id)
{
	s->id = *id;
	s->cursor_count = 0;
}

static enum err begin(void *self)
{
	struct scale_store *s = self;

	if (s->count != s->committed)
		abort(); /* two transactions at once */
	return ERR_OK;
}

static enum err append(void *self, const struct arrival *a, uint64_t *lsn)
{
	struct scale_store *s = self;
	size_t message = scale_pool_find(s->pool, &a->id);

	if (message == SIZE_MAX)
		abort(); /* nobody has written it */
	s->rows = grown(s->rows, &s->size, s->count + 1, sizeof *s->rows);
	s->rows[s->count++] = (struct row){(uint32_t)message, a->verdict, a->from};
	*lsn = s->count;
	return ERR_OK;
}

static enum err put_cursor(void *self, const struct party_id *peer, const struct cursor *cursor)
{
	struct scale_store *s = self;
	struct saved *more;

	for (size_t i = 0; i < s->cursor_count; i++) {
		if (party_id_equal(&s->cursors[i].peer, peer)) {
			s->cursors[i].cursor = *cursor;
			return ERR_OK;
		}
	}
	more = realloc(s->cursors, (s->cursor_count + 1) * sizeof *more);
	if (!more)
		abort();
	s->cursors = more;
	s->cursors[s->cursor_count++] = (struct saved){*peer, *cursor};
	return ERR_OK;
}

static enum err put_floor(void *self, uint32_t hours)
{
	((struct scale_store *)self)->floor = hours;
	return ERR_OK;
}

static enum err commit(void *self)
{
	struct scale_store *s = self;
	size_t bytes = s->held_bytes;

	s->held = grown(s->held, &s->held_bytes, s->pool->count / 8 + 1, 1);
	memset(s->held + bytes, 0, s->held_bytes - bytes);
	for (; s->committed < s->count; s->committed++) {
		uint32_t message = s->rows[s->committed].message;
		s->held[message / 8] |= (uint8_t)(1 << message % 8);
	}
	return ERR_OK;
}

static void forget(void *self)
{
	struct scale_store *s = self;

	s->count = s->committed;
}

static struct store_id id_of(void *self)
{
	return ((struct scale_store *)self)->id;
}

static uint64_t head(void *self)
{
	return ((struct scale_store *)self)->committed;
}

static enum err find(void *self, const struct message_id *id, uint64_t *lsn)
{
	const struct scale_store *s = self;
	size_t message = scale_pool_find(s->pool, id);

	if (message == SIZE_MAX || message / 8 >= s->held_bytes ||
	    !(s->held[message / 8] & 1 << message % 8))
		return ERR_NOT_FOUND;
	for (*lsn = 1; *lsn < s->committed && s->rows[*lsn - 1].message != message;)
		++*lsn;
	return ERR_OK;
}

static enum err next(void *self, uint64_t lsn, struct stored *out)
{
	const struct scale_store *s = self;
	const struct pooled *m;
	const struct row *row;

	if (lsn == 0)
		lsn = 1;
	if (lsn > s->committed)
		return ERR_NOT_FOUND;
	row = &s->rows[lsn - 1];
	m = &s->pool->messages[row->message];
	*out = (struct stored){.lsn = lsn,
			       .id = m->id,
			       .from = row->from,
			       .verdict = (enum verdict)row->verdict,
			       .has_body = m->body_length > 0,
			       .header = m->bytes,
			       .header_length = m->header_length};
	return ERR_OK;
}

static enum err body(void *self, const struct stored *message, uint8_t *body, size_t n)
{
	const struct scale_store *s = self;
	const struct pooled *m = &s->pool->messages[s->rows[message->lsn - 1].message];

	if (n != m->body_length)
		abort();
	memcpy(body, m->bytes + m->header_length + SIGNATURE_BYTES, n);
	return ERR_OK;
}

/* Nothing is recalled here. */
static enum err refs(void *self, const struct message_id *id, uint64_t *at, uint64_t *lsn)
{
	(void)self, (void)id, (void)at, (void)lsn;
	return ERR_NOT_FOUND;
}

static enum err get_cursor(void *self, const struct party_id *peer, struct cursor *cursor)
{
	const struct scale_store *s = self;

	for (size_t i = 0; i < s->cursor_count; i++) {
		if (party_id_equal(&s->cursors[i].peer, peer)) {
			*cursor = s->cursors[i].cursor;
			return ERR_OK;
		}
	}
	return ERR_NOT_FOUND;
}

static enum err get_floor(void *self, uint32_t *hours)
{
	*hours = ((struct scale_store *)self)->floor;
	return *hours ? ERR_OK : ERR_NOT_FOUND;
}

static const struct trie_store *trie(void *self)
{
	return &((struct scale_store *)self)->trie_store;
}

static enum err catch_up(void *self)
{
	struct scale_store *s = self;
	size_t n = s->committed - s->folded;
	struct trie_change *changes = calloc(n + 1, sizeof *changes);
	struct header h;
	enum err e;

	if (!changes)
		abort();
	for (size_t i = 0; i < n; i++, s->folded++) {
		const struct pooled *m = &s->pool->messages[s->rows[s->folded].message];
		if (header_decode(&h, m->bytes, m->header_length) != ERR_OK)
			abort();
		changes[i] =
			(struct trie_change){.key = trie_key_of(&h, &m->id), .lsn = s->folded + 1};
	}
	e = trie_fold(&s->trie_store, changes, n);
	free(changes);
	return e;
}

static bool busy(void *self)
{
	(void)self;
	return false;
}

struct store scale_store_interface(struct scale_store *s)
{
	return (struct store){.self = s,
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
