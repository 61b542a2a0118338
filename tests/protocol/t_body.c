#include "protocol/body.h"

#include <zstd.h>

#include "tests/tap.h"

static enum err unpack(const uint8_t *body, size_t n)
{
	uint8_t *copy = malloc(n ? n : 1);
	char *text;
	size_t length;
	enum err err;

	need(copy);
	memcpy(copy, body, n);
	err = body_unpack(&text, &length, copy, n);
	free(text);
	free(copy);
	return err;
}

static void what_was_packed_is_unpacked(void)
{
	static const char text[] = "{\"envelope\":{},\"bundle\":{\"type\":\"bundle\"}}";
	uint8_t *body;
	char *back;
	size_t n, length;

	need(body_pack(&body, &n, text, strlen(text)) == ERR_OK);
	is_int(body_unpack(&back, &length, body, n), ERR_OK, "unpacks");
	is_int(length, strlen(text), "as long as it was");
	is_str(back, text, "and ends in NUL");
	free(back);
	free(body);
}

static void one_unpacker_unpacks_many_and_forgets_what_failed(void)
{
	struct unpacker *u = unpacker_new();
	char text[2000], *back;
	uint8_t *body;
	size_t n, length, good = 0, refused = 0;

	need(u);
	for (size_t round = 1; round < 40; round++) {
		for (size_t i = 0; i < sizeof text; i++)
			text[i] = (char)('a' + i * round % 23);
		need(body_pack(&body, &n, text, 50 * round) == ERR_OK);
		refused += unpacker_unpack(u, &back, &length, body, n - 1) != ERR_OK;
		body[n - 1] ^= 0x55;
		if (unpacker_unpack(u, &back, &length, body, n) == ERR_OK)
			free(back);
		body[n - 1] ^= 0x55;
		if (unpacker_unpack(u, &back, &length, body, n) == ERR_OK) {
			good += length == 50 * round && memcmp(back, text, length) == 0;
			free(back);
		}
		free(body);
	}
	is_int(good, 39, "each as it was, whatever came before");
	is_int(refused, 39, "and what is cut is refused");
	unpacker_free(u);
}

static void a_frame_cut_anywhere_or_longer_is_refused(void)
{
	char text[4000];
	uint8_t *body, *longer;
	size_t n, refusals = 0;

	for (size_t i = 0; i < sizeof text; i++)
		text[i] = (char)('a' + i * i % 23);
	need(body_pack(&body, &n, text, sizeof text) == ERR_OK);
	for (size_t i = 0; i < n; i++)
		refusals += unpack(body, i) != ERR_OK;
	is_int(refusals, n, "every prefix");
	longer = calloc(1, 2 * n + 1);
	need(longer);
	memcpy(longer, body, n);
	is_int(unpack(longer, n + 1), ERR_TRAILING, "a byte more");
	memcpy(longer + n, body, n);
	is_int(unpack(longer, 2 * n), ERR_TRAILING, "a second frame");
	free(longer);
	free(body);
}

/* zstd carries no checksum here (the header's hash does that), so a flip may go unseen, but never
 * outside the memory and never with another length. */
static void a_flipped_bit_does_no_harm(void)
{
	char text[1000];
	uint8_t *body;
	size_t n, wrong = 0;

	memset(text, 'x', sizeof text);
	for (size_t i = 0; i < sizeof text; i += 7)
		text[i] = (char)i;
	need(body_pack(&body, &n, text, sizeof text) == ERR_OK);
	for (size_t bit = 0; bit < 8 * n; bit++) {
		char *back = NULL;
		size_t length = 0;

		body[bit / 8] ^= (uint8_t)(1u << bit % 8);
		if (body_unpack(&back, &length, body, n) == ERR_OK)
			wrong += strlen(back) > length;
		free(back);
		body[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
	is_int(wrong, 0, "flips");
	free(body);
}

static void a_frame_without_content_size_is_refused(void)
{
	uint8_t out[200];
	ZSTD_CCtx *c = ZSTD_createCCtx();
	size_t n;

	need(c);
	ZSTD_CCtx_setParameter(c, ZSTD_c_contentSizeFlag, 0);
	n = ZSTD_compress2(c, out, sizeof out, "{\"a\":1}", 7);
	need(!ZSTD_isError(n));
	is_int(unpack(out, n), ERR_FORMAT, "no size");
	ZSTD_freeCCtx(c);
}

static void other_bytes_are_refused(void)
{
	static const uint8_t skippable[] = {0x50, 0x2a, 0x4d, 0x18, 1, 0, 0, 0, 0};

	is_int(unpack((const uint8_t *)"", 0), ERR_TRUNCATED, "nothing");
	is_int(unpack((const uint8_t *)"{\"a\":1}", 7), ERR_FORMAT, "bare JSON");
	is_int(unpack(skippable, sizeof skippable), ERR_FORMAT, "a skippable frame");
}

static void a_bomb_is_refused_before_it_is_unpacked(void)
{
	size_t n = BODY_PLAIN_MAX_BYTES + 1, used;
	char *zeros = calloc(1, n);
	uint8_t out[4096], *body;
	char *back;
	size_t length;

	need(zeros);
	used = ZSTD_compress(out, sizeof out, zeros, n, 3);
	need(!ZSTD_isError(used));
	is_int(unpack(out, used), ERR_LIMIT, "16 MiB and one byte");
	is_int(body_pack(&body, &length, zeros, n), ERR_LIMIT, "nor is it packed");
	used = ZSTD_compress(out, sizeof out, zeros, n - 1, 3);
	need(!ZSTD_isError(used));
	is_int(body_unpack(&back, &length, out, used), ERR_OK, "16 MiB");
	is_int(length, BODY_PLAIN_MAX_BYTES, "all of it");
	free(back);
	free(zeros);
}

static void what_does_not_compress_into_1_mib_is_not_packed(void)
{
	size_t n = 2 << 20, used;
	char *noise = malloc(n);
	uint8_t *body;
	uint32_t x = 1;

	need(noise);
	for (size_t i = 0; i < n; i++) {
		x = x * 1664525 + 1013904223;
		noise[i] = (char)(x >> 24);
	}
	is_int(body_pack(&body, &used, noise, n), ERR_LIMIT, "2 MiB of noise");
	ok(body == NULL, "and nothing to free");
	free(noise);
}

int main(void)
{
	RUN(what_was_packed_is_unpacked);
	RUN(one_unpacker_unpacks_many_and_forgets_what_failed);
	RUN(a_frame_cut_anywhere_or_longer_is_refused);
	RUN(a_flipped_bit_does_no_harm);
	RUN(a_frame_without_content_size_is_refused);
	RUN(other_bytes_are_refused);
	RUN(a_bomb_is_refused_before_it_is_unpacked);
	RUN(what_does_not_compress_into_1_mib_is_not_packed);
	return tap_done();
}
