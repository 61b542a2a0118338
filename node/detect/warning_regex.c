#include "node/detect/warning_regex.h"

#include <stdlib.h>
#include <string.h>

#include "protocol/json.h"

enum { EXPRESSION_MAX_BYTES = 4096 };

/* What stands for a class behind a backslash; inside of brackets without the outer ones. */
static const char *class_of(char c, bool brackets)
{
	switch (c) {
	case 'd':
		return brackets ? "0-9" : "[0-9]";
	case 'w':
		return brackets ? "A-Za-z0-9_" : "[A-Za-z0-9_]";
	case 's':
		return brackets ? " \t\r\n\f\v" : "[ \t\r\n\f\v]";
	case 'D':
		return brackets ? NULL : "[^0-9]";
	case 'W':
		return brackets ? NULL : "[^A-Za-z0-9_]";
	case 'S':
		return brackets ? NULL : "[^ \t\r\n\f\v]";
	case 'b':
		return brackets ? NULL : "\\b";
	}
	return NULL;
}

/* at is behind the backslash.  False for an escape that has no like. */
static bool escape(struct text *t, const char *at, bool brackets)
{
	const char *class = class_of(*at, brackets);

	if (class) {
		text_str(t, class);
		return true;
	}
	if (!*at || (*at >= '0' && *at <= '9') || (*at >= 'a' && *at <= 'z') ||
	    (*at >= 'A' && *at <= 'Z'))
		return false;
	/* In brackets POSIX has no escapes: these four would mean something there. */
	if (brackets && strchr("]^-\\", *at))
		return false;
	if (!brackets && strchr(".[]{}()*+?^$|\\", *at))
		text_add(t, "\\", 1);
	text_add(t, at, 1);
	return true;
}

/* A group or what repeats: (?: is ( here, and what else begins with (? has no like. */
static bool translate(struct text *t, const char *at, size_t n)
{
	const char *end = at + n;
	bool brackets = false;

	while (at < end) {
		if (*at == '\\') {
			if (++at == end || !escape(t, at, brackets))
				return false;
			at++;
			continue;
		}
		if (!brackets && *at == '(' && at + 1 < end && at[1] == '?') {
			if (at + 2 >= end || at[2] != ':')
				return false;
			text_add(t, "(", 1);
			at += 3;
			continue;
		}
		/* Lazy and possessive repetition find the same texts, but are not spelled here. */
		if (!brackets && strchr("*+?}", *at) && at + 1 < end &&
		    (at[1] == '?' || at[1] == '+')) {
			text_add(t, at, 1);
			at += 2;
			continue;
		}
		if (*at == '[' && !brackets) {
			brackets = true;
			text_add(t, at++, 1);
			if (at < end && *at == '^')
				text_add(t, at++, 1);
			if (at < end && *at == ']')
				text_add(t, at++, 1);
			continue;
		}
		if (*at == ']')
			brackets = false;
		text_add(t, at++, 1);
	}
	return !brackets;
}

bool warning_regex_compile(regex_t *out, const char *text)
{
	const char *from = text, *end = text + strlen(text);
	int flags = REG_EXTENDED | REG_NOSUB;
	struct text t;
	bool done;

	if (*text == '/' && strrchr(text, '/') > text) {
		from = text + 1;
		end = strrchr(text, '/');
		if (strspn(end + 1, "iuUsSDxmA") != strlen(end + 1) || strchr(end + 1, 'x'))
			return false;
		if (strchr(end + 1, 'i'))
			flags |= REG_ICASE;
	}
	if (end == from || end - from > EXPRESSION_MAX_BYTES)
		return false;
	text_init(&t);
	done = translate(&t, from, (size_t)(end - from)) && !t.bad &&
	       regcomp(out, t.at, flags) == 0;
	text_clear(&t);
	return done;
}
