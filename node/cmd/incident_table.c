/* khabar incident: the table of its subcommands. */
#include <stdio.h>
#include <string.h>

#include "node/cmd/incident.h"
#include "protocol/admin.h"
#include "protocol/incident.h"

static int run_note(struct incident_call *call)
{
	return incident_say(call, "note");
}

static int run_ack(struct incident_call *call)
{
	return incident_say(call, "acknowledge");
}

static int run_notify(struct incident_call *call)
{
	return incident_say(call, "notify");
}

static int run_request_help(struct incident_call *call)
{
	return incident_say(call, "request-help");
}

static int run_transfer(struct incident_call *call)
{
	return incident_say(call, "transfer");
}

static int run_accept(struct incident_call *call)
{
	return incident_say(call, "accept");
}

static int run_take(struct incident_call *call)
{
	return incident_say(call, "take");
}

static int run_renew(struct incident_call *call)
{
	return incident_say(call, "renew");
}

static int run_close(struct incident_call *call)
{
	call->o.status = "closed";
	return incident_update(call);
}

static int run_reopen(struct incident_call *call)
{
	call->o.status = "reopened";
	return incident_update(call);
}

/* "abusive-content: spam violence" */
static void print_class(const struct cmd_context *c, const char *line)
{
	struct text t;
	size_t n = strcspn(line, ":");
	char word[64];

	if (!c->json) {
		puts(line);
		return;
	}
	text_init(&t);
	text_str(&t, "{");
	snprintf(word, sizeof word, "%.*s", (int)n, line);
	admin_put_string(&t, "class", word);
	admin_put_name(&t, "types");
	text_str(&t, "[");
	for (line += n + 1; *(line += strspn(line, " ")); line += n) {
		n = strcspn(line, " ");
		snprintf(word, sizeof word, "%.*s", (int)n, line);
		admin_put_string(&t, NULL, word);
	}
	text_str(&t, "]}");
	print_built(&t);
}

static int run_classes(struct incident_call *call)
{
	const char *line;

	for (size_t i = 0; (line = incident_class_line(i)); i++)
		print_class(call->c, line);
	return EXIT_DONE;
}

enum takes {
	FIELDS = 1,  /* what an incident is made of */
	OPENING = 2, /* only at the beginning */
	STAGE = 4,
	TO = 8,
	REASON = 16,
	LISTING = 32,
	SENDS = 64,
	OUT = 128,
	CHANGE = 256,
	SHOWN = 512,
};

static const struct {
	const char *name;
	int (*run)(struct incident_call *call);
	unsigned takes;
} subcommands[] = {
	{"open", incident_open, FIELDS | OPENING | TO | SENDS},
	{"update", incident_update, FIELDS | STAGE | CHANGE | SENDS},
	{"note", run_note, SENDS},
	{"ack", run_ack, SENDS},
	{"notify", run_notify, TO | SENDS},
	{"request-help", run_request_help, TO | SENDS},
	{"transfer", run_transfer, TO | SENDS},
	{"accept", run_accept, SENDS},
	{"take", run_take, REASON | SENDS},
	{"renew", run_renew, SENDS},
	{"close", run_close, SENDS},
	{"reopen", run_reopen, SENDS},
	{"list", incident_list, LISTING},
	{"show", incident_show, SHOWN},
	{"draft", incident_draft, STAGE},
	{"export", incident_export, OUT},
	{"classes", run_classes, 0},
};

static size_t rules_of(struct option_rule *rules, struct incident_options *o, unsigned takes)
{
	const struct {
		unsigned takes;
		struct option_rule rule;
	} all[] = {
		{FIELDS, {"title", OPTION_TEXT, &o->title, 0, 0}},
		{FIELDS, {"description", OPTION_TEXT, &o->description, 0, 0}},
		{FIELDS, {"class", OPTION_TEXT, &o->class, 0, 0}},
		{FIELDS, {"type", OPTION_TEXT, &o->type, 0, 0}},
		{FIELDS, {"severity", OPTION_TEXT, &o->severity, 0, 0}},
		{FIELDS, {"determination", OPTION_TEXT, &o->determination, 0, 0}},
		{FIELDS, {"assignee", OPTION_TEXT, &o->assignee, 0, 0}},
		{FIELDS, {"affected", OPTION_LIST, &o->affected, 0, 0}},
		{FIELDS, {"link", OPTION_LIST, &o->links, 0, 0}},
		{FIELDS, {"reported-by", OPTION_TEXT, &o->reported_by, 0, 0}},
		{FIELDS, {"file", OPTION_TEXT, &o->file, 0, 0}},
		{FIELDS, {"critical-infrastructure", OPTION_FLAG, &o->critical, 0, 0}},
		{OPENING, {"tlp", OPTION_TEXT, &o->tlp, 0, 0}},
		{OPENING, {"aware", OPTION_TEXT, &o->aware, 0, 0}},
		{OPENING, {"exercise", OPTION_FLAG, &o->exercise, 0, 0}},
		{OPENING, {"early-warning", OPTION_FLAG, &o->early_warning, 0, 0}},
		{CHANGE, {"status", OPTION_TEXT, &o->status, 0, 0}},
		{STAGE, {"stage", OPTION_TEXT, &o->stage, 0, 0}},
		{CHANGE, {"text", OPTION_TEXT, &o->text, 0, 0}},
		{CHANGE, {"not-critical", OPTION_FLAG, &o->not_critical, 0, 0}},
		{CHANGE, {"not-affected", OPTION_LIST, &o->not_affected, 0, 0}},
		{CHANGE, {"unlink", OPTION_LIST, &o->unlink, 0, 0}},
		{TO, {"to", OPTION_LIST, &o->to, 0, 0}},
		{REASON, {"reason", OPTION_TEXT, &o->reason, 0, 0}},
		{LISTING, {"open", OPTION_FLAG, &o->open, 0, 0}},
		{LISTING, {"owner", OPTION_TEXT, &o->owner, 0, 0}},
		{SHOWN, {"format", OPTION_TEXT, &o->document.format, 0, 0}},
		{SHOWN, {"from", OPTION_TEXT, &o->document.from, 0, 0}},
		{OUT, {"out", OPTION_TEXT, &o->out, 0, 0}},
		{SENDS, {"as", OPTION_TEXT, &o->as, 0, 0}},
		{SENDS, {"dry-run", OPTION_FLAG, &o->dry_run, 0, 0}},
	};
	size_t n = 0;

	for (size_t i = 0; i < sizeof all / sizeof *all; i++)
		if (all[i].takes & takes)
			rules[n++] = all[i].rule;
	return n;
}

int cmd_incident(const struct cmd_context *c, int argc, char **argv)
{
	struct option_rule rules[OPTION_RULES_MAX];
	struct incident_call call = {.c = c};
	char what[64];
	int first, code;

	if (argc < 2)
		return cmd_misused("khabar incident", "what about it? open, list, show, ...");
	for (size_t i = 0; i < sizeof subcommands / sizeof *subcommands; i++) {
		size_t n;
		if (strcmp(subcommands[i].name, argv[1]) != 0)
			continue;
		snprintf(what, sizeof what, "khabar incident %s", argv[1]);
		call.what = what;
		n = rules_of(rules, &call.o, subcommands[i].takes);
		code = options_read(what, rules, n, argc - 1, argv + 1, &first);
		if (code)
			return code;
		call.argc = argc - 1 - first;
		call.argv = argv + 1 + first;
		return subcommands[i].run(&call);
	}
	return cmd_misused("khabar incident", "\"%s\" is no subcommand", argv[1]);
}
