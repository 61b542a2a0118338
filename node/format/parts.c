/* The bundles of an import: in memory as long as they are few, then in a file, under a key that
 * only this process has: what is to be sealed leaves no plain text on a disk. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "node/format/import.h"
#include "protocol/body.h"
#include "protocol/bytes.h"

enum { ENVELOPE_ROOM_BYTES = 1024, BOX_BYTES = crypto_aead_xchacha20poly1305_ietf_ABYTES };
_Static_assert(sizeof((struct import *)0)->spool_key == crypto_aead_xchacha20poly1305_ietf_KEYBYTES,
	       "of its size");

/* SPEC 3.6: "The body as carried is at most 1,048,576 bytes." */
static enum err part_check(const struct text *text)
{
	uint8_t *body;
	size_t n;
	enum err err;

	if (text->bad)
		return ERR_MEMORY;
	if (text->length <= PART_PLAIN_BYTES)
		return ERR_OK;
	err = body_pack(&body, &n, text->at, text->length);
	if (!err && n > BODY_MAX_BYTES - ENVELOPE_ROOM_BYTES)
		err = ERR_LIMIT;
	free(body);
	return err;
}

/* Nobody else ever sees it, and it is gone with this process. */
static enum err spool_open(struct import *i)
{
	const char *folder = getenv("TMPDIR");
	char path[PATH_MAX];

	snprintf(path, sizeof path, "%s/khabar-XXXXXX", folder && *folder ? folder : "/tmp");
	i->spool = mkostemp(path, O_CLOEXEC);
	if (i->spool <= 0) {
		i->spool = 0;
		return ERR_IO;
	}
	crypto_aead_xchacha20poly1305_ietf_keygen(i->spool_key);
	return unlink(path) == 0 ? ERR_OK : ERR_IO;
}

/* Each part has a place of its own, and a key is of one spool. */
static void nonce_of(uint8_t nonce[crypto_aead_xchacha20poly1305_ietf_NPUBBYTES], uint64_t at)
{
	memset(nonce, 0, crypto_aead_xchacha20poly1305_ietf_NPUBBYTES);
	put_u64(nonce, at);
}

/* What is to stand at that place of the spool; owned by the caller. */
static enum err box(const struct import *i, uint64_t at, const struct part *part, uint8_t **out,
		    size_t *n)
{
	uint8_t nonce[crypto_aead_xchacha20poly1305_ietf_NPUBBYTES], *packed;
	unsigned long long length;
	enum err err = body_pack(&packed, n, part->text, part->length);

	if (err)
		return err;
	nonce_of(nonce, at);
	*out = malloc(*n + BOX_BYTES);
	if (*out) {
		crypto_aead_xchacha20poly1305_ietf_encrypt(*out, &length, packed, *n, NULL, 0, NULL,
							   nonce, i->spool_key);
		*n = (size_t)length;
	}
	free(packed);
	return *out ? ERR_OK : ERR_MEMORY;
}

/* Opens it where it is. */
static enum err unbox(const struct import *i, const struct part *part, uint8_t *bytes)
{
	uint8_t nonce[crypto_aead_xchacha20poly1305_ietf_NPUBBYTES];

	nonce_of(nonce, part->at);
	return crypto_aead_xchacha20poly1305_ietf_decrypt(bytes, NULL, NULL, bytes, part->packed,
							  NULL, 0, nonce, i->spool_key) == 0
		       ? ERR_OK
		       : ERR_DAMAGED;
}

static enum err spool_write(struct import *i, struct part *part)
{
	uint8_t *packed = NULL;
	enum err err = i->spool ? ERR_OK : spool_open(i);
	size_t done = 0;

	if (!err)
		err = box(i, i->used, part, &packed, &part->packed);
	part->at = i->used;
	while (!err && done < part->packed) {
		ssize_t n = pwrite(i->spool, packed + done, part->packed - done,
				   (off_t)(part->at + done));
		if (n > 0)
			done += (size_t)n;
		else if (n == 0 || errno != EINTR)
			err = errno == ENOSPC ? ERR_FULL : ERR_IO;
	}
	free(packed);
	if (err)
		return err;
	i->used += part->packed;
	free(part->text);
	part->text = NULL;
	return ERR_OK;
}

enum err part_add(struct import *i, struct text *text, size_t objects)
{
	struct part part = {.text = text->at, .length = text->length, .objects = objects};
	struct part *parts;
	enum err err = part_check(text);

	if (!err && i->held + part.length > PARTS_HELD_BYTES)
		err = spool_write(i, &part);
	else
		i->held += part.length;
	if (!err) {
		parts = realloc(i->parts, (i->part_count + 1) * sizeof *parts);
		if (parts) {
			i->parts = parts;
			parts[i->part_count++] = part;
			i->bytes += part.length;
			text_init(text);
			return ERR_OK;
		}
		err = ERR_MEMORY;
	}
	text->at = part.text;
	text_clear(text);
	return err;
}

static enum err spool_read(const struct import *i, const struct part *part, char **out, size_t *n)
{
	uint8_t *packed = malloc(part->packed);
	size_t done = 0;
	enum err err = packed ? ERR_OK : ERR_MEMORY;

	while (!err && done < part->packed) {
		ssize_t got = pread(i->spool, packed + done, part->packed - done,
				    (off_t)(part->at + done));
		if (got > 0)
			done += (size_t)got;
		else if (got == 0 || errno != EINTR)
			err = ERR_IO;
	}
	if (!err)
		err = unbox(i, part, packed);
	if (!err)
		err = body_unpack(out, n, packed, part->packed - BOX_BYTES);
	free(packed);
	return err;
}

enum err import_part(const struct import *i, size_t number, struct slice *text, char **owned)
{
	const struct part *part = &i->parts[number];
	size_t n = part->length;
	enum err err = ERR_OK;

	*owned = NULL;
	if (!part->text)
		err = spool_read(i, part, owned, &n);
	*text = (struct slice){part->text ? part->text : *owned, n};
	return err;
}

void parts_clear(struct import *i)
{
	for (size_t p = 0; p < i->part_count; p++)
		free(i->parts[p].text);
	free(i->parts);
	if (i->spool)
		close(i->spool);
	sodium_memzero(i->spool_key, sizeof i->spool_key);
	i->parts = NULL;
	i->part_count = i->bytes = i->held = 0;
	i->spool = 0;
	i->used = 0;
}
