#include "node/format/export_sort.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "protocol/bytes.h"

enum { ARENA_START_BYTES = 64 << 10, WINDOW_BYTES = 64 << 10, LENGTH_BYTES = 4 };

/* A run of the file being merged: a window of it is in memory. */
struct run {
	off_t at, end; /* what has not been read */
	uint8_t *window;
	size_t size, from, to; /* bytes; [from, to) of the window is unread */
	struct slice record;   /* the one that comes next */
};

struct sorter {
	const char *dir;
	size_t memory;
	enum err failed;

	/* Being collected. */
	char *arena;
	size_t used, size;
	struct slice *records;
	size_t count, room;

	/* Spilled: the ends of the runs in the file. */
	int fd;
	off_t written;
	off_t *ends;
	size_t run_count;

	/* Being read: a heap of runs, or, without any, the records in memory. */
	bool reading;
	struct run *runs;
	size_t *heap;
	size_t heap_count, next;
	char *last; /* the record given last */
	size_t last_length, last_size;
	bool given;
};

struct sorter *sorter_new(const char *dir, size_t memory)
{
	struct sorter *s = calloc(1, sizeof *s);

	if (!s)
		return NULL;
	s->dir = dir;
	s->memory = memory;
	s->fd = -1;
	return s;
}

void sorter_free(struct sorter *s)
{
	if (!s)
		return;
	for (size_t i = 0; s->runs && i < s->run_count; i++)
		free(s->runs[i].window);
	if (s->fd >= 0)
		close(s->fd);
	free(s->arena);
	free(s->records);
	free(s->ends);
	free(s->runs);
	free(s->heap);
	free(s->last);
	free(s);
}

static enum err fail(struct sorter *s, enum err e)
{
	if (e && !s->failed)
		s->failed = e;
	return s->failed;
}

static int compare(struct slice a, struct slice b)
{
	size_t n = a.length < b.length ? a.length : b.length;
	int order = n && a.at && b.at ? memcmp(a.at, b.at, n) : 0;

	return order ? order : (a.length > b.length) - (a.length < b.length);
}

static int compare_records(const void *a, const void *b)
{
	return compare(*(const struct slice *)a, *(const struct slice *)b);
}

static void sort_memory(struct sorter *s)
{
	if (s->count)
		qsort(s->records, s->count, sizeof *s->records, compare_records);
}

/* ---- spilling ---- */

/* A file that nobody else can open and that goes with us. */
static int file_unnamed(const char *dir)
{
	char path[4096];
	int fd = open(dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

	if (fd >= 0 || snprintf(path, sizeof path, "%s/.khabar-XXXXXX", dir) >= (int)sizeof path)
		return fd;
	fd = mkostemp(path, O_CLOEXEC);
	if (fd >= 0)
		unlink(path);
	return fd;
}

static bool write_record(FILE *out, struct slice record)
{
	uint8_t length[LENGTH_BYTES];

	put_u32(length, (uint32_t)record.length);
	return fwrite(length, sizeof length, 1, out) == 1 &&
	       fwrite(record.at, 1, record.length, out) == record.length;
}

static enum err write_run(struct sorter *s)
{
	int fd = dup(s->fd);
	FILE *out = fd >= 0 ? fdopen(fd, "w") : NULL;
	bool good = out != NULL;

	if (!out && fd >= 0)
		close(fd);
	for (size_t i = 0; good && i < s->count; i++) {
		if (i && compare(s->records[i - 1], s->records[i]) == 0)
			continue;
		good = write_record(out, s->records[i]);
		s->written += (off_t)(LENGTH_BYTES + s->records[i].length);
	}
	if (out && fclose(out) != 0)
		good = false;
	return good ? ERR_OK : ERR_IO;
}

static enum err spill(struct sorter *s)
{
	off_t *ends = realloc(s->ends, (s->run_count + 1) * sizeof *ends);
	enum err e = ends ? ERR_OK : ERR_MEMORY;

	if (ends)
		s->ends = ends;
	if (!e && s->fd < 0) {
		s->fd = file_unnamed(s->dir);
		e = s->fd < 0 ? ERR_IO : ERR_OK;
	}
	sort_memory(s);
	if (!e)
		e = write_run(s);
	if (e)
		return e;
	s->ends[s->run_count++] = s->written;
	s->used = s->count = 0;
	return ERR_OK;
}

/* ---- collecting ---- */

/* The arena moves when it grows, and the records with it. */
static enum err arena_room(struct sorter *s, size_t n)
{
	size_t size = s->size ? s->size : ARENA_START_BYTES;
	char *arena;

	if (s->size - s->used >= n)
		return ERR_OK;
	while (size - s->used < n)
		size *= 2;
	arena = malloc(size);
	if (!arena)
		return ERR_MEMORY;
	if (s->used)
		memcpy(arena, s->arena, s->used);
	for (size_t i = 0; i < s->count; i++)
		s->records[i].at = arena + (s->records[i].at - s->arena);
	free(s->arena);
	s->arena = arena;
	s->size = size;
	return ERR_OK;
}

static enum err records_room(struct sorter *s)
{
	size_t room = s->room ? 2 * s->room : 1024;
	struct slice *records;

	if (s->count < s->room)
		return ERR_OK;
	records = realloc(s->records, room * sizeof *records);
	if (!records)
		return ERR_MEMORY;
	s->records = records;
	s->room = room;
	return ERR_OK;
}

enum err sorter_add(struct sorter *s, const void *record, size_t n)
{
	/* What says where a record is counts as memory too. */
	size_t cost = n + sizeof(struct slice);
	enum err e = ERR_OK;

	if (s->failed)
		return s->failed;
	if (s->reading)
		return fail(s, ERR_STATE);
	if (n > SORT_RECORD_MAX_BYTES)
		return fail(s, ERR_LIMIT);
	if (s->count && s->used + s->count * sizeof(struct slice) + cost > s->memory)
		e = spill(s);
	if (!e)
		e = records_room(s);
	if (!e)
		e = arena_room(s, n);
	if (e)
		return fail(s, e);
	if (n)
		memcpy(s->arena + s->used, record, n);
	s->records[s->count++] = (struct slice){s->arena + s->used, n};
	s->used += n;
	return ERR_OK;
}

/* ---- merging ---- */

/* Makes n bytes of the run available at its window's from; false when it ends before. */
static enum err window_fill(struct sorter *s, struct run *r, size_t n)
{
	size_t have = r->to - r->from, size = n > WINDOW_BYTES ? n : WINDOW_BYTES;

	if (have >= n)
		return ERR_OK;
	if (size > r->size) {
		uint8_t *window = malloc(size);
		if (!window)
			return ERR_MEMORY;
		if (have)
			memcpy(window, r->window + r->from, have);
		free(r->window);
		r->window = window;
		r->size = size;
	} else if (have) {
		memmove(r->window, r->window + r->from, have);
	}
	r->from = 0;
	r->to = have;
	while (r->to < n) {
		size_t left = (size_t)(r->end - r->at), want = r->size - r->to;
		ssize_t got = pread(s->fd, r->window + r->to, want < left ? want : left, r->at);
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return ERR_IO;
		r->to += (size_t)got;
		r->at += got;
	}
	return ERR_OK;
}

/* Moves the run to its next record; ERR_NOT_FOUND at its end. */
static enum err run_next(struct sorter *s, struct run *r)
{
	uint32_t n;
	enum err e;

	r->from += r->record.length;
	r->record = (struct slice){NULL, 0};
	if (r->from == r->to && r->at == r->end)
		return ERR_NOT_FOUND;
	e = window_fill(s, r, LENGTH_BYTES);
	if (e)
		return e;
	n = get_u32(r->window + r->from);
	r->from += LENGTH_BYTES;
	e = window_fill(s, r, n);
	if (!e)
		r->record = (struct slice){(const char *)r->window + r->from, n};
	return e;
}

static bool heap_before(const struct sorter *s, size_t a, size_t b)
{
	return compare(s->runs[s->heap[a]].record, s->runs[s->heap[b]].record) < 0;
}

static void heap_swap(struct sorter *s, size_t a, size_t b)
{
	size_t run = s->heap[a];

	s->heap[a] = s->heap[b];
	s->heap[b] = run;
}

static void heap_down(struct sorter *s, size_t i)
{
	for (;;) {
		size_t least = i, child = 2 * i + 1;

		if (child < s->heap_count && heap_before(s, child, least))
			least = child;
		if (child + 1 < s->heap_count && heap_before(s, child + 1, least))
			least = child + 1;
		if (least == i)
			return;
		heap_swap(s, i, least);
		i = least;
	}
}

static enum err start_merge(struct sorter *s)
{
	enum err e = s->count ? spill(s) : ERR_OK;

	/* The windows come in place of the arena. */
	free(s->arena);
	s->arena = NULL;
	s->size = 0;
	s->runs = e ? NULL : calloc(s->run_count, sizeof *s->runs);
	s->heap = e ? NULL : calloc(s->run_count, sizeof *s->heap);
	if (!e && (!s->runs || !s->heap))
		e = ERR_MEMORY;
	for (size_t i = 0; !e && i < s->run_count; i++) {
		s->runs[i].at = i ? s->ends[i - 1] : 0;
		s->runs[i].end = s->ends[i];
		e = run_next(s, &s->runs[i]);
		s->heap[s->heap_count++] = i;
	}
	for (size_t i = s->heap_count / 2; !e && i-- > 0;)
		heap_down(s, i);
	return e;
}

static enum err merge_next(struct sorter *s, struct slice *record)
{
	struct run *r;
	enum err e = ERR_OK;

	if (s->given && s->heap_count) {
		e = run_next(s, &s->runs[s->heap[0]]);
		if (e == ERR_NOT_FOUND) {
			heap_swap(s, 0, --s->heap_count);
			e = ERR_OK;
		}
		heap_down(s, 0);
	}
	if (e || s->heap_count == 0)
		return e ? e : ERR_NOT_FOUND;
	r = &s->runs[s->heap[0]];
	*record = r->record;
	s->given = true;
	return ERR_OK;
}

static enum err any_next(struct sorter *s, struct slice *record)
{
	if (s->run_count)
		return merge_next(s, record);
	if (s->next == s->count)
		return ERR_NOT_FOUND;
	*record = s->records[s->next++];
	return ERR_OK;
}

/* Remembers the record, so that the next can be compared with it. */
static enum err keep_last(struct sorter *s, struct slice *record)
{
	if (record->length > s->last_size || !s->last) {
		size_t size = record->length + 256;
		char *last = realloc(s->last, size);
		if (!last)
			return ERR_MEMORY;
		s->last = last;
		s->last_size = size;
	}
	if (record->length)
		memcpy(s->last, record->at, record->length);
	s->last_length = record->length;
	*record = (struct slice){s->last, s->last_length};
	return ERR_OK;
}

enum err sorter_next(struct sorter *s, struct slice *record)
{
	bool first = !s->reading;
	enum err e = s->failed;

	if (!e && first) {
		s->reading = true;
		if (s->run_count)
			e = start_merge(s);
		else
			sort_memory(s);
	}
	if (e)
		return fail(s, e);
	do {
		e = any_next(s, record);
	} while (!e && s->last && compare(*record, (struct slice){s->last, s->last_length}) == 0);
	if (!e)
		e = keep_last(s, record);
	return e == ERR_NOT_FOUND ? e : fail(s, e);
}
