/* Copies of a log, and what makes a copy a store of its own. */
#include "node/store/log_parts.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum err log_copy(struct log *log, const char *dir, struct report *report)
{
	char path[PATH_MAX];
	if ((size_t)snprintf(path, sizeof path, "%s/data.mdb", dir) >= sizeof path)
		return ERR_LIMIT;
	enum err e = log_verify_pages(log, report);
	if (e)
		return e;
	e = store_make_dir(dir);
	if (e && e != ERR_EXISTS) {
		report_add(report, "%s: cannot be made: %s", dir,
			   e == ERR_PERMISSIONS ? "the daemon may not write there" : err_str(e));
		return e;
	}
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0) {
		e = lmdb_err(errno);
		report_add(report, "%s: %s", path,
			   e == ERR_EXISTS ? "is already there and is never overwritten"
					   : strerror(errno));
		return e;
	}
	int rc = mdb_env_copyfd2(log->store.env, fd, MDB_CP_COMPACT);
	if (rc == 0 && fsync(fd) != 0)
		rc = errno;
	if (close(fd) != 0 && rc == 0)
		rc = errno;
	e = lmdb_err(rc);
	if (!e)
		e = store_sync_dir(dir);
	if (e) {
		report_add(report, "%s: cannot be written: %s", path, mdb_strerror(rc));
		unlink(path);
	}
	return e;
}

/* SPEC 6.6: "It is written into the restored log before that appears under its name." */
static int put_restored(MDB_txn *txn, const struct log_tables *tables)
{
	uint8_t until[LSN_BYTES];
	uint64_t head;
	MDB_val key = {sizeof RESTORED_KEY - 1, (void *)(uintptr_t)RESTORED_KEY};
	MDB_val value = {sizeof until, until};
	int rc = log_sum_drop(txn, tables, RESTORED_KEY);
	if (rc == 0)
		rc = log_read_head(txn, tables->row, &head);
	if (rc != 0 || head == 0)
		return rc;
	put_u64(until, head);
	return log_value_put(txn, tables, &key, &value);
}

enum err log_rename(const char *dir, const struct identity *identity, const struct store_id *id,
		    struct report *report)
{
	struct store_env store;
	struct store_id old;
	struct log_tables tables = {0};
	MDB_txn *txn = NULL;
	MDB_val key = {5, (void *)(uintptr_t) "store"};
	MDB_val value = {sizeof id->b, (void *)(uintptr_t)id->b};
	enum err e = store_open(&store, dir, &(struct store_options){0}, report);
	if (e)
		goto done;
	int rc = mdb_txn_begin(store.env, NULL, 0, &txn);
	if (rc == 0)
		rc = log_open_tables(txn, &tables, false);
	e = rc == MDB_NOTFOUND ? ERR_DAMAGED : lmdb_err(rc);
	if (!e)
		e = log_read_meta(txn, tables.meta, identity, &old, dir, report);
	if (e)
		goto done;
	rc = log_raise_format(txn, &tables);
	if (rc == 0)
		rc = mdb_put(txn, tables.meta, &key, &value, 0);
	/* SPEC 6.4: "Cursors, which are the values whose key begins with `cursor/`, are dropped."
	 */
	if (rc == 0)
		rc = log_sum_drop(txn, &tables, CURSOR_PREFIX);
	if (rc == 0)
		rc = put_restored(txn, &tables);
	if (rc == 0) {
		rc = mdb_txn_commit(txn);
		txn = NULL;
	}
	e = lmdb_err(rc);
	if (e)
		report_add(report, "%s: cannot be written: %s", dir, mdb_strerror(rc));
done:
	if (txn)
		mdb_txn_abort(txn);
	store_close(&store);
	return e;
}
