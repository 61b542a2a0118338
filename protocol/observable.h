/* Values that can be looked for in traffic, files and logs.  SPEC.md 8.2.
 *
 * One canonical spelling for each value, so that equality is equality of bytes: addresses as
 * inet_ntop writes them, networks with the host bits cleared, domains in lower-case A-labels
 * without the final dot, hashes in lower case, URLs with scheme and host in lower case and the rest
 * as written. */
#ifndef PROTOCOL_OBSERVABLE_H
#define PROTOCOL_OBSERVABLE_H

#include "protocol/error.h"
#include "protocol/types.h"

enum observable_type {
	OBSERVABLE_NONE,
	OBSERVABLE_IPV4,     /* with a prefix length, /32 is left out */
	OBSERVABLE_IPV6,     /* with a prefix length, /128 is left out */
	OBSERVABLE_ENDPOINT, /* address:port, [v6]:port or domain:port */
	OBSERVABLE_DOMAIN,
	OBSERVABLE_URL,
	OBSERVABLE_PATH, /* the path of an HTTP request: /izuku.sh */
	OBSERVABLE_EMAIL,
	OBSERVABLE_MD5,
	OBSERVABLE_SHA1,
	OBSERVABLE_SHA256,
	OBSERVABLE_SHA512,
	OBSERVABLE_FILE_NAME,
	OBSERVABLE_TYPES
};

enum { OBSERVABLE_MAX_BYTES = 2048 };

struct observable {
	enum observable_type type;
	uint8_t prefix;      /* of IPV4 and IPV6: bits; else 0 */
	uint8_t address[16]; /* of IPV4 (4 bytes) and IPV6, ENDPOINT's address too (zero where that
				is a domain); network order, host bits clear */
	uint16_t length;     /* of text */
	char text[OBSERVABLE_MAX_BYTES + 1]; /* canonical */
};

/* "ipv4" "ipv6" "endpoint" "domain" "url" "path" "email" "md5" "sha1" "sha256" "sha512"
 * "file-name". */
const char *observable_type_str(enum observable_type type);
bool observable_type_parse(const char *text, enum observable_type *type);

/* Recognises and canonicalises what an operator or a list writes, defanged forms too (hxxp://, [.],
 * (.), [:], [at],
 * {.}).  File names are never guessed.  On failure returns ERR_FORMAT and *why is a static phrase.
 */
enum err observable_detect(struct observable *o, const char *text, const char **why);

/* Canonicalises text as that type, without guessing and without refanging. */
enum err observable_set(struct observable *o, enum observable_type type, const char *text,
			const char **why);

/* The STIX 2.1 pattern of equality with this value, escaped: at most 2 * OBSERVABLE_MAX_BYTES + 256
 * bytes with NUL. */
size_t observable_pattern(const struct observable *o, char *out, size_t size);

/* Days for which an indicator of this type holds unless its author says otherwise: 30, 90 or 400.
 */
unsigned observable_valid_days(enum observable_type type);

/* Every equality comparison in a STIX pattern joined by OR or AND; at most max are written, *count
 * is how many there are.  Patterns with other operators give those comparisons that they have.
 * ERR_FORMAT for what is not a pattern. */
enum err pattern_observables(struct observable *out, size_t max, size_t *count,
			     const char *pattern);

#endif
