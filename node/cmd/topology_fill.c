/* khabar topology fill: takes what a text lacks from the nodes' cards, never changing what is
 * there.
 *
 * A text is edited as text, so that its comments and its order stay as the council knows them. */
#include <cjson/cJSON.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "node/cmd/print.h"
#include "node/cmd/topology_file.h"

enum { CARD_FILE_MAX_BYTES = 64 << 10 };

/* The text in its present state, and what it says. */
struct draft {
	char *text;
	size_t length;
	struct zpl *z;
	size_t edits;
	struct report *report;
};

static enum err draft_read(struct draft *d, char *text, size_t n)
{
	struct zpl *z;
	enum err e = zpl_parse(&z, text, n, d->report);

	if (e) {
		zpl_free(z);
		free(text);
		return e;
	}
	zpl_free(d->z);
	free(d->text);
	d->z = z;
	d->text = text;
	d->length = n;
	return ERR_OK;
}

/* Where the line behind line number `line` begins. */
static size_t offset_behind(const struct draft *d, unsigned line)
{
	size_t at = 0;

	for (; line > 0 && at < d->length; line--)
		at = (size_t)((char *)memchr(d->text + at, '\n', d->length - at) - d->text) + 1;
	return at;
}

/* Puts lines behind the line `line` of the text; with replace, in its place. */
static enum err draft_edit(struct draft *d, unsigned line, bool replace, const char *lines)
{
	size_t to = offset_behind(d, line), from = replace ? offset_behind(d, line - 1) : to;
	size_t added = strlen(lines), n = d->length - (to - from) + added;
	char *text = malloc(n + 1);

	if (!text)
		return ERR_MEMORY;
	memcpy(text, d->text, from);
	memcpy(text + from, lines, added);
	memcpy(text + from + added, d->text + to, d->length - to);
	text[n] = '\0';
	d->edits++;
	return draft_read(d, text, n);
}

static char quote_for(const char *value)
{
	return strchr(value, '"') ? '\'' : '"';
}

/* A key and what is below it, as lines of ZPL from that level on. */
static void write_item(FILE *out, const struct zpl_item *item, int level)
{
	if (item->value)
		fprintf(out, "%*s%s = %c%s%c\n", level * 4, "", item->name, quote_for(item->value),
			item->value, quote_for(item->value));
	else
		fprintf(out, "%*s%s\n", level * 4, "", item->name);
	for (const struct zpl_item *child = item->child; child; child = child->next)
		write_item(out, child, level + 1);
}

/* Puts those of the n items that are not NULL behind a line. */
static enum err add_items(struct draft *d, unsigned behind, const struct zpl_item *const *items,
			  size_t n, int level)
{
	char *lines = NULL;
	size_t length;
	FILE *out = open_memstream(&lines, &length);
	enum err e = ERR_MEMORY;

	if (!out)
		return e;
	for (size_t i = 0; i < n; i++)
		if (items[i])
			write_item(out, items[i], level);
	if (fclose(out) == 0)
		e = length > 0 ? draft_edit(d, behind, false, lines) : ERR_OK;
	free(lines);
	return e;
}

/* ---- parties ---- */

static void no_such_entry(struct draft *d, const struct zpl_item *entry)
{
	const struct zpl_item *section = zpl_find(d->z, entry->parent->name);
	const char *names[PARTIES_MAX], *nearest;
	size_t n = 0;

	for (const struct zpl_item *i = section ? section->child : NULL; i && n < PARTIES_MAX;
	     i = i->next)
		names[n++] = i->name;
	nearest = report_nearest(entry->name, names, n);
	if (nearest)
		report_add(d->report, "no %s named \"%s\" in the text; did you mean \"%s\"?",
			   entry->parent->name, entry->name, nearest);
	else
		report_add(d->report, "no %s named \"%s\" in the text", entry->parent->name,
			   entry->name);
}

/* Copies those of an entry's keys that the text's entry of this name lacks. */
static enum err fill_entry(struct draft *d, const struct zpl_item *entry, bool must_exist)
{
	static const char *const keys[] = {"endpoint", "link", "sign", "seal"};
	enum { KEYS = sizeof keys / sizeof *keys };
	const char *section = entry->parent->name;
	const struct zpl_item *has = zpl_child(zpl_find(d->z, section), entry->name);
	const struct zpl_item *lacks[KEYS] = {NULL};

	if (!has && must_exist) {
		no_such_entry(d, entry);
		return ERR_UNKNOWN_PARTY;
	}
	if (!has)
		return ERR_OK;
	for (size_t i = 0; i < KEYS; i++)
		if (!zpl_child(has, keys[i]))
			lacks[i] = zpl_child(entry, keys[i]);
	return add_items(d, has->last, lacks, KEYS, 2);
}

static enum err fill_entries(struct draft *d, const struct zpl *from, const char *name,
			     bool must_exist)
{
	const struct zpl_item *section = zpl_find(from, name);
	enum err e = ERR_OK;

	for (const struct zpl_item *i = section ? section->child : NULL; i && e == ERR_OK;
	     i = i->next)
		e = fill_entry(d, i, must_exist);
	return e;
}

static enum err fill_card(struct draft *d, const char *path)
{
	struct zpl *card = NULL;
	char *text;
	size_t n;
	enum err e = file_read(&text, &n, path, CARD_FILE_MAX_BYTES, d->report);

	if (e == ERR_OK)
		e = zpl_parse(&card, text, n, d->report);
	if (e == ERR_OK && !zpl_find(card, "node") && !zpl_find(card, "role")) {
		report_add(d->report, "not a card: neither a node nor a role is in it");
		e = ERR_FORMAT;
	}
	if (e == ERR_OK)
		e = fill_entries(d, card, "node", true);
	if (e == ERR_OK)
		e = fill_entries(d, card, "role", true);
	zpl_free(card);
	free(text);
	return e;
}

/* ---- federation and council ---- */

static const struct zpl_item *section_of(struct draft *d, const char *name, enum err *e)
{
	char line[64];
	unsigned lines = 0;

	if (!zpl_find(d->z, name)) {
		for (size_t i = 0; i < d->length; i++)
			lines += d->text[i] == '\n';
		snprintf(line, sizeof line, "\n%s\n", name);
		*e = draft_edit(d, lines, false, line);
		if (*e)
			return NULL;
	}
	return zpl_find(d->z, name);
}

/* Sets key = value in an outermost section; one that is there stays unless replace. */
static enum err set_key(struct draft *d, const char *section, const char *key, const char *value,
			bool replace)
{
	enum err e = ERR_OK;
	const struct zpl_item *in = section_of(d, section, &e), *item;
	char line[ZPL_LINE_MAX_BYTES];

	if (!in)
		return e;
	item = zpl_child(in, key);
	if (item && (!replace || (item->value && strcmp(item->value, value) == 0)))
		return ERR_OK;
	snprintf(line, sizeof line, "    %s = \"%s\"\n", key, value);
	return draft_edit(d, item ? item->line : in->line, item != NULL, line);
}

static enum err fill_federation(struct draft *d)
{
	char date[32];
	uint64_t year = (uint64_t)time(NULL) + UINT64_C(365) * 86400;
	enum err e = set_key(d, "federation", "expires", date_text(date, sizeof date, year * 1000),
			     false);

	if (e == ERR_OK)
		e = set_key(d, "federation", "version", "1", false);
	return e ? e : set_key(d, "federation", "name", "Federation", false);
}

/* Makes the text the version after l: the three keys that say so are set, whatever they were. */
static enum err fill_after(struct draft *d, const struct loaded *l)
{
	char text[2 * HASH_BYTES + 1];
	struct zpl *z = NULL;
	const struct zpl_item *was, *section;
	enum err e;

	snprintf(text, sizeof text, "%llu", (unsigned long long)l->t->version + 1);
	e = set_key(d, "federation", "version", text, true);
	hex_encode(text, l->t->network.b, NETWORK_ID_BYTES);
	e = e ? e : set_key(d, "federation", "network", text, true);
	hex_encode(text, l->t->hash.b, HASH_BYTES);
	e = e ? e : set_key(d, "federation", "previous", text, true);
	e = e ? e : zpl_parse(&z, l->file, l->text_length, NULL);
	if (e)
		goto done;
	was = zpl_child(zpl_find(z, "council"), "members");
	section = section_of(d, "council", &e);
	if (section && was && !zpl_child(section, "members"))
		e = add_items(d, section->last, &was, 1, 1);
	e = e ? e : fill_entries(d, z, "node", false);
	e = e ? e : fill_entries(d, z, "role", false);
done:
	zpl_free(z);
	return e;
}

/* "interior=RWQ...": a member, unless there is one of this name. */
static enum err fill_member(struct draft *d, const char *name_and_key)
{
	const char *equals = strchr(name_and_key, '=');
	const struct zpl_item *section, *members;
	char name[NAME_MAX_BYTES + 1], line[200];
	uint8_t id[8], key[SIGN_KEY_BYTES];
	enum err e = ERR_OK;

	snprintf(name, sizeof name, "%.*s", equals ? (int)(equals - name_and_key) : 0,
		 name_and_key);
	if (!equals || (size_t)(equals - name_and_key) != strlen(name) || !name_valid(name) ||
	    !council_read_key(equals + 1, id, key)) {
		report_add(d->report, "--council %s: NAME=KEY was expected, a minisign public key",
			   name_and_key);
		return ERR_FORMAT;
	}
	section = section_of(d, "council", &e);
	if (!section)
		return e;
	members = zpl_child(section, "members");
	if (zpl_child(members, name))
		return ERR_OK;
	snprintf(line, sizeof line, "%s        %s = \"%s\"\n", members ? "" : "    members\n", name,
		 equals + 1);
	return draft_edit(d, members ? members->last : section->last, false, line);
}

/* Where nobody said how many must sign: more than half. */
static enum err fill_threshold(struct draft *d)
{
	const struct zpl_item *members = zpl_child(zpl_find(d->z, "council"), "members");
	char text[16];
	unsigned n = 0;

	for (const struct zpl_item *m = members ? members->child : NULL; m; m = m->next)
		n++;
	snprintf(text, sizeof text, "%u", n / 2 + 1);
	return members ? set_key(d, "council", "threshold", text, false) : ERR_OK;
}

/* ---- the subcommand ---- */

enum { MEMBERS_MAX = COUNCIL_MAX };

struct options {
	const char *out, *after, *members[MEMBERS_MAX];
	size_t member_count;
	char **files; /* the text, then the cards */
	int count;
};

static bool read_options(struct options *o, int argc, char **argv)
{
	static const struct option names[] = {{"output", required_argument, NULL, 'o'},
					      {"after", required_argument, NULL, 'a'},
					      {"council", required_argument, NULL, 'c'},
					      {0}};
	int option;

	*o = (struct options){0};
	optind = 1;
	while ((option = getopt_long(argc, argv, "o:", names, NULL)) != -1) {
		if (option == 'o')
			o->out = optarg;
		else if (option == 'a')
			o->after = optarg;
		else if (option == 'c' && o->member_count < MEMBERS_MAX)
			o->members[o->member_count++] = optarg;
		else
			return false;
	}
	o->files = argv + optind;
	o->count = argc - optind;
	return true;
}

static enum err fill(struct draft *d, const struct options *o, const char **where)
{
	struct loaded after = {0};
	enum err e = ERR_OK;

	if (o->after) {
		*where = o->after;
		e = loaded_read(&after, o->after, d->report);
		e = e ? e : fill_after(d, &after);
		loaded_clear(&after);
	}
	for (int i = 1; i < o->count && e == ERR_OK; i++) {
		*where = o->files[i];
		e = fill_card(d, o->files[i]);
	}
	*where = o->files[0];
	for (size_t i = 0; i < o->member_count && e == ERR_OK; i++)
		e = fill_member(d, o->members[i]);
	e = e ? e : fill_threshold(d);
	return e ? e : fill_federation(d);
}

/* Says what is still missing: a secretary fills a text as the cards come in. */
static void print_rest(const struct cmd_context *c, const struct options *o, const struct draft *d)
{
	struct topology *t = NULL;
	struct report rest;
	cJSON *json = NULL, *list = NULL;

	report_init(&rest);
	topology_parse(&t, d->text, d->length, &rest);
	if (c->json && o->out) {
		json = cJSON_CreateObject();
		cJSON_AddStringToObject(json, "file", o->out);
		cJSON_AddNumberToObject(json, "filled", (double)d->edits);
		cJSON_AddBoolToObject(json, "complete", t != NULL);
		list = cJSON_AddArrayToObject(json, "missing");
	}
	for (size_t i = 0; i < rest.count; i++) {
		if (list)
			cJSON_AddItemToArray(list, cJSON_CreateString(rest.lines[i]));
		else
			print_complaint("still to do", rest.lines[i]);
	}
	if (json)
		json_print(json);
	topology_free(t);
	report_clear(&rest);
}

int topology_fill(const struct cmd_context *c, int argc, char **argv)
{
	struct options o;
	struct report report;
	struct draft d = {.report = &report};
	const char *where;
	char *text;
	size_t n;
	enum err e;
	int code = EXIT_DONE;

	if (!read_options(&o, argc, argv))
		return EXIT_USAGE;
	if (o.count < 1)
		return cmd_misused("khabar topology fill", "the text is missing");
	report_init(&report);
	where = o.files[0];
	e = file_read(&text, &n, where, TOPOLOGY_MAX_BYTES, &report);
	/* Signatures of a text that changes are worth nothing. */
	e = e ? e : draft_read(&d, text, council_text_length(text, n));
	e = e ? e : fill(&d, &o, &where);
	e = e ? e : file_write(o.out, d.text, d.length, &report);
	if (e)
		code = topology_refused(c, where, e, &report);
	else
		print_rest(c, &o, &d);
	zpl_free(d.z);
	free(d.text);
	report_clear(&report);
	return code;
}
