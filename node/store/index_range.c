/* The reconciliation index on LMDB: the tables range and trie. */
#include "node/store/index_parts.h"

#include <string.h>

static MDB_dbi dbi_of(const struct index_tables *t, enum trie_table table)
{
	return table == TRIE_RANGE ? t->range : t->trie;
}

static enum err at_cursor(struct range_store *r, enum trie_table table, MDB_cursor_op op,
			  MDB_val key, struct trie_entry *out)
{
	MDB_val value;
	int rc = mdb_cursor_get(r->cursors[table], &key, &value, op);
	if (rc == 0)
		*out = (struct trie_entry){key.mv_data, value.mv_data, key.mv_size, value.mv_size};
	return lmdb_err(rc);
}

static MDB_val val_of(const void *p, size_t n)
{
	return (MDB_val){n, (void *)(uintptr_t)p};
}

static enum err range_seek(void *self, enum trie_table table, const void *key, size_t n,
			   struct trie_entry *out)
{
	return at_cursor(self, table, MDB_SET_RANGE, val_of(key, n), out);
}

static enum err range_next(void *self, enum trie_table table, struct trie_entry *out)
{
	return at_cursor(self, table, MDB_NEXT, (MDB_val){0}, out);
}

/* Through the cursor: rows come in order, and it starts from the page that it stands on. */
static enum err range_write(struct range_store *r, enum trie_table table, unsigned flags,
			    const void *key, size_t n, const void *value, size_t m)
{
	MDB_val k = val_of(key, n), v = val_of(value, m);
	return lmdb_err(mdb_cursor_put(r->cursors[table], &k, &v, flags));
}

static enum err range_insert(void *self, enum trie_table table, const void *key, size_t n,
			     const void *value, size_t m)
{
	return range_write(self, table, MDB_NOOVERWRITE, key, n, value, m);
}

static enum err range_put(void *self, enum trie_table table, const void *key, size_t n,
			  const void *value, size_t m)
{
	return range_write(self, table, 0, key, n, value, m);
}

static enum err range_remove(void *self, enum trie_table table, const void *key, size_t n)
{
	struct range_store *r = self;
	MDB_val k = val_of(key, n);
	int rc = mdb_cursor_get(r->cursors[table], &k, NULL, MDB_SET);
	return lmdb_err(rc != 0 ? rc : mdb_cursor_del(r->cursors[table], 0));
}

int range_open(struct range_store *r, MDB_txn *txn, const struct index_tables *tables)
{
	int rc = 0;
	memset(r, 0, sizeof *r);
	for (int t = 0; rc == 0 && t < TRIE_TABLES; t++)
		rc = mdb_cursor_open(txn, dbi_of(tables, (enum trie_table)t), &r->cursors[t]);
	return rc;
}

void range_close(struct range_store *r)
{
	for (int t = 0; t < TRIE_TABLES; t++) {
		if (r->cursors[t])
			mdb_cursor_close(r->cursors[t]);
	}
	memset(r, 0, sizeof *r);
}

struct trie_store range_interface(struct range_store *r)
{
	return (struct trie_store){r,         range_seek,  range_next, range_insert,
				   range_put, range_remove};
}

enum err index_trie(struct index_reader *reader, struct trie_store *out)
{
	struct range_store *r = &reader->range;
	enum err e = reader_ready(reader);
	int rc = 0;
	if (e)
		return e;
	if (!r->cursors[0])
		rc = range_open(r, reader->txn, &reader->index->env.tables);
	else if (reader->range_renewal != reader->renewals)
		for (int t = 0; rc == 0 && t < TRIE_TABLES; t++)
			rc = mdb_cursor_renew(reader->txn, r->cursors[t]);
	reader->range_renewal = reader->renewals;
	*out = range_interface(r);
	return lmdb_err(rc);
}

enum err range_fold(MDB_txn *txn, const struct index_tables *tables, struct trie_change *changes,
		    size_t n)
{
	struct range_store r;
	int rc = range_open(&r, txn, tables);
	struct trie_store s = range_interface(&r);
	enum err e = rc != 0 ? lmdb_err(rc) : trie_fold(&s, changes, n);
	range_close(&r);
	return e;
}
