#include "protocol/types.h"

#include <sodium.h>
#include <string.h>
#include <strings.h>

static const char *const tlp_words[TLP_COUNT] = {"clear", "green", "amber", "amber+strict", "red"};

const char *tlp_str(enum tlp tlp)
{
	return (unsigned)tlp < TLP_COUNT ? tlp_words[tlp] : "unknown";
}

bool tlp_parse(const char *text, enum tlp *tlp)
{
	if (strncasecmp(text, "tlp:", 4) == 0)
		text += 4;
	if (strcasecmp(text, "white") == 0)
		text = "clear";
	for (int i = 0; i < TLP_COUNT; i++) {
		if (strcasecmp(text, tlp_words[i]) == 0) {
			*tlp = (enum tlp)i;
			return true;
		}
	}
	return false;
}

struct party_id party_id_of(const struct network_id *network, const char *name)
{
	struct party_id id;
	crypto_generichash_state state;

	crypto_generichash_init(&state, NULL, 0, sizeof id.b);
	crypto_generichash_update(&state, network->b, sizeof network->b);
	crypto_generichash_update(&state, (const uint8_t *)name, strlen(name));
	crypto_generichash_final(&state, id.b, sizeof id.b);
	return id;
}

bool party_id_equal(const struct party_id *a, const struct party_id *b)
{
	return memcmp(a->b, b->b, sizeof a->b) == 0;
}

bool message_id_equal(const struct message_id *a, const struct message_id *b)
{
	return memcmp(a->b, b->b, sizeof a->b) == 0;
}

bool hash_equal(const struct hash *a, const struct hash *b)
{
	return memcmp(a->b, b->b, sizeof a->b) == 0;
}

bool bytes_zero(const void *p, size_t n)
{
	const uint8_t *b = p;
	uint8_t any = 0;

	for (size_t i = 0; i < n; i++)
		any |= b[i];
	return any == 0;
}

struct hash hash_of(const void *p, size_t n)
{
	struct hash h;

	crypto_generichash(h.b, sizeof h.b, p, n, NULL, 0);
	return h;
}

bool name_valid(const char *name)
{
	size_t n = strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-");

	return n >= 1 && n <= NAME_MAX_BYTES && name[n] == '\0';
}

char *hex_encode(char *out, const void *p, size_t n)
{
	static const char digits[] = "0123456789abcdef";
	const uint8_t *b = p;

	for (size_t i = 0; i < n; i++) {
		out[2 * i] = digits[b[i] >> 4];
		out[2 * i + 1] = digits[b[i] & 15];
	}
	out[2 * n] = '\0';
	return out;
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

bool hex_decode(void *out, size_t n, const char *text)
{
	uint8_t *b = out;

	for (size_t i = 0; i < n; i++) {
		int high = hex_digit(text[2 * i]);
		int low = high < 0 ? -1 : hex_digit(text[2 * i + 1]);
		if (low < 0)
			return false;
		b[i] = (uint8_t)(high << 4 | low);
	}
	return text[2 * n] == '\0';
}
