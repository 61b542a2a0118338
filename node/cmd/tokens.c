#include "node/cmd/tokens.h"

#include <stdlib.h>
#include <string.h>
#include <unistr.h>

/* A piece that is no value is cut again, at what comes next: a URL holds = and /, an endpoint : */
static const char *const separators[] = {" \t\r\n\"'`<>|,;", "=(){}[]", "/\\?&", ":"};

enum { LEVELS = sizeof separators / sizeof *separators };

static void token_add(struct tokens *t, const char *at, size_t n)
{
	char *copy;

	for (size_t i = 0; i < t->count; i++)
		if (strlen(t->items[i]) == n && memcmp(t->items[i], at, n) == 0)
			return;
	if (t->count == TOKENS_MAX || !(copy = malloc(n + 1)))
		return;
	memcpy(copy, at, n);
	copy[n] = '\0';
	t->items[t->count++] = copy;
}

static bool detected(const char *at, size_t n, enum observable_type *type)
{
	struct observable o;
	char copy[OBSERVABLE_MAX_BYTES + 1];
	const char *why;

	if (n < 3 || n >= sizeof copy || u8_check((const uint8_t *)at, n))
		return false;
	memcpy(copy, at, n);
	copy[n] = '\0';
	if (observable_detect(&o, copy, &why))
		return false;
	*type = o.type;
	return true;
}

/* Brackets around a value and stops behind it are the sentence's. */
static void trim(const char **at, size_t *n)
{
	while (*n > 0 && strchr("([{*-", **at)) {
		++*at;
		--*n;
	}
	while (*n > 0 && strchr(")]}.:!?*", (*at)[*n - 1]))
		--*n;
}

static void pieces_find(struct tokens *t, const char *at, size_t n, size_t level);

static void piece_look(struct tokens *t, const char *at, size_t n, size_t level)
{
	enum observable_type type;

	trim(&at, &n);
	if (n == 0)
		return;
	if (!detected(at, n, &type)) {
		pieces_find(t, at, n, level + 1);
		return;
	}
	token_add(t, at, n);
	if (type == OBSERVABLE_URL || type == OBSERVABLE_EMAIL)
		pieces_find(t, at, n, type == OBSERVABLE_URL ? 2 : LEVELS);
}

static void pieces_find(struct tokens *t, const char *at, size_t n, size_t level)
{
	const char *cut, *end = at + n;

	if (level >= LEVELS)
		return;
	while (at < end) {
		for (cut = at; cut < end && !strchr(separators[level], *cut);)
			cut++;
		if (cut > at)
			piece_look(t, at, (size_t)(cut - at), level);
		at = cut + 1;
	}
}

void tokens_find(struct tokens *t, const char *line)
{
	t->count = 0;
	pieces_find(t, line, strlen(line), 0);
}

void tokens_clear(struct tokens *t)
{
	for (size_t i = 0; i < t->count; i++)
		free(t->items[i]);
	t->count = 0;
}
