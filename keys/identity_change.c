/* Changing a node's own keys: the file first, then memory. */
#include <stdlib.h>

#include "keys/identity_parts.h"
#include "keys/keyfile.h"

/* What is to be done to a keyring; drawn: the number of what is added, else what goes. */
struct change {
	enum secret_kind kind;
	uint16_t number;
	bool draws;
};

static const struct secret *find(const struct keyring *k, enum secret_kind kind, uint16_t number)
{
	for (size_t i = 0; i < k->count; i++)
		if (k->secrets[i].kind == kind && k->secrets[i].number == number)
			return &k->secrets[i];
	return NULL;
}

/* Nobody else changes an identity meanwhile, so its secrets may be read without the lock; others
 * wait for it only while memory changes, not while Argon2id and the disk take their time. */
static enum err apply(struct identity *id, const struct change *c, const char *path,
		      const char *passphrase, struct report *report)
{
	struct keyring *k;
	enum err e;

	if (c->draws && id->secrets->count == SECRETS_MAX) {
		report_add(report, "%s: has no room for another key until an old one is destroyed",
			   path);
		return ERR_LIMIT;
	}
	k = keyring_new();
	if (!k)
		return ERR_MEMORY;
	if (c->draws)
		keyring_copy_with(k, id->secrets, c->kind, c->number);
	else
		keyring_copy_without(k, id->secrets, c->kind, c->number);
	e = keyfile_replace(path, k, passphrase, report);
	if (!e) {
		pthread_rwlock_wrlock(id->lock);
		e = identity_adopt(id, k);
		pthread_rwlock_unlock(id->lock);
	}
	if (e)
		keyring_free(k);
	return e;
}

enum err identity_draw_link(struct identity *id, const char *path, const char *passphrase,
			    struct report *report)
{
	const struct identity_public *public = identity_public(id);
	struct change c = {
		.kind = SECRET_LINK, .number = (uint16_t)(public->link_number + 1), .draws = true};

	if (public->link_changing) {
		report_add(report, "the link key is being changed already");
		return ERR_EXISTS;
	}
	if (c.number == 0) {
		report_add(report, "no number is left for another link key");
		return ERR_LIMIT;
	}
	return apply(id, &c, path, passphrase, report);
}

enum err identity_switch_link(struct identity *id, const char *path, const char *passphrase,
			      struct report *report)
{
	const struct identity_public *public = identity_public(id);
	struct change c = {.kind = SECRET_LINK, .number = public->link_number};

	if (!public->link_changing) {
		report_add(report, "the link key is not being changed");
		return ERR_NOT_FOUND;
	}
	return apply(id, &c, path, passphrase, report);
}

enum err identity_draw_seal(struct identity *id, const char *path, const char *passphrase,
			    uint16_t number, struct report *report)
{
	struct change c = {.kind = SECRET_SEAL, .number = number, .draws = true};

	if (number <= identity_public(id)->seal_number) {
		report_add(report, "seal key %u would not be the newest", number);
		return ERR_EXISTS;
	}
	return apply(id, &c, path, passphrase, report);
}

enum err identity_destroy_seal(struct identity *id, const char *path, const char *passphrase,
			       uint16_t number, struct report *report)
{
	struct change c = {.kind = SECRET_SEAL, .number = number};

	if (number == identity_public(id)->seal_number || !find(id->secrets, SECRET_SEAL, number)) {
		report_add(report, "there is no old seal key %u", number);
		return ERR_NOT_FOUND;
	}
	return apply(id, &c, path, passphrase, report);
}
