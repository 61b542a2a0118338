#include "node/author.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

void author_init(struct author *a, const struct identity *identity)
{
	*a = (struct author){.identity = identity};
	randombytes_buf(&a->incarnation, sizeof a->incarnation);
}

enum err author_write(struct author *a, const struct topology *t, const struct draft *draft,
		      uint64_t now, uint8_t **bytes, size_t *n, struct message_id *id)
{
	const struct identity_public *public = identity_public(a->identity);
	struct header h = {
		.kind = (uint8_t)draft->kind,
		.tlp = (uint8_t)draft->tlp,
		.priority = draft->priority,
		.topology = t->version,
		.network = t->network,
		.origin = party_id_of(&t->network, public->name),
		.audience = audience_all(),
		.incarnation = a->incarnation,
		.sequence = a->sequence + 1,
		.created = now,
		.expiry = draft->expiry,
		.body_length = (uint32_t)draft->body_length,
		.body_hash = hash_of(draft->body, draft->body_length),
		.ref = draft->ref,
		.sign_key = public->sign_number,
	};
	size_t size = header_size(&h), written;
	uint8_t *out;
	enum err e;

	if (draft->body_length > BODY_MAX_BYTES)
		return ERR_LIMIT;
	if (header_violation(&h) || !header_audience_valid(&h))
		return ERR_FORMAT;
	*n = size + SIGNATURE_BYTES + draft->body_length;
	out = malloc(*n);
	if (!out)
		return ERR_MEMORY;
	e = header_encode(&h, out, size, &written);
	if (e) {
		free(out);
		return e;
	}
	*id = message_id_of(out, size);
	identity_sign(a->identity, id, out + size);
	if (draft->body_length)
		memcpy(out + size + SIGNATURE_BYTES, draft->body, draft->body_length);
	a->sequence++;
	*bytes = out;
	return ERR_OK;
}
