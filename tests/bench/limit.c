#include "tests/bench/limit.h"

#include <lmdb.h>
#include <sodium.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "tests/bench/limit_parts.h"

enum { TEXT_BYTES = 40, BATCH = 100000, TIMES = 100, READS = 400000, KEYLESS_BYTES = 7 };

double limit_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

double limit_verifies(void)
{
	uint8_t public[32], secret[64], signature[64], text[TEXT_BYTES] = {1};
	double begun;
	size_t n = 0;

	crypto_sign_keypair(public, secret);
	crypto_sign_detached(signature, NULL, text, sizeof text, secret);
	begun = limit_now();
	for (; n % 256 || limit_now() - begun < 0.2; n++)
		must(crypto_sign_verify_detached(signature, text, sizeof text, public) == 0);
	return (double)n / (limit_now() - begun);
}

/* ---- LMDB ---- */

MDB_env *limit_env(char dir[32], bool make)
{
	MDB_env *env;

	if (make) {
		snprintf(dir, 32, "/tmp/bench-limit-XXXXXX");
		must(mkdtemp(dir));
	}
	must(mdb_env_create(&env) == 0 && mdb_env_set_mapsize(env, (size_t)1 << 40) == 0 &&
	     mdb_env_set_maxdbs(env, 64) == 0 && mdb_env_open(env, dir, 0, 0600) == 0);
	return env;
}

void limit_env_close(MDB_env *env, const char *dir)
{
	char path[64];

	mdb_env_close(env);
	snprintf(path, sizeof path, "%s/data.mdb", dir);
	unlink(path);
	snprintf(path, sizeof path, "%s/lock.mdb", dir);
	unlink(path);
	rmdir(dir);
}

struct entry {
	unsigned table;
	MDB_val key, value;
};

struct entries {
	struct entry *items;
	size_t count, size;
	unsigned tables;
};

static MDB_val copy(const MDB_val *v)
{
	MDB_val out = {v->mv_size, malloc(v->mv_size + 1)};

	must(out.mv_data);
	memcpy(out.mv_data, v->mv_data, v->mv_size);
	return out;
}

static void take(struct entries *e, const MDB_val *key, const MDB_val *value)
{
	if (e->count == e->size) {
		e->size = e->size ? 2 * e->size : 1024;
		e->items = realloc(e->items, e->size * sizeof *e->items);
		must(e->items);
	}
	e->items[e->count++] = (struct entry){e->tables, copy(key), copy(value)};
}

/* How wide a record is, of which a row of the table has many; 0: rows are what they are. */
static size_t width_of(const char *table)
{
	return strcmp(table, "object") == 0 ? 42 : strcmp(table, "value") == 0 ? 32 : 0;
}

static void take_table(struct entries *e, MDB_txn *txn, const char *name)
{
	size_t width = width_of(name);
	MDB_cursor *cursor;
	MDB_val key, value;
	MDB_dbi dbi;

	must(mdb_dbi_open(txn, name, 0, &dbi) == 0 && mdb_cursor_open(txn, dbi, &cursor) == 0);
	while (mdb_cursor_get(cursor, &key, &value, MDB_NEXT) == 0) {
		if (!width)
			take(e, &key, &value);
		must(!width || value.mv_size % width == 0);
		for (size_t i = 0; width && i < value.mv_size; i += width) {
			uint8_t *at = (uint8_t *)value.mv_data + i;
			take(e, &(MDB_val){width - KEYLESS_BYTES, at},
			     &(MDB_val){KEYLESS_BYTES, at + width - KEYLESS_BYTES});
		}
	}
	mdb_cursor_close(cursor);
	e->tables++;
}

/* All of an environment that nobody writes; table: only that one. */
static void take_entries(struct entries *e, const char *dir, const char *table)
{
	MDB_env *env;
	MDB_txn *txn;
	MDB_cursor *cursor;
	MDB_dbi names;
	MDB_val key, value;

	*e = (struct entries){0};
	must(mdb_env_create(&env) == 0 && mdb_env_set_maxdbs(env, 64) == 0 &&
	     mdb_env_open(env, dir, MDB_RDONLY, 0) == 0);
	must(mdb_txn_begin(env, NULL, MDB_RDONLY, &txn) == 0 &&
	     mdb_dbi_open(txn, NULL, 0, &names) == 0 && mdb_cursor_open(txn, names, &cursor) == 0);
	while (mdb_cursor_get(cursor, &key, &value, MDB_NEXT) == 0) {
		char name[64];
		snprintf(name, sizeof name, "%.*s", (int)key.mv_size, (const char *)key.mv_data);
		if (!table || strcmp(name, table) == 0)
			take_table(e, txn, name);
	}
	mdb_cursor_close(cursor);
	mdb_txn_abort(txn);
	mdb_env_close(env);
}

static void entries_clear(struct entries *e)
{
	for (size_t i = 0; i < e->count; i++) {
		free(e->items[i].key.mv_data);
		free(e->items[i].value.mv_data);
	}
	free(e->items);
}

static void shuffle(struct entries *e)
{
	uint64_t seed = 1;

	for (size_t i = e->count; i > 1; i--) {
		size_t j;
		struct entry swap = e->items[i - 1];
		seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
		j = (size_t)((seed >> 11) % i);
		e->items[i - 1] = e->items[j];
		e->items[j] = swap;
	}
}

static int by_key(const void *a, const void *b)
{
	const struct entry *p = a, *q = b;
	size_t n = p->key.mv_size < q->key.mv_size ? p->key.mv_size : q->key.mv_size;
	int c = p->table != q->table ? (p->table > q->table) - (p->table < q->table)
				     : memcmp(p->key.mv_data, q->key.mv_data, n);

	return c ? c : (p->key.mv_size > q->key.mv_size) - (p->key.mv_size < q->key.mv_size);
}

static void insert(MDB_env *env, const MDB_dbi *tables, struct entry *items, size_t n)
{
	MDB_txn *txn;

	qsort(items, n, sizeof *items, by_key);
	must(mdb_txn_begin(env, NULL, 0, &txn) == 0);
	for (size_t i = 0; i < n; i++)
		must(mdb_put(txn, tables[items[i].table], &items[i].key, &items[i].value, 0) == 0);
	must(mdb_txn_commit(txn) == 0);
}

static void tables_make(MDB_env *env, MDB_dbi *tables, unsigned n)
{
	MDB_txn *txn;

	must(mdb_txn_begin(env, NULL, 0, &txn) == 0);
	for (unsigned i = 0; i < n; i++) {
		char name[16];
		snprintf(name, sizeof name, "%u", i);
		must(mdb_dbi_open(txn, name, MDB_CREATE, &tables[i]) == 0);
	}
	must(mdb_txn_commit(txn) == 0);
}

double limit_inserts(const char *from, size_t *count)
{
	struct entries e;
	MDB_dbi tables[64];
	char dir[32];
	MDB_env *env = limit_env(dir, true);
	double begun, took;

	take_entries(&e, from, NULL);
	shuffle(&e);
	tables_make(env, tables, e.tables);
	begun = limit_now();
	for (size_t i = 0; i < e.count; i += BATCH)
		insert(env, tables, e.items + i, e.count - i < BATCH ? e.count - i : BATCH);
	took = limit_now() - begun;
	*count = e.count;
	limit_env_close(env, dir);
	entries_clear(&e);
	return (double)*count / took;
}

double limit_reads(const char *from, const char *table)
{
	struct entries e;
	MDB_dbi dbi;
	char dir[32];
	MDB_env *env = limit_env(dir, true);
	MDB_txn *txn;
	MDB_val value;
	double begun, took;

	take_entries(&e, from, table);
	tables_make(env, &dbi, 1);
	insert(env, &dbi, e.items, e.count);
	shuffle(&e);
	must(mdb_txn_begin(env, NULL, MDB_RDONLY, &txn) == 0);
	begun = limit_now();
	for (size_t i = 0; i < READS; i++)
		must(mdb_get(txn, dbi, &e.items[i % e.count].key, &value) == 0);
	took = limit_now() - begun;
	mdb_txn_abort(txn);
	limit_env_close(env, dir);
	entries_clear(&e);
	return READS / took;
}

/* ---- an alert ---- */

static int by_size(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double commit_ms(void)
{
	static uint8_t message[700];
	double took[TIMES];
	MDB_dbi table;
	char dir[32];
	MDB_env *env = limit_env(dir, true);

	tables_make(env, &table, 1);
	for (size_t i = 0; i < TIMES; i++) {
		double begun = limit_now();
		uint64_t number = i;
		MDB_val key = {sizeof number, &number}, value = {sizeof message, message};
		MDB_txn *txn;
		must(mdb_txn_begin(env, NULL, 0, &txn) == 0);
		must(mdb_put(txn, table, &key, &value, 0) == 0 && mdb_txn_commit(txn) == 0);
		took[i] = (limit_now() - begun) * 1e3;
	}
	limit_env_close(env, dir);
	qsort(took, TIMES, sizeof *took, by_size);
	return took[TIMES / 2];
}

double limit_alert(size_t hops)
{
	double verify = 1e3 / limit_verifies(), commit = commit_ms();

	/* Signing takes less than half of verifying, and a message one way half a round trip. */
	return verify / 2 + commit + (double)hops * (limit_round_trip_ms() / 2 + verify + commit);
}
