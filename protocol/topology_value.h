/* The values that a topology's keys have: numbers, dates, endpoints, networks.  SPEC.md 4.2.
 *
 * Each reads exactly one spelling and returns NULL, or a static phrase that says what is wrong. */
#ifndef PROTOCOL_TOPOLOGY_VALUE_H
#define PROTOCOL_TOPOLOGY_VALUE_H

#include "protocol/types.h"

/* Decimal digits without sign or leading zeros, least <= *out <= most. */
const char *value_number(uint64_t *out, const char *text, uint64_t least, uint64_t most);
/* A number of bytes, with KiB, MiB or GiB or nothing after it. */
const char *value_size(uint64_t *out, const char *text);
/* "2027-12-31", a day that exists, 1970 to 9999: whole days since 1970-01-01. */
const char *value_date(uint32_t *days, const char *text);
/* "tcp://host:port": a host that can be dialed (a name, IPv4, or [IPv6]; no wildcard), port 1 to
 * 65535. */
const char *value_endpoint(const char *text);
/* "203.0.113.0/24", "2001:db8::/32": host bits clear, address in its shortest spelling. */
const char *value_network(const char *text);
/* A domain name in lower-case A-labels, without the final dot. */
const char *value_domain(const char *text);

/* A Curve25519 point of small order gives everybody the same secret. */
bool value_curve_key_usable(const uint8_t key[LINK_KEY_BYTES]);

/* The next word of text, words being separated by spaces: false when there is none.  A word that
 * does not fit is cut off, which no valid one is. */
bool value_word(char *out, size_t size, const char **text);

#endif
