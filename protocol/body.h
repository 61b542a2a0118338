/* The body of a message: zstd of JSON, and what a post's JSON is.  SPEC.md 3.6. */
#ifndef PROTOCOL_BODY_H
#define PROTOCOL_BODY_H

#include "protocol/error.h"
#include "protocol/report.h"
#include "protocol/types.h"

/* Compresses n bytes into one zstd frame that states its content size.  Caller frees *out with
 * free().  ERR_LIMIT when the text is over BODY_PLAIN_MAX_BYTES or the frame over BODY_MAX_BYTES.
 */
enum err body_pack(uint8_t **out, size_t *length, const char *json, size_t n);

/* The other way.  Refuses a frame without content size or over BODY_PLAIN_MAX_BYTES before it
 * allocates, and bytes after the frame.  *out is NUL-terminated beyond *length; caller frees it. */
enum err body_unpack(char **out, size_t *length, const uint8_t *body, size_t n);

/* What unpacking needs beside the body, for whoever unpacks many: it takes longer to make than a
 * small body to unpack.  One thread at a time.  NULL when memory is short. */
struct unpacker;
struct unpacker *unpacker_new(void);
void unpacker_free(struct unpacker *u);
/* As body_unpack(); u may be NULL. */
enum err unpacker_unpack(struct unpacker *u, char **out, size_t *length, const uint8_t *body,
			 size_t n);

#endif
