/* Strict reading of JSON from strangers, on top of cJSON.  SPEC.md 3.6.
 *
 * cJSON accepts bytes that are not UTF-8, keeps duplicate keys and nests to 1,000; I-JSON readers
 * elsewhere do not, and two readers that disagree about one text are two truths.  So: UTF-8 first,
 * depth and duplicates next, then cJSON. */
#ifndef PROTOCOL_JSON_H
#define PROTOCOL_JSON_H

#include <cjson/cJSON.h>
#include <stdint.h>

#include "protocol/error.h"
#include "protocol/report.h"
#include "protocol/types.h"

/* Part of a text, borrowed. */
struct slice {
	const char *at;
	size_t length; /* bytes */
};

enum {
	JSON_NUMBER_MAX_BYTES = 63,  /* what cJSON reads of a number */
	JSON_VALUES_MAX = 4 << 20,   /* about 80 bytes of memory each */
	BODY_VALUES_MAX = 256 << 10, /* of a body that came from a peer */
};

/* Reads exactly n bytes (white space may follow).  Refused, with line and column (in characters,
 * from 1) in report: not UTF-8, a byte order mark, NUL and \u0000, half surrogate pairs, depth over
 * JSON_DEPTH_MAX, more than JSON_VALUES_MAX values, duplicate keys in an object (as decoded),
 * anything after the value, numbers outside double or over JSON_NUMBER_MAX_BYTES.  ERR_TRUNCATED,
 * ERR_TRAILING, ERR_LIMIT, ERR_FORMAT, ERR_MEMORY.  The caller frees *out with cJSON_Delete(). */
enum err json_parse(cJSON **out, const char *text, size_t n, struct report *report);
/* The same with a bound on the values (objects, arrays, strings, numbers, words), and so on the
 * memory that a stranger's text can take. */
enum err json_parse_bounded(cJSON **out, const char *text, size_t n, size_t values_max,
			    struct report *report);

/* The members of an array, in place: json_member finds the value of a key of the object that text
 * is, json_elements the elements of the array that text is, at most max of them (ERR_LIMIT beyond).
 * The text must have passed json_parse. */
bool json_member(struct slice *value, struct slice object, const char *key);
enum err json_elements(struct slice *elements, size_t max, size_t *count, struct slice array);
/* The same for whoever wants but a part of it, and does not look for the end of the rest:
 * json_enter gives the object from where the value of the key begins; json_array what stands behind
 * the opening bracket of the array that the text begins with; json_next takes the next element off
 * that, false at its end. */
bool json_enter(struct slice *from, struct slice object, const char *key);
bool json_array(struct slice *rest, struct slice array);
bool json_next(struct slice *element, struct slice *rest);

/* A growing text.  text_json appends s, which is UTF-8, as a JSON string with its quotes. */
struct text {
	char *at; /* owned, NUL-terminated once anything was added */
	size_t length, size;
	bool bad; /* an allocation failed; what follows is not added */
};
void text_init(struct text *t);
void text_clear(struct text *t);
void text_add(struct text *t, const char *s, size_t n);
void text_str(struct text *t, const char *s);
void text_format(struct text *t, const char *format, ...) __attribute__((format(printf, 2, 3)));
void text_json(struct text *t, const char *s);
/* Drops the last character of what was UTF-8 and was cut at some byte, if only a part of it is
 * left. */
void utf8_trim(char *s);

/* RFC 3339 UTC with milliseconds, "2026-11-21T22:00:00.000Z": 25 bytes with the NUL.  time_parse
 * takes one to nine fraction digits or none, only Z, real dates from 1970 to 9999, and gives ms
 * (further digits cut off). */
enum { TIME_BYTES = 25 };
char *time_format(char out[TIME_BYTES], uint64_t ms);
bool time_parse(uint64_t *ms, const char *text);

#endif
