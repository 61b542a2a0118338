/* A hash as words. */
#include "protocol/council.h"
#include "tests/protocol/federation.h"

static void words_are_those_of_the_specification(void)
{
	struct hash h = {{0}};
	char words[WORDS_BYTES];

	council_words(words, sizeof words, &h);
	is_str(words, "baba baba baba baba baba baba baba baba baba baba baba bali", "of zeros");
	for (unsigned i = 0; i < HASH_BYTES; i++)
		h.b[i] = (uint8_t)i;
	council_words(words, sizeof words, &h);
	is_str(words, "baba boba mako boba jabu bata fabi falo bosa kabu hata duta", "of 0 to 31");
	council_words(words, 10, &h);
	is_str(words, "baba boba", "cut off where there is no room");
}

static void words_read_back_and_catch_mistakes(void)
{
	uint64_t seed = 1;
	unsigned lost = 0, missed = 0, wrong = 0;

	for (unsigned round = 0; round < 2000; round++) {
		struct hash h;
		char words[WORDS_BYTES];
		uint8_t back[WORDS_HASH_BYTES];
		for (unsigned i = 0; i < HASH_BYTES; i++)
			h.b[i] = (uint8_t)chance(&seed);
		council_words(words, sizeof words, &h);
		lost += council_words_read(back, words, NULL) || memcmp(back, h.b, sizeof back);
		words[5 * below(&seed, 12)] = "bdfghjklmnprstvz"[below(&seed, 16)];
		missed += council_words_read(back, words, NULL) == ERR_OK;
		words[1 + 5 * below(&seed, 12)] = 'e';
		wrong += council_words_read(back, words, NULL) != ERR_FORMAT;
	}
	is_int(lost, 0, "every hash comes back");
	ok(missed < 400, "a wrong word is missed %u times of 2,000", missed);
	is_int(wrong, 0, "what is no word is refused");
}

static void words_are_read_as_people_write_them(void)
{
	uint8_t back[WORDS_HASH_BYTES];
	struct report report;

	report_init(&report);
	is_int(council_words_read(
		       back, "  Baba boba, MAKO-boba jabu\tbata fabi falo\n bosa kabu hata duta ",
		       &report),
	       ERR_OK, "any case, any gaps");
	is_int(council_words_read(back, "baba boba", &report), ERR_FORMAT, "too few");
	is_str(report_first(&report), "2 words; there are 12", "in words");
	report_clear(&report);
	is_int(council_words_read(back, "", NULL), ERR_FORMAT, "none");
	is_int(council_words_read(
		       back, "baba boba mako boba jabu bata fabi falo bosa kabu hata duta baba",
		       NULL),
	       ERR_FORMAT, "too many");
	is_int(council_words_read(back,
				  "baba bobax mako boba jabu bata fabi falo bosa kabu hata duta",
				  &report),
	       ERR_FORMAT, "too long a word");
	ok(strstr(report_first(&report), "\"bobax\""), "which is named");
	report_clear(&report);
}

int main(void)
{
	RUN(words_are_those_of_the_specification);
	RUN(words_read_back_and_catch_mistakes);
	RUN(words_are_read_as_people_write_them);
	return tap_done();
}
