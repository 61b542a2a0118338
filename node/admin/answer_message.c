/* What of a message show, held and verify tell alike. */
#include <stdio.h>
#include <string.h>

#include "node/admin/answer.h"

enum { HOUR_MS = 3600000, PREFIX_MIN = 4 };

static const char *const kinds[] = {NULL,      "post",   "recall", "receipt",
				    "forward", "beacon", "card",   "role-key"};

bool row_header(const struct log_row *row, struct header *h)
{
	size_t n = header_peek_length(row->data, row->length);

	return n <= row->length && header_decode(h, row->data, n) == ERR_OK;
}

const char *verdict_str(enum verdict verdict)
{
	switch (verdict) {
	case VERDICT_ACCEPTED:
		return "accepted";
	case VERDICT_HELD:
		return "held";
	case VERDICT_HEADER_ONLY:
		return "header-only";
	case VERDICT_SUSPENDED:
		return "suspended";
	}
	return NULL;
}

const char *message_held_why(struct answer *a, const struct log_row *row, const struct header *h,
			     char *out, size_t size)
{
	const struct topology *t = versions_newest(node_versions(a->node));
	const struct party *p = t ? topology_party_by_id(t, &h->origin) : NULL;
	const struct sign_key *key = p ? party_sign_key(p, h->sign_key) : NULL;
	const char *violation;

	struct remark remark;

	if (row->is_void)
		return "the council has made it void";
	switch (row->verdict) {
	case VERDICT_ACCEPTED:
		/* SPEC 4.11: "It is set aside, with an alarm" */
		if (h->kind != KIND_CARD ||
		    !directory_remark(node_directory(a->node), row->lsn, &remark) || !remark.aside)
			return index_held(a->index, row->lsn, out, size);
		snprintf(out, size, "a card that %s", remark.why);
		return out;
	case VERDICT_HEADER_ONLY:
		violation = header_violation(h);
		return violation ? violation : "its header breaks the rules";
	case VERDICT_SUSPENDED:
		if (answer_recalled(a, &row->id, h))
			return NULL;
		return "its origin is suspended";
	case VERDICT_HELD:
		/* SPEC 6.2: "makes no rows in `object`, `value`, `receipt` and `held`, whatever its
		 * verdict"
		 */
		if (answer_recalled(a, &row->id, h))
			return NULL;
		if (h->kind > KIND_ROLE_KEY)
			return "of a kind that this version does not know";
		if (p && p->left)
			return "its origin has left the federation";
		if (key && key->revoked)
			return "its origin's sign key is revoked";
		return "its origin or key was not in force when it came";
	}
	return NULL;
}

void header_show(struct text *t, const struct answer *a, const struct header *h)
{
	static const char *const flags[] = {"sealed", "direct", "no-forward"};
	const struct audience_id all = audience_all();
	char name[PARTY_TEXT_BYTES];

	if (h->kind < sizeof kinds / sizeof *kinds)
		admin_put_string(t, "kind", kinds[h->kind]);
	else
		admin_put_number(t, "kind", h->kind);
	admin_put_string(t, "tlp", tlp_str((enum tlp)h->tlp));
	admin_put_name(t, "flags");
	text_str(t, "[");
	for (unsigned i = 0; i < 3; i++)
		if (h->flags >> i & 1)
			admin_put_string(t, NULL, flags[i]);
	text_str(t, "]");
	admin_put_number(t, "priority", h->priority);
	admin_put_number(t, "topology", h->topology);
	admin_put_hex(t, "network", h->network.b, NETWORK_ID_BYTES);
	admin_put_string(t, "node", answer_party(a, name, &h->origin));
	admin_put_hex(t, "origin", h->origin.b, PARTY_ID_BYTES);
	if (memcmp(&h->audience, &all, sizeof all) == 0)
		admin_put_string(t, "audience", "all");
	else
		admin_put_hex(t, "audience", h->audience.b, AUDIENCE_ID_BYTES);
	admin_put_name(t, "incarnation"); /* 64 bits are no JSON number */
	text_format(t, "\"%016llx\"", (unsigned long long)h->incarnation);
	admin_put_number(t, "sequence", h->sequence);
	admin_put_time(t, "created", h->created);
	admin_put_time(t, "expires", (uint64_t)h->expiry * HOUR_MS);
	admin_put_number(t, "body_length", h->body_length);
	admin_put_hex(t, "body_hash", h->body_hash.b, HASH_BYTES);
	if (bytes_zero(h->ref.b, MESSAGE_ID_BYTES))
		admin_put_string(t, "ref", NULL);
	else
		admin_put_hex(t, "ref", h->ref.b, MESSAGE_ID_BYTES);
	admin_put_number(t, "sign_key", h->sign_key);
	admin_put_number(t, "recipients", h->recipient_count);
	admin_put_name(t, "to");
	text_str(t, "[");
	for (size_t i = 0; i < h->recipient_count; i++)
		if (i == 0 || !party_id_equal(&h->recipients[i].party, &h->recipients[i - 1].party))
			admin_put_string(t, NULL, answer_party(a, name, &h->recipients[i].party));
	if (h->recipient_count == 0)
		admin_put_string(t, NULL, "all");
	text_str(t, "]");
}

bool answer_is_id(const char *s)
{
	size_t n = strspn(s, "0123456789abcdefABCDEF");

	return n >= PREFIX_MIN && n <= 2 * MESSAGE_ID_BYTES && !s[n];
}

enum err answer_find_id(struct answer *a, const char *id, uint64_t *lsn)
{
	struct message_id found;
	unsigned count = 0;
	enum err e = ERR_FORMAT;

	if (!id || !answer_is_id(id)) {
		report_add(&a->report, "the id of a message is wanted: 4 to 64 hexadecimal digits");
		return e;
	}
	e = index_find_prefix(a->index, id, lsn, &found, &count);
	/* What came only in a forward is known by its own id, too. */
	if (!e && count == 0)
		e = index_forward_prefix(a->index, id, lsn, &found, &count);
	if (e && e != ERR_NOT_FOUND)
		return e;
	if (count == 1)
		return ERR_OK;
	if (count > 1) {
		report_add(&a->report, "several messages have an id that starts with %s", id);
		a->advice = "give more digits";
		return ERR_LIMIT;
	}
	report_add(&a->report, "no message with the id %s is here", id);
	return ERR_NOT_FOUND;
}
