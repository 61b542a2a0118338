#include "node/detect/value_set.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

/* What a hashed text stands for. */
enum kind { KIND_TEXT = 1, KIND_BELOW, KIND_ABOVE };

struct entry {
	uint64_t hash;
	uint32_t tag;
};

struct network {
	uint8_t family; /* enum observable_type */
	uint8_t prefix;
	uint8_t address[16];
	uint32_t tag;
};

struct value_set {
	uint8_t key[crypto_shorthash_KEYBYTES];
	struct entry *entries;
	size_t entry_count, entry_room;
	struct network *networks;
	size_t network_count, network_room;
	bool lengths[2][129]; /* of prefixes in use: IPv4, IPv6 */
};

struct value_set *value_set_new(void)
{
	struct value_set *s = calloc(1, sizeof *s);

	if (s)
		randombytes_buf(s->key, sizeof s->key);
	return s;
}

void value_set_free(struct value_set *s)
{
	if (!s)
		return;
	free(s->entries);
	free(s->networks);
	free(s);
}

static bool is_address(const struct observable *v)
{
	return v->type == OBSERVABLE_IPV4 || v->type == OBSERVABLE_IPV6;
}

/* ---- adding ---- */

static bool room(void **at, size_t *room, size_t count, size_t width)
{
	size_t more = *room ? 2 * *room : 64;
	void *grown;

	if (count < *room)
		return true;
	grown = realloc(*at, more * width);
	if (!grown)
		return false;
	*at = grown;
	*room = more;
	return true;
}

static uint64_t text_hash(const struct value_set *s, enum kind kind, const char *text, size_t n)
{
	uint8_t bytes[OBSERVABLE_MAX_BYTES + 1];
	uint64_t hash;

	n = n < OBSERVABLE_MAX_BYTES ? n : OBSERVABLE_MAX_BYTES;
	bytes[0] = (uint8_t)kind;
	memcpy(bytes + 1, text, n);
	crypto_shorthash((uint8_t *)&hash, bytes, n + 1, s->key);
	return hash;
}

static enum err add_hash(struct value_set *s, enum kind kind, const char *text, size_t n,
			 uint32_t tag)
{
	if (!room((void **)&s->entries, &s->entry_room, s->entry_count, sizeof *s->entries))
		return ERR_MEMORY;
	s->entries[s->entry_count++] = (struct entry){text_hash(s, kind, text, n), tag};
	return ERR_OK;
}

static enum err add_network(struct value_set *s, const struct observable *v, uint32_t tag)
{
	struct network *n;

	if (!room((void **)&s->networks, &s->network_room, s->network_count, sizeof *s->networks))
		return ERR_MEMORY;
	n = &s->networks[s->network_count++];
	*n = (struct network){.family = (uint8_t)v->type, .prefix = v->prefix, .tag = tag};
	memcpy(n->address, v->address, sizeof n->address);
	s->lengths[v->type == OBSERVABLE_IPV6][v->prefix] = true;
	return ERR_OK;
}

/* The name above this one, or NULL. */
static const char *above(const char *name)
{
	const char *dot = strchr(name, '.');

	return dot ? dot + 1 : NULL;
}

static enum err add_name(struct value_set *s, const struct observable *v, bool below, uint32_t tag)
{
	enum err e = add_hash(s, KIND_TEXT, v->text, v->length, tag);

	if (!e && below)
		e = add_hash(s, KIND_BELOW, v->text, v->length, tag);
	for (const char *name = above(v->text); !e && name && strchr(name, '.'); name = above(name))
		e = add_hash(s, KIND_ABOVE, name, strlen(name), tag);
	return e;
}

enum err value_set_add(struct value_set *s, const struct observable *v, bool below, uint32_t tag)
{
	if (is_address(v))
		return add_network(s, v, tag);
	if (v->type == OBSERVABLE_DOMAIN)
		return add_name(s, v, below, tag);
	return add_hash(s, KIND_TEXT, v->text, v->length, tag);
}

enum err value_set_add_text(struct value_set *s, const char *text, bool below, uint32_t tag)
{
	enum err e = add_hash(s, KIND_TEXT, text, strlen(text), tag);

	return e || !below ? e : add_hash(s, KIND_BELOW, text, strlen(text), tag);
}

static int compare_entries(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;

	if (x->hash != y->hash)
		return x->hash < y->hash ? -1 : 1;
	return (x->tag > y->tag) - (x->tag < y->tag);
}

static int compare_networks(const void *a, const void *b)
{
	const struct network *x = a, *y = b;
	int order = (x->family > y->family) - (x->family < y->family);

	if (!order)
		order = memcmp(x->address, y->address, sizeof x->address);
	return order ? order : (x->prefix > y->prefix) - (x->prefix < y->prefix);
}

void value_set_close(struct value_set *s)
{
	size_t kept = 0;

	if (s->entry_count)
		qsort(s->entries, s->entry_count, sizeof *s->entries, compare_entries);
	/* Very many names are below the same few. */
	for (size_t i = 0; i < s->entry_count; i++)
		if (kept == 0 || compare_entries(&s->entries[kept - 1], &s->entries[i]) != 0)
			s->entries[kept++] = s->entries[i];
	s->entry_count = kept;
	if (s->network_count)
		qsort(s->networks, s->network_count, sizeof *s->networks, compare_networks);
}

/* ---- finding ---- */

struct search {
	const struct value_set *set;
	bool (*found)(void *arg, uint32_t tag);
	void *arg;
	bool stopped;
};

static void find_hash(struct search *f, enum kind kind, const char *text, size_t n)
{
	const struct value_set *s = f->set;
	uint64_t hash = text_hash(s, kind, text, n);
	size_t low = 0, high = s->entry_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (s->entries[middle].hash < hash)
			low = middle + 1;
		else
			high = middle;
	}
	for (; !f->stopped && low < s->entry_count && s->entries[low].hash == hash; low++)
		f->stopped = !f->found(f->arg, s->entries[low].tag);
}

static size_t first_network(const struct value_set *s, const struct network *from)
{
	size_t low = 0, high = s->network_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (compare_networks(&s->networks[middle], from) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* Both begin with the same bits. */
static bool same_bits(const uint8_t *a, const uint8_t *b, unsigned bits)
{
	uint8_t mask = (uint8_t)(0xff00 >> bits % 8);

	return memcmp(a, b, bits / 8) == 0 &&
	       (bits % 8 == 0 || ((a[bits / 8] ^ b[bits / 8]) & mask) == 0);
}

/* The networks that hold it, the nearest first. */
static void find_around(struct search *f, const struct observable *v)
{
	const struct value_set *s = f->set;
	const bool *lengths = s->lengths[v->type == OBSERVABLE_IPV6];
	struct network at = {.family = (uint8_t)v->type};

	memcpy(at.address, v->address, sizeof at.address);
	for (unsigned bits = v->prefix; !f->stopped && bits > 0;) {
		at.prefix = (uint8_t)bits;
		for (size_t i = lengths[bits] ? first_network(s, &at) : s->network_count;
		     !f->stopped && i < s->network_count &&
		     compare_networks(&s->networks[i], &at) == 0;
		     i++)
			f->stopped = !f->found(f->arg, s->networks[i].tag);
		bits--;
		at.address[bits / 8] &= (uint8_t) ~(0x80u >> bits % 8);
	}
}

/* The addresses and networks that lie in it. */
static void find_inside(struct search *f, const struct observable *v)
{
	const struct value_set *s = f->set;
	struct network at = {.family = (uint8_t)v->type, .prefix = (uint8_t)(v->prefix + 1)};

	memcpy(at.address, v->address, sizeof at.address);
	for (size_t i = first_network(s, &at);
	     !f->stopped && i < s->network_count && s->networks[i].family == at.family &&
	     same_bits(s->networks[i].address, v->address, v->prefix);
	     i++)
		f->stopped = !f->found(f->arg, s->networks[i].tag);
}

static void find_above(struct search *f, const char *name)
{
	for (; !f->stopped && name; name = above(name))
		find_hash(f, KIND_BELOW, name, strlen(name));
}

void value_set_find(const struct value_set *s, const struct observable *v,
		    bool (*found)(void *arg, uint32_t tag), void *arg)
{
	struct search f = {.set = s, .found = found, .arg = arg};

	if (is_address(v)) {
		find_around(&f, v);
		if (!f.stopped)
			find_inside(&f, v);
		return;
	}
	find_hash(&f, KIND_TEXT, v->text, v->length);
	if (v->type != OBSERVABLE_DOMAIN)
		return;
	find_above(&f, above(v->text));
	if (!f.stopped)
		find_hash(&f, KIND_ABOVE, v->text, v->length);
}

void value_set_find_holders(const struct value_set *s, const struct observable *v,
			    bool (*found)(void *arg, uint32_t tag), void *arg)
{
	struct search f = {.set = s, .found = found, .arg = arg};

	if (is_address(v))
		find_around(&f, v);
	else
		find_above(&f, v->text);
}

/* ---- hosts ---- */

static bool host_set(struct observable *host, const char *text)
{
	static const enum observable_type types[] = {OBSERVABLE_IPV4, OBSERVABLE_IPV6,
						     OBSERVABLE_DOMAIN};
	const char *why;

	for (size_t i = 0; i < sizeof types / sizeof *types; i++)
		if (observable_set(host, types[i], text, &why) == ERR_OK)
			return true;
	return false;
}

bool value_host(const struct observable *v, struct observable *host)
{
	char text[OBSERVABLE_MAX_BYTES + 1];
	const char *at = v->text, *end, *colon;
	size_t n;

	if (v->type == OBSERVABLE_URL) {
		at = strstr(at, "://");
		if (!at)
			return false;
		at += 3;
		n = strcspn(at, "/?#");
		/* What stands before the last @ is no part of the host. */
		for (size_t i = n; i-- > 0;)
			if (at[i] == '@') {
				at += i + 1;
				n -= i + 1;
				break;
			}
	} else if (v->type == OBSERVABLE_ENDPOINT) {
		n = v->length;
	} else {
		return false;
	}
	memcpy(text, at, n);
	text[n] = '\0';
	if (*text == '[') {
		end = strchr(text, ']');
		if (!end)
			return false;
		text[end - text] = '\0';
		return host_set(host, text + 1);
	}
	colon = strrchr(text, ':');
	if (colon)
		text[colon - text] = '\0';
	return host_set(host, text);
}
