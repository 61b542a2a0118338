#include "protocol/json.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistr.h>

void text_init(struct text *t)
{
	*t = (struct text){0};
}

void text_clear(struct text *t)
{
	free(t->at);
	*t = (struct text){0};
}

/* Makes room for n more bytes and the NUL. */
static bool text_reserve(struct text *t, size_t n)
{
	size_t size = t->size ? t->size : 256;
	char *at;

	if (t->bad || n >= SIZE_MAX / 4 - t->length) {
		t->bad = true;
		return false;
	}
	if (t->length + n + 1 <= t->size)
		return true;
	while (size < t->length + n + 1)
		size *= 2;
	at = realloc(t->at, size);
	if (!at) {
		t->bad = true;
		return false;
	}
	t->at = at;
	t->size = size;
	return true;
}

void text_add(struct text *t, const char *s, size_t n)
{
	if (!text_reserve(t, n))
		return;
	if (n)
		memcpy(t->at + t->length, s, n);
	t->length += n;
	t->at[t->length] = '\0';
}

void text_str(struct text *t, const char *s)
{
	text_add(t, s, strlen(s));
}

void text_format(struct text *t, const char *format, ...)
{
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(NULL, 0, format, args);
	va_end(args);
	if (n < 0) {
		t->bad = true;
		return;
	}
	if (!text_reserve(t, (size_t)n))
		return;
	va_start(args, format);
	vsnprintf(t->at + t->length, (size_t)n + 1, format, args);
	va_end(args);
	t->length += (size_t)n;
}

static bool plain(unsigned char c)
{
	return c >= 0x20 && c != '"' && c != '\\';
}

static void text_escaped(struct text *t, unsigned char c)
{
	switch (c) {
	case '"':
		text_add(t, "\\\"", 2);
		return;
	case '\\':
		text_add(t, "\\\\", 2);
		return;
	case '\n':
		text_add(t, "\\n", 2);
		return;
	case '\r':
		text_add(t, "\\r", 2);
		return;
	case '\t':
		text_add(t, "\\t", 2);
		return;
	}
	text_format(t, "\\u%04x", c);
}

void text_json(struct text *t, const char *s)
{
	text_add(t, "\"", 1);
	while (*s) {
		size_t run = 0;

		while (s[run] && plain((unsigned char)s[run]))
			run++;
		text_add(t, s, run);
		s += run;
		if (*s)
			text_escaped(t, (unsigned char)*s++);
	}
	text_add(t, "\"", 1);
}

void utf8_trim(char *s)
{
	size_t n = strlen(s), at = n;

	while (at > 0 && ((uint8_t)s[at - 1] & 0xc0) == 0x80)
		at--;
	if (at > 0 && u8_check((const uint8_t *)s + at - 1, n - (at - 1)))
		s[at - 1] = '\0';
}
