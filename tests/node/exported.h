/* What the tests of the exporters share: lines as the node gives them, one folder, its files. */
#ifndef TESTS_NODE_EXPORTED_H
#define TESTS_NODE_EXPORTED_H

#include <errno.h>
#include <ftw.h>
#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

#include "node/format/export_parts.h"
#include "tests/tap.h"

#define NOW 1795298400000ULL /* 2026-11-21T22:00:00Z */

static char folder[PATH_MAX / 2];
static struct report said;
static struct export_result result;

static int remove_entry(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
	(void)st;
	(void)kind;
	(void)ftw;
	return remove(path);
}

__attribute__((unused)) static void folder_make(void)
{
	snprintf(folder, sizeof folder, "/tmp/khabar-export.XXXXXX");
	need(mkdtemp(folder));
}

__attribute__((unused)) static void folder_remove(void)
{
	nftw(folder, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
}

/* What a file of the folder holds; "" when there is none.  Valid until the next call but three. */
__attribute__((unused)) static const char *file_text(const char *name)
{
	static char texts[4][256 << 10];
	static unsigned turn;
	char path[PATH_MAX], *text = texts[turn++ % 4];
	FILE *file;

	snprintf(path, sizeof path, "%s/%s", folder, name);
	file = fopen(path, "r");
	text[file ? fread(text, 1, sizeof texts[0] - 1, file) : 0] = '\0';
	if (file)
		fclose(file);
	return text;
}

/* One object with one value. */
struct said_line {
	const char *type, *value; /* of the value */
	const char *more; /* members instead of those below, with a comma in front; or NULL */
};

/* A line of the node: members that are given twice count as they come first. */
__attribute__((unused)) static char *line_text(const char *members)
{
	struct text t;

	text_init(&t);
	text_format(
		&t,
		"{%s%s\"object\":\"indicator--00000000-0000-4000-8000-000000000001\","
		"\"type\":\"indicator\",\"name\":\"a name\",\"alone\":true,\"tlp\":\"green\","
		"\"node\":\"kp\",\"message\":\"%064d\",\"created\":\"2026-11-20T10:00:00.000Z\","
		"\"use\":\"block\",\"labels\":[],\"modified\":\"2026-11-21T10:00:00.000Z\","
		"\"valid_until\":null,\"scaffolding\":false}",
		members, *members ? "," : "", 1);
	need(!t.bad);
	return t.at;
}

__attribute__((unused)) static enum err give(struct export *x, const char *members)
{
	char *text = line_text(members);
	cJSON *line = cJSON_Parse(text);
	struct slice raw = {NULL, 0};
	enum err e;

	need(line);
	if (!json_member(&raw, (struct slice){text, strlen(text)}, "raw"))
		raw = (struct slice){NULL, 0};
	e = export_line(x, line, raw);
	cJSON_Delete(line);
	free(text);
	return e;
}

__attribute__((unused)) static enum err give_value(struct export *x, const char *type,
						   const char *value)
{
	struct text t;
	enum err e;

	text_init(&t);
	text_format(&t, "\"values\":[{\"type\":\"%s\",\"value\":", type);
	text_json(&t, value);
	text_str(&t, "}]");
	need(!t.bad);
	e = give(x, t.at);
	text_clear(&t);
	return e;
}

__attribute__((unused)) static struct export *open_export(const char *format, size_t memory)
{
	const struct export_options options = {
		.format = format, .dir = folder, .now = NOW, .memory = memory};
	struct export *x;

	report_clear(&said);
	report_init(&said);
	need(export_open(&x, &options, &said) == ERR_OK);
	return x;
}

__attribute__((unused)) static enum err end_export(struct export *x)
{
	enum err e = export_finish(x, &result, &said);

	export_close(x);
	return e;
}

/* Exports pairs of type and value, from the last to the first when backwards. */
__attribute__((unused)) static void
export_values(const char *format, const char *const (*values)[2], size_t n, bool backwards)
{
	struct export *x = open_export(format, 0);

	for (size_t i = 0; i < n; i++) {
		const char *const *v = values[backwards ? n - 1 - i : i];
		need(give_value(x, v[0], v[1]) == ERR_OK);
	}
	need(end_export(x) == ERR_OK);
}

/* How often the reason was counted. */
__attribute__((unused)) static size_t left_out(const char *why)
{
	for (size_t i = 0; i < result.reason_count; i++)
		if (strstr(result.reasons[i].why, why))
			return result.reasons[i].count;
	return 0;
}

#endif
