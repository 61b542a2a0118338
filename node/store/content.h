/* What a message says, for a node that may read it: the body of the log, opened where it is
 * sealed, unpacked.
 *
 * Who is not among the recipients gets ERR_NOT_FOUND, as if there were no body: to a relay a
 * sealed message has none.  What this node should be able to read and cannot is ERR_FORMAT with
 * words, and held. */
#ifndef NODE_CONTENT_H
#define NODE_CONTENT_H

#include "keys/seal.h"
#include "node/store/log.h"
#include "protocol/body.h"

enum { CONTENT_WHY_BYTES = 128 };

/* Opens and unpacks n bytes of a body as carried.  *json, with a NUL behind it, is the caller's to
 * free.  ERR_NOT_FOUND: sealed to others.  ERR_FORMAT: why says what is wrong with it. */
enum err content_open(const struct identity *id, const struct header *h, const uint8_t *body,
		      size_t n, char **json, size_t *length, char why[CONTENT_WHY_BYTES]);

/* The same of a row of the log; ERR_NOT_FOUND also when its body is gone. */
enum err content_read(const struct identity *id, struct log_reader *log, const struct log_row *row,
		      const struct header *h, char **json, size_t *length,
		      char why[CONTENT_WHY_BYTES]);
/* The same, for whoever reads many; unpacker may be NULL. */
enum err content_read_with(struct unpacker *unpacker, const struct identity *id,
			   struct log_reader *log, const struct log_row *row,
			   const struct header *h, char **json, size_t *length,
			   char why[CONTENT_WHY_BYTES]);

/* The body as carried, which the caller frees, of a row that this node should be able to read; the
 * errors of content_read(). */
enum err content_body(const struct identity *id, struct log_reader *log, const struct log_row *row,
		      const struct header *h, uint8_t **body, size_t *n,
		      char why[CONTENT_WHY_BYTES]);

#endif
