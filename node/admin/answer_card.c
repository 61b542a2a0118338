/* card: what a node says of itself, and what this node says. */
#include <stdlib.h>
#include <string.h>

#include "node/admin/answer.h"
#include "node/duty/node_card.h"
#include "protocol/topology_value.h"

enum { HOUR_MS = 3600000, TEXTS_MAX = BOUNDS_MAX };

static void texts_show(struct text *t, const char *name, char *const *texts, size_t n)
{
	admin_put_name(t, name);
	text_str(t, "[");
	for (size_t i = 0; i < n; i++)
		admin_put_string(t, NULL, texts[i]);
	text_str(t, "]");
}

static void key_show(struct text *t, unsigned number, const uint8_t key[SEAL_KEY_BYTES])
{
	admin_put_name(t, NULL);
	text_str(t, "{");
	admin_put_number(t, "number", number);
	admin_put_hex(t, "key", key, SEAL_KEY_BYTES);
	text_str(t, "}");
}

static void contacts_show(struct text *t, const struct card *c)
{
	admin_put_name(t, "contacts");
	text_str(t, "[");
	for (size_t i = 0; c && i < c->contact_count; i++) {
		admin_put_name(t, NULL);
		text_str(t, "{");
		admin_put_string(t, "name", c->contacts[i].name);
		admin_put_string(t, "email", c->contacts[i].email);
		admin_put_string(t, "phone", c->contacts[i].phone);
		admin_put_string(t, "hours", c->contacts[i].hours);
		text_str(t, "}");
	}
	text_str(t, "]");
}

static void constituency_show(struct text *t, const struct card *c)
{
	static const struct card_constituency none;
	const struct card_constituency *of = c ? &c->constituency : &none;

	texts_show(t, "networks", of->networks, of->network_count);
	texts_show(t, "domains", of->domains, of->domain_count);
	admin_put_name(t, "as_numbers");
	text_str(t, "[");
	for (size_t i = 0; i < of->as_number_count; i++)
		admin_put_number(t, NULL, of->as_numbers[i]);
	text_str(t, "]");
}

/* What neighbours go by: of the card and the topology. */
static void ways_show(struct answer *a, const struct party *p, const struct directory_card *at)
{
	struct text *t = &a->reply;
	struct directory_card *scratch = malloc(sizeof *scratch);
	struct seal_book book = directory_book(node_directory(a->node));
	const struct seal_key *seal = seal_book_in_use(&book, p);
	struct link_peer ways;

	if (!scratch)
		return;
	directory_ways(node_directory(a->node), p, scratch, &ways);
	texts_show(t, "endpoints", (char *const *)ways.endpoints, ways.endpoint_count);
	admin_put_hex(t, "link", ways.keys[ways.key_count - 1], LINK_KEY_BYTES);
	if (ways.key_count > 1)
		admin_put_hex(t, "link_next", ways.keys[0], LINK_KEY_BYTES);
	else
		admin_put_string(t, "link_next", NULL);
	if (seal)
		admin_put_number(t, "seal_in_use", seal->number);
	else
		admin_put_string(t, "seal_in_use", NULL);
	admin_put_name(t, "seal");
	text_str(t, "[");
	for (size_t i = 0; at && i < at->seal_count; i++)
		key_show(t, at->seals[i].number, at->seals[i].key);
	for (size_t i = 0; !at && i < p->seal_key_count; i++)
		key_show(t, p->seal_keys[i].number, p->seal_keys[i].key);
	text_str(t, "]");
	free(scratch);
}

static enum err card_show(struct answer *a, const struct party *p, const struct directory_card *at)
{
	struct text *t = &a->reply;
	struct card *c = NULL;
	enum err e = at ? directory_read(node_directory(a->node), at, &c) : ERR_OK;

	if (e)
		return e;
	admin_put_string(t, "node", p->name);
	admin_put_string(t, "title", p->title);
	admin_put_string(t, "source", at ? "card" : "topology");
	if (at) {
		admin_put_number(t, "number", at->number);
		admin_put_hex(t, "message", at->id.b, MESSAGE_ID_BYTES);
		admin_put_number(t, "sign_key", at->sign_key);
		admin_put_time(t, "expires", (uint64_t)at->expiry * HOUR_MS);
	}
	ways_show(a, p, at);
	contacts_show(t, c);
	constituency_show(t, c);
	card_free(c);
	return ERR_OK;
}

/* SPEC 9.4: "With `raw` a binary frame follows the reply: header, signature and body as carried."
 */
static enum err raw_show(struct answer *a, const struct directory_card *at)
{
	struct log_row row = {0};
	uint8_t *body = NULL;
	size_t n = 0;
	enum err e = log_reader_renew(a->log);

	if (!e)
		e = log_read(a->log, at->lsn, &row);
	if (!e)
		e = log_read_body(a->log, &row, &body, &n);
	if (!e && (a->frame = malloc(row.length + n)) == NULL)
		e = ERR_MEMORY;
	if (!e) {
		memcpy(a->frame, row.data, row.length);
		memcpy(a->frame + row.length, body, n);
		a->frame_length = row.length + n;
		admin_put_hex(&a->reply, "message", at->id.b, MESSAGE_ID_BYTES);
	}
	free(body);
	return e;
}

enum err answer_card(struct answer *a)
{
	const char *name = admin_string(&a->request, "node");
	bool raw = admin_flag(&a->request, "raw"), has;
	const struct party *p;
	struct directory_card at;
	enum err e;

	if (!admin_request_done(&a->request) || !answer_no_frames(a))
		return ERR_FORMAT;
	p = answer_node_named(a, name ? name : node_config(a->node)->node);
	if (!p)
		return ERR_UNKNOWN_PARTY;
	e = answer_catch_up(a);
	if (!e)
		e = directory_follow(node_directory(a->node),
				     versions_newest(node_versions(a->node)));
	if (e)
		return e;
	has = directory_card(node_directory(a->node), &p->id, &at);
	if (raw && !has) {
		report_add(&a->report,
			   "no card of %s is here: what is known of it is the topology's", p->name);
		return ERR_NOT_FOUND;
	}
	return raw ? raw_show(a, &at) : card_show(a, p, has ? &at : NULL);
}

/* ---- card-set ---- */

/* What is to be changed; a count of -1: not. */
struct setting {
	const char *texts[4][TEXTS_MAX];
	bool endpoints_wanted, constituency_wanted;
	size_t endpoints, networks, domains, as_numbers;
	struct card_contact contact; /* borrowed; name NULL: none */
	const char *remove;          /* name of a contact, or NULL */
};

enum { ENDPOINTS, NETWORKS, DOMAINS, AS_NUMBERS };

static char *copy(const char *text)
{
	return text ? strdup(text) : NULL;
}

static enum err set_endpoints(struct card *c, const struct setting *s, struct report *report)
{
	for (size_t i = 0; i < c->endpoint_count; i++)
		free(c->endpoints[i]);
	c->endpoint_count = 0;
	if (s->endpoints > CARD_ENDPOINTS_MAX) {
		report_add(report, "at most %d endpoints are allowed", CARD_ENDPOINTS_MAX);
		return ERR_LIMIT;
	}
	for (size_t i = 0; i < s->endpoints; i++) {
		c->endpoints[i] = strdup(s->texts[ENDPOINTS][i]);
		if (!c->endpoints[i])
			return ERR_MEMORY;
		c->endpoint_count++;
	}
	return ERR_OK;
}

static void contact_drop(struct card *c, const char *name)
{
	for (size_t i = 0; i < c->contact_count; i++) {
		struct card_contact *at = &c->contacts[i];
		if (strcmp(at->name, name) != 0)
			continue;
		free(at->name);
		free(at->email);
		free(at->phone);
		free(at->hours);
		c->contact_count--;
		memmove(at, at + 1, (c->contact_count - i) * sizeof *at);
		return;
	}
}

static enum err set_contact(struct card *c, const struct card_contact *from, struct report *report)
{
	struct card_contact *to;

	contact_drop(c, from->name);
	if (c->contact_count == CARD_CONTACTS_MAX) {
		report_add(report, "at most %d contacts are allowed", CARD_CONTACTS_MAX);
		return ERR_LIMIT;
	}
	to = &c->contacts[c->contact_count];
	*to = (struct card_contact){copy(from->name), copy(from->email), copy(from->phone),
				    copy(from->hours)};
	c->contact_count++;
	return to->name && !to->email == !from->email && !to->phone == !from->phone &&
			       !to->hours == !from->hours
		       ? ERR_OK
		       : ERR_MEMORY;
}

static enum err set_texts(char ***texts, size_t *count, const char *const *from, size_t n)
{
	for (size_t i = 0; i < *count; i++)
		free((*texts)[i]);
	free(*texts);
	*count = 0;
	*texts = calloc(n + 1, sizeof **texts);
	for (size_t i = 0; *texts && i < n; i++) {
		(*texts)[i] = strdup(from[i]);
		if (!(*texts)[i])
			return ERR_MEMORY;
		++*count;
	}
	return *texts ? ERR_OK : ERR_MEMORY;
}

static enum err set_constituency(struct card_constituency *c, const struct setting *s,
				 struct report *report)
{
	enum err e = set_texts(&c->networks, &c->network_count, s->texts[NETWORKS], s->networks);

	if (!e)
		e = set_texts(&c->domains, &c->domain_count, s->texts[DOMAINS], s->domains);
	free(c->as_numbers);
	c->as_number_count = 0;
	c->as_numbers = calloc(s->as_numbers + 1, sizeof *c->as_numbers);
	if (!c->as_numbers)
		e = ERR_MEMORY;
	for (size_t i = 0; !e && i < s->as_numbers; i++) {
		uint64_t number = 0;
		const char *why = value_number(&number, s->texts[AS_NUMBERS][i], 1, UINT32_MAX);
		if (why) {
			report_add(report, "AS number \"%s\": %s", s->texts[AS_NUMBERS][i], why);
			return ERR_FORMAT;
		}
		c->as_numbers[c->as_number_count++] = (uint32_t)number;
	}
	return e;
}

static enum err change(struct card *c, void *arg, struct report *report)
{
	const struct setting *s = arg;
	enum err e = ERR_OK;

	if (s->endpoints_wanted)
		e = set_endpoints(c, s, report);
	if (!e && s->constituency_wanted)
		e = set_constituency(&c->constituency, s, report);
	if (s->remove)
		contact_drop(c, s->remove);
	if (!e && s->contact.name)
		e = set_contact(c, &s->contact, report);
	return e;
}

static void setting_read(struct setting *s, struct admin_request *r)
{
	s->endpoints_wanted = cJSON_HasObjectItem(r->json, "endpoints");
	s->constituency_wanted = cJSON_HasObjectItem(r->json, "networks") ||
				 cJSON_HasObjectItem(r->json, "domains") ||
				 cJSON_HasObjectItem(r->json, "as_numbers");
	s->endpoints = admin_strings(r, "endpoints", s->texts[ENDPOINTS], TEXTS_MAX);
	s->networks = admin_strings(r, "networks", s->texts[NETWORKS], TEXTS_MAX);
	s->domains = admin_strings(r, "domains", s->texts[DOMAINS], TEXTS_MAX);
	s->as_numbers = admin_strings(r, "as_numbers", s->texts[AS_NUMBERS], TEXTS_MAX);
	s->remove = admin_string(r, "remove_contact");
	s->contact = (struct card_contact){(char *)(uintptr_t)admin_string(r, "contact"),
					   (char *)(uintptr_t)admin_string(r, "email"),
					   (char *)(uintptr_t)admin_string(r, "phone"),
					   (char *)(uintptr_t)admin_string(r, "hours")};
}

static void published_show(struct answer *a, const struct directory_card *at)
{
	admin_put_number(&a->reply, "number", at->number);
	admin_put_hex(&a->reply, "message", at->id.b, MESSAGE_ID_BYTES);
	text_str(&a->summary, "{");
	admin_put_number(&a->summary, "number", at->number);
	admin_put_hex(&a->summary, "message", at->id.b, MESSAGE_ID_BYTES);
	text_str(&a->summary, "}");
}

enum err answer_card_set(struct answer *a)
{
	struct setting *s = calloc(1, sizeof *s);
	struct directory_card at;
	enum err e = s ? ERR_OK : ERR_MEMORY;

	if (!e) {
		setting_read(s, &a->request);
		if (!admin_request_done(&a->request) || !answer_no_frames(a))
			e = ERR_FORMAT;
	}
	if (!e && !s->endpoints_wanted && !s->constituency_wanted && !s->remove &&
	    !s->contact.name) {
		report_add(&a->report, "nothing of the card is to be changed");
		e = ERR_FORMAT;
	}
	if (!e)
		e = card_publish(a->node, change, s, &at, &a->report);
	if (!e)
		published_show(a, &at);
	free(s);
	return e;
}

/* ---- card-accept ---- */

static enum err acceptable(struct answer *a, const struct header *h)
{
	const struct topology *t = versions_newest(node_versions(a->node));
	const struct party *p = t ? topology_party_by_id(t, &h->origin) : NULL;
	const struct sign_key *key = p ? party_sign_key(p, h->sign_key) : NULL;
	struct node_status *status = malloc(sizeof *status);
	uint32_t floor;

	if (!status)
		return ERR_MEMORY;
	node_status(a->node, status);
	floor = status->floor;
	free(status);
	if (h->kind != KIND_CARD || h->flags & FLAG_SEALED || header_violation(h))
		report_add(&a->report, "the message is no card");
	else if (!p || p->left || !key || key->revoked ||
		 topology_voids(t, &h->origin, h->sign_key, h->incarnation))
		report_add(&a->report, "its origin has left, or its sign key is revoked");
	else if (h->expiry < floor)
		report_add(&a->report, "the card has expired");
	else if (floor && h->expiry - floor > EXPIRY_SPAN_HOURS)
		report_add(&a->report, "the card expires more than 402 days from now");
	else
		return ERR_OK;
	return ERR_NOT_ALLOWED;
}

static enum err taken_show(struct answer *a, const struct message_view *m, const struct header *h)
{
	struct message_id id = message_id_of(m->header, m->header_length);
	struct directory_card at;
	char hex[PARTY_TEXT_BYTES], why[256];
	const char *held = NULL, *name = answer_party(a, hex, &h->origin);
	uint64_t lsn;
	bool in_force = directory_card(node_directory(a->node), &h->origin, &at) &&
			message_id_equal(&at.id, &id);
	struct remark remark;
	enum err e = index_reader_renew(a->index);

	if (!e && index_find(a->index, &id, &lsn) == ERR_OK) {
		held = index_held(a->index, lsn, why, sizeof why);
		if (!held && directory_remark(node_directory(a->node), lsn, &remark))
			held = remark.why;
	}
	if (held) {
		report_add(&a->report, "the card is held: %s", held);
		return ERR_FORMAT;
	}
	admin_put_string(&a->reply, "node", name);
	admin_put_hex(&a->reply, "message", id.b, MESSAGE_ID_BYTES);
	admin_put_bool(&a->reply, "in_force", in_force);
	text_str(&a->summary, "{");
	admin_put_string(&a->summary, "node", name);
	admin_put_hex(&a->summary, "message", id.b, MESSAGE_ID_BYTES);
	text_str(&a->summary, "}");
	return e;
}

/* SPEC 4.11: "A node takes one from its operator when it is authentic and counts, as if a neighbour
 * had brought it." */
enum err answer_card_accept(struct answer *a)
{
	struct message_view m;
	struct header *h = malloc(sizeof *h);
	enum err e = h ? answer_authentic(a, &m, h) : ERR_MEMORY;

	if (!e && !m.body) {
		report_add(&a->report, "the card has no body");
		e = ERR_TRUNCATED;
	}
	if (!e)
		e = acceptable(a, h);
	if (!e)
		e = card_take(a->node, (const uint8_t *)a->frames[0].at, a->frames[0].length);
	if (!e)
		e = taken_show(a, &m, h);
	free(h);
	return e;
}
