/* What must never be blocked, whoever says so: addresses that are everybody's own, networks that
 * are half the Internet, names on which name resolution itself stands. */
#include <string.h>

#include "node/format/export_parts.h"

enum { IPV4_PREFIX_MIN = 8, IPV6_PREFIX_MIN = 24 };

struct range {
	uint8_t prefix; /* bits */
	uint8_t address[16];
};

/* SPEC 8.8: the ranges that no blocking format holds.  Those for documentation are not among
 * them: they hurt nobody and are what examples are made of. */
static const struct range ranges4[] = {
	{8, {0}},          /* this host */
	{8, {10}},         /* private */
	{10, {100, 64}},   /* shared with a carrier */
	{8, {127}},        /* loopback */
	{16, {169, 254}},  /* link-local */
	{12, {172, 16}},   /* private */
	{24, {192, 0, 0}}, /* of protocols */
	{16, {192, 168}},  /* private */
	{4, {224}},        /* multicast */
	{4, {240}},        /* reserved, broadcast */
};
static const struct range ranges6[] = {
	{96, {0}}, /* unspecified, loopback, IPv4 in IPv6 as it once was */
	{96, {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff}}, /* IPv4 in IPv6 */
	{32, {0, 0x64, 0xff, 0x9b}},                      /* translation to IPv4 */
	{16, {0x20, 0x02}},                               /* 6to4 */
	{7, {0xfc}},                                      /* private */
	{10, {0xfe, 0x80}},                               /* link-local */
	{8, {0xff}},                                      /* multicast */
};

/* One lies in the other. */
static bool overlaps(const uint8_t *a, unsigned a_bits, const uint8_t *b, unsigned b_bits)
{
	unsigned bits = a_bits < b_bits ? a_bits : b_bits;
	uint8_t mask = (uint8_t)(0xff00 >> bits % 8);

	return memcmp(a, b, bits / 8) == 0 &&
	       (bits % 8 == 0 || ((a[bits / 8] ^ b[bits / 8]) & mask) == 0);
}

static bool reserved(const uint8_t *address, unsigned prefix, const struct range *ranges, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (overlaps(address, prefix, ranges[i].address, ranges[i].prefix))
			return true;
	return false;
}

static bool reserved4(const uint8_t *address, unsigned prefix)
{
	return reserved(address, prefix, ranges4, sizeof ranges4 / sizeof *ranges4);
}

static bool reserved6(const uint8_t *address, unsigned prefix)
{
	return reserved(address, prefix, ranges6, sizeof ranges6 / sizeof *ranges6);
}

static bool ends_in(const char *name, const char *label)
{
	size_t n = strlen(name), m = strlen(label);

	return n == m ? strcmp(name, label) == 0
		      : n > m && name[n - m - 1] == '.' && strcmp(name + n - m, label) == 0;
}

/* SPEC 8.8: "names below localhost, localdomain, local, internal and arpa, and those whose last
 * label begins with rpz-, which a zone would take for something else" */
static bool name_reserved(const char *name)
{
	static const char *const labels[] = {"localhost", "localdomain", "local", "internal",
					     "arpa"};
	const char *dot = strrchr(name, '.');

	for (size_t i = 0; i < sizeof labels / sizeof *labels; i++)
		if (ends_in(name, labels[i]))
			return true;
	return strncmp(dot ? dot + 1 : name, "rpz-", 4) == 0;
}

bool export_protected(const struct observable *v, const char **why)
{
	static const char *const ranges = "private, reserved or multicast addresses",
				 *const giant = "networks too large to be blocked",
				 *const names = "names that must resolve";
	struct observable host;
	unsigned port;

	*why = ranges;
	switch (v->type) {
	case OBSERVABLE_IPV4:
	case OBSERVABLE_IPV6:
		if (v->prefix < (v->type == OBSERVABLE_IPV4 ? IPV4_PREFIX_MIN : IPV6_PREFIX_MIN)) {
			*why = giant;
			return true;
		}
		return v->type == OBSERVABLE_IPV4 ? reserved4(v->address, v->prefix)
						  : reserved6(v->address, v->prefix);
	case OBSERVABLE_ENDPOINT:
		return export_host(v, &host, &port) && export_protected(&host, why);
	case OBSERVABLE_DOMAIN:
		*why = names;
		return name_reserved(v->text);
	case OBSERVABLE_URL:
	case OBSERVABLE_PATH:
	case OBSERVABLE_EMAIL:
	case OBSERVABLE_MD5:
	case OBSERVABLE_SHA1:
	case OBSERVABLE_SHA256:
	case OBSERVABLE_SHA512:
	case OBSERVABLE_FILE_NAME:
	case OBSERVABLE_NONE:
	case OBSERVABLE_TYPES:
		break;
	}
	return false;
}
