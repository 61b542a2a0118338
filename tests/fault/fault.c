#include "tests/fault/fault.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <fcntl.h>
#include <lmdb.h>
#include <sodium.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

static struct {
	atomic_uint sorts;
	_Atomic uint64_t count, nth;
	atomic_bool for_good;
	atomic_int code;
} fault;

/* Is this call to fail? */
static bool strikes(unsigned sort)
{
	uint64_t n;

	if (!(atomic_load(&fault.sorts) & sort))
		return false;
	n = atomic_fetch_add(&fault.count, 1) + 1;
	if (n != fault.nth && !(fault.for_good && n > fault.nth))
		return false;
	errno = sort == FAULT_MEMORY ? ENOMEM : fault.code;
	return true;
}

void fault_start(unsigned sorts, uint64_t nth, bool for_good, int code)
{
	fault.count = 0;
	fault.nth = nth;
	fault.for_good = for_good;
	fault.code = code;
	fault.sorts = sorts;
}

uint64_t fault_stop(void)
{
	fault.sorts = 0;
	return fault.count;
}

/* The names that stand in tests/fault/replaced. */
void *fault_malloc(size_t n);
void *fault_calloc(size_t n, size_t size);
void *fault_realloc(void *p, size_t n);
char *fault_strdup(const char *s);
char *fault_strndup(const char *s, size_t n);
int fault_posix_memalign(void **p, size_t alignment, size_t n);
void *fault_sodium_malloc(size_t n);
int fault_open(const char *path, int flags, ...);
int fault_mkdir(const char *path, mode_t mode);
int fault_mkstemp(char *path);
int fault_mkostemp(char *path, int flags);
int fault_rename(const char *from, const char *to);
int fault_unlink(const char *path);
int fault_ftruncate(int fd, off_t size);
ssize_t fault_read(int fd, void *p, size_t n);
ssize_t fault_write(int fd, const void *p, size_t n);
ssize_t fault_writev(int fd, const struct iovec *pieces, int count);
ssize_t fault_pread(int fd, void *p, size_t n, off_t at);
ssize_t fault_pwrite(int fd, const void *p, size_t n, off_t at);
int fault_fsync(int fd);
int fault_fdatasync(int fd);

void fault_init(void)
{
	cJSON_InitHooks(&(cJSON_Hooks){fault_malloc, free});
}

void *fault_malloc(size_t n)
{
	return strikes(FAULT_MEMORY) ? NULL : malloc(n);
}

void *fault_calloc(size_t n, size_t size)
{
	return strikes(FAULT_MEMORY) ? NULL : calloc(n, size);
}

void *fault_realloc(void *p, size_t n)
{
	return strikes(FAULT_MEMORY) ? NULL : realloc(p, n);
}

char *fault_strdup(const char *s)
{
	return strikes(FAULT_MEMORY) ? NULL : strdup(s);
}

char *fault_strndup(const char *s, size_t n)
{
	return strikes(FAULT_MEMORY) ? NULL : strndup(s, n);
}

int fault_posix_memalign(void **p, size_t alignment, size_t n)
{
	return strikes(FAULT_MEMORY) ? ENOMEM : posix_memalign(p, alignment, n);
}

void *fault_sodium_malloc(size_t n)
{
	return strikes(FAULT_MEMORY) ? NULL : sodium_malloc(n);
}

int fault_open(const char *path, int flags, ...)
{
	mode_t mode = 0;
	va_list args;

	if (flags & (O_CREAT | O_TMPFILE)) {
		va_start(args, flags);
		mode = (mode_t)va_arg(args, int);
		va_end(args);
	}
	return strikes(FAULT_FILE) ? -1 : open(path, flags, mode);
}

int fault_mkdir(const char *path, mode_t mode)
{
	return strikes(FAULT_FILE) ? -1 : mkdir(path, mode);
}

int fault_mkstemp(char *path)
{
	return strikes(FAULT_FILE) ? -1 : mkstemp(path);
}

int fault_mkostemp(char *path, int flags)
{
	return strikes(FAULT_FILE) ? -1 : mkostemp(path, flags);
}

int fault_rename(const char *from, const char *to)
{
	return strikes(FAULT_FILE) ? -1 : rename(from, to);
}

int fault_unlink(const char *path)
{
	return strikes(FAULT_FILE) ? -1 : unlink(path);
}

int fault_ftruncate(int fd, off_t size)
{
	return strikes(FAULT_FILE) ? -1 : ftruncate(fd, size);
}

ssize_t fault_read(int fd, void *p, size_t n)
{
	return strikes(FAULT_FILE) ? -1 : read(fd, p, n);
}

ssize_t fault_pread(int fd, void *p, size_t n, off_t at)
{
	return strikes(FAULT_FILE) ? -1 : pread(fd, p, n, at);
}

ssize_t fault_write(int fd, const void *p, size_t n)
{
	if (strikes(FAULT_SHORT))
		return write(fd, p, n / 2);
	return strikes(FAULT_FILE) ? -1 : write(fd, p, n);
}

ssize_t fault_pwrite(int fd, const void *p, size_t n, off_t at)
{
	if (strikes(FAULT_SHORT))
		return pwrite(fd, p, n / 2, at);
	return strikes(FAULT_FILE) ? -1 : pwrite(fd, p, n, at);
}

ssize_t fault_writev(int fd, const struct iovec *pieces, int count)
{
	if (strikes(FAULT_SHORT))
		return write(fd, pieces->iov_base, pieces->iov_len / 2);
	return strikes(FAULT_FILE) ? -1 : writev(fd, pieces, count);
}

/* No power is cut here, so that a disk need not be waited for. */
int fault_fsync(int fd)
{
	(void)fd;
	return strikes(FAULT_FILE) ? -1 : 0;
}

int fault_fdatasync(int fd)
{
	return fault_fsync(fd);
}

/* LMDB's calls: each answers with the code, or does what it is for. */
#define STORE_CALL(name, parameters, arguments) \
	int fault_##name parameters; \
	int fault_##name parameters \
	{ \
		return strikes(FAULT_STORE) ? fault.code : name arguments; \
	}

STORE_CALL(mdb_env_create, (MDB_env * *env), (env))
STORE_CALL(mdb_env_set_maxdbs, (MDB_env * env, MDB_dbi n), (env, n))
STORE_CALL(mdb_env_set_mapsize, (MDB_env * env, size_t n), (env, n))
STORE_CALL(mdb_env_open, (MDB_env * env, const char *path, unsigned flags, mode_t mode),
	   (env, path, flags, mode))
STORE_CALL(mdb_env_info, (MDB_env * env, MDB_envinfo *info), (env, info))
STORE_CALL(mdb_env_stat, (MDB_env * env, MDB_stat *stat), (env, stat))
STORE_CALL(mdb_env_copyfd2, (MDB_env * env, int fd, unsigned flags), (env, fd, flags))
STORE_CALL(mdb_txn_begin, (MDB_env * env, MDB_txn *parent, unsigned flags, MDB_txn **txn),
	   (env, parent, flags, txn))
STORE_CALL(mdb_txn_renew, (MDB_txn * txn), (txn))
STORE_CALL(mdb_dbi_open, (MDB_txn * txn, const char *name, unsigned flags, MDB_dbi *dbi),
	   (txn, name, flags, dbi))
STORE_CALL(mdb_stat, (MDB_txn * txn, MDB_dbi dbi, MDB_stat *stat), (txn, dbi, stat))
STORE_CALL(mdb_drop, (MDB_txn * txn, MDB_dbi dbi, int del), (txn, dbi, del))
STORE_CALL(mdb_get, (MDB_txn * txn, MDB_dbi dbi, MDB_val *key, MDB_val *value),
	   (txn, dbi, key, value))
STORE_CALL(mdb_put, (MDB_txn * txn, MDB_dbi dbi, MDB_val *key, MDB_val *value, unsigned flags),
	   (txn, dbi, key, value, flags))
STORE_CALL(mdb_del, (MDB_txn * txn, MDB_dbi dbi, MDB_val *key, MDB_val *value),
	   (txn, dbi, key, value))
STORE_CALL(mdb_cursor_open, (MDB_txn * txn, MDB_dbi dbi, MDB_cursor **cursor), (txn, dbi, cursor))
STORE_CALL(mdb_cursor_renew, (MDB_txn * txn, MDB_cursor *cursor), (txn, cursor))
STORE_CALL(mdb_cursor_get, (MDB_cursor * cursor, MDB_val *key, MDB_val *value, MDB_cursor_op op),
	   (cursor, key, value, op))
STORE_CALL(mdb_cursor_put, (MDB_cursor * cursor, MDB_val *key, MDB_val *value, unsigned flags),
	   (cursor, key, value, flags))
STORE_CALL(mdb_cursor_del, (MDB_cursor * cursor, unsigned flags), (cursor, flags))

/* A transaction is over whether it could be committed or not. */
int fault_mdb_txn_commit(MDB_txn *txn);
int fault_mdb_txn_commit(MDB_txn *txn)
{
	if (!strikes(FAULT_STORE))
		return mdb_txn_commit(txn);
	mdb_txn_abort(txn);
	return fault.code;
}
