/* The entries of nodes and roles: every value that needs no other party. */
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "protocol/bytes.h"
#include "protocol/topology_read.h"
#include "protocol/topology_value.h"

static void read_title(struct reading *r, const struct zpl_item *item, void *target)
{
	struct party *p = target;

	reading_text(r, item, &p->title, TITLE_MAX_BYTES);
}

static void read_endpoint(struct reading *r, const struct zpl_item *item, void *target)
{
	struct party *p = target;
	const char *why = value_endpoint(item->value);

	if (why)
		reading_wrong(r, item, "\"%s\": %s", item->value, why);
	reading_text(r, item, &p->endpoint, ENDPOINT_MAX_BYTES);
}

static void read_link(struct reading *r, const struct zpl_item *item, void *target)
{
	struct party *p = target;

	if (!hex_decode(p->link_key, LINK_KEY_BYTES, item->value))
		reading_wrong(r, item, "not a key of %d hexadecimal digits", 2 * LINK_KEY_BYTES);
	else if (!value_curve_key_usable(p->link_key))
		reading_wrong(r, item, "not a usable CURVE key");
}

enum { KEY_WORD_BYTES = 9 };

/* "<number> = "<hex>[ <word>]"", where the word is "revoked" or, of a sign
 * key, "void": false after a complaint. */
static bool read_key(struct reading *r, const struct zpl_item *item, uint16_t *number,
		     uint8_t key[32], bool may_be_void, char rest[KEY_WORD_BYTES])
{
	char word[66], extra[2];
	const char *at = item->value;
	uint64_t n = 0;

	/* SPEC 4.4: "A key number is 1 to 65535." */
	if (value_number(&n, item->name, 1, 65535)) {
		reading_wrong(r, item, "the number of a key is 1 to 65535, without leading zeros");
		return false;
	}
	*number = (uint16_t)n;
	if (!item->value) {
		reading_wrong(r, item, "has no value: write %s = \"<64 hexadecimal digits>\"",
			      item->name);
		return false;
	}
	value_word(word, sizeof word, &at);
	if (!value_word(rest, KEY_WORD_BYTES, &at))
		rest[0] = '\0';
	if (!hex_decode(key, 32, word)) {
		reading_wrong(r, item, "not a key of 64 hexadecimal digits");
		return false;
	}
	if ((strcmp(rest, "") != 0 && strcmp(rest, "revoked") != 0 &&
	     (strcmp(rest, "void") != 0 || !may_be_void)) ||
	    value_word(extra, sizeof extra, &at)) {
		reading_wrong(r, item, "only the word \"revoked\"%s may follow a key",
			      may_be_void ? ", or \"void\"," : "");
		return false;
	}
	return true;
}

static size_t count_items(const struct zpl_item *first)
{
	size_t n = 0;

	for (; first; first = first->next)
		n++;
	return n;
}

/* How many keys to make room for; 0 after a complaint. */
static size_t count_keys(struct reading *r, const struct zpl_item *section)
{
	size_t n = count_items(section->child);

	if (n == 0)
		reading_wrong(r, section, "no key in it");
	if (n > KEYS_MAX)
		reading_wrong(r, section, "%zu keys; at most %d are allowed", n, KEYS_MAX);
	return n > KEYS_MAX ? 0 : n;
}

static int compare_sign_keys(const void *a, const void *b)
{
	const struct sign_key *x = a, *y = b;
	return (x->number > y->number) - (x->number < y->number);
}

static int compare_seal_keys(const void *a, const void *b)
{
	const struct seal_key *x = a, *y = b;
	return (x->number > y->number) - (x->number < y->number);
}

static void read_sign(struct reading *r, const struct zpl_item *section, void *target)
{
	struct party *p = target;
	size_t n = count_keys(r, section);

	p->sign_keys = reading_alloc(r, n, sizeof *p->sign_keys);
	if (!p->sign_keys || n == 0)
		return;
	for (const struct zpl_item *item = section->child; item; item = item->next) {
		struct sign_key k = {0};
		char word[KEY_WORD_BYTES];
		if (item->broken || !read_key(r, item, &k.number, k.key, true, word))
			continue;
		k.revoked = word[0] != '\0';
		k.is_void = strcmp(word, "void") == 0;
		if (!crypto_core_ed25519_is_valid_point(k.key))
			reading_wrong(r, item, "not a usable Ed25519 key");
		p->sign_keys[p->sign_key_count++] = k;
	}
	qsort(p->sign_keys, p->sign_key_count, sizeof *p->sign_keys, compare_sign_keys);
}

static void read_seal(struct reading *r, const struct zpl_item *section, void *target)
{
	struct party *p = target;
	size_t n = count_keys(r, section);

	p->seal_keys = reading_alloc(r, n, sizeof *p->seal_keys);
	if (!p->seal_keys || n == 0)
		return;
	for (const struct zpl_item *item = section->child; item; item = item->next) {
		struct seal_key k = {0};
		char word[KEY_WORD_BYTES];
		if (item->broken || !read_key(r, item, &k.number, k.key, false, word))
			continue;
		k.retired = word[0] != '\0';
		if (!value_curve_key_usable(k.key))
			reading_wrong(r, item, "not a usable X25519 key");
		p->seal_keys[p->seal_key_count++] = k;
	}
	qsort(p->seal_keys, p->seal_key_count, sizeof *p->seal_keys, compare_seal_keys);
}

static int compare_voids(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
	return (x > y) - (x < y);
}

static void read_void(struct reading *r, const struct zpl_item *item, void *target)
{
	enum { DIGITS = 16 };
	struct party *p = target;
	const char *at = item->value;
	char word[DIGITS + 2];

	p->voids = reading_alloc(r, VOIDS_MAX, sizeof *p->voids);
	if (!p->voids)
		return;
	while (value_word(word, sizeof word, &at)) {
		uint8_t bytes[DIGITS / 2];
		if (!hex_decode(bytes, sizeof bytes, word)) {
			reading_wrong(r, item, "\"%s\": an incarnation is %d hexadecimal digits",
				      word, DIGITS);
		} else if (p->void_count == VOIDS_MAX) {
			reading_wrong(r, item, "more than %d", VOIDS_MAX);
			return;
		} else {
			p->voids[p->void_count++] = get_u64(bytes);
		}
	}
	qsort(p->voids, p->void_count, sizeof *p->voids, compare_voids);
	for (size_t i = 1; i < p->void_count; i++)
		if (p->voids[i] == p->voids[i - 1])
			reading_wrong(r, item, "an incarnation is there twice");
	if (item->value[strspn(item->value, " ")] == '\0')
		reading_wrong(r, item, "empty");
}

static void read_quota(struct reading *r, const struct zpl_item *item, void *target)
{
	struct party *p = target;
	const char *why = value_size(&p->quota_bytes, item->value);

	if (why)
		reading_wrong(r, item, "\"%s\": %s", item->value, why);
}

static void read_emergencies(struct reading *r, const struct zpl_item *item, void *target)
{
	struct party *p = target;

	p->emergencies = (uint32_t)reading_number(r, item, 0, 1000000);
}

static void read_left(struct reading *r, const struct zpl_item *item, void *target)
{
	struct party *p = target;

	p->left = true;
	p->left_on = reading_date(r, item) * 24;
}

/* The words of a list, each checked; NULL where there is nothing to keep. */
static char **read_list(struct reading *r, const struct zpl_item *item, size_t *count,
			const char *(*check)(const char *))
{
	char **list = reading_alloc(r, BOUNDS_MAX, sizeof *list), word[260];
	const char *at = item->value;

	*count = 0;
	if (!list)
		return NULL;
	while (value_word(word, sizeof word, &at)) {
		const char *why = check(word);
		if (why)
			reading_wrong(r, item, "\"%s\": %s", word, why);
		for (size_t i = 0; i < *count; i++)
			if (strcmp(list[i], word) == 0)
				reading_wrong(r, item, "\"%s\" is there twice", word);
		if (*count == BOUNDS_MAX) {
			reading_wrong(r, item, "more than %d", BOUNDS_MAX);
			break;
		}
		list[*count] = strdup(word);
		if (!list[*count]) {
			r->memory = true;
			break;
		}
		(*count)++;
	}
	if (*count == 0)
		reading_wrong(r, item, "empty");
	return list;
}

static void read_networks(struct reading *r, const struct zpl_item *item, void *target)
{
	struct party *p = target;

	p->networks = read_list(r, item, &p->network_count, value_network);
}

static void read_domains(struct reading *r, const struct zpl_item *item, void *target)
{
	struct party *p = target;

	p->domains = read_list(r, item, &p->domain_count, value_domain);
}

static const char *check_as_number(const char *word)
{
	uint64_t n;

	return value_number(&n, word, 1, UINT32_MAX) ? "not an AS number" : NULL;
}

static void read_as_numbers(struct reading *r, const struct zpl_item *item, void *target)
{
	struct party *p = target;
	char **list = read_list(r, item, &p->as_number_count, check_as_number);

	p->as_numbers = reading_alloc(r, p->as_number_count, sizeof *p->as_numbers);
	for (size_t i = 0; list && i < p->as_number_count; i++) {
		uint64_t n = 0;
		value_number(&n, list[i], 1, UINT32_MAX);
		if (p->as_numbers)
			p->as_numbers[i] = (uint32_t)n;
		free(list[i]);
	}
	free(list);
}

static const struct rule node_rules[] = {
	{"title", read_title, false},       {"reports-to", NULL, false}, /* topology_refer */
	{"endpoint", read_endpoint, false}, {"link", read_link, false},
	{"sign", read_sign, true},          {"seal", read_seal, true},
	{"quota", read_quota, false},       {"emergencies", read_emergencies, false},
	{"left", read_left, false},         {"networks", read_networks, false},
	{"domains", read_domains, false},   {"as-numbers", read_as_numbers, false},
	{"void", read_void, false},
};

static const struct rule role_rules[] = {
	{"title", read_title, false},     {"reports-to", NULL, false},
	{"holders", NULL, false}, /* topology_refer */
	{"seal", read_seal, true},        {"networks", read_networks, false},
	{"domains", read_domains, false}, {"as-numbers", read_as_numbers, false},
};

static void add_parties(struct reading *r, const char *section, enum party_kind kind, size_t room)
{
	const struct zpl_item *parent = zpl_find(r->z, section);
	struct topology *t = r->t;

	for (const struct zpl_item *item = parent ? parent->child : NULL; item; item = item->next) {
		struct party *p = &t->parties[t->party_count];
		if (t->party_count == room) {
			reading_wrong(r, item, "the federation has more than %d parties",
				      PARTIES_MAX);
			return;
		}
		if (item->value) {
			if (!item->broken)
				reading_wrong(r, item, "has lines below it, not a value");
			continue;
		}
		/* SPEC 4.2: "A name is 1 to 31 characters of a-z, 0-9 and -." */
		if (!name_valid(item->name))
			reading_wrong(r, item, "a name is 1 to %d of a-z, 0-9 and -",
				      NAME_MAX_BYTES);
		p->kind = kind;
		p->emergencies = kind == PARTY_NODE ? 6 : 0;
		snprintf(p->name, sizeof p->name, "%s", item->name);
		r->items[t->party_count++] = item;
	}
}

static void read_party(struct reading *r, const struct zpl_item *item, struct party *p)
{
	static const char card[] = "the node's card has it (khabar topology fill)";
	bool node = p->kind == PARTY_NODE;

	reading_items(r, item->child, node ? node_rules : role_rules,
		      node ? COUNT(node_rules) : COUNT(role_rules), p);
	if (!p->title)
		p->title = strdup(p->name);
	r->memory |= !p->title;
	if (!node)
		return;
	if (!zpl_child(item, "sign"))
		reading_missing(r, item, "sign", card);
	/* SPEC 4.4: "Every node has at least one sign key; a node that has not left also has a link
	 * key and at least one seal key." */
	if (!p->left && !zpl_child(item, "link"))
		reading_missing(r, item, "link", card);
	if (!p->left && !zpl_child(item, "seal"))
		reading_missing(r, item, "seal", card);
}

void topology_read_parties(struct reading *r)
{
	const struct zpl_item *nodes = zpl_find(r->z, "node"), *roles = zpl_find(r->z, "role");
	size_t n =
		count_items(nodes ? nodes->child : NULL) + count_items(roles ? roles->child : NULL);
	bool roles_first = nodes && roles && roles->line < nodes->line;

	if (n > PARTIES_MAX)
		n = PARTIES_MAX;
	/* One more, so that the bound can be met before it is overstepped. */
	r->t->parties = reading_alloc(r, n + 1, sizeof *r->t->parties);
	r->items = reading_alloc(r, n + 1, sizeof *r->items);
	if (r->memory)
		return;
	if (roles_first)
		add_parties(r, "role", PARTY_ROLE, n);
	add_parties(r, "node", PARTY_NODE, n);
	if (!roles_first)
		add_parties(r, "role", PARTY_ROLE, n);
	for (size_t i = 0; i < r->t->party_count; i++)
		read_party(r, r->items[i], &r->t->parties[i]);
}
