/* What can be looked up in an object, and the ids that are made from text. */
#include <sodium.h>
#include <string.h>
#include <strings.h>

#include "protocol/stix.h"

enum { UUID_CHARS = 36 };

static size_t add(struct observable *out, size_t count, size_t max, enum observable_type type,
		  const cJSON *value)
{
	const char *text = cJSON_GetStringValue(value);

	if (!text || count == max || observable_set(&out[count], type, text, NULL) != ERR_OK)
		return count;
	return count + 1;
}

/* SPEC 8.4: "of the hashes of a file, an artifact or a certificate: MD5, SHA-1, SHA-256 and
 * SHA-512" */
static size_t add_hashes(struct observable *out, size_t count, size_t max, const cJSON *hashes)
{
	static const struct {
		const char *name;
		enum observable_type type;
	} kinds[] = {
		{"MD5", OBSERVABLE_MD5},
		{"SHA-1", OBSERVABLE_SHA1},
		{"SHA-256", OBSERVABLE_SHA256},
		{"SHA-512", OBSERVABLE_SHA512},
	};
	const cJSON *hash;

	cJSON_ArrayForEach(hash, hashes)
	{
		for (size_t i = 0; i < sizeof kinds / sizeof *kinds && hash->string; i++) {
			if (strcasecmp(hash->string, kinds[i].name) == 0)
				count = add(out, count, max, kinds[i].type, hash);
		}
	}
	return count;
}

static size_t add_cyber_observable(const struct stix_object *o, struct observable *out, size_t max)
{
	static const struct {
		const char *type, *key;
		enum observable_type value;
	} kinds[] = {
		{"ipv4-addr", "value", OBSERVABLE_IPV4},
		{"ipv6-addr", "value", OBSERVABLE_IPV6},
		{"domain-name", "value", OBSERVABLE_DOMAIN},
		{"url", "value", OBSERVABLE_URL},
		{"email-addr", "value", OBSERVABLE_EMAIL},
		{"file", "name", OBSERVABLE_FILE_NAME},
	};
	size_t count = 0;

	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
		if (strcmp(o->type, kinds[i].type) == 0)
			count = add(out, count, max, kinds[i].value,
				    cJSON_GetObjectItemCaseSensitive(o->json, kinds[i].key));
	}
	if (strcmp(o->type, "file") == 0 || strcmp(o->type, "artifact") == 0 ||
	    strcmp(o->type, "x509-certificate") == 0)
		count = add_hashes(out, count, max,
				   cJSON_GetObjectItemCaseSensitive(o->json, "hashes"));
	return count;
}

size_t stix_observables(const struct stix_object *o, struct observable *out, size_t max)
{
	size_t count;

	if (!o->pattern)
		return add_cyber_observable(o, out, max);
	if (pattern_observables(out, max, &count, o->pattern) != ERR_OK)
		return 0;
	return count < max ? count : max;
}

bool uuid_valid(const char *text)
{
	if (strlen(text) != UUID_CHARS)
		return false;
	for (int i = 0; i < UUID_CHARS; i++) {
		bool dash = i == 8 || i == 13 || i == 18 || i == 23;

		if (dash ? text[i] != '-' : !strchr("0123456789abcdefABCDEF", text[i]))
			return false;
	}
	return true;
}

static void uuid_write(char out[37], uint8_t bytes[16], uint8_t version)
{
	char hex[33];

	bytes[6] = (uint8_t)((bytes[6] & 0x0f) | version << 4);
	bytes[8] = (uint8_t)((bytes[8] & 0x3f) | 0x80);
	hex_encode(hex, bytes, 16);
	for (int from = 0, to = 0; from < 32; from++) {
		if (from == 8 || from == 12 || from == 16 || from == 20)
			out[to++] = '-';
		out[to++] = hex[from];
		out[to] = '\0';
	}
}

void uuid_of_text(char out[37], const char *text)
{
	/* SPEC 8.5: "the namespace is the sixteen bytes of the ASCII text khabardar-uuid-1" */
	static const char namespace[16] = {'k', 'h', 'a', 'b', 'a', 'r', 'd', 'a',
					   'r', '-', 'u', 'u', 'i', 'd', '-', '1'};
	crypto_generichash_state state;
	uint8_t bytes[16];

	crypto_generichash_init(&state, NULL, 0, sizeof bytes);
	crypto_generichash_update(&state, (const uint8_t *)namespace, sizeof namespace);
	crypto_generichash_update(&state, (const uint8_t *)text, strlen(text));
	crypto_generichash_final(&state, bytes, sizeof bytes);
	uuid_write(out, bytes, 5);
}

void uuid_of_random(char out[37], const uint8_t random[16])
{
	uint8_t bytes[16];

	memcpy(bytes, random, sizeof bytes);
	uuid_write(out, bytes, 4);
}
