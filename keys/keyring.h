/* The secrets of one holder in memory, and the bytes of a key file.  SPEC.md 10.1.
 *
 * A keyring lives in locked, guarded pages (sodium_malloc) and is wiped when freed.  Reading and
 * writing files is keyfile.h; using the secrets is identity.h. */
#ifndef KEYS_KEYRING_H
#define KEYS_KEYRING_H

#include "protocol/error.h"
#include "protocol/report.h"
#include "protocol/types.h"

enum key_holder { HOLDER_NODE = 1, HOLDER_ROLE };

enum secret_kind {
	SECRET_SIGN = 1, /* seed of an Ed25519 key */
	SECRET_LINK,     /* CURVE (X25519) secret key */
	SECRET_SEAL,     /* X25519 secret key */
	SECRET_STORE,    /* of bodies at rest */
	SECRET_INDEX,    /* of content keys in the index */
};

enum {
	SECRET_BYTES = 32,
	SECRETS_MAX = 64,
	KEYFILE_FIXED_BYTES = 88, /* before the secrets */
	KEYFILE_SECRET_BYTES = 4 + SECRET_BYTES,
	KEYFILE_TAG_BYTES = 16,
	KEYFILE_CHECK_BYTES = 32,
	KEYFILE_MAX_BYTES = KEYFILE_FIXED_BYTES + SECRETS_MAX * KEYFILE_SECRET_BYTES +
			    KEYFILE_TAG_BYTES + KEYFILE_CHECK_BYTES,
};

struct secret {
	uint8_t kind;    /* enum secret_kind */
	uint16_t number; /* from 1; the greatest of its kind is in use, of a link the least */
	uint8_t bytes[SECRET_BYTES];
};

struct keyring {
	enum key_holder holder;
	char name[NAME_MAX_BYTES + 1];
	size_t count;
	struct secret secrets[SECRETS_MAX]; /* ascending by (kind, number) */
};

/* In locked memory, empty; NULL when there is none.  keyring_free wipes; NULL is accepted. */
struct keyring *keyring_new(void);
void keyring_free(struct keyring *k);

/* Draws a secret and adds it at the end: call in ascending order of (kind, number). */
void keyring_draw(struct keyring *k, enum secret_kind kind, uint16_t number);

/* Copies from, without the secret of that kind and number, into an empty keyring. */
void keyring_copy_without(struct keyring *k, const struct keyring *from, enum secret_kind kind,
			  uint16_t number);
/* Copies from, and draws one secret more, in its place among them; there is none of that kind and
 * number, and room for one. */
void keyring_copy_with(struct keyring *k, const struct keyring *from, enum secret_kind kind,
		       uint16_t number);

/* The secret of that kind in use, or NULL. */
const struct secret *keyring_current(const struct keyring *k, enum secret_kind kind);
/* The link secret that is to follow, or NULL. */
const struct secret *keyring_next_link(const struct keyring *k);

/* Writes the bytes of a key file into out[KEYFILE_MAX_BYTES].  With a passphrase it draws salt and
 * nonce, and Argon2id takes a quarter of a second.  ERR_MEMORY when Argon2id finds none. */
enum err keyring_encode(const struct keyring *k, const char *passphrase, uint8_t *out,
			size_t *written);

/* Reads exactly the n bytes of a key file into an empty keyring; path is for the words of report.
 * ERR_DAMAGED (half-written, altered), ERR_TOO_NEW, ERR_PASSPHRASE, ERR_FORMAT, ERR_MEMORY. */
enum err keyring_decode(struct keyring *k, const uint8_t *in, size_t n, const char *passphrase,
			const char *path, struct report *report);

/* Whether these bytes need a passphrase; the errors of keyring_decode otherwise. */
enum err keyring_peek(const uint8_t *in, size_t n, bool *protected, const char *path,
		      struct report *report);

#endif
