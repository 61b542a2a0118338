#include "protocol/topology_value.h"

#include <arpa/inet.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "protocol/topology.h"

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Reads leading digits; false when there are none, too many, or a leading zero. */
static bool read_digits(uint64_t *out, const char **at)
{
	const char *start = *at;
	uint64_t n = 0;

	while (is_digit(**at) && *at - start < 19)
		n = n * 10 + (uint64_t)(*(*at)++ - '0');
	*out = n;
	return *at > start && !is_digit(**at) && (*start != '0' || *at == start + 1);
}

const char *value_number(uint64_t *out, const char *text, uint64_t least, uint64_t most)
{
	if (!read_digits(out, &text) || *text != '\0')
		return "not a number (decimal digits, no leading zero)";
	if (*out < least)
		return "too small";
	return *out > most ? "too large" : NULL;
}

const char *value_size(uint64_t *out, const char *text)
{
	static const struct {
		const char *name;
		unsigned shift;
	} units[] = {{"", 0}, {"KiB", 10}, {"MiB", 20}, {"GiB", 30}};

	if (!read_digits(out, &text))
		return "not a size: write 500 MiB, for instance";
	text += *text == ' ';
	for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
		if (strcmp(text, units[i].name) != 0)
			continue;
		if (*out > (uint64_t)1 << (50 - units[i].shift))
			return "too large";
		*out <<= units[i].shift;
		return NULL;
	}
	return "not a size: the units are KiB, MiB and GiB";
}

static bool two_digits(unsigned *out, const char *at)
{
	if (!is_digit(at[0]) || !is_digit(at[1]))
		return false;
	*out = (unsigned)(at[0] - '0') * 10 + (unsigned)(at[1] - '0');
	return true;
}

static bool leap_year(unsigned year)
{
	return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

const char *value_date(uint32_t *days, const char *text)
{
	static const uint8_t lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	unsigned century, year, month, day;
	uint32_t n;

	if (strlen(text) != 10 || text[4] != '-' || text[7] != '-' || !two_digits(&century, text) ||
	    !two_digits(&year, text + 2) || !two_digits(&month, text + 5) ||
	    !two_digits(&day, text + 8))
		return "not a date: write 2027-12-31, for instance";
	year += century * 100;
	if (month < 1 || month > 12 || day < 1 ||
	    day > lengths[month - 1] + (unsigned)(month == 2 && leap_year(year)))
		return "there is no such day";
	if (year < 1970)
		return "before 1970";
	n = (year - 1970) * 365 + (year - 1969) / 4 - (year - 1901) / 100 + (year - 1601) / 400;
	for (unsigned m = 1; m < month; m++)
		n += lengths[m - 1] + (uint32_t)(m == 2 && leap_year(year));
	*days = n + day - 1;
	return NULL;
}

static bool label_valid(const char *at, size_t n, const char *alphabet)
{
	return n >= 1 && n <= 63 && strspn(at, alphabet) >= n && at[0] != '-' && at[n - 1] != '-';
}

/* Labels of letters, digits and hyphens; the last is not all digits, or it would be an address. */
static bool host_name_valid(const char *at, const char *alphabet)
{
	size_t n;

	if (strlen(at) > 253)
		return false;
	for (;; at += n + 1) {
		n = strcspn(at, ".");
		if (!label_valid(at, n, alphabet))
			return false;
		if (at[n] == '\0')
			return strspn(at, "0123456789") < n;
	}
}

static const char *host_check(const char *host)
{
	uint8_t address[16];
	size_t n = strlen(host);

	if (host[0] == '[' && host[n - 1] == ']') {
		char inner[INET6_ADDRSTRLEN];
		if (n - 2 >= sizeof inner)
			return "not an IPv6 address in the brackets";
		memcpy(inner, host + 1, n - 2);
		inner[n - 2] = '\0';
		if (inet_pton(AF_INET6, inner, address) != 1)
			return "not an IPv6 address in the brackets";
		return bytes_zero(address, 16) ? "a wildcard cannot be dialed" : NULL;
	}
	if (inet_pton(AF_INET, host, address) == 1)
		return bytes_zero(address, 4) ? "a wildcard cannot be dialed" : NULL;
	if (strcmp(host, "*") == 0)
		return "a wildcard cannot be dialed";
	if (!host_name_valid(host,
			     "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-"))
		return "not a host name or address (an IPv6 address stands in brackets)";
	return NULL;
}

const char *value_endpoint(const char *text)
{
	char host[ENDPOINT_MAX_BYTES + 1];
	const char *colon = strrchr(text, ':');
	uint64_t port;

	if (strlen(text) > ENDPOINT_MAX_BYTES)
		return "too long";
	if (strncmp(text, "tcp://", 6) != 0 || !colon || colon < text + 6)
		return "not an endpoint: write tcp://host:port";
	if (value_number(&port, colon + 1, 1, 65535))
		return "the port is a number from 1 to 65535";
	if (colon == text + 6)
		return "the host is missing";
	memcpy(host, text + 6, (size_t)(colon - text) - 6);
	host[colon - text - 6] = '\0';
	return host_check(host);
}

static bool host_bits_clear(const uint8_t *address, size_t bytes, uint64_t prefix)
{
	for (size_t i = 0; i < bytes * 8; i++)
		if (i >= prefix && address[i / 8] >> (7 - i % 8) & 1)
			return false;
	return true;
}

const char *value_network(const char *text)
{
	char spelled[INET6_ADDRSTRLEN], again[INET6_ADDRSTRLEN];
	const char *slash = strchr(text, '/');
	int family = strchr(text, ':') ? AF_INET6 : AF_INET;
	size_t bytes = family == AF_INET6 ? 16 : 4;
	uint8_t address[16];
	uint64_t prefix;

	if (!slash || (size_t)(slash - text) >= sizeof spelled)
		return "not a network: write 203.0.113.0/24, for instance";
	memcpy(spelled, text, (size_t)(slash - text));
	spelled[slash - text] = '\0';
	if (inet_pton(family, spelled, address) != 1)
		return "not a network: write 203.0.113.0/24, for instance";
	if (value_number(&prefix, slash + 1, 0, bytes * 8))
		return "the prefix length is not one";
	if (!host_bits_clear(address, bytes, prefix))
		return "bits are set beyond the prefix length";
	if (strcmp(inet_ntop(family, address, again, sizeof again), spelled) != 0)
		return "the address is not in its shortest lower-case spelling";
	return NULL;
}

const char *value_domain(const char *text)
{
	if (!host_name_valid(text, "abcdefghijklmnopqrstuvwxyz0123456789-"))
		return "not a domain name in lower-case ASCII (xn-- form), without a final dot";
	return NULL;
}

bool value_curve_key_usable(const uint8_t key[LINK_KEY_BYTES])
{
	const uint8_t scalar[32] = {1};
	uint8_t product[32];

	return crypto_scalarmult(product, scalar, key) == 0;
}

bool value_word(char *out, size_t size, const char **text)
{
	const char *at = *text + strspn(*text, " ");
	size_t n = strcspn(at, " ");

	*text = at + n;
	if (n >= size)
		n = size - 1;
	memcpy(out, at, n);
	out[n] = '\0';
	return n > 0;
}
