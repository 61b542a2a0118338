/* Handing a role's seal keys from one holder to another.  SPEC.md 4.13.
 *
 * The secrets leave this layer only sealed, and on the other side come out of it only as key files.
 * Who may hand what to whom is not asked here (node/duty/node_rolekey.c). */
#ifndef KEYS_ROLEKEY_H
#define KEYS_ROLEKEY_H

#include "keys/seal.h"

/* A role and the seal keys of it that are meant. */
struct rolekey {
	char name[NAME_MAX_BYTES + 1];
	struct party_id id;
	size_t count;               /* 1 to KEYS_MAX */
	uint16_t numbers[KEYS_MAX]; /* strictly ascending */
};

/* Which of the seal keys of a role, as the topology lists them, this node holds the secret of. */
void rolekey_held(struct rolekey *r, const struct identity *id, const struct party *role);

/* Bytes that so many keys take as the sealed body of a message. */
size_t rolekey_size(size_t count);
/* Seals the secrets into out[rolekey_size(r->count)], as seal_body() does.  ERR_NOT_FOUND when one
 * is not held. */
enum err rolekey_seal(const struct identity *id, struct header *h, const struct letter *letter,
		      const struct rolekey *r, uint8_t *out);

/* Where the file of a key is to be; false when there is no room for its name. */
typedef bool rolekey_path(void *arg, char *out, size_t size, const char *role, uint16_t number);

/* Opens such a body of n bytes, writes a key file for each key of it that is not held, under the
 * passphrase or NULL, and holds it.  The node self must hold the role in t, and each key be the one
 * that t lists for the role under its number, or none is taken.  r says which came, *taken how many
 * of them are new.  ERR_FORMAT: it is not so, or not well made; ERR_NOT_FOUND: it cannot be opened
 * here; ERR_MEMORY, and the errors of writing and reading key files. */
enum err rolekey_take(struct identity *id, const struct header *h, const uint8_t *body, size_t n,
		      const struct topology *t, const struct party *self, const char *passphrase,
		      rolekey_path *path, void *arg, struct rolekey *r, size_t *taken,
		      struct report *report);

#endif
