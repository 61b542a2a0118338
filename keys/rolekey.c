#include "keys/rolekey.h"

#include <limits.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "keys/identity_parts.h"
#include "keys/keyfile.h"
#include "protocol/bytes.h"

enum { FIXED_BYTES = PARTY_ID_BYTES + 1, ENTRY_BYTES = 2 + SECRET_BYTES };

static const struct seal_pair *find(const struct seal_pair *pairs, size_t count, const char *role,
				    uint16_t number)
{
	for (size_t i = 0; i < count; i++)
		if (pairs[i].number == number && strcmp(pairs[i].name, role) == 0)
			return &pairs[i];
	return NULL;
}

void rolekey_held(struct rolekey *r, const struct identity *id, const struct party *role)
{
	size_t count;
	const struct seal_pair *pairs = identity_lend_pairs(id, &count);

	*r = (struct rolekey){.id = role->id};
	memcpy(r->name, role->name, sizeof r->name);
	for (size_t i = 0; i < role->seal_key_count; i++) {
		const struct seal_key *key = &role->seal_keys[i];
		const struct seal_pair *pair = find(pairs, count, role->name, key->number);
		if (pair && memcmp(pair->public, key->key, SEAL_KEY_BYTES) == 0)
			r->numbers[r->count++] = key->number;
	}
	identity_return_pairs(id);
}

size_t rolekey_size(size_t count)
{
	return seal_size(KIND_ROLE_KEY, FIXED_BYTES + count * ENTRY_BYTES);
}

/* SPEC 4.13: "The data is the role's party id 16 | count 1 (1 to 64) | that many of (number 2,
 * secret 32), strictly ascending by number." */
static enum err write_secrets(struct writer *w, const struct identity *id, const struct rolekey *r)
{
	size_t count;
	const struct seal_pair *pairs = identity_lend_pairs(id, &count);
	enum err e = ERR_OK;

	write_bytes(w, r->id.b, sizeof r->id.b);
	write_u8(w, (uint8_t)r->count);
	for (size_t i = 0; i < r->count && !e; i++) {
		const struct seal_pair *pair = find(pairs, count, r->name, r->numbers[i]);
		if (!pair) {
			e = ERR_NOT_FOUND;
			break;
		}
		write_u16(w, r->numbers[i]);
		write_bytes(w, pair->secret, SECRET_BYTES);
	}
	identity_return_pairs(id);
	return e ? e : w->bad ? ERR_LIMIT : ERR_OK;
}

enum err rolekey_seal(const struct identity *id, struct header *h, const struct letter *letter,
		      const struct rolekey *r, uint8_t *out)
{
	size_t n = FIXED_BYTES + r->count * ENTRY_BYTES;
	uint8_t *data = sodium_malloc(n);
	struct writer w;
	enum err e = ERR_MEMORY;

	if (data) {
		writer_init(&w, data, n);
		e = write_secrets(&w, id, r);
	}
	if (!e)
		e = seal_body(h, letter, data, n, out);
	sodium_free(data);
	return e;
}

/* ---- taking ---- */

static const struct seal_key *listed(const struct party *role, uint16_t number)
{
	for (size_t i = 0; i < role->seal_key_count; i++)
		if (role->seal_keys[i].number == number)
			return &role->seal_keys[i];
	return NULL;
}

/* The secret is the listed key's. */
static bool fits(const struct party *role, uint16_t number, const uint8_t *secret)
{
	const struct seal_key *key = listed(role, number);
	uint8_t public[SEAL_KEY_BYTES];

	return key && crypto_scalarmult_base(public, secret) == 0 &&
	       memcmp(public, key->key, sizeof public) == 0;
}

static bool holds_role(const struct topology *t, const struct party *node, const struct party *role)
{
	for (size_t i = 0; i < role->holder_count; i++)
		if (role->holders[i] == topology_index(t, node))
			return true;
	return false;
}

/* Reads the data and leaves *secrets at the entries. */
static enum err read_secrets(struct rolekey *r, const uint8_t **entries, const uint8_t *data,
			     size_t n, const struct topology *t, const struct party *self)
{
	const struct party *role;
	struct reader in;

	*r = (struct rolekey){0};
	reader_init(&in, data, n);
	read_bytes(&in, r->id.b, sizeof r->id.b);
	r->count = read_u8(&in);
	role = topology_party_by_id(t, &r->id);
	if (in.bad || r->count == 0 || r->count > KEYS_MAX || in.left != r->count * ENTRY_BYTES ||
	    !role || role->kind != PARTY_ROLE || !holds_role(t, self, role))
		return ERR_FORMAT;
	memcpy(r->name, role->name, sizeof r->name);
	*entries = in.at;
	for (size_t i = 0; i < r->count; i++) {
		r->numbers[i] = read_u16(&in);
		const uint8_t *secret = read_ref(&in, SECRET_BYTES);
		if ((i && r->numbers[i] <= r->numbers[i - 1]) || !fits(role, r->numbers[i], secret))
			return ERR_FORMAT;
	}
	return ERR_OK;
}

static bool holds(const struct identity *id, const char *role, uint16_t number)
{
	size_t count;
	const struct seal_pair *pairs = identity_lend_pairs(id, &count);
	bool found = find(pairs, count, role, number) != NULL;

	identity_return_pairs(id);
	return found;
}

/* A file that is there already was written before a crash, or by hand. */
static enum err keep(struct identity *id, const struct rolekey *r, uint16_t number,
		     const uint8_t *secret, const char *passphrase, const char *path,
		     struct report *report)
{
	struct keyring *k = keyring_new();
	enum err e;

	if (!k)
		return ERR_MEMORY;
	k->holder = HOLDER_ROLE;
	memcpy(k->name, r->name, sizeof k->name);
	k->secrets[0] = (struct secret){.kind = SECRET_SEAL, .number = number};
	memcpy(k->secrets[0].bytes, secret, SECRET_BYTES);
	k->count = 1;
	e = keyfile_write(path, k, passphrase, report);
	keyring_free(k);
	if (e && e != ERR_EXISTS)
		return e;
	return identity_add_role(id, path, passphrase, report);
}

static enum err keep_all(struct identity *id, const struct rolekey *r, const uint8_t *entries,
			 const char *passphrase, rolekey_path *path, void *arg, size_t *taken,
			 struct report *report)
{
	char file[PATH_MAX];
	enum err e = ERR_OK;

	for (size_t i = 0; i < r->count && !e; i++) {
		if (holds(id, r->name, r->numbers[i]))
			continue;
		if (!path(arg, file, sizeof file, r->name, r->numbers[i]))
			return ERR_LIMIT;
		e = keep(id, r, r->numbers[i], entries + i * ENTRY_BYTES + 2, passphrase, file,
			 report);
		*taken += e == ERR_OK;
	}
	return e;
}

enum err rolekey_take(struct identity *id, const struct header *h, const uint8_t *body, size_t n,
		      const struct topology *t, const struct party *self, const char *passphrase,
		      rolekey_path *path, void *arg, struct rolekey *r, size_t *taken,
		      struct report *report)
{
	uint8_t *data = sodium_malloc(n + 1);
	const uint8_t *entries;
	size_t length;
	enum err e = ERR_MEMORY;

	*taken = 0;
	if (!data)
		return e;
	e = seal_open(id, h, body, n, data, &length) == OPENING_DONE ? ERR_OK : ERR_NOT_FOUND;
	if (!e)
		e = read_secrets(r, &entries, data, length, t, self);
	if (!e)
		e = keep_all(id, r, entries, passphrase, path, arg, taken, report);
	sodium_free(data);
	return e;
}
