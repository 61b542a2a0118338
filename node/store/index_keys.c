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

struct packed objects_of(const struct index_tables *t)
{
	return (struct packed){
		.table = t->object, .meta = t->run, .name = "object", .width = OBJECT_BYTES};
}

struct packed values_of(const struct index_tables *t)
{
	return (struct packed){
		.table = t->value, .meta = t->run, .name = "value", .width = VALUE_BYTES};
}

int lineage_last(struct packed *objects, const uint8_t hash[SHORT_HASH_BYTES],
		 uint8_t out[OBJECT_BYTES])
{
	uint8_t end[OBJECT_BYTES];
	memcpy(end, hash, SHORT_HASH_BYTES);
	memset(end + SHORT_HASH_BYTES, 0xff, sizeof end - SHORT_HASH_BYTES);
	int rc = packed_last(objects, end, out);
	return rc == 0 && memcmp(out, hash, SHORT_HASH_BYTES) != 0 ? MDB_NOTFOUND : rc;
}

/* No time of STIX is beyond the year 9999, and no log has so many rows. */
static void write_short(struct writer *w, uint64_t n)
{
	uint8_t bytes[8];
	put_u64(bytes, n);
	write_bytes(w, bytes + 8 - SHORT_NUMBER_BYTES, SHORT_NUMBER_BYTES);
}

static uint64_t read_short(struct reader *r)
{
	uint8_t bytes[8] = {0};
	read_bytes(r, bytes + 8 - SHORT_NUMBER_BYTES, SHORT_NUMBER_BYTES);
	return get_u64(bytes);
}

static const uint64_t SHORT_MAX = (UINT64_C(1) << 8 * SHORT_NUMBER_BYTES) - 1;

void object_encode(uint8_t out[OBJECT_BYTES], const uint8_t hash[HASH_KEY_BYTES],
		   const struct message_id *id, bool forwarded, const struct object_at *at)
{
	struct writer w;
	writer_init(&w, out, OBJECT_BYTES);
	write_bytes(&w, hash, SHORT_HASH_BYTES);
	write_short(&w, at->modified);
	write_bytes(&w, id->b, 8);
	write_u16(&w, at->number);
	write_u8(&w, forwarded ? 0 : 1);
	write_short(&w, ~at->lsn);
	write_short(&w, at->valid_until);
	write_u8(&w, (uint8_t)((at->revoked ? OBJECT_REVOKED : 0) | (at->block ? OBJECT_BLOCK : 0) |
			       (at->scaffolding ? OBJECT_SCAFFOLDING : 0)));
}

struct object_at object_decode(const uint8_t record[OBJECT_BYTES])
{
	struct object_at at = {0};
	struct reader r;
	reader_init(&r, record, OBJECT_BYTES);
	read_ref(&r, SHORT_HASH_BYTES);
	at.modified = read_short(&r);
	read_ref(&r, 8);
	at.number = read_u16(&r);
	read_u8(&r);
	at.lsn = ~read_short(&r) & SHORT_MAX;
	at.valid_until = read_short(&r);
	uint8_t flags = read_u8(&r);
	at.revoked = flags & OBJECT_REVOKED;
	at.block = flags & OBJECT_BLOCK;
	at.scaffolding = flags & OBJECT_SCAFFOLDING;
	return at;
}

void value_encode(uint8_t out[VALUE_BYTES], const uint8_t hash[HASH_KEY_BYTES], uint64_t lsn,
		  uint16_t number, const uint8_t object[OBJECT_BYTES])
{
	struct writer w;
	writer_init(&w, out, VALUE_BYTES);
	write_bytes(&w, hash, SHORT_HASH_BYTES);
	write_short(&w, lsn);
	write_u16(&w, number);
	write_bytes(&w, object, SHORT_HASH_BYTES);
}

uint64_t value_lsn(const uint8_t record[VALUE_BYTES])
{
	struct reader r;
	reader_init(&r, record + SHORT_HASH_BYTES, VALUE_BYTES - SHORT_HASH_BYTES);
	return read_short(&r);
}

bool value_is_of(const uint8_t value[VALUE_BYTES], const uint8_t object[OBJECT_BYTES])
{
	const uint8_t *number = value + SHORT_HASH_BYTES + SHORT_NUMBER_BYTES;
	struct object_at at = object_decode(object);
	return memcmp(number + 2, object, SHORT_HASH_BYTES) == 0 && at.lsn == value_lsn(value) &&
	       at.number == (number[0] << 8 | number[1]);
}
