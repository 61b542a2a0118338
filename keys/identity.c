#include "keys/identity.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "keys/identity_parts.h"
#include "keys/keyfile.h"
#include "protocol/message.h"

enum { ROLE_SECRETS_MAX = 256, CURVE_NUMBER = 1, STORE_NUMBER = 1, INDEX_NUMBER = 1 };

/* Derived from the file once: signing needs the expanded key. */
struct working_keys {
	uint8_t sign[crypto_sign_SECRETKEYBYTES];
	uint8_t link[SECRET_BYTES], store[SECRET_BYTES], index[SECRET_BYTES];
};

struct role {
	struct role_public public;
	struct keyring *secrets; /* shared by the roles of one file, owned by the first of them */
	bool owner;
};

struct identity {
	struct identity_public public;
	struct keyring *secrets;
	struct working_keys *keys; /* sodium_malloc */
	struct role *roles;
	size_t role_count;
	struct seal_pair *pairs;
	size_t pair_count;
	bool locked;
};

/* sodium_malloc() locks what it allocates but does not say when it could not. */
static bool lock(void *secret, size_t n)
{
	return sodium_mlock(secret, n) == 0;
}

enum err identity_create(const char *path, const char *name, const char *passphrase,
			 struct report *report)
{
	struct keyring *k;
	enum err e;

	if (!name_valid(name)) {
		report_add(report, "\"%s\" is no name: 1 to 31 of a-z, 0-9 and -", name);
		return ERR_FORMAT;
	}
	k = keyring_new();
	if (!k)
		return ERR_MEMORY;
	k->holder = HOLDER_NODE;
	strcpy(k->name, name);
	keyring_draw(k, SECRET_SIGN, 1);
	keyring_draw(k, SECRET_LINK, CURVE_NUMBER);
	keyring_draw(k, SECRET_SEAL, 1);
	keyring_draw(k, SECRET_STORE, STORE_NUMBER);
	keyring_draw(k, SECRET_INDEX, INDEX_NUMBER);
	e = keyfile_write(path, k, passphrase, report);
	keyring_free(k);
	return e;
}

/* The seal keys of one file join those that are held. */
static enum err pairs_add(struct identity *id, const struct keyring *k)
{
	struct seal_pair *pairs = realloc(id->pairs, (id->pair_count + k->count) * sizeof *pairs);

	if (!pairs)
		return ERR_MEMORY;
	id->pairs = pairs;
	for (size_t i = 0; i < k->count; i++) {
		const struct secret *s = &k->secrets[i];
		struct seal_pair *pair = &pairs[id->pair_count];
		if (s->kind != SECRET_SEAL)
			continue;
		*pair = (struct seal_pair){.number = s->number, .secret = s->bytes};
		strcpy(pair->name, k->name);
		crypto_scalarmult_base(pair->public, s->bytes);
		id->pair_count++;
	}
	return ERR_OK;
}

const struct seal_pair *identity_seal_pairs(const struct identity *id, size_t *count)
{
	*count = id->pair_count;
	return id->pairs;
}

static void derive(struct identity *id)
{
	const struct secret *sign = keyring_current(id->secrets, SECRET_SIGN);
	const struct secret *link = keyring_current(id->secrets, SECRET_LINK);
	const struct secret *seal = keyring_current(id->secrets, SECRET_SEAL);
	struct identity_public *public = &id->public;

	strcpy(public->name, id->secrets->name);
	public->sign_number = sign->number;
	public->seal_number = seal->number;
	crypto_sign_seed_keypair(public->sign, id->keys->sign, sign->bytes);
	crypto_scalarmult_base(public->link, link->bytes);
	crypto_scalarmult_base(public->seal, seal->bytes);
	memcpy(id->keys->link, link->bytes, SECRET_BYTES);
	memcpy(id->keys->store, keyring_current(id->secrets, SECRET_STORE)->bytes, SECRET_BYTES);
	memcpy(id->keys->index, keyring_current(id->secrets, SECRET_INDEX)->bytes, SECRET_BYTES);
}

enum err identity_open(struct identity **out, const char *path, const char *passphrase,
		       struct report *report)
{
	struct identity *id;
	enum err e;

	*out = NULL;
	id = calloc(1, sizeof *id);
	if (!id)
		return ERR_MEMORY;
	e = keyfile_read(&id->secrets, path, passphrase, report);
	if (!e && id->secrets->holder != HOLDER_NODE) {
		report_add(report, "%s: the key file of role %s, not of a node", path,
			   id->secrets->name);
		e = ERR_FORMAT;
	}
	if (!e && (id->keys = sodium_malloc(sizeof *id->keys)) == NULL)
		e = ERR_MEMORY;
	if (!e)
		e = pairs_add(id, id->secrets);
	if (e) {
		identity_free(id);
		return e;
	}
	derive(id);
	id->locked = lock(id->secrets, sizeof *id->secrets) && lock(id->keys, sizeof *id->keys);
	sodium_mprotect_readonly(id->secrets);
	sodium_mprotect_readonly(id->keys);
	*out = id;
	return ERR_OK;
}

void identity_free(struct identity *id)
{
	if (!id)
		return;
	for (size_t i = 0; i < id->role_count; i++)
		if (id->roles[i].owner)
			keyring_free(id->roles[i].secrets);
	free(id->roles);
	free(id->pairs);
	sodium_free(id->keys);
	keyring_free(id->secrets);
	free(id);
}

enum err identity_needs_passphrase(const char *path, bool *needed, struct report *report)
{
	return keyfile_peek(path, needed, report);
}

static void role_describe(struct role_public *public, const char *name, const struct secret *s)
{
	*public = (struct role_public){.number = s->number};
	strcpy(public->name, name);
	crypto_scalarmult_base(public->seal, s->bytes);
}

enum err identity_create_role(const char *path, const char *role, uint16_t number,
			      const char *passphrase, struct role_public *made,
			      struct report *report)
{
	struct keyring *k;
	enum err e;

	if (!name_valid(role) || number == 0) {
		report_add(report,
			   "role \"%s\" key %u: a name is 1 to 31 of a-z, 0-9 and -, and "
			   "numbers start at 1",
			   role, number);
		return ERR_FORMAT;
	}
	k = keyring_new();
	if (!k)
		return ERR_MEMORY;
	k->holder = HOLDER_ROLE;
	strcpy(k->name, role);
	keyring_draw(k, SECRET_SEAL, number);
	e = keyfile_write(path, k, passphrase, report);
	if (!e)
		role_describe(made, role, &k->secrets[0]);
	keyring_free(k);
	return e;
}

static bool role_held(const struct identity *id, const char *name, uint16_t number)
{
	for (size_t i = 0; i < id->role_count; i++)
		if (id->roles[i].public.number == number &&
		    strcmp(id->roles[i].public.name, name) == 0)
			return true;
	return false;
}

static enum err role_admit(struct identity *id, const struct keyring *k, const char *path,
			   struct report *report)
{
	if (k->holder != HOLDER_ROLE) {
		report_add(report, "%s: the key file of node %s, not of a role", path, k->name);
		return ERR_FORMAT;
	}
	if (id->role_count + k->count > ROLE_SECRETS_MAX) {
		report_add(report, "%s: more than %d role keys", path, ROLE_SECRETS_MAX);
		return ERR_LIMIT;
	}
	for (size_t i = 0; i < k->count; i++) {
		if (role_held(id, k->name, k->secrets[i].number)) {
			report_add(report, "%s: key %u of role %s is held already", path,
				   k->secrets[i].number, k->name);
			return ERR_EXISTS;
		}
	}
	return ERR_OK;
}

enum err identity_add_role(struct identity *id, const char *path, const char *passphrase,
			   struct report *report)
{
	struct keyring *k;
	struct role *roles;
	enum err e = keyfile_read(&k, path, passphrase, report);

	if (e)
		return e;
	e = role_admit(id, k, path, report);
	if (e) {
		keyring_free(k);
		return e;
	}
	roles = realloc(id->roles, (id->role_count + k->count) * sizeof *roles);
	if (roles)
		id->roles = roles;
	e = roles ? pairs_add(id, k) : ERR_MEMORY;
	if (e) {
		keyring_free(k);
		return e;
	}
	for (size_t i = 0; i < k->count; i++) {
		struct role *role = &roles[id->role_count++];
		*role = (struct role){.secrets = k, .owner = i == 0};
		role_describe(&role->public, k->name, &k->secrets[i]);
	}
	id->locked = lock(k, sizeof *k) && id->locked;
	sodium_mprotect_readonly(k);
	return ERR_OK;
}

size_t identity_role_count(const struct identity *id)
{
	return id->role_count;
}

const struct role_public *identity_role(const struct identity *id, size_t i)
{
	return &id->roles[i].public;
}

const struct identity_public *identity_public(const struct identity *id)
{
	return &id->public;
}

bool identity_locked(const struct identity *id)
{
	return id->locked;
}

void identity_sign(const struct identity *id, const struct message_id *message,
		   uint8_t signature[SIGNATURE_BYTES])
{
	uint8_t text[SIGNED_BYTES];

	message_signed_bytes(text, message);
	crypto_sign_detached(signature, NULL, text, sizeof text, id->keys->sign);
}

void identity_lend_link_secret(const struct identity *id,
			       void (*use)(void *arg, const uint8_t secret[LINK_KEY_BYTES]),
			       void *arg)
{
	use(arg, id->keys->link);
}

/* Both directions bind the whole id as additional data, and take the nonce from its start. */
void identity_store_box(const struct identity *id, const struct message_id *message, uint8_t *box,
			const uint8_t *body, size_t n)
{
	crypto_aead_xchacha20poly1305_ietf_encrypt(box, NULL, body, n, message->b,
						   sizeof message->b, NULL, message->b,
						   id->keys->store);
}

enum err identity_store_unbox(const struct identity *id, const struct message_id *message,
			      uint8_t *body, const uint8_t *box, size_t n)
{
	if (crypto_aead_xchacha20poly1305_ietf_decrypt(body, NULL, NULL, box, n, message->b,
						       sizeof message->b, message->b,
						       id->keys->store) != 0)
		return ERR_DAMAGED;
	return ERR_OK;
}

void identity_index_key(const struct identity *id, uint8_t domain, const void *p, size_t n,
			uint8_t out[16])
{
	crypto_generichash_state state;

	crypto_generichash_init(&state, id->keys->index, SECRET_BYTES, 16);
	crypto_generichash_update(&state, &domain, 1);
	crypto_generichash_update(&state, p, n);
	crypto_generichash_final(&state, out, 16);
	sodium_memzero(&state, sizeof state);
}
