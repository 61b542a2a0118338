/* The sections watch and misp of khabardar.zpl: what is shared by itself. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "node/config_parts.h"
#include "protocol/stix.h"
#include "protocol/topology_value.h"

enum { SETTLE_S = 5, HOUR_S = 3600, WORD_BYTES = 512, SECTION_KEYS_MAX = 20 };

static struct inflow *current(struct reading *r)
{
	return &r->config->inflows[r->config->inflow_count - 1];
}

static void option_add(struct reading *r, const struct zpl_item *item, const char *value)
{
	config_option_add(r, item, &current(r)->options, value);
}

static void read_option(struct reading *r, const struct zpl_item *item)
{
	option_add(r, item, item->value);
}

static void read_words(struct reading *r, const struct zpl_item *item)
{
	const char *rest = item->value;
	char word[WORD_BYTES];
	size_t n = 0;

	for (; value_word(word, sizeof word, &rest); n++)
		option_add(r, item, word);
	if (n == 0)
		config_complain(r, item, "names nobody");
}

static void read_flag(struct reading *r, const struct zpl_item *item)
{
	bool yes = strcmp(item->value, "yes") == 0;

	if (!yes && strcmp(item->value, "no") != 0)
		config_complain(r, item, "\"%s\" is neither yes nor no", item->value);
	if (yes)
		option_add(r, item, NULL);
}

static void read_use(struct reading *r, const struct zpl_item *item)
{
	if (strcmp(item->value, "detect") != 0 && strcmp(item->value, "block") != 0)
		config_complain(r, item, "\"%s\" is neither detect nor block", item->value);
	else
		option_add(r, item, item->value);
}

static void read_tlp(struct reading *r, const struct zpl_item *item)
{
	struct inflow *f = current(r);

	if (!tlp_parse(item->value, &f->tlp))
		config_complain(r, item, "\"%s\": clear, green, amber or amber+strict",
				item->value);
	else if (f->tlp == TLP_RED)
		config_complain(r, item, "TLP:RED is never shared by itself");
	f->has_tlp = true;
}

static void read_directory(struct reading *r, const struct zpl_item *item)
{
	if (item->value[0] != '/')
		config_complain(r, item, "\"%s\" is not an absolute path", item->value);
	else
		config_keep(r, item, &current(r)->from);
}

static void read_settle(struct reading *r, const struct zpl_item *item)
{
	uint64_t n;

	if (value_number(&n, item->value, 1, HOUR_S))
		config_complain(r, item, "\"%s\" is no number of seconds from 1 to %d", item->value,
				HOUR_S);
	else
		current(r)->settle = (unsigned)n;
}

static void read_sync(struct reading *r, const struct zpl_item *item)
{
	current(r)->sync = true;
	if (!name_valid(item->value))
		config_complain(r, item, "\"%s\" is no name: 1 to 31 of a-z, 0-9 and -",
				item->value);
	else
		option_add(r, item, item->value);
}

static void read_endpoint(struct reading *r, const struct zpl_item *item)
{
	const char *wrong = value_endpoint(item->value);

	if (wrong)
		config_complain(r, item, "\"%s\": %s", item->value, wrong);
	else
		config_keep(r, item, &current(r)->from);
}

static void read_org(struct reading *r, const struct zpl_item *item)
{
	struct inflow *f = current(r);

	if (!uuid_valid(item->value))
		config_complain(r, item, "\"%s\" is no uuid in small letters", item->value);
	else
		snprintf(f->org, sizeof f->org, "%s", item->value);
}

/* Every option that both have, behind those that only one has. */
static size_t keys_common(struct key keys[SECTION_KEYS_MAX], size_t n)
{
	static const struct key common[] = {
		{"tlp", false, read_tlp},           {"to", false, read_words},
		{"use", false, read_use},           {"label", false, read_words},
		{"valid", false, read_option},      {"keep", false, read_option},
		{"confidence", false, read_option}, {"priority", false, read_option},
		{"no-forward", false, read_flag},
	};

	memcpy(keys + n, common, sizeof common);
	return n + sizeof common / sizeof *common;
}

static void read_inflow(struct reading *r, const struct zpl_item *item, enum inflow_kind kind)
{
	static const struct key watch[] = {
		{"directory", false, read_directory}, {"format", false, read_option},
		{"column", false, read_option},       {"skip-rejected", false, read_flag},
		{"sync", false, read_sync},           {"settle", false, read_settle},
		{"exercise", false, read_flag},
	};
	static const struct key misp[] = {{"from", false, read_endpoint}, {"org", false, read_org}};
	bool folder = kind == INFLOW_WATCH;
	struct key keys[SECTION_KEYS_MAX];
	size_t n = folder ? sizeof watch / sizeof *watch : sizeof misp / sizeof *misp;
	struct inflow *f = &r->config->inflows[r->config->inflow_count++];

	memcpy(keys, folder ? watch : misp, n * sizeof *keys);
	strcpy(f->name, item->name);
	f->kind = kind;
	f->settle = SETTLE_S;
	config_read_level(r, item->child, keys, keys_common(keys, n));
	if (folder && (!f->from || !zpl_child(item, "tlp") || !zpl_child(item, "to")))
		config_complain(r, item, "\"directory\", \"tlp\" and \"to\" are wanted");
	if (!folder && (!f->from || !*f->org || !zpl_child(item, "to")))
		config_complain(r, item, "\"from\", \"org\" and \"to\" are wanted");
}

static void read_section(struct reading *r, const struct zpl_item *section, enum inflow_kind kind)
{
	struct config *c = r->config;

	if (!c->inflows)
		c->inflows = calloc(INFLOWS_MAX, sizeof *c->inflows);
	if (!c->inflows) {
		config_complain(r, section, "%s", err_str(ERR_MEMORY));
		return;
	}
	for (const struct zpl_item *item = section->child; item; item = item->next) {
		if (item->broken)
			continue;
		if (item->value)
			config_complain(r, item, "has no value; its keys stand below it");
		else if (!name_valid(item->name))
			config_complain(r, item, "is no name: 1 to 31 of a-z, 0-9 and -");
		else if (c->inflow_count == INFLOWS_MAX)
			config_complain(r, item, "more than %d", INFLOWS_MAX);
		else
			read_inflow(r, item, kind);
	}
}

void config_read_watch(struct reading *r, const struct zpl_item *section)
{
	read_section(r, section, INFLOW_WATCH);
}

void config_read_misp(struct reading *r, const struct zpl_item *section)
{
	read_section(r, section, INFLOW_MISP);
}

void config_check_inflows(struct reading *r)
{
	char name[sizeof "identity|" + NAME_MAX_BYTES], uuid[37];

	snprintf(name, sizeof name, "identity|%s", r->config->node);
	uuid_of_text(uuid, name);
	for (size_t i = 0; i < r->config->inflow_count; i++) {
		const struct inflow *f = &r->config->inflows[i];
		if (strcmp(f->org, uuid) != 0)
			continue;
		report_add(r->report,
			   "%s: misp %s: org: so this node is named in feeds of its own, which "
			   "would come back; the uuid of the organisation in MISP is wanted",
			   r->path, f->name);
		r->problems++;
	}
}

void config_free_inflows(struct config *c)
{
	for (size_t i = 0; i < c->inflow_count; i++) {
		struct inflow *f = &c->inflows[i];
		config_options_clear(&f->options);
		free(f->from);
	}
	free(c->inflows);
}
