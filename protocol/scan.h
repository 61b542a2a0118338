/* What in a line of a log may be a value to look up.  SPEC.md 8.3.1.
 *
 * A line is cut into pieces at white space, quotes and commas; whoever checks many lines can
 * remember pieces that hold nothing known.  A piece is one value, or is cut again.  Most pieces of
 * most logs are told apart by which characters they have, without trying to read them. */
#ifndef PROTOCOL_SCAN_H
#define PROTOCOL_SCAN_H

#include "protocol/observable.h"

enum { PIECE_MAX_BYTES = 64 << 10 };

struct piece {
	const char *at;
	size_t length;
	unsigned seen; /* which sorts of characters */
};

/* The next piece between *at and end that may hold a value; *at moves behind it. */
bool piece_next(struct piece *p, const char **at, const char *end);

/* A value, as it is written in the piece and as it is looked for. */
struct candidate {
	const char *at;
	size_t length;
	enum observable_type type;
	uint8_t prefix;
	const void *
		bytes; /* the address of IPV4 and IPV6, else the canonical text, no NUL behind it */
	size_t size;
};

/* Calls found for every value of the piece, of a URL for its host and others in it too. */
void piece_values(const struct piece *p, void (*found)(void *arg, const struct candidate *c),
		  void *arg);

#endif
