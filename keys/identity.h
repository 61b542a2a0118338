/* A node's secrets, and the only things that can be done with them.  SPEC.md 2.4, 10.1.
 *
 * Nothing here hands a secret out, with one exception that libzmq leaves no way around:
 * identity_lend_link_secret.  All secrets live in locked, guarded pages (sodium_malloc), read-only
 * once loaded, and are wiped by identity_free.  Where locking fails (RLIMIT_MEMLOCK)
 * identity_locked() is false and the caller says so.
 *
 * Threads: every thread may use it, also while another one changes keys. */
#ifndef KEYS_IDENTITY_H
#define KEYS_IDENTITY_H

#include "protocol/card.h"
#include "protocol/error.h"
#include "protocol/report.h"
#include "protocol/types.h"

struct identity;

/* The public half. */
struct identity_public {
	char name[NAME_MAX_BYTES + 1];
	uint16_t sign_number, link_number, seal_number; /* of the keys in use */
	uint8_t sign[SIGN_KEY_BYTES], link[LINK_KEY_BYTES], seal[SEAL_KEY_BYTES];
	bool link_changing; /* there is a next link key */
	uint8_t link_next[LINK_KEY_BYTES];
};

/* Makes new secrets for the node called name and writes them to path: mode 0600, created once
 * (ERR_EXISTS), synced before it is seen, under a passphrase (Argon2id) unless that is NULL.  The
 * directory must exist. */
enum err identity_create(const char *path, const char *name, const char *passphrase,
			 struct report *report);

/* Reads the file.  ERR_PERMISSIONS when others could read or write it (the report names the chmod
 * to run), ERR_PASSPHRASE, ERR_DAMAGED, ERR_TOO_NEW.  The caller frees *id with identity_free(). */
enum err identity_open(struct identity **id, const char *path, const char *passphrase,
		       struct report *report);
void identity_free(struct identity *id);

/* Whether the file needs a passphrase. */
enum err identity_needs_passphrase(const char *path, bool *needed, struct report *report);

/* A role's seal key: its secret in a file of its own, with the protections of a node's. */
struct role_public {
	char name[NAME_MAX_BYTES + 1];
	uint16_t number;
	uint8_t seal[SEAL_KEY_BYTES];
};
enum err identity_create_role(const char *path, const char *role, uint16_t number,
			      const char *passphrase, struct role_public *made,
			      struct report *report);
/* Reads a role's file and holds its secrets too.  ERR_EXISTS when it holds that number of that role
 * already. */
enum err identity_add_role(struct identity *id, const char *path, const char *passphrase,
			   struct report *report);
size_t identity_role_count(const struct identity *id);
/* Lives until a role is added. */
const struct role_public *identity_role(const struct identity *id, size_t i);

/* The keys of the moment; it lives as long as id, and a change makes another one. */
const struct identity_public *identity_public(const struct identity *id);
/* Changes of the node's own keys.  Each draws or destroys a secret, writes the whole file beside
 * path, syncs it and puts it in its place in one step, and is in force once it has returned ERR_OK;
 * a crash leaves the file of before or of after.  path and passphrase are those of
 * identity_open().  One at a time.
 *
 * A link key is changed in two steps: the next is drawn, and later takes the place of the one in
 * use, which is destroyed.  ERR_EXISTS: there is a next one; ERR_NOT_FOUND: there is none. */
enum err identity_draw_link(struct identity *id, const char *path, const char *passphrase,
			    struct report *report);
enum err identity_switch_link(struct identity *id, const char *path, const char *passphrase,
			      struct report *report);
/* The new seal key is in use at once; number is greater than that of any before.  ERR_LIMIT when
 * the file is full. */
enum err identity_draw_seal(struct identity *id, const char *path, const char *passphrase,
			    uint16_t number, struct report *report);
/* Destroys the secret of a seal key that is not in use.  ERR_NOT_FOUND. */
enum err identity_destroy_seal(struct identity *id, const char *path, const char *passphrase,
			       uint16_t number, struct report *report);

/* Puts the node's link keys, with their proofs, and its seal keys into c.  SPEC.md 4.11. */
void identity_card(const struct identity *id, const struct party_id *self, struct card *c);

/* True when no secret can be written to swap. */
bool identity_locked(const struct identity *id);

/* Ed25519 over "khabar-1" | id, with the sign key in use. */
void identity_sign(const struct identity *id, const struct message_id *message,
		   uint8_t signature[SIGNATURE_BYTES]);

/* Calls use with the CURVE secret key; it must not keep it. */
void identity_lend_link_secret(const struct identity *id,
			       void (*use)(void *arg, const uint8_t secret[LINK_KEY_BYTES]),
			       void *arg);

/* Bodies at rest: XChaCha20-Poly1305 under the store key.  The nonce is the first 24 bytes of the
 * message's id: the id binds the body, so one nonce never meets two texts.  box is n +
 * STORE_BOX_EXTRA bytes. */
enum { STORE_BOX_EXTRA = 16 };
void identity_store_box(const struct identity *id, const struct message_id *message, uint8_t *box,
			const uint8_t *body, size_t n);
/* n is the size of the box; body has room for n - STORE_BOX_EXTRA.  ERR_DAMAGED when the box is not
 * what was stored for this message. */
enum err identity_store_unbox(const struct identity *id, const struct message_id *message,
			      uint8_t *body, const uint8_t *box, size_t n);

/* A keyed BLAKE2b-128 of (domain byte | n bytes): what marks a store and a backup as this node's.
 */
void identity_index_key(const struct identity *id, uint8_t domain, const void *p, size_t n,
			uint8_t out[16]);
/* A keyed SipHash-2-4-128 of n bytes: what content indexes have for keys, since they need many. */
void identity_index_hash(const struct identity *id, const void *p, size_t n, uint8_t out[16]);

#endif
