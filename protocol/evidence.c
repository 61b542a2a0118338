#include "protocol/evidence.h"

#include <stdlib.h>
#include <string.h>

#define EVIDENCE_SORT "sequence-used-twice"

static void put_hex(struct text *out, const uint8_t *p, size_t n)
{
	char hex[2 * 64 + 1];

	for (size_t at = 0; at < n; at += 64)
		text_str(out, hex_encode(hex, p + at, n - at < 64 ? n - at : 64));
}

void evidence_write(struct text *out, const struct evidence *e, const char *node)
{
	text_str(out, "{\"evidence\":\"" EVIDENCE_SORT "\",\"node\":");
	text_json(out, node);
	text_str(out, ",\"messages\":[");
	for (size_t i = 0; i < 2; i++) {
		text_str(out, i ? ",{\"header\":\"" : "{\"header\":\"");
		put_hex(out, e->parts[i].header, e->parts[i].length);
		text_str(out, "\",\"signature\":\"");
		put_hex(out, e->parts[i].signature, SIGNATURE_BYTES);
		text_str(out, "\"}");
	}
	text_str(out, "]}");
}

bool evidence_likely(const void *text, size_t n)
{
	const char *c = text;

	while (n && (*c == ' ' || *c == '\t' || *c == '\n' || *c == '\r')) {
		c++;
		n--;
	}
	return n && *c == '{';
}

static bool read_part(struct evidence_part *p, const cJSON *json)
{
	const char *header = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(json, "header"));
	const char *signature =
		cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(json, "signature"));

	if (!header || !signature || strlen(header) > 2 * sizeof p->header)
		return false;
	p->length = strlen(header) / 2;
	return hex_decode(p->header, p->length, header) &&
	       hex_decode(p->signature, sizeof p->signature, signature);
}

enum err evidence_read(struct evidence *e, const char *text, size_t n, struct report *report)
{
	const cJSON *messages;
	const char *sort;
	cJSON *root;
	enum err err = json_parse_bounded(&root, text, n, BODY_VALUES_MAX, report);

	if (err)
		return err;
	sort = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(root, "evidence"));
	messages = cJSON_GetObjectItemCaseSensitive(root, "messages");
	if (!sort || strcmp(sort, EVIDENCE_SORT) != 0) {
		report_add(report, "not evidence that this version knows: \"evidence\" is not "
				   "\"" EVIDENCE_SORT "\"");
		err = ERR_UNSUPPORTED;
	} else if (!cJSON_IsArray(messages) || cJSON_GetArraySize(messages) != 2 ||
		   !read_part(&e->parts[0], messages->child) ||
		   !read_part(&e->parts[1], messages->child->next)) {
		report_add(report, "\"messages\" are not two headers with their signatures");
		err = ERR_FORMAT;
	}
	cJSON_Delete(root);
	return err;
}

/* SPEC 5.12: "Each must be well-formed, of this network, of the audience of its recipients, and
 * signed by the key that the topology has for its origin under its number." */
static enum err check_part(const struct evidence_part *p, const struct topology *t,
			   struct header *h, struct message_id *id, struct report *report)
{
	enum err e = header_decode(h, p->header, p->length);
	const struct party *origin;
	const struct sign_key *key;

	if (e) {
		report_add(report, "not the header of a message: %s", err_str(e));
		return e;
	}
	*id = message_id_of(p->header, p->length);
	if (memcmp(h->network.b, t->network.b, NETWORK_ID_BYTES) != 0) {
		report_add(report, "a message of another federation");
		return ERR_NETWORK;
	}
	if (!header_audience_valid(h)) {
		report_add(report, "a message with another audience than its recipients'");
		return ERR_FORMAT;
	}
	origin = topology_party_by_id(t, &h->origin);
	key = origin && origin->kind == PARTY_NODE ? party_sign_key(origin, h->sign_key) : NULL;
	if (!key) {
		report_add(report,
			   origin ? "topology version %u has no such sign key of its origin"
				  : "its origin is not in topology version %u",
			   t->version);
		return ERR_UNKNOWN_PARTY;
	}
	if (!message_signature_valid(id, p->signature, key->key)) {
		report_add(report, "a signature is not that of %s's sign key %u", origin->name,
			   h->sign_key);
		return ERR_SIGNATURE;
	}
	return ERR_OK;
}

enum err evidence_check(const struct evidence *e, const struct topology *t, struct header *h,
			struct message_id ids[2], struct report *report)
{
	struct header *second = malloc(sizeof *second);
	enum err err = second ? check_part(&e->parts[0], t, h, &ids[0], report) : ERR_MEMORY;

	if (!err)
		err = check_part(&e->parts[1], t, second, &ids[1], report);
	if (!err && (!party_id_equal(&h->origin, &second->origin) ||
		     memcmp(h->audience.b, second->audience.b, AUDIENCE_ID_BYTES) != 0 ||
		     h->incarnation != second->incarnation || h->sequence != second->sequence)) {
		report_add(report, "the two messages have different places: neither proves "
				   "anything against the other");
		err = ERR_FORMAT;
	}
	if (!err && message_id_equal(&ids[0], &ids[1])) {
		report_add(report, "the same message twice");
		err = ERR_FORMAT;
	}
	free(second);
	return err;
}
