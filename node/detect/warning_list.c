#include "node/detect/warning_list.h"

#include <limits.h>
#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "node/detect/value_set.h"
#include "node/detect/warning_regex.h"
#include "node/file.h"
#include "protocol/json.h"

enum { FILE_MAX_BYTES = 256 << 20, LISTS_MAX = 1024 };

struct list {
	char *name;    /* owned */
	unsigned mask; /* of the types that it is for: 1 << type */
};

/* A text that is looked for inside of others. */
struct part {
	char *text; /* owned; in lower case */
	size_t n;
	uint32_t list;
};

struct expression {
	regex_t compiled;
	uint32_t list;
};

struct warning_lists {
	_Atomic unsigned holders;
	struct list lists[LISTS_MAX];
	size_t count, entries, unread;
	struct value_set *set; /* tags are places in lists */
	struct part *parts;    /* ascending */
	size_t part_count, part_room;
	size_t parts_from[257]; /* where those begin whose first byte is that */
	struct expression *expressions;
	size_t expression_count, expression_room;
};

/* ---- what a list is for ---- */

#define BIT(type) (1u << OBSERVABLE_##type)

/* MISP's types of attributes, as far as they are values here. */
static unsigned types_of(const char *attribute)
{
	static const struct {
		const char *name;
		unsigned mask;
	} table[] = {
		{"ip-src", BIT(IPV4) | BIT(IPV6)},
		{"ip-dst", BIT(IPV4) | BIT(IPV6)},
		{"domain|ip", BIT(IPV4) | BIT(IPV6) | BIT(DOMAIN)},
		{"ip-src|port", BIT(IPV4) | BIT(IPV6) | BIT(ENDPOINT)},
		{"ip-dst|port", BIT(IPV4) | BIT(IPV6) | BIT(ENDPOINT)},
		{"domain", BIT(DOMAIN)},
		{"hostname", BIT(DOMAIN)},
		{"hostname|port", BIT(DOMAIN) | BIT(ENDPOINT)},
		{"url", BIT(URL)},
		{"link", BIT(URL)},
		{"uri", BIT(URL) | BIT(PATH)},
		{"email", BIT(EMAIL)},
		{"email-src", BIT(EMAIL)},
		{"email-dst", BIT(EMAIL)},
		{"email-reply-to", BIT(EMAIL)},
		{"target-email", BIT(EMAIL)},
		{"md5", BIT(MD5)},
		{"filename|md5", BIT(MD5)},
		{"sha1", BIT(SHA1)},
		{"filename|sha1", BIT(SHA1)},
		{"sha256", BIT(SHA256)},
		{"filename|sha256", BIT(SHA256)},
		{"sha512", BIT(SHA512)},
		{"filename|sha512", BIT(SHA512)},
		{"filename", BIT(FILE_NAME)},
	};

	for (size_t i = 0; i < sizeof table / sizeof *table; i++)
		if (strcmp(table[i].name, attribute) == 0)
			return table[i].mask;
	return 0;
}

static unsigned mask_of(const cJSON *json)
{
	const cJSON *names = cJSON_GetObjectItemCaseSensitive(json, "matching_attributes"), *name;
	unsigned mask = 0;

	if (!cJSON_IsArray(names) || !names->child)
		return UINT_MAX;
	cJSON_ArrayForEach(name, names)
	{
		if (cJSON_IsString(name))
			mask |= types_of(name->valuestring);
	}
	return mask;
}

/* ---- entries ---- */

static bool room(void **at, size_t *has, size_t count, size_t width)
{
	size_t more = *has ? 2 * *has : 64;
	void *grown;

	if (count < *has)
		return true;
	grown = realloc(*at, more * width);
	if (!grown)
		return false;
	*at = grown;
	*has = more;
	return true;
}

static void lower(char *s)
{
	for (; *s; s++)
		if (*s >= 'A' && *s <= 'Z')
			*s = (char)(*s + 'a' - 'A');
}

/* A host or a value as it stands; a dot in front says that what is below it is meant too. */
static enum err add_value(struct warning_lists *w, const char *entry, bool below, uint32_t list)
{
	struct observable v;
	const char *why;
	bool dotted = entry[0] == '.' || strncmp(entry, "*.", 2) == 0;
	char *text;
	enum err e;

	if (observable_detect(&v, entry, &why) == ERR_OK)
		return value_set_add(w->set, &v, below || dotted, list);
	text = strdup(dotted ? strchr(entry, '.') + 1 : entry);
	if (!text)
		return ERR_MEMORY;
	lower(text);
	e = *text ? value_set_add_text(w->set, text, below || dotted, list) : ERR_OK;
	free(text);
	return e;
}

static enum err add_text(struct warning_lists *w, const char *entry, uint32_t list)
{
	return add_value(w, entry, false, list);
}

static enum err add_host(struct warning_lists *w, const char *entry, uint32_t list)
{
	return add_value(w, entry, true, list);
}

/* What is no network is passed over: of a million lines somebody's is wrong. */
static enum err add_network(struct warning_lists *w, const char *entry, uint32_t list)
{
	struct observable v;
	const char *why;

	if (observable_detect(&v, entry, &why) != ERR_OK ||
	    (v.type != OBSERVABLE_IPV4 && v.type != OBSERVABLE_IPV6)) {
		w->unread++;
		return ERR_OK;
	}
	return value_set_add(w->set, &v, false, list);
}

static enum err add_part(struct warning_lists *w, const char *entry, uint32_t list)
{
	struct part *p;

	if (!*entry)
		return ERR_OK;
	if (!room((void **)&w->parts, &w->part_room, w->part_count, sizeof *w->parts))
		return ERR_MEMORY;
	p = &w->parts[w->part_count];
	*p = (struct part){strdup(entry), strlen(entry), list};
	if (!p->text)
		return ERR_MEMORY;
	lower(p->text);
	w->part_count++;
	return ERR_OK;
}

static enum err add_expression(struct warning_lists *w, const char *entry, uint32_t list)
{
	struct expression *x;

	if (!room((void **)&w->expressions, &w->expression_room, w->expression_count,
		  sizeof *w->expressions))
		return ERR_MEMORY;
	x = &w->expressions[w->expression_count];
	x->list = list;
	if (warning_regex_compile(&x->compiled, entry))
		w->expression_count++;
	else
		w->unread++;
	return ERR_OK;
}

typedef enum err add_fn(struct warning_lists *w, const char *entry, uint32_t list);

static add_fn *adder_of(const char *type)
{
	static const struct {
		const char *type;
		add_fn *add;
	} table[] = {{"string", add_text},
		     {"hostname", add_host},
		     {"cidr", add_network},
		     {"substring", add_part},
		     {"regex", add_expression}};

	for (size_t i = 0; i < sizeof table / sizeof *table; i++)
		if (strcmp(table[i].type, type) == 0)
			return table[i].add;
	return NULL;
}

/* ---- a file ---- */

static const char *string_of(const cJSON *json, const char *name)
{
	const char *s = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(json, name));

	return s ? s : "";
}

static enum err take_entries(struct warning_lists *w, const cJSON *entries, add_fn *add,
			     const char *path, struct report *report)
{
	uint32_t list = (uint32_t)w->count;
	const cJSON *entry;
	size_t number = 0;

	cJSON_ArrayForEach(entry, entries)
	{
		enum err e = cJSON_IsString(entry) ? add(w, entry->valuestring, list) : ERR_FORMAT;
		number++;
		if (e == ERR_FORMAT)
			report_add(report, "%s: entry %zu cannot be read", path, number);
		if (e)
			return e;
		w->entries++;
	}
	return ERR_OK;
}

static enum err take_json(struct warning_lists *w, const cJSON *json, const char *path,
			  struct report *report)
{
	const cJSON *entries = cJSON_GetObjectItemCaseSensitive(json, "list");
	const char *type = string_of(json, "type"), *name = string_of(json, "name");
	add_fn *add = adder_of(*type ? type : "string");
	enum err e;

	if (!cJSON_IsArray(entries) || !*name) {
		report_add(report, "%s: is no warning list: \"name\" and \"list\" are wanted",
			   path);
		return ERR_FORMAT;
	}
	if (!add) {
		report_add(report,
			   "%s: type \"%s\" is none of string, hostname, cidr, substring, "
			   "regex",
			   path, type);
		return ERR_FORMAT;
	}
	if (w->count == LISTS_MAX) {
		report_add(report, "%s: more than %d lists", path, LISTS_MAX);
		return ERR_LIMIT;
	}
	e = take_entries(w, entries, add, path, report);
	if (e)
		return e;
	w->lists[w->count] = (struct list){strdup(name), mask_of(json)};
	return w->lists[w->count].name ? (w->count++, ERR_OK) : ERR_MEMORY;
}

enum err warning_lists_take(struct warning_lists *w, const char *path, struct report *report)
{
	struct report words;
	cJSON *json = NULL;
	char *text = NULL;
	size_t n;
	enum err e;

	report_init(&words);
	e = file_read(&text, &n, path, FILE_MAX_BYTES, &words);
	if (!e)
		e = json_parse(&json, text, n, &words);
	free(text);
	if (e)
		report_add(report, "%s: %s", path, words.count ? report_first(&words) : err_str(e));
	else
		e = take_json(w, json, path, report);
	cJSON_Delete(json);
	report_clear(&words);
	return e;
}

/* ---- all of it ---- */

static int compare_parts(const void *a, const void *b)
{
	return strcmp(((const struct part *)a)->text, ((const struct part *)b)->text);
}

static void parts_close(struct warning_lists *w)
{
	size_t i = 0;

	if (w->part_count)
		qsort(w->parts, w->part_count, sizeof *w->parts, compare_parts);
	for (int first = 0; first <= 256; first++) {
		while (i < w->part_count && (uint8_t)w->parts[i].text[0] < first)
			i++;
		w->parts_from[first] = i;
	}
}

struct warning_lists *warning_lists_new(void)
{
	struct warning_lists *w = calloc(1, sizeof *w);

	if (w && !(w->set = value_set_new())) {
		free(w);
		return NULL;
	}
	if (w)
		w->holders = 1;
	return w;
}

void warning_lists_close(struct warning_lists *w)
{
	value_set_close(w->set);
	parts_close(w);
}

struct warning_lists *warning_lists_hold(struct warning_lists *w)
{
	if (w)
		w->holders++;
	return w;
}

void warning_lists_free(struct warning_lists *w)
{
	if (!w || --w->holders > 0)
		return;
	for (size_t i = 0; i < w->count; i++)
		free(w->lists[i].name);
	for (size_t i = 0; i < w->part_count; i++)
		free(w->parts[i].text);
	for (size_t i = 0; i < w->expression_count; i++)
		regfree(&w->expressions[i].compiled);
	free(w->parts);
	free(w->expressions);
	value_set_free(w->set);
	free(w);
}

size_t warning_lists_count(const struct warning_lists *w)
{
	return w->count;
}

size_t warning_lists_entries(const struct warning_lists *w)
{
	return w->entries;
}

size_t warning_lists_unread(const struct warning_lists *w)
{
	return w->unread;
}

/* ---- looking ---- */

struct search {
	const struct warning_lists *w;
	unsigned type; /* bit of the value's */
	const char **names;
	size_t max, count;
};

static bool note(void *arg, uint32_t tag)
{
	struct search *f = arg;
	const struct list *l = &f->w->lists[tag];

	if (!(l->mask & f->type))
		return true;
	for (size_t i = 0; i < f->count; i++)
		if (f->names[i] == l->name)
			return true;
	f->names[f->count++] = l->name;
	return f->count < f->max;
}

static void find_parts(struct search *f, const struct observable *v)
{
	const struct warning_lists *w = f->w;
	char text[OBSERVABLE_MAX_BYTES + 1];

	memcpy(text, v->text, v->length + 1u);
	lower(text);
	for (size_t at = 0; at < v->length; at++) {
		uint8_t c = (uint8_t)text[at];
		for (size_t i = w->parts_from[c]; i < w->parts_from[c + 1]; i++)
			if (w->parts[i].n <= v->length - at &&
			    memcmp(text + at, w->parts[i].text, w->parts[i].n) == 0 &&
			    !note(f, w->parts[i].list))
				return;
	}
}

static void find_expressions(struct search *f, const struct observable *v)
{
	for (size_t i = 0; i < f->w->expression_count; i++) {
		const struct expression *x = &f->w->expressions[i];
		if ((f->w->lists[x->list].mask & f->type) &&
		    regexec(&x->compiled, v->text, 0, NULL, 0) == 0 && !note(f, x->list))
			return;
	}
}

size_t warning_lists_find(const struct warning_lists *w, const struct observable *v,
			  const char **names, size_t max)
{
	struct search f = {w, 1u << v->type, names, max, 0};
	struct observable host;

	value_set_find(w->set, v, note, &f);
	if (f.count < max && value_host(v, &host)) {
		if (v->type == OBSERVABLE_ENDPOINT) {
			f.type |= 1u << host.type;
			value_set_find(w->set, &host, note, &f);
		} else {
			value_set_find_holders(w->set, &host, note, &f);
		}
	}
	if (w->part_count && f.count < max)
		find_parts(&f, v);
	if (w->expression_count && f.count < max)
		find_expressions(&f, v);
	return f.count;
}
