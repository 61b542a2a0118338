#include "protocol/suspension.h"

#include <stdlib.h>
#include <string.h>

#include "protocol/chain.h"
#include "protocol/council.h"
#include "protocol/json.h"
#include "protocol/topology_read.h"
#include "protocol/topology_value.h"

#define SUSPENSION_MS_MAX (SUSPENSION_DAYS_MAX * UINT64_C(86400000))

void suspension_free(struct suspension *s)
{
	if (!s)
		return;
	for (size_t i = 0; i < s->count; i++)
		free(s->list[i].because);
	free(s->list);
	free(s);
}

bool suspension_is(const char *text, size_t n)
{
	struct zpl *z;
	bool is;

	zpl_parse(&z, text, n, NULL);
	is = z && zpl_find(z, "suspension");
	zpl_free(z);
	return is;
}

/* ---- reading ---- */

static void read_network(struct reading *r, const struct zpl_item *item, void *target)
{
	struct suspension *s = target;

	if (!hex_decode(s->network.b, NETWORK_ID_BYTES, item->value))
		reading_wrong(r, item, "not %d hexadecimal digits", 2 * NETWORK_ID_BYTES);
}

static void read_topology(struct reading *r, const struct zpl_item *item, void *target)
{
	struct suspension *s = target;

	if (!hex_decode(s->topology.b, HASH_BYTES, item->value))
		reading_wrong(r, item, "not a hash of %d hexadecimal digits", 2 * HASH_BYTES);
}

static void read_serial(struct reading *r, const struct zpl_item *item, void *target)
{
	struct suspension *s = target;

	s->serial = (uint32_t)reading_number(r, item, 1, UINT32_MAX);
}

static void read_time(struct reading *r, const struct zpl_item *item, uint64_t *ms)
{
	if (!time_parse(ms, item->value))
		reading_wrong(r, item, "\"%s\": a time like 2026-11-22T01:00:00Z was expected",
			      item->value);
}

static void read_from(struct reading *r, const struct zpl_item *item, void *target)
{
	read_time(r, item, &((struct suspension *)target)->from);
}

static void read_until(struct reading *r, const struct zpl_item *item, void *target)
{
	read_time(r, item, &((struct suspension *)target)->until);
}

static void read_statement(struct reading *r, const struct zpl_item *section, void *target)
{
	static const struct rule rules[] = {
		{"network", read_network, false}, {"topology", read_topology, false},
		{"serial", read_serial, false},   {"from", read_from, false},
		{"until", read_until, false},
	};
	const struct zpl_item *until = zpl_child(section, "until");
	struct suspension *s = target;
	size_t problems = r->problems;

	reading_items(r, section->child, rules, COUNT(rules), s);
	for (size_t i = 0; i < COUNT(rules); i++)
		if (!zpl_child(section, rules[i].name))
			reading_missing(r, section, rules[i].name, "");
	if (r->problems > problems)
		return;
	/* SPEC 4.12: "It ends after it begins, and at most 14 days after." */
	if (s->until <= s->from)
		reading_wrong(r, until, "ends before it begins");
	else if (s->until - s->from > SUSPENSION_MS_MAX)
		reading_wrong(r, until, "more than %d days after it begins", SUSPENSION_DAYS_MAX);
}

static void read_because(struct reading *r, const struct zpl_item *item, void *target)
{
	reading_text(r, item, &((struct suspended *)target)->because, TITLE_MAX_BYTES);
}

static void read_sign(struct reading *r, const struct zpl_item *item, void *target)
{
	struct suspended *x = target;
	const char *at = item->value;
	char word[8];

	while (value_word(word, sizeof word, &at)) {
		uint64_t n;
		if (value_number(&n, word, 1, UINT16_MAX)) {
			reading_wrong(r, item, "\"%s\": the number of a key is 1 to 65535", word);
		} else if (x->key_count == KEYS_MAX) {
			reading_wrong(r, item, "more than %d", KEYS_MAX);
			return;
		} else {
			x->keys[x->key_count++] = (uint16_t)n;
		}
	}
	if (x->key_count == 0)
		reading_wrong(r, item, "names no key; without it the whole node is suspended");
}

static void read_nodes(struct reading *r, const struct zpl_item *section, void *target)
{
	static const struct rule rules[] = {{"because", read_because, false},
					    {"sign", read_sign, false}};
	struct suspension *s = target;

	s->list = reading_alloc(r, SUSPENDED_MAX, sizeof *s->list);
	for (const struct zpl_item *item = section->child; s->list && item; item = item->next) {
		struct suspended *x = &s->list[s->count];
		if (s->count == SUSPENDED_MAX) {
			reading_wrong(r, item, "more than %d nodes", SUSPENDED_MAX);
			return;
		}
		if (item->broken)
			continue;
		if (item->value || !name_valid(item->name)) {
			reading_wrong(r, item, "the name of a node is wanted");
			continue;
		}
		s->count++;
		memcpy(x->name, item->name, strlen(item->name));
		reading_items(r, item->child, rules, COUNT(rules), x);
	}
}

enum err suspension_parse(struct suspension **out, const char *text, size_t n,
			  struct report *report)
{
	static const struct rule rules[] = {{"suspension", read_statement, true},
					    {"node", read_nodes, true}};
	struct reading r = {.report = report};
	struct suspension *s;
	struct zpl *z;
	enum err e = zpl_parse(&z, text, n, report);

	*out = NULL;
	if (!z)
		return e;
	r.problems = e ? 1 : 0;
	s = reading_alloc(&r, 1, sizeof *s);
	if (s) {
		s->hash = hash_of(text, n);
		reading_items(&r, zpl_first(z), rules, COUNT(rules), s);
		if (!zpl_find(z, "suspension")) {
			report_add(report, "suspension: missing");
			r.problems++;
		}
	}
	zpl_free(z);
	e = r.memory ? ERR_MEMORY : r.problems ? ERR_FORMAT : ERR_OK;
	if (e)
		suspension_free(s);
	else
		*out = s;
	return e;
}

/* ---- taking ---- */

static bool bind_keys(const struct suspended *x, const struct party *p, struct report *report)
{
	bool good = true;

	for (size_t i = 0; i < x->key_count; i++) {
		if (party_sign_key(p, x->keys[i]))
			continue;
		report_add(report, "node %s: sign: it has no sign key %u", x->name, x->keys[i]);
		good = false;
	}
	return good;
}

enum err suspension_bind(struct suspension *s, const struct topology *t, struct report *report)
{
	bool good = true;

	if (memcmp(s->network.b, t->network.b, NETWORK_ID_BYTES) != 0) {
		report_add(report, "suspension: network: is another federation");
		return ERR_NETWORK;
	}
	if (!hash_equal(&s->topology, &t->hash)) {
		report_add(report, "suspension: topology: is not the hash of version %lu",
			   (unsigned long)t->version);
		return ERR_HASH;
	}
	for (size_t i = 0; i < s->count; i++) {
		struct suspended *x = &s->list[i];
		const struct party *p = topology_party(t, x->name);
		if (!p || p->kind != PARTY_NODE) {
			report_add(report, "node %s: is no node of topology version %lu", x->name,
				   (unsigned long)t->version);
			good = false;
			continue;
		}
		x->id = p->id;
		good &= bind_keys(x, p, report);
	}
	return good ? ERR_OK : ERR_FORMAT;
}

/* SPEC 4.12: "The statement with the greatest serial counts, alone." */
static enum err check_serial(const struct suspension *s, const struct suspension *held,
			     struct report *report)
{
	if (!held || s->serial > held->serial)
		return ERR_OK;
	if (s->serial == held->serial) {
		report_add(report,
			   "the council has signed two different suspensions of serial %lu: the "
			   "one that came first counts",
			   (unsigned long)s->serial);
		return ERR_NOT_ALLOWED;
	}
	report_add(report, "suspension: serial: %lu is not above %lu, which counts",
		   (unsigned long)s->serial, (unsigned long)held->serial);
	return ERR_STATE;
}

static enum err take_text(struct suspension **out, const struct chain *chain,
			  const struct suspension *held, const char *text, size_t n,
			  struct report *report)
{
	const struct topology *t;
	struct suspension *s = NULL;
	enum err e = suspension_parse(&s, text, n, report);

	if (e || !s)
		return e ? e : ERR_MEMORY;
	t = chain_by_hash(chain, &s->topology);
	if (!t) {
		report_add(report, "suspension: topology: is of no version that is held here");
		e = ERR_UNJUDGEABLE;
	}
	if (!e)
		e = suspension_bind(s, t, report);
	if (!e)
		e = check_serial(s, held, report);
	if (e)
		suspension_free(s);
	else
		*out = s;
	return e;
}

enum err suspension_take(struct suspension **out, const struct chain *chain,
			 const struct suspension *held, const char *file, size_t n,
			 struct report *report)
{
	const struct topology *newest = chain_newest(chain);
	size_t length = council_text_length(file, n);
	struct hash hash = hash_of(file, length);
	unsigned count;

	*out = NULL;
	if (held && hash_equal(&held->hash, &hash))
		return ERR_EXISTS;
	if (n > SUSPENSION_MAX_BYTES) {
		report_add(report, "a suspension is at most %d bytes with its signatures",
			   SUSPENSION_MAX_BYTES);
		return ERR_LIMIT;
	}
	if (!newest)
		return ERR_STATE;
	/* SPEC 4.12: "At least `suspension` members of the council in force must have signed it,
	 * which is verified over the raw bytes before anything of them is parsed." */
	count = council_count(&newest->council, file, n, report);
	if (count < newest->council.suspension) {
		report_add(report,
			   "the council of version %lu: %u of its %zu members signed this "
			   "suspension; %u must",
			   (unsigned long)newest->version, count, newest->council.member_count,
			   newest->council.suspension);
		return ERR_SIGNATURE;
	}
	return take_text(out, chain, held, file, length, report);
}

/* ---- asking ---- */

static bool in_force(const struct suspension *s, uint64_t now)
{
	return s && s->from <= now && now < s->until;
}

bool suspension_of_node(const struct suspension *s, const struct party_id *node, uint64_t now)
{
	if (!in_force(s, now))
		return false;
	for (size_t i = 0; i < s->count; i++)
		if (s->list[i].key_count == 0 && party_id_equal(&s->list[i].id, node))
			return true;
	return false;
}

bool suspension_of_key(const struct suspension *s, const struct party_id *node, uint16_t key,
		       uint64_t now)
{
	if (!in_force(s, now))
		return false;
	for (size_t i = 0; i < s->count; i++) {
		const struct suspended *x = &s->list[i];
		if (!party_id_equal(&x->id, node))
			continue;
		for (size_t k = 0; k < x->key_count; k++)
			if (x->keys[k] == key)
				return true;
		return x->key_count == 0;
	}
	return false;
}

uint64_t suspension_next(const struct suspension *s, uint64_t now)
{
	if (!s || now >= s->until)
		return UINT64_MAX;
	return now < s->from ? s->from : s->until;
}
