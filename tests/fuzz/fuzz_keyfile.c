/* The input is a key file without its checksum, which no fuzzer would guess. */
#include <string.h>

#include "keys/keyring.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct keyring *k = keyring_new();
	uint8_t file[KEYFILE_MAX_BYTES], again[KEYFILE_MAX_BYTES];
	struct hash check;
	size_t written;

	must(k);
	if (n <= sizeof file - KEYFILE_CHECK_BYTES) {
		if (n)
			memcpy(file, data, n);
		check = hash_of(file, n);
		memcpy(file + n, check.b, sizeof check.b);
		n += sizeof check.b;
		if (keyring_decode(k, file, n, NULL, "node.key", NULL) == ERR_OK) {
			must(keyring_encode(k, NULL, again, &written) == ERR_OK);
			must(written == n && memcmp(file, again, n) == 0);
		}
	}
	keyring_free(k);
	return 0;
}
