/* A hash as twelve words that can be read out over a telephone. */
#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "protocol/council.h"

enum { WORDS = 12, WORD_LETTERS = 4, WORD_BITS = 11 };

/* SPEC 4.8: "A word is four letters: one of bdfghjklmnprstvz by the 4 high bits, one of aiou by the
 * next 2, one of bklmnrst by the next 3, one of aiou by the last 2." */
static const struct {
	const char *letters;
	unsigned bits;
} syllable[WORD_LETTERS] = {{"bdfghjklmnprstvz", 4}, {"aiou", 2}, {"bklmnrst", 3}, {"aiou", 2}};

/* SPEC 4.8: "The checksum is the 4 high bits of the first byte of the BLAKE2b-256 of those 16
 * bytes." */
static uint8_t checksum(const uint8_t bytes[WORDS_HASH_BYTES])
{
	return hash_of(bytes, WORDS_HASH_BYTES).b[0] & 0xf0;
}

static void word_write(char out[WORD_LETTERS + 1], unsigned value)
{
	unsigned shift = WORD_BITS;

	for (size_t i = 0; i < WORD_LETTERS; i++) {
		shift -= syllable[i].bits;
		out[i] = syllable[i].letters[value >> shift & ((1U << syllable[i].bits) - 1)];
	}
	out[WORD_LETTERS] = '\0';
}

static bool word_read(unsigned *value, const char *word)
{
	*value = 0;
	for (size_t i = 0; i < WORD_LETTERS; i++) {
		const char *at =
			word[i] ? strchr(syllable[i].letters, tolower((unsigned char)word[i]))
				: NULL;
		if (!at)
			return false;
		*value = *value << syllable[i].bits | (unsigned)(at - syllable[i].letters);
	}
	return word[WORD_LETTERS] == '\0';
}

void council_words(char *out, size_t size, const struct hash *h)
{
	uint8_t bytes[WORDS_HASH_BYTES + 2] = {0};
	size_t used = 0;

	memcpy(bytes, h->b, WORDS_HASH_BYTES);
	bytes[WORDS_HASH_BYTES] = checksum(bytes);
	if (size > 0)
		out[0] = '\0';
	for (size_t i = 0; i < WORDS && used < size; i++) {
		char word[WORD_LETTERS + 1];
		unsigned value = 0;
		for (size_t bit = i * WORD_BITS; bit < (i + 1) * WORD_BITS; bit++)
			value = value << 1 | (bytes[bit / 8] >> (7 - bit % 8) & 1U);
		word_write(word, value);
		used += (size_t)snprintf(out + used, size - used, "%s%s", i ? " " : "", word);
	}
}

enum err council_words_read(uint8_t out[WORDS_HASH_BYTES], const char *words, struct report *report)
{
	static const char between[] = " ,-\t\r\n";
	uint8_t bytes[WORDS_HASH_BYTES + 2] = {0};
	size_t count = 0;

	for (words += strspn(words, between); *words; words += strspn(words, between)) {
		char word[32];
		unsigned value;
		size_t n = strcspn(words, between);
		snprintf(word, sizeof word, "%.*s", n < sizeof word ? (int)n : 31, words);
		words += n;
		if (!word_read(&value, word)) {
			report_add(report, "\"%s\" is not one of the words", word);
			return ERR_FORMAT;
		}
		for (size_t i = 0; i < WORD_BITS && count < WORDS; i++) {
			size_t bit = count * WORD_BITS + i;
			bytes[bit / 8] |=
				(uint8_t)((value >> (WORD_BITS - 1 - i) & 1U) << (7 - bit % 8));
		}
		count++;
	}
	if (count != WORDS) {
		report_add(report, "%zu words; there are %d", count, WORDS);
		return ERR_FORMAT;
	}
	if (bytes[WORDS_HASH_BYTES] != checksum(bytes)) {
		report_add(report, "the words do not belong together: one of them is wrong");
		return ERR_HASH;
	}
	memcpy(out, bytes, WORDS_HASH_BYTES);
	return ERR_OK;
}
