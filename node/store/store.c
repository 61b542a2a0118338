#include "node/store/store.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

enum { TABLES_MAX = 32, MAP_SHIFT_DEFAULT = 40, MAP_SHIFT_LEAST = 30 };

enum err lmdb_err(int rc)
{
	switch (rc) {
	case MDB_SUCCESS:
		return ERR_OK;
	case MDB_NOTFOUND:
	case ENOENT:
		return ERR_NOT_FOUND;
	case MDB_KEYEXIST:
	case EEXIST:
		return ERR_EXISTS;
	case MDB_MAP_FULL:
	case ENOSPC:
	case EDQUOT:
	case EFBIG:
		return ERR_FULL;
	case MDB_CORRUPTED:
	case MDB_PAGE_NOTFOUND:
	case MDB_INVALID:
	case MDB_INCOMPATIBLE:
	case MDB_CURSOR_FULL:
	case MDB_PAGE_FULL:
		return ERR_DAMAGED;
	case MDB_VERSION_MISMATCH:
		return ERR_TOO_NEW;
	case MDB_READERS_FULL:
	case MDB_DBS_FULL:
	case MDB_TXN_FULL:
	case MDB_BAD_VALSIZE:
		return ERR_LIMIT;
	case MDB_BAD_TXN:
	case MDB_BAD_RSLOT:
	case MDB_BAD_DBI:
	case EINVAL:
		return ERR_STATE;
	case ENOMEM:
		return ERR_MEMORY;
	case EACCES:
	case EPERM:
	case EROFS:
		return ERR_PERMISSIONS;
	case EAGAIN:
	case EBUSY:
		return ERR_BUSY;
	default: /* MDB_PANIC, MDB_MAP_RESIZED, EIO and whatever else the system says */
		return ERR_IO;
	}
}

enum err store_sync_dir(const char *dir)
{
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return lmdb_err(errno);
	enum err e = fsync(fd) == 0 ? ERR_OK : lmdb_err(errno);
	close(fd);
	return e;
}

static enum err sync_parent(const char *path)
{
	char copy[PATH_MAX];
	if ((size_t)snprintf(copy, sizeof copy, "%s", path) >= sizeof copy)
		return ERR_LIMIT;
	return store_sync_dir(dirname(copy));
}

enum err store_make_dir(const char *dir)
{
	if (mkdir(dir, 0700) != 0)
		return lmdb_err(errno);
	return sync_parent(dir);
}

enum err store_remove(const char *dir)
{
	static const char *const files[] = {"data.mdb", "lock.mdb", "lock"};
	char path[PATH_MAX];
	for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
		if ((size_t)snprintf(path, sizeof path, "%s/%s", dir, files[i]) >= sizeof path)
			return ERR_LIMIT;
		if (unlink(path) != 0 && errno != ENOENT && errno != ENOTDIR)
			return lmdb_err(errno);
	}
	if (rmdir(dir) != 0)
		return errno == ENOENT ? ERR_OK : lmdb_err(errno);
	return sync_parent(dir);
}

/* flock, not LMDB's own lock: LMDB lets a second process wait, and we want it refused. */
static enum err take_lock(struct store_env *s, const char *dir, struct report *report)
{
	char path[PATH_MAX];
	if ((size_t)snprintf(path, sizeof path, "%s/lock", dir) >= sizeof path)
		return ERR_LIMIT;
	s->lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (s->lock < 0) {
		enum err e = lmdb_err(errno);
		report_add(report, "%s: cannot be opened: %s", path, strerror(errno));
		return e;
	}
	if (flock(s->lock, LOCK_EX | LOCK_NB) == 0)
		return ERR_OK;
	if (errno != EWOULDBLOCK)
		return lmdb_err(errno);
	report_add(report, "%s: in use: another khabardar runs on this home; stop it first", dir);
	return ERR_BUSY;
}

/* A page beyond the end of a file that was cut short is a signal, not an error code.  Zeros there
 * are pages that LMDB itself calls corrupted. */
static enum err fill_to_map(const struct store_env *s)
{
	MDB_envinfo info;
	MDB_stat stat;
	struct stat st;
	int fd;
	int rc = mdb_env_info(s->env, &info);
	if (rc == 0)
		rc = mdb_env_stat(s->env, &stat);
	if (rc == 0)
		rc = mdb_env_get_fd(s->env, &fd);
	if (rc != 0)
		return lmdb_err(rc);
	if (info.me_last_pgno >= info.me_mapsize / stat.ms_psize)
		return ERR_DAMAGED;
	if (fstat(fd, &st) != 0)
		return lmdb_err(errno);
	off_t want = (off_t)((info.me_last_pgno + 1) * stat.ms_psize);
	if (st.st_size >= want)
		return ERR_OK;
	if (s->read_only)
		return ERR_DAMAGED;
	return ftruncate(fd, want) == 0 ? ERR_OK : lmdb_err(errno);
}

static int open_env(struct store_env *s, const char *dir, size_t map_bytes)
{
	unsigned flags = MDB_NOTLS | (s->read_only ? MDB_RDONLY : 0);
#ifdef TEST_NOSYNC /* only so that the durability test can show that it would notice */
	flags |= TEST_NOSYNC;
#endif
	int rc = mdb_env_create(&s->env);
	if (rc == 0)
		rc = mdb_env_set_maxdbs(s->env, TABLES_MAX);
	if (rc == 0)
		rc = mdb_env_set_mapsize(s->env, map_bytes);
	if (rc == 0)
		rc = mdb_env_open(s->env, dir, flags, 0600);
	if (rc != 0 && s->env) {
		mdb_env_close(s->env);
		s->env = NULL;
	}
	return rc;
}

/* LMDB's own check of a file is little more than its first words. */
static enum err verify_first(const char *dir, const struct store_options *options,
			     struct report *report)
{
	char path[PATH_MAX];
	struct stat st;
	if ((size_t)snprintf(path, sizeof path, "%s/data.mdb", dir) >= sizeof path)
		return ERR_LIMIT;
	if (stat(path, &st) != 0 || (st.st_size > VERIFY_AT_OPEN_BYTES && !options->verify))
		return ERR_OK;
	return store_verify(dir, report);
}

enum err store_open(struct store_env *s, const char *dir, const struct store_options *options,
		    struct report *report)
{
	*s = (struct store_env){.lock = -1, .read_only = options->read_only};
	if (options->create) {
		enum err e = store_make_dir(dir);
		if (e && e != ERR_EXISTS) {
			report_add(report, "%s: cannot be made: %s", dir, err_str(e));
			return e;
		}
	} else {
		char path[PATH_MAX];
		if ((size_t)snprintf(path, sizeof path, "%s/data.mdb", dir) >= sizeof path)
			return ERR_LIMIT;
		if (access(path, F_OK) != 0) {
			report_add(report, "%s: there is no store here", dir);
			return ERR_NOT_FOUND;
		}
	}
	enum err e = options->read_only ? ERR_OK : take_lock(s, dir, report);
	if (!e && !options->read_only) {
		e = store_finish(dir);
		if (e)
			report_add(report, "%s/data.mdb: cannot be opened: %s", dir, err_str(e));
	}
	if (!e && !options->read_only)
		e = verify_first(dir, options, report);
	if (e)
		return e;
	int shift = MAP_SHIFT_DEFAULT;
	int rc;
	/* Under valgrind a map that finds no room is EINVAL. */
	do
		rc = open_env(s, dir, options->map_bytes ? options->map_bytes : (size_t)1 << shift);
	while ((rc == ENOMEM || rc == EINVAL) && !options->map_bytes && --shift >= MAP_SHIFT_LEAST);
	e = lmdb_err(rc);
	if (!e)
		e = fill_to_map(s);
	/* The entries data.mdb and lock must survive a power cut as well as what is in them. */
	if (!e && options->create)
		e = store_sync_dir(dir);
	if (e)
		report_add(report, "%s: cannot be opened: %s", dir,
			   rc ? mdb_strerror(rc) : err_str(e));
	return e;
}

void store_close(struct store_env *s)
{
	if (s->env)
		mdb_env_close(s->env);
	if (s->lock >= 0)
		close(s->lock);
	*s = (struct store_env){.lock = -1};
}

bool store_is_broken(const struct store_env *s)
{
	MDB_txn *txn;
	int rc = mdb_txn_begin(s->env, NULL, MDB_RDONLY, &txn);
	if (rc == 0)
		mdb_txn_abort(txn);
	return rc == MDB_PANIC;
}

/* LMDB does not tell where its map is.  A key stands in it, on a page that begins with its number.
 */
static uint8_t *map_start(MDB_txn *txn, size_t page_bytes)
{
	MDB_cursor *cursor;
	MDB_val key, value;
	uint8_t *start = NULL;
	MDB_dbi names;
	if (mdb_dbi_open(txn, NULL, 0, &names) != 0 || mdb_cursor_open(txn, names, &cursor) != 0)
		return NULL;
	if (mdb_cursor_get(cursor, &key, &value, MDB_FIRST) == 0) {
		size_t number;
		start = (uint8_t *)key.mv_data - (uintptr_t)key.mv_data % page_bytes;
		memcpy(&number, start, sizeof number);
		start -= number * page_bytes;
	}
	mdb_cursor_close(cursor);
	return start;
}

void store_forget_pages(const struct store_env *s)
{
	MDB_envinfo info;
	MDB_stat stat;
	MDB_txn *txn;
	if (mdb_env_info(s->env, &info) != 0 || mdb_env_stat(s->env, &stat) != 0 ||
	    mdb_txn_begin(s->env, NULL, MDB_RDONLY, &txn) != 0)
		return;
	uint8_t *start = (size_t)sysconf(_SC_PAGESIZE) == stat.ms_psize
				 ? map_start(txn, stat.ms_psize)
				 : NULL;
	/* Of a file that is mapped shared, nothing is lost.  Should it fail, nothing is gained. */
	if (start)
		madvise(start, (info.me_last_pgno + 1) * stat.ms_psize, MADV_DONTNEED);
	mdb_txn_abort(txn);
}

/* Pages in LMDB's list of free pages: each value is a count and then that many numbers. */
static size_t free_pages(MDB_env *env)
{
	MDB_txn *txn;
	MDB_cursor *cursor;
	MDB_val key, value;
	size_t pages = 0;
	if (mdb_txn_begin(env, NULL, MDB_RDONLY, &txn) != 0)
		return 0;
	if (mdb_cursor_open(txn, 0, &cursor) == 0) {
		while (mdb_cursor_get(cursor, &key, &value, MDB_NEXT) == 0) {
			size_t n = 0;
			if (value.mv_size >= sizeof n)
				memcpy(&n, value.mv_data, sizeof n);
			pages += n;
		}
		mdb_cursor_close(cursor);
	}
	mdb_txn_abort(txn);
	return pages;
}

static unsigned percent(size_t part, size_t whole)
{
	return whole ? (unsigned)((double)part * 100 / (double)whole) : 0;
}

unsigned store_fullness(const struct store_env *s)
{
	MDB_envinfo info;
	MDB_stat stat;
	struct statvfs disk;
	int fd;
	if (mdb_env_info(s->env, &info) != 0 || mdb_env_stat(s->env, &stat) != 0)
		return 100;
	size_t pages = info.me_last_pgno + 1;
	size_t map_pages = info.me_mapsize / stat.ms_psize;
	if (percent(pages, map_pages) >= 50) {
		size_t unused = free_pages(s->env);
		pages -= unused < pages ? unused : pages;
	}
	unsigned worst = percent(pages, map_pages);
	if (mdb_env_get_fd(s->env, &fd) == 0 && fstatvfs(fd, &disk) == 0) {
		size_t left = disk.f_bavail * disk.f_frsize;
		unsigned of_disk = percent(pages * stat.ms_psize, pages * stat.ms_psize + left);
		if (of_disk > worst)
			worst = of_disk;
	}
	return worst;
}
