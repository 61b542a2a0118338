/* The CSVs of abuse.ch, told apart by their header: URLhaus, ThreatFox, Feodo Tracker and
 * MalwareBazaar. */
#include <string.h>
#include <strings.h>

#include "node/format/import.h"
#include "node/format/lines.h"

enum { HEADER_WITHIN = 100, VALUES_MAX = 3, FEED_LABELS_MAX = 3 };

static const struct feed {
	const char *name;
	const char *values[VALUES_MAX + 1]; /* columns, all of which the header has */
	const char *type;                   /* a column that says of which type the value is */
	const char *seen;
	const char *labels[FEED_LABELS_MAX + 1]; /* columns whose text says what it is */
} feeds[] = {
	{"urlhaus", {"url", NULL}, NULL, "dateadded", {"threat", "tags", NULL}},
	{"threatfox",
	 {"ioc_value", NULL},
	 "ioc_type",
	 "first_seen_utc",
	 {"threat_type", "malware_printable", NULL}},
	{"feodo", {"dst_ip", NULL}, NULL, "first_seen_utc", {"malware", NULL}},
	{"malwarebazaar",
	 {"sha256_hash", "md5_hash", "sha1_hash", NULL},
	 NULL,
	 "first_seen_utc",
	 {"signature", NULL}},
};

struct table {
	const struct feed *feed;
	size_t values[VALUES_MAX], labels[FEED_LABELS_MAX], type, seen; /* FIELDS_MAX: none */
	size_t count;                                                   /* columns */
};

/* The header is a comment in most of them. */
static size_t header_split(struct line l, struct line fields[FIELDS_MAX])
{
	l = line_trimmed(l);
	while (l.length && (*l.at == '#' || line_blank(*l.at))) {
		l.at++;
		l.length--;
	}
	return fields_split(l, ',', fields);
}

static size_t column(const struct line *fields, size_t n, const char *name)
{
	char text[64];

	for (size_t f = 0; name && f < n; f++) {
		if (field_plain(text, sizeof text, fields[f]) && strcasecmp(text, name) == 0)
			return f;
	}
	return FIELDS_MAX;
}

static bool header_read(struct table *t, struct line l)
{
	struct line fields[FIELDS_MAX];
	size_t n = header_split(l, fields);

	for (size_t f = 0; n > 2 && f < sizeof feeds / sizeof *feeds; f++) {
		const struct feed *feed = &feeds[f];
		bool all;

		*t = (struct table){.feed = feed, .count = n};
		t->type = column(fields, n, feed->type);
		t->seen = column(fields, n, feed->seen);
		all = t->seen < FIELDS_MAX && (!feed->type || t->type < FIELDS_MAX);
		for (size_t v = 0; feed->values[v]; v++) {
			t->values[v] = column(fields, n, feed->values[v]);
			all = all && t->values[v] < FIELDS_MAX;
		}
		for (size_t k = 0; feed->labels[k]; k++)
			t->labels[k] = column(fields, n, feed->labels[k]);
		if (all)
			return true;
	}
	return false;
}

/* Finds the header and stands behind it. */
static bool table_open(struct table *t, struct lines *s)
{
	struct line l;

	while (s->number < HEADER_WITHIN && line_next(s, &l)) {
		if (header_read(t, l))
			return true;
	}
	return false;
}

bool looks_abusech(const char *bytes, size_t n)
{
	struct lines s = {.at = bytes, .end = bytes + n};
	struct table t;

	return table_open(&t, &s);
}

/* Hashes that nothing here looks for. */
static bool other_hash(const char *type)
{
	static const char *const others[] = {"sha3_384_hash", "sha3_256_hash", "imphash",
					     "ssdeep",        "tlsh",          "telfhash"};

	for (size_t o = 0; o < sizeof others / sizeof *others; o++) {
		if (strcasecmp(type, others[o]) == 0)
			return true;
	}
	return false;
}

static bool type_is(enum observable_type got, const char *column)
{
	static const struct {
		const char *column;
		enum observable_type type;
	} want[] = {
		{"url", OBSERVABLE_URL},          {"md5_hash", OBSERVABLE_MD5},
		{"sha1_hash", OBSERVABLE_SHA1},   {"sha256_hash", OBSERVABLE_SHA256},
		{"ip:port", OBSERVABLE_ENDPOINT}, {"domain", OBSERVABLE_DOMAIN},
		{"email", OBSERVABLE_EMAIL},      {"envelope_from", OBSERVABLE_EMAIL},
		{"body_from", OBSERVABLE_EMAIL},
	};

	for (size_t w = 0; w < sizeof want / sizeof *want; w++) {
		if (strcasecmp(column, want[w].column) == 0)
			return got == want[w].type;
	}
	return got == OBSERVABLE_IPV4 || got == OBSERVABLE_IPV6;
}

static bool left_blank(const char *text)
{
	return !*text || strcasecmp(text, "n/a") == 0 || strcasecmp(text, "none") == 0;
}

struct row {
	const struct table *t;
	const struct line *fields;
	struct line l;
	const char *input;
	const struct indicator *like;
};

static enum err value_read(struct import *i, const struct row *r, size_t v)
{
	char text[2 * OBSERVABLE_MAX_BYTES], type[64];
	const char *why = "too long for a value", *wanted = r->t->feed->values[v];
	struct observable o;

	if (r->t->feed->type) {
		if (!field_plain(type, sizeof type, r->fields[r->t->type]))
			*type = '\0';
		if (other_hash(type))
			return import_leave(i, "hashes that are not looked for");
		wanted = type;
	}
	if (field_plain(text, sizeof text, r->fields[r->t->values[v]])) {
		/* Of a file some hashes may not be known. */
		if (v > 0 && left_blank(text))
			return ERR_OK;
		why = "not a value of the type that its column says";
		if (observable_detect(&o, text, &why) == ERR_OK && type_is(o.type, wanted)) {
			i->read++;
			return value_add(i, &o, r->like);
		}
	}
	i->read++;
	return import_reject(i, r->input, r->l.number, r->l.at, r->l.length, why);
}

static enum err row_read(struct import *i, const struct table *t, struct line l, const char *input)
{
	struct line fields[FIELDS_MAX];
	char said[FEED_LABELS_MAX][LABEL_MAX_BYTES], seen[64] = "";
	const char *labels[FEED_LABELS_MAX + 1] = {t->feed->name}, *why = line_bad(l);
	struct indicator like = {.labels = labels, .label_count = 1};
	struct row row = {t, fields, l, input, &like};
	size_t n = fields_split(l, ',', fields);
	enum err err = ERR_OK;

	if (!why && n != t->count)
		why = "not as many columns as the header has";
	if (why) {
		i->read++;
		return import_reject(i, input, l.number, l.at, l.length, why);
	}
	if (!field_plain(seen, sizeof seen, fields[t->seen]))
		*seen = '\0';
	like.created = like.valid_from = time_read(seen, i->options.now);
	for (size_t k = 0; t->feed->labels[k]; k++) {
		if (t->labels[k] < n && field_plain(said[k], sizeof *said, fields[t->labels[k]]) &&
		    !left_blank(said[k]))
			labels[like.label_count++] = said[k];
	}
	for (size_t v = 0; t->feed->values[v] && !err; v++)
		err = value_read(i, &row, v);
	return err;
}

enum err import_abusech(struct import *i, const char *bytes, size_t n, const char *name,
			struct report *report)
{
	struct lines s = lines_of(i, bytes, n);
	struct table t;
	struct line l;
	enum err err = ERR_OK;

	if (!table_open(&t, &s)) {
		report_add(report,
			   "%s: no header of URLhaus, ThreatFox, Feodo Tracker or MalwareBazaar "
			   "in its first %d lines",
			   name, HEADER_WITHIN);
		return ERR_FORMAT;
	}
	while (!err && line_next_said(&s, &l))
		err = row_read(i, &t, l, name);
	return err;
}
