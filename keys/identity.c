#include "keys/identity.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "keys/identity_parts.h"
#include "keys/keyfile.h"
#include "protocol/message.h"

enum {
	ROLE_SECRETS_MAX = 256,
	LINK_NUMBER = 1,
	STORE_NUMBER = 1,
	INDEX_NUMBER = 1,
	HASH_KEY_DOMAIN = 6
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
	keyring_draw(k, SECRET_LINK, LINK_NUMBER);
	keyring_draw(k, SECRET_SEAL, 1);
	keyring_draw(k, SECRET_STORE, STORE_NUMBER);
	keyring_draw(k, SECRET_INDEX, INDEX_NUMBER);
	e = keyfile_write(path, k, passphrase, report);
	keyring_free(k);
	return e;
}

static void pair_fill(struct seal_pair *pair, const char *name, const struct secret *s)
{
	*pair = (struct seal_pair){.number = s->number, .secret = s->bytes};
	strcpy(pair->name, name);
	crypto_scalarmult_base(pair->public, s->bytes);
}

static size_t seals_of(const struct keyring *k)
{
	size_t n = 0;

	for (size_t i = 0; i < k->count; i++)
		n += k->secrets[i].kind == SECRET_SEAL;
	return n;
}

/* The seal keys of one file take their place among those that are held, from pairs[at] on. */
static void pairs_fill(struct seal_pair *pairs, size_t at, const struct keyring *k)
{
	for (size_t i = 0; i < k->count; i++)
		if (k->secrets[i].kind == SECRET_SEAL)
			pair_fill(&pairs[at++], k->name, &k->secrets[i]);
}

const struct seal_pair *identity_lend_pairs(const struct identity *id, size_t *count)
{
	pthread_rwlock_rdlock(id->lock);
	*count = id->pair_count;
	return id->pairs;
}

void identity_return_pairs(const struct identity *id)
{
	pthread_rwlock_unlock(id->lock);
}

static void describe(struct identity_public *public, const struct keyring *k)
{
	const struct secret *sign = keyring_current(k, SECRET_SIGN);
	const struct secret *link = keyring_current(k, SECRET_LINK);
	const struct secret *next = keyring_next_link(k);
	const struct secret *seal = keyring_current(k, SECRET_SEAL);
	uint8_t secret[crypto_sign_SECRETKEYBYTES];

	strcpy(public->name, k->name);
	public->sign_number = sign->number;
	public->link_number = link->number;
	public->seal_number = seal->number;
	crypto_sign_seed_keypair(public->sign, secret, sign->bytes);
	sodium_memzero(secret, sizeof secret);
	crypto_scalarmult_base(public->link, link->bytes);
	crypto_scalarmult_base(public->seal, seal->bytes);
	public->link_changing = next != NULL;
	if (next)
		crypto_scalarmult_base(public->link_next, next->bytes);
}

enum err identity_adopt(struct identity *id, struct keyring *secrets)
{
	size_t own = id->secrets ? seals_of(id->secrets) : 0, now = seals_of(secrets);
	size_t roles = id->pair_count - own;
	struct seal_pair *pairs = calloc(now + roles + 1, sizeof *pairs);
	struct published *published = calloc(1, sizeof *published);

	if (!pairs || !published) {
		free(pairs);
		free(published);
		return ERR_MEMORY;
	}
	describe(&published->public, secrets);
	published->before = id->published;
	id->published = published;
	pairs_fill(pairs, 0, secrets);
	if (roles)
		memcpy(pairs + now, id->pairs + own, roles * sizeof *pairs);
	free(id->pairs);
	id->pairs = pairs;
	id->pair_count = now + roles;
	id->locked = lock(secrets, sizeof *secrets) && (!id->secrets || id->locked);
	sodium_mprotect_readonly(secrets);
	keyring_free(id->secrets);
	id->secrets = secrets;
	return ERR_OK;
}

static void index_key(const struct working_keys *keys, uint8_t domain, const void *p, size_t n,
		      uint8_t out[16])
{
	crypto_generichash_state state;

	crypto_generichash_init(&state, keys->index, SECRET_BYTES, 16);
	crypto_generichash_update(&state, &domain, 1);
	crypto_generichash_update(&state, p, n);
	crypto_generichash_final(&state, out, 16);
	sodium_memzero(&state, sizeof state);
}

static enum err derive_keys(struct identity *id)
{
	const struct keyring *k = id->secrets;
	uint8_t public[SIGN_KEY_BYTES];

	id->keys = sodium_malloc(sizeof *id->keys);
	if (!id->keys)
		return ERR_MEMORY;
	crypto_sign_seed_keypair(public, id->keys->sign, keyring_current(k, SECRET_SIGN)->bytes);
	memcpy(id->keys->store, keyring_current(k, SECRET_STORE)->bytes, SECRET_BYTES);
	memcpy(id->keys->index, keyring_current(k, SECRET_INDEX)->bytes, SECRET_BYTES);
	/* SPEC 6.2: "whose key is H over domain byte 6 and nothing" */
	index_key(id->keys, HASH_KEY_DOMAIN, "", 0, id->keys->hash);
	id->locked = lock(id->keys, sizeof *id->keys) && id->locked;
	sodium_mprotect_readonly(id->keys);
	return ERR_OK;
}

static enum err new_lock(struct identity *id)
{
	id->lock = malloc(sizeof *id->lock);
	if (id->lock && pthread_rwlock_init(id->lock, NULL) == 0)
		return ERR_OK;
	free(id->lock);
	id->lock = NULL;
	return ERR_MEMORY;
}

enum err identity_open(struct identity **out, const char *path, const char *passphrase,
		       struct report *report)
{
	struct identity *id = calloc(1, sizeof *id);
	struct keyring *secrets = NULL;
	enum err e = id ? new_lock(id) : ERR_MEMORY;

	*out = NULL;
	if (!e)
		e = keyfile_read(&secrets, path, passphrase, report);
	if (!e && secrets->holder != HOLDER_NODE) {
		report_add(report, "%s: the key file of role %s, not of a node", path,
			   secrets->name);
		e = ERR_FORMAT;
	}
	if (!e)
		e = identity_adopt(id, secrets);
	if (e)
		keyring_free(secrets);
	else
		e = derive_keys(id);
	if (e) {
		identity_free(id);
		return e;
	}
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
	while (id->published) {
		struct published *before = id->published->before;
		free(id->published);
		id->published = before;
	}
	if (id->lock)
		pthread_rwlock_destroy(id->lock);
	free(id->lock);
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

static enum err role_hold(struct identity *id, struct keyring *k)
{
	struct role *roles = realloc(id->roles, (id->role_count + k->count) * sizeof *roles);
	struct seal_pair *pairs;

	if (roles)
		id->roles = roles;
	pairs = realloc(id->pairs, (id->pair_count + k->count) * sizeof *pairs);
	if (pairs)
		id->pairs = pairs;
	if (!roles || !pairs)
		return ERR_MEMORY;
	for (size_t i = 0; i < k->count; i++) {
		struct role *role = &roles[id->role_count++];
		*role = (struct role){.secrets = k, .owner = i == 0};
		role_describe(&role->public, k->name, &k->secrets[i]);
	}
	pairs_fill(pairs, id->pair_count, k);
	id->pair_count += k->count;
	id->locked = lock(k, sizeof *k) && id->locked;
	sodium_mprotect_readonly(k);
	return ERR_OK;
}

enum err identity_add_role(struct identity *id, const char *path, const char *passphrase,
			   struct report *report)
{
	struct keyring *k;
	enum err e = keyfile_read(&k, path, passphrase, report);

	if (e)
		return e;
	pthread_rwlock_wrlock(id->lock);
	e = role_admit(id, k, path, report);
	if (!e)
		e = role_hold(id, k);
	pthread_rwlock_unlock(id->lock);
	if (e)
		keyring_free(k);
	return e;
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
	const struct identity_public *public;

	pthread_rwlock_rdlock(id->lock);
	public = &id->published->public;
	pthread_rwlock_unlock(id->lock);
	return public;
}

bool identity_locked(const struct identity *id)
{
	bool locked;

	pthread_rwlock_rdlock(id->lock);
	locked = id->locked;
	pthread_rwlock_unlock(id->lock);
	return locked;
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
	pthread_rwlock_rdlock(id->lock);
	use(arg, keyring_current(id->secrets, SECRET_LINK)->bytes);
	pthread_rwlock_unlock(id->lock);
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
	index_key(id->keys, domain, p, n, out);
}

void identity_index_hash(const struct identity *id, const void *p, size_t n, uint8_t out[16])
{
	crypto_shorthash_siphashx24(out, p, n, id->keys->hash);
}
