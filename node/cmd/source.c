#include "node/cmd/source.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

enum { PACKED_BYTES = 256 << 10, MAGIC_BYTES = 4, WINDOW_LOG_MAX = 27, GZIP_WINDOW = 15 + 16 };

enum packing { PLAIN, GZIP, ZSTD };

struct source {
	const char *path; /* borrowed */
	int fd;
	enum packing packing;
	bool inside; /* a gzip member or a zstd frame, whose end has not been seen */
	uint64_t done, total;
	uint8_t packed[PACKED_BYTES];
	size_t at, filled; /* of packed */
	z_stream gzip;
	bool gzip_open;
	ZSTD_DStream *zstd;
};

/* False at the end, and when it fails: then there are words. */
static bool fill(struct source *s, size_t least, struct report *report)
{
	while (s->filled - s->at < least) {
		ssize_t n;
		memmove(s->packed, s->packed + s->at, s->filled - s->at);
		s->filled -= s->at;
		s->at = 0;
		n = read(s->fd, s->packed + s->filled, sizeof s->packed - s->filled);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			report_add(report, "%s: %s", s->path, strerror(errno));
		if (n <= 0)
			return false;
		s->filled += (size_t)n;
		s->done += (uint64_t)n;
	}
	return true;
}

static enum packing packing_of(const uint8_t *at, size_t n)
{
	static const uint8_t zstd[MAGIC_BYTES] = {0x28, 0xb5, 0x2f, 0xfd};

	if (n >= sizeof zstd && memcmp(at, zstd, sizeof zstd) == 0)
		return ZSTD;
	return n >= 2 && at[0] == 0x1f && at[1] == 0x8b ? GZIP : PLAIN;
}

static bool unpacker_open(struct source *s)
{
	switch (s->packing) {
	case PLAIN:
		return true;
	case GZIP:
		s->gzip_open = inflateInit2(&s->gzip, GZIP_WINDOW) == Z_OK;
		return s->gzip_open;
	case ZSTD:
		s->zstd = ZSTD_createDStream();
		return s->zstd && !ZSTD_isError(ZSTD_DCtx_setParameter(s->zstd, ZSTD_d_windowLogMax,
								       WINDOW_LOG_MAX));
	}
	return false;
}

enum err source_open(struct source **source, const char *path, struct report *report)
{
	struct source *s = calloc(1, sizeof *s);
	struct stat st;
	size_t before = report->total;

	*source = NULL;
	if (!s)
		return ERR_MEMORY;
	s->path = path;
	s->fd = strcmp(path, "-") == 0 ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
	if (s->fd < 0 || fstat(s->fd, &st) != 0) {
		report_add(report, "%s: %s", path, strerror(errno));
		source_close(s);
		return ERR_IO;
	}
	if (S_ISREG(st.st_mode))
		s->total = (uint64_t)st.st_size;
	fill(s, MAGIC_BYTES, report);
	s->packing = packing_of(s->packed, s->filled);
	if (report->total == before && !unpacker_open(s))
		report_add(report, "%s: no memory to unpack it", path);
	if (report->total > before) {
		source_close(s);
		return ERR_IO;
	}
	*source = s;
	return ERR_OK;
}

void source_close(struct source *s)
{
	if (!s)
		return;
	if (s->gzip_open)
		inflateEnd(&s->gzip);
	ZSTD_freeDStream(s->zstd);
	if (s->fd > STDIN_FILENO)
		close(s->fd);
	free(s);
}

static ssize_t take_plain(struct source *s, void *out, size_t n, struct report *report)
{
	size_t here = s->filled - s->at;
	ssize_t got;

	if (here > 0) {
		here = here < n ? here : n;
		memcpy(out, s->packed + s->at, here);
		s->at += here;
		return (ssize_t)here;
	}
	do
		got = read(s->fd, out, n);
	while (got < 0 && errno == EINTR);
	if (got < 0)
		report_add(report, "%s: %s", s->path, strerror(errno));
	else
		s->done += (uint64_t)got;
	return got;
}

/* A file of several members is what they hold, one after the other. */
static bool step_gzip(struct source *s, uint8_t *out, size_t n, size_t *made)
{
	int rc;

	s->gzip.next_in = s->packed + s->at;
	s->gzip.avail_in = (uInt)(s->filled - s->at);
	s->gzip.next_out = out;
	s->gzip.avail_out = (uInt)(n < UINT32_MAX ? n : UINT32_MAX);
	rc = inflate(&s->gzip, Z_NO_FLUSH);
	s->at = s->filled - s->gzip.avail_in;
	*made = (size_t)(s->gzip.next_out - out);
	s->inside = rc != Z_STREAM_END;
	if (rc == Z_STREAM_END)
		return inflateReset(&s->gzip) == Z_OK;
	return rc == Z_OK || rc == Z_BUF_ERROR;
}

static bool step_zstd(struct source *s, uint8_t *out, size_t n, size_t *made)
{
	ZSTD_inBuffer in = {s->packed + s->at, s->filled - s->at, 0};
	ZSTD_outBuffer to = {out, n, 0};
	size_t rc = ZSTD_decompressStream(s->zstd, &to, &in);

	s->at += in.pos;
	*made = to.pos;
	s->inside = rc != 0;
	return !ZSTD_isError(rc);
}

static ssize_t take_packed(struct source *s, void *out, size_t n, struct report *report)
{
	size_t before = report->total, made = 0;
	bool more, good = true;

	/* What is left inside the unpacker comes before more of the file. */
	do {
		more = fill(s, 1, report);
		if (report->total > before)
			return -1;
		if (!more && !s->inside)
			return 0;
		good = s->packing == GZIP ? step_gzip(s, out, n, &made)
					  : step_zstd(s, out, n, &made);
	} while (good && made == 0 && more);
	if (good && made > 0)
		return (ssize_t)made;
	report_add(report, "%s: %s", s->path, good ? "ends in the middle" : "is damaged");
	return -1;
}

ssize_t source_read(struct source *s, void *out, size_t n, struct report *report)
{
	return s->packing == PLAIN ? take_plain(s, out, n, report) : take_packed(s, out, n, report);
}

bool source_packed(const struct source *s)
{
	return s->packing != PLAIN;
}

bool source_waits(const struct source *s)
{
	struct pollfd ready = {.fd = s->fd, .events = POLLIN};

	return s->at == s->filled && poll(&ready, 1, 0) == 0;
}

bool source_skip(struct source *s, uint64_t n, struct report *report)
{
	if (s->packing == PLAIN && lseek(s->fd, (off_t)n, SEEK_SET) == (off_t)n) {
		s->at = s->filled = 0;
		return true;
	}
	report_add(report, "%s: cannot be read from byte %llu on", s->path, (unsigned long long)n);
	return false;
}

uint64_t source_done(const struct source *s)
{
	return s->done < s->total ? s->done : s->total;
}

uint64_t source_total(const struct source *s)
{
	return s->total;
}
