#include "node/format/stream.h"

#include <string.h>
#include <strings.h>

enum err text_tlp(const struct import *i, const char *bytes, size_t n, size_t line,
		  const char *name, struct report *report)
{
	const char *at = bytes, *end = bytes + n, *colon;
	char word[sizeof "amber+strict"];
	enum tlp tlp;

	while ((colon = memchr(at, ':', (size_t)(end - at))) != NULL) {
		const char *here = colon + 1, *from = at;
		size_t k = 0;
		at = here;
		for (; (from = memchr(from, '\n', (size_t)(colon - from))) != NULL; from++)
			line++;
		if (colon - bytes < 3 || strncasecmp(colon - 3, "tlp", 3) != 0)
			continue;
		while (here < end && *here == ' ')
			here++;
		while (here < end && k + 1 < sizeof word &&
		       ((*here >= 'A' && *here <= 'Z') || (*here >= 'a' && *here <= 'z') ||
			*here == '+'))
			word[k++] = *here++;
		word[k] = '\0';
		if (tlp_parse(word, &tlp) && tlp > i->options.tlp) {
			report_add(report,
				   "%s: line %zu: marked TLP:%s, stricter than the TLP:%s of the "
				   "message",
				   name, line, tlp_str(tlp), tlp_str(i->options.tlp));
			return ERR_NOT_ALLOWED;
		}
	}
	return ERR_OK;
}

/* The whole lines that were not looked at yet; at the end what is left, too. */
static void check(struct stream *st)
{
	const char *from = st->window + st->checked, *at = from;
	const char *last = memrchr(from, '\n', st->filled - st->checked);
	size_t n = st->ended ? st->filled - st->checked : last ? (size_t)(last + 1 - from) : 0;

	if (!st->e)
		st->e = text_tlp(st->i, from, n, st->checked_line, st->name, st->report);
	for (; (at = memchr(at, '\n', (size_t)(from + n - at))) != NULL; at++)
		st->checked_line++;
	st->checked += n;
}

void stream_fill(struct stream *st)
{
	while (!st->e && !st->ended && st->filled < WINDOW_BYTES) {
		size_t room = WINDOW_BYTES - st->filled;
		ssize_t got = st->read(st->arg, st->window + st->filled, room, st->report);
		if (got < 0)
			st->e = ERR_IO;
		else if (got == 0)
			st->ended = true;
		else
			st->filled += (size_t)got;
	}
	if (st->lines)
		check(st);
}

/* Drops what stands before at. */
static void move(struct stream *st, size_t at)
{
	memmove(st->window, st->window + at, st->filled - at);
	st->filled -= at;
	/* A line that is longer than the window is dropped without having been looked at. */
	st->checked = st->checked > at ? st->checked - at : 0;
}

static const char *newline_in(const struct lines *s)
{
	return s->at < s->end ? memchr(s->at, '\n', (size_t)(s->end - s->at)) : NULL;
}

void stream_line(struct stream *st, struct lines *s)
{
	while (!newline_in(s)) {
		const char *newline;
		size_t at = (size_t)(s->at - st->window);
		if (st->e || st->ended)
			break;
		/* Its beginning was given for a line, and will be rejected for its length. */
		if (at == 0 && st->filled == WINDOW_BYTES && !st->skipping) {
			st->skipping = true;
			return;
		}
		move(st, st->skipping ? st->filled : at);
		stream_fill(st);
		s->at = st->window;
		s->end = st->e ? s->at : st->window + st->filled;
		if (!st->skipping)
			continue;
		newline = newline_in(s);
		s->at = newline ? newline + 1 : s->end;
		st->skipping = !newline;
	}
}
