/* Response policy zones: the names and addresses that a zone keeps resolvers from. */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "node/format/import.h"
#include "node/format/lines.h"

enum { OWNER_BYTES = 512, GROUPS = 8 };

struct zone {
	char origin[OWNER_BYTES]; /* without dots around it; "" while it is not known */
	char owner[OWNER_BYTES];  /* of the record before */
	unsigned open;            /* parentheses */
};

/* Of a record: where its type stands, past the owner, the time to live and the class. */
static size_t type_place(const struct line *words, size_t n, bool owner)
{
	size_t w = owner ? 1 : 0;

	while (w < n && (field_is(words[w], "IN") ||
			 (words[w].length && words[w].at[0] >= '0' && words[w].at[0] <= '9')))
		w++;
	return w;
}

/* A comment starts at a semicolon; no record of these zones has one in quotes that matters. */
static struct line record(struct line l)
{
	const char *mark = memchr(l.at, ';', l.length);

	if (mark)
		l.length = (size_t)(mark - l.at);
	while (l.length && line_blank(l.at[l.length - 1]))
		l.length--;
	return l;
}

static size_t words_of(struct line l, struct line words[FIELDS_MAX])
{
	size_t n = words_split(l, words);

	return n < FIELDS_MAX ? n : FIELDS_MAX;
}

/* SPEC 8.6: "A zone is recognised by its first record" */
bool looks_rpz(const char *bytes, size_t n)
{
	struct lines s = {.at = bytes, .end = bytes + n};
	struct line l, words[FIELDS_MAX];

	while (s.number < SAMPLE_LINES && line_next(&s, &l)) {
		size_t count, type;
		l = record(l);
		if (line_trimmed(l).length == 0)
			continue;
		count = words_of(l, words);
		if (field_is(words[0], "$TTL") || field_is(words[0], "$ORIGIN"))
			return true;
		type = type_place(words, count, !line_blank(*l.at));
		return type + 1 < count &&
		       (field_is(words[type], "SOA") || field_is(words[type], "CNAME"));
	}
	return false;
}

static bool ends_with(char *name, const char *tail)
{
	size_t n = strlen(name), t = strlen(tail);

	if (t == 0 || n <= t || name[n - t - 1] != '.' || strcasecmp(name + n - t, tail) != 0)
		return false;
	name[n - t - 1] = '\0';
	return true;
}

/* Writes the owner without the zone's name; false when it is not in the zone. */
static bool owner_relative(char *out, const struct zone *z, const char *owner)
{
	size_t n = strlen(owner);

	snprintf(out, OWNER_BYTES, "%s", owner);
	if (n == 0 || owner[n - 1] != '.')
		return strcmp(owner, "@") != 0;
	out[n - 1] = '\0';
	return ends_with(out, z->origin);
}

/* "32.2.0.0.10" and "128.1.zz.db8.2001" are an address and its prefix, turned round. */
static bool address_read(struct observable *o, char *text)
{
	char *parts[GROUPS + 2], *save = NULL, turned[OWNER_BYTES] = "";
	const char *why;
	size_t n = 0, used = 0;
	bool v4;

	for (char *p = strtok_r(text, ".", &save); p; p = strtok_r(NULL, ".", &save)) {
		if (n == GROUPS + 1 || strlen(p) > 4)
			return false;
		parts[n++] = p;
	}
	if (n < 3)
		return false;
	v4 = n == 5;
	for (size_t k = 1; v4 && k < n; k++)
		v4 = strspn(parts[k], "0123456789") == strlen(parts[k]);
	for (size_t k = n - 1; k > 0; k--) {
		bool run = !v4 && strcasecmp(parts[k], "zz") == 0;
		const char *mark = k == 1 ? "" : v4 ? "." : ":";
		/* zz at an end stands for both colons there. */
		used += (size_t)snprintf(turned + used, sizeof turned - used, "%s%s",
					 run ? k == n - 1 ? ":" : "" : parts[k],
					 run && k == 1 ? ":" : mark);
	}
	snprintf(turned + used, sizeof turned - used, "/%s", parts[0]);
	return observable_detect(o, turned, &why) == ERR_OK &&
	       o->type == (v4 ? OBSERVABLE_IPV4 : OBSERVABLE_IPV6);
}

/* Why a rule names nothing that is bad, or NULL. */
static const char *left_out(const char *owner, struct line type, struct line data)
{
	static const char *const triggers[] = {".rpz-client-ip", ".rpz-nsdname", ".rpz-nsip"};
	size_t n = strlen(owner);

	if (field_is(type, "CNAME") &&
	    (field_is(data, "rpz-passthru.") || field_is(data, "rpz-passthru")))
		return "rules that let pass";
	if (field_is(type, "CNAME") && field_is(data, "rpz-tcp-only."))
		return "rules that only ask again by TCP";
	for (size_t t = 0; t < sizeof triggers / sizeof *triggers; t++) {
		size_t m = strlen(triggers[t]);
		if (n > m && strcasecmp(owner + n - m, triggers[t]) == 0)
			return "rules about clients and name servers";
	}
	return NULL;
}

static enum err owner_read(struct import *i, char *owner, struct line l, const char *input)
{
	struct observable o;
	const char *why = "not an address of the form prefix.reversed.rpz-ip", *name = owner;
	bool good;

	i->read++;
	if (ends_with(owner, "rpz-ip")) {
		good = address_read(&o, owner);
	} else {
		/* What is under a name is not named apart here. */
		if (strncmp(name, "*.", 2) == 0)
			name += 2;
		good = observable_set(&o, OBSERVABLE_DOMAIN, name, &why) == ERR_OK;
	}
	if (!good)
		return import_reject(i, input, l.number, l.at, l.length, why);
	return value_add(i, &o, NULL);
}

static enum err rule_read(struct import *i, struct zone *z, const struct line *words, size_t n,
			  struct line l, const char *input)
{
	char owner[OWNER_BYTES];
	bool named = !line_blank(*l.at);
	size_t type = type_place(words, n, named);
	const char *why = NULL;

	if (type + 1 >= n)
		why = "no type of a record, or nothing behind it";
	else if (named && !field_plain(z->owner, sizeof z->owner, words[0]))
		why = "an owner that is too long";
	if (why) {
		*z->owner = '\0';
		i->read++;
		return import_reject(i, input, l.number, l.at, l.length, why);
	}
	if (field_is(words[type], "SOA") || field_is(words[type], "NS")) {
		size_t m = strlen(z->owner);
		if (field_is(words[type], "SOA") && m > 1 && z->owner[m - 1] == '.')
			snprintf(z->origin, sizeof z->origin, "%.*s", (int)m - 1, z->owner);
		return ERR_OK;
	}
	if (!owner_relative(owner, z, z->owner)) {
		i->read++;
		return import_reject(i, input, l.number, l.at, l.length,
				     "an owner that is not below the zone");
	}
	why = left_out(owner, words[type], words[type + 1]);
	return why ? import_leave(i, why) : owner_read(i, owner, l, input);
}

static enum err directive_read(struct import *i, struct zone *z, const struct line *words, size_t n,
			       struct line l, const char *input)
{
	const char *why = "a directive that is not read here";

	if (field_is(words[0], "$TTL"))
		return ERR_OK;
	if (field_is(words[0], "$ORIGIN") && n > 1) {
		size_t m;
		why = "a zone's name that is too long";
		if (field_plain(z->origin, sizeof z->origin, words[1])) {
			m = strlen(z->origin);
			if (m > 0 && z->origin[m - 1] == '.')
				z->origin[m - 1] = '\0';
			return ERR_OK;
		}
		*z->origin = '\0';
	}
	i->read++;
	return import_reject(i, input, l.number, l.at, l.length, why);
}

static enum err line_read(struct import *i, struct zone *z, struct line whole, const char *input)
{
	struct line words[FIELDS_MAX], l = record(whole);
	const char *why = line_bad(whole);
	bool inside = z->open > 0;
	size_t n;

	if (why) {
		i->read++;
		return import_reject(i, input, l.number, l.at, l.length, why);
	}
	for (size_t k = 0; k < l.length; k++) {
		z->open += l.at[k] == '(';
		z->open -= l.at[k] == ')' && z->open > 0;
	}
	/* Only the first record of a zone is longer than a line. */
	if (inside || line_trimmed(l).length == 0)
		return ERR_OK;
	n = words_of(l, words);
	if (*l.at == '$')
		return directive_read(i, z, words, n, l, input);
	return rule_read(i, z, words, n, l, input);
}

enum err import_rpz(struct import *i, const char *bytes, size_t n, const char *name,
		    struct report *report)
{
	struct lines s = lines_of(i, bytes, n);
	struct zone z = {0};
	struct line l;
	enum err err = ERR_OK;

	while (!err && line_next(&s, &l))
		err = line_read(i, &z, l, name);
	if (!err && z.open) {
		report_add(report, "%s: a parenthesis that is not closed", name);
		err = ERR_TRUNCATED;
	}
	return err;
}
