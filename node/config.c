#include "node/config_parts.h"

#include <errno.h>
#include <grp.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "keys/keyfile.h"
#include "protocol/topology_value.h"

enum {
	MISSING_MINUTES = 10,
	SILENT_MINUTES = 60,
	UNANSWERED_MINUTES = 60,
	BACKUP_DAYS = 7,
	ALARM_EVERY_S = 60
};

static const char *const right_words[RIGHT_COUNT] = {"read", "share", "approve", "red", "admin"};
static const char *const level_words[LEVEL_COUNT] = {"error", "warning", "info", "debug"};

const char *right_str(enum right right)
{
	return right_words[right];
}

const char *log_level_str(enum log_level level)
{
	return level_words[level];
}

const char *bind_endpoint_wrong(const char *endpoint)
{
	static const char *const every[] = {"tcp://*:", "tcp://0.0.0.0:", "tcp://[::]:"};

	for (size_t i = 0; i < sizeof every / sizeof *every; i++) {
		char dialable[64];
		size_t n = strlen(every[i]);
		if (strncmp(endpoint, every[i], n) != 0)
			continue;
		snprintf(dialable, sizeof dialable, "tcp://127.0.0.1:%s", endpoint + n);
		return value_endpoint(dialable);
	}
	return value_endpoint(endpoint);
}

void config_complain(struct reading *r, const struct zpl_item *item, const char *format, ...)
{
	char where[ZPL_PATH_BYTES], sentence[512];
	va_list args;

	va_start(args, format);
	vsnprintf(sentence, sizeof sentence, format, args);
	va_end(args);
	report_add(r->report, "%s: %s: %s", r->path, zpl_path(where, item), sentence);
	r->problems++;
}

static void complain_unknown(struct reading *r, const struct zpl_item *item,
			     const char *const *names, size_t n)
{
	const char *nearest = report_nearest(item->name, names, n);

	if (nearest)
		config_complain(r, item, "no such key; did you mean \"%s\"?", nearest);
	else
		config_complain(r, item, "no such key");
}

enum { KEYS_AT_ONE_LEVEL_MAX = 24 };

void config_read_level(struct reading *r, const struct zpl_item *item, const struct key *keys,
		       size_t n)
{
	const char *names[KEYS_AT_ONE_LEVEL_MAX];

	for (size_t i = 0; i < n; i++)
		names[i] = keys[i].name;
	for (; item; item = item->next) {
		size_t i = 0;
		while (i < n && strcmp(keys[i].name, item->name) != 0)
			i++;
		if (item->broken)
			continue;
		if (i == n)
			complain_unknown(r, item, names, n);
		else if (keys[i].section && item->value)
			config_complain(r, item, "has no value; its keys stand below it");
		else if (!keys[i].section && !item->value)
			config_complain(r, item, "its value is missing");
		else if (!keys[i].section && item->child)
			config_complain(r, item, "has a value; nothing can stand below it");
		else
			keys[i].read(r, item);
	}
}

void config_keep_text(struct reading *r, const struct zpl_item *item, const char *text, char **to)
{
	*to = strdup(text);
	if (!*to)
		config_complain(r, item, "%s", err_str(ERR_MEMORY));
}

void config_keep(struct reading *r, const struct zpl_item *item, char **to)
{
	config_keep_text(r, item, item->value, to);
}

/* In one word, so that no value is taken for an option. */
void config_option_add(struct reading *r, const struct zpl_item *item, struct option_words *to,
		       const char *value)
{
	if (to->count == OPTIONS_MAX) {
		config_complain(r, item, "more than %d options", OPTIONS_MAX);
		return;
	}
	if (asprintf(&to->words[to->count], "--%s%s%s", item->name, value ? "=" : "",
		     value ? value : "") < 0)
		config_complain(r, item, "%s", err_str(ERR_MEMORY));
	else
		to->count++;
}

void config_options_clear(struct option_words *o)
{
	for (size_t i = 0; i < o->count; i++)
		free(o->words[i]);
}

static void read_node(struct reading *r, const struct zpl_item *item)
{
	if (!name_valid(item->value))
		config_complain(r, item, "\"%s\" is no name: 1 to 31 of a-z, 0-9 and -",
				item->value);
	else
		strcpy(r->config->node, item->value);
}

static void read_bind(struct reading *r, const struct zpl_item *item)
{
	const char *wrong = bind_endpoint_wrong(item->value);

	if (wrong)
		config_complain(r, item, "\"%s\": %s", item->value, wrong);
	else
		config_keep(r, item, &r->config->bind);
}

static void read_proxy(struct reading *r, const struct zpl_item *item)
{
	char endpoint[512];
	const char *wrong;

	snprintf(endpoint, sizeof endpoint, "tcp://%s", item->value);
	wrong = value_endpoint(endpoint);
	if (wrong)
		config_complain(r, item, "\"%s\" is not HOST:PORT of a SOCKS5 proxy", item->value);
	else
		config_keep(r, item, &r->config->proxy);
}

static void read_log(struct reading *r, const struct zpl_item *item)
{
	for (size_t i = 0; i < LEVEL_COUNT; i++) {
		if (strcmp(level_words[i], item->value) == 0) {
			r->config->level = (enum log_level)i;
			return;
		}
	}
	config_complain(r, item, "\"%s\" is no level: error, warning, info or debug", item->value);
}

static void read_sandbox(struct reading *r, const struct zpl_item *item)
{
	if (strcmp(item->value, "yes") != 0 && strcmp(item->value, "no") != 0)
		config_complain(r, item, "\"%s\" is neither yes nor no", item->value);
	r->config->sandbox = strcmp(item->value, "no") != 0;
}

static void read_passphrase_file(struct reading *r, const struct zpl_item *item)
{
	if (item->value[0] != '/')
		config_complain(r, item, "\"%s\" is not an absolute path", item->value);
	else
		config_keep(r, item, &r->config->passphrase_file);
}

static void read_passphrase_credential(struct reading *r, const struct zpl_item *item)
{
	if (!item->value[0] || strchr(item->value, '/') || item->value[0] == '.')
		config_complain(r, item, "\"%s\" is no name of a systemd credential", item->value);
	else
		config_keep(r, item, &r->config->passphrase_credential);
}

static void read_passphrase(struct reading *r, const struct zpl_item *section)
{
	static const struct key keys[] = {
		{"file", false, read_passphrase_file},
		{"credential", false, read_passphrase_credential},
	};

	config_read_level(r, section->child, keys, sizeof keys / sizeof *keys);
	if (zpl_child(section, "file") && zpl_child(section, "credential"))
		config_complain(r, section, "give \"file\" or \"credential\", not both");
	if (!section->child)
		config_complain(r, section, "\"file\" or \"credential\" is missing");
}

static void read_right(struct reading *r, const struct zpl_item *item)
{
	struct right_groups *groups = r->config->rights;
	const char *rest = item->value;
	char name[256];

	for (size_t i = 0; i < RIGHT_COUNT; i++)
		if (strcmp(right_words[i], item->name) == 0)
			groups = &r->config->rights[i];
	while (value_word(name, sizeof name, &rest)) {
		const struct group *group = getgrnam(name);
		if (!group)
			config_complain(r, item, "no Unix group named \"%s\" on this machine",
					name);
		else if (groups->count == RIGHT_GROUPS_MAX)
			config_complain(r, item, "more than %d groups", RIGHT_GROUPS_MAX);
		else
			groups->gids[groups->count++] = group->gr_gid;
	}
}

static void read_rights(struct reading *r, const struct zpl_item *section)
{
	static const struct key keys[RIGHT_COUNT] = {
		{"read", false, read_right},    {"share", false, read_right},
		{"approve", false, read_right}, {"red", false, read_right},
		{"admin", false, read_right},
	};

	config_read_level(r, section->child, keys, RIGHT_COUNT);
}

static bool alias_valid(struct reading *r, const struct zpl_item *item)
{
	static const char *const reserved[] = {"all", "up", "down"};
	const char *rest = item->value;
	char word[512];

	if (!name_valid(item->name)) {
		config_complain(r, item, "is no name: 1 to 31 of a-z, 0-9 and -");
		return false;
	}
	for (size_t i = 0; i < sizeof reserved / sizeof *reserved; i++) {
		if (strcmp(reserved[i], item->name) == 0) {
			config_complain(r, item, "is a word of its own and cannot be an alias");
			return false;
		}
	}
	if (!value_word(word, sizeof word, &rest)) {
		/* Who sends to an alias for nobody must not send to everybody. */
		config_complain(r, item, "names nobody");
		return false;
	}
	do {
		if (!name_valid(word) && strncmp(word, "owner-of:", 9) != 0) {
			config_complain(r, item,
					"\"%s\" is no name of a party, a group or an alias", word);
			return false;
		}
	} while (value_word(word, sizeof word, &rest));
	return true;
}

static void read_alias(struct reading *r, const struct zpl_item *item)
{
	struct config *c = r->config;
	struct alias *alias;

	if (!alias_valid(r, item))
		return;
	if (c->alias_count == ALIASES_MAX) {
		config_complain(r, item, "more than %d aliases", ALIASES_MAX);
		return;
	}
	alias = &c->aliases[c->alias_count];
	strcpy(alias->name, item->name);
	config_keep(r, item, &alias->audience);
	if (alias->audience)
		c->alias_count++;
}

static void read_aliases(struct reading *r, const struct zpl_item *section)
{
	r->config->aliases = calloc(ALIASES_MAX, sizeof *r->config->aliases);
	if (!r->config->aliases) {
		config_complain(r, section, "%s", err_str(ERR_MEMORY));
		return;
	}
	for (const struct zpl_item *item = section->child; item; item = item->next) {
		if (item->broken)
			continue;
		if (!item->value)
			config_complain(r, item, "its value is missing");
		else
			read_alias(r, item);
	}
}

static void read_approval(struct reading *r, const struct zpl_item *item)
{
	r->config->approve_block = strcmp(item->value, "block") == 0;
	if (!r->config->approve_block && strcmp(item->value, "none") != 0)
		config_complain(r, item, "\"%s\" is neither none nor block", item->value);
}

static void read_warning_lists(struct reading *r, const struct zpl_item *item)
{
	if (item->value[0] != '/')
		config_complain(r, item, "\"%s\" is not an absolute path", item->value);
	else
		config_keep(r, item, &r->config->warning_lists);
}

static void read_hunt(struct reading *r, const struct zpl_item *item)
{
	const char *rest = item->value;
	char word[PATH_MAX];
	size_t n = 0;

	for (; value_word(word, sizeof word, &rest); n++)
		if (word[0] != '/')
			config_complain(r, item, "\"%s\" is not an absolute path", word);
	if (n == 0)
		config_complain(r, item, "names no path");
	config_keep(r, item, &r->config->hunt);
}

static void read_config(struct reading *r, const struct zpl *z)
{
	static const struct key keys[] = {
		{"node", false, read_node},
		{"bind", false, read_bind},
		{"proxy", false, read_proxy},
		{"log", false, read_log},
		{"sandbox", false, read_sandbox},
		{"passphrase", true, read_passphrase},
		{"rights", true, read_rights},
		{"alias", true, read_aliases},
		{"alarm", true, config_read_alarm},
		{"export", true, config_read_exports},
		{"warning-lists", false, read_warning_lists},
		{"approval", false, read_approval},
		{"hunt", false, read_hunt},
		{"watch", true, config_read_watch},
		{"misp", true, config_read_misp},
	};

	config_read_level(r, zpl_first(z), keys, sizeof keys / sizeof *keys);
	config_check_inflows(r);
	if (!zpl_find(z, "node")) {
		report_add(r->report, "%s: node: missing; write: node = NAME", r->path);
		r->problems++;
	}
}

enum err config_parse(struct config **out, const char *text, size_t n, const char *path,
		      struct report *report)
{
	struct report lines;
	struct reading r = {.path = path, .report = report};
	struct zpl *z = NULL;
	enum err e;

	*out = NULL;
	report_init(&lines);
	r.config = calloc(1, sizeof *r.config);
	if (!r.config)
		return ERR_MEMORY;
	r.config->level = LEVEL_INFO;
	r.config->sandbox = true;
	r.config->missing_minutes = MISSING_MINUTES;
	r.config->silent_minutes = SILENT_MINUTES;
	r.config->unanswered_minutes = UNANSWERED_MINUTES;
	r.config->backup_days = BACKUP_DAYS;
	r.config->alarm_every = ALARM_EVERY_S;
	e = zpl_parse(&z, text, n, &lines);
	for (size_t i = 0; i < lines.count; i++)
		report_add(report, "%s: %s", path, lines.lines[i]);
	report_clear(&lines);
	if (z)
		read_config(&r, z);
	zpl_free(z);
	if (!e && r.problems)
		e = ERR_FORMAT;
	if (e)
		config_free(r.config);
	else
		*out = r.config;
	return e;
}

enum err config_read(struct config **c, const char *path, struct report *report)
{
	char *text = malloc(CONFIG_MAX_BYTES + 1);
	FILE *f = text ? fopen(path, "re") : NULL;
	enum err e = ERR_OK;
	size_t n = 0;

	*c = NULL;
	if (!text)
		return ERR_MEMORY;
	if (!f) {
		e = errno == ENOENT ? ERR_NOT_FOUND : ERR_IO;
		report_add(report, "%s: cannot be opened: %s", path, strerror(errno));
		goto done;
	}
	n = fread(text, 1, CONFIG_MAX_BYTES + 1, f);
	if (ferror(f)) {
		e = ERR_IO;
		report_add(report, "%s: cannot be read: %s", path, strerror(errno));
	} else if (n > CONFIG_MAX_BYTES) {
		e = ERR_LIMIT;
		report_add(report, "%s: is longer than %d bytes", path, CONFIG_MAX_BYTES);
	}
	fclose(f);
	if (!e)
		e = config_parse(c, text, n, path, report);
done:
	free(text);
	return e;
}

void config_free(struct config *c)
{
	if (!c)
		return;
	for (size_t i = 0; i < c->alias_count; i++)
		free(c->aliases[i].audience);
	free(c->aliases);
	config_free_exports(c);
	config_free_inflows(c);
	free(c->warning_lists);
	free(c->hunt);
	free(c->alarm_command);
	free(c->bind);
	free(c->proxy);
	free(c->passphrase_file);
	free(c->passphrase_credential);
	free(c);
}

bool config_follows(const struct config *c)
{
	return c->export_count || c->inflow_count || c->alarm_command || c->hunt;
}

enum err config_passphrase(const struct config *c, char **passphrase, struct report *report)
{
	const char *folder = getenv("CREDENTIALS_DIRECTORY");
	char path[PATH_MAX];

	*passphrase = NULL;
	if (c->passphrase_file)
		return passphrase_read(passphrase, c->passphrase_file, false, report);
	if (!c->passphrase_credential)
		return ERR_OK;
	if (!folder) {
		report_add(report,
			   "passphrase credential: systemd gave no credentials; the unit needs "
			   "LoadCredential=%s:PATH",
			   c->passphrase_credential);
		return ERR_PASSPHRASE;
	}
	snprintf(path, sizeof path, "%s/%s", folder, c->passphrase_credential);
	return passphrase_read(passphrase, path, true, report);
}
