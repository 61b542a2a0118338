/* What the two halves of the reader of STIX patterns share: the grammar (pattern.c) and what a path
 * and a value mean (pattern_value.c).  Not for others. */
#ifndef PROTOCOL_PATTERN_H
#define PROTOCOL_PATTERN_H

#include "protocol/observable.h"

/* What a path may be compared with.  NETWORK: an address, a domain, or what people write in their
 * place. */
enum meaning {
	MEANING_NONE,
	MEANING_NETWORK,
	MEANING_DESTINATION, /* the same, and half of an endpoint */
	MEANING_PORT,
	MEANING_REQUEST,
	MEANING_EMAIL,
	MEANING_FILE_NAME,
	MEANING_HASH,
};

/* What the n bytes of an object path stand for. */
enum meaning path_meaning(const char *path, size_t n);

/* The value that path is compared with, text being without escapes.  False when it is none that can
 * be looked up. */
bool value_read(struct observable *o, enum meaning meaning, const char *path, size_t n,
		const char *text);

#endif
