#include "node/cmd/cmd.h"

#include <cjson/cJSON.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "node/cmd/print.h"
#include "node/sandbox.h"

/* Without a word nothing but memory can have been short. */
static const char *first_words(const struct report *report)
{
	return report->count ? report->lines[0] : "out of memory";
}

static void print_refusal(const char *what, const struct report *report)
{
	cJSON *reply = cJSON_CreateObject();
	cJSON *error, *lines;
	char *text;

	cJSON_AddBoolToObject(reply, "ok", false);
	error = cJSON_AddObjectToObject(reply, "error");
	cJSON_AddStringToObject(error, "what", what);
	cJSON_AddStringToObject(error, "why", first_words(report));
	lines = cJSON_AddArrayToObject(error, "lines");
	for (size_t i = 0; i < report->count; i++)
		cJSON_AddItemToArray(lines, cJSON_CreateString(report->lines[i]));
	text = cJSON_PrintUnformatted(reply);
	if (text)
		print_json((struct slice){text, strlen(text)});
	else
		puts("{\"ok\":false,\"error\":{\"what\":null,\"where\":null,"
		     "\"why\":\"out of memory\",\"do\":null,\"lines\":[\"out of memory\"]}}");
	free(text);
	cJSON_Delete(reply);
}

int cmd_refused(const struct cmd_context *c, const char *what, const struct report *report)
{
	if (c->json) {
		print_refusal(what, report);
		return EXIT_REFUSED;
	}
	print_complaint(what, first_words(report));
	for (size_t i = 1; i < report->count; i++)
		print_complaint(what, report->lines[i]);
	if (report->total > report->count)
		fprintf(stderr, "%s: and %zu more\n", what, report->total - report->count);
	return EXIT_REFUSED;
}

bool cmd_become_owner(const struct cmd_context *c)
{
	struct report report;
	bool done;

	report_init(&report);
	done = sandbox_owner(c->home, &report) == ERR_OK;
	if (!done)
		cmd_refused(c, "khabar", &report);
	report_clear(&report);
	return done;
}

int cmd_misused(const char *what, const char *format, ...)
{
	va_list args;
	char *words;

	va_start(args, format);
	if (vasprintf(&words, format, args) < 0)
		words = NULL;
	va_end(args);
	print_complaint(what, words ? words : "out of memory");
	free(words);
	return EXIT_USAGE;
}
