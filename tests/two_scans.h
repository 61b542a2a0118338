/* What in a line may be a value: the quick way of protocol/scan, and the plain way, which tries to
 * read every piece and every part of one.  Both must say the same. */
#ifndef TESTS_TWO_SCANS_H
#define TESTS_TWO_SCANS_H

#include <string.h>
#include <unistr.h>

#include "protocol/scan.h"
#include "tests/tap.h"

/* ---- the plain way ---- */

enum { FOUND_MAX = 65536 };

struct found {
	const char *last; /* a URL that cannot be cut is met again */
	size_t length, last_length;
	char bytes[FOUND_MAX];
};

static void note(struct found *f, const char *at, size_t n, const struct observable *o)
{
	int more = snprintf(f->bytes + f->length, sizeof f->bytes - f->length, "%.*s=%s %s\n",
			    (int)n, at, observable_type_str(o->type), o->text);
	if (f->length + (size_t)more < sizeof f->bytes)
		f->length += (size_t)more;
}

static void plain_note(struct found *f, const char *at, size_t n, const struct observable *o)
{
	if (f->last != at || f->last_length != n)
		note(f, at, n, o);
	f->last = at;
	f->last_length = n;
}

static const char *const separators[] = {" \t\r\n\"'`<>|,;", "=(){}[]", "/\\?&", ":"};

static bool separates(unsigned level, char c)
{
	return c == '\0' ? level == 0 : strchr(separators[level], c) != NULL;
}

static void plain_cut(struct found *f, const char *at, size_t n, unsigned level);

static void plain_look(struct found *f, const char *at, size_t n, unsigned level)
{
	static struct observable o;
	char copy[OBSERVABLE_MAX_BYTES + 1];

	while (n > 0 && strchr("([{*-", *at)) {
		at++;
		n--;
	}
	while (n > 0 && strchr(")]}.:!?*", at[n - 1]))
		n--;
	if (n >= 3 && n < sizeof copy && !u8_check((const uint8_t *)at, n)) {
		memcpy(copy, at, n);
		copy[n] = '\0';
		if (observable_detect(&o, copy, NULL) == ERR_OK) {
			plain_note(f, at, n, &o);
			if (o.type == OBSERVABLE_URL)
				plain_cut(f, at, n, level < 2 ? 2 : level + 1);
			return;
		}
	}
	plain_cut(f, at, n, level + 1);
}

static void plain_cut(struct found *f, const char *at, size_t n, unsigned level)
{
	const char *end = at + n;

	if (level > 3)
		return;
	while (at < end) {
		const char *start = at;
		while (at < end && !separates(level, *at))
			at++;
		if (at > start)
			plain_look(f, start, (size_t)(at - start), level);
		at++;
	}
}

/* ---- the quick way ---- */

static void candidate_found(void *arg, const struct candidate *c)
{
	static struct observable o;
	char text[OBSERVABLE_MAX_BYTES + 1];

	/* What it stands for must be what reading its text gives. */
	memcpy(text, c->at, c->length);
	text[c->length] = '\0';
	need(observable_detect(&o, text, NULL) == ERR_OK);
	need(o.type == c->type && o.prefix == c->prefix);
	bool address = o.type == OBSERVABLE_IPV4 || o.type == OBSERVABLE_IPV6;
	size_t size = address ? (o.type == OBSERVABLE_IPV4 ? 4 : 16) : o.length;
	need(c->size == size);
	need(memcmp(c->bytes, address ? (void *)o.address : (void *)o.text, size) == 0);
	note(arg, c->at, c->length, &o);
}

static void quick(struct found *f, const char *line, size_t n)
{
	const char *at = line;
	struct piece p;

	while (piece_next(&p, &at, line + n))
		piece_values(&p, candidate_found, f);
}

static bool same(const char *line, size_t n)
{
	static struct found a, b;

	a.length = b.length = 0;
	a.last = NULL;
	a.bytes[0] = b.bytes[0] = '\0';
	plain_cut(&a, line, n, 0);
	quick(&b, line, n);
	if (a.length == b.length && memcmp(a.bytes, b.bytes, a.length) == 0)
		return true;
	printf("# line: %.*s\n# plain: %s\n# quick: %s\n", (int)n, line, a.bytes, b.bytes);
	return false;
}

#endif
