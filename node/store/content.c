#include "node/store/content.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>

static enum err unpack(struct unpacker *unpacker, char **json, size_t *length, const uint8_t *data,
		       size_t n, char why[CONTENT_WHY_BYTES])
{
	enum err e = unpacker_unpack(unpacker, json, length, data, n);

	if (!e || e == ERR_MEMORY)
		return e;
	snprintf(why, CONTENT_WHY_BYTES, "its body is not compressed JSON: %s", err_str(e));
	return ERR_FORMAT;
}

static enum err open_with(struct unpacker *unpacker, const struct identity *id,
			  const struct header *h, const uint8_t *body, size_t n, char **json,
			  size_t *length, char why[CONTENT_WHY_BYTES])
{
	enum opening opening;
	uint8_t *data;
	size_t used;
	enum err e = ERR_FORMAT;

	*json = NULL;
	if (!(h->flags & FLAG_SEALED))
		return unpack(unpacker, json, length, body, n, why);
	data = malloc(n + 1);
	if (!data)
		return ERR_MEMORY;
	opening = seal_open(id, h, body, n, data, &used);
	switch (opening) {
	case OPENING_DONE:
		e = unpack(unpacker, json, length, data, used, why);
		break;
	case OPENING_NOT_OURS:
		e = ERR_NOT_FOUND;
		break;
	case OPENING_KEY_GONE:
	case OPENING_WRAP_BAD:
	case OPENING_BODY_BAD:
	case OPENING_COUNT:
		snprintf(why, CONTENT_WHY_BYTES, "%s", opening_str(opening));
		break;
	}
	sodium_memzero(data, used);
	free(data);
	return e;
}

enum err content_open(const struct identity *id, const struct header *h, const uint8_t *body,
		      size_t n, char **json, size_t *length, char why[CONTENT_WHY_BYTES])
{
	return open_with(NULL, id, h, body, n, json, length, why);
}

enum err content_body(const struct identity *id, struct log_reader *log, const struct log_row *row,
		      const struct header *h, uint8_t **body, size_t *n,
		      char why[CONTENT_WHY_BYTES])
{
	enum err e;

	if (h->flags & FLAG_SEALED && !seal_is_ours(id, h))
		return ERR_NOT_FOUND;
	e = log_read_body(log, row, body, n);
	if (e != ERR_DAMAGED)
		return e;
	snprintf(why, CONTENT_WHY_BYTES, "its stored body is damaged");
	return ERR_FORMAT;
}

enum err content_read(const struct identity *id, struct log_reader *log, const struct log_row *row,
		      const struct header *h, char **json, size_t *length,
		      char why[CONTENT_WHY_BYTES])
{
	return content_read_with(NULL, id, log, row, h, json, length, why);
}

enum err content_read_with(struct unpacker *unpacker, const struct identity *id,
			   struct log_reader *log, const struct log_row *row,
			   const struct header *h, char **json, size_t *length,
			   char why[CONTENT_WHY_BYTES])
{
	uint8_t *body;
	size_t n;
	enum err e;

	*json = NULL;
	e = content_body(id, log, row, h, &body, &n, why);
	if (e)
		return e;
	e = open_with(unpacker, id, h, body, n, json, length, why);
	free(body);
	return e;
}
