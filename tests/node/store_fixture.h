/* A home in a temporary folder, and messages to put into it, for the tests of log, index, backup.
 */
#ifndef TESTS_NODE_STORE_FIXTURE_H
#define TESTS_NODE_STORE_FIXTURE_H

#include <ftw.h>
#include <limits.h>
#include <sodium.h>
#include <unistd.h>

#include "keys/identity.h"
#include "node/store/log.h"
#include "protocol/bytes.h"
#include "tests/tap.h"

struct fixture {
	char home[PATH_MAX / 4];
	struct identity *identity;
	struct store_id store;
};

/* One message in pieces: header | signature as the log takes them, and its id and body. */
struct sample {
	uint8_t row[HEADER_FIXED_BYTES + 2 * RECIPIENT_BYTES + SIGNATURE_BYTES];
	size_t length;
	struct message_id id;
	uint8_t *body;
	size_t body_length;
};

__attribute__((unused)) static const char *path_in(const struct fixture *f, const char *name)
{
	static char paths[4][PATH_MAX];
	static unsigned turn;
	char *path = paths[turn++ % 4];
	snprintf(path, PATH_MAX, "%s/%s", f->home, name);
	return path;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st, (void)type, (void)ftw;
	return remove(path);
}

__attribute__((unused)) static void remove_tree(const char *path)
{
	nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

__attribute__((unused)) static void fixture_init(struct fixture *f)
{
	const char *base = getenv("TMPDIR");
	*f = (struct fixture){.store = {{1, 2, 3}}};
	need(sodium_init() >= 0);
	snprintf(f->home, sizeof f->home, "%s/khabardar-test-XXXXXX", base ? base : "/tmp");
	need(mkdtemp(f->home));
	need(identity_create(path_in(f, "node.key"), "punjab", NULL, NULL) == ERR_OK);
	need(identity_open(&f->identity, path_in(f, "node.key"), NULL, NULL) == ERR_OK);
}

__attribute__((unused)) static void fixture_clear(struct fixture *f)
{
	identity_free(f->identity);
	remove_tree(f->home);
}

__attribute__((unused)) static struct log *open_log(const struct fixture *f)
{
	struct log *log = NULL;
	struct log_options options = {.create = true};
	need(log_open(&log, path_in(f, "log"), &options, f->identity, &f->store, NULL) == ERR_OK);
	return log;
}

static void sample_finish(struct sample *s, struct header *h)
{
	size_t n;
	h->body_length = (uint32_t)s->body_length;
	h->body_hash = hash_of(s->body, s->body_length);
	need(header_encode(h, s->row, sizeof s->row - SIGNATURE_BYTES, &n) == ERR_OK);
	s->id = message_id_of(s->row, n);
	memset(s->row + n, 0x5a, SIGNATURE_BYTES);
	s->length = n + SIGNATURE_BYTES;
}

/* A header as a post for all has it; the caller changes what it wants before sample_finish(). */
static struct header *sample_header(uint64_t seed)
{
	static struct header h;
	h = (struct header){.kind = KIND_POST,
			    .tlp = TLP_GREEN,
			    .topology = 1,
			    .origin = {{(uint8_t)(seed % 13 + 1)}},
			    .audience = audience_all(),
			    .incarnation = 7,
			    .sequence = seed + 1,
			    .created = 1700000000000 + seed,
			    .expiry = 500000,
			    .sign_key = 1};
	return &h;
}

/* The seed decides every byte, so that another process knows what must be there. */
__attribute__((unused)) static void sample_make(struct sample *s, uint64_t seed, size_t body_length)
{
	uint8_t key[randombytes_SEEDBYTES] = {0};
	put_u64(key, seed);
	*s = (struct sample){.body_length = body_length, .body = malloc(body_length + 1)};
	need(s->body);
	randombytes_buf_deterministic(s->body, body_length, key);
	sample_finish(s, sample_header(seed));
}

__attribute__((unused)) static void sample_clear(struct sample *s)
{
	free(s->body);
}

__attribute__((unused)) static uint64_t sample_append(struct log *log, const struct sample *s)
{
	uint64_t lsn = 0;
	struct log_row row = {.arrived = 1700000000123, .from = {{9}}, .data = s->row};
	row.length = s->length;
	need(log_append(log, &row, &s->id, s->body, s->body_length, &lsn) == ERR_OK);
	return lsn;
}

#endif
