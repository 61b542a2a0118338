/* khabar incident show --format: an incident for those who have no node. */
#include <string.h>

#include "node/cmd/document.h"
#include "node/cmd/incident.h"

static void say_title(FILE *out, const cJSON *incident)
{
	fputs("Incident ", out);
	print_safe(out, member_text(incident, "number"), false);
	fputs(": ", out);
	print_safe(out, member_text(incident, "title"), false);
}

static void say_names(FILE *out, const char *label, const cJSON *names)
{
	const cJSON *name;
	const char *before = label;

	cJSON_ArrayForEach(name, names)
	{
		fprintf(out, "%s%s", before, before == label ? ": " : "");
		print_safe(out, cJSON_IsString(name) ? name->valuestring : "", false);
		before = ", ";
	}
	if (before != label)
		fputc('\n', out);
}

static void say_clocks(FILE *out, const cJSON *clocks)
{
	const cJSON *clock;

	cJSON_ArrayForEach(clock, clocks)
	{
		const char *due = member_text(clock, "due"), *done = member_text(clock, "done");
		const char *at = *done ? done : due;
		if (strlen(at) < 16)
			continue;
		fprintf(out, "%s: %s %.10s %.5s UTC%s\n", member_text(clock, "what"),
			*done ? "done" : "due", at, at + 11,
			cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(clock, "late")) ? ", late"
										      : "");
	}
}

static void say_events(FILE *out, const cJSON *said)
{
	const cJSON *e;

	fputs("\nWhat was said:\n", out);
	cJSON_ArrayForEach(e, said)
	{
		const char *at = member_text(e, "at"), *as = member_text(e, "as");
		const char *stage = member_text(e, "stage"), *text = member_text(e, "text");
		if (!cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(e, "counts")) || strlen(at) < 16)
			continue;
		fprintf(out, "\n%.10s %.5s UTC, ", at, at + 11);
		print_safe(out, member_text(e, "node"), false);
		fprintf(out, "%s%s: %s%s%s\n", *as ? " as " : "", as, member_text(e, "action"),
			*stage ? ", " : "", stage);
		say_names(out, "to", cJSON_GetObjectItemCaseSensitive(e, "parties"));
		if (*text) {
			print_safe(out, text, true);
			fputc('\n', out);
		}
	}
}

static void say_incident(FILE *out, const cJSON *i)
{
	const cJSON *state = cJSON_GetObjectItemCaseSensitive(i, "state");
	const cJSON *reported = cJSON_GetObjectItemCaseSensitive(state, "reported_by");

	document_say(out, "number", member_text(i, "number"), false);
	document_say(out, "title", member_text(i, "title"), false);
	document_say(out, "status", member_text(i, "status"), false);
	document_say(out, "severity", member_text(i, "severity"), false);
	document_say(out, "class", member_text(i, "class"), false);
	document_say(out, "type", member_text(i, "type"), false);
	if (cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(i, "critical_infrastructure")))
		fputs("critical infrastructure: yes\n", out);
	document_say(out, "it is", member_text(i, "determination"), false);
	document_say(out, "owner", member_text(i, "owner"), false);
	document_say(out, "assignee", member_text(i, "assignee"), false);
	document_say(out, "reported by", member_text(reported, "name"), false);
	say_names(out, "affected", cJSON_GetObjectItemCaseSensitive(state, "affected"));
	say_names(out, "parties", cJSON_GetObjectItemCaseSensitive(state, "parties"));
	document_say_time(out, "aware since", member_text(i, "aware"));
	say_clocks(out, cJSON_GetObjectItemCaseSensitive(i, "clocks"));
	if (*member_text(state, "description")) {
		fputc('\n', out);
		print_safe(out, member_text(state, "description"), true);
		fputc('\n', out);
	}
	say_events(out, cJSON_GetObjectItemCaseSensitive(i, "said"));
}

int incident_format_print(const struct document_options *o, const cJSON *incident)
{
	const cJSON *said = cJSON_GetObjectItemCaseSensitive(incident, "said");
	const cJSON *last = cJSON_GetArrayItem(said, cJSON_GetArraySize(said) - 1);
	const struct document d = {
		.tlp = member_text(incident, "tlp"),
		.exercise = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(incident, "exercise")),
		.node = member_text(incident, "owner"),
		.id = member_text(last, "message"),
		.thread = member_text(incident, "id"),
		.title = say_title,
		.text = say_incident,
		.json = incident,
	};

	return document_print(o, &d);
}
