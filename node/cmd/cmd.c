#include "node/cmd/cmd.h"

#include <cjson/cJSON.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

static void print_refusal(const char *what, const struct report *report)
{
	cJSON *reply = cJSON_CreateObject();
	cJSON *error, *lines;
	char *text;

	cJSON_AddBoolToObject(reply, "ok", false);
	error = cJSON_AddObjectToObject(reply, "error");
	cJSON_AddStringToObject(error, "what", what);
	cJSON_AddStringToObject(error, "why", report_first(report));
	lines = cJSON_AddArrayToObject(error, "lines");
	for (size_t i = 0; i < report->count; i++)
		cJSON_AddItemToArray(lines, cJSON_CreateString(report->lines[i]));
	text = cJSON_PrintUnformatted(reply);
	if (text)
		puts(text);
	free(text);
	cJSON_Delete(reply);
}

int cmd_refused(const struct cmd_context *c, const char *what, const struct report *report)
{
	if (c->json) {
		print_refusal(what, report);
		return EXIT_REFUSED;
	}
	for (size_t i = 0; i < report->count; i++)
		fprintf(stderr, "%s: %s\n", what, report->lines[i]);
	if (report->total > report->count)
		fprintf(stderr, "%s: and %zu more\n", what, report->total - report->count);
	return EXIT_REFUSED;
}

int cmd_misused(const char *what, const char *format, ...)
{
	va_list args;

	fprintf(stderr, "%s: ", what);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	return EXIT_USAGE;
}
