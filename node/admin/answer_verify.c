/* verify: a message in a file, against the topologies that this node holds. */
#include <string.h>

#include "node/admin/answer.h"
#include "protocol/council.h"

/* The version that a message names, from the log: the chain belongs to the loop's thread. */
static enum err topology_of(struct answer *a, struct topology **t, uint32_t version)
{
	const uint8_t *file;
	size_t n;
	enum err e = log_get_topology(a->log, version, 0, &file, &n);

	if (e == ERR_NOT_FOUND) {
		report_add(&a->report, "names topology version %lu, which this node does not hold",
			   (unsigned long)version);
		return ERR_UNJUDGEABLE;
	}
	if (e)
		return e;
	return topology_parse(t, (const char *)file, council_text_length((const char *)file, n),
			      &a->report);
}

static enum err verify_signature(struct answer *a, const struct message_view *m,
				 const struct header *h, const struct topology *t)
{
	struct message_id id = message_id_of(m->header, m->header_length);
	const struct party *p = topology_party_by_id(t, &h->origin);
	const struct sign_key *key = p ? party_sign_key(p, h->sign_key) : NULL;

	if (memcmp(&h->network, &t->network, sizeof t->network) != 0) {
		report_add(&a->report, "belongs to another federation");
		return ERR_NETWORK;
	}
	if (!key) {
		report_add(&a->report,
			   p ? "version %lu has no such sign key of its origin"
			     : "its origin is not in topology version %lu",
			   (unsigned long)h->topology);
		return ERR_UNKNOWN_PARTY;
	}
	if (!message_signature_valid(&id, m->signature, key->key)) {
		report_add(&a->report, "the signature is not that of %s's sign key %u", p->name,
			   h->sign_key);
		return ERR_SIGNATURE;
	}
	if (m->body && !message_body_matches(h, m->body, m->body_length)) {
		report_add(&a->report, "the body is not the one that was signed");
		return ERR_HASH;
	}
	return ERR_OK;
}

static void verified_show(struct answer *a, const struct message_view *m, const struct header *h)
{
	struct message_id id = message_id_of(m->header, m->header_length);
	struct text *t = &a->reply;
	uint64_t lsn;

	admin_put_name(t, "message");
	text_str(t, "{");
	admin_put_hex(t, "id", id.b, MESSAGE_ID_BYTES);
	header_show(t, a, h);
	admin_put_bool(t, "has_body", m->body != NULL);
	admin_put_string(t, "violation", header_violation(h));
	admin_put_bool(t, "stored", index_find(a->index, &id, &lsn) == ERR_OK);
	text_str(t, "}");
}

enum err answer_authentic(struct answer *a, struct message_view *m, struct header *h)
{
	struct topology *t = NULL;
	enum err e;

	a->where = "message";
	if (!admin_request_done(&a->request) || a->frame_count != 1) {
		report_add(&a->report, "exactly one frame is wanted, the message");
		return ERR_FORMAT;
	}
	e = judge_split(m, (const uint8_t *)a->frames[0].at, a->frames[0].length);
	if (!e)
		e = header_decode(h, m->header, m->header_length);
	if (e) {
		report_add(&a->report, "not a message: %s", err_str(e));
		return e;
	}
	e = log_reader_renew(a->log);
	if (!e)
		e = index_reader_renew(a->index);
	if (!e)
		e = topology_of(a, &t, h->topology);
	if (!e)
		e = verify_signature(a, m, h, t);
	topology_free(t);
	return e;
}

enum err answer_verify(struct answer *a)
{
	struct message_view m;
	struct header h;
	enum err e = answer_authentic(a, &m, &h);

	if (!e)
		verified_show(a, &m, &h);
	return e;
}
