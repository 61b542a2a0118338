/* Twelve words that somebody reads out over a telephone, and somebody else types: the input is what
 * was typed, and its first bytes are a hash too.  What is read are the words of what it is read as,
 * and what is not is refused in words. */
#include <ctype.h>
#include <string.h>

#include "protocol/council.h"
#include "tests/fuzz/fuzz.h"

enum { TYPED_MAX = 1000 };

static void read_again(const uint8_t bytes[WORDS_HASH_BYTES], bool loud)
{
	uint8_t again[WORDS_HASH_BYTES];
	char words[WORDS_BYTES];
	struct hash hash = {{0}};

	memcpy(hash.b, bytes, WORDS_HASH_BYTES);
	memset(words, 'x', sizeof words);
	council_words(words, sizeof words, &hash);
	must(strnlen(words, sizeof words) == sizeof words - 1);
	for (size_t i = 0; loud && words[i]; i++)
		words[i] = (char)(words[i] == ' ' ? '-' : toupper((unsigned char)words[i]));
	must(council_words_read(again, words, NULL) == ERR_OK);
	must(memcmp(again, bytes, sizeof again) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	uint8_t got[WORDS_HASH_BYTES];
	char typed[TYPED_MAX + 1] = "";
	struct report report;
	enum err e;

	if (n > TYPED_MAX)
		return 0;
	if (n)
		memcpy(typed, data, n);
	report_init(&report);
	e = council_words_read(got, typed, &report);
	must(e == ERR_OK || e == ERR_FORMAT || e == ERR_HASH);
	must(e == ERR_OK || (report.total > 0 && err_str(e)[0]));
	if (e == ERR_OK)
		read_again(got, true);
	report_clear(&report);
	if (n >= WORDS_HASH_BYTES)
		read_again(data, n & 1);
	return 0;
}
