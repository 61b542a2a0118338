/* What the content tables have for keys.  Every one is a keyed hash: without the key file a disk
 * shows no value. */
#include <string.h>

#include "node/store/index_parts.h"
#include "node/store/log_parts.h"

/* No object has a longer one: a type of at most 250 bytes, two hyphens, a UUID. */
enum { OBJECT_ID_MAX_BYTES = 250 + 2 + 36 };

void key_of_object(uint8_t out[HASH_KEY_BYTES], const struct identity *identity,
		   const struct party_id *origin, const char *object_id)
{
	/* SPEC 6.2: "The hash of an object is over domain byte 1 | origin | object id." */
	uint8_t input[1 + PARTY_ID_BYTES + OBJECT_ID_MAX_BYTES] = {KEY_OF_OBJECT};
	size_t n = strnlen(object_id, OBJECT_ID_MAX_BYTES);
	memcpy(input + 1, origin->b, PARTY_ID_BYTES);
	memcpy(input + 1 + PARTY_ID_BYTES, object_id, n);
	identity_index_hash(identity, input, 1 + PARTY_ID_BYTES + n, out);
}

void key_of_part(uint8_t out[HASH_KEY_BYTES], const struct identity *identity,
		 const struct value_part *part)
{
	/* SPEC 6.2: "The hash of a value is over domain byte 2 | type 1 | prefix length 1 | the
	 * address, or the canonical text of what is no address." */
	uint8_t input[3 + OBSERVABLE_MAX_BYTES];
	input[0] = KEY_OF_VALUE;
	input[1] = (uint8_t)part->type;
	input[2] = part->prefix;
	memcpy(input + 3, part->bytes, part->length);
	identity_index_hash(identity, input, 3 + part->length, out);
}

void key_of_value(uint8_t out[HASH_KEY_BYTES], const struct identity *identity,
		  const struct observable *value)
{
	struct value_part part = {value->type, value->prefix, value->text, value->length};
	if (value->type == OBSERVABLE_IPV4 || value->type == OBSERVABLE_IPV6) {
		part.bytes = value->address;
		part.length = value->type == OBSERVABLE_IPV4 ? 4 : 16;
	}
	key_of_part(out, identity, &part);
}

void key_of_incident(uint8_t out[HASH_KEY_BYTES], const struct identity *identity,
		     const char *number)
{
	identity_index_key(identity, KEY_OF_INCIDENT, number, strlen(number), out);
}

unsigned domain_labels(const char *domain)
{
	unsigned labels = 1;
	for (const char *c = domain; *c; c++)
		labels += *c == '.';
	return labels;
}

size_t length_of_value(const struct observable *value)
{
	if (value->type == OBSERVABLE_IPV4 && value->prefix <= 32)
		return LENGTHS_IPV4 + value->prefix;
	if (value->type == OBSERVABLE_IPV6 && value->prefix <= 128)
		return (size_t)LENGTHS_IPV6 + value->prefix;
	if (value->type == OBSERVABLE_DOMAIN) {
		unsigned labels = domain_labels(value->text);
		return labels <= DOMAIN_LABELS_MAX ? (size_t)LENGTHS_DOMAIN + labels : LENGTHS;
	}
	return LENGTHS;
}

int lengths_read(MDB_txn *txn, MDB_dbi meta, uint64_t lengths[LENGTHS])
{
	MDB_val key = {7, "lengths"}, value;
	int rc = mdb_get(txn, meta, &key, &value);
	if (rc != 0)
		return rc;
	if (value.mv_size != LENGTHS * 8)
		return MDB_CORRUPTED;
	for (size_t i = 0; i < LENGTHS; i++)
		lengths[i] = get_u64((const uint8_t *)value.mv_data + i * 8);
	return 0;
}

int lineage_last(MDB_cursor *object, const uint8_t hash[HASH_KEY_BYTES], MDB_val *key,
		 MDB_val *value)
{
	uint8_t end[OBJECT_KEY_BYTES];
	memcpy(end, hash, HASH_KEY_BYTES);
	memset(end + HASH_KEY_BYTES, 0xff, sizeof end - HASH_KEY_BYTES);
	*key = (MDB_val){sizeof end, end};
	/* Past the greatest key that the lineage could have, and one back. */
	int rc = mdb_cursor_get(object, key, value, MDB_SET_RANGE);
	bool is_end =
		rc == 0 && key->mv_size == sizeof end && memcmp(key->mv_data, end, sizeof end) == 0;
	if (!is_end && (rc == 0 || rc == MDB_NOTFOUND))
		rc = mdb_cursor_get(object, key, value, rc == 0 ? MDB_PREV : MDB_LAST);
	if (rc != 0)
		return rc;
	if (key->mv_size != OBJECT_KEY_BYTES || value->mv_size != OBJECT_VALUE_BYTES)
		return MDB_CORRUPTED;
	return memcmp(key->mv_data, hash, HASH_KEY_BYTES) == 0 ? 0 : MDB_NOTFOUND;
}

struct object_at object_decode(const uint8_t *key, const uint8_t *value)
{
	uint8_t flags = value[8];
	return (struct object_at){
		.lsn = ~get_u64(key + OBJECT_KEY_BYTES - 8),
		.number = (uint16_t)(key[OBJECT_REF_BYTES] << 8 | key[OBJECT_REF_BYTES + 1]),
		.modified = get_u64(key + HASH_KEY_BYTES),
		.valid_until = get_u64(value),
		.revoked = flags & OBJECT_REVOKED,
		.block = flags & OBJECT_BLOCK,
		.scaffolding = flags & OBJECT_SCAFFOLDING,
	};
}
