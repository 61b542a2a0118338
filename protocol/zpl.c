#include "protocol/zpl.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistr.h>

enum { INDENT = 4 };

struct zpl {
	char *text; /* a copy, cut into names and values in place */
	struct zpl_item *items;
	size_t count;
	struct zpl_item *first;
};

struct parser {
	struct zpl *z;
	struct report *report;
	size_t problems;
	unsigned line;
	struct zpl_item *open[ZPL_LEVELS_MAX]; /* the newest item of each level */
	size_t levels;
};

__attribute__((format(printf, 2, 3))) static void complain(struct parser *p, const char *format,
							   ...)
{
	char sentence[ZPL_LINE_MAX_BYTES + 200];
	va_list args;

	va_start(args, format);
	vsnprintf(sentence, sizeof sentence, format, args);
	va_end(args);
	report_add(p->report, "line %u: %s", p->line, sentence);
	p->problems++;
}

/* Characters that make a text look other than it is: what the council reads is what it signs. */
static bool character_allowed(ucs4_t c)
{
	return c >= 0x20 && !(c >= 0x7f && c <= 0x9f) && !(c >= 0x2028 && c <= 0x202e) &&
	       !(c >= 0x2066 && c <= 0x2069) && c != 0xfeff;
}

static bool characters_allowed(struct parser *p, const char *at, size_t n)
{
	const uint8_t *s = (const uint8_t *)at;

	while (n > 0) {
		ucs4_t c;
		int length = u8_mbtouc(&c, s, n);
		if (!character_allowed(c)) {
			/* SPEC 4.1: "Tabs, carriage returns, other control characters,
			 * bidirectional overrides and byte order marks are refused." */
			if (c == '\t')
				complain(p, "a tab; indent by %d spaces a level", INDENT);
			else if (c == '\r')
				complain(p, "a carriage return; lines end with a newline alone");
			else
				complain(p, "the character U+%04X is not allowed", (unsigned)c);
			return false;
		}
		s += length;
		n -= (size_t)length;
	}
	return true;
}

static size_t name_length(const char *at)
{
	return strspn(at, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
			  "$-_@.&+");
}

static const char *skip_spaces(const char *at)
{
	return at + strspn(at, " ");
}

static bool nothing_follows(const char *at)
{
	at = skip_spaces(at);
	return *at == '\0' || *at == '#';
}

/* Reads what stands after "=" and ends it with a NUL in place; NULL after a complaint. */
static char *read_value(struct parser *p, char *at)
{
	char *end;

	at += strspn(at, " ");
	if (*at == '"' || *at == '\'') {
		end = strchr(at + 1, *at);
		if (!end) {
			complain(p, "the closing %c is missing", *at);
			return NULL;
		}
		if (!nothing_follows(end + 1)) {
			complain(p, "something follows the closing %c", *at);
			return NULL;
		}
		*end = '\0';
		return at + 1;
	}
	end = at + strcspn(at, "#");
	while (end > at && end[-1] == ' ')
		end--;
	if (end == at) {
		complain(p, "no value after \"=\"; an empty one is written \"\"");
		return NULL;
	}
	*end = '\0';
	return at;
}

static void add_item(struct parser *p, size_t level, const char *name, const char *value,
		     bool broken)
{
	struct zpl_item *item = &p->z->items[p->z->count++];
	struct zpl_item *before = p->levels > level ? p->open[level] : NULL;

	*item = (struct zpl_item){.name = name, .value = value, .broken = broken, .line = p->line};
	item->parent = level > 0 ? p->open[level - 1] : NULL;
	if (!before && item->parent && item->parent->value && !item->parent->broken)
		complain(p, "\"%s\" in line %u has a value, so nothing can stand below it",
			 item->parent->name, item->parent->line);
	if (before)
		before->next = item;
	else if (item->parent)
		item->parent->child = item;
	else
		p->z->first = item;
	p->open[level] = item;
	p->levels = level + 1;
	for (struct zpl_item *above = item; above; above = above->parent)
		above->last = p->line;
}

/* The level that an indentation means; after a complaint the nearest that makes sense. */
static size_t read_level(struct parser *p, const char *spaces, size_t n, bool quiet)
{
	size_t columns = 0, level;

	for (size_t i = 0; i < n; i++)
		columns += spaces[i] == '\t' ? INDENT - columns % INDENT : 1;
	level = (columns + INDENT / 2) / INDENT;
	/* SPEC 4.1: "Each level is indented by exactly four more spaces." */
	if (columns % INDENT) {
		complain(p, "indented by %zu spaces; a level is %d", columns, INDENT);
		quiet = true;
	}
	if (level > p->levels) {
		bool below_value = p->levels > 0 && p->open[p->levels - 1]->value;
		if (!quiet)
			complain(p, "indented by %zu levels below the line above it",
				 level - p->levels + 1);
		level = p->levels - below_value;
	}
	return level;
}

/* One line, NUL-terminated in place of its newline. */
static void read_line(struct parser *p, char *at, size_t n)
{
	char *name, *end, *value = NULL;
	bool broken;
	size_t level, spaces, length;

	if (n > ZPL_LINE_MAX_BYTES) {
		complain(p, "%zu bytes; a line has at most %d", n, ZPL_LINE_MAX_BYTES);
		return;
	}
	if (strncmp(at, "untrusted comment:", 18) == 0) {
		complain(p, "signatures are not part of the text, they follow it");
		return;
	}
	broken = !characters_allowed(p, at, n);
	spaces = strspn(at, " \t");
	if (at[spaces] == '\0')
		return;
	name = at + spaces;
	if (*name == '#') {
		if (spaces % INDENT && !broken)
			complain(p, "indented by %zu spaces; a level is %d", spaces, INDENT);
		return;
	}
	level = read_level(p, at, spaces, broken);
	if (level >= ZPL_LEVELS_MAX) {
		complain(p, "more than %d levels", ZPL_LEVELS_MAX);
		return;
	}
	length = name_length(name);
	if (length == 0) {
		if (!broken)
			complain(p, "does not start with a name");
		return;
	}
	end = name + length;
	if (*skip_spaces(end) == '=') {
		value = read_value(p, end + strspn(end, " ") + 1);
		if (!value || broken) {
			broken = true;
			value = name; /* a value, though unknown */
		}
	} else if (!broken && (*end & 0x80 || *end == '/')) {
		complain(p, "a name has letters a-z, digits and -, not what follows \"%.*s\"",
			 (int)length, name);
		broken = true;
	} else if (!broken && !nothing_follows(end)) {
		complain(p, "\"=\" was expected after \"%.*s\"", (int)length, name);
		broken = true;
	}
	*end = '\0';
	add_item(p, level, name, value, broken);
}

static void read_lines(struct parser *p, size_t n)
{
	char *at = p->z->text, *limit = at + n;

	while (at < limit) {
		char *end = memchr(at, '\n', (size_t)(limit - at));
		p->line++;
		if (!end) {
			/* SPEC 4.1: "The last line ends with a newline too." */
			complain(p, "the last line does not end with a newline");
			end = limit;
		}
		*end = '\0';
		read_line(p, at, (size_t)(end - at));
		at = end + 1;
	}
}

static int compare_siblings(const void *a, const void *b)
{
	const struct zpl_item *x = *(struct zpl_item *const *)a, *y = *(struct zpl_item *const *)b;
	int order;

	if (x->parent != y->parent) {
		uintptr_t left = (uintptr_t)x->parent, right = (uintptr_t)y->parent;
		return left < right ? -1 : 1;
	}
	order = strcmp(x->name, y->name);
	return order ? order : (x->line > y->line) - (x->line < y->line);
}

/* Takes the duplicates out of one list of siblings. */
static void unlink_duplicates(const struct zpl *z, struct zpl_item **at, const bool *duplicate)
{
	while (*at) {
		if (duplicate[*at - z->items])
			*at = (*at)->next;
		else
			at = &(*at)->next;
	}
}

/* SPEC 4.1: "Two lines of one name side by side are refused." */
static enum err refuse_duplicates(struct parser *p)
{
	struct zpl *z = p->z;
	struct zpl_item **sorted = calloc(z->count + 1, sizeof *sorted);
	bool *duplicate = calloc(z->count + 1, sizeof *duplicate);
	enum err e = ERR_MEMORY;
	size_t kept = 0;

	if (!sorted || !duplicate)
		goto done;
	for (size_t i = 0; i < z->count; i++)
		sorted[i] = &z->items[i];
	qsort(sorted, z->count, sizeof *sorted, compare_siblings);
	for (size_t i = 1; i < z->count; i++) {
		struct zpl_item *first = sorted[kept], *again = sorted[i];
		char path[ZPL_PATH_BYTES];
		if (first->parent != again->parent || strcmp(first->name, again->name) != 0) {
			kept = i;
			continue;
		}
		report_add(p->report, "%s: given twice, in lines %u and %u", zpl_path(path, again),
			   first->line, again->line);
		p->problems++;
		duplicate[again - z->items] = true;
	}
	unlink_duplicates(z, &z->first, duplicate);
	for (size_t i = 0; i < z->count; i++)
		unlink_duplicates(z, &z->items[i].child, duplicate);
	e = ERR_OK;
done:
	free(sorted);
	free(duplicate);
	return e;
}

static enum err text_acceptable(const char *text, size_t n, struct report *report)
{
	const uint8_t *bad;
	size_t lines = 0;

	if (n > ZPL_MAX_BYTES) {
		report_add(report, "%zu bytes; a text has at most %d", n, ZPL_MAX_BYTES);
		return ERR_LIMIT;
	}
	for (size_t i = 0; i < n; i++)
		lines += text[i] == '\n';
	if (lines > ZPL_LINES_MAX) {
		report_add(report, "%zu lines; a text has at most %d", lines, ZPL_LINES_MAX);
		return ERR_LIMIT;
	}
	bad = u8_check((const uint8_t *)text, n);
	if (!bad && n > 0)
		bad = memchr(text, '\0', n);
	if (bad) {
		unsigned line = 1;
		for (const uint8_t *s = (const uint8_t *)text; s < bad; s++)
			line += *s == '\n';
		report_add(report, "line %u: the byte 0x%02x: the text is not UTF-8", line, *bad);
		return ERR_FORMAT;
	}
	return ERR_OK;
}

enum err zpl_parse(struct zpl **out, const char *text, size_t n, struct report *report)
{
	struct parser p = {.report = report};
	size_t lines = 1;
	enum err e;

	*out = NULL;
	e = text_acceptable(text, n, report);
	if (e)
		return e;
	for (size_t i = 0; i < n; i++)
		lines += text[i] == '\n';
	p.z = calloc(1, sizeof *p.z);
	if (!p.z)
		return ERR_MEMORY;
	p.z->text = malloc(n + 1);
	p.z->items = calloc(lines, sizeof *p.z->items);
	if (!p.z->text || !p.z->items) {
		zpl_free(p.z);
		return ERR_MEMORY;
	}
	if (n > 0)
		memcpy(p.z->text, text, n);
	p.z->text[n] = '\0';
	read_lines(&p, n);
	e = refuse_duplicates(&p);
	if (e) {
		zpl_free(p.z);
		return e;
	}
	*out = p.z;
	return p.problems ? ERR_FORMAT : ERR_OK;
}

void zpl_free(struct zpl *z)
{
	if (!z)
		return;
	free(z->text);
	free(z->items);
	free(z);
}

const struct zpl_item *zpl_first(const struct zpl *z)
{
	return z->first;
}

static const struct zpl_item *find(const struct zpl_item *at, const char *name)
{
	while (at && strcmp(at->name, name) != 0)
		at = at->next;
	return at;
}

const struct zpl_item *zpl_find(const struct zpl *z, const char *name)
{
	return find(z->first, name);
}

const struct zpl_item *zpl_child(const struct zpl_item *parent, const char *name)
{
	return parent ? find(parent->child, name) : NULL;
}

char *zpl_path(char out[ZPL_PATH_BYTES], const struct zpl_item *item)
{
	const struct zpl_item *chain[ZPL_LEVELS_MAX] = {NULL};
	size_t n = 0, used = 0;

	for (; item && n < ZPL_LEVELS_MAX; item = item->parent)
		chain[n++] = item;
	out[0] = '\0';
	while (n-- > 0 && used < ZPL_PATH_BYTES) {
		const char *glue = used == 0 ? "" : chain[n]->value ? ": " : " ";
		int added = snprintf(out + used, ZPL_PATH_BYTES - used, "%s%.40s", glue,
				     chain[n]->name);
		used += added > 0 ? (size_t)added : 0;
	}
	return out;
}
