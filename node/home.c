#include "node/home.h"

#include <errno.h>
#include <glob.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "keys/keyfile.h"

bool home_path(char out[PATH_MAX], const char *home, const char *name)
{
	int n = snprintf(out, PATH_MAX, "%s/%s", home, name);

	return n > 0 && n < PATH_MAX;
}

static enum err too_long(const char *home, struct report *report)
{
	report_add(report, "%s: the path is too long", home);
	return ERR_LIMIT;
}

static enum err open_config(struct config **config, const char *home, struct report *report)
{
	char path[PATH_MAX];

	*config = NULL;
	if (!home_path(path, home, "khabardar.zpl"))
		return too_long(home, report);
	if (access(path, F_OK) != 0 && errno == ENOENT) {
		report_add(
			report,
			"%s: no node has its home here; make one with: khabar init NAME --home %s",
			home, home);
		return ERR_NOT_FOUND;
	}
	return config_read(config, path, report);
}

/* The whole folder is read literally: only what stands after it is a pattern. */
static enum err add_roles(struct identity *id, const char *home, const char *passphrase,
			  struct report *report)
{
	char pattern[PATH_MAX];
	glob_t found = {0};
	enum err e = ERR_OK;
	size_t used = 0;

	for (const char *at = home; *at; at++) {
		if (used + sizeof "\\x/role-*.key" > sizeof pattern)
			return too_long(home, report);
		if (strchr("*?[]\\", *at))
			pattern[used++] = '\\';
		pattern[used++] = *at;
	}
	strcpy(pattern + used, "/role-*.key");
	if (glob(pattern, 0, NULL, &found) == GLOB_NOSPACE)
		e = ERR_MEMORY;
	for (size_t i = 0; i < found.gl_pathc && !e; i++)
		e = identity_add_role(id, found.gl_pathv[i], passphrase, report);
	globfree(&found);
	return e;
}

static enum err open_keys(struct identity **id, const struct config *config, const char *home,
			  struct report *report)
{
	char path[PATH_MAX], *passphrase = NULL;
	enum err e;

	if (!home_path(path, home, "node.key"))
		return too_long(home, report);
	e = config_passphrase(config, &passphrase, report);
	if (!e)
		e = identity_open(id, path, passphrase, report);
	if (!e)
		e = add_roles(*id, home, passphrase, report);
	passphrase_free(passphrase);
	if (!e && strcmp(identity_public(*id)->name, config->node) != 0) {
		report_add(report,
			   "%s/khabardar.zpl: node: is \"%s\", but the keys are those of \"%s\"",
			   home, config->node, identity_public(*id)->name);
		e = ERR_FORMAT;
	}
	return e;
}

enum err home_open(struct config **config, struct identity **identity, const char *home,
		   struct report *report)
{
	enum err e = open_config(config, home, report);

	*identity = NULL;
	if (e)
		return e;
	e = open_keys(identity, *config, home, report);
	if (e) {
		identity_free(*identity);
		config_free(*config);
		*identity = NULL;
		*config = NULL;
	}
	return e;
}

enum err home_passphrase(char **passphrase, const char *home, struct report *report)
{
	struct config *config;
	enum err e = open_config(&config, home, report);

	*passphrase = NULL;
	if (!e)
		e = config_passphrase(config, passphrase, report);
	config_free(config);
	return e;
}

static bool has_bytes(const char *home, const char *name)
{
	char path[PATH_MAX];
	struct stat st;

	return home_path(path, home, name) && stat(path, &st) == 0 && st.st_size > 0;
}

/* SPEC 6.1: "One whose log is empty or gone while its index is not does not start" */
enum err home_log_there(const char *home, struct report *report)
{
	if (has_bytes(home, "log/data.mdb") || !has_bytes(home, "index/data.mdb"))
		return ERR_OK;
	report_add(report,
		   "%s/log: is empty, and was not: khabar restore brings back a backup; without "
		   "one, remove %s/index as well, and what the neighbours carry comes again",
		   home, home);
	return ERR_DAMAGED;
}
