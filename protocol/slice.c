/* Finding parts of a JSON text in place.  The text has passed json_parse, so nothing here checks
 * grammar; it only never leaves the text. */
#include "protocol/json_text.h"

#include <string.h>
#include <unistr.h>

/* One decoded byte of a key at a time. */
struct decoder {
	const char *at, *end;
	uint8_t pending[4]; /* of a \u escape, last byte first */
	unsigned count;
};

static unsigned decode_hex4(const char *at)
{
	unsigned value = 0;

	for (int i = 0; i < 4; i++)
		value = value * 16 +
			(unsigned)(at[i] <= '9' ? at[i] - '0' : (at[i] | 0x20) - 'a' + 10);
	return value;
}

static void decode_unicode(struct decoder *d)
{
	uint8_t utf8[4];
	uint32_t c = decode_hex4(d->at);

	d->at += 4;
	if (c >= 0xd800 && c <= 0xdbff && d->end - d->at >= 6) {
		c = 0x10000 + ((c - 0xd800) << 10) + (decode_hex4(d->at + 2) - 0xdc00);
		d->at += 6;
	}
	d->count = (unsigned)u8_uctomb(utf8, c, sizeof utf8);
	for (unsigned i = 0; i < d->count; i++)
		d->pending[d->count - 1 - i] = utf8[i];
}

/* The next byte, or -1 at the end. */
static int decode_next(struct decoder *d)
{
	static const char letters[] = "bfnrt", meant[] = "\b\f\n\r\t";
	const char *letter;

	if (d->count)
		return d->pending[--d->count];
	if (d->at >= d->end)
		return -1;
	if (*d->at != '\\')
		return (uint8_t)*d->at++;
	d->at++;
	if (*d->at == 'u') {
		d->at++;
		decode_unicode(d);
		return d->pending[--d->count];
	}
	letter = strchr(letters, *d->at);
	d->at++;
	return letter ? meant[letter - letters] : (uint8_t)d->at[-1];
}

int json_key_compare(const struct slice *a, bool a_escaped, const struct slice *b, bool b_escaped)
{
	struct decoder left = {.at = a->at, .end = a->at + a->length};
	struct decoder right = {.at = b->at, .end = b->at + b->length};
	int x, y;

	if (!a_escaped && !b_escaped) {
		size_t n = a->length < b->length ? a->length : b->length;
		int order = n ? memcmp(a->at, b->at, n) : 0;

		return order ? order : (a->length > b->length) - (a->length < b->length);
	}
	do {
		x = decode_next(&left);
		y = decode_next(&right);
	} while (x == y && x >= 0);
	return x - y;
}

static bool blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static const char *skip_blank(const char *at, const char *end)
{
	while (at < end && blank(*at))
		at++;
	return at;
}

/* From the opening quote to behind the closing one. */
static const char *skip_string(const char *at, const char *end)
{
	const char *start = ++at;

	while (at < end) {
		const char *quote = memchr(at, '"', (size_t)(end - at)), *back = quote;

		if (!quote)
			return end;
		while (back > start && back[-1] == '\\')
			back--;
		at = quote + 1;
		if ((quote - back) % 2 == 0)
			return at;
		/* Later quotes need not count these backslashes again. */
		start = at;
	}
	return end;
}

static const char *skip_value(const char *at, const char *end)
{
	unsigned depth = 0;

	while (at < end) {
		switch (*at) {
		case '"':
			at = skip_string(at, end);
			if (depth == 0)
				return at;
			continue;
		case '[':
		case '{':
			depth++;
			break;
		case ']':
		case '}':
			if (depth == 0)
				return at;
			if (--depth == 0)
				return at + 1;
			break;
		case ',':
			if (depth == 0)
				return at;
			break;
		}
		at++;
	}
	return at;
}

static struct slice trimmed(const char *at, const char *end)
{
	while (end > at && blank(end[-1]))
		end--;
	return (struct slice){at, (size_t)(end - at)};
}

/* Where the value of a key begins, or NULL. */
static const char *find_value(struct slice object, const char *key)
{
	struct slice wanted = {key, strlen(key)};
	const char *end = object.at + object.length, *at = skip_blank(object.at, end);

	if (at >= end || *at != '{')
		return NULL;
	at = skip_blank(at + 1, end);
	while (at < end && *at == '"') {
		const char *name = at + 1;
		struct slice found;

		at = skip_string(at, end);
		found = (struct slice){name, (size_t)(at - 1 - name)};
		at = skip_blank(at, end) + 1; /* the colon */
		at = skip_blank(at, end);
		if (json_key_compare(&found, true, &wanted, false) == 0)
			return at;
		at = skip_blank(skip_value(at, end), end) + 1; /* the comma or the brace */
		at = skip_blank(at, end);
	}
	return NULL;
}

bool json_member(struct slice *value, struct slice object, const char *key)
{
	const char *end = object.at + object.length, *at = find_value(object, key);

	if (at)
		*value = trimmed(at, skip_value(at, end));
	return at != NULL;
}

bool json_enter(struct slice *from, struct slice object, const char *key)
{
	const char *end = object.at + object.length, *at = find_value(object, key);

	if (at)
		*from = (struct slice){at, (size_t)(end - at)};
	return at != NULL;
}

bool json_array(struct slice *rest, struct slice array)
{
	const char *end = array.at + array.length, *at = skip_blank(array.at, end);

	if (at >= end || *at != '[')
		return false;
	at = skip_blank(at + 1, end);
	*rest = (struct slice){at, (size_t)(end - at)};
	return true;
}

bool json_next(struct slice *element, struct slice *rest)
{
	const char *end = rest->at + rest->length, *at = rest->at, *next;

	if (at >= end || *at == ']')
		return false;
	next = skip_value(at, end);
	*element = trimmed(at, next);
	at = skip_blank(next, end);
	if (at < end && *at == ',')
		at = skip_blank(at + 1, end);
	*rest = (struct slice){at, (size_t)(end - at)};
	return true;
}

enum err json_elements(struct slice *elements, size_t max, size_t *count, struct slice array)
{
	struct slice element, rest;

	*count = 0;
	if (!json_array(&rest, array))
		return ERR_FORMAT;
	while (json_next(&element, &rest)) {
		if (*count == max)
			return ERR_LIMIT;
		elements[(*count)++] = element;
	}
	return ERR_OK;
}
