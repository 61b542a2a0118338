/* khabar topology diff: what one text says and another does not, key by key. */
#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "node/cmd/topology_file.h"

struct comparing {
	const struct cmd_context *c;
	cJSON *changes; /* with --json */
	size_t count;
};

static void change(struct comparing *d, const struct zpl_item *was, const struct zpl_item *is)
{
	char path[ZPL_PATH_BYTES];
	cJSON *o;

	d->count++;
	zpl_path(path, was ? was : is);
	if (d->c->json) {
		o = cJSON_CreateObject();
		cJSON_AddStringToObject(o, "change", !was ? "added" : !is ? "removed" : "changed");
		cJSON_AddStringToObject(o, "where", path);
		if (was && was->value)
			cJSON_AddStringToObject(o, "from", was->value);
		if (is && is->value)
			cJSON_AddStringToObject(o, "to", is->value);
		cJSON_AddItemToArray(d->changes, o);
	} else if (was && is) {
		printf("~ %s: %s -> %s\n", path, was->value ? was->value : "",
		       is->value ? is->value : "");
	} else {
		const char *value = was ? was->value : is->value;
		printf("%s %s%s%s\n", was ? "-" : "+", path, value ? ": " : "", value ? value : "");
	}
}

static const struct zpl_item *find(const struct zpl_item *list, const char *name)
{
	while (list && strcmp(list->name, name) != 0)
		list = list->next;
	return list;
}

static bool same_value(const struct zpl_item *a, const struct zpl_item *b)
{
	return a->value && b->value ? strcmp(a->value, b->value) == 0 : a->value == b->value;
}

/* Levels are few (ZPL_LEVELS_MAX), so recursion is bounded. */
static void compare(struct comparing *d, const struct zpl_item *was, const struct zpl_item *is)
{
	for (const struct zpl_item *a = was; a; a = a->next) {
		const struct zpl_item *b = find(is, a->name);
		if (!b || !same_value(a, b))
			change(d, a, b);
		compare(d, a->child, b ? b->child : NULL);
	}
	for (const struct zpl_item *b = is; b; b = b->next) {
		if (find(was, b->name))
			continue;
		change(d, NULL, b);
		compare(d, NULL, b->child);
	}
}

static enum err read_form(struct zpl **z, const char *path, struct report *report)
{
	char *file;
	size_t n;
	enum err e = file_read(&file, &n, path, TOPOLOGY_MAX_BYTES, report);

	*z = NULL;
	if (e == ERR_OK)
		e = zpl_parse(z, file, council_text_length(file, n), report);
	free(file);
	return e;
}

int topology_diff(const struct cmd_context *c, int argc, char **argv)
{
	struct comparing d = {.c = c};
	struct zpl *was = NULL, *is = NULL;
	struct report report;
	const char *where = argv[1];
	enum err e;
	int code = EXIT_DONE;

	if (argc != 3)
		return cmd_misused("khabar topology diff", "exactly two files are compared");
	report_init(&report);
	/* The form is enough: a draft that is not yet a topology can be compared too. */
	e = read_form(&was, where, &report);
	if (e == ERR_OK) {
		where = argv[2];
		e = read_form(&is, where, &report);
	}
	if (e) {
		code = topology_refused(c, where, e, &report);
	} else if (c->json) {
		cJSON *o = cJSON_CreateObject();
		d.changes = cJSON_AddArrayToObject(o, "changes");
		compare(&d, zpl_first(was), zpl_first(is));
		json_print(o);
	} else {
		compare(&d, zpl_first(was), zpl_first(is));
		if (d.count == 0)
			printf("no difference\n");
	}
	zpl_free(was);
	zpl_free(is);
	report_clear(&report);
	return code;
}
