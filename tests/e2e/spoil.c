/* Damages what the log of a node remembers, for end-to-end tests; the node does not run.
 * spoil HOME: the keys of all values, one a line.  spoil HOME KEY BYTE: of that value the lowest
 * bit of this byte, counted round and round, flips. */
#include <limits.h>
#include <lmdb.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAP_BYTES ((size_t)1 << 32)

static int list(MDB_txn *txn, MDB_dbi values)
{
	MDB_cursor *cursor;
	MDB_val key, value;
	int rc = mdb_cursor_open(txn, values, &cursor);

	while (rc == 0 && (rc = mdb_cursor_get(cursor, &key, &value, MDB_NEXT)) == 0)
		printf("%.*s\n", (int)key.mv_size, (const char *)key.mv_data);
	mdb_cursor_close(cursor);
	return rc == MDB_NOTFOUND ? 0 : rc;
}

static int flip(MDB_txn *txn, MDB_dbi values, const char *name, size_t byte)
{
	MDB_val key = {strlen(name), (void *)(uintptr_t)name}, value;
	char *bytes;
	int rc = mdb_get(txn, values, &key, &value);

	if (rc != 0 || value.mv_size == 0)
		return rc != 0 ? rc : MDB_INVALID;
	bytes = malloc(value.mv_size);
	if (!bytes)
		return MDB_INVALID;
	memcpy(bytes, value.mv_data, value.mv_size);
	bytes[byte % value.mv_size] ^= 1;
	value.mv_data = bytes;
	rc = mdb_put(txn, values, &key, &value, 0);
	free(bytes);
	return rc;
}

int main(int argc, char **argv)
{
	char path[PATH_MAX];
	MDB_env *env = NULL;
	MDB_txn *txn = NULL;
	MDB_dbi values;
	int rc = argc == 2 || argc == 4 ? mdb_env_create(&env) : MDB_INVALID;

	if (rc == 0)
		rc = mdb_env_set_maxdbs(env, 8);
	if (rc == 0)
		rc = mdb_env_set_mapsize(env, MAP_BYTES);
	if (rc == 0 && snprintf(path, sizeof path, "%s/log", argv[1]) >= (int)sizeof path)
		rc = MDB_INVALID;
	if (rc == 0)
		rc = mdb_env_open(env, path, 0, 0600);
	if (rc == 0)
		rc = mdb_txn_begin(env, NULL, 0, &txn);
	if (rc == 0)
		rc = mdb_dbi_open(txn, "value", 0, &values);
	if (rc == 0)
		rc = argc == 2 ? list(txn, values)
			       : flip(txn, values, argv[2], strtoul(argv[3], NULL, 10));
	if (rc == 0) {
		rc = mdb_txn_commit(txn);
		txn = NULL;
	}
	if (txn)
		mdb_txn_abort(txn);
	if (env)
		mdb_env_close(env);
	if (rc != 0)
		fprintf(stderr, "spoil: %s\n", mdb_strerror(rc));
	return rc != 0;
}
