#include "keys/keyfile.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Syncs the folder that path is in, so that its new name survives a power cut. */
static bool sync_folder(const char *path)
{
	char copy[PATH_MAX];
	int fd;
	bool done;

	snprintf(copy, sizeof copy, "%s", path);
	fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return false;
	done = fsync(fd) == 0;
	close(fd);
	return done;
}

static bool write_all(int fd, const uint8_t *data, size_t n)
{
	while (n) {
		ssize_t w = write(fd, data, n);
		if (w < 0 && errno == EINTR)
			continue;
		if (w <= 0)
			return false;
		data += w;
		n -= (size_t)w;
	}
	return fsync(fd) == 0;
}

static enum err already_there(const char *path, struct report *report)
{
	report_add(report, "%s: already exists; key files are never overwritten", path);
	return ERR_EXISTS;
}

/* SPEC 10.1: "The bytes are written and synced under another name in the same folder, then linked
 * to the final name, which must not exist, and the folder is synced." */
static enum err create_synced(const char *path, const uint8_t *data, size_t n,
			      struct report *report)
{
	char temporary[PATH_MAX];
	enum err e = ERR_OK;
	int fd;

	if (snprintf(temporary, sizeof temporary, "%s.XXXXXX", path) >= (int)sizeof temporary) {
		report_add(report, "%s: the path is too long", path);
		return ERR_LIMIT;
	}
	fd = mkostemp(temporary, O_CLOEXEC); /* mode 0600, O_EXCL */
	if (fd < 0) {
		report_add(report, "%s: cannot be created: %s", path, strerror(errno));
		return ERR_IO;
	}
	if (!write_all(fd, data, n)) {
		report_add(report, "%s: cannot be written: %s", path, strerror(errno));
		e = ERR_IO;
	} else if (link(temporary, path) != 0) {
		e = errno == EEXIST ? already_there(path, report) : ERR_IO;
		if (e == ERR_IO)
			report_add(report, "%s: cannot be named: %s", path, strerror(errno));
	}
	close(fd);
	unlink(temporary);
	if (!e && !sync_folder(path)) {
		report_add(report, "%s: its folder cannot be synced: %s", path, strerror(errno));
		e = ERR_IO;
	}
	return e;
}

/* What is written to a file, in locked memory. */
static enum err encode(uint8_t **bytes, size_t *n, const char *path, const struct keyring *k,
		       const char *passphrase, struct report *report)
{
	enum err e;

	*bytes = NULL;
	if (passphrase && !*passphrase) {
		report_add(report, "%s: the passphrase is empty", path);
		return ERR_PASSPHRASE;
	}
	*bytes = sodium_malloc(KEYFILE_MAX_BYTES);
	if (!*bytes)
		return ERR_MEMORY;
	e = keyring_encode(k, passphrase, *bytes, n);
	if (e)
		report_add(report, "%s: cannot be encrypted: %s", path, err_str(e));
	return e;
}

enum err keyfile_write(const char *path, const struct keyring *k, const char *passphrase,
		       struct report *report)
{
	uint8_t *bytes;
	size_t n;
	enum err e;

	/* Before Argon2id, so that the common mistake is answered at once. */
	if (access(path, F_OK) == 0)
		return already_there(path, report);
	e = encode(&bytes, &n, path, k, passphrase, report);
	if (!e)
		e = create_synced(path, bytes, n, report);
	sodium_free(bytes);
	return e;
}

/* A name of its own, so that what a crash leaves is found, and goes. */
static bool beside(char out[PATH_MAX], const char *path)
{
	return snprintf(out, PATH_MAX, "%s.new", path) < PATH_MAX;
}

void keyfile_sweep(const char *path)
{
	char name[PATH_MAX];

	if (beside(name, path))
		unlink(name);
}

static enum err replace_synced(const char *path, const uint8_t *data, size_t n,
			       struct report *report)
{
	char name[PATH_MAX];
	enum err e = ERR_OK;
	int fd;

	if (!beside(name, path)) {
		report_add(report, "%s: the path is too long", path);
		return ERR_LIMIT;
	}
	unlink(name);
	fd = open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0) {
		report_add(report, "%s: cannot be created: %s", name, strerror(errno));
		return ERR_IO;
	}
	if (!write_all(fd, data, n) || rename(name, path) != 0) {
		report_add(report, "%s: cannot be replaced: %s", path, strerror(errno));
		unlink(name);
		e = ERR_IO;
	}
	close(fd);
	/* The file is there; whether it would be after a power cut is not known. */
	if (!e && !sync_folder(path)) {
		report_add(report, "%s: its folder cannot be synced: %s", path, strerror(errno));
		e = ERR_IO;
	}
	return e;
}

enum err keyfile_replace(const char *path, const struct keyring *k, const char *passphrase,
			 struct report *report)
{
	uint8_t *bytes;
	size_t n;
	enum err e = encode(&bytes, &n, path, k, passphrase, report);

	/* SPEC 10.1: "A change of keys writes the whole file under another name, syncs it, and
	 * renames it" */
	if (!e)
		e = replace_synced(path, bytes, n, report);
	sodium_free(bytes);
	return e;
}

/* SPEC 10.1: "A key file that anybody but its owner could read or write, or that belongs to another
 * user than the one who reads it, is refused." */
static enum err check_private(const struct stat *st, const char *path, bool credential,
			      struct report *report)
{
	if (!S_ISREG(st->st_mode)) {
		report_add(report, "%s: is not a file", path);
		return ERR_FORMAT;
	}
	if (st->st_uid != geteuid() && !(credential && st->st_uid == 0)) {
		report_add(report,
			   "%s: belongs to user %u and this program runs as user %u; run it as the "
			   "owner, or: chown %u %s",
			   path, (unsigned)st->st_uid, (unsigned)geteuid(), (unsigned)geteuid(),
			   path);
		return ERR_PERMISSIONS;
	}
	if (st->st_mode & (credential ? 037U : 077U)) {
		report_add(report, "%s: others may use it (mode %04o); run: chmod 600 %s", path,
			   (unsigned)st->st_mode & 07777U, path);
		return ERR_PERMISSIONS;
	}
	return ERR_OK;
}

/* Reads to the end of the file, or one byte more than size, into data[size + 1]. */
static enum err read_to_end(int fd, uint8_t *data, size_t *n, size_t size)
{
	*n = 0;
	while (*n <= size) {
		ssize_t got = read(fd, data + *n, size + 1 - *n);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return ERR_IO;
		if (got == 0)
			return ERR_OK;
		*n += (size_t)got;
	}
	return ERR_LIMIT;
}

/* A private file of at most size bytes, in locked memory with a NUL after it. */
static enum err read_private(uint8_t **data, size_t *n, size_t size, const char *path,
			     bool credential, struct report *report)
{
	/* O_NONBLOCK: a FIFO of that name must not stop the program before fstat() sees it. */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct stat st;
	enum err e = ERR_OK;

	*data = NULL;
	if (fd < 0) {
		e = errno == ENOENT ? ERR_NOT_FOUND : errno == EACCES ? ERR_PERMISSIONS : ERR_IO;
		report_add(report, "%s: cannot be opened: %s", path, strerror(errno));
		return e;
	}
	if (fstat(fd, &st) != 0)
		e = ERR_IO;
	else
		e = check_private(&st, path, credential, report);
	if (!e) {
		*data = sodium_init() < 0 ? NULL : sodium_malloc(size + 1);
		e = *data ? read_to_end(fd, *data, n, size) : ERR_MEMORY;
		if (!e)
			(*data)[*n] = '\0';
		else
			report_add(report, "%s: cannot be read: %s", path,
				   e == ERR_IO ? strerror(errno) : err_str(e));
	}
	close(fd);
	if (e) {
		sodium_free(*data);
		*data = NULL;
	}
	return e;
}

enum err keyfile_read(struct keyring **k, const char *path, const char *passphrase,
		      struct report *report)
{
	uint8_t *bytes;
	size_t n;
	enum err e = read_private(&bytes, &n, KEYFILE_MAX_BYTES, path, false, report);

	*k = NULL;
	if (e)
		return e;
	*k = keyring_new();
	e = *k ? keyring_decode(*k, bytes, n, passphrase, path, report) : ERR_MEMORY;
	sodium_free(bytes);
	if (e) {
		keyring_free(*k);
		*k = NULL;
	}
	return e;
}

enum err keyfile_peek(const char *path, bool *protected, struct report *report)
{
	uint8_t *bytes;
	size_t n;
	enum err e = read_private(&bytes, &n, KEYFILE_MAX_BYTES, path, false, report);

	*protected = false;
	if (!e)
		e = keyring_peek(bytes, n, protected, path, report);
	sodium_free(bytes);
	return e;
}

enum err passphrase_read(char **passphrase, const char *path, bool credential,
			 struct report *report)
{
	uint8_t *bytes;
	size_t n;
	enum err e = read_private(&bytes, &n, PASSPHRASE_MAX_BYTES, path, credential, report);

	*passphrase = (char *)bytes;
	if (e)
		return e;
	bytes[strcspn(*passphrase, "\r\n")] = '\0';
	if (!*bytes) {
		report_add(report, "%s: its first line should be the passphrase, and is empty",
			   path);
		passphrase_free(*passphrase);
		*passphrase = NULL;
		return ERR_PASSPHRASE;
	}
	return ERR_OK;
}

void passphrase_free(char *passphrase)
{
	sodium_free(passphrase);
}
