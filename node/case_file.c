#include "node/case_file.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "keys/disclose.h"
#include "protocol/body.h"
#include "protocol/bytes.h"
#include "protocol/council.h"

static const char magic[] = "KBC1";
enum {
	MAGIC_BYTES = 4,
	TRAILER_BYTES = PARTY_ID_BYTES + 2 + SIGNATURE_BYTES,
	VERSIONS_MAX = 10000,
};

/* ---- writing ---- */

static void put_number(struct text *t, uint32_t n)
{
	uint8_t bytes[4];

	put_u32(bytes, n);
	text_add(t, (const char *)bytes, sizeof bytes);
}

static void put_bytes(struct text *t, const void *p, size_t n)
{
	text_add(t, p, n);
}

static enum err put_versions(struct text *out, struct log_reader *log, uint32_t first,
			     uint32_t last, struct report *report)
{
	put_number(out, last - first + 1);
	for (uint32_t v = first; v <= last; v++) {
		const uint8_t *file;
		size_t n;
		enum err e = log_get_topology(log, v, 0, &file, &n);
		if (e == ERR_NOT_FOUND)
			report_add(report, "topology version %lu is not held here",
				   (unsigned long)v);
		if (e)
			return e;
		put_number(out, (uint32_t)n);
		put_bytes(out, file, n);
	}
	return ERR_OK;
}

/* One message: what opens it, then its bytes. */
static enum err put_message(struct text *out, struct node *node, struct log_reader *log,
			    const struct log_row *row)
{
	uint8_t key[DISCLOSED_KEY_BYTES] = {0}, *body;
	struct header h;
	size_t n;
	enum err e = header_decode(&h, row->data, row->length - SIGNATURE_BYTES);

	if (!e)
		e = log_read_body(log, row, &body, &n);
	if (e)
		return e;
	if (h.flags & FLAG_SEALED && disclose_key(node_identity(node), &h, key) != OPENING_DONE)
		e = ERR_NOT_FOUND;
	if (!e) {
		put_bytes(out, key, sizeof key);
		put_number(out, (uint32_t)(row->length + n));
		put_bytes(out, row->data, row->length);
		put_bytes(out, body, n);
	}
	sodium_memzero(key, sizeof key);
	free(body);
	return e;
}

static enum err put_messages(struct text *out, struct node *node, struct log_reader *log,
			     const struct incident_case *c)
{
	struct index_reader *index = NULL;
	enum err e = index_reader_open(&index, node_index(node));

	put_bytes(out, c->root.b, MESSAGE_ID_BYTES);
	put_number(out, (uint32_t)c->count);
	for (size_t i = 0; i < c->count && !e; i++) {
		struct log_row row;
		uint64_t lsn;
		e = index_find(index, &c->events[i].id, &lsn);
		if (!e)
			e = log_read(log, lsn, &row);
		if (!e)
			e = put_message(out, node, log, &row);
		if (!e && out->length > CASE_FILE_MAX_BYTES - TRAILER_BYTES)
			e = ERR_LIMIT;
	}
	if (index)
		index_reader_close(index);
	return e;
}

static void put_trailer(struct text *out, struct node *node, const struct topology *t)
{
	const struct identity_public *public = identity_public(node_identity(node));
	struct party_id self = party_id_of(&t->network, public->name);
	uint8_t number[2], signature[SIGNATURE_BYTES];
	struct message_id id;
	struct hash h;

	number[0] = (uint8_t)(public->sign_number >> 8);
	number[1] = (uint8_t) public->sign_number;
	put_bytes(out, self.b, PARTY_ID_BYTES);
	put_bytes(out, number, sizeof number);
	if (out->bad)
		return;
	/* A message's id is the hash of what begins with another magic. */
	h = hash_of(out->at, out->length);
	memcpy(id.b, h.b, sizeof id.b);
	identity_sign(node_identity(node), &id, signature);
	put_bytes(out, signature, sizeof signature);
}

enum err case_file_write(struct text *out, struct node *node, struct log_reader *log,
			 const struct incident_case *c, struct report *report)
{
	const struct topology *newest = versions_newest(node_versions(node));
	uint32_t first = newest ? newest->version : 0;
	enum err e;

	if (!newest || c->count == 0)
		return ERR_NOT_FOUND;
	for (size_t i = 0; i < c->count; i++)
		if (c->events[i].topology < first)
			first = c->events[i].topology;
	put_bytes(out, magic, MAGIC_BYTES);
	e = put_versions(out, log, first, newest->version, report);
	if (!e)
		e = put_messages(out, node, log, c);
	if (!e)
		put_trailer(out, node, newest);
	return !e && out->bad ? ERR_MEMORY : e;
}

/* ---- reading ---- */

bool is_case_file(const void *bytes, size_t n)
{
	return n >= MAGIC_BYTES && memcmp(bytes, magic, MAGIC_BYTES) == 0;
}

static enum err version_read(struct case_file *f, struct reader *r, struct report *report)
{
	const struct topology *now = chain_newest(&f->chain);
	uint32_t n = read_u32(r);
	const char *file = (const char *)read_ref(r, n);
	struct topology *t;
	struct hash h;
	enum err e;

	if (!file || n > TOPOLOGY_MAX_BYTES)
		return ERR_TRUNCATED;
	if (now) {
		e = council_follow(&t, now, file, n, report);
	} else {
		h = hash_of(file, council_text_length(file, n));
		e = council_open(&t, file, n, &h, report);
	}
	return e ? e : chain_add(&f->chain, t);
}

static enum err signed_by(const struct chain *chain, const struct header *h,
			  const struct message_view *m, const struct message_id *id,
			  struct report *report)
{
	const struct topology *t = chain_version(chain, h->topology);
	const struct party *p = t ? topology_party_by_id(t, &h->origin) : NULL;
	const struct sign_key *key = p ? party_sign_key(p, h->sign_key) : NULL;
	char hex[2 * MESSAGE_ID_BYTES + 1];

	hex_encode(hex, id->b, MESSAGE_ID_BYTES);
	if (!key) {
		report_add(report, "message %.12s: its author is not in the topology it names",
			   hex);
		return ERR_UNKNOWN_PARTY;
	}
	if (memcmp(&h->network, &t->network, sizeof t->network) != 0 ||
	    !message_signature_valid(id, m->signature, key->key)) {
		report_add(report, "message %.12s: it is not signed by %s", hex, p->name);
		return ERR_SIGNATURE;
	}
	if (!message_body_matches(h, m->body, m->body_length)) {
		report_add(report, "message %.12s: its body is another", hex);
		return ERR_HASH;
	}
	return ERR_OK;
}

/* The JSON of the post; the caller frees it. */
static enum err body_open(char **json, size_t *length, const struct header *h,
			  const struct message_view *m, const uint8_t *key)
{
	uint8_t *data;
	size_t n;
	enum err e = ERR_FORMAT;

	if (!(h->flags & FLAG_SEALED))
		return body_unpack(json, length, m->body, m->body_length);
	data = malloc(m->body_length + 1);
	if (!data)
		return ERR_MEMORY;
	if (disclosed_open(h, key, m->body, m->body_length, data, &n))
		e = body_unpack(json, length, data, n);
	free(data);
	return e;
}

static enum err event_read(struct case_file *f, const struct header *h, const struct message_id *id,
			   const struct message_view *m, const uint8_t *key, struct report *report)
{
	struct incident_event *event = &f->c.events[f->c.count];
	struct post post;
	char *json;
	size_t n;
	enum err e = body_open(&json, &n, h, m, key);

	if (e) {
		report_add(report, "a message does not open with the key beside it");
		return e;
	}
	e = post_read(&post, json, n, report);
	if (!e) {
		e = incident_event_read(event, h, id, &post, report);
		if (!e) {
			f->c.count++;
			if ((enum tlp)h->tlp > f->c.tlp)
				f->c.tlp = (enum tlp)h->tlp;
		}
		post_clear(&post);
	}
	free(json);
	if (!e && !message_id_equal(&event->root, &f->c.root)) {
		report_add(report, "a message belongs to another incident");
		e = ERR_FORMAT;
	}
	return e;
}

static enum err message_read(struct case_file *f, struct reader *r, struct report *report)
{
	const uint8_t *key = read_ref(r, DISCLOSED_KEY_BYTES), *bytes;
	uint32_t n = read_u32(r);
	struct message_view m;
	struct message_id id;
	struct header h;
	enum err e;

	bytes = read_ref(r, n);
	if (!key || !bytes)
		return ERR_TRUNCATED;
	e = message_split(&m, bytes, n);
	if (!e)
		e = header_decode(&h, m.header, m.header_length);
	if (e)
		return e;
	id = message_id_of(m.header, m.header_length);
	e = signed_by(&f->chain, &h, &m, &id, report);
	return e ? e : event_read(f, &h, &id, &m, key, report);
}

static enum err messages_read(struct case_file *f, struct reader *r, struct report *report)
{
	uint32_t count;
	enum err e = ERR_OK;

	read_bytes(r, f->c.root.b, MESSAGE_ID_BYTES);
	count = read_u32(r);
	/* Each is longer than a header without recipients. */
	if (r->bad || count == 0 || count > r->left / HEADER_FIXED_BYTES)
		return ERR_FORMAT;
	f->c.events = calloc(count, sizeof *f->c.events);
	if (!f->c.events)
		return ERR_MEMORY;
	for (uint32_t i = 0; i < count && !e; i++)
		e = message_read(f, r, report);
	return e;
}

static enum err trailer_read(struct case_file *f, struct reader *r, const uint8_t *bytes, size_t n,
			     struct report *report)
{
	const struct topology *t = chain_newest(&f->chain);
	struct hash h = hash_of(bytes, n - SIGNATURE_BYTES);
	uint8_t signature[SIGNATURE_BYTES];
	const struct sign_key *key;
	struct message_id id;
	struct party_id by;

	read_bytes(r, by.b, sizeof by.b);
	f->by = topology_party_by_id(t, &by);
	key = f->by ? party_sign_key(f->by, read_u16(r)) : NULL;
	read_bytes(r, signature, sizeof signature);
	memcpy(id.b, h.b, sizeof id.b);
	if (key && reader_done(r) && message_signature_valid(&id, signature, key->key))
		return ERR_OK;
	report_add(report, "the file is not signed by a node of the federation, or was changed");
	return ERR_SIGNATURE;
}

enum err case_file_read(struct case_file *f, const uint8_t *bytes, size_t n, struct report *report)
{
	const size_t said = report ? report->total : 0;
	struct reader r;
	uint32_t versions;
	enum err e = ERR_OK;

	*f = (struct case_file){0};
	chain_init(&f->chain);
	if (!is_case_file(bytes, n) || n < MAGIC_BYTES + TRAILER_BYTES) {
		report_add(report, "it is no whole file of an incident");
		return ERR_FORMAT;
	}
	reader_init(&r, bytes + MAGIC_BYTES, n - MAGIC_BYTES);
	versions = read_u32(&r);
	if (versions == 0 || versions > VERSIONS_MAX)
		e = ERR_FORMAT;
	for (uint32_t i = 0; i < versions && !e; i++)
		e = version_read(f, &r, report);
	if (!e)
		e = messages_read(f, &r, report);
	if (!e)
		e = trailer_read(f, &r, bytes, n, report);
	if (!e)
		e = incident_fold(&f->c.state, f->c.events, f->c.count, &f->chain);
	if (e && report && report->total == said)
		report_add(report, "it is damaged: %s", err_str(e));
	if (e)
		case_file_clear(f);
	return e;
}

void case_file_clear(struct case_file *f)
{
	case_clear(&f->c);
	chain_clear(&f->chain);
	*f = (struct case_file){0};
}
