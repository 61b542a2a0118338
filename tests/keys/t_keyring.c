#include "keys/keyring.h"

#include <sodium.h>

#include "tests/tap.h"

static struct keyring *node_keyring(void)
{
	struct keyring *k = keyring_new();

	need(k);
	k->holder = HOLDER_NODE;
	strcpy(k->name, "punjab");
	keyring_draw(k, SECRET_SIGN, 1);
	keyring_draw(k, SECRET_LINK, 1);
	keyring_draw(k, SECRET_SEAL, 1);
	keyring_draw(k, SECRET_SEAL, 2);
	keyring_draw(k, SECRET_STORE, 1);
	keyring_draw(k, SECRET_INDEX, 1);
	return k;
}

static enum err decode(const uint8_t *in, size_t n, const char *passphrase)
{
	struct keyring *k = keyring_new();
	enum err e = keyring_decode(k, in, n, passphrase, "node.key", NULL);

	keyring_free(k);
	return e;
}

/* Puts the right checksum after bytes that were altered on purpose. */
static void reseal(uint8_t *file, size_t n)
{
	struct hash check = hash_of(file, n - KEYFILE_CHECK_BYTES);

	memcpy(file + n - KEYFILE_CHECK_BYTES, check.b, sizeof check.b);
}

static void what_is_written_reads_back(void)
{
	const char *const passphrases[] = {NULL, "correct horse"};
	uint8_t file[KEYFILE_MAX_BYTES];
	size_t n;

	for (size_t i = 0; i < 2; i++) {
		struct keyring *k = node_keyring(), *back = keyring_new();
		bool protected;
		is_int(keyring_encode(k, passphrases[i], file, &n), ERR_OK, "encodes");
		is_int(n, 88 + 6 * 36 + 32 + (i ? 16 : 0), "has the length of the specification");
		is_int(keyring_peek(file, n, &protected, "node.key", NULL), ERR_OK, "peeks");
		ok(protected == (i == 1), "says whether it needs a passphrase");
		is_int(keyring_decode(back, file, n, passphrases[i], "node.key", NULL), ERR_OK,
		       "decodes");
		ok(back->count == k->count && back->holder == HOLDER_NODE, "count and holder");
		is_str(back->name, "punjab", "name");
		ok(memcmp(back->secrets, k->secrets, sizeof k->secrets) == 0, "every secret");
		keyring_free(k);
		keyring_free(back);
	}
}

static void the_greatest_number_is_in_use(void)
{
	struct keyring *k = node_keyring();

	is_int(keyring_current(k, SECRET_SEAL)->number, 2, "seal key 2, not 1");
	is_int(keyring_current(k, SECRET_SIGN)->number, 1, "sign key 1");
	k->count = 1;
	ok(!keyring_current(k, SECRET_SEAL), "NULL when there is none");
	keyring_free(k);
}

static void of_two_link_secrets_the_least_is_in_use(void)
{
	struct keyring *k = node_keyring(), *two = keyring_new(), *three = keyring_new();
	struct keyring *one = keyring_new(), *back = keyring_new();
	uint8_t file[KEYFILE_MAX_BYTES];
	size_t n;

	ok(!keyring_next_link(k), "one link secret has no next");
	keyring_copy_with(two, k, SECRET_LINK, 2);
	is_int(two->count, k->count + 1, "one more");
	is_int(keyring_current(two, SECRET_LINK)->number, 1, "the least is in use");
	is_int(keyring_next_link(two)->number, 2, "the other is the next");
	is_int(keyring_current(two, SECRET_SEAL)->number, 2, "the others are what they were");
	need(!keyring_encode(two, NULL, file, &n));
	is_int(keyring_decode(back, file, n, NULL, "node.key", NULL), ERR_OK, "a file holds two");
	keyring_copy_with(three, two, SECRET_LINK, 3);
	need(!keyring_encode(three, NULL, file, &n));
	is_int(decode(file, n, NULL), ERR_DAMAGED, "and not three");
	keyring_copy_without(one, two, SECRET_LINK, 1);
	is_int(keyring_current(one, SECRET_LINK)->number, 2, "without the one in use the next is");
	ok(!keyring_next_link(one), "and nothing follows");
	keyring_free(k);
	keyring_free(one);
	keyring_free(two);
	keyring_free(three);
	keyring_free(back);
}

static void half_written_files_are_damaged(void)
{
	struct keyring *k = node_keyring();
	uint8_t file[KEYFILE_MAX_BYTES];
	size_t n, wrong = 0;

	need(!keyring_encode(k, NULL, file, &n));
	for (size_t i = 0; i < n; i++)
		wrong += decode(file, i, NULL) != ERR_DAMAGED;
	is_int(wrong, 0, "at every length");
	file[n] = 0;
	is_int(decode(file, n + 1, NULL), ERR_DAMAGED, "and with a byte too many");
	keyring_free(k);
}

static void every_flipped_bit_is_noticed(void)
{
	struct keyring *k = node_keyring();
	uint8_t file[KEYFILE_MAX_BYTES];
	size_t n, wrong = 0;

	need(!keyring_encode(k, NULL, file, &n));
	for (size_t i = 0; i < 8 * n; i++) {
		file[i / 8] ^= (uint8_t)(1U << i % 8);
		wrong += decode(file, n, NULL) != (i < 32 ? ERR_FORMAT : ERR_DAMAGED);
		file[i / 8] ^= (uint8_t)(1U << i % 8);
	}
	is_int(wrong, 0, "not a key file in the magic, damaged elsewhere");
	keyring_free(k);
}

struct alteration {
	size_t offset;
	uint8_t value;
	enum err want;
	const char *what;
};

/* Each with a good checksum: what a program that writes such files wrongly would make. */
static void wrong_fields_are_refused(void)
{
	static const struct alteration alterations[] = {
		{4, 2, ERR_TOO_NEW, "a later version"},
		{4, 0, ERR_DAMAGED, "version 0"},
		{5, 0, ERR_DAMAGED, "no holder"},
		{5, 2, ERR_DAMAGED, "a role with a node's secrets"},
		{5, 3, ERR_DAMAGED, "an unknown holder"},
		{6, 1, ERR_DAMAGED, "a passphrase that is none"},
		{6, 2, ERR_DAMAGED, "an unknown protection"},
		{7, 0, ERR_DAMAGED, "no secrets"},
		{7, 5, ERR_DAMAGED, "fewer secrets than follow"},
		{7, 7, ERR_DAMAGED, "more secrets than follow"},
		{7, 65, ERR_DAMAGED, "too many secrets"},
		{8, 'P', ERR_DAMAGED, "a capital in the name"},
		{8, 0, ERR_DAMAGED, "no name"},
		{20, 'x', ERR_DAMAGED, "bytes after the name"},
		{43, 1, ERR_DAMAGED, "passes without a passphrase"},
		{47, 1, ERR_DAMAGED, "memory without a passphrase"},
		{50, 1, ERR_DAMAGED, "salt without a passphrase"},
		{70, 1, ERR_DAMAGED, "a nonce without a passphrase"},
		{88, 2, ERR_DAMAGED, "no sign secret"},
		{88, 6, ERR_DAMAGED, "an unknown kind"},
		{89, 1, ERR_DAMAGED, "a reserved byte"},
		{91, 0, ERR_DAMAGED, "key number 0"},
		{88 + 3 * 36 + 3, 1, ERR_DAMAGED, "one number twice"},
		{88 + 4 * 36, 3, ERR_DAMAGED, "a kind missing"},
	};
	struct keyring *k = node_keyring();
	uint8_t file[KEYFILE_MAX_BYTES], altered[KEYFILE_MAX_BYTES];
	size_t n;

	need(!keyring_encode(k, NULL, file, &n));
	for (size_t i = 0; i < sizeof alterations / sizeof *alterations; i++) {
		memcpy(altered, file, n);
		altered[alterations[i].offset] = alterations[i].value;
		reseal(altered, n);
		is_int(decode(altered, n, NULL), alterations[i].want, "%s", alterations[i].what);
	}
	keyring_free(k);
}

static void a_protected_file_binds_all_its_fields(void)
{
	struct keyring *k = node_keyring();
	uint8_t file[KEYFILE_MAX_BYTES];
	size_t n;

	need(!keyring_encode(k, "correct horse", file, &n));
	is_int(decode(file, n, NULL), ERR_PASSPHRASE, "no passphrase");
	is_int(decode(file, n, "correct horsf"), ERR_PASSPHRASE, "a wrong passphrase");
	file[8] = 'q';
	reseal(file, n);
	is_int(decode(file, n, "correct horse"), ERR_PASSPHRASE, "another name");
	file[8] = 'p';
	file[n - KEYFILE_CHECK_BYTES - 1] ^= 1;
	reseal(file, n);
	is_int(decode(file, n, "correct horse"), ERR_PASSPHRASE, "an altered tag");
	file[n - KEYFILE_CHECK_BYTES - 1] ^= 1;
	file[44] = 0x7f; /* two billion KiB */
	reseal(file, n);
	is_int(decode(file, n, "correct horse"), ERR_DAMAGED, "memory beyond all bounds");
	file[44] = 0;
	file[43] = 17;
	reseal(file, n);
	is_int(decode(file, n, "correct horse"), ERR_DAMAGED, "passes beyond all bounds");
	keyring_free(k);
}

static void nothing_secret_is_in_a_protected_file(void)
{
	struct keyring *k = node_keyring();
	uint8_t file[KEYFILE_MAX_BYTES], again[KEYFILE_MAX_BYTES];
	size_t n, found = 0;

	need(!keyring_encode(k, "correct horse", file, &n));
	for (size_t i = 0; i < k->count; i++)
		found += memmem(file, n, k->secrets[i].bytes, 8) != NULL;
	is_int(found, 0, "no secret in clear");
	need(!keyring_encode(k, "correct horse", again, &n));
	ok(memcmp(file + 48, again + 48, 40) != 0, "salt and nonce are new every time");
	keyring_free(k);
}

int main(void)
{
	need(sodium_init() >= 0);
	RUN(what_is_written_reads_back);
	RUN(the_greatest_number_is_in_use);
	RUN(of_two_link_secrets_the_least_is_in_use);
	RUN(half_written_files_are_damaged);
	RUN(every_flipped_bit_is_noticed);
	RUN(wrong_fields_are_refused);
	RUN(a_protected_file_binds_all_its_fields);
	RUN(nothing_secret_is_in_a_protected_file);
	return tap_done();
}
