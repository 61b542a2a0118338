/* One pass over the text proves that it is strict JSON, so that cJSON, which comes after it, has
 * nothing left to be lenient about. */
#include "protocol/json.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistr.h>

#include "protocol/json_text.h"

enum { FEW_KEYS = 16 };

struct key {
	struct slice text; /* between the quotes */
	bool escaped;
};

struct scan {
	const char *start, *at, *end;
	size_t values, values_max;
	struct key *keys; /* of the objects that are open, outermost first */
	size_t key_count, key_size;
	enum err err;
	const char *why;     /* static phrase */
	struct slice detail; /* the key it is about */
	const char *where;
};

static bool fail_at(struct scan *s, const char *where, enum err err, const char *why)
{
	s->err = err;
	s->why = why;
	s->where = where;
	return false;
}

static bool fail(struct scan *s, enum err err, const char *why)
{
	if (s->at >= s->end)
		return fail_at(s, s->end, ERR_TRUNCATED, "the text ends inside a value");
	return fail_at(s, s->at, err, why);
}

static void scan_blank(struct scan *s)
{
	while (s->at < s->end &&
	       (*s->at == ' ' || *s->at == '\t' || *s->at == '\n' || *s->at == '\r'))
		s->at++;
}

static bool scan_char(struct scan *s, char c)
{
	if (s->at >= s->end || *s->at != c)
		return false;
	s->at++;
	return true;
}

/* Four hexadecimal digits; -1 when they are not. */
static int hex4(const char *at, const char *end)
{
	int value = 0;

	if (end - at < 4)
		return -1;
	for (int i = 0; i < 4; i++) {
		char c = at[i];

		if (c >= '0' && c <= '9')
			value = value * 16 + (c - '0');
		else if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f')
			value = value * 16 + ((c | 0x20) - 'a' + 10);
		else
			return -1;
	}
	return value;
}

static bool scan_unicode(struct scan *s)
{
	int unit = hex4(s->at + 1, s->end), low;

	if (unit < 0)
		return fail(s, ERR_FORMAT, "\\u needs four hexadecimal digits");
	/* cJSON would end the string here and two readers would see two texts. */
	if (unit == 0)
		return fail(s, ERR_FORMAT, "\\u0000 in a string");
	s->at += 5;
	if (unit < 0xd800 || unit > 0xdfff)
		return true;
	low = s->end - s->at >= 6 && s->at[0] == '\\' && s->at[1] == 'u' ? hex4(s->at + 2, s->end)
									 : -1;
	if (unit > 0xdbff || low < 0xdc00 || low > 0xdfff)
		return fail_at(s, s->at - 6, ERR_FORMAT, "half of a surrogate pair");
	s->at += 6;
	return true;
}

static bool scan_escape(struct scan *s)
{
	s->at++;
	if (s->at < s->end && *s->at == 'u')
		return scan_unicode(s);
	if (s->at >= s->end || !*s->at || !strchr("\"\\/bfnrt", *s->at))
		return fail(s, ERR_FORMAT, "no such escape in a string");
	s->at++;
	return true;
}

static bool scan_string(struct scan *s, struct key *out)
{
	const char *start = ++s->at;
	bool escaped = false;

	for (;;) {
		const char *at = s->at;

		while (at < s->end && (unsigned char)*at >= 0x20 && *at != '"' && *at != '\\')
			at++;
		s->at = at;
		if (at < s->end && *at == '"')
			break;
		if (at >= s->end || *at != '\\')
			return fail(s, ERR_FORMAT, "a control character in a string");
		escaped = true;
		if (!scan_escape(s))
			return false;
	}
	*out = (struct key){{start, (size_t)(s->at - start)}, escaped};
	s->at++;
	return true;
}

static bool scan_digits(struct scan *s)
{
	const char *start = s->at;

	while (s->at < s->end && *s->at >= '0' && *s->at <= '9')
		s->at++;
	return s->at > start || fail(s, ERR_FORMAT, "a number needs a digit here");
}

static bool number_finite(const char *start, size_t n)
{
	char copy[JSON_NUMBER_MAX_BYTES + 1];

	memcpy(copy, start, n);
	copy[n] = '\0';
	return isfinite(strtod(copy, NULL));
}

static bool scan_number(struct scan *s)
{
	const char *start = s->at;

	scan_char(s, '-');
	if (!scan_char(s, '0') && !scan_digits(s))
		return false;
	if (scan_char(s, '.') && !scan_digits(s))
		return false;
	if (scan_char(s, 'e') || scan_char(s, 'E')) {
		if (!scan_char(s, '+'))
			scan_char(s, '-');
		if (!scan_digits(s))
			return false;
	}
	/* SPEC 3.6: "A number is at most 63 bytes long and finite as an IEEE 754 double." */
	if (s->at - start > JSON_NUMBER_MAX_BYTES)
		return fail_at(s, start, ERR_LIMIT, "a number of more than 63 characters");
	if (!number_finite(start, (size_t)(s->at - start)))
		return fail_at(s, start, ERR_LIMIT, "a number that is too large");
	return true;
}

static bool scan_word(struct scan *s, const char *word)
{
	size_t n = strlen(word);

	if ((size_t)(s->end - s->at) < n || memcmp(s->at, word, n) != 0)
		return fail(s, ERR_FORMAT, "not a JSON value");
	s->at += n;
	return true;
}

static bool key_push(struct scan *s, const struct key *key)
{
	if (s->key_count == s->key_size) {
		size_t size = s->key_size ? 2 * s->key_size : 64;
		struct key *keys = realloc(s->keys, size * sizeof *keys);

		if (!keys)
			return fail_at(s, s->at, ERR_MEMORY, err_str(ERR_MEMORY));
		s->keys = keys;
		s->key_size = size;
	}
	s->keys[s->key_count++] = *key;
	return true;
}

static int key_order(const void *a, const void *b)
{
	const struct key *left = a, *right = b;
	int order = json_key_compare(&left->text, left->escaped, &right->text, right->escaped);

	if (order)
		return order;
	return left->text.at < right->text.at ? -1 : left->text.at > right->text.at;
}

static bool key_same(const struct key *a, const struct key *b)
{
	if (!a->escaped && !b->escaped)
		return a->text.length == b->text.length &&
		       memcmp(a->text.at, b->text.at, a->text.length) == 0;
	return json_key_compare(&a->text, a->escaped, &b->text, b->escaped) == 0;
}

static bool fail_duplicate(struct scan *s, const struct key *again)
{
	s->detail = again->text;
	return fail_at(s, again->text.at - 1, ERR_FORMAT, "the same key twice in one object");
}

/* Two readers may keep different ones of two equal keys. */
static bool keys_distinct(struct scan *s, size_t first)
{
	struct key *keys = s->keys + first;
	size_t n = s->key_count - first;

	if (n > FEW_KEYS) {
		qsort(keys, n, sizeof *keys, key_order);
		for (size_t i = 1; i < n; i++) {
			if (key_same(&keys[i - 1], &keys[i]))
				return fail_duplicate(s, &keys[i]);
		}
		return true;
	}
	for (size_t i = 1; i < n; i++) {
		for (size_t j = 0; j < i; j++) {
			if (key_same(&keys[i], &keys[j]))
				return fail_duplicate(s, &keys[i]);
		}
	}
	return true;
}

static bool scan_value(struct scan *s, unsigned depth);

static bool scan_object(struct scan *s, unsigned depth)
{
	size_t first = s->key_count;

	s->at++;
	scan_blank(s);
	if (scan_char(s, '}'))
		return true;
	do {
		struct key key;

		scan_blank(s);
		if (s->at >= s->end || *s->at != '"')
			return fail(s, ERR_FORMAT, "a key in quotes belongs here");
		if (!scan_string(s, &key) || !key_push(s, &key))
			return false;
		scan_blank(s);
		if (!scan_char(s, ':'))
			return fail(s, ERR_FORMAT, "a colon belongs here");
		if (!scan_value(s, depth))
			return false;
		scan_blank(s);
	} while (scan_char(s, ','));
	if (!scan_char(s, '}'))
		return fail(s, ERR_FORMAT, "a comma or a closing brace belongs here");
	if (!keys_distinct(s, first))
		return false;
	s->key_count = first;
	return true;
}

static bool scan_array(struct scan *s, unsigned depth)
{
	s->at++;
	scan_blank(s);
	if (scan_char(s, ']'))
		return true;
	do {
		if (!scan_value(s, depth))
			return false;
		scan_blank(s);
	} while (scan_char(s, ','));
	return scan_char(s, ']') ||
	       fail(s, ERR_FORMAT, "a comma or a closing bracket belongs here");
}

static bool scan_value(struct scan *s, unsigned depth)
{
	struct key ignored;

	scan_blank(s);
	if (s->at >= s->end)
		return fail(s, ERR_TRUNCATED, NULL);
	if (++s->values > s->values_max)
		return fail(s, ERR_LIMIT, "too many values in one text");
	switch (*s->at) {
	case '{':
	case '[':
		/* SPEC 3.6: "Objects and arrays nest to a depth of 64." */
		if (depth == JSON_DEPTH_MAX)
			return fail(s, ERR_LIMIT, "nested more than 64 deep");
		return *s->at == '{' ? scan_object(s, depth + 1) : scan_array(s, depth + 1);
	case '"':
		return scan_string(s, &ignored);
	case 't':
		return scan_word(s, "true");
	case 'f':
		return scan_word(s, "false");
	case 'n':
		return scan_word(s, "null");
	case '-':
		return scan_number(s);
	}
	if (*s->at >= '0' && *s->at <= '9')
		return scan_number(s);
	return fail(s, ERR_FORMAT, "not a JSON value");
}

/* The first byte that is not UTF-8, or NULL.  Most texts are ASCII, which eight bytes at a time
 * tell. */
static const char *not_utf8(const char *text, size_t n)
{
	const uint64_t high = 0x8080808080808080ULL;
	size_t at = 0;
	uint64_t word;

	for (; n - at >= sizeof word; at += sizeof word) {
		memcpy(&word, text + at, sizeof word);
		if (word & high)
			break;
	}
	return (const char *)u8_check((const uint8_t *)text + at, n - at);
}

static void scan_all(struct scan *s)
{
	const char *bad = not_utf8(s->start, (size_t)(s->end - s->start));

	if (bad) {
		fail_at(s, bad, ERR_FORMAT, "not UTF-8");
		return;
	}
	if (s->end - s->start >= 3 && memcmp(s->start, "\xef\xbb\xbf", 3) == 0) {
		fail_at(s, s->start, ERR_FORMAT, "a byte order mark; save the text without it");
		return;
	}
	if (!scan_value(s, 0))
		return;
	scan_blank(s);
	if (s->at < s->end)
		fail_at(s, s->at, ERR_TRAILING, "the text goes on after its value");
}

/* Lines and columns from 1; a column is a character, not a byte. */
static void scan_report(const struct scan *s, struct report *report)
{
	size_t line = 1, column = 1;

	for (const char *at = s->start; at < s->where; at++) {
		if (*at == '\n') {
			line++;
			column = 1;
		} else if (((unsigned char)*at & 0xc0) != 0x80) {
			column++;
		}
	}
	if (s->detail.at)
		report_add(report, "line %zu, column %zu: %s: \"%.*s\"", line, column, s->why,
			   s->detail.length > 80 ? 80 : (int)s->detail.length, s->detail.at);
	else
		report_add(report, "line %zu, column %zu: %s", line, column, s->why);
}

enum err json_parse_bounded(cJSON **out, const char *text, size_t n, size_t values_max,
			    struct report *report)
{
	struct scan s = {.start = text, .at = text, .end = text + n, .values_max = values_max};

	*out = NULL;
	scan_all(&s);
	free(s.keys);
	if (s.err) {
		scan_report(&s, report);
		return s.err;
	}
	*out = cJSON_ParseWithLength(text, n);
	if (!*out) {
		report_add(report, "JSON: %s", err_str(ERR_MEMORY));
		return ERR_MEMORY;
	}
	return ERR_OK;
}

enum err json_parse(cJSON **out, const char *text, size_t n, struct report *report)
{
	return json_parse_bounded(out, text, n, JSON_VALUES_MAX, report);
}
