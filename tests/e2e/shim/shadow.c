/* A library to preload that keeps, beside a directory, what a power cut would leave of it.
 *
 * SHADOW_OF names the directory, SHADOW_IN an empty one.  A file's bytes reach the shadow when the
 * program syncs that file, or at once when it writes through a descriptor opened with O_DSYNC or
 * O_SYNC; its name appears there when the program syncs the directory.  Nothing else ever does, so
 * a program that forgets a sync loses what it said it had kept.  A disk may also keep more than it
 * was asked to: with SHADOW_SEED, a random half of the unsynced pages reaches the shadow as well.
 *
 * Only what LMDB and this project use is caught, in the one directory, without its subdirectories;
 * writes through a shared map are not seen, and so are not durable. */
#include <pthread.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/uio.h>

#include "tests/e2e/shim/real.h"

enum { FILES_MAX = 16, DESCRIPTORS_MAX = 1024, PAGE = 4096 };

struct range {
	off_t from, to;
};

struct file {
	char name[NAME_MAX + 1];
	int shadow;   /* descriptor of the copy */
	int original; /* of the file itself, to read what was written */
	bool named;   /* the copy stands under its name */
	struct range *dirty;
	size_t dirty_count, dirty_room;
};

struct descriptor {
	enum { NOT_OURS, OF_FILE, OF_DIRECTORY } what;
	bool synchronous;
	struct file *file;
};

static struct {
	pthread_mutex_t lock;
	const char *of, *in;
	uint64_t chance;
	struct file files[FILES_MAX];
	size_t count;
	struct descriptor descriptors[DESCRIPTORS_MAX];
} shadow = {.lock = PTHREAD_MUTEX_INITIALIZER};

static void must(bool good, const char *what)
{
	if (good)
		return;
	perror(what);
	abort();
}

__attribute__((constructor)) static void shadow_start(void)
{
	const char *seed = getenv("SHADOW_SEED");
	shadow.of = getenv("SHADOW_OF");
	shadow.in = getenv("SHADOW_IN");
	shadow.chance = seed ? strtoull(seed, NULL, 10) : 0;
}

static bool coin(void)
{
	if (!shadow.chance)
		return false;
	shadow.chance = shadow.chance * 6364136223846793005u + 1442695040888963407u;
	return shadow.chance >> 63;
}

static void copy_path(char out[PATH_MAX], const struct file *f)
{
	snprintf(out, PATH_MAX, "%s/%s%s", shadow.in, f->named ? "" : "unnamed-", f->name);
}

/* The file of that name, watched from now on. */
static struct file *watch(const char *name, const char *path)
{
	char copy[PATH_MAX];
	struct stat st;
	for (size_t i = 0; i < shadow.count; i++)
		if (strcmp(shadow.files[i].name, name) == 0)
			return &shadow.files[i];
	must(shadow.count < FILES_MAX, "shadow: too many files");
	struct file *f = &shadow.files[shadow.count++];
	snprintf(f->name, sizeof f->name, "%s", name);
	f->named = true;
	copy_path(copy, f);
	f->named = stat(copy, &st) == 0;
	copy_path(copy, f);
	f->shadow = REAL(open)(copy, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	f->original = REAL(open)(path, O_RDONLY | O_CLOEXEC);
	must(f->shadow >= 0 && f->original >= 0, copy);
	return f;
}

static void note_open(int fd, const char *path, int flags)
{
	size_t n = shadow.of && shadow.in ? strlen(shadow.of) : 0;
	if (n == 0 || fd < 0 || fd >= DESCRIPTORS_MAX || strncmp(path, shadow.of, n) != 0)
		return;
	pthread_mutex_lock(&shadow.lock);
	struct descriptor *d = &shadow.descriptors[fd];
	*d = (struct descriptor){.synchronous = flags & O_DSYNC};
	if (path[n] == 0) {
		d->what = OF_DIRECTORY;
	} else if (path[n] == '/' && !strchr(path + n + 1, '/')) {
		d->what = OF_FILE;
		d->file = watch(path + n + 1, path);
	}
	pthread_mutex_unlock(&shadow.lock);
}

static struct descriptor *descriptor_of(int fd)
{
	struct descriptor *d = fd >= 0 && fd < DESCRIPTORS_MAX ? &shadow.descriptors[fd] : NULL;
	return d && d->what != NOT_OURS ? d : NULL;
}

static void copy_range(struct file *f, off_t from, off_t to)
{
	char page[PAGE];
	while (from < to) {
		size_t n = to - from < PAGE ? (size_t)(to - from) : PAGE;
		ssize_t got = pread(f->original, page, n, from);
		must(got >= 0, "shadow: read");
		if (got == 0)
			return; /* cut off since */
		must(REAL(pwrite)(f->shadow, page, (size_t)got, from) == got, "shadow: write");
		from += got;
	}
}

static void note_write(int fd, off_t at, ssize_t n)
{
	if (n <= 0)
		return;
	pthread_mutex_lock(&shadow.lock);
	struct descriptor *d = descriptor_of(fd);
	if (d && d->what == OF_FILE && d->synchronous) {
		copy_range(d->file, at, at + n);
	} else if (d && d->what == OF_FILE) {
		struct file *f = d->file;
		if (f->dirty_count == f->dirty_room) {
			f->dirty_room = f->dirty_room ? f->dirty_room * 2 : 64;
			f->dirty = realloc(f->dirty, f->dirty_room * sizeof *f->dirty);
			must(f->dirty != NULL, "shadow");
		}
		f->dirty[f->dirty_count++] = (struct range){at, at + n};
		for (off_t page = at; page < at + n; page += PAGE)
			if (coin())
				copy_range(f, page, page + PAGE < at + n ? page + PAGE : at + n);
	}
	pthread_mutex_unlock(&shadow.lock);
}

static void sync_file(struct file *f)
{
	struct stat st;
	for (size_t i = 0; i < f->dirty_count; i++)
		copy_range(f, f->dirty[i].from, f->dirty[i].to);
	f->dirty_count = 0;
	must(fstat(f->original, &st) == 0 && REAL(ftruncate)(f->shadow, st.st_size) == 0,
	     "shadow: size");
}

static void sync_names(void)
{
	char from[PATH_MAX], to[PATH_MAX];
	for (size_t i = 0; i < shadow.count; i++) {
		struct file *f = &shadow.files[i];
		copy_path(from, f);
		f->named = true;
		copy_path(to, f);
		must(strcmp(from, to) == 0 || rename(from, to) == 0, from);
	}
}

static void note_sync(int fd)
{
	pthread_mutex_lock(&shadow.lock);
	struct descriptor *d = descriptor_of(fd);
	if (d && d->what == OF_FILE)
		sync_file(d->file);
	else if (d)
		sync_names();
	pthread_mutex_unlock(&shadow.lock);
}

/* What the program calls instead of the C library. */

int open(const char *path, int flags, ...)
{
	va_list args;
	va_start(args, flags);
	int fd = REAL(open)(path, flags, mode_of(flags, args));
	va_end(args);
	note_open(fd, path, flags);
	return fd;
}

int open64(const char *path, int flags, ...)
{
	va_list args;
	va_start(args, flags);
	int fd = REAL(open64)(path, flags, mode_of(flags, args));
	va_end(args);
	note_open(fd, path, flags);
	return fd;
}

int close(int fd)
{
	pthread_mutex_lock(&shadow.lock);
	if (descriptor_of(fd))
		shadow.descriptors[fd] = (struct descriptor){0};
	pthread_mutex_unlock(&shadow.lock);
	return REAL(close)(fd);
}

ssize_t pwrite(int fd, const void *p, size_t n, off_t at)
{
	ssize_t written = REAL(pwrite)(fd, p, n, at);
	note_write(fd, at, written);
	return written;
}

ssize_t pwrite64(int fd, const void *p, size_t n, off64_t at)
{
	return pwrite(fd, p, n, at);
}

ssize_t write(int fd, const void *p, size_t n)
{
	off_t at = descriptor_of(fd) ? lseek(fd, 0, SEEK_CUR) : 0;
	ssize_t written = REAL(write)(fd, p, n);
	note_write(fd, at, written);
	return written;
}

ssize_t writev(int fd, const struct iovec *pieces, int count)
{
	off_t at = descriptor_of(fd) ? lseek(fd, 0, SEEK_CUR) : 0;
	ssize_t written = REAL(writev)(fd, pieces, count);
	note_write(fd, at, written);
	return written;
}

ssize_t pwritev(int fd, const struct iovec *pieces, int count, off_t at)
{
	ssize_t written = REAL(pwritev)(fd, pieces, count, at);
	note_write(fd, at, written);
	return written;
}

int fsync(int fd)
{
	int rc = REAL(fsync)(fd);
	if (rc == 0)
		note_sync(fd);
	return rc;
}

int fdatasync(int fd)
{
	int rc = REAL(fdatasync)(fd);
	if (rc == 0)
		note_sync(fd);
	return rc;
}
