#include "node/store/backup.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "node/store/index.h"
#include "node/store/log_parts.h"
#include "node/store/store.h"
#include "protocol/json.h"
#include "protocol/topology_value.h"

enum {
	BACKUP_FORMAT = 1,
	MANIFEST_MAX_BYTES = 512,
	VALUE_BYTES = 2 * HASH_BYTES + 1,
	COPY_BYTES = 1 << 16
};

static enum err path_of(char out[PATH_MAX], const char *dir, const char *name)
{
	return (size_t)snprintf(out, PATH_MAX, "%s/%s", dir, name) < PATH_MAX ? ERR_OK : ERR_LIMIT;
}

/* BLAKE2b-256 of a file from here to its end; copied to another descriptor on the way unless that
 * is -1. */
static enum err hash_file(int from, int to, struct hash *hash, uint64_t *bytes)
{
	crypto_generichash_state state;
	ssize_t n;
	enum err e = ERR_OK;
	uint8_t *buffer = malloc(COPY_BYTES);
	if (!buffer)
		return ERR_MEMORY;
	*bytes = 0;
	crypto_generichash_init(&state, NULL, 0, HASH_BYTES);
	while (!e && (n = read(from, buffer, COPY_BYTES)) != 0) {
		if (n < 0) {
			e = errno == EINTR ? ERR_OK : lmdb_err(errno);
			continue;
		}
		crypto_generichash_update(&state, buffer, (size_t)n);
		*bytes += (uint64_t)n;
		for (ssize_t at = 0; !e && to >= 0 && at < n;) {
			ssize_t written = write(to, buffer + at, (size_t)(n - at));
			if (written >= 0)
				at += written;
			else if (errno != EINTR)
				e = lmdb_err(errno);
		}
	}
	crypto_generichash_final(&state, hash->b, HASH_BYTES);
	free(buffer);
	return e;
}

/* SPEC 6.4: "The manifest is seven lines of text, and its last line marks those before it under the
 * store key." */
static size_t manifest_write(char out[MANIFEST_MAX_BYTES], const struct backup *b,
			     const struct identity *identity)
{
	char store[2 * STORE_ID_BYTES + 1], hash[2 * HASH_BYTES + 1], made[TIME_BYTES];
	char mark[2 * 16 + 1];
	uint8_t key[16];
	int n = snprintf(out, MANIFEST_MAX_BYTES,
			 "khabardar-backup %d\nstore %s\nhead %" PRIu64 "\nmade %s\nbytes %" PRIu64
			 "\nblake2b %s\n",
			 BACKUP_FORMAT, hex_encode(store, b->store.b, STORE_ID_BYTES), b->head,
			 time_format(made, b->made), b->bytes,
			 hex_encode(hash, b->hash.b, HASH_BYTES));
	identity_index_key(identity, KEY_OF_BACKUP, out, (size_t)n, key);
	n += snprintf(out + n, MANIFEST_MAX_BYTES - (size_t)n, "mark %s\n",
		      hex_encode(mark, key, sizeof key));
	return (size_t)n;
}

/* A line "NAME VALUE"; at moves behind it. */
static bool line_read(char value[VALUE_BYTES], const char **at, const char *name)
{
	size_t n = strlen(name), length;

	if (strncmp(*at, name, n) != 0 || (*at)[n] != ' ')
		return false;
	*at += n + 1;
	length = strcspn(*at, "\n");
	if (length >= VALUE_BYTES || (*at)[length] != '\n')
		return false;
	memcpy(value, *at, length);
	value[length] = '\0';
	*at += length + 1;
	return true;
}

/* Reads what manifest_write() wrote; whether it is exactly that is seen by writing it again. */
static enum err manifest_parse(struct backup *b, const char *text, const struct identity *identity,
			       const char *dir, struct report *report)
{
	char value[VALUE_BYTES], again[MANIFEST_MAX_BYTES];
	uint64_t format;
	const char *at = text;
	bool good = line_read(value, &at, "khabardar-backup") &&
		    !value_number(&format, value, 1, UINT32_MAX);

	if (good && format > BACKUP_FORMAT) {
		report_add(report,
			   "%s: made by a later khabardar (format %" PRIu64 ", this one knows %d)",
			   dir, format, BACKUP_FORMAT);
		return ERR_TOO_NEW;
	}
	good = good && line_read(value, &at, "store") &&
	       hex_decode(b->store.b, STORE_ID_BYTES, value) && line_read(value, &at, "head") &&
	       !value_number(&b->head, value, 0, UINT64_MAX) && line_read(value, &at, "made") &&
	       time_parse(&b->made, value) && line_read(value, &at, "bytes") &&
	       !value_number(&b->bytes, value, 0, UINT64_MAX) && line_read(value, &at, "blake2b") &&
	       hex_decode(b->hash.b, HASH_BYTES, value);
	if (good) {
		manifest_write(again, b, identity);
		good = strcmp(again, text) == 0;
	}
	if (!good)
		report_add(report,
			   "%s: the manifest is damaged, or was made under another key file than "
			   "this home's",
			   dir);
	return good ? ERR_OK : ERR_DAMAGED;
}

/* Written under another name and renamed: a manifest is whole or absent. */
static enum err manifest_save(const char *dir, const char *text, size_t n)
{
	char path[PATH_MAX], part[PATH_MAX];
	if (path_of(path, dir, "manifest") || path_of(part, dir, "manifest.part"))
		return ERR_LIMIT;
	int fd = open(part, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0)
		return lmdb_err(errno);
	bool good = write(fd, text, n) == (ssize_t)n && fsync(fd) == 0;
	int error = errno;
	close(fd);
	if (good && rename(part, path) == 0)
		return store_sync_dir(dir);
	error = good ? errno : error;
	unlink(part);
	return lmdb_err(error);
}

static enum err manifest_load(struct backup *b, const char *dir, const struct identity *identity,
			      struct report *report)
{
	char path[PATH_MAX], text[MANIFEST_MAX_BYTES + 1];
	if (path_of(path, dir, "manifest"))
		return ERR_LIMIT;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0) {
		enum err e = lmdb_err(errno);
		report_add(report, "%s: %s", path,
			   e == ERR_NOT_FOUND ? "there is none, so this is no finished backup"
					      : strerror(errno));
		return e;
	}
	ssize_t n = read(fd, text, MANIFEST_MAX_BYTES);
	close(fd);
	if (n < 0)
		return lmdb_err(errno);
	text[n] = 0;
	return manifest_parse(b, text, identity, dir, report);
}

static enum err open_copy(int *fd, const char *dir, struct report *report)
{
	char path[PATH_MAX];
	if (path_of(path, dir, "data.mdb"))
		return ERR_LIMIT;
	*fd = open(path, O_RDONLY | O_CLOEXEC);
	if (*fd >= 0)
		return ERR_OK;
	enum err e = lmdb_err(errno);
	report_add(report, "%s: cannot be read: %s", path, strerror(errno));
	return e;
}

/* Learns what the copy holds; LMDB leaves a lock file that no backup needs. */
static enum err describe_copy(struct backup *b, const char *dir, const struct identity *identity,
			      struct report *report)
{
	char path[PATH_MAX];
	struct log *copy;
	int fd;
	enum err e = path_of(path, dir, "lock.mdb");
	if (!e)
		e = log_open(&copy, dir, &(struct log_options){.read_only = true}, identity, NULL,
			     report);
	if (e)
		return e;
	b->store = log_store_id(copy);
	b->head = log_head(copy);
	log_close(copy);
	unlink(path);
	e = open_copy(&fd, dir, report);
	if (e)
		return e;
	e = hash_file(fd, -1, &b->hash, &b->bytes);
	close(fd);
	return e;
}

static bool is_empty_or_absent(const char *dir)
{
	DIR *d = opendir(dir);
	if (!d)
		return errno == ENOENT;
	struct dirent *entry;
	size_t entries = 0;
	while ((entry = readdir(d)))
		entries += strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
	closedir(d);
	return entries == 0;
}

enum err backup_make(struct log *log, const struct identity *identity, const char *dir,
		     uint64_t now, struct backup *out, struct report *report)
{
	char text[MANIFEST_MAX_BYTES];
	*out = (struct backup){.made = now};
	if (!is_empty_or_absent(dir)) {
		report_add(report, "%s: is not an empty directory; a backup never overwrites", dir);
		return ERR_EXISTS;
	}
	enum err e = log_copy(log, dir, report);
	if (e)
		return e;
	e = describe_copy(out, dir, identity, report);
	if (!e)
		e = manifest_save(dir, text, manifest_write(text, out, identity));
	if (e) {
		report_add(report, "%s: the backup was not finished: %s", dir, err_str(e));
		store_remove(dir);
	}
	return e;
}

enum err backup_read(const char *dir, const struct identity *identity, struct backup *out,
		     struct report *report)
{
	struct hash hash;
	uint64_t bytes;
	int fd;
	*out = (struct backup){0};
	enum err e = manifest_load(out, dir, identity, report);
	if (!e)
		e = open_copy(&fd, dir, report);
	if (e)
		return e;
	e = hash_file(fd, -1, &hash, &bytes);
	close(fd);
	if (!e && (bytes != out->bytes || !hash_equal(&hash, &out->hash)))
		e = ERR_DAMAGED;
	if (e)
		report_add(report, "%s: data.mdb is not the file that the manifest names: %s", dir,
			   err_str(e));
	return e;
}

/* Copies data.mdb and makes sure, on the way, that it is what the manifest names. */
static enum err bring_copy(const char *dir, const char *into, const struct backup *b,
			   struct report *report)
{
	char path[PATH_MAX];
	struct hash hash = {{0}};
	uint64_t bytes = 0;
	int from, to;
	enum err e = path_of(path, into, "data.mdb");
	if (!e)
		e = open_copy(&from, dir, report);
	if (e)
		return e;
	to = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	e = to < 0 ? lmdb_err(errno) : hash_file(from, to, &hash, &bytes);
	if (!e && fsync(to) != 0)
		e = lmdb_err(errno);
	if (!e && (bytes != b->bytes || !hash_equal(&hash, &b->hash)))
		e = ERR_DAMAGED;
	if (e)
		report_add(report, "%s: cannot be made from the backup: %s", path, err_str(e));
	close(from);
	if (to >= 0)
		close(to);
	return e ? e : store_sync_dir(into);
}

/* What the log had lost before it was backed up is named, and is no reason to keep the rest. */
static enum err examine(const char *dir, const struct identity *identity, const struct backup *b,
			struct report *report)
{
	struct log *log;
	enum err e = log_open(&log, dir, &(struct log_options){0}, identity, NULL, report);
	if (e)
		return e;
	e = log_check(log, report);
	if (e == ERR_DAMAGED)
		e = ERR_OK;
	if (!e && log_head(log) != b->head) {
		report_add(report, "%s: ends at another position than the manifest says", dir);
		e = ERR_DAMAGED;
	}
	log_close(log);
	return e;
}

enum err backup_restore(const char *home, const char *dir, const struct identity *identity,
			const struct store_id *new_store_id, struct backup *out,
			struct report *report)
{
	char log[PATH_MAX], part[PATH_MAX];
	if (path_of(log, home, "log") || path_of(part, home, "log.restoring"))
		return ERR_LIMIT;
	if (access(log, F_OK) == 0) {
		report_add(report, "%s: is there already; move it away first", log);
		return ERR_EXISTS;
	}
	enum err e = backup_read(dir, identity, out, report);
	if (e)
		return e;
	/* One that was interrupted leaves its folder behind. */
	e = store_remove(part);
	if (!e)
		e = store_make_dir(part);
	if (!e)
		e = bring_copy(dir, part, out, report);
	if (!e)
		e = store_verify(part, report);
	if (!e)
		e = log_rename(part, identity, new_store_id, report);
	if (!e)
		e = examine(part, identity, out, report);
	if (!e && rename(part, log) != 0)
		e = lmdb_err(errno);
	if (!e)
		return store_sync_dir(home);
	report_add(report, "%s: nothing was restored: %s", home, err_str(e));
	store_remove(part);
	return e;
}

static enum err open_home(struct log **log, const char *home, const struct identity *identity,
			  char index[PATH_MAX], struct report *report)
{
	char dir[PATH_MAX];
	*log = NULL;
	if (path_of(dir, home, "log") || path_of(index, home, "index"))
		return ERR_LIMIT;
	return log_open(log, dir, &(struct log_options){.verify = true}, identity, NULL, report);
}

enum err backup_check_store(const char *home, const struct identity *identity,
			    struct report *report)
{
	char dir[PATH_MAX];
	struct log *log;
	struct index *index = NULL;
	enum err e = open_home(&log, home, identity, dir, report);
	if (e)
		return e;
	enum err of_log = log_check(log, report);
	e = store_verify(dir, report);
	if (e == ERR_DAMAGED)
		report_add(report, "%s: run khabar reindex: it is built again from the log", dir);
	if (!e || e == ERR_NOT_FOUND)
		e = index_open(&index, dir, log, identity, report);
	if (!e)
		e = index_check(index, report);
	index_close(index);
	log_close(log);
	return of_log ? of_log : e;
}

enum err backup_reindex(const char *home, const struct identity *identity, struct report *report)
{
	char dir[PATH_MAX];
	struct log *log;
	struct index *index = NULL;
	bool more = true;
	enum err e = open_home(&log, home, identity, dir, report);
	if (!e)
		e = store_remove(dir);
	if (!e)
		e = index_open(&index, dir, log, identity, report);
	while (!e && more)
		e = index_fold(index, &more);
	index_close(index);
	log_close(log);
	return e;
}
