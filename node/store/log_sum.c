/* What finds that the disk has changed a value or a topology: each value has a check of its own, so
 * that none is believed that is damaged, and one sum is over all values and topologies, so that
 * none is gone.  SPEC.md 6.1. */
#include <errno.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "node/store/log_parts.h"

enum { SUM_BYTES = 32, VALUE_TABLE = 1, TOPOLOGY_TABLE = 2, KEY_MAX_BYTES = 511 /* of LMDB */ };

static MDB_val sum_key(void)
{
	return (MDB_val){3, (void *)(uintptr_t) "sum"};
}

/* BLAKE2b-256(table 1 | key length 2 | key | the first n bytes) */
static void hash_entry(uint8_t out[SUM_BYTES], uint8_t table, const MDB_val *key, const void *bytes,
		       size_t n)
{
	crypto_generichash_state state;
	const uint8_t head[] = {table, (uint8_t)(key->mv_size >> 8), (uint8_t)key->mv_size};

	crypto_generichash_init(&state, NULL, 0, SUM_BYTES);
	crypto_generichash_update(&state, head, sizeof head);
	crypto_generichash_update(&state, key->mv_data, key->mv_size);
	crypto_generichash_update(&state, bytes, n);
	crypto_generichash_final(&state, out, SUM_BYTES);
}

/* SPEC 6.1: "the exclusive or of BLAKE2b-256(table 1 | key length 2 | key | value and check) of all
 * of them, table being 1 for `value` and 2 for `topology`" */
static void sum_toggle(uint8_t sum[SUM_BYTES], uint8_t table, const MDB_val *key,
		       const MDB_val *value)
{
	uint8_t one[SUM_BYTES];

	hash_entry(one, table, key, value->mv_data, value->mv_size);
	for (size_t i = 0; i < sizeof one; i++)
		sum[i] ^= one[i];
}

/* SPEC 6.1: "The check of a value is the first 8 bytes of BLAKE2b-256(1 | key length 2 | key |
 * value)." */
bool log_value_open(const MDB_val *key, MDB_val *value)
{
	uint8_t hash[SUM_BYTES];
	size_t n = value->mv_size;

	if (n < CHECK_BYTES)
		return false;
	n -= CHECK_BYTES;
	hash_entry(hash, VALUE_TABLE, key, value->mv_data, n);
	value->mv_size = n;
	return memcmp(hash, (const uint8_t *)value->mv_data + n, CHECK_BYTES) == 0;
}

/* A value with its check; owned by the caller, NULL when memory is short. */
static uint8_t *value_close(const MDB_val *key, const MDB_val *value)
{
	uint8_t hash[SUM_BYTES], *bytes = malloc(value->mv_size + CHECK_BYTES);

	if (!bytes)
		return NULL;
	if (value->mv_size)
		memcpy(bytes, value->mv_data, value->mv_size);
	hash_entry(hash, VALUE_TABLE, key, value->mv_data, value->mv_size);
	memcpy(bytes + value->mv_size, hash, CHECK_BYTES);
	return bytes;
}

static uint8_t number_of(const struct log_tables *t, MDB_dbi table)
{
	return table == t->topology ? TOPOLOGY_TABLE : VALUE_TABLE;
}

static int sum_read(MDB_txn *txn, const struct log_tables *t, uint8_t sum[SUM_BYTES])
{
	MDB_val key = sum_key(), value;
	int rc = mdb_get(txn, t->meta, &key, &value);

	if (rc == 0 && value.mv_size != SUM_BYTES)
		rc = MDB_CORRUPTED;
	if (rc == 0)
		memcpy(sum, value.mv_data, SUM_BYTES);
	return rc;
}

static int sum_write(MDB_txn *txn, const struct log_tables *t, uint8_t sum[SUM_BYTES])
{
	MDB_val key = sum_key(), value = {SUM_BYTES, sum};

	return mdb_put(txn, t->meta, &key, &value, 0);
}

static int add_table(MDB_txn *txn, const struct log_tables *t, MDB_dbi table,
		     uint8_t sum[SUM_BYTES])
{
	MDB_cursor *cursor;
	MDB_val key, value;
	int rc = mdb_cursor_open(txn, table, &cursor);

	if (rc != 0)
		return rc;
	while ((rc = mdb_cursor_get(cursor, &key, &value, MDB_NEXT)) == 0)
		sum_toggle(sum, number_of(t, table), &key, &value);
	mdb_cursor_close(cursor);
	return rc == MDB_NOTFOUND ? 0 : rc;
}

static int sum_count(MDB_txn *txn, const struct log_tables *t, uint8_t sum[SUM_BYTES])
{
	memset(sum, 0, SUM_BYTES);
	int rc = add_table(txn, t, t->value, sum);
	return rc ? rc : add_table(txn, t, t->topology, sum);
}

int log_sum_begin(MDB_txn *txn, const struct log_tables *t)
{
	uint8_t sum[SUM_BYTES];
	int rc = sum_read(txn, t, sum);

	/* One that is there stays, whatever it says: what it does not agree with is damaged. */
	if (rc != MDB_NOTFOUND)
		return rc == MDB_CORRUPTED ? 0 : rc;
	rc = sum_count(txn, t, sum);
	return rc ? rc : sum_write(txn, t, sum);
}

/* What a damaged value has given to the sum nobody knows: it is counted again once that has gone.
 */
static int sum_recount(MDB_txn *txn, const struct log_tables *t)
{
	uint8_t sum[SUM_BYTES];
	int rc = sum_count(txn, t, sum);

	return rc ? rc : sum_write(txn, t, sum);
}

static bool is_whole(const struct log_tables *t, MDB_dbi table, const MDB_val *key, MDB_val value)
{
	return table != t->value || log_value_open(key, &value);
}

int log_sum_put(MDB_txn *txn, const struct log_tables *t, MDB_dbi table, MDB_val *key,
		MDB_val *value)
{
	uint8_t sum[SUM_BYTES], number = number_of(t, table);
	MDB_val old;
	int rc = sum_read(txn, t, sum), found = mdb_get(txn, table, key, &old);
	bool whole;

	if (found != 0 && found != MDB_NOTFOUND)
		return found;
	whole = found != 0 || is_whole(t, table, key, old);
	if (rc == 0) {
		if (found == 0)
			sum_toggle(sum, number, key, &old);
		sum_toggle(sum, number, key, value);
		rc = sum_write(txn, t, sum);
	} else if (rc == MDB_NOTFOUND || rc == MDB_CORRUPTED) {
		rc = 0; /* check-store says so */
		whole = true;
	}
	if (rc == 0)
		rc = mdb_put(txn, table, key, value, 0);
	return rc || whole ? rc : sum_recount(txn, t);
}

int log_value_put(MDB_txn *txn, const struct log_tables *t, MDB_val *key, const MDB_val *value)
{
	MDB_val stored = {value->mv_size + CHECK_BYTES, value_close(key, value)};
	int rc = stored.mv_data ? log_sum_put(txn, t, t->value, key, &stored) : ENOMEM;

	free(stored.mv_data);
	return rc;
}

/* A sum that did not agree does not do so afterwards.  LMDB writes over the key that it has lent.
 */
static int value_raise(MDB_cursor *cursor, const MDB_val *lent, const MDB_val *old,
		       uint8_t sum[SUM_BYTES])
{
	uint8_t bytes[KEY_MAX_BYTES];
	MDB_val key = {lent->mv_size, bytes};
	MDB_val stored = {old->mv_size + CHECK_BYTES, NULL};
	int rc = MDB_CORRUPTED;

	if (key.mv_size > sizeof bytes)
		return rc;
	memcpy(bytes, lent->mv_data, key.mv_size);
	stored.mv_data = value_close(&key, old);
	if (!stored.mv_data)
		return ENOMEM;
	sum_toggle(sum, VALUE_TABLE, &key, old);
	sum_toggle(sum, VALUE_TABLE, &key, &stored);
	rc = mdb_cursor_put(cursor, &key, &stored, MDB_CURRENT);
	free(stored.mv_data);
	return rc;
}

int log_values_raise(MDB_txn *txn, const struct log_tables *t)
{
	uint8_t sum[SUM_BYTES] = {0};
	MDB_cursor *cursor;
	MDB_val key, value;
	int rc = sum_read(txn, t, sum);
	bool kept = rc == 0;

	if (kept || rc == MDB_NOTFOUND || rc == MDB_CORRUPTED)
		rc = mdb_cursor_open(txn, t->value, &cursor);
	if (rc != 0)
		return rc;
	while ((rc = mdb_cursor_get(cursor, &key, &value, MDB_NEXT)) == 0) {
		rc = value_raise(cursor, &key, &value, sum);
		if (rc != 0)
			break;
	}
	mdb_cursor_close(cursor);
	if (rc != MDB_NOTFOUND)
		return rc;
	return kept ? sum_write(txn, t, sum) : 0;
}

int log_sum_drop(MDB_txn *txn, const struct log_tables *t, const char *prefix)
{
	size_t n = strlen(prefix);
	uint8_t sum[SUM_BYTES] = {0};
	MDB_cursor *cursor;
	bool changed = false, whole = true;
	int rc = sum_read(txn, t, sum);
	bool kept = rc == 0;

	/* Where there is none, check-store says so. */
	if (kept || rc == MDB_NOTFOUND || rc == MDB_CORRUPTED)
		rc = mdb_cursor_open(txn, t->value, &cursor);
	if (rc != 0)
		return rc;
	while (rc == 0) {
		MDB_val key = {n, (void *)(uintptr_t)prefix}, found;
		rc = mdb_cursor_get(cursor, &key, &found, MDB_SET_RANGE);
		if (rc == 0 && (key.mv_size < n || memcmp(key.mv_data, prefix, n) != 0))
			rc = MDB_NOTFOUND;
		if (rc == 0) {
			sum_toggle(sum, number_of(t, t->value), &key, &found);
			whole = whole && is_whole(t, t->value, &key, found);
			changed = true;
			rc = mdb_cursor_del(cursor, 0);
		}
	}
	mdb_cursor_close(cursor);
	if (rc != MDB_NOTFOUND)
		return rc;
	if (!kept || !changed)
		return 0;
	return whole ? sum_write(txn, t, sum) : sum_recount(txn, t);
}

int log_sum_holds(MDB_txn *txn, const struct log_tables *t, bool *holds)
{
	uint8_t said[SUM_BYTES], counted[SUM_BYTES];
	int rc = sum_read(txn, t, said);

	*holds = false;
	if (rc != 0)
		return rc == MDB_CORRUPTED ? 0 : rc;
	rc = sum_count(txn, t, counted);
	*holds = rc == 0 && memcmp(said, counted, sizeof said) == 0;
	return rc;
}
