/* Which objects speak of a value. */
#include <string.h>

#include "node/store/index_parts.h"

struct match {
	struct index_reader *reader;
	bool (*found)(void *arg, const struct object_at *at, enum match_how how);
	void *arg;
	bool stopped;
	MDB_cursor *values, *objects;
	uint64_t renewals; /* of the reader when the cursors were opened */
};

static void cursors_close(struct match *m)
{
	if (m->values)
		mdb_cursor_close(m->values);
	if (m->objects)
		mdb_cursor_close(m->objects);
	m->values = m->objects = NULL;
}

static int cursors_open(struct match *m)
{
	const struct index_tables *t = &m->reader->index->env.tables;
	m->renewals = m->reader->renewals;
	int rc = mdb_cursor_open(m->reader->txn, t->value, &m->values);
	return rc ? rc : mdb_cursor_open(m->reader->txn, t->object, &m->objects);
}

/* Offers one object when it is the current version of its lineage and not revoked. */
static int offer(struct match *m, const uint8_t *value_key, const uint8_t *object_ref,
		 enum match_how how)
{
	MDB_val key, value;
	int rc = lineage_last(m->objects, object_ref, &key, &value);
	if (rc == MDB_NOTFOUND)
		return 0;
	if (rc != 0)
		return rc;
	struct object_at at = object_decode(key.mv_data, value.mv_data);
	bool current = memcmp(key.mv_data, object_ref, OBJECT_REF_BYTES) == 0 &&
		       at.lsn == get_u64(value_key + HASH_KEY_BYTES) &&
		       memcmp((uint8_t *)key.mv_data + OBJECT_REF_BYTES,
			      value_key + HASH_KEY_BYTES + 8, 2) == 0;
	if (current && !at.revoked)
		m->stopped = !m->found(m->arg, &at, how);
	return 0;
}

static int match_one(struct match *m, const struct observable *o, enum match_how how)
{
	uint8_t at[VALUE_KEY_BYTES] = {0};
	uint8_t hash[HASH_KEY_BYTES], object_ref[OBJECT_REF_BYTES];
	key_of_value(hash, m->reader->index->identity, o);
	memcpy(at, hash, sizeof hash);
	MDB_val key = {sizeof at, at}, value;
	int rc = mdb_cursor_get(m->values, &key, &value, MDB_SET_RANGE);
	while (rc == 0 && !m->stopped && key.mv_size == VALUE_KEY_BYTES &&
	       value.mv_size == OBJECT_REF_BYTES && memcmp(key.mv_data, hash, sizeof hash) == 0) {
		memcpy(at, key.mv_data, sizeof at);
		memcpy(object_ref, value.mv_data, sizeof object_ref);
		rc = offer(m, at, object_ref, how);
		if (rc != 0)
			return rc;
		MDB_cursor_op op = MDB_NEXT;
		if (m->renewals != m->reader->renewals) {
			/* found() looked something up and the snapshot moved beneath us. */
			cursors_close(m);
			rc = cursors_open(m);
			if (rc != 0)
				return rc;
			key = (MDB_val){sizeof at, at};
			rc = mdb_cursor_get(m->values, &key, &value, MDB_SET_RANGE);
			op = rc == 0 && memcmp(key.mv_data, at, sizeof at) == 0 ? MDB_NEXT
										: MDB_GET_CURRENT;
		}
		if (rc == 0)
			rc = mdb_cursor_get(m->values, &key, &value, op);
	}
	return rc == MDB_NOTFOUND ? 0 : rc;
}

/* The address or network itself, then each network in use that holds it, the nearest first. */
static int match_address(struct match *m, const struct observable *o, const uint64_t *lengths)
{
	struct observable network = {.type = o->type};
	size_t base = o->type == OBSERVABLE_IPV4 ? LENGTHS_IPV4 : LENGTHS_IPV6;
	size_t bytes = o->type == OBSERVABLE_IPV4 ? 4 : 16;
	memcpy(network.address, o->address, bytes);
	int rc = 0;
	for (unsigned bits = o->prefix + 1u; rc == 0 && !m->stopped && bits-- > 0;) {
		if (bits < o->prefix)
			network.address[bits / 8] &= (uint8_t) ~(0x80u >> bits % 8);
		network.prefix = (uint8_t)bits;
		if (lengths[base + bits])
			rc = match_one(m, &network, bits == o->prefix ? MATCH_EXACT : MATCH_CIDR);
	}
	return rc;
}

static int match_domain(struct match *m, const struct observable *o, const uint64_t *lengths)
{
	struct observable parent = *o;
	unsigned labels = domain_labels(o->text);
	const char *at = o->text;
	int rc = 0;
	for (; rc == 0 && !m->stopped && labels > 0; labels--) {
		parent.length = (uint16_t)(o->length - (at - o->text));
		memcpy(parent.text, at, parent.length + 1u);
		if (labels <= DOMAIN_LABELS_MAX && lengths[LENGTHS_DOMAIN + labels])
			rc = match_one(m, &parent,
				       at == o->text ? MATCH_EXACT : MATCH_PARENT_DOMAIN);
		at = strchr(at, '.');
		if (!at++)
			break;
	}
	return rc;
}

/* The endpoint as it stands, then its address. */
static int match_endpoint(struct match *m, const struct observable *o, const uint64_t *lengths)
{
	bool v6 = o->text[0] == '[';
	struct observable address = {.type = v6 ? OBSERVABLE_IPV6 : OBSERVABLE_IPV4,
				     .prefix = v6 ? 128 : 32};
	memcpy(address.address, o->address, sizeof address.address);
	int rc = match_one(m, o, MATCH_EXACT);
	return rc || m->stopped ? rc : match_address(m, &address, lengths);
}

static int match_by_type(struct match *m, const struct observable *o, const uint64_t *lengths)
{
	switch (o->type) {
	case OBSERVABLE_IPV4:
	case OBSERVABLE_IPV6:
		return match_address(m, o, lengths);
	case OBSERVABLE_ENDPOINT:
		return match_endpoint(m, o, lengths);
	case OBSERVABLE_DOMAIN:
		return match_domain(m, o, lengths);
	case OBSERVABLE_URL:
	case OBSERVABLE_PATH:
	case OBSERVABLE_EMAIL:
	case OBSERVABLE_MD5:
	case OBSERVABLE_SHA1:
	case OBSERVABLE_SHA256:
	case OBSERVABLE_SHA512:
	case OBSERVABLE_FILE_NAME:
		return match_one(m, o, MATCH_EXACT);
	case OBSERVABLE_NONE:
	case OBSERVABLE_TYPES:
		break;
	}
	return 0;
}

enum err index_match(struct index_reader *reader, const struct observable *value,
		     bool (*found)(void *arg, const struct object_at *at, enum match_how how),
		     void *arg)
{
	uint64_t lengths[LENGTHS];
	struct match m = {.reader = reader, .found = found, .arg = arg};
	enum err e = reader_ready(reader);
	if (e)
		return e;
	int rc = lengths_read(reader->txn, reader->index->env.tables.meta, lengths);
	if (rc == 0)
		rc = cursors_open(&m);
	if (rc == 0)
		rc = match_by_type(&m, value, lengths);
	cursors_close(&m);
	return rc == MDB_NOTFOUND ? ERR_DAMAGED : lmdb_err(rc);
}

enum err index_sayers(struct index_reader *reader, const struct observable *value,
		      bool (*found)(void *arg, uint64_t lsn), void *arg)
{
	uint8_t at[VALUE_KEY_BYTES] = {0};
	uint64_t last = 0;
	MDB_cursor *cursor;
	MDB_val key = {sizeof at, at}, row;
	enum err e = reader_ready(reader);
	if (e)
		return e;
	key_of_value(at, reader->index->identity, value);
	int rc = mdb_cursor_open(reader->txn, reader->index->env.tables.value, &cursor);
	if (rc != 0)
		return lmdb_err(rc);
	rc = mdb_cursor_get(cursor, &key, &row, MDB_SET_RANGE);
	while (rc == 0 && key.mv_size == VALUE_KEY_BYTES &&
	       memcmp(key.mv_data, at, HASH_KEY_BYTES) == 0) {
		uint64_t lsn = get_u64((uint8_t *)key.mv_data + HASH_KEY_BYTES);
		if (lsn != last && !found(arg, lsn))
			break;
		last = lsn;
		rc = mdb_cursor_get(cursor, &key, &row, MDB_NEXT);
	}
	mdb_cursor_close(cursor);
	return rc == MDB_NOTFOUND ? ERR_OK : lmdb_err(rc);
}
