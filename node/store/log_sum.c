/* One sum over all values and topologies of the log, which carry no check of their own: it finds
 * what the disk has changed, without another row for each of them.  SPEC.md 6.1. */
#include <sodium.h>
#include <string.h>

#include "node/store/log_parts.h"

enum { SUM_BYTES = 32 };

static MDB_val sum_key(void)
{
	return (MDB_val){3, (void *)(uintptr_t) "sum"};
}

/* SPEC 6.1: "the exclusive or of BLAKE2b-256(table 1 | key length 2 | key | value) of all of them,
 * table being 1 for `value` and 2 for `topology`" */
static void sum_toggle(uint8_t sum[SUM_BYTES], uint8_t table, const MDB_val *key,
		       const MDB_val *value)
{
	crypto_generichash_state state;
	const uint8_t head[] = {table, (uint8_t)(key->mv_size >> 8), (uint8_t)key->mv_size};
	uint8_t one[SUM_BYTES];

	crypto_generichash_init(&state, NULL, 0, sizeof one);
	crypto_generichash_update(&state, head, sizeof head);
	crypto_generichash_update(&state, key->mv_data, key->mv_size);
	crypto_generichash_update(&state, value->mv_data, value->mv_size);
	crypto_generichash_final(&state, one, sizeof one);
	for (size_t i = 0; i < sizeof one; i++)
		sum[i] ^= one[i];
}

static uint8_t number_of(const struct log_tables *t, MDB_dbi table)
{
	return table == t->topology ? 2 : 1;
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

int log_sum_put(MDB_txn *txn, const struct log_tables *t, MDB_dbi table, MDB_val *key,
		MDB_val *value)
{
	uint8_t sum[SUM_BYTES], number = number_of(t, table);
	MDB_val old;
	int rc = sum_read(txn, t, sum), found = mdb_get(txn, table, key, &old);

	if (found != 0 && found != MDB_NOTFOUND)
		return found;
	if (rc == 0) {
		if (found == 0)
			sum_toggle(sum, number, key, &old);
		sum_toggle(sum, number, key, value);
		rc = sum_write(txn, t, sum);
	} else if (rc == MDB_NOTFOUND || rc == MDB_CORRUPTED) {
		rc = 0; /* check-store says so */
	}
	return rc ? rc : mdb_put(txn, table, key, value, 0);
}

int log_sum_drop(MDB_txn *txn, const struct log_tables *t, const char *prefix)
{
	size_t n = strlen(prefix);
	uint8_t sum[SUM_BYTES] = {0};
	MDB_cursor *cursor;
	bool changed = false;
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
			changed = true;
			rc = mdb_cursor_del(cursor, 0);
		}
	}
	mdb_cursor_close(cursor);
	if (rc != MDB_NOTFOUND)
		return rc;
	return changed && kept ? sum_write(txn, t, sum) : 0;
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
