/* Files of Zeek's intelligence framework: columns separated by tabs, named in the line #fields. */
#include <stdio.h>
#include <string.h>

#include "node/format/import.h"
#include "node/format/lines.h"

static const char head[] = "#fields\t";

struct columns {
	size_t value, type, desc; /* FIELDS_MAX: there is none */
};

/* What may be anything for now is told apart by what it looks like. */
static const struct {
	const char *name;
	enum observable_type type; /* NONE: detected */
	const char *left;          /* why it is left out, or NULL */
} types[] = {
	{"Intel::ADDR", OBSERVABLE_NONE, NULL},
	{"Intel::SUBNET", OBSERVABLE_NONE, NULL},
	{"Intel::DOMAIN", OBSERVABLE_DOMAIN, NULL},
	{"Intel::URL", OBSERVABLE_URL, NULL},
	{"Intel::EMAIL", OBSERVABLE_EMAIL, NULL},
	{"Intel::FILE_HASH", OBSERVABLE_NONE, NULL},
	{"Intel::FILE_NAME", OBSERVABLE_FILE_NAME, NULL},
	{"Intel::SOFTWARE", OBSERVABLE_NONE, "software, which cannot be looked up"},
	{"Intel::USER_NAME", OBSERVABLE_NONE, "names of users"},
	{"Intel::CERT_HASH", OBSERVABLE_NONE, "hashes of certificates"},
	{"Intel::PUBKEY_HASH", OBSERVABLE_NONE, "hashes of public keys"},
};

bool looks_zeek(const char *bytes, size_t n)
{
	struct lines s = {.at = bytes, .end = bytes + n};
	struct line l;

	while (s.number < SAMPLE_LINES && line_next(&s, &l)) {
		if (l.length > sizeof head && memcmp(l.at, head, sizeof head - 1) == 0)
			return memmem(l.at, l.length, "\tindicator_type", 15) != NULL;
	}
	return false;
}

static bool columns_read(struct columns *c, struct line l)
{
	struct line fields[FIELDS_MAX];
	size_t n = fields_split(l, '\t', fields);

	*c = (struct columns){FIELDS_MAX, FIELDS_MAX, FIELDS_MAX};
	for (size_t f = 1; f < n; f++) {
		if (field_is(fields[f], "indicator"))
			c->value = f - 1;
		else if (field_is(fields[f], "indicator_type"))
			c->type = f - 1;
		else if (field_is(fields[f], "meta.desc"))
			c->desc = f - 1;
	}
	return c->value < FIELDS_MAX && c->type < FIELDS_MAX;
}

/* Zeek's reader takes \xNN for a byte; in place. */
static void unescape(char *text)
{
	char *to = text;

	while (*text) {
		uint8_t byte[1];
		char hex[3] = "";
		if (text[0] == '\\' && text[1] == 'x' && text[2] && text[3]) {
			memcpy(hex, text + 2, 2);
			if (hex_decode(byte, 1, hex) && byte[0]) {
				*to++ = (char)byte[0];
				text += 4;
				continue;
			}
		}
		*to++ = *text++;
	}
	*to = '\0';
}

/* Has Zeek's word for that the value is of this type? */
static bool type_fits(const char *name, const struct observable *o)
{
	bool address = o->type == OBSERVABLE_IPV4 || o->type == OBSERVABLE_IPV6;
	bool hash = o->type == OBSERVABLE_MD5 || o->type == OBSERVABLE_SHA1 ||
		    o->type == OBSERVABLE_SHA256 || o->type == OBSERVABLE_SHA512;

	return strcmp(name, "Intel::FILE_HASH") == 0 ? hash : address;
}

static bool value_read(struct observable *o, size_t t, const char *text, const char **why)
{
	char url[OBSERVABLE_MAX_BYTES + sizeof "http://"];

	*why = "not a value of its type";
	if (types[t].type == OBSERVABLE_URL && !strstr(text, "://")) {
		/* Zeek's URLs have no scheme. */
		snprintf(url, sizeof url, "http://%s", text);
		return observable_set(o, OBSERVABLE_URL, url, why) == ERR_OK;
	}
	if (types[t].type != OBSERVABLE_NONE)
		return observable_set(o, types[t].type, text, why) == ERR_OK;
	return observable_detect(o, text, why) == ERR_OK && type_fits(types[t].name, o);
}

static enum err row_read(struct import *i, const struct columns *c, struct line l,
			 const char *input)
{
	struct line fields[FIELDS_MAX];
	char value[OBSERVABLE_MAX_BYTES], desc[LABEL_MAX_BYTES] = "";
	struct indicator like = {
		.created = i->options.now, .valid_from = i->options.now, .description = desc};
	struct observable o;
	const char *why = line_bad(l);
	size_t n = 0, t = 0;

	/* Quotes mean nothing to Zeek. */
	for (const char *at = l.at, *end = l.at + l.length; at <= end && n < FIELDS_MAX; n++) {
		const char *tab = memchr(at, '\t', (size_t)(end - at));
		tab = tab ? tab : end;
		fields[n] = (struct line){at, (size_t)(tab - at), l.number};
		at = tab + 1;
	}
	if (!why && (c->value >= n || c->type >= n))
		why = "fewer columns than #fields names";
	while (!why && t < sizeof types / sizeof *types &&
	       !field_is(fields[c->type], types[t].name))
		t++;
	if (!why && t == sizeof types / sizeof *types)
		why = "a type that is none of Zeek's";
	if (!why && types[t].left)
		return import_leave(i, types[t].left);
	if (!why && !field_plain(value, sizeof value, fields[c->value]))
		why = "too long for a value";
	i->read++;
	if (!why) {
		unescape(value);
		if (value_read(&o, t, value, &why))
			why = NULL;
	}
	if (why)
		return import_reject(i, input, l.number, l.at, l.length, why);
	if (c->desc >= n || field_is(fields[c->desc], "-") ||
	    !field_plain(desc, sizeof desc, fields[c->desc]))
		*desc = '\0';
	return value_add(i, &o, &like);
}

enum err import_zeek(struct import *i, const char *bytes, size_t n, const char *name,
		     struct report *report)
{
	struct lines s = lines_of(i, bytes, n);
	struct columns c;
	struct line l;
	bool known = false;
	enum err err = ERR_OK;

	while (!err && line_next(&s, &l)) {
		if (l.length > sizeof head && memcmp(l.at, head, sizeof head - 1) == 0) {
			known = columns_read(&c, l);
			if (known)
				continue;
			report_add(report, "%s: line %zu: neither indicator nor indicator_type",
				   name, l.number);
			return ERR_FORMAT;
		}
		if (l.length == 0 || *l.at == '#')
			continue;
		if (!known) {
			report_add(report, "%s: line %zu: no line #fields before it", name,
				   l.number);
			return ERR_FORMAT;
		}
		err = row_read(i, &c, l, name);
	}
	return err;
}
