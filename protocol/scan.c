#include "protocol/scan.h"

#include <string.h>
#include <unistr.h>

enum sort {
	DIGIT = 1,
	HEX = 2,    /* the letters of hexadecimal digits */
	LETTER = 4, /* the others */
	DASH = 8,   /* and underscore */
	DOT = 16,
	COLON = 32,
	SLASH = 64,
	AT = 128,
	QUESTION = 256, /* ? and # */
	EQUAL = 512,    /* = and & */
	GUARD = 1024,   /* brackets of all sorts, and the backslash */
	HIGH = 2048,
	CONTROL = 4096,
	OTHER = 8192,
	STOP = 16384,
};

/* Without any of these there is nothing but, perhaps, a hash. */
enum { TELLING = DOT | COLON | SLASH | AT | QUESTION | EQUAL | GUARD };
/* With any of these a value may be written in more than one way. */
enum { INTRICATE = SLASH | AT | QUESTION | GUARD | HIGH | CONTROL };

enum {
	VALUE_MIN_BYTES = 3,
	MD5_DIGITS = 32,
	DOMAIN_MAX_BYTES = 253,
	LABEL_MAX_BYTES = 63,
	LEVELS = 4,
	LEVEL_OF_URL = 2,
};

#define SORTS_8(s) s, s, s, s, s, s, s, s
#define SORTS_32(s) SORTS_8(s), SORTS_8(s), SORTS_8(s), SORTS_8(s)

/* clang-format off */
static const uint16_t sorts[256] = {
	/* 0x00 */ STOP, CONTROL, CONTROL, CONTROL, CONTROL, CONTROL, CONTROL, CONTROL,
	/* 0x08 */ CONTROL, STOP, STOP, CONTROL, CONTROL, STOP, CONTROL, CONTROL,
	/* 0x10 */ SORTS_8(CONTROL), SORTS_8(CONTROL),
	/*  !"#$%&' */ STOP, OTHER, STOP, QUESTION, OTHER, OTHER, EQUAL, STOP,
	/* ()*+,-./ */ GUARD, GUARD, OTHER, OTHER, STOP, DASH, DOT, SLASH,
	/* 01234567 */ SORTS_8(DIGIT),
	/* 89:;<=>? */ DIGIT, DIGIT, COLON, STOP, STOP, EQUAL, STOP, QUESTION,
	/* @ABCDEFG */ AT, HEX, HEX, HEX, HEX, HEX, HEX, LETTER,
	/* H to W   */ SORTS_8(LETTER), SORTS_8(LETTER),
	/* XYZ[\]^_ */ LETTER, LETTER, LETTER, GUARD, GUARD, GUARD, OTHER, DASH,
	/* `abcdefg */ STOP, HEX, HEX, HEX, HEX, HEX, HEX, LETTER,
	/* h to w   */ SORTS_8(LETTER), SORTS_8(LETTER),
	/* xyz{|}~  */ LETTER, LETTER, LETTER, GUARD, STOP, GUARD, OTHER, CONTROL,
	/* 0x80     */ SORTS_32(HIGH), SORTS_32(HIGH), SORTS_32(HIGH), SORTS_32(HIGH),
};
/* clang-format on */

static unsigned sorts_of(const char *at, size_t n)
{
	unsigned seen = 0;

	for (size_t i = 0; i < n; i++)
		seen |= sorts[(uint8_t)at[i]];
	return seen;
}

static bool telling(size_t n, unsigned seen)
{
	return n >= VALUE_MIN_BYTES && (seen & TELLING || n >= MD5_DIGITS);
}

bool piece_next(struct piece *p, const char **at, const char *end)
{
	const char *here = *at;

	while (here < end) {
		const char *start = here;
		unsigned seen = 0, sort;
		const char *most = end - here > PIECE_MAX_BYTES ? here + PIECE_MAX_BYTES : end;
		while (here < most && (sort = sorts[(uint8_t)*here]) != STOP) {
			seen |= sort;
			here++;
		}
		*p = (struct piece){start, (size_t)(here - start), seen};
		here += here < most;
		if (telling(p->length, seen)) {
			*at = here;
			return true;
		}
	}
	*at = here;
	return false;
}

/* ---- what is told from the characters alone ---- */

struct scan {
	void (*found)(void *arg, const struct candidate *c);
	void *arg;
	struct observable value;
};

static void hand_over(struct scan *s, const struct piece *p, enum observable_type type,
		      uint8_t prefix, const void *bytes, size_t size)
{
	s->found(s->arg, &(struct candidate){p->at, p->length, type, prefix, bytes, size});
}

static char lower(char c)
{
	if (c >= 'A' && c <= 'Z')
		return (char)(c + 32);
	return c;
}

static void look_hash(struct scan *s, const struct piece *p)
{
	char text[128];
	enum observable_type type;

	if (p->seen & ~(unsigned)(DIGIT | HEX))
		return;
	switch (p->length) {
	case 32:
		type = OBSERVABLE_MD5;
		break;
	case 40:
		type = OBSERVABLE_SHA1;
		break;
	case 64:
		type = OBSERVABLE_SHA256;
		break;
	case 128:
		type = OBSERVABLE_SHA512;
		break;
	default:
		return;
	}
	for (size_t i = 0; i < p->length; i++)
		text[i] = lower(p->at[i]);
	hand_over(s, p, type, 0, text, p->length);
}

/* Nothing but digits and dots. */
static void look_address(struct scan *s, const struct piece *p)
{
	uint8_t address[4];
	size_t i = 0;

	for (unsigned part = 0; part < 4; part++) {
		size_t start = i;
		unsigned value = 0;
		while (i < p->length && p->at[i] != '.' && i - start < 3)
			value = value * 10 + (unsigned)(p->at[i++] - '0');
		if (i == start || value > 255 || (p->at[start] == '0' && i - start > 1))
			return;
		address[part] = (uint8_t)value;
		if (part < 3 && (i == p->length || p->at[i++] != '.'))
			return;
	}
	if (i == p->length)
		hand_over(s, p, OBSERVABLE_IPV4, 32, address, sizeof address);
}

static bool top_level_possible(const char *at, size_t n)
{
	bool hex = n >= 2 && at[0] == '0' && at[1] == 'x';
	size_t i = hex ? 2 : 0;

	if (n < 2 || at[0] == '-' || at[n - 1] == '-' || memchr(at, '_', n))
		return false;
	while (i < n && ((at[i] >= '0' && at[i] <= '9') || (hex && at[i] >= 'a' && at[i] <= 'f')))
		i++;
	return i < n;
}

/* Nothing but letters, digits, hyphens, underscores and dots, and at least one of these. */
static void look_domain(struct scan *s, const struct piece *p)
{
	char name[DOMAIN_MAX_BYTES];
	bool dotted = p->at[0] == '.';
	const char *text = p->at + dotted;
	size_t n = p->length - dotted, start = 0;

	if (n > sizeof name)
		return;
	for (size_t i = 0; i < n; i++) {
		name[i] = lower(text[i]);
		if (name[i] != '.')
			continue;
		if (i == start || i - start > LABEL_MAX_BYTES)
			return;
		start = i + 1;
	}
	if (start > 0 && n - start <= LABEL_MAX_BYTES &&
	    top_level_possible(name + start, n - start))
		hand_over(s, p, OBSERVABLE_DOMAIN, 0, name, n);
}

/* A number of colons, of hexadecimal digits between them perhaps, is no address of IPv6 unless
 * there are enough, or two together. */
static bool colons_possible(const struct piece *p)
{
	size_t colons = 0;
	bool twice = false;

	for (size_t i = 0; i < p->length; i++) {
		if (p->at[i] != ':')
			continue;
		colons++;
		twice = twice || (i > 0 && p->at[i - 1] == ':');
	}
	if (colons == 0)
		return false;
	/* One, or an endpoint's: that has a domain or an address before it. */
	if (colons == 1)
		return p->seen & DOT && !(p->seen & (OTHER | EQUAL));
	return (twice || colons >= 6) && !(p->seen & (LETTER | DASH | OTHER | EQUAL));
}

/* ---- what must be read ---- */

/* False, when the piece is no value for certain. */
static bool possible(const struct piece *p)
{
	if (p->seen & INTRICATE)
		return true;
	return colons_possible(p);
}

static bool read_value(struct scan *s, const struct piece *p)
{
	char text[OBSERVABLE_MAX_BYTES + 1];

	if (!possible(p) || p->length >= sizeof text ||
	    (p->seen & HIGH && u8_check((const uint8_t *)p->at, p->length)))
		return false;
	memcpy(text, p->at, p->length);
	text[p->length] = '\0';
	if (observable_detect(&s->value, text, NULL))
		return false;
	switch (s->value.type) {
	case OBSERVABLE_IPV4:
		hand_over(s, p, s->value.type, s->value.prefix, s->value.address, 4);
		break;
	case OBSERVABLE_IPV6:
		hand_over(s, p, s->value.type, s->value.prefix, s->value.address, 16);
		break;
	case OBSERVABLE_NONE:
	case OBSERVABLE_ENDPOINT:
	case OBSERVABLE_DOMAIN:
	case OBSERVABLE_URL:
	case OBSERVABLE_PATH:
	case OBSERVABLE_EMAIL:
	case OBSERVABLE_MD5:
	case OBSERVABLE_SHA1:
	case OBSERVABLE_SHA256:
	case OBSERVABLE_SHA512:
	case OBSERVABLE_FILE_NAME:
	case OBSERVABLE_TYPES:
		hand_over(s, p, s->value.type, 0, s->value.text, s->value.length);
		break;
	}
	return true;
}

/* ---- cutting ---- */

/* SPEC 8.3.1: "Brackets, hyphens and asterisks before it and brackets, stops, colons, exclamation
 * marks, question marks and asterisks behind it are not part of a piece." */
static bool trim(struct piece *p)
{
	size_t before = p->length;

	while (p->length > 0 && strchr("([{*-", *p->at)) {
		p->at++;
		p->length--;
	}
	while (p->length > 0 && strchr(")]}.:!?*", p->at[p->length - 1]))
		p->length--;
	return p->length < before;
}

static void cut(struct scan *s, const struct piece *p, unsigned level);

/* True when there is nothing more to be found in it. */
static bool look_plain(struct scan *s, const struct piece *p)
{
	if (!telling(p->length, p->seen))
		return true;
	if (!(p->seen & TELLING)) {
		look_hash(s, p);
		return true;
	}
	if (*p->at == '/' && !(p->seen & (HIGH | CONTROL)) && p->length <= OBSERVABLE_MAX_BYTES) {
		hand_over(s, p, OBSERVABLE_PATH, 0, p->at, p->length);
		return true;
	}
	if (!(p->seen & DOT) || p->seen & ~(unsigned)(DIGIT | HEX | LETTER | DASH | DOT))
		return false;
	if (p->seen & (HEX | LETTER | DASH))
		look_domain(s, p);
	else
		look_address(s, p);
	return true;
}

static void look(struct scan *s, struct piece p, unsigned level)
{
	if (trim(&p))
		p.seen = sorts_of(p.at, p.length);
	if (look_plain(s, &p))
		return;
	if (!read_value(s, &p))
		cut(s, &p, level + 1);
	else if (s->value.type == OBSERVABLE_URL)
		cut(s, &p, level < LEVEL_OF_URL ? LEVEL_OF_URL : level + 1);
}

/* SPEC 8.3.1: "A piece that is no value is cut again: first at `=` and brackets, then at `/`, `\`,
 * `?` and `&`, then at colons." */
static void cut(struct scan *s, const struct piece *p, unsigned level)
{
	static const char *const separators[LEVELS] = {"", "=(){}[]", "/\\?&", ":"};
	const char *at = p->at, *end = p->at + p->length;

	if (level >= LEVELS)
		return;
	while (at < end) {
		struct piece part = {.at = at};
		while (at < end && !(*at && strchr(separators[level], *at)))
			part.seen |= sorts[(uint8_t)*at++];
		part.length = (size_t)(at - part.at);
		/* What was not cut has been looked at. */
		if (part.length == p->length && level > 0)
			cut(s, p, level + 1);
		else if (part.length > 0)
			look(s, part, level);
		at++;
	}
}

void piece_values(const struct piece *p, void (*found)(void *arg, const struct candidate *c),
		  void *arg)
{
	struct scan s;

	s.found = found;
	s.arg = arg;
	look(&s, *p, 0);
}
