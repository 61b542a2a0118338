/* Looks at every page in use of an environment before LMDB does.
 *
 * LMDB trusts its file: a damaged page ends the process by an assertion or a signal.  So whoever
 * may meet one reads the file here first, by pread and with every length checked, and gets an error
 * in words.  The format is that of LMDB 0.9 on 64 bits (data version 1), as far as this project
 * uses it: named tables in the main table, without duplicates. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "node/store/store.h"

enum {
	PAGE_HEADER = 16, /* number 8, pad 2, flags 2, lower 2 and upper 2, or pages 4 */
	NODE_HEADER = 8,  /* low 2, high 2, flags 2, key size 2 */
	KEY_MAX = 511,
	DEPTH_MAX = 32,
	PAGE_MIN = 512,
	PAGE_MAX = 65536,
	DATA_VERSION = 1,
	FLAG_BRANCH = 1,
	FLAG_LEAF = 2,
	FLAG_OVERFLOW = 4,
	FLAG_META = 8,
	NODE_BIG = 1,
	NODE_TABLE = 2,
	INTEGER_KEYS = 8,
};
#define MAGIC 0xBEEFC0DEu
#define NO_PAGE UINT64_MAX

/* As they stand in the file. */
struct table {
	uint32_t pad;
	uint16_t flags, depth;
	uint64_t branches, leaves, overflows, entries, root;
};
struct meta {
	uint32_t magic, version;
	uint64_t address, map_bytes;
	struct table free, main;
	uint64_t last_page, transaction;
};
struct node {
	uint16_t low, high, flags, key_size;
};

struct scan {
	int fd;
	size_t page_bytes;
	uint64_t pages; /* in use or free: numbers below this exist */
	uint8_t *seen;  /* a bit for each */
	const char *why;
	uint64_t where; /* page */
};

/* One table on the way through its keys, which must ascend. */
struct walk {
	struct scan *scan;
	struct table found; /* counted */
	unsigned depth;
	bool is_main, is_free;
	uint8_t least[KEY_MAX + 1];
	size_t least_size;
	bool has_least, inclusive;
};

static enum err bad(struct scan *s, uint64_t page, const char *why)
{
	if (!s->why) {
		s->why = why;
		s->where = page;
	}
	return ERR_DAMAGED;
}

/* Less than n only at the end of the file: what the system refuses to read is no damage. */
static enum err read_bytes(const struct scan *s, uint64_t at, void *out, size_t n, size_t *got)
{
	for (*got = 0; *got < n;) {
		ssize_t more = pread(s->fd, (uint8_t *)out + *got, n - *got, (off_t)(at + *got));
		if (more == 0)
			break;
		if (more > 0)
			*got += (size_t)more;
		else if (errno != EINTR)
			return lmdb_err(errno);
	}
	return ERR_OK;
}

static enum err read_at(struct scan *s, uint64_t page, void *out, size_t n)
{
	size_t got;
	enum err e = read_bytes(s, page * s->page_bytes, out, n, &got);
	if (e)
		return e;
	return got == n ? ERR_OK : bad(s, page, "lies beyond the end of the file");
}

/* Nothing may use a page twice. */
static enum err claim(struct scan *s, uint64_t page, uint64_t count)
{
	if (page < 2 || count > s->pages || page > s->pages - count)
		return bad(s, page, "does not exist");
	for (; count > 0; count--, page++) {
		if (s->seen[page / 8] & 1u << page % 8)
			return bad(s, page, "is used twice");
		s->seen[page / 8] |= (uint8_t)(1u << page % 8);
	}
	return ERR_OK;
}

static int order(const struct walk *w, const uint8_t *key, size_t n)
{
	uint64_t a, b;
	if (w->is_free) {
		memcpy(&a, key, sizeof a);
		memcpy(&b, w->least, sizeof b);
		return (a > b) - (a < b);
	}
	int c = memcmp(key, w->least, n < w->least_size ? n : w->least_size);
	return c ? c : (n > w->least_size) - (n < w->least_size);
}

/* The next key has to be above the last one; the first one under a branch may equal its key. */
static enum err advance(struct walk *w, uint64_t page, const uint8_t *key, size_t n, bool inclusive)
{
	if (n == 0 || n > KEY_MAX || (w->is_free && n != 8))
		return bad(w->scan, page, "has a key of an impossible size");
	int c = w->has_least ? order(w, key, n) : 1;
	if (c < 0 || (c == 0 && !w->inclusive))
		return bad(w->scan, page, "has its keys in a wrong order");
	memcpy(w->least, key, n);
	w->least_size = n;
	w->has_least = true;
	w->inclusive = inclusive;
	return ERR_OK;
}

/* The pages that a row of the table of free pages lists: a count, then as many numbers. */
static enum err claim_free(struct scan *s, uint64_t page, const uint8_t *data, size_t n)
{
	uint64_t count, number;
	if (n < sizeof count)
		return bad(s, page, "has a list of free pages cut short");
	memcpy(&count, data, sizeof count);
	if (count > n / sizeof number - 1)
		return bad(s, page, "has a list of free pages cut short");
	for (uint64_t i = 1; i <= count; i++) {
		memcpy(&number, data + i * sizeof number, sizeof number);
		enum err e = claim(s, number, 1);
		if (e)
			return e;
	}
	return ERR_OK;
}

static enum err check_big(struct walk *w, uint64_t page, const uint8_t *data, size_t n)
{
	struct scan *s = w->scan;
	uint64_t at, number;
	uint8_t header[PAGE_HEADER];
	uint16_t flags;
	uint32_t count;
	memcpy(&at, data, sizeof at);
	uint64_t want = (PAGE_HEADER - 1 + (uint64_t)n) / s->page_bytes + 1;
	enum err e = claim(s, at, want);
	if (!e)
		e = read_at(s, at, header, sizeof header);
	if (e)
		return e;
	memcpy(&number, header, sizeof number);
	memcpy(&flags, header + 10, sizeof flags);
	memcpy(&count, header + 12, sizeof count);
	if (number != at || flags != FLAG_OVERFLOW || count != want)
		return bad(s, at, "is not the large value that another page names");
	w->found.overflows += want;
	if (!w->is_free)
		return ERR_OK;
	uint8_t *list = malloc(want * s->page_bytes);
	if (!list)
		return ERR_MEMORY;
	e = read_at(s, at, list, PAGE_HEADER + n);
	if (!e)
		e = claim_free(s, page, list + PAGE_HEADER, n);
	free(list);
	return e;
}

static enum err walk_table(struct scan *s, const struct table *t, bool is_main, bool is_free,
			   uint64_t page);

static enum err check_leaf(struct walk *w, uint64_t page, const uint8_t *at, size_t room)
{
	struct node node;
	struct table table;
	memcpy(&node, at, sizeof node);
	size_t n = node.low | (size_t)node.high << 16;
	size_t stored = node.flags & NODE_BIG ? sizeof(uint64_t) : n;
	if (node.key_size > room - NODE_HEADER || stored > room - NODE_HEADER - node.key_size)
		return bad(w->scan, page, "has a row that leaves the page");
	enum err e = advance(w, page, at + NODE_HEADER, node.key_size, false);
	if (e)
		return e;
	const uint8_t *data = at + NODE_HEADER + node.key_size;
	w->found.entries++;
	if (node.flags == NODE_TABLE && w->is_main && n == sizeof table) {
		memcpy(&table, data, sizeof table);
		return walk_table(w->scan, &table, false, false, page);
	}
	if (node.flags & ~NODE_BIG || w->is_main)
		return bad(w->scan, page, "has a row of an unknown sort");
	if (node.flags & NODE_BIG)
		return check_big(w, page, data, n);
	return w->is_free ? claim_free(w->scan, page, data, n) : ERR_OK;
}

static enum err walk_page(struct walk *w, uint64_t page, unsigned level);

static enum err check_branch(struct walk *w, uint64_t page, const uint8_t *at, size_t room,
			     unsigned level, bool first)
{
	struct node node;
	memcpy(&node, at, sizeof node);
	if (node.key_size > room - NODE_HEADER)
		return bad(w->scan, page, "has a key that leaves the page");
	/* The first key of a branch stands for minus infinity and is not looked at. */
	enum err e = first ? ERR_OK : advance(w, page, at + NODE_HEADER, node.key_size, true);
	uint64_t child = node.low | (uint64_t)node.high << 16 | (uint64_t)node.flags << 32;
	return e ? e : walk_page(w, child, level + 1);
}

static enum err check_page(struct walk *w, uint64_t page, const uint8_t *bytes, unsigned level)
{
	struct scan *s = w->scan;
	uint64_t number;
	uint16_t flags, lower, upper, at;
	memcpy(&number, bytes, sizeof number);
	memcpy(&flags, bytes + 10, sizeof flags);
	memcpy(&lower, bytes + 12, sizeof lower);
	memcpy(&upper, bytes + 14, sizeof upper);
	bool is_leaf = level == w->depth;
	if (number != page || flags != (is_leaf ? FLAG_LEAF : FLAG_BRANCH))
		return bad(s, page, "is not what the page above it says");
	if (lower <= PAGE_HEADER || lower % 2 || lower > upper || upper > s->page_bytes)
		return bad(s, page, "has an impossible number of rows");
	w->found.leaves += is_leaf;
	w->found.branches += !is_leaf;
	for (size_t i = PAGE_HEADER; i < lower; i += 2) {
		memcpy(&at, bytes + i, sizeof at);
		if (at < upper || at % 2 || (size_t)at + NODE_HEADER > s->page_bytes)
			return bad(s, page, "has a row outside its rows");
		size_t room = s->page_bytes - at;
		enum err e =
			is_leaf ? check_leaf(w, page, bytes + at, room)
				: check_branch(w, page, bytes + at, room, level, i == PAGE_HEADER);
		if (e)
			return e;
	}
	return ERR_OK;
}

static enum err walk_page(struct walk *w, uint64_t page, unsigned level)
{
	enum err e = claim(w->scan, page, 1);
	if (e)
		return e;
	uint8_t *bytes = malloc(w->scan->page_bytes);
	if (!bytes)
		return ERR_MEMORY;
	e = read_at(w->scan, page, bytes, w->scan->page_bytes);
	if (!e)
		e = check_page(w, page, bytes, level);
	free(bytes);
	return e;
}

static enum err walk_table(struct scan *s, const struct table *t, bool is_main, bool is_free,
			   uint64_t page)
{
	struct walk w = {.scan = s, .depth = t->depth, .is_main = is_main, .is_free = is_free};
	if (t->flags != (is_free ? INTEGER_KEYS : 0))
		return bad(s, page, "names a table of an unknown sort");
	if (t->root == NO_PAGE)
		return t->depth || t->entries ? bad(s, page, "names an empty table that is not")
					      : ERR_OK;
	if (t->depth < 1 || t->depth > DEPTH_MAX)
		return bad(s, page, "names a table of an impossible depth");
	enum err e = walk_page(&w, t->root, 1);
	if (!e && (w.found.entries != t->entries || w.found.leaves != t->leaves ||
		   w.found.branches != t->branches || w.found.overflows != t->overflows))
		e = bad(s, page, "names a table that has more or less in it");
	return e;
}

/* The newer of the two descriptions at the beginning of the file. */
static enum err read_meta(struct scan *s, struct meta *newest)
{
	bool found = false;
	s->page_bytes = PAGE_HEADER + sizeof(struct meta);
	for (unsigned i = 0; i < 2; i++) {
		uint8_t page[PAGE_HEADER + sizeof(struct meta)];
		struct meta meta;
		uint16_t flags;
		size_t got;
		enum err e = read_bytes(s, i == 0 ? 0 : newest->free.pad, page, sizeof page, &got);
		if (e)
			return e;
		if (got != sizeof page)
			return bad(s, i, "is missing");
		memcpy(&flags, page + 10, sizeof flags);
		memcpy(&meta, page + PAGE_HEADER, sizeof meta);
		if (flags != FLAG_META || meta.magic != MAGIC || meta.version != DATA_VERSION ||
		    meta.free.pad < PAGE_MIN || meta.free.pad > PAGE_MAX ||
		    meta.free.pad & (meta.free.pad - 1))
			return bad(s, i, "is no description of a store");
		if (!found || meta.transaction > newest->transaction)
			*newest = meta;
		found = true;
	}
	s->page_bytes = newest->free.pad;
	return ERR_OK;
}

/* LMDB writes both descriptions at once, before anything else: with only the first there, and no
 * transaction in it, the disk was full when the file was made. */
static bool is_unfinished(const struct scan *s, uint64_t file_bytes)
{
	uint8_t page[PAGE_HEADER + sizeof(struct meta)];
	struct meta meta;
	size_t got;
	if (read_bytes(s, 0, page, sizeof page, &got) != ERR_OK || got != sizeof page)
		return false;
	memcpy(&meta, page + PAGE_HEADER, sizeof meta);
	return meta.magic == MAGIC && meta.transaction == 0 && meta.main.root == NO_PAGE &&
	       file_bytes < 2 * (uint64_t)meta.free.pad;
}

static enum err verify(struct scan *s, uint64_t file_bytes)
{
	struct meta meta = {0};
	enum err e = read_meta(s, &meta);
	if (e)
		return e;
	/* Pages that were free when they were last numbered may never have been written, so that
	 * the file may end before them; how many they are is bounded all the same. */
	if (meta.last_page < 1 || meta.last_page / 2 > file_bytes / s->page_bytes + (1u << 20))
		return bad(s, 0, "counts more pages than the file has");
	s->pages = meta.last_page + 1;
	s->seen = calloc(1, s->pages / 8 + 1);
	if (!s->seen)
		return ERR_MEMORY;
	e = walk_table(s, &meta.main, true, false, 0);
	/* What is free must not be in use: LMDB would write over it. */
	return e ? e : walk_table(s, &meta.free, false, true, 0);
}

enum err store_finish(const char *dir)
{
	char path[PATH_MAX];
	struct scan s = {0};
	struct stat st;
	if ((size_t)snprintf(path, sizeof path, "%s/data.mdb", dir) >= sizeof path)
		return ERR_LIMIT;
	s.fd = open(path, O_RDWR | O_CLOEXEC);
	if (s.fd < 0)
		return errno == ENOENT ? ERR_OK : lmdb_err(errno);
	enum err e = fstat(s.fd, &st) == 0 ? ERR_OK : lmdb_err(errno);
	if (!e && is_unfinished(&s, (uint64_t)st.st_size) && ftruncate(s.fd, 0) != 0)
		e = lmdb_err(errno);
	close(s.fd);
	return e;
}

enum err store_verify(const char *dir, struct report *report)
{
	char path[PATH_MAX];
	struct scan s = {0};
	struct stat st;
	if ((size_t)snprintf(path, sizeof path, "%s/data.mdb", dir) >= sizeof path)
		return ERR_LIMIT;
	s.fd = open(path, O_RDONLY | O_CLOEXEC);
	bool there = s.fd >= 0 && fstat(s.fd, &st) == 0;
	if (!there || S_ISDIR(st.st_mode)) {
		int why = there ? EISDIR : errno;
		if (why != ENOENT)
			report_add(report, "%s: cannot be read: %s", path, strerror(why));
		if (s.fd >= 0)
			close(s.fd);
		return lmdb_err(why);
	}
	enum err e = ERR_OK;
	/* An empty file is what is left when the power goes in the middle of making one. */
	if (st.st_size > 0 && !is_unfinished(&s, (uint64_t)st.st_size))
		e = verify(&s, (uint64_t)st.st_size);
	if (e == ERR_DAMAGED)
		report_add(report, "%s: page %llu %s", path, (unsigned long long)s.where, s.why);
	free(s.seen);
	close(s.fd);
	return e;
}
