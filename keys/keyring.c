#include "keys/keyring.h"

#include <assert.h>
#include <sodium.h>
#include <string.h>

#include "protocol/bytes.h"

static const uint8_t magic[4] = {'K', 'B', 'R', 'K'};

enum {
	KEYFILE_VERSION = 1,
	PROTECTION_NONE = 0,
	PROTECTION_PASSPHRASE = 1,
	NAME_FIELD_BYTES = 32,
	LINKS_OF_NODE = 2,
	/* RFC 9106 recommends 64 MiB and three passes where memory is short: the daemon shares its
	 * machine. */
	ARGON_PASSES = 3,
	ARGON_KIB = 64 << 10,
	/* What a file may ask for: a hostile one must not take the machine's memory. */
	ARGON_PASSES_MAX = 16,
	ARGON_KIB_MAX = 1 << 20,
};

struct envelope {
	uint8_t version, holder, protection, count;
	char name[NAME_FIELD_BYTES];
	uint32_t passes, kib;
	uint8_t salt[crypto_pwhash_SALTBYTES];
	uint8_t nonce[crypto_aead_xchacha20poly1305_ietf_NPUBBYTES];
};

struct keyring *keyring_new(void)
{
	struct keyring *k = sodium_init() < 0 ? NULL : sodium_malloc(sizeof *k);

	if (k)
		memset(k, 0, sizeof *k);
	return k;
}

void keyring_free(struct keyring *k)
{
	sodium_free(k);
}

void keyring_draw(struct keyring *k, enum secret_kind kind, uint16_t number)
{
	struct secret *s = &k->secrets[k->count];

	assert(k->count < SECRETS_MAX);
	s->kind = (uint8_t)kind;
	s->number = number;
	randombytes_buf(s->bytes, sizeof s->bytes);
	k->count++;
}

static void start_copy(struct keyring *k, const struct keyring *from)
{
	k->holder = from->holder;
	memcpy(k->name, from->name, sizeof k->name);
}

void keyring_copy_without(struct keyring *k, const struct keyring *from, enum secret_kind kind,
			  uint16_t number)
{
	start_copy(k, from);
	for (size_t i = 0; i < from->count; i++)
		if (from->secrets[i].kind != kind || from->secrets[i].number != number)
			k->secrets[k->count++] = from->secrets[i];
}

void keyring_copy_with(struct keyring *k, const struct keyring *from, enum secret_kind kind,
		       uint16_t number)
{
	size_t i = 0;

	assert(from->count < SECRETS_MAX);
	start_copy(k, from);
	while (i < from->count &&
	       (from->secrets[i].kind < kind ||
		(from->secrets[i].kind == kind && from->secrets[i].number < number)))
		k->secrets[k->count++] = from->secrets[i++];
	keyring_draw(k, kind, number);
	while (i < from->count)
		k->secrets[k->count++] = from->secrets[i++];
}

/* SPEC 10.1: "of a node's link secrets the least is in use, and a second one is the next" */
const struct secret *keyring_current(const struct keyring *k, enum secret_kind kind)
{
	const struct secret *found = NULL;

	for (size_t i = 0; i < k->count && !(found && kind == SECRET_LINK); i++)
		if (k->secrets[i].kind == kind)
			found = &k->secrets[i];
	return found;
}

const struct secret *keyring_next_link(const struct keyring *k)
{
	const struct secret *link = keyring_current(k, SECRET_LINK);

	/* A store secret stands behind them all. */
	return link && link[1].kind == SECRET_LINK ? link + 1 : NULL;
}

/* SPEC 10.1: "The encryption key is Argon2id version 1.3 of the passphrase, with one lane." */
static enum err passphrase_key(uint8_t *key, const char *passphrase, const struct envelope *f)
{
	if (crypto_pwhash(key, crypto_aead_xchacha20poly1305_ietf_KEYBYTES, passphrase,
			  strlen(passphrase), f->salt, f->passes, (size_t)f->kib << 10,
			  crypto_pwhash_ALG_ARGON2ID13) != 0)
		return ERR_MEMORY;
	return ERR_OK;
}

static void write_envelope(struct writer *w, const struct envelope *f)
{
	write_bytes(w, magic, sizeof magic);
	write_u8(w, f->version);
	write_u8(w, f->holder);
	write_u8(w, f->protection);
	write_u8(w, f->count);
	write_bytes(w, f->name, sizeof f->name);
	write_u32(w, f->passes);
	write_u32(w, f->kib);
	write_bytes(w, f->salt, sizeof f->salt);
	write_bytes(w, f->nonce, sizeof f->nonce);
}

static void write_secrets(struct writer *w, const struct keyring *k)
{
	for (size_t i = 0; i < k->count; i++) {
		write_u8(w, k->secrets[i].kind);
		write_u8(w, 0);
		write_u16(w, k->secrets[i].number);
		write_bytes(w, k->secrets[i].bytes, SECRET_BYTES);
	}
}

/* Encrypts the n bytes at secrets where they stand; the tag follows them. */
static enum err protect(uint8_t *file, uint8_t *secrets, size_t n, const char *passphrase,
			const struct envelope *f)
{
	uint8_t *key = sodium_malloc(crypto_aead_xchacha20poly1305_ietf_KEYBYTES);
	enum err e = key ? passphrase_key(key, passphrase, f) : ERR_MEMORY;

	if (!e)
		crypto_aead_xchacha20poly1305_ietf_encrypt(
			secrets, NULL, secrets, n, file, KEYFILE_FIXED_BYTES, NULL, f->nonce, key);
	sodium_free(key);
	return e;
}

enum err keyring_encode(const struct keyring *k, const char *passphrase, uint8_t *out,
			size_t *written)
{
	struct envelope f = {.version = KEYFILE_VERSION,
			     .holder = (uint8_t)k->holder,
			     .count = (uint8_t)k->count};
	struct hash check;
	struct writer w;
	enum err e;

	memcpy(f.name, k->name, sizeof k->name);
	if (passphrase) {
		f.protection = PROTECTION_PASSPHRASE;
		f.passes = ARGON_PASSES;
		f.kib = ARGON_KIB;
		randombytes_buf(f.salt, sizeof f.salt);
		randombytes_buf(f.nonce, sizeof f.nonce);
	}
	writer_init(&w, out, KEYFILE_MAX_BYTES);
	write_envelope(&w, &f);
	write_secrets(&w, k);
	if (passphrase) {
		e = protect(out, out + KEYFILE_FIXED_BYTES, w.used - KEYFILE_FIXED_BYTES,
			    passphrase, &f);
		if (e)
			return e;
		w.used += KEYFILE_TAG_BYTES;
	}
	check = hash_of(out, w.used);
	write_bytes(&w, check.b, sizeof check.b);
	assert(!w.bad);
	*written = w.used;
	return ERR_OK;
}

static enum err damaged(const char *path, const char *how, struct report *report)
{
	report_add(report, "%s: the key file is damaged: %s; put back its copy", path, how);
	return ERR_DAMAGED;
}

static enum err check_envelope(const struct envelope *f, const char *path, struct report *report)
{
	size_t length = strnlen(f->name, sizeof f->name);

	/* SPEC 10.1: "In a file without a passphrase passes, memory, salt and nonce are zero." */
	bool zero = f->passes == 0 && f->kib == 0 && bytes_zero(f->salt, sizeof f->salt) &&
		    bytes_zero(f->nonce, sizeof f->nonce);

	if (f->holder != HOLDER_NODE && f->holder != HOLDER_ROLE)
		return damaged(path, "neither a node's nor a role's", report);
	if (length == sizeof f->name || !name_valid(f->name) ||
	    !bytes_zero(f->name + length, sizeof f->name - length))
		return damaged(path, "its name is no name", report);
	if (f->count == 0 || f->count > SECRETS_MAX)
		return damaged(path, "the number of its secrets is out of range", report);
	if (f->protection == PROTECTION_NONE ? !zero : f->protection != PROTECTION_PASSPHRASE)
		return damaged(path, "its protection is unknown", report);
	if (f->protection == PROTECTION_PASSPHRASE &&
	    (f->passes < 1 || f->passes > ARGON_PASSES_MAX || f->kib < 8 || f->kib > ARGON_KIB_MAX))
		return damaged(path, "what it asks of Argon2id is out of range", report);
	return ERR_OK;
}

/* Everything of a file that needs no passphrase. */
static enum err read_envelope(struct envelope *f, const uint8_t *in, size_t n, const char *path,
			      struct report *report)
{
	struct reader r;
	struct hash check;
	size_t want;
	enum err e;

	if (n < sizeof magic + 1 + KEYFILE_CHECK_BYTES)
		return damaged(path, "it ends too early (half-written?)", report);
	if (memcmp(in, magic, sizeof magic) != 0) {
		report_add(report, "%s: not a key file", path);
		return ERR_FORMAT;
	}
	/* SPEC 10.1: "Every version of the format ends with this checksum, which is verified before
	 * the version is looked at." */
	check = hash_of(in, n - KEYFILE_CHECK_BYTES);
	if (memcmp(check.b, in + n - KEYFILE_CHECK_BYTES, KEYFILE_CHECK_BYTES) != 0)
		return damaged(path, "its checksum is wrong (half-written?)", report);
	reader_init(&r, in + sizeof magic, n - sizeof magic - KEYFILE_CHECK_BYTES);
	f->version = read_u8(&r);
	if (f->version != KEYFILE_VERSION) {
		report_add(report, "%s: version %u of the key file; this program reads version %u",
			   path, f->version, (unsigned)KEYFILE_VERSION);
		return f->version > KEYFILE_VERSION ? ERR_TOO_NEW : ERR_DAMAGED;
	}
	f->holder = read_u8(&r);
	f->protection = read_u8(&r);
	f->count = read_u8(&r);
	read_bytes(&r, f->name, sizeof f->name);
	f->passes = read_u32(&r);
	f->kib = read_u32(&r);
	read_bytes(&r, f->salt, sizeof f->salt);
	read_bytes(&r, f->nonce, sizeof f->nonce);
	if (r.bad)
		return damaged(path, "it ends too early", report);
	e = check_envelope(f, path, report);
	want = (size_t)f->count * KEYFILE_SECRET_BYTES +
	       (f->protection == PROTECTION_PASSPHRASE ? KEYFILE_TAG_BYTES : 0);
	if (!e && r.left != want)
		e = damaged(path, "its length is not what it says", report);
	return e;
}

/* SPEC 10.1: "The secrets are strictly ascending by kind and number.  A node's file holds at least
 * one of each kind, and at most two link secrets, a role's only seal secrets." */
static enum err read_secrets(struct keyring *k, const uint8_t *in, const char *path,
			     struct report *report)
{
	uint32_t before = 0, seen = 0;
	unsigned links = 0;
	struct reader r;

	reader_init(&r, in, k->count * KEYFILE_SECRET_BYTES);
	for (size_t i = 0; i < k->count; i++) {
		struct secret *s = &k->secrets[i];
		s->kind = read_u8(&r);
		uint8_t zero = read_u8(&r);
		s->number = read_u16(&r);
		read_bytes(&r, s->bytes, sizeof s->bytes);
		uint32_t order = (uint32_t)s->kind << 16 | s->number;
		if (zero || s->number == 0 || s->kind < SECRET_SIGN || s->kind > SECRET_INDEX ||
		    order <= before)
			return damaged(path, "its secrets are out of order", report);
		before = order;
		seen |= 1U << s->kind;
		links += s->kind == SECRET_LINK;
	}
	if (seen != (k->holder == HOLDER_ROLE ? 1U << SECRET_SEAL : 0x3eU) || links > LINKS_OF_NODE)
		return damaged(path, "it does not hold the secrets that it should", report);
	return ERR_OK;
}

/* Decrypts into secrets, which has room for the plain text. */
static enum err unprotect(uint8_t *secrets, const struct envelope *f, const uint8_t *in,
			  const char *passphrase, const char *path, struct report *report)
{
	size_t n = (size_t)f->count * KEYFILE_SECRET_BYTES + KEYFILE_TAG_BYTES;
	uint8_t *key;
	enum err e;

	if (!passphrase) {
		report_add(report, "%s: needs a passphrase, and none is configured", path);
		return ERR_PASSPHRASE;
	}
	key = sodium_malloc(crypto_aead_xchacha20poly1305_ietf_KEYBYTES);
	e = key ? passphrase_key(key, passphrase, f) : ERR_MEMORY;
	if (e) {
		report_add(report, "%s: Argon2id finds no %u MiB of memory", path, f->kib >> 10);
	} else if (crypto_aead_xchacha20poly1305_ietf_decrypt(
			   secrets, NULL, NULL, in + KEYFILE_FIXED_BYTES, n, in,
			   KEYFILE_FIXED_BYTES, f->nonce, key) != 0) {
		report_add(report, "%s: wrong passphrase", path);
		e = ERR_PASSPHRASE;
	}
	sodium_free(key);
	return e;
}

enum err keyring_decode(struct keyring *k, const uint8_t *in, size_t n, const char *passphrase,
			const char *path, struct report *report)
{
	struct envelope f;
	uint8_t *plain;
	enum err e = read_envelope(&f, in, n, path, report);

	if (e)
		return e;
	k->holder = (enum key_holder)f.holder;
	k->count = f.count;
	memcpy(k->name, f.name, sizeof k->name);
	if (f.protection == PROTECTION_NONE)
		return read_secrets(k, in + KEYFILE_FIXED_BYTES, path, report);
	plain = sodium_malloc(k->count * KEYFILE_SECRET_BYTES);
	e = plain ? unprotect(plain, &f, in, passphrase, path, report) : ERR_MEMORY;
	if (!e)
		e = read_secrets(k, plain, path, report);
	sodium_free(plain);
	return e;
}

enum err keyring_peek(const uint8_t *in, size_t n, bool *protected, const char *path,
		      struct report *report)
{
	struct envelope f;
	enum err e = read_envelope(&f, in, n, path, report);

	*protected = !e && f.protection == PROTECTION_PASSPHRASE;
	return e;
}
