/* Signatures and sealing.
 *
 * Most runs do without the real ones, which would take most of the time: the linker gives the
 * simulator the functions below in place of libsodium's (--wrap), and unless a run is a real one a
 * keyed hash stands for a signature.  Nobody in a simulation tries to forge that.  Chance comes
 * from the seed in every run. */
#include <fcntl.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "keys/keyring.h"
#include "tests/sim/world_state.h"

static bool real = true; /* until a run says otherwise */
static uint64_t stream;

/* What stands in every plaintext and nowhere else. */
static const char marker[16] = "none but readers";

static const char *name_of_chance(void)
{
	return "seeded";
}

static uint32_t random_word(void)
{
	return (uint32_t)chance(&stream);
}

static void random_bytes(void *out, size_t n)
{
	uint8_t *b = out;

	for (size_t i = 0; i < n; i++)
		b[i] = (uint8_t)chance(&stream);
}

static struct randombytes_implementation seeded = {
	.implementation_name = name_of_chance, .random = random_word, .buf = random_bytes};

void keys_use(const struct world *w)
{
	real = w->plan.real;
	stream = w->plan.seed;
	randombytes_set_implementation(&seeded);
}

int __real_crypto_sign_detached(unsigned char *, unsigned long long *, const unsigned char *,
				unsigned long long, const unsigned char *);
int __wrap_crypto_sign_detached(unsigned char *, unsigned long long *, const unsigned char *,
				unsigned long long, const unsigned char *);
int __real_crypto_sign_verify_detached(const unsigned char *, const unsigned char *,
				       unsigned long long, const unsigned char *);
int __wrap_crypto_sign_verify_detached(const unsigned char *, const unsigned char *,
				       unsigned long long, const unsigned char *);
int __real_crypto_core_ed25519_is_valid_point(const unsigned char *);
int __wrap_crypto_core_ed25519_is_valid_point(const unsigned char *);
int __real_crypto_scalarmult(unsigned char *, const unsigned char *, const unsigned char *);
int __wrap_crypto_scalarmult(unsigned char *, const unsigned char *, const unsigned char *);

int __wrap_crypto_sign_detached(unsigned char *sig, unsigned long long *sig_length,
				const unsigned char *m, unsigned long long n,
				const unsigned char *secret)
{
	if (real)
		return __real_crypto_sign_detached(sig, sig_length, m, n, secret);
	return crypto_generichash(sig, SIGNATURE_BYTES, m, n, secret + 32, 32);
}

int __wrap_crypto_sign_verify_detached(const unsigned char *sig, const unsigned char *m,
				       unsigned long long n, const unsigned char *key)
{
	uint8_t want[SIGNATURE_BYTES];

	if (real)
		return __real_crypto_sign_verify_detached(sig, m, n, key);
	crypto_generichash(want, sizeof want, m, n, key, 32);
	return memcmp(want, sig, sizeof want) == 0 ? 0 : -1;
}

int __wrap_crypto_core_ed25519_is_valid_point(const unsigned char *p)
{
	return real ? __real_crypto_core_ed25519_is_valid_point(p) : 1;
}

int __wrap_crypto_scalarmult(unsigned char *q, const unsigned char *n, const unsigned char *p)
{
	if (real)
		return __real_crypto_scalarmult(q, n, p);
	memset(q, 1, crypto_scalarmult_BYTES);
	return 0;
}

/* The pair of a sign key, as key_text() makes it. */
static void sign_pair(unsigned seat, unsigned key, uint8_t public[32], uint8_t secret[64])
{
	char name[24], full[32];
	uint8_t seed[32];

	snprintf(full, sizeof full, "sign %s", sign_name(name, seat, key));
	seed_of(seed, full);
	crypto_sign_seed_keypair(public, secret, seed);
}

void keys_sign(const struct node *n, unsigned key, const struct message_id *id, uint8_t *signature)
{
	uint8_t public[32], secret[64], text[SIGNED_BYTES];

	sign_pair(n->seat, key, public, secret);
	message_signed_bytes(text, id);
	crypto_sign_detached(signature, NULL, text, sizeof text, secret);
}

/* Where sealing is not real, the right form and any bytes. */
static void pretend(struct header *h, const struct letter *letter)
{
	for (size_t i = 0; i < letter->count; i++) {
		struct recipient *r = &h->recipients[i];
		*r = (struct recipient){.party = letter->to[i].party, .key = letter->to[i].number};
		random_bytes(r->wrap, 8);
	}
	h->recipient_count = (uint16_t)letter->count;
	h->flags |= FLAG_SEALED;
	memset(h->commitment, 1, sizeof h->commitment);
}

uint8_t *keys_seal(struct world *w, struct header *h, const struct letter *letter, size_t n)
{
	uint8_t *data = zeroed(n + sizeof marker, 1), *body = data;

	random_bytes(data, n < 8 ? n : 8);
	h->body_length = (uint32_t)n;
	if (letter->count && w->plan.real) {
		body = zeroed(seal_size(h->kind, n + sizeof marker), 1);
		memcpy(data + n, marker, sizeof marker);
		if (seal_body(h, letter, data, n + sizeof marker, body) != ERR_OK)
			abort();
		free(data);
		return body;
	}
	if (letter->count)
		pretend(h, letter);
	h->body_hash = hash_of(body, n);
	return body;
}

void keys_secret_check(struct world *w, const struct node *n, const uint8_t *bytes, size_t length)
{
	if (w->plan.real && memmem(bytes, length, marker, sizeof marker))
		broken(w, PROPERTY_SECRET, n, "the plaintext of a sealed message was seen");
}

static void secret_add(struct keyring *k, enum secret_kind kind, const char *what, const char *name)
{
	struct secret *s = &k->secrets[k->count++];
	uint8_t seed[32], public[32];
	char full[40];

	*s = (struct secret){.kind = (uint8_t)kind, .number = 1};
	snprintf(full, sizeof full, "%s %s", what, name);
	seed_of(seed, full);
	memcpy(s->bytes, seed, sizeof seed);
	if (kind == SECRET_SEAL || kind == SECRET_LINK)
		crypto_box_seed_keypair(public, s->bytes, seed);
}

/* A key file of the secrets that the topology's keys belong to; its path goes into path. */
static void file_make(char path[40], enum key_holder holder, const char *name)
{
	struct keyring *k = keyring_new();
	uint8_t bytes[KEYFILE_MAX_BYTES];
	size_t n;
	int fd;

	if (!k)
		abort();
	k->holder = holder;
	snprintf(k->name, sizeof k->name, "%s", name);
	if (holder == HOLDER_NODE) {
		secret_add(k, SECRET_SIGN, "sign", name);
		secret_add(k, SECRET_LINK, "link", name);
	}
	secret_add(k, SECRET_SEAL, "seal", name);
	if (holder == HOLDER_NODE) {
		secret_add(k, SECRET_STORE, "store", name);
		secret_add(k, SECRET_INDEX, "index", name);
	}
	strcpy(path, "/tmp/khabardar-sim.XXXXXX");
	fd = mkstemp(path);
	if (fd < 0 || keyring_encode(k, NULL, bytes, &n) != ERR_OK ||
	    write(fd, bytes, n) != (ssize_t)n || close(fd) != 0)
		abort();
	keyring_free(k);
}

static bool ever_held(const struct world *w, unsigned node, unsigned role)
{
	for (unsigned v = 1; v <= w->version; v++) {
		const struct seat *s = &w->editions[v].seats[role];
		for (unsigned i = 0; i < s->holder_count; i++)
			if (s->holders[i] == node)
				return true;
	}
	return false;
}

static struct identity *identity_of(const struct world *w, unsigned node)
{
	struct identity *id;
	char path[40], name[16];

	snprintf(name, sizeof name, "n%u", node);
	file_make(path, HOLDER_NODE, name);
	if (identity_open(&id, path, NULL, NULL) != ERR_OK)
		abort();
	unlink(path);
	for (unsigned r = w->plan.nodes; r < w->seat_count; r++) {
		if (!ever_held(w, node, r))
			continue;
		snprintf(name, sizeof name, "r%u", r - w->plan.nodes);
		file_make(path, HOLDER_ROLE, name);
		if (identity_add_role(id, path, NULL, NULL) != ERR_OK)
			abort();
		unlink(path);
	}
	return id;
}

static void open_check(struct world *w, const struct node *n, const struct identity *id,
		       const struct said *m, const uint8_t *body, size_t length)
{
	uint8_t *data = zeroed(length + 1, 1);
	bool opened, reads = party_id_equal(&m->header->origin, &n->id);

	opened = seal_open(id, m->header, body, length, data, &length) == OPENING_DONE &&
		 length >= sizeof marker &&
		 memcmp(data + length - sizeof marker, marker, sizeof marker) == 0;
	for (unsigned v = 1; v <= w->version; v++)
		reads |= oracle_names(w, v, n->seat, m);
	if (opened != reads)
		broken(w, PROPERTY_SECRET, n, "a message was %s",
		       opened ? "opened by one who is no reader" : "not opened by its reader");
	free(data);
}

void keys_open_check(struct world *w)
{
	for (unsigned i = 0; i < w->node_count && w->plan.real; i++) {
		const struct node *n = &w->nodes[i];
		struct store s;
		struct identity *id;
		struct stored row;
		if (!n->store || !honest(n))
			continue;
		s = memory_store_interface(n->store);
		id = identity_of(w, n->seat);
		for (uint64_t lsn = 1; s.next(s.self, lsn, &row) == ERR_OK; lsn = row.lsn + 1) {
			const struct said *m = said_find(w, &row.id);
			uint8_t *body;
			size_t length;
			if (!m || !honest(&w->nodes[m->author]))
				continue;
			length = m->header->body_length;
			body = zeroed(length + 1, 1);
			if (s.body(s.self, &row, body, length) == ERR_OK &&
			    m->header->flags & FLAG_SEALED) {
				keys_secret_check(w, n, body, length);
				open_check(w, n, id, m, body, length);
			}
			free(body);
		}
		identity_free(id);
	}
}
