/* Which objects speak of a value. */
#include <string.h>

#include "node/store/index_parts.h"

enum { LOOKED_AT_ONCE = 16 };

struct match {
	struct index_reader *reader;
	bool (*found)(void *arg, const struct object_at *at, enum match_how how);
	void *arg;
	bool stopped;
};

void match_close(struct index_reader *reader)
{
	packed_close(&reader->values);
	packed_close(&reader->objects);
}

int match_ready(struct index_reader *reader)
{
	const struct index_tables *t = &reader->index->env.tables;
	uint64_t lengths[LENGTHS];
	if (reader->match_renewal == reader->renewals && reader->objects.cursor)
		return 0;
	if (!reader->values.cursor)
		reader->values = values_of(t);
	if (!reader->objects.cursor)
		reader->objects = objects_of(t);
	int rc = lengths_read(reader->txn, t->meta, lengths);
	if (rc == 0)
		rc = packed_open(&reader->values, reader->txn);
	if (rc == 0)
		rc = packed_open(&reader->objects, reader->txn);
	for (size_t i = 0; rc == 0 && i < LENGTHS; i++)
		reader->lengths[i] = lengths[i] > 0;
	reader->match_renewal = rc == 0 ? reader->renewals : 0;
	return rc;
}

/* Offers one object when it is the current version of its lineage and not revoked. */
static int offer(struct match *m, const uint8_t record[VALUE_BYTES], enum match_how how)
{
	uint8_t object[OBJECT_BYTES];
	/* found() may have looked something up, and the snapshot moved beneath us. */
	int rc = match_ready(m->reader);
	if (rc == 0)
		rc = lineage_last(&m->reader->objects, record + VALUE_BYTES - SHORT_HASH_BYTES,
				  object);
	if (rc != 0)
		return rc == MDB_NOTFOUND ? 0 : rc;
	struct object_at at = object_decode(object);
	if (value_is_of(record, object) && !at.revoked)
		m->stopped = !m->found(m->arg, &at, how);
	return 0;
}

/* Everything that is found by this hash. */
static int match_hash(struct match *m, const uint8_t hash[HASH_KEY_BYTES], enum match_how how)
{
	uint8_t from[VALUE_BYTES] = {0}, records[LOOKED_AT_ONCE * VALUE_BYTES];
	size_t n = 0;
	int rc;
	memcpy(from, hash, SHORT_HASH_BYTES);
	do {
		struct packed *values = &m->reader->values;
		rc = match_ready(m->reader);
		if (rc == 0)
			rc = packed_range(values, from, SHORT_HASH_BYTES, records, LOOKED_AT_ONCE,
					  &n);
		for (size_t i = 0; rc == 0 && i < n && !m->stopped; i++) {
			memcpy(from, records + i * VALUE_BYTES, sizeof from);
			rc = offer(m, from, how);
		}
		packed_step(values, from);
	} while (rc == 0 && n == LOOKED_AT_ONCE && !m->stopped);
	return rc;
}

/* Looks at one of the hashes under which a value may stand. */
typedef int look_fn(struct match *m, const uint8_t hash[HASH_KEY_BYTES], enum match_how how);

static int look_up(struct match *m, const uint8_t hash[HASH_KEY_BYTES], enum match_how how)
{
	const struct filter *filter = m->reader->filter;
	return filter && !filter_may(filter, hash) ? 0 : match_hash(m, hash, how);
}

/* Without a filter, whatever is asked for may be there. */
static int look_whether(struct match *m, const uint8_t hash[HASH_KEY_BYTES], enum match_how how)
{
	const struct filter *filter = m->reader->filter;
	(void)how;
	m->stopped = !filter || filter_may(filter, hash);
	return 0;
}

static int look_forward(struct match *m, const uint8_t hash[HASH_KEY_BYTES], enum match_how how)
{
	(void)how;
	filter_expect(m->reader->filter, hash);
	return 0;
}

static int visit_part(struct match *m, look_fn *look, const struct value_part *part,
		      enum match_how how)
{
	uint8_t hash[HASH_KEY_BYTES];
	key_of_part(hash, m->reader->index->identity, part);
	return look(m, hash, how);
}

/* The address or network itself, then each network in use that holds it, the nearest first. */
static int visit_address(struct match *m, look_fn *look, enum observable_type type,
			 const uint8_t *address, unsigned prefix)
{
	bool v4 = type == OBSERVABLE_IPV4;
	const bool *in_use = m->reader->lengths + (v4 ? LENGTHS_IPV4 : LENGTHS_IPV6);
	uint8_t network[16];
	struct value_part part = {type, 0, network, v4 ? 4 : 16};
	int rc = 0;
	memcpy(network, address, part.length);
	for (unsigned bits = prefix + 1u; rc == 0 && !m->stopped && bits-- > 0;) {
		if (bits < prefix)
			network[bits / 8] &= (uint8_t) ~(0x80u >> bits % 8);
		part.prefix = (uint8_t)bits;
		if (in_use[bits])
			rc = visit_part(m, look, &part, bits == prefix ? MATCH_EXACT : MATCH_CIDR);
	}
	return rc;
}

static int visit_domain(struct match *m, look_fn *look, const struct observable *o)
{
	const bool *in_use = m->reader->lengths + LENGTHS_DOMAIN;
	unsigned labels = domain_labels(o->text);
	const char *at = o->text;
	int rc = 0;
	for (; rc == 0 && !m->stopped && labels > 0; labels--) {
		struct value_part part = {o->type, o->prefix, at,
					  o->length - (size_t)(at - o->text)};
		if (labels <= DOMAIN_LABELS_MAX && in_use[labels])
			rc = visit_part(m, look, &part,
					at == o->text ? MATCH_EXACT : MATCH_PARENT_DOMAIN);
		at = strchr(at, '.');
		if (!at)
			break;
		at++;
	}
	return rc;
}

static int visit_text(struct match *m, look_fn *look, const struct observable *o)
{
	struct value_part part = {o->type, o->prefix, o->text, o->length};
	return visit_part(m, look, &part, MATCH_EXACT);
}

/* The endpoint as it stands, then its address. */
static int visit_endpoint(struct match *m, look_fn *look, const struct observable *o)
{
	static const uint8_t zeros[4];
	bool v6 = o->text[0] == '[';
	int rc = visit_text(m, look, o);
	if (rc != 0 || m->stopped)
		return rc;
	/* That of a domain is zero, which no network holds that anybody means. */
	if (!v6 && memcmp(o->address, zeros, sizeof zeros) == 0)
		return 0;
	return visit_address(m, look, v6 ? OBSERVABLE_IPV6 : OBSERVABLE_IPV4, o->address,
			     v6 ? 128 : 32);
}

static int visit(struct match *m, look_fn *look, const struct observable *o)
{
	switch (o->type) {
	case OBSERVABLE_IPV4:
	case OBSERVABLE_IPV6:
		return visit_address(m, look, o->type, o->address, o->prefix);
	case OBSERVABLE_ENDPOINT:
		return visit_endpoint(m, look, o);
	case OBSERVABLE_DOMAIN:
		return visit_domain(m, look, o);
	case OBSERVABLE_URL:
	case OBSERVABLE_PATH:
	case OBSERVABLE_EMAIL:
	case OBSERVABLE_MD5:
	case OBSERVABLE_SHA1:
	case OBSERVABLE_SHA256:
	case OBSERVABLE_SHA512:
	case OBSERVABLE_FILE_NAME:
		return visit_text(m, look, o);
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
	struct match m = {.reader = reader, .found = found, .arg = arg};
	enum err e = reader_ready(reader);
	if (e)
		return e;
	int rc = match_ready(reader);
	if (rc == 0)
		rc = visit(&m, look_up, value);
	return rc == MDB_NOTFOUND ? ERR_DAMAGED : lmdb_err(rc);
}

bool index_may_match(struct index_reader *reader, const struct observable *value)
{
	struct match m = {.reader = reader};
	/* Whatever is wrong, index_match() says. */
	if (reader_ready(reader) || match_ready(reader) != 0)
		return true;
	visit(&m, look_whether, value);
	return m.stopped;
}

void index_expect(struct index_reader *reader, const struct observable *value)
{
	struct match m = {.reader = reader};
	if (reader->filter && reader_ready(reader) == ERR_OK && match_ready(reader) == 0)
		visit(&m, look_forward, value);
}

enum err index_sayers(struct index_reader *reader, const struct observable *value,
		      bool (*found)(void *arg, uint64_t lsn), void *arg)
{
	uint8_t from[VALUE_BYTES] = {0}, records[LOOKED_AT_ONCE * VALUE_BYTES];
	uint8_t hash[HASH_KEY_BYTES];
	uint64_t last = 0;
	size_t n = LOOKED_AT_ONCE;
	enum err e = reader_ready(reader);
	if (e)
		return e;
	key_of_value(hash, reader->index->identity, value);
	memcpy(from, hash, SHORT_HASH_BYTES);
	while (n == LOOKED_AT_ONCE) {
		int rc = match_ready(reader);
		if (rc == 0)
			rc = packed_range(&reader->values, from, SHORT_HASH_BYTES, records,
					  LOOKED_AT_ONCE, &n);
		if (rc != 0)
			return rc == MDB_NOTFOUND ? ERR_DAMAGED : lmdb_err(rc);
		for (size_t i = 0; i < n; i++) {
			uint64_t lsn = value_lsn(records + i * VALUE_BYTES);
			if (lsn != last && !found(arg, lsn))
				return ERR_OK;
			last = lsn;
		}
		if (n)
			memcpy(from, records + (n - 1) * VALUE_BYTES, sizeof from);
		packed_step(&reader->values, from);
	}
	return ERR_OK;
}
