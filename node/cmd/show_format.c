/* A message as a person reads it: what a report says, what is to be done, what to look for, and
 * until when an answer is wanted; of anything else the members that have words. */
#include "node/cmd/show_format.h"

#include <string.h>

#include "protocol/admin.h"

static const cJSON *body_of(const cJSON *message, const char *name)
{
	return cJSON_GetObjectItemCaseSensitive(cJSON_GetObjectItemCaseSensitive(message, "body"),
						name);
}

static const cJSON *objects_of(const cJSON *message)
{
	return cJSON_GetObjectItemCaseSensitive(body_of(message, "bundle"), "objects");
}

/* Objects that say something to a person. */
static bool has_words(const cJSON *object)
{
	const char *type = member_text(object, "type");

	return *type && strcmp(type, "marking-definition") != 0 && strcmp(type, "identity") != 0 &&
	       strcmp(type, "relationship") != 0 && strcmp(type, "extension-definition") != 0;
}

static bool is_a(const cJSON *object, const char *type)
{
	return strcmp(member_text(object, "type"), type) == 0;
}

static bool is_told_apart(const cJSON *object)
{
	return is_a(object, "report") || is_a(object, "course-of-action") ||
	       is_a(object, "indicator");
}

static void say_revoked(FILE *out, const cJSON *object)
{
	if (cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(object, "revoked")))
		fputs("revoked: it is no longer true\n", out);
}

static void say_report(FILE *out, const cJSON *report)
{
	const char *words = member_text(report, "description");

	fputc('\n', out);
	print_safe(out, member_text(report, "name"), false);
	fputc('\n', out);
	say_revoked(out, report);
	if (!*words)
		return;
	fputc('\n', out);
	print_safe(out, words, true);
	fputc('\n', out);
}

static void say_action(FILE *out, const cJSON *action)
{
	const char *words = member_text(action, "description");

	fputs("  - ", out);
	print_safe(out, member_text(action, "name"), true);
	fputc('\n', out);
	if (*words && strcmp(words, member_text(action, "name")) != 0) {
		fputs("    ", out);
		print_safe(out, words, true);
		fputc('\n', out);
	}
	say_revoked(out, action);
}

static void say_indicator(FILE *out, const cJSON *indicator)
{
	const char *name = member_text(indicator, "name"), *until;

	fputs("  - ", out);
	print_safe(out, *name ? name : member_text(indicator, "pattern"), false);
	until = member_text(indicator, "valid_until");
	if (*until)
		fprintf(out, ", until %.10s", until);
	fputc('\n', out);
	if (*name) {
		fputs("    ", out);
		document_say(out, "pattern", member_text(indicator, "pattern"), false);
	}
	if (*member_text(indicator, "description")) {
		fputs("    ", out);
		print_safe(out, member_text(indicator, "description"), true);
		fputc('\n', out);
	}
	say_revoked(out, indicator);
}

static void say_object(FILE *out, const cJSON *object)
{
	static const char *const members[] = {
		"name",    "value",       "pattern", "description", "abstract",
		"content", "explanation", "opinion", "valid_until", "published"};

	fputc('\n', out);
	document_say(out, "type", member_text(object, "type"), false);
	for (size_t i = 0; i < sizeof members / sizeof *members; i++)
		document_say(out, members[i], member_text(object, members[i]), true);
	say_revoked(out, object);
}

/* Those of one type under a heading of theirs. */
static void say_all(FILE *out, const cJSON *objects, const char *type, const char *heading,
		    void (*tell)(FILE *out, const cJSON *object))
{
	const cJSON *object;
	bool any = false;

	cJSON_ArrayForEach(object, objects)
	{
		if (!is_a(object, type))
			continue;
		if (*heading && !any)
			fprintf(out, "\n%s\n\n", heading);
		any = true;
		tell(out, object);
	}
}

static void say_message(FILE *out, const cJSON *message)
{
	const cJSON *object, *one = cJSON_GetObjectItemCaseSensitive(message, "object");
	const cJSON *objects = objects_of(message);

	document_say(out, "from", member_text(message, "node"), false);
	document_say_time(out, "sent", member_text(message, "created"));
	document_say_time(out, "please acknowledge by",
			  member_text(body_of(message, "envelope"), "ack-by"));
	document_say(out, "message", member_text(message, "id"), false);
	document_say(out, "closed", member_text(message, "closed"), false);
	if (cJSON_IsObject(one))
		say_object(out, one);
	say_all(out, objects, "report", "", say_report);
	say_all(out, objects, "course-of-action", "What to do:", say_action);
	say_all(out, objects, "indicator", "What to look for:", say_indicator);
	cJSON_ArrayForEach(object, objects)
	{
		if (has_words(object) && !is_told_apart(object))
			say_object(out, object);
	}
}

/* The name of its report, else the first name, else what kind of thing it is. */
static void say_title(FILE *out, const cJSON *message)
{
	const cJSON *object, *found = cJSON_GetObjectItemCaseSensitive(message, "object");
	const char *name;

	cJSON_ArrayForEach(object, objects_of(message))
	{
		bool named = has_words(object) && *member_text(object, "name");
		if (named && (!found || (is_a(object, "report") && !is_a(found, "report"))))
			found = object;
	}
	name = member_text(found, "name");
	print_safe(out, *name ? name : member_text(message, "kind"), false);
}

int show_format_print(const struct document_options *o, const cJSON *message)
{
	const struct document d = {
		.tlp = member_text(message, "tlp"),
		.exercise = cJSON_IsTrue(
			cJSON_GetObjectItemCaseSensitive(body_of(message, "envelope"), "exercise")),
		.node = member_text(message, "node"),
		.id = member_text(message, "id"),
		.title = say_title,
		.text = say_message,
		.json = message,
	};

	return document_print(o, &d);
}
