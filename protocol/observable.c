#include "protocol/observable.h"

#include <arpa/inet.h>
#include <idn2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistr.h>

enum { DOMAIN_MAX_BYTES = 253, LABEL_MAX_BYTES = 63, LOCAL_PART_MAX_BYTES = 64 };

/* Writes the canonical form into o, whose type is set and whose rest is zero; NULL, or what is
 * wrong with text. */
typedef const char *canonical_fn(struct observable *o, const char *text);

static char lower(char c)
{
	if (c >= 'A' && c <= 'Z')
		return (char)(c + 32);
	return c;
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_hex(char c)
{
	return is_digit(c) || (lower(c) >= 'a' && lower(c) <= 'f');
}

/* A decimal number without leading zeros, the whole of the text. */
static bool number_parse(const char *text, unsigned min, unsigned max, unsigned *value)
{
	size_t n = strspn(text, "0123456789");

	*value = 0;
	if (n == 0 || n > 5 || text[n] || (text[0] == '0' && n > 1))
		return false;
	for (size_t i = 0; i < n; i++)
		*value = *value * 10 + (unsigned)(text[i] - '0');
	return *value >= min && *value <= max;
}

static const char *text_set(struct observable *o, const char *text, size_t n)
{
	if (n > OBSERVABLE_MAX_BYTES)
		return "longer than 2048 bytes";
	memcpy(o->text, text, n);
	o->text[n] = '\0';
	o->length = (uint16_t)n;
	return NULL;
}

/* Neither control characters nor, unless allowed, spaces; UTF-8. */
static const char *text_check(const char *text, bool spaces)
{
	for (const char *at = text; *at; at++) {
		if ((unsigned char)*at < 0x20 || *at == 0x7f)
			return "a control character";
		if (*at == ' ' && !spaces)
			return "a space inside";
	}
	return u8_check((const uint8_t *)text, strlen(text)) ? "not UTF-8" : NULL;
}

static void host_bits_clear(uint8_t *address, unsigned bytes, unsigned prefix)
{
	for (unsigned i = 0; i < bytes; i++) {
		unsigned keep = prefix > 8 * i ? prefix - 8 * i : 0;

		if (keep < 8)
			address[i] &= (uint8_t)(0xff00 >> keep);
	}
}

/* address or address/prefix of one family. */
static const char *network_set(struct observable *o, const char *text, int family)
{
	unsigned bits = family == AF_INET ? 32 : 128, prefix = bits;
	char copy[INET6_ADDRSTRLEN], *end;
	const char *slash = strchr(text, '/');
	size_t n = slash ? (size_t)(slash - text) : strlen(text);

	if (n >= sizeof copy)
		return "not an address";
	memcpy(copy, text, n);
	copy[n] = '\0';
	if (strchr(copy, '%'))
		return "an address with a scope id";
	if (inet_pton(family, copy, o->address) != 1)
		return family == AF_INET
			       ? "not an IPv4 address of four decimal numbers from 0 to 255"
			       : "not an IPv6 address";
	/* Prefix 0 would match everybody. */
	if (slash && !number_parse(slash + 1, 1, bits, &prefix))
		return "a prefix length that this kind of address does not have";
	o->prefix = (uint8_t)prefix;
	host_bits_clear(o->address, bits / 8, prefix);
	inet_ntop(family, o->address, o->text, INET6_ADDRSTRLEN);
	end = o->text + strlen(o->text);
	if (prefix < bits)
		end += sprintf(end, "/%u", prefix);
	o->length = (uint16_t)(end - o->text);
	return NULL;
}

static const char *ipv4_set(struct observable *o, const char *text)
{
	return network_set(o, text, AF_INET);
}

static const char *ipv6_set(struct observable *o, const char *text)
{
	return network_set(o, text, AF_INET6);
}

/* Labels of letters, digits, hyphens and underscores, as name servers see them: the names of
 * malicious hosts break the rules for well-behaved ones.  Lower-case already. */
static const char *labels_check(const char *name, size_t n, unsigned *labels)
{
	size_t start = 0;

	*labels = 0;
	if (n > DOMAIN_MAX_BYTES)
		return "a domain of more than 253 bytes";
	for (size_t i = 0; i <= n; i++) {
		if (i < n && name[i] != '.') {
			if (!is_digit(name[i]) && !(name[i] >= 'a' && name[i] <= 'z') &&
			    name[i] != '-' && name[i] != '_')
				return "a character that no domain has";
			continue;
		}
		if (i == start)
			return "a domain with an empty label";
		if (i - start > LABEL_MAX_BYTES)
			return "a domain with a label of more than 63 bytes";
		(*labels)++;
		start = i + 1;
	}
	return NULL;
}

/* Decimal or hexadecimal: as a last label it makes the name an address to some readers. */
static bool label_numeric(const char *label)
{
	bool hex = label[0] == '0' && label[1] == 'x';
	const char *at = hex ? label + 2 : label;

	while (is_digit(*at) || (hex && is_hex(*at)))
		at++;
	return *at == '\0';
}

static bool top_level_valid(const char *label)
{
	size_t n = strlen(label);

	return n >= 2 && !strchr(label, '_') && label[0] != '-' && label[n - 1] != '-' &&
	       !label_numeric(label);
}

/* Writes the n bytes of a host name in lower-case A-labels without the final dot. */
static const char *host_canonical(char out[DOMAIN_MAX_BYTES + 1], const char *text, size_t n)
{
	char copy[4 * DOMAIN_MAX_BYTES + 1], *ascii = NULL;
	const char *why = NULL, *from = copy;
	bool plain = true;
	unsigned labels;

	if (n >= sizeof copy)
		return "a domain of more than 253 bytes";
	for (size_t i = 0; i < n; i++) {
		copy[i] = lower(text[i]);
		plain = plain && (unsigned char)text[i] < 0x80;
	}
	copy[n] = '\0';
	if (!plain) {
		/* SPEC 8.2: "IDNA 2008 with the non-transitional mapping of UTS 46" */
		if (idn2_lookup_u8((const uint8_t *)copy, (uint8_t **)&ascii,
				   IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL |
					   IDN2_NO_ALABEL_ROUNDTRIP) != IDN2_OK)
			return "not a valid internationalised domain";
		from = ascii;
	}
	n = strlen(from);
	if (n && from[n - 1] == '.')
		n--;
	why = labels_check(from, n, &labels);
	if (!why) {
		memcpy(out, from, n);
		out[n] = '\0';
	}
	idn2_free(ascii);
	return why;
}

static const char *domain_canonical(char out[DOMAIN_MAX_BYTES + 1], const char *text, size_t n)
{
	const char *why = host_canonical(out, text, n), *dot;

	if (why)
		return why;
	dot = strrchr(out, '.');
	if (!dot)
		return "a domain of one label";
	if (!top_level_valid(dot + 1))
		return "neither an address nor under a top-level domain that can exist";
	return NULL;
}

static const char *domain_set(struct observable *o, const char *text)
{
	char name[DOMAIN_MAX_BYTES + 1];
	const char *why = domain_canonical(name, text, strlen(text));

	return why ? why : text_set(o, name, strlen(name));
}

/* The host of an endpoint or a URL: [v6], v4, or a name; appended to o->text, address set. */
static const char *host_add(struct observable *o, const char *host, size_t n, bool one_label)
{
	char name[DOMAIN_MAX_BYTES + 1];
	struct in_addr v4;
	struct in6_addr v6;
	const char *why, *dot;

	if (n >= 2 && host[0] == '[' && host[n - 1] == ']' && n - 2 < INET6_ADDRSTRLEN) {
		memcpy(name, host + 1, n - 2);
		name[n - 2] = '\0';
		if (inet_pton(AF_INET6, name, &v6) != 1)
			return "not an IPv6 address in brackets";
		memcpy(o->address, &v6, sizeof v6);
		inet_ntop(AF_INET6, &v6, name, INET6_ADDRSTRLEN);
		o->length = (uint16_t)(o->length + sprintf(o->text + o->length, "[%s]", name));
		return NULL;
	}
	why = host_canonical(name, host, n);
	if (why)
		return why;
	dot = strrchr(name, '.');
	if (inet_pton(AF_INET, name, &v4) == 1)
		memcpy(o->address, &v4, sizeof v4);
	else if (!dot && !one_label)
		return "a domain of one label";
	else if (dot ? !top_level_valid(dot + 1) : label_numeric(name))
		return "neither an address nor under a top-level domain that can exist";
	o->length = (uint16_t)(o->length + sprintf(o->text + o->length, "%s", name));
	return NULL;
}

static const char *endpoint_set(struct observable *o, const char *text)
{
	const char *colon = strrchr(text, ':'), *why;
	unsigned port;

	if (!colon || !number_parse(colon + 1, 0, 65535, &port))
		return "not a port from 0 to 65535";
	why = host_add(o, text, (size_t)(colon - text), false);
	if (why)
		return why;
	o->length = (uint16_t)(o->length + sprintf(o->text + o->length, ":%u", port));
	return NULL;
}

/* [userinfo@]host[:port]; the user part is kept as written. */
static const char *authority_add(struct observable *o, const char *text, size_t n)
{
	const char *at = memrchr(text, '@', n), *colon, *why;
	size_t user = at ? (size_t)(at - text) + 1 : 0, host;
	char port[6];
	unsigned number;

	memcpy(o->text + o->length, text, user);
	o->length = (uint16_t)(o->length + user);
	if (o->length + DOMAIN_MAX_BYTES + sizeof ":65535" > sizeof o->text)
		return "a URL whose user part is too long";
	text += user;
	n -= user;
	colon = memrchr(text, ':', n);
	if (colon && memchr(colon, ']', n - (size_t)(colon - text)))
		colon = NULL;
	host = colon ? (size_t)(colon - text) : n;
	if (colon) {
		if (n - host - 1 >= sizeof port)
			return "not a port from 0 to 65535";
		memcpy(port, colon + 1, n - host - 1);
		port[n - host - 1] = '\0';
		if (!number_parse(port, 0, 65535, &number))
			return "not a port from 0 to 65535";
	}
	why = host_add(o, text, host, true);
	if (!why && colon)
		o->length = (uint16_t)(o->length + sprintf(o->text + o->length, ":%u", number));
	return why;
}

static const char *url_set(struct observable *o, const char *text)
{
	const char *authority = strstr(text, "://"), *why = text_check(text, false);
	size_t scheme = authority ? (size_t)(authority - text) : 0, n, rest;

	if (why)
		return why;
	if (scheme == 0 || !(lower(text[0]) >= 'a' && lower(text[0]) <= 'z'))
		return "a URL without a scheme";
	authority += 3;
	n = strcspn(authority, "/?#");
	rest = strlen(authority + n);
	for (size_t i = 0; i < scheme; i++) {
		o->text[i] = lower(text[i]);
		if (!is_digit(text[i]) && !(o->text[i] >= 'a' && o->text[i] <= 'z') &&
		    !strchr("+-.", text[i]))
			return "a URL without a scheme";
	}
	memcpy(o->text + scheme, "://", 3);
	o->length = (uint16_t)(scheme + 3);
	why = authority_add(o, authority, n);
	memset(o->address, 0, sizeof o->address);
	if (why)
		return why;
	if (o->length + rest > OBSERVABLE_MAX_BYTES)
		return "longer than 2048 bytes";
	memcpy(o->text + o->length, authority + n, rest + 1);
	o->length = (uint16_t)(o->length + rest);
	return NULL;
}

static const char *path_set(struct observable *o, const char *text)
{
	const char *why = text_check(text, false);

	if (why)
		return why;
	if (text[0] != '/')
		return "a path that does not start with a slash";
	if (!text[1])
		return "a path that every request has";
	return text_set(o, text, strlen(text));
}

static const char *email_set(struct observable *o, const char *text)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyz0123456789!#$%&'*+-/=?^_`{|}~.";
	const char *at = strrchr(text, '@'), *why = text_check(text, false);
	char name[DOMAIN_MAX_BYTES + 1];
	size_t n = at ? (size_t)(at - text) : 0;

	if (why)
		return why;
	if (n == 0 || n > LOCAL_PART_MAX_BYTES)
		return "not an e-mail address";
	for (size_t i = 0; i < n; i++) {
		o->text[i] = lower(text[i]);
		if ((unsigned char)text[i] < 0x80 && !strchr(allowed, o->text[i]))
			return "a character that no e-mail address has";
	}
	why = domain_canonical(name, at + 1, strlen(at + 1));
	if (why)
		return why;
	o->length = (uint16_t)(n + (size_t)sprintf(o->text + n, "@%s", name));
	return NULL;
}

static const char *hash_set(struct observable *o, const char *text, size_t digits)
{
	if (strlen(text) != digits)
		return "not as many digits as this hash has";
	for (size_t i = 0; i < digits; i++) {
		if (!is_hex(text[i]))
			return "a hash with something else than hexadecimal digits";
		o->text[i] = lower(text[i]);
	}
	o->text[digits] = '\0';
	o->length = (uint16_t)digits;
	return NULL;
}

static const char *md5_set(struct observable *o, const char *text)
{
	return hash_set(o, text, 32);
}

static const char *sha1_set(struct observable *o, const char *text)
{
	return hash_set(o, text, 40);
}

static const char *sha256_set(struct observable *o, const char *text)
{
	return hash_set(o, text, 64);
}

static const char *sha512_set(struct observable *o, const char *text)
{
	return hash_set(o, text, 128);
}

static const char *file_name_set(struct observable *o, const char *text)
{
	const char *why = text_check(text, true);

	if (why)
		return why;
	return *text ? text_set(o, text, strlen(text)) : "an empty file name";
}

static const struct {
	const char *word;
	canonical_fn *set;
	unsigned valid_days;
} types[OBSERVABLE_TYPES] = {
	[OBSERVABLE_IPV4] = {"ipv4", ipv4_set, 30},
	[OBSERVABLE_IPV6] = {"ipv6", ipv6_set, 30},
	[OBSERVABLE_ENDPOINT] = {"endpoint", endpoint_set, 30},
	[OBSERVABLE_DOMAIN] = {"domain", domain_set, 90},
	[OBSERVABLE_URL] = {"url", url_set, 90},
	[OBSERVABLE_PATH] = {"path", path_set, 90},
	[OBSERVABLE_EMAIL] = {"email", email_set, 90},
	[OBSERVABLE_MD5] = {"md5", md5_set, 400},
	[OBSERVABLE_SHA1] = {"sha1", sha1_set, 400},
	[OBSERVABLE_SHA256] = {"sha256", sha256_set, 400},
	[OBSERVABLE_SHA512] = {"sha512", sha512_set, 400},
	[OBSERVABLE_FILE_NAME] = {"file-name", file_name_set, 400},
};

const char *observable_type_str(enum observable_type type)
{
	if ((unsigned)type < OBSERVABLE_TYPES && types[type].word)
		return types[type].word;
	return "unknown";
}

bool observable_type_parse(const char *text, enum observable_type *type)
{
	for (int i = OBSERVABLE_NONE + 1; i < OBSERVABLE_TYPES; i++) {
		if (strcmp(text, types[i].word) == 0) {
			*type = (enum observable_type)i;
			return true;
		}
	}
	return false;
}

unsigned observable_valid_days(enum observable_type type)
{
	return (unsigned)type < OBSERVABLE_TYPES ? types[type].valid_days : 0;
}

enum err observable_set(struct observable *o, enum observable_type type, const char *text,
			const char **why)
{
	const char *wrong = "no such type";

	memset(o, 0, offsetof(struct observable, text) + 1);
	if (type > OBSERVABLE_NONE && type < OBSERVABLE_TYPES) {
		o->type = type;
		wrong = strlen(text) > OBSERVABLE_MAX_BYTES ? "longer than 2048 bytes"
							    : types[type].set(o, text);
	}
	if (!wrong)
		return ERR_OK;
	memset(o, 0, offsetof(struct observable, text) + 1);
	if (why)
		*why = wrong;
	return ERR_FORMAT;
}
