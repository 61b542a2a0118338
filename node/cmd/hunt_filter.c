#include "node/cmd/hunt_filter.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "node/cmd/cmd.h"
#include "node/cmd/hunt_log.h"
#include "node/file.h"
#include "protocol/scan.h"

enum {
	HEAD_BYTES = 4096,
	WORDS_MIN = 512,
	WORDS_MAX = 8 << 20,
	BITS_SET = 4,
	/* A filter is made with so many bits for each byte of the log, and then folded for as long
	 * as it stays as empty as that. */
	BYTES_A_WORD = 128,
	PACKED_FACTOR = 8,
	EMPTY_PART = 16,
	SEEN_PIECES = 1 << 14,
	SEEN_PIECE_BYTES = 256,
	LEVELS = 4,
};

#define FILTER_MAGIC UINT64_C(0x3154464e5548424b)

/* The file begins so; it is for this machine. */
struct head {
	uint64_t magic, device, inode, changed, changed_ns;
	uint64_t size;    /* of the log */
	uint64_t through; /* of it was looked at, where it is plain */
	uint64_t made;    /* its size, when the filter was made */
	uint64_t words;
	uint8_t begins[16]; /* hash of the first bytes */
	uint8_t key[crypto_shorthash_KEYBYTES];
};

struct hunt_filter {
	struct head head;
	uint64_t *words;
	uint64_t *seen; /* hashes of pieces that are in it; while it is made */
};

/* ---- bits ---- */

static uint64_t hash_bits(const struct hunt_filter *f, unsigned type, unsigned prefix,
			  const void *bytes, size_t n)
{
	uint8_t in[2 + OBSERVABLE_MAX_BYTES], out[crypto_shorthash_BYTES];
	uint64_t hash;

	n = n < OBSERVABLE_MAX_BYTES ? n : OBSERVABLE_MAX_BYTES;
	in[0] = (uint8_t)type;
	in[1] = (uint8_t)prefix;
	memcpy(in + 2, bytes, n);
	crypto_shorthash(out, in, n + 2, f->head.key);
	memcpy(&hash, out, sizeof hash);
	return hash;
}

static uint64_t bits_of(uint64_t hash)
{
	uint64_t bits = 0;

	for (unsigned i = 0; i < BITS_SET; i++)
		bits |= UINT64_C(1) << (hash >> (40 + 6 * i) & 63);
	return bits;
}

static void add(struct hunt_filter *f, unsigned type, unsigned prefix, const void *bytes, size_t n)
{
	uint64_t hash = hash_bits(f, type, prefix, bytes, n);

	f->words[hash & (f->head.words - 1)] |= bits_of(hash);
}

static bool may(const struct hunt_filter *f, unsigned type, unsigned prefix, const void *bytes,
		size_t n)
{
	uint64_t hash = hash_bits(f, type, prefix, bytes, n), bits = bits_of(hash);

	return (f->words[hash & (f->head.words - 1)] & bits) == bits;
}

static void fold(struct hunt_filter *f)
{
	while (f->head.words > WORDS_MIN) {
		uint64_t half = f->head.words / 2, set = 0;
		for (uint64_t i = 0; i < f->head.words; i++)
			set += (unsigned)__builtin_popcountll(f->words[i]);
		if (set > f->head.words * 64 / EMPTY_PART)
			return;
		for (uint64_t i = 0; i < half; i++)
			f->words[i] |= f->words[i + half];
		f->head.words = half;
	}
}

/* ---- values ---- */

/* An address stands under the networks of these lengths that hold it, and a network that is looked
 * for under the next shorter of them. */
static const uint8_t levels_v4[LEVELS] = {8, 16, 24, 32}, levels_v6[LEVELS] = {32, 48, 64, 128};

static void masked(uint8_t out[16], const uint8_t *address, size_t n, unsigned bits)
{
	memset(out, 0, 16);
	memcpy(out, address, n);
	for (unsigned i = bits; i < 8 * n; i++)
		out[i / 8] &= (uint8_t) ~(0x80u >> i % 8);
}

static void add_address(struct hunt_filter *f, bool v4, const uint8_t *address, unsigned prefix)
{
	const uint8_t *levels = v4 ? levels_v4 : levels_v6;
	unsigned type = v4 ? OBSERVABLE_IPV4 : OBSERVABLE_IPV6;
	size_t n = v4 ? 4 : 16;
	uint8_t network[16];

	for (size_t i = 0; i < LEVELS && levels[i] <= prefix; i++) {
		masked(network, address, n, levels[i]);
		add(f, type, levels[i], network, n);
	}
}

static bool may_address(const struct hunt_filter *f, bool v4, const uint8_t *address,
			unsigned prefix)
{
	const uint8_t *levels = v4 ? levels_v4 : levels_v6;
	unsigned type = v4 ? OBSERVABLE_IPV4 : OBSERVABLE_IPV6;
	size_t n = v4 ? 4 : 16, i = LEVELS;
	uint8_t network[16];

	while (i > 0 && levels[i - 1] > prefix)
		i--;
	if (i == 0)
		return true;
	masked(network, address, n, levels[i - 1]);
	return may(f, type, levels[i - 1], network, n);
}

static void add_endpoint(struct hunt_filter *f, const char *text, size_t n)
{
	struct observable o;
	char copy[OBSERVABLE_MAX_BYTES + 1];

	if (n >= sizeof copy)
		return;
	memcpy(copy, text, n);
	copy[n] = '\0';
	add(f, OBSERVABLE_ENDPOINT, 0, text, n);
	if (observable_set(&o, OBSERVABLE_ENDPOINT, copy, NULL) == ERR_OK)
		add_address(f, copy[0] != '[', o.address, copy[0] == '[' ? 128 : 32);
}

/* The domain and all that it is in. */
static void add_domain(struct hunt_filter *f, const char *text, size_t n)
{
	const char *end = text + n;

	while (text < end) {
		const char *dot = memchr(text, '.', (size_t)(end - text));
		add(f, OBSERVABLE_DOMAIN, 0, text, (size_t)(end - text));
		text = dot ? dot + 1 : end;
	}
}

static void add_value(void *arg, const struct candidate *c)
{
	struct hunt_filter *f = arg;

	switch (c->type) {
	case OBSERVABLE_IPV4:
	case OBSERVABLE_IPV6:
		add_address(f, c->type == OBSERVABLE_IPV4, c->bytes, c->prefix);
		break;
	case OBSERVABLE_ENDPOINT:
		add_endpoint(f, c->bytes, c->size);
		break;
	case OBSERVABLE_DOMAIN:
		add_domain(f, c->bytes, c->size);
		break;
	case OBSERVABLE_URL:
	case OBSERVABLE_PATH:
	case OBSERVABLE_EMAIL:
	case OBSERVABLE_MD5:
	case OBSERVABLE_SHA1:
	case OBSERVABLE_SHA256:
	case OBSERVABLE_SHA512:
	case OBSERVABLE_FILE_NAME:
		add(f, c->type, 0, c->bytes, c->size);
		break;
	case OBSERVABLE_NONE:
	case OBSERVABLE_TYPES:
		break;
	}
}

bool hunt_filter_may(const struct hunt_filter *f, const struct observable *o)
{
	if (o->type == OBSERVABLE_IPV4 || o->type == OBSERVABLE_IPV6)
		return may_address(f, o->type == OBSERVABLE_IPV4, o->address, o->prefix);
	return may(f, o->type, 0, o->text, o->length);
}

/* ---- a log ---- */

static int add_block(void *arg, struct slice block)
{
	struct hunt_filter *f = arg;
	const char *at = block.at, *end = block.at + block.length;
	struct piece p;

	while (piece_next(&p, &at, end)) {
		uint64_t hash = 0, *seen;
		if (p.length <= SEEN_PIECE_BYTES) {
			hash = hash_bits(f, OBSERVABLE_NONE, 0, p.at, p.length);
			seen = &f->seen[hash % SEEN_PIECES];
			if (*seen == hash)
				continue;
			*seen = hash;
		}
		piece_values(&p, add_value, f);
	}
	return EXIT_DONE;
}

/* Reads the log from that byte on. */
static enum err read_on(struct hunt_filter *f, const char *path, uint64_t from,
			struct report *report)
{
	int code;

	f->seen = calloc(SEEN_PIECES, sizeof *f->seen);
	if (!f->seen)
		return ERR_MEMORY;
	code = hunt_log_read(path, from, add_block, f, &f->head.through, report);
	free(f->seen);
	f->seen = NULL;
	return code ? ERR_IO : ERR_OK;
}

struct beginning {
	uint8_t bytes[HEAD_BYTES];
	size_t length;
};

static bool begins(struct beginning *b, const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	ssize_t n = fd >= 0 ? pread(fd, b->bytes, sizeof b->bytes, 0) : -1;

	if (fd >= 0)
		close(fd);
	b->length = n > 0 ? (size_t)n : 0;
	return n >= 0;
}

static bool is_packed(const struct beginning *b)
{
	return b->length >= 4 && ((b->bytes[0] == 0x1f && b->bytes[1] == 0x8b) ||
				  memcmp(b->bytes, "\x28\xb5\x2f\xfd", 4) == 0);
}

/* Of a log that only grows the first bytes stay what they are. */
static void hash_begin(uint8_t out[16], const struct beginning *b, uint64_t through)
{
	size_t n = through < b->length ? (size_t)through : b->length;

	crypto_generichash(out, 16, b->bytes, n, NULL, 0);
}

static void head_set(struct head *h, const struct stat *st, const struct beginning *b)
{
	h->magic = FILTER_MAGIC;
	h->device = st->st_dev;
	h->inode = st->st_ino;
	h->changed = (uint64_t)st->st_mtim.tv_sec;
	h->changed_ns = (uint64_t)st->st_mtim.tv_nsec;
	h->size = (uint64_t)st->st_size;
	hash_begin(h->begins, b, h->through);
}

static enum err make(struct hunt_filter *f, const char *path, const struct stat *st,
		     const struct beginning *b, struct report *report)
{
	uint64_t size = (uint64_t)st->st_size * (is_packed(b) ? PACKED_FACTOR : 1);
	uint64_t words = WORDS_MIN;
	enum err e;

	while (words < WORDS_MAX && words * BYTES_A_WORD < size)
		words *= 2;
	free(f->words);
	f->head = (struct head){.words = words, .made = (uint64_t)st->st_size};
	randombytes_buf(f->head.key, sizeof f->head.key);
	f->words = calloc(words, sizeof *f->words);
	if (!f->words)
		return ERR_MEMORY;
	e = read_on(f, path, 0, report);
	if (!e)
		fold(f);
	return e;
}

static bool of_this(const struct hunt_filter *f, const struct stat *st)
{
	const struct head *h = &f->head;

	return f->words && h->device == st->st_dev && h->inode == st->st_ino;
}

static bool is_new(const struct hunt_filter *f, const struct stat *st)
{
	const struct head *h = &f->head;

	return of_this(f, st) && h->size == (uint64_t)st->st_size &&
	       h->changed == (uint64_t)st->st_mtim.tv_sec &&
	       h->changed_ns == (uint64_t)st->st_mtim.tv_nsec;
}

/* True when the log is the same, and longer: then only that is to be read. */
static bool has_grown(const struct hunt_filter *f, const struct stat *st, const struct beginning *b)
{
	const struct head *h = &f->head;
	uint8_t hash[16];

	if (!of_this(f, st) || is_packed(b) || (uint64_t)st->st_size <= h->size ||
	    (uint64_t)st->st_size > 2 * h->made + HEAD_BYTES)
		return false;
	hash_begin(hash, b, h->through);
	return memcmp(hash, h->begins, sizeof hash) == 0;
}

static void load(struct hunt_filter *f, const char *file)
{
	size_t n;
	char *bytes;

	if (file_read(&bytes, &n, file, sizeof f->head + sizeof *f->words * WORDS_MAX, NULL))
		return;
	if (n >= sizeof f->head)
		memcpy(&f->head, bytes, sizeof f->head);
	if (n >= sizeof f->head && f->head.magic == FILTER_MAGIC && f->head.words >= WORDS_MIN &&
	    f->head.words <= WORDS_MAX && (f->head.words & (f->head.words - 1)) == 0 &&
	    n == sizeof f->head + f->head.words * sizeof *f->words) {
		f->words = malloc(n - sizeof f->head);
		if (f->words)
			memcpy(f->words, bytes + sizeof f->head, n - sizeof f->head);
	}
	free(bytes);
}

static enum err save(const struct hunt_filter *f, const char *file, struct report *report)
{
	size_t n = f->head.words * sizeof *f->words;
	char *bytes = malloc(sizeof f->head + n);
	enum err e;

	if (!bytes)
		return ERR_MEMORY;
	memcpy(bytes, &f->head, sizeof f->head);
	memcpy(bytes + sizeof f->head, f->words, n);
	e = file_write(file, bytes, sizeof f->head + n, report);
	free(bytes);
	return e;
}

void hunt_filter_name(char out[HUNT_FILTER_NAME_BYTES], const struct stat *st)
{
	snprintf(out, HUNT_FILTER_NAME_BYTES, "%llx-%llx", (unsigned long long)st->st_dev,
		 (unsigned long long)st->st_ino);
}

enum err hunt_filter_open(struct hunt_filter **out, const char *dir, const char *path,
			  const struct stat *st, struct report *report)
{
	struct hunt_filter *f = calloc(1, sizeof *f);
	char file[PATH_MAX], name[HUNT_FILTER_NAME_BYTES];
	struct beginning b;
	enum err e = f ? ERR_OK : ERR_MEMORY;

	*out = f;
	hunt_filter_name(name, st);
	if (!e && (size_t)snprintf(file, sizeof file, "%s/%s", dir, name) >= sizeof file)
		e = ERR_LIMIT;
	if (!e)
		load(f, file);
	if (e || is_new(f, st))
		return e;
	if (!begins(&b, path)) {
		report_add(report, "%s: %s", path, strerror(errno));
		e = ERR_IO;
	} else if (has_grown(f, st, &b)) {
		e = read_on(f, path, f->head.through, report);
	} else {
		e = make(f, path, st, &b, report);
	}
	if (!e) {
		head_set(&f->head, st, &b);
		e = save(f, file, report);
	}
	return e;
}

void hunt_filter_close(struct hunt_filter *f)
{
	if (f)
		free(f->words);
	free(f);
}
