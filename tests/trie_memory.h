/* The two tables of the trie in memory: sorted rows in chunks.  For tests, benches and the
 * simulator. */
#ifndef TESTS_TRIE_MEMORY_H
#define TESTS_TRIE_MEMORY_H

#include <stdlib.h>
#include <string.h>

#include "protocol/trie.h"

enum { MEMORY_CHUNK_ROWS = 256, MEMORY_VALUE_MAX = AGGREGATE_BYTES };

struct memory_row {
	uint8_t key[TRIE_NODE_KEY_MAX];
	uint8_t key_length, value_length;
	uint8_t value[];
};

struct memory_table {
	struct memory_chunk {
		size_t count;
		uint8_t rows[]; /* MEMORY_CHUNK_ROWS of row_bytes */
	} * *chunks;
	size_t chunk_count, chunk_size, row_bytes, rows;
	size_t chunk, row; /* where the walk stands */
};

struct memory_trie {
	struct memory_table tables[TRIE_TABLES];
	uint64_t reads; /* seeks and nexts */
};

static inline struct memory_row *memory_row_at(const struct memory_table *t, size_t chunk,
					       size_t row)
{
	return (struct memory_row *)(void *)(t->chunks[chunk]->rows + row * t->row_bytes);
}

static inline int memory_compare(const struct memory_row *r, const void *key, size_t n)
{
	int c = memcmp(r->key, key, r->key_length < n ? r->key_length : n);
	return c ? c : (r->key_length > n) - (r->key_length < n);
}

/* The chunk and row of the first row at or after the key; the row may be behind its chunk's last.
 */
static inline bool memory_find(const struct memory_table *t, const void *key, size_t n,
			       size_t *chunk, size_t *row)
{
	size_t low = 0, high = t->chunk_count;
	while (high - low > 1) {
		size_t middle = low + (high - low) / 2;
		if (memory_compare(memory_row_at(t, middle, 0), key, n) <= 0)
			low = middle;
		else
			high = middle;
	}
	*chunk = low;
	*row = 0;
	if (t->chunk_count == 0)
		return false;
	for (high = t->chunks[low]->count; *row < high;) {
		size_t middle = *row + (high - *row) / 2;
		if (memory_compare(memory_row_at(t, low, middle), key, n) < 0)
			*row = middle + 1;
		else
			high = middle;
	}
	return *row < t->chunks[low]->count &&
	       memory_compare(memory_row_at(t, low, *row), key, n) == 0;
}

static inline enum err memory_entry(struct memory_table *t, struct trie_entry *out)
{
	const struct memory_row *r;
	if (t->chunk < t->chunk_count && t->row == t->chunks[t->chunk]->count) {
		t->chunk++;
		t->row = 0;
	}
	if (t->chunk >= t->chunk_count)
		return ERR_NOT_FOUND;
	r = memory_row_at(t, t->chunk, t->row);
	*out = (struct trie_entry){r->key, r->value, r->key_length, r->value_length};
	return ERR_OK;
}

static inline enum err memory_seek(void *self, enum trie_table table, const void *key, size_t n,
				   struct trie_entry *out)
{
	struct memory_trie *m = self;
	struct memory_table *t = &m->tables[table];
	m->reads++;
	memory_find(t, key, n, &t->chunk, &t->row);
	return memory_entry(t, out);
}

static inline enum err memory_next(void *self, enum trie_table table, struct trie_entry *out)
{
	struct memory_trie *m = self;
	struct memory_table *t = &m->tables[table];
	m->reads++;
	t->row++;
	return memory_entry(t, out);
}

static inline enum err memory_add_chunk(struct memory_table *t, size_t at)
{
	struct memory_chunk *c = malloc(sizeof *c + MEMORY_CHUNK_ROWS * t->row_bytes);
	if (c && t->chunk_count == t->chunk_size) {
		size_t size = t->chunk_size ? 2 * t->chunk_size : 16;
		struct memory_chunk **grown = realloc(t->chunks, size * sizeof(*grown));
		if (!grown) {
			free(c);
			return ERR_MEMORY;
		}
		t->chunks = grown;
		t->chunk_size = size;
	}
	if (!c)
		return ERR_MEMORY;
	c->count = 0;
	memmove(t->chunks + at + 1, t->chunks + at, (t->chunk_count - at) * sizeof *t->chunks);
	t->chunks[at] = c;
	t->chunk_count++;
	return ERR_OK;
}

/* Makes room for a row; a full chunk is halved, one that is filled in order is left full. */
static inline enum err memory_open_row(struct memory_table *t, size_t *chunk, size_t *row)
{
	struct memory_chunk *c;
	size_t keep;
	if (t->chunk_count == 0 && memory_add_chunk(t, 0))
		return ERR_MEMORY;
	c = t->chunks[*chunk];
	if (c->count == MEMORY_CHUNK_ROWS) {
		keep = *row == c->count ? c->count : c->count / 2;
		if (memory_add_chunk(t, *chunk + 1))
			return ERR_MEMORY;
		c = t->chunks[*chunk];
		t->chunks[*chunk + 1]->count = c->count - keep;
		memcpy(t->chunks[*chunk + 1]->rows, c->rows + keep * t->row_bytes,
		       (c->count - keep) * t->row_bytes);
		c->count = keep;
		if (*row > keep || keep == MEMORY_CHUNK_ROWS) {
			*row -= keep;
			c = t->chunks[++*chunk];
		}
	}
	memmove(c->rows + (*row + 1) * t->row_bytes, c->rows + *row * t->row_bytes,
		(c->count - *row) * t->row_bytes);
	c->count++;
	t->rows++;
	return ERR_OK;
}

static inline enum err memory_write(struct memory_table *t, bool replace, const void *key, size_t n,
				    const void *value, size_t m)
{
	size_t chunk, row;
	struct memory_row *r;
	bool there = memory_find(t, key, n, &chunk, &row);
	if (there && !replace)
		return ERR_EXISTS;
	if (!there && memory_open_row(t, &chunk, &row))
		return ERR_MEMORY;
	r = memory_row_at(t, chunk, row);
	memset(r, 0, t->row_bytes);
	memcpy(r->key, key, n);
	memcpy(r->value, value, m);
	r->key_length = (uint8_t)n;
	r->value_length = (uint8_t)m;
	return ERR_OK;
}

static inline enum err memory_insert(void *self, enum trie_table table, const void *key, size_t n,
				     const void *value, size_t m)
{
	return memory_write(&((struct memory_trie *)self)->tables[table], false, key, n, value, m);
}

static inline enum err memory_put(void *self, enum trie_table table, const void *key, size_t n,
				  const void *value, size_t m)
{
	return memory_write(&((struct memory_trie *)self)->tables[table], true, key, n, value, m);
}

static inline enum err memory_remove(void *self, enum trie_table table, const void *key, size_t n)
{
	struct memory_table *t = &((struct memory_trie *)self)->tables[table];
	struct memory_chunk *c;
	size_t chunk, row;
	if (!memory_find(t, key, n, &chunk, &row))
		return ERR_NOT_FOUND;
	c = t->chunks[chunk];
	c->count--;
	t->rows--;
	memmove(c->rows + row * t->row_bytes, c->rows + (row + 1) * t->row_bytes,
		(c->count - row) * t->row_bytes);
	if (c->count == 0) {
		free(c);
		t->chunk_count--;
		memmove(t->chunks + chunk, t->chunks + chunk + 1,
			(t->chunk_count - chunk) * sizeof(*t->chunks));
	}
	return ERR_OK;
}

static inline void memory_trie_init(struct memory_trie *m)
{
	memset(m, 0, sizeof *m);
	m->tables[TRIE_RANGE].row_bytes = sizeof(struct memory_row) + TRIE_LSN_BYTES;
	m->tables[TRIE_NODES].row_bytes = sizeof(struct memory_row) + AGGREGATE_BYTES;
}

static inline void memory_trie_clear(struct memory_trie *m)
{
	for (size_t i = 0; i < TRIE_TABLES; i++) {
		for (size_t c = 0; c < m->tables[i].chunk_count; c++)
			free(m->tables[i].chunks[c]);
		free(m->tables[i].chunks);
	}
	memory_trie_init(m);
}

static inline struct trie_store memory_trie_store(struct memory_trie *m)
{
	return (struct trie_store){m,          memory_seek,  memory_next, memory_insert,
				   memory_put, memory_remove};
}

/* True when both hold the same rows, byte for byte. */
static inline bool memory_equal(struct memory_trie *a, struct memory_trie *b, enum trie_table table)
{
	struct memory_table *t = &a->tables[table], *u = &b->tables[table];
	size_t i = 0, j = 0, k = 0, l = 0;
	if (t->rows != u->rows)
		return false;
	for (size_t n = 0; n < t->rows; n++, j++, l++) {
		while (j == t->chunks[i]->count) {
			i++;
			j = 0;
		}
		while (l == u->chunks[k]->count) {
			k++;
			l = 0;
		}
		if (memcmp(memory_row_at(t, i, j), memory_row_at(u, k, l), t->row_bytes) != 0)
			return false;
	}
	return true;
}

#endif
