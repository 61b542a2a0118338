/* Reading a card from a stranger's JSON. */
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "protocol/card.h"
#include "protocol/topology_value.h"

enum { CARD_VALUES_MAX = 4096, NUMBER_MAX_BITS = 53 };

/* Sticky: the first mistake counts. */
struct reading {
	struct card *card;
	struct report *report;
	enum err e;
};

__attribute__((format(printf, 3, 4))) static void wrong(struct reading *r, enum err e,
							const char *format, ...)
{
	char words[320];
	va_list args;

	if (r->e)
		return;
	r->e = e;
	va_start(args, format);
	vsnprintf(words, sizeof words, format, args);
	va_end(args);
	report_add(r->report, "card: %s", words);
}

/* An array of at most most elements, or NULL when there is none or something is wrong. */
static const cJSON *array_of(struct reading *r, const cJSON *object, const char *name, int most)
{
	const cJSON *array = cJSON_GetObjectItemCaseSensitive(object, name);

	if (!array || r->e)
		return NULL;
	if (!cJSON_IsArray(array)) {
		wrong(r, ERR_FORMAT, "%s: no array", name);
		return NULL;
	}
	if (cJSON_GetArraySize(array) > most) {
		wrong(r, ERR_LIMIT, "%s: %d of them; at most %d are allowed", name,
		      cJSON_GetArraySize(array), most);
		return NULL;
	}
	return array;
}

static uint64_t number_of(struct reading *r, const cJSON *item, const char *name, double most)
{
	double n = cJSON_IsNumber(item) ? item->valuedouble : 0;

	if (n >= 1 && n <= most && n == floor(n))
		return (uint64_t)n;
	wrong(r, ERR_FORMAT, "%s: a whole number from 1 to %.0f was expected", name, most);
	return 0;
}

static bool key_of(struct reading *r, const cJSON *object, const char *name, void *out, size_t n)
{
	const char *hex = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, name));

	if (r->e)
		return false;
	if (hex && hex_decode(out, n, hex))
		return true;
	wrong(r, ERR_FORMAT, "%s: %zu hexadecimal digits were expected", name, 2 * n);
	return false;
}

static char *copy_of(struct reading *r, const char *text)
{
	char *copy = text ? strdup(text) : NULL;

	if (!copy)
		wrong(r, ERR_MEMORY, "no memory");
	return copy;
}

static void read_endpoints(struct reading *r, const cJSON *json)
{
	const cJSON *item, *array = array_of(r, json, "endpoints", CARD_ENDPOINTS_MAX);
	struct card *c = r->card;

	cJSON_ArrayForEach(item, array)
	{
		const char *text = cJSON_GetStringValue(item);
		const char *why = text ? value_endpoint(text) : "no string";
		if (why)
			wrong(r, ERR_FORMAT, "endpoints: %s", why);
		if (!text || r->e)
			return;
		for (size_t i = 0; i < c->endpoint_count && !r->e; i++)
			if (strcmp(c->endpoints[i], text) == 0)
				wrong(r, ERR_FORMAT, "endpoints: %s stands there twice", text);
		if (r->e)
			return;
		c->endpoints[c->endpoint_count] = copy_of(r, text);
		c->endpoint_count += c->endpoints[c->endpoint_count] != NULL;
	}
}

static void read_links(struct reading *r, const cJSON *json, const struct party_id *origin)
{
	const cJSON *item, *array = array_of(r, json, "link", CARD_LINKS_MAX);
	struct card *c = r->card;

	cJSON_ArrayForEach(item, array)
	{
		struct card_link *link = &c->links[c->link_count];
		if (!key_of(r, item, "key", link->key, LINK_KEY_BYTES) ||
		    !key_of(r, item, "point", link->point, SIGN_KEY_BYTES) ||
		    !key_of(r, item, "proof", link->proof, SIGNATURE_BYTES))
			return;
		if (!value_curve_key_usable(link->key))
			wrong(r, ERR_FORMAT, "link: not a usable CURVE key");
		else if (!card_link_proven(link, origin))
			wrong(r, ERR_SIGNATURE, "link: its proof does not verify");
		if (r->e)
			return;
		c->link_count++;
	}
	if (c->link_count == 0)
		wrong(r, ERR_FORMAT, "link: missing");
	if (c->link_count == 2 && memcmp(c->links[0].key, c->links[1].key, LINK_KEY_BYTES) == 0)
		wrong(r, ERR_FORMAT, "link: the same key twice");
}

static void read_seals(struct reading *r, const cJSON *json)
{
	const cJSON *item, *array = array_of(r, json, "seal", CARD_SEALS_MAX);
	struct card *c = r->card;

	cJSON_ArrayForEach(item, array)
	{
		const cJSON *number = cJSON_GetObjectItemCaseSensitive(item, "number");
		struct card_seal *seal = &c->seals[c->seal_count];
		seal->number = (uint16_t)number_of(r, number, "seal: number", UINT16_MAX);
		if (!key_of(r, item, "key", seal->key, SEAL_KEY_BYTES))
			return;
		if (!value_curve_key_usable(seal->key))
			wrong(r, ERR_FORMAT, "seal: key %u is not a usable X25519 key",
			      seal->number);
		if (c->seal_count && seal->number <= seal[-1].number)
			wrong(r, ERR_FORMAT, "seal: the numbers do not ascend");
		for (size_t i = 0; i < c->seal_count; i++)
			if (memcmp(c->seals[i].key, seal->key, SEAL_KEY_BYTES) == 0)
				wrong(r, ERR_FORMAT, "seal: keys %u and %u are the same",
				      c->seals[i].number, seal->number);
		if (r->e)
			return;
		c->seal_count++;
	}
	if (c->seal_count == 0)
		wrong(r, ERR_FORMAT, "seal: missing");
}

/* A line for people, or NULL where there is none. */
static char *line_of(struct reading *r, const cJSON *object, const char *name)
{
	const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, name);
	const char *text = cJSON_GetStringValue(item);

	if (!item || r->e)
		return NULL;
	if (!text || !*text || strlen(text) > CARD_TEXT_MAX_BYTES) {
		wrong(r, ERR_FORMAT, "contacts: %s: a text of 1 to %d bytes was expected", name,
		      CARD_TEXT_MAX_BYTES);
		return NULL;
	}
	return copy_of(r, text);
}

static void read_contacts(struct reading *r, const cJSON *json)
{
	const cJSON *item, *array = array_of(r, json, "contacts", CARD_CONTACTS_MAX);

	cJSON_ArrayForEach(item, array)
	{
		struct card_contact *c = &r->card->contacts[r->card->contact_count++];
		c->name = line_of(r, item, "name");
		c->email = line_of(r, item, "email");
		c->phone = line_of(r, item, "phone");
		c->hours = line_of(r, item, "hours");
		if (!c->name)
			wrong(r, ERR_FORMAT, "contacts: name: missing");
		for (size_t i = 0; i + 1 < r->card->contact_count && !r->e; i++)
			if (strcmp(r->card->contacts[i].name, c->name) == 0)
				wrong(r, ERR_FORMAT, "contacts: %s stands there twice", c->name);
		if (r->e)
			return;
	}
}

static void read_texts(struct reading *r, const cJSON *json, const char *name,
		       const char *(*check)(const char *text), char ***texts, size_t *count)
{
	const cJSON *item, *array = array_of(r, json, name, BOUNDS_MAX);

	if (!array)
		return;
	*texts = calloc(BOUNDS_MAX, sizeof **texts);
	if (!*texts) {
		wrong(r, ERR_MEMORY, "no memory");
		return;
	}
	cJSON_ArrayForEach(item, array)
	{
		const char *text = cJSON_GetStringValue(item);
		const char *why = text ? check(text) : "no string";
		if (why)
			wrong(r, ERR_FORMAT, "%s: %s", name, why);
		if (r->e)
			return;
		(*texts)[*count] = copy_of(r, text);
		*count += (*texts)[*count] != NULL;
	}
}

static void read_constituency(struct reading *r, const cJSON *json)
{
	struct card_constituency *c = &r->card->constituency;
	const cJSON *item, *array;

	read_texts(r, json, "networks", value_network, &c->networks, &c->network_count);
	read_texts(r, json, "domains", value_domain, &c->domains, &c->domain_count);
	array = array_of(r, json, "as-numbers", BOUNDS_MAX);
	if (!array)
		return;
	c->as_numbers = calloc(BOUNDS_MAX, sizeof *c->as_numbers);
	if (!c->as_numbers) {
		wrong(r, ERR_MEMORY, "no memory");
		return;
	}
	cJSON_ArrayForEach(item, array)
	{
		c->as_numbers[c->as_number_count++] =
			(uint32_t)number_of(r, item, "as-numbers", UINT32_MAX);
	}
}

enum err card_read(struct card **out, const struct party_id *origin, const char *json, size_t n,
		   struct report *report)
{
	struct reading r = {.card = calloc(1, sizeof *r.card), .report = report};
	cJSON *root = NULL;

	*out = NULL;
	if (!r.card)
		return ERR_MEMORY;
	if (n > CARD_JSON_MAX_BYTES)
		wrong(&r, ERR_LIMIT, "%zu bytes; at most %d are allowed", n, CARD_JSON_MAX_BYTES);
	else
		r.e = json_parse_bounded(&root, json, n, CARD_VALUES_MAX, report);
	if (!r.e && !cJSON_IsObject(root))
		wrong(&r, ERR_FORMAT, "no object");
	if (!r.e) {
		const cJSON *number = cJSON_GetObjectItemCaseSensitive(root, "number");
		r.card->number =
			number_of(&r, number, "number", (double)(UINT64_C(1) << NUMBER_MAX_BITS));
		read_endpoints(&r, root);
		read_seals(&r, root);
		read_contacts(&r, root);
		read_constituency(&r, root);
		/* Last, since verifying costs the most. */
		read_links(&r, root, origin);
	}
	cJSON_Delete(root);
	if (r.e)
		card_free(r.card);
	else
		*out = r.card;
	return r.e;
}
