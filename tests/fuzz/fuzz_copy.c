/* A copy of keys, which is a key file under a passphrase: the input is what stands in it before it
 * is encrypted.  No fuzzer finds the box or the checksum, so they are made here, with an Argon2id
 * that costs nothing; bits of the first byte say what is wrong with the file.  What it holds is
 * taken exactly when a plain key file with the same would be, and under the right passphrase only.
 */
#include <sodium.h>
#include <string.h>

#include "keys/keyring.h"
#include "protocol/bytes.h"
#include "tests/fuzz/fuzz.h"

/* Bits of the first byte. */
enum { WRONG_PASSPHRASE = 1, BAD_BOX = 2, BAD_HEAD = 4, CUT = 8, NO_PASSPHRASE = 16, ASKS = 32 };

/* Where what Argon2id is asked for stands in a file, and in it the least that may be asked. */
enum { PROTECTION_AT = 6, ARGON_AT = 40, NONCE_AT = 64, PASSES = 1, KIB = 8 };

static const char passphrase[] = "correct horse";

static size_t check_put(uint8_t *file, size_t n)
{
	struct hash check = hash_of(file, n);

	memcpy(file + n, check.b, sizeof check.b);
	return n + sizeof check.b;
}

static size_t plain_file(uint8_t *file, const uint8_t *in, size_t n)
{
	memcpy(file, in, n);
	file[PROTECTION_AT] = 0;
	memset(file + ARGON_AT, 0, KEYFILE_FIXED_BYTES - ARGON_AT);
	return check_put(file, n);
}

static size_t sealed_file(uint8_t *file, const uint8_t *in, size_t n, unsigned how)
{
	uint8_t key[crypto_aead_xchacha20poly1305_ietf_KEYBYTES];
	unsigned long long length;

	memcpy(file, in, n);
	file[PROTECTION_AT] = 1;
	if (!(how & ASKS)) {
		put_u32(file + ARGON_AT, PASSES);
		put_u32(file + ARGON_AT + 4, KIB);
	}
	must(crypto_pwhash(key, sizeof key, passphrase, strlen(passphrase), file + ARGON_AT + 8,
			   PASSES, KIB << 10, crypto_pwhash_ALG_ARGON2ID13) == 0);
	crypto_aead_xchacha20poly1305_ietf_encrypt(
		file + KEYFILE_FIXED_BYTES, &length, file + KEYFILE_FIXED_BYTES,
		n - KEYFILE_FIXED_BYTES, file, KEYFILE_FIXED_BYTES, NULL, file + NONCE_AT, key);
	n = KEYFILE_FIXED_BYTES + (size_t)length;
	if (how & BAD_BOX)
		file[n - 1] ^= 1;
	if (how & BAD_HEAD)
		file[NONCE_AT] ^= 1;
	n = check_put(file, n);
	return how & CUT ? n - 1 : n;
}

static bool same(const struct keyring *a, const struct keyring *b)
{
	if (a->holder != b->holder || a->count != b->count || strcmp(a->name, b->name) != 0)
		return false;
	for (size_t i = 0; i < a->count; i++) {
		const struct secret *x = &a->secrets[i], *y = &b->secrets[i];
		if (x->kind != y->kind || x->number != y->number ||
		    memcmp(x->bytes, y->bytes, SECRET_BYTES) != 0)
			return false;
	}
	return true;
}

/* A file may ask for much more than a fuzzer has time for. */
static bool asks_little(const uint8_t *file, unsigned how)
{
	return !(how & ASKS) || get_u32(file + ARGON_AT) == 0 || get_u32(file + ARGON_AT) > 16 ||
	       get_u32(file + ARGON_AT + 4) < 8 || get_u32(file + ARGON_AT + 4) > 1 << 20;
}

static void look(const uint8_t *in, size_t n, unsigned how)
{
	struct keyring *plain = keyring_new(), *copy = keyring_new();
	uint8_t file[KEYFILE_MAX_BYTES];
	const char *said = how & NO_PASSPHRASE      ? NULL
			   : how & WRONG_PASSPHRASE ? "correct house"
						    : passphrase;
	bool protected;
	enum err wanted, e;
	size_t length;

	must(plain && copy);
	wanted = keyring_decode(plain, file, plain_file(file, in, n), NULL, "plain", NULL);
	length = sealed_file(file, in, n, how);
	e = keyring_peek(file, length, &protected, "copy", NULL);
	must((e == ERR_OK) == protected);
	if (how & ASKS)
		must(e != ERR_OK);
	e = keyring_decode(copy, file, length, said, "copy", NULL);
	if (how & CUT)
		must(e != ERR_OK && e != ERR_PASSPHRASE);
	else if (how && protected)
		must(e == ERR_PASSPHRASE);
	else if (!how)
		must(e == wanted && (e || same(plain, copy)));
	keyring_free(copy);
	keyring_free(plain);
}

unsigned fuzz_cost(void)
{
	return 20;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	must(sodium_init() >= 0);
	if (n < 1 + KEYFILE_FIXED_BYTES ||
	    n - 1 > KEYFILE_MAX_BYTES - KEYFILE_TAG_BYTES - KEYFILE_CHECK_BYTES ||
	    !asks_little(data + 1, data[0]))
		return 0;
	look(data + 1, n - 1, data[0] & 63U);
	return 0;
}
