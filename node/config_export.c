/* The section export of khabardar.zpl: exports that follow what is known. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "node/config_parts.h"
#include "protocol/topology_value.h"

enum { EVERY_S = 5, DAY_S = 86400, WORD_BYTES = 512 };

static struct followed *current(struct reading *r)
{
	return &r->config->exports[r->config->export_count - 1];
}

static void option_add(struct reading *r, const struct zpl_item *item, const char *value)
{
	config_option_add(r, item, &current(r)->options, value);
}

static void read_option(struct reading *r, const struct zpl_item *item)
{
	option_add(r, item, item->value);
}

static void read_out(struct reading *r, const struct zpl_item *item)
{
	if (item->value[0] != '/')
		config_complain(r, item, "\"%s\" is not an absolute path", item->value);
	else
		option_add(r, item, item->value);
}

static void read_labels(struct reading *r, const struct zpl_item *item)
{
	const char *rest = item->value;
	char word[WORD_BYTES];

	while (value_word(word, sizeof word, &rest))
		option_add(r, item, word);
}

static void read_then(struct reading *r, const struct zpl_item *item)
{
	if (item->value[0] != '/')
		config_complain(r, item,
				"\"%s\": a program is named by its absolute path, and no shell is "
				"between",
				item->value);
	else
		config_keep(r, item, &current(r)->then);
}

static void read_every(struct reading *r, const struct zpl_item *item)
{
	uint64_t n;

	if (value_number(&n, item->value, 1, DAY_S))
		config_complain(r, item, "\"%s\" is no number of seconds from 1 to %d", item->value,
				DAY_S);
	else
		current(r)->every = (unsigned)n;
}

static void read_export(struct reading *r, const struct zpl_item *item)
{
	static const struct key keys[] = {
		{"format", false, read_option},  {"out", false, read_out},
		{"tlp-max", false, read_option}, {"use", false, read_option},
		{"type", false, read_option},    {"node", false, read_option},
		{"group", false, read_option},   {"zone", false, read_option},
		{"label", false, read_labels},   {"min-confidence", false, read_option},
		{"max-age", false, read_option}, {"then", false, read_then},
		{"every", false, read_every},
	};
	struct followed *f;

	if (!name_valid(item->name)) {
		config_complain(r, item, "is no name: 1 to 31 of a-z, 0-9 and -");
		return;
	}
	if (r->config->export_count == EXPORTS_MAX) {
		config_complain(r, item, "more than %d exports", EXPORTS_MAX);
		return;
	}
	f = &r->config->exports[r->config->export_count++];
	strcpy(f->name, item->name);
	f->every = EVERY_S;
	config_read_level(r, item->child, keys, sizeof keys / sizeof *keys);
	if (!zpl_child(item, "format") || !zpl_child(item, "out"))
		config_complain(r, item, "\"format\" and \"out\" are wanted");
}

void config_read_exports(struct reading *r, const struct zpl_item *section)
{
	r->config->exports = calloc(EXPORTS_MAX, sizeof *r->config->exports);
	if (!r->config->exports) {
		config_complain(r, section, "%s", err_str(ERR_MEMORY));
		return;
	}
	for (const struct zpl_item *item = section->child; item; item = item->next) {
		if (item->broken)
			continue;
		if (item->value)
			config_complain(r, item, "has no value; its keys stand below it");
		else
			read_export(r, item);
	}
}

void config_free_exports(struct config *c)
{
	for (size_t i = 0; i < c->export_count; i++) {
		struct followed *f = &c->exports[i];
		config_options_clear(&f->options);
		free(f->then);
	}
	free(c->exports);
}
