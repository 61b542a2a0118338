#include "protocol/body.h"

#include <stdlib.h>
#include <string.h>
#include <zstd.h>
#include <zstd_errors.h>

#include "protocol/bytes.h"

enum { LEVEL = 6 };

enum err body_pack(uint8_t **out, size_t *length, const char *json, size_t n)
{
	size_t bound, used;
	uint8_t *frame;

	*out = NULL;
	if (n > BODY_PLAIN_MAX_BYTES)
		return ERR_LIMIT;
	bound = ZSTD_compressBound(n);
	frame = malloc(bound);
	if (!frame)
		return ERR_MEMORY;
	used = ZSTD_compress(frame, bound, json, n, LEVEL);
	if (ZSTD_isError(used) || used > BODY_MAX_BYTES) {
		free(frame);
		return ZSTD_isError(used) ? ERR_MEMORY : ERR_LIMIT;
	}
	*out = frame;
	*length = used;
	return ERR_OK;
}

/* The one frame that the body must be, and nothing behind it. */
static enum err frame_check(const uint8_t *body, size_t n, size_t *plain)
{
	unsigned long long content;
	size_t frame;

	if (n < 4)
		return ERR_TRUNCATED;
	/* Skippable frames, too, are zstd, and say that their content is empty. */
	if (get_u32(body) != 0x28b52ffd)
		return ERR_FORMAT;
	content = ZSTD_getFrameContentSize(body, n);
	if (content == ZSTD_CONTENTSIZE_ERROR)
		return ERR_TRUNCATED;
	/* SPEC 3.6: "A frame without a content size is refused." */
	if (content == ZSTD_CONTENTSIZE_UNKNOWN)
		return ERR_FORMAT;
	if (content > BODY_PLAIN_MAX_BYTES)
		return ERR_LIMIT;
	frame = ZSTD_findFrameCompressedSize(body, n);
	if (ZSTD_isError(frame))
		return ZSTD_getErrorCode(frame) == ZSTD_error_srcSize_wrong ? ERR_TRUNCATED
									    : ERR_FORMAT;
	if (frame != n)
		return ERR_TRAILING;
	*plain = (size_t)content;
	return ERR_OK;
}

struct unpacker {
	ZSTD_DCtx *zstd;
};

struct unpacker *unpacker_new(void)
{
	struct unpacker *u = calloc(1, sizeof *u);

	if (u && (u->zstd = ZSTD_createDCtx()) == NULL) {
		free(u);
		return NULL;
	}
	return u;
}

void unpacker_free(struct unpacker *u)
{
	if (!u)
		return;
	ZSTD_freeDCtx(u->zstd);
	free(u);
}

enum err body_unpack(char **out, size_t *length, const uint8_t *body, size_t n)
{
	return unpacker_unpack(NULL, out, length, body, n);
}

enum err unpacker_unpack(struct unpacker *u, char **out, size_t *length, const uint8_t *body,
			 size_t n)
{
	size_t plain, got;
	enum err err = frame_check(body, n, &plain);
	char *text;

	*out = NULL;
	if (err)
		return err;
	text = malloc(plain + 1);
	if (!text)
		return ERR_MEMORY;
	got = u ? ZSTD_decompressDCtx(u->zstd, text, plain, body, n)
		: ZSTD_decompress(text, plain, body, n);
	if (got != plain) {
		free(text);
		/* A frame is not to be blamed for what this machine is short of. */
		return ZSTD_getErrorCode(got) == ZSTD_error_memory_allocation ? ERR_MEMORY
									      : ERR_FORMAT;
	}
	text[plain] = '\0';
	*out = text;
	*length = plain;
	return ERR_OK;
}
