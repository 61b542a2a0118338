#include "node/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <unistr.h>

enum { FIRST_BYTES = 16 << 10 }; /* of the buffer; most files are shorter */

static enum err read_all(char **out, size_t *n, int fd, size_t most, struct report *report)
{
	char *data = NULL;
	size_t room = 0;

	for (*n = 0; *n <= most;) {
		/* One byte more than is allowed tells what is too long, one more is for the NUL. */
		if (room - *n < 2) {
			room = room == 0 ? FIRST_BYTES : 2 * room;
			room = room < most + 2 ? room : most + 2;
			char *more = realloc(data, room);
			if (!more) {
				free(data);
				return ERR_MEMORY;
			}
			data = more;
		}
		ssize_t got = read(fd, data + *n, room - 1 - *n);
		if (got == 0)
			break;
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0) {
			report_add(report, "cannot be read: %s", strerror(errno));
			free(data);
			return ERR_IO;
		}
		*n += (size_t)got;
	}
	if (*n > most) {
		report_add(report, "more than %zu bytes", most);
		free(data);
		return ERR_LIMIT;
	}
	data[*n] = '\0';
	*out = data;
	return ERR_OK;
}

enum err file_read(char **out, size_t *n, const char *path, size_t most, struct report *report)
{
	bool standard = strcmp(path, "-") == 0;
	int fd = standard ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
	enum err e;

	*out = NULL;
	if (fd < 0) {
		report_add(report, "cannot be read: %s", strerror(errno));
		return errno == ENOENT ? ERR_NOT_FOUND : ERR_IO;
	}
	e = read_all(out, n, fd, most, report);
	if (!standard)
		close(fd);
	return e;
}

static const char *name_of(const char *path)
{
	return strcmp(path, "-") == 0 ? "standard input" : path;
}

enum err file_read_named(char **out, size_t *n, const char *path, size_t most,
			 struct report *report)
{
	struct report words;
	enum err e;

	report_init(&words);
	e = file_read(out, n, path, most, &words);
	if (e)
		report_add(report, "%s: %s", name_of(path),
			   words.count ? words.lines[0] : err_str(e));
	report_clear(&words);
	return e;
}

enum err file_read_text(char **out, size_t *n, const char *path, size_t most, struct report *report)
{
	enum err e = file_read_named(out, n, path, most, report);

	if (e || (!memchr(*out, '\0', *n) && !u8_check((const uint8_t *)*out, *n)))
		return e;
	report_add(report, "%s: it is not UTF-8 text", name_of(path));
	free(*out);
	*out = NULL;
	return ERR_FORMAT;
}

static bool write_all(int fd, const char *data, size_t n)
{
	while (n > 0) {
		ssize_t done = write(fd, data, n);
		if (done < 0 && errno == EINTR)
			continue;
		if (done < 0)
			return false;
		data += done;
		n -= (size_t)done;
	}
	return true;
}

/* What is there already and is no file, such as a device or a pipe, is not for us to replace: it is
 * written into. */
static bool write_into(const char *path, const char *data, size_t n)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC | O_NOCTTY), error;
	bool good = fd >= 0 && write_all(fd, data, n);

	error = errno;
	if (fd >= 0)
		close(fd);
	errno = error;
	return good;
}

static bool replace(const char *path, const char *data, size_t n)
{
	char aside[PATH_MAX];
	int fd, error;
	bool good;

	if (snprintf(aside, sizeof aside, "%s.XXXXXX", path) >= (int)sizeof aside) {
		errno = ENAMETOOLONG;
		return false;
	}
	fd = mkstemp(aside);
	if (fd < 0)
		return false;
	good = write_all(fd, data, n) && fchmod(fd, 0644) == 0 && fsync(fd) == 0;
	good = close(fd) == 0 && good && rename(aside, path) == 0;
	error = errno;
	if (!good)
		unlink(aside);
	errno = error;
	return good;
}

/* A link stays what it is; what it points to is written. */
static bool write_at(const char *path, const char *data, size_t n)
{
	char target[PATH_MAX];
	struct stat st;
	bool link = lstat(path, &st) == 0 && S_ISLNK(st.st_mode);

	if (link && stat(path, &st) != 0)
		return false;
	if (stat(path, &st) == 0 && !S_ISREG(st.st_mode))
		return write_into(path, data, n);
	if (link && !realpath(path, target))
		return false;
	return replace(link ? target : path, data, n);
}

enum err file_write(const char *path, const char *data, size_t n, struct report *report)
{
	if (!path) {
		/* main looks at the stream's error. */
		fwrite(data, 1, n, stdout);
		return ERR_OK;
	}
	if (write_at(path, data, n))
		return ERR_OK;
	report_add(report, "%s: cannot be written: %s", path, strerror(errno));
	return ERR_IO;
}
